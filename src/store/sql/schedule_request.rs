//! What products, alert rules and tasks may do to a lease: request a crawl, or park a listing that nothing watches.
//!
//! Every transaction that touches a listing's products, rules or tasks writes the listing's lease row *first*. The row lock
//! makes such transactions run one after the other per listing. It also shows a commit on PostgreSQL that a request was made
//! after the commit took its snapshot. Leases of several listings are locked in the order of their ids, so that no two
//! transactions wait for each other.

use sqlx::types::Json;

use super::{Conn, tenant_scope};
use crate::domain::TenantId;
use crate::store::clock::ClockParam;
use crate::store::tenant_scope::TenantScope;
use crate::store::{Lane, StoreResult};

/// A request for a crawl.
pub(super) struct ScheduleRequest {
    /// The lane to wait in, unless the listing waits in a better one.
    pub lane: Lane,
    /// The crawl is due this many milliseconds from now at the latest.
    pub due_in_ms: i64,
    /// Whether a parked listing is unparked.
    pub unparks: bool,
    /// Whether a crawl that is running satisfies the request. If not, another follows it.
    pub accepts_running: bool,
}

/// Locks the leases of some listings until the transaction ends. A listing without a lease gets one, parked.
pub(super) async fn lock(conn: &mut Conn, listings: &[i64], clock: ClockParam) -> StoreResult<()> {
    const LOCK: &str = concat!(
        "INSERT INTO lease (listing_id, marketplace, ready_at, parked_at) SELECT listing.id, listing.marketplace, ",
        now!(2),
        ", ",
        now!(2),
        " FROM (",
        numbers!(1),
        ") AS given JOIN listing ON listing.id = given.value WHERE true ORDER BY listing.id \
         ON CONFLICT (listing_id) DO UPDATE SET owner = lease.owner"
    );
    sqlx::query(LOCK).bind(Json(listings.to_vec())).bind(clock).execute(conn).await?;
    Ok(())
}

/// A lease that is held. See `now!` for the place.
macro_rules! is_held {
    ($place:literal) => {
        concat!("(owner IS NOT NULL AND ready_at > ", now!($place), ")")
    };
}

/// Requests a crawl of some listings. An idle listing becomes due; a lease that is held is never cut short.
pub(super) async fn upsert(
    conn: &mut Conn,
    listings: &[i64],
    request: &ScheduleRequest,
    clock: ClockParam,
) -> StoreResult<()> {
    const UPSERT: &str = concat!(
        "WITH requested AS MATERIALIZED (SELECT listing_id FROM lease WHERE listing_id IN (",
        numbers!(1),
        ") ORDER BY listing_id",
        lock_rows!("lease"),
        ") UPDATE lease SET \
           lane = CASE WHEN ",
        is_held!(2),
        " OR (parked_at IS NULL AND lane < $3) THEN lane ELSE $3 END, \
           ready_at = CASE WHEN ",
        is_held!(2),
        " OR ready_at < ",
        now!(2),
        " + $4 THEN ready_at ELSE ",
        now!(2),
        " + $4 END, \
           attempt = CASE WHEN ",
        is_held!(2),
        " OR parked_at IS NULL THEN attempt ELSE 0 END, \
           again_at = CASE WHEN NOT ",
        is_held!(2),
        " OR $6 OR again_at < ",
        now!(2),
        " + $4 THEN again_at ELSE ",
        now!(2),
        " + $4 END, \
           parked_at = CASE WHEN $5 THEN NULL ELSE parked_at END \
         FROM requested WHERE lease.listing_id = requested.listing_id AND (parked_at IS NULL OR $5 OR ",
        is_held!(2),
        ")"
    );
    let query = sqlx::query(UPSERT).bind(Json(listings.to_vec())).bind(clock).bind(request.lane.number());
    let query = query.bind(request.due_in_ms).bind(request.unparks).bind(request.accepts_running);
    query.execute(conn).await?;
    Ok(())
}

/// Parks those of some listings that no active product watches and no task waits for. A crawl that is running may still end.
pub(super) async fn park_unwatched(
    conn: &mut Conn,
    tenant_id: TenantId,
    listings: &[i64],
    clock: ClockParam,
) -> StoreResult<()> {
    const PARK: &str = concat!(
        "UPDATE lease SET parked_at = ",
        now!(2),
        " WHERE parked_at IS NULL AND listing_id IN (",
        numbers!(1),
        ") AND NOT EXISTS (SELECT 1 FROM product p WHERE p.listing_id = lease.listing_id AND p.status = 'active') \
         AND NOT EXISTS (SELECT 1 FROM job_item t WHERE t.listing_id = lease.listing_id AND t.status = 'pending')"
    );
    // Other tenants may watch it too.
    tenant_scope::set_scope(conn, TenantScope::All).await?;
    sqlx::query(PARK).bind(Json(listings.to_vec())).bind(clock).execute(&mut *conn).await?;
    tenant_scope::set_scope(conn, tenant_id.into()).await
}
