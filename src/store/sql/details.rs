//! What a decision about a crawl needs, read by primary key for a whole batch of claims.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Backend, Db};
use crate::domain::rule::{CompetitorReading, Competitors, Window, WindowKey, Windows};
use crate::domain::{
    AdaptiveDemand, CompetitorSetId, CrawlAllocation, CrawlDemand, Interval, Listing, ListingId, ListingState,
    ProductId, Rule, Series, TenantId,
};
use crate::store::error::or_report;
use crate::store::rows::{count, interval, listing, time};
use crate::store::rule_rows::ClaimedRuleColumns;
use crate::store::{Claim, Lane, StoreError, StoreResult};

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
    // Read after the last of them was taken.
    let now = leases.iter().map(|lease| lease.ready_at - lease_ms).max().unwrap_or_default();
    let mut windows = windows(store, &rules, time(now)?).await?;
    let mut competitors = competitors(store, &rules).await?;
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
            windows: windows.remove(&lease.listing_id).unwrap_or_default(),
            competitors: competitors.remove(&lease.listing_id).unwrap_or_default(),
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
    // Rules about one product are found by the product, rules about several by the tenant.
    const RULES: &str = concat!(
        "SELECT r.id, r.condition_version, r.tenant_id, p.id AS product_id, p.listing_id, r.product_id IS NULL AS is_wide, \
           t.seller_ids, s.revision, s.state, r.armed, r.crossings, r.name, r.condition, r.again, r.cooldown_secs, r.severity, r.is_paused, r.expires_at \
         FROM (SELECT p.id, p.tenant_id, p.listing_id, r.id AS rule_id FROM product p JOIN alert_rule r ON r.product_id = p.id \
               WHERE p.status = 'active' AND p.listing_id IN (",
        numbers!(1),
        ") UNION ALL \
               SELECT p.id, p.tenant_id, p.listing_id, r.id FROM product p \
               JOIN alert_rule r ON r.tenant_id = p.tenant_id AND r.product_id IS NULL AND (r.tag IS NULL OR ",
        has_tag!("r.tag"),
        ") WHERE p.status = 'active' AND p.listing_id IN (",
        numbers!(1),
        ")) AS p JOIN alert_rule r ON r.id = p.rule_id JOIN tenant t ON t.id = p.tenant_id \
         LEFT JOIN rule_state s ON s.rule_id = r.id AND s.product_id = p.id \
         WHERE NOT r.is_paused AND (r.expires_at IS NULL OR r.expires_at > ",
        now!(2),
        ") ORDER BY r.id, p.id"
    );
    let query = sqlx::query(RULES).bind(Json(ids.to_vec())).bind(store.clock_param());
    let rows = store.on_details(async |conn| query.fetch_all(conn).await).await?;
    let mut by_listing: HashMap<i64, Vec<Rule>> = HashMap::new();
    for rule in readable(rows, |row: ClaimedRuleColumns| Rule::try_from(row)) {
        by_listing.entry(rule.listing_id.0).or_default().push(rule);
    }
    Ok(by_listing)
}

/// A competitor of a set with the state of its listing.
#[derive(FromRow)]
struct CompetitorColumns {
    set_id: Uuid,
    /// Of the set.
    tenant_id: Uuid,
    product_id: Uuid,
    label: Option<String>,
    interval_secs: i32,
    marketplace: String,
    asin: String,
    state: Json<ListingState>,
}

impl TryFrom<CompetitorColumns> for CompetitorReading {
    type Error = StoreError;

    fn try_from(row: CompetitorColumns) -> StoreResult<Self> {
        let (listing, state) = (listing(&row.marketplace, &row.asin)?, row.state.0);
        Ok(Self {
            product_id: ProductId(row.product_id),
            marketplace: listing.marketplace,
            interval: interval(row.interval_secs)?,
            price_minor: state.number(Series::Price),
            shipping_minor: state.number(Series::Shipping),
            price_as_of: state.as_of(Series::Price),
            ranks: state.ranks(),
            ranks_as_of: state.as_of(Series::SalesRank),
            name: row.label.or(state.title).unwrap_or_else(|| listing.asin.to_string()),
        })
    }
}

