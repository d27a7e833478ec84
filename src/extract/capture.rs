//! Captures: the raw text of the page elements that hold facts.

use super::layout::{Part, Within};
use super::phrases;

/// The content of one closed frame (see [`super::scan`]).
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) part: Part,
    pub(super) within: Within,
    /// The id or class that matched the element.
    pub(super) rule: &'static str,
    /// Text as in the HTML source; entities are not decoded yet.
    pub(super) text: String,
    /// The text before the element (prices), or an attribute that identifies it (rows of the Buy Box, items).
    pub(super) label: String,
    /// The parts of a price.
    pub(super) pieces: Pieces,
    /// Number of the enclosing item, from 1; 0 outside of items.
    pub(super) item: usize,
    /// Number of the enclosing row of the Buy Box accordion, from 1; 0 outside of rows.
    pub(super) row: usize,
}

/// Label of a product detail row that links to a bestseller list.
pub(super) const RANKS: &str = "ranks";

impl Capture {
    /// True for a product detail row that holds bestseller ranks.
    pub(super) fn is_rank_row(&self) -> bool {
        self.part == Part::DetailRow
            && !self.within.intersects(Within::ROW)
            && (self.label == RANKS || phrases::is_rank_row(&self.text))
    }

    /// True for a price without a digit but 0.
    pub(super) fn is_zero_price(&self) -> bool {
        let texts = [&self.text, &self.pieces.offscreen, &self.pieces.whole];
        let mut digits = texts.into_iter().flat_map(|text| text.bytes()).filter(u8::is_ascii_digit).peekable();
        digits.peek().is_some() && digits.all(|digit| digit == b'0')
    }
}

/// The parts in which the markup writes one price.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) offscreen: String,
    pub(super) whole: String,
    pub(super) fraction: String,
    /// The price is struck through.
    pub(super) struck: bool,
    /// The price is followed by a unit: "/ 100 ml".
    pub(super) per_unit: bool,
}
