//! From a claim and the outcome of its crawl to the one commit that ends it. Pure: the clock and chance are given.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::config::CrawlSettings;
use crate::domain::rule::{Found, Readings};
use crate::domain::{
    Backoff, ChangeRate, ContentField, Event, Failure, Interval, Judged, ListingState, Observation, Outcome, Reading,
    Rule, Verdict, rule,
};
use crate::store::{Claim, Commit, ContentVersion, ItemsEnd, Lane, Next, ReadOffers, RuleStep};

/// After this many failed crawls in a row, waiting tasks fail.
const MAX_FAILURES_WAITED_FOR: u16 = 3;
/// Before a listing is crawled again whose page was lost.
const LOST_CRAWL_PAUSE: Duration = Duration::from_secs(5);
const MAX_RETRY: Duration = Duration::from_secs(3600);

/// How soon to crawl again when a crawl was not conclusive.
#[derive(Debug, Clone, Copy)]
pub struct CrawlPolicy {
    /// After a surprising price.
    pub recheck: Duration,
    /// After a first failed crawl; doubled at each further one, up to an hour.
    pub retry: Duration,
}

impl From<&CrawlSettings> for CrawlPolicy {
    fn from(settings: &CrawlSettings) -> Self {
        Self { recheck: Duration::from_secs(settings.recheck_secs), retry: Duration::from_secs(settings.retry_secs) }
    }
}

/// A commit, and what the crawl meant.
#[derive(Debug, Clone)]
pub struct CrawlDecision {
    /// To be written.
    pub commit: Commit,
    /// `None` when nothing was observed.
    pub verdict: Option<Verdict>,
}

/// How a crawl was made.
#[derive(Debug, Clone, Copy)]
pub struct CrawlMade<'a> {
    /// By which source.
    pub source: &'a str,
    /// When, by the database's clock.
    pub at: Timestamp,
    /// No source can crawl the marketplace: that this crawl failed says nothing about the listing.
    pub is_marketplace_failing: bool,
}

/// Judges an outcome of a crawl. `random` is uniform in 0..1.
pub fn decide(
    claim: &Claim,
    outcome: &Outcome,
    crawl: CrawlMade<'_>,
    policy: CrawlPolicy,
    random: f64,
) -> CrawlDecision {
    let CrawlMade { source, at, is_marketplace_failing } = crawl;
    let mut decision = judge(claim, outcome, at, policy, random);
    let commit = &mut decision.commit;
    match (decision.verdict, &mut commit.state, outcome) {
        (Some(verdict), Some(state), Outcome::Observed(seen)) => {
            let at = state.checked_at.unwrap_or(at);
            state.source = Some(source.to_owned());
            let known = state.known_content_fields();
            let change = state.take_content(&seen.content, source, at);
            let changed = change.iter().flat_map(|change| &change.changed).filter(|field| known.contains(field));
            let changed: Vec<ContentField> = changed.copied().collect();
            let found = Found::Page {
                is_offer_unknown: !is_believed(verdict, seen),
                content: Some(&changed),
                offers: seen.offers.as_ref(),
            };
            commit.rule_steps = rule_steps(claim, state, found, at);
            commit.content = change.map(|change| ContentVersion { at, change });
            commit.offers = seen.offers.clone().map(|list| ReadOffers { at, list });
        }
        (None, Some(state), Outcome::NotFound) => {
            commit.rule_steps = rule_steps(claim, state, Found::NotFound, at);
        }
        // One notice about the marketplace stands for the alerts about all its listings.
        (None, Some(_), _) if is_marketplace_failing => {}
        (None, Some(state), _) => commit.rule_steps = rule_steps(claim, state, Found::Nothing, at),
        _ => {}
    }
    if let (Some(state), Some(outcome)) = (&mut commit.state, commit.outcome) {
        let ended_at = decision.verdict.and(state.checked_at).unwrap_or(at);
        let millis = at.as_millisecond().saturating_sub(claim.claimed_at.as_millisecond());
        state.remember_crawl(ended_at, outcome, source, u64::try_from(millis).unwrap_or_default());
    }
    decision
}

/// Held or unread, the price is not believed: nothing is known of the offer and of its changes.
fn is_believed(verdict: Verdict, seen: &Observation) -> bool {
    verdict != Verdict::Held && seen.price != Reading::Unknown
}

fn judge(claim: &Claim, outcome: &Outcome, at: Timestamp, policy: CrawlPolicy, random: f64) -> CrawlDecision {
    match outcome {
        // Results and claims travel together; if they were ever mixed up, this page is not history of that listing.
        Outcome::Observed(seen) if seen.asin.is_some_and(|asin| asin != claim.listing.asin) => {
            failed(claim, &Outcome::Failed(Failure::WrongListing), policy, random)
        }
        Outcome::Observed(seen) => observed(claim, outcome, seen, at, policy, random),
        _ => failed(claim, outcome, policy, random),
    }
}

