//! The change feed.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::job_rows::{JOB_COLUMNS, JobColumns};
use super::lease::NOW;
use super::{Backend, Db};
use crate::domain::{
    BudgetRefusal, Event, EventId, Job, JobId, Listing, ListingId, Point, ProductId, Series, TenantId,
};
use crate::store::clock::millis;
use crate::store::error::or_report;
use crate::store::rows::{EventColumns, PointColumns, time, word};
use crate::store::tenant_scope::TenantScope;
use crate::store::{Change, ChangeFeed, FeedItem, StoreError, StoreResult};

const EVENT_COLUMNS: &str = "id, tenant_id, rule_id, product_id, facts, at";

/// One changed value with the product that watches it.
#[derive(sqlx::FromRow)]
struct ChangedValue {
    tenant_id: Uuid,
    product_id: Uuid,
    listing_id: i64,
    marketplace: String,
    asin: String,
    #[sqlx(flatten)]
    point: PointColumns,
}

const CHANGED: &str = "SELECT p.tenant_id, p.id AS product_id, p.listing_id, l.marketplace, l.asin, \
       t.series, t.category, t.at, t.number, t.text \
     FROM product p JOIN listing l ON l.id = p.listing_id JOIN point t ON t.listing_id = p.listing_id";

#[async_trait]
impl ChangeFeed for Backend {
    async fn feed_of(
        &self,
        tenants: &[TenantId],
        crawls: &[(ListingId, Timestamp)],
        events: &[EventId],
        jobs: &[JobId],
    ) -> StoreResult<Vec<(TenantId, FeedItem)>> {
        let mut items = Vec::new();
        if !crawls.is_empty() && !tenants.is_empty() {
            let seen: HashSet<(i64, i64)> = crawls.iter().map(|(id, at)| (id.0, at.as_millisecond())).collect();
            let values = self.changed(tenants, &seen).await?;
            // The time may be that of another listing's crawl.
            let values = values.into_iter().filter(|value| seen.contains(&(value.listing_id, value.point.at)));
            let changes = changes(values)?.into_iter();
            items.extend(changes.map(|(tenant_id, change)| (tenant_id, FeedItem::Change(change))));
        }
        if !events.is_empty() {
            let mut query = QueryBuilder::<Db>::new(format!("SELECT {EVENT_COLUMNS} FROM event WHERE id IN ("));
            push_all(&mut query, events.iter().map(|event| event.0));
            let rows: Vec<EventColumns> =
                query.build_query_as().fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
            for row in rows {
                let event = Event::try_from(row)?;
                if tenants.contains(&event.tenant_id) {
                    items.push((event.tenant_id, FeedItem::Alert(event)));
                }
            }
        }
        if !jobs.is_empty() {
            let mut query = QueryBuilder::<Db>::new(format!("SELECT {JOB_COLUMNS} FROM job WHERE id IN ("));
            push_all(&mut query, jobs.iter().map(|job| job.0));
            let rows: Vec<JobColumns> =
                query.build_query_as().fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
            items.extend(job_items(rows).filter(|(tenant_id, _)| tenants.contains(tenant_id)));
        }
        items.sort_by_key(|(_, items)| (items.at(), items.subject()));
        Ok(items)
    }

    async fn feed_since(&self, tenant_id: TenantId, since: Timestamp, most: u32) -> StoreResult<Vec<FeedItem>> {
        let items = self.feed(&[tenant_id], tenant_id.into(), since.as_millisecond(), most).await?;
        Ok(items.into_iter().map(|(_, items)| items).collect())
    }

    async fn recent_feed(
        &self,
        tenants: &[TenantId],
        within: Duration,
        most: u32,
    ) -> StoreResult<(Timestamp, Vec<(TenantId, FeedItem)>)> {
        let now_ms: i64 = sqlx::query_scalar(NOW).bind(self.clock_param()).fetch_one(&self.readers).await?;
        let items = match tenants {
            [] => Vec::new(),
            _ => self.feed(tenants, TenantScope::All, now_ms - millis(within), most).await?,
        };
        Ok((time(now_ms)?, items))
    }
}

