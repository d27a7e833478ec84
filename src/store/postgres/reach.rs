//! Lends connections for one tenant's rows, or for everyone's: row-level security goes by the setting `tracker.tenant_id`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgPool};

use super::replica::Replica;
use super::{Backend, Conn, Db};
use crate::domain::TenantId;
use crate::store::reach::Reach;
use crate::store::{OnWrote, StoreError, StoreResult};
use crate::telemetry::Metrics;

impl Backend {
    /// A connection that reads. When it goes back to the pool it sees nothing any more.
    pub(super) async fn reader(&self, reach: impl Into<Reach>) -> StoreResult<PoolConnection<Db>> {
        lend(&self.readers, reach.into()).await
    }

    /// A connection that reads what may have been true a moment ago: from the standby, if there is one and it is close enough.
    pub(super) async fn tolerant_reader(&self, reach: impl Into<Reach>) -> StoreResult<PoolConnection<Db>> {
        let reach = reach.into();
        if let Some(replica) = &self.replica
            && let Some(conn) = replica.reader(reach).await
        {
            return Ok(conn);
        }
        self.reader(reach).await
    }

    /// Runs what reads from a [`Backend::tolerant_reader`]. A standby that goes away over it, or that the server cannot keep for so
    /// long, makes nothing fail: it is read once more, from the primary.
    pub(super) async fn tolerantly<'r, T>(
        &self,
        read: impl Fn() -> BoxFuture<'r, StoreResult<T>> + Send + Sync,
    ) -> StoreResult<T> {
        match (read().await, &self.replica) {
            (Err(StoreError::Unavailable(_)), Some(replica)) if replica.distrust() => read().await,
            (answer, _) => answer,
        }
    }

    /// The same for what belongs to no tenant: there is nothing to lend.
    pub(super) async fn reader_of_everyones(&self) -> StoreResult<PoolConnection<Db>> {
        match &self.replica {
            Some(_) => self.tolerant_reader(Reach::Everyone).await,
            None => Ok(self.readers.acquire().await?),
        }
    }

    /// A connection that writes.
    pub(super) async fn writer(&self, reach: impl Into<Reach>) -> StoreResult<PoolConnection<Db>> {
        let reach = reach.into();
        self.wrote(reach);
        lend(&self.writer, reach).await
    }

    /// Something is written: what is read next must show it.
    pub(super) fn wrote(&self, reach: Reach) {
        if let Some(replica) = &self.replica {
            replica.wrote(reach);
        }
    }

    pub(super) fn begin_watch(&self, metrics: Arc<Metrics>, on_wrote: OnWrote) {
        if let Some(replica) = &self.replica {
            replica.begin_watch(&self.claims, metrics, on_wrote);
        }
    }

    pub(super) fn wrote_elsewhere(&self, tenant_id: TenantId) {
        if let Some(replica) = &self.replica {
            replica.wrote_elsewhere(tenant_id);
        }
    }

    pub(super) fn longest_lag(&self) -> Duration {
        self.replica.as_ref().map_or(Duration::ZERO, Replica::longest_lag)
    }

    pub(super) async fn close_standby(&self) {
        if let Some(replica) = &self.replica {
            replica.close().await;
        }
    }
}

pub(super) async fn lend(pool: &PgPool, reach: Reach) -> StoreResult<PoolConnection<Db>> {
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
