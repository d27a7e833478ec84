//! Claims. A materialised CTE locks the rows and is joined in the same statement: a plain `IN (SELECT … LIMIT)` can be
//! evaluated more than once and then takes more rows than its limit.

use sqlx::types::Json;

use super::Backend;
use super::sql::details::Lease;
use super::sql::outbox::{CLAIM_WINDOW, DeliveryLease};
use crate::store::clock::millis;
use crate::store::{ClaimRequest, DeliveryChannel, DeliveryClaim, StoreResult};

#[derive(sqlx::FromRow)]
struct Taken<L: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>> {
    #[sqlx(flatten)]
    lease: L,
    /// Rises with the time at which it was due.
    place: i64,
}

/// `RETURNING` keeps no order: oldest first again.
fn oldest_first<L: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>>(mut taken: Vec<Taken<L>>) -> Vec<L> {
    taken.sort_by_key(|taken| taken.place);
    taken.into_iter().map(|taken| taken.lease).collect()
}

/// Takes leases that are due, the oldest of each marketplace.
pub(super) async fn leases(store: &Backend, request: &ClaimRequest<'_>) -> StoreResult<Vec<Lease>> {
    // For a moment, up to the sum of the rooms are locked: other claims take the next ones. An array, because the planner cannot know
    // how few rows a limit of a parameter leaves, and would read the whole table to join them.
    const CLAIM: &str = concat!(
        "WITH due AS MATERIALIZED ( \
           SELECT oldest.listing_id, oldest.ready_at FROM (",
        records!(7, marketplace text, places bigint),
        ") AS room CROSS JOIN LATERAL ( \
             SELECT listing_id, ready_at FROM lease \
             WHERE lane = $1 AND marketplace = room.marketplace AND ready_at <= coalesce($6, unix_millis()) \
               AND parked_at IS NULL AND attempt < $5 \
             ORDER BY ready_at LIMIT least(room.places, $2) FOR UPDATE SKIP LOCKED) AS oldest \
           ORDER BY oldest.ready_at LIMIT $2), \
         chosen AS MATERIALIZED (SELECT array_agg(listing_id ORDER BY ready_at) AS ids FROM due) \
         UPDATE lease l SET ready_at = coalesce($6, unix_millis()) + $3, token = l.token + 1, owner = $4, \
           attempt = l.attempt + 1, again_at = NULL \
         FROM chosen WHERE l.listing_id = ANY (chosen.ids) \
         RETURNING l.listing_id, l.token, l.attempt, l.ready_at, array_position(chosen.ids, l.listing_id)::bigint AS place"
    );
    let query = sqlx::query_as(CLAIM).bind(request.lane.number()).bind(i64::from(request.limit));
    let query = query.bind(millis(request.lease)).bind(request.owner).bind(i32::from(request.max_attempts));
    let query = query.bind(store.clock.manual_ms()).bind(Json(request.rooms));
    Ok(oldest_first(store.on_claims(async |conn| query.fetch_all(conn).await).await?))
}

/// Takes due deliveries: of the oldest, one of each tenant, then a second of each.
pub(super) async fn deliveries(store: &Backend, claim: &DeliveryClaim<'_>) -> StoreResult<Vec<DeliveryLease>> {
    // Window functions exclude row locks, so what was chosen is looked at once more.
    const CLAIM: &str = concat!(
        "WITH due AS MATERIALIZED ( \
           SELECT id, tenant_id, ready_at, substring(webhook_url from '://([^/]*)') AS host FROM delivery \
           WHERE status = 'pending' AND ready_at <= coalesce($4, unix_millis()) \
             AND ($5::boolean IS NULL OR (mail IS NOT NULL) = $5) \
             AND tenant_id NOT IN (SELECT id FROM (",
        uuids!(6),
        ") AS busy) \
             AND coalesce(substring(webhook_url from '://([^/]*)'), '') \
               NOT IN (SELECT jsonb_array_elements_text($7)) \
           ORDER BY ready_at LIMIT $8), \
         ranked AS ( \
           SELECT *, row_number() OVER (PARTITION BY tenant_id ORDER BY ready_at, id) AS of_tenant, \
             row_number() OVER (PARTITION BY host ORDER BY ready_at, id) AS of_host FROM due), \
         chosen AS MATERIALIZED ( \
           SELECT d.id, d.ready_at FROM ranked JOIN delivery d ON d.id = ranked.id \
           WHERE of_tenant <= $9 AND (of_host <= $10 OR host IS NULL) \
             AND d.status = 'pending' AND d.ready_at <= coalesce($4, unix_millis()) \
           ORDER BY of_tenant, d.ready_at LIMIT $1 FOR UPDATE OF d SKIP LOCKED) \
         UPDATE delivery d SET ready_at = coalesce($4, unix_millis()) + $2, token = d.token + 1, owner = $3, \
           attempts = d.attempts + 1 \
         FROM chosen WHERE d.id = chosen.id \
         RETURNING d.id, d.tenant_id, d.event_id, d.token, d.attempts, d.webhook_url, d.webhook_secret, d.mail, \
           d.trace_context, chosen.ready_at AS place"
    );
    let query = sqlx::query_as(CLAIM).bind(i64::from(claim.limit)).bind(millis(claim.lease)).bind(claim.owner);
    let query = query.bind(store.clock.manual_ms()).bind(claim.channel.map(|it| it == DeliveryChannel::Email));
    let query = query.bind(Json(claim.busy_tenants.clone())).bind(Json(claim.busy_hosts.clone()));
    let query = query.bind(CLAIM_WINDOW).bind(i64::from(claim.per_tenant)).bind(i64::from(claim.per_host));
    Ok(oldest_first(store.on_claims(async |conn| query.fetch_all(conn).await).await?))
}
