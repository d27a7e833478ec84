//! Products, one at a time.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::types::Json;
use uuid::Uuid;

use super::product_list::{SELECT_PRODUCT, list};
use super::schedule_request::{self, ScheduleRequest};
use super::{Backend, Conn, Db, usage};
use crate::domain::{
    Interval, Listing, ListingId, ListingState, Marketplace, Product, ProductId, ProductSettings, ProductStatus,
    TenantId,
};
use crate::store::clock::ClockParam;
use crate::store::error::{OrNotFound, or_report};
use crate::store::rows::{FailingColumns, ProductColumns, sort_columns};
use crate::store::tenant_scope::TenantScope;
use crate::store::{
    Catalog, FailingListing, Lane, NewProduct, Page, ProductFilter, ProductOrder, ProductPatch, StoreError, StoreResult,
};

const FIND_LISTING: &str = "SELECT id FROM listing WHERE marketplace = $1 AND asin = $2";

#[async_trait]
impl Catalog for Backend {
    async fn add_product(&self, product: NewProduct) -> StoreResult<Product> {
        let clock = self.clock_param();
        self.transaction(product.tenant_id, move |conn| add(conn, product, clock).boxed()).await
    }

    async fn product(&self, tenant_id: TenantId, id: ProductId) -> StoreResult<Product> {
        find(&mut *self.reader(tenant_id).await?, tenant_id, id).await
    }

    async fn products(
        &self,
        tenant_id: TenantId,
        filter: &ProductFilter,
        order: ProductOrder,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<Product>> {
        let page = self.with_replica_fallback(|| list(self, tenant_id, filter, order, cursor, limit).boxed()).await?;
        Ok(page.readable(Product::try_from))
    }

    async fn update_product(&self, tenant_id: TenantId, id: ProductId, patch: &ProductPatch) -> StoreResult<Product> {
        let clock = self.clock_param();
        let patch = patch.clone();
        self.transaction(tenant_id, move |conn| update(conn, tenant_id, id, patch, clock).boxed()).await
    }

    async fn remove_product(
        &self,
        tenant_id: TenantId,
        id: ProductId,
        expected_version: Option<i64>,
    ) -> StoreResult<()> {
        let clock = self.clock_param();
        self.transaction(tenant_id, move |conn| {
            async move {
                if let Some(expected) = expected_version {
                    check_version(conn, tenant_id, id, expected).await?;
                }
                remove(conn, tenant_id, &[id], clock).await
            }
            .boxed()
        })
        .await
    }

    async fn listings_of_products(
        &self,
        tenant_id: TenantId,
        products: &[ProductId],
    ) -> StoreResult<HashMap<ProductId, ListingId>> {
        listings_of(&mut *self.reader(tenant_id).await?, tenant_id, products).await
    }

    async fn listing_id(&self, listing: Listing) -> StoreResult<ListingId> {
        let mut conn = self.shared_reader().await?;
        let query = sqlx::query_scalar(FIND_LISTING).bind(listing.marketplace.code()).bind(listing.asin.as_str());
        Ok(ListingId(query.fetch_one(&mut *conn).await.or_not_found("listing")?))
    }

    async fn failing_listings(
        &self,
        marketplace: Option<Marketplace>,
        after: ListingId,
        limit: u32,
    ) -> StoreResult<Vec<FailingListing>> {
        const FAILING: &str = "SELECT l.id, l.marketplace, l.asin, l.state, l.last_outcome, l.last_crawled_at, \
               q.ready_at, q.parked_at, q.attempt \
             FROM listing l JOIN lease q ON q.listing_id = l.id \
             WHERE l.id > $1 AND ($2 IS NULL OR l.marketplace = $2) \
               AND (l.last_outcome <> 'observed' OR q.parked_at IS NOT NULL) \
               AND EXISTS (SELECT 1 FROM product p WHERE p.listing_id = l.id AND p.status = 'active') \
             ORDER BY l.id LIMIT $3";
        let query = sqlx::query_as(FAILING).bind(after.0).bind(marketplace.map(Marketplace::code));
        let rows: Vec<FailingColumns> =
            query.bind(i64::from(limit)).fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(rows.into_iter().map(FailingListing::try_from).filter_map(or_report).collect())
    }

    async fn count_products(&self) -> StoreResult<u64> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM product")
            .fetch_one(&mut *self.reader(TenantScope::All).await?)
            .await?;
        Ok(count.unsigned_abs())
    }
}

