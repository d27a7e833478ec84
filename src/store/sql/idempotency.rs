//! Stored responses.

use async_trait::async_trait;

use super::usage::DAY_MS;
use super::{Backend, Conn, Db};
use crate::store::clock::ClockParam;
use crate::store::rows::count;
use crate::store::{IdempotencyKey, IdempotencyStore, StoreError, StoreResult, StoredResponse};

#[async_trait]
impl IdempotencyStore for Backend {
    async fn stored_response(&self, key: &IdempotencyKey) -> StoreResult<Option<StoredResponse>> {
        find(&mut *self.reader(key.tenant_id).await?, key, self.clock_param()).await
    }
}

/// Inserts the row of a key, before what its request creates. Waits for a transaction that has inserted it and not ended.
///
/// # Errors
/// [`StoreError::Replayed`], [`StoreError::IdempotencyKeyReused`]
pub(super) async fn claim(conn: &mut Conn, key: &IdempotencyKey, clock: ClockParam) -> StoreResult<()> {
    const CLAIM: &str = concat!(
        "INSERT INTO idempotency_key (tenant_id, caller, key, fingerprint, created_at) VALUES ($1, $2, $3, $4, ",
        now!(5),
        ") ON CONFLICT (tenant_id, caller, key) \
         DO UPDATE SET fingerprint = excluded.fingerprint, created_at = excluded.created_at \
         WHERE idempotency_key.created_at <= ",
        now!(5),
        " - $6"
    );
    let query = sqlx::query(CLAIM).bind(key.tenant_id.0).bind(key.caller.to_string()).bind(key.key.clone());
    let query = query.bind(key.fingerprint.0.to_vec()).bind(clock).bind(DAY_MS);
    if query.execute(&mut *conn).await?.rows_affected() == 1 {
        return Ok(());
    }
    let stored = find(conn, key, clock).await?;
    Err(match stored {
        Some(response) => StoreError::Replayed(Box::new(response)),
        // The row expired in between: a retry inserts it.
        None => StoreError::Unavailable(sqlx::Error::RowNotFound),
    })
}

/// Stores the response in the row that [`claim`] has inserted in the same transaction.
pub(super) async fn store_response(conn: &mut Conn, key: &IdempotencyKey, response: StoredResponse) -> StoreResult<()> {
    const STORE: &str = "UPDATE idempotency_key SET status = $4, location = $5, body = $6 \
         WHERE tenant_id = $1 AND caller = $2 AND key = $3";
    let query = sqlx::query(STORE).bind(key.tenant_id.0).bind(key.caller.to_string()).bind(key.key.clone());
    let query = query.bind(i64::from(response.status)).bind(response.location).bind(response.body);
    query.execute(conn).await?;
    Ok(())
}

async fn find(
    executor: impl sqlx::Executor<'_, Database = Db>,
    key: &IdempotencyKey,
    clock: ClockParam,
) -> StoreResult<Option<StoredResponse>> {
    const FIND: &str = concat!(
        "SELECT fingerprint, status, location, body FROM idempotency_key \
         WHERE tenant_id = $1 AND caller = $2 AND key = $3 AND created_at > ",
        now!(4),
        " - $5"
    );
    let query = sqlx::query_as(FIND).bind(key.tenant_id.0).bind(key.caller.to_string()).bind(key.key.clone());
    let row: Option<(Vec<u8>, i64, String, String)> = query.bind(clock).bind(DAY_MS).fetch_optional(executor).await?;
    match row {
        None => Ok(None),
        Some((fingerprint, ..)) if fingerprint != key.fingerprint.0 => Err(StoreError::IdempotencyKeyReused),
        Some((_, status, location, body)) => Ok(Some(StoredResponse { status: count(status)?, location, body })),
    }
}
