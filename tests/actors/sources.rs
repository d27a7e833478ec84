//! Sources that take many listings at once, and sources that stand in for one another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use amazon_tracker::actors::crawl_slots::{CrawlSlots, CrawlSource};
use amazon_tracker::domain::{
    Asin, Currency, Listing, ListingState, Marketplace, Money, Observation, Outcome, Reading,
};
use amazon_tracker::limits::CrawlGate;
use amazon_tracker::sources::{BatchSize, Outcomes, Source, Wanted};
use amazon_tracker::store::Next;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::doubles::{Crew, Gate, TOKEN, listing};
use crate::runtime::in_runtime;

/// Passes on each call with the outcomes it may report; the call ends when the test answers, and panics when it drops the answer.
struct BatchSource {
    name: &'static str,
    size: BatchSize,
    calls: UnboundedSender<BatchCall>,
}

struct BatchCall {
    listings: Vec<Listing>,
    outcomes: Outcomes,
    end: oneshot::Sender<()>,
}

#[async_trait]
impl Source for BatchSource {
    fn name(&self) -> &'static str {
        self.name
    }

    fn batch(&self) -> BatchSize {
        self.size
    }

    async fn crawl(&self, wanted: &[Wanted], outcomes: &Outcomes) {
        let (end, ended) = oneshot::channel();
        let mut listings: Vec<Listing> = wanted.iter().map(|wanted| wanted.listing).collect();
        listings.sort_by_key(|listing| listing.asin);
        assert!(self.calls.send(BatchCall { listings, outcomes: outcomes.clone(), end }).is_ok());
        ended.await.expect("told to panic, by a dropped answer");
    }
}

fn source(
    name: &'static str,
    listings: usize,
    gather: Duration,
    gate: impl CrawlGate + 'static,
) -> (CrawlSource, UnboundedReceiver<BatchCall>) {
    let (calls, received) = unbounded_channel();
    let source = BatchSource { name, size: BatchSize { listings, gather }, calls };
    (CrawlSource::new(Arc::new(source), Arc::new(gate), 16, 16), received)
}

fn listings(numbers: std::ops::Range<i64>) -> Vec<Listing> {
    numbers.map(listing).collect()
}

const LONG: Duration = Duration::from_secs(600);

/// The outcomes of the next commits, by listing.
async fn ends(crew: &mut Crew, count: usize) -> BTreeMap<i64, Option<&'static str>> {
    let mut ends = BTreeMap::new();
    for _ in 0..count {
        let commit = crew.commits.recv().await.unwrap();
        assert!(ends.insert(commit.listing_id.0, commit.outcome).is_none(), "{commit:?}");
    }
    ends
}

#[test]
fn a_source_that_takes_many_listings_is_called_when_its_batch_is_full() {
    in_runtime(|threads, metrics| async move {
        let (source, mut calls) = source("many", 3, LONG, Gate(None));
        let mut crew = Crew::with_sources(&threads, &metrics, vec![source], LONG);
        (10..15).for_each(|number| crew.work(number, TOKEN));
        let call = calls.recv().await.unwrap();
        assert_eq!(call.listings, listings(10..13));
        // Each is recorded as soon as it is known; what is not reported was not attempted.
        call.outcomes.send((listing(11), Outcome::NotFound)).unwrap();
        assert_eq!(ends(&mut crew, 1).await, BTreeMap::from([(11, Some("not_found"))]));
        call.outcomes.send((listing(10), Outcome::NotFound)).unwrap();
        call.end.send(()).unwrap();
        assert_eq!(ends(&mut crew, 2).await, BTreeMap::from([(10, Some("not_found")), (12, None)]));
        assert!(calls.is_empty(), "two wait for a third");
        crew.drain(Duration::ZERO);
        assert_eq!(ends(&mut crew, 2).await, BTreeMap::from([(13, None), (14, None)]));
        crew.all_slots().await;
    });
}

#[test]
fn a_batch_that_does_not_fill_up_is_crawled_after_a_while() {
    in_runtime(|threads, metrics| async move {
        let (source, mut calls) = source("many", 100, Duration::from_millis(50), Gate(None));
        let crew = Crew::with_sources(&threads, &metrics, vec![source], LONG);
        (10..12).for_each(|number| crew.work(number, TOKEN));
        assert_eq!(calls.recv().await.unwrap().listings, listings(10..12));
    });
}

#[test]
fn a_panic_of_the_source_counts_for_what_it_had_not_reported() {
    in_runtime(|threads, metrics| async move {
        let (source, mut calls) = source("many", 2, LONG, Gate(None));
        let mut crew = Crew::with_sources(&threads, &metrics, vec![source], LONG);
        (10..12).for_each(|number| crew.work(number, TOKEN));
        let call = calls.recv().await.unwrap();
        call.outcomes.send((listing(10), Outcome::NotFound)).unwrap();
        drop(call.end);
        let expected = BTreeMap::from([(10, Some("not_found")), (11, Some("failed_panicked"))]);
        assert_eq!(ends(&mut crew, 2).await, expected);
        crew.all_slots().await;
    });
}

