//! The lease queue, but for its two hot statements, which each engine has its own text of.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::types::Json;

use super::{Backend, Conn, claim, commit, details};
use crate::domain::{Failure, ListingId, Outcome};
use crate::store::clock::millis;
use crate::store::rows::time;
use crate::store::tenant_scope::TenantScope;
use crate::store::{Backlog, Claim, Commit, Committed, Lane, LeaseQueue, StoreError, StoreResult};

#[async_trait]
impl LeaseQueue for Backend {
    async fn claim(
        &self,
        lane: Lane,
        limit: u32,
        lease: Duration,
        owner: &str,
        max_attempts: u16,
    ) -> StoreResult<Vec<Claim>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let leases = claim::leases(self, lane, limit, millis(lease), owner, max_attempts).await?;
        let taken: Vec<_> = leases.iter().map(|lease| (ListingId(lease.listing_id), lease.token)).collect();
        let claims = details::of(self, lane, leases, millis(lease)).await;
        if claims.is_err()
            && let Err(error) = self.release(&taken).await
        {
            tracing::warn!(%error, "leases that cannot be used could not be given back; they run out");
        }
        claims
    }

    async fn commit(&self, commits: &[Commit]) -> StoreResult<Vec<Committed>> {
        let mut seen = HashSet::new();
        // Of two commits under one token the first counts: the token was given for one look.
        let distinct: Vec<&Commit> =
            commits.iter().filter(|commit| seen.insert((commit.listing_id.0, commit.token))).collect();
        let mut recorded = write_readily(self, &distinct).await?;
        let answer = |commit: &Commit| Committed {
            listing_id: commit.listing_id,
            token: commit.token,
            recorded: recorded.remove(&(commit.listing_id.0, commit.token)),
        };
        Ok(commits.iter().map(answer).collect())
    }

    async fn release(&self, leases: &[(ListingId, i64)]) -> StoreResult<u64> {
        const RELEASE: &str = "UPDATE lease SET ready_at = $3, owner = NULL, \
               attempt = CASE WHEN attempt > 0 THEN attempt - 1 ELSE 0 END \
             WHERE listing_id = $1 AND token = $2 AND owner IS NOT NULL";
        let now_ms = self.now_ms().await?;
        let mut released = 0;
        for (listing_id, token) in leases {
            let query = sqlx::query(RELEASE).bind(listing_id.0).bind(token).bind(now_ms);
            released += query.execute(&self.claims).await?.rows_affected();
        }
        Ok(released)
    }

    async fn extend(&self, listing_id: ListingId, token: i64, lease: Duration) -> StoreResult<bool> {
        const EXTEND: &str = "UPDATE lease SET ready_at = $3 \
             WHERE listing_id = $1 AND token = $2 AND owner IS NOT NULL";
        let until_ms = self.now_ms().await?.saturating_add(millis(lease));
        let query = sqlx::query(EXTEND).bind(listing_id.0).bind(token).bind(until_ms);
        Ok(query.execute(&self.claims).await?.rows_affected() == 1)
    }

    async fn next_due_in(&self) -> StoreResult<Option<Duration>> {
        // One step into the index for each lane.
        const NEXT: &str = "SELECT min(ready_at) FROM ( \
               SELECT min(ready_at) AS ready_at FROM lease WHERE lane = 0 AND parked_at IS NULL UNION ALL \
               SELECT min(ready_at) FROM lease WHERE lane = 1 AND parked_at IS NULL) AS lanes";
        let next: Option<i64> = sqlx::query_scalar(NEXT).fetch_one(&self.claims).await?;
        self.until(next).await
    }

    async fn park_poison(&self, max_attempts: u16, limit: u32) -> StoreResult<u64> {
        let now_ms = self.now_ms().await?;
        self.transaction(TenantScope::All, move |conn| park_poison(conn, max_attempts, limit, now_ms).boxed()).await
    }

    async fn unpark(&self, listing_id: ListingId) -> StoreResult<bool> {
        const UNPARK: &str = "UPDATE lease SET lane = 1, ready_at = $2, attempt = 0, parked_at = NULL \
             WHERE listing_id = $1 AND parked_at IS NOT NULL AND EXISTS ( \
               SELECT 1 FROM product p WHERE p.listing_id = lease.listing_id AND p.status = 'active')";
        let now_ms = self.now_ms().await?;
        let unparked = sqlx::query(UNPARK)
            .bind(listing_id.0)
            .bind(now_ms)
            .execute(&mut *self.writer(TenantScope::All).await?)
            .await?;
        Ok(unparked.rows_affected() == 1)
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        // Both lanes are named, or the index, which begins with the lane, would be of no use.
        const DUE: &str = "SELECT count(*), min(ready_at) FROM lease \
             WHERE lane IN (0, 1) AND ready_at <= $1 AND parked_at IS NULL";
        // What nobody watches is parked too, and nobody misses it.
        const PARKED: &str = "SELECT count(*) FROM lease WHERE parked_at IS NOT NULL AND EXISTS ( \
             SELECT 1 FROM product p WHERE p.listing_id = lease.listing_id AND p.status = 'active')";
        let now_ms = self.now_ms().await?;
        let (due, oldest): (i64, Option<i64>) =
            sqlx::query_as(DUE).bind(now_ms).fetch_one(&mut *self.reader(TenantScope::All).await?).await?;
        let parked: i64 = sqlx::query_scalar(PARKED).fetch_one(&mut *self.reader(TenantScope::All).await?).await?;
        let oldest_due = oldest.map_or(0, |oldest| now_ms.saturating_sub(oldest).max(0).unsigned_abs());
        Ok(Backlog {
            due: due.unsigned_abs(),
            oldest_due: Duration::from_millis(oldest_due),
            parked: parked.unsigned_abs(),
        })
    }

    async fn now(&self) -> StoreResult<Timestamp> {
        time(self.now_ms().await?)
    }
}

