//! Alert rules and their events.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::access::Caller;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::domain::{Condition, DeliveryId, ProductId, RuleId, TenantId, WebhookUrl};
use crate::store::{Creation, EventRow, IdempotencyClaim, NewRule, Page, RuleRow, StoreError, idempotently};

/// A rule to create.
#[derive(Debug, Clone)]
pub struct AddRule {
    /// The product.
    pub product_id: ProductId,
    /// The condition.
    pub condition: Condition,
    /// The URL of the webhook.
    pub webhook_url: String,
}

impl Service {
    /// Creates a rule. Its listing is crawled at once, so that the rule fires if the price is at the target already.
    pub async fn add_rule(
        &self,
        caller: Caller,
        request: AddRule,
        claim: Option<IdempotencyClaim<RuleRow>>,
    ) -> ServiceResult<Creation<RuleRow>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let tenant_id = caller.tenant_id;
            let AddRule { product_id, condition, webhook_url } = request;
            let url = WebhookUrl::parse(&webhook_url, deps.notify.allow_private_targets);
            let url = url.map_err(|error| ServiceError::invalid("webhook_url", error))?;
            let product = deps.store.product(tenant_id, product_id).await;
            let product = product.map_err(|error| match error {
                StoreError::NotFound(_) => ServiceError::invalid_reference("product_id", "product"),
                other => other.into(),
            })?;
            let Condition::PriceAtOrBelow { target } = condition;
            let currency = product.listing.marketplace.currency();
            if target.currency != currency {
                let message = format!("must be {currency}, the currency of the product's marketplace");
                return Err(ServiceError::invalid("target.currency", message));
            }
            if target.amount_minor < 0 {
                return Err(ServiceError::invalid("target.amount_minor", "must not be negative"));
            }
            let rule = NewRule {
                tenant_id,
                product_id,
                condition,
                webhook_url: url.as_str().to_owned(),
                webhook_secret: new_webhook_secret(),
                quota: caller.plan.alerts,
            };
            let added = idempotently(claim, deps.store.add_rule(rule)).await?;
            if let Creation::Created(row) = &added {
                deps.invalidation.product_changed(product_id);
                deps.wake();
                deps.audit(caller.audit_event("alert.add", Some(format!("alert:{}", row.rule.id)))).await;
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
        product_id: Option<ProductId>,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<RuleRow>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.rules(tenant_id, product_id, cursor.as_deref(), limit).await?)
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
        product_id: Option<ProductId>,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<EventRow>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.events(tenant_id, product_id, cursor.as_deref(), limit).await?)
        })
        .await
    }
}

/// A new signing key, in the format of Standard Webhooks.
pub fn new_webhook_secret() -> String {
    format!("whsec_{}", BASE64.encode(rand::random::<[u8; 32]>()))
}
