//! `compare_products`: a product beside its competitors.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{CompetitorSetId, MAX_COMPETITORS, Money, Product, ProductId, Rating, Scope, Series};
use crate::insight::{ComparedRow, Undercut};
use crate::mcp::amount::Amount;
use crate::mcp::arguments::within;
use crate::mcp::call::Call;
use crate::mcp::measured::Measured;
use crate::mcp::tool::{Effect, Tool};
use crate::service::{CompareTarget, ServiceError, ServiceResult, SetComparison};

const DEFAULT_DAYS: u32 = 30;
const MAX_DAYS: u32 = 3650;
/// Times of undercutting of an answer: the latest.
const MAX_UNDERCUTS: usize = 20;
/// Longer titles are cut.
const MAX_TITLE_CHARS: usize = 80;

pub(super) struct CompareProducts;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// The first is compared with the others
    #[schemars(with = "Option<Vec<String>>", length(min = 2, max = 21))]
    product_ids: Option<Vec<ProductId>>,
    /// Instead: a competitor set
    #[schemars(with = "Option<String>")]
    set_id: Option<CompetitorSetId>,
    /// Window; default 30
    #[schemars(range(min = 1, max = 3650))]
    days: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    days: u32,
    #[schemars(with = "String")]
    at: Timestamp,
    /// landed, or without_shipping
    basis: &'static str,
    category: Option<String>,
    position: Measured<Place>,
    own: Row,
    others: Vec<Row>,
    undercuts: Vec<UndercutFacts>,
}

#[derive(Serialize, JsonSchema)]
struct Place {
    rank: usize,
    of: usize,
    percent_to_cheapest: f64,
    percent_to_median: f64,
}

#[derive(Serialize, JsonSchema)]
struct Row {
    #[schemars(with = "String")]
    product_id: ProductId,
    title: Option<String>,
    price: Option<Amount>,
    percent_to_own: Option<f64>,
    excluded: Option<&'static str>,
    rank: Option<u32>,
    rating: Option<f64>,
    review_count: Option<i64>,
    reviews_gained: Option<i64>,
    availability: &'static str,
    out_of_stock_share: Option<f64>,
}

#[derive(Serialize, JsonSchema)]
struct UndercutFacts {
    #[schemars(with = "String")]
    product_id: ProductId,
    #[schemars(with = "String")]
    from: Timestamp,
    #[schemars(with = "Option<String>")]
    to: Option<Timestamp>,
    own_minor: i64,
    competitor_minor: i64,
}

impl Row {
    fn of(row: ComparedRow, product: &Product) -> Self {
        let (state, currency) = (&product.state, product.listing.marketplace.currency());
        Self {
            product_id: row.product_id,
            title: state.title.as_ref().map(|title| title.chars().take(MAX_TITLE_CHARS).collect()),
            price: row.price_minor.ok().map(|minor| Money::new(minor, currency).into()),
            percent_to_own: row.percent_to_own,
            excluded: row.price_minor.err().map(|exclusion| exclusion.as_str()),
            rank: row.rank,
            rating: state.rating().map(Rating::stars),
            review_count: state.number(Series::ReviewCount),
            reviews_gained: row.reviews_gained.value.ok(),
            availability: state.availability().as_str(),
            out_of_stock_share: row.out_of_stock_share.value.ok(),
        }
    }
}

impl From<Undercut> for UndercutFacts {
    fn from(undercut: Undercut) -> Self {
        let Undercut { product_id, from, to, own_minor, competitor_minor } = undercut;
        Self { product_id, from, to, own_minor, competitor_minor }
    }
}

impl Answer {
    fn of(compared: SetComparison) -> Self {
        let SetComparison { at, days, comparison, own, products, .. } = compared;
        let row = |row: ComparedRow| products.get(&row.product_id).map(|product| Row::of(row, product));
        Self {
            days,
            at,
            basis: comparison.basis.as_str(),
            category: comparison.category,
            position: Measured::of(comparison.position, |position| Place {
                rank: position.rank,
                of: position.of,
                percent_to_cheapest: position.percent_to_cheapest,
                percent_to_median: position.percent_to_median,
            }),
            own: Row::of(comparison.own, &own),
            others: comparison.competitors.into_iter().filter_map(row).collect(),
            undercuts: comparison.undercuts.into_iter().take(MAX_UNDERCUTS).map(UndercutFacts::from).collect(),
        }
    }
}

impl Tool for CompareProducts {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "compare_products";
    const TITLE: &'static str = "Compare products";
    const DESCRIPTION: &'static str =
        "A product beside others: price, rank, reviews, stock, who undercut it when. Give product_ids or set_id.";
    const SCOPE: Scope = Scope::ProductRead;
    const WEIGHT: u32 = 10;
    const EFFECT: Effect = Effect::Reads;

    async fn call(call: Call, arguments: Arguments) -> ServiceResult<Answer> {
        let days = within("days", arguments.days.unwrap_or(DEFAULT_DAYS), 1, MAX_DAYS)?;
        let target = match (arguments.product_ids, arguments.set_id) {
            (None, Some(set)) => CompareTarget::Set(set),
            (Some(ids), None) if ids.iter().enumerate().any(|(place, id)| ids[..place].contains(id)) => {
                return Err(ServiceError::invalid("product_ids", "must name each product once"));
            }
            (Some(ids), None) if (2..=MAX_COMPETITORS + 1).contains(&ids.len()) => {
                CompareTarget::Products { own: ids[0], others: ids[1..].to_vec() }
            }
            (Some(_), None) => {
                return Err(ServiceError::invalid("product_ids", "must be 2 to 21 products"));
            }
            _ => return Err(ServiceError::invalid("product_ids", "give either product_ids or set_id")),
        };
        Ok(Answer::of(call.service.compare(call.caller.tenant_id, target, days).await?))
    }
}
