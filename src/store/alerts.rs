//! Alert rules and their events.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use super::catalog::Page;
use crate::domain::rule::{Again, Fallback};
use crate::domain::{
    ChannelId, Condition, Delivery, DeliveryStatus, Event, EventId, ProductId, RuleId, RuleScope, RuleSettings,
    Severity, TenantId,
};

/// The webhook of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleWebhook {
    /// The URL that deliveries are sent to.
    pub url: String,
    /// The key that signs deliveries (`whsec_…`).
    pub secret: String,
}

/// The channels of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleChannels {
    /// Told at each crossing.
    pub told: Vec<ChannelId>,
    /// Told when none of the others has delivered.
    pub fallback: Option<Fallback>,
}

/// A rule to be added.
#[derive(Debug, Clone)]
pub struct NewRule {
    /// The tenant.
    pub tenant_id: TenantId,
    /// What it is about. A product belongs to the tenant.
    pub scope: RuleScope,
    /// Its settings.
    pub settings: RuleSettings,
    /// A webhook of its own.
    pub webhook: Option<RuleWebhook>,
    /// The channels that are told.
    pub channels: RuleChannels,
    /// How many rules the tenant may have, including this one.
    pub quota: u32,
}

/// A rule as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRow {
    /// Identifier.
    pub id: RuleId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// What it is about.
    pub scope: RuleScope,
    /// Its settings.
    pub settings: RuleSettings,
    /// Rises with each change of its settings.
    pub version: i64,
    /// A webhook of its own.
    pub webhook: Option<RuleWebhook>,
    /// The channels that are told.
    pub channels: RuleChannels,
    /// It is evaluated, and nothing is sent until then.
    pub snoozed_until: Option<Timestamp>,
    /// True when its next crossing fires; of a rule about several products: true.
    pub is_armed: bool,
    /// Crossings so far, of all its products.
    pub crossings: u32,
    /// When it last fired, by the events that are kept.
    pub last_fired_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its settings were last changed.
    pub updated_at: Timestamp,
}

/// Changes of a rule. `None` leaves a setting as it is.
#[derive(Debug, Clone, Default)]
pub struct RulePatch {
    /// A name for people.
    pub name: Option<Option<String>>,
    /// The condition. What the rule remembers of the old one is forgotten.
    pub condition: Option<Condition>,
    /// When it fires again while the condition holds.
    pub again: Option<Option<Again>>,
    /// The cooldown.
    pub cooldown_secs: Option<u32>,
    /// How urgent it is.
    pub severity: Option<Severity>,
    /// Whether it is paused.
    pub is_paused: Option<bool>,
    /// When it ends.
    pub expires_at: Option<Option<Timestamp>>,
    /// Until when nothing is sent.
    pub snoozed_until: Option<Option<Timestamp>>,
    /// The channels that are told.
    pub channels: Option<RuleChannels>,
    /// The version that is changed; `None`: whichever it is.
    pub expected_version: Option<i64>,
}

/// An event with its deliveries.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// The event.
    pub event: Event,
    /// Its deliveries.
    pub deliveries: Vec<Delivery>,
}

/// Which rules are listed.
#[derive(Debug, Clone, Default)]
pub struct RuleFilter {
    /// Only those about this product itself.
    pub product_id: Option<ProductId>,
    /// Only those about the products with this tag.
    pub tag: Option<String>,
}

impl RuleFilter {
    /// The rules about one product itself.
    pub fn of_product(product_id: ProductId) -> Self {
        Self { product_id: Some(product_id), tag: None }
    }
}

/// Which events are listed.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only those of this product.
    pub product_id: Option<ProductId>,
    /// Only those of this rule.
    pub rule_id: Option<RuleId>,
    /// Only those at or after this time.
    pub since: Option<Timestamp>,
    /// Only those before this time.
    pub until: Option<Timestamp>,
    /// Only those of rules that had this severity.
    pub severity: Option<Severity>,
    /// Only those with a delivery in this state.
    pub delivery: Option<DeliveryStatus>,
}

impl EventFilter {
    /// All events of one product, or of all.
    pub fn of_product(product_id: Option<ProductId>) -> Self {
        Self { product_id, ..Self::default() }
    }
}

/// The rules and events of tenants.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Creates a rule. If it is about one product, its listing is due now, so that a condition that is already met fires at once.
    /// [`OverQuota`](super::StoreError::OverQuota): the tenant has as many rules as it may.
    async fn add_rule(&self, rule: NewRule) -> StoreResult<RuleRow>;

    /// One rule of a tenant.
    async fn rule(&self, tenant_id: TenantId, id: RuleId) -> StoreResult<RuleRow>;

    /// A page of a tenant's rules, newest first.
    async fn rules(
        &self,
        tenant_id: TenantId,
        filter: &RuleFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<RuleRow>>;

    /// Changes a rule. [`Changed`](super::StoreError::Changed): it has another version than expected.
    async fn update_rule(&self, tenant_id: TenantId, id: RuleId, patch: RulePatch) -> StoreResult<RuleRow>;

    /// Deletes a rule. Its events and deliveries stay.
    async fn remove_rule(&self, tenant_id: TenantId, id: RuleId) -> StoreResult<()>;

    /// A page of a tenant's events, newest first.
    async fn events(
        &self,
        tenant_id: TenantId,
        filter: &EventFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<EventRow>>;

    /// One event of a tenant.
    async fn event(&self, tenant_id: TenantId, id: EventId) -> StoreResult<EventRow>;
}
