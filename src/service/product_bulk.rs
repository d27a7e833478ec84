//! Changes of many products at once.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::access::Caller;
use super::products::{check_frequency, normalize_tags, valid};
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::domain::{ProductId, Scope};
use crate::store::{
    AuditEvent, Creation, IdempotencyClaim, ProductFilter, ProductsChange, ProductsChanged, SettingsChange, StoreError,
    idempotently,
};

/// Maximum products of a request: more would hold too many locks in one transaction.
pub const MAX_PRODUCTS_AT_ONCE: usize = 1000;

/// Which products are changed.
#[derive(Debug, Clone)]
pub enum BulkTarget {
    /// These.
    Ids(Vec<ProductId>),
    /// The first ones, in the order of their ids, that match.
    Matching {
        /// What they must be like.
        filter: ProductFilter,
        /// Only those whose price is the lowest of 90 days.
        is_at_low: bool,
        /// Only those behind this one.
        after: Option<ProductId>,
    },
}

/// What is done to them.
#[derive(Debug, Clone)]
pub enum BulkAction {
    /// Their settings change.
    Change(SettingsChange),
    /// They are crawled.
    Crawl,
    /// They are deleted.
    Delete,
}

impl Service {
    /// Changes many products, all or none but those that cannot be changed. Needs the scope that the same change of one product needs.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`], [`ServiceError::Invalid`], [`ServiceError::OverQuota`] of crawls.
    pub async fn change_products(
        &self,
        caller: Caller,
        target: BulkTarget,
        action: BulkAction,
        claim: Option<IdempotencyClaim<ProductsChanged>>,
    ) -> ServiceResult<Creation<ProductsChanged>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let (scope, name) = match &action {
                BulkAction::Change(_) => (Scope::ProductWrite, "product.update"),
                BulkAction::Crawl => (Scope::CrawlCreate, "crawl.request"),
                BulkAction::Delete => (Scope::ProductDelete, "product.delete"),
            };
            caller.require(scope)?;
            let change = checked(action, &caller)?;
            let (ids, next_after) = deps.targets(&caller, target).await?;
            let changing = deps.store.change_products(caller.tenant_id, &ids, &change, next_after);
            let changed = match idempotently(claim, changing).await {
                Err(StoreError::OverQuota { quota, limit }) => {
                    let day_ends_at = deps.store.usage(caller.tenant_id).await?.day_ends_at;
                    let left = Duration::try_from(day_ends_at.duration_since(Timestamp::now())).unwrap_or_default();
                    return Err(ServiceError::OverQuota { quota, limit, resets_in: Some(left) });
                }
                changed => changed?,
            };
            if let Creation::Created(changed) = &changed {
                deps.wake();
                changed.changed.iter().for_each(|id| deps.invalidation.product_changed(*id));
                let facts = json!({ "products": changed.changed });
                deps.audit(AuditEvent { facts, ..caller.audit_event(name, None) }).await;
            }
            Ok(changed)
        })
        .await
    }
}

impl Dependencies {
    /// The products, each once, and behind which one more of them match.
    async fn targets(&self, caller: &Caller, target: BulkTarget) -> ServiceResult<(Vec<ProductId>, Option<ProductId>)> {
        let (filter, is_at_low, after) = match target {
            BulkTarget::Ids(ids) => {
                let mut seen = HashSet::new();
                let ids: Vec<ProductId> = ids.into_iter().filter(|id| seen.insert(*id)).collect();
                if ids.is_empty() || ids.len() > MAX_PRODUCTS_AT_ONCE {
                    let message = format!("must name 1 to {MAX_PRODUCTS_AT_ONCE} products");
                    return Err(ServiceError::invalid("ids", message));
                }
                return Ok((ids, None));
            }
            BulkTarget::Matching { filter, is_at_low, after } => (filter, is_at_low, after),
        };
        let at_low_at = if is_at_low { Some(self.store.now().await?) } else { None };
        let filter = ProductFilter { at_low_at, ..filter };
        // One more than are changed shows whether there are more.
        let limit = u32::try_from(MAX_PRODUCTS_AT_ONCE).unwrap_or(u32::MAX).saturating_add(1);
        let mut ids = self.store.matching_products(caller.tenant_id, &filter, after, limit).await?;
        let has_more = ids.len() > MAX_PRODUCTS_AT_ONCE;
        ids.truncate(MAX_PRODUCTS_AT_ONCE);
        let next_after = ids.last().copied().filter(|_| has_more);
        Ok((ids, next_after))
    }
}

/// The change, as the plan allows it.
fn checked(action: BulkAction, caller: &Caller) -> ServiceResult<ProductsChange> {
    let change = match action {
        BulkAction::Change(change) => change,
        BulkAction::Crawl => return Ok(ProductsChange::Crawl { crawls_per_day: caller.plan.crawls_per_day }),
        BulkAction::Delete => return Ok(ProductsChange::Delete),
    };
    let mut errors = Vec::new();
    check_frequency(change.frequency, &caller.plan, &mut errors);
    let add_tags = normalize_tags(change.add_tags, &mut errors);
    let remove_tags = normalize_tags(change.remove_tags, &mut errors);
    valid(errors.into_iter().map(|error| error.within("change.")).collect())?;
    let change = SettingsChange { add_tags, remove_tags, ..change };
    if change == SettingsChange::default() {
        return Err(ServiceError::invalid("change", "must change something"));
    }
    Ok(ProductsChange::Settings(change))
}
