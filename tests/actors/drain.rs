//! At the end every lease is either committed with an outcome or given back, never both and never neither.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use amazon_tracker::actors::crawler_pool::CrawlerPool;
use amazon_tracker::actors::kernel::{Actor, supervise};
use amazon_tracker::actors::scheduler::{Scheduler, SchedulerMessage, SchedulerTools};
use amazon_tracker::config::CrawlSettings;
use amazon_tracker::domain::{ListingId, Outcome};
use amazon_tracker::store::{LeaseQueue, Next};
use tokio::sync::mpsc::unbounded_channel;

use crate::doubles::{Crew, Gate, Ledger, RateLimited, TOKEN, supervision};
use crate::runtime::{in_runtime, until};

/// The outcome of each listing's one commit; none for a lease that was given back.
fn ends(crew: &mut Crew) -> BTreeMap<i64, Option<&'static str>> {
    let mut ends = BTreeMap::new();
    while let Ok(commit) = crew.commits.try_recv() {
        assert_eq!(commit.token, TOKEN);
        if commit.outcome.is_none() {
            assert_eq!(commit.next, Next::Postponed(Duration::ZERO));
        }
        assert!(ends.insert(commit.listing_id.0, commit.outcome).is_none(), "one end for each lease");
    }
    ends
}

fn all(listings: impl Iterator<Item = i64>, end: Option<&'static str>) -> BTreeMap<i64, Option<&'static str>> {
    listings.map(|listing_id| (listing_id, end)).collect()
}

#[test]
fn crawls_that_outlast_the_drain_give_their_leases_back() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        (0..10).for_each(|listing_id| crew.work(listing_id, TOKEN));
        let mut running = Vec::new();
        crew.fetches.recv_many(&mut running, 4).await;
        crew.drain(Duration::ZERO);
        crew.all_slots().await;
        assert_eq!(ends(&mut crew), all(0..10, None));
    });
}

#[test]
fn a_drain_waits_for_the_crawls_that_end_in_time() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        (0..10).for_each(|listing_id| crew.work(listing_id, TOKEN));
        let mut running = Vec::new();
        while running.len() < 10 {
            running.push(crew.fetches.recv().await.unwrap().1);
        }
        crew.drain(Duration::from_secs(600));
        running.into_iter().for_each(|answer| answer.send(Outcome::NotFound).unwrap());
        crew.all_slots().await;
        assert_eq!(ends(&mut crew), all(0..10, Some("not_found")));
    });
}

#[test]
fn a_crawl_that_ends_while_it_is_given_up_has_one_end() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        (0..10).for_each(|listing_id| crew.work(listing_id, TOKEN));
        let mut running = Vec::new();
        while running.len() < 10 {
            running.push(crew.fetches.recv().await.unwrap().1);
        }
        crew.drain(Duration::ZERO);
        for answer in running {
            // A crawl that was given up meanwhile does not listen.
            let _ = answer.send(Outcome::NotFound);
            tokio::task::yield_now().await;
        }
        crew.all_slots().await;
        assert_eq!(ends(&mut crew).into_keys().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn leases_that_come_during_the_drain_are_given_back() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        crew.work(0, TOKEN);
        let (_, running) = crew.fetches.recv().await.unwrap();
        crew.drain(Duration::from_secs(600));
        crew.work(1, TOKEN);
        let commit = crew.commits.recv().await.unwrap();
        assert_eq!((commit.listing_id, commit.outcome), (ListingId(1), None));
        assert_eq!(commit.next, Next::Postponed(Duration::ZERO));
        running.send(Outcome::NotFound).unwrap();
        crew.all_slots().await;
        assert_eq!(crew.commits.recv().await.unwrap().listing_id, ListingId(0));
        assert!(crew.commits.is_empty() && crew.fetches.is_empty());
    });
}

#[test]
fn a_pool_that_panics_during_the_drain_gives_up_its_crawls_all_the_same() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        (0..10).for_each(|listing_id| crew.work(listing_id, TOKEN));
        let mut running = Vec::new();
        crew.fetches.recv_many(&mut running, 4).await;
        metrics.kind(CrawlerPool::KIND, CrawlerPool::MESSAGES).inject_panic("drain");
        crew.drain(Duration::from_millis(50));
        crew.all_slots().await;
        assert_eq!(ends(&mut crew), all(0..10, None));
    });
}

#[test]
fn a_scheduler_that_is_rebuilt_during_the_drain_claims_nothing() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 1);
        let queue: Arc<dyn LeaseQueue> = Arc::new(Ledger(unbounded_channel().0));
        let (pool, commits, slots) = (crew.pool.clone(), crew.recorder.clone(), Arc::clone(&crew.slots));
        let settings = CrawlSettings::default();
        let tools =
            SchedulerTools::new(queue, pool, commits, slots, "test".to_owned(), &settings, Arc::clone(&metrics));
        let tools = Arc::new(tools);
        let scheduled = Arc::clone(&tools);
        let make = move || Scheduler::new(Arc::clone(&scheduled));
        let scheduler = supervise(threads.singletons(), make, supervision::<Scheduler>(&metrics));
        let (_, running) = crew.fetches.recv().await.unwrap();
        tools.stop();
        let of_scheduler = metrics.kind(Scheduler::KIND, Scheduler::MESSAGES);
        of_scheduler.inject_panic("wake");
        scheduler.send_control(SchedulerMessage::Wake);
        until(|| of_scheduler.restarts.get() == 1).await;
        running.send(Outcome::NotFound).unwrap();
        crew.commits.recv().await.unwrap();
        crew.all_slots().await;
        until(|| of_scheduler.work_in_flight().0 == 0).await;
        assert!(crew.fetches.is_empty(), "the claim that waited for the slot took nothing");
    });
}

#[test]
fn a_lease_that_waits_too_long_for_the_rate_limit_is_given_back() {
    in_runtime(|threads, metrics| async move {
        let mut crew = Crew::start_within(&threads, &metrics, RateLimited, 16, Duration::from_millis(50));
        (0..3).for_each(|listing_id| crew.work(listing_id, TOKEN));
        crew.all_slots().await;
        assert_eq!(ends(&mut crew), all(0..3, None));
        assert!(crew.fetches.is_empty());
    });
}
