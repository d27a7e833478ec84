//! The tokens of an account, as far as its answers tell.
//!
//! Tokens are added each minute, up to an hour's worth. A call may begin while the balance is positive, and may make it negative.

use std::time::{Duration, Instant};

use super::answer::Answer;

const MINUTE: Duration = Duration::from_secs(60);
/// Unused tokens expire after so many minutes.
const MINUTES_OF_TOKENS: i64 = 60;
/// After a refill, until it is surely visible: as Keepa's own client waits.
const REFILL_MARGIN: Duration = Duration::from_millis(100);
/// Where an answer does not tell when tokens come.
const UNKNOWN_WAIT: Duration = MINUTE;

/// The balance that the last answer told.
#[derive(Debug, Clone, Copy)]
struct Balance {
    left: i64,
    /// Tokens per minute.
    rate: i64,
    /// When tokens are added next.
    refill_at: Instant,
}

/// The balance of an account.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TokenBucket(Option<Balance>);

impl TokenBucket {
    /// Takes over what an answer tells. One that tells nothing changes nothing.
    pub fn read(&mut self, answer: &Answer, now: Instant) {
        let Some(left) = answer.tokens_left else { return };
        // Trackings of the account use up a part of what is added.
        let rate = answer.refill_rate.unwrap_or(0) as f64 - answer.token_flow_reduction.unwrap_or(0.0);
        let refill_in = answer.refill_in.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis);
        let refill_at = now + refill_in.unwrap_or(MINUTE).min(MINUTE);
        self.0 = Some(Balance { left, rate: rate.max(0.0) as i64, refill_at });
    }

    /// The balance is not what it was thought to be.
    pub fn forget(&mut self) {
        self.0 = None;
    }

    /// The tokens of now; `None`: no answer has told yet.
    pub fn left(&self, now: Instant) -> Option<i64> {
        let balance = self.0?;
        let refills = match now.checked_duration_since(balance.refill_at) {
            Some(since) => 1 + i64::try_from(since.as_secs() / MINUTE.as_secs()).unwrap_or(i64::MAX / 2),
            None => 0,
        };
        let full = balance.rate.saturating_mul(MINUTES_OF_TOKENS).max(balance.left);
        Some(balance.left.saturating_add(balance.rate.saturating_mul(refills)).min(full))
    }

    /// How long until there are so many tokens.
    pub fn wait_for(&self, tokens: i64, now: Instant) -> Duration {
        let (Some(balance), Some(left)) = (self.0, self.left(now)) else { return UNKNOWN_WAIT };
        if left >= tokens {
            return Duration::ZERO;
        }
        if balance.rate == 0 {
            return UNKNOWN_WAIT;
        }
        let missing = tokens.saturating_sub(balance.left);
        let refills = missing.saturating_add(balance.rate - 1) / balance.rate;
        let minutes = u32::try_from(refills - 1).unwrap_or(u32::MAX);
        let at = balance.refill_at.checked_add(MINUTE.saturating_mul(minutes));
        at.map_or(UNKNOWN_WAIT, |at| at.saturating_duration_since(now) + REFILL_MARGIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn bucket(left: i64, refill_in_secs: i64, rate: i64, now: Instant) -> TokenBucket {
        let mut bucket = TokenBucket::default();
        let (refill_in, refill_rate) = (Some(refill_in_secs * 1000), Some(rate));
        bucket.read(&Answer { tokens_left: Some(left), refill_in, refill_rate, ..Answer::default() }, now);
        bucket
    }

    #[test]
    fn tokens_are_added_each_minute_up_to_an_hours_worth() {
        let now = Instant::now();
        let bucket = bucket(-10, 20, 5, now);
        let after = |secs: u32| bucket.left(now + SECOND * secs);
        assert_eq!(
            (after(0), after(19), after(20), after(79), after(80)),
            (Some(-10), Some(-10), Some(-5), Some(-5), Some(0))
        );
        assert_eq!(after(100_000), Some(300));
        assert_eq!(TokenBucket::default().left(now), None);
    }

    #[test]
    fn the_wait_lasts_until_the_deficit_is_made_up() {
        let now = Instant::now();
        let bucket = bucket(-10, 20, 5, now);
        assert_eq!(bucket.wait_for(-10, now), Duration::ZERO);
        assert_eq!(bucket.wait_for(-5, now), SECOND * 20 + REFILL_MARGIN);
        assert_eq!(bucket.wait_for(4, now), SECOND * 140 + REFILL_MARGIN, "three refills");
        assert_eq!(bucket.wait_for(4, now + SECOND * 140), Duration::ZERO);
    }

    #[test]
    fn an_account_that_gets_no_tokens_is_asked_again_after_a_minute() {
        let now = Instant::now();
        assert_eq!(bucket(0, 20, 0, now).wait_for(4, now), UNKNOWN_WAIT);
        assert_eq!(TokenBucket::default().wait_for(4, now), UNKNOWN_WAIT);
    }

    #[test]
    fn trackings_reduce_what_is_added() {
        let now = Instant::now();
        let mut bucket = bucket(0, 20, 5, now);
        let answer = Answer {
            tokens_left: Some(0),
            refill_in: Some(0),
            refill_rate: Some(5),
            token_flow_reduction: Some(1.5),
            ..Answer::default()
        };
        bucket.read(&answer, now);
        assert_eq!(bucket.left(now), Some(3));
        bucket.read(&Answer::default(), now);
        assert_eq!(bucket.left(now), Some(3), "an answer without an envelope tells nothing");
    }
}
