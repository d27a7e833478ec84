//! SQLite has no row-level security: every connection sees everything, and each statement's own tenant is what counts.

use sqlx::AssertSqlSafe;
use sqlx::pool::PoolConnection;

use super::{Backend, Conn, Db};
use crate::store::StoreResult;
use crate::store::reach::Reach;

/// Takes the write lock at once: a plain `BEGIN` that reads first and writes then fails without waiting when another
/// has written in between.
const BEGIN: &str = "BEGIN IMMEDIATE";

impl Backend {
    /// A connection that reads.
    pub(super) async fn reader(&self, _reach: impl Into<Reach>) -> StoreResult<PoolConnection<Db>> {
        Ok(self.readers.acquire().await?)
    }

    /// The connection that writes.
    pub(super) async fn writer(&self, _reach: impl Into<Reach>) -> StoreResult<PoolConnection<Db>> {
        Ok(self.writer.acquire().await?)
    }
}

/// What begins a transaction.
pub(super) fn begin(_reach: Reach) -> AssertSqlSafe<String> {
    AssertSqlSafe(BEGIN.to_owned())
}

/// Changes nothing.
#[expect(clippy::unused_async, reason = "PostgreSQL's twin tells the server")]
pub(super) async fn change(_conn: &mut Conn, _reach: Reach) -> StoreResult<()> {
    Ok(())
}
