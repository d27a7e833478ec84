//! One product of a report of many: what is kept of its history.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::reported::ReportedProduct;
use crate::domain::{Listing, ProductId, ReportWindow};

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
    /// Why the change of its price counts for nothing; `None`: it counts.
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
    /// Nothing is known of the window.
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
            Self::NoData => f.write_str("nothing is known of this time"),
            Self::NoPrice => f.write_str("it had no price in this time"),
            Self::NoPriceAtEnd => f.write_str("it had no price at the end"),
            Self::Stale => f.write_str("its price was last read too long before the end"),
            Self::Thin { share } => write!(f, "its price is known for {:.0} % of the time; 50 % are needed", share * 100.0),
        }
    }
}

/// Summarises a product for [`products_report`](super::products_report).
pub fn product_row(_reported: &ReportedProduct<'_>, _window: &ReportWindow) -> ProductRow {
    todo!()
}
