//! What a report is made from.

use serde_json::{Map, Value};

use crate::domain::plain_text::{clean_some, shorten};
use crate::domain::steps::{Span, Window};
use crate::domain::{Currency, Product, ReportWindow, Series, SeriesKey};
use crate::insight::ListingHistory;

/// The series that a report of products, or of one, needs from the beginning of its window up to now, with the values in effect at
/// the beginning. It needs [`SERIES_OF_ALL_TIME`](crate::insight::SERIES_OF_ALL_TIME) besides, as far back as they go; the report of one
/// product also [`SERIES_OF_LAST_YEAR`](crate::insight::SERIES_OF_LAST_YEAR), of the window or a year, whichever is longer.
pub const SERIES_OF_REPORT_WINDOW: &[Series] = &[Series::SalesRank, Series::Rating, Series::ReviewCount];

/// The series that a report of a competitor set needs from the beginning of its window up to now, with the values in effect at the
/// beginning.
pub const SERIES_OF_COMPETITOR_REPORT: &[Series] = &[
    Series::Price,
    Series::Shipping,
    Series::SalesRank,
    Series::Rating,
    Series::ReviewCount,
    Series::Availability,
    Series::Unobserved,
];

/// Most characters of a name: titles are longer.
const MAX_NAME_CHARS: usize = 120;

/// A product that a report is about.
#[derive(Debug, Clone, Copy)]
pub struct ReportedProduct<'a> {
    /// The product, as it is now.
    pub product: &'a Product,
    /// The history of its listing, looked at now.
    pub history: &'a ListingHistory,
    /// The latest content of its listing, by the names of [`ContentField`](crate::domain::ContentField); `None`: none was read.
    pub content: Option<&'a Map<String, Value>>,
}

impl ReportedProduct<'_> {
    /// What people call it: the label or the title; else the listing.
    pub(super) fn name(&self) -> String {
        let Product { settings, state, listing, .. } = self.product;
        let name = clean_some(settings.label.as_deref()).or_else(|| clean_some(state.title.as_deref()));
        name.map_or_else(|| listing.to_string(), |name| shorten(&name, MAX_NAME_CHARS))
    }

    /// The currency of its prices.
    pub(super) fn currency(&self) -> Currency {
        self.product.listing.marketplace.currency()
    }

    /// What is known of a numeric series in a window. What was read at its very end belongs to the next one, unless that is now.
    pub(super) fn numbers(&self, key: &SeriesKey, window: Window) -> Vec<Span<i64>> {
        let mut spans = self.history.numbers(key, window);
        if window.to < self.history.now() {
            spans.retain(|span| span.from < window.to);
        }
        spans
    }

    /// The part of the window that has passed; `None`: it lies ahead.
    pub(super) fn window(&self, window: &ReportWindow) -> Option<Window> {
        let to = window.to.min(self.history.now());
        (to > window.from).then_some(Window { from: Some(window.from), to })
    }
}
