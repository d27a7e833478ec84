//! Products, many at once: the number of statements does not depend on the number of products.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value;
use sqlx::QueryBuilder;
use sqlx::types::Json;
use uuid::Uuid;

use super::schedule_request::{self, ScheduleRequest};
use super::{Conn, Db, HAS_TAG};
use crate::domain::{Interval, Listing, ListingState, ProductId, ProductSettings, ProductStatus, TenantId};
use crate::store::clock::ClockParam;
use crate::store::jobs::JobLease;
use crate::store::rows::sort_columns;
use crate::store::{Lane, StoreResult};

/// A product to be added.
pub(super) struct NewRow {
    pub listing: Listing,
    pub settings: ProductSettings,
}

/// What became of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// Its product was added.
    New(i64),
    /// The tenant watches it already.
    Known(i64),
    /// The tenant does not watch it.
    Unknown,
    /// The tenant has so many products, and may not have more.
    OverQuota(u32),
}

/// What became of some listings.
#[derive(Default)]
pub(super) struct AddedListings(HashMap<Listing, Added>);

impl AddedListings {
    pub fn of(&self, listing: &Listing) -> Added {
        self.0.get(listing).copied().unwrap_or(Added::Unknown)
    }

    /// The id of a listing that the tenant watches.
    pub fn listing_id(&self, listing: &Listing) -> Option<i64> {
        match self.of(listing) {
            Added::New(id) | Added::Known(id) => Some(id),
            Added::Unknown | Added::OverQuota(_) => None,
        }
    }

    /// How many of the listings the tenant watches.
    pub fn known(&self) -> usize {
        self.0.keys().filter(|listing| self.listing_id(listing).is_some()).count()
    }

    /// From now on the listing counts as watched.
    pub fn is_known_now(&mut self, listing: &Listing) {
        if let Added::New(id) = self.of(listing) {
            self.0.insert(*listing, Added::Known(id));
        }
    }
}

/// The products of a tenant that are active, and carry the tag if one is given, in the order of their ids.
pub(super) async fn active(
    conn: &mut Conn,
    tenant_id: TenantId,
    tag: Option<String>,
    after: Option<Uuid>,
    limit: u32,
) -> StoreResult<Vec<Uuid>> {
    let mut query = QueryBuilder::<Db>::new("SELECT p.id FROM product p WHERE p.tenant_id = ");
    query.push_bind(tenant_id.0).push(" AND p.status = ").push_bind(ProductStatus::Active.as_str());
    if let Some(tag) = tag {
        query.push(" AND ").push(HAS_TAG.0).push_bind(tag).push(HAS_TAG.1);
    }
    if let Some(after) = after {
        query.push(" AND p.id > ").push_bind(after);
    }
    query.push(" ORDER BY p.id LIMIT ").push_bind(i64::from(limit));
    Ok(query.build_query_scalar().fetch_all(conn).await?)
}

/// Which of some listings a tenant watches.
pub(super) async fn watched(conn: &mut Conn, tenant_id: TenantId, listings: &[Listing]) -> StoreResult<AddedListings> {
    // `IS TRUE`: see `listings_of`.
    const WATCHED: &str = concat!(
        "SELECT l.marketplace, l.asin, l.id FROM (",
        records!(1, marketplace text, asin text),
        ") AS given JOIN listing l ON l.marketplace = given.marketplace AND l.asin = given.asin \
           JOIN product p ON p.listing_id = l.id WHERE (p.tenant_id = $2) IS TRUE"
    );
    let query = sqlx::query_as(WATCHED).bind(Json(listings.to_vec())).bind(tenant_id.0);
    let ids = ids_by_listing(listings, query.fetch_all(conn).await?);
    Ok(AddedListings(ids.into_iter().map(|(listing, id)| (listing, Added::Known(id))).collect()))
}

