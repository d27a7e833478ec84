//! Rules and channels that change while their products are crawled, on PostgreSQL: nobody waits in a circle. A commit locks the lease of a
//! listing, then what its rules remember, then the rules; who uses a channel locks the channel first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use amazon_tracker::domain::*;
use amazon_tracker::store::{
    Commit, DeliveryClaim, MessageEnd, NewRule, Next, ProductPatch, RuleChannels, RulePatch, RuleRow, StoreError,
};
use futures_util::future::try_join_all;
use sqlx::{Connection, Executor, PgConnection};

use crate::alerts::rule_about;
use crate::fixture::*;
use crate::postgres::Server;

async fn connect(fixture: &Fixture) -> PgConnection {
    PgConnection::connect(&Server::superuser_url(fixture.settings.url.reveal())).await.unwrap()
}

fn at_most(target_minor: i64) -> RulePatch {
    RulePatch { condition: Some(Condition::PriceAtOrBelow { target: euros(target_minor) }), ..RulePatch::default() }
}

/// A rule that is told by a channel, and has been told once.
async fn told(fixture: &Fixture) -> (RuleRow, ChannelId) {
    let (product, channel) = (fixture.watch(1).await, fixture.store.add_channel(new_channel(US)).await.unwrap());
    let channels = RuleChannels { told: vec![channel.id], fallback: None };
    let rule = NewRule { channels, webhook: None, ..new_rule(&product, 1000) };
    let rule = fixture.store.add_rule(rule).await.unwrap();
    fixture.see(900).await;
    (rule, channel.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_rule_waits_for_a_commit_and_holds_nothing_that_the_commit_needs() {
    let fixture = Fixture::postgres().await;
    let (rule, _) = told(&fixture).await;
    let mut commit = connect(&fixture).await;
    for is_removal in [false, true] {
        commit.execute("BEGIN; SELECT 1 FROM lease FOR UPDATE").await.unwrap();
        let (store, id) = (fixture.store.clone(), rule.id);
        let change = tokio::spawn(async move {
            if is_removal {
                store.remove_rule(US, id).await
            } else {
                store.update_rule(US, id, at_most(950)).await.map(drop)
            }
        });
        fixture.until_someone_waits().await;
        let next = "SELECT 1 FROM rule_state FOR UPDATE NOWAIT; SELECT 1 FROM alert_rule FOR UPDATE NOWAIT; COMMIT";
        commit.execute(next).await.unwrap();
        change.await.unwrap().unwrap();
    }
    drop(commit);
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_message_waits_for_nobody_who_adds_a_message_to_its_channel() {
    let fixture = Fixture::postgres().await;
    told(&fixture).await;
    assert!(fixture.dispatch_one().await);
    let claimed = fixture.store.claim_messages(&DeliveryClaim::any(1, LEASE, "test")).await.unwrap().remove(0);
    // As another channel does that breaks and tells by this one.
    let mut other = connect(&fixture).await;
    other.execute("BEGIN; SELECT 1 FROM channel FOR KEY SHARE").await.unwrap();
    let end = MessageEnd::Delivered { moved_to: None };
    let ended = fixture.store.finish_message(claimed.message.id, claimed.token, &end);
    assert!(tokio::time::timeout(Duration::from_secs(30), ended).await.expect("it waits").unwrap());
    other.execute("COMMIT").await.unwrap();
    drop(other);
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_of_a_channel_waits_for_its_sender_and_holds_nothing_that_the_sender_needs() {
    let fixture = Fixture::postgres().await;
    let (_, channel) = told(&fixture).await;
    assert!(fixture.dispatch_one().await);
    let mut sender = connect(&fixture).await;
    sender.execute("BEGIN; SELECT 1 FROM channel FOR UPDATE").await.unwrap();
    let store = fixture.store.clone();
    let removal = tokio::spawn(async move { store.remove_channel(US, channel).await });
    fixture.until_someone_waits().await;
    for table in ["message", "delivery", "channel_day"] {
        let lock = sqlx::AssertSqlSafe(format!("SELECT 1 FROM {table} FOR UPDATE NOWAIT"));
        let locked = sqlx::query(lock).fetch_all(&mut sender).await.unwrap();
        assert_eq!(locked.len(), 1, "{table}");
    }
    sender.execute("COMMIT").await.unwrap();
    removal.await.unwrap().unwrap();
    drop(sender);
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_waits_for_the_removal_of_its_channel_and_holds_nothing_that_the_removal_needs() {
    let fixture = Fixture::postgres().await;
    let (rule, channel) = told(&fixture).await;
    let mut removal = connect(&fixture).await;
    removal.execute("BEGIN; SELECT 1 FROM channel FOR UPDATE").await.unwrap();
    let store = fixture.store.clone();
    let channels = Some(RuleChannels { told: vec![channel], fallback: None });
    let same = RulePatch { channels, ..RulePatch::default() };
    let change = tokio::spawn(async move { store.update_rule(US, rule.id, same).await });
    fixture.until_someone_waits().await;
    removal.execute("SELECT 1 FROM rule_channel FOR UPDATE NOWAIT; DELETE FROM channel; COMMIT").await.unwrap();
    assert!(matches!(change.await.unwrap(), Err(StoreError::NotFound("channel"))));
    drop(removal);
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_waits_delays_no_other_product_of_its_rule() {
    let fixture = Fixture::postgres().await;
    let mut products = Vec::new();
    for n in 1..=2 {
        products.push(fixture.watch(n).await);
    }
    fixture.store.add_rule(NewRule { scope: RuleScope::All, ..rule_about("") }).await.unwrap();
    fixture.see_all(900).await;
    fixture.clock.advance(DAY);
    let (now, claims) = (fixture.now().await, fixture.claim(2).await);
    let commits: Vec<Commit> = claims.iter().map(|claim| seen(claim, 1100, now)).collect();
    let mut blocker = connect(&fixture).await;
    blocker.execute("BEGIN").await.unwrap();
    let of_first =
        "SELECT 1 FROM rule_state s JOIN product p ON p.id = s.product_id WHERE p.listing_id = $1 FOR UPDATE OF s";
    let query = sqlx::query(of_first).bind(commits[0].listing_id.0);
    assert_eq!(query.fetch_all(&mut blocker).await.unwrap().len(), 1);
    let (store, first) = (fixture.store.clone(), commits[0].clone());
    let first = tokio::spawn(async move { store.commit(&[first]).await });
    fixture.until_someone_waits().await;
    assert!(fixture.commit(commits[1].clone()).await);
    assert!(!first.is_finished());
    blocker.execute("COMMIT").await.unwrap();
    assert!(first.await.unwrap().unwrap()[0].recorded);
    drop(blocker);
    fixture.end().await;
}

/// Crawls, sends, and changes of rules and channels, all at once. Every one of them succeeds at its first try.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rules_and_channels_change_while_their_products_are_crawled() {
    const ROUNDS: u32 = 150;
    let fixture = Arc::new(Fixture::postgres().await);
    let toys = ProductPatch { tags: Some(vec!["toys".to_owned()]), ..ProductPatch::default() };
    let mut products = Vec::new();
    for n in 0..8 {
        let product = fixture.watch(n).await;
        fixture.store.update_product(US, product.id, &toys).await.unwrap();
        products.push(product);
    }
    let channel = fixture.store.add_channel(new_channel(US)).await.unwrap().id;
    let channels = || RuleChannels { told: vec![channel], fallback: None };
    let narrow =
        fixture.store.add_rule(NewRule { channels: channels(), ..new_rule(&products[0], 1000) }).await.unwrap();
    let wide = fixture.store.add_rule(NewRule { channels: channels(), ..rule_about("toys") }).await.unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let background = [tokio::spawn(crawl(Arc::clone(&fixture), Arc::clone(&is_over))), {
        let (fixture, is_over) = (Arc::clone(&fixture), Arc::clone(&is_over));
        tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                send(&fixture).await;
            }
        })
    }];
    let conditions = async {
        for round in 0..ROUNDS {
            for rule in [narrow.id, wide.id] {
                fixture.store.update_rule(US, rule, at_most(1000 + i64::from(round % 2))).await?;
            }
        }
        Ok(())
    };
    let recreated = async {
        let mut channel = channel;
        for _ in 0..ROUNDS {
            fixture.store.remove_channel(US, channel).await?;
            channel = fixture.store.add_channel(new_channel(US)).await?.id;
            for rule in [narrow.id, wide.id] {
                let channels = Some(RuleChannels { told: vec![channel], fallback: None });
                fixture.store.update_rule(US, rule, RulePatch { channels, ..RulePatch::default() }).await?;
            }
        }
        Ok(())
    };
    let removed = async {
        for _ in 0..ROUNDS {
            let rule = fixture.store.add_rule(new_rule(&products[1], 1000)).await?;
            fixture.store.remove_rule(US, rule.id).await?;
        }
        amazon_tracker::store::StoreResult::Ok(())
    };
    let changed = tokio::try_join!(conditions, recreated, removed);
    is_over.store(true, Ordering::Relaxed);
    try_join_all(background).await.unwrap();
    changed.unwrap();
    assert!(fixture.number("SELECT count(*) FROM event").await > 0);
    Arc::into_inner(fixture).unwrap().end().await;
}

/// Crawls what is due, in batches; the price falls and rises.
async fn crawl(fixture: Arc<Fixture>, is_over: Arc<AtomicBool>) {
    for price_minor in [900, 1100].into_iter().cycle() {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        fixture.clock.advance(SECOND);
        let (now, claims) = (fixture.now().await, fixture.claim(8).await);
        let commit = |claim| Commit { next: Next::Due(Duration::ZERO), ..seen(claim, price_minor, now) };
        let commits: Vec<Commit> = claims.iter().map(commit).collect();
        let committed = fixture.store.commit(&commits).await.unwrap();
        assert!(committed.iter().all(|committed| committed.recorded));
    }
}

/// Sends what is due. A message whose channel is deleted meanwhile has no end.
async fn send(fixture: &Fixture) {
    while fixture.dispatch_one().await {}
    for claimed in fixture.store.claim_messages(&DeliveryClaim::any(50, LEASE, "test")).await.unwrap() {
        let end = MessageEnd::Delivered { moved_to: None };
        fixture.store.finish_message(claimed.message.id, claimed.token, &end).await.unwrap();
    }
}
