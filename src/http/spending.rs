//! `/api/v1/tenants/me/spending`: what crawls of a tenant's products cost.

use actix_web::Responder;
use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::problem::Problem;
use super::routes::{Access, Routes};
use crate::domain::{SourceSpending, SpendingLimits, TenantSpending};
use crate::service::Caller;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/tenants/me/spending", |path| path.get(Access::Authenticated, spending));
}

/// A budget of a tenant. Amounts are millionths of a US dollar.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Budget)]
struct WireBudget {
    /// Spent, with what is reserved for runs that have not ended.
    spent_micros_usd: u64,
    /// What the plan allows; null: what the installation has.
    limit_micros_usd: Option<u64>,
    /// True when nothing is left: products are crawled by sources that cost nothing, or later.
    is_exhausted: bool,
    /// When the period ends (UTC).
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
}

/// What was spent on a source in this month. Amounts are millionths of a US dollar.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceSpending)]
struct WireSource {
    /// The source: `apify`.
    source: String,
    /// Listings that were paid for, each as often as it was crawled.
    listings: u64,
    /// What runs have cost. Tenants that watch the same listing share its cost.
    settled_micros_usd: u64,
    /// What is reserved for runs that have not ended.
    reserved_micros_usd: u64,
}

impl From<SourceSpending> for WireSource {
    fn from(spending: SourceSpending) -> Self {
        Self {
            source: spending.source,
            listings: spending.listings,
            settled_micros_usd: spending.settled_micros,
            reserved_micros_usd: spending.reserved_micros,
        }
    }
}

/// What a tenant spends on sources that cost money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Spending)]
pub(super) struct WireSpending {
    /// Today.
    day: WireBudget,
    /// This month.
    month: WireBudget,
    /// This month, by source.
    sources: Vec<WireSource>,
}

impl WireSpending {
    fn of(spending: TenantSpending, limits: SpendingLimits) -> Self {
        let budget = |spent_micros_usd, limit_micros_usd: Option<u64>, ends_at| WireBudget {
            spent_micros_usd,
            limit_micros_usd,
            is_exhausted: limit_micros_usd.is_some_and(|limit| spent_micros_usd >= limit),
            ends_at,
        };
        Self {
            day: budget(spending.spent.day_micros, limits.day_micros, spending.day_ends_at),
            month: budget(spending.spent.month_micros, limits.month_micros, spending.month_ends_at),
            sources: spending.sources.into_iter().map(WireSource::from).collect(),
        }
    }
}

/// Get what the crawls of your tenant's products cost, and what the plan allows.
#[utoipa::path(get, path = "/api/v1/tenants/me/spending", tag = "tenants", responses(
    (status = 200, description = "Spent and allowed", body = WireSpending),
))]
pub(super) async fn spending(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    let (spending, limits) = shared.service.spending(&caller).await?;
    Ok(Json(WireSpending::of(spending, limits)))
}
