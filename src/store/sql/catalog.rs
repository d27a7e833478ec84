//! Products, one at a time.

use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::types::Json;

use super::product_list::{SELECT_PRODUCT, list};
use super::schedule_request::{self, ScheduleRequest};
use super::{Backend, Conn, Db, usage};
use crate::domain::{Listing, ListingId, ListingState, Product, ProductId, ProductSettings, ProductStatus, TenantId};
use crate::store::rows::{ProductColumns, sort_columns};
use crate::store::tenant_scope::TenantScope;
use crate::store::{
    Catalog, Lane, NewProduct, Page, ProductFilter, ProductOrder, ProductPatch, StoreError, StoreResult,
};

const FIND_LISTING: &str = "SELECT id FROM listing WHERE marketplace = $1 AND asin = $2";

#[async_trait]
impl Catalog for Backend {
    async fn add_product(&self, product: NewProduct) -> StoreResult<Product> {
        let now_ms = self.now_ms().await?;
        self.transaction(product.tenant_id, move |conn| add(conn, product, now_ms).boxed()).await
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
        self.with_replica_fallback(|| list(self, tenant_id, filter, order, cursor, limit).boxed()).await
    }

    async fn update_product(&self, tenant_id: TenantId, id: ProductId, patch: &ProductPatch) -> StoreResult<Product> {
        let now_ms = self.now_ms().await?;
        let patch = patch.clone();
        self.transaction(tenant_id, move |conn| update(conn, tenant_id, id, patch, now_ms).boxed()).await
    }

    async fn remove_product(&self, tenant_id: TenantId, id: ProductId) -> StoreResult<()> {
        let now_ms = self.now_ms().await?;
        self.transaction(tenant_id, move |conn| remove(conn, tenant_id, id, now_ms).boxed()).await
    }

    async fn listing_id(&self, listing: Listing) -> StoreResult<ListingId> {
        let mut conn = self.shared_reader().await?;
        let query = sqlx::query_scalar(FIND_LISTING).bind(listing.marketplace.code()).bind(listing.asin.as_str());
        Ok(ListingId(query.fetch_one(&mut *conn).await?))
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
    let row: ProductColumns = query.build_query_as().fetch_one(executor).await?;
    row.try_into()
}

async fn add(conn: &mut Conn, product: NewProduct, now_ms: i64) -> StoreResult<Product> {
    const COUNT: &str = "SELECT count(*) FROM product WHERE tenant_id = $1";
    let NewProduct { tenant_id, listing, settings, quota } = product;
    usage::lock(conn, tenant_id).await?;
    let listing_id = listing_row(conn, listing, now_ms).await?;
    schedule_request::lock(conn, listing_id, now_ms).await?;
    let id = ProductId::new();
    insert(conn, tenant_id, id, listing_id, &settings, now_ms).await?;
    usage::check(conn, COUNT, tenant_id, quota).await?;
    if settings.status == ProductStatus::Active {
        let immediately =
            ScheduleRequest { lane: Lane::Scheduled, due_by_ms: now_ms, unparks: true, accepts_running: false };
        schedule_request::upsert(conn, listing_id, &immediately, now_ms).await?;
    }
    find(conn, tenant_id, id).await
}

/// The row of a listing, made when nobody has watched it before.
async fn listing_row(conn: &mut Conn, listing: Listing, now_ms: i64) -> StoreResult<i64> {
    const MAKE: &str = "INSERT INTO listing (marketplace, asin, state, sort_title, price_minor, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (marketplace, asin) DO NOTHING";
    let find =
        || sqlx::query_scalar(FIND_LISTING).bind(listing.marketplace.code()).bind(listing.asin.as_str().to_owned());
    if let Some(id) = find().fetch_optional(&mut *conn).await? {
        return Ok(id);
    }
    let unseen = ListingState::default();
    let (sort_title, price_minor) = sort_columns(&unseen);
    let make = sqlx::query(MAKE).bind(listing.marketplace.code()).bind(listing.asin.as_str().to_owned());
    make.bind(Json(unseen)).bind(sort_title).bind(price_minor).bind(now_ms).execute(&mut *conn).await?;
    Ok(find().fetch_one(conn).await?)
}

async fn insert(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: ProductId,
    listing_id: i64,
    settings: &ProductSettings,
    now_ms: i64,
) -> StoreResult<()> {
    const INSERT: &str = "INSERT INTO product (id, tenant_id, listing_id, label, search_label, tags, interval_secs, \
           is_competitor, status, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT (tenant_id, listing_id) DO NOTHING";
    const WATCHED: &str = "SELECT id FROM product WHERE tenant_id = $1 AND listing_id = $2";
    let query = sqlx::query(INSERT).bind(id.0).bind(tenant_id.0).bind(listing_id);
    let query = query.bind(settings.label.clone()).bind(settings.label.as_deref().map(str::to_lowercase));
    let query = query.bind(Json(settings.tags.clone())).bind(interval_secs(settings)).bind(settings.is_competitor);
    let query = query.bind(settings.status.as_str()).bind(now_ms);
    if query.execute(&mut *conn).await?.rows_affected() == 1 {
        return Ok(());
    }
    let watched = sqlx::query_scalar(WATCHED).bind(tenant_id.0).bind(listing_id).fetch_one(conn).await?;
    Err(StoreError::AlreadyWatched(ProductId(watched)))
}

/// At most 366 days, which any integer column holds.
fn interval_secs(settings: &ProductSettings) -> i32 {
    i32::try_from(settings.frequency.interval_secs()).unwrap_or(i32::MAX)
}

async fn update(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: ProductId,
    patch: ProductPatch,
    now_ms: i64,
) -> StoreResult<Product> {
    const UPDATE: &str = "UPDATE product SET label = $2, search_label = $3, tags = $4, interval_secs = $5, \
           is_competitor = $6, status = $7, updated_at = $8, version = version + 1 \
         WHERE id = $1 AND version = coalesce($9, version)";
    let listing_id = listing_of(conn, tenant_id, id).await?;
    schedule_request::lock(conn, listing_id, now_ms).await?;
    // Read under the lock, so that of two patches at once neither is lost.
    let before = find(&mut *conn, tenant_id, id).await?.settings;
    let expected_version = patch.expected_version;
    let after = patched(before.clone(), patch);
    let query = sqlx::query(UPDATE).bind(id.0).bind(after.label.clone());
    let query = query.bind(after.label.as_deref().map(str::to_lowercase)).bind(Json(after.tags.clone()));
    let query = query.bind(interval_secs(&after)).bind(after.is_competitor).bind(after.status.as_str());
    if query.bind(now_ms).bind(expected_version).execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::Changed);
    }
    reschedule(conn, tenant_id, listing_id, &before, &after, now_ms).await?;
    find(conn, tenant_id, id).await
}