/// The ids of the given listings, from rows that name them.
fn ids_by_listing(listings: &[Listing], rows: Vec<(String, String, i64)>) -> HashMap<Listing, i64> {
    let ids: HashMap<(String, String), i64> =
        rows.into_iter().map(|(marketplace, asin, id)| ((marketplace, asin), id)).collect();
    let id = |listing: &Listing| {
        let key = (listing.marketplace.code().to_owned(), listing.asin.as_str().to_owned());
        Some((*listing, *ids.get(&key)?))
    };
    listings.iter().filter_map(id).collect()
}

/// What [`add`] would do. Listings that would be added are [`Added::Unknown`].
pub(super) async fn would_add(
    conn: &mut Conn,
    lease: JobLease,
    rows: Vec<NewRow>,
    quota: u32,
) -> StoreResult<AddedListings> {
    // Those of earlier steps would have been added too.
    const EARLIER: &str = "SELECT done FROM job WHERE id = $1";
    let listings: Vec<Listing> = rows.iter().map(|row| row.listing).collect();
    let mut found = watched(conn, lease.tenant_id, &listings).await?;
    let earlier: i64 = sqlx::query_scalar(EARLIER).bind(lease.id.0).fetch_one(&mut *conn).await?;
    let mut room = room(conn, lease.tenant_id, quota).await?.saturating_sub(earlier.unsigned_abs());
    let mut seen = BTreeSet::new();
    for listing in listings {
        if found.of(&listing) == Added::Unknown && seen.insert(listing) {
            match room.checked_sub(1) {
                Some(left) => room = left,
                None => drop(found.0.insert(listing, Added::OverQuota(quota))),
            }
        }
    }
    Ok(found)
}

/// How many products the tenant may add.
async fn room(conn: &mut Conn, tenant_id: TenantId, quota: u32) -> StoreResult<u64> {
    const COUNT: &str = "SELECT count(*) FROM product WHERE tenant_id = $1";
    let count: i64 = sqlx::query_scalar(COUNT).bind(tenant_id.0).fetch_one(conn).await?;
    Ok(u64::from(quota).saturating_sub(count.unsigned_abs()))
}

/// Adds products, each listing once, until the tenant has as many as it may. New listings are due at once. Under
/// [`usage::lock`](super::usage::lock).
pub(super) async fn add(
    conn: &mut Conn,
    tenant_id: TenantId,
    rows: Vec<NewRow>,
    quota: u32,
    clock: ClockParam,
) -> StoreResult<AddedListings> {
    let listings: Vec<Listing> = rows.iter().map(|row| row.listing).collect::<BTreeSet<_>>().into_iter().collect();
    if listings.is_empty() {
        return Ok(AddedListings::default());
    }
    let ids = make_listings(conn, &listings, clock).await?;
    let locked: Vec<i64> = ids.values().copied().collect();
    schedule_request::lock(conn, &locked, clock).await?;
    let mut found = watched(conn, tenant_id, &listings).await?;
    let mut room = room(conn, tenant_id, quota).await?;
    let mut new = Vec::new();
    for row in rows {
        let (Added::Unknown, Some(id)) = (found.of(&row.listing), ids.get(&row.listing)) else { continue };
        let added = match room.checked_sub(1) {
            Some(left) => {
                room = left;
                let listing = row.listing;
                new.push((*id, row.settings));
                (listing, Added::New(*id))
            }
            None => (row.listing, Added::OverQuota(quota)),
        };
        found.0.insert(added.0, added.1);
    }
    let active = new.iter().filter(|(_, settings)| settings.status == ProductStatus::Active);
    let due: Vec<i64> = active.map(|(id, _)| *id).collect();
    insert(conn, tenant_id, new, clock).await?;
    let immediately = ScheduleRequest { lane: Lane::Scheduled, due_in_ms: 0, unparks: true, accepts_running: false };
    schedule_request::upsert(conn, &due, &immediately, clock).await?;
    Ok(found)
}

