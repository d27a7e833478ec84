//! Boards: lists of products with all that a row shows.

use std::sync::Arc;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::history::gap_until;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::domain::stats::{Extreme, price_stats};
use crate::domain::steps::{Gap, Window, spans};
use crate::domain::thin::{Columns, Step, thin};
use crate::domain::{ListingId, Point, PointValue, PriceMarks, Product, Series, TenantId};
use crate::store::{BoardCounts, BoardRow, Page, ProductFilter, ProductOrder};

/// Maximum rows of a page.
pub const MAX_BOARD_ROWS: u32 = 100;
/// Maximum products that are sorted by their average, since the history of each is read for every page.
const MAX_BY_AVERAGE: u64 = 5_000;
/// Days of the average, of the extremes and of the spark line.
const DAYS: u32 = 30;
/// Columns of a spark line.
const SPARK_COLUMNS: u32 = 60;

/// Which products a page of a board shows.
#[derive(Debug, Clone)]
pub struct BoardRequest {
    /// All conditions that are set must hold.
    pub filter: ProductFilter,
    /// Only products whose price is the lowest of 90 days.
    pub wants_at_low: bool,
    /// The order.
    pub order: BoardOrder,
    /// Where the previous page ended.
    pub cursor: Option<String>,
    /// Maximum number of rows.
    pub limit: u32,
}

/// The order of a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoardOrder {
    /// By what is kept of each product.
    Stored(ProductOrder),
    /// By the current price against the average of 30 days, which follows from the history of each product.
    AgainstAverage {
        /// The dearest first.
        falls: bool,
    },
}

impl Default for BoardOrder {
    fn default() -> Self {
        Self::Stored(ProductOrder::default())
    }
}

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
    /// A page of a tenant's products with what a board shows of each.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`]: too many products would have to be sorted by their averages.
    pub async fn board(&self, tenant_id: TenantId, request: BoardRequest) -> ServiceResult<BoardPage> {
        self.run(async move |deps: Arc<Dependencies>| {
            let BoardRequest { filter, wants_at_low, order, cursor, limit } = request;
            let now = deps.store.now().await?;
            let filter = ProductFilter { at_low_at: wants_at_low.then_some(now), ..filter };
            let cursor = cursor.as_deref();
            let counts = deps.store.board_counts(tenant_id, &filter, now, midnight_before(now)).await?;
            let page = match order {
                BoardOrder::Stored(order) => deps.board_items(tenant_id, &filter, order, cursor, limit, now).await?,
                BoardOrder::AgainstAverage { .. } if counts.matching > MAX_BY_AVERAGE => {
                    let message = format!("sorts at most {MAX_BY_AVERAGE} products by their average; use filters");
                    return Err(ServiceError::invalid("sort", message));
                }
                BoardOrder::AgainstAverage { falls } => {
                    deps.board_by_average(tenant_id, &filter, falls, cursor, limit, now).await?
                }
            };
            // The store does not know at which interval an adaptive product is crawled at present.
            let rows = page.items.into_iter().filter(|row| row.is_at_low || !wants_at_low).collect();
            Ok::<_, ServiceError>(BoardPage { rows, next_cursor: page.next_cursor, counts })
        })
        .await
    }
}

impl Dependencies {
    /// A page of rows in an order that the store knows.
    pub(super) async fn board_items(
        &self,
        tenant_id: TenantId,
        filter: &ProductFilter,
        order: ProductOrder,
        cursor: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> ServiceResult<Page<BoardItem>> {
        let page = self.store.board(tenant_id, filter, order, cursor, limit).await?;
        let from = now.checked_sub(SignedDuration::from_hours(24 * i64::from(DAYS))).unwrap_or(Timestamp::MIN);
        let listings: Vec<ListingId> = page.items.iter().map(|row| row.product.listing_id).collect();
        let mut points = self.store.prices_since(&listings, from).await?;
        let mut item = |row: BoardRow| {
            let points = points.remove(&row.product.listing_id).unwrap_or_default();
            item_of(row, points, Columns { from, to: now, count: SPARK_COLUMNS })
        };
        Ok(Page { items: page.items.into_iter().map(&mut item).collect(), next_cursor: page.next_cursor })
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
