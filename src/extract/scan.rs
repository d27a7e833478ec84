//! The state of a streaming read: a stack of open frames, and the captures of the frames that are closed.
//!
//! A *frame* is an open element that a layout table knows (see [`super::layout`]). Text is appended to the innermost
//! frame; when an element closes, its frame becomes a [`Capture`]. This module interprets nothing: captures are raw and
//! bounded, and [`super::read`] turns them into facts at the end of the stream.

use lol_html::html_content::TextType;
use lol_html::send::Element;

use super::attributes::{Attributes, IMAGE_CONTAINER};
use super::capture::{Capture, Pieces, RANKS};
use super::element::{asin_of_item, has_class, is_active_row, links_to_bestsellers, links_to_reviews};
use super::layout::{self, BASIS_PRICES, FACEOUT, LINE_BREAKS, Meaning, Part, RANK_CLASSES, SEARCH_RESULT, Within};
use super::listed_videos::ListedVideos;
use super::rows::Rows;
use super::text;
use super::variations::Variations;

/// Maximum text of one frame, in bytes. Rows of product details are the longest useful texts.
const MAX_FRAME_TEXT_BYTES: usize = 24 * 1024;
/// Maximum number of captures of one page.
const MAX_CAPTURES: usize = 6000;
/// Maximum text of the scripts in the head, in bytes.
pub(super) const MAX_HEAD_SCRIPT_BYTES: usize = 32 * 1024;
/// Bytes of visible text before a price that are stored as its label.
const LABEL_BYTES: usize = 160;
/// Placeholder for a price in the text of the enclosing frame. U+0001 is not a legal HTML character, so no page
/// contains it.
const PRICE_MARK: &str = "\u{1}";

#[derive(Debug)]
pub(super) struct Frame {
    serial: u32,
    pub(super) capture: Capture,
    outer: Within,
    outer_row: usize,
    /// A region outside of every text frame. Its text only serves as the label of the next price.
    pub(super) label_only: bool,
}

/// State shared by the parser's handlers.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) frames: Vec<Frame>,
    pub(super) within: Within,
    serial: u32,
    items: usize,
    /// The open item has a price of zero: what follows tells whether it is a membership's.
    pub(super) is_free_item: bool,
    /// The rows of the Buy Box accordion.
    rows: Rows,
    /// Number of the enclosing row; 0 outside of rows.
    row: usize,
    pub(super) has_title: bool,
    pub(super) has_offer: bool,
    /// The page is read to its footer, also when prices and ranks are known.
    pub(super) to_the_end: bool,
    /// Index of the price capture that closed last: a following "/ 100 ml" makes it a unit price.
    pub(super) last_price: Option<usize>,
    pub(super) captures: Vec<Capture>,
    pub(super) attributes: Attributes,
    pub(super) variations: Variations,
    pub(super) listed_videos: ListedVideos,
    /// Beginning of the scripts in the head; only collected when the marketplace is unknown.
    pub(super) head_script: Option<String>,
}

impl Scan {
    /// An empty scan. `without_marketplace` collects the first scripts of the page, which name the site; `to_the_end` reads the page
    /// to its footer.
    pub(super) fn new(without_marketplace: bool, to_the_end: bool) -> Self {
        Self { head_script: without_marketplace.then(String::new), to_the_end, ..Self::default() }
    }

    /// Handles the start of an element. Opens a frame if a layout table knows it, and returns the frame's serial
    /// number.
    pub(super) fn enter(&mut self, id: &str, class: &str, el: &Element<'_, '_>) -> Option<u32> {
        let (rule, mut mark) = self.meaning(id, class, el)?;
        let outer_row = self.row;
        if let Some((name, number)) = layout::row_name(id.as_bytes()) {
            self.row = self.rows.enter(name, number, is_active_row(id, class, el));
            mark.enters = mark.enters.union(Within::ROW);
        }
        if rule == layout::FORMAT && has_class(class, layout::FORMAT_SELECTED) {
            mark.enters = mark.enters.union(Within::SELECTED);
        }
        let label = self.label_of(mark.part, rule, el);
        let mut pieces = Pieces::default();
        if mark.part == Part::Price {
            pieces.struck = el.get_attribute("data-a-strike").is_some_and(|value| value == "true")
                || BASIS_PRICES.iter().any(|known| has_class(class, known));
        }
        if mark.part == Part::Item {
            self.items += 1;
            self.is_free_item = false;
        }
        match mark.part {
            Part::Rating => self.capture_attribute(mark.part, rule, el.get_attribute("title").unwrap_or_default()),
            Part::Seller => {
                if let Some(href) = el.get_attribute("href") {
                    self.capture_attribute(Part::SellerId, rule, href);
                }
            }
            Part::SellerId => {
                self.capture_attribute(mark.part, rule, el.get_attribute("value").unwrap_or_default());
                return None;
            }
            _ => {}
        }
        self.attributes.has_video |= mark.enters.intersects(Within::VIDEO);
        let capture =
            Capture { part: mark.part, within: self.within, rule, text: String::new(), label, pieces, item: 0, row: 0 };
        self.open(capture, mark.enters, outer_row)
    }

