//! Adds the products of a file.

use super::{ITEMS_PER_STEP, JobTools};
use crate::domain::{ImportLine, ProductDefaults};
use crate::files::FileLine;
use crate::store::{ClaimedJob, ImportItem, NewJobItem, StoreResult};

/// A line of a file as an item, in the form that [`step`] reads.
pub fn item_of(line: FileLine) -> NewJobItem {
    let (input, error) = match line.content {
        // A line is a few texts: it always serializes.
        Ok(content) => (serde_json::to_string(&content).unwrap_or_default(), None),
        Err(error) => (String::new(), Some(error)),
    };
    NewJobItem { place: line.number, input, error }
}

/// Adds the products of the next lines.
pub(super) async fn step(
    tools: &JobTools,
    job: &ClaimedJob,
    is_dry_run: bool,
    defaults: &ProductDefaults,
) -> StoreResult<()> {
    let unprocessed = tools.store.unprocessed_items(&job.lease, ITEMS_PER_STEP).await?;
    if unprocessed.is_empty() {
        return tools.store.settle_job(&job.lease).await;
    }
    let plan = tools.plans.of(&job.plan);
    let product = |input: &str| {
        let line: ImportLine = serde_json::from_str(input).map_err(|error| error.to_string())?;
        line.product(defaults, tools.default_marketplace, plan.min_interval)
    };
    let item = |item: &crate::store::UnprocessedItem| ImportItem { place: item.place, product: product(&item.input) };
    let items = unprocessed.iter().map(item).collect();
    tools.store.import_items(&job.lease, items, plan.products, is_dry_run).await
}
