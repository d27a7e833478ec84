//! Keeps from the parser what cannot matter: most of a page.
//!
//! The sieve cuts the stream into tags and texts, which is cheap, and passes on only what the [`Appetite`] asks for
//! where the stream stands. After every piece that may change the appetite it asks again. Passing on too much costs
//! time, never a fact; so it does not matter how the stream was cut into chunks.
//!
//! End tags are passed on for the elements whose start tags were ([`OpenElements`]), so that the parser closes each of
//! them where it would have closed it had it seen the whole page.

mod open_elements;
mod token;

use std::sync::LazyLock;

use lol_html::errors::RewritingError;
use memchr::memmem::Finder;

use super::layout::{self, LINE_BREAKS, TAGS, Within};
use super::signs;
use open_elements::{Closed, Known, Name, OpenElements};
use token::{Tag, Token};

/// Longest tag that is waited for, in bytes.
const TAG_BYTES: usize = 1024 * 1024;
/// Most elements open inside each other.
const MAX_DEPTH: usize = 64 * 1024;

/// Which elements may be of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elements {
    /// Those that mean something where they stand: by id, by class or by tag.
    Telling,
    /// Those with an id or a class that some table knows.
    Marked,
    /// Those with an id that some table knows.
    Named,
    /// Only those of [`ALWAYS_WANTED`].
    Few,
}

/// What may be of use where the stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Appetite {
    pub(super) elements: Elements,
    /// Where that is.
    pub(super) within: Within,
    /// The text, and with it where its lines end.
    pub(super) text: bool,
    /// The text of the script that starts here.
    pub(super) script: bool,
}

const SCRIPT: Name = Name::new(b"script");
const TITLE: Name = Name::new(b"title");

/// Elements whose content is text, whatever it looks like.
const RAW_TEXT: [Name; 9] =
    Name::all(["script", "style", "title", "textarea", "noscript", "iframe", "xmp", "noembed", "noframes"]);

/// Elements that say something about the page as a whole wherever they stand, and what their tag must contain for it.
static ALWAYS_WANTED: LazyLock<[(Name, Finder<'static>); 6]> = LazyLock::new(|| {
    [("html", ""), ("title", ""), ("link", "canonical"), ("form", ""), ("input", "ASIN"), ("a", "cs_")]
        .map(|(name, piece)| (Name::new(name.as_bytes()), Finder::new(piece)))
});

/// [`TAGS`], and what they stand in.
static TELLING: LazyLock<[(Name, Within); TAGS.len()]> =
    LazyLock::new(|| TAGS.map(|(tag, within)| (Name::new(tag.as_bytes()), within)));

/// [`LINE_BREAKS`].
const BREAKING: [Name; LINE_BREAKS.len()] = Name::all(LINE_BREAKS);

/// Why the page cannot be read any further.
#[derive(Debug)]
pub(super) enum Halt {
    /// A tag without end, or endless nesting.
    TooLarge,
    /// What the parser said.
    Parser(RewritingError),
}

/// Reads a piece and tells the appetite behind it.
pub(super) trait Parse: FnMut(&[u8]) -> Result<Appetite, RewritingError> {}
impl<F: FnMut(&[u8]) -> Result<Appetite, RewritingError>> Parse for F {}

#[derive(Debug, Clone, Copy)]
enum State {
    Markup,
    /// Inside of a comment; its last bytes.
    Comment([u8; 3]),
    /// Inside of an element of raw text.
    RawText(Name),
}

/// A sieve for one page.
#[derive(Debug)]
pub(super) struct Sieve {
    state: State,
    open: OpenElements,
    appetite: Appetite,
    /// The start of a token whose end has not arrived yet.
    held: Vec<u8>,
}

/// What becomes of the bytes in front.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Drop,
    Pass,
    /// Passed on at once: the appetite may change.
    PassAndAsk,
    /// Dropped; but the elements of these names end here for the parser.
    Close(Vec<Name>),
    /// This comes in its place.
    Replace(&'static [u8]),
}

impl Sieve {
    /// A sieve at the start of a page.
    pub(super) fn new(appetite: Appetite) -> Self {
        Self { state: State::Markup, open: OpenElements::default(), appetite, held: Vec::new() }
    }

    /// Passes on what is wanted of the chunk. `parse` reads a piece and tells the appetite behind it.
    pub(super) fn feed(&mut self, chunk: &[u8], parse: &mut impl Parse) -> Result<(), Halt> {
        if self.held.is_empty() {
            let done = self.pass(chunk, parse)?;
            self.held.extend_from_slice(&chunk[done..]);
        } else {
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(chunk);
            let done = self.pass(&joined, parse)?;
            joined.drain(..done);
            self.held = joined;
        }
        let too_large = self.held.len() > TAG_BYTES || self.open.depth() > MAX_DEPTH;
        if too_large { Err(Halt::TooLarge) } else { Ok(()) }
    }

