//! Insight: five years of a listing, and a comparison with twenty competitors, each against the limit of a request.

use std::hint::black_box;
use std::time::Instant;

use amazon_tracker::domain::thin::Columns;
use amazon_tracker::domain::{Interval, Marketplace, Point, PointValue, ProductId, Rank, Series, SeriesKey};
use amazon_tracker::insight::{Compared, ListingHistory, Peer, comparison, insight};
use amazon_tracker::service::chart_lines;
use jiff::{SignedDuration, Timestamp};

use crate::table::{Table, Target, median};

const ROUNDS: usize = 15;
const YEARS: i64 = 5;
const COMPETITORS: usize = 20;
/// What a listing with five years of points may take of the processor, in milliseconds.
const INSIGHT_LIMIT_MS: f64 = 2.0;
/// What any request may take: see ARCHITECTURE.md.
const REQUEST_LIMIT_MS: f64 = 20.0;

/// Measures everything.
pub fn run(table: &mut Table) {
    let history = history(24 * 365 * YEARS, 0);
    let own = compared(&history);
    let took = ms(|| drop(black_box(insight(&history, 90, &own.peer, &[]))));
    let what = format!("insight of {} points of five years", points(24 * 365 * YEARS, 0).len());
    table.add(&what, "ms", took, ("limit", INSIGHT_LIMIT_MS), Target::AtMost(1.0));
    let others: Vec<Compared> = (0..COMPETITORS).map(|n| compared(&self::history(24 * 365, 1 + n as i64))).collect();
    chart(table);
    let took = ms(|| drop(black_box(comparison(&own, &others, 365))));
    table.add(
        "comparison of 20 over a year",
        "ms",
        took,
        ("limit of a request", REQUEST_LIMIT_MS),
        Target::AtMost(1.0),
    );
}

/// The data of a chart of five years: how long it takes, and how much of the history it is.
fn chart(table: &mut Table) {
    let mut points = points(24 * 365 * YEARS, 0);
    points.sort_by(|a, b| (&a.key, a.at).cmp(&(&b.key, b.at)));
    let count = points.len();
    let from = now() - SignedDuration::from_hours(24 * 365 * YEARS);
    let columns = Columns { from, to: now(), count: 860 };
    let thinned = || chart_lines(points.clone(), None, &columns);
    let took = ms(|| drop(black_box(thinned())));
    let limit = ("limit of a request", REQUEST_LIMIT_MS);
    table.add("chart of five years, thinned to 860 columns", "ms", took, limit, Target::AtMost(1.0));
    let steps: usize = thinned().0.iter().map(|line| line.steps.len()).sum();
    table.add(
        "steps of this chart",
        "steps",
        steps as f64,
        ("points of the history", count as f64),
        Target::AtMost(0.5),
    );
}

fn ms(work: impl Fn()) -> f64 {
    work();
    let once = |_| {
        let started_at = Instant::now();
        work();
        started_at.elapsed().as_secs_f64() * 1e3
    };
    median((0..ROUNDS).map(once).collect())
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().expect("a time")
}

fn history(hours: i64, n: i64) -> ListingHistory {
    ListingHistory::new(points(hours, n), None, false, now())
}

/// Crawled every hour: a price that changes every ten hours, a seller every day, a rank each time, now and then out of stock.
fn points(hours: i64, n: i64) -> Vec<Point> {
    let mut points = Vec::new();
    // A linear congruential generator: the same history in each run.
    let mut state = 12_345 + n;
    let mut random = |below: i64| {
        state = (state.wrapping_mul(1_103_515_245) + 12_345) & 0x7fff_ffff;
        (state >> 8) % below
    };
    for hour in 0..hours {
        let at = now() - SignedDuration::from_hours(hours - hour);
        let mut add = |key: SeriesKey, value| points.push(Point { key, at, value: Some(value) });
        let rank = SeriesKey { series: Series::SalesRank, category: "Kitchen".to_owned() };
        if hour % 10 == 0 {
            add(Series::Price.into(), PointValue::Number(2_000 + random(500)));
        }
        if hour % 24 == 0 {
            add(Series::SellerId.into(), PointValue::Text(format!("A{:013}", random(5))));
            add(Series::ReviewCount.into(), PointValue::Number(hour));
        }
        if hour % 500 == 0 {
            add(Series::Availability.into(), PointValue::Number(1 + 2 * random(2)));
        }
        // The API reads ranks of a year.
        if hours - hour <= 24 * 365 {
            add(rank, PointValue::Number(1_000 + random(500)));
        }
    }
    points
}

fn compared(history: &ListingHistory) -> Compared {
    let peer = Peer {
        product_id: ProductId::new(),
        marketplace: Marketplace::De,
        price_minor: Some(2_100),
        shipping_minor: None,
        as_of: Some(now()),
        interval: Interval::HOURLY,
    };
    let ranks = vec![Rank { rank: 1_200, category: "Kitchen".to_owned() }];
    Compared { peer, ranks, history: history.clone() }
}