impl Backend {
    /// What was new for some tenants since then, the oldest first.
    async fn feed(
        &self,
        tenants: &[TenantId],
        scope: TenantScope,
        since_ms: i64,
        most: u32,
    ) -> StoreResult<Vec<(TenantId, FeedItem)>> {
        let ids = || tenants.iter().map(|tenant| tenant.0);
        let mut values = QueryBuilder::<Db>::new(CHANGED);
        values.push(" WHERE t.at >= ").push_bind(since_ms);
        push_all(values.push(" AND p.tenant_id IN ("), ids());
        values.push(" ORDER BY t.at, p.id, t.series, t.category LIMIT ").push_bind(i64::from(most));
        let mut events = QueryBuilder::<Db>::new(format!("SELECT {EVENT_COLUMNS} FROM event WHERE at >= "));
        push_all(events.push_bind(since_ms).push(" AND tenant_id IN ("), ids());
        events.push(" ORDER BY at, id LIMIT ").push_bind(i64::from(most));
        let mut jobs = QueryBuilder::<Db>::new(format!("SELECT {JOB_COLUMNS} FROM job WHERE updated_at >= "));
        push_all(jobs.push_bind(since_ms).push(" AND tenant_id IN ("), ids());
        jobs.push(" ORDER BY updated_at, id LIMIT ").push_bind(i64::from(most));
        let mut refusals = QueryBuilder::<Db>::new("SELECT id, tenant_id, budget, at FROM budget_refusal WHERE at >= ");
        push_all(refusals.push_bind(since_ms).push(" AND tenant_id IN ("), ids());
        refusals.push(" ORDER BY at, id LIMIT ").push_bind(i64::from(most));
        let mut conn = self.reader(scope).await?;
        let values: Vec<ChangedValue> = values.build_query_as().fetch_all(&mut *conn).await?;
        let events: Vec<EventColumns> = events.build_query_as().fetch_all(&mut *conn).await?;
        let jobs: Vec<JobColumns> = jobs.build_query_as().fetch_all(&mut *conn).await?;
        let refusals: Vec<RefusalColumns> = refusals.build_query_as().fetch_all(&mut *conn).await?;
        let changes = changes(values.into_iter())?.into_iter();
        let mut items: Vec<(TenantId, FeedItem)> = changes.map(|(id, change)| (id, FeedItem::Change(change))).collect();
        for row in events {
            let event = Event::try_from(row)?;
            items.push((event.tenant_id, FeedItem::Alert(event)));
        }
        items.extend(job_items(jobs));
        for row in refusals {
            let refusal = BudgetRefusal::try_from(row)?;
            items.push((refusal.tenant_id, FeedItem::Budget(refusal)));
        }
        items.sort_by_key(|(_, items)| (items.at(), items.subject()));
        Ok(items)
    }

    /// The values that some crawls may have changed, for each of some tenants that watches.
    async fn changed(&self, tenants: &[TenantId], crawls: &HashSet<(i64, i64)>) -> StoreResult<Vec<ChangedValue>> {
        let (listings, moments): (HashSet<i64>, HashSet<i64>) = crawls.iter().copied().unzip();
        let mut query = QueryBuilder::<Db>::new(CHANGED);
        query.push(" WHERE p.listing_id IN (");
        push_all(&mut query, listings.into_iter());
        query.push(" AND t.at IN (");
        push_all(&mut query, moments.into_iter());
        query.push(" AND p.tenant_id IN (");
        push_all(&mut query, tenants.iter().map(|tenant| tenant.0));
        query.push(" ORDER BY t.at, p.id, t.series, t.category");
        Ok(query.build_query_as().fetch_all(&mut *self.reader(TenantScope::All).await?).await?)
    }
}

#[derive(sqlx::FromRow)]
struct RefusalColumns {
    id: Uuid,
    tenant_id: Uuid,
    budget: String,
    at: i64,
}

impl TryFrom<RefusalColumns> for BudgetRefusal {
    type Error = StoreError;

    fn try_from(row: RefusalColumns) -> StoreResult<Self> {
        let RefusalColumns { id, tenant_id, budget, at } = row;
        Ok(Self { id, tenant_id: TenantId(tenant_id), owner: word(&budget)?, at: time(at)? })
    }
}

fn job_items(rows: Vec<JobColumns>) -> impl Iterator<Item = (TenantId, FeedItem)> {
    let item = |row| or_report(Job::try_from(row)).map(|job| (job.tenant_id, FeedItem::Job(job)));
    rows.into_iter().filter_map(item)
}

/// The values, and the bracket that ends them.
fn push_all<T>(query: &mut QueryBuilder<Db>, values: impl Iterator<Item = T>)
where
    T: for<'q> sqlx::Encode<'q, Db> + sqlx::Type<Db> + Send + 'static,
{
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    query.push(")");
}

/// Groups values into changes: those of one crawl belong together.
fn changes(values: impl Iterator<Item = ChangedValue>) -> StoreResult<Vec<(TenantId, Change)>> {
    let mut changes: Vec<(TenantId, Change)> = Vec::new();
    for value in values {
        let (tenant_id, product_id) = (TenantId(value.tenant_id), ProductId(value.product_id));
        let point = Point::try_from(value.point)?;
        // A gap before the crawl is no change of a value.
        if point.key.series == Series::Unobserved {
            continue;
        }
        match changes.last_mut().filter(|(_, last)| last.product_id == product_id && last.at == point.at) {
            Some((_, change)) => change.points.push(point),
            None => {
                let listing = Listing::new(word(&value.marketplace)?, word(&value.asin)?);
                changes.push((tenant_id, Change { product_id, listing, at: point.at, points: vec![point] }));
            }
        }
    }
    Ok(changes)
}
