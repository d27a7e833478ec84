//! Answers that are kept.

use async_trait::async_trait;

use super::Backend;
use crate::store::rows::count;
use crate::store::{Answers, KeptAnswer, Once, OnceKey, StoreResult};

const DAY_MS: i64 = 24 * 3600 * 1000;
/// No request takes this long.
const ABANDONED_MS: i64 = 60 * 1000;

#[async_trait]
impl Answers for Backend {
    async fn begin_once(&self, key: &OnceKey) -> StoreResult<Once> {
        const BEGIN: &str = "INSERT INTO kept_answer (tenant_id, caller, key, fingerprint, created_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, caller, key) \
             DO UPDATE SET fingerprint = $4, status = NULL, location = NULL, body = NULL, created_at = $5 \
             WHERE kept_answer.created_at < $5 - $6 \
                OR (kept_answer.status IS NULL AND kept_answer.created_at < $5 - $7)";
        const FIND: &str = "SELECT fingerprint, status, location, body FROM kept_answer \
             WHERE tenant_id = $1 AND caller = $2 AND key = $3";
        let now_ms = self.now_ms().await?;
        let (caller, fingerprint) = (key.caller.to_string(), key.fingerprint.0.to_vec());
        let query = sqlx::query(BEGIN).bind(key.tenant_id.0).bind(caller.clone()).bind(key.key.clone());
        let query = query.bind(fingerprint.clone()).bind(now_ms).bind(DAY_MS).bind(ABANDONED_MS);
        if query.execute(&mut *self.writer(key.tenant_id).await?).await?.rows_affected() == 1 {
            return Ok(Once::First(now_ms));
        }
        let query = sqlx::query_as(FIND).bind(key.tenant_id.0).bind(caller).bind(key.key.clone());
        let row: Option<(Vec<u8>, Option<i64>, Option<String>, Option<String>)> =
            query.fetch_optional(&mut *self.writer(key.tenant_id).await?).await?;
        // It was there a moment ago, and failed meanwhile.
        let Some((before, status, location, body)) = row else { return Ok(Once::UnderWay) };
        match status {
            _ if before != fingerprint => Ok(Once::Another),
            None => Ok(Once::UnderWay),
            Some(status) => {
                Ok(Once::Again(KeptAnswer { status: count(status)?, location, body: body.unwrap_or_default() }))
            }
        }
    }

    async fn keep_answer(&self, key: &OnceKey, begun: i64, answer: &KeptAnswer) -> StoreResult<()> {
        const KEEP: &str = "UPDATE kept_answer SET status = $4, location = $5, body = $6 \
             WHERE tenant_id = $1 AND caller = $2 AND key = $3 AND created_at = $7";
        let query = sqlx::query(KEEP).bind(key.tenant_id.0).bind(key.caller.to_string()).bind(key.key.clone());
        let query = query.bind(i64::from(answer.status)).bind(answer.location.clone()).bind(answer.body.clone());
        query.bind(begun).execute(&mut *self.writer(key.tenant_id).await?).await?;
        Ok(())
    }

    async fn forget_once(&self, key: &OnceKey, begun: i64) -> StoreResult<()> {
        const FORGET: &str = "DELETE FROM kept_answer \
             WHERE tenant_id = $1 AND caller = $2 AND key = $3 AND status IS NULL AND created_at = $4";
        let query = sqlx::query(FORGET).bind(key.tenant_id.0).bind(key.caller.to_string()).bind(key.key.clone());
        query.bind(begun).execute(&mut *self.writer(key.tenant_id).await?).await?;
        Ok(())
    }
}
