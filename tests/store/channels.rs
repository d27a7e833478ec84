//! Channels, and how events become messages: exactly once, under the policy of their channel.

use std::sync::Arc;
use std::time::Duration;

use amazon_tracker::domain::*;
use amazon_tracker::store::{
    ChannelPatch, ClaimedMessage, DeliveryClaim, MessageEnd, MessageQuota, NewChannel, NewRule, RuleChannels,
    RulePatch, StoreError,
};
use jiff::Timestamp;
use serde_json::json;

use crate::accounts::tenant_of;
use crate::fixture::*;

on_both_engines! {
    a_channel_comes_back_as_it_was_added_and_its_credentials_are_encrypted,
    channels_are_their_tenants_own_and_are_changed_by_the_version_that_was_read,
    an_event_becomes_a_message_and_the_end_of_the_message_is_that_of_its_delivery,
    two_replicas_make_one_message_of_two_events_of_one_millisecond,
    the_channel_that_has_waited_longest_is_the_first,
    a_retry_sends_the_same_members_under_the_same_id_and_none_joins_it,
    events_after_a_message_wait_and_are_told_together,
    of_very_many_events_so_many_messages_are_sent_on_a_day_and_the_rest_on_the_next,
    an_event_of_quiet_hours_is_told_once_at_their_end,
    a_channel_that_cannot_work_is_not_used_and_its_owner_is_told_by_another,
    three_dead_messages_over_a_day_break_a_channel_and_a_success_clears_them,
    what_waited_for_a_channel_is_one_message_after_its_repair,
    a_channel_that_is_asked_to_wait_uses_no_attempt,
    what_becomes_due_while_a_message_waits_for_its_sender_is_told_together,
    a_fallback_is_used_only_when_nothing_else_has_delivered,
    a_snoozed_rule_is_told_after_its_snooze,
    flapping_within_a_cooldown_is_one_message_now_and_one_summary_later,
    what_is_deleted_is_not_told,
    a_new_policy_applies_to_what_waits,
    beyond_the_quota_of_the_plan_channels_wait_for_the_next_day,
    a_feed_shows_every_event_of_its_rules_and_is_sent_nothing,
}

/// Claims every message that is due.
async fn claim(fixture: &Fixture) -> Vec<ClaimedMessage> {
    while fixture.dispatch_one().await {}
    fixture.store.claim_messages(&DeliveryClaim::any(50, LEASE, "test")).await.unwrap()
}

async fn claim_one_message(fixture: &Fixture) -> ClaimedMessage {
    let mut claimed = claim(fixture).await;
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    claimed.remove(0)
}

async fn finish(fixture: &Fixture, message: &ClaimedMessage, end: MessageEnd) {
    assert!(fixture.store.finish_message(message.message.id, message.token, &end).await.unwrap());
}

fn delivered() -> MessageEnd {
    MessageEnd::Delivered { moved_to: None }
}

/// A channel with this policy.
async fn channel_with(fixture: &Fixture, policy: serde_json::Value) -> Channel {
    let mut with = json!({"coalesce_secs": 0});
    with.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
    let policy = serde_json::from_value(with).unwrap();
    fixture.store.add_channel(NewChannel { policy, ..new_channel(US) }).await.unwrap()
}

/// A rule that is told by these channels, without a webhook: the product costs at most ten euros.
async fn rule_of(fixture: &Fixture, product: &Product, told: &[ChannelId]) -> RuleId {
    let channels = RuleChannels { told: told.to_vec(), fallback: None };
    let rule = NewRule { channels, webhook: None, ..new_rule(product, 1000) };
    fixture.store.add_rule(rule).await.unwrap().id
}

/// A product whose rule has just fired, and its rule.
async fn fired(fixture: &Fixture, n: u32, told: &[ChannelId]) -> (Product, RuleId) {
    let product = fixture.watch(n).await;
    let rule = rule_of(fixture, &product, told).await;
    fixture.see_all(900).await;
    (product, rule)
}

async fn deliveries(fixture: &Fixture, status: &str) -> i64 {
    fixture.number(&format!("SELECT count(*) FROM delivery WHERE status = '{status}'")).await
}

async fn status(fixture: &Fixture, id: ChannelId) -> ChannelStatus {
    fixture.store.channel(US, id).await.unwrap().status
}

