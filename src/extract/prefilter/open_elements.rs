//! The open elements, including those that were not forwarded to the parser.

/// Number of bytes of a name that are compared. No relevant element has a longer name.
const NAME_BYTES: usize = 16;

/// Void elements: they have no end tag.
const VOID: [Name; 17] = Name::all([
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "hr", "img", "input", "keygen", "link", "meta",
    "param", "source", "track", "wbr",
]);

/// Roots of foreign content: drawings and formulas.
const FOREIGN: [Name; 2] = Name::all(["svg", "math"]);

/// An element name in lower case, packed into one integer to make comparison cheap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(u128);

impl Name {
    /// Converts a name in any case.
    pub(super) const fn new(name: &[u8]) -> Self {
        let mut packed = [0; NAME_BYTES];
        let mut at = 0;
        while at < name.len() && at < NAME_BYTES {
            packed[at] = name[at].to_ascii_lowercase();
            at += 1;
        }
        Self(u128::from_le_bytes(packed))
    }

    /// Converts an array of names.
    pub(super) const fn all<const COUNT: usize>(names: [&str; COUNT]) -> [Self; COUNT] {
        let mut all = [Self(0); COUNT];
        let mut at = 0;
        while at < COUNT {
            all[at] = Self::new(names[at].as_bytes());
            at += 1;
        }
        all
    }

    /// The name in lower case.
    pub(super) fn text(self) -> Vec<u8> {
        self.0.to_le_bytes().into_iter().take_while(|byte| *byte != 0).collect()
    }

    /// True for elements without an end tag, such as `<br>`.
    pub(super) fn is_void(self) -> bool {
        VOID.contains(&self)
    }
}

/// Whether the start tag of an element was forwarded to the parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forwarded {
    /// Not forwarded.
    No,
    /// Forwarded.
    Yes,
    /// Forwarded, and the element may have a meaning.
    Meaningful,
}

/// The effect of an end tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// No element of this name is open.
    Nothing,
    /// It closes an element that was forwarded. `Meaningful` if that element or one inside it is.
    Outermost(Forwarded),
    /// It closes an element that was not forwarded, and these forwarded ones inside it, innermost first.
    Inner(Vec<Name>),
}

/// The open elements. An end tag closes the innermost element of its name and everything inside it. The parser uses the
/// same rule, so both always agree on the open elements.
#[derive(Debug, Default)]
pub(super) struct OpenElements(Vec<(Name, Forwarded)>);

impl OpenElements {
    pub(super) fn open(&mut self, name: Name, forwarded: Forwarded) {
        self.0.push((name, forwarded));
    }

    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    /// True inside foreign content, where `<x/>` has no end tag.
    pub(super) fn is_foreign_content(&self) -> bool {
        self.0.iter().any(|(name, _)| FOREIGN.contains(name))
    }

    pub(super) fn close(&mut self, name: Name) -> Closed {
        let Some(at) = self.0.iter().rposition(|(open, _)| *open == name) else { return Closed::Nothing };
        let closed = match self.0[at].1 {
            Forwarded::No => Closed::Inner(self.forwarded_from(at).map(|(name, _)| *name).collect()),
            Forwarded::Yes if self.forwarded_from(at).any(|(_, forwarded)| *forwarded == Forwarded::Meaningful) => {
                Closed::Outermost(Forwarded::Meaningful)
            }
            forwarded => Closed::Outermost(forwarded),
        };
        self.0.truncate(at);
        closed
    }

    fn forwarded_from(&self, at: usize) -> impl Iterator<Item = &(Name, Forwarded)> {
        self.0[at..].iter().rev().filter(|(_, forwarded)| *forwarded != Forwarded::No)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_tag_closes_the_innermost_element_of_its_name_and_everything_inside() {
        let mut open = OpenElements::default();
        let [td, div, b] = ["td", "div", "b"].map(|name| Name::new(name.as_bytes()));
        open.open(td, Forwarded::No);
        open.open(div, Forwarded::Meaningful);
        open.open(b, Forwarded::Yes);
        assert_eq!(open.close(Name::new(b"p")), Closed::Nothing);
        assert_eq!(open.close(td), Closed::Inner(vec![b, div]));
        assert_eq!(open.depth(), 0);
    }

    #[test]
    fn closing_reports_a_meaningful_element_inside() {
        let mut open = OpenElements::default();
        let [td, div] = ["TD", "div"].map(|name| Name::new(name.as_bytes()));
        open.open(td, Forwarded::Yes);
        open.open(div, Forwarded::Meaningful);
        assert_eq!(open.close(Name::new(b"td")), Closed::Outermost(Forwarded::Meaningful));
    }
}
