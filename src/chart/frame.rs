//! The plot: where times and amounts are in the picture.

use jiff::Timestamp;

/// The rectangle of the plot in tenths of a pixel, and what its edges stand for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
    /// The time of the left edge.
    pub from: Timestamp,
    /// The time of the right edge.
    pub to: Timestamp,
    /// The amount of the lower edge, in minor units.
    pub low: i128,
    /// The amount of the upper edge.
    pub high: i128,
}

impl Frame {
    /// Where a time is; times outside of the window are at its edge.
    pub fn x(&self, at: Timestamp) -> i32 {
        let millis = |at: Timestamp| i128::from(at.as_millisecond());
        let along = millis(at) - millis(self.from);
        self.left + part(self.right - self.left, along, millis(self.to) - millis(self.from))
    }

    /// Where an amount is; amounts outside of the axis are at its end.
    pub fn y(&self, amount_minor: i128) -> i32 {
        self.bottom - part(self.bottom - self.top, amount_minor - self.low, self.high - self.low)
    }
}

/// `length` times `along`/`whole`, rounded, from 0 to `length`.
fn part(length: i32, along: i128, whole: i128) -> i32 {
    if whole <= 0 {
        return 0;
    }
    let along = along.clamp(0, whole);
    let rounded = (i128::from(length) * along + whole / 2) / whole;
    i32::try_from(rounded).unwrap_or(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixture::day;
    use super::*;

    fn frame(from: Timestamp, to: Timestamp, low: i128, high: i128) -> Frame {
        Frame { left: 500, top: 100, right: 6_000, bottom: 2_000, from, to, low, high }
    }

    #[test]
    fn times_run_to_the_right_and_amounts_upwards() {
        let frame = frame(day(0), day(10), 100, 200);
        assert_eq!((frame.x(day(0)), frame.x(day(5)), frame.x(day(10))), (500, 3_250, 6_000));
        assert_eq!((frame.y(100), frame.y(150), frame.y(200)), (2_000, 1_050, 100));
    }

    proptest! {
        #[test]
        fn everything_is_within_the_plot(amount: i64, low: i64, span in 0..=u64::MAX, at: i32, from: i32, to: i32) {
            let time = |second: i32| Timestamp::from_second(i64::from(second)).unwrap();
            let frame = frame(time(from), time(to), low.into(), i128::from(low) + i128::from(span));
            prop_assert!((frame.left..=frame.right).contains(&frame.x(time(at))));
            prop_assert!((frame.top..=frame.bottom).contains(&frame.y(amount.into())));
        }
    }
}