async fn find(
    executor: impl sqlx::Executor<'_, Database = Db>,
    tenant_id: TenantId,
    id: ProductId,
) -> StoreResult<Product> {
    let mut query = sqlx::QueryBuilder::<Db>::new(SELECT_PRODUCT);
    query.push(" WHERE p.tenant_id = ").push_bind(tenant_id.0).push(" AND p.id = ").push_bind(id.0);
    let row: ProductColumns = query.build_query_as().fetch_one(executor).await.or_not_found("product")?;
    row.try_into()
}

async fn add(conn: &mut Conn, product: NewProduct, clock: ClockParam) -> StoreResult<Product> {
    const COUNT: &str = "SELECT count(*) FROM product WHERE tenant_id = $1";
    let NewProduct { tenant_id, listing, settings, quota } = product;
    usage::lock(conn, tenant_id).await?;
    let listing_id = listing_row(conn, listing, clock).await?;
    schedule_request::lock(conn, &[listing_id], clock).await?;
    let id = ProductId::new();
    insert(conn, tenant_id, id, listing_id, &settings, clock).await?;
    usage::check(conn, COUNT, tenant_id, "products", quota).await?;
    if settings.status == ProductStatus::Active {
        let immediately =
            ScheduleRequest { lane: Lane::Scheduled, due_in_ms: 0, unparks: true, accepts_running: false };
        schedule_request::upsert(conn, &[listing_id], &immediately, clock).await?;
    }
    find(conn, tenant_id, id).await
}

/// The id of a listing, whose row is created if there is none.
pub(super) async fn listing_row(conn: &mut Conn, listing: Listing, clock: ClockParam) -> StoreResult<i64> {
    const MAKE: &str = concat!(
        "INSERT INTO listing (marketplace, asin, state, sort_title, price_minor, created_at) \
         VALUES ($1, $2, $3, $4, $5, ",
        now!(6),
        ") ON CONFLICT (marketplace, asin) DO NOTHING RETURNING id"
    );
    let find =
        || sqlx::query_scalar(FIND_LISTING).bind(listing.marketplace.code()).bind(listing.asin.as_str().to_owned());
    if let Some(id) = find().fetch_optional(&mut *conn).await? {
        return Ok(id);
    }
    let unseen = ListingState::default();
    let (sort_title, price_minor) = sort_columns(&unseen);
    let make = sqlx::query_scalar(MAKE).bind(listing.marketplace.code()).bind(listing.asin.as_str().to_owned());
    let make = make.bind(Json(unseen)).bind(sort_title).bind(price_minor).bind(clock);
    match make.fetch_optional(&mut *conn).await? {
        Some(id) => Ok(id),
        // Another transaction has created it in between.
        None => Ok(find().fetch_one(conn).await?),
    }
}

async fn insert(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: ProductId,
    listing_id: i64,
    settings: &ProductSettings,
    clock: ClockParam,
) -> StoreResult<()> {
    const INSERT: &str = concat!(
        "INSERT INTO product (id, tenant_id, listing_id, label, search_label, tags, interval_secs, \
           is_adaptive, is_competitor, status, watch_offers, offers_interval_secs, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12, $13, ",
        now!(11),
        ", ",
        now!(11),
        ") ON CONFLICT (tenant_id, listing_id) DO NOTHING"
    );
    const WATCHED: &str = "SELECT id FROM product WHERE tenant_id = $1 AND listing_id = $2";
    let query = sqlx::query(INSERT).bind(id.0).bind(tenant_id.0).bind(listing_id);
    let query = query.bind(settings.label.clone()).bind(settings.label.as_deref().map(str::to_lowercase));
    let query = query.bind(Json(settings.tags.clone())).bind(secs(settings.frequency.interval()));
    let query = query.bind(settings.frequency.is_adaptive()).bind(settings.is_competitor);
    let query = query.bind(settings.status.as_str()).bind(clock);
    let query = query.bind(settings.offers_interval.is_some()).bind(offers_interval_secs(settings));
    if query.execute(&mut *conn).await?.rows_affected() == 1 {
        return Ok(());
    }
    let watched = sqlx::query_scalar(WATCHED).bind(tenant_id.0).bind(listing_id).fetch_one(conn).await?;
    Err(StoreError::AlreadyWatched(ProductId(watched)))
}

/// At most 366 days, which any integer column holds.
fn secs(interval: Interval) -> i32 {
    i32::try_from(interval.as_secs()).unwrap_or(i32::MAX)
}

