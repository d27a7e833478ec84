//! `/api/v1/products/{id}/chart`: the history of a product in few steps, for charts that programs draw.

use actix_web::HttpResponse;
use actix_web::Responder;
use actix_web::web::Data;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::field_parsing::parsed;
use super::history::RequestTime;
use super::problem::Problem;
use super::routes::Routes;
use super::strict::{PathId, StrictQuery};
use crate::domain::stats::Extreme;
use crate::domain::{Currency, ProductId, RuleId, Scope, Series};
use crate::service::{Caller, ChartData, ChartDataRequest, ChartLine, ChartSeries, FieldError};

/// The widest picture.
const MAX_COLUMNS: u32 = 2000;
const MIN_COLUMNS: u32 = 50;
const DEFAULT_COLUMNS: u32 = 860;
const DEFAULT_DAYS: i64 = 90;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/products/{id}/chart", |path| path.get(Scope::ProductRead, chart));
}

/// Which part of the history, and how finely.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChartDataQuery {
    /// `7d`, `30d`, `90d` (default), `180d`, `1y` or `all`: up to now.
    range: Option<String>,
    /// RFC 3339; instead of `range`.
    from: Option<String>,
    /// RFC 3339, default now; instead of `range`.
    to: Option<String>,
    /// Columns of the picture, 50 to 2000; default 860.
    #[param(minimum = 50, maximum = 2000)]
    columns: Option<String>,
}

impl ChartDataQuery {
    fn into_request(self, product_id: ProductId) -> Result<ChartDataRequest, Problem> {
        let mut errors = Vec::new();
        let columns = match self.columns.as_deref().map(str::parse) {
            None => DEFAULT_COLUMNS,
            Some(Ok(columns @ MIN_COLUMNS..=MAX_COLUMNS)) => columns,
            Some(_) => {
                let message = format!("must be an integer from {MIN_COLUMNS} to {MAX_COLUMNS}");
                errors.push(FieldError::new("columns", message));
                DEFAULT_COLUMNS
            }
        };
        let from = parsed::<RequestTime>("from", self.from.as_deref(), &mut errors).map(|time| time.0);
        let to = parsed::<RequestTime>("to", self.to.as_deref(), &mut errors).map(|time| time.0);
        let has_ends = self.from.is_some() || self.to.is_some();
        if has_ends && self.range.is_some() {
            errors.push(FieldError::new("range", "give either range, or from and to"));
        }
        let days = match self.range.as_deref() {
            None => Some(DEFAULT_DAYS).filter(|_| !has_ends),
            Some("7d") => Some(7),
            Some("30d") => Some(30),
            Some("90d") => Some(90),
            Some("180d") => Some(180),
            Some("1y") => Some(365),
            Some("all") => None,
            Some(_) => {
                errors.push(FieldError::new("range", "use 7d, 30d, 90d, 180d, 1y or all"));
                None
            }
        };
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let before_now = |days: i64| Timestamp::now().checked_sub(SignedDuration::from_hours(24 * days)).ok();
        Ok(ChartDataRequest { product_id, from: from.or(days.and_then(before_now)), to, columns })
    }
}

/// The history of a product in few steps.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChartData)]
pub(super) struct WireChartData {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// Of all money.
    #[schema(value_type = String)]
    currency: Currency,
    series: Vec<WireChartSeries>,
    /// Times of which nothing is known, as seconds since `from`.
    #[schema(value_type = Vec<Vec<i64>>)]
    gaps: Vec<(i64, i64)>,
    /// Prices that alert rules about the product wait for.
    targets: Vec<WireChartTarget>,
    /// By time; the newest 250.
    events: Vec<WireChartEvent>,
    /// Of the price within the window.
    stats: WireChartStats,
}

/// The steps of one series, each in effect until the next. Of each column of the picture it has the first, the lowest, the highest and
/// the last one, and both borders of each gap.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChartSeries)]
struct WireChartSeries {
    /// `price`, `list_price`, `landed` (price and shipping), `lowest_offer` (with shipping), `sales_rank`, `rating`, `review_count` or
    /// `offer_count`.
    name: &'static str,
    /// `money` (minor units), `rank`, `stars` or `count`.
    unit: &'static str,
    /// The bestseller category of a sales rank.
    category: Option<String>,
    /// Seconds since `from`.
    at: Vec<i64>,
    /// As many as `at`; null where there was none, such as no price while sold out, and where a gap begins.
    #[schema(value_type = Vec<Option<f64>>)]
    values: Vec<Option<WireNumber>>,
}

