//! `get_price_history`: how values of a product changed, in few points with exact extremes.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::plain_text::{clean, shorten};
use crate::domain::sampling::SampledSeries;
use crate::domain::steps::Gap;
use crate::domain::{Availability, Currency, PointValue, ProductId, Rating, Scope, Series};
use crate::mcp::answer::fitting;
use crate::mcp::arguments::within;
use crate::mcp::call::Call;
use crate::mcp::tool::{Effect, Tool};
use crate::service::{FieldError, HistoryQuery, SampledHistory, ServiceError, ServiceResult};

pub(super) struct GetPriceHistory;

const DEFAULT_POINTS: u32 = 100;
/// With fewer, the essential points of several series have no room.
const MIN_POINTS: u32 = 10;
const MAX_POINTS: u32 = 200;
/// Maximum characters of a seller or a coupon.
const MAX_TEXT_CHARS: usize = 80;
/// Of more, the latest.
const MAX_GAPS: usize = 20;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    #[schemars(with = "String")]
    product_id: ProductId,
    /// Default price; also shipping, list_price, seller, offer_count, sales_rank, rating, review_count, availability, coupon, lowest_new_price
    series: Option<Vec<String>>,
    /// RFC 3339
    #[schemars(with = "Option<String>")]
    from: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    to: Option<Timestamp>,
    /// Of all series together
    #[schemars(range(min = 10, max = 200))]
    max_points: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    #[schemars(with = "String")]
    product_id: ProductId,
    /// Of series whose unit is `minor`.
    #[schemars(with = "String")]
    currency: Currency,
    series: Vec<SeriesAnswer>,
    /// Times without a successful crawl, in which no value is known.
    gaps: Vec<GapAnswer>,
    /// True when points were left out.
    sampled: bool,
}

#[derive(Serialize, JsonSchema)]
struct SeriesAnswer {
    series: &'static str,
    category: Option<String>,
    unit: &'static str,
    /// How many points there are.
    count: usize,
    min: Option<PointAnswer>,
    max: Option<PointAnswer>,
    last: PointAnswer,
    points: Vec<PointAnswer>,
    sampled: bool,
}

/// When a value took effect, and the value; null: known to be absent.
type PointAnswer = (Moment, Value);

/// A time within a point.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
struct Moment(#[schemars(with = "String")] Timestamp);

#[derive(Serialize, JsonSchema)]
struct GapAnswer {
    #[schemars(with = "String")]
    from: Timestamp,
    #[schemars(with = "String")]
    to: Timestamp,
}

impl Tool for GetPriceHistory {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "get_price_history";
    const TITLE: &'static str = "Get price history";
    const DESCRIPTION: &'static str = "Changes of a product's price or other series, as [time, value]: a value holds until the next \
        point; null = known to be absent. min, max and last are exact even when sampled.";
    const SCOPE: Scope = Scope::ProductRead;
    const WEIGHT: u32 = 5;
    const EFFECT: Effect = Effect::Reads;

    async fn call(call: Call, arguments: Arguments) -> ServiceResult<Answer> {
        let max_points = within("max_points", arguments.max_points.unwrap_or(DEFAULT_POINTS), MIN_POINTS, MAX_POINTS)?;
        let series = series_of(arguments.series)?;
        let (product_id, from, to) = (arguments.product_id, arguments.from, arguments.to);
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(ServiceError::invalid("to", "must be after `from`"));
        }
        let (service, tenant_id) = (&call.service, call.caller.tenant_id);
        fitting(max_points, |limit| {
            let query = HistoryQuery { series: series.clone(), from, to, limit };
            async move { Ok(Answer::of(product_id, service.sampled_history(tenant_id, product_id, query).await?)) }
        })
        .await
    }
}

fn series_of(names: Option<Vec<String>>) -> ServiceResult<Vec<Series>> {
    let Some(names) = names.filter(|names| !names.is_empty()) else { return Ok(vec![Series::Price]) };
    let parsed = |(n, name): (usize, &String)| {
        name.parse().map_err(|error| ServiceError::Invalid(vec![FieldError::new(&format!("series[{n}]"), error)]))
    };
    let mut series: Vec<Series> = names.iter().enumerate().map(parsed).collect::<ServiceResult<_>>()?;
    series.sort_unstable();
    series.dedup();
    Ok(series)
}

impl Answer {
    fn of(product_id: ProductId, history: SampledHistory) -> Self {
        let SampledHistory { currency, series, gaps } = history;
        let sampled = series.iter().any(SampledSeries::is_sampled);
        let latest = gaps.len().saturating_sub(MAX_GAPS);
        let gaps = gaps[latest..].iter().map(|Gap { from, to }| GapAnswer { from: *from, to: *to }).collect();
        Self { product_id, currency, series: series.into_iter().map(SeriesAnswer::of).collect(), gaps, sampled }
    }
}

impl SeriesAnswer {
    fn of(sampled: SampledSeries) -> Self {
        let series = sampled.key.series;
        let point = |(at, value): (Timestamp, Option<PointValue>)| (Moment(at), value_of(series, value));
        // The numbers of availabilities have no order.
        let is_ordered = series != Series::Availability;
        let extreme = |extreme: Option<(Timestamp, i64)>| {
            extreme.filter(|_| is_ordered).map(|(at, number)| point((at, Some(PointValue::Number(number)))))
        };
        Self {
            series: series.as_str(),
            unit: unit_of(series),
            count: sampled.count,
            min: extreme(sampled.min),
            max: extreme(sampled.max),
            sampled: sampled.is_sampled(),
            last: point(sampled.last),
            points: sampled.points.into_iter().map(point).collect(),
            category: Some(sampled.key.category).filter(|category| !category.is_empty()),
        }
    }
}

fn unit_of(series: Series) -> &'static str {
    match series {
        _ if series.is_money() => "minor",
        Series::Rating => "stars",
        Series::Availability => "state",
        _ if series.is_text() => "text",
        _ => "number",
    }
}

fn value_of(series: Series, value: Option<PointValue>) -> Value {
    match (value, series) {
        (None, _) => Value::Null,
        (Some(PointValue::Text(text)), _) => Value::String(shorten(&clean(&text), MAX_TEXT_CHARS)),
        (Some(PointValue::Number(number)), Series::Rating) => {
            u16::try_from(number).map_or(Value::Null, |hundredths| json!(Rating(hundredths).stars()))
        }
        (Some(PointValue::Number(number)), Series::Availability) => {
            json!(Availability::from_number(number).unwrap_or_default().as_str())
        }
        (Some(PointValue::Number(number)), _) => json!(number),
    }
}
