//! Crawls on request.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::access::Caller;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::actors::tracker::{TrackerMessage, Trackers};
use crate::domain::{JobId, ListingId, ProductId, Task, TenantId};
use crate::store::{Creation, IdempotencyClaim, Page, StoreError, StoreResult, idempotently};

/// How often to check for crawls that another replica records.
const POLL_EVERY: Duration = Duration::from_millis(500);

/// Maximum products of a task: more would hold too many locks in one transaction.
pub const MAX_PRODUCTS_PER_TASK: usize = 250;

impl Service {
    /// Requests a crawl of some products. Returns when the request is durable, or, with a `wait`, when the crawls have ended or
    /// that time has passed.
    pub async fn request_crawl(
        &self,
        caller: Caller,
        products: Vec<ProductId>,
        wait: Duration,
        claim: Option<IdempotencyClaim<Task>>,
    ) -> ServiceResult<Creation<Task>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let products = distinct(products)?;
            let answered = match deps.crawl_and_wait(&caller, &products, wait, claim).await {
                Err(StoreError::NotFound(_)) => return Err(deps.unknown_among(caller.tenant_id, &products).await?),
                Err(StoreError::OverQuota { quota, limit }) => {
                    let day_ends_at = deps.store.usage(caller.tenant_id).await?.day_ends_at;
                    let left = Duration::try_from(day_ends_at.duration_since(Timestamp::now())).unwrap_or_default();
                    return Err(ServiceError::OverQuota { quota, limit, resets_in: Some(left) });
                }
                answered => answered?,
            };
            if let Creation::Created(task) = &answered {
                task.items.iter().for_each(|item| deps.invalidation.product_changed(item.product_id));
                deps.audit(caller.audit_event("crawl.request", Some(format!("task:{}", task.id)))).await;
            }
            Ok(answered)
        })
        .await
    }

    /// A page of a tenant's tasks, newest first.
    pub async fn tasks(&self, tenant_id: TenantId, cursor: Option<String>, limit: u32) -> ServiceResult<Page<Task>> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.tasks(tenant_id, cursor.as_deref(), limit).await?))
            .await
    }

    /// One task.
    pub async fn task(&self, tenant_id: TenantId, id: JobId) -> ServiceResult<Task> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.task(tenant_id, id).await?)).await
    }
}

fn distinct(products: Vec<ProductId>) -> ServiceResult<Vec<ProductId>> {
    let mut seen = HashSet::new();
    let distinct: Vec<ProductId> = products.into_iter().filter(|id| seen.insert(*id)).collect();
    if distinct.is_empty() || distinct.len() > MAX_PRODUCTS_PER_TASK {
        let message = format!("must name 1 to {MAX_PRODUCTS_PER_TASK} products");
        return Err(ServiceError::invalid("product_ids", message));
    }
    Ok(distinct)
}

impl Dependencies {
    /// Creates the task, and waits until it has ended or the time has passed.
    async fn crawl_and_wait(
        &self,
        caller: &Caller,
        products: &[ProductId],
        wait: Duration,
        claim: Option<IdempotencyClaim<Task>>,
    ) -> StoreResult<Creation<Task>> {
        let tenant_id = caller.tenant_id;
        let deadline = Instant::now() + wait;
        let listings = match wait {
            Duration::ZERO => HashMap::new(),
            _ => self.store.listings_of_products(tenant_id, products).await?,
        };
        // Subscribes before the request, or a quick crawl could end unnoticed.
        let mut ends = self.await_crawls(listings.values().copied(), deadline).await;
        let request = self.store.request_crawl(tenant_id, products, caller.plan.crawls_per_day);
        let mut task = match idempotently(claim, request).await? {
            Creation::Created(task) => task,
            replayed @ Creation::Replayed(_) => return Ok(replayed),
        };
        self.wake();
        // One crawl may not be enough: a blocked one is retried. And another replica may record it.
        while task.finished_at().is_none() && Instant::now() < deadline {
            let until = deadline.min(Instant::now() + POLL_EVERY);
            let _ = tokio::time::timeout_at(until.into(), all_recorded(ends)).await;
            let waiting = task.items.iter().filter(|item| !item.status.is_final());
            let waiting = waiting.filter_map(|item| listings.get(&item.product_id).copied());
            ends = self.await_crawls(waiting, deadline).await;
            match self.store.task(tenant_id, task.id).await {
                Ok(current) => task = current,
                // The crawls were requested, whatever becomes of waiting for them.
                Err(error) => {
                    tracing::debug!(%error, "cannot read the task that is waited for");
                    break;
                }
            }
        }
        Ok(Creation::Created(task))
    }

    /// Waits for the next crawl of each listing that is recorded here.
    async fn await_crawls(&self, listings: impl Iterator<Item = ListingId>, deadline: Instant) -> JoinSet<bool> {
        let wait = |(listing_id, trackers): (ListingId, Trackers)| {
            let asking = async move { trackers.ask(listing_id, deadline, TrackerMessage::AwaitCrawl).await.is_ok() };
            asking.in_current_span()
        };
        // Spawned, so that the messages are sent before the request.
        let ends = listings.filter_map(|id| Some((id, self.trackers.clone()?))).map(wait).collect();
        tokio::task::yield_now().await;
        ends
    }

    /// The products that do not exist, as an error.
    async fn unknown_among(&self, tenant_id: TenantId, products: &[ProductId]) -> ServiceResult<ServiceError> {
        let known = self.store.listings_of_products(tenant_id, products).await?;
        let unknown = products.iter().filter(|id| !known.contains_key(id));
        let unknown = unknown.map(|id| FieldError::new("product_ids", format!("{id} does not exist")));
        Ok(ServiceError::InvalidReference(unknown.collect()))
    }
}

/// Resolves when every crawl was recorded here; never if there is none to wait for.
async fn all_recorded(ends: JoinSet<bool>) {
    let recorded = ends.join_all().await;
    if recorded.is_empty() || recorded.contains(&false) {
        std::future::pending::<()>().await;
    }
}
