//! Competitor sets.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::QueryBuilder;
use sqlx::types::Json;
use uuid::Uuid;

use super::newest::push_newest_first;
use super::product_list::SELECT_PRODUCT;
use super::{Backend, Conn, Db, catalog, usage};
use crate::domain::{CompetitorSet, CompetitorSetId, Listing, Product, ProductId, TenantId};
use crate::store::clock::ClockParam;
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::error::{OrNotFound, or_report};
use crate::store::rows::{self, ProductColumns, time};
use crate::store::{
    CompetitorSetPatch, CompetitorSets, ListNeighbour, NewCompetitorSet, Page, StoreError, StoreResult,
};

/// Lists that are searched for neighbours: the latest ones.
const MAX_LISTS: i64 = 50;

#[derive(sqlx::FromRow)]
struct SetColumns {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    product_id: Uuid,
    created_at: i64,
    updated_at: i64,
    version: i64,
}

impl SetColumns {
    fn set(self, competitors: Vec<ProductId>) -> StoreResult<CompetitorSet> {
        Ok(CompetitorSet {
            id: CompetitorSetId(self.id),
            tenant_id: TenantId(self.tenant_id),
            name: self.name,
            product_id: ProductId(self.product_id),
            competitors,
            created_at: time(self.created_at)?,
            updated_at: time(self.updated_at)?,
            version: self.version,
        })
    }
}

#[async_trait]
impl CompetitorSets for Backend {
    async fn add_competitor_set(&self, set: NewCompetitorSet) -> StoreResult<CompetitorSet> {
        let clock = self.clock_param();
        self.transaction(set.tenant_id, move |conn| add(conn, set, clock).boxed()).await
    }

    async fn competitor_set(&self, tenant_id: TenantId, id: CompetitorSetId) -> StoreResult<CompetitorSet> {
        find(&mut *self.reader(tenant_id).await?, tenant_id, id).await
    }

    async fn competitor_sets(
        &self,
        tenant_id: TenantId,
        product_id: Option<ProductId>,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<CompetitorSet>> {
        let mut query = select(tenant_id);
        if let Some(product_id) = product_id {
            query.push(" AND product_id = ").push_bind(product_id.0);
        }
        push_newest_first(&mut query, "created_at", Cursor::of("competitor_sets", cursor)?, limit)?;
        let mut conn = self.reader(tenant_id).await?;
        let rows: Vec<SetColumns> = query.build_query_as().fetch_all(&mut *conn).await?;
        let page = page("competitor_sets", rows, limit, |row| (SortKey::Number(row.created_at), row.id));
        let ids: Vec<Uuid> = page.items.iter().map(|row| row.id).collect();
        let mut competitors = competitors_of(&mut conn, tenant_id, &ids).await?;
        Ok(page.readable(|row| {
            let of_set = competitors.remove(&row.id).unwrap_or_default();
            row.set(of_set)
        }))
    }

    async fn update_competitor_set(
        &self,
        tenant_id: TenantId,
        id: CompetitorSetId,
        patch: CompetitorSetPatch,
    ) -> StoreResult<CompetitorSet> {
        let clock = self.clock_param();
        self.transaction(tenant_id, move |conn| update(conn, tenant_id, id, patch, clock).boxed()).await
    }

    async fn remove_competitor_set(&self, tenant_id: TenantId, id: CompetitorSetId) -> StoreResult<()> {
        const REMOVE: &str = "DELETE FROM competitor_set WHERE tenant_id = $1 AND id = $2";
        let query = sqlx::query(REMOVE).bind(tenant_id.0).bind(id.0);
        let removed = query.execute(&mut *self.writer(tenant_id).await?).await?;
        if removed.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound("competitor set")) }
    }

    async fn products_of_ids(&self, tenant_id: TenantId, ids: &[ProductId]) -> StoreResult<Vec<Product>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Db>::new(SELECT_PRODUCT);
        query.push(" WHERE p.tenant_id = ").push_bind(tenant_id.0).push(" AND p.id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.0);
        }
        query.push(")");
        self.products_of(tenant_id, query).await
    }

    async fn products_of_listings(&self, tenant_id: TenantId, listings: &[Listing]) -> StoreResult<Vec<Product>> {
        if listings.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Db>::new(SELECT_PRODUCT);
        query.push(" WHERE p.tenant_id = ").push_bind(tenant_id.0).push(" AND (l.marketplace, l.asin) IN (");
        query.push_values(listings, |mut row, listing| {
            row.push_bind(listing.marketplace.code()).push_bind(listing.asin.to_string());
        });
        query.push(")");
        self.products_of(tenant_id, query).await
    }

    async fn list_neighbours(
        &self,
        tenant_id: TenantId,
        listing: Listing,
        reach: u16,
    ) -> StoreResult<Vec<ListNeighbour>> {
        const NEIGHBOURS: &str = "WITH list AS ( \
               SELECT id, created_at FROM job WHERE tenant_id = $1 AND kind = 'category' ORDER BY created_at DESC LIMIT $4), \
             own AS ( \
               SELECT list.id, list.created_at, i.place FROM list JOIN job_item i ON i.job_id = list.id AND i.input = $2) \
             SELECT i.input, i.place - own.place, own.created_at FROM own JOIN job_item i ON i.job_id = own.id \
             WHERE i.place BETWEEN own.place - $3 AND own.place + $3 AND i.place <> own.place \
             ORDER BY abs(i.place - own.place), own.created_at DESC";
        let query = sqlx::query_as(NEIGHBOURS).bind(tenant_id.0).bind(listing.to_string());
        let query = query.bind(i32::from(reach)).bind(MAX_LISTS);
        let rows: Vec<(String, i32, i64)> = query.fetch_all(&mut *self.reader(tenant_id).await?).await?;
        let mut nearest: Vec<ListNeighbour> = Vec::new();
        for (input, distance, listed_at) in rows {
            let (marketplace, asin) = input.split_once('/').unwrap_or_default();
            let found = rows::listing(marketplace, asin)
                .and_then(|listing| Ok(ListNeighbour { listing, distance, listed_at: time(listed_at)? }));
            let Some(found) = or_report(found) else { continue };
            if nearest.iter().all(|known| known.listing != found.listing) {
                nearest.push(found);
            }
        }
        Ok(nearest)
    }
}

