//! "Check now".

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::{Parts, Service, ServiceError, ServiceResult};
use crate::actors::tracker::TrackerMessage;
use crate::domain::{ProductId, Task, TaskId, TenantId};

/// More would make one request hold too many locks.
pub const MOST_PRODUCTS_OF_A_TASK: usize = 500;

impl Service {
    /// Asks for a look at some products. Answers as soon as the request is durable, or, if `wait` is given, when the looks
    /// have ended or that time has passed.
    pub async fn request_crawl(
        &self,
        tenant_id: TenantId,
        products: Vec<ProductId>,
        wait: Duration,
    ) -> ServiceResult<Task> {
        self.run(async move |parts: Arc<Parts>| {
            let products = distinct(products)?;
            // Listening begins before the asking, or a quick look could be over before anybody waits for it.
            let ends = parts.ends_of_looks(tenant_id, &products, wait).await?;
            let asked = parts.store.request_look(tenant_id, &products).await;
            let task = asked.map_err(|error| ServiceError::of(error, "product"))?;
            parts.nudge();
            if wait.is_zero() {
                return Ok(task);
            }
            ends.await;
            parts.store.task(tenant_id, task.id).await.map_err(|error| ServiceError::of(error, "task"))
        })
        .await
    }

    /// One task.
    pub async fn task(&self, tenant_id: TenantId, id: TaskId) -> ServiceResult<Task> {
        self.run(async move |parts: Arc<Parts>| {
            parts.store.task(tenant_id, id).await.map_err(|error| ServiceError::of(error, "task"))
        })
        .await
    }
}

fn distinct(products: Vec<ProductId>) -> ServiceResult<Vec<ProductId>> {
    let mut seen = HashSet::new();
    let distinct: Vec<ProductId> = products.into_iter().filter(|id| seen.insert(*id)).collect();
    if distinct.is_empty() || distinct.len() > MOST_PRODUCTS_OF_A_TASK {
        let message = format!("name 1 to {MOST_PRODUCTS_OF_A_TASK} products");
        return Err(ServiceError::invalid("product_ids", message));
    }
    Ok(distinct)
}

impl Parts {
    /// Resolves when the next look at each product's listing has been recorded here, or when the time is over.
    async fn ends_of_looks(
        &self,
        tenant_id: TenantId,
        products: &[ProductId],
        wait: Duration,
    ) -> ServiceResult<impl Future<Output = ()> + Send + use<>> {
        let deadline = Instant::now() + wait;
        let mut ends = Vec::new();
        if !wait.is_zero() {
            for id in products {
                let product =
                    self.store.product(tenant_id, *id).await.map_err(|error| ServiceError::of(error, "product"))?;
                let trackers = self.trackers.clone();
                // Spawned, so that the question is on its way before the look is asked for.
                ends.push(tokio::spawn(async move {
                    let _ = trackers.ask(product.listing_id, deadline, TrackerMessage::AwaitLook).await;
                }));
            }
            tokio::task::yield_now().await;
        }
        Ok(async move {
            join_all(ends).await;
        })
    }
}
