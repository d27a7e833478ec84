//! The page as it streams by: a stack of open frames, and the captures they leave behind.
//!
//! A *frame* is an open element that means something (see [`super::layout`]). Text goes to the innermost frame; when an
//! element closes, its frame becomes a [`Capture`]. Nothing is decided here: captures are raw and bounded, and
//! [`super::read`] turns them into facts once the stream has ended.

use lol_html::html_content::TextType;
use lol_html::send::Element;

use super::capture::{Capture, Pieces, RANKS};
use super::layout::{self, FACEOUT, LINE_BREAKS, Mark, Part, ROW_FAMILIES, SEARCH_RESULT, Within};
use super::sieve::{Appetite, Elements};
use super::signs::{Attributes, IMAGE_HOLDER};
use super::text;

/// Longest text kept of one frame, in bytes; rows of product details are the longest that matter.
const FRAME_TEXT_BYTES: usize = 24 * 1024;
/// Longest text kept of all scripts about variations together, in bytes.
const SCRIPT_TEXT_BYTES: usize = 64 * 1024;
/// Most captures of one page.
const MAX_CAPTURES: usize = 6000;
/// Longest start of the scripts in the head, in bytes.
const HEAD_SCRIPT_BYTES: usize = 32 * 1024;
/// Bytes of visible text before a price that are kept as its label.
const LABEL_BYTES: usize = 160;
/// Placeholder for a price in the text of the enclosing frame. U+0001 is not a legal HTML character, so no page contains it.
const PRICE_MARK: &str = "\u{1}";

#[derive(Debug)]
struct Frame {
    serial: u32,
    capture: Capture,
    outer: Within,
    /// A region that is part of no text: its own text only tells what the next price is the price of.
    labels: bool,
}

/// State shared by the parser's handlers.
#[derive(Debug, Default)]
pub(super) struct Scan {
    frames: Vec<Frame>,
    within: Within,
    serial: u32,
    items: usize,
    /// The row of each family that came first, and so is the featured one.
    first_rows: Vec<String>,
    script_bytes: usize,
    seen_title: bool,
    seen_offer: bool,
    /// The price that closed last: a "/ 100 ml" behind it makes it a unit price.
    last_price: Option<usize>,
    pub(super) captures: Vec<Capture>,
    pub(super) attributes: Attributes,
    /// Start of the scripts in the head, wanted only while the marketplace is unknown.
    pub(super) head_script: Option<String>,
}

impl Scan {
    /// An empty scan; `without_marketplace` keeps the first scripts, which name the site.
    pub(super) fn new(without_marketplace: bool) -> Self {
        Self { head_script: without_marketplace.then(String::new), ..Self::default() }
    }

    /// An element starts. Opens a frame when it means something, and tells its serial number.
    pub(super) fn enter(&mut self, id: &str, class: &str, el: &Element<'_, '_>) -> Option<u32> {
        let (rule, mut mark) = self.meaning(id, class, el)?;
        if self.is_later_row_of_family(id) {
            mark.enters = mark.enters.and(Within::ELSEWHERE);
        }
        let label = self.label_of(mark.part, el);
        let mut pieces = Pieces::default();
        if mark.part == Part::Price {
            pieces.struck = el.get_attribute("data-a-strike").is_some_and(|value| value == "true");
        }
        if mark.part == Part::Item {
            self.items += 1;
        }
        if mark.part == Part::Rating {
            self.capture_attribute(Part::Rating, rule, el.get_attribute("title").unwrap_or_default());
        }
        self.open(
            Capture { part: mark.part, within: self.within, rule, text: String::new(), label, pieces, item: 0 },
            mark.enters,
        )
    }

    /// Opens a frame that no table knows, such as the document's title.
    pub(super) fn open_part(&mut self, part: Part, rule: &'static str) -> Option<u32> {
        let capture = Capture {
            part,
            within: self.within,
            rule,
            text: String::new(),
            label: String::new(),
            pieces: Pieces::default(),
            item: 0,
        };
        self.open(capture, Within::NOWHERE)
    }