impl Backend {
    async fn products_of(&self, tenant_id: TenantId, mut query: QueryBuilder<Db>) -> StoreResult<Vec<Product>> {
        let rows: Vec<ProductColumns> = query.build_query_as().fetch_all(&mut *self.reader(tenant_id).await?).await?;
        Ok(rows.into_iter().map(Product::try_from).filter_map(or_report).collect())
    }
}

fn select(tenant_id: TenantId) -> QueryBuilder<Db> {
    let mut query = QueryBuilder::<Db>::new(
        "SELECT id, tenant_id, name, product_id, created_at, updated_at, version FROM competitor_set WHERE tenant_id = ",
    );
    query.push_bind(tenant_id.0);
    query
}

async fn find(conn: &mut Conn, tenant_id: TenantId, id: CompetitorSetId) -> StoreResult<CompetitorSet> {
    let mut query = select(tenant_id);
    query.push(" AND id = ").push_bind(id.0);
    let row: SetColumns = query.build_query_as().fetch_one(&mut *conn).await.or_not_found("competitor set")?;
    let competitors = competitors_of(conn, tenant_id, &[id.0]).await?.remove(&id.0);
    row.set(competitors.unwrap_or_default())
}

/// The competitors of some sets, in their order.
async fn competitors_of(
    conn: &mut Conn,
    tenant_id: TenantId,
    sets: &[Uuid],
) -> StoreResult<HashMap<Uuid, Vec<ProductId>>> {
    const COMPETITORS: &str = concat!(
        "SELECT c.set_id, c.product_id FROM (",
        uuids!(2),
        ") AS given JOIN competitor c ON c.set_id = given.id WHERE c.tenant_id = $1 ORDER BY c.set_id, c.place"
    );
    let query = sqlx::query_as(COMPETITORS).bind(tenant_id.0).bind(Json(sets.to_vec()));
    let rows: Vec<(Uuid, Uuid)> = query.fetch_all(conn).await?;
    let mut by_set: HashMap<Uuid, Vec<ProductId>> = HashMap::new();
    for (set, product) in rows {
        by_set.entry(set).or_default().push(ProductId(product));
    }
    Ok(by_set)
}

async fn add(conn: &mut Conn, set: NewCompetitorSet, clock: ClockParam) -> StoreResult<CompetitorSet> {
    const INSERT: &str = concat!(
        "INSERT INTO competitor_set (id, tenant_id, name, product_id, created_at, updated_at) VALUES ($1, $2, $3, $4, ",
        now!(5),
        ", ",
        now!(5),
        ")"
    );
    const COUNT: &str = "SELECT count(*) FROM competitor_set WHERE tenant_id = $1";
    let (id, tenant_id) = (CompetitorSetId::new(), set.tenant_id);
    usage::lock(conn, tenant_id).await?;
    // Of another tenant, there is none.
    catalog::listing_of(conn, tenant_id, set.product_id).await?;
    let query = sqlx::query(INSERT).bind(id.0).bind(tenant_id.0).bind(set.name).bind(set.product_id.0).bind(clock);
    query.execute(&mut *conn).await?;
    usage::check(conn, COUNT, tenant_id, "competitor_sets", set.quota).await?;
    insert_competitors(conn, tenant_id, id, &set.competitors).await?;
    find(conn, tenant_id, id).await
}

async fn insert_competitors(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: CompetitorSetId,
    competitors: &[ProductId],
) -> StoreResult<()> {
    const INSERT: &str = "INSERT INTO competitor (set_id, product_id, tenant_id, place) VALUES ($1, $2, $3, $4)";
    let known = catalog::listings_of(conn, tenant_id, competitors).await?;
    if competitors.iter().any(|product| !known.contains_key(product)) {
        return Err(StoreError::NotFound("product"));
    }
    for (product, place) in competitors.iter().zip(0i32..) {
        let query = sqlx::query(INSERT).bind(id.0).bind(product.0).bind(tenant_id.0).bind(place);
        query.execute(&mut *conn).await?;
    }
    Ok(())
}

async fn update(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: CompetitorSetId,
    patch: CompetitorSetPatch,
    clock: ClockParam,
) -> StoreResult<CompetitorSet> {
    const UPDATE: &str = concat!(
        "UPDATE competitor_set SET name = coalesce($3, name), version = version + 1, updated_at = ",
        now!(4),
        " WHERE tenant_id = $1 AND id = $2 AND version = coalesce($5, version)"
    );
    const CLEAR: &str = "DELETE FROM competitor WHERE tenant_id = $1 AND set_id = $2";
    // So that what updates no row has another version.
    find(conn, tenant_id, id).await?;
    let query = sqlx::query(UPDATE).bind(tenant_id.0).bind(id.0).bind(patch.name).bind(clock);
    if query.bind(patch.expected_version).execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::Changed);
    }
    if let Some(competitors) = patch.competitors {
        sqlx::query(CLEAR).bind(tenant_id.0).bind(id.0).execute(&mut *conn).await?;
        insert_competitors(conn, tenant_id, id, &competitors).await?;
    }
    find(conn, tenant_id, id).await
}
