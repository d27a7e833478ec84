//! Drops the parts of a page that cannot hold facts, before the parser sees them. That is most of a page.
//!
//! The prefilter splits the stream into tags and text, which is cheap, and forwards only what the current [`Interest`]
//! covers. After every forwarded piece that can change the interest, the parser returns the new one. Forwarding too
//! much costs time but never a fact, so the result does not depend on how the stream was split into chunks.
//!
//! An end tag is forwarded if its start tag was ([`OpenElements`]). The parser therefore closes each element at the
//! same place as it would when reading the whole page.

mod open_elements;
mod token;

use std::sync::LazyLock;

use lol_html::errors::RewritingError;
use memchr::memmem::Finder;

use super::attributes;
use super::layout::{self, LINE_BREAKS, TAGS, Within};
use open_elements::{Closed, Forwarded, Name, OpenElements};
use token::{Tag, Token};

/// Maximum length of one tag, in bytes.
const MAX_TAG_BYTES: usize = 1024 * 1024;
/// Maximum nesting of elements.
const MAX_DEPTH: usize = 64 * 1024;

/// Which elements can hold facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elements {
    /// Elements with a meaning at this position: by id, by class or by tag.
    Contextual,
    /// Elements with an id or a class of the layout tables.
    IdOrClass,
    /// Elements with an id of the layout tables.
    Id,
    /// Only [`ALWAYS_FORWARDED`].
    AlwaysOnly,
}

/// The content that can hold facts at the current position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interest {
    pub(super) elements: Elements,
    /// The regions around the current position.
    pub(super) within: Within,
    /// Text, and the elements that break its lines.
    pub(super) text: bool,
    /// The text of a script that starts here.
    pub(super) script: bool,
}

const SCRIPT: Name = Name::new(b"script");
const TITLE: Name = Name::new(b"title");

/// Elements whose content is raw text, never markup.
const RAW_TEXT: [Name; 9] =
    Name::all(["script", "style", "title", "textarea", "noscript", "iframe", "xmp", "noembed", "noframes"]);

/// Elements that hold facts about the page as a whole, wherever they are, and the text that their tag must contain.
static ALWAYS_FORWARDED: LazyLock<[(Name, Finder<'static>); 6]> = LazyLock::new(|| {
    [("html", ""), ("title", ""), ("link", "canonical"), ("form", ""), ("input", "ASIN"), ("a", "cs_")]
        .map(|(name, piece)| (Name::new(name.as_bytes()), Finder::new(piece)))
});

/// [`TAGS`] with the regions in which they have a meaning.
static MEANINGFUL_TAGS: LazyLock<[(Name, Within); TAGS.len()]> =
    LazyLock::new(|| TAGS.map(|(tag, within)| (Name::new(tag.as_bytes()), within)));

/// The elements of [`LINE_BREAKS`].
const LINE_BREAK_NAMES: [Name; LINE_BREAKS.len()] = Name::all(LINE_BREAKS);

/// Why the rest of a page cannot be read.
#[derive(Debug)]
pub(super) enum PrefilterError {
    /// A tag or the nesting exceeds its limit.
    TooLarge,
    /// The parser returned an error.
    Parser(RewritingError),
}

/// Parses a piece and returns the interest after it.
pub(super) trait Parse: FnMut(&[u8]) -> Result<Interest, RewritingError> {}
impl<F: FnMut(&[u8]) -> Result<Interest, RewritingError>> Parse for F {}

#[derive(Debug, Clone, Copy)]
enum State {
    Markup,
    /// Inside a comment, with the last bytes read of it.
    Comment([u8; 3]),
    /// Inside a raw text element.
    RawText(Name),
}

/// A prefilter for one page.
#[derive(Debug)]
pub(super) struct Prefilter {
    state: State,
    open: OpenElements,
    interest: Interest,
    /// The beginning of an incomplete token.
    incomplete: Vec<u8>,
}

