//! The audit log.

use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::QueryBuilder;
use sqlx::types::Json;
use uuid::Uuid;

use super::newest::push_newest_first;
use super::{Backend, Db};
use crate::domain::TenantId;
use crate::store::account_rows::AuditEntryColumns;
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::{Audit, AuditEntry, AuditEvent, AuditFilter, Page, StoreResult};

#[async_trait]
impl Audit for Backend {
    async fn record(&self, event: AuditEvent) -> StoreResult<()> {
        const RECORD: &str = concat!(
            "INSERT INTO audit (id, tenant_id, actor, action, resource, address, request_id, facts, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, ",
            now!(9),
            ")"
        );
        let query = sqlx::query(RECORD).bind(Uuid::now_v7()).bind(event.tenant_id.0).bind(event.actor.to_string());
        let query =
            query.bind(event.action).bind(event.resource).bind(event.address.map(|address| address.to_string()));
        query
            .bind(event.request_id)
            .bind(Json(event.facts))
            .bind(self.clock_param())
            .execute(&mut *self.writer(event.tenant_id).await?)
            .await?;
        Ok(())
    }

    async fn audit_entries(
        &self,
        tenant_id: TenantId,
        filter: &AuditFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<AuditEntry>> {
        self.with_replica_fallback(|| {
            async move {
                const LIST: &str = "audit";
                let cursor = Cursor::of(LIST, cursor)?;
                let columns = "SELECT id, actor, action, resource, address, request_id, facts, at FROM audit";
                let mut query = QueryBuilder::<Db>::new(columns);
                query.push(" WHERE tenant_id = ").push_bind(tenant_id.0);
                push_filter(&mut query, filter);
                push_newest_first(&mut query, "at", cursor, limit)?;
                let rows: Vec<AuditEntryColumns> =
                    query.build_query_as().fetch_all(&mut *self.replica_reader(tenant_id).await?).await?;
                Ok(page(LIST, rows, limit, |row| (SortKey::Number(row.at), row.id)).readable(AuditEntry::try_from))
            }
            .boxed()
        })
        .await
    }
}

fn push_filter(query: &mut QueryBuilder<Db>, filter: &AuditFilter) {
    let AuditFilter { actor, action, since, until } = filter.clone();
    if let Some(actor) = actor {
        query.push(" AND actor = ").push_bind(actor);
    }
    if let Some(action) = action {
        let area = format!("{action}.");
        query.push(" AND (action = ").push_bind(action).push(" OR substr(action, 1, length(").push_bind(area.clone());
        query.push(")) = ").push_bind(area).push(")");
    }
    if let Some(since) = since {
        query.push(" AND at >= ").push_bind(since.as_millisecond());
    }
    if let Some(until) = until {
        query.push(" AND at < ").push_bind(until.as_millisecond());
    }
}
