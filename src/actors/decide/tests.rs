//! Decisions about single crawls.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::domain::rule::{Competitors, Windows};
use crate::domain::{
    AdaptiveDemand, Asin, Block, Condition, CrawlAllocation, CrawlDemand, Currency, Listing, ListingId, Marketplace,
    Money, Point, ProductId, Rating, RuleId, RuleSettings, RuleState, Series, TenantId,
};

use super::*;

fn made_at(at: Timestamp) -> CrawlMade<'static> {
    CrawlMade { source: "test", at, is_marketplace_failing: false }
}

const POLICY: CrawlPolicy = CrawlPolicy { recheck: Duration::from_secs(60), retry: Duration::from_secs(30) };
const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const MIDDLE: f64 = 0.5;

fn claim(lane: Lane, rules: Vec<Rule>) -> Claim {
    Claim {
        listing_id: ListingId(1),
        listing: Listing::new(Marketplace::Us, "B08PZHYWJS".parse().unwrap()),
        token: 7,
        claimed_at: NOW,
        attempt: 1,
        lane,
        state: ListingState::default(),
        demand: CrawlDemand::fixed(Interval::DAILY),
        offers_interval: None,
        rules,
        windows: Windows::default(),
        competitors: Competitors::default(),
    }
}

fn page(price_minor: i64) -> Outcome {
    let mut seen = Observation::empty("B08PZHYWJS".parse::<Asin>().unwrap());
    seen.price = Reading::Is(Money::new(price_minor, Currency::Usd));
    Outcome::Observed(Box::new(seen))
}

fn rule(target_minor: i64) -> Rule {
    Rule {
        id: RuleId::new(),
        tenant_id: TenantId::BUILT_IN,
        product_id: ProductId::new(),
        listing_id: ListingId(1),
        condition_version: 1,
        is_wide: false,
        settings: RuleSettings::of(Condition::PriceAtOrBelow { target: Money::new(target_minor, Currency::Usd) }),
        own_sellers: Vec::new(),
        state: RuleState::default(),
        revision: 0,
    }
}

fn after(claim: &Claim, outcome: &Outcome) -> Commit {
    decide(claim, outcome, made_at(NOW), POLICY, MIDDLE).commit
}

#[test]
fn while_a_marketplace_fails_its_listings_are_not_told_one_by_one() {
    let mut failing = rule(2000);
    failing.settings.condition =
        serde_json::from_value(serde_json::json!({"kind": "state", "of": "tracking_failing"})).unwrap();
    let mut claim = claim(Lane::Scheduled, vec![failing]);
    claim.state.consecutive_failures = 5;
    let outage = CrawlMade { is_marketplace_failing: true, ..made_at(NOW) };
    let timed_out = Outcome::Failed(Failure::Timeout);
    assert!(decide(&claim, &timed_out, outage, POLICY, MIDDLE).commit.rule_steps.is_empty());
    assert!(after(&claim, &timed_out).rule_steps[0].event.is_some(), "of this listing alone, it is told");
}

#[test]
fn an_event_says_how_old_the_previous_price_is() {
    let hour = |hours: i64| NOW.saturating_add(jiff::SignedDuration::from_hours(hours)).unwrap();
    let mut claim = claim(Lane::Scheduled, vec![rule(2000)]);
    let mut no_price = Observation::empty("B08PZHYWJS".parse::<Asin>().unwrap());
    no_price.title = Some("Kettle".to_owned());
    for (hours, outcome) in [(0, page(2500)), (1, Outcome::Observed(Box::new(no_price)))] {
        claim.state = decide(&claim, &outcome, made_at(hour(hours)), POLICY, MIDDLE).commit.state.unwrap();
    }
    let commit = decide(&claim, &page(1900), made_at(hour(2)), POLICY, MIDDLE).commit;
    let facts = commit.rule_steps.into_iter().find_map(|step| step.event).unwrap().facts;
    assert_eq!(
        (facts.previous_price.map(|price| price.amount_minor), facts.previous_price_as_of),
        (Some(2500), Some(hour(0)))
    );
}

