//! "Check now".

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::access::Caller;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::actors::tracker::{TrackerMessage, Trackers};
use crate::domain::{ListingId, ProductId, Task, TaskId, TenantId};
use crate::store::{CrawlQuota, Page, StoreError, StoreResult};

/// What another replica records is seen by looking: so often.
const POLL_EVERY: Duration = Duration::from_millis(500);

/// More would make one request hold too many locks.
pub const MAX_PRODUCTS_PER_TASK: usize = 500;

impl Service {
    /// Asks for a look at some products. Answers as soon as the request is durable, or, if `wait` is given, when the looks
    /// have ended or that time has passed.
    pub async fn request_crawl(&self, caller: Caller, products: Vec<ProductId>, wait: Duration) -> ServiceResult<Task> {
        self.run(async move |deps: Arc<Dependencies>| {
            let products = distinct(products)?;
            let crawls = u32::try_from(products.len()).unwrap_or(u32::MAX);
            deps.consume_crawls(&caller, crawls).await?;
            let answered = match deps.crawl_and_wait(caller.tenant_id, &products, wait).await {
                Err(StoreError::NotFound(_)) => Err(deps.unknown_among(caller.tenant_id, &products).await?),
                answered => answered.map_err(ServiceError::from),
            };
            if answered.is_err() {
                deps.store.refund_crawls(caller.tenant_id, crawls).await?;
            }
            let task = answered?;
            task.items.iter().for_each(|item| deps.invalidation.product_changed(item.product_id));
            deps.audit(caller.audit_event("crawl.ask", Some(format!("task:{}", task.id)))).await;
            Ok(task)
        })
        .await
    }

    /// A page of a tenant's tasks, the newest first.
    pub async fn tasks(&self, tenant_id: TenantId, cursor: Option<String>, limit: u32) -> ServiceResult<Page<Task>> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.tasks(tenant_id, cursor.as_deref(), limit).await?))
            .await
    }

    /// One task.
    pub async fn task(&self, tenant_id: TenantId, id: TaskId) -> ServiceResult<Task> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.task(tenant_id, id).await?)).await
    }
}

fn distinct(products: Vec<ProductId>) -> ServiceResult<Vec<ProductId>> {
    let mut seen = HashSet::new();
    let distinct: Vec<ProductId> = products.into_iter().filter(|id| seen.insert(*id)).collect();
    if distinct.is_empty() || distinct.len() > MAX_PRODUCTS_PER_TASK {
        let message = format!("name 1 to {MAX_PRODUCTS_PER_TASK} products");
        return Err(ServiceError::invalid("product_ids", message));
    }
    Ok(distinct)
}

impl Dependencies {
    async fn consume_crawls(&self, caller: &Caller, crawls: u32) -> ServiceResult<()> {
        let limit = caller.plan.crawls_per_day;
        let spent = self.store.consume_crawls(caller.tenant_id, crawls, limit).await;
        match spent? {
            CrawlQuota::Within => Ok(()),
            CrawlQuota::Exceeded { day_ends_at } => {
                let left = Duration::try_from(day_ends_at.duration_since(Timestamp::now())).unwrap_or_default();
                Err(ServiceError::OverQuota { quota: "crawls_per_day", limit, resets_in: Some(left) })
            }
        }
    }

    /// The task when it has ended, or as it stands when the time is over.
    async fn crawl_and_wait(&self, tenant_id: TenantId, products: &[ProductId], wait: Duration) -> StoreResult<Task> {
        let deadline = Instant::now() + wait;
        let listings = match wait {
            Duration::ZERO => HashMap::new(),
            _ => self.store.listings_of_products(tenant_id, products).await?,
        };
        // Listening begins before the asking, or a quick look could be over before anybody waits for it.
        let mut ends = self.await_crawls(listings.values().copied(), deadline).await;
        let mut task = self.store.request_crawl(tenant_id, products).await?;
        self.wake();
        // One look may not be enough: a blocked one is made again. And another replica may make it.
        while task.finished_at().is_none() && Instant::now() < deadline {
            let until = deadline.min(Instant::now() + POLL_EVERY);
            let _ = tokio::time::timeout_at(until.into(), all_came(ends)).await;
            let waiting = task.items.iter().filter(|item| !item.status.is_final());
            let waiting = waiting.filter_map(|item| listings.get(&item.product_id).copied());
            ends = self.await_crawls(waiting, deadline).await;
            task = self.store.task(tenant_id, task.id).await?;
        }
        Ok(task)
    }

    /// Begins to wait for the next look at each listing that is recorded here.
    async fn await_crawls(&self, listings: impl Iterator<Item = ListingId>, deadline: Instant) -> JoinSet<bool> {
        let wait = |(listing_id, trackers): (ListingId, Trackers)| {
            let asking = async move { trackers.ask(listing_id, deadline, TrackerMessage::AwaitCrawl).await.is_ok() };
            asking.in_current_span()
        };
        // Spawned, so that the questions are on their way before anything else happens.
        let ends = listings.filter_map(|id| Some((id, self.trackers.clone()?))).map(wait).collect();
        tokio::task::yield_now().await;
        ends
    }

    /// Which of the products do not exist.
    async fn unknown_among(&self, tenant_id: TenantId, products: &[ProductId]) -> ServiceResult<ServiceError> {
        let known = self.store.listings_of_products(tenant_id, products).await?;
        let unknown = products.iter().filter(|id| !known.contains_key(id));
        let unknown = unknown.map(|id| FieldError::new("product_ids", format!("there is no product {id}")));
        Ok(ServiceError::InvalidReference(unknown.collect()))
    }
}

/// Resolves when every look was recorded here; never, when there is none to wait for here.
async fn all_came(ends: JoinSet<bool>) {
    let came = ends.join_all().await;
    if came.is_empty() || came.contains(&false) {
        std::future::pending::<()>().await;
    }
}
