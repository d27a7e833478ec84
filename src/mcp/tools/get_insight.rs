//! `get_insight`: what the history of a product means.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Money, ProductId, Scope};
use crate::insight::{Insight, Measure, Outlook};
use crate::mcp::amount::Amount;
use crate::mcp::arguments::within;
use crate::mcp::call::Call;
use crate::mcp::measured::Measured;
use crate::mcp::tool::{Effect, Tool};
use crate::service::{ProductInsight, ServiceResult};

const DEFAULT_DAYS: u32 = 90;
const MAX_DAYS: u32 = 3650;
/// Sellers of an answer; those with the largest shares.
const MAX_SELLERS: usize = 20;

pub(super) struct GetInsight;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    #[schemars(with = "String")]
    product_id: ProductId,
    /// Window; default 90
    #[schemars(range(min = 1, max = 3650))]
    days: Option<u32>,
}

/// Each value has n (what was counted), coverage (share of the window that is known) and, if it is null, missing (why).
#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    days: u32,
    #[schemars(with = "String")]
    at: Timestamp,
    price_percentile: Measured<f64>,
    deal_score: Measured<f64>,
    lowest: Measured<Lowest>,
    out_of_stock_share: Measured<f64>,
    volatility: Measured<Volatility>,
    season: Measured<Vec<Option<f64>>>,
    rank_drops: Measured<RankDrops>,
    buy_box: Measured<BuyBox>,
    position: Measured<Position>,
    elasticity: Measured<Elasticity>,
    outlook: Measured<OutlookFacts>,
}

#[derive(Serialize, JsonSchema)]
struct Lowest {
    ever: bool,
    of_90_days: bool,
    price: Amount,
    #[schemars(with = "String")]
    at: Timestamp,
}

#[derive(Serialize, JsonSchema)]
struct Volatility {
    changes_per_30_days: f64,
    relative_deviation: f64,
}

#[derive(Serialize, JsonSchema)]
struct RankDrops {
    category: String,
    drops: usize,
    changes: usize,
}

#[derive(Serialize, JsonSchema)]
struct BuyBox {
    sellers: Vec<Seller>,
    flips: usize,
}

#[derive(Serialize, JsonSchema)]
struct Seller {
    seller_id: String,
    name: Option<String>,
    share: f64,
    mean_price: Option<Amount>,
}

#[derive(Serialize, JsonSchema)]
struct Position {
    rank: usize,
    of: usize,
    percent_to_cheapest: f64,
    percent_to_median: f64,
    basis: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct Elasticity {
    category: String,
    expected_share: f64,
    rank_ratio_after_decrease: Option<f64>,
    rank_ratio_after_increase: Option<f64>,
}

#[derive(Serialize, JsonSchema)]
struct OutlookFacts {
    method: &'static str,
    price: Amount,
    low: Amount,
    high: Amount,
    mean_error: Amount,
}

impl Answer {
    fn of(found: ProductInsight) -> Self {
        let ProductInsight { currency, at, days, insight, .. } = found;
        let amount = |minor: i64| Amount::from(Money::new(minor, currency));
        let Insight {
            price_percentile,
            deal_score,
            lowest,
            out_of_stock_share,
            volatility,
            season,
            rank_drops,
            buy_box,
            position,
            elasticity,
            outlook,
        } = insight;
        Self {
            days,
            at,
            price_percentile: price_percentile.into(),
            deal_score: deal_score.into(),
            lowest: Measured::of(lowest, |lowest| Lowest {
                ever: lowest.of_all_time,
                of_90_days: lowest.of_90_days,
                price: amount(lowest.lowest_minor),
                at: lowest.lowest_at,
            }),
            out_of_stock_share: out_of_stock_share.into(),
            volatility: Measured::of(volatility, |volatility| Volatility {
                changes_per_30_days: volatility.changes_per_30_days,
                relative_deviation: volatility.relative_deviation,
            }),
            season: Measured::of(season, |season| {
                season.months.into_iter().map(|month| month.map(|month| month.index)).collect()
            }),
            rank_drops: Measured::of(rank_drops, |found| RankDrops {
                category: found.category,
                drops: found.drops,
                changes: found.changes,
            }),
            buy_box: Measured::of(buy_box, |buy_box| BuyBox {
                flips: buy_box.flips,
                sellers: buy_box
                    .sellers
                    .into_iter()
                    .take(MAX_SELLERS)
                    .map(|seller| Seller {
                        seller_id: seller.seller_id,
                        name: seller.name,
                        share: seller.share,
                        mean_price: seller.mean_price_minor.map(amount),
                    })
                    .collect(),
            }),
            position: Measured::of(position, |position| Position {
                rank: position.rank,
                of: position.of,
                percent_to_cheapest: position.percent_to_cheapest,
                percent_to_median: position.percent_to_median,
                basis: position.basis.as_str(),
            }),
            elasticity: Measured::of(elasticity, |found| Elasticity {
                category: found.category,
                expected_share: found.expected_share,
                rank_ratio_after_decrease: found.after_decrease,
                rank_ratio_after_increase: found.after_increase,
            }),
            outlook: outlook_facts(outlook, amount),
        }
    }
}

fn outlook_facts(outlook: Measure<Outlook>, amount: impl Fn(i64) -> Amount) -> Measured<OutlookFacts> {
    Measured::of(outlook, |outlook| OutlookFacts {
        method: outlook.method.as_str(),
        price: amount(outlook.price_minor),
        low: amount(outlook.low_minor),
        high: amount(outlook.high_minor),
        mean_error: amount(outlook.mean_error_minor),
    })
}

impl Tool for GetInsight {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "get_insight";
    const TITLE: &'static str = "Get insight";
    const DESCRIPTION: &'static str = "What a product's history means: is the price good, who holds the Buy Box, what next. Null values say why \
        they are missing.";
    const SCOPE: Scope = Scope::ProductRead;
    const WEIGHT: u32 = 5;
    const EFFECT: Effect = Effect::Reads;

    async fn call(call: Call, arguments: Arguments) -> ServiceResult<Answer> {
        let days = within("days", arguments.days.unwrap_or(DEFAULT_DAYS), 1, MAX_DAYS)?;
        Ok(Answer::of(call.service.insight(call.caller.tenant_id, arguments.product_id, days).await?))
    }
}
