//! Bytes of an Amazon page become facts, streaming.
//!
//! 1. [`encoding`] turns each chunk into UTF-8, whatever the page declares or really is.
//! 2. [`sieve`] drops what cannot matter where the stream stands, which is most of a page.
//! 3. [`handlers`] feed a streaming parser; no tree is ever built. [`layout`] tells what an id or a class means, and
//!    [`scan`] keeps the text of what means something as raw captures, all of it bounded.
//! 4. As soon as nothing further down can add a fact, the stream is *settled* and the rest need not be fetched.
//! 5. [`read`] asks the captures: [`kind`] of page first, then each field by its own rule ([`price`], [`availability`],
//!    [`seller`], [`rank`], [`facts`], [`lists`]), in the words of every language ([`phrases`]).
//! 6. [`Page`] is the answer, and [`Page::outcome`] the end of a crawl.
//!
//! Pure: no I/O, no clock. The answer does not depend on how the page was cut into chunks.

mod availability;
mod capture;
mod encoding;
mod facts;
mod handlers;
mod kind;
mod layout;
mod lists;
mod page;
mod phrases;
mod price;
mod rank;
mod read;
mod scan;
mod seller;
mod sieve;
mod signs;
mod text;

use lol_html::errors::RewritingError;
use lol_html::send::HtmlRewriter;

use crate::domain::Marketplace;

pub use page::{Item, NoPrice, Page, PageKind};

use encoding::Transcoder;
use handlers::{Shared, Wire};
use scan::Scan;
use sieve::{Appetite, Halt, Sieve};

/// What is known about a page before its first byte.
#[derive(Debug, Clone, Default)]
pub struct PageContext {
    /// The site the page comes from; found from the page itself when nobody knows.
    pub marketplace: Option<Marketplace>,
    /// The HTTP header `Content-Type`, for its charset.
    pub content_type: Option<String>,
}

/// Whether the page needs to be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There may be more facts further down.
    More,
    /// Everything is known: the rest of the body need not be fetched.
    Settled,
}

/// Why a page cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The page needs more memory than one page may have: a single tag of megabytes, or endlessly nested elements.
    #[error("the page needs more memory than a page may have")]
    OutOfMemory,
    /// The parser refused the page.
    #[error("the parser refused the page: {0}")]
    Parser(String),
}

type Parser = HtmlRewriter<'static, fn(&[u8])>;

/// Reads one page, chunk by chunk as it arrives. `Send`, so that it can live in a spawned task.
pub struct Extractor {
    marketplace: Option<Marketplace>,
    transcoder: Transcoder,
    sieve: Sieve,
    parser: Option<Parser>,
    wire: Shared,
    settled: bool,
    bytes: u64,
}

impl Extractor {
    /// An extractor for one page.
    pub fn new(context: PageContext) -> Self {
        let fallback = context.marketplace.and_then(encoding::customary);
        let scan = Scan::new(context.marketplace.is_none());
        let sieve = Sieve::new(scan.appetite());
        let wire = Wire::new(scan);
        let discard: fn(&[u8]) = |_| {};
        Self {
            marketplace: context.marketplace,
            transcoder: Transcoder::new(context.content_type.as_deref(), fallback),
            sieve,
            parser: Some(HtmlRewriter::new(handlers::settings(&wire), discard)),
            wire,
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
        let written = self.sieve.feed(utf8, &mut |piece| parse(parser, &self.wire, piece));
        self.after(written)
    }

    /// The stream has ended: what the page says.
    pub fn finish(mut self) -> Page {
        if let Some(mut parser) = self.parser.take() {
            // Whatever the very last bytes do to the parser, the captures made so far stand.
            let rest = self.transcoder.finish();
            let mut parse = |piece: &[u8]| parse(&mut parser, &self.wire, piece);
            if self.sieve.feed(rest, &mut parse).and_then(|()| self.sieve.finish(&mut parse)).is_ok() {
                let _ = parser.end();
            }
        }
        let mut scan = self.wire.lock();
        scan.close_all();
        let settled = self.settled || scan.is_settled();
        read::page(&scan, self.marketplace, settled, self.bytes)
    }

    fn after(&mut self, written: Result<(), Halt>) -> Result<Progress, ExtractError> {
        let Err(error) = written else { return Ok(Progress::More) };
        // A parser that has once returned an error must not be used again.
        self.parser = None;
        match error {
            Halt::Parser(RewritingError::ContentHandlerError(stop)) if stop.is::<handlers::Stop>() => {
                self.settled = true;
                Ok(Progress::Settled)
            }
            Halt::TooLarge | Halt::Parser(RewritingError::MemoryLimitExceeded(_)) => Err(ExtractError::OutOfMemory),
            Halt::Parser(other) => Err(ExtractError::Parser(other.to_string())),
        }
    }

    fn progress(&self) -> Progress {
        if self.settled { Progress::Settled } else { Progress::More }
    }
}

/// Gives the parser a piece; what may be of use behind it.
fn parse(parser: &mut Parser, wire: &Wire, piece: &[u8]) -> Result<Appetite, RewritingError> {
    parser.write(piece)?;
    Ok(wire.lock().appetite())
}

/// Reads a page that is all there.
///
/// # Errors
/// See [`ExtractError`].
pub fn extract(bytes: &[u8], context: PageContext) -> Result<Page, ExtractError> {
    /// Small enough that a page which settles early is not converted to its end.
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

    /// Reads a page without the sieve: the parser sees every byte.
    fn extract_without_sieve(bytes: &[u8]) -> Page {
        let mut transcoder = Transcoder::new(None, None);
        let wire = Wire::new(Scan::new(true));
        let discard: fn(&[u8]) = |_| {};
        let mut parser: Parser = HtmlRewriter::new(handlers::settings(&wire), discard);
        let written = parser.write(transcoder.push(bytes)).and_then(|()| parser.write(transcoder.finish()));
        if written.is_ok() {
            let _ = parser.end();
        }
        let mut scan = wire.lock();
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
    fn the_sieve_drops_nothing_that_matters() {
        let own = html_files("tests/extract/pages");
        assert!(!own.is_empty());
        for file in own.into_iter().chain(html_files("../shared/corpus/pages")) {
            let page = fs::read(&file).unwrap();
            let sieved = extract(&page, PageContext::default()).unwrap();
            assert_eq!(as_json(&sieved), as_json(&extract_without_sieve(&page)), "{}", file.display());
        }
    }

    /// What careless templates, proxies and saved pages do to markup. A drawing (`<svg>`) that is never closed is not among
    /// it: what is markup inside of one, parser and sieve do not agree on.
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
    fn what_looks_like_the_beginning_of_an_end_tag_at_the_end_of_a_title_is_text() {
        for end in ["<", "</", "</tit", "<?x>", "<b>x"] {
            let page = format!("<html><head><title>Amazon.com: A thing{end}");
            let sieved = extract(page.as_bytes(), PageContext::default()).unwrap();
            assert_eq!(as_json(&sieved), as_json(&extract_without_sieve(page.as_bytes())), "{end}");
        }
    }

    proptest! {
        #[test]
        fn the_sieve_drops_nothing_that_matters_of_a_damaged_page(
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
            // The sieve waits for what a `<` at the very end begins; the parser makes it text.
            page.push('\n');
            let sieved = extract(page.as_bytes(), PageContext::default()).unwrap();
            prop_assert_eq!(as_json(&sieved), as_json(&extract_without_sieve(page.as_bytes())), "{}", page);
        }
    }
}
