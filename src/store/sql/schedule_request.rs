//! What the catalogue, rules and tasks may do to a lease: request for a look, or park what nobody watches.
//!
//! Every transaction that touches a listing's products, rules or tasks writes its lease row *first*. The row lock
//! puts such transactions in one line per listing, and it is what a commit on PostgreSQL recognises a request by that was
//! made after its snapshot was taken.

use super::{Conn, tenant_scope};
use crate::domain::TenantId;
use crate::store::tenant_scope::TenantScope;
use crate::store::{Lane, StoreResult};

/// A request for a look at a listing.
pub(super) struct ScheduleRequest {
    /// The queue it should stand in, unless it stands in a better one.
    pub lane: Lane,
    /// When the look should be due at the latest, in Unix milliseconds.
    pub due_by_ms: i64,
    /// Whether a parked listing is woken.
    pub unparks: bool,
    /// Whether a look that is under way fulfils the request. If not, another follows it.
    pub accepts_running: bool,
}

/// Makes the lease row of a listing if it has none, parked, and takes its lock until the transaction ends.
pub(super) async fn lock(conn: &mut Conn, listing_id: i64, now_ms: i64) -> StoreResult<()> {
    const LOCK: &str = "INSERT INTO lease (listing_id, ready_at, parked_at) VALUES ($1, $2, $2) \
         ON CONFLICT (listing_id) DO UPDATE SET owner = lease.owner";
    sqlx::query(LOCK).bind(listing_id).bind(now_ms).execute(conn).await?;
    Ok(())
}

/// Enters a request. An idle listing becomes due; a lease that is held is never cut short.
pub(super) async fn upsert(
    conn: &mut Conn,
    listing_id: i64,
    request: &ScheduleRequest,
    now_ms: i64,
) -> StoreResult<()> {
    const IDLE: &str = "UPDATE lease SET \
           lane = CASE WHEN parked_at IS NULL AND lane < $3 THEN lane ELSE $3 END, \
           ready_at = CASE WHEN ready_at < $4 THEN ready_at ELSE $4 END, \
           attempt = CASE WHEN parked_at IS NULL THEN attempt ELSE 0 END, \
           parked_at = NULL \
         WHERE listing_id = $1 AND (owner IS NULL OR ready_at <= $2) AND (parked_at IS NULL OR $5)";
    const HELD: &str = "UPDATE lease SET \
           again_at = CASE WHEN $4 OR again_at < $3 THEN again_at ELSE $3 END, \
           parked_at = CASE WHEN $5 THEN NULL ELSE parked_at END \
         WHERE listing_id = $1 AND owner IS NOT NULL AND ready_at > $2";
    let idle = sqlx::query(IDLE).bind(listing_id).bind(now_ms).bind(request.lane.number()).bind(request.due_by_ms);
    if idle.bind(request.unparks).execute(&mut *conn).await?.rows_affected() == 0 {
        let held = sqlx::query(HELD).bind(listing_id).bind(now_ms).bind(request.due_by_ms);
        held.bind(request.accepts_running).bind(request.unparks).execute(conn).await?;
    }
    Ok(())
}

/// Parks a listing when no active product watches it and no task waits for it. A look that is under way may still end.
pub(super) async fn park_unwatched(
    conn: &mut Conn,
    tenant_id: TenantId,
    listing_id: i64,
    now_ms: i64,
) -> StoreResult<()> {
    const PARK: &str = "UPDATE lease SET parked_at = $2 WHERE listing_id = $1 AND parked_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM product p WHERE p.listing_id = lease.listing_id AND p.status = 'active') \
         AND NOT EXISTS (SELECT 1 FROM task_item t WHERE t.listing_id = lease.listing_id AND t.status = 'pending')";
    // Other tenants may watch it too.
    tenant_scope::set_scope(conn, TenantScope::All).await?;
    sqlx::query(PARK).bind(listing_id).bind(now_ms).execute(&mut *conn).await?;
    tenant_scope::set_scope(conn, tenant_id.into()).await
}
