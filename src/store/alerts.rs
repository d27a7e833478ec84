//! Alert rules and their events.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use super::catalog::Page;
use crate::domain::{Condition, Delivery, Event, ProductId, Rule, RuleId, TenantId};

/// A rule to be added.
#[derive(Debug, Clone)]
pub struct NewRule {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The product, which belongs to the tenant.
    pub product_id: ProductId,
    /// The condition.
    pub condition: Condition,
    /// The URL that deliveries are sent to.
    pub webhook_url: String,
    /// The key that signs deliveries (`whsec_…`).
    pub webhook_secret: String,
    /// How many rules the tenant may have, including this one.
    pub quota: u32,
}

/// A rule as its owner sees it.
#[derive(Debug, Clone)]
pub struct RuleRow {
    /// The rule.
    pub rule: Rule,
    /// The URL that deliveries are sent to.
    pub webhook_url: String,
    /// The key that signs deliveries.
    pub webhook_secret: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An event with its deliveries.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// The event.
    pub event: Event,
    /// Its deliveries.
    pub deliveries: Vec<Delivery>,
}

/// The rules and events of tenants.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Creates a rule and makes its listing due now, so that a condition that is already met fires at once.
    /// [`OverQuota`](super::StoreError::OverQuota): the tenant has as many rules as it may.
    async fn add_rule(&self, rule: NewRule) -> StoreResult<RuleRow>;

    /// One rule of a tenant.
    async fn rule(&self, tenant_id: TenantId, id: RuleId) -> StoreResult<RuleRow>;

    /// A page of a tenant's rules, newest first, of one product if given.
    async fn rules(
        &self,
        tenant_id: TenantId,
        product_id: Option<ProductId>,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<RuleRow>>;

    /// Deletes a rule. Its events and deliveries stay.
    async fn remove_rule(&self, tenant_id: TenantId, id: RuleId) -> StoreResult<()>;

    /// A page of a tenant's events, newest first, of one product if given.
    async fn events(
        &self,
        tenant_id: TenantId,
        product_id: Option<ProductId>,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<EventRow>>;
}
