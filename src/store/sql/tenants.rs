//! Tenants.

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, QueryBuilder};
use uuid::Uuid;

use super::newest::push_newest_first;
use super::usage::DAY_MS;
use super::{Backend, Conn, Db, catalog, usage};
use crate::domain::{ProductId, Tenant, TenantId};
use crate::store::account_rows::{TENANT_COLUMNS, TenantColumns};
use crate::store::clock::ClockParam;
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::error::OrNotFound;
use crate::store::rows::{count, time};
use crate::store::tenant_scope::TenantScope;
use crate::store::{DailyUsage, Page, StoreError, StoreResult, TenantPatch, Tenants};

/// Rows per statement that deletes: more would hold their locks for too long.
const BATCH_ROWS: i64 = 1000;

/// Whether the time of a tenant's deletion has come. From then on it cannot be cancelled.
const IS_DUE: &str = concat!("SELECT count(*) > 0 FROM tenant WHERE id = $1 AND deletion_scheduled_at <= ", now!(2));

#[async_trait]
impl Tenants for Backend {
    async fn tenant(&self, id: TenantId) -> StoreResult<Tenant> {
        find(&mut *self.reader(id).await?, id).await
    }

    async fn update_tenant(&self, id: TenantId, patch: &TenantPatch) -> StoreResult<Tenant> {
        let clock = self.clock_param();
        let patch = patch.clone();
        self.transaction(id, move |conn| update(conn, id, patch, clock).boxed()).await
    }

    async fn tenants(&self, cursor: Option<&str>, limit: u32) -> StoreResult<Page<Tenant>> {
        const LIST: &str = "tenants";
        let cursor = Cursor::of(LIST, cursor)?;
        let mut query = QueryBuilder::<Db>::new(format!("SELECT {TENANT_COLUMNS} FROM tenant WHERE true"));
        push_newest_first(&mut query, "created_at", cursor, limit)?;
        let rows: Vec<TenantColumns> =
            query.build_query_as().fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(page(LIST, rows, limit, |row| (SortKey::Number(row.created_at), row.id)).readable(Tenant::try_from))
    }

    async fn tenants_due_for_deletion(&self) -> StoreResult<Vec<TenantId>> {
        const TO_REMOVE: &str = concat!("SELECT id FROM tenant WHERE deletion_scheduled_at <= ", now!(1));
        let query = sqlx::query_scalar(TO_REMOVE).bind(self.clock_param());
        let ids: Vec<Uuid> = query.fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(ids.into_iter().map(TenantId).collect())
    }

    async fn remove_tenant(&self, id: TenantId) -> StoreResult<bool> {
        let is_due = sqlx::query_scalar(IS_DUE).bind(id.0).bind(self.clock_param());
        if !is_due.fetch_one(&mut *self.writer(id).await?).await? {
            return Ok(false);
        }
        for table in ["session", "api_key", "tenant_user"] {
            self.empty(table, id).await?;
        }
        self.remove_products(id).await?;
        for (table, key, rows) in DEPENDENT {
            while self.transaction(id, move |conn| delete_rows(conn, table, key, rows, id).boxed()).await? > 0 {}
        }
        const WITH_ID: &[&str] = &[
            "delivery",
            "event",
            "message",
            "channel",
            "competitor_set",
            "schedule",
            "report",
            "job",
            "audit",
            "advice_request",
        ];
        for table in WITH_ID {
            self.empty(table, id).await?;
        }
        const REST: &[&str] = &[
            "DELETE FROM alert_rule WHERE tenant_id = $1",
            "DELETE FROM link WHERE tenant_id = $1",
            "DELETE FROM idempotency_key WHERE tenant_id = $1",
            "DELETE FROM daily_usage WHERE tenant_id = $1",
            "DELETE FROM budget_refusal WHERE tenant_id = $1",
            "DELETE FROM tenant WHERE id = $1",
        ];
        for delete in REST {
            sqlx::query(*delete).bind(id.0).execute(&mut *self.writer(id).await?).await?;
        }
        Ok(true)
    }

    async fn daily_usage(&self, tenant_id: TenantId) -> StoreResult<Vec<DailyUsage>> {
        self.with_replica_fallback(|| {
            async move {
                const DAYS: &str = "SELECT day, crawls FROM daily_usage WHERE tenant_id = $1 ORDER BY day";
                let query = sqlx::query_as(DAYS).bind(tenant_id.0);
                let rows: Vec<(i64, i64)> = query.fetch_all(&mut *self.replica_reader(tenant_id).await?).await?;
                let of_day = |(day, crawls): (i64, i64)| {
                    Ok(DailyUsage { day: time(day.saturating_mul(DAY_MS))?, crawls: count(crawls)? })
                };
                rows.into_iter().map(of_day).collect()
            }
            .boxed()
        })
        .await
    }
}

impl Backend {
    /// Deletes a tenant's rows of a table, in batches.
    async fn empty(&self, table: &'static str, id: TenantId) -> StoreResult<()> {
        while self.transaction(id, move |conn| delete_some(conn, table, id).boxed()).await? > 0 {}
        Ok(())
    }