async fn a_channel_comes_back_as_it_was_added_and_its_credentials_are_encrypted(fixture: &Fixture) {
    let new = new_channel(US);
    let added = fixture.store.add_channel(new.clone()).await.unwrap();
    assert_eq!((&added.name, &added.config, &added.policy), (&new.name, &new.config, &new.policy));
    assert_eq!(fixture.store.channel(US, added.id).await.unwrap(), added);
    assert_eq!(fixture.store.channels(US, None, 10).await.unwrap().items, [added]);
    assert_eq!(fixture.number("SELECT count(*) FROM channel WHERE config LIKE '%hooks%'").await, 0);
    let one_more = fixture.store.add_channel(NewChannel { quota: 1, ..new }).await;
    assert!(matches!(one_more, Err(StoreError::OverQuota { quota: "channels", limit: 1 })));
}

async fn channels_are_their_tenants_own_and_are_changed_by_the_version_that_was_read(fixture: &Fixture) {
    let them = tenant_of(fixture, "them").await.tenant_id;
    let ours = channel_with(fixture, json!({})).await;
    let (store, id) = (&fixture.store, ours.id);
    let rename = ChannelPatch { name: Some("Other".to_owned()), expected_version: Some(1), ..ChannelPatch::default() };
    assert!(matches!(store.channel(them, id).await, Err(StoreError::NotFound("channel"))));
    assert!(matches!(store.update_channel(them, id, rename.clone()).await, Err(StoreError::NotFound("channel"))));
    assert!(matches!(store.remove_channel(them, id).await, Err(StoreError::NotFound("channel"))));
    assert!(matches!(store.messages(them, id, None, 9).await, Err(StoreError::NotFound("channel"))));
    let theirs = store.add_product(new_product(them, 1)).await.unwrap();
    let channels = RuleChannels { told: vec![id], fallback: None };
    let foreign = store.add_rule(NewRule { channels, ..new_rule(&theirs, 1) }).await;
    assert!(matches!(foreign, Err(StoreError::NotFound("channel"))));
    assert_eq!(store.update_channel(US, id, rename.clone()).await.unwrap().name, "Other");
    assert!(matches!(store.update_channel(US, id, rename).await, Err(StoreError::Changed)));
}

async fn an_event_becomes_a_message_and_the_end_of_the_message_is_that_of_its_delivery(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({})).await;
    let (product, rule) = fired(fixture, 1, &[channel.id]).await;
    assert_eq!(deliveries(fixture, "held").await, 1);
    let claimed = claim_one_message(fixture).await;
    let message = &claimed.message;
    assert_eq!((message.kind, message.channel.id, claimed.attempt), (MessageKind::Single, channel.id, 1));
    let event = &message.events[0];
    assert_eq!((event.event.rule_id, event.event.product_id, event.times), (rule, product.id, 1));
    assert_eq!(event.points.len(), 1, "what a chart needs");
    assert!(claim(fixture).await.is_empty(), "it is leased");
    finish(fixture, &claimed, delivered()).await;
    assert!(!fixture.store.finish_message(message.id, claimed.token, &delivered()).await.unwrap(), "once only");
    let events = fixture.store.events(US, &EventFilter::default(), None, 9).await.unwrap().items;
    assert_eq!(events[0].deliveries[0].status, DeliveryStatus::Delivered);
    let log = fixture.store.messages(US, channel.id, None, 9).await.unwrap().items;
    assert_eq!((log[0].status, log[0].events, log[0].attempts), (DeliveryStatus::Delivered, 1, 1));
    assert_eq!(fixture.store.channel_usage(US, channel.id).await.unwrap().sent_today, 1);
}

async fn two_replicas_make_one_message_of_two_events_of_one_millisecond(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({})).await;
    let product = fixture.watch(1).await;
    for _ in 0..2 {
        rule_of(fixture, &product, &[channel.id]).await;
    }
    fixture.see(900).await;
    let (one, two) = tokio::join!(fixture.dispatch_one(), fixture.dispatch_one());
    assert!(one || two);
    let message = claim_one_message(fixture).await.message;
    assert_eq!((message.kind, message.events.len()), (MessageKind::Digest, 2));
}

