//! Replays histories of listings against two ways to crawl them, with the same number of crawls: adaptively, as the daemon does, and
//! all at the same interval. A crawl sees the value of its moment, and nothing else.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use amazon_tracker::domain::{ChangeRate, CrawlAllocation, CrawlBudget, Interval, IntervalBounds};
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const SECS_PER_DAY: f64 = 86_400.0;
/// The daemon does it every few minutes; rates hardly move in this time.
const ALLOCATED_EVERY_SECS: f64 = 6.0 * 3600.0;
const SEED: u64 = 14;

/// The values of a listing: each from a time on, in days since the begin of the simulation.
pub type History = Vec<(f64, i64)>;

/// How far the values that crawls knew lagged behind the true ones, on average over all listings and times.
#[derive(Debug, Clone, Copy)]
pub struct Staleness {
    /// How many crawls there were.
    pub crawls: usize,
    /// For how long the known value had been out of date; 0 while it was not.
    pub mean_age_hours: f64,
    /// The share of time in which the known value was out of date.
    pub share: f64,
}

/// The staleness of adaptive and of uniform crawling, with the same number of crawls: about one a day for each listing.
pub fn compare(histories: &[History], days: f64) -> (Staleness, Staleness) {
    let adaptive = Simulation::new(histories, days).run(&mut Adaptive::new(histories.len()));
    let interval_secs = days * SECS_PER_DAY * histories.len() as f64 / adaptive.crawls as f64;
    (adaptive, Simulation::new(histories, days).run(&mut Uniform { interval_secs }))
}

/// A way to choose intervals.
trait Policy {
    /// Before the first crawl, and at times.
    fn allocate(&mut self);
    /// The interval after a crawl.
    fn interval_secs(&mut self, listing: usize, at_secs: f64, has_changed: bool) -> f64;
}

struct Uniform {
    interval_secs: f64,
}

impl Policy for Uniform {
    fn allocate(&mut self) {}

    fn interval_secs(&mut self, _: usize, _: f64, _: bool) -> f64 {
        self.interval_secs
    }
}

/// As `actors/decide.rs` and the maintenance job do it.
struct Adaptive {
    rates: Vec<Option<ChangeRate>>,
    allocation: Option<CrawlAllocation>,
}

impl Adaptive {
    fn new(listings: usize) -> Self {
        Self { rates: vec![None; listings], allocation: None }
    }
}

impl Policy for Adaptive {
    fn allocate(&mut self) {
        let mut budget =
            CrawlBudget::new(IntervalBounds { min: Interval::from_secs(900).unwrap(), max: Interval::WEEKLY });
        self.rates.iter().flatten().for_each(|rate| budget.add(*rate, Interval::DAILY));
        self.allocation = budget.allocation();
    }

    fn interval_secs(&mut self, listing: usize, at_secs: f64, has_changed: bool) -> f64 {
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_millis((at_secs * 1000.0) as i64);
        let rate = self.rates[listing].map_or_else(|| ChangeRate::prior(at), |rate| rate.after_crawl(at, has_changed));
        self.rates[listing] = Some(rate);
        let interval = self.allocation.map(|allocation| allocation.interval(rate, Interval::DAILY));
        f64::from(interval.unwrap_or(Interval::DAILY).as_secs())
    }
}

struct Simulation<'h> {
    histories: &'h [History],
    end_secs: f64,
    random: StdRng,
}

/// What crawls know of a listing.
#[derive(Clone, Copy, Default)]
struct Known {
    crawled_secs: f64,
    value: Option<i64>,
}

impl<'h> Simulation<'h> {
    fn new(histories: &'h [History], days: f64) -> Self {
        Self { histories, end_secs: days * SECS_PER_DAY, random: StdRng::seed_from_u64(SEED) }
    }