    /// Opens a frame that is not in the layout tables, such as the document's title.
    pub(super) fn open_part(&mut self, part: Part, rule: &'static str) -> Option<u32> {
        let capture = Capture {
            part,
            within: self.within,
            rule,
            text: String::new(),
            label: String::new(),
            pieces: Pieces::default(),
            item: 0,
            row: 0,
        };
        self.open(capture, Within::NOWHERE, self.row)
    }

    fn open(&mut self, mut capture: Capture, enters: Within, outer_row: usize) -> Option<u32> {
        let outer = self.within;
        self.within = outer.union(enters);
        capture.within = self.within;
        capture.item = if self.within.intersects(Within::ITEM) { self.items } else { 0 };
        capture.row = self.row;
        self.serial += 1;
        let label_only = capture.part == Part::Region && self.frames.last().is_none_or(|outer| outer.label_only);
        self.frames.push(Frame { serial: self.serial, capture, outer, outer_row, label_only });
        Some(self.serial)
    }

    /// The meaning of an element by its id, its classes, or its tag inside a region.
    fn meaning(&mut self, id: &str, classes: &str, el: &Element<'_, '_>) -> Option<(&'static str, Meaning)> {
        if !id.is_empty() {
            self.attributes.record_id(id, el);
            let of_book = id == "price" && self.within.intersects(Within::BOOK_HEADER);
            if of_book {
                return Some(("booksHeaderSection", layout::BOOK_PRICE));
            }
        }
        let by_classes = layout::by_classes(classes.as_bytes(), self.within).filter(|(rule, mark)| match mark.part {
            Part::Item => self.is_item_root(rule, id, el),
            Part::Hidden => !self.frames.is_empty(),
            _ => true,
        });
        if by_classes.is_some_and(|(_, mark)| mark.part == Part::Item) {
            return by_classes;
        }
        let by_id = if id.is_empty() { None } else { layout::by_id(id.as_bytes()) };
        by_id.or(by_classes).or_else(|| self.by_tag(el))
    }

    /// Distinguishes search results from other rows of the list by an attribute, and bestsellers by their id.
    fn is_item_root(&self, rule: &str, id: &str, el: &Element<'_, '_>) -> bool {
        let fits = match rule {
            SEARCH_RESULT => el.get_attribute("data-component-type").is_some_and(|value| value == "s-search-result"),
            FACEOUT => id.len() == 10,
            _ => true,
        };
        fits && !self.within.intersects(Within::ITEM)
    }

    fn by_tag(&mut self, el: &Element<'_, '_>) -> Option<(&'static str, Meaning)> {
        if self.frames.is_empty() {
            return None;
        }
        let tag = el.tag_name();
        let tag = tag.as_str();
        let found = |rule, part| Some((rule, Meaning { part, enters: Within::NOWHERE }));
        match tag {
            "li" | "tr" if self.within.intersects(Within::DETAILS) => return found("details", Part::DetailRow),
            "tr" if self.within.intersects(Within::ROW) => return found("details", Part::DetailRow),
            "li" if self.within.intersects(Within::BULLETS) => return found("bullets", Part::Bullet),
            "h2" | "h3" if self.within.intersects(Within::ITEM) => return found("h2", Part::ItemTitle),
            "img" => self.record_image(el),
            "li" if self.within.intersects(Within::TWISTER) => {
                self.attributes.variation_asins.extend(el.get_attribute("data-defaultasin"));
            }
            "a" => {
                let href = el.get_attribute("href").unwrap_or_default();
                self.record_link(&href);
                if self.within.intersects(Within::COMPARISON) {
                    self.attributes.record_compared(&href);
                }
                if self.within.intersects(Within::BREADCRUMBS) {
                    return found("breadcrumbs", Part::PathCategory);
                }
                if links_to_reviews(&href) && self.within.intersects(Within::ITEM.union(Within::STARS)) {
                    return found("reviews link", Part::ReviewCount);
                }
            }
            "script" if self.within.intersects(Within::TWISTER) => return found("twister", Part::Script),
            "script" if self.to_the_end && self.within.intersects(Within::GALLERY_DATA) => {
                return found("gallery data", Part::GalleryScript);
            }
            _ => {}
        }
        if LINE_BREAKS.contains(&tag) && self.wants_text() {
            self.append(text::LINE_BREAK);
        }
        None
    }

