//! "Check now".

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::newest::push_newest_first;
use super::schedule_request::{self, ScheduleRequest};
use super::{Backend, Conn, Db};
use crate::domain::{ProductId, Task, TaskId, TaskItem, TaskStatus, TenantId};
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::rows::time;
use crate::store::{Lane, Page, StoreError, StoreResult, Tasks};

#[async_trait]
impl Tasks for Backend {
    async fn request_crawl(&self, tenant_id: TenantId, products: &[ProductId]) -> StoreResult<Task> {
        let now_ms = self.now_ms().await?;
        let products = once_each(products);
        self.transaction(tenant_id, move |conn| request(conn, tenant_id, products, now_ms).boxed()).await
    }

    async fn tasks(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<Task>> {
        self.with_replica_fallback(|| {
            async move {
                const LIST: &str = "tasks";
                let now_ms = self.now_ms().await?;
                let mut query = QueryBuilder::<Db>::new("SELECT id, created_at FROM task WHERE tenant_id = ");
                query.push_bind(tenant_id.0);
                push_newest_first(&mut query, "created_at", Cursor::of(LIST, cursor)?, limit)?;
                let mut conn = self.replica_reader(tenant_id).await?;
                let rows: Vec<(Uuid, i64)> = query.build_query_as().fetch_all(&mut *conn).await?;
                let page = page(LIST, rows, limit, |(id, created_at)| (SortKey::Number(*created_at), *id));
                let mut items = Vec::with_capacity(page.items.len());
                for (id, _) in page.items {
                    items.push(find(&mut conn, tenant_id, TaskId(id), now_ms).await?);
                }
                Ok(Page { items, next_cursor: page.next_cursor })
            }
            .boxed()
        })
        .await
    }

    async fn task(&self, tenant_id: TenantId, id: TaskId) -> StoreResult<Task> {
        let now_ms = self.now_ms().await?;
        let mut conn = self.reader(tenant_id).await?;
        find(&mut conn, tenant_id, id, now_ms).await
    }
}

/// The same products, each once, in the order given.
fn once_each(products: &[ProductId]) -> Vec<ProductId> {
    let mut seen = BTreeSet::new();
    products.iter().copied().filter(|product| seen.insert(*product)).collect()
}

async fn request(conn: &mut Conn, tenant_id: TenantId, products: Vec<ProductId>, now_ms: i64) -> StoreResult<Task> {
    const TASK: &str = "INSERT INTO task (id, tenant_id, created_at) VALUES ($1, $2, $3)";
    const ITEM: &str = "INSERT INTO task_item (task_id, place, tenant_id, product_id, listing_id, status) \
         VALUES ($1, $2, $3, $4, $5, 'pending')";
    let listings = listings_of(conn, tenant_id, &products).await?;
    // Leases in one order for everybody, before anything else: no two transactions can wait for each other.
    for listing_id in listings.values().copied().collect::<BTreeSet<_>>() {
        let request =
            ScheduleRequest { lane: Lane::Requested, due_by_ms: now_ms, unparks: true, accepts_running: true };
        schedule_request::upsert(conn, listing_id, &request, now_ms).await?;
    }
    let id = TaskId::new();
    sqlx::query(TASK).bind(id.0).bind(tenant_id.0).bind(now_ms).execute(&mut *conn).await?;
    for (place, product) in (0i32..).zip(&products) {
        let listing_id = listings.get(&product.0).copied().ok_or(StoreError::NotFound)?;
        let item = sqlx::query(ITEM).bind(id.0).bind(place).bind(tenant_id.0).bind(product.0).bind(listing_id);
        item.execute(&mut *conn).await?;
    }
    find(conn, tenant_id, id, now_ms).await
}

/// The listings behind the products, all of which must be the tenant's.
async fn listings_of(conn: &mut Conn, tenant_id: TenantId, products: &[ProductId]) -> StoreResult<HashMap<Uuid, i64>> {
    if products.is_empty() {
        return Ok(HashMap::new());
    }
    let mut query = QueryBuilder::<Db>::new("SELECT id, listing_id FROM product WHERE tenant_id = ");
    query.push_bind(tenant_id.0).push(" AND id IN (");
    let mut ids = query.separated(", ");
    for product in products {
        ids.push_bind(product.0);
    }
    query.push(")");
    let rows: Vec<(Uuid, i64)> = query.build_query_as().fetch_all(conn).await?;
    if rows.len() == products.len() { Ok(rows.into_iter().collect()) } else { Err(StoreError::NotFound) }
}

#[derive(sqlx::FromRow)]
struct ItemColumns {
    product_id: Uuid,
    status: String,
    outcome: Option<String>,
    finished_at: Option<i64>,
    is_leased: bool,
}

async fn find(conn: &mut Conn, tenant_id: TenantId, id: TaskId, now_ms: i64) -> StoreResult<Task> {
    const TASK: &str = "SELECT created_at FROM task WHERE tenant_id = $1 AND id = $2";
    const ITEMS: &str = "SELECT i.product_id, i.status, i.outcome, i.finished_at, \
           (q.owner IS NOT NULL AND q.ready_at > $2) AS is_leased \
         FROM task_item i JOIN lease q ON q.listing_id = i.listing_id WHERE i.task_id = $1 ORDER BY i.place";
    let created_ms: i64 = sqlx::query_scalar(TASK).bind(tenant_id.0).bind(id.0).fetch_one(&mut *conn).await?;
    let rows: Vec<ItemColumns> = sqlx::query_as(ITEMS).bind(id.0).bind(now_ms).fetch_all(conn).await?;
    let items = rows.into_iter().map(TaskItem::try_from).collect::<StoreResult<_>>()?;
    Ok(Task { id, created_at: time(created_ms)?, items })
}

impl TryFrom<ItemColumns> for TaskItem {
    type Error = StoreError;

    fn try_from(row: ItemColumns) -> StoreResult<Self> {
        let stored = TaskStatus::from_word(&row.status);
        let stored = stored.ok_or_else(|| StoreError::Corrupt(format!("task status `{}`", row.status)))?;
        // "Running" is not stored: it is the lease that is held while the item waits.
        let is_running = stored == TaskStatus::Pending && row.is_leased;
        Ok(Self {
            product_id: ProductId(row.product_id),
            status: if is_running { TaskStatus::Running } else { stored },
            outcome: row.outcome,
            finished_at: row.finished_at.map(time).transpose()?,
        })
    }
}
