//! From a claim to its commit: every crawl ends once, whatever happens on the way.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use amazon_tracker::actors::notifier::NotifierMessage;
use amazon_tracker::actors::tracker::{CrawlEnd, TrackerMessage};
use amazon_tracker::domain::{
    Asin, Condition, Currency, DeliveryId, Event, EventFacts, EventId, Listing, ListingId, Marketplace, Money,
    Observation, OutboxMessage, Outcome, ProductId, RuleId, Severity, TenantId,
};
use amazon_tracker::store::{ClaimedDelivery, DeliveryEnd, Next};
use jiff::Timestamp;
use tokio::sync::mpsc::unbounded_channel;

use crate::doubles::{Crew, Gate, Line, Post, SEND_SLOTS, TOKEN, notifier_tools, start_notifier};
use crate::runtime::{in_runtime, late};

#[test]
fn a_crawl_is_committed_once_and_its_waiter_is_answered() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        let waiter = crew.trackers.ask(ListingId(1), late(), TrackerMessage::AwaitCrawl);
        let mut waiter = std::pin::pin!(waiter);
        assert!(futures_util::poll!(&mut waiter).is_pending());
        crew.work(1, TOKEN);
        crew.fetches.recv().await.unwrap().1.send(Outcome::NotFound).unwrap();
        assert_eq!(waiter.await, Ok(CrawlEnd { outcome: "not_found", recorded: true }));
        crew.all_slots().await;
        assert_eq!(crew.commits.recv().await.unwrap().outcome, Some("not_found"));
        assert!(crew.commits.is_empty());
    });
}

#[test]
fn the_time_that_a_claim_waited_makes_no_points_of_the_future() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        let began_at = Instant::now();
        crew.work_claimed_in(Duration::from_secs(5), 1, TOKEN);
        let mut seen = Observation::empty("B08PZHYWJS".parse::<Asin>().unwrap());
        seen.price = amazon_tracker::domain::Reading::Is(Money::new(100, Currency::Usd));
        crew.fetches.recv().await.unwrap().1.send(Outcome::Observed(Box::new(seen))).unwrap();
        let commit = crew.commits.recv().await.unwrap();
        // The claim was made at the beginning of 1970.
        let after_claim = Duration::try_from(commit.points[0].at.duration_since(Timestamp::UNIX_EPOCH)).unwrap();
        assert!(after_claim <= began_at.elapsed(), "{after_claim:?}");
    });
}

#[test]
fn a_panic_in_a_fetch_gives_the_slot_back_and_counts_as_a_crawl() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        crew.work(1, TOKEN);
        drop(crew.fetches.recv().await.unwrap());
        let commit = crew.commits.recv().await.unwrap();
        assert_eq!(commit.outcome, Some("failed_panicked"));
        assert!(matches!(commit.next, Next::Retry(_)));
        crew.all_slots().await;
        assert!(metrics.render().contains(r#"tracker_actor_restarts_total{kind="crawler_pool"} 0"#));
    });
}

#[test]
fn a_crawl_under_a_lost_lease_is_not_recorded_and_says_so() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        let waiter = crew.trackers.ask(ListingId(1), late(), TrackerMessage::AwaitCrawl);
        let mut waiter = std::pin::pin!(waiter);
        assert!(futures_util::poll!(&mut waiter).is_pending());
        crew.work(1, TOKEN - 1);
        crew.fetches.recv().await.unwrap().1.send(Outcome::NotFound).unwrap();
        assert_eq!(waiter.await, Ok(CrawlEnd { outcome: "not_found", recorded: false }));
        assert_eq!(metrics.lost_leases.get(), 1);
    });
}

#[test]
fn while_a_breaker_is_open_its_listings_are_given_back_without_a_crawl() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(Some(Duration::from_secs(60))), 16);
        crew.work(1, TOKEN);
        let commit = crew.commits.recv().await.unwrap();
        assert!(matches!(commit.next, Next::Postponed(pause) if pause >= Duration::from_secs(60)));
        assert_eq!((commit.outcome, commit.state), (None, None));
        assert!(crew.fetches.is_empty());
        crew.all_slots().await;
    });
}