    /// The label of a row, an item or a price: an attribute, or the text before it.
    fn label_of(&mut self, part: Part, rule: &str, el: &Element<'_, '_>) -> String {
        match part {
            Part::DetailRow if RANK_CLASSES.contains(&rule) => {
                self.mark_rank_rows();
                RANKS.to_owned()
            }
            Part::CellText => el.get_attribute("tabular-attribute-name").unwrap_or_default(),
            Part::ReviewCount => el.get_attribute("aria-label").unwrap_or_default(),
            Part::Item => asin_of_item(el),
            Part::Price | Part::StruckPrice | Part::PlainPrice => self.text_before(),
            _ => String::new(),
        }
    }

    /// The end of the text of the innermost frame, back to the last price.
    fn text_before(&self) -> String {
        let Some(frame) = self.frames.last() else { return String::new() };
        let since_price = frame.capture.text.rsplit(PRICE_MARK).next().unwrap_or_default();
        text::tail(since_price, LABEL_BYTES).to_owned()
    }

    /// Captures text from an attribute: `<span title="4.6 out of 5 stars">`.
    fn capture_attribute(&mut self, part: Part, rule: &'static str, text: String) {
        let item = if self.within.intersects(Within::ITEM) { self.items } else { 0 };
        let within = if part == Part::Rating { self.within.union(Within::STARS) } else { self.within };
        let (label, pieces, row) = (String::new(), Pieces::default(), self.row);
        self.push_capture(Capture { part, within, rule, text, label, pieces, item, row });
    }

    fn record_image(&mut self, el: &Element<'_, '_>) {
        if self.within.intersects(Within::ITEM) {
            // In lists without headings, the title is the image's `alt` text.
            let title = el.get_attribute("alt").unwrap_or_default();
            self.capture_attribute(Part::ItemTitle, "img[alt]", title);
        } else if self.within.intersects(Within::IMAGE) {
            self.attributes.record_image(IMAGE_CONTAINER, el);
        } else if self.within.intersects(Within::GALLERY) && !self.within.intersects(Within::VIDEO) {
            self.attributes.record_thumbnail(el);
        }
    }

    /// Records what a link identifies: the ASIN of an item or of the page, or a row of bestseller ranks.
    fn record_link(&mut self, href: &str) {
        if self.within.intersects(Within::STARS) && self.attributes.linked_asin.is_none() {
            self.attributes.linked_asin = text::asin_of_link(href).map(str::to_owned);
        }
        if self.within.intersects(Within::DETAILS) && links_to_bestsellers(href) {
            self.mark_rank_rows();
        }
        for item in self.unlabelled(Part::Item) {
            text::asin_of_link(href).unwrap_or_default().clone_into(&mut item.label);
        }
    }

    /// The open rows of product details hold ranks.
    fn mark_rank_rows(&mut self) {
        self.unlabelled(Part::DetailRow).for_each(|row| RANKS.clone_into(&mut row.label));
    }

    /// The captures of open frames of this part that have no label yet.
    fn unlabelled(&mut self, part: Part) -> impl Iterator<Item = &mut Capture> {
        let open = self.frames.iter_mut().map(|frame| &mut frame.capture);
        open.filter(move |capture| capture.part == part && capture.label.is_empty())
    }

    /// Appends a fragment of text or script.
    pub(super) fn push_text(&mut self, fragment: &str, kind: TextType) {
        match kind {
            TextType::Data if self.wants_text() => {
                self.record_unit(fragment);
                self.append(fragment);
            }
            TextType::RCData if self.is_in_document_title() => self.append(fragment),
            TextType::ScriptData => self.push_script(fragment),
            _ => {}
        }
    }

    fn push_script(&mut self, fragment: &str) {
        if let Some(script) = self.head_script.as_mut() {
            text::push_capped(script, fragment, MAX_HEAD_SCRIPT_BYTES);
        }
        match self.frames.last().map(|frame| frame.capture.part) {
            Some(Part::Script) => self.variations.push(fragment),
            Some(Part::GalleryScript) => self.listed_videos.push(fragment),
            _ => {}
        }
    }