/// A crawl: how long the claim waited, how long the crawl took, how far the database's clock has gone on before the
/// next claim (or was set back), in milliseconds, and the price.
fn crawl() -> impl Strategy<Value = (u64, u64, i64, i64)> {
    let pause = prop_oneof![3 => 0_i64..3, 3 => 0_i64..100_000, 1 => -50_000_i64..0];
    (0_u64..2_000, 0_u64..3, pause, 9_000_i64..9_004)
}

proptest! {
    /// Points of a series are strictly ordered, differ from their neighbours, and are never later than the clock at
    /// their commit, unless that was set back.
    #[test]
    fn history_is_ordered_and_has_changes_only_however_long_claims_wait(crawls in vec(crawl(), 1..40)) {
        let mut claim = claim(Lane::Scheduled, vec![]);
        let (mut clock_ms, mut latest_ms) = (1_000_000_i64, 1_000_000_i64);
        let mut history: Vec<Point> = Vec::new();
        for (waited_ms, took_ms, pause_ms, price_minor) in crawls {
            claim.claimed_at = Timestamp::from_millisecond(clock_ms).unwrap();
            // The time of an observation counts from when the claim has returned (`HeldLease`).
            let at = Timestamp::from_millisecond(clock_ms + took_ms as i64).unwrap();
            clock_ms += (waited_ms + took_ms) as i64;
            latest_ms = latest_ms.max(clock_ms);
            let commit = decide(&claim, &page(price_minor), made_at(at), POLICY, MIDDLE).commit;
            for point in &commit.points {
                // One millisecond for each point that was written with a clock that had been set back.
                prop_assert!(point.at.as_millisecond() <= latest_ms + history.len() as i64);
            }
            history.extend(commit.points.into_iter().filter(|point| point.key.series == Series::Price));
            claim.state = commit.state.unwrap();
            clock_ms += pause_ms;
        }
        for pair in history.windows(2) {
            prop_assert!(pair[0].at < pair[1].at, "{:?}", pair);
            prop_assert_ne!(&pair[0].value, &pair[1].value);
        }
    }
}

#[test]
fn a_successful_crawl_is_due_again_after_the_interval_and_ends_the_tasks() {
    let commit = after(&claim(Lane::Requested, vec![]), &page(10_000));
    assert_eq!(commit.next, Next::Due(Duration::from_secs(86_400)));
    assert_eq!((commit.job_items, commit.token, commit.points.len()), (ItemsEnd::Done, 7, 1));
}

/// The hours until the next crawl after some pages, each an hour after the one before.
fn hours_after(pages: &[Outcome]) -> f64 {
    let allocation = CrawlAllocation { marginal_gain: 0.06, min_interval_secs: 3600, max_interval_secs: 604_800 };
    let mut claim = claim(Lane::Scheduled, vec![]);
    let adaptive = vec![AdaptiveDemand { average: Interval::DAILY, allocation: Some(allocation) }];
    claim.demand = CrawlDemand { fixed: None, adaptive };
    let mut next = Next::Parked;
    for (hours, outcome) in (0..).zip(pages) {
        let at = NOW.saturating_add(SignedDuration::from_hours(hours)).unwrap();
        let commit = decide(&claim, outcome, made_at(at), POLICY, MIDDLE).commit;
        (claim.state, next) = (commit.state.unwrap(), commit.next);
    }
    let Next::Due(due) = next else { panic!("{next:?}") };
    due.as_secs_f64() / 3600.0
}

#[test]
fn an_adaptive_product_starts_at_its_average_interval_and_follows_the_changes_of_its_offer() {
    let prices = |prices: &[i64]| prices.iter().map(|price| page(*price)).collect::<Vec<_>>();
    assert_eq!(hours_after(&prices(&[10_000])), 24.0);
    assert_eq!(hours_after(&prices(&[10_000, 9_900])), 24.0);
    let quiet = hours_after(&prices(&[10_000; 30]));
    let volatile = hours_after(&(0..30).map(|n| page(10_000 + n % 2)).collect::<Vec<_>>());
    assert!(volatile < 12.0 && quiet > 24.0, "{volatile} {quiet}");
    let rated = |n: u16| match page(10_000) {
        Outcome::Observed(mut seen) => {
            seen.rating = Reading::Is(Rating(400 + n % 2));
            Outcome::Observed(seen)
        }
        other => other,
    };
    assert_eq!(hours_after(&(0..30).map(rated).collect::<Vec<_>>()), quiet, "ratings are not of the offer");
}