/// What to do with the token at the front.
#[derive(Debug, PartialEq, Eq)]
enum Action {
    Drop,
    Forward,
    /// Forward without batching, because the interest may change.
    Flush,
    /// Drop, and forward end tags of these names instead.
    Close(Vec<Name>),
    /// Forward these bytes instead.
    Replace(&'static [u8]),
}

impl Prefilter {
    /// A prefilter at the start of a page.
    pub(super) fn new(interest: Interest) -> Self {
        Self { state: State::Markup, open: OpenElements::default(), interest, incomplete: Vec::new() }
    }

    /// Forwards the relevant parts of the chunk to `parse`.
    pub(super) fn feed(&mut self, chunk: &[u8], parse: &mut impl Parse) -> Result<(), PrefilterError> {
        if self.incomplete.is_empty() {
            let done = self.filter(chunk, parse)?;
            self.incomplete.extend_from_slice(&chunk[done..]);
        } else {
            let mut joined = std::mem::take(&mut self.incomplete);
            joined.extend_from_slice(chunk);
            let done = self.filter(&joined, parse)?;
            joined.drain(..done);
            self.incomplete = joined;
        }
        let too_large = self.incomplete.len() > MAX_TAG_BYTES || self.open.depth() > MAX_DEPTH;
        if too_large { Err(PrefilterError::TooLarge) } else { Ok(()) }
    }

    /// Handles the end of the page. An incomplete end tag of a raw text element is text.
    pub(super) fn finish(&mut self, parse: &mut impl Parse) -> Result<(), PrefilterError> {
        let incomplete = std::mem::take(&mut self.incomplete);
        match self.state {
            State::RawText(name) if self.wants_raw_text(name) => self.forward(&incomplete, parse),
            State::RawText(_) | State::Markup | State::Comment(_) => Ok(()),
        }
    }

    /// Filters up to the end of the last complete token, and returns that offset.
    fn filter(&mut self, bytes: &[u8], parse: &mut impl Parse) -> Result<usize, PrefilterError> {
        // Forward the longest possible runs: `run..at` is not forwarded yet.
        let (mut run, mut at) = (0, 0);
        while let Some((length, action)) = self.next(&bytes[at..]) {
            let end = at + length;
            match action {
                Action::Forward => {}
                Action::Flush => {
                    self.forward(&bytes[run..end], parse)?;
                    run = end;
                }
                Action::Drop => {
                    self.forward(&bytes[run..at], parse)?;
                    run = end;
                }
                Action::Replace(other) => {
                    self.forward(&bytes[run..at], parse)?;
                    run = end;
                    self.forward(other, parse)?;
                }
                Action::Close(names) => {
                    self.forward(&bytes[run..at], parse)?;
                    run = end;
                    for name in names {
                        self.forward(&[b"</", name.text().as_slice(), b">"].concat(), parse)?;
                    }
                }
            }
            at = end;
        }
        self.forward(&bytes[run..at], parse)?;
        Ok(at)
    }

    fn forward(&mut self, piece: &[u8], parse: &mut impl Parse) -> Result<(), PrefilterError> {
        if !piece.is_empty() {
            self.interest = parse(piece).map_err(PrefilterError::Parser)?;
        }
        Ok(())
    }

    /// The length of the token at the front and the action for it; `None` if the token is incomplete.
    fn next(&mut self, bytes: &[u8]) -> Option<(usize, Action)> {
        if bytes.is_empty() {
            return None;
        }
        match &mut self.state {
            State::Comment(last) => match token::comment(bytes, last) {
                Some(length) => {
                    self.state = State::Markup;
                    Some((length, Action::Drop))
                }
                None => Some((bytes.len(), Action::Drop)),
            },
            State::RawText(name) => {
                let name = *name;
                let (length, ends) = token::raw_text(bytes, &name.text());
                if ends {
                    self.state = State::Markup;
                }
                let action = if self.wants_raw_text(name) { Action::Forward } else { Action::Drop };
                (ends || length > 0).then_some((length, action))
            }
            State::Markup => self.markup(bytes),
        }
    }

