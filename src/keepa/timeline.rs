//! What one series tells over time, in Keepa's minutes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::time::keepa_minute;
use super::{MAX_VALUE, NONE};

/// What is told of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Unknown,
    /// There is none.
    None,
    /// A number.
    Number(i64),
    /// The price of an offer, and its shipping if that is stated.
    Offer {
        /// The price without shipping.
        price: i64,
        /// `None`: it is not stated.
        shipping: Option<i64>,
    },
}

impl Told {
    /// A number within the range of Keepa's; any other is not told.
    pub fn number(number: i64) -> Self {
        if (0..=MAX_VALUE).contains(&number) { Self::Number(number) } else { Self::Unknown }
    }

    /// The number; of an offer, what it costs with its shipping as far as that is stated.
    pub fn value(self) -> Option<i64> {
        match self {
            Self::Unknown | Self::None => None,
            Self::Number(number) => Some(number),
            Self::Offer { price, shipping } => Some(price + shipping.unwrap_or(0)),
        }
    }

    /// As one number of `csv`. No client has a marker for what is not known.
    pub fn encoded(self) -> i64 {
        self.value().unwrap_or(NONE)
    }
}

/// A time without knowledge, from one minute until another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTime {
    /// The first minute without knowledge.
    pub from: i64,
    /// The minute from which on values are known again; [`UnknownTime::OPEN`]: none.
    pub to: i64,
}

impl UnknownTime {
    /// It has not ended.
    pub const OPEN: i64 = i64::MAX;
}

/// Values by the minute from which on they hold: strictly ordered, no value twice in a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline(Vec<(i64, Told)>);

impl Timeline {
    /// The values of a series in the order of their times. Of several values of a minute the last one counts. What was before 2011 is
    /// left out, as Keepa's time begins then.
    pub fn of(values: impl IntoIterator<Item = (Timestamp, Told)>) -> Self {
        let by_minute = values.into_iter().map(|(at, told)| (keepa_minute(at), told));
        Self::of_minutes(by_minute.filter(|(minute, _)| *minute >= 0))
    }

    fn of_minutes(values: impl IntoIterator<Item = (i64, Told)>) -> Self {
        let mut steps: Vec<(i64, Told)> = Vec::new();
        for (minute, told) in values {
            steps.pop_if(|(last, _)| *last == minute);
            if steps.last().map_or(Told::Unknown, |(_, last)| *last) != told {
                steps.push((minute, told));
            }
        }
        Self(steps)
    }

    /// The values with the minutes from which on they hold.
    pub fn steps(&self) -> &[(i64, Told)] {
        &self.0
    }

    /// What is told of a minute.
    pub fn at(&self, minute: i64) -> Told {
        let after = self.0.partition_point(|(from, _)| *from <= minute);
        after.checked_sub(1).map_or(Told::Unknown, |last| self.0[last].1)
    }

    /// What is told in the end.
    pub fn last(&self) -> Told {
        self.0.last().map_or(Told::Unknown, |(_, told)| *told)
    }

    /// What two series tell together, at each minute at which one of them changes.
    pub fn joined(&self, other: &Self, join: impl Fn(Told, Told) -> Told) -> Self {
        let minutes: BTreeSet<i64> = self.0.iter().chain(&other.0).map(|(minute, _)| *minute).collect();
        Self::of_minutes(minutes.into_iter().map(|minute| (minute, join(self.at(minute), other.at(minute)))))
    }

    /// Leaves times unknown. A value that begins within such a time is known from then on.
    pub fn without(&self, unknown: &[UnknownTime]) -> Self {
        let mut steps = self.0.clone();
        for time in unknown.iter().filter(|time| time.from < time.to) {
            let resumed = self.at(time.to);
            let is_within = |minute: i64| (time.from..=time.to).contains(&minute);
            if time.to != UnknownTime::OPEN && !self.0.iter().any(|(minute, _)| is_within(*minute)) {
                steps.push((time.to, resumed));
            }
            if !self.0.iter().any(|(minute, _)| *minute == time.from) {
                steps.push((time.from, Told::Unknown));
            }
        }
        steps.sort_by_key(|(minute, _)| *minute);
        Self::of_minutes(steps)
    }

