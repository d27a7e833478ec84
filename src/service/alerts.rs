//! Alert rules and their events.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;

use super::access::Caller;
use super::auth::check_name;
use super::products::valid;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::domain::product::normalize_tags;
use crate::domain::rule::Again;
use crate::domain::{
    ChannelId, Condition, Currency, DeliveryId, EventId, Product, ProductId, RuleId, RuleScope, RuleSettings, TenantId,
    WebhookUrl,
};
use crate::store::{
    Creation, EventFilter, EventRow, IdempotencyClaim, NewRule, Page, RuleChannels, RuleFilter, RulePatch, RuleRow,
    RuleWebhook, StoreError, idempotently,
};

/// Maximum length of a cooldown.
const MAX_COOLDOWN_SECS: u32 = 30 * 86_400;
/// Maximum percentage of `again`, in hundredths.
const MAX_FURTHER_HUNDREDTHS: i64 = 10_000;

/// A rule to create.
#[derive(Debug, Clone)]
pub struct AddRule {
    /// What it is about.
    pub scope: RuleScope,
    /// Its settings.
    pub settings: RuleSettings,
    /// The path of the condition in the request: `when.`, or nothing.
    pub condition_path: &'static str,
    /// The URL of a webhook of its own.
    pub webhook_url: Option<String>,
    /// The channels that are told.
    pub channels: RuleChannels,
    /// It may tell nobody: whoever wants to know asks for its events.
    pub may_be_silent: bool,
}

impl Service {
    /// Creates a rule. If it is about one product, its listing is crawled at once, so that the rule fires if its condition is met
    /// already; the listings of other rules are crawled when they are due.
    pub async fn add_rule(
        &self,
        caller: Caller,
        request: AddRule,
        claim: Option<IdempotencyClaim<RuleRow>>,
    ) -> ServiceResult<Creation<RuleRow>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let AddRule { scope, settings, condition_path, webhook_url, channels, may_be_silent } = request;
            let mut errors = Vec::new();
            let scope = checked_scope(scope, &mut errors);
            let webhook = webhook_url.and_then(|url| deps.checked_webhook(&url, &mut errors));
            if webhook.is_none() && channels.told.is_empty() && !may_be_silent && errors.is_empty() {
                errors.push(FieldError::new("channels", "is required, or `webhook_url`"));
            }
            check_channels(&channels, &mut errors);
            check_settings(&settings, &mut errors);
            let product = match &scope {
                RuleScope::Product(id) => Some(deps.product_of_rule(caller.tenant_id, *id).await?),
                RuleScope::Tag(_) | RuleScope::All => None,
            };
            check_condition(&settings.condition, currency_of(product.as_ref()), condition_path, &mut errors);
            if !errors.is_empty() {
                return Err(ServiceError::Invalid(errors));
            }
            deps.check_competitor_sets(caller.tenant_id, &settings.condition, product.as_ref(), condition_path).await?;
            let (tenant_id, quota) = (caller.tenant_id, caller.plan.alerts);
            let rule = NewRule { tenant_id, scope, settings, webhook, channels, quota };
            let added = idempotently(claim, deps.store.add_rule(rule)).await.map_err(unknown_channel)?;
            if let Creation::Created(row) = &added {
                deps.rule_changed(&caller, row, "alert.add").await;
            }
            Ok(added)
        })
        .await
    }

    /// One rule.
    pub async fn rule(&self, tenant_id: TenantId, id: RuleId) -> ServiceResult<RuleRow> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.rule(tenant_id, id).await?)).await
    }

    /// A page of rules, newest first.
    pub async fn rules(
        &self,
        tenant_id: TenantId,
        filter: RuleFilter,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<RuleRow>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.rules(tenant_id, &filter, cursor.as_deref(), limit).await?)
        })
        .await
    }

    /// Changes a rule. With a new condition, it is evaluated as if it were new, but goes on counting its crossings.
    ///
    /// # Errors
    /// [`ServiceError::Changed`] if it does not have the expected version.
    pub async fn update_rule(&self, caller: Caller, id: RuleId, patch: RulePatch) -> ServiceResult<RuleRow> {
        self.run(async move |deps: Arc<Dependencies>| {
            let before = deps.store.rule(caller.tenant_id, id).await?;
            let product = match before.scope {
                RuleScope::Product(id) => Some(deps.product_of_rule(caller.tenant_id, id).await?),
                RuleScope::Tag(_) | RuleScope::All => None,
            };
            let mut errors = Vec::new();
            check_settings(&settings_after(&before.settings, &patch), &mut errors);
            if let Some(condition) = &patch.condition {
                check_condition(condition, currency_of(product.as_ref()), "when.", &mut errors);
            }
            if !errors.is_empty() {
                return Err(ServiceError::Invalid(errors));
            }
            if let Some(condition) = &patch.condition {
                deps.check_competitor_sets(caller.tenant_id, condition, product.as_ref(), "when.").await?;
            }
            if let Some(channels) = &patch.channels {
                check_channels(channels, &mut errors);
                if channels.told.is_empty() && before.webhook.is_none() {
                    errors.push(FieldError::new("channels", "must not be empty: the alert has no webhook"));
                }
                valid(errors)?;
            }
            let row = deps.store.update_rule(caller.tenant_id, id, patch).await.map_err(|error| match error {
                StoreError::NotFound("channel") => unknown_channel(error),
                other => other.into(),
            })?;
            deps.rule_changed(&caller, &row, "alert.update").await;
            Ok(row)
        })
        .await
    }

    /// Deletes a rule. Its events stay; pending deliveries are cancelled.
    pub async fn remove_rule(&self, caller: Caller, id: RuleId) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            deps.store.remove_rule(caller.tenant_id, id).await?;
            deps.audit(caller.audit_event("alert.delete", Some(format!("alert:{id}")))).await;
            Ok(())
        })
        .await
    }

    /// Sends a dead delivery of the caller's tenant again.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when there is no dead one with this id, or its rule was deleted.
    pub async fn retry_delivery(&self, caller: Caller, id: DeliveryId) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            if !deps.store.retry_delivery(Some(caller.tenant_id), id).await? {
                return Err(ServiceError::NotFound("dead delivery"));
            }
            deps.notifier.wake();
            deps.audit(caller.audit_event("delivery.retry", Some(format!("delivery:{id}")))).await;
            Ok(())
        })
        .await
    }

    /// A page of events, newest first.
    pub async fn events(
        &self,
        tenant_id: TenantId,
        filter: EventFilter,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<EventRow>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.events(tenant_id, &filter, cursor.as_deref(), limit).await?)
        })
        .await
    }

    /// One event.
    pub async fn event(&self, tenant_id: TenantId, id: EventId) -> ServiceResult<EventRow> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.event(tenant_id, id).await?)).await
    }
}

