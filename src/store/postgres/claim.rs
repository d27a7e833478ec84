//! Claims. A materialised CTE locks the rows and is joined in the same statement: a plain `IN (SELECT … LIMIT)` can be
//! evaluated more than once and then takes more rows than its limit.

use super::Backend;
use super::sql::details::Lease;
use super::sql::outbox::DeliveryLease;
use crate::store::{Lane, StoreResult};

#[derive(sqlx::FromRow)]
struct Taken<L: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>> {
    #[sqlx(flatten)]
    lease: L,
    due_at: i64,
}

/// `RETURNING` keeps no order: oldest first again.
fn oldest_first<L: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>>(mut taken: Vec<Taken<L>>) -> Vec<L> {
    taken.sort_by_key(|taken| taken.due_at);
    taken.into_iter().map(|taken| taken.lease).collect()
}

/// Takes the leases of at most `limit` listings that are due, oldest first.
pub(super) async fn leases(
    store: &Backend,
    lane: Lane,
    limit: u32,
    lease_ms: i64,
    owner: &str,
    max_attempts: u16,
) -> StoreResult<Vec<Lease>> {
    const CLAIM: &str = "WITH due AS MATERIALIZED ( \
           SELECT listing_id, ready_at FROM lease \
           WHERE lane = $1 AND ready_at <= coalesce($6, unix_millis()) AND parked_at IS NULL AND attempt < $5 \
           ORDER BY ready_at LIMIT $2 FOR UPDATE SKIP LOCKED) \
         UPDATE lease l SET ready_at = coalesce($6, unix_millis()) + $3, token = l.token + 1, owner = $4, \
           attempt = l.attempt + 1, again_at = NULL \
         FROM due WHERE l.listing_id = due.listing_id \
         RETURNING l.listing_id, l.token, l.attempt, l.ready_at, due.ready_at AS due_at";
    let query = sqlx::query_as(CLAIM).bind(lane.number()).bind(i64::from(limit)).bind(lease_ms).bind(owner);
    let query = query.bind(i32::from(max_attempts)).bind(store.clock.manual_ms());
    Ok(oldest_first(store.on_claims(async |conn| query.fetch_all(conn).await).await?))
}

/// Takes at most `limit` deliveries that are due, oldest first.
pub(super) async fn deliveries(
    store: &Backend,
    limit: u32,
    lease_ms: i64,
    owner: &str,
) -> StoreResult<Vec<DeliveryLease>> {
    const CLAIM: &str = "WITH due AS MATERIALIZED ( \
           SELECT id, ready_at FROM delivery WHERE status = 'pending' AND ready_at <= coalesce($4, unix_millis()) \
           ORDER BY ready_at LIMIT $1 FOR UPDATE SKIP LOCKED) \
         UPDATE delivery d SET ready_at = coalesce($4, unix_millis()) + $2, token = d.token + 1, owner = $3, \
           attempts = d.attempts + 1 \
         FROM due WHERE d.id = due.id \
         RETURNING d.id, d.event_id, d.token, d.attempts, d.webhook_url, d.webhook_secret, d.mail, \
           d.trace_context, due.ready_at AS due_at";
    let query = sqlx::query_as(CLAIM).bind(i64::from(limit)).bind(lease_ms).bind(owner);
    let query = query.bind(store.clock.manual_ms());
    Ok(oldest_first(store.on_claims(async |conn| query.fetch_all(conn).await).await?))
}
