//! The change feed of tenants: changes of the listings that they watch, their events, the progress of their jobs, and budgets that are spent.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::StoreResult;
use crate::domain::{BudgetRefusal, Event, EventId, Job, JobId, Listing, ListingId, Point, ProductId, TenantId};

/// What one crawl changed of a listing that a tenant watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The tenant's product.
    pub product_id: ProductId,
    /// The listing.
    pub listing: Listing,
    /// The time of the crawl.
    pub at: Timestamp,
    /// The values that changed.
    pub points: Vec<Point>,
}

/// An item of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedItem {
    /// A listing changed.
    Change(Change),
    /// A rule fired.
    Alert(Event),
    /// A job has made progress.
    Job(Job),
    /// A budget is spent.
    Budget(BudgetRefusal),
}

impl FeedItem {
    /// The time.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Change(change) => change.at,
            Self::Alert(event) => event.at,
            Self::Job(job) => job.updated_at,
            Self::Budget(refusal) => refusal.at,
        }
    }

    /// The product, event, job or budget refusal that it is about. With the time it identifies the item.
    pub fn subject(&self) -> Uuid {
        match self {
            Self::Change(change) => change.product_id.0,
            Self::Alert(event) => event.id.0,
            Self::Job(job) => job.id.0,
            Self::Budget(refusal) => refusal.id,
        }
    }
}

/// The change feed.
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// The items that some crawls, events and jobs mean for some tenants.
    async fn feed_of(
        &self,
        tenants: &[TenantId],
        crawls: &[(ListingId, Timestamp)],
        events: &[EventId],
        jobs: &[JobId],
    ) -> StoreResult<Vec<(TenantId, FeedItem)>>;

    /// The recent items of some tenants, oldest first, and the time by the database's clock. With the same limit as
    /// [`ChangeFeed::feed_since`].
    async fn recent_feed(
        &self,
        tenants: &[TenantId],
        within: Duration,
        most: u32,
    ) -> StoreResult<(Timestamp, Vec<(TenantId, FeedItem)>)>;

    /// The items of a tenant from `since` on, oldest first. At most `most` of each kind are read:
    /// if that many are returned, there may be more.
    async fn feed_since(&self, tenant_id: TenantId, since: Timestamp, most: u32) -> StoreResult<Vec<FeedItem>>;
}
