//! The elements that are open, those that the parser has not seen included.

/// Longest part of a name that tells elements apart; longer names are of no element that matters.
const NAME_BYTES: usize = 16;

/// Void elements, which have no end tag.
const VOID: [Name; 17] = Name::all([
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "hr", "img", "input", "keygen", "link", "meta",
    "param", "source", "track", "wbr",
]);

/// Drawings and formulas.
const FOREIGN: [Name; 2] = Name::all(["svg", "math"]);

/// A name in lower case, packed into one number so that comparing two is cheap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(u128);

impl Name {
    /// From a name in any case.
    pub(super) const fn new(name: &[u8]) -> Self {
        let mut packed = [0; NAME_BYTES];
        let mut at = 0;
        while at < name.len() && at < NAME_BYTES {
            packed[at] = name[at].to_ascii_lowercase();
            at += 1;
        }
        Self(u128::from_le_bytes(packed))
    }

    /// A table of names.
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

    /// True for `<br>` and its like.
    pub(super) fn is_void(self) -> bool {
        VOID.contains(&self)
    }
}

/// Whether the parser knows of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Its tag was withheld.
    No,
    /// Its tag was passed on.
    Yes,
    /// Its tag was passed on, and may mean something.
    Meaningful,
}

/// What an end tag does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Nothing: no such element is open.
    Nothing,
    /// It ends elements that the parser knows least of all as the outermost says.
    Outermost(Known),
    /// It ends an element that the parser does not know, and inside of it these that it does, innermost first.
    Inner(Vec<Name>),
}

/// The open elements. An end tag closes the innermost element of its name and everything inside of it: the same rule as
/// the parser's own, so that both always agree on what is open.
#[derive(Debug, Default)]
pub(super) struct OpenElements(Vec<(Name, Known)>);

impl OpenElements {
    pub(super) fn open(&mut self, name: Name, known: Known) {
        self.0.push((name, known));
    }

    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    /// True inside of a drawing or a formula, where `<x/>` has no end tag.
    pub(super) fn are_foreign(&self) -> bool {
        self.0.iter().any(|(name, _)| FOREIGN.contains(name))
    }

    pub(super) fn close(&mut self, name: Name) -> Closed {
        let Some(at) = self.0.iter().rposition(|(open, _)| *open == name) else { return Closed::Nothing };
        let closed = match self.0[at].1 {
            Known::No => Closed::Inner(self.known_from(at).map(|(name, _)| *name).collect()),
            Known::Yes if self.known_from(at).any(|(_, known)| *known == Known::Meaningful) => {
                Closed::Outermost(Known::Meaningful)
            }
            known => Closed::Outermost(known),
        };
        self.0.truncate(at);
        closed
    }

    fn known_from(&self, at: usize) -> impl Iterator<Item = &(Name, Known)> {
        self.0[at..].iter().rev().filter(|(_, known)| *known != Known::No)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_tag_closes_the_innermost_element_of_its_name_and_all_inside() {
        let mut open = OpenElements::default();
        let [td, div, b] = ["td", "div", "b"].map(|name| Name::new(name.as_bytes()));
        open.open(td, Known::No);
        open.open(div, Known::Meaningful);
        open.open(b, Known::Yes);
        assert_eq!(open.close(Name::new(b"p")), Closed::Nothing);
        assert_eq!(open.close(td), Closed::Inner(vec![b, div]));
        assert_eq!(open.depth(), 0);
    }

    #[test]
    fn an_element_that_may_mean_something_is_told_when_it_closes() {
        let mut open = OpenElements::default();
        let [td, div] = ["TD", "div"].map(|name| Name::new(name.as_bytes()));
        open.open(td, Known::Yes);
        open.open(div, Known::Meaningful);
        assert_eq!(open.close(Name::new(b"td")), Closed::Outermost(Known::Meaningful));
    }
}
