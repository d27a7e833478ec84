//! What crawls brought, by hour.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::types::Json;

use super::Backend;
use crate::store::error::or_report;
use crate::store::rows::{count, word};
use crate::store::tenant_scope::TenantScope;
use crate::store::{CrawlCount, CrawlCounts, SourceCosts, StoreResult};

const HOUR_MS: i64 = 3_600_000;

#[async_trait]
impl CrawlCounts for Backend {
    async fn add_crawl_counts(&self, counts: &[CrawlCount]) -> StoreResult<()> {
        // In one order: two replicas that add at the same time must not wait for each other.
        const ADD: &str = concat!(
            "INSERT INTO crawl_count (hour, source, marketplace, kind, count) \
             SELECT ",
            now!(2),
            " / 3600000, given.source, given.marketplace, given.kind, given.count FROM (",
            records!(1, source text, marketplace text, kind text, count bigint),
            ") AS given WHERE true ORDER BY given.source, given.marketplace, given.kind \
             ON CONFLICT (hour, source, marketplace, kind) DO UPDATE SET count = crawl_count.count + excluded.count"
        );
        if counts.is_empty() {
            return Ok(());
        }
        let query = sqlx::query(ADD).bind(Json(counts.to_vec())).bind(self.clock_param());
        query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(())
    }

    async fn crawl_counts(&self, since: Timestamp) -> StoreResult<Vec<CrawlCount>> {
        const COUNTS: &str = "SELECT source, marketplace, kind, CAST(sum(count) AS bigint) FROM crawl_count \
             WHERE hour >= $1 GROUP BY source, marketplace, kind ORDER BY source, marketplace, kind";
        let query = sqlx::query_as(COUNTS).bind(since.as_millisecond() / HOUR_MS);
        let rows: Vec<(String, String, String, i64)> =
            query.fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        let read = |(source, marketplace, kind, sum): (String, String, String, i64)| {
            Ok(CrawlCount { source, marketplace: word(&marketplace)?, kind, count: count(sum)? })
        };
        Ok(rows.into_iter().map(read).filter_map(or_report).collect())
    }

    async fn source_costs(&self, since: Timestamp) -> StoreResult<Vec<SourceCosts>> {
        const COSTS: &str = "SELECT source, count(*), CAST(coalesce(sum(cost_micros), 0) AS bigint) FROM source_run \
             WHERE opened_at >= $1 AND NOT is_lost GROUP BY source ORDER BY source";
        let query = sqlx::query_as(COSTS).bind(since.as_millisecond());
        let rows: Vec<(String, i64, i64)> = query.fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        let read = |(source, runs, cost_micros): (String, i64, i64)| {
            Ok(SourceCosts { source, runs: count(runs)?, cost_micros: count(cost_micros)? })
        };
        rows.into_iter().map(read).collect()
    }
}
