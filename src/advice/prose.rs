//! Prose of a model: text without numbers, and references to facts. The values of the facts are written here, so they can be misjudged by
//! the model, but not altered.

use std::sync::LazyLock;

use regex::Regex;

use super::fact::{FactId, Facts};
use crate::domain::plain_text::clean;

const MAX_CHARS: usize = 600;

/// Prose that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prose(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Fact(FactId),
}

/// Why prose is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProseError {
    /// There is none.
    #[error("is empty")]
    Empty,
    /// It is too long.
    #[error("has more than {} characters", MAX_CHARS)]
    TooLong,
    /// It has a digit outside a reference.
    #[error("has a digit outside a reference such as {{f1}}")]
    Digit,
    /// It has a web or e-mail address.
    #[error("has a web or e-mail address")]
    Address,
    /// It has a brace that is no reference.
    #[error("has a brace that belongs to no reference such as {{f1}}")]
    Brace,
}

/// A scheme, `www`, an `@`, or a dot between letters as in a host name.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)://|\bwww\.|@|[\p{L}\p{N}-]{2,}\.\p{L}{2,}|\bmailto:|\bjavascript:")
        .expect("a constant pattern is valid")
});

/// True when a text has what may be an address.
pub(super) fn has_address(text: &str) -> bool {
    ADDRESS.is_match(text)
}

impl Prose {
    /// Reads and checks prose.
    pub(super) fn parse(text: &str) -> Result<Self, ProseError> {
        let text = clean(text);
        if text.is_empty() {
            return Err(ProseError::Empty);
        }
        if text.chars().count() > MAX_CHARS {
            return Err(ProseError::TooLong);
        }
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (reference, after) = after.split_once('}').ok_or(ProseError::Brace)?;
            let id = FactId::parse(reference).ok_or(ProseError::Brace)?;
            pieces.extend([Piece::Text(before.to_owned()), Piece::Fact(id)]);
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        let mut only_text = String::new();
        for piece in &pieces {
            match piece {
                Piece::Text(text) if text.contains('}') => return Err(ProseError::Brace),
                Piece::Text(text) if text.chars().any(char::is_numeric) => return Err(ProseError::Digit),
                Piece::Text(text) => only_text.push_str(text),
                // An address may not be put together around a reference.
                Piece::Fact(_) => only_text.push('x'),
            }
        }
        if has_address(&only_text) { Err(ProseError::Address) } else { Ok(Self(pieces)) }
    }

    /// The facts that it refers to.
    pub(super) fn references(&self) -> impl Iterator<Item = FactId> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Fact(id) => Some(*id),
            Piece::Text(_) => None,
        })
    }

    /// The text, with the values of the facts. `None`: a fact does not exist.
    pub(super) fn render(&self, facts: &Facts) -> Option<String> {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            Piece::Fact(id) => facts.get(*id).map(|fact| fact.value.to_string()),
        };
        self.0.iter().map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::advice::fact::{Fact, FactValue};

    fn facts() -> Facts {
        let fact = |count| Fact {
            name: "title length".to_owned(),
            value: FactValue::Count { count, unit: "characters" },
            window: "now".to_owned(),
            observed_at: "2026-11-28T12:00:00Z".parse().unwrap(),
        };
        Facts::new([fact(143), fact(75)])
    }

    #[test]
    fn references_become_values() {
        let prose = Prose::parse("The title has {f1}; the rule allows {f2}, e.g. fewer.").unwrap();
        assert_eq!(
            prose.render(&facts()).unwrap(),
            "The title has 143 characters; the rule allows 75 characters, e.g. fewer."
        );
        assert_eq!(prose.references().map(|id| id.to_string()).collect::<Vec<_>>(), ["f1", "f2"]);
        assert_eq!(Prose::parse("See {f9}.").unwrap().render(&facts()), None);
    }

    #[test]
    fn numbers_addresses_and_stray_braces_are_refused() {
        for (text, expected) in [
            ("It closed at 412.35.", ProseError::Digit),
            ("About ½ of it, see {f1}", ProseError::Digit),
            ("About ٣ of it", ProseError::Digit),
            ("x² grows", ProseError::Digit),
            ("See https://evil/x", ProseError::Address),
            ("See www.evil", ProseError::Address),
            ("See evil.example", ProseError::Address),
            ("Write to me@evil", ProseError::Address),
            ("See evil{f1}.example", ProseError::Address),
            ("See {f1", ProseError::Brace),
            ("See f1}", ProseError::Brace),
            ("See {{f1}}", ProseError::Brace),
            ("See {f01}", ProseError::Brace),
            ("See {price}", ProseError::Brace),
            (" \u{200b}\n", ProseError::Empty),
        ] {
            assert_eq!(Prose::parse(text), Err(expected), "{text}");
        }
        assert_eq!(Prose::parse(&"x".repeat(601)), Err(ProseError::TooLong));
    }

    proptest! {
        #[test]
        fn every_digit_of_accepted_prose_is_a_facts(text in "[a-z0-9{}. ٣½]{0,40}|\\PC{0,40}") {
            if let Ok(prose) = Prose::parse(&text) {
                let only_text: String = prose.0.iter().map(|piece| match piece {
                    Piece::Text(text) => text.as_str(),
                    Piece::Fact(_) => "",
                }).collect();
                let is_foreign = |c: char| c.is_numeric() || ['{', '}'].contains(&c);
                prop_assert!(!only_text.contains(is_foreign), "{only_text}");
            }
        }
    }
}
