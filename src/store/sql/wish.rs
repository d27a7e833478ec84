//! What the catalogue, rules and tasks may do to a lease: wish for a look, or park what nobody watches.
//!
//! Every transaction that touches a listing's products, rules or tasks writes its lease row *first*. The row lock
//! puts such transactions in one line per listing, and it is what a commit on PostgreSQL recognises a wish by that was
//! made after its snapshot was taken.

use super::{Conn, reach};
use crate::domain::TenantId;
use crate::store::reach::Reach;
use crate::store::{Lane, StoreResult};

/// A wish for a look at a listing.
pub(super) struct Wish {
    /// The queue it should stand in, unless it stands in a better one.
    pub lane: Lane,
    /// When the look should be due at the latest, in Unix milliseconds.
    pub by_ms: i64,
    /// Whether a parked listing is woken.
    pub wakes: bool,
    /// Whether a look that is under way fulfils the wish. If not, another follows it.
    pub shares: bool,
}

/// Makes the lease row of a listing if it has none, parked, and takes its lock until the transaction ends.
pub(super) async fn lock(conn: &mut Conn, listing_id: i64, now_ms: i64) -> StoreResult<()> {
    const LOCK: &str = "INSERT INTO lease (listing_id, ready_at, parked_at) VALUES ($1, $2, $2) \
         ON CONFLICT (listing_id) DO UPDATE SET owner = lease.owner";
    sqlx::query(LOCK).bind(listing_id).bind(now_ms).execute(conn).await?;
    Ok(())
}

/// Enters a wish. An idle listing becomes due; a lease that is held is never cut short.
pub(super) async fn enter(conn: &mut Conn, listing_id: i64, wish: &Wish, now_ms: i64) -> StoreResult<()> {
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
    let idle = sqlx::query(IDLE).bind(listing_id).bind(now_ms).bind(wish.lane.number()).bind(wish.by_ms);
    if idle.bind(wish.wakes).execute(&mut *conn).await?.rows_affected() == 0 {
        let held = sqlx::query(HELD).bind(listing_id).bind(now_ms).bind(wish.by_ms);
        held.bind(wish.shares).bind(wish.wakes).execute(conn).await?;
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
    reach::change(conn, Reach::Everyone).await?;
    sqlx::query(PARK).bind(listing_id).bind(now_ms).execute(&mut *conn).await?;
    reach::change(conn, tenant_id.into()).await
}
