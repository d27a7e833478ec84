//! At the end every claim is either committed or handed back, never both and never neither.

use std::collections::BTreeSet;
use std::time::Duration;

use amazon_tracker::actors::crawler_pool::{CrawlerPool, PoolMessage};
use amazon_tracker::actors::kernel::{AskError, Inbox};
use amazon_tracker::domain::{ListingId, Outcome};
use amazon_tracker::store::Next;

use crate::doubles::{Crew, Gate, TOKEN};
use crate::house::{in_house, late};

type Leases = Vec<(ListingId, i64)>;

async fn drain(pool: Inbox<CrawlerPool>, patience: Duration) -> Result<Leases, AskError> {
    pool.ask(late(), |reply| PoolMessage::Drain { patience, reply }).await
}

fn listings(leases: &[(ListingId, i64)]) -> BTreeSet<i64> {
    leases.iter().map(|(listing_id, _)| listing_id.0).collect()
}

#[test]
fn fetches_that_outlast_the_drain_hand_back_their_leases() {
    in_house(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        (0..10).for_each(|listing_id| crew.work(listing_id, TOKEN));
        let mut running = Vec::new();
        crew.fetches.recv_many(&mut running, 4).await;
        let leases = drain(crew.pool.clone(), Duration::ZERO).await.unwrap();
        assert_eq!((leases.len(), listings(&leases)), (10, (0..10).collect()));
        assert!(leases.iter().all(|(_, token)| *token == TOKEN));
        crew.all_slots().await;
        assert!(crew.commits.is_empty(), "what was handed back is not reported too");
    });
}

#[test]
fn a_drain_waits_for_the_fetches_that_end_in_time() {
    in_house(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        (0..10).for_each(|listing_id| crew.work(listing_id, TOKEN));
        let drained = {
            let drained = drain(crew.pool.clone(), Duration::from_secs(600));
            let mut drained = std::pin::pin!(drained);
            assert!(futures_util::poll!(&mut drained).is_pending());
            for _ in 0..10 {
                crew.fetches.recv().await.unwrap().1.send(Outcome::NotFound).unwrap();
            }
            drained.await
        };
        assert_eq!(drained, Ok(Vec::new()));
        crew.all_slots().await;
        assert_eq!(crew.commits.len(), 10);
    });
}

#[test]
fn a_claim_that_races_with_the_end_of_the_drain_is_reported_exactly_once() {
    in_house(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 16);
        (0..10).for_each(|listing_id| crew.work(listing_id, TOKEN));
        let mut answers = Vec::new();
        while answers.len() < 10 {
            answers.push(crew.fetches.recv().await.unwrap().1);
        }
        let answer = async {
            for answer in answers {
                // Given up meanwhile, nobody listens.
                let _ = answer.send(Outcome::NotFound);
                tokio::task::yield_now().await;
            }
        };
        let (leases, ()) = tokio::join!(drain(crew.pool.clone(), Duration::ZERO), answer);
        let leases = leases.unwrap();
        crew.all_slots().await;
        let mut reported = listings(&leases);
        let mut count = leases.len();
        while let Ok(commit) = crew.commits.try_recv() {
            reported.insert(commit.listing_id.0);
            count += 1;
        }
        assert_eq!((count, reported), (10, (0..10).collect()));
    });
}

#[test]
fn claims_that_wait_in_line_are_handed_back_and_late_ones_postponed() {
    in_house(|threads, metrics| async move {
        let mut crew = Crew::start(&threads, &metrics, Gate(None), 1);
        (0..3).for_each(|listing_id| crew.work(listing_id, TOKEN));
        let (_, running) = crew.fetches.recv().await.unwrap();
        let leases = {
            let drained = drain(crew.pool.clone(), Duration::from_secs(600));
            let mut drained = std::pin::pin!(drained);
            assert!(futures_util::poll!(&mut drained).is_pending());
            crew.work(3, TOKEN);
            let late = crew.commits.recv().await.unwrap();
            assert_eq!((late.listing_id, late.next), (ListingId(3), Next::Postponed(Duration::ZERO)));
            running.send(Outcome::NotFound).unwrap();
            drained.await.unwrap()
        };
        assert_eq!(listings(&leases), BTreeSet::from([1, 2]));
        crew.all_slots().await;
        assert_eq!(crew.commits.recv().await.unwrap().listing_id, ListingId(0));
        assert!(crew.commits.is_empty() && crew.fetches.is_empty());
    });
}