    fn run(mut self, policy: &mut impl Policy) -> Staleness {
        let mut known = vec![Known::default(); self.histories.len()];
        // Milliseconds, which can be compared.
        let ms = |secs: f64| (secs * 1000.0) as u64;
        let mut due: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        for listing in 0..self.histories.len() {
            due.push(Reverse((ms(self.random.random::<f64>() * SECS_PER_DAY), listing)));
        }
        let (mut crawls, mut age, mut stale_secs, mut allocated_secs) = (0, 0.0, 0.0, f64::NEG_INFINITY);
        while let Some(Reverse((due_ms, listing))) = due.pop() {
            let now = due_ms as f64 / 1000.0;
            if now >= self.end_secs {
                break;
            }
            if now >= allocated_secs + ALLOCATED_EVERY_SECS {
                policy.allocate();
                allocated_secs = now;
            }
            crawls += 1;
            let before = known[listing];
            let (aged, stale, value) = self.since(listing, before, now);
            (age, stale_secs) = (age + aged, stale_secs + stale);
            known[listing] = Known { crawled_secs: now, value };
            let interval = policy.interval_secs(listing, now, before.value.is_some() && value != before.value);
            due.push(Reverse((ms(now + interval * (0.9 + 0.2 * self.random.random::<f64>())), listing)));
        }
        for (listing, known) in known.iter().enumerate() {
            let (aged, stale, _) = self.since(listing, *known, self.end_secs);
            (age, stale_secs) = (age + aged, stale_secs + stale);
        }
        let all_secs = self.end_secs * self.histories.len() as f64;
        Staleness { crawls, mean_age_hours: age / all_secs / 3600.0, share: stale_secs / all_secs }
    }

    /// The age (its integral over time, in seconds²) and the seconds out of date of what was known since the last crawl, and the
    /// true value now. Before the first crawl nothing is known, and nothing is counted.
    fn since(&self, listing: usize, known: Known, now: f64) -> (f64, f64, Option<i64>) {
        let history = &self.histories[listing];
        let first = history.partition_point(|(days, _)| days * SECS_PER_DAY <= known.crawled_secs);
        let end = history.partition_point(|(days, _)| days * SECS_PER_DAY <= now);
        let (mut age, mut stale, mut outdated_since) = (0.0, 0.0, None);
        let mut end_stale = |since: &mut Option<f64>, until: f64| {
            if let Some(since) = since.take() {
                age += (until - since) * (until - since) / 2.0;
                stale += until - since;
            }
        };
        if known.value.is_some() {
            for (days, value) in &history[first..end] {
                if Some(*value) == known.value {
                    end_stale(&mut outdated_since, days * SECS_PER_DAY);
                } else if outdated_since.is_none() {
                    outdated_since = Some(days * SECS_PER_DAY);
                }
            }
            end_stale(&mut outdated_since, now);
        }
        (age, stale, end.checked_sub(1).map(|last| history[last].1))
    }
}

/// Histories of listings that change at given rates (a day), each time to a new value.
pub fn poisson(rates: impl IntoIterator<Item = f64>, days: f64) -> Vec<History> {
    let mut random = StdRng::seed_from_u64(SEED + 1);
    let mut history = |rate: f64| {
        let mut next = 0.0;
        let times = std::iter::from_fn(|| {
            next -= (1.0 - random.random::<f64>()).ln() / rate;
            (next < days).then_some(next)
        });
        std::iter::once(0.0).chain(times).zip(0..).collect()
    };
    rates.into_iter().map(&mut history).collect()
}

/// Of five listings, one changes twice a day, and the others once in two months.
pub fn a_fifth_volatile(listings: usize) -> impl Iterator<Item = f64> {
    (0..listings).map(|n| if n % 5 == 0 { 2.0 } else { 1.0 / 60.0 })
}

/// Rates whose logarithms are normally distributed around a change in ten days, with a standard deviation.
pub fn log_normal(listings: usize, deviation: f64) -> impl Iterator<Item = f64> {
    let mut random = StdRng::seed_from_u64(SEED + 2);
    (0..listings).map(move |_| {
        let (radius, angle) = (1.0 - random.random::<f64>(), random.random::<f64>());
        let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        0.1 * (deviation * normal).exp()
    })
}