/// Writes a batch; if the database refuses it, one by one, so that a commit that cannot be written (a text with a NUL, say) does not
/// take its neighbours along. A refusal is the answer only when nothing could be written.
async fn write_readily(store: &Backend, commits: &[&Commit]) -> StoreResult<HashSet<(i64, i64)>> {
    match commits {
        [] => return Ok(HashSet::new()),
        [_] => return commit::write(store, commits).await,
        _ => {}
    }
    let mut refusal = match commit::write(store, commits).await {
        Err(StoreError::Refused(error)) => StoreError::Refused(error),
        written_or_unavailable => return written_or_unavailable,
    };
    let mut recorded = HashSet::new();
    for one in commits {
        match commit::write(store, &[one]).await {
            Ok(written) => recorded.extend(written),
            Err(StoreError::Refused(error)) => {
                tracing::error!(listing_id = one.listing_id.0, %error, "a commit was refused; its lease runs out");
                refusal = StoreError::Refused(error);
            }
            Err(unavailable) => return Err(unavailable),
        }
    }
    if recorded.is_empty() { Err(refusal) } else { Ok(recorded) }
}

impl Backend {
    /// The time from now to `next`, none when it has passed.
    pub(super) async fn until(&self, next: Option<i64>) -> StoreResult<Option<Duration>> {
        let Some(next_ms) = next else { return Ok(None) };
        let left_ms = next_ms.saturating_sub(self.now_ms().await?).max(0);
        Ok(Some(Duration::from_millis(left_ms.unsigned_abs())))
    }
}

/// The predicate stands in the update as well: between the two somebody may have succeeded. The token rises, so that a look that
/// comes back from the dead finds its lease lost.
async fn park_poison(conn: &mut Conn, max_attempts: u16, limit: u32, now_ms: i64) -> StoreResult<u64> {
    const PARK: &str = concat!(
        "WITH poison AS MATERIALIZED ( \
           SELECT listing_id FROM lease WHERE parked_at IS NULL AND attempt >= $1 AND ready_at <= $2 \
           ORDER BY listing_id LIMIT $3",
        skip_locked!(),
        ") UPDATE lease SET parked_at = $2, owner = NULL, token = token + 1 \
         WHERE listing_id IN (SELECT listing_id FROM poison) \
           AND parked_at IS NULL AND attempt >= $1 AND ready_at <= $2 \
         RETURNING listing_id"
    );
    const FAIL: &str = concat!(
        "UPDATE task_item SET status = 'failed', outcome = $2, finished_at = $3 \
         WHERE status = 'pending' AND listing_id IN (",
        numbers!(1),
        ")"
    );
    let query = sqlx::query_scalar(PARK).bind(i32::from(max_attempts)).bind(now_ms).bind(i64::from(limit));
    let parked: Vec<i64> = query.fetch_all(&mut *conn).await?;
    let count = parked.len() as u64;
    let outcome = Outcome::Failed(Failure::Panicked).as_str();
    sqlx::query(FAIL).bind(Json(parked)).bind(outcome).bind(now_ms).execute(conn).await?;
    Ok(count)
}
