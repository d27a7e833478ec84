//! Fewer points of a history that still tell the same: exact extremes and last values, and in between the extremes of equal parts.

use jiff::Timestamp;

use super::series::{Point, PointValue, SeriesKey};

/// Points without which a sample would lie: the first, the lowest, the highest and the last.
const ESSENTIAL: usize = 4;

/// One series of a history, in at most so many points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledSeries {
    /// The series.
    pub key: SeriesKey,
    /// How many points it has.
    pub count: usize,
    /// The lowest number, and when it was first reached; `None`: it has no numbers.
    pub min: Option<(Timestamp, i64)>,
    /// The highest number, and when it was first reached.
    pub max: Option<(Timestamp, i64)>,
    /// Its last point.
    pub last: (Timestamp, Option<PointValue>),
    /// Points by time: all of them, or a selection that has the extremes, the first and the last one.
    pub points: Vec<(Timestamp, Option<PointValue>)>,
}

impl SampledSeries {
    /// True when points were left out.
    pub fn is_sampled(&self) -> bool {
        self.points.len() < self.count
    }
}

/// Samples points that are sorted by series, category and time: at most `max_points` of all series together. Short series are kept
/// whole, and leave their share to the others.
pub fn sample(points: &[Point], max_points: usize) -> Vec<SampledSeries> {
    let series: Vec<&[Point]> = points.chunk_by(|a, b| a.key == b.key).collect();
    let lengths: Vec<usize> = series.iter().map(|points| points.len()).collect();
    let shares = shares(&lengths, max_points);
    series.into_iter().zip(shares).filter_map(|(points, share)| sampled(points, share)).collect()
}

/// How many points each series may keep: all of them, if they are fewer than an equal share of what the shorter ones leave.
fn shares(lengths: &[usize], max_points: usize) -> Vec<usize> {
    let mut by_length: Vec<usize> = (0..lengths.len()).collect();
    by_length.sort_by_key(|at| lengths[*at]);
    let mut shares = vec![0; lengths.len()];
    let (mut left, mut waiting) = (max_points, lengths.len());
    for at in by_length {
        shares[at] = lengths[at].min(left / waiting);
        left -= shares[at];
        waiting -= 1;
    }
    shares
}

fn sampled(points: &[Point], share: usize) -> Option<SampledSeries> {
    let (first, last) = (points.first()?, points.last()?);
    let numbers = || points.iter().filter_map(|point| Some((point.at, point.value.as_ref()?.number()?)));
    let kept = if points.len() <= share { (0..points.len()).collect() } else { selection(points, share) };
    Some(SampledSeries {
        key: first.key.clone(),
        count: points.len(),
        // Of equal ones the first.
        min: numbers().min_by_key(|(_, number)| *number),
        max: numbers().rev().max_by_key(|(_, number)| *number),
        last: (last.at, last.value.clone()),
        points: kept.into_iter().map(|at| (points[at].at, points[at].value.clone())).collect(),
    })
}

/// The positions of at most `share` points, in order: those that are essential, and of equal parts of the series the lowest and the
/// highest. No value is lower than any number, so times without one stay visible.
fn selection(points: &[Point], share: usize) -> Vec<usize> {
    let all = 0..points.len();
    let numbers = || all.clone().filter(|at| number(&points[*at]).is_some());
    let lowest = numbers().min_by_key(|at| number(&points[*at]));
    let highest = numbers().rev().max_by_key(|at| number(&points[*at]));
    let essential = [Some(points.len() - 1), lowest, highest, Some(0)];
    let mut kept: Vec<usize> = essential.into_iter().flatten().take(share).collect();
    let parts = share.saturating_sub(ESSENTIAL) / 2;
    for part in 0..parts {
        let within = part * points.len() / parts..(part + 1) * points.len() / parts;
        kept.extend(within.clone().min_by_key(|at| order(&points[*at])));
        kept.extend(within.rev().max_by_key(|at| order(&points[*at])));
    }
    kept.sort_unstable();
    kept.dedup();
    kept
}

fn number(point: &Point) -> Option<i64> {
    point.value.as_ref()?.number()
}