/// The competitors of the sets that the rules of some listings name, in one query.
async fn competitors(store: &Backend, rules: &HashMap<i64, Vec<Rule>>) -> StoreResult<HashMap<i64, Competitors>> {
    const COMPETITORS: &str = concat!(
        "SELECT s.id AS set_id, s.tenant_id, p.id AS product_id, p.label, p.interval_secs, l.marketplace, l.asin, l.state FROM (",
        uuids!(1),
        ") AS given JOIN competitor_set s ON s.id = given.id JOIN competitor c ON c.set_id = s.id \
         JOIN product p ON p.id = c.product_id JOIN listing l ON l.id = p.listing_id ORDER BY s.id, c.place"
    );
    let named = |rule: &Rule| {
        let tenant_id = rule.tenant_id;
        rule.settings.condition.competitor_sets().into_iter().map(move |set| (set, tenant_id)).collect::<Vec<_>>()
    };
    let ids: HashSet<CompetitorSetId> = rules.values().flatten().flat_map(named).map(|(set, _)| set).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let query = sqlx::query(COMPETITORS).bind(Json(ids.into_iter().collect::<Vec<_>>()));
    let rows = store.on_details(async |conn| query.fetch_all(conn).await).await?;
    let mut sets: HashMap<(CompetitorSetId, TenantId), Vec<CompetitorReading>> = HashMap::new();
    let read = |row: CompetitorColumns| Ok((CompetitorSetId(row.set_id), TenantId(row.tenant_id), row.try_into()?));
    for (set, tenant_id, competitor) in readable(rows, read) {
        sets.entry((set, tenant_id)).or_default().push(competitor);
    }
    let of_listing = |rules: &Vec<Rule>| {
        let found = rules.iter().flat_map(named).filter_map(|key| Some((key.0, sets.get(&key)?.clone())));
        Competitors(found.collect())
    };
    Ok(rules.iter().map(|(listing_id, rules)| (*listing_id, of_listing(rules))).collect())
}

/// A window of history that a rule compares with.
#[derive(Serialize)]
struct WantedWindow {
    n: i32,
    listing_id: i64,
    series: i16,
    category: String,
    /// In milliseconds since 1970.
    from_at: i64,
}

/// What a window holds, by its number: lowest, highest, the sum of the values by how long each held, how long they held, how many.
type WindowColumns = (i32, Option<i64>, Option<i64>, Option<f64>, Option<f64>, i64);

/// The windows that the rules of some listings compare with, in one query; see [`Window::of`].
async fn windows(
    store: &Backend,
    rules: &HashMap<i64, Vec<Rule>>,
    now: Timestamp,
) -> StoreResult<HashMap<i64, Windows>> {
    const WINDOWS: &str = concat!(
        "WITH wanted AS (",
        records!(1, n integer, listing_id bigint, series smallint, category text, from_at bigint),
        "), span AS ( \
           SELECT w.n, p.number, CASE WHEN p.at > w.from_at THEN p.at ELSE w.from_at END AS begins_at, \
             coalesce(lead(p.at) OVER (PARTITION BY w.n ORDER BY p.at), $2) AS ends_at \
           FROM wanted w JOIN point p ON p.listing_id = w.listing_id AND p.series = w.series AND p.category = w.category \
             AND p.at >= coalesce((SELECT max(b.at) FROM point b WHERE b.listing_id = w.listing_id AND b.series = w.series \
               AND b.category = w.category AND b.at <= w.from_at), w.from_at)) \
         SELECT n, min(CASE WHEN number > 0 THEN number END), max(number), \
           sum(CAST(number AS double precision) * (ends_at - begins_at)), \
           CAST(sum(CASE WHEN number IS NOT NULL THEN ends_at - begins_at END) AS double precision), count(number) \
         FROM span GROUP BY n"
    );
    let mut keys: Vec<(i64, WindowKey)> = Vec::new();
    for (listing_id, rules) in rules {
        let of_listing: HashSet<WindowKey> = rules.iter().flat_map(|rule| rule.settings.condition.windows()).collect();
        keys.extend(of_listing.into_iter().map(|key| (*listing_id, key)));
    }
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted = keys.iter().zip(0..).map(|((listing_id, key), n)| WantedWindow {
        n,
        listing_id: *listing_id,
        series: key.series.number(),
        category: key.category.clone(),
        from_at: key.from(now).as_millisecond().max(0),
    });
    let query = sqlx::query_as(WINDOWS).bind(Json(wanted.collect::<Vec<_>>())).bind(now.as_millisecond());
    let rows: Vec<WindowColumns> = store.on_details(async |conn| query.fetch_all(conn).await).await?;
    let nothing = Window { min: None, max: None, mean: None, points: 0 };
    let mut found: Vec<Window> = vec![nothing; keys.len()];
    for (n, min, max, weighted, total_ms, points) in rows {
        let mean = weighted.zip(total_ms).and_then(|(weighted, total_ms)| Window::mean_of(weighted, total_ms));
        if let Some(window) = usize::try_from(n).ok().and_then(|n| found.get_mut(n)) {
            *window = Window { min, max, mean, points: count(points)? };
        }
    }
    let mut by_listing: HashMap<i64, Windows> = HashMap::new();
    for ((listing_id, key), window) in keys.into_iter().zip(found) {
        by_listing.entry(listing_id).or_default().0.insert(key, window);
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
