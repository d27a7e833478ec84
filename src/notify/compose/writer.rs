//! Writes values in the language and the zone of a reader.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::catalogue::{Arg, Catalogue};
use super::{numbers, times};
use crate::domain::plain_text::{clean, shorten};
use crate::domain::rule::{Decimal, Field, Threshold, Unit};
use crate::domain::{Currency, Language, Money};

/// Maximum characters of a name (a seller, a category, a coupon) within a sentence.
pub(super) const MAX_NAME_CHARS: usize = 80;

/// Writes for one reader.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub catalogue: &'a Catalogue,
    pub language: Language,
    pub zone: &'a TimeZone,
}

impl Writer<'_> {
    /// A text of the catalogue.
    pub(super) fn text(&self, key: &'static str, args: &[Arg<'_>]) -> String {
        self.catalogue.text(key, args)
    }

    /// A text without variables.
    pub(super) fn plain(&self, key: &'static str) -> String {
        self.text(key, &[])
    }

    /// A sentence with a remark in parentheses, if there is one.
    pub(super) fn with_detail(&self, what: String, detail: Option<String>) -> String {
        match detail {
            Some(detail) => self.text("detail", &[("what", what.into()), ("detail", detail.into())]),
            None => what,
        }
    }

    /// Texts one after another, as in a sentence.
    pub(super) fn list(&self, texts: impl IntoIterator<Item = String>) -> String {
        let join = |first: String, next: String| self.text("list", &[("first", first.into()), ("next", next.into())]);
        texts.into_iter().reduce(join).unwrap_or_default()
    }

    /// A name that others chose, for use within a sentence.
    pub(super) fn name(&self, name: &str) -> String {
        shorten(&clean(name), MAX_NAME_CHARS)
    }

    /// An amount.
    pub(super) fn money(&self, money: Money) -> String {
        numbers::money(money, self.language)
    }

    /// A percentage.
    pub(super) fn percent(&self, percent: Decimal) -> String {
        numbers::percent(percent, self.language)
    }

    /// A change in percent, with its sign.
    pub(super) fn change_percent(&self, change: Decimal) -> String {
        numbers::change_percent(change, self.language)
    }

    /// A number in the unit of a field.
    pub(super) fn number(&self, field: Field, number: i64, currency: Currency) -> String {
        let decimal = Decimal { hundredths: number };
        match field.unit() {
            Unit::Money => self.money(Money::new(number, currency)),
            Unit::Count => numbers::count(number, self.language),
            Unit::Hundredths if field == Field::DiscountPercent => self.percent(decimal),
            Unit::Hundredths => numbers::decimal(decimal, self.language),
        }
    }

    /// A threshold as its owner wrote it.
    pub(super) fn threshold(&self, field: Field, threshold: Threshold) -> String {
        match threshold {
            Threshold::Money(money) => self.money(money),
            Threshold::Number(number) if field == Field::DiscountPercent => self.percent(number),
            Threshold::Number(number) => numbers::decimal(number, self.language),
        }
    }

    /// A date and a time of day.
    pub(super) fn time(&self, at: Timestamp) -> String {
        times::date_time(at, self.zone, self.language)
    }

    /// A date.
    pub(super) fn date(&self, at: Timestamp) -> String {
        times::date(at, self.zone, self.language)
    }

    /// The variables `from` and `to` of a time.
    pub(super) fn range(&self, from: Timestamp, to: Timestamp) -> [Arg<'static>; 2] {
        let (from, to) = times::range(from, to, self.zone, self.language);
        [("from", from.into()), ("to", to.into())]
    }
}