/// The column has a value also while offers are not watched.
fn offers_interval_secs(settings: &ProductSettings) -> i32 {
    secs(settings.offers_interval.unwrap_or(Interval::DAILY))
}

async fn update(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: ProductId,
    patch: ProductPatch,
    clock: ClockParam,
) -> StoreResult<Product> {
    const UPDATE: &str = concat!(
        "UPDATE product SET label = $2, search_label = $3, tags = $4, interval_secs = $5, \
           is_adaptive = $6, is_competitor = $7, status = $8, watch_offers = $11, offers_interval_secs = $12, \
           updated_at = ",
        now!(9),
        ", version = version + 1 WHERE id = $1 AND version = coalesce($10, version)"
    );
    let listing_id = listing_of(conn, tenant_id, id).await?;
    schedule_request::lock(conn, &[listing_id], clock).await?;
    // Read under the lock, so that two concurrent patches are both applied.
    let before = find(&mut *conn, tenant_id, id).await?.settings;
    let expected_version = patch.expected_version;
    let after = patched(before.clone(), patch);
    let query = sqlx::query(UPDATE).bind(id.0).bind(after.label.clone());
    let query = query.bind(after.label.as_deref().map(str::to_lowercase)).bind(Json(after.tags.clone()));
    let query = query.bind(secs(after.frequency.interval())).bind(after.frequency.is_adaptive());
    let query = query.bind(after.is_competitor).bind(after.status.as_str()).bind(clock).bind(expected_version);
    let query = query.bind(after.offers_interval.is_some()).bind(offers_interval_secs(&after));
    if query.execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::Changed);
    }
    reschedule(conn, tenant_id, listing_id, &before, &after, clock).await?;
    find(conn, tenant_id, id).await
}

fn patched(before: ProductSettings, patch: ProductPatch) -> ProductSettings {
    let offers_interval = patch.offers_interval.or(before.offers_interval);
    let watches_offers = patch.watch_offers.unwrap_or(offers_interval.is_some());
    ProductSettings {
        label: patch.label.unwrap_or(before.label),
        tags: patch.tags.unwrap_or(before.tags),
        frequency: patch.frequency.unwrap_or(before.frequency),
        is_competitor: patch.is_competitor.unwrap_or(before.is_competitor),
        status: patch.status.unwrap_or(before.status),
        offers_interval: watches_offers.then(|| offers_interval.unwrap_or(Interval::DAILY)),
    }
}

/// Adjusts the lease to the settings: resumed or with a shorter interval, the listing is due within that interval; as soon as its
/// offers are watched, at once; paused, its lease is parked unless others watch it.
async fn reschedule(
    conn: &mut Conn,
    tenant_id: TenantId,
    listing_id: i64,
    before: &ProductSettings,
    after: &ProductSettings,
    clock: ClockParam,
) -> StoreResult<()> {
    match Rescheduled::of(before, after) {
        Rescheduled::Parked => schedule_request::park_unwatched(conn, tenant_id, &[listing_id], clock).await,
        Rescheduled::Requested(request) => schedule_request::upsert(conn, &[listing_id], &request, clock).await,
        Rescheduled::Unchanged => Ok(()),
    }
}

/// What a change of settings means for the lease of the listing.
pub(super) enum Rescheduled {
    /// It is parked unless others watch it.
    Parked,
    /// It is due at the latest at a time.
    Requested(ScheduleRequest),
    /// Nothing.
    Unchanged,
}

impl Rescheduled {
    /// Of a change.
    pub(super) fn of(before: &ProductSettings, after: &ProductSettings) -> Self {
        if after.status == ProductStatus::Paused {
            return Self::Parked;
        }
        let resumed = before.status == ProductStatus::Paused;
        let watches_offers_now = before.offers_interval.is_none() && after.offers_interval.is_some();
        // The present interval of an adaptive product may be longer than its average.
        let has_become_fixed = before.frequency.is_adaptive() && !after.frequency.is_adaptive();
        let is_more_often = after.frequency.interval() < before.frequency.interval();
        if !(resumed || watches_offers_now || has_become_fixed || is_more_often) {
            return Self::Unchanged;
        }
        let due_in_ms = if watches_offers_now { 0 } else { 1000 * i64::from(after.frequency.interval().as_secs()) };
        // A listing that is parked because its crawls fail stays parked: only a request for a crawl unparks it.
        Self::Requested(ScheduleRequest { lane: Lane::Scheduled, due_in_ms, unparks: resumed, accepts_running: false })
    }
}

