//! Marketplaces that cannot be crawled, and who is told.

use async_trait::async_trait;

use jiff::Timestamp;

use super::StoreResult;
use crate::domain::Marketplace;

/// Outages of marketplaces, as all replicas see them. An outage ends when no process has reported it for five
/// minutes, or when a crawl there succeeds: one process that is blocked is no outage.
#[async_trait]
pub trait Outages: Send + Sync {
    /// Notes that this process cannot crawl these marketplaces now.
    async fn report_outages(&self, marketplaces: &[Marketplace]) -> StoreResult<()>;

    /// The marketplaces that cannot be crawled now, and since when.
    async fn outages(&self) -> StoreResult<Vec<(Marketplace, Timestamp)>>;

    /// Of each outage that has lasted ten minutes, tells the channels of the rules about listings there that cannot be tracked, once;
    /// and again when it has ended. Returns the number of notices.
    async fn tell_outages(&self) -> StoreResult<u64>;
}
