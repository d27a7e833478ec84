//! Boards: lists of products with all that a row shows.

use std::sync::Arc;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::history::gap_until;
use super::{Dependencies, ListProducts, Service, ServiceError, ServiceResult};
use crate::domain::stats::{Extreme, price_stats};
use crate::domain::steps::{Gap, Window, spans};
use crate::domain::thin::{Columns, Step, thin};
use crate::domain::{ListingId, Point, PointValue, PriceMarks, Product, Series, TenantId};
use crate::store::{BoardCounts, BoardRow, ProductFilter};

/// Maximum rows of a page.
pub const MAX_BOARD_ROWS: u32 = 100;
/// Days of the average, of the extremes and of the spark line.
const DAYS: u32 = 30;
/// Columns of a spark line.
const SPARK_COLUMNS: u32 = 60;

/// A page of a board.
#[derive(Debug, Clone)]
pub struct BoardPage {
    /// Its rows.
    pub rows: Vec<BoardItem>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// Of all products of the tenant.
    pub counts: BoardCounts,
}

/// What a row of a board shows.
#[derive(Debug, Clone)]
pub struct BoardItem {
    /// The product.
    pub product: Product,
    /// What is kept of its price.
    pub marks: PriceMarks,
    /// The current price against the average of 30 days: -0.1 is ten percent less. `None`: one of them is not known.
    pub against_average: Option<f64>,
    /// The lowest price of 30 days.
    pub low: Option<Extreme>,
    /// The highest.
    pub high: Option<Extreme>,
    /// The price is current, no price of the last 90 days was lower, and one was higher.
    pub is_at_low: bool,
    /// The price of 30 days.
    pub spark: Spark,
}

/// A series in few steps.
#[derive(Debug, Clone)]
pub struct Spark {
    /// The window.
    pub columns: Columns,
    /// The steps within it.
    pub steps: Vec<Step>,
}

impl Service {
    /// A page of a tenant's products with what a board shows of each. `wants_at_low`: only those whose price is the lowest of 90 days.
    pub async fn board(
        &self,
        tenant_id: TenantId,
        query: ListProducts,
        wants_at_low: bool,
    ) -> ServiceResult<BoardPage> {
        self.run(async move |deps: Arc<Dependencies>| {
            let ListProducts { filter, order, cursor, limit } = query;
            let now = deps.store.now().await?;
            let filter = ProductFilter { at_low_at: wants_at_low.then_some(now), ..filter };
            let (page, counts) = tokio::try_join!(
                deps.store.board(tenant_id, &filter, order, cursor.as_deref(), limit),
                deps.store.board_counts(tenant_id, &filter, now, midnight_before(now)),
            )?;
            let from = now.checked_sub(SignedDuration::from_hours(24 * i64::from(DAYS))).unwrap_or(Timestamp::MIN);
            let listings: Vec<ListingId> = page.items.iter().map(|row| row.product.listing_id).collect();
            let mut points = deps.store.prices_since(&listings, from).await?;
            let mut item = |row: BoardRow| {
                let points = points.remove(&row.product.listing_id).unwrap_or_default();
                item_of(row, points, Columns { from, to: now, count: SPARK_COLUMNS })
            };
            let rows: Vec<BoardItem> = page.items.into_iter().map(&mut item).collect();
            // The store does not know at which interval an adaptive product is crawled at present.
            let rows = rows.into_iter().filter(|row| row.is_at_low || !wants_at_low).collect();
            Ok::<_, ServiceError>(BoardPage { rows, next_cursor: page.next_cursor, counts })
        })
        .await
    }
}

/// The beginning of the day, UTC.
fn midnight_before(now: Timestamp) -> Timestamp {
    let day = now.to_zoned(TimeZone::UTC).date().to_datetime(Time::midnight());
    day.to_zoned(TimeZone::UTC).map_or(now, |midnight| midnight.timestamp())
}

fn item_of(row: BoardRow, points: Vec<Point>, columns: Columns) -> BoardItem {
    let BoardRow { product, marks } = row;
    let now = columns.to;
    let (gap_marks, prices): (Vec<Point>, Vec<Point>) =
        points.into_iter().partition(|point| point.key.series == Series::Unobserved);
    let gaps: Vec<Gap> = gap_marks.iter().filter_map(Gap::of).chain(gap_until(&product, now)).collect();
    let mut stats = price_stats(&prices, &[], &gaps, Some(DAYS), now);
    if product.is_price_stale(now) {
        stats.forget_current();
    }
    let window = Window { from: Some(columns.from), to: now };
    let steps = thin(&spans(&prices, PointValue::number, &gaps, window), &columns);
    let average = stats.average_minor.filter(|average| *average > 0);
    BoardItem {
        against_average: stats
            .current_minor
            .zip(average)
            .map(|(current, average)| current as f64 / average as f64 - 1.0),
        low: stats.minimum,
        high: stats.maximum,
        is_at_low: stats.current_minor.is_some() && marks.is_lowest(now),
        spark: Spark { columns, steps },
        product,
        marks,
    }
}
