//! Spreads the crawls of each tenant's adaptive products anew.

use tokio_util::sync::CancellationToken;

use crate::config::Plans;
use crate::domain::{Interval, IntervalBounds};
use crate::store::{SharedStore, StoreResult};

/// The bounds of intervals.
#[derive(Debug, Clone)]
pub struct AllocationSettings {
    /// The shortest interval of a tenant is that of its plan.
    pub plans: Plans,
    /// The longest interval.
    pub max_interval: Interval,
}

/// Computes and stores the allocation of every tenant that has adaptive products, until it is stopped. Rates change little in a few
/// minutes, so a run that is cut short, or made twice, is no harm.
pub(super) async fn allocate_crawls(
    store: &SharedStore,
    settings: &AllocationSettings,
    stopped: &CancellationToken,
) -> StoreResult<()> {
    for (tenant_id, plan) in store.tenants_with_adaptive_products().await? {
        if stopped.is_cancelled() {
            return Ok(());
        }
        let bounds = IntervalBounds { min: settings.plans.of(&plan).min_interval, max: settings.max_interval };
        let allocation = store.crawl_budget(tenant_id, bounds).await?.allocation();
        store.set_crawl_allocation(tenant_id, allocation).await?;
        tracing::debug!(%tenant_id, ?allocation, "spread the crawls of adaptive products");
    }
    Ok(())
}
