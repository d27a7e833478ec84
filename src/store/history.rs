//! The history of listings: typed change-only points.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::domain::{ListingId, ListingState, Point, Series};

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

    /// Imports points of the past and the state that they lead to. Returns `false` and changes nothing if the listing has been
    /// crawled or has points.
    async fn import(&self, listing_id: ListingId, points: &[Point], state: &ListingState) -> StoreResult<bool>;
}
