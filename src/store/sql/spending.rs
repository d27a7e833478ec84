//! Reservations and their settlement: what runs of paid sources cost, and who pays.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::lease::NOW;
use super::usage::DAY_MS;
use super::{Conn, usage};
use crate::domain::{
    BudgetOwner, BudgetRefusal, OverBudget, PaidListing, Payer, Reservation, RunBudget, RunRequest, SourceSpending,
    Spent, TenantId, TenantSpending, reserve, reserve_items, split,
};
use crate::store::clock::ClockParam;
use crate::store::rows::{count, time};
use crate::store::{StoreError, StoreResult};

/// The day and the month (UTC) of a time.
pub(super) struct Period {
    pub(super) day_ms: i64,
    month_ms: i64,
    pub(super) day_ends_at: Timestamp,
    month_ends_at: Timestamp,
}

impl Period {
    pub(super) fn of(now: Timestamp) -> StoreResult<Self> {
        let midnight = |date: Date| date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
        let today = now.to_zoned(TimeZone::UTC).date();
        let month = today.first_of_month();
        let ends = || -> Result<_, jiff::Error> {
            let (tomorrow, next) = (today.checked_add(1.day())?, month.checked_add(1.month())?);
            Ok((midnight(today)?, midnight(month)?, midnight(tomorrow)?, midnight(next)?))
        };
        let (day, month, day_ends_at, month_ends_at) =
            ends().map_err(|error| StoreError::Corrupt(format!("the time {now}: {error}")))?;
        Ok(Self { day_ms: day.as_millisecond(), month_ms: month.as_millisecond(), day_ends_at, month_ends_at })
    }
}

/// An amount as the database holds it.
pub(super) fn stored(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}

/// Reserves money for new listings, as far as the budgets go. Reservations are made one after the other: they lock the tenant of the
/// installation, which always exists.
pub(super) async fn reserve_for(
    conn: &mut Conn,
    budget: &RunBudget,
    listings: Vec<(i64, RunRequest)>,
    clock: ClockParam,
) -> StoreResult<Reservation> {
    usage::lock(conn, TenantId::BUILT_IN).await?;
    let now = time(sqlx::query_scalar(NOW).bind(clock).fetch_one(&mut *conn).await?)?;
    let period = Period::of(now)?;
    let spent = of_installation(conn, &period).await?;
    let ids = listings.iter().map(|(id, _)| *id).collect();
    let (payers, mut by_listing) = payers(conn, budget, ids, &period).await?;
    let paid =
        |(id, request): (i64, RunRequest)| PaidListing { request, payers: by_listing.remove(&id).unwrap_or_default() };
    let listings = listings.into_iter().map(paid).collect();
    Ok(reserve(budget, spent, payers, listings))
}

/// What a run with so many items for one tenant costs, if the budgets allow it.
pub(super) async fn reserve_items_for(
    conn: &mut Conn,
    budget: &RunBudget,
    tenant_id: TenantId,
    items: u32,
    clock: ClockParam,
) -> StoreResult<Result<u64, OverBudget>> {
    usage::lock(conn, TenantId::BUILT_IN).await?;
    let now = time(sqlx::query_scalar(NOW).bind(clock).fetch_one(&mut *conn).await?)?;
    let period = Period::of(now)?;
    let spent = of_installation(conn, &period).await?;
    let plan: String =
        sqlx::query_scalar("SELECT plan FROM tenant WHERE id = $1").bind(tenant_id.0).fetch_one(&mut *conn).await?;
    let payer = Payer { tenant_id, limits: budget.of_plan(&plan), spent: spent_by(conn, tenant_id, &period).await? };
    Ok(reserve_items(budget, spent, &payer, items))
}

/// What all runs have cost, or may cost while they have not ended.
async fn of_installation(conn: &mut Conn, period: &Period) -> StoreResult<Spent> {
    const SPENT: &str = "SELECT \
           CAST(coalesce(sum(CASE WHEN opened_at >= $1 THEN coalesce(cost_micros, reserved_micros) ELSE 0 END), 0) AS bigint), \
           CAST(coalesce(sum(coalesce(cost_micros, reserved_micros)), 0) AS bigint) \
         FROM source_run WHERE opened_at >= $2 AND NOT (is_lost AND external_id IS NULL)";
    let query = sqlx::query_as(SPENT).bind(period.day_ms).bind(period.month_ms);
    let (day, month): (i64, i64) = query.fetch_one(conn).await?;
    Ok(Spent { day_micros: day.unsigned_abs(), month_micros: month.unsigned_abs() })
}

