//! Parts of history that conditions compare with.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::field::Field;
use crate::domain::series::{Point, Series};

/// Which part of history.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WindowKey {
    /// The series.
    pub series: Series,
    /// Category of a sales rank; empty for every other series.
    pub category: String,
    /// Its length; `None`: the whole history.
    pub days: Option<u32>,
}

impl WindowKey {
    /// The window of a field; `None` when history does not keep the field.
    pub fn of(field: Field, category: Option<&str>, days: Option<u32>) -> Option<Self> {
        Some(Self { series: field.series()?, category: category.unwrap_or_default().to_owned(), days })
    }

    /// When it begins.
    pub fn from(&self, now: Timestamp) -> Timestamp {
        let length = |days: u32| SignedDuration::from_hours(24 * i64::from(days));
        self.days.and_then(|days| now.checked_sub(length(days)).ok()).unwrap_or(Timestamp::MIN)
    }
}

/// What a window holds. A value holds until the next point; the value that holds at its start is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The lowest value; zero is left out.
    pub min: Option<i64>,
    /// The highest value.
    pub max: Option<i64>,
    /// The average by time, rounded.
    pub mean: Option<i64>,
    /// Number of values.
    pub points: u32,
}

/// The windows of the rules of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows(pub HashMap<WindowKey, Window>);

impl Windows {
    /// One of them; `None` when it was not read.
    pub fn get(&self, field: Field, category: Option<&str>, days: Option<u32>) -> Option<&Window> {
        self.0.get(&WindowKey::of(field, category, days)?)
    }
}

impl Window {
    /// The window of a series that ends at `now`. Points are in chronological order and include the last one before the window.
    pub fn of<'p>(points: impl Iterator<Item = &'p Point>, key: &WindowKey, now: Timestamp) -> Self {
        let from = key.from(now);
        let points: Vec<&Point> =
            points.filter(|point| point.key.series == key.series && point.key.category == key.category).collect();
        let ends = points.iter().skip(1).map(|point| point.at).chain([now]);
        let inside = points.iter().zip(ends).filter(|(point, end)| point.at <= now && *end > from);
        let mut window = Self { min: None, max: None, mean: None, points: 0 };
        let (mut weighted, mut total_ms) = (0.0, 0.0);
        for (point, end) in inside {
            let Some(value) = point.value.as_ref().and_then(|value| value.number()) else { continue };
            window.points += 1;
            window.max = window.max.max(Some(value));
            if value > 0 {
                window.min = Some(window.min.map_or(value, |min| min.min(value)));
            }
            // Databases compute it in the same way, so it is not exact either.
            let length_ms = (end.min(now).as_millisecond() - point.at.max(from).as_millisecond()) as f64;
            weighted += value as f64 * length_ms;
            total_ms += length_ms;
        }
        window.mean = Self::mean_of(weighted, total_ms);
        window
    }
}

impl Window {
    /// The average of a sum of values, each multiplied by how long it held, and of how long they held together.
    pub fn mean_of(weighted: f64, total_ms: f64) -> Option<i64> {
        (total_ms > 0.0).then(|| (weighted / total_ms).round() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::series::PointValue;

    #[test]
    fn a_window_begins_with_the_value_that_holds_at_its_start() {
        let day = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        let point = |at: i64, value: Option<i64>| Point {
            key: Series::Price.into(),
            at: day(at),
            value: value.map(PointValue::Number),
        };
        let points =
            [point(0, Some(100)), point(5, Some(400)), point(10, Some(0)), point(20, None), point(26, Some(200))];
        let window = |days| Window::of(points.iter(), &WindowKey::of(Field::Price, None, days).unwrap(), day(30));
        assert_eq!(window(Some(4)), Window { min: Some(200), max: Some(200), mean: Some(200), points: 1 });
        // Five days at 400, ten at 0, four at 200.
        assert_eq!(window(Some(25)), Window { min: Some(200), max: Some(400), mean: Some(147), points: 3 });
        assert_eq!(window(None), Window { min: Some(100), max: Some(400), mean: Some(138), points: 4 });
    }
}
