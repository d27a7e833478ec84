//! How often a listing changes, estimated from what its crawls saw.
//!
//! Changes are taken as a Poisson process. A crawl does not see them: it sees whether there was at least one since the crawl before,
//! and the time between the two varies. Estimating a rate from such observations is the problem of J. Cho and H. Garcia-Molina,
//! "Estimating frequency of change", ACM Transactions on Internet Technology 3(3), 2003. Dividing the changes seen by the time is
//! biased: several changes between two crawls count as one. Their maximum likelihood estimator for irregular intervals needs all
//! intervals, and is infinite while every crawl saw a change. This is the Bayesian estimator of the same model with a gamma prior,
//! which is finite from the first crawl on: the posterior is exact when nothing has changed, and otherwise replaced by the gamma
//! distribution of the same mean and variance (assumed density filtering), so two numbers are enough.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const SECS_PER_DAY: f64 = 86_400.0;
/// What is assumed of a listing that was never compared: a change in five days, on little evidence. Half of the prices of Amazon
/// change less often; a listing that changes more often shows it within a few crawls.
const PRIOR_CHANGES: f64 = 0.5;
const PRIOR_DAYS: f64 = 2.5;
/// After so long, an observation counts half: rates change with seasons and sellers.
const HALF_LIFE_DAYS: f64 = 60.0;
/// Two crawls less than this far apart are one.
const MIN_ELAPSED_DAYS: f64 = 1.0 / SECS_PER_DAY;
/// With fewer comparisons, the estimate is the prior more than anything else.
const MIN_COMPARISONS: u32 = 3;

/// A gamma distribution over the rate of changes of a listing. Whole numbers, so that it survives the JSON of every store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRate {
    /// Changes seen, in millionths, with those of the prior: the shape of the distribution.
    changes_millionths: u64,
    /// Time compared, in seconds, with that of the prior: the rate parameter of the distribution.
    compared_secs: u64,
    /// Crawls that were compared with the one before.
    comparisons: u32,
    /// The last of them.
    as_of: Timestamp,
}

impl ChangeRate {
    /// What is assumed after the first crawl, which compares nothing.
    pub fn prior(at: Timestamp) -> Self {
        Self::of(PRIOR_CHANGES, PRIOR_DAYS, 0, at)
    }

    /// The estimate after a crawl at `at` that found the listing changed, or not, since the last one. A crawl at the same time or
    /// before tells nothing.
    #[must_use]
    pub fn after_crawl(self, at: Timestamp, has_changed: bool) -> Self {
        let elapsed_days = at.duration_since(self.as_of).as_secs_f64() / SECS_PER_DAY;
        if elapsed_days < MIN_ELAPSED_DAYS {
            return self;
        }
        let kept = 0.5_f64.powf(elapsed_days / HALF_LIFE_DAYS);
        let forget = |value: f64, prior: f64| prior + kept * (value - prior);
        let (changes, days) = (forget(self.changes(), PRIOR_CHANGES), forget(self.compared_days(), PRIOR_DAYS));
        let (changes, days) =
            if has_changed { changed_within(changes, days, elapsed_days) } else { (changes, days + elapsed_days) };
        Self::of(changes, days, self.comparisons.saturating_add(1), at)
    }

    /// The expected number of changes a day.
    pub fn per_day(self) -> f64 {
        self.changes() / self.compared_days()
    }

    /// True when there were enough crawls to tell the rate.
    pub fn is_known(self) -> bool {
        self.comparisons >= MIN_COMPARISONS
    }

    /// Successful crawls: those that were compared with the one before, and the first one.
    pub fn crawls(self) -> u32 {
        self.comparisons.saturating_add(1)
    }

    fn of(changes: f64, compared_days: f64, comparisons: u32, as_of: Timestamp) -> Self {
        // Never zero: both are divided by. `as` saturates.
        let changes_millionths = (changes * 1e6).round().max(1.0) as u64;
        let compared_secs = (compared_days * SECS_PER_DAY).round().max(1.0) as u64;
        Self { changes_millionths, compared_secs, comparisons, as_of }
    }

    fn changes(self) -> f64 {
        self.changes_millionths.max(1) as f64 / 1e6
    }

    fn compared_days(self) -> f64 {
        self.compared_secs.max(1) as f64 / SECS_PER_DAY
    }
}

/// The gamma distribution (shape, rate parameter) with the mean and variance of the posterior after at least one change within
/// `elapsed`, whose likelihood is 1 − e^(−λ·elapsed).
///
/// The n-th moment of a gamma distribution weighted with e^(−λ·elapsed) is its own, times (rate/(rate + elapsed))^(shape + n): so all
/// three moments are differences of known ones.
fn changed_within(shape: f64, rate: f64, elapsed: f64) -> (f64, f64) {
    let growth = (elapsed / rate).ln_1p();
    // 1 − (rate/(rate + elapsed))^(shape + n), without cancellation.
    let weight = |n: f64| -(-(shape + n) * growth).exp_m1();
    let mean = shape / rate * weight(1.0) / weight(0.0);
    let square = shape * (shape + 1.0) / (rate * rate) * weight(2.0) / weight(0.0);
    let variance = square - mean * mean;
    // Cannot be otherwise but by rounding.
    if variance > 0.0 { (mean * mean / variance, mean / variance) } else { (shape, rate) }
}

