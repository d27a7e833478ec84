//! Tasks: crawls that were requested.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::QueryBuilder;
use sqlx::types::Json;
use uuid::Uuid;

use super::catalog::listings_of;
use super::job_rows::item_status;
use super::newest::push_newest_first;
use super::schedule_request::{self, ScheduleRequest};
use super::{Backend, Conn, Db, usage};
use crate::domain::{JobId, ProductId, Task, TaskItem, TenantId};
use crate::store::clock::ClockParam;
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::error::OrNotFound;
use crate::store::rows::time;
use crate::store::{Lane, Page, StoreError, StoreResult, Tasks};

/// Until the items of a task are counted for the first time. A task shows how they are in any case.
const SETTLE_AFTER_MS: i64 = 1000;

#[async_trait]
impl Tasks for Backend {
    async fn request_crawl(
        &self,
        tenant_id: TenantId,
        products: &[ProductId],
        crawls_per_day: u32,
    ) -> StoreResult<Task> {
        let clock = self.clock_param();
        let products = distinct(products);
        self.transaction(tenant_id, move |conn| request(conn, tenant_id, products, crawls_per_day, clock).boxed()).await
    }

    async fn tasks(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<Task>> {
        self.with_replica_fallback(|| {
            async move {
                const LIST: &str = "tasks";
                let mut query =
                    QueryBuilder::<Db>::new("SELECT id, created_at FROM job WHERE kind = 'crawl' AND tenant_id = ");
                query.push_bind(tenant_id.0);
                push_newest_first(&mut query, "created_at", Cursor::of(LIST, cursor)?, limit)?;
                let mut conn = self.replica_reader(tenant_id).await?;
                let rows: Vec<(Uuid, i64)> = query.build_query_as().fetch_all(&mut *conn).await?;
                let page = page(LIST, rows, limit, |(id, created_at)| (SortKey::Number(*created_at), *id));
                let ids: Vec<Uuid> = page.items.iter().map(|(id, _)| *id).collect();
                let mut items = items_of(&mut conn, ids, self.clock_param()).await?;
                Ok(page.readable(|(id, created_ms)| task_of(id, created_ms, items.remove(&id))))
            }
            .boxed()
        })
        .await
    }

    async fn task(&self, tenant_id: TenantId, id: JobId) -> StoreResult<Task> {
        const TASK: &str = "SELECT created_at FROM job WHERE tenant_id = $1 AND id = $2 AND kind = 'crawl'";
        let mut conn = self.reader(tenant_id).await?;
        let created_ms =
            sqlx::query_scalar(TASK).bind(tenant_id.0).bind(id.0).fetch_one(&mut *conn).await.or_not_found("task")?;
        let mut items = items_of(&mut conn, vec![id.0], self.clock_param()).await?;
        task_of(id.0, created_ms, items.remove(&id.0))
    }
}

/// The same products, each once, in the order given.
fn distinct(products: &[ProductId]) -> Vec<ProductId> {
    let mut seen = BTreeSet::new();
    products.iter().copied().filter(|product| seen.insert(*product)).collect()
}

/// Requests a crawl of some products.
pub(super) async fn request(
    conn: &mut Conn,
    tenant_id: TenantId,
    products: Vec<ProductId>,
    crawls_per_day: u32,
    clock: ClockParam,
) -> StoreResult<Task> {
    const TASK: &str = concat!(
        "INSERT INTO job (id, tenant_id, total, ready_at, created_at, updated_at) VALUES ($1, $2, $3, ",
        now!(4),
        " + $5, ",
        now!(4),
        ", ",
        now!(4),
        ") RETURNING created_at"
    );
    // `IS TRUE`: see `listings_of`.
    const ITEMS: &str = concat!(
        "INSERT INTO job_item (job_id, place, tenant_id, product_id, listing_id, status) \
         SELECT $1, given.place, p.tenant_id, p.id, p.listing_id, 'pending' FROM (",
        uuids!(3),
        ") AS given JOIN product p ON p.id = given.id WHERE (p.tenant_id = $2) IS TRUE"
    );
    let listings = listings_of(conn, tenant_id, &products).await?;
    if listings.len() < products.len() {
        return Err(StoreError::NotFound("product"));
    }
    usage::consume_crawls(conn, tenant_id, products.len(), crawls_per_day, clock).await?;
    let listings: Vec<i64> = listings.values().map(|listing| listing.0).collect();
    let request = ScheduleRequest { lane: Lane::Requested, due_in_ms: 0, unparks: true, accepts_running: true };
    schedule_request::upsert(conn, &listings, &request, clock).await?;
    let id = JobId::new().0;
    let count = products.len() as u64;
    let query = sqlx::query_scalar(TASK).bind(id).bind(tenant_id.0).bind(count.cast_signed()).bind(clock);
    let created_ms = query.bind(SETTLE_AFTER_MS).fetch_one(&mut *conn).await?;
    let added = sqlx::query(ITEMS).bind(id).bind(tenant_id.0).bind(Json(products)).execute(&mut *conn).await?;
    // A product may have been removed while this transaction waited for its lease.
    if added.rows_affected() < count {
        return Err(StoreError::NotFound("product"));
    }
    let mut items = items_of(conn, vec![id], clock).await?;
    task_of(id, created_ms, items.remove(&id))
}

fn task_of(id: Uuid, created_ms: i64, items: Option<Vec<TaskItem>>) -> StoreResult<Task> {
    Ok(Task { id: JobId(id), created_at: time(created_ms)?, items: items.unwrap_or_default() })
}

#[derive(sqlx::FromRow)]
struct ItemColumns {
    job_id: Uuid,
    product_id: Uuid,
    status: String,
    outcome: Option<String>,
    finished_at: Option<i64>,
    is_leased: bool,
}

/// The items of some tasks by task, in the order in which they were requested.
async fn items_of(conn: &mut Conn, tasks: Vec<Uuid>, clock: ClockParam) -> StoreResult<HashMap<Uuid, Vec<TaskItem>>> {
    const ITEMS: &str = concat!(
        "SELECT i.job_id, i.product_id, i.status, i.outcome, i.finished_at, \
           (q.owner IS NOT NULL AND q.ready_at > ",
        now!(2),
        ") AS is_leased \
         FROM (",
        uuids!(1),
        ") AS given JOIN job_item i ON i.job_id = given.id JOIN lease q ON q.listing_id = i.listing_id \
         ORDER BY i.job_id, i.place"
    );
    let rows: Vec<ItemColumns> = sqlx::query_as(ITEMS).bind(Json(tasks)).bind(clock).fetch_all(conn).await?;
    let mut items: HashMap<Uuid, Vec<TaskItem>> = HashMap::new();
    for row in rows {
        items.entry(row.job_id).or_default().push(row.try_into()?);
    }
    Ok(items)
}

impl TryFrom<ItemColumns> for TaskItem {
    type Error = StoreError;

    fn try_from(row: ItemColumns) -> StoreResult<Self> {
        Ok(Self {
            product_id: ProductId(row.product_id),
            status: item_status(&row.status, row.is_leased)?,
            outcome: row.outcome,
            finished_at: row.finished_at.map(time).transpose()?,
        })
    }
}