    fn open(&mut self, mut capture: Capture, enters: Within) -> Option<u32> {
        let outer = self.within;
        self.within = outer.and(enters);
        capture.within = self.within;
        capture.item = if self.within.any(Within::ITEM) { self.items } else { 0 };
        self.serial += 1;
        let labels = capture.part == Part::Region && self.frames.last().is_none_or(|outer| outer.labels);
        self.frames.push(Frame { serial: self.serial, capture, outer, labels });
        Some(self.serial)
    }

    /// The meaning of an element: by id, by class, or by its tag inside of a region.
    fn meaning(&mut self, id: &str, classes: &str, el: &Element<'_, '_>) -> Option<(&'static str, Mark)> {
        if !id.is_empty() {
            self.attributes.note_id(id, el);
            let of_book = id == "price" && self.within.any(Within::BOOK_HEADER);
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

    /// Search results are told from the other rows of their list by an attribute, bestsellers by their id.
    fn is_item_root(&self, rule: &str, id: &str, el: &Element<'_, '_>) -> bool {
        let fits = match rule {
            SEARCH_RESULT => el.get_attribute("data-component-type").is_some_and(|value| value == "s-search-result"),
            FACEOUT => id.len() == 10,
            _ => true,
        };
        fits && !self.within.any(Within::ITEM)
    }

    fn by_tag(&mut self, el: &Element<'_, '_>) -> Option<(&'static str, Mark)> {
        if self.frames.is_empty() {
            return None;
        }
        let tag = el.tag_name();
        let tag = tag.as_str();
        let found = |rule, part| Some((rule, Mark { part, enters: Within::NOWHERE }));
        match tag {
            "li" | "tr" if self.within.any(Within::DETAILS) => return found("details", Part::DetailRow),
            "li" if self.within.any(Within::BULLETS) => return found("bullets", Part::Bullet),
            "h2" | "h3" if self.within.any(Within::ITEM) => return found("h2", Part::ItemTitle),
            "img" => self.note_image(el),
            "li" if self.within.any(Within::TWISTER) => {
                self.attributes.variation_asins.extend(el.get_attribute("data-defaultasin"));
            }
            "a" => {
                let href = el.get_attribute("href").unwrap_or_default();
                self.note_link(&href);
                if links_to_reviews(&href) && self.within.any(Within::ITEM.and(Within::STARS)) {
                    return found("reviews link", Part::ReviewCount);
                }
            }
            "script" if self.within.any(Within::TWISTER) => return found("twister", Part::Script),
            _ => {}
        }
        if LINE_BREAKS.contains(&tag) && self.wants_text() {
            self.append(text::LINE_BREAK);
        }
        None
    }

    /// The first row of a family is the featured one; the others are other offers.
    fn is_later_row_of_family(&mut self, id: &str) -> bool {
        let name = id.strip_prefix("apex_desktop_").unwrap_or(id);
        let Some(family) = ROW_FAMILIES.iter().find(|family| name.starts_with(**family)) else { return false };
        match self.first_rows.iter().find(|row| row.starts_with(family)) {
            Some(first) => !first.starts_with(name) && !name.starts_with(first.as_str()),
            None => {
                self.first_rows.push(name.to_owned());
                false
            }
        }
    }

    /// What says which row or price this is: an attribute, or the text before it.
    fn label_of(&self, part: Part, el: &Element<'_, '_>) -> String {
        match part {
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

    /// Text that stands in an attribute: `<span title="4.6 out of 5 stars">`.
    fn capture_attribute(&mut self, part: Part, rule: &'static str, text: String) {
        let item = if self.within.any(Within::ITEM) { self.items } else { 0 };
        let within = if part == Part::Rating { self.within.and(Within::STARS) } else { self.within };
        self.keep(Capture { part, within, rule, text, label: String::new(), pieces: Pieces::default(), item });
    }

    fn note_image(&mut self, el: &Element<'_, '_>) {
        if self.within.any(Within::ITEM) {
            // Lists whose titles have no heading of their own have them on the picture.
            let title = el.get_attribute("alt").unwrap_or_default();
            self.capture_attribute(Part::ItemTitle, "img[alt]", title);
        } else if self.within.any(Within::IMAGE) {
            self.attributes.note_image(IMAGE_HOLDER, el);
        }
    }

    /// Links tell the ASIN of an item, the ASIN of a page that names it nowhere else, and rows of ranks.
    fn note_link(&mut self, href: &str) {
        if self.within.any(Within::STARS) && self.attributes.linked_asin.is_none() {
            self.attributes.linked_asin = text::asin_of_link(href).map(str::to_owned);
        }
        if self.within.any(Within::DETAILS) && links_to_bestsellers(href) {
            self.unlabelled(Part::DetailRow).for_each(|row| RANKS.clone_into(&mut row.label));
        }
        for item in self.unlabelled(Part::Item) {
            text::asin_of_link(href).unwrap_or_default().clone_into(&mut item.label);
        }
    }

    /// The open frames that nothing has told yet what they are.
    fn unlabelled(&mut self, part: Part) -> impl Iterator<Item = &mut Capture> {
        let open = self.frames.iter_mut().map(|frame| &mut frame.capture);
        open.filter(move |capture| capture.part == part && capture.label.is_empty())
    }

    /// A fragment of text.
    pub(super) fn push_text(&mut self, fragment: &str, kind: TextType) {
        match kind {
            TextType::Data if self.wants_text() => {
                self.note_unit(fragment);
                self.append(fragment);
            }
            TextType::RCData if self.is_in_document_title() => self.append(fragment),
            TextType::ScriptData => self.push_script(fragment),
            _ => {}
        }
    }

    fn push_script(&mut self, fragment: &str) {
        if let Some(script) = self.head_script.as_mut() {
            text::push_capped(script, fragment, HEAD_SCRIPT_BYTES);
        }
        let Some(frame) = self.frames.last_mut().filter(|frame| frame.capture.part == Part::Script) else { return };
        let before = frame.capture.text.len();
        text::push_capped(&mut frame.capture.text, fragment, before + SCRIPT_TEXT_BYTES - self.script_bytes);
        self.script_bytes += frame.capture.text.len() - before;
    }

    /// A slash right behind a price makes it the price of a unit.
    fn note_unit(&mut self, fragment: &str) {
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
        if frame.labels {
            // Only the end is of use.
            if text.len() > 4 * LABEL_BYTES {
                *text = text::tail(text, LABEL_BYTES).to_owned();
            }
            text.push_str(text::tail(fragment, LABEL_BYTES));
        } else {
            text::push_capped(text, fragment, FRAME_TEXT_BYTES);
        }
    }

    /// The element of the frame ends, and with it every frame that was left open inside.
    pub(super) fn close(&mut self, serial: u32) {
        while self.frames.last().is_some_and(|frame| frame.serial >= serial) {
            self.close_last();
        }
    }

    /// The stream ends: whatever is still open ends too.
    pub(super) fn close_all(&mut self) {
        self.close(0);
    }

    fn close_last(&mut self) {
        let Some(Frame { capture, outer, .. }) = self.frames.pop() else { return };
        self.within = outer;
        self.hand_up(&capture);
        match capture.part {
            Part::Region | Part::Hidden | Part::PriceOffscreen | Part::PriceWhole | Part::PriceFraction => {}
            Part::Price => {
                let at = self.captures.len();
                self.keep(capture);
                self.last_price = (self.captures.len() > at).then_some(at);
            }
            Part::DetailRow => {
                self.attributes.signs.ranks |= capture.is_rank_row();
                self.keep(capture);
            }
            _ => self.keep(capture),
        }
    }

    /// What the enclosing frame learns from an inner one.
    fn hand_up(&mut self, inner: &Capture) {
        let Some(outer) = self.frames.last_mut() else { return };
        match inner.part {
            Part::Hidden | Part::Script => {}
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

    fn keep(&mut self, capture: Capture) {
        const OFFER: &[Part] =
            &[Part::Availability, Part::OutOfStock, Part::BuyingOptions, Part::Price, Part::PlainPrice];
        self.seen_title |= capture.part == Part::Title;
        self.seen_offer |= OFFER.contains(&capture.part);
        if self.captures.len() < MAX_CAPTURES {
            self.captures.push(capture);
        }
    }

    /// True inside of what belongs to other products: on a product page nothing there is of use.
    pub(super) fn is_deaf(&self) -> bool {
        self.attributes.signs.product && self.within.any(Within::ELSEWHERE)
    }

    /// True inside of an element that means something.
    pub(super) fn is_framed(&self) -> bool {
        !self.frames.is_empty()
    }

    /// True when text or script is wanted where the stream stands.
    pub(super) fn is_listening(&self) -> bool {
        self.wants_text() || self.wants_script()
    }

    /// True when text is of use where the stream stands.
    fn wants_text(&self) -> bool {
        let of_use = |frame: &Frame| match frame.capture.part {
            Part::Item => false,
            _ => !frame.labels || self.within.any(Within::PRICED),
        };
        let behind_price = self.last_price.is_some();
        self.frames.last().is_some_and(|frame| behind_price || of_use(frame)) && !self.is_deaf()
    }

    fn is_in_document_title(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.capture.part == Part::DocumentTitle)
    }

    fn wants_head_script(&self) -> bool {
        self.head_script.as_ref().is_some_and(|script| script.len() < HEAD_SCRIPT_BYTES)
    }

    /// True when the text of the script that has just started is of use.
    fn wants_script(&self) -> bool {
        let is_of_variations = || self.frames.last().is_some_and(|frame| frame.capture.part == Part::Script);
        self.wants_head_script() || is_of_variations()
    }

    /// What of the page may be of use where the stream stands.
    pub(super) fn appetite(&self) -> Appetite {
        let elements = if self.is_deaf() {
            Elements::Few
        } else if !self.frames.is_empty() {
            Elements::Telling
        } else if self.attributes.signs.product {
            Elements::Named
        } else {
            Elements::Marked
        };
        Appetite { elements, within: self.within, text: self.wants_text(), script: self.wants_script() }
    }

    /// True where classes may mean something: on a product page only inside of a region.
    pub(super) fn wants_classes(&self) -> bool {
        !self.frames.is_empty() || !self.attributes.signs.product
    }

    /// True when nothing further down the page can add a fact.
    ///
    /// Ranks stand below everything else that a product page tells; where there are none, the footer ends it.
    pub(super) fn is_settled(&self) -> bool {
        let signs = self.attributes.signs;
        let rank_row_closed = || self.frames.iter().all(|frame| frame.capture.part != Part::DetailRow);
        signs.footer || (signs.ranks && self.seen_title && self.seen_offer && rank_row_closed())
    }
}

fn asin_of_item(el: &Element<'_, '_>) -> String {
    let mut named = ["data-asin", "id"].iter().filter_map(|name| el.get_attribute(name));
    named.find(|value| value.len() == 10).unwrap_or_default()
}

fn links_to_reviews(href: &str) -> bool {
    ["customerReviews", "/product-reviews/", "/gp/aw/cr/"].iter().any(|piece| href.contains(piece))
}

/// Links to a bestseller list: a row of details that has one holds ranks, whatever its language.
fn links_to_bestsellers(href: &str) -> bool {
    ["/bestsellers/", "/zgbs", "zg_hrsr", "pd_zg", "/Best-Sellers"].iter().any(|piece| href.contains(piece))
}
