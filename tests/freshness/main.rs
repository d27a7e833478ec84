//! Adaptive crawling against uniform crawling with the same number of crawls, on generated histories: a small run of the benchmark
//! `freshness`.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

#[path = "../support/refresh_simulation.rs"]
mod refresh_simulation;

use refresh_simulation::{Staleness, a_fifth_volatile, compare, log_normal, poisson};

const LISTINGS: usize = 60;
const DAYS: f64 = 90.0;

/// The ratios of mean age and of the time out of date, after making sure that the crawls were as many, and within the budget.
fn ratios((adaptive, uniform): (Staleness, Staleness)) -> (f64, f64) {
    let budget = LISTINGS as f64 * DAYS;
    for crawls in [adaptive.crawls, uniform.crawls].map(|crawls| crawls as f64) {
        assert!((crawls / budget - 1.0).abs() < 0.02, "{crawls} of {budget}");
    }
    (adaptive.mean_age_hours / uniform.mean_age_hours, adaptive.share / uniform.share)
}

#[test]
fn where_a_fifth_of_the_listings_is_volatile_values_are_a_third_fresher_than_with_uniform_crawling() {
    let (age, share) = ratios(compare(&poisson(a_fifth_volatile(LISTINGS), DAYS), DAYS));
    assert!(age <= 0.67 && share <= 0.67, "{age} {share}");
}

#[test]
fn where_rates_vary_around_one_value_nothing_gets_worse() {
    let (age, share) = ratios(compare(&poisson(log_normal(LISTINGS, 1.0), DAYS), DAYS));
    assert!(age < 1.0 && share < 1.0, "{age} {share}");
}

#[test]
fn where_all_listings_change_alike_adaptive_crawling_costs_next_to_nothing() {
    let (age, share) = ratios(compare(&poisson((0..LISTINGS).map(|_| 0.3), DAYS), DAYS));
    assert!(age < 1.1 && share < 1.1, "{age} {share}");
}
