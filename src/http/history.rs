//! `/api/v1/products/{id}/history` and statistics.

use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AnyOfBuilder, Object, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::field_parsing::parsed;
use super::problem::Problem;
use super::product_view::WireMoney;
use super::response_cache::{CacheTags, tagged};
use super::routes::Routes;
use super::strict::{PathId, StrictQuery};
use crate::domain::stats::{Extreme, PriceStats};
use crate::domain::steps::Gap;
use crate::domain::{Availability, Currency, Money, Point, PointValue, ProductId, Rating, Scope, Series};
use crate::service::{Caller, FieldError, History, HistoryQuery, Stats};

/// Maximum number of points of a response, and the default: compressed, about 15 ms of processor time.
pub(super) const MAX_POINTS: u32 = 2500;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/products/{id}/history", |path| path.get(Scope::ProductRead, history));
    routes.path("/products/{id}/price-history", |path| path.get(Scope::ProductRead, price_history));
    routes.path("/products/{id}/rank-history", |path| path.get(Scope::ProductRead, rank_history));
    routes.path("/products/{id}/stats", |path| path.get(Scope::ProductRead, stats));
}

/// Series and time range.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryParams {
    /// Comma-separated: `price`, `shipping`, `list_price`, `seller`, `offer_count`, `sales_rank`, `rating`, `review_count`,
    /// `availability`, `coupon`, `used_offer_count`, `lowest_new_price`, `lowest_fba_price`, `lowest_merchant_price`, `seller_id`.
    /// Default: all.
    series: Option<String>,
    /// RFC 3339; includes the values in effect at that time.
    from: Option<String>,
    /// RFC 3339, exclusive.
    to: Option<String>,
    /// Points after `from`, 1 to 2500; default 2500. With more, `next_from` says where to go on.
    #[param(minimum = 1, maximum = 2500)]
    limit: Option<String>,
}

/// Time range.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SpanParams {
    /// RFC 3339; includes the values in effect at that time.
    from: Option<String>,
    /// RFC 3339, exclusive.
    to: Option<String>,
    /// Points after `from`, 1 to 2500; default 2500. With more, `next_from` says where to go on.
    #[param(minimum = 1, maximum = 2500)]
    limit: Option<String>,
}

impl SpanParams {
    /// With as many points as there may be.
    pub(super) fn between(from: Option<String>, to: Option<String>) -> Self {
        Self { from, to, limit: None }
    }
}

/// A value in effect from a time until the next point. Null: known to be absent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Point)]
struct WirePoint {
    /// When it took effect.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Money for prices, a number for ranks and counts, stars for ratings, a string for availability and sellers.
    #[schema(schema_with = WireValue::schema)]
    value: WireValue,
}

/// The value of a point.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum WireValue {
    /// Known to be absent.
    Null,
    /// A price.
    Money(WireMoney),
    /// A rank or count.
    Number(i64),
    /// A rating.
    Stars(f64),
    /// An availability.
    State(&'static str),
    /// A name or text.
    Text(String),
}

impl WireValue {
    pub(super) fn of(point: &Point, currency: Currency) -> Self {
        match (&point.value, point.key.series) {
            (None, _) => Self::Null,
            (Some(PointValue::Text(text)), _) => Self::Text(text.clone()),
            (Some(PointValue::Number(number)), series) if series.is_money() => {
                Self::Money(Money::new(*number, currency).into())
            }
            (Some(PointValue::Number(number)), Series::Rating) => {
                u16::try_from(*number).map_or(Self::Null, |hundredths| Self::Stars(Rating(hundredths).stars()))
            }
            (Some(PointValue::Number(number)), Series::Availability) => {
                Self::State(Availability::from_number(*number).unwrap_or_default().as_str())
            }
            (Some(PointValue::Number(number)), _) => Self::Number(*number),
        }
    }

    pub(super) fn schema() -> RefOr<Schema> {
        let any_of = AnyOfBuilder::new()
            .item(Ref::from_schema_name("Money"))
            .item(Object::with_type(Type::Number))
            .item(Object::with_type(Type::String))
            .item(Object::with_type(Type::Null))
            .description(Some(
                "Money for prices, a number for ranks, counts and stars, a string for sellers and states",
            ));
        RefOr::T(Schema::AnyOf(any_of.build()))
    }
}

