//! Streaming extraction of facts from Amazon pages.
//!
//! 1. [`encoding`] converts each chunk to UTF-8 and detects the page's real encoding.
//! 2. [`prefilter`] drops the parts of the page that cannot hold facts, which is most of it.
//! 3. A streaming parser calls the [`handlers`]; no tree is built. [`layout`] gives the meaning of ids and classes, and
//!    [`scan`] stores the text of meaningful elements as raw captures of bounded size.
//! 4. As soon as the rest of the page cannot add a fact, the page is *settled* and the rest need not be fetched.
//! 5. [`read`] interprets the captures: the [`kind`] of page first, then each field by its own rule ([`price`],
//!    [`availability`], [`seller`], [`rank`], [`facts`], [`lists`]), with the [`phrases`] of every language.
//! 6. The result is a [`Page`]; [`Page::outcome`] converts it to the outcome of a crawl.
//!
//! This module does no I/O and reads no clock. The result does not depend on how the page was split into chunks.

mod attributes;
mod availability;
mod capture;
mod element;
mod encoding;
mod facts;
mod handlers;
mod kind;
mod layout;
mod listed_videos;
mod lists;
mod offers;
mod page;
mod phrases;
mod prefilter;
mod price;
mod rank;
mod read;
mod rows;
mod scan;
mod scan_interest;
mod seller;
mod text;
pub mod texts;
mod variations;

use lol_html::errors::RewritingError;
use lol_html::send::HtmlRewriter;

use crate::domain::Marketplace;

pub use offers::{OfferPage, offers};
pub use page::{Item, NoPrice, Page, PageKind};

use encoding::Transcoder;
use handlers::{ScanRef, SharedScan};
use prefilter::{Interest, Prefilter, PrefilterError};
use scan::Scan;

/// What is known about a page before it is read.
#[derive(Debug, Clone, Default)]
pub struct PageContext {
    /// The site that the page comes from. If `None`, it is detected from the page.
    pub marketplace: Option<Marketplace>,
    /// The HTTP header `Content-Type`; its charset is used.
    pub content_type: Option<String>,
    /// Read a product page to its footer, for the content that comes after all prices and ranks.
    pub to_the_end: bool,
}

/// Whether the rest of the page is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The rest of the page may hold more facts.
    More,
    /// All facts are read: the rest of the body need not be fetched.
    Settled,
}

/// Why a page cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The page exceeds the memory limit: a single tag of megabytes, or too deeply nested elements.
    #[error("the page exceeds the memory limit of the extractor")]
    OutOfMemory,
    /// The parser returned an error.
    #[error("cannot parse the page: {0}")]
    Parser(String),
}

type Parser = HtmlRewriter<'static, fn(&[u8])>;

/// Reads one page in chunks, as they arrive. It is `Send`, so that a spawned task can own it.
pub struct Extractor {
    marketplace: Option<Marketplace>,
    transcoder: Transcoder,
    prefilter: Prefilter,
    parser: Option<Parser>,
    shared: ScanRef,
    settled: bool,
    bytes: u64,
}

impl Extractor {
    /// An extractor for one page.
    pub fn new(context: PageContext) -> Self {
        let fallback = context.marketplace.and_then(encoding::legacy);
        let scan = Scan::new(context.marketplace.is_none(), context.to_the_end);
        let prefilter = Prefilter::new(scan.interest());
        let shared = SharedScan::new(scan);
        let discard: fn(&[u8]) = |_| {};
        Self {
            marketplace: context.marketplace,
            transcoder: Transcoder::new(context.content_type.as_deref(), fallback),
            prefilter,
            parser: Some(HtmlRewriter::new(handlers::settings(&shared), discard)),
            shared,
            settled: false,
            bytes: 0,
        }
    }

    /// Reads the next chunk. After [`Progress::Settled`], further chunks are ignored.
    ///
    /// # Errors
    /// See [`ExtractError`]; after an error the extractor ignores further chunks.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<Progress, ExtractError> {
        self.bytes += chunk.len() as u64;
        let Some(parser) = self.parser.as_mut() else { return Ok(self.progress()) };
        let utf8 = self.transcoder.push(chunk);
        let written = self.prefilter.feed(utf8, &mut |piece| parse(parser, &self.shared, piece));
        self.progress_after(written)
    }

    /// Ends the stream and returns the facts of the page.
    pub fn finish(mut self) -> Page {
        if let Some(mut parser) = self.parser.take() {
            // An error in the last bytes does not invalidate the captures.
            let rest = self.transcoder.finish();
            let mut parse = |piece: &[u8]| parse(&mut parser, &self.shared, piece);
            if self.prefilter.feed(rest, &mut parse).and_then(|()| self.prefilter.finish(&mut parse)).is_ok() {
                let _ = parser.end();
            }
        }
        let mut scan = self.shared.lock();
        scan.close_all();
        let settled = self.settled || scan.is_settled();
        read::page(&scan, self.marketplace, settled, self.bytes)
    }

    fn progress_after(&mut self, written: Result<(), PrefilterError>) -> Result<Progress, ExtractError> {
        let Err(error) = written else { return Ok(Progress::More) };
        // The parser must not be used again after an error.
        self.parser = None;
        match error {
            PrefilterError::Parser(RewritingError::ContentHandlerError(stop)) if stop.is::<handlers::Stop>() => {
                self.settled = true;
                Ok(Progress::Settled)
            }
            PrefilterError::TooLarge | PrefilterError::Parser(RewritingError::MemoryLimitExceeded(_)) => {
                Err(ExtractError::OutOfMemory)
            }
            PrefilterError::Parser(other) => Err(ExtractError::Parser(other.to_string())),
        }
    }

    fn progress(&self) -> Progress {
        if self.settled { Progress::Settled } else { Progress::More }
    }
}