impl Dependencies {
    /// The product that a request names.
    pub(super) async fn product_of_rule(&self, tenant_id: TenantId, id: ProductId) -> ServiceResult<Product> {
        self.store.product(tenant_id, id).await.map_err(|error| match error {
            StoreError::NotFound(_) => ServiceError::invalid_reference("product_id", "product"),
            other => other.into(),
        })
    }

    /// Refuses competitor sets that the tenant does not have, or whose own product is another one than the rule's.
    pub(super) async fn check_competitor_sets(
        &self,
        tenant_id: TenantId,
        condition: &Condition,
        product: Option<&Product>,
        path: &str,
    ) -> ServiceResult<()> {
        let field = format!("{path}{}", if condition.children().is_empty() { "set_id" } else { "of" });
        for id in condition.competitor_sets() {
            let set = match self.store.competitor_set(tenant_id, id).await {
                Err(StoreError::NotFound(_)) => return Err(ServiceError::invalid_reference(&field, "competitor set")),
                found => found?,
            };
            if product.is_none_or(|product| product.id != set.product_id) {
                return Err(ServiceError::invalid(
                    &field,
                    "must be a competitor set whose own product is that of the alert",
                ));
            }
        }
        Ok(())
    }

    fn checked_webhook(&self, url: &str, errors: &mut Vec<FieldError>) -> Option<RuleWebhook> {
        match WebhookUrl::parse(url, self.notify.allow_private_targets) {
            Ok(url) => Some(RuleWebhook { url: url.as_str().to_owned(), secret: new_webhook_secret() }),
            Err(error) => {
                errors.push(FieldError::new("webhook_url", error));
                None
            }
        }
    }

