//! A chart of a report as SVG.

use jiff::Timestamp;

use crate::chart::{Beside, ChartLanguage, MAX_BESIDE, PriceChart, Size, Theme};
use crate::domain::steps::Gap;
use crate::domain::{Currency, Point, PointValue, Series};
use crate::insight::report::{Chart, Line, ReportWindow};

/// A line as the chart draws it.
struct Drawn<'l> {
    name: &'l str,
    points: Vec<Point>,
    gaps: Vec<Gap>,
}

/// The SVG of a chart of prices: the first line, and those beside it. `None`: its unit is no currency, or it has no line.
pub(super) fn svg(chart: &Chart, window: &ReportWindow) -> Option<String> {
    let currency: Currency = chart.unit.parse().ok()?;
    let lines: Vec<Drawn<'_>> =
        chart.lines.iter().take(1 + MAX_BESIDE).map(|line| drawn(line, currency, window.to)).collect();
    let (first, others) = lines.split_first()?;
    let beside: Vec<Beside<'_>> =
        others.iter().map(|line| Beside { name: line.name, points: &line.points, gaps: &line.gaps }).collect();
    let picture = PriceChart {
        points: &first.points,
        gaps: &first.gaps,
        beside: &beside,
        ranks: &[],
        from_zero: false,
        language: ChartLanguage::default(),
        target: None,
        currency,
        from: window.from,
        to: window.to,
        zone: window.zone(),
        title: first.name,
        theme: Theme::Light,
        size: Size::default(),
    };
    Some(picture.svg())
}

fn drawn(line: &Line, currency: Currency, end: Timestamp) -> Drawn<'_> {
    let minor = |major: f64| (major * currency.minor_per_major() as f64).round() as i64;
    let point = |(at, value): &(Timestamp, Option<f64>)| Point {
        key: Series::Price.into(),
        at: *at,
        value: value.map(|value| PointValue::Number(minor(value))),
    };
    let ends = line.steps.iter().skip(1).map(|(at, _)| *at).chain([end]);
    let gaps = line.steps.iter().zip(ends).filter(|((_, value), _)| value.is_none());
    Drawn {
        name: &line.name,
        points: line.steps.iter().map(point).collect(),
        gaps: gaps.map(|((at, _), to)| Gap { from: *at, to }).collect(),
    }
}
