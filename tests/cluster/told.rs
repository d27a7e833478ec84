//! What messages tell, by their bodies alone: which crossings each of them stands for.

use std::collections::{BTreeMap, BTreeSet};

/// The id of a rule and the number of the crossing, from 1.
pub type Crossing = (String, i64);
/// The members of messages.
pub type Members = BTreeMap<String, BTreeSet<Crossing>>;

/// What the attempts at each message tell, which are given as the message and what is told. All attempts at a message
/// tell the same.
pub fn told_by_message(attempts: impl IntoIterator<Item = (String, BTreeSet<Crossing>)>) -> Members {
    let mut messages = Members::new();
    for (message, told) in attempts {
        assert!(!told.is_empty(), "{message} tells nothing");
        let first = messages.entry(message.clone()).or_insert_with(|| told.clone());
        assert_eq!(*first, told, "two attempts at {message}");
    }
    messages
}

/// A message tells the latest crossing of a rule and counts those before it. So it stands for those since the previous
/// message about the rule. No crossing is told by two messages.
pub fn members_of(messages: &Members) -> Members {
    let mut of_rules = BTreeMap::<&str, BTreeMap<i64, &str>>::new();
    for (message, told) in messages {
        for (rule, number) in told {
            let other = of_rules.entry(rule).or_default().insert(*number, message);
            assert_eq!(other, None, "crossing {number} of {rule} is also told by {message}");
        }
    }
    let mut members = Members::new();
    for (rule, told) in of_rules {
        let mut previous = 0;
        for (number, message) in told {
            let since = (previous + 1..=number).map(|number| (rule.to_owned(), number));
            members.entry(message.to_owned()).or_default().extend(since);
            previous = number;
        }
    }
    members
}

/// Verification that sees nothing would accept everything.
mod self_tests {
    use std::panic::catch_unwind;

    use super::*;

    fn told(crossings: &[(&str, i64)]) -> BTreeSet<Crossing> {
        crossings.iter().map(|(rule, number)| ((*rule).to_owned(), *number)).collect()
    }

    fn attempts(of: &[(&str, &[(&str, i64)])]) -> Vec<(String, BTreeSet<Crossing>)> {
        of.iter().map(|(message, crossings)| ((*message).to_owned(), told(crossings))).collect()
    }

    #[test]
    fn a_message_stands_for_the_crossings_since_the_one_before() {
        let messages =
            told_by_message(attempts(&[("a", &[("r", 1)]), ("b", &[("r", 3), ("s", 1)]), ("a", &[("r", 1)])]));
        let expected = [("a", told(&[("r", 1)])), ("b", told(&[("r", 2), ("r", 3), ("s", 1)]))];
        assert_eq!(members_of(&messages), expected.map(|(message, told)| (message.to_owned(), told)).into());
    }

    #[test]
    fn a_member_that_joins_later_is_detected() {
        let joined = attempts(&[("a", &[("r", 1)]), ("a", &[("r", 1), ("s", 1)])]);
        assert!(catch_unwind(|| told_by_message(joined)).is_err());
    }

    #[test]
    fn a_crossing_in_two_messages_is_detected() {
        let messages = told_by_message(attempts(&[("a", &[("r", 1)]), ("b", &[("r", 1), ("r", 2)])]));
        assert!(catch_unwind(|| members_of(&messages)).is_err());
    }
}
