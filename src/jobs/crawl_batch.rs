//! Crawls many listings: of a list, of a tag, or all.

use super::{ITEMS_PER_STEP, JobTools};
use crate::domain::product::normalize_tags;
use crate::domain::{CrawlTarget, Listing, ProductDefaults, ProductSettings, ProductStatus};
use crate::store::{BatchItem, ClaimedJob, StoreResult};

/// Lists products, or requests crawls, or counts what has been crawled.
pub(super) async fn step(
    tools: &JobTools,
    job: &ClaimedJob,
    target: &CrawlTarget,
    add: Option<&ProductDefaults>,
) -> StoreResult<()> {
    let store = &tools.store;
    if !job.is_expanded {
        let tag = match target {
            CrawlTarget::Tag(tag) => Some(tag.as_str()),
            CrawlTarget::All | CrawlTarget::Listings => None,
        };
        return store.expand_batch(&job.lease, tag, ITEMS_PER_STEP).await;
    }
    let unprocessed = store.unprocessed_items(&job.lease, ITEMS_PER_STEP).await?;
    if unprocessed.is_empty() {
        return store.settle_job(&job.lease).await;
    }
    // The request was checked when the job was created.
    let item = |item: &crate::store::UnprocessedItem| {
        Some(BatchItem { place: item.place, listing: Listing::from_key(&item.input)? })
    };
    let items = unprocessed.iter().filter_map(item).collect();
    let plan = tools.plans.of(&job.plan);
    let adds = add.map(|defaults| (settings_of(defaults), plan.products));
    store.request_batch(&job.lease, items, plan.crawls_per_day, adds).await
}

/// Settings of products that are added without any of their own.
pub(super) fn settings_of(defaults: &ProductDefaults) -> ProductSettings {
    ProductSettings {
        label: None,
        tags: normalize_tags(defaults.tags.iter().cloned()).unwrap_or_default(),
        frequency: defaults.frequency.unwrap_or_default(),
        is_competitor: defaults.is_competitor,
        status: ProductStatus::Active,
        offers_interval: defaults.offers_interval,
    }
}
