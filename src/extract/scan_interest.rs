//! What the rest of a page is still needed for, at the current position of a scan.

use super::layout::{Part, SEARCH_RESULT, Within};
use super::prefilter::{Elements, Interest};
use super::scan::{Frame, MAX_HEAD_SCRIPT_BYTES, Scan};

impl Scan {
    /// True inside an element that a layout table knows.
    pub(super) fn is_inside_frame(&self) -> bool {
        !self.frames.is_empty()
    }

    /// True when text or script is needed at the current position.
    pub(super) fn wants_input(&self) -> bool {
        self.wants_text() || self.wants_script()
    }

    /// True when text is needed at the current position.
    pub(super) fn wants_text(&self) -> bool {
        let has_text = |frame: &Frame| match frame.capture.part {
            // Search results are long, and their prices have no words before them.
            Part::Item if frame.capture.rule == SEARCH_RESULT => self.is_free_item,
            _ => !frame.label_only || self.within.intersects(Within::PRICED),
        };
        let follows_price = self.last_price.is_some();
        self.frames.last().is_some_and(|frame| follows_price || has_text(frame)) && !self.is_unrelated()
    }

    pub(super) fn is_in_document_title(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.capture.part == Part::DocumentTitle)
    }

    fn wants_head_script(&self) -> bool {
        self.head_script.as_ref().is_some_and(|script| script.len() < MAX_HEAD_SCRIPT_BYTES)
    }

    /// True when the text of the script that has just started is needed.
    fn wants_script(&self) -> bool {
        let is_read = |frame: &Frame| matches!(frame.capture.part, Part::Script | Part::GalleryScript);
        self.wants_head_script() || self.frames.last().is_some_and(is_read)
    }

    /// The content that can hold facts at the current position.
    pub(super) fn interest(&self) -> Interest {
        let elements = if self.is_unrelated() {
            Elements::AlwaysOnly
        } else if !self.frames.is_empty() {
            Elements::Contextual
        } else if self.attributes.markers.product {
            Elements::Id
        } else {
            Elements::IdOrClass
        };
        Interest { elements, within: self.within, text: self.wants_text(), script: self.wants_script() }
    }

    /// True where classes can have a meaning: on a product page only inside a region.
    pub(super) fn wants_classes(&self) -> bool {
        !self.frames.is_empty() || !self.attributes.markers.product
    }

    /// True when the rest of the page cannot add a fact.
    ///
    /// The bestseller ranks come after all other facts of a product page but the description and A+ content. Without ranks, or if
    /// those two are wanted, the page is read up to its footer.
    pub(super) fn is_settled(&self) -> bool {
        let markers = self.attributes.markers;
        let rank_row_closed = || self.frames.iter().all(|frame| frame.capture.part != Part::DetailRow);
        markers.footer || (!self.to_the_end && markers.ranks && self.has_title && self.has_offer && rank_row_closed())
    }
}
