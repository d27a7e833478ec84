//! The rows of the Buy Box accordion: new, used, Subscribe & Save, local store, … The page selects one of them.

/// The ways to buy that a page offers.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<Row>);

#[derive(Debug)]
struct Row {
    name: String,
    number: u32,
    is_active: bool,
}

/// What a row offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    New,
    /// A used item or a subscription, whose price is told apart by [`super::layout::Within`].
    Apart,
    /// Never a purchase of this item.
    Never,
}

/// Beginnings of the names of the rows that are not of kind [`Kind::New`].
const KINDS: &[(&str, Kind)] = &[
    ("used", Kind::Apart),
    ("sns", Kind::Apart),
    ("subscri", Kind::Apart),
    ("rent", Kind::Never),
    ("buyBack", Kind::Never),
    ("kindleKU", Kind::Never),
];

impl Rows {
    /// The number of a row, from 1. Its parts, in the Buy Box and in the centre of the page, have the same one.
    pub(super) fn enter(&mut self, name: &str, number: u32, is_active: bool) -> usize {
        let at = self.0.iter().position(|row| row.name == name && row.number == number).unwrap_or_else(|| {
            self.0.push(Row { name: name.to_owned(), number, is_active: false });
            self.0.len() - 1
        });
        self.0[at].is_active |= is_active;
        at + 1
    }

    /// True for a row with another offer than the featured one, which is that of the selected row; if that is not a new offer, that
    /// of the first row with one.
    pub(super) fn is_other_offer(&self, number: usize) -> bool {
        let Some(row) = number.checked_sub(1).and_then(|at| self.0.get(at)) else { return false };
        match row.kind() {
            Kind::New => self.featured() != Some(number),
            Kind::Apart => false,
            Kind::Never => true,
        }
    }

    fn featured(&self) -> Option<usize> {
        let new = || self.0.iter().enumerate().filter(|(_, row)| row.kind() == Kind::New);
        new().find(|(_, row)| row.is_active).or_else(|| new().next()).map(|(at, _)| at + 1)
    }
}

impl Row {
    fn kind(&self) -> Kind {
        KINDS.iter().find(|(beginning, _)| self.name.starts_with(beginning)).map_or(Kind::New, |(_, kind)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_new_offer_is_the_featured_one() {
        let mut rows = Rows::default();
        let sns = rows.enter("snsAccordionRowMiddle", 0, false);
        let first = rows.enter("newAccordionRow", 0, false);
        let local = rows.enter("almAccordionRow", 0, false);
        assert!(!rows.is_other_offer(first) && rows.is_other_offer(local), "without a selected row, the first one");
        assert_eq!(rows.enter("almAccordionRow", 0, true), local, "a part of the same row");
        assert!(rows.is_other_offer(first) && !rows.is_other_offer(local) && !rows.is_other_offer(sns));
        assert!(!rows.is_other_offer(0), "outside of rows");
    }

    #[test]
    fn a_selected_subscription_does_not_decide_the_price() {
        let mut rows = Rows::default();
        rows.enter("snsAccordionRowMiddle", 0, true);
        let new = rows.enter("newAccordionRow", 0, false);
        assert!(!rows.is_other_offer(new));
    }
}