/// Parses a piece and returns the interest after it.
fn parse(parser: &mut Parser, shared: &SharedScan, piece: &[u8]) -> Result<Interest, RewritingError> {
    parser.write(piece)?;
    Ok(shared.lock().interest())
}

/// Reads a complete page.
///
/// # Errors
/// See [`ExtractError`].
pub fn extract(bytes: &[u8], context: PageContext) -> Result<Page, ExtractError> {
    /// Small enough that a page that settles early is not converted completely.
    const CHUNK_BYTES: usize = 64 * 1024;
    let mut extractor = Extractor::new(context);
    for chunk in bytes.chunks(CHUNK_BYTES) {
        if extractor.feed(chunk)? == Progress::Settled {
            break;
        }
    }
    Ok(extractor.finish())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;

    use super::*;

    /// Reads a page without the prefilter: the parser sees every byte.
    fn extract_without_prefilter(bytes: &[u8]) -> Page {
        let mut transcoder = Transcoder::new(None, None);
        let shared = SharedScan::new(Scan::new(true, false));
        let discard: fn(&[u8]) = |_| {};
        let mut parser: Parser = HtmlRewriter::new(handlers::settings(&shared), discard);
        let written = parser.write(transcoder.push(bytes)).and_then(|()| parser.write(transcoder.finish()));
        if written.is_ok() {
            let _ = parser.end();
        }
        let mut scan = shared.lock();
        scan.close_all();
        read::page(&scan, None, scan.is_settled(), bytes.len() as u64)
    }

    fn as_json(page: &Page) -> String {
        serde_json::to_string(page).unwrap()
    }

    fn html_files(folder: &str) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }

    #[test]
    fn the_prefilter_drops_no_facts() {
        let own = html_files("tests/extract/pages");
        assert!(!own.is_empty());
        for file in own.into_iter().chain(html_files("../shared/corpus/pages")) {
            let page = fs::read(&file).unwrap();
            let prefiltered = extract(&page, PageContext::default()).unwrap();
            assert_eq!(as_json(&prefiltered), as_json(&extract_without_prefilter(&page)), "{}", file.display());
        }
    }

    /// Damage that faulty templates, proxies and saved pages do to markup. An unclosed `<svg>` is left out: parser and
    /// prefilter disagree on what is markup inside one.
    const DAMAGE: &[&str] = &[
        "</div>",
        "</span>",
        "<div>",
        "<span class=\"a-price\">",
        "</td></tr>",
        "<br/>",
        "<p",
        "<",
        ">",
        "\"",
        "'",
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "<textarea>",
        "</textarea>",
        "<title>",
        "<li>",
        "<a href=x>",
        "</a>",
        "<div id=availability",
        "<DIV ID='price'>",
        "</DIV>",
        "<input value='a>b'>",
        "<![CDATA[",
        "<?x>",
        "</ >",
        "= ",
    ];

    #[test]
    fn an_incomplete_end_tag_at_the_end_of_a_title_is_text() {
        for end in ["<", "</", "</tit", "<?x>", "<b>x"] {
            let page = format!("<html><head><title>Amazon.com: A thing{end}");
            let prefiltered = extract(page.as_bytes(), PageContext::default()).unwrap();
            assert_eq!(as_json(&prefiltered), as_json(&extract_without_prefilter(page.as_bytes())), "{end}");
        }
    }

    proptest! {
        #[test]
        fn the_prefilter_drops_no_facts_of_a_damaged_page(
            which in any::<prop::sample::Index>(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(DAMAGE), 0usize..200), 1..8),
        ) {
            let files = html_files("tests/extract/pages");
            let mut page = String::from_utf8_lossy(&fs::read(which.get(&files)).unwrap()).into_owned();
            for (place, inserted, removed) in damage {
                let at = page.floor_char_boundary(place.index(page.len()));
                let end = page.ceil_char_boundary(at + removed);
                page.replace_range(at..end, inserted);
            }
            // A `<` at the very end is incomplete for the prefilter, and text for the parser.
            page.push('\n');
            let prefiltered = extract(page.as_bytes(), PageContext::default()).unwrap();
            prop_assert_eq!(as_json(&prefiltered), as_json(&extract_without_prefilter(page.as_bytes())), "{}", page);
        }
    }
}
