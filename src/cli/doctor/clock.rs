//! Differences between clocks.

use jiff::{SignedDuration, Timestamp};

use super::report::Finding;

/// The time of a `Date` header is cut to seconds, and an answer takes a while.
const TOLERATED: SignedDuration = SignedDuration::from_secs(5);
/// Access tokens and signed webhooks are refused then, and a listing waits for a time that others see later.
const UNUSABLE: SignedDuration = SignedDuration::from_secs(60);
const REMEDY: &str = "synchronise the clocks of both machines with NTP (chrony or systemd-timesyncd)";

/// Compares this machine's clock with another one that was read between two times of ours.
pub(super) fn compare(with: &str, before: Timestamp, theirs: Timestamp, after: Timestamp) -> Finding {
    // Whatever moment between the two the other clock was read at: that is no difference.
    let ahead = before.duration_since(theirs).max(SignedDuration::ZERO);
    let behind = theirs.duration_since(after).max(SignedDuration::ZERO);
    let (difference, direction) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    let check = format!("clock/{with}");
    let detail = format!("{:.1} s {direction} {with}", difference.as_secs_f64());
    match difference {
        difference if difference <= TOLERATED => Finding::ok(check, format!("within {} s", TOLERATED.as_secs())),
        difference if difference <= UNUSABLE => Finding::warning(check, detail, REMEDY),
        _ => Finding::fault(check, detail, REMEDY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_differ_by_seconds_but_not_by_minutes() {
        let at = |text: &str| format!("2026-11-29T{text}Z").parse::<Timestamp>().unwrap();
        let found = |theirs| format!("{:?}", compare("the database", at("12:00:00"), at(theirs), at("12:00:10")));
        for fine in ["11:59:55", "12:00:00", "12:00:07", "12:00:15"] {
            assert!(found(fine).contains("result: Ok"), "{fine}");
        }
        assert!(found("11:59:50").contains("10.0 s ahead of the database"), "{}", found("11:59:50"));
        assert!(found("12:00:30").contains("20.0 s behind the database"), "{}", found("12:00:30"));
        assert!(found("12:05:00").contains("result: Fault"));
    }
}
