//! How the crawls of adaptive products are spread over listings that change at different rates.
//!
//! The classical result on refresh policies for Poisson changes: J. Cho and H. Garcia-Molina, "Effective page refresh policies for Web
//! crawlers", ACM Transactions on Database Systems 28(4), 2003; and its tractable form: Y. Azar, E. Horvitz, E. Lubetzky, Y. Peres and
//! D. Shahaf, "Tractable near-optimal policies for crawling", PNAS 115(32), 2018. The sum of a convex cost over all listings is least,
//! for a given number of crawls a day, where one crawl a day more would gain the same at each listing. This gain is the Lagrange
//! multiplier of the budget. It is one number for all listings, so each finds its interval from its own rate alone, without knowing
//! the others.
//!
//! The cost is the mean *age* of Cho and Garcia-Molina: for how long the known value has been out of date, 0 while it is up to date.
//! Their other measure, the share of time out of date, is least when listings that change faster than the budget can follow are not
//! crawled at all, because every crawl of them is soon outdated; and those are the ones that a tenant watches closely. With the mean
//! age, a listing that changes more often is always crawled more often, and an error of the estimated rate costs less.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::change_rate::ChangeRate;
use super::interval::Interval;

const SECS_PER_DAY: f64 = 86_400.0;
/// Rates are grouped into bins of 1 %, so that a million listings are a few thousand numbers.
const BINS_PER_E_FOLD: f64 = 100.0;
/// Multipliers beyond these belong to intervals far outside of what an [`Interval`] can be.
const LN_GAINS: (f64, f64) = (-60.0, 60.0);
/// Halvings of that range, down to a precision of 10⁻¹⁰.
const BISECTIONS: u32 = 40;

/// The shortest and the longest interval of adaptive products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntervalBounds {
    /// Not more often: of the plan.
    pub min: Interval,
    /// Not more seldom, unless the average interval of the product is longer: no listing starves.
    pub max: Interval,
}

impl IntervalBounds {
    /// The longest interval of a product with an average interval.
    fn max_for(self, average: Interval) -> Interval {
        self.max.max(average).max(self.min)
    }
}

/// What the adaptive products of a tenant have in common: a listing's interval follows from this and its own rate of changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CrawlAllocation {
    /// By how much one crawl a day more would lower the mean age of a listing, in days²: the Lagrange multiplier.
    pub marginal_gain: f64,
    /// See [`IntervalBounds::min`].
    pub min_interval_secs: u32,
    /// See [`IntervalBounds::max`].
    pub max_interval_secs: u32,
}

impl CrawlAllocation {
    /// The interval of a listing, for a product with an average interval: the average itself until the rate is known.
    pub fn interval(&self, rate: ChangeRate, average: Interval) -> Interval {
        if !rate.is_known() {
            return average;
        }
        let secs = |secs| Interval::from_secs(secs).unwrap_or(average);
        let bounds = IntervalBounds { min: secs(self.min_interval_secs), max: secs(self.max_interval_secs) };
        let days = bounded_days(rate.per_day(), self.marginal_gain, bounds.min, bounds.max_for(average));
        // At most 366 days.
        secs((days * SECS_PER_DAY).round() as u32)
    }
}

/// The listings of a tenant's adaptive products, by their rates, and the crawls that they may cost together.
#[derive(Debug, Clone)]
pub struct CrawlBudget {
    bounds: IntervalBounds,
    /// How many listings there are of a rate (its bin) and with a longest interval.
    listings: BTreeMap<(i32, Interval), u32>,
    crawls_per_day: f64,
}

impl CrawlBudget {
    /// No listings yet.
    pub fn new(bounds: IntervalBounds) -> Self {
        Self { bounds, listings: BTreeMap::new(), crawls_per_day: 0.0 }
    }

