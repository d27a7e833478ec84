//! Why a listing is not observed at present, for those who watch it.

use jiff::Timestamp;

use super::outcome::{Failure, Outcome};
use super::state::ListingState;

/// The name of the outcome of a crawl that succeeded.
const OBSERVED: &str = "observed";

/// The failure of a listing whose latest crawl brought no observation, or that is parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingFailure {
    /// The name of the outcome of the latest crawl: see [`Outcome::as_str`].
    pub reason: String,
    /// The same as a sentence.
    pub explanation: &'static str,
    /// Crawls in a row that ended without an observation.
    pub consecutive_failures: u16,
    /// Crawls that were begun since the last one that counts as ended, including those that never ended. The listing is parked
    /// when there are too many (`crawl.max_attempts`).
    pub attempts: u16,
    /// The last successful crawl; `None`: none has succeeded yet.
    pub last_success_at: Option<Timestamp>,
    /// When it is crawled again; `None` while it is parked.
    pub next_attempt_at: Option<Timestamp>,
    /// Not crawled any more until it is released.
    pub is_parked: bool,
}

/// What is known of a listing's crawls.
#[derive(Debug, Clone, Copy)]
pub struct CrawlRecord<'r> {
    /// The outcome of the latest crawl; `None`: it was not crawled yet.
    pub last_outcome: Option<&'r str>,
    /// The accepted state.
    pub state: &'r ListingState,
    /// Claims since the last success.
    pub attempts: u16,
    /// Parked although it is watched.
    pub is_parked: bool,
    /// When the next crawl is due.
    pub next_crawl_at: Option<Timestamp>,
}

impl CrawlRecord<'_> {
    /// The failure of the listing; `None`: the latest crawl succeeded, or there was none yet.
    pub fn failure(&self) -> Option<ListingFailure> {
        // Parked after crawls that never ended: the outcome is that of an earlier one.
        let never_ended = || self.is_parked.then(|| Outcome::Failed(Failure::Panicked).as_str());
        let reason = self.last_outcome.filter(|name| *name != OBSERVED).or_else(never_ended)?;
        Some(ListingFailure {
            reason: reason.to_owned(),
            explanation: explanation(reason),
            consecutive_failures: self.state.consecutive_failures,
            attempts: self.attempts,
            last_success_at: self.state.checked_at,
            next_attempt_at: self.next_crawl_at.filter(|_| !self.is_parked),
            is_parked: self.is_parked,
        })
    }
}

/// An outcome without an observation as a sentence, by its name.
pub fn explanation(outcome: &str) -> &'static str {
    match outcome {
        "blocked_captcha" => "Amazon asked for a captcha instead of showing the page.",
        "blocked_sign_in" => "Amazon asked to sign in instead of showing the page.",
        "blocked_throttled" => "Amazon refused the request because there were too many.",
        "blocked_refused" => "The source refused the request: no credit, no rights, or too many requests.",
        "blocked_interstitial" => "Amazon showed another page instead, for example a consent page.",
        "not_found" => "Amazon says that the product does not exist on this marketplace.",
        "failed_connect" => "The connection to the source could not be made, or broke.",
        "failed_timeout" => "The source did not answer in time.",
        "failed_truncated" => "The page ended early, or was too small.",
        "failed_too_large" => "The page was larger than crawl.max_body_bytes.",
        "failed_status" => "The source answered with an error.",
        "failed_redirect" => "The page redirected to another site.",
        "failed_unreadable" => "The page was received, but its essential values could not be read.",
        "failed_wrong_listing" => "The page showed another product than the requested one.",
        "failed_wrong_region" => "The page was made for another country or currency.",
        "failed_not_delivered" => "The source did not deliver the page.",
        "failed_over_budget" => "The budget for crawls that cost money is spent.",
        "failed_panicked" => "The crawl ended with an error of the crawler, or never ended.",
        _ => "The crawl failed.",
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Block;
    use super::*;

    fn record<'r>(last_outcome: Option<&'static str>, state: &'r ListingState) -> CrawlRecord<'r> {
        CrawlRecord { last_outcome, state, attempts: 2, is_parked: false, next_crawl_at: Some(Timestamp::UNIX_EPOCH) }
    }

    #[test]
    fn every_outcome_without_an_observation_has_a_sentence_of_its_own() {
        let blocks = [
            Block::Captcha,
            Block::SignIn,
            Block::Throttled { retry_after: None },
            Block::Refused { retry_after: None },
            Block::Interstitial,
        ];
        let failures = [
            Failure::Connect,
            Failure::Timeout,
            Failure::Truncated,
            Failure::TooLarge,
            Failure::OverBudget,
            Failure::Status(500),
            Failure::Redirect,
            Failure::Unreadable,
            Failure::WrongListing,
            Failure::WrongRegion,
            Failure::NotDelivered,
            Failure::Panicked,
        ];
        let outcomes = blocks.map(Outcome::Blocked).into_iter().chain(failures.map(Outcome::Failed));
        let sentences: std::collections::BTreeSet<_> =
            outcomes.chain([Outcome::NotFound]).map(|outcome| explanation(outcome.as_str())).collect();
        assert_eq!(sentences.len(), blocks.len() + failures.len() + 1);
        assert!(!sentences.contains(explanation("of a later version")));
    }

    #[test]
    fn a_listing_fails_while_its_latest_crawl_brought_nothing_or_it_is_parked() {
        let fresh = ListingState::default();
        assert_eq!(record(None, &fresh).failure(), None, "not crawled yet");
        assert_eq!(record(Some("observed"), &fresh).failure(), None);
        let failing = fresh.after_failed_crawl();
        let failure = record(Some("failed_timeout"), &failing).failure().unwrap();
        assert_eq!((failure.reason.as_str(), failure.consecutive_failures, failure.attempts), ("failed_timeout", 1, 2));
        assert_eq!(failure.next_attempt_at, Some(Timestamp::UNIX_EPOCH));
        let parked = CrawlRecord { is_parked: true, ..record(Some("observed"), &fresh) }.failure().unwrap();
        assert_eq!((parked.reason.as_str(), parked.next_attempt_at), ("failed_panicked", None));
    }
}
