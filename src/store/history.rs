//! The history of listings: typed change-only points.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::domain::{ListingId, ListingState, Point, Series};

/// Reads and imports points. Appending is the commit's work.
#[async_trait]
pub trait History: Send + Sync {
    /// The points of some series with `from <= at < to`, and before them the one that holds at `from`, by series, category and time.
    /// At most `limit` points: the earliest.
    async fn points(
        &self,
        listing_id: ListingId,
        series: &[Series],
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        limit: u32,
    ) -> StoreResult<Vec<Point>>;

    /// Takes over points of the past and the state they lead to, for a listing that has neither: a listing that was looked at already
    /// is left alone, and `false` returned.
    async fn import(&self, listing_id: ListingId, points: &[Point], state: &ListingState) -> StoreResult<bool>;
}
