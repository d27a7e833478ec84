//! Statements on the connections of claims and commits, for a limited time.

use std::time::Duration;

use sqlx::Pool;

use super::{Backend, Conn, Db};
use crate::store::{StoreError, StoreResult};

impl Backend {
    /// Runs a statement of a claim or a commit.
    pub(in crate::store) async fn on_claims<T>(
        &self,
        run: impl AsyncFnOnce(&mut Conn) -> sqlx::Result<T>,
    ) -> StoreResult<T> {
        bounded(&self.claims, self.claim_timeout, run).await
    }

    /// Reads the details of a claim.
    pub(in crate::store) async fn on_details<T>(
        &self,
        run: impl AsyncFnOnce(&mut Conn) -> sqlx::Result<T>,
    ) -> StoreResult<T> {
        bounded(&self.details, self.claim_timeout, run).await
    }
}

/// The time limit of the server does not help when the server cannot be reached any more, and sqlx sets no TCP keep-alive (0.9.0):
/// without a limit here, Scheduler and Recorder would wait for ever. The connection is closed, because the pool tests a returned
/// connection, which would hang, too.
async fn bounded<T>(
    pool: &Pool<Db>,
    limit: Option<Duration>,
    run: impl AsyncFnOnce(&mut Conn) -> sqlx::Result<T>,
) -> StoreResult<T> {
    let mut conn = pool.acquire().await?;
    let Some(limit) = limit else { return Ok(run(&mut conn).await?) };
    if let Ok(result) = tokio::time::timeout(limit, run(&mut conn)).await {
        return Ok(result?);
    }
    drop(conn.detach());
    let message = format!("no answer within {} s", limit.as_secs());
    Err(StoreError::Unavailable(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, message))))
}
