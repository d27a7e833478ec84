//! Marketplaces that cannot be crawled: one notice stands for the alerts about all their listings.

use std::time::Duration;

use amazon_tracker::domain::rule::Condition;
use amazon_tracker::domain::*;
use amazon_tracker::store::{ClaimedMessage, DeliveryClaim, MessageEnd, NewChannel, NewRule, RuleChannels, RulePatch};
use serde_json::{Value, json};

use crate::fixture::*;

on_both_engines! {
    an_outage_is_told_once_to_the_channels_of_rules_about_failing_listings_and_so_is_its_end,
    a_short_outage_and_other_marketplaces_are_not_told,
    one_process_that_is_blocked_is_no_outage,
    a_notice_waits_for_the_end_of_quiet_hours_and_is_not_sent_if_the_outage_ended_before,
}

const MINUTE: Duration = Duration::from_secs(60);
const DE: &[Marketplace] = &[Marketplace::De];

async fn channel(fixture: &Fixture, policy: Value) -> ChannelId {
    let policy = serde_json::from_value(policy).unwrap();
    fixture.store.add_channel(NewChannel { policy, ..new_channel(US) }).await.unwrap().id
}

/// A rule about a new product, number `n`, that is told by this channel.
async fn rule(fixture: &Fixture, n: u32, condition: Value, told: ChannelId) -> RuleId {
    let product = fixture.watch(n).await;
    let condition: Condition = serde_json::from_value(condition).unwrap();
    let new = new_rule(&product, 1);
    let settings = RuleSettings { condition, ..new.settings };
    let channels = RuleChannels { told: vec![told], fallback: None };
    fixture.store.add_rule(NewRule { settings, channels, webhook: None, ..new }).await.unwrap().id
}

/// Processes report for so many minutes.
async fn fails_for(fixture: &Fixture, minutes: u32) -> u64 {
    let mut notices = 0;
    for _ in 0..minutes {
        fixture.store.report_outages(DE).await.unwrap();
        notices += fixture.store.tell_outages().await.unwrap();
        fixture.clock.advance(MINUTE);
    }
    notices
}

async fn ends(fixture: &Fixture) -> u64 {
    fixture.clock.advance(5 * MINUTE);
    fixture.store.tell_outages().await.unwrap()
}

/// The notices that are due; they are delivered.
async fn notices(fixture: &Fixture) -> Vec<Option<NoticeFacts>> {
    let claimed = fixture.store.claim_messages(&DeliveryClaim::any(9, LEASE, "test")).await.unwrap();
    let mut notices = Vec::new();
    for ClaimedMessage { token, message, .. } in claimed {
        let end = MessageEnd::Delivered { moved_to: None };
        assert!(fixture.store.finish_message(message.id, token, &end).await.unwrap());
        notices.push(message.notice);
    }
    notices
}

fn failing() -> Value {
    json!({"kind": "state", "of": "tracking_failing"})
}

async fn an_outage_is_told_once_to_the_channels_of_rules_about_failing_listings_and_so_is_its_end(fixture: &Fixture) {
    let (told, other) = (channel(fixture, json!({})).await, channel(fixture, json!({})).await);
    let composite = json!({"kind": "any", "of": [failing(), {"kind": "state", "of": "delisted"}]});
    rule(fixture, 1, composite, told).await;
    rule(fixture, 2, json!({"kind": "state", "of": "delisted"}), other).await;
    let paused = rule(fixture, 3, failing(), other).await;
    let pause = RulePatch { is_paused: Some(true), ..RulePatch::default() };
    fixture.store.update_rule(US, paused, pause).await.unwrap();
    let began = fixture.now().await;
    assert_eq!(fails_for(fixture, 30).await, 1);
    let since = began;
    let [Some(NoticeFacts::MarketplaceFailing { marketplace: Marketplace::De, since: told_since })] =
        notices(fixture).await[..]
    else {
        panic!("one notice of the beginning")
    };
    assert_eq!(told_since, since);
    assert_eq!((ends(fixture).await, ends(fixture).await), (1, 0));
    let [Some(NoticeFacts::MarketplaceRecovered { since: told_since, until, .. })] = notices(fixture).await[..] else {
        panic!("one notice of the end")
    };
    assert_eq!((told_since, until > since), (since, true));
    assert_eq!(fails_for(fixture, 12).await, 1, "the next one is told again");
}

async fn a_short_outage_and_other_marketplaces_are_not_told(fixture: &Fixture) {
    let told = channel(fixture, json!({})).await;
    rule(fixture, 1, failing(), told).await;
    assert_eq!(fails_for(fixture, 10).await + ends(fixture).await, 0);
    for _ in 0..20 {
        fixture.store.report_outages(&[Marketplace::Jp]).await.unwrap();
        assert_eq!(outages(fixture).await, [Marketplace::Jp], "but it is known");
        assert_eq!(fixture.store.tell_outages().await.unwrap(), 0, "nothing is watched there");
        fixture.clock.advance(MINUTE);
    }
    fixture.clock.advance(5 * MINUTE);
    assert_eq!(outages(fixture).await, []);
}

async fn outages(fixture: &Fixture) -> Vec<Marketplace> {
    fixture.store.outages().await.unwrap().into_iter().map(|(marketplace, _)| marketplace).collect()
}

async fn one_process_that_is_blocked_is_no_outage(fixture: &Fixture) {
    let told = channel(fixture, json!({})).await;
    rule(fixture, 1, failing(), told).await;
    assert_eq!(fails_for(fixture, 6).await, 0);
    fixture.see_all(900).await;
    assert_eq!(fails_for(fixture, 9).await, 0, "another process crawls there");
    assert_eq!(fails_for(fixture, 9).await, 1);
    assert_eq!((notices(fixture).await.len(), ends(fixture).await), (1, 1));
}

async fn a_notice_waits_for_the_end_of_quiet_hours_and_is_not_sent_if_the_outage_ended_before(fixture: &Fixture) {
    // It is noon.
    let told = channel(fixture, json!({"quiet": {"from": "11:00", "to": "14:00"}})).await;
    rule(fixture, 1, failing(), told).await;
    assert_eq!(fails_for(fixture, 20).await, 1);
    assert!(notices(fixture).await.is_empty(), "it waits");
    assert_eq!(ends(fixture).await, 0);
    fixture.clock.advance(Duration::from_secs(3 * 3600));
    assert!(notices(fixture).await.is_empty(), "neither the beginning nor the end");
    assert_eq!(fails_for(fixture, 20).await, 1);
    assert_eq!(notices(fixture).await.len(), 1);
}