#[test]
fn a_crawl_whose_price_is_not_believed_says_nothing_of_changes() {
    let mut unread = Observation::empty("B08PZHYWJS".parse::<Asin>().unwrap());
    unread.title = Some("Kettle".to_owned());
    let mut claim = claim(Lane::Scheduled, vec![]);
    claim.state = after(&claim, &page(10_000)).state.unwrap();
    let rate = claim.state.change_rate;
    assert!(rate.is_some());
    for outcome in [page(1_000), Outcome::Observed(Box::new(unread)), Outcome::Blocked(Block::Captcha)] {
        let later = NOW.saturating_add(SignedDuration::from_hours(1)).unwrap();
        let commit = decide(&claim, &outcome, made_at(later), POLICY, MIDDLE).commit;
        assert_eq!(commit.state.unwrap().change_rate, rate, "{outcome:?}");
    }
}

#[test]
fn a_target_that_is_reached_at_the_first_crawl_fires() {
    let commit = after(&claim(Lane::Scheduled, vec![rule(10_000), rule(9_999)]), &page(10_000));
    assert_eq!(commit.rule_steps.len(), 1);
    assert!(commit.rule_steps[0].event.is_some());
}

#[test]
fn an_implausible_price_is_crawled_again_soon_and_moves_no_rule() {
    let mut claim = claim(Lane::Requested, vec![rule(5_000)]);
    claim.state = after(&claim, &page(10_000)).state.unwrap();
    let held = after(&claim, &page(1_000));
    assert_eq!((held.next, held.job_items), (Next::Due(POLICY.recheck), ItemsEnd::Keep));
    assert!(held.rule_steps.is_empty() && held.points.is_empty());
    claim.state = held.state.unwrap();
    let confirmed = after(&claim, &page(1_000));
    assert_eq!(confirmed.rule_steps.len(), 1);
}

#[test]
fn a_block_keeps_everything_believed_and_backs_off_without_counting() {
    let mut claim = claim(Lane::Requested, vec![rule(20_000)]);
    claim.state = after(&claim, &page(10_000)).state.unwrap();
    let captcha = Outcome::Blocked(Block::Captcha);
    let mut pauses = Vec::new();
    for _ in 0..3 {
        let commit = after(&claim, &captcha);
        assert!(commit.points.is_empty() && commit.rule_steps.is_empty());
        claim.state = commit.state.clone().unwrap();
        pauses.push((commit.next, commit.job_items));
    }
    let postponed = |secs| Next::Postponed(Duration::from_secs(secs));
    assert_eq!(pauses[0], (postponed(30), ItemsEnd::Keep));
    assert_eq!(pauses[1], (postponed(60), ItemsEnd::Keep));
    assert_eq!(pauses[2], (postponed(120), ItemsEnd::Failed));
    assert_eq!(claim.state.price(Currency::Usd), Some(Money::new(10_000, Currency::Usd)));
}

#[test]
fn a_page_that_nobody_can_read_waits_for_its_rhythm() {
    let commit = after(&claim(Lane::Requested, vec![]), &Outcome::Failed(Failure::Unreadable));
    assert_eq!((commit.next, commit.job_items), (Next::Due(Duration::from_secs(86_400)), ItemsEnd::Failed));
}

#[test]
fn a_crawl_that_panicked_counts() {
    let commit = after(&claim(Lane::Scheduled, vec![]), &Outcome::Failed(Failure::Panicked));
    assert_eq!(commit.next, Next::Retry(Duration::from_secs(30)));
}

#[test]
fn a_listing_that_nobody_watches_any_more_is_parked() {
    let mut claim = claim(Lane::Scheduled, vec![]);
    claim.demand = CrawlDemand::default();
    assert_eq!(after(&claim, &page(1)).next, Next::Parked);
    assert_eq!(after(&claim, &Outcome::Blocked(Block::Captcha)).next, Next::Parked);
}