    /// Adds a listing. Its product brings as many crawls into the budget as it would cost at its average interval. It has no part in
    /// the budget until its rate is known.
    pub fn add(&mut self, rate: ChangeRate, average: Interval) {
        if !rate.is_known() {
            return;
        }
        // Within ± 25, as rates are: see `ChangeRate`.
        let bin = (rate.per_day().ln() * BINS_PER_E_FOLD).round() as i32;
        *self.listings.entry((bin, self.bounds.max_for(average))).or_default() += 1;
        self.crawls_per_day += SECS_PER_DAY / f64::from(average.as_secs());
    }

    /// The allocation that costs as many crawls as the budget has, as far as the bounds allow; `None` without listings of known
    /// rates.
    pub fn allocation(&self) -> Option<CrawlAllocation> {
        if self.listings.is_empty() {
            return None;
        }
        let (mut low, mut high) = LN_GAINS;
        for _ in 0..BISECTIONS {
            let middle = f64::midpoint(low, high);
            // The higher the gain that is asked of a crawl, the fewer crawls.
            if self.cost(middle.exp()) > self.crawls_per_day { low = middle } else { high = middle }
        }
        Some(CrawlAllocation {
            marginal_gain: high.exp(),
            min_interval_secs: self.bounds.min.as_secs(),
            max_interval_secs: self.bounds.max.as_secs(),
        })
    }

    /// Crawls a day.
    fn cost(&self, marginal_gain: f64) -> f64 {
        let crawls = |(&(bin, max), &count): (&(i32, Interval), &u32)| {
            let changes_per_day = (f64::from(bin) / BINS_PER_E_FOLD).exp();
            f64::from(count) / bounded_days(changes_per_day, marginal_gain, self.bounds.min, max)
        };
        self.listings.iter().map(crawls).sum()
    }
}

/// The interval at which one crawl a day more gains `marginal_gain`, within bounds; all in days.
///
/// With λ changes a day, an interval I and r = λI, the mean age is I·(1/2 − 1/r + (1 − e^(−r))/r²). Its derivative by the frequency
/// 1/I is −g(r)/λ², with g of [`gain`]. So g(r) = λ²·gain is to be solved for r.
fn bounded_days(changes_per_day: f64, marginal_gain: f64, min: Interval, max: Interval) -> f64 {
    let days = changes_at_gain(changes_per_day * changes_per_day * marginal_gain) / changes_per_day;
    let in_days = |interval: Interval| f64::from(interval.as_secs()) / SECS_PER_DAY;
    // `max` also makes a number of NaN.
    days.max(in_days(min)).min(in_days(max))
}

/// r²/2 − 1 + (1 + r)·e^(−r), which rises from 0, slowly first: r³/3 − r⁴/8 + …
fn gain(r: f64) -> f64 {
    // Where the terms cancel, the series is more precise.
    if r < 0.05 {
        r.powi(3) * (1.0 / 3.0 - r * (1.0 / 8.0 - r * (1.0 / 30.0 - r / 144.0)))
    } else {
        r * r / 2.0 - 1.0 + (1.0 + r) * (-r).exp()
    }
}

