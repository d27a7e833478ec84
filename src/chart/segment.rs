//! Cuts a history to a window: which price, or which lack of one, held from when to when.

use jiff::Timestamp;

use crate::domain::Point;
use crate::domain::steps::Gap;

/// What is known about a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The price, in minor units.
    Price(i64),
    /// There was none.
    NoOffer,
    /// No crawl succeeded.
    Unobserved,
}

/// A stretch of time within the window with one state. A price that was read and lasted for no known time has no
/// length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub from: Timestamp,
    pub to: Timestamp,
    pub state: State,
}

impl Segment {
    /// The price, in minor units.
    pub fn price(&self) -> Option<i64> {
        match self.state {
            State::Price(amount_minor) => Some(amount_minor),
            State::NoOffer | State::Unobserved => None,
        }
    }
}

/// The segments of a window, in chronological order. The time before the first point has none. Of points at one time
/// the last counts.
pub(super) fn segments(points: &[Point], gaps: &[Gap], from: Timestamp, to: Timestamp) -> Vec<Segment> {
    let gaps = disjoint(gaps);
    let mut segments = Vec::new();
    for held in held(points, from, to) {
        cut(&held, &gaps, &mut segments);
    }
    let unobserved = gaps.iter().filter(|gap| gap.from < to && gap.to > from).map(|gap| Segment {
        from: gap.from.max(from),
        to: gap.to.min(to),
        state: State::Unobserved,
    });
    segments.extend(unobserved);
    segments.sort_by_key(|segment| (segment.from, segment.to));
    segments
}

/// The values of the window, as if there were no gaps.
fn held(points: &[Point], from: Timestamp, to: Timestamp) -> Vec<Segment> {
    let state = |point: &Point| match point.value.as_ref().and_then(|value| value.number()) {
        Some(amount_minor) => State::Price(amount_minor),
        None => State::NoOffer,
    };
    let mut changes: Vec<_> =
        points.iter().filter(|point| point.at <= to).map(|point| (point.at, state(point))).collect();
    // The order is promised, and cheap to make sure of.
    changes.sort_by_key(|(at, _)| *at);
    let ends = changes.iter().skip(1).map(|(at, _)| *at).map(Some).chain([None]);
    let inside = changes.iter().zip(ends).filter(|((at, _), next)| match next {
        Some(next) => next > at && *next > from,
        None => from < to,
    });
    inside
        .map(|((at, state), next)| Segment { from: from.max(*at), to: next.unwrap_or(to).min(to), state: *state })
        .collect()
}

/// Adds what gaps leave of a segment. A price that was read when a gap began is kept.
fn cut(held: &Segment, gaps: &[Gap], segments: &mut Vec<Segment>) {
    let first = gaps.partition_point(|gap| gap.to <= held.from);
    let mut from = held.from;
    for gap in gaps[first..].iter().take_while(|gap| gap.from < held.to) {
        if gap.from >= from {
            segments.push(Segment { from, to: gap.from, ..*held });
        }
        from = gap.to;
    }
    // A price that was read at the very end of the window has no length, either.
    if from < held.to || from == held.from {
        segments.push(Segment { from, ..*held });
    }
}

/// The gaps in order and without overlap. Those that touch stay apart: a crawl succeeded in between.
fn disjoint(gaps: &[Gap]) -> Vec<Gap> {
    let mut sorted: Vec<Gap> = gaps.iter().copied().filter(|gap| gap.from < gap.to).collect();
    sorted.sort_by_key(|gap| gap.from);
    sorted.dedup_by(|next, gap| {
        let overlaps = next.from < gap.to;
        if overlaps {
            gap.to = gap.to.max(next.to);
        }
        overlaps
    });
    sorted
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{day, gap, points};
    use super::*;

    fn of(prices: &[(i64, Option<i64>)], gaps: &[Gap], from: i64, to: i64) -> Vec<(i64, i64, State)> {
        let days = |at: Timestamp| at.as_second() / 86_400;
        let segments = segments(&points(prices), gaps, day(from), day(to));
        segments.iter().map(|segment| (days(segment.from), days(segment.to), segment.state)).collect()
    }

    #[test]
    fn the_last_value_before_the_window_counts_from_its_start_and_later_ones_do_not_count() {
        let prices = [(0, Some(1)), (5, Some(2)), (15, Some(3)), (30, Some(4))];
        assert_eq!(of(&prices, &[], 10, 20), [(10, 15, State::Price(2)), (15, 20, State::Price(3))]);
    }

    #[test]
    fn time_without_a_successful_crawl_and_time_without_an_offer_have_no_price() {
        let prices = [(1, Some(1)), (4, None), (6, Some(2))];
        let expected = [
            (1, 2, State::Price(1)),
            (2, 3, State::Unobserved),
            (3, 4, State::Price(1)),
            (4, 6, State::NoOffer),
            (6, 9, State::Price(2)),
        ];
        assert_eq!(of(&prices, &[gap(2, 3)], 0, 9), expected);
    }

    #[test]
    fn a_price_that_was_read_just_before_a_gap_is_kept() {
        let expected = [(1, 1, State::Price(7)), (1, 5, State::Unobserved)];
        assert_eq!(of(&[(1, Some(7))], &[gap(1, 5)], 0, 5), expected);
    }

    #[test]
    fn of_a_price_that_a_gap_hides_at_the_start_of_the_window_nothing_is_left() {
        assert_eq!(of(&[(1, Some(7))], &[gap(2, 8)], 4, 6), [(4, 6, State::Unobserved)]);
    }

    #[test]
    fn a_price_that_was_read_at_the_end_of_the_window_counts() {
        assert_eq!(of(&[(5, Some(7))], &[], 0, 5), [(5, 5, State::Price(7))]);
    }

    #[test]
    fn gaps_that_overlap_are_counted_once() {
        let expected = [(0, 4, State::Unobserved), (4, 5, State::Price(7))];
        assert_eq!(of(&[(1, Some(7))], &[gap(1, 4), gap(0, 2), gap(3, 3)], 0, 5), expected);
    }
}