/// One series; sales ranks have one per category.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Series)]
struct WireSeries {
    /// The name of the series.
    series: &'static str,
    /// The bestseller category of a sales rank.
    category: Option<String>,
    /// In order of time.
    points: Vec<WirePoint>,
}

/// A time without a successful crawl.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Gap)]
struct WireGap {
    /// The last successful crawl before it.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// The next one; the time of the request, if there was none.
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
}

/// A part of a listing's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = History)]
pub(super) struct WireHistory {
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    #[schema(value_type = String)]
    currency: Currency,
    series: Vec<WireSeries>,
    /// Times without a successful crawl, in which no value is known: draw no line there.
    gaps: Vec<WireGap>,
    /// Pass it as `from` to get the next points; null when there are no more.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_from: Option<Timestamp>,
}

impl WireHistory {
    pub(super) fn of(product_id: ProductId, history: History) -> Self {
        let History { currency, points, gaps, next_from, .. } = history;
        let gaps = gaps.into_iter().map(|Gap { from, to }| WireGap { from, to }).collect();
        let mut series: Vec<WireSeries> = Vec::new();
        for point in points {
            let name = point.key.series.as_str();
            let category = Some(point.key.category.clone()).filter(|category| !category.is_empty());
            let wire = WirePoint { at: point.at, value: WireValue::of(&point, currency) };
            match series.last_mut().filter(|last| last.series == name && last.category == category) {
                Some(last) => last.points.push(wire),
                None => series.push(WireSeries { series: name, category, points: vec![wire] }),
            }
        }
        Self { product_id, currency, series, gaps, next_from }
    }
}

/// Price statistics.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stats)]
pub(super) struct WireStats {
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    /// When they were computed.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The last 30, 90, 180 and 365 days, and all time.
    windows: Vec<WireWindow>,
}

/// Price statistics of one window that ends now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatsWindow)]
struct WireWindow {
    /// Days; null for all time.
    days: Option<u32>,
    /// The current price.
    current: Option<WireMoney>,
    /// The lowest price, and when it was reached.
    minimum: Option<WireExtreme>,
    /// The highest price, and when it was reached.
    maximum: Option<WireExtreme>,
    /// Weighted by time, without the time that had no price.
    average: Option<WireMoney>,
    /// True when the current price is the lowest of the window.
    is_lowest: bool,
    /// Share of the time out of stock or unavailable, 0 to 100.
    out_of_stock_percent: Option<f64>,
}

/// A lowest or highest price.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Extreme)]
struct WireExtreme {
    price: WireMoney,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl WireWindow {
    fn of(stats: &PriceStats, currency: Currency) -> Self {
        let money = |minor: i64| WireMoney::from(Money::new(minor, currency));
        let extreme = |extreme: Extreme| WireExtreme { price: money(extreme.amount_minor), at: extreme.at };
        Self {
            days: stats.days,
            current: stats.current_minor.map(money),
            minimum: stats.minimum.map(extreme),
            maximum: stats.maximum.map(extreme),
            average: stats.average_minor.map(money),
            is_lowest: stats.is_lowest,
            out_of_stock_percent: stats.out_of_stock_percent,
        }
    }
}

/// A time in a request. RFC 3339 allows the last two days of the year 9999, which a [`Timestamp`] does not: they are its end.
pub(super) struct RequestTime(pub(super) Timestamp);

impl std::str::FromStr for RequestTime {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse().map(Self).or_else(|error| {
            let is_end = jiff::fmt::temporal::Pieces::parse(text).is_ok_and(|pieces| {
                pieces.date() >= jiff::civil::date(9999, 12, 30) && pieces.to_numeric_offset().is_some()
            });
            if is_end { Ok(Self(Timestamp::MAX)) } else { Err(error) }
        })
    }
}

