//! Tenants as a whole.

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, QueryBuilder};
use uuid::Uuid;

use super::newest::push_newest_first;
use super::usage::DAY_MS;
use super::{Backend, Conn, Db, usage};
use crate::domain::{ProductId, Tenant, TenantId};
use crate::store::account_rows::{TENANT_COLUMNS, TenantColumns};
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::reach::Reach;
use crate::store::rows::{count, time};
use crate::store::{Catalog, Page, StoreError, StoreResult, TenantPatch, Tenants, UsageOfDay};

/// Rows that are deleted at once: more would hold their locks for too long.
const ROWS_AT_ONCE: i64 = 1000;

#[async_trait]
impl Tenants for Backend {
    async fn tenant(&self, id: TenantId) -> StoreResult<Tenant> {
        find(&mut *self.reader(id).await?, id).await
    }

    async fn update_tenant(&self, id: TenantId, patch: &TenantPatch) -> StoreResult<Tenant> {
        let now_ms = self.now_ms().await?;
        let patch = patch.clone();
        self.transaction(id, move |conn| update(conn, id, patch, now_ms).boxed()).await
    }

    async fn tenants(&self, cursor: Option<&str>, limit: u32) -> StoreResult<Page<Tenant>> {
        const LIST: &str = "tenants";
        let cursor = Cursor::of(LIST, cursor)?;
        let mut query = QueryBuilder::<Db>::new(format!("SELECT {TENANT_COLUMNS} FROM tenant WHERE true"));
        push_newest_first(&mut query, "created_at", cursor, limit)?;
        let rows: Vec<TenantColumns> =
            query.build_query_as().fetch_all(&mut *self.reader(Reach::Everyone).await?).await?;
        page(LIST, rows, limit, |row| (SortKey::Number(row.created_at), row.id)).try_map(Tenant::try_from)
    }

    async fn tenants_to_remove(&self) -> StoreResult<Vec<TenantId>> {
        const TO_REMOVE: &str = "SELECT id FROM tenant WHERE leaves_at <= $1";
        let query = sqlx::query_scalar(TO_REMOVE).bind(self.now_ms().await?);
        let ids: Vec<Uuid> = query.fetch_all(&mut *self.reader(Reach::Everyone).await?).await?;
        Ok(ids.into_iter().map(TenantId).collect())
    }

    async fn remove_tenant(&self, id: TenantId) -> StoreResult<()> {
        for table in ["session", "api_key", "tenant_user"] {
            self.empty(table, id).await?;
        }
        self.remove_products(id).await?;
        for table in ["delivery", "event", "task", "audit"] {
            self.empty(table, id).await?;
        }
        const REST: &[&str] = &[
            "DELETE FROM link WHERE tenant_id = $1",
            "DELETE FROM kept_answer WHERE tenant_id = $1",
            "DELETE FROM usage_of_day WHERE tenant_id = $1",
            "DELETE FROM tenant WHERE id = $1",
        ];
        for delete in REST {
            sqlx::query(*delete).bind(id.0).execute(&mut *self.writer(id).await?).await?;
        }
        Ok(())
    }

    async fn usage_of_days(&self, tenant_id: TenantId) -> StoreResult<Vec<UsageOfDay>> {
        self.tolerantly(|| {
            async move {
                const DAYS: &str = "SELECT day, crawls FROM usage_of_day WHERE tenant_id = $1 ORDER BY day";
                let query = sqlx::query_as(DAYS).bind(tenant_id.0);
                let rows: Vec<(i64, i64)> = query.fetch_all(&mut *self.tolerant_reader(tenant_id).await?).await?;
                let of_day = |(day, crawls): (i64, i64)| {
                    Ok(UsageOfDay { day: time(day.saturating_mul(DAY_MS))?, crawls: count(crawls)? })
                };
                rows.into_iter().map(of_day).collect()
            }
            .boxed()
        })
        .await
    }
}

impl Backend {
    /// Deletes a tenant's rows of a table, so many at once.
    async fn empty(&self, table: &'static str, id: TenantId) -> StoreResult<()> {
        let delete = format!(
            "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE tenant_id = $1 LIMIT {ROWS_AT_ONCE})"
        );
        loop {
            let query = sqlx::query(AssertSqlSafe(delete.clone())).bind(id.0);
            if query.execute(&mut *self.writer(id).await?).await?.rows_affected() == 0 {
                return Ok(());
            }
        }
    }

    /// One by one, as a person would: each listing rests if nobody else watches it.
    async fn remove_products(&self, id: TenantId) -> StoreResult<()> {
        const SOME: &str = "SELECT id FROM product WHERE tenant_id = $1 LIMIT $2";
        loop {
            let query = sqlx::query_scalar(SOME).bind(id.0).bind(ROWS_AT_ONCE);
            let products: Vec<Uuid> = query.fetch_all(&mut *self.writer(id).await?).await?;
            if products.is_empty() {
                return Ok(());
            }
            for product in products {
                match self.remove_product(id, ProductId(product)).await {
                    Ok(()) | Err(StoreError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

async fn find(executor: impl sqlx::Executor<'_, Database = Db>, id: TenantId) -> StoreResult<Tenant> {
    let select = AssertSqlSafe(format!("SELECT {TENANT_COLUMNS} FROM tenant WHERE id = $1"));
    let row: TenantColumns = sqlx::query_as(select).bind(id.0).fetch_one(executor).await?;
    row.try_into()
}

async fn update(conn: &mut Conn, id: TenantId, patch: TenantPatch, now_ms: i64) -> StoreResult<Tenant> {
    const UPDATE: &str = "UPDATE tenant SET name = coalesce($2, name), plan = coalesce($3, plan), \
           leaves_at = CASE WHEN $4 THEN $5 ELSE leaves_at END, updated_at = $6 WHERE id = $1";
    usage::lock(conn, id).await?;
    let before = find(&mut *conn, id).await?;
    if patch.read_as_of.is_some_and(|read| read != before.updated_at) {
        return Err(StoreError::Changed);
    }
    let leaves_ms = patch.leaves_at.flatten().map(Timestamp::as_millisecond);
    let query = sqlx::query(UPDATE).bind(id.0).bind(patch.name).bind(patch.plan).bind(patch.leaves_at.is_some());
    query.bind(leaves_ms).bind(now_ms).execute(&mut *conn).await?;
    find(conn, id).await
}