/// A number; one without a fraction is written without one.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum WireNumber {
    Whole(i64),
    Stars(f64),
}

/// A price that an alert rule waits for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChartTarget)]
struct WireChartTarget {
    #[schema(value_type = Uuid)]
    rule_id: RuleId,
    /// Of the rule.
    name: Option<String>,
    /// Minor units.
    amount_minor: i64,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChartEvent)]
struct WireChartEvent {
    /// Seconds since `from`.
    at: i64,
    /// `alert`, `content`, `out_of_stock`, `back_in_stock` or `seller`.
    kind: &'static str,
    /// The rule, what changed of the content, the availability or the seller.
    text: String,
}

/// What the price was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChartStats)]
struct WireChartStats {
    low: Option<WireChartExtreme>,
    high: Option<WireChartExtreme>,
    /// Weighted by time, in minor units.
    average_minor: Option<i64>,
}

/// A lowest or highest price.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChartExtreme)]
struct WireChartExtreme {
    /// Minor units.
    amount_minor: i64,
    /// When it was first reached, in seconds since `from`.
    at: i64,
}

impl From<ChartData> for WireChartData {
    fn from(data: ChartData) -> Self {
        let ChartData { columns, currency, lines, gaps, targets, events, stats } = data;
        let since = |at: Timestamp| at.as_second() - columns.from.as_second();
        let extreme = |extreme: Extreme| WireChartExtreme { amount_minor: extreme.amount_minor, at: since(extreme.at) };
        let series = |line: ChartLine| {
            let (name, unit) = name_and_unit(line.series);
            let number = |value: i64| match unit {
                "stars" => WireNumber::Stars(value as f64 / 100.0),
                _ => WireNumber::Whole(value),
            };
            WireChartSeries {
                name,
                unit,
                at: line.steps.iter().map(|step| since(step.at)).collect(),
                values: line.steps.iter().map(|step| step.value.map(number)).collect(),
                category: Some(line.category).filter(|category| !category.is_empty()),
            }
        };
        Self {
            from: columns.from,
            to: columns.to,
            currency,
            series: lines.into_iter().map(series).collect(),
            gaps: gaps.iter().map(|gap| (since(gap.from), since(gap.to))).collect(),
            targets: targets
                .into_iter()
                .map(|target| WireChartTarget {
                    rule_id: target.rule_id,
                    name: target.name,
                    amount_minor: target.amount_minor,
                })
                .collect(),
            events: events
                .into_iter()
                .map(|event| WireChartEvent { at: since(event.at), kind: event.kind.as_str(), text: event.text })
                .collect(),
            stats: WireChartStats {
                low: stats.minimum.map(extreme),
                high: stats.maximum.map(extreme),
                average_minor: stats.average_minor,
            },
        }
    }
}

fn name_and_unit(series: ChartSeries) -> (&'static str, &'static str) {
    match series {
        ChartSeries::Landed => ("landed", "money"),
        ChartSeries::Of(Series::LowestNewPrice) => ("lowest_offer", "money"),
        ChartSeries::Of(Series::SalesRank) => ("sales_rank", "rank"),
        ChartSeries::Of(Series::Rating) => ("rating", "stars"),
        ChartSeries::Of(series) if series.is_money() => (series.as_str(), "money"),
        ChartSeries::Of(series) => (series.as_str(), "count"),
    }
}

/// Get the data of a chart of a product: its history in so few steps that a picture of so many columns looks the same.
#[utoipa::path(get, path = "/api/v1/products/{id}/chart", tag = "history", params(("id" = Uuid, Path), ChartDataQuery), responses(
    (status = 200, description = "The data", body = WireChartData),
    (status = 404, description = "No such product", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn chart(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    StrictQuery(query): StrictQuery<ChartDataQuery>,
) -> Result<impl Responder, Problem> {
    let data = shared.service.chart_data(caller.tenant_id, query.into_request(id)?).await?;
    Ok(HttpResponse::Ok().json(WireChartData::from(data)))
}
