//! What is new for a tenant: changes of the listings it watches, and its events.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::StoreResult;
use crate::domain::{Event, EventId, Listing, ListingId, Point, ProductId, TenantId};

/// What one look changed of a listing that somebody watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The tenant's interest in it.
    pub product_id: ProductId,
    /// The listing.
    pub listing: Listing,
    /// When the look was.
    pub at: Timestamp,
    /// What changed.
    pub points: Vec<Point>,
}

/// Something new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedItem {
    /// A listing changed.
    Change(Change),
    /// A rule fired.
    Alert(Event),
}

impl FeedItem {
    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Change(change) => change.at,
            Self::Alert(event) => event.at,
        }
    }

    /// What it is about: together with the time it tells one piece of item from all others.
    pub fn subject(&self) -> Uuid {
        match self {
            Self::Change(change) => change.product_id.0,
            Self::Alert(event) => event.id.0,
        }
    }
}

/// FeedItem of tenants.
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// What some crawls and events mean to some tenants.
    async fn feed_of(
        &self,
        tenants: &[TenantId],
        crawls: &[(ListingId, Timestamp)],
        events: &[EventId],
    ) -> StoreResult<Vec<(TenantId, FeedItem)>>;

    /// What was new for some tenants lately, the oldest first, and the time by the database's clock; read at most as much as
    /// [`ChangeFeed::feed_since`] does.
    async fn recent_feed(
        &self,
        tenants: &[TenantId],
        within: Duration,
        most: u32,
    ) -> StoreResult<(Timestamp, Vec<(TenantId, FeedItem)>)>;

    /// What was new for a tenant at `since` or later, the oldest first. At most `most` changed values and `most` events are
    /// read: as many as that may mean that there are more.
    async fn feed_since(&self, tenant_id: TenantId, since: Timestamp, most: u32) -> StoreResult<Vec<FeedItem>>;
}
