//! Thins a series for a chart by M4: of each column the first, the lowest, the highest and the last value, and every border of a gap.
//! Drawn at as many columns, the picture is that of all values.

use jiff::Timestamp;

use super::steps::Span;

/// A value, and from when on it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When it began to hold, within the window.
    pub at: Timestamp,
    /// The value; `None`: known to be absent, or not known.
    pub value: Option<i64>,
}

/// A step, and whether it is the border of a time of which nothing is known.
#[derive(Clone, Copy)]
struct Drawn {
    step: Step,
    is_border: bool,
}

/// A window of time, cut into columns of equal length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    /// The beginning of the window.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// How many columns; at least 1.
    pub count: u32,
}

impl Columns {
    fn of(&self, at: Timestamp) -> i128 {
        let millis = |from: Timestamp, to: Timestamp| i128::from(to.as_millisecond() - from.as_millisecond());
        let count = i128::from(self.count.max(1));
        (millis(self.from, at) * count / millis(self.from, self.to).max(1)).clamp(0, count - 1)
    }
}

/// The steps that are left of the spans of a window: at most four in each column besides the borders of gaps, each at its time.
///
/// Spans must be in chronological order and lie within the window, as [`spans`](super::steps::spans) makes them.
pub fn thin(spans: &[Span<i64>], columns: &Columns) -> Vec<Step> {
    let drawn = drawn(spans, columns.to);
    let is_same_column = |a: &Drawn, b: &Drawn| columns.of(a.step.at) == columns.of(b.step.at);
    drawn.chunk_by(is_same_column).flat_map(kept).map(|drawn| drawn.step).collect()
}

/// All steps of the spans, up to the end of the window.
fn drawn(spans: &[Span<i64>], window_end: Timestamp) -> Vec<Drawn> {
    let mut drawn: Vec<Drawn> = Vec::with_capacity(spans.len());
    let border = |at, value| Drawn { step: Step { at, value }, is_border: true };
    let mut known_until = None;
    for span in spans {
        let step = Step { at: span.from, value: span.value };
        match known_until {
            Some(until) if until == span.from => {
                // A value that returns unchanged is no step.
                if drawn.last().is_none_or(|last| last.step.value != span.value) {
                    drawn.push(Drawn { step, is_border: false });
                }
            }
            before => {
                drawn.extend(before.map(|until| border(until, None)));
                drawn.push(border(span.from, span.value));
            }
        }
        known_until = Some(span.to);
    }
    drawn.extend(known_until.filter(|until| *until < window_end).map(|until| border(until, None)));
    drawn
}

/// What is kept of one column.
fn kept(column: &[Drawn]) -> impl Iterator<Item = Drawn> {
    let values = || {
        let inner = column.iter().enumerate().filter(|(_, drawn)| !drawn.is_border);
        inner.map(|(place, drawn)| (place, drawn.step.value))
    };
    let known = || values().filter_map(|(place, value)| Some((value?, place)));
    let lowest = known().min().map(|(_, place)| place);
    // The first of several that are the highest.
    let highest = known().max_by_key(|(value, place)| (*value, std::cmp::Reverse(*place))).map(|(_, place)| place);
    let (first, last) = (values().next().map(|(place, _)| place), values().next_back().map(|(place, _)| place));
    let is_kept = [first, lowest, highest, last];
    let kept = column.iter().enumerate();
    kept.filter(move |(place, drawn)| drawn.is_border || is_kept.contains(&Some(*place))).map(|(_, drawn)| *drawn)
}

#[cfg(test)]
mod tests;
