//! `get_product`: everything that is known of one product.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::stats::{Extreme, PriceStats};
use crate::domain::{Asin, Currency, Listing, Marketplace, Money, ProductId, Scope};
use crate::mcp::amount::Amount;
use crate::mcp::call::Call;
use crate::mcp::product_facts::ProductFacts;
use crate::mcp::tool::{Effect, Tool};
use crate::service::{ServiceError, ServiceResult};

pub(super) struct GetProduct;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    #[schemars(with = "Option<String>")]
    product_id: Option<ProductId>,
    /// Instead of product_id
    #[schemars(with = "Option<String>")]
    asin: Option<Asin>,
    /// Of the ASIN: com, de, …
    #[schemars(with = "Option<String>")]
    marketplace: Option<Marketplace>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    product: ProductFacts,
    /// Of the last 30, 90, 180 and 365 days, and of all time (days: null).
    price_stats: Vec<Window>,
}

#[derive(Serialize, JsonSchema)]
struct Window {
    days: Option<u32>,
    current: Option<Amount>,
    min: Option<PricedAt>,
    max: Option<PricedAt>,
    /// Weighted by time.
    average: Option<Amount>,
    is_lowest: bool,
    out_of_stock_percent: Option<f64>,
}

#[derive(Serialize, JsonSchema)]
struct PricedAt {
    price: Amount,
    #[schemars(with = "String")]
    at: Timestamp,
}

impl Window {
    fn of(stats: &PriceStats, currency: Currency) -> Self {
        let amount = |minor: i64| Amount::from(Money::new(minor, currency));
        let priced_at = |extreme: Extreme| PricedAt { price: amount(extreme.amount_minor), at: extreme.at };
        Self {
            days: stats.days,
            current: stats.current_minor.map(amount),
            min: stats.minimum.map(priced_at),
            max: stats.maximum.map(priced_at),
            average: stats.average_minor.map(amount),
            is_lowest: stats.is_lowest,
            out_of_stock_percent: stats.out_of_stock_percent,
        }
    }
}

impl Tool for GetProduct {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "get_product";
    const TITLE: &'static str = "Get a product";
    const DESCRIPTION: &'static str = "Facts of one tracked product: price, seller, stock, rating, ranks, when they were observed, \
        and price statistics. Give product_id, or asin and marketplace.";
    const SCOPE: Scope = Scope::ProductRead;
    const WEIGHT: u32 = 2;
    const EFFECT: Effect = Effect::Reads;

    async fn call(call: Call, arguments: Arguments) -> ServiceResult<Answer> {
        let tenant_id = call.caller.tenant_id;
        let product = match (arguments.product_id, arguments.asin) {
            (Some(id), None) => call.service.product(tenant_id, id).await?,
            (None, Some(asin)) => {
                let marketplace = arguments.marketplace.unwrap_or_else(|| call.service.default_marketplace());
                call.service.product_of_listing(tenant_id, Listing::new(marketplace, asin)).await?
            }
            (None, None) => {
                return Err(ServiceError::invalid("product_id", "is required, or `asin` and `marketplace`"));
            }
            (Some(_), Some(_)) => {
                return Err(ServiceError::invalid("asin", "give either product_id or asin, not both"));
            }
        };
        let stats = call.service.stats(tenant_id, product.id).await?;
        let price_stats = stats.windows.iter().map(|window| Window::of(window, stats.currency)).collect();
        Ok(Answer { product: product.into(), price_stats })
    }
}
