//! Claims. One writer makes them atomic.

use futures_util::FutureExt;
use sqlx::types::Json;

use super::details::Lease;
use super::outbox::DeliveryLease;
use super::{Backend, Conn};
use crate::store::{Lane, StoreResult};

/// Takes the leases of at most `limit` listings that are due, oldest first.
pub(super) async fn leases(
    store: &Backend,
    lane: Lane,
    limit: u32,
    lease_ms: i64,
    owner: &str,
    max_attempts: u16,
) -> StoreResult<Vec<Lease>> {
    let now_ms = store.now_ms().await?;
    let owner = owner.to_owned();
    store
        .transaction(move |conn| {
            async move {
                let due = due(conn, lane, limit, max_attempts, now_ms).await?;
                take(conn, due, now_ms.saturating_add(lease_ms), owner).await
            }
            .boxed()
        })
        .await
}

async fn due(conn: &mut Conn, lane: Lane, limit: u32, max_attempts: u16, now_ms: i64) -> StoreResult<Vec<i64>> {
    const DUE: &str = "SELECT listing_id FROM lease \
         WHERE lane = $1 AND ready_at <= $2 AND parked_at IS NULL AND attempt < $3 ORDER BY ready_at LIMIT $4";
    let query = sqlx::query_scalar(DUE).bind(lane.number()).bind(now_ms).bind(i32::from(max_attempts));
    Ok(query.bind(i64::from(limit)).fetch_all(conn).await?)
}

async fn take(conn: &mut Conn, due: Vec<i64>, until_ms: i64, owner: String) -> StoreResult<Vec<Lease>> {
    const TAKE: &str = concat!(
        "UPDATE lease SET ready_at = $2, token = token + 1, owner = $3, attempt = attempt + 1, again_at = NULL \
         WHERE listing_id IN (",
        numbers!(1),
        ") RETURNING listing_id, token, attempt, ready_at"
    );
    let query = sqlx::query_as(TAKE).bind(Json(due.clone())).bind(until_ms).bind(owner);
    let mut leases: Vec<Lease> = query.fetch_all(conn).await?;
    // `RETURNING` keeps no order.
    leases.sort_by_key(|lease| due.iter().position(|id| *id == lease.listing_id));
    Ok(leases)
}

/// Takes at most `limit` deliveries that are due, oldest first.
pub(super) async fn deliveries(
    store: &Backend,
    limit: u32,
    lease_ms: i64,
    owner: &str,
) -> StoreResult<Vec<DeliveryLease>> {
    const TAKE: &str = "UPDATE delivery SET ready_at = $2 + $3, token = token + 1, owner = $4, attempts = attempts + 1 \
         WHERE id IN (SELECT id FROM delivery WHERE status = 'pending' AND ready_at <= $2 ORDER BY ready_at LIMIT $1) \
         RETURNING id, event_id, token, attempts, webhook_url, webhook_secret";
    let query = sqlx::query_as(TAKE).bind(i64::from(limit)).bind(store.now_ms().await?).bind(lease_ms);
    Ok(query.bind(owner.to_owned()).fetch_all(&store.claims).await?)
}