fn order(point: &Point) -> (Option<i64>, Option<&str>) {
    (number(point), point.value.as_ref().and_then(PointValue::text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Series;

    fn at(second: usize) -> Timestamp {
        Timestamp::from_second(second as i64).unwrap()
    }

    fn points(series: Series, values: &[Option<i64>]) -> Vec<Point> {
        let point = |(n, value): (usize, &Option<i64>)| Point {
            key: series.into(),
            at: at(n),
            value: value.map(PointValue::Number),
        };
        values.iter().enumerate().map(point).collect()
    }

    fn values(series: &SampledSeries) -> Vec<Option<i64>> {
        series.points.iter().map(|(_, value)| value.as_ref().and_then(PointValue::number)).collect()
    }

    #[test]
    fn a_series_that_fits_is_kept_whole() {
        let series = sample(&points(Series::Price, &[Some(3), None, Some(5)]), 3);
        assert_eq!(values(&series[0]), [Some(3), None, Some(5)]);
        assert!(!series[0].is_sampled());
        assert_eq!((series[0].min, series[0].max), (Some((at(0), 3)), Some((at(2), 5))));
    }

    #[test]
    fn a_sample_keeps_the_extremes_the_ends_and_the_times_without_a_value() {
        let mut prices: Vec<Option<i64>> = (0..1000).map(|n| Some(5000 + n % 7)).collect();
        (prices[311], prices[700], prices[500]) = (Some(1), Some(9999), None);
        let series = sample(&points(Series::Price, &prices), 50);
        let kept = values(&series[0]);
        assert!(kept.len() <= 50 && series[0].is_sampled());
        assert!(kept.contains(&Some(1)) && kept.contains(&Some(9999)) && kept.contains(&None), "{kept:?}");
        assert_eq!((kept[0], *kept.last().unwrap()), (prices[0], prices[999]));
        assert_eq!((series[0].min, series[0].max), (Some((at(311), 1)), Some((at(700), 9999))));
        assert_eq!((series[0].count, &series[0].last), (1000, &(at(999), prices[999].map(PointValue::Number))));
    }

    #[test]
    fn short_series_leave_their_share_to_the_others() {
        let mut all = points(Series::Price, &(0..100).map(|n| Some(n % 7)).collect::<Vec<_>>());
        all.extend(points(Series::Shipping, &[Some(1); 5]));
        let lengths: Vec<usize> = sample(&all, 60).iter().map(|series| series.points.len()).collect();
        assert_eq!(lengths[1], 5);
        assert!((45..=55).contains(&lengths[0]), "{lengths:?}");
    }

    #[test]
    fn without_room_for_points_the_extremes_are_told_nevertheless() {
        let series = sample(&points(Series::Price, &[Some(2), Some(1), Some(3)]), 0);
        assert!(series[0].points.is_empty() && series[0].is_sampled());
        assert_eq!((series[0].min, series[0].max), (Some((at(1), 1)), Some((at(2), 3))));
    }

    proptest! {
        #[test]
        fn any_history_is_sampled_within_its_limit_with_its_extremes(
            histories in proptest::collection::vec(proptest::collection::vec(proptest::option::of(0i64..50), 1..300), 1..4),
            max_points in 20usize..200,
        ) {
            let all_series = [Series::Price, Series::Shipping, Series::ListPrice];
            let all: Vec<Point> =
                all_series.iter().zip(&histories).flat_map(|(series, values)| points(*series, values)).collect();
            let sampled = sample(&all, max_points);
            prop_assert_eq!(sampled.len(), histories.len());
            prop_assert!(sampled.iter().map(|series| series.points.len()).sum::<usize>() <= max_points);
            for (series, history) in sampled.iter().zip(&histories) {
                let kept = values(series);
                prop_assert!(series.points.is_sorted_by(|a, b| a.0 < b.0));
                prop_assert_eq!(series.min.map(|(_, min)| min), history.iter().copied().flatten().min());
                prop_assert_eq!(series.max.map(|(_, max)| max), history.iter().copied().flatten().max());
                prop_assert!(series.min.is_none_or(|(_, min)| kept.contains(&Some(min))));
                prop_assert!(series.max.is_none_or(|(_, max)| kept.contains(&Some(max))));
                prop_assert_eq!(kept.last(), history.last());
            }
        }
    }
}