    fn wants_raw_text(&self, name: Name) -> bool {
        match name {
            SCRIPT => self.interest.script,
            TITLE => true,
            _ => false,
        }
    }

    fn markup(&mut self, bytes: &[u8]) -> Option<(usize, Action)> {
        match token::next(bytes) {
            Token::Incomplete => None,
            // If the following tag is dropped, a lone `<` would otherwise become part of a later tag.
            Token::Text(1) if self.interest.text && bytes.starts_with(b"<") => Some((1, Action::Replace(b"&lt;"))),
            Token::Text(length) if self.interest.text => Some((length, Action::Forward)),
            Token::Text(length) | Token::Declaration(length) => Some((length, Action::Drop)),
            Token::CommentStart => {
                self.state = State::Comment(*b"!--");
                Some((token::COMMENT_START_BYTES, Action::Drop))
            }
            Token::Start(tag) => Some((tag.bytes.len(), self.start(tag))),
            Token::End(tag) => Some((tag.bytes.len(), self.end(tag))),
        }
    }

    fn start(&mut self, tag: Tag<'_>) -> Action {
        let name = Name::new(tag.name);
        let forwarded = self.forwarded(tag, name);
        let is_empty = name.is_void() || (tag.is_self_closing() && self.open.is_foreign_content());
        if !is_empty {
            self.open.open(name, forwarded);
            if RAW_TEXT.contains(&name) {
                self.state = State::RawText(name);
            }
        }
        match forwarded {
            Forwarded::No => Action::Drop,
            Forwarded::Yes if name != SCRIPT => Action::Forward,
            Forwarded::Yes | Forwarded::Meaningful => Action::Flush,
        }
    }

    /// Whether a start tag is forwarded, and whether the element can change the interest.
    fn forwarded(&self, tag: Tag<'_>, name: Name) -> Forwarded {
        let Interest { elements, within, text, .. } = self.interest;
        let is_meaningful = match elements {
            Elements::Contextual => {
                has_meaningful_id(tag) || has_meaningful_class(tag, within) || has_meaningful_name(name, within)
            }
            Elements::IdOrClass => has_meaningful_id(tag) || has_meaningful_class(tag, Within::NOWHERE),
            Elements::Id => has_meaningful_id(tag),
            Elements::AlwaysOnly => false,
        };
        if is_meaningful || self.is_always_forwarded(tag, name) {
            Forwarded::Meaningful
        } else if text && LINE_BREAK_NAMES.contains(&name) {
            Forwarded::Yes
        } else {
            Forwarded::No
        }
    }

    fn is_always_forwarded(&self, tag: Tag<'_>, name: Name) -> bool {
        let matches = |(element, piece): &(Name, Finder<'_>)| *element == name && piece.find(tag.bytes).is_some();
        (name == SCRIPT && self.interest.script) || ALWAYS_FORWARDED.iter().any(matches)
    }

    fn end(&mut self, tag: Tag<'_>) -> Action {
        match self.open.close(Name::new(tag.name)) {
            Closed::Nothing => Action::Drop,
            Closed::Outermost(Forwarded::Yes) => Action::Forward,
            Closed::Outermost(_) => Action::Flush,
            Closed::Inner(names) if names.is_empty() => Action::Drop,
            Closed::Inner(names) => Action::Close(names),
        }
    }
}

fn has_meaningful_id(tag: Tag<'_>) -> bool {
    tag.id.is_some_and(|id| layout::by_id(id).is_some() || attributes::is_known_id(id))
}

fn has_meaningful_class(tag: Tag<'_>, within: Within) -> bool {
    tag.classes.is_some_and(|classes| layout::by_classes(classes, within).is_some())
}

fn has_meaningful_name(name: Name, within: Within) -> bool {
    MEANINGFUL_TAGS.iter().any(|(tag, only_within)| *tag == name && within.intersects(*only_within))
}
