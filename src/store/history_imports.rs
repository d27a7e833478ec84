//! The past of listings, imported from a service that watched them before us.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::domain::{Listing, ListingId, Marketplace, Past};

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportedPast {
    /// Points that were added. Zero: everything was known already, or nothing lies before our own points.
    pub added: u64,
    /// Our first own point. Nothing of it or after it was touched.
    pub own_from: Option<Timestamp>,
}

/// The right of one replica to fetch the past of one listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLease {
    /// The row of the listing.
    pub listing_id: ListingId,
    /// The listing.
    pub listing: Listing,
    /// Rises with each claim.
    pub token: i64,
    /// Attempts so far, with this one.
    pub attempt: u16,
}

/// How far imports of pasts are, of all tenants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HistoryImportSums {
    /// Listings whose past was imported.
    pub imported: u64,
    /// Listings whose past is to be fetched.
    pub waiting: u64,
    /// Those of them whose last attempt failed.
    pub failing: u64,
    /// What was spent in the last 24 hours, with what is reserved, in tokens of the source.
    pub tokens: u64,
}

/// Which pasts to claim.
#[derive(Debug, Clone, Copy)]
pub struct HistoryClaim<'a> {
    /// At most so many, of one marketplace.
    pub limit: u32,
    /// Until another replica may claim them.
    pub lease: Duration,
    /// The name of this replica, for people.
    pub owner: &'a str,
    /// What is reserved for each, in units of the source, until [`HistoryImports::settle_history_charge`] tells what it has cost.
    pub charge: u32,
}

/// Why a past is fetched again later.
#[derive(Debug, Clone, Copy)]
pub struct HistoryRetry<'a> {
    /// When.
    pub after: Duration,
    /// Why, for people. `None`: the attempt was not made, and does not count.
    pub error: Option<&'a str>,
}

/// Imports the past of listings, and records which of them are to be fetched.
///
/// Our own points always win. The points of a listing that lie behind its last imported one are our own; imports add points before
/// the first of them only. Which points were imported is recorded per listing.
#[async_trait]
pub trait HistoryImports: Send + Sync {
    /// Adds points of the past, in one transaction. Repeating it changes nothing: of a series that was imported before, only points
    /// before the first and after the last imported one are added. A listing whose past is imported is not to be fetched any more.
    ///
    /// Without own points, the last hour is left out: a crawl may be under way. Points older than `keep_from` are left out as the
    /// retention would delete them, except the last one of a series that has no other.
    async fn import_past(
        &self,
        listing_id: ListingId,
        past: &Past,
        source: &str,
        keep_from: Option<Timestamp>,
    ) -> StoreResult<ImportedPast>;

    /// Joins the imported past of listings to our own first points, where those have come since: the time between is marked as
    /// unknown if it is longer than a day, and imported ranks of categories that our first ranks do not name end there. Returns how many.
    async fn join_pasts(&self) -> StoreResult<u64>;

    /// Records that the past of listings is to be fetched: those with an active product whose past was never imported. At most
    /// `limit`. Returns how many are new.
    async fn enqueue_history_imports(&self, marketplaces: &[Marketplace], limit: u32) -> StoreResult<u64>;

    /// Records that the past of a listing is to be fetched, again if it was imported before. False: it is being fetched.
    ///
    /// # Errors
    /// [`NotFound`](super::StoreError::NotFound)
    async fn refetch_history(&self, listing_id: ListingId) -> StoreResult<bool>;

    /// How far the imports are.
    async fn history_import_sums(&self) -> StoreResult<HistoryImportSums>;

    /// Claims listings of one marketplace whose past is to be fetched: those that wait longest.
    async fn claim_history_imports(&self, claim: &HistoryClaim<'_>) -> StoreResult<Vec<HistoryLease>>;

    /// Gives leases back. Those that were lost are left alone.
    async fn retry_history_imports(&self, leases: &[HistoryLease], retry: HistoryRetry<'_>) -> StoreResult<()>;

    /// What was reserved for each of these leases is replaced by what each has cost.
    async fn settle_history_charge(&self, leases: &[HistoryLease], reserved: u32, cost: u32) -> StoreResult<()>;

    /// What was reserved and spent in the last 24 hours, by all replicas.
    async fn history_charge(&self) -> StoreResult<u64>;
}