/// Locks a product that has the expected version.
async fn check_version(conn: &mut Conn, tenant_id: TenantId, id: ProductId, expected: i64) -> StoreResult<()> {
    const CHECK: &str = "UPDATE product SET version = version WHERE tenant_id = $1 AND id = $2 AND version = $3";
    let checked = sqlx::query(CHECK).bind(tenant_id.0).bind(id.0).bind(expected).execute(conn).await?;
    if checked.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Changed) }
}

/// Removes products of a tenant with everything that belongs to them.
pub(super) async fn remove(
    conn: &mut Conn,
    tenant_id: TenantId,
    products: &[ProductId],
    clock: ClockParam,
) -> StoreResult<()> {
    const DELETE: &str =
        concat!("DELETE FROM product WHERE tenant_id = $1 AND id IN (SELECT id FROM (", uuids!(2), ") AS given)");
    const CANCEL_ITEMS: &str = concat!(
        "UPDATE job_item SET status = 'cancelled', finished_at = ",
        now!(2),
        " WHERE status = 'pending' AND product_id IN (SELECT id FROM (",
        uuids!(1),
        ") AS given)"
    );
    const CANCEL_DELIVERIES: &str = concat!(
        "UPDATE delivery SET status = 'dead', owner = NULL, token = token + 1, last_error = 'the product was deleted' \
         WHERE status = 'pending' AND event_id IN ( \
           SELECT event.id FROM event JOIN (",
        uuids!(1),
        ") AS given ON given.id = event.product_id)"
    );
    const REMOVE_RULE_STATES: &str =
        concat!("DELETE FROM rule_state WHERE product_id IN (SELECT id FROM (", uuids!(1), ") AS given)");
    const DROP_HELD: &str = concat!(
        "UPDATE delivery SET status = 'dropped', last_error = 'the product was deleted' \
         WHERE status = 'held' AND event_id IN ( \
           SELECT event.id FROM event JOIN (",
        uuids!(1),
        ") AS given ON given.id = event.product_id)"
    );
    let listings: Vec<i64> = listings_of(conn, tenant_id, products).await?.into_values().map(|id| id.0).collect();
    schedule_request::lock(conn, &listings, clock).await?;
    let ids = Json(products.to_vec());
    let deleted = sqlx::query(DELETE).bind(tenant_id.0).bind(ids.clone()).execute(&mut *conn).await?;
    if deleted.rows_affected() < products.len() as u64 {
        return Err(StoreError::NotFound("product"));
    }
    sqlx::query(CANCEL_ITEMS).bind(ids.clone()).bind(clock).execute(&mut *conn).await?;
    sqlx::query(REMOVE_RULE_STATES).bind(ids.clone()).execute(&mut *conn).await?;
    sqlx::query(DROP_HELD).bind(ids.clone()).execute(&mut *conn).await?;
    sqlx::query(CANCEL_DELIVERIES).bind(ids).execute(&mut *conn).await?;
    schedule_request::park_unwatched(conn, tenant_id, &listings, clock).await
}

/// The listings of a tenant's products. A product that the tenant does not have is missing in the answer.
pub(super) async fn listings_of(
    conn: &mut Conn,
    tenant_id: TenantId,
    products: &[ProductId],
) -> StoreResult<HashMap<ProductId, ListingId>> {
    // `IS TRUE` keeps planners from reading all products of the tenant, and the list once for each of them.
    const LISTINGS: &str = concat!(
        "SELECT p.id, p.listing_id FROM product p JOIN (",
        uuids!(2),
        ") AS given ON given.id = p.id WHERE (p.tenant_id = $1) IS TRUE"
    );
    let query = sqlx::query_as(LISTINGS).bind(tenant_id.0).bind(Json(products.to_vec()));
    let rows: Vec<(Uuid, i64)> = query.fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(product, listing)| (ProductId(product), ListingId(listing))).collect())
}

/// The listing behind a tenant's product.
pub(super) async fn listing_of(conn: &mut Conn, tenant_id: TenantId, id: ProductId) -> StoreResult<i64> {
    const LISTING: &str = "SELECT listing_id FROM product WHERE tenant_id = $1 AND id = $2";
    sqlx::query_scalar(LISTING).bind(tenant_id.0).bind(id.0).fetch_one(conn).await.or_not_found("product")
}
