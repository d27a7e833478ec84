//! Counts the fields that observations lack: if the share of one rises, pages or items have changed their shape.

use crate::domain::{Marketplace, Observation, Reading};
use crate::telemetry::Metrics;

/// Counts what an observation lacks.
pub(super) fn count(metrics: &Metrics, marketplace: Marketplace, observation: &Observation) {
    let missing = [
        ("price", observation.price == Reading::Unknown),
        ("seller", observation.seller == Reading::Unknown && observation.price.value().is_some()),
        ("availability", observation.availability == Default::default()),
        ("rating", observation.rating == Reading::Unknown),
        ("review_count", observation.review_count == Reading::Unknown),
        ("sales_rank", observation.ranks == Reading::Unknown),
        ("brand", observation.brand.is_none()),
        ("image", observation.image_url.is_none()),
    ];
    for (field, _) in missing.into_iter().filter(|(_, is_missing)| *is_missing) {
        metrics.missing_fields.with_label_values(&[field, marketplace.code()]).inc();
    }
}
