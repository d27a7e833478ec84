//! `get_usage`: what the plan allows, and what is left of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Interval, Scope};
use crate::mcp::call::Call;
use crate::mcp::tool::{Effect, Tool};
use crate::service::ServiceResult;

pub(super) struct GetUsage;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    products: Quota,
    alerts: Quota,
    channels: Quota,
    /// Requested crawls of today (UTC).
    crawls_today: Quota,
    messages_today: Quota,
    requests_per_minute: u32,
    /// The shortest interval between crawls of a product.
    #[schemars(with = "String")]
    min_interval: Interval,
    /// For sources that cost money.
    money_today: Money,
    money_this_month: Money,
}

#[derive(Serialize, JsonSchema)]
struct Quota {
    used: u32,
    limit: u32,
    left: u32,
    #[schemars(with = "Option<String>")]
    resets_at: Option<Timestamp>,
}

/// Millionths of a US dollar. Without a limit of the plan, `limit` and `left` are null.
#[derive(Serialize, JsonSchema)]
struct Money {
    spent_micros_usd: u64,
    limit_micros_usd: Option<u64>,
    left_micros_usd: Option<u64>,
    #[schemars(with = "String")]
    resets_at: Timestamp,
}

impl Quota {
    fn new(used: u32, limit: u32, resets_at: Option<Timestamp>) -> Self {
        Self { used, limit, left: limit.saturating_sub(used), resets_at }
    }
}

impl Money {
    fn new(spent_micros_usd: u64, limit_micros_usd: Option<u64>, resets_at: Timestamp) -> Self {
        let left_micros_usd = limit_micros_usd.map(|limit| limit.saturating_sub(spent_micros_usd));
        Self { spent_micros_usd, limit_micros_usd, left_micros_usd, resets_at }
    }
}

impl Tool for GetUsage {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "get_usage";
    const TITLE: &'static str = "Get usage and limits";
    const DESCRIPTION: &'static str = "What the plan allows and what is left of it: products, alerts, crawls on request, messages, and money for paid sources.";
    const SCOPE: Scope = Scope::ProductRead;
    const WEIGHT: u32 = 2;
    const EFFECT: Effect = Effect::Reads;

    async fn call(call: Call, _: Arguments) -> ServiceResult<Answer> {
        let (usage, plan) = call.service.usage(&call.caller).await?;
        let (spending, limits) = call.service.spending(&call.caller).await?;
        let day_ends_at = Some(usage.day_ends_at);
        Ok(Answer {
            products: Quota::new(usage.products, plan.products, None),
            alerts: Quota::new(usage.alerts, plan.alerts, None),
            channels: Quota::new(usage.channels, plan.channels, None),
            crawls_today: Quota::new(usage.crawls_today, plan.crawls_per_day, day_ends_at),
            messages_today: Quota::new(usage.messages_today, plan.messages_per_day, day_ends_at),
            requests_per_minute: plan.requests_per_minute,
            min_interval: plan.min_interval,
            money_today: Money::new(spending.spent.day_micros, limits.day_micros, spending.day_ends_at),
            money_this_month: Money::new(spending.spent.month_micros, limits.month_micros, spending.month_ends_at),
        })
    }
}
