//! Thinned series against all of their values, millisecond by millisecond.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The length of the window in milliseconds.
const LENGTH: i64 = 240;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_000 + millis).unwrap()
}

/// What is drawn in a column: the value at its left edge, the lowest and the highest, and the value at its right edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pixels {
    left: Option<i64>,
    lowest: Option<i64>,
    highest: Option<i64>,
    right: Option<i64>,
}

/// The column of a millisecond, counted in the slowest way: those whose beginning is not after it.
fn column_of(millis: i64, count: u32) -> i64 {
    (0..i64::from(count)).rev().find(|column| column * LENGTH <= millis * i64::from(count)).unwrap()
}

/// The picture of values that hold at each millisecond, and of those that were read for no known time.
fn picture(value: impl Fn(i64) -> Option<i64>, moments: &[(i64, i64)], count: u32) -> Vec<Pixels> {
    let column = |number: i64| {
        let held: Vec<Option<i64>> = (0..LENGTH).filter(|ms| column_of(*ms, count) == number).map(&value).collect();
        let brief = moments.iter().filter(|(ms, _)| column_of((*ms).min(LENGTH - 1), count) == number);
        let values: Vec<i64> = held.iter().flatten().copied().chain(brief.map(|(_, value)| *value)).collect();
        Pixels {
            left: *held.first().unwrap(),
            lowest: values.iter().min().copied(),
            highest: values.iter().max().copied(),
            right: *held.last().unwrap(),
        }
    };
    (0..i64::from(count)).map(column).collect()
}

/// Spans that follow one another with gaps, without a value now and then.
fn spans() -> impl Strategy<Value = Vec<Span<i64>>> {
    let part = (0i64..4, 0i64..12, prop::option::weighted(0.8, 0i64..30));
    prop::collection::vec(part, 0..60).prop_map(|parts| {
        let (mut spans, mut begin) = (Vec::new(), 0);
        for (gap, length, value) in parts {
            // Gaps are rarer than changes.
            let from = begin + if gap == 3 { 5 } else { 0 };
            let to = from + length;
            if to > LENGTH {
                break;
            }
            // Only what a gap follows may have no length.
            if length > 0 || gap == 3 {
                spans.push(Span { from: at(from), to: at(to), value });
                begin = to + i64::from(length == 0);
            }
        }
        spans
    })
}

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond() - 1_000
}

proptest! {
    #[test]
    fn a_thinned_series_is_drawn_like_the_whole_one(spans in spans(), count in 1u32..40) {
        let columns = Columns { from: at(0), to: at(LENGTH), count };
        let steps = thin(&spans, &columns);
        let whole = |ms: i64| spans.iter().find(|span| span.from <= at(ms) && at(ms) < span.to).and_then(|span| span.value);
        let brief: Vec<_> = spans.iter().filter_map(|span| Some((millis(span.from), span.value?))).collect();
        let thinned = |ms: i64| steps.iter().rev().find(|step| step.at <= at(ms)).and_then(|step| step.value);
        let kept: Vec<_> = steps.iter().filter_map(|step| Some((millis(step.at), step.value?))).collect();
        prop_assert_eq!(picture(whole, &brief, count), picture(thinned, &kept, count));
        prop_assert!(steps.is_sorted_by_key(|step| step.at));
    }

    #[test]
    fn the_extremes_of_all_times_keep_their_value_and_their_time(spans in spans(), count in 1u32..40) {
        let steps = thin(&spans, &Columns { from: at(0), to: at(LENGTH), count });
        let priced = || spans.iter().filter_map(|span| Some((span.value?, span.from)));
        let kept = || steps.iter().filter_map(|step| Some((step.value?, step.at)));
        prop_assert_eq!(priced().min(), kept().min());
        let highest = priced().map(|(value, from)| (value, std::cmp::Reverse(from))).max();
        prop_assert_eq!(highest, kept().map(|(value, at)| (value, std::cmp::Reverse(at))).max());
    }

    #[test]
    fn a_column_has_at_most_four_steps_besides_the_borders_of_gaps(spans in spans(), count in 1u32..40) {
        let columns = Columns { from: at(0), to: at(LENGTH), count };
        let mut borders: BTreeMap<Timestamp, usize> = BTreeMap::new();
        for (n, span) in spans.iter().enumerate() {
            if n == 0 || spans[n - 1].to < span.from {
                *borders.entry(span.from).or_default() += 1;
            }
            if spans.get(n + 1).map_or(span.to < at(LENGTH), |next| span.to < next.from) {
                *borders.entry(span.to).or_default() += 1;
            }
        }
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        let mut steps = thin(&spans, &columns);
        steps.dedup();
        for step in steps {
            *counts.entry(column_of(millis(step.at).min(LENGTH - 1), count)).or_default() += 1;
        }
        for (column, found) in counts {
            let within = |at: &Timestamp| column_of(millis(*at).min(LENGTH - 1), count) == column;
            let of_gaps: usize = borders.iter().filter(|(at, _)| within(at)).map(|(_, count)| count).sum();
            prop_assert!(found <= 4 + of_gaps, "{found} in column {column}, {of_gaps} of them borders");
        }
    }
}

#[test]
fn a_low_of_one_hour_in_a_year_is_kept_beside_what_held_before_and_after() {
    let prices = [(0, 100, 500), (100, 101, 90), (101, 240, 510)];
    let spans = prices.map(|(from, to, value)| Span { from: at(from), to: at(to), value: Some(value) });
    let steps = thin(&spans, &Columns { from: at(0), to: at(240), count: 2 });
    let found: Vec<_> = steps.iter().map(|step| (millis(step.at), step.value)).collect();
    assert_eq!(found, [(0, Some(500)), (100, Some(90)), (101, Some(510))]);
}

#[test]
fn a_gap_has_both_of_its_borders() {
    let spans =
        [(0, 50, 7), (80, 120, 7)].map(|(from, to, value)| Span { from: at(from), to: at(to), value: Some(value) });
    let steps = thin(&spans, &Columns { from: at(0), to: at(240), count: 1 });
    let found: Vec<_> = steps.iter().map(|step| (millis(step.at), step.value)).collect();
    assert_eq!(found, [(0, Some(7)), (50, None), (80, Some(7)), (120, None)]);
}
