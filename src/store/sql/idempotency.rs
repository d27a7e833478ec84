//! Idempotency keys and the responses stored under them.

use async_trait::async_trait;

use super::Backend;
use super::usage::DAY_MS;
use crate::store::rows::count;
use crate::store::{IdempotencyKey, IdempotencyState, IdempotencyStore, StoreResult, StoredResponse};

/// No request runs this long: after this time the key may be used again.
const ABANDONED_MS: i64 = 60 * 1000;

#[async_trait]
impl IdempotencyStore for Backend {
    async fn begin_idempotent(&self, key: &IdempotencyKey) -> StoreResult<IdempotencyState> {
        const BEGIN: &str = concat!(
            "INSERT INTO idempotency_key (tenant_id, caller, key, fingerprint, created_at) \
             VALUES ($1, $2, $3, $4, ",
            now!(5),
            ") ON CONFLICT (tenant_id, caller, key) \
             DO UPDATE SET fingerprint = $4, status = NULL, location = NULL, body = NULL, created_at = ",
            now!(5),
            " \
             WHERE idempotency_key.created_at < ",
            now!(5),
            " - $6 \
                OR (idempotency_key.status IS NULL AND idempotency_key.created_at < ",
            now!(5),
            " - $7) RETURNING created_at"
        );
        const FIND: &str = "SELECT fingerprint, status, location, body FROM idempotency_key \
             WHERE tenant_id = $1 AND caller = $2 AND key = $3";
        let (caller, fingerprint) = (key.caller.to_string(), key.fingerprint.0.to_vec());
        let query = sqlx::query_scalar(BEGIN).bind(key.tenant_id.0).bind(caller.clone()).bind(key.key.clone());
        let query = query.bind(fingerprint.clone()).bind(self.clock_param()).bind(DAY_MS).bind(ABANDONED_MS);
        if let Some(begun) = query.fetch_optional(&mut *self.writer(key.tenant_id).await?).await? {
            return Ok(IdempotencyState::First(begun));
        }
        let query = sqlx::query_as(FIND).bind(key.tenant_id.0).bind(caller).bind(key.key.clone());
        let row: Option<(Vec<u8>, Option<i64>, Option<String>, Option<String>)> =
            query.fetch_optional(&mut *self.writer(key.tenant_id).await?).await?;
        // The other request failed and released its key between the two statements.
        let Some((before, status, location, body)) = row else { return Ok(IdempotencyState::InProgress) };
        match status {
            _ if before != fingerprint => Ok(IdempotencyState::KeyReused),
            None => Ok(IdempotencyState::InProgress),
            Some(status) => Ok(IdempotencyState::Completed(StoredResponse {
                status: count(status)?,
                location,
                body: body.unwrap_or_default(),
            })),
        }
    }

    async fn store_response(&self, key: &IdempotencyKey, begun: i64, answer: &StoredResponse) -> StoreResult<()> {
        const KEEP: &str = "UPDATE idempotency_key SET status = $4, location = $5, body = $6 \
             WHERE tenant_id = $1 AND caller = $2 AND key = $3 AND created_at = $7";
        let query = sqlx::query(KEEP).bind(key.tenant_id.0).bind(key.caller.to_string()).bind(key.key.clone());
        let query = query.bind(i64::from(answer.status)).bind(answer.location.clone()).bind(answer.body.clone());
        query.bind(begun).execute(&mut *self.writer(key.tenant_id).await?).await?;
        Ok(())
    }

    async fn release_idempotency_key(&self, key: &IdempotencyKey, begun: i64) -> StoreResult<()> {
        const FORGET: &str = "DELETE FROM idempotency_key \
             WHERE tenant_id = $1 AND caller = $2 AND key = $3 AND status IS NULL AND created_at = $4";
        let query = sqlx::query(FORGET).bind(key.tenant_id.0).bind(key.caller.to_string()).bind(key.key.clone());
        query.bind(begun).execute(&mut *self.writer(key.tenant_id).await?).await?;
        Ok(())
    }
}