/// The tenants that watch the listings, and for each listing their places. Those with a paused product pay for a crawl that they
/// request, if nobody else does.
async fn payers(
    conn: &mut Conn,
    budget: &RunBudget,
    listings: Vec<i64>,
    period: &Period,
) -> StoreResult<(Vec<Payer>, HashMap<i64, Vec<usize>>)> {
    const WATCHERS: &str = concat!(
        "SELECT p.listing_id, p.tenant_id, t.plan, p.status = 'active' FROM product p JOIN tenant t ON t.id = p.tenant_id \
         WHERE p.listing_id IN (",
        numbers!(1),
        ") ORDER BY p.tenant_id"
    );
    let rows: Vec<(i64, Uuid, String, bool)> =
        sqlx::query_as(WATCHERS).bind(Json(listings)).fetch_all(&mut *conn).await?;
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    let (mut payers, mut active, mut all) = (Vec::new(), HashMap::new(), HashMap::new());
    for (listing_id, tenant_id, plan, is_active) in rows {
        let place = *places.entry(tenant_id).or_insert_with(|| {
            let limits = budget.of_plan(&plan);
            payers.push(Payer { tenant_id: TenantId(tenant_id), limits, spent: Spent::default() });
            payers.len() - 1
        });
        let by_listing: &mut HashMap<i64, Vec<usize>> = if is_active { &mut active } else { &mut all };
        by_listing.entry(listing_id).or_default().push(place);
    }
    for payer in &mut payers {
        payer.spent = spent_by(conn, payer.tenant_id, period).await?;
    }
    all.extend(active);
    Ok((payers, all))
}

const SPENT_BY_TENANT: &str = "SELECT \
       CAST(coalesce(sum(CASE WHEN at >= $2 THEN coalesce(settled_micros, reserved_micros) ELSE 0 END), 0) AS bigint), \
       CAST(coalesce(sum(coalesce(settled_micros, reserved_micros)), 0) AS bigint) \
     FROM spending WHERE tenant_id = $1 AND at >= $3";

async fn spent_by(conn: &mut Conn, tenant_id: TenantId, period: &Period) -> StoreResult<Spent> {
    let query = sqlx::query_as(SPENT_BY_TENANT).bind(tenant_id.0).bind(period.day_ms).bind(period.month_ms);
    let (day, month): (i64, i64) = query.fetch_one(conn).await?;
    Ok(Spent { day_micros: day.unsigned_abs(), month_micros: month.unsigned_abs() })
}

/// Records that budgets are spent, once a day for each tenant and budget. Returns what was not recorded before.
pub(super) async fn record_refusals(
    conn: &mut Conn,
    refused: BTreeSet<(TenantId, BudgetOwner)>,
    clock: ClockParam,
) -> StoreResult<Vec<BudgetRefusal>> {
    const RECORD: &str = "INSERT INTO budget_refusal (tenant_id, day, budget, id, at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant_id, day, budget) DO NOTHING";
    if refused.is_empty() {
        return Ok(Vec::new());
    }
    let at_ms: i64 = sqlx::query_scalar(NOW).bind(clock).fetch_one(&mut *conn).await?;
    const KNOWN: &str = "SELECT tenant_id, budget FROM budget_refusal WHERE at >= $1";
    let day = at_ms.div_euclid(DAY_MS);
    let known: HashSet<(Uuid, String)> =
        sqlx::query_as(KNOWN).bind(day * DAY_MS).fetch_all(&mut *conn).await?.into_iter().collect();
    let is_new =
        |(tenant_id, owner): &(TenantId, BudgetOwner)| !known.contains(&(tenant_id.0, owner.as_str().to_owned()));
    let mut recorded = Vec::new();
    for (tenant_id, owner) in refused.into_iter().filter(is_new) {
        let id = Uuid::now_v7();
        let query = sqlx::query(RECORD).bind(tenant_id.0).bind(day).bind(owner.as_str());
        if query.bind(id).bind(at_ms).execute(&mut *conn).await?.rows_affected() > 0 {
            recorded.push(BudgetRefusal { id, tenant_id, owner, at: time(at_ms)? });
        }
    }
    Ok(recorded)
}

