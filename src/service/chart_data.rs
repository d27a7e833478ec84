//! The history of a product as the data of a chart: a few steps of each series.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::chart_events::{ChartEvent, ChartTarget};
use super::history::gap_until;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::domain::stats::SpanStats;
use crate::domain::steps::{Gap, Window, spans};
use crate::domain::thin::{Columns, Step, thin};
use crate::domain::{Currency, Point, PointValue, ProductId, Series, TenantId};

/// Points that a chart is made of: those of all series over some years.
const MAX_POINTS: u32 = 200_000;
/// The length of a chart of everything, if there is nothing.
const EMPTY: SignedDuration = SignedDuration::from_hours(24);

/// What is read for a chart.
const READ: &[Series] = &[
    Series::Price,
    Series::ListPrice,
    Series::Shipping,
    Series::LowestNewPrice,
    Series::SalesRank,
    Series::Rating,
    Series::ReviewCount,
    Series::OfferCount,
    Series::Availability,
    Series::Seller,
    Series::Unobserved,
];

/// Which part of a history is drawn, and how finely.
#[derive(Debug, Clone, Copy)]
pub struct ChartDataRequest {
    /// The product.
    pub product_id: ProductId,
    /// The beginning; `None`: that of the history.
    pub from: Option<Timestamp>,
    /// The end, now at the latest; `None`: now.
    pub to: Option<Timestamp>,
    /// Columns of the picture.
    pub columns: u32,
}

/// A series of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartSeries {
    /// One series of the history.
    Of(Series),
    /// The price with its shipping.
    Landed,
}

/// The steps of one series.
#[derive(Debug, Clone)]
pub struct ChartLine {
    /// Which.
    pub series: ChartSeries,
    /// The category of a sales rank; otherwise empty.
    pub category: String,
    /// Its steps within the window.
    pub steps: Vec<Step>,
}

/// The data of a chart.
#[derive(Debug, Clone)]
pub struct ChartData {
    /// The window.
    pub columns: Columns,
    /// The currency of its money.
    pub currency: Currency,
    /// The series that have a value in the window.
    pub lines: Vec<ChartLine>,
    /// Times within the window of which nothing is known.
    pub gaps: Vec<Gap>,
    /// The prices that rules wait for.
    pub targets: Vec<ChartTarget>,
    /// What happened, by time.
    pub events: Vec<ChartEvent>,
    /// Of the price.
    pub stats: SpanStats,
}

impl Service {
    /// The history of a product in so few steps that a chart of so many columns looks the same.
    ///
    /// # Errors
    /// A wrong `from` if there are too many points, or `to` if it is not after `from`.
    pub async fn chart_data(&self, tenant_id: TenantId, request: ChartDataRequest) -> ServiceResult<ChartData> {
        self.run(async move |deps: Arc<Dependencies>| {
            let product = deps.store.product(tenant_id, request.product_id).await?;
            let now = deps.store.now().await?;
            let to = request.to.unwrap_or(now).min(now);
            if request.from.is_some_and(|from| from >= to) {
                return Err(ServiceError::invalid("to", "must be after `from`, which must be in the past"));
            }
            let end = to.checked_add(SignedDuration::from_millis(1)).unwrap_or(to);
            let points = deps.store.points(product.listing_id, READ, request.from, Some(end), MAX_POINTS).await?;
            if points.len() >= MAX_POINTS as usize {
                let message = format!("there are more than {MAX_POINTS} points; ask for a later time");
                return Err(ServiceError::invalid("from", message));
            }
            let first = points.iter().map(|point| point.at).min();
            let from = request.from.or(first).filter(|from| *from < to);
            let from = from.unwrap_or_else(|| to.checked_sub(EMPTY).unwrap_or(Timestamp::MIN));
            let columns = Columns { from, to, count: request.columns };
            let open_gap = gap_until(&product, now);
            let currency = product.listing.marketplace.currency();
            let (targets, events) = tokio::try_join!(
                deps.chart_targets(tenant_id, product.id, currency, now),
                deps.chart_events(&product, &points, &columns),
            )?;
            // A long history takes a while: other requests go on.
            let drawn = tokio::task::spawn_blocking(move || chart_lines(points, open_gap, &columns)).await;
            let (lines, gaps, stats) = drawn.map_err(|error| {
                tracing::error!(%error, "a chart could not be computed");
                ServiceError::Internal
            })?;
            Ok(ChartData { columns, currency, lines, gaps, targets, events, stats })
        })
        .await
    }
}

