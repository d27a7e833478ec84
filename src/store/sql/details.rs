//! What a decision about a crawl needs, read by primary key for a whole batch of claims.

use std::collections::HashMap;

use sqlx::FromRow;
use sqlx::types::Json;

use super::{Backend, Db};
use crate::domain::{AdaptiveDemand, CrawlAllocation, CrawlDemand, Interval, Listing, ListingId, ListingState, Rule};
use crate::store::error::or_report;
use crate::store::rows::{RuleColumns, count, interval, listing, time};
use crate::store::{Claim, Lane, RuleRow, StoreError, StoreResult};

/// A lease that was just taken.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct Lease {
    pub listing_id: i64,
    pub token: i64,
    pub attempt: i32,
    /// When it expires.
    pub ready_at: i64,
}

#[derive(sqlx::FromRow)]
struct ListingColumns {
    id: i64,
    marketplace: String,
    asin: String,
    state: Json<ListingState>,
    /// The shortest interval of an active product with a fixed one.
    interval_secs: Option<i32>,
    /// The shortest interval of the active products that watch its offers.
    offers_interval_secs: Option<i32>,
    /// The active products that are adaptive.
    adaptive: Json<Vec<AdaptiveColumns>>,
}

/// The average interval of an adaptive product, and the members of its tenant's [`CrawlAllocation`].
type AdaptiveColumns = (i32, Option<f64>, Option<u32>, Option<u32>);

fn adaptive_demand(columns: AdaptiveColumns) -> StoreResult<AdaptiveDemand> {
    let (average_secs, marginal_gain, min_interval_secs, max_interval_secs) = columns;
    let allocation = marginal_gain.zip(min_interval_secs).zip(max_interval_secs).map(|((marginal_gain, min), max)| {
        CrawlAllocation { marginal_gain, min_interval_secs: min, max_interval_secs: max }
    });
    Ok(AdaptiveDemand { average: interval(average_secs)?, allocation })
}

/// What a claim needs besides lease and rules.
struct Details {
    listing: Listing,
    state: ListingState,
    demand: CrawlDemand,
    offers_interval: Option<Interval>,
}

impl TryFrom<ListingColumns> for Details {
    type Error = StoreError;

    fn try_from(row: ListingColumns) -> StoreResult<Self> {
        let listing = listing(&row.marketplace, &row.asin)?;
        let adaptive = row.adaptive.0.into_iter().map(adaptive_demand).collect::<StoreResult<_>>()?;
        let demand = CrawlDemand { fixed: row.interval_secs.map(interval).transpose()?, adaptive };
        let offers_interval = row.offers_interval_secs.map(interval).transpose()?;
        Ok(Self { listing, state: row.state.0, demand, offers_interval })
    }
}

/// The claims of some leases, in their order. A listing or rule that this version cannot read is left out and logged: its lease
/// expires, and it is parked in the end, while the others are crawled.
pub(super) async fn of(store: &Backend, lane: Lane, leases: Vec<Lease>, lease_ms: i64) -> StoreResult<Vec<Claim>> {
    if leases.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = leases.iter().map(|lease| lease.listing_id).collect();
    let mut listings = listings(store, &ids).await?;
    let mut rules = rules(store, &ids).await?;
    let claim = |lease: Lease| {
        let Details { listing, state, demand, offers_interval } = listings.remove(&lease.listing_id)?;
        Some(Claim {
            listing_id: ListingId(lease.listing_id),
            listing,
            token: lease.token,
            claimed_at: time(lease.ready_at - lease_ms).ok()?,
            attempt: count(lease.attempt).unwrap_or(u16::MAX),
            lane,
            state,
            demand,
            offers_interval,
            rules: rules.remove(&lease.listing_id).unwrap_or_default(),
        })
    };
    Ok(leases.into_iter().filter_map(claim).collect())
}

async fn listings(store: &Backend, ids: &[i64]) -> StoreResult<HashMap<i64, Details>> {
    const LISTINGS: &str = concat!(
        "SELECT l.id, l.marketplace, l.asin, l.state, ( \
           SELECT min(p.offers_interval_secs) FROM product p \
           WHERE p.listing_id = l.id AND p.status = 'active' AND p.watch_offers) AS offers_interval_secs, ( \
           SELECT min(p.interval_secs) FROM product p \
           WHERE p.listing_id = l.id AND p.status = 'active' AND NOT p.is_adaptive) AS interval_secs, ( \
           SELECT ",
        all_rows!(
            "p.interval_secs, t.crawl_allocation -> 'marginal_gain', t.crawl_allocation -> 'min_interval_secs', \
             t.crawl_allocation -> 'max_interval_secs'"
        ),
        " FROM product p JOIN tenant t ON t.id = p.tenant_id \
           WHERE p.listing_id = l.id AND p.status = 'active' AND p.is_adaptive) AS adaptive \
         FROM listing l WHERE l.id IN (",
        numbers!(1),
        ")"
    );
    let query = sqlx::query(LISTINGS).bind(Json(ids.to_vec()));
    let rows = store.on_details(async |conn| query.fetch_all(conn).await).await?;
    Ok(readable(rows, |row: ListingColumns| Ok((row.id, Details::try_from(row)?))).collect())
}

async fn rules(store: &Backend, ids: &[i64]) -> StoreResult<HashMap<i64, Vec<Rule>>> {
    const RULES: &str = concat!(
        "SELECT r.id, r.tenant_id, r.product_id, r.listing_id, r.condition, r.webhook_url, r.webhook_secret, r.armed, \
           r.crossings, r.last_notified_minor, r.created_at \
         FROM alert_rule r JOIN product p ON p.id = r.product_id \
         WHERE p.status = 'active' AND r.listing_id IN (",
        numbers!(1),
        ") ORDER BY r.id"
    );
    let query = sqlx::query(RULES).bind(Json(ids.to_vec()));
    let rows = store.on_details(async |conn| query.fetch_all(conn).await).await?;
    let mut by_listing: HashMap<i64, Vec<Rule>> = HashMap::new();
    for row in readable(rows, |row: RuleColumns| RuleRow::try_from(row)) {
        by_listing.entry(row.rule.listing_id.0).or_default().push(row.rule);
    }
    Ok(by_listing)
}

/// The rows that can be read; the others are logged.
pub(super) fn readable<C, T>(
    rows: Vec<<Db as sqlx::Database>::Row>,
    convert: impl Fn(C) -> StoreResult<T>,
) -> impl Iterator<Item = T>
where
    C: for<'r> FromRow<'r, <Db as sqlx::Database>::Row>,
{
    rows.into_iter().filter_map(move |row| or_report(C::from_row(&row).map_err(Into::into).and_then(&convert)))
}
