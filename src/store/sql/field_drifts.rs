//! Fields that product pages lack more often than usual.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Backend;
use crate::domain::{FieldCount, FieldDrift};
use crate::store::error::or_report;
use crate::store::rows::{count, time, word};
use crate::store::tenant_scope::TenantScope;
use crate::store::{FieldDrifts, StoreError, StoreResult};

#[derive(sqlx::FromRow)]
struct DriftColumns {
    source: String,
    marketplace: String,
    field: String,
    started_at: i64,
    ended_at: Option<i64>,
    usual_pages: i64,
    usual_missing: i64,
    recent_pages: i64,
    recent_missing: i64,
}

impl TryFrom<DriftColumns> for FieldDrift {
    type Error = StoreError;

    fn try_from(row: DriftColumns) -> StoreResult<Self> {
        Ok(Self {
            source: row.source,
            marketplace: word(&row.marketplace)?,
            field: row.field,
            started_at: time(row.started_at)?,
            ended_at: row.ended_at.map(time).transpose()?,
            usual: FieldCount { pages: count(row.usual_pages)?, missing: count(row.usual_missing)? },
            recent: FieldCount { pages: count(row.recent_pages)?, missing: count(row.recent_missing)? },
        })
    }
}

#[async_trait]
impl FieldDrifts for Backend {
    async fn field_drifts(&self, ended_since: Timestamp) -> StoreResult<Vec<FieldDrift>> {
        const DRIFTS: &str = "SELECT source, marketplace, field, started_at, ended_at, usual_pages, usual_missing, \
               recent_pages, recent_missing \
             FROM field_drift WHERE ended_at IS NULL OR ended_at >= $1 \
             ORDER BY started_at DESC, source, marketplace, field";
        let query = sqlx::query_as(DRIFTS).bind(ended_since.as_millisecond());
        let rows: Vec<DriftColumns> = query.fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(rows.into_iter().map(FieldDrift::try_from).filter_map(or_report).collect())
    }

    async fn record_field_drift(&self, drift: &FieldDrift) -> StoreResult<()> {
        const RECORD: &str = "INSERT INTO field_drift (source, marketplace, field, started_at, ended_at, usual_pages, \
               usual_missing, recent_pages, recent_missing) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT (source, marketplace, field, started_at) DO UPDATE SET ended_at = excluded.ended_at, \
               recent_pages = excluded.recent_pages, recent_missing = excluded.recent_missing";
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let query = sqlx::query(RECORD).bind(drift.source.clone()).bind(drift.marketplace.code());
        let query = query.bind(drift.field.clone()).bind(drift.started_at.as_millisecond());
        let query = query.bind(drift.ended_at.map(Timestamp::as_millisecond));
        let query = query.bind(number(drift.usual.pages)).bind(number(drift.usual.missing));
        let query = query.bind(number(drift.recent.pages)).bind(number(drift.recent.missing));
        query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(())
    }
}
