//! Rows of rules.

use jiff::Timestamp;
use sqlx::types::Json;
use uuid::Uuid;

use super::rows::{count, time, word};
use super::{RuleChannels, RuleRow, RuleWebhook, StoreError, StoreResult};
use crate::domain::rule::{Again, LeafState};
use crate::domain::{
    Condition, ListingId, ProductId, Rule, RuleId, RuleScope, RuleSettings, RuleState, SellerId, TenantId,
};

/// The columns of [`RuleColumns`].
pub(super) const RULE_COLUMNS: &str = "id, tenant_id, product_id, tag, condition, webhook_url, webhook_secret, name, again, \
       cooldown_secs, severity, is_paused, snoozed_until, expires_at, armed, created_at, updated_at, version, \
       CASE WHEN product_id IS NULL THEN coalesce((SELECT CAST(sum(s.crossings) AS bigint) FROM rule_state s \
         WHERE s.rule_id = alert_rule.id), 0) ELSE crossings END AS crossings, \
       (SELECT max(e.at) FROM event e WHERE e.rule_id = alert_rule.id) AS last_fired_at";

/// A rule as its owner sees it.
#[derive(sqlx::FromRow)]
pub(super) struct RuleColumns {
    pub id: Uuid,
    tenant_id: Uuid,
    product_id: Option<Uuid>,
    tag: Option<String>,
    webhook_url: Option<String>,
    webhook_secret: Option<String>,
    snoozed_until: Option<i64>,
    armed: bool,
    crossings: i64,
    last_fired_at: Option<i64>,
    pub created_at: i64,
    updated_at: Option<i64>,
    version: i64,
    #[sqlx(flatten)]
    settings: SettingsColumns,
}

/// The settings of a rule.
#[derive(sqlx::FromRow)]
struct SettingsColumns {
    name: Option<String>,
    condition: Json<Condition>,
    again: Option<Json<Again>>,
    cooldown_secs: i32,
    severity: String,
    is_paused: bool,
    expires_at: Option<i64>,
}

impl TryFrom<SettingsColumns> for RuleSettings {
    type Error = StoreError;

    fn try_from(row: SettingsColumns) -> StoreResult<Self> {
        Ok(Self {
            name: row.name,
            condition: row.condition.0,
            again: row.again.map(|again| again.0),
            cooldown_secs: count(row.cooldown_secs)?,
            severity: word(&row.severity)?,
            is_paused: row.is_paused,
            expires_at: optional_time(row.expires_at)?,
        })
    }
}

fn optional_time(ms: Option<i64>) -> StoreResult<Option<Timestamp>> {
    ms.map(time).transpose()
}

impl TryFrom<RuleColumns> for RuleRow {
    type Error = StoreError;

    fn try_from(row: RuleColumns) -> StoreResult<Self> {
        let scope = match (row.product_id, row.tag) {
            (Some(product_id), _) => RuleScope::Product(ProductId(product_id)),
            (None, Some(tag)) => RuleScope::Tag(tag),
            (None, None) => RuleScope::All,
        };
        let webhook = row.webhook_url.zip(row.webhook_secret).map(|(url, secret)| RuleWebhook { url, secret });
        Ok(Self {
            id: RuleId(row.id),
            tenant_id: TenantId(row.tenant_id),
            is_armed: row.armed || !matches!(scope, RuleScope::Product(_)),
            scope,
            settings: row.settings.try_into()?,
            version: row.version,
            webhook,
            channels: RuleChannels::default(),
            snoozed_until: optional_time(row.snoozed_until)?,
            crossings: count(row.crossings)?,
            last_fired_at: optional_time(row.last_fired_at)?,
            created_at: time(row.created_at)?,
            updated_at: time(row.updated_at.unwrap_or(row.created_at))?,
        })
    }
}

/// The version before keeps the state of its rules in their rows. While both run, what it did counts: the ids of events are made from
/// the number of crossings.
fn take_over(state: &mut RuleState, condition: &Condition, armed: bool, crossings: u32) {
    let is_newer = crossings > state.crossings || armed != state.is_armed();
    if is_newer && matches!(condition, Condition::PriceAtOrBelow { .. }) {
        state.crossings = state.crossings.max(crossings);
        let leaf = LeafState { told: !armed, ..state.leaves.pop().unwrap_or_default() };
        state.leaves = vec![leaf];
    }
}

/// A rule as a crawl evaluates it for one product.
#[derive(sqlx::FromRow)]
pub(super) struct ClaimedRuleColumns {
    id: Uuid,
    condition_version: i64,
    tenant_id: Uuid,
    product_id: Uuid,
    listing_id: i64,
    is_wide: bool,
    seller_ids: Json<Vec<SellerId>>,
    revision: Option<i64>,
    state: Option<Json<RuleState>>,
    armed: bool,
    crossings: i64,
    #[sqlx(flatten)]
    settings: SettingsColumns,
}

impl TryFrom<ClaimedRuleColumns> for Rule {
    type Error = StoreError;

    fn try_from(row: ClaimedRuleColumns) -> StoreResult<Self> {
        let settings: RuleSettings = row.settings.try_into()?;
        let mut state = row.state.map(|state| state.0).unwrap_or_default().of_condition(row.condition_version);
        if !row.is_wide {
            take_over(&mut state, &settings.condition, row.armed, count(row.crossings)?);
        }
        Ok(Self {
            id: RuleId(row.id),
            condition_version: row.condition_version,
            tenant_id: TenantId(row.tenant_id),
            product_id: ProductId(row.product_id),
            listing_id: ListingId(row.listing_id),
            is_wide: row.is_wide,
            settings,
            own_sellers: row.seller_ids.0,
            state,
            revision: row.revision.unwrap_or(0),
        })
    }
}
