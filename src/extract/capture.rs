//! What the scan leaves behind: the raw text of the places that mean something.

use super::layout::{Part, Within};
use super::phrases;

/// One closed frame.
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) part: Part,
    pub(super) within: Within,
    /// The id or class that gave it.
    pub(super) rule: &'static str,
    /// Its text as in the source: entities not yet decoded.
    pub(super) text: String,
    /// What stands before it (prices), or an attribute that says what it is (rows of the buy box, items).
    pub(super) label: String,
    /// Pieces of a price.
    pub(super) pieces: Pieces,
    /// The item it belongs to, counted from 1; 0 outside of items.
    pub(super) item: usize,
}

/// Label of a row of details that links to a bestseller list.
pub(super) const RANKS: &str = "ranks";

impl Capture {
    /// True for a row of details that holds bestseller ranks.
    pub(super) fn is_rank_row(&self) -> bool {
        self.part == Part::DetailRow && (self.label == RANKS || phrases::is_rank_row(&self.text))
    }
}

/// The ways in which one price is written.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) offscreen: String,
    pub(super) whole: String,
    pub(super) fraction: String,
    /// Struck through.
    pub(super) struck: bool,
    /// Followed by a unit: "/ 100 ml".
    pub(super) per_unit: bool,
}
