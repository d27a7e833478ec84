//! The sales rank beside the price: a line of its own, with an axis on the right whose top is the best rank.

use super::PriceChart;
use super::amount::grouped;
use super::amount_axis::AmountAxis;
use super::segment::{Segment, segments};
use super::summary::Summary;
use crate::domain::{Point, PointValue};

/// The ranks of a chart. They are counted below zero, so that the best one is the highest.
pub(super) struct Ranks {
    pub segments: Vec<Segment>,
    pub axis: AmountAxis,
    best: i64,
    worst: i64,
}

impl Ranks {
    /// `None`: no rank is known in the window.
    pub fn of(chart: &PriceChart) -> Option<Self> {
        let below_zero = |point: &Point| {
            let rank = point.value.as_ref().and_then(PointValue::number);
            Point { value: rank.map(|rank| PointValue::Number(rank.saturating_neg())), ..point.clone() }
        };
        let points: Vec<Point> = chart.ranks.iter().map(below_zero).collect();
        let segments = segments(&points, chart.gaps, chart.from, chart.to);
        let Summary { lowest, highest, .. } = Summary::of(&segments)?;
        let (worst, best) = (lowest.amount_minor, highest.amount_minor);
        Some(Self { segments, axis: AmountAxis::new(worst, best, None), best, worst })
    }

    /// Ticks with their labels. There is no rank zero.
    pub fn ticks(&self) -> Vec<(i128, String)> {
        let ranks = self.axis.amounts().filter(|amount| *amount < 0);
        ranks.map(|amount| (amount, format!("#{}", grouped(amount.unsigned_abs())))).collect()
    }

    /// The best and the worst rank.
    pub fn range(&self) -> String {
        let [best, worst] = [self.best, self.worst].map(|rank| grouped(rank.unsigned_abs().into()));
        format!("#{best} – #{worst}")
    }
}