async fn the_channel_that_has_waited_longest_is_the_first(fixture: &Fixture) {
    let (mut channels, mut told) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        channels.push(channel_with(fixture, json!({})).await.id);
    }
    for (n, place) in [(1, 2), (2, 0), (3, 1)] {
        fired(fixture, n, &[channels[place]]).await;
        fixture.clock.advance(SECOND);
    }
    while fixture.dispatch_one().await {
        let claimed = fixture.store.claim_messages(&DeliveryClaim::any(9, LEASE, "test")).await.unwrap();
        told.extend(claimed.iter().map(|claimed| claimed.message.channel.id));
    }
    assert_eq!(told, [channels[2], channels[0], channels[1]]);
}

async fn a_retry_sends_the_same_members_under_the_same_id_and_none_joins_it(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({})).await;
    fired(fixture, 1, &[channel.id]).await;
    let first = claim_one_message(fixture).await;
    let retry = MessageEnd::Retry { after: Duration::from_secs(60), error: "503".to_owned() };
    finish(fixture, &first, retry).await;
    fired(fixture, 2, &[channel.id]).await;
    let second = claim_one_message(fixture).await;
    assert_ne!(second.message.id, first.message.id);
    finish(fixture, &second, delivered()).await;
    fixture.clock.advance(Duration::from_secs(61));
    let again = claim_one_message(fixture).await;
    assert_eq!((again.message.id, again.message.events.len(), again.attempt), (first.message.id, 1, 2));
    // A crash: the lease expires, and another replica sends the same.
    fixture.clock.advance(LEASE + SECOND);
    let taken_over = claim_one_message(fixture).await;
    assert_eq!((taken_over.message.id, taken_over.attempt), (first.message.id, 3));
    assert!(!fixture.store.finish_message(again.message.id, again.token, &delivered()).await.unwrap(), "stale");
}

async fn events_after_a_message_wait_and_are_told_together(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({"coalesce_secs": 300})).await;
    fired(fixture, 1, &[channel.id]).await;
    finish(fixture, &claim_one_message(fixture).await, delivered()).await;
    for n in 2..5 {
        fired(fixture, n, &[channel.id]).await;
        assert!(claim(fixture).await.is_empty());
    }
    fixture.clock.advance(Duration::from_secs(301));
    assert_eq!(claim_one_message(fixture).await.message.events.len(), 3);
}

async fn of_very_many_events_so_many_messages_are_sent_on_a_day_and_the_rest_on_the_next(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({"max_per_day": 5})).await;
    let (product, rule) = fired(fixture, 1, &[channel.id]).await;
    let blob = |id: uuid::Uuid| {
        if fixture.is_postgres() { format!("'{id}'::uuid") } else { format!("x'{}'", id.simple()) }
    };
    let (random, tenant) = (if fixture.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" }, blob(US.0));
    let (product, rule, to) = (blob(product.id.0), blob(rule.0), blob(channel.id.0));
    for round in 0..8 {
        let count = if round == 5 { 10_000 } else { 1 };
        fixture
            .execute(&format!(
                "INSERT INTO event (id, tenant_id, rule_id, product_id, facts, at) \
                 WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {count}) \
                 SELECT {random}, {tenant}, {rule}, {product}, (SELECT facts FROM event LIMIT 1), 1000 + n FROM series"
            ))
            .await;
        fixture
            .execute(&format!(
                "INSERT INTO delivery (id, tenant_id, event_id, channel_id, status, ready_at) \
                 SELECT {random}, {tenant}, e.id, {to}, 'held', 0 FROM event e \
                 WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.event_id = e.id)"
            ))
            .await;
        for message in claim(fixture).await {
            finish(fixture, &message, delivered()).await;
        }
    }
    assert_eq!(fixture.number("SELECT count(*) FROM message").await, 5);
    assert_eq!(fixture.store.channel_usage(US, channel.id).await.unwrap().sent_today, 5);
    fixture.clock.advance(DAY);
    let rest = claim_one_message(fixture).await.message;
    assert_eq!((rest.events.len(), rest.events[0].times), (1, 10_002));
    assert!(deliveries(fixture, "held").await == 0);
}

async fn an_event_of_quiet_hours_is_told_once_at_their_end(fixture: &Fixture) {
    // Noon by the clock of the tests.
    let quiet = json!({"quiet": {"from": "11:00", "to": "14:00"}});
    let channel = channel_with(fixture, quiet).await;
    fired(fixture, 1, &[channel.id]).await;
    assert!(claim(fixture).await.is_empty());
    assert_eq!(fixture.store.channel_usage(US, channel.id).await.unwrap().held, 1);
    fixture.clock.advance(HOUR);
    assert!(claim(fixture).await.is_empty());
    fixture.clock.advance(HOUR);
    let message = claim_one_message(fixture).await;
    assert_eq!(message.message.kind, MessageKind::Single);
    finish(fixture, &message, delivered()).await;
    fixture.clock.advance(DAY);
    assert!(claim(fixture).await.is_empty());
}