#[test]
fn leases_of_a_long_call_are_extended_and_lost_ones_are_forgotten() {
    in_runtime(|threads, metrics| async move {
        let (source, mut calls) = source("many", 2, LONG, Gate(None));
        let mut crew = Crew::with_sources(&threads, &metrics, vec![source], Duration::from_millis(30));
        crew.work(10, TOKEN);
        crew.work(11, TOKEN - 1);
        let call = calls.recv().await.unwrap();
        // Its lease cannot be extended: the crawl is given up, which the store refuses to record.
        assert_eq!(ends(&mut crew, 1).await, BTreeMap::from([(11, None)]));
        for number in 10..12 {
            call.outcomes.send((listing(number), Outcome::NotFound)).unwrap();
        }
        call.end.send(()).unwrap();
        assert_eq!(ends(&mut crew, 1).await, BTreeMap::from([(10, Some("not_found"))]));
        crew.all_slots().await;
    });
}

#[test]
fn while_a_source_is_blocked_the_next_one_is_asked() {
    in_runtime(|threads, metrics| async move {
        let (first, mut first_calls) = source("first", 1, Duration::ZERO, Gate(Some(LONG)));
        let (second, mut second_calls) = source("second", 1, Duration::ZERO, Gate(None));
        let mut crew = Crew::with_sources(&threads, &metrics, vec![first, second], LONG);
        crew.work(10, TOKEN);
        let call = second_calls.recv().await.unwrap();
        call.outcomes.send((listing(10), Outcome::NotFound)).unwrap();
        call.end.send(()).unwrap();
        assert_eq!(ends(&mut crew, 1).await, BTreeMap::from([(10, Some("not_found"))]));
        assert!(first_calls.try_recv().is_err());
        let counted = metrics.crawls.with_label_values(&["second", "com", "not_found"]);
        assert_eq!(counted.get(), 1);
        crew.all_slots().await;
    });
}

/// Open as it seems, and it admits nothing.
struct Refusing;

#[async_trait]
impl CrawlGate for Refusing {
    fn admit(&self, _: Marketplace, _: amazon_tracker::limits::Candidate) -> Result<(), Duration> {
        Err(LONG)
    }

    fn is_blocked(&self, _: Marketplace) -> bool {
        false
    }

    async fn ready(&self, _: Marketplace) {}

    fn report(&self, _: Marketplace, _: amazon_tracker::limits::Candidate, _: Option<&Outcome>) {}
}

#[test]
fn a_listing_that_a_source_refuses_moves_to_the_next_one() {
    in_runtime(|threads, metrics| async move {
        let (first, _first_calls) = source("first", 1, Duration::ZERO, Refusing);
        let (second, mut second_calls) = source("second", 1, Duration::ZERO, Gate(None));
        let mut crew = Crew::with_sources(&threads, &metrics, vec![first, second], LONG);
        crew.work(10, TOKEN);
        second_calls.recv().await.unwrap().end.send(()).unwrap();
        assert_eq!(ends(&mut crew, 1).await, BTreeMap::from([(10, None)]));
        crew.all_slots().await;
    });
}

/// Would admit everything, at another time of the day.
struct Busy;

#[async_trait]
impl CrawlGate for Busy {
    fn admit(&self, _: Marketplace, _: amazon_tracker::limits::Candidate) -> Result<(), Duration> {
        Ok(())
    }

    fn is_blocked(&self, _: Marketplace) -> bool {
        false
    }

    fn defer(&self, _: Marketplace, _: amazon_tracker::limits::Candidate) -> Option<Duration> {
        Some(LONG)
    }

    async fn ready(&self, _: Marketplace) {}

    fn report(&self, _: Marketplace, _: amazon_tracker::limits::Candidate, _: Option<&Outcome>) {}
}

#[test]
fn a_listing_that_is_put_off_at_peak_hours_is_given_back_and_costs_nothing_elsewhere() {
    in_runtime(|threads, metrics| async move {
        let (first, _first_calls) = source("first", 1, Duration::ZERO, Busy);
        let (second, second_calls) = source("second", 1, Duration::ZERO, Gate(None));
        let mut crew = Crew::with_sources(&threads, &metrics, vec![first, second], LONG);
        crew.work(10, TOKEN);
        let commit = crew.commits.recv().await.unwrap();
        assert!(matches!(commit.next, Next::Postponed(pause) if pause >= LONG), "{commit:?}");
        assert!(commit.outcome.is_none() && second_calls.is_empty());
        crew.all_slots().await;
    });
}