/// A tenant's share as the SQL reads it from JSON.
#[derive(Serialize)]
struct Share {
    n: usize,
    listings: u64,
    micros: u64,
}

/// Records what each tenant pays for a new run.
pub(super) async fn record(
    conn: &mut Conn,
    run_id: Uuid,
    source: String,
    at_ms: i64,
    shares: BTreeMap<TenantId, (u64, u64)>,
) -> StoreResult<()> {
    const RECORD: &str = concat!(
        "INSERT INTO spending (run_id, tenant_id, source, at, listings, reserved_micros) \
         SELECT $3, ids.id, $4, $5, given.listings, given.micros FROM (",
        records!(1, n integer, listings bigint, micros bigint),
        ") AS given JOIN (",
        uuids!(2),
        ") AS ids ON ids.place = given.n"
    );
    if shares.is_empty() {
        return Ok(());
    }
    let tenants: Vec<TenantId> = shares.keys().copied().collect();
    let shares = shares.into_values().enumerate();
    let shares: Vec<Share> = shares.map(|(n, (micros, listings))| Share { n, listings, micros }).collect();
    let query = sqlx::query(RECORD).bind(Json(shares)).bind(Json(tenants)).bind(run_id).bind(source).bind(at_ms);
    query.execute(conn).await?;
    Ok(())
}

/// Shares what a run has cost in proportion to the reservations. `None`: it is unknown, and the reservations stand.
pub(super) async fn settle(conn: &mut Conn, run_id: Uuid, cost_micros: Option<u64>) -> StoreResult<()> {
    const RESERVED: &str = "SELECT reserved_micros FROM source_run WHERE id = $1";
    const SHARES: &str = "SELECT tenant_id, reserved_micros FROM spending WHERE run_id = $1 ORDER BY tenant_id";
    const SETTLE: &str = "UPDATE spending SET settled_micros = $3 WHERE run_id = $1 AND tenant_id = $2";
    let reserved: i64 = sqlx::query_scalar(RESERVED).bind(run_id).fetch_one(&mut *conn).await?;
    let shares: Vec<(Uuid, i64)> = sqlx::query_as(SHARES).bind(run_id).fetch_all(&mut *conn).await?;
    let cost_micros = cost_micros.unwrap_or(reserved.unsigned_abs());
    let mut weights: Vec<u64> = shares.iter().map(|(_, micros)| micros.unsigned_abs()).collect();
    // The rest is for listings that nobody watches.
    weights.push(reserved.unsigned_abs().saturating_sub(weights.iter().sum()));
    for ((tenant_id, _), micros) in shares.iter().zip(split(cost_micros, &weights)) {
        sqlx::query(SETTLE).bind(run_id).bind(*tenant_id).bind(stored(micros)).execute(&mut *conn).await?;
    }
    Ok(())
}

/// What a tenant spends.
pub(super) async fn of_tenant(conn: &mut Conn, tenant_id: TenantId, clock: ClockParam) -> StoreResult<TenantSpending> {
    const SOURCES: &str = "SELECT source, CAST(sum(listings) AS bigint), CAST(coalesce(sum(settled_micros), 0) AS bigint), \
           CAST(sum(CASE WHEN settled_micros IS NULL THEN reserved_micros ELSE 0 END) AS bigint) \
         FROM spending WHERE tenant_id = $1 AND at >= $2 GROUP BY source ORDER BY source";
    let now = time(sqlx::query_scalar(NOW).bind(clock).fetch_one(&mut *conn).await?)?;
    let period = Period::of(now)?;
    let spent = spent_by(conn, tenant_id, &period).await?;
    let query = sqlx::query_as(SOURCES).bind(tenant_id.0).bind(period.month_ms);
    let rows: Vec<(String, i64, i64, i64)> = query.fetch_all(conn).await?;
    let source = |(source, listings, settled, reserved): (String, i64, i64, i64)| {
        Ok(SourceSpending {
            source,
            listings: count(listings)?,
            settled_micros: count(settled)?,
            reserved_micros: count(reserved)?,
        })
    };
    let sources = rows.into_iter().map(source).collect::<StoreResult<_>>()?;
    Ok(TenantSpending { spent, day_ends_at: period.day_ends_at, month_ends_at: period.month_ends_at, sources })
}