async fn a_channel_that_cannot_work_is_not_used_and_its_owner_is_told_by_another(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({})).await;
    let other = channel_with(fixture, json!({})).await;
    fired(fixture, 1, &[channel.id]).await;
    let broken = MessageEnd::Broken { error: "404 no such webhook".to_owned() };
    finish(fixture, &claim_one_message(fixture).await, broken.clone()).await;
    assert_eq!(status(fixture, channel.id).await, ChannelStatus::Broken);
    assert_eq!(fixture.store.channel(US, channel.id).await.unwrap().last_error.as_deref(), Some("404 no such webhook"));
    let notice = claim_one_message(fixture).await;
    assert_eq!((notice.message.kind, notice.message.channel.id), (MessageKind::Notice, other.id));
    let facts = NoticeFacts::ChannelBroken { name: "Team".to_owned(), reason: "404 no such webhook".to_owned() };
    assert_eq!(notice.message.notice, Some(facts));
    finish(fixture, &notice, delivered()).await;
    // Repaired and broken again on the same day: told once.
    let repair = ChannelPatch { status: Some(ChannelStatus::Ok), ..ChannelPatch::default() };
    fixture.store.update_channel(US, channel.id, repair).await.unwrap();
    finish(fixture, &claim_one_message(fixture).await, broken).await;
    assert!(claim(fixture).await.is_empty());
}

async fn three_dead_messages_over_a_day_break_a_channel_and_a_success_clears_them(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({})).await;
    let dead = || MessageEnd::Dead { error: "500".to_owned() };
    for n in 1..=2 {
        fired(fixture, n, &[channel.id]).await;
        finish(fixture, &claim_one_message(fixture).await, dead()).await;
    }
    fired(fixture, 3, &[channel.id]).await;
    finish(fixture, &claim_one_message(fixture).await, delivered()).await;
    for n in 4..=6 {
        assert_eq!(status(fixture, channel.id).await, ChannelStatus::Ok, "before {n}");
        fired(fixture, n, &[channel.id]).await;
        finish(fixture, &claim_one_message(fixture).await, dead()).await;
        fixture.clock.advance(DAY);
    }
    assert_eq!(status(fixture, channel.id).await, ChannelStatus::Broken);
}

async fn what_waited_for_a_channel_is_one_message_after_its_repair(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({"coalesce_secs": 300})).await;
    let set = async |status| {
        let patch = ChannelPatch { status: Some(status), ..ChannelPatch::default() };
        fixture.store.update_channel(US, channel.id, patch).await.unwrap();
    };
    set(ChannelStatus::Paused).await;
    for n in 1..=3 {
        fired(fixture, n, &[channel.id]).await;
        fixture.clock.advance(HOUR);
        assert!(claim(fixture).await.is_empty());
    }
    set(ChannelStatus::Ok).await;
    assert_eq!(claim_one_message(fixture).await.message.events.len(), 3);
}

async fn a_channel_that_is_asked_to_wait_uses_no_attempt(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({})).await;
    fired(fixture, 1, &[channel.id]).await;
    let wait = MessageEnd::Postponed { after: Duration::from_secs(30), error: "429".to_owned() };
    finish(fixture, &claim_one_message(fixture).await, wait).await;
    fired(fixture, 2, &[channel.id]).await;
    assert!(claim(fixture).await.is_empty(), "the whole channel waits");
    fixture.clock.advance(Duration::from_secs(31));
    let first = claim_one_message(fixture).await;
    let second = claim_one_message(fixture).await;
    assert_eq!((first.attempt, second.attempt), (1, 1));
    assert_eq!((first.message.events.len(), second.message.events.len()), (1, 1), "none joins a message that exists");
}

