//! How long each value held.

use jiff::SignedDuration;

use crate::domain::steps::Span;

/// A day in milliseconds.
const DAY_MILLIS: f64 = 86_400_000.0;

/// A duration in days.
pub(super) fn days_of(time: SignedDuration) -> f64 {
    time.as_secs_f64() / 86_400.0
}

/// The values of a step function with the time that each held, sorted by value.
pub(super) struct Distribution {
    /// Each value once, with its time in milliseconds.
    values: Vec<(i64, i64)>,
    total_millis: i64,
}

/// The median of the spans with a value, and their time, as a [`Distribution`] has them, in a time that
/// grows with their number alone.
pub(super) fn median_and_time(spans: &[Span<i64>]) -> (Option<i64>, SignedDuration) {
    let mut times: Vec<(i64, i64)> = spans.iter().filter_map(|span| Some((span.value?, span.millis()))).collect();
    let total: i64 = times.iter().map(|(_, millis)| millis).sum();
    (half_reached(&mut times, total), SignedDuration::from_millis(total))
}

/// The lowest value at or below which half the total time was spent.
fn half_reached(mut times: &mut [(i64, i64)], total: i64) -> Option<i64> {
    let mut below = 0;
    while times.len() > 1 {
        let (lower, (value, millis), higher) = times.select_nth_unstable_by_key(times.len() / 2, |(value, _)| *value);
        let in_lower: i64 = lower.iter().map(|(_, millis)| millis).sum();
        if 2 * (below + in_lower) >= total {
            times = lower;
        } else if 2 * (below + in_lower + *millis) >= total {
            return Some(*value);
        } else {
            below += in_lower + *millis;
            times = higher;
        }
    }
    times.first().map(|(value, _)| *value)
}

impl Distribution {
    /// Of the spans with a value.
    pub(super) fn of(spans: &[Span<i64>]) -> Self {
        Self::weighted(spans.iter().filter_map(|span| Some((span.value?, span.millis()))).collect())
    }

    fn weighted(mut times: Vec<(i64, i64)>) -> Self {
        times.sort_unstable_by_key(|(value, _)| *value);
        times.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            kept.1 += if is_same { next.1 } else { 0 };
            is_same
        });
        let total_millis = times.iter().map(|(_, millis)| millis).sum();
        Self { values: times, total_millis }
    }

    /// The time with a value, in days.
    pub(super) fn days(&self) -> f64 {
        self.total_millis as f64 / DAY_MILLIS
    }

    /// How many different values there are.
    pub(super) fn distinct(&self) -> usize {
        self.values.len()
    }

    /// The lowest value.
    pub(super) fn lowest(&self) -> Option<i64> {
        self.values.first().map(|(value, _)| *value)
    }

    /// The highest value.
    pub(super) fn highest(&self) -> Option<i64> {
        self.values.last().map(|(value, _)| *value)
    }

    /// The mean, weighted by time and rounded; `None`: no value held for any time.
    pub(super) fn mean(&self) -> Option<i64> {
        let sum: i128 = self.values.iter().map(|(value, millis)| i128::from(*value) * i128::from(*millis)).sum();
        let total = i128::from(self.total_millis);
        let mean = (total > 0).then(|| (sum + total / 2).div_euclid(total))?;
        i64::try_from(mean).ok()
    }

    /// The share of the time during which the value was higher, with half the time at which it was the same.
    pub(super) fn percentile(&self, current: i64) -> Option<f64> {
        let time = |wanted: &dyn Fn(i64) -> bool| -> i64 {
            self.values.iter().filter(|(value, _)| wanted(*value)).map(|(_, millis)| millis).sum()
        };
        let twice = 2 * time(&|value| value > current) + time(&|value| value == current);
        (self.total_millis > 0).then(|| twice as f64 / (2.0 * self.total_millis as f64))
    }

    /// The lowest value at or below which half the time was spent.
    pub(super) fn median(&self) -> Option<i64> {
        let mut reached = 0;
        let half = self.values.iter().find(|(_, millis)| {
            reached += millis;
            2 * reached >= self.total_millis
        });
        half.map(|(value, _)| *value)
    }

    /// The median of the distances from the median.
    pub(super) fn median_deviation(&self) -> Option<i64> {
        let median = self.median()?;
        let distances = self.values.iter().map(|(value, millis)| ((value - median).abs(), *millis)).collect();
        Self::weighted(distances).median()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_median_without_a_distribution_is_the_same(
            lengths in prop::collection::vec((0i64..9, prop::option::of(0i64..6)), 0..20),
        ) {
            let at = |seconds| Timestamp::from_second(seconds).unwrap();
            let spans = lengths.iter().map(|(length, value)| Span { from: at(0), to: at(*length), value: *value });
            let spans: Vec<Span<i64>> = spans.collect();
            let distribution = Distribution::of(&spans);
            prop_assert_eq!(median_and_time(&spans), (distribution.median(), SignedDuration::from_millis(distribution.total_millis)));
        }
    }
}
