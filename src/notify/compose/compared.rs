//! Sentences about numbers: a value that moved, that is at a threshold, or that is the lowest.

use std::cmp::Ordering;

use super::numbers::difference_percent;
use super::writer::Writer;
use crate::domain::rule::{
    CompetitorEvent, Condition, Decimal, Direction, Field, Level, Lowest, Moved, Op, Reason, Threshold, Versus,
};
use crate::domain::{Currency, EventFacts};

/// The number that a test compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compared<'a> {
    pub field: Field,
    /// Of a rank.
    pub category: Option<&'a str>,
    /// The coupon is subtracted.
    pub less_coupon: bool,
    pub value: i64,
    /// What it was compared with, or the value before.
    pub was: Option<i64>,
    pub currency: Currency,
    /// The competitor whose value it is.
    pub competitor: Option<&'a str>,
}

impl<'a> Compared<'a> {
    /// The number of a reason; `None`: its test compares none, or none is known.
    pub(super) fn of(reason: &'a Reason, facts: &EventFacts) -> Option<Self> {
        let (category, less_coupon) = match &reason.test {
            Condition::Level(level) => (level.category.as_deref(), level.less_coupon),
            Condition::Moved(moved) => (moved.category.as_deref(), moved.less_coupon),
            Condition::Lowest(lowest) => (lowest.category.as_deref(), false),
            _ => (None, false),
        };
        let field = reason.field()?;
        let is_own_price = field == Field::Price && !less_coupon && !matches!(reason.test, Condition::Competitor(_));
        let price = facts.price.filter(|_| is_own_price).map(|price| price.amount_minor);
        let (value, currency) = (reason.value.or(price)?, facts.listing.marketplace.currency());
        let is_competitor = matches!(reason.test, Condition::Competitor(_));
        let competitor = reason.text.as_deref().filter(|_| is_competitor);
        Some(Self { field, category, less_coupon, value, was: reason.was, currency, competitor })
    }

    /// The sentence about it.
    pub(super) fn sentence(&self, writer: &Writer<'_>, test: &Condition, is_positive: bool) -> Option<String> {
        match test {
            Condition::PriceAtOrBelow { target } => {
                Some(self.at_threshold(writer, Op::Lte, Threshold::Money(*target), is_positive))
            }
            Condition::Level(Level { op, value, .. }) => Some(self.at_threshold(writer, *op, *value, is_positive)),
            Condition::Moved(moved) => Some(self.moved(writer, moved)),
            Condition::Lowest(lowest) => Some(self.lowest(writer, lowest, is_positive)),
            Condition::Competitor(test) => Some(self.passed(writer, test.event)),
            _ => None,
        }
    }

    /// Its name, as a label.
    pub(super) fn label(&self, writer: &Writer<'_>) -> String {
        self.named(writer, self.keys().0)
    }

    /// A number of its kind.
    pub(super) fn number(&self, writer: &Writer<'_>, number: i64) -> String {
        writer.number(self.field, number, self.currency)
    }

    fn subject(&self, writer: &Writer<'_>) -> String {
        self.named(writer, self.keys().1)
    }

    fn named(&self, writer: &Writer<'_>, key: &'static str) -> String {
        match self.category {
            Some(category) => writer.text(key, &[("category", writer.name(category).into())]),
            None => writer.plain(key),
        }
    }

    /// The keys of its name, as a label and as a subject.
    fn keys(&self) -> (&'static str, &'static str) {
        match self.field {
            Field::Price if self.less_coupon => ("field-price-after-coupon", "subject-price-after-coupon"),
            Field::Landed if self.less_coupon => ("field-landed-after-coupon", "subject-landed-after-coupon"),
            Field::Rank if self.category.is_some() => ("field-rank-in", "subject-rank-in"),
            Field::Price => ("field-price", "subject-price"),
            Field::Landed => ("field-landed", "subject-landed"),
            Field::ListPrice => ("field-list-price", "subject-list-price"),
            Field::LowestNewPrice => ("field-lowest-new-price", "subject-lowest-new-price"),
            Field::Rank => ("field-rank", "subject-rank"),
            Field::Rating => ("field-rating", "subject-rating"),
            Field::ReviewCount => ("field-review-count", "subject-review-count"),
            Field::OfferCount => ("field-offer-count", "subject-offer-count"),
            Field::DiscountPercent => ("field-discount-percent", "subject-discount-percent"),
        }
    }

    fn moved(&self, writer: &Writer<'_>, moved: &Moved) -> String {
        let base = match moved.vs {
            Versus::ListPrice => ("base-list-price", None),
            Versus::AvgDays(days) => ("base-average", Some(days)),
            Versus::MaxDays(days) => ("base-highest", Some(days)),
            Versus::MinDays(days) => ("base-lowest", Some(days)),
            Versus::Told | Versus::Extreme | Versus::Previous | Versus::Created => ("", None),
        };
        match self.was {
            Some(was) if !base.0.is_empty() => self.against(writer, base, was),
            _ => self.moved_from(writer, moved.dir),
        }
    }

