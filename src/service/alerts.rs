//! Alert rules and the events they gave rise to.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::access::Caller;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::domain::{Condition, ProductId, RuleId, TenantId, WebhookUrl};
use crate::store::{EventRow, NewRule, Page, RuleRow, StoreError};

/// A rule to create.
#[derive(Debug, Clone)]
pub struct AddRule {
    /// About which product.
    pub product_id: ProductId,
    /// What to wait for.
    pub condition: Condition,
    /// Where to send.
    pub webhook_url: String,
}

impl Service {
    /// Creates a rule; its listing is looked at at once, for a target that is reached already is told at once.
    pub async fn add_rule(&self, caller: Caller, request: AddRule) -> ServiceResult<RuleRow> {
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
                let message = format!("the product's prices are in {currency}");
                return Err(ServiceError::invalid("target.currency", message));
            }
            if target.amount_minor < 0 {
                return Err(ServiceError::invalid("target.amount_minor", "a price is never negative"));
            }
            let rule = NewRule {
                tenant_id,
                product_id,
                condition,
                webhook_url: url.as_str().to_owned(),
                webhook_secret: new_webhook_secret(),
                quota: caller.plan.alerts,
            };
            let rule = deps.store.add_rule(rule).await?;
            deps.invalidation.product_changed(product_id);
            deps.wake();
            deps.audit(caller.audit_event("alert.add", Some(format!("alert:{}", rule.rule.id)))).await;
            Ok(rule)
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

    /// Deletes a rule; its events stay, and what was not delivered yet is called off.
    pub async fn remove_rule(&self, caller: Caller, id: RuleId) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            deps.store.remove_rule(caller.tenant_id, id).await?;
            deps.audit(caller.audit_event("alert.delete", Some(format!("alert:{id}")))).await;
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

/// A new signing key in the form the Standard Webhooks convention gives it.
pub fn new_webhook_secret() -> String {
    format!("whsec_{}", BASE64.encode(rand::random::<[u8; 32]>()))
}
