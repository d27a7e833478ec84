//! The history of listings: typed change-only points, the versions of their content, and their last offer list.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::lease::ReadOffers;
use super::{Page, StoreResult};
use crate::domain::{ListingId, ListingState, Point, Series};

/// A version of a listing's content, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredContent {
    /// From when on it holds.
    pub at: Timestamp,
    /// The names of the fields that differ from the version before.
    pub changed: Vec<String>,
    /// All fields that are known, by name.
    pub content: Map<String, Value>,
}

/// A page of points by time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointsPage {
    /// The points.
    pub points: Vec<Point>,
    /// Where the next page begins; `None`: there is none.
    pub next: Option<PointPlace>,
}

/// Where a page of points ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointPlace {
    pub(super) at_ms: i64,
    pub(super) series: i16,
    pub(super) category: String,
}

/// Reads and imports points. Commits append them.
#[async_trait]
pub trait History: Send + Sync {
    /// The points of some series with `from <= at < to`, preceded by the one in effect at `from`; ordered by series, category and
    /// time. At most `limit` points after `from`: the earliest.
    async fn points(
        &self,
        listing_id: ListingId,
        series: &[Series],
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        limit: u32,
    ) -> StoreResult<Vec<Point>>;

    /// A page of the points of some series with `from < at < to`, by time, series and category.
    async fn points_by_time(
        &self,
        listing_id: ListingId,
        series: &[Series],
        range: (Option<Timestamp>, Option<Timestamp>),
        after: Option<&PointPlace>,
        limit: u32,
    ) -> StoreResult<PointsPage>;

    /// A page of the versions of a listing's content, the newest first.
    async fn content_versions(
        &self,
        listing_id: ListingId,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<StoredContent>>;

    /// The last offer list of a listing; `None`: none was ever read.
    async fn offers(&self, listing_id: ListingId) -> StoreResult<Option<ReadOffers>>;

    /// Imports points of the past and the state that they lead to. Returns `false` and changes nothing if the listing has been
    /// crawled or has points.
    async fn import(&self, listing_id: ListingId, points: &[Point], state: &ListingState) -> StoreResult<bool>;
}
