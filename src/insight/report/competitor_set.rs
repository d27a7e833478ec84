//! A competitor set as a report looks at it.

use super::reported::ReportedProduct;
use crate::domain::Money;
use crate::domain::steps::Window;
use crate::insight::{Comparison, Exclusion};

/// What the sections are made from.
pub(super) struct Set<'a> {
    /// The own product.
    pub own: ReportedProduct<'a>,
    /// The competitors, in the order of the comparison.
    pub competitors: &'a [ReportedProduct<'a>],
    /// The comparison.
    pub comparison: Comparison,
    /// The part of the window that has passed.
    pub window: Window,
}

impl Set<'_> {
    /// Amounts of the comparison are in the currency of the own product.
    pub(super) fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.own.currency())
    }

    /// Competitors whose price is compared.
    pub(super) fn priced(&self) -> usize {
        self.comparison.competitors.iter().filter(|row| row.price_minor.is_ok()).count()
    }
}

/// Why a price is not compared, as a clause.
pub(super) fn reason(exclusion: Exclusion) -> &'static str {
    match exclusion {
        Exclusion::OtherCurrency => "its prices are in another currency, and exchange rates are not known",
        Exclusion::OtherMarketplace => "it is sold on another marketplace, to other customers",
        Exclusion::NoPrice => "it had no featured offer at the end",
        Exclusion::Stale => "its price was last read too long before the end",
    }
}
