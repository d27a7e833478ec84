//! From segments to the line and the bands that are drawn. Thinned: the size of the picture depends on its width, not
//! on the history.

use super::frame::Frame;
use super::segment::{Segment, State};
use super::svg::px;

/// Wider plots are thinned to columns of two pixels.
const WIDE: i32 = px(1_000);

/// A line without interruption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// Where the line takes an amount (tenths of a pixel; minor units), from left to right.
    pub steps: Vec<(i32, i64)>,
    /// Where it ends.
    pub end: i32,
}

/// A stretch without a line, in tenths of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Band {
    pub from: i32,
    pub to: i32,
}

/// The lines of the price, thinned so that each pixel column keeps its first, lowest, highest and last amount.
pub(super) fn runs(segments: &[Segment], frame: &Frame) -> Vec<Run> {
    let column = column(frame);
    let mut runs: Vec<Run> = Vec::new();
    for segment in segments {
        let Some(amount) = segment.price() else { continue };
        let (from, to) = (frame.x(segment.from), frame.x(segment.to));
        match runs.last_mut().filter(|run| from - run.end < column) {
            Some(run) => {
                run.steps.push((from, amount));
                run.end = to;
            }
            None => runs.push(Run { steps: vec![(from, amount)], end: to }),
        }
    }
    runs.into_iter().map(|run| Run { steps: thinned(&run.steps, column), ..run }).collect()
}

/// The stretches of one state that are wide enough to be seen.
pub(super) fn bands(segments: &[Segment], state: State, frame: &Frame) -> Vec<Band> {
    let of_state = segments.iter().filter(|segment| segment.state == state);
    let bands = of_state.map(|segment| Band { from: frame.x(segment.from), to: frame.x(segment.to) });
    bands.filter(|band| band.to - band.from >= column(frame)).collect()
}

/// The width of a column in tenths of a pixel. Nothing narrower is shown as an interruption.
fn column(frame: &Frame) -> i32 {
    if frame.right - frame.left > WIDE { px(2) } else { px(1) }
}

fn thinned(steps: &[(i32, i64)], column: i32) -> Vec<(i32, i64)> {
    steps.chunk_by(|one, other| one.0 / column == other.0 / column).flat_map(extremes).collect()
}

/// First, lowest, highest and last of a column with more than two steps, in their order and at one place.
fn extremes(steps: &[(i32, i64)]) -> Vec<(i32, i64)> {
    if steps.len() <= 2 {
        return steps.to_vec();
    }
    let amounts = || steps.iter().map(|(_, amount)| *amount).enumerate();
    let lowest = amounts().min_by_key(|(_, amount)| *amount).map_or(0, |(at, _)| at);
    let highest = amounts().max_by_key(|(_, amount)| *amount).map_or(0, |(at, _)| at);
    let mut kept = vec![0, lowest.min(highest), lowest.max(highest), steps.len() - 1];
    kept.dedup();
    kept.into_iter().map(|at| (steps[0].0, steps[at].1)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::day;
    use super::*;

    fn frame() -> Frame {
        Frame { left: 0, top: 0, right: px(100), bottom: px(50), from: day(0), to: day(100), low: 0, high: 100 }
    }

    fn segment(from: i64, to: i64, state: State) -> Segment {
        Segment { from: day(from), to: day(to), state }
    }

    #[test]
    fn a_line_is_interrupted_where_there_is_no_price() {
        let segments = [
            segment(0, 10, State::Price(5)),
            segment(10, 20, State::Price(7)),
            segment(20, 30, State::NoOffer),
            segment(30, 40, State::Price(7)),
            segment(40, 60, State::Unobserved),
        ];
        let expected =
            [Run { steps: vec![(0, 5), (px(10), 7)], end: px(20) }, Run { steps: vec![(px(30), 7)], end: px(40) }];
        assert_eq!(runs(&segments, &frame()), expected);
        assert_eq!(bands(&segments, State::NoOffer, &frame()), [Band { from: px(20), to: px(30) }]);
        assert_eq!(bands(&segments, State::Unobserved, &frame()), [Band { from: px(40), to: px(60) }]);
    }

    #[test]
    fn a_column_keeps_its_first_lowest_highest_and_last_amount() {
        let steps = [5, 6, 9, 8, 1, 3].map(|amount| (42, amount));
        assert_eq!(thinned(&steps, px(1)), [(42, 5), (42, 9), (42, 1), (42, 3)]);
        assert_eq!(thinned(&[(1, 5), (2, 6), (12, 6)], px(1)), [(1, 5), (2, 6), (12, 6)]);
    }

    #[test]
    fn interruptions_too_short_to_be_seen_do_not_break_the_line() {
        let hour = |hours: i64| day(0).checked_add(jiff::SignedDuration::from_hours(hours)).unwrap();
        let segments: Vec<_> = (0..200)
            .map(|at| {
                let state = if at % 2 == 0 { State::Price(at) } else { State::Unobserved };
                Segment { from: hour(at), to: hour(at + 1), state }
            })
            .collect();
        assert_eq!(runs(&segments, &frame()).len(), 1);
        assert!(bands(&segments, State::Unobserved, &frame()).is_empty());
    }
}
