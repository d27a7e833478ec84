//! Boards as responses show them.

use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, Responder};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::paging::with_next_link;
use super::product_view::{WireMoney, WireProduct};
use crate::domain::{Money, Series};
use crate::service::{BoardCounts, BoardItem, BoardPage, Spark};

/// A page of a board.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Board)]
pub(super) struct WireBoard {
    items: Vec<WireBoardItem>,
    /// Pass it as `cursor` to get the next page; null on the last page.
    next_cursor: Option<String>,
    /// How many products match the filters.
    matching: u64,
    /// Of all your products, whatever is asked for.
    counts: WireBoardCounts,
}

/// A row of a board.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoardItem)]
struct WireBoardItem {
    product: WireProduct,
    /// The last change of the accepted price; null: it never changed. A price that returns unchanged is no change.
    change: Option<WireChangeOfPrice>,
    /// The current price against its average of 30 days, weighted by time; null while one of them is not known.
    against_average: Option<WirePriceDifference>,
    /// The lowest price of 30 days.
    low: Option<WireMoney>,
    /// The highest price of 30 days.
    high: Option<WireMoney>,
    /// The price is current, no price of the last 90 days was lower, and one was higher.
    is_at_low: bool,
    spark: WireSpark,
    /// The last change of price or availability.
    #[schema(value_type = Option<String>, format = DateTime)]
    changed_at: Option<Timestamp>,
    /// When the next crawl is due; null while the listing is parked.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_crawl_at: Option<Timestamp>,
}

/// A change of the price.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriceChange)]
struct WireChangeOfPrice {
    /// Of the price before it: -0.1 for ten percent less. Null: there is no price now.
    share: Option<f64>,
    /// The price before it.
    from: Option<WireMoney>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
}

/// A difference between two prices.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriceDifference)]
struct WirePriceDifference {
    /// -0.1 for ten percent less.
    share: Option<f64>,
}

/// The price of 30 days in few steps, each in effect until the next.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Spark)]
struct WireSpark {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// Seconds since `from`.
    at: Vec<i64>,
    /// In minor units, as many as `at`; null where there was no price or none is known.
    values: Vec<Option<i64>>,
}

/// How many products there are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoardCounts)]
struct WireBoardCounts {
    /// All, also paused ones.
    tracked: u64,
    /// Those whose price is the lowest of 90 days.
    at_low: u64,
    /// Those that are out of stock or unavailable.
    out_of_stock: u64,
    /// Those whose listing fails.
    failing: u64,
    /// Alerts that fired since midnight, UTC.
    alerts_today: u64,
}

impl From<BoardPage> for WireBoard {
    fn from(page: BoardPage) -> Self {
        Self {
            items: page.rows.into_iter().map(WireBoardItem::from).collect(),
            next_cursor: page.next_cursor,
            matching: page.counts.matching,
            counts: page.counts.into(),
        }
    }
}

impl From<BoardCounts> for WireBoardCounts {
    fn from(counts: BoardCounts) -> Self {
        let BoardCounts { tracked, at_low, out_of_stock, failing, alerts, .. } = counts;
        Self { tracked, at_low, out_of_stock, failing, alerts_today: alerts }
    }
}

impl From<BoardItem> for WireBoardItem {
    fn from(item: BoardItem) -> Self {
        let BoardItem { product, marks, against_average, low, high, is_at_low, spark } = item;
        let currency = product.listing.marketplace.currency();
        let money = |amount_minor: i64| WireMoney::from(Money::new(amount_minor, currency));
        let change = marks.change_at.map(|at| WireChangeOfPrice {
            share: marks.change_share(product.state.number(Series::Price)),
            from: marks.change_from_minor.map(money),
            at: Some(at),
        });
        Self {
            change,
            against_average: against_average.map(|share| WirePriceDifference { share: Some(share) }),
            low: low.map(|low| money(low.amount_minor)),
            high: high.map(|high| money(high.amount_minor)),
            is_at_low,
            spark: spark.into(),
            changed_at: marks.offer_changed_at,
            next_crawl_at: product.next_crawl_at,
            product: product.into(),
        }
    }
}

impl From<Spark> for WireSpark {
    fn from(spark: Spark) -> Self {
        let Spark { columns, steps } = spark;
        Self {
            from: columns.from,
            to: columns.to,
            at: steps.iter().map(|step| step.at.as_second() - columns.from.as_second()).collect(),
            values: steps.iter().map(|step| step.value).collect(),
        }
    }
}

impl Responder for WireBoard {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        with_next_link(request, self.next_cursor.as_deref()).json(self)
    }
}