async fn what_becomes_due_while_a_message_waits_for_its_sender_is_told_together(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({})).await;
    let dispatch = async || while fixture.dispatch_one().await {};
    for n in 1..=4 {
        fired(fixture, n, &[channel.id]).await;
        dispatch().await;
    }
    assert_eq!((deliveries(fixture, "sending").await, deliveries(fixture, "held").await), (1, 3));
    let next_in = fixture.store.next_message_in().await.unwrap();
    assert_eq!(next_in, Some(Duration::ZERO), "the message; what waits for it is not looked at");
    let first = claim_one_message(fixture).await;
    let rest = claim_one_message(fixture).await;
    assert_eq!((first.message.events.len(), rest.message.events.len()), (1, 3));
}

async fn a_fallback_is_used_only_when_nothing_else_has_delivered(fixture: &Fixture) {
    for (n, delivers) in [(1, true), (2, false)] {
        let first = channel_with(fixture, json!({})).await;
        let second = channel_with(fixture, json!({})).await;
        let fallback = Some(rule::Fallback { channel: second.id, after_secs: 900 });
        let product = fixture.watch(n).await;
        let channels = RuleChannels { told: vec![first.id], fallback };
        let rule = NewRule { channels, webhook: None, ..new_rule(&product, 1000) };
        fixture.store.add_rule(rule).await.unwrap();
        fixture.see(900).await;
        let message = claim_one_message(fixture).await;
        assert_eq!(message.message.channel.id, first.id);
        let wait = MessageEnd::Retry { after: DAY, error: "500".to_owned() };
        finish(fixture, &message, if delivers { delivered() } else { wait }).await;
        fixture.clock.advance(Duration::from_secs(901));
        let told: Vec<ChannelId> = claim(fixture).await.iter().map(|message| message.message.channel.id).collect();
        assert_eq!(told, if delivers { vec![] } else { vec![second.id] });
    }
}

async fn a_snoozed_rule_is_told_after_its_snooze(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({})).await;
    let product = fixture.watch(1).await;
    let rule = rule_of(fixture, &product, &[channel.id]).await;
    let snoozed_until = Some(Some(fixture.now().await + HOUR));
    fixture.store.update_rule(US, rule, RulePatch { snoozed_until, ..RulePatch::default() }).await.unwrap();
    fixture.see(900).await;
    assert!(claim(fixture).await.is_empty());
    fixture.clock.advance(HOUR + SECOND);
    let message = claim_one_message(fixture).await;
    assert_eq!(message.message.events.len(), 1);
    finish(fixture, &message, delivered()).await;
    // A snooze that is ended early holds nothing back.
    let forever = Some(Some(Timestamp::from_second(99_999_999_999).unwrap()));
    for snoozed_until in [forever, Some(None)] {
        assert!(claim(fixture).await.is_empty());
        fixture.store.update_rule(US, rule, RulePatch { snoozed_until, ..RulePatch::default() }).await.unwrap();
        if snoozed_until == forever {
            fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
            fixture.execute("UPDATE lease SET lane = 1").await;
            fixture.see(1_500).await;
            fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
            fixture.execute("UPDATE lease SET lane = 1").await;
            fixture.see(900).await;
        }
    }
    assert_eq!(claim_one_message(fixture).await.message.events.len(), 1);
}

async fn flapping_within_a_cooldown_is_one_message_now_and_one_summary_later(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({})).await;
    let product = fixture.watch(1).await;
    let rule = rule_of(fixture, &product, &[channel.id]).await;
    let cooldown_secs = Some(6 * 3600);
    fixture.store.update_rule(US, rule, RulePatch { cooldown_secs, ..RulePatch::default() }).await.unwrap();
    for n in 0..79 {
        let claim = fixture.claim_one().await;
        let price = if n % 2 == 0 { 900 } else { 1100 };
        fixture.commit(seen(&claim, price, fixture.now().await)).await;
        fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
        fixture.execute("UPDATE lease SET lane = 1").await;
        fixture.clock.advance(Duration::from_secs(45));
    }
    let first = claim_one_message(fixture).await;
    assert_eq!(first.message.events[0].times, 1);
    finish(fixture, &first, delivered()).await;
    fixture.clock.advance(6 * HOUR);
    let summary = claim_one_message(fixture).await;
    assert_eq!((summary.message.events.len(), summary.message.events[0].times), (1, 39));
}

