//! Samples of pages that could not be used.

use async_trait::async_trait;
use futures_util::FutureExt;
use uuid::Uuid;

use super::{Backend, Conn};
use crate::domain::PageSample;
use crate::store::clock::ClockParam;
use crate::store::error::{OrNotFound, or_report};
use crate::store::rows::{count, listing, time};
use crate::store::tenant_scope::TenantScope;
use crate::store::{PageSamples, SampleContent, StoreError, StoreResult};

#[derive(sqlx::FromRow)]
struct SampleColumns {
    id: Uuid,
    source: String,
    marketplace: String,
    asin: String,
    outcome: String,
    taken_at: i64,
    page_bytes: i64,
}

impl TryFrom<SampleColumns> for PageSample {
    type Error = StoreError;

    fn try_from(row: SampleColumns) -> StoreResult<Self> {
        Ok(Self {
            id: row.id,
            source: row.source,
            listing: listing(&row.marketplace, &row.asin)?,
            outcome: row.outcome,
            taken_at: time(row.taken_at)?,
            page_bytes: count(row.page_bytes)?,
        })
    }
}

#[async_trait]
impl PageSamples for Backend {
    async fn keep_page_sample(&self, sample: SampleContent, max_per_marketplace: u32) -> StoreResult<()> {
        let clock = self.clock_param();
        self.transaction(TenantScope::All, move |conn| keep(conn, sample, max_per_marketplace, clock).boxed()).await
    }

    async fn page_samples(&self, limit: u32) -> StoreResult<Vec<PageSample>> {
        const LATEST: &str = "SELECT id, source, marketplace, asin, outcome, taken_at, page_bytes FROM page_sample \
             ORDER BY taken_at DESC, id DESC LIMIT $1";
        let query = sqlx::query_as(LATEST).bind(i64::from(limit));
        let rows: Vec<SampleColumns> = query.fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(rows.into_iter().map(PageSample::try_from).filter_map(or_report).collect())
    }

    async fn page_sample(&self, id: Uuid) -> StoreResult<(PageSample, String)> {
        const SAMPLE: &str =
            "SELECT id, source, marketplace, asin, outcome, taken_at, page_bytes FROM page_sample WHERE id = $1";
        const CONTENT: &str = "SELECT content FROM page_sample WHERE id = $1";
        let mut conn = self.reader(TenantScope::All).await?;
        let row: SampleColumns =
            sqlx::query_as(SAMPLE).bind(id).fetch_one(&mut *conn).await.or_not_found("page sample")?;
        let content = sqlx::query_scalar(CONTENT).bind(id).fetch_one(&mut *conn).await.or_not_found("page sample")?;
        Ok((row.try_into()?, content))
    }
}

async fn keep(conn: &mut Conn, sample: SampleContent, max: u32, clock: ClockParam) -> StoreResult<()> {
    const INSERT: &str = concat!(
        "INSERT INTO page_sample (id, source, marketplace, asin, outcome, taken_at, page_bytes, content) \
         VALUES ($1, $2, $3, $4, $5, ",
        now!(6),
        ", $7, $8)"
    );
    const TRIM: &str = "DELETE FROM page_sample WHERE marketplace = $1 AND id NOT IN ( \
         SELECT id FROM page_sample WHERE marketplace = $1 ORDER BY taken_at DESC, id DESC LIMIT $2)";
    let marketplace = sample.listing.marketplace.code();
    let query = sqlx::query(INSERT).bind(Uuid::now_v7()).bind(sample.source).bind(marketplace);
    let query = query.bind(sample.listing.asin.as_str().to_owned()).bind(sample.outcome).bind(clock);
    let query = query.bind(i64::try_from(sample.page_bytes).unwrap_or(i64::MAX)).bind(sample.content);
    query.execute(&mut *conn).await?;
    sqlx::query(TRIM).bind(marketplace).bind(i64::from(max)).execute(conn).await?;
    Ok(())
}
