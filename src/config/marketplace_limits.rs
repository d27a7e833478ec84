//! `[crawl.by_marketplace]`: limits of single marketplaces.

use serde::{Deserialize, Serialize};

use crate::domain::PeakHours;

/// Limits of the source `direct` on one marketplace, in place of those of `[crawl]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MarketplaceLimits {
    /// Requests per minute, for all replicas together.
    pub requests_per_minute: Option<u32>,
    /// Requests that may be made at once after an idle period.
    pub burst: Option<u32>,
    /// Concurrent crawls.
    pub concurrency: Option<usize>,
    /// Local times at which scheduled crawls are slowed down. Requested crawls are not.
    pub peak_hours: Vec<PeakHours>,
    /// Scheduled crawls per minute at those times, for all replicas together.
    pub peak_requests_per_minute: Option<u32>,
}
