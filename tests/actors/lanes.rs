//! Requested crawls go first, but never alone.

use std::sync::Arc;

use amazon_tracker::actors::kernel::supervise;
use amazon_tracker::actors::scheduler::{Scheduler, SchedulerTools};
use amazon_tracker::config::CrawlSettings;
use amazon_tracker::domain::Outcome;
use amazon_tracker::store::LeaseQueue;
use tokio::sync::mpsc::unbounded_channel;

use crate::doubles::{Crew, Gate, Ledger, supervision};
use crate::runtime::in_runtime;

/// The share of crawls that were asked for, when both lanes always have work.
fn requested_share(crawls: usize, concurrency: usize) -> f64 {
    let (result, share) = std::sync::mpsc::channel();
    in_runtime(move |threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), concurrency);
        let queue: Arc<dyn LeaseQueue> = Arc::new(Ledger(unbounded_channel().0));
        let settings = CrawlSettings::default();
        let (pool, commits, slots) = (crew.pool.clone(), crew.recorder.clone(), Arc::clone(&crew.slots));
        let tools =
            SchedulerTools::new(queue, pool, commits, slots, "test".to_owned(), &settings, Arc::clone(&metrics));
        let tools = Arc::new(tools);
        let _scheduler = supervise(
            threads.singletons(),
            move || Scheduler::new(Arc::clone(&tools)),
            supervision::<Scheduler>(&metrics),
        );
        let mut asked_for = 0;
        for _ in 0..crawls {
            crew.fetches.recv().await.unwrap().1.send(Outcome::NotFound).unwrap();
            asked_for += crew.commits.recv().await.unwrap().listing_id.0 % 2;
        }
        result.send(asked_for as f64 / crawls as f64).unwrap();
    });
    share.recv().unwrap()
}

#[test]
fn requested_crawls_take_most_of_the_slots_and_never_all() {
    for concurrency in [2, 10] {
        let share = requested_share(400, concurrency);
        assert!((0.5..0.9).contains(&share), "{share} of {concurrency} slots");
    }
}

#[test]
fn a_single_slot_serves_both_lanes_in_turn() {
    let share = requested_share(400, 1);
    assert!((0.5..0.9).contains(&share), "{share}");
}