    /// The page has ended: what was held because it might have been the beginning of an end tag is text after all.
    pub(super) fn finish(&mut self, parse: &mut impl Parse) -> Result<(), Halt> {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::RawText(name) if self.wants_raw_text(name) => self.hand_over(&held, parse),
            State::RawText(_) | State::Markup | State::Comment(_) => Ok(()),
        }
    }

    /// Passes on what is wanted up to the last whole token, and tells where that ends.
    fn pass(&mut self, bytes: &[u8], parse: &mut impl Parse) -> Result<usize, Halt> {
        // What is passed on lies in runs as long as possible: `run..at` waits for the parser.
        let (mut run, mut at) = (0, 0);
        while let Some((length, fate)) = self.next(&bytes[at..]) {
            let end = at + length;
            match fate {
                Fate::Pass => {}
                Fate::PassAndAsk => {
                    self.hand_over(&bytes[run..end], parse)?;
                    run = end;
                }
                Fate::Drop => {
                    self.hand_over(&bytes[run..at], parse)?;
                    run = end;
                }
                Fate::Replace(other) => {
                    self.hand_over(&bytes[run..at], parse)?;
                    run = end;
                    self.hand_over(other, parse)?;
                }
                Fate::Close(names) => {
                    self.hand_over(&bytes[run..at], parse)?;
                    run = end;
                    for name in names {
                        self.hand_over(&[b"</", name.text().as_slice(), b">"].concat(), parse)?;
                    }
                }
            }
            at = end;
        }
        self.hand_over(&bytes[run..at], parse)?;
        Ok(at)
    }

    fn hand_over(&mut self, piece: &[u8], parse: &mut impl Parse) -> Result<(), Halt> {
        if !piece.is_empty() {
            self.appetite = parse(piece).map_err(Halt::Parser)?;
        }
        Ok(())
    }

    /// The length and the fate of what stands in front; `None` when its end has not arrived yet.
    fn next(&mut self, bytes: &[u8]) -> Option<(usize, Fate)> {
        if bytes.is_empty() {
            return None;
        }
        match &mut self.state {
            State::Comment(last) => match token::comment(bytes, last) {
                Some(length) => {
                    self.state = State::Markup;
                    Some((length, Fate::Drop))
                }
                None => Some((bytes.len(), Fate::Drop)),
            },
            State::RawText(name) => {
                let name = *name;
                let (length, ends) = token::raw_text(bytes, &name.text());
                if ends {
                    self.state = State::Markup;
                }
                let fate = if self.wants_raw_text(name) { Fate::Pass } else { Fate::Drop };
                (ends || length > 0).then_some((length, fate))
            }
            State::Markup => self.markup(bytes),
        }
    }

    fn wants_raw_text(&self, name: Name) -> bool {
        match name {
            SCRIPT => self.appetite.script,
            TITLE => true,
            _ => false,
        }
    }

    fn markup(&mut self, bytes: &[u8]) -> Option<(usize, Fate)> {
        match token::next(bytes) {
            Token::Unfinished => None,
            // Without the tag behind it, which may be dropped, a lone `<` would become part of a tag.
            Token::Text(1) if self.appetite.text && bytes.starts_with(b"<") => Some((1, Fate::Replace(b"&lt;"))),
            Token::Text(length) if self.appetite.text => Some((length, Fate::Pass)),
            Token::Text(length) | Token::Declaration(length) => Some((length, Fate::Drop)),
            Token::CommentStart => {
                self.state = State::Comment(*b"!--");
                Some((token::COMMENT_START_BYTES, Fate::Drop))
            }
            Token::Start(tag) => Some((tag.bytes.len(), self.start(tag))),
            Token::End(tag) => Some((tag.bytes.len(), self.end(tag))),
        }
    }

    fn start(&mut self, tag: Tag<'_>) -> Fate {
        let name = Name::new(tag.name);
        let known = self.known(tag, name);
        let is_empty = name.is_void() || (tag.is_self_closing() && self.open.are_foreign());
        if !is_empty {
            self.open.open(name, known);
            if RAW_TEXT.contains(&name) {
                self.state = State::RawText(name);
            }
        }
        match known {
            Known::No => Fate::Drop,
            Known::Yes if name != SCRIPT => Fate::Pass,
            Known::Yes | Known::Meaningful => Fate::PassAndAsk,
        }
    }

    /// An element that means something may change the appetite.
    fn known(&self, tag: Tag<'_>, name: Name) -> Known {
        let Appetite { elements, within, text, .. } = self.appetite;
        let tells = match elements {
            Elements::Telling => has_known_id(tag) || has_known_class(tag, within) || tells_by_name(name, within),
            Elements::Marked => has_known_id(tag) || has_known_class(tag, Within::NOWHERE),
            Elements::Named => has_known_id(tag),
            Elements::Few => false,
        };
        if tells || self.is_always_wanted(tag, name) {
            Known::Meaningful
        } else if text && BREAKING.contains(&name) {
            Known::Yes
        } else {
            Known::No
        }
    }

    fn is_always_wanted(&self, tag: Tag<'_>, name: Name) -> bool {
        let wanted_for = |(known, piece): &(Name, Finder<'_>)| *known == name && piece.find(tag.bytes).is_some();
        (name == SCRIPT && self.appetite.script) || ALWAYS_WANTED.iter().any(wanted_for)
    }

    fn end(&mut self, tag: Tag<'_>) -> Fate {
        match self.open.close(Name::new(tag.name)) {
            Closed::Nothing => Fate::Drop,
            Closed::Outermost(Known::Yes) => Fate::Pass,
            Closed::Outermost(_) => Fate::PassAndAsk,
            Closed::Inner(names) if names.is_empty() => Fate::Drop,
            Closed::Inner(names) => Fate::Close(names),
        }
    }
}

fn has_known_id(tag: Tag<'_>) -> bool {
    tag.id.is_some_and(|id| layout::by_id(id).is_some() || signs::is_known_id(id))
}

fn has_known_class(tag: Tag<'_>, within: Within) -> bool {
    tag.classes.is_some_and(|classes| layout::by_classes(classes, within).is_some())
}

fn tells_by_name(name: Name, within: Within) -> bool {
    TELLING.iter().any(|(known, only_within)| *known == name && within.any(*only_within))
}
