//! What a store needs done from time to time.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;

/// Upkeep. Every method may run on any replica at any time, also on several at once.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Brings the schema up to date. One migrator at a time.
    async fn migrate(&self) -> StoreResult<()>;

    /// [`Schema`](super::StoreError::Schema) when the schema is older or newer than this version can work with.
    async fn check_schema(&self) -> StoreResult<()>;

    /// Answers when a query can be run at all: for the readiness probe.
    async fn ping(&self) -> StoreResult<()>;

    /// Makes room for points from `from` to `to` (monthly partitions; nothing to do on SQLite).
    async fn ensure_room(&self, from: Timestamp, to: Timestamp) -> StoreResult<()>;

    /// Forgets history before `before`, but never the last point of a series: it still holds. Returns how many points or
    /// partitions went.
    async fn forget_before(&self, before: Timestamp) -> StoreResult<u64>;

    /// Forgets who has left and what is over: sign-ins, links, refresh tokens and kept answers that nobody can use any more, and tasks and
    /// usage of long ago.
    async fn forget_ended(&self) -> StoreResult<()>;

    /// Closes every connection.
    async fn close(&self);
}