    /// Removes a tenant's products in batches. Listings that nothing else watches are parked.
    async fn remove_products(&self, id: TenantId) -> StoreResult<()> {
        let clock = self.clock_param();
        loop {
            match self.transaction(id, move |conn| remove_some_products(conn, id, clock).boxed()).await {
                Ok(0) => return Ok(()),
                // Another replica may have removed one of them at the same time.
                Ok(_) | Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Rows that would go with a row of another table, or have no id, by table and key: too many for one statement.
const DEPENDENT: [(&str, &str, &str); 7] = [
    ("rule_channel", "rule_id, channel_id", "SELECT rule_id, channel_id FROM rule_channel WHERE tenant_id = $1"),
    ("channel_day", "channel_id, day", "SELECT channel_id, day FROM channel_day WHERE tenant_id = $1"),
    ("rule_state", "rule_id, product_id", "SELECT rule_id, product_id FROM rule_state WHERE tenant_id = $1"),
    ("competitor", "set_id, product_id", "SELECT set_id, product_id FROM competitor WHERE tenant_id = $1"),
    ("spending", "run_id, tenant_id", "SELECT run_id, tenant_id FROM spending WHERE tenant_id = $1"),
    (
        "schedule_run",
        "id",
        "SELECT r.id FROM schedule s JOIN schedule_run r ON r.schedule_id = s.id WHERE s.tenant_id = $1",
    ),
    (
        "job_item",
        "job_id, place",
        "SELECT i.job_id, i.place FROM job j JOIN job_item i ON i.job_id = j.id WHERE j.tenant_id = $1",
    ),
];

/// Under the lock of the tenant: of two replicas that remove it, none takes the other's batch for the end of the table.
async fn delete_rows(
    conn: &mut Conn,
    table: &'static str,
    key: &'static str,
    rows: &'static str,
    id: TenantId,
) -> StoreResult<u64> {
    let delete = format!("DELETE FROM {table} WHERE ({key}) IN ({rows} LIMIT {BATCH_ROWS})");
    usage::lock(conn, id).await?;
    Ok(sqlx::query(AssertSqlSafe(delete)).bind(id.0).execute(conn).await?.rows_affected())
}

async fn delete_some(conn: &mut Conn, table: &'static str, id: TenantId) -> StoreResult<u64> {
    let delete =
        format!("DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE tenant_id = $1 LIMIT {BATCH_ROWS})");
    usage::lock(conn, id).await?;
    Ok(sqlx::query(AssertSqlSafe(delete)).bind(id.0).execute(conn).await?.rows_affected())
}

async fn remove_some_products(conn: &mut Conn, id: TenantId, clock: ClockParam) -> StoreResult<usize> {
    usage::lock(conn, id).await?;
    const SOME: &str = "SELECT id FROM product WHERE tenant_id = $1 LIMIT $2";
    let products: Vec<Uuid> = sqlx::query_scalar(SOME).bind(id.0).bind(BATCH_ROWS).fetch_all(&mut *conn).await?;
    let products: Vec<ProductId> = products.into_iter().map(ProductId).collect();
    if !products.is_empty() {
        catalog::remove(conn, id, &products, clock).await?;
    }
    Ok(products.len())
}

async fn find(executor: impl sqlx::Executor<'_, Database = Db>, id: TenantId) -> StoreResult<Tenant> {
    let select = AssertSqlSafe(format!("SELECT {TENANT_COLUMNS} FROM tenant WHERE id = $1"));
    let row: TenantColumns = sqlx::query_as(select).bind(id.0).fetch_one(executor).await.or_not_found("tenant")?;
    row.try_into()
}

async fn update(conn: &mut Conn, id: TenantId, patch: TenantPatch, clock: ClockParam) -> StoreResult<Tenant> {
    const UPDATE: &str = concat!(
        "UPDATE tenant SET name = coalesce($2, name), plan = coalesce($3, plan), \
           deletion_scheduled_at = CASE WHEN $4 THEN $5 ELSE deletion_scheduled_at END, updated_at = ",
        now!(6),
        ", seller_ids = coalesce($8, seller_ids), version = version + 1 WHERE id = $1 AND version = coalesce($7, version)"
    );
    usage::lock(conn, id).await?;
    // So that what updates no row has another version.
    find(&mut *conn, id).await?;
    if patch.deletion_scheduled_at == Some(None)
        && sqlx::query_scalar(IS_DUE).bind(id.0).bind(clock).fetch_one(&mut *conn).await?
    {
        return Err(StoreError::NotFound("tenant"));
    }
    let deletion_scheduled_ms = patch.deletion_scheduled_at.flatten().map(Timestamp::as_millisecond);
    let query =
        sqlx::query(UPDATE).bind(id.0).bind(patch.name).bind(patch.plan).bind(patch.deletion_scheduled_at.is_some());
    let query = query.bind(deletion_scheduled_ms).bind(clock).bind(patch.expected_version);
    let query = query.bind(patch.seller_ids.map(Json));
    if query.execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::Changed);
    }
    find(conn, id).await
}
