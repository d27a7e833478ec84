//! Medians of a window that slides over a step function.

use jiff::Timestamp;

use crate::domain::steps::Span;

/// The time-weighted median of a window whose ends only move on: a Fenwick tree over the different values holds how long each was the
/// value within the window, so that a step costs the logarithm of their number.
pub(super) struct SlidingMedian<'s> {
    /// The spans with a value, in order of time.
    spans: Vec<(&'s Span<i64>, usize)>,
    /// The different values, sorted.
    values: Vec<i64>,
    tree: Vec<i64>,
    from: Cursor,
    to: Cursor,
    total: i64,
}

/// An end of the window.
#[derive(Clone, Copy)]
struct Cursor {
    at: Timestamp,
    /// The first span that does not end before it.
    span: usize,
}

impl<'s> SlidingMedian<'s> {
    /// An empty window at the beginning of the spans.
    pub(super) fn over(spans: &'s [Span<i64>]) -> Self {
        let known = spans.iter().filter_map(|span| Some((span, span.value?)));
        let (mut spans, mut order): (Vec<_>, Vec<_>) =
            known.enumerate().map(|(at, (span, value))| ((span, 0), (value, at))).unzip();
        order.sort_unstable();
        let mut values: Vec<i64> = Vec::new();
        for (value, at) in order {
            if values.last() != Some(&value) {
                values.push(value);
            }
            spans[at].1 = values.len() - 1;
        }
        let start = Cursor { at: spans.first().map_or(Timestamp::MIN, |(span, _)| span.from), span: 0 };
        let tree = vec![0; values.len() + 1];
        Self { spans, values, tree, from: start, to: start, total: 0 }
    }

    /// Moves the window on. Returns its median, and the days of it that have a value. Neither end may move back, and the beginning may not
    /// pass the end.
    pub(super) fn slide_to(&mut self, from: Timestamp, to: Timestamp) -> Option<(i64, f64)> {
        self.to = self.moved(self.to, to, 1);
        self.from = self.moved(self.from, from, -1);
        let days = self.total as f64 / 86_400_000.0;
        (self.total > 0).then(|| (self.values[self.index_of_half()], days))
    }

    /// Adds the time between the cursor and its new place to the values that held then, or takes it away.
    fn moved(&mut self, mut cursor: Cursor, at: Timestamp, sign: i64) -> Cursor {
        while let Some((span, index)) = self.spans.get(cursor.span).copied() {
            let (begin, end) = (span.from.max(cursor.at), span.to.min(at));
            if end > begin {
                self.add(index, sign * (end.as_millisecond() - begin.as_millisecond()));
            }
            if span.to > at {
                break;
            }
            cursor.span += 1;
        }
        Cursor { at: cursor.at.max(at), ..cursor }
    }

    fn add(&mut self, index: usize, millis: i64) {
        self.total += millis;
        let mut node = index + 1;
        while let Some(sum) = self.tree.get_mut(node) {
            *sum += millis;
            node += node & node.wrapping_neg();
        }
    }

    /// The first value at or below which half the time was spent.
    fn index_of_half(&self) -> usize {
        let (mut index, mut below) = (0, 0);
        let mut step = self.values.len().next_power_of_two();
        while step > 0 {
            if let Some(sum) = self.tree.get(index + step)
                && 2 * (below + sum) < self.total
            {
                index += step;
                below += sum;
            }
            step /= 2;
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::distribution::Distribution;
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    proptest! {
        #[test]
        fn each_window_has_the_median_of_its_spans(
            lengths in prop::collection::vec((1i64..9, prop::option::of(0i64..6)), 0..20),
            steps in prop::collection::vec((0i64..9, 0i64..9), 0..20),
        ) {
            let mut spans = Vec::new();
            let mut end = 0;
            for (length, value) in lengths {
                spans.push(Span { from: at(end), to: at(end + length), value });
                end += length;
            }
            let mut median = SlidingMedian::over(&spans);
            let (mut from, mut to) = (0, 0);
            for (step_from, step_to) in steps {
                to += step_to;
                from = (from + step_from).min(to);
                let inside: Vec<Span<i64>> = spans
                    .iter()
                    .map(|span| Span { from: span.from.max(at(from)), to: span.to.min(at(to)), value: span.value })
                    .filter(|span| span.to > span.from)
                    .collect();
                let expected = Distribution::of(&inside);
                let found = median.slide_to(at(from), at(to));
                prop_assert_eq!(found.map(|(value, _)| value), expected.median());
                prop_assert!((found.map_or(0.0, |(_, days)| days) - expected.days()).abs() < 1e-9);
            }
        }
    }
}
