//! Claims. One writer makes each statement atomic.

use sqlx::QueryBuilder;
use sqlx::types::Json;

use super::sql::details::Lease;
use super::sql::outbox::{CLAIM_WINDOW, DeliveryLease};
use super::{Backend, Db};
use crate::domain::Marketplace;
use crate::store::clock::millis;
use crate::store::{ClaimRequest, DeliveryChannel, DeliveryClaim, StoreResult};

/// Takes leases that are due, the oldest of each marketplace. The second statement repeats the conditions: another claim may have
/// run in between. Its `+` keeps the planner from scanning the whole backlog by the index.
pub(super) async fn leases(store: &Backend, request: &ClaimRequest<'_>) -> StoreResult<Vec<Lease>> {
    const TAKE: &str = concat!(
        "UPDATE lease SET ready_at = $5, token = token + 1, owner = $6, attempt = attempt + 1, again_at = NULL \
         WHERE +lane = $1 AND +ready_at <= $2 AND parked_at IS NULL AND attempt < $3 AND listing_id IN (",
        numbers!(4),
        ") RETURNING listing_id, token, attempt, ready_at"
    );
    let now_ms = store.now_ms();
    let due = due(store, request, now_ms).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let max_attempts = i32::from(request.max_attempts);
    let query = sqlx::query_as(TAKE).bind(request.lane.number()).bind(now_ms).bind(max_attempts);
    let lease_ends = now_ms.saturating_add(millis(request.lease));
    let query = query.bind(Json(due.clone())).bind(lease_ends).bind(request.owner.to_owned());
    let mut leases: Vec<Lease> = query.fetch_all(&store.writer).await?;
    // `RETURNING` keeps no order.
    leases.sort_by_key(|lease| due.iter().position(|id| *id == lease.listing_id));
    Ok(leases)
}

/// The listings that are due, the oldest of each marketplace: one branch for each, because SQLite knows no lateral joins. Also for
/// those without room, so that the text is always the same and prepared once.
async fn due(store: &Backend, request: &ClaimRequest<'_>, now_ms: i64) -> StoreResult<Vec<i64>> {
    let mut query = QueryBuilder::<Db>::new("SELECT listing_id FROM (");
    for (n, marketplace) in Marketplace::ALL.iter().enumerate() {
        let room = request.rooms.iter().find(|room| room.marketplace == *marketplace);
        let places = room.map_or(0, |room| room.places.min(request.limit));
        query.push(if n == 0 { "" } else { " UNION ALL " });
        query
            .push("SELECT * FROM (SELECT listing_id, ready_at FROM lease WHERE lane = ")
            .push_bind(request.lane.number());
        query.push(" AND marketplace = ").push_bind(marketplace.code()).push(" AND ready_at <= ").push_bind(now_ms);
        query.push(" AND parked_at IS NULL AND attempt < ").push_bind(i32::from(request.max_attempts));
        query.push(" ORDER BY ready_at LIMIT ").push_bind(i64::from(places)).push(")");
    }
    query.push(") ORDER BY ready_at LIMIT ").push_bind(i64::from(request.limit));
    Ok(query.build_query_scalar().fetch_all(&store.writer).await?)
}

/// Takes due deliveries: of the oldest, one of each tenant, then a second of each.
pub(super) async fn deliveries(store: &Backend, claim: &DeliveryClaim<'_>) -> StoreResult<Vec<DeliveryLease>> {
    const TAKE: &str = concat!(
        "UPDATE delivery SET ready_at = $2 + $3, token = token + 1, owner = $4, attempts = attempts + 1 \
         WHERE id IN ( \
           WITH rest AS ( \
             SELECT id, tenant_id, ready_at, substr(webhook_url, instr(webhook_url, '://') + 3) || '/' AS rest \
             FROM delivery WHERE status = 'pending' AND ready_at <= $2 AND ($5 IS NULL OR (mail IS NOT NULL) = $5) \
               AND tenant_id NOT IN (SELECT id FROM (",
        uuids!(6),
        "))), \
           due AS ( \
             SELECT id, tenant_id, ready_at, substr(rest, 1, instr(rest, '/') - 1) AS host FROM rest \
             WHERE coalesce(substr(rest, 1, instr(rest, '/') - 1), '') NOT IN (SELECT value FROM json_each($7)) \
             ORDER BY ready_at LIMIT $8), \
           ranked AS ( \
             SELECT *, row_number() OVER (PARTITION BY tenant_id ORDER BY ready_at, id) AS of_tenant, \
               row_number() OVER (PARTITION BY host ORDER BY ready_at, id) AS of_host FROM due) \
           SELECT id FROM ranked WHERE of_tenant <= $9 AND (of_host <= $10 OR host IS NULL) \
           ORDER BY of_tenant, ready_at LIMIT $1) \
         RETURNING id, tenant_id, event_id, token, attempts, webhook_url, webhook_secret, mail, trace_context"
    );
    let query = sqlx::query_as(TAKE).bind(i64::from(claim.limit)).bind(store.now_ms()).bind(millis(claim.lease));
    let query = query.bind(claim.owner.to_owned()).bind(claim.channel.map(|it| it == DeliveryChannel::Email));
    let query = query.bind(Json(claim.busy_tenants.clone())).bind(Json(claim.busy_hosts.clone()));
    let query = query.bind(CLAIM_WINDOW).bind(i64::from(claim.per_tenant)).bind(i64::from(claim.per_host));
    Ok(query.fetch_all(&store.claims).await?)
}