pub(super) fn query_of(series: Option<&str>, span: &SpanParams) -> Result<HistoryQuery, Problem> {
    let mut errors = Vec::new();
    let words = series.map(|series| series.split(',').map(str::trim).collect::<Vec<_>>());
    let series = match words {
        None => Series::VALUES.to_vec(),
        Some(words) => words.into_iter().filter_map(|word| parsed("series", Some(word), &mut errors)).collect(),
    };
    let from = parsed::<RequestTime>("from", span.from.as_deref(), &mut errors).map(|time| time.0);
    let to = parsed::<RequestTime>("to", span.to.as_deref(), &mut errors).map(|time| time.0);
    let limit = match span.limit.as_deref().map(str::parse) {
        None => MAX_POINTS,
        Some(Ok(limit @ 1..=MAX_POINTS)) => limit,
        Some(_) => {
            errors.push(FieldError::new("limit", format!("must be an integer from 1 to {MAX_POINTS}")));
            MAX_POINTS
        }
    };
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        errors.push(FieldError::new("to", "must be after `from`"));
    }
    if errors.is_empty() { Ok(HistoryQuery { series, from, to, limit }) } else { Err(Problem::invalid(errors)) }
}

async fn answer(
    shared: &Shared,
    caller: Caller,
    id: ProductId,
    series: Option<&str>,
    span: &SpanParams,
) -> Result<HttpResponse, Problem> {
    let history = shared.service.history(caller.tenant_id, id, query_of(series, span)?).await?;
    let of = CacheTags { product_id: id, listing_id: history.listing_id };
    Ok(tagged(of, HttpResponse::Ok().json(WireHistory::of(id, history))))
}

/// Get the history of a listing: points, each in effect until the next.
#[utoipa::path(get, path = "/api/v1/products/{id}/history", tag = "history", params(("id" = Uuid, Path), HistoryParams), responses(
    (status = 200, description = "The points", body = WireHistory),
    (status = 404, description = "No such product", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn history(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    StrictQuery(params): StrictQuery<HistoryParams>,
) -> Result<impl Responder, Problem> {
    let HistoryParams { series, from, to, limit } = params;
    answer(&shared, caller, id, series.as_deref(), &SpanParams { from, to, limit }).await
}

/// Get the history of the price.
#[utoipa::path(get, path = "/api/v1/products/{id}/price-history", tag = "history", params(("id" = Uuid, Path), SpanParams), responses(
    (status = 200, description = "The points", body = WireHistory),
    (status = 404, description = "No such product", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn price_history(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    StrictQuery(span): StrictQuery<SpanParams>,
) -> Result<impl Responder, Problem> {
    answer(&shared, caller, id, Some("price"), &span).await
}

/// Get the history of the sales ranks, by category.
#[utoipa::path(get, path = "/api/v1/products/{id}/rank-history", tag = "history", params(("id" = Uuid, Path), SpanParams), responses(
    (status = 200, description = "The points", body = WireHistory),
    (status = 404, description = "No such product", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn rank_history(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    StrictQuery(span): StrictQuery<SpanParams>,
) -> Result<impl Responder, Problem> {
    answer(&shared, caller, id, Some("sales_rank"), &span).await
}

/// Price statistics over 30, 90, 180 and 365 days, and ever.
#[utoipa::path(get, path = "/api/v1/products/{id}/stats", tag = "history", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The statistics", body = WireStats),
    (status = 404, description = "No such product", body = Problem),
))]
pub(super) async fn stats(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
) -> Result<impl Responder, Problem> {
    let Stats { listing_id, currency, at, windows } = shared.service.stats(caller.tenant_id, id).await?;
    let windows = windows.iter().map(|window| WireWindow::of(window, currency)).collect();
    let tags = CacheTags { product_id: id, listing_id };
    Ok(tagged(tags, HttpResponse::Ok().json(WireStats { product_id: id, at, windows })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_days_of_the_calendar_are_the_end_of_time() {
        let parsed = |text: &str| text.parse::<RequestTime>().map(|time| time.0).ok();
        assert_eq!(parsed("9999-12-31T23:59:59Z"), Some(Timestamp::MAX));
        assert_eq!(parsed("2026-11-28T12:00:00Z"), "2026-11-28T12:00:00Z".parse().ok());
        for never in ["9999-12-32T00:00:00Z", "9999-12-31T23:59:59", "tomorrow"] {
            assert_eq!(parsed(never), None, "{never}");
        }
    }
}