#[test]
fn a_page_that_states_another_asin_is_no_observation_of_the_listing() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        crew.work(1, TOKEN);
        let other = Observation::empty("B000000001".parse::<Asin>().unwrap());
        crew.fetches.recv().await.unwrap().1.send(Outcome::Observed(Box::new(other))).unwrap();
        let commit = crew.commits.recv().await.unwrap();
        assert_eq!((commit.outcome, commit.points.len()), (Some("failed_wrong_listing"), 0));
    });
}

#[test]
fn a_panic_in_the_sender_costs_one_attempt_only() {
    in_runtime(|threads, metrics| async move {
        let (ends, mut ended) = unbounded_channel();
        let (sender, mut sent) = Line::new();
        let waiting = Mutex::new(vec![delivery(), delivery()]);
        let post = Post { waiting, ends, released: unbounded_channel().0 };
        let tools = Arc::new(notifier_tools(post, sender, &metrics));
        let _notifier = start_notifier(&threads, &metrics, Arc::clone(&tools));
        let (panicked, panics) = sent.recv().await.unwrap();
        let (id, answer) = sent.recv().await.unwrap();
        drop(panics);
        answer.send(Ok(())).unwrap();
        let ends = [ended.recv().await.unwrap(), ended.recv().await.unwrap()];
        assert!(ends.contains(&(id, DeliveryEnd::Delivered)), "{ends:?}");
        assert!(ends.iter().any(|(id, end)| *id == panicked && matches!(end, DeliveryEnd::Retry { .. })), "{ends:?}");
        assert!(tools.drained(Duration::from_secs(60)).await, "both slots are free again");
        assert!(metrics.render().contains(r#"tracker_actor_restarts_total{kind="notifier"} 0"#));
    });
}

/// Sixteen tenants with a hundred deliveries each, whose receivers do not answer.
#[test]
fn slow_webhooks_of_sixteen_tenants_do_not_delay_another_tenant() {
    in_runtime(|threads, metrics| async move {
        let (ends, mut ended) = unbounded_channel();
        let (sender, mut sent) = Line::new();
        let tenants: Vec<_> = (0..16).map(|_| TenantId::new()).collect();
        let slow = tenants
            .iter()
            .flat_map(|tenant_id| (0..100).map(|_| ClaimedDelivery { tenant_id: *tenant_id, ..delivery() }));
        let post = Post { waiting: Mutex::new(slow.collect()), ends, released: unbounded_channel().0 };
        let post = Arc::new(post);
        let tools = Arc::new(notifier_tools(Arc::clone(&post), sender, &metrics));
        let notifier = start_notifier(&threads, &metrics, tools);
        let mut hanging = Vec::new();
        while hanging.len() < 16 {
            hanging.push(sent.recv().await.unwrap());
        }
        let honest = delivery();
        post.waiting.lock().unwrap().push(honest.clone());
        assert!(notifier.try_send(NotifierMessage::Wake).is_ok());
        // No attempt of the others has ended.
        loop {
            let (id, answer) = sent.recv().await.unwrap();
            if id == honest.id {
                answer.send(Ok(())).unwrap();
                break;
            }
            hanging.push((id, answer));
            assert!(hanging.len() < SEND_SLOTS);
        }
        assert_eq!(ended.recv().await, Some((honest.id, DeliveryEnd::Delivered)));
    });
}

pub fn delivery() -> ClaimedDelivery {
    let (rule_id, price) = (RuleId::new(), Money::new(100, Currency::Usd));
    let facts = EventFacts {
        rule_name: None,
        severity: Severity::Normal,
        condition: Condition::PriceAtOrBelow { target: price },
        crossing: 1,
        listing: Listing::new(Marketplace::Us, "B08PZHYWJS".parse().unwrap()),
        title: None,
        image_url: None,
        price: Some(price),
        previous_price: None,
        previous_price_as_of: None,
        reasons: Vec::new(),
    };
    let (tenant_id, product_id) = (TenantId::BUILT_IN, ProductId::new());
    let id = EventId::of_crossing(rule_id, 1);
    ClaimedDelivery {
        id: DeliveryId::of_event(id, "webhook"),
        tenant_id,
        token: TOKEN,
        attempt: 1,
        message: OutboxMessage::Webhook {
            url: "https://hooks.example/1".to_owned(),
            secret: "secret".to_owned(),
            event: Box::new(Event {
                id,
                tenant_id,
                rule_id,
                product_id,
                facts,
                at: Timestamp::UNIX_EPOCH,
                told_with_others_at: None,
            }),
        },
        trace_context: None,
    }
}