    /// Marks the last price as a unit price if a slash follows it.
    fn record_unit(&mut self, fragment: &str) {
        let Some(at) = self.last_price else { return };
        let visible = fragment.trim_start();
        if !visible.is_empty() {
            self.last_price = None;
            self.captures[at].pieces.per_unit |= visible.starts_with('/');
        }
    }

    fn append(&mut self, fragment: &str) {
        let Some(frame) = self.frames.last_mut() else { return };
        let text = &mut frame.capture.text;
        if frame.label_only {
            // Only the end of the text serves as a label.
            if text.len() > 4 * LABEL_BYTES {
                *text = text::tail(text, LABEL_BYTES).to_owned();
            }
            text.push_str(text::tail(fragment, LABEL_BYTES));
        } else {
            text::push_capped(text, fragment, MAX_FRAME_TEXT_BYTES);
        }
    }

    /// Closes the frame with this serial number and every frame inside it.
    pub(super) fn close(&mut self, serial: u32) {
        while self.frames.last().is_some_and(|frame| frame.serial >= serial) {
            self.close_last();
        }
    }

    /// Closes all frames at the end of the stream. Only then it is known which row of the Buy Box is selected.
    pub(super) fn close_all(&mut self) {
        self.close(0);
        for capture in &mut self.captures {
            if self.rows.is_other_offer(capture.row) {
                capture.within = capture.within.union(Within::ELSEWHERE);
            }
        }
    }

    fn close_last(&mut self) {
        let Some(Frame { capture, outer, outer_row, .. }) = self.frames.pop() else { return };
        self.within = outer;
        self.row = outer_row;
        self.append_to_parent(&capture);
        match capture.part {
            Part::Region
            | Part::Hidden
            | Part::PriceOffscreen
            | Part::PriceWhole
            | Part::PriceFraction
            | Part::GalleryScript => {}
            Part::Script => self.variations.end(),
            Part::Price => {
                self.is_free_item |= capture.is_zero_price();
                let at = self.captures.len();
                self.push_capture(capture);
                self.last_price = (self.captures.len() > at).then_some(at);
            }
            Part::DetailRow => {
                // Ranks without a row around them continue in the next element.
                self.attributes.markers.ranks |= capture.is_rank_row() && !RANK_CLASSES.contains(&capture.rule);
                self.push_capture(capture);
            }
            _ => self.push_capture(capture),
        }
    }

    /// Passes the content of a closed frame to the enclosing one.
    fn append_to_parent(&mut self, inner: &Capture) {
        let Some(outer) = self.frames.last_mut() else { return };
        match inner.part {
            Part::Hidden | Part::Script | Part::GalleryScript => {}
            Part::Rating if outer.capture.part == Part::ReviewCount => {}
            Part::PriceOffscreen if outer.capture.part == Part::Price => {
                text::set_if_blank(&mut outer.capture.pieces.offscreen, &inner.text);
            }
            Part::PriceWhole => text::set_if_blank(&mut outer.capture.pieces.whole, &inner.text),
            Part::PriceFraction => text::set_if_blank(&mut outer.capture.pieces.fraction, &inner.text),
            Part::Price => self.append(PRICE_MARK),
            Part::DetailRow => {
                self.append(text::LINE_BREAK);
                self.append(&inner.text);
                self.append(text::LINE_BREAK);
            }
            _ => self.append(&inner.text),
        }
    }

    fn push_capture(&mut self, capture: Capture) {
        const OFFER: &[Part] =
            &[Part::Availability, Part::OutOfStock, Part::BuyingOptions, Part::Price, Part::PlainPrice];
        self.has_title |= capture.part == Part::Title;
        self.has_offer |= OFFER.contains(&capture.part);
        if self.captures.len() < MAX_CAPTURES {
            self.captures.push(capture);
        }
    }

    /// True on a product page inside a region about other products, where nothing is read.
    pub(super) fn is_unrelated(&self) -> bool {
        // The path of categories is a card like those of other products.
        const RELATED: Within = Within::FORMATS.union(Within::BREADCRUMBS);
        let related = if self.to_the_end { RELATED.union(Within::COMPARISON) } else { RELATED };
        let is_elsewhere = self.within.intersects(Within::ELSEWHERE) && !self.within.intersects(related);
        self.attributes.markers.product && is_elsewhere
    }
}