#[test]
fn a_listing_whose_next_source_is_full_does_not_wait_for_the_end_of_a_pause() {
    in_runtime(|threads, metrics| async move {
        let (first, _first_calls) = source("first", 1, Duration::ZERO, Refusing);
        let (calls, mut second_calls) = unbounded_channel();
        let second = BatchSource { name: "second", size: BatchSize::ONE, calls };
        let second = CrawlSource::new(Arc::new(second), Arc::new(Gate(None)), 1, 1);
        let mut crew = Crew::with_sources(&threads, &metrics, vec![first, second], LONG);
        crew.work(10, TOKEN);
        let running = second_calls.recv().await.unwrap();
        crew.work(11, TOKEN);
        let commit = crew.commits.recv().await.unwrap();
        let Next::Postponed(pause) = commit.next else { panic!("{commit:?}") };
        assert!(commit.listing_id.0 == 11 && pause < Duration::from_secs(2), "{commit:?}");
        running.end.send(()).unwrap();
        crew.all_slots().await;
    });
}

/// The state after an offer that must be confirmed, as this source saw it.
fn held_by(source: &str) -> ListingState {
    let page = |price: i64| {
        let mut seen = Observation::empty("B08PZHYWJS".parse::<Asin>().unwrap());
        seen.price = Reading::Is(Money::new(price, Currency::Usd));
        seen
    };
    let first = ListingState::default().judge(&page(10_000), Timestamp::UNIX_EPOCH).state;
    let mut state = first.judge(&page(100), Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1)).state;
    assert!(state.held.is_some());
    state.source = Some(source.to_owned());
    state
}

#[test]
fn a_surprising_offer_is_looked_at_again_by_another_source() {
    in_runtime(|threads, metrics| async move {
        let (first, mut first_calls) = source("first", 1, Duration::ZERO, Gate(None));
        let (second, mut second_calls) = source("second", 1, Duration::ZERO, Gate(None));
        let mut crew = Crew::with_sources(&threads, &metrics, vec![first, second], LONG);
        crew.state = held_by("first");
        crew.work(10, TOKEN);
        second_calls.recv().await.unwrap().end.send(()).unwrap();
        crew.state = held_by("second");
        crew.work(11, TOKEN);
        first_calls.recv().await.unwrap().end.send(()).unwrap();
        crew.state = ListingState::default();
        crew.work(12, TOKEN);
        first_calls.recv().await.unwrap().end.send(()).unwrap();
        crew.all_slots().await;
        assert!(second_calls.try_recv().is_err());
    });
}

#[test]
fn the_state_names_the_source_of_its_observation() {
    in_runtime(|threads, metrics| async move {
        let (source, mut calls) = source("many", 1, Duration::ZERO, Gate(None));
        let mut crew = Crew::with_sources(&threads, &metrics, vec![source], LONG);
        crew.work(10, TOKEN);
        let call = calls.recv().await.unwrap();
        let mut seen = Observation::empty(None);
        seen.price = Reading::Is(Money::new(100, Currency::Usd));
        call.outcomes.send((listing(10), Outcome::Observed(Box::new(seen)))).unwrap();
        call.end.send(()).unwrap();
        let commit = crew.commits.recv().await.unwrap();
        assert_eq!(commit.state.unwrap().source.as_deref(), Some("many"));
        crew.all_slots().await;
    });
}

#[test]
fn a_marketplace_that_is_full_leaves_the_slots_of_others_alone() {
    in_runtime(|_, _| async move {
        let (calls, _) = unbounded_channel();
        let source = BatchSource { name: "one", size: BatchSize::ONE, calls };
        let source = CrawlSource::new(Arc::new(source), Arc::new(Gate(None)), 4, 2);
        let slots = CrawlSlots::new(vec![source], BTreeMap::new());
        let (us, de) = (Marketplace::Us, Marketplace::De);
        let held = [slots.take(us).unwrap(), slots.take(us).unwrap()];
        assert!(slots.take(us).is_none());
        let mut free = slots.free().await.remove(0);
        assert_eq!(free.limit(), 2);
        assert!(free.share(1.0).1.iter().all(|room| room.marketplace != us && room.places == 2));
        assert!(!free.has_room_everywhere() && !free.open_marketplaces().contains(&us));
        let (woken, mut wake) = unbounded_channel();
        slots.when_freed(move || assert!(woken.send(()).is_ok()));
        let of_de = free.take(de).unwrap();
        drop(free);
        drop(held);
        assert_eq!(wake.recv().await, Some(()), "somebody wanted one");
        drop(of_de);
        assert!(wake.try_recv().is_err(), "once is enough");
        assert!(slots.take(us).is_some());
    });
}