    async fn rule_changed(self: &Arc<Self>, caller: &Caller, row: &RuleRow, action: &'static str) {
        if let RuleScope::Product(product_id) = row.scope {
            self.invalidation.product_changed(product_id);
            self.wake();
        }
        self.audit(caller.audit_event(action, Some(format!("alert:{}", row.id)))).await;
    }
}

/// Maximum channels of a rule.
const MAX_CHANNELS: usize = 20;
/// Maximum time until a fallback is used.
const MAX_FALLBACK_SECS: u32 = 7 * 86_400;

fn check_channels(channels: &RuleChannels, errors: &mut Vec<FieldError>) {
    if channels.told.len() > MAX_CHANNELS {
        errors.push(FieldError::new("channels", format!("must have at most {MAX_CHANNELS} channels")));
    }
    let distinct: BTreeSet<ChannelId> = channels.told.iter().copied().collect();
    if distinct.len() < channels.told.len() {
        errors.push(FieldError::new("channels", "must name each channel once"));
    }
    if let Some(fallback) = &channels.fallback {
        if distinct.contains(&fallback.channel) {
            errors.push(FieldError::new("fallback.channel", "must not be one of `channels`"));
        }
        if fallback.after_secs > MAX_FALLBACK_SECS {
            errors.push(FieldError::new("fallback.after_secs", format!("must be at most {MAX_FALLBACK_SECS}")));
        }
    }
}

fn unknown_channel(error: StoreError) -> ServiceError {
    match error {
        StoreError::NotFound("channel") => ServiceError::invalid_reference("channels", "channel"),
        other => other.into(),
    }
}

pub(super) fn currency_of(product: Option<&Product>) -> Option<Currency> {
    product.map(|product| product.listing.marketplace.currency())
}

/// The settings as a patch leaves them.
fn settings_after(settings: &RuleSettings, patch: &RulePatch) -> RuleSettings {
    RuleSettings {
        name: patch.name.clone().unwrap_or_else(|| settings.name.clone()),
        again: patch.again.unwrap_or(settings.again),
        cooldown_secs: patch.cooldown_secs.unwrap_or(settings.cooldown_secs),
        // One that has passed may stay.
        expires_at: patch.expires_at.flatten(),
        ..settings.clone()
    }
}

fn checked_scope(scope: RuleScope, errors: &mut Vec<FieldError>) -> RuleScope {
    let RuleScope::Tag(tag) = scope else { return scope };
    match normalize_tags([tag.clone()]).map(|tags| tags.into_iter().next()) {
        Ok(Some(tag)) => RuleScope::Tag(tag),
        Ok(None) => RuleScope::Tag(tag),
        Err(messages) => {
            errors.extend(messages.iter().map(|message| FieldError::new("scope.tag", message)));
            RuleScope::Tag(tag)
        }
    }
}

/// Adds what is wrong with a condition. `path` is that of the condition in the request, with a dot at its end.
pub(super) fn check_condition(
    condition: &Condition,
    currency: Option<Currency>,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    for error in condition.check(currency) {
        let field = format!("{path}{}", error.field);
        errors.push(FieldError::new(field.trim_end_matches('.'), error.message));
    }
}

/// Adds what is wrong with the other settings of a rule.
pub(super) fn check_settings(settings: &RuleSettings, errors: &mut Vec<FieldError>) {
    if let Some(name) = &settings.name {
        check_name("name", name, errors);
    }
    if let Some(Again { further_percent }) = settings.again
        && !(1..=MAX_FURTHER_HUNDREDTHS).contains(&further_percent.hundredths)
    {
        errors.push(FieldError::new("again.further_percent", "must be between 0.01 and 100"));
    }
    if settings.cooldown_secs > MAX_COOLDOWN_SECS {
        errors.push(FieldError::new("cooldown_secs", format!("must be at most {MAX_COOLDOWN_SECS}")));
    }
    if settings.expires_at.is_some_and(|expires_at| expires_at <= Timestamp::now()) {
        errors.push(FieldError::new("expires_at", "must be in the future"));
    }
}

/// A new signing key, in the format of Standard Webhooks.
pub fn new_webhook_secret() -> String {
    format!("whsec_{}", BASE64.encode(rand::random::<[u8; 32]>()))
}
