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

    /// The time with a value.
    pub(super) fn time(&self) -> SignedDuration {
        SignedDuration::from_millis(self.total_millis)
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