async fn what_is_deleted_is_not_told(fixture: &Fixture) {
    let paused = async |fixture: &Fixture| {
        let channel = channel_with(fixture, json!({"digest": "hourly"})).await;
        channel.id
    };
    let first = paused(fixture).await;
    let (_, rule) = fired(fixture, 1, &[first]).await;
    let (product, _) = fired(fixture, 2, &[first]).await;
    let second = paused(fixture).await;
    fired(fixture, 3, &[second]).await;
    assert!(claim(fixture).await.is_empty());
    fixture.store.remove_rule(US, rule).await.unwrap();
    fixture.store.remove_product(US, product.id, None).await.unwrap();
    fixture.store.remove_channel(US, second).await.unwrap();
    assert_eq!(deliveries(fixture, "dropped").await, 3);
    fixture.clock.advance(DAY);
    assert!(claim(fixture).await.is_empty());
}

async fn a_new_policy_applies_to_what_waits(fixture: &Fixture) {
    let channel = channel_with(fixture, json!({"digest": {"daily_at": "08:00"}})).await;
    fired(fixture, 1, &[channel.id]).await;
    assert!(claim(fixture).await.is_empty());
    let policy = Some(Policy { coalesce_secs: 0, ..Policy::default() });
    fixture.store.update_channel(US, channel.id, ChannelPatch { policy, ..ChannelPatch::default() }).await.unwrap();
    claim_one_message(fixture).await;
}

async fn beyond_the_quota_of_the_plan_channels_wait_for_the_next_day(fixture: &Fixture) {
    let (one, two) = (channel_with(fixture, json!({})).await, channel_with(fixture, json!({})).await);
    fired(fixture, 1, &[one.id, two.id]).await;
    fired(fixture, 2, &[one.id, two.id]).await;
    // Of four messages, the plan of the built-in tenant allows three.
    let quota: MessageQuota = Arc::new(|plan| if plan == "enterprise" { 3 } else { 0 });
    let send = async || {
        while fixture.store.dispatch_one(&quota).await.unwrap() {}
        for message in fixture.store.claim_messages(&DeliveryClaim::any(50, LEASE, "test")).await.unwrap() {
            finish(fixture, &message, delivered()).await;
        }
    };
    send().await;
    fired(fixture, 3, &[one.id]).await;
    send().await;
    fired(fixture, 4, &[two.id]).await;
    send().await;
    assert_eq!(fixture.number("SELECT count(*) FROM message").await, 3);
    assert_eq!(fixture.number("SELECT count(*) FROM delivery WHERE held_for = 'max_per_day'").await, 1);
    assert_eq!(fixture.store.usage(US).await.unwrap().messages_today, 3);
    fixture.clock.advance(24 * 3600 * SECOND);
    send().await;
    assert_eq!((deliveries(fixture, "held").await, deliveries(fixture, "delivered").await), (0, 6));
}

async fn a_feed_shows_every_event_of_its_rules_and_is_sent_nothing(fixture: &Fixture) {
    let config = ChannelConfig::Atom(AtomTarget { secret: Some(FeedSecret::new()) });
    let feed = fixture.store.add_channel(NewChannel { config, ..new_channel(US) }).await.unwrap();
    let other = channel_with(fixture, json!({})).await;
    fired(fixture, 1, &[feed.id]).await;
    fixture.clock.advance(SECOND);
    fired(fixture, 2, &[feed.id, other.id]).await;
    fired(fixture, 3, &[other.id]).await;
    let shown = fixture.store.latest_events(US, feed.id, 10).await.unwrap();
    let titles: Vec<Asin> = shown.iter().map(|shown| shown.event.facts.listing.asin).collect();
    assert_eq!(titles, [asin(2), asin(1)], "newest first, of its own rules");
    assert!(shown.iter().all(|shown| shown.points.len() == 1), "the prices before each");
    assert_eq!(fixture.store.latest_events(US, feed.id, 1).await.unwrap().len(), 1);
    let them = tenant_of(fixture, "them").await.tenant_id;
    assert!(fixture.store.latest_events(them, feed.id, 10).await.unwrap().is_empty());
    let of_feed = "SELECT count(*) FROM delivery d JOIN channel c ON c.id = d.channel_id WHERE c.kind = 'atom'";
    assert_eq!((fixture.number(of_feed).await, deliveries(fixture, "held").await), (0, 2));
    // Nobody is told by a feed that another channel does not work.
    let message = claim(fixture).await.remove(0);
    finish(fixture, &message, MessageEnd::Broken { error: "gone".to_owned() }).await;
    assert_eq!(fixture.number("SELECT count(*) FROM message WHERE kind = 'notice'").await, 0);
}