    fn moved_from(&self, writer: &Writer<'_>, dir: Direction) -> String {
        let by_direction = match dir {
            Direction::Down => Ordering::Less,
            Direction::Up => Ordering::Greater,
            Direction::Any => Ordering::Equal,
        };
        let key = match (self.was.map_or(by_direction, |was| self.value.cmp(&was)), self.field) {
            (Ordering::Less, Field::Rank) => "rank-better",
            (Ordering::Greater, Field::Rank) => "rank-worse",
            (Ordering::Less, _) => "moved-down",
            (Ordering::Greater, _) => "moved-up",
            (Ordering::Equal, _) => "moved-same",
        };
        let value = self.number(writer, self.value);
        let what = writer.text(key, &[("subject", self.subject(writer).into()), ("value", value.into())]);
        writer.with_detail(what, self.change(writer))
    }

    /// "was $119.99, -25%".
    fn change(&self, writer: &Writer<'_>) -> Option<String> {
        let was = self.was.filter(|was| *was != self.value)?;
        let written = self.number(writer, was);
        Some(match self.percent_of(was).filter(|_| self.field != Field::Rank) {
            Some(percent) => writer
                .text("was-percent", &[("was", written.into()), ("percent", writer.change_percent(percent).into())]),
            None => writer.text("was", &[("was", written.into())]),
        })
    }

    /// How far it is from a base, in percent. A percentage of stars, or of a percentage, says nothing to anybody.
    fn percent_of(&self, base: i64) -> Option<Decimal> {
        let is_scale = matches!(self.field, Field::Rating | Field::DiscountPercent);
        difference_percent(self.value, base).filter(|_| !is_scale)
    }

    fn against(&self, writer: &Writer<'_>, (key, days): (&'static str, Option<u32>), was: i64) -> String {
        let was_args = ("was", self.number(writer, was).into());
        let base = match days {
            Some(days) => writer.text(key, &[("days", days.into()), was_args]),
            None => writer.text(key, &[was_args]),
        };
        let subject = ("subject", self.subject(writer).into());
        let value = ("value", self.number(writer, self.value).into());
        let key = match self.value.cmp(&was) {
            Ordering::Equal => return writer.text("against-equal", &[subject, ("base", base.into()), value]),
            Ordering::Less => "against-below",
            Ordering::Greater => "against-above",
        };
        let gap = match self.percent_of(was) {
            Some(mut percent) => {
                percent.hundredths = percent.hundredths.saturating_abs();
                writer.percent(percent)
            }
            None => self.number(writer, self.value.saturating_sub(was).saturating_abs()),
        };
        writer.text(key, &[subject, ("gap", gap.into()), ("base", base.into()), value])
    }

    fn passed(&self, writer: &Writer<'_>, event: CompetitorEvent) -> String {
        let key = match event {
            CompetitorEvent::Undercut => "competitor-undercut",
            CompetitorEvent::RankOvertaken => "competitor-overtaken",
        };
        let competitor = writer.name(self.competitor.unwrap_or_default());
        let own = self.number(writer, self.was.unwrap_or_default());
        let value = self.number(writer, self.value);
        writer.text(key, &[("competitor", competitor.into()), ("value", value.into()), ("own", own.into())])
    }

    fn at_threshold(&self, writer: &Writer<'_>, op: Op, limit: Threshold, is_positive: bool) -> String {
        let is_money = matches!(limit, Threshold::Money(_));
        let key = match (op, is_positive) {
            (Op::Lte, true) if is_money && self.field != Field::ListPrice => "level-target",
            (Op::Lte, true) => "level-at-most",
            (Op::Gte, true) => "level-at-least",
            (Op::Lte, false) => "level-above",
            (Op::Gte, false) => "level-below",
        };
        let limit = writer.threshold(self.field, limit);
        let value = self.number(writer, self.value);
        let args = [("subject", self.subject(writer).into()), ("limit", limit.into()), ("value", value.into())];
        // The value before is without the coupon: it does not compare.
        let change = if self.less_coupon { None } else { self.change(writer) };
        writer.with_detail(writer.text(key, &args), change)
    }

    fn lowest(&self, writer: &Writer<'_>, lowest: &Lowest, is_positive: bool) -> String {
        let low = match (lowest.days, self.field) {
            (Some(days), Field::Rank) => writer.text("best-days", &[("days", days.into())]),
            (Some(days), _) => writer.text("low-days", &[("days", days.into())]),
            (None, Field::Rank) => writer.plain("best-ever"),
            (None, _) => writer.plain("low-ever"),
        };
        let value = self.number(writer, self.value);
        let mut args = vec![("subject", self.subject(writer).into()), ("low", low.into()), ("value", value.into())];
        let order = self.was.map_or(Ordering::Less, |was| self.value.cmp(&was));
        let key = match (order, is_positive, lowest.within_percent) {
            (Ordering::Less, ..) => "lowest-new",
            (Ordering::Equal, ..) => "lowest-again",
            (Ordering::Greater, true, Some(percent)) => {
                args.push(("percent", writer.percent(percent).into()));
                "lowest-near"
            }
            (Ordering::Greater, ..) => "lowest-above",
        };
        let before = self.was.filter(|was| *was != self.value).map(|was| self.number(writer, was));
        let detail = before.map(|before| writer.text("before", &[("before", before.into())]));
        writer.with_detail(writer.text(key, &args), detail)
    }
}