fn patched(before: ProductSettings, patch: ProductPatch) -> ProductSettings {
    ProductSettings {
        label: patch.label.unwrap_or(before.label),
        tags: patch.tags.unwrap_or(before.tags),
        frequency: patch.frequency.unwrap_or(before.frequency),
        is_competitor: patch.is_competitor.unwrap_or(before.is_competitor),
        status: patch.status.unwrap_or(before.status),
    }
}

/// Lets the lease follow the settings: resumed or looked at more often, it is due within the new interval; paused, it rests.
async fn reschedule(
    conn: &mut Conn,
    tenant_id: TenantId,
    listing_id: i64,
    before: &ProductSettings,
    after: &ProductSettings,
    now_ms: i64,
) -> StoreResult<()> {
    if after.status == ProductStatus::Paused {
        return schedule_request::park_unwatched(conn, tenant_id, listing_id, now_ms).await;
    }
    let resumed = before.status == ProductStatus::Paused;
    if resumed || after.frequency < before.frequency {
        let due_by_ms = now_ms + 1000 * i64::from(after.frequency.interval_secs());
        // A listing that was parked for its own sake stays so: only who asks for a look unparks it.
        let request = ScheduleRequest { lane: Lane::Scheduled, due_by_ms, unparks: resumed, accepts_running: false };
        schedule_request::upsert(conn, listing_id, &request, now_ms).await?;
    }
    Ok(())
}

async fn remove(conn: &mut Conn, tenant_id: TenantId, id: ProductId, now_ms: i64) -> StoreResult<()> {
    const CANCEL: &str = "UPDATE task_item SET status = 'cancelled', finished_at = $2 \
         WHERE product_id = $1 AND status = 'pending'";
    const CALL_OFF: &str = "UPDATE delivery SET status = 'dead', owner = NULL, token = token + 1, \
           last_error = 'the product was deleted' \
         WHERE status = 'pending' AND event_id IN (SELECT id FROM event WHERE product_id = $1)";
    let listing_id = listing_of(conn, tenant_id, id).await?;
    schedule_request::lock(conn, listing_id, now_ms).await?;
    let removed = sqlx::query("DELETE FROM product WHERE id = $1").bind(id.0).execute(&mut *conn).await?;
    if removed.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    sqlx::query(CANCEL).bind(id.0).bind(now_ms).execute(&mut *conn).await?;
    sqlx::query(CALL_OFF).bind(id.0).execute(&mut *conn).await?;
    schedule_request::park_unwatched(conn, tenant_id, listing_id, now_ms).await
}

/// The listing behind a tenant's product.
pub(super) async fn listing_of(conn: &mut Conn, tenant_id: TenantId, id: ProductId) -> StoreResult<i64> {
    const LISTING: &str = "SELECT listing_id FROM product WHERE tenant_id = $1 AND id = $2";
    Ok(sqlx::query_scalar(LISTING).bind(tenant_id.0).bind(id.0).fetch_one(conn).await?)
}
