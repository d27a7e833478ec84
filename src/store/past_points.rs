//! Which points of a past are added to a listing's history.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::{Point, SeriesKey};

/// What history has of a listing.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// The first and the last imported point of each series.
    pub imported: BTreeMap<SeriesKey, (Point, Point)>,
    /// Our own first point of each series.
    pub own_from: BTreeMap<SeriesKey, Timestamp>,
}

impl Present {
    /// Our own first point.
    pub fn first_own(&self) -> Option<Timestamp> {
        self.own_from.values().min().copied()
    }

    /// The points that are added: before `until`, and changes against what was imported already. Points older than `keep_from` are
    /// what the retention would delete.
    pub fn additions(&self, points: Vec<Point>, until: Timestamp, keep_from: Option<Timestamp>) -> Vec<Point> {
        let mut added: Vec<Point> = points.into_iter().filter(|point| point.at < until && self.is_new(point)).collect();
        let Some(keep_from) = keep_from else { return added };
        let mut later: BTreeSet<SeriesKey> = self.imported.keys().chain(self.own_from.keys()).cloned().collect();
        added.sort_by_key(|point| point.at);
        let mut kept: Vec<Point> = Vec::with_capacity(added.len());
        for point in added.into_iter().rev() {
            if later.insert(point.key.clone()) || point.at >= keep_from {
                kept.push(point);
            }
        }
        kept.reverse();
        kept
    }

    /// Whether a point lies outside the imported part of its series. One that only continues it is no change.
    fn is_new(&self, point: &Point) -> bool {
        match self.imported.get(&point.key) {
            None => true,
            Some((first, last)) => point.at < first.at || (point.at > last.at && point.value != last.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PointValue, Series};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn point(series: Series, second: i64, value: i64) -> Point {
        Point { key: series.into(), at: at(second), value: Some(PointValue::Number(value)) }
    }

    fn price(second: i64) -> Point {
        point(Series::Price, second, second)
    }

    #[test]
    fn only_what_lies_outside_the_imported_part_of_a_series_is_added() {
        let imported = BTreeMap::from([(Series::Price.into(), (price(20), price(40)))]);
        let present = Present { imported, ..Present::default() };
        let points =
            vec![price(10), price(20), price(30), price(40), point(Series::Price, 45, 40), price(50), price(60)];
        assert_eq!(present.additions(points, at(60), None), [price(10), price(50)]);
    }

    #[test]
    fn of_what_the_retention_would_delete_only_the_last_point_of_a_series_without_others_is_added() {
        let own_from = BTreeMap::from([(Series::Rating.into(), at(100))]);
        let present = Present { own_from, ..Present::default() };
        let list = |second| point(Series::ListPrice, second, second);
        let points = vec![price(10), price(20), price(90), list(10), list(20), point(Series::Rating, 20, 450)];
        assert_eq!(present.additions(points, at(99), Some(at(50))), [list(20), price(90)]);
    }
}