/// The ids of listings, whose rows are created where there are none.
async fn make_listings(conn: &mut Conn, listings: &[Listing], clock: ClockParam) -> StoreResult<HashMap<Listing, i64>> {
    const MAKE: &str = concat!(
        "INSERT INTO listing (marketplace, asin, state, sort_title, price_minor, created_at) \
         SELECT given.marketplace, given.asin, $2, $3, $4, ",
        now!(5),
        " FROM (",
        records!(1, marketplace text, asin text),
        ") AS given WHERE NOT EXISTS (SELECT 1 FROM listing l WHERE l.marketplace = given.marketplace AND l.asin = given.asin) \
         ORDER BY given.marketplace, given.asin ON CONFLICT (marketplace, asin) DO NOTHING"
    );
    const IDS: &str = concat!(
        "SELECT l.marketplace, l.asin, l.id FROM (",
        records!(1, marketplace text, asin text),
        ") AS given JOIN listing l ON l.marketplace = given.marketplace AND l.asin = given.asin"
    );
    let unseen = ListingState::default();
    let (sort_title, price_minor) = sort_columns(&unseen);
    let query = sqlx::query(MAKE).bind(Json(listings.to_vec())).bind(Json(unseen)).bind(sort_title).bind(price_minor);
    query.bind(clock).execute(&mut *conn).await?;
    let rows = sqlx::query_as(IDS).bind(Json(listings.to_vec())).fetch_all(conn).await?;
    Ok(ids_by_listing(listings, rows))
}

/// A product as the SQL reads it from JSON.
#[derive(Serialize)]
struct ProductRow {
    n: usize,
    listing_id: i64,
    label: Option<String>,
    search_label: Option<String>,
    tags: Value,
    interval_secs: u32,
    is_adaptive: bool,
    is_competitor: bool,
    status: &'static str,
    watch_offers: bool,
    offers_interval_secs: u32,
}

async fn insert(
    conn: &mut Conn,
    tenant_id: TenantId,
    products: Vec<(i64, ProductSettings)>,
    clock: ClockParam,
) -> StoreResult<()> {
    const INSERT: &str = concat!(
        "INSERT INTO product (id, tenant_id, listing_id, label, search_label, tags, interval_secs, is_adaptive, is_competitor, \
           status, watch_offers, offers_interval_secs, created_at, updated_at) \
         SELECT ids.id, $3, given.listing_id, given.label, given.search_label, given.tags, given.interval_secs, \
           given.is_adaptive, given.is_competitor, given.status, given.watch_offers, given.offers_interval_secs, ",
        now!(4),
        ", ",
        now!(4),
        " FROM (",
        records!(1, n integer, listing_id bigint, label text, search_label text, tags jsonb, interval_secs integer,
            is_adaptive boolean, is_competitor boolean, status text, watch_offers boolean, offers_interval_secs integer),
        ") AS given JOIN (",
        uuids!(2),
        ") AS ids ON ids.place = given.n"
    );
    let ids: Vec<ProductId> = products.iter().map(|_| ProductId::new()).collect();
    let row = |(n, (listing_id, settings)): (usize, (i64, ProductSettings))| ProductRow {
        n,
        listing_id,
        search_label: settings.label.as_deref().map(str::to_lowercase),
        label: settings.label,
        tags: settings.tags.into(),
        interval_secs: settings.frequency.interval().as_secs(),
        is_adaptive: settings.frequency.is_adaptive(),
        is_competitor: settings.is_competitor,
        status: settings.status.as_str(),
        watch_offers: settings.offers_interval.is_some(),
        offers_interval_secs: settings.offers_interval.unwrap_or(Interval::DAILY).as_secs(),
    };
    let rows: Vec<ProductRow> = products.into_iter().enumerate().map(row).collect();
    sqlx::query(INSERT).bind(Json(rows)).bind(Json(ids)).bind(tenant_id.0).bind(clock).execute(conn).await?;
    Ok(())
}