#[cfg(test)]
impl ChangeRate {
    /// A rate that is known.
    pub(super) fn of_per_day(changes_per_day: f64) -> Self {
        Self::of(changes_per_day * 1000.0, 1000.0, MIN_COMPARISONS, Timestamp::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn after_days(days: f64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis((days * SECS_PER_DAY * 1000.0) as i64)
    }

    /// The estimate after crawls at these intervals of a listing that changes at a rate.
    fn estimate(changes_per_day: f64, intervals: impl Iterator<Item = f64>, random: &mut StdRng) -> ChangeRate {
        let (mut rate, mut days) = (ChangeRate::prior(after_days(0.0)), 0.0);
        for interval in intervals {
            days += interval;
            let has_changed = random.random::<f64>() < -(-changes_per_day * interval).exp_m1();
            rate = rate.after_crawl(after_days(days), has_changed);
        }
        rate
    }

    fn mean_estimate(changes_per_day: f64, interval: impl Fn(f64) -> f64, crawls: usize) -> f64 {
        const LISTINGS: usize = 300;
        let mut random = StdRng::seed_from_u64(1);
        let one = |random: &mut StdRng| {
            let intervals: Vec<f64> = (0..crawls).map(|_| interval(random.random())).collect();
            estimate(changes_per_day, intervals.into_iter(), random).per_day()
        };
        (0..LISTINGS).map(|_| one(&mut random)).sum::<f64>() / LISTINGS as f64
    }

    /// The naive estimate is 0.63 changes a day at one change a day and daily crawls, and at most 1 at any rate.
    #[test]
    fn the_rate_is_found_although_several_changes_between_two_crawls_are_seen_as_one() {
        for changes_per_day in [0.05, 0.3, 1.0, 2.0] {
            let regular = mean_estimate(changes_per_day, |_| 1.0, 120);
            let irregular = mean_estimate(changes_per_day, |random| 0.1 + 1.8 * random, 120);
            for (kind, found) in [("regular", regular), ("irregular", irregular)] {
                assert!((found / changes_per_day - 1.0).abs() < 0.15, "{kind}: {found} of {changes_per_day}");
            }
        }
    }

    #[test]
    fn the_rate_follows_a_listing_that_becomes_volatile_or_quiet() {
        let mut random = StdRng::seed_from_u64(1);
        let daily = |n: usize| std::iter::repeat_n(1.0, n);
        let quiet = estimate(0.01, daily(200), &mut random);
        assert!(quiet.per_day() < 0.05, "{}", quiet.per_day());
        let mut rate = quiet;
        for day in 1..=10 {
            rate = rate.after_crawl(after_days(200.0 + f64::from(day)), true);
        }
        assert!(rate.per_day() > 5.0 * quiet.per_day(), "{}", rate.per_day());
        for day in 11..=130 {
            rate = rate.after_crawl(after_days(200.0 + f64::from(day)), false);
        }
        assert!(rate.per_day() < 0.1, "{}", rate.per_day());
    }

    #[test]
    fn a_crawl_at_the_same_time_or_before_tells_nothing() {
        let rate = ChangeRate::prior(after_days(1.0)).after_crawl(after_days(2.0), true);
        for days in [2.0, 1.5, 2.000_001] {
            assert_eq!(rate.after_crawl(after_days(days), true), rate);
        }
    }

    #[test]
    fn survives_its_json() {
        let rate = ChangeRate::prior(after_days(1.0)).after_crawl(after_days(2.0), true);
        let json = serde_json::to_string(&rate).unwrap();
        assert_eq!(serde_json::from_str::<ChangeRate>(&json).unwrap(), rate);
    }

    proptest! {
        /// Whatever crawls saw, and however far they were apart.
        #[test]
        fn the_rate_is_a_positive_number_and_a_change_never_lowers_it(
            crawls in vec((-12.0..7.0_f64, any::<bool>()), 1..200)
        ) {
            let (mut rate, mut days) = (ChangeRate::prior(after_days(0.0)), 0.0);
            for (ln_interval, has_changed) in crawls {
                days += ln_interval.exp();
                let at = after_days(days);
                let (unchanged, changed) = (rate.after_crawl(at, false), rate.after_crawl(at, true));
                prop_assert!(changed.per_day() >= unchanged.per_day());
                rate = if has_changed { changed } else { unchanged };
                prop_assert!((1e-6..1e7).contains(&rate.per_day()), "{rate:?}");
            }
        }
    }
}