/// The inverse of [`gain`], by Newton's method: from below the first step leads above the root of the convex function, and all
/// further ones go down to it.
fn changes_at_gain(wanted: f64) -> f64 {
    const STEPS: u32 = 30;
    // Both are bounds from below.
    let mut r = (3.0 * wanted).cbrt().max((2.0 * wanted).sqrt());
    for _ in 0..STEPS {
        let slope = -r * (-r).exp_m1();
        let step = (gain(r) - wanted) / slope;
        r -= step;
        if step.abs() <= 1e-12 * r {
            break;
        }
    }
    r
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn secs(secs: u32) -> Interval {
        Interval::from_secs(secs).unwrap()
    }

    fn bounds() -> IntervalBounds {
        IntervalBounds { min: Interval::HOURLY, max: secs(7 * 86_400) }
    }

    /// Listings with their average intervals: from a change in three years to hundreds a day.
    fn listings() -> impl Strategy<Value = Vec<(ChangeRate, Interval)>> {
        let rate = (-7.0..6.0_f64).prop_map(|ln| ChangeRate::of_per_day(ln.exp()));
        let average = prop_oneof![3 => Just(Interval::DAILY), 1 => Just(secs(6 * 3600)), 1 => Just(secs(10 * 86_400))];
        vec((rate, average), 1..60)
    }

    fn budget(listings: &[(ChangeRate, Interval)]) -> CrawlBudget {
        let mut budget = CrawlBudget::new(bounds());
        listings.iter().for_each(|(rate, average)| budget.add(*rate, *average));
        budget
    }

    fn days(interval: Interval) -> f64 {
        f64::from(interval.as_secs()) / SECS_PER_DAY
    }

    fn mean_age(changes_per_day: f64, interval_days: f64) -> f64 {
        let r = changes_per_day * interval_days;
        interval_days * if r < 1e-3 { r / 6.0 } else { 0.5 - 1.0 / r - (-r).exp_m1() / (r * r) }
    }

    proptest! {
        /// Rates are rounded to 1 % and intervals to seconds.
        #[test]
        fn the_crawls_of_all_listings_are_the_budget_unless_all_are_at_a_bound(listings in listings()) {
            let allocation = budget(&listings).allocation().unwrap();
            let interval = |(rate, average): &(ChangeRate, Interval)| allocation.interval(*rate, *average);
            let cost: f64 = listings.iter().map(|listing| 1.0 / days(interval(listing))).sum();
            let given: f64 = listings.iter().map(|(_, average)| 1.0 / days(*average)).sum();
            let is_free = |listing: &(ChangeRate, Interval)| {
                (bounds().min.as_secs() + 1..bounds().max_for(listing.1).as_secs()).contains(&interval(listing).as_secs())
            };
            prop_assert!((cost / given - 1.0).abs() < 0.01 || !listings.iter().any(is_free), "{cost} of {given}");
        }

        /// The conditions of Karush, Kuhn and Tucker.
        #[test]
        fn one_more_crawl_gains_the_same_at_all_listings_that_are_not_at_a_bound(listings in listings()) {
            let allocation = budget(&listings).allocation().unwrap();
            for (rate, average) in listings {
                let (interval, rate) = (allocation.interval(rate, average), rate.per_day());
                let gains = gain(rate * days(interval)) / (rate * rate);
                if interval <= bounds().min {
                    prop_assert!(gains >= allocation.marginal_gain * 0.999);
                } else if interval >= bounds().max_for(average) {
                    prop_assert!(gains <= allocation.marginal_gain * 1.001);
                } else {
                    // An interval of an hour is rounded to half a second.
                    prop_assert!((gains / allocation.marginal_gain - 1.0).abs() < 0.001, "{gains} {allocation:?}");
                }
            }
        }

        #[test]
        fn no_exchange_of_crawls_between_two_listings_makes_them_younger(listings in listings(), moved in 0.01..0.5_f64) {
            let allocation = budget(&listings).allocation().unwrap();
            let (min, max) = (days(bounds().min), days(bounds().max));
            for pair in listings.windows(2) {
                let now = [0, 1].map(|n| (pair[n].0.per_day(), 1.0 / days(allocation.interval(pair[n].0, pair[n].1))));
                let moved = moved * now[0].1.min(now[1].1);
                let other = [(now[0].0, now[0].1 + moved), (now[1].0, now[1].1 - moved)];
                if other.iter().any(|(_, crawls)| !(1.0 / max..=1.0 / min).contains(crawls)) {
                    continue;
                }
                let age = |both: [(f64, f64); 2]| both.iter().map(|(rate, crawls)| mean_age(*rate, 1.0 / crawls)).sum::<f64>();
                prop_assert!(age(other) >= age(now) * 0.9999, "{now:?} {other:?}");
            }
        }

        #[test]
        fn the_order_of_listings_does_not_matter(listings in listings()) {
            let reversed: Vec<_> = listings.iter().rev().copied().collect();
            let (one, other) = (budget(&listings).allocation().unwrap(), budget(&reversed).allocation().unwrap());
            prop_assert!((one.marginal_gain / other.marginal_gain - 1.0).abs() < 1e-6);
        }

        #[test]
        fn a_listing_that_changes_more_often_is_crawled_at_least_as_often(listings in listings()) {
            let allocation = budget(&listings).allocation().unwrap();
            let mut rates: Vec<ChangeRate> = listings.iter().map(|(rate, _)| *rate).collect();
            rates.sort_by(|one, other| one.per_day().total_cmp(&other.per_day()));
            let intervals: Vec<Interval> =
                rates.iter().map(|rate| allocation.interval(*rate, Interval::DAILY)).collect();
            prop_assert!(intervals.is_sorted_by(|one, other| one >= other), "{intervals:?}");
        }

        #[test]
        fn no_listing_is_crawled_more_often_or_more_seldom_than_the_bounds(listings in listings(), ln_gain in -80.0..80.0_f64) {
            let mut allocation = budget(&listings).allocation().unwrap();
            for gain in [allocation.marginal_gain, ln_gain.exp(), 0.0, f64::NAN, f64::INFINITY, -1.0] {
                allocation.marginal_gain = gain;
                for (rate, average) in &listings {
                    let interval = allocation.interval(*rate, *average);
                    prop_assert!((bounds().min..=bounds().max_for(*average)).contains(&interval), "{interval}");
                }
            }
        }

        #[test]
        fn a_larger_budget_makes_no_interval_longer(listings in listings()) {
            let of = |average| budget(&listings.iter().map(|(rate, _)| (*rate, average)).collect::<Vec<_>>()).allocation();
            let (small, large) = (of(Interval::DAILY).unwrap(), of(secs(6 * 3600)).unwrap());
            for (rate, _) in &listings {
                prop_assert!(large.interval(*rate, Interval::DAILY) <= small.interval(*rate, Interval::DAILY));
            }
        }

        #[test]
        fn the_gain_is_inverted(ln in -40.0..12.0_f64) {
            let r = ln.exp();
            prop_assert!((changes_at_gain(gain(r)) / r - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn the_gain_is_the_derivative_of_the_mean_age() {
        for (rate, interval) in
            [(0.1, 1.0), (0.5, 3.0), (2.0, 0.7), (10.0, 1.0), (0.04, 1.0), (0.0499, 1.0), (0.0501, 1.0)]
        {
            let crawls: f64 = 1.0 / interval;
            let age = |crawls: f64| mean_age(rate, 1.0 / crawls);
            let slope = (age(crawls * 0.9999) - age(crawls * 1.0001)) / (crawls * 0.0002);
            let gained = gain(rate * interval) / (rate * rate);
            assert!((slope / gained - 1.0).abs() < 1e-4, "{rate} {interval}: {slope} {gained}");
        }
    }

    #[test]
    fn listings_that_change_alike_are_crawled_at_the_average_interval() {
        for rate in [0.001, 0.2, 30.0].map(ChangeRate::of_per_day) {
            let allocation = budget(&[(rate, Interval::DAILY); 5]).allocation().unwrap();
            let interval = days(allocation.interval(rate, Interval::DAILY));
            assert!((interval - 1.0).abs() < 0.01, "{interval}");
        }
        assert_eq!(CrawlBudget::new(bounds()).allocation(), None);
    }

    #[test]
    fn a_plan_with_a_longer_minimum_than_the_average_is_kept_to() {
        let bounds = IntervalBounds { min: secs(30 * 86_400), max: secs(7 * 86_400) };
        let mut budget = CrawlBudget::new(bounds);
        let rate = ChangeRate::of_per_day(1.0);
        budget.add(rate, Interval::DAILY);
        assert_eq!(budget.allocation().unwrap().interval(rate, Interval::DAILY), bounds.min);
    }
}