fn observed(
    claim: &Claim,
    outcome: &Outcome,
    seen: &Observation,
    at: Timestamp,
    policy: CrawlPolicy,
    random: f64,
) -> CrawlDecision {
    let at = after_the_last_point(&claim.state, at);
    let mut judged = claim.state.judge(seen, at);
    let max_silence = claim.interval().unwrap_or(Interval::DAILY).max_silence();
    let gap = claim.state.gap_before(at, max_silence);
    if is_believed(judged.verdict, seen) {
        judged.state.change_rate = Some(change_rate(claim, &judged, at));
    }
    let needs_recheck = judged.state.held.as_ref().is_some_and(|held| held.needs_recheck());
    let (next, job_items) = if needs_recheck {
        (Next::Due(policy.recheck), ItemsEnd::Keep)
    } else {
        (after_interval(claim.demand.interval(judged.state.change_rate), random), ItemsEnd::Done)
    };
    let commit = Commit {
        asin: seen.asin,
        state: Some(judged.state),
        points: judged.points.into_iter().chain(gap).collect(),
        ..bare_commit(claim, outcome, next, job_items)
    };
    CrawlDecision { commit, verdict: Some(judged.verdict) }
}

/// The estimate after a crawl whose offer is believed. The first one compares nothing.
fn change_rate(claim: &Claim, judged: &Judged, at: Timestamp) -> ChangeRate {
    let has_changed = judged.points.iter().any(|point| point.key.series.is_of_featured_offer());
    claim.state.change_rate.map_or_else(|| ChangeRate::prior(at), |rate| rate.after_crawl(at, has_changed))
}

/// No point is written before the last one, or at the same time, which would be lost: also when the clock was set back.
fn after_the_last_point(state: &ListingState, at: Timestamp) -> Timestamp {
    let next = state.changed_at.and_then(|changed_at| changed_at.checked_add(SignedDuration::from_millis(1)).ok());
    at.max(state.checked_at.unwrap_or(at)).max(next.unwrap_or(at))
}

fn failed(claim: &Claim, outcome: &Outcome, policy: CrawlPolicy, random: f64) -> CrawlDecision {
    let state = claim.state.after_failed_crawl();
    let pause = retry_pause(policy.retry, state.consecutive_failures, random);
    let next = match (claim.interval(), outcome) {
        // A crawl that panics must count, or it would be repeated for ever.
        (_, Outcome::Failed(Failure::Panicked)) => Next::Retry(pause),
        (None, _) if claim.lane == Lane::Scheduled => Next::Parked,
        _ if outcome.blames_source() => Next::Postponed(pause),
        (interval, _) => after_interval(interval, random),
    };
    let waits = !matches!(next, Next::Due(_) | Next::Parked) && state.consecutive_failures < MAX_FAILURES_WAITED_FOR;
    let job_items = if waits { ItemsEnd::Keep } else { ItemsEnd::Failed };
    let commit = Commit { state: Some(state), ..bare_commit(claim, outcome, next, job_items) };
    CrawlDecision { commit, verdict: None }
}

/// The commit that gives a claim back untouched: nothing was crawled, and nothing is counted.
pub fn give_back(claim: &Claim, after: Duration) -> Commit {
    Commit {
        listing_id: claim.listing_id,
        token: claim.token,
        asin: None,
        outcome: None,
        next: Next::Postponed(after),
        state: None,
        points: Vec::new(),
        rule_steps: Vec::new(),
        content: None,
        offers: None,
        job_items: ItemsEnd::Keep,
        trace_context: None,
    }
}

/// The commit of a crawl whose page was fetched and then lost: judging it panicked. The attempt counts.
pub fn crawl_lost(claim: &Claim) -> Commit {
    bare_commit(claim, &Outcome::Failed(Failure::Panicked), Next::Retry(LOST_CRAWL_PAUSE), ItemsEnd::Keep)
}

fn bare_commit(claim: &Claim, outcome: &Outcome, next: Next, job_items: ItemsEnd) -> Commit {
    Commit { outcome: Some(outcome.as_str()), next, job_items, ..give_back(claim, Duration::ZERO) }
}

fn after_interval(interval: Option<Interval>, random: f64) -> Next {
    interval.map_or(Next::Parked, |interval| Next::Due(interval.jittered(random)))
}

/// The first pause, doubled at each further failure, up to an hour, ± 20 %.
fn retry_pause(first: Duration, consecutive_failures: u16, random: f64) -> Duration {
    let earlier = u32::from(consecutive_failures.saturating_sub(1));
    Backoff::doubling(first, MAX_RETRY).after(earlier).mul_f64(0.8 + 0.4 * random)
}

fn rule_steps(claim: &Claim, after: &ListingState, found: Found<'_>, at: Timestamp) -> Vec<RuleStep> {
    let readings = Readings {
        at,
        marketplace: claim.listing.marketplace,
        before: &claim.state,
        after,
        found,
        windows: &claim.windows,
        competitors: &claim.competitors,
    };
    let observes = matches!(found, Found::Page { .. });
    let rules = claim.rules.iter().filter(|rule| rule.settings.is_active(at));
    let step = |rule: &Rule| {
        let (state, crossing) = rule::step(rule, &readings);
        let event = crossing.map(|crossing| Event::of(rule, crossing, claim.listing, &claim.state, after, at));
        (state != rule.state).then_some(RuleStep {
            rule_id: rule.id,
            condition_version: rule.condition_version,
            product_id: rule.product_id,
            revision: rule.revision,
            after: state,
            event,
        })
    };
    rules.filter(|rule| observes || rule.settings.condition.concerns_failures()).filter_map(step).collect()
}

#[cfg(test)]
mod preview_tests;

#[cfg(test)]
mod tests;
