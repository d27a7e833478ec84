//! Alerts of rules by channels: every crossing is in exactly one message to each channel, whatever happens to the replicas
//! and whatever the receivers answer. The reference is the prices that were set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::alert_rules::{
    Channel, LISTINGS, Rule, TURNS, add_rule, add_rules, at_or_below_threshold, crossings_told_by, price_after,
};
use crate::fixture::{Fixture, LEASE, Options};
use crate::message_receiver::{Attempt, MessageReceiver, Mood};
use crate::replica::Replica;
use crate::told::{Crossing, Members, members_of, told_by_message};
use crate::{SOON, eventually};

/// How long a message stays claimed by a sender that died: the longest attempt, with composing, plus 30 seconds.
const MESSAGE_LEASE: Duration = Duration::from_secs(3 + 5 + 30);
/// Sets the next price of a listing as soon as the one before is recorded, so that none is missed.
async fn move_prices(fixture: &Fixture) {
    let mut turns = [0; LISTINGS];
    while turns != [TURNS; LISTINGS] {
        let recorded: BTreeMap<String, i64> = fixture.prices().await.into_iter().collect();
        for (listing, asin) in fixture.market.asins.iter().enumerate() {
            let turn = &mut turns[listing];
            if *turn < TURNS && recorded.get(asin) == Some(&price_after(*turn, listing)) {
                *turn += 1;
                fixture.market.set_price(asin, price_after(*turn, listing)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The last prices, too.
    eventually("the last prices are recorded", LEASE + SOON, async || {
        let recorded: BTreeSet<i64> = fixture.prices().await.into_iter().map(|(_, price)| price).collect();
        recorded == (0..LISTINGS).map(|listing| price_after(TURNS, listing)).collect()
    })
    .await;
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    NoDatabase,
    Kill,
    Freeze,
}

impl Fault {
    async fn cause(self, fixture: &Fixture, victim: &Replica) {
        match self {
            Self::NoDatabase => {
                let database_proxy = fixture.database_proxy.as_ref().unwrap();
                database_proxy.cut();
                tokio::time::sleep(LEASE).await;
                database_proxy.mend();
            }
            Self::Kill => {
                victim.process.kill();
                victim.run();
            }
            Self::Freeze => {
                victim.process.freeze();
                // Others take its messages over.
                tokio::time::sleep(MESSAGE_LEASE + Duration::from_secs(2)).await;
                victim.process.thaw();
            }
        }
    }
}

/// Replicas fail by turns, each while it is sending a message, until all prices have moved.
async fn cause_faults(fixture: &Fixture, has_moved: &AtomicBool) {
    let is_over = || has_moved.load(Ordering::Relaxed);
    // Only the first replica has a database proxy.
    let faults = fixture.replicas.iter().zip([Fault::NoDatabase, Fault::Kill, Fault::Freeze]);
    for (victim, fault) in faults.cycle() {
        let (owner, what) = (victim.owner_ends_with(), format!("{} is sending", victim.name));
        eventually(&what, SOON, async || is_over() || fixture.messages_of(&owner).await > 0).await;
        if is_over() {
            break;
        }
        fault.cause(fixture, victim).await;
    }
    fixture.all_ready_within(SOON).await;
}

/// The prices that a text shows as those of now.
fn prices_in(text: &str) -> BTreeSet<i64> {
    let lines = text.lines().filter(|line| line.starts_with("**Price"));
    let digits = |line: &str| -> String {
        let from_price = line.split_once('$').unwrap_or_else(|| panic!("no price: {line}")).1;
        from_price
            .chars()
            .take_while(|c| c.is_ascii_digit() || ".,\\".contains(*c))
            .filter(char::is_ascii_digit)
            .collect()
    };
    lines.map(|line| digits(line).parse().unwrap()).collect()
}

/// What an attempt tells, and its message.
fn told_by(attempt: &Attempt, rules: &[Rule]) -> (String, BTreeSet<Crossing>) {
    if let Some(id) = &attempt.id {
        let crossing =
            |event: &Value| (event["alert_id"].as_str().unwrap().to_owned(), event["crossing"].as_i64().unwrap());
        return (id.clone(), attempt.body["data"]["events"].as_array().unwrap().iter().map(crossing).collect());
    }
    // Without an id, a message is what it tells.
    let prices = prices_in(attempt.body["message"].as_str().unwrap());
    let of_channel = rules.iter().filter(|rule| rule.channels.contains(&Channel::Gotify)).flat_map(Rule::crossings);
    let told: BTreeSet<_> =
        of_channel.filter(|(_, price)| prices.contains(price)).map(|(crossing, _)| crossing).collect();
    assert_eq!(told.len(), prices.len(), "{prices:?}: {}", attempt.body);
    (format!("{told:?}"), told)
}

impl Fixture {
    /// Number of messages that a process is sending.
    async fn messages_of(&self, owner_ends_with: &str) -> i64 {
        let sending = "SELECT count(*) FROM message WHERE owner LIKE '%' || $1";
        let query = sqlx::query_scalar(sending).bind(owner_ends_with);
        query.fetch_one(&mut self.superuser().await).await.unwrap()
    }

    /// The events in the store, each with its price.
    async fn events(&self) -> Vec<(Crossing, i64)> {
        let events = "SELECT rule_id::text, (facts->>'crossing')::bigint, (facts->'price'->>'amount_minor')::bigint \
                      FROM event ORDER BY 1, 2";
        let query = sqlx::query_as::<_, (String, i64, i64)>(events);
        let rows = query.fetch_all(&mut self.superuser().await).await.unwrap();
        rows.into_iter().map(|(rule, number, price)| ((rule, number), price)).collect()
    }

    /// What was delivered to a channel according to the store: each crossing with its message.
    async fn delivered(&self, channel: Channel) -> Vec<(Crossing, String)> {
        let delivered = "SELECT rule_id::text, (facts->>'crossing')::bigint, message_id::text FROM delivery \
                         JOIN event ON event.id = event_id JOIN channel ON channel.id = channel_id \
                         WHERE delivery.status = 'delivered' AND channel.name = $1 ORDER BY 1, 2";
        let query = sqlx::query_as::<_, (String, i64, String)>(delivered).bind(channel.path());
        let rows = query.fetch_all(&mut self.superuser().await).await.unwrap();
        rows.into_iter().map(|(rule, number, message)| ((rule, number), message)).collect()
    }
}

/// Compares the crossings that are known from the prices, the members of messages in the store, and what was received.
async fn verify_channel(fixture: &Fixture, channel: Channel, rules: &[Rule], attempts: &[Attempt]) {
    let expected = crossings_told_by(channel, rules);
    let delivered = fixture.delivered(channel).await;
    let crossings: Vec<_> = delivered.iter().map(|(crossing, _)| crossing.clone()).collect();
    assert_eq!(crossings, expected, "{channel:?}: each crossing is delivered by one message");

    let attempts: Vec<_> = attempts.iter().filter(|attempt| attempt.path == channel.path()).collect();
    let messages = told_by_message(attempts.iter().map(|attempt| told_by(attempt, rules)));
    let accepted = attempts.iter().filter(|attempt| attempt.is_accepted()).map(|attempt| told_by(attempt, rules).0);
    assert_eq!(accepted.collect::<BTreeSet<_>>(), messages.keys().cloned().collect(), "{channel:?}: all are accepted");
    let received = members_of(&messages);
    let mut told: Vec<_> = received.values().flatten().cloned().collect();
    told.sort();
    assert_eq!(told, expected, "{channel:?}: each crossing is told by one message");

    let mut stored = Members::new();
    for (crossing, message) in delivered {
        stored.entry(message).or_default().insert(crossing);
    }
    println!("{channel:?}: {} crossings, {} messages, {} attempts", expected.len(), stored.len(), attempts.len());
    if channel == Channel::Gotify {
        assert_eq!(received.into_values().collect::<BTreeSet<_>>(), stored.into_values().collect(), "{channel:?}");
    } else {
        assert_eq!(received, stored, "{channel:?}");
    }
}

/// 2,000 crossings of rules with several tests, each for up to two channels. All attempts at a message have the same
/// members, no crossing is in two messages, and none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn every_crossing_is_in_one_message_to_each_channel_whatever_fails() {
    let options =
        Options { listings: Some(LISTINGS), is_unwatched: true, database_proxied: true, ..Options::default() };
    let fixture = Fixture::start_with(options).await;
    let receiver = MessageReceiver::start(Mood::FailsNowAndThen);
    let rules = add_rules(&fixture, &receiver).await;
    let has_moved = AtomicBool::new(false);
    let moving = async {
        move_prices(&fixture).await;
        has_moved.store(true, Ordering::Relaxed);
    };
    tokio::join!(moving, cause_faults(&fixture, &has_moved));
    let unfinished = "SELECT count(*) FROM delivery WHERE status <> 'delivered'";
    eventually("everything is delivered", MESSAGE_LEASE + SOON, async || {
        fixture.skip_pauses().await;
        fixture.query_number(unfinished).await == 0
    })
    .await;

    let mut expected: Vec<_> = rules.iter().flat_map(Rule::crossings).collect();
    expected.sort();
    assert!(expected.len() >= 2_000, "{}", expected.len());
    assert_eq!(fixture.events().await, expected, "each price that crosses is one event of each rule");
    let attempts = receiver.attempts();
    for channel in Channel::ALL {
        verify_channel(&fixture, channel, &rules, &attempts).await;
    }
}

impl Fixture {
    /// Waits until every attempt has failed and its message waits for the next.
    async fn attempts_are_over(&self) {
        const SENDING: &str = "SELECT count(*) FROM message WHERE owner IS NOT NULL OR ready_at <= unix_millis()";
        eventually("all attempts are over", SOON, async || self.query_number(SENDING).await == 0).await;
    }

    /// Ends the pauses after failures, and returns how long the shortest would have been.
    async fn skip_pauses(&self) -> Duration {
        const SKIP: &str = "WITH paused AS (SELECT id, ready_at - unix_millis() AS left_ms FROM message \
               WHERE status = 'pending' AND owner IS NULL AND ready_at > unix_millis() FOR UPDATE SKIP LOCKED), \
             skipped AS (UPDATE message SET ready_at = unix_millis() FROM paused WHERE paused.id = message.id) \
             SELECT coalesce(min(left_ms), 0) FROM paused";
        Duration::from_millis(self.query_number(SKIP).await.unsigned_abs())
    }
}

/// `prometheus/alertmanager#4108`. Both replicas have made attempts meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn after_ten_minutes_of_errors_two_replicas_have_one_message_for_a_crossing_and_another_for_a_later_one() {
    let retries = vec![("TRACKER__NOTIFY__RETRY_SECS".to_owned(), "30".to_owned())];
    let options = Options { listings: Some(2), is_unwatched: true, all_replicas: retries, ..Options::default() };
    let fixture = Fixture::start_with(options).await;
    let receiver = MessageReceiver::start(Mood::Fails);
    let channel = Channel::Webhook.add(&fixture, &receiver).await;
    let mut expected = BTreeSet::new();
    for asin in &fixture.market.asins {
        let product = fixture.add(asin).await["id"].take();
        let rule = add_rule(&fixture, &product, &at_or_below_threshold(), &[&channel]).await;
        expected.insert(BTreeSet::from([(rule, 1)]));
    }
    fixture.replicas[2].process.kill();
    for (n, asin) in fixture.market.asins.iter().enumerate() {
        fixture.market.set_price(asin, price_after(1, n)).await;
        receiver.attempted(n + 1).await;
    }
    let mut failed_for = Duration::ZERO;
    for (round, other) in (2..).zip(&fixture.replicas[..2]) {
        fixture.attempts_are_over().await;
        other.process.freeze();
        failed_for += fixture.skip_pauses().await;
        receiver.attempted(2 * round).await;
        fixture.attempts_are_over().await;
        other.process.thaw();
    }
    receiver.be(Mood::Works);
    failed_for += fixture.skip_pauses().await;
    assert!(failed_for > Duration::from_secs(600), "{failed_for:?}");
    let delivered = "SELECT count(*) FROM delivery WHERE status = 'delivered'";
    eventually("both are delivered", SOON, async || fixture.query_number(delivered).await == 2).await;

    let attempts = receiver.attempts();
    let messages = told_by_message(attempts.iter().map(|attempt| told_by(attempt, &[])));
    assert_eq!(messages.into_values().collect::<BTreeSet<_>>(), expected);
    let accepted = attempts.iter().map(Attempt::is_accepted).collect::<Vec<_>>();
    assert_eq!(accepted, [false, false, false, false, false, false, true, true], "four attempts at each");
}
