//! One product of a report of many: what is kept of its history.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::movement::Movement;
use super::reported::ReportedProduct;
use crate::domain::plain_text::clean;
use crate::domain::steps::Window;
use crate::domain::{Listing, ProductId, ReportWindow, Series};
use crate::insight::distribution::Distribution;
use crate::insight::rank::main_category;
use crate::insight::stock::out_of_stock_share;

/// The price must be known for this share of the window.
const MIN_COVERAGE: f64 = 0.5;
const DAYS_OF_LOWEST: u32 = 90;

/// What a report of many products says about one. Small, so that a report of thousands never holds their histories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductRow {
    /// The product.
    pub product_id: ProductId,
    /// Its listing.
    pub listing: Listing,
    /// What people call it.
    pub name: String,
    /// The first price in the window, in minor units.
    pub open_minor: Option<i64>,
    /// The price at the end of the window, in minor units; `None`: there was none, or it is not known.
    pub close_minor: Option<i64>,
    /// The lowest price in the window, in minor units.
    pub low_minor: Option<i64>,
    /// The highest price in the window, in minor units.
    pub high_minor: Option<i64>,
    /// Why the change of its price does not count; `None`: it does.
    pub excluded: Option<RowExclusion>,
    /// Its main category.
    pub rank_category: Option<String>,
    /// The first rank in it.
    pub open_rank: Option<i64>,
    /// The rank in it at the end of the window.
    pub close_rank: Option<i64>,
    /// Share of the known time during which it could not be bought, 0–1; `None`: too little is known.
    pub out_of_stock_share: Option<f64>,
    /// The price at the end is the lowest since tracking began, and there was a higher one.
    pub is_lowest_of_all_time: bool,
    /// The price at the end is the lowest of the 90 days before it, and there was a higher one.
    pub is_lowest_of_90_days: bool,
    /// Why it is not observed at present, as a sentence.
    pub failure: Option<String>,
}

/// Why the price of a product is not compared with itself at the beginning of the window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum RowExclusion {
    /// Nothing is known of the price in the window.
    NoData,
    /// There was no price in the window.
    NoPrice,
    /// There was no price at the end of the window.
    NoPriceAtEnd,
    /// The price was last read too long before the end of the window.
    Stale,
    /// The price is known for too little of the window.
    Thin {
        /// The share that is known, 0–1.
        share: f64,
    },
}

impl fmt::Display for RowExclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoData => f.write_str("nothing is known of its price in this time"),
            Self::NoPrice => f.write_str("it had no price in this time"),
            Self::NoPriceAtEnd => f.write_str("it had no price at the end"),
            Self::Stale => f.write_str("its price was last read too long before the end"),
            Self::Thin { share } => {
                write!(
                    f,
                    "its price is known for {:.0} % of the time; {:.0} % are needed",
                    share * 100.0,
                    MIN_COVERAGE * 100.0
                )
            }
        }
    }
}

impl ProductRow {
    /// False if nothing is known of the window.
    pub fn has_data(&self) -> bool {
        self.excluded != Some(RowExclusion::NoData) || self.open_rank.is_some() || self.out_of_stock_share.is_some()
    }
}

/// Summarises a product for [`products_report`](super::products_report).
pub fn product_row(reported: &ReportedProduct<'_>, window: &ReportWindow) -> ProductRow {
    let product = reported.product;
    let mut row = ProductRow {
        product_id: product.id,
        listing: product.listing,
        name: reported.name(),
        open_minor: None,
        close_minor: None,
        low_minor: None,
        high_minor: None,
        excluded: Some(RowExclusion::NoData),
        rank_category: None,
        open_rank: None,
        close_rank: None,
        out_of_stock_share: None,
        is_lowest_of_all_time: false,
        is_lowest_of_90_days: false,
        failure: product.failure().map(|failure| failure.explanation.to_owned()),
    };
    let Some(window) = reported.window(window) else { return row };
    let price = price_movement(reported, window);
    row.open_minor = price.open;
    row.low_minor = price.low.map(|(low, _)| low);
    row.high_minor = price.high.map(|(high, _)| high);
    row.excluded = price_exclusion(reported, &price, window);
    row.close_minor = price.close.filter(|_| row.excluded != Some(RowExclusion::Stale));
    if let Some(close) = row.close_minor {
        row.is_lowest_of_all_time = is_lowest(reported, close, Window { from: None, to: window.to });
        row.is_lowest_of_90_days = is_lowest(reported, close, Window::of_days(Some(DAYS_OF_LOWEST), window.to));
    }
    if let Some((key, spans)) = main_category(reported.history, window) {
        let rank = Movement::of(&spans, window);
        row.open_rank = rank.open;
        row.close_rank = rank.close.filter(|_| is_current(reported, &rank, Series::SalesRank, window.to));
        row.rank_category = Some(clean(&key.category));
    }
    row.out_of_stock_share = out_of_stock_share(reported.history, window).value.ok();
    row
}

/// How the price moved.
pub(super) fn price_movement(reported: &ReportedProduct<'_>, window: Window) -> Movement {
    Movement::of(&reported.numbers(&Series::Price.into(), window), window)
}

/// Why the change of a price does not count.
pub(super) fn price_exclusion(
    reported: &ReportedProduct<'_>,
    price: &Movement,
    window: Window,
) -> Option<RowExclusion> {
    if price.known_until.is_none() {
        Some(RowExclusion::NoData)
    } else if price.open.is_none() {
        Some(RowExclusion::NoPrice)
    } else if !is_current(reported, price, Series::Price, window.to) {
        Some(RowExclusion::Stale)
    } else if price.close.is_none() {
        Some(RowExclusion::NoPriceAtEnd)
    } else {
        (price.known_share < MIN_COVERAGE).then_some(RowExclusion::Thin { share: price.known_share })
    }
}

/// True if the last value of a series is that of the end of the window.
pub(super) fn is_current(reported: &ReportedProduct<'_>, movement: &Movement, series: Series, end: Timestamp) -> bool {
    movement.reaches(end, reported.product.state.as_of(series), reported.product.interval)
}

/// True if no price of the window was lower, and one was higher.
pub(super) fn is_lowest(reported: &ReportedProduct<'_>, price_minor: i64, window: Window) -> bool {
    let prices = Distribution::of(&reported.numbers(&Series::Price.into(), window));
    prices.lowest() == Some(price_minor) && prices.highest() > Some(price_minor)
}