    /// From a minute on, with the value that holds then.
    pub fn since(&self, minute: i64) -> Self {
        let after = self.0.partition_point(|(from, _)| *from <= minute);
        Self(self.0[after.saturating_sub(1)..].to_vec())
    }

    /// The values between two minutes, each with the minutes in which it holds.
    pub fn spans(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, i64, Told)> + '_ {
        let ends = self.0.iter().skip(1).map(|(minute, _)| *minute).chain([i64::MAX]);
        let spans = self.0.iter().zip(ends).map(move |((start, told), end)| ((*start).max(from), end.min(to), *told));
        // A value that has just been read holds for no time yet.
        spans.filter(move |(start, end, _)| start < end || (*start == *end && *end == to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(steps: &[(i64, Told)]) -> Timeline {
        Timeline::of_minutes(steps.iter().copied())
    }

    #[test]
    fn times_are_floored_and_the_last_value_of_a_minute_counts() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let line = Timeline::of([
            (at("2010-12-31T23:59:59Z"), Told::Number(1)),
            (at("2011-01-01T00:01:01Z"), Told::Number(2)),
            (at("2011-01-01T00:01:59Z"), Told::Number(3)),
            (at("2011-01-01T00:02:00Z"), Told::None),
            (at("2011-01-01T00:02:30Z"), Told::Number(3)),
            (at("2011-01-01T00:09:30Z"), Told::None),
        ]);
        assert_eq!(line.steps(), [(1, Told::Number(3)), (9, Told::None)]);
    }

    #[test]
    fn a_value_holds_until_the_next_one() {
        let line = line(&[(10, Told::Number(5)), (20, Told::None)]);
        assert_eq!(
            [9, 10, 19, 20, 99].map(|minute| line.at(minute)),
            [Told::Unknown, Told::Number(5), Told::Number(5), Told::None, Told::None]
        );
        assert_eq!(line.since(15), line);
        assert_eq!(line.since(20).steps(), [(20, Told::None)]);
        assert_eq!(line.spans(12, 25).collect::<Vec<_>>(), [(12, 20, Told::Number(5)), (20, 25, Told::None)]);
    }

    #[test]
    fn unknown_times_interrupt_values_and_end_with_what_is_known_again() {
        let number = |number| Told::Number(number);
        let whole = line(&[(10, number(5)), (50, number(6)), (90, number(7))]);
        let cut = whole.without(&[UnknownTime { from: 21, to: 30 }, UnknownTime { from: 41, to: 50 }]);
        let expected = [
            (10, number(5)),
            (21, Told::Unknown),
            (30, number(5)),
            (41, Told::Unknown),
            (50, number(6)),
            (90, number(7)),
        ];
        assert_eq!(cut.steps(), expected);
        // Nothing was known before; the value of the gap's first minute was read; an open end.
        assert_eq!(line(&[(10, number(5))]).without(&[UnknownTime { from: 1, to: 5 }]).steps(), [(10, number(5))]);
        let last = whole.without(&[UnknownTime { from: 91, to: UnknownTime::OPEN }]);
        assert_eq!(last.last(), Told::Unknown);
        assert_eq!(whole.without(&[UnknownTime { from: 90, to: 95 }]), whole);
    }

    #[test]
    fn two_series_are_joined_at_the_times_of_both() {
        let (price, shipping) = (line(&[(10, Told::Number(5)), (30, Told::None)]), line(&[(20, Told::Number(1))]));
        let joined = price.joined(&shipping, |price, shipping| match (price, shipping) {
            (Told::Number(price), shipping) => Told::Offer { price, shipping: shipping.value() },
            (price, _) => price,
        });
        let offer = |shipping| Told::Offer { price: 5, shipping };
        assert_eq!(joined.steps(), [(10, offer(None)), (20, offer(Some(1))), (30, Told::None)]);
    }
}
