//! `crawl_now`: a crawl at once, and what it found if it ends in time.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{ItemStatus, JobId, ProductId, Scope};
use crate::mcp::arguments::within;
use crate::mcp::call::Call;
use crate::mcp::product_facts::ProductFacts;
use crate::mcp::tool::{Effect, Tool};
use crate::service::{Creation, ServiceError, ServiceResult};

pub(super) struct CrawlNow;

/// Longest wait for the crawl, and the default.
const MAX_WAIT_SECS: u32 = 10;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    #[schemars(with = "String")]
    product_id: ProductId,
    /// Default 10
    #[schemars(range(min = 0, max = 10))]
    wait_secs: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    #[schemars(with = "String")]
    task_id: JobId,
    #[schemars(with = "String")]
    status: ItemStatus,
    /// Of the crawl, once it ended: observed, blocked_captcha, …
    outcome: Option<String>,
    /// After the crawl; null while it has not ended.
    product: Option<ProductFacts>,
}

impl Tool for CrawlNow {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "crawl_now";
    const TITLE: &'static str = "Crawl a product now";
    const DESCRIPTION: &'static str = "Crawls a tracked product at once and returns its facts; if the crawl takes longer, product is \
        null: call get_product later. Counts against crawls_per_day.";
    const SCOPE: Scope = Scope::CrawlCreate;
    const WEIGHT: u32 = 5;
    const EFFECT: Effect = Effect::Adds;

    async fn call(call: Call, arguments: Arguments) -> ServiceResult<Answer> {
        let secs = within("wait_secs", arguments.wait_secs.unwrap_or(MAX_WAIT_SECS), 0, MAX_WAIT_SECS)?;
        let wait = call.wait_up_to(Duration::from_secs(secs.into()));
        let (id, tenant_id) = (arguments.product_id, call.caller.tenant_id);
        let task = match call.service.request_crawl(call.caller, vec![id], wait, None).await? {
            Creation::Created(task) => task,
            // Only requests with an idempotency key are replayed.
            Creation::Replayed(_) => return Err(ServiceError::Internal),
        };
        let item = task.items.first().ok_or(ServiceError::Internal)?;
        let product = match item.status.is_final() {
            true => Some(call.service.product(tenant_id, id).await?.into()),
            false => None,
        };
        Ok(Answer { task_id: task.id, status: item.status, outcome: item.outcome.clone(), product })
    }
}
