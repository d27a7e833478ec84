//! Lends connections for one tenant's rows, or for everyone's: row-level security goes by the setting `tracker.tenant_id`.

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgPool};

use super::{Backend, Conn, Db};
use crate::store::StoreResult;
use crate::store::reach::Reach;

impl Backend {
    /// A connection that reads. When it goes back to the pool it sees nothing any more.
    pub(super) async fn reader(&self, reach: impl Into<Reach>) -> StoreResult<PoolConnection<Db>> {
        lend(&self.readers, reach.into()).await
    }

    /// A connection that writes.
    pub(super) async fn writer(&self, reach: impl Into<Reach>) -> StoreResult<PoolConnection<Db>> {
        lend(&self.writer, reach.into()).await
    }
}

async fn lend(pool: &PgPool, reach: Reach) -> StoreResult<PoolConnection<Db>> {
    const LEND: &str = "SELECT set_config('tracker.tenant_id', $1, false)";
    let mut conn = pool.acquire().await?;
    sqlx::query(LEND).bind(reach.word()).execute(&mut *conn).await?;
    Ok(conn)
}

/// Before a connection goes back to the pool. True: it may.
pub(super) async fn take_back(conn: &mut Conn) -> sqlx::Result<bool> {
    sqlx::query("SELECT set_config('tracker.tenant_id', '', false)").execute(conn).await?;
    Ok(true)
}

/// What begins a transaction with this reach.
pub(super) fn begin(reach: Reach) -> AssertSqlSafe<String> {
    // A word is a UUID or a star.
    AssertSqlSafe(format!("BEGIN; SET LOCAL tracker.tenant_id = '{}'", reach.word()))
}

/// Changes the reach of the transaction that is under way.
pub(super) async fn change(conn: &mut Conn, reach: Reach) -> StoreResult<()> {
    const CHANGE: &str = "SELECT set_config('tracker.tenant_id', $1, true)";
    sqlx::query(CHANGE).bind(reach.word()).execute(conn).await?;
    Ok(())
}