/// The lines of a chart, the gaps in them, and what the price was. Points are sorted by series, category and time.
pub fn chart_lines(
    points: Vec<Point>,
    open_gap: Option<Gap>,
    columns: &Columns,
) -> (Vec<ChartLine>, Vec<Gap>, SpanStats) {
    let window = Window { from: Some(columns.from), to: columns.to };
    let of = |series: Series| points.iter().filter(move |point| point.key.series == series);
    let gaps: Vec<Gap> = of(Series::Unobserved).filter_map(Gap::of).chain(open_gap).collect();
    let known = |points: &[Point]| spans(points, PointValue::number, &gaps, window);
    let mut lines = Vec::new();
    let mut add = |series: ChartSeries, points: &[Point]| {
        let steps = thin(&known(points), columns);
        if !steps.is_empty() {
            let category = points.first().map(|point| point.key.category.clone()).unwrap_or_default();
            lines.push(ChartLine { series, category, steps });
        }
    };
    for series in points.chunk_by(|a, b| a.key == b.key) {
        let kind = series.first().map(|point| point.key.series);
        match kind {
            Some(Series::Shipping | Series::Availability | Series::Seller | Series::Unobserved) | None => {}
            Some(kind) => add(ChartSeries::Of(kind), series),
        }
    }
    let landed: Vec<Point> = landed(of(Series::Price), of(Series::Shipping));
    add(ChartSeries::Landed, &landed);
    let prices: Vec<Point> = of(Series::Price).cloned().collect();
    let stats = SpanStats::of(&known(&prices));
    let clipped = |gap: &Gap| Gap { from: gap.from.max(columns.from), to: gap.to.min(columns.to) };
    let gaps = gaps.iter().map(clipped).filter(|gap| gap.from < gap.to).collect();
    (lines, gaps, stats)
}

/// The price with its shipping, from when on both are known. Without one of them there is none.
fn landed<'p>(prices: impl Iterator<Item = &'p Point>, shippings: impl Iterator<Item = &'p Point>) -> Vec<Point> {
    let mut changes: Vec<&Point> = prices.chain(shippings).collect();
    changes.sort_by_key(|point| point.at);
    // The latest of each; the outer `None`: not known yet.
    let (mut price, mut shipping): (Option<Option<i64>>, Option<Option<i64>>) = (None, None);
    let mut landed: Vec<Point> = Vec::new();
    for change in changes {
        let value = change.value.as_ref().and_then(PointValue::number);
        let latest = if change.key.series == Series::Price { &mut price } else { &mut shipping };
        *latest = Some(value);
        let Some((price, shipping)) = price.zip(shipping) else { continue };
        let value = price.zip(shipping).map(|(price, shipping)| PointValue::Number(price.saturating_add(shipping)));
        // Of two changes at one time the later has both.
        landed.pop_if(|last| last.at == change.at);
        landed.push(Point { key: Series::Price.into(), at: change.at, value });
    }
    landed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(series: Series, seconds: i64, number: Option<i64>) -> Point {
        let at = Timestamp::from_second(seconds).unwrap();
        Point { key: series.into(), at, value: number.map(PointValue::Number) }
    }

    #[test]
    fn the_landed_price_is_known_while_price_and_shipping_are() {
        let prices = [(0, Some(100)), (10, Some(200)), (30, None)].map(|(at, price)| point(Series::Price, at, price));
        let shippings = [(5, Some(7)), (10, Some(9)), (20, None)].map(|(at, price)| point(Series::Shipping, at, price));
        let found: Vec<_> = landed(prices.iter(), shippings.iter())
            .iter()
            .map(|point| (point.at.as_second(), point.value.as_ref().and_then(PointValue::number)))
            .collect();
        assert_eq!(found, [(5, Some(107)), (10, Some(209)), (20, None), (30, None)]);
    }
}
