//! Entities live while they are of interest, come back when asked, and are put aside when they only fail.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use amazon_tracker::actors::kernel::{Actor, ActorThread, AskError, Budget, Reply, ShardPolicy, ShardView, Shards};
use amazon_tracker::telemetry::Metrics;

use crate::probe::{
    Act, Probe, act, holding_the_thread, how_many, nothing, of_probes, panicking, probes, which_incarnation,
};
use crate::runtime::{in_runtime, late, until};

const KEY: u64 = 7;
const OTHER: u64 = 8;

/// Nothing is retired unless a test wants it.
fn policy() -> ShardPolicy {
    let never = Duration::from_secs(600);
    ShardPolicy { idle_after: never, sweep_every: never, budget: Budget::new(2, never), ..ShardPolicy::default() }
}

fn start(seats: &[ActorThread], metrics: &Metrics, policy: ShardPolicy) -> Shards<Probe> {
    let probes = probes();
    Shards::start(seats, metrics, policy, move |_| probes(), |_| {}, |kind| panic!("{kind} was given up"))
}

async fn view(shards: &Shards<Probe>) -> ShardView {
    shards.observe(Duration::from_secs(60)).await.remove(0)
}

/// Asks until somebody answers: what dies with an incarnation may be asked again.
async fn ask_again(shards: &Shards<Probe>, key: u64) -> u64 {
    loop {
        match shards.ask(key, late(), which_incarnation).await {
            Ok(incarnation) => return incarnation,
            Err(error) => assert_eq!(error, AskError::Dropped),
        }
    }
}

#[test]
fn after_a_panic_the_next_request_is_handled_by_a_new_incarnation() {
    in_runtime(|threads, metrics| async move {
        let shards = start(threads.shards(), &metrics, policy());
        assert_eq!(shards.ask(KEY, late(), which_incarnation).await, Ok(1));
        let ask = |reply: Reply<()>| {
            act(move |_, _| {
                let _reply = reply;
                panic!("told to");
            })
        };
        assert_eq!(shards.ask(KEY, late(), ask).await, Err(AskError::Dropped));
        assert_eq!(ask_again(&shards, KEY).await, 2);
        assert_eq!(of_probes(&metrics).restarts.get(), 1);
    });
}

/// Tells a shard one thing more while its entity unwinds: after the entity's death, before the news of it.
struct LastWords(Shards<Probe>, Option<Act>);

impl Drop for LastWords {
    fn drop(&mut self) {
        self.0.send_control(KEY, self.1.take().unwrap());
    }
}

#[test]
fn mail_between_a_death_and_the_news_of_it_is_handled_by_the_next_epoch() {
    in_runtime(|threads, metrics| async move {
        let shards = start(threads.shards(), &metrics, policy());
        let (sender, answered) = tokio::sync::oneshot::channel();
        let last = LastWords(shards.clone(), Some(act(move |probe, _| sender.send(probe.incarnation).unwrap())));
        shards
            .try_send(
                KEY,
                act(move |_, _| {
                    let _last = last;
                    panic!("told to");
                }),
            )
            .unwrap();
        assert_eq!(answered.await, Ok(2));
        until(|| of_probes(&metrics).restarts.get() == 1).await;
        assert_eq!(view(&shards).await, ShardView { resident: 1, quarantined: 0, incarnations: 2 });
    });
}

#[test]
fn an_entity_over_its_budget_is_quarantined_and_its_neighbours_go_on() {
    in_runtime(|threads, metrics| async move {
        let (quarantined, probes) = (Arc::new(Mutex::new(Vec::new())), probes());
        let note = Arc::clone(&quarantined);
        let shards = Shards::start(
            threads.shards(),
            &metrics,
            policy(),
            move |_| probes(),
            move |key| note.lock().unwrap().push(*key),
            |kind| panic!("{kind} was given up"),
        );
        for panics in 1..=3 {
            shards.try_send(KEY, panicking()).unwrap();
            until(|| of_probes(&metrics).restarts.get() + of_probes(&metrics).quarantined.get() == panics).await;
        }
        assert_eq!(shards.ask(KEY, late(), which_incarnation).await, Err(AskError::Dropped));
        assert_eq!(*quarantined.lock().unwrap(), [KEY]);
        assert_eq!(of_probes(&metrics).quarantined.get(), 1);
        assert_eq!(shards.ask(OTHER, late(), how_many).await, Ok(0));
        assert_eq!(view(&shards).await, ShardView { resident: 1, quarantined: 1, incarnations: 4 });
    });
}

#[test]
fn a_quarantine_ends() {
    in_runtime(|threads, metrics| async move {
        let once = Budget::new(0, Duration::from_millis(1));
        let short = ShardPolicy { budget: once, quarantine_for: Duration::from_millis(20), ..policy() };
        let shards = start(threads.shards(), &metrics, short);
        shards.try_send(KEY, panicking()).unwrap();
        until(|| of_probes(&metrics).quarantined.get() == 1).await;
        assert_eq!(ask_again(&shards, KEY).await, 2);
    });
}

#[test]
fn nothing_is_lost_when_an_entity_is_retired_while_messages_are_in_flight() {
    in_runtime(|threads, metrics| async move {
        let eager = ShardPolicy { idle_after: Duration::ZERO, sweep_every: Duration::from_millis(1), ..policy() };
        let shards = start(threads.shards(), &metrics, eager);
        let mut incarnations = Vec::new();
        for _ in 0..500 {
            incarnations.push(shards.ask(KEY, late(), which_incarnation).await.unwrap());
        }
        assert!(incarnations.is_sorted(), "an older incarnation never answers after a newer one");
        until(|| of_probes(&metrics).resident.get() == 0).await;
        assert!(view(&shards).await.incarnations >= *incarnations.last().unwrap());
    });
}

#[test]
fn a_retired_entity_first_handles_its_queue() {
    in_runtime(|threads, metrics| async move {
        let one = ShardPolicy { max_resident: 1, sweep_every: Duration::from_millis(1), ..policy() };
        let shards = start(threads.shards(), &metrics, one);
        shards.try_send(OTHER, nothing()).unwrap();
        let (hold, is_held, release) = holding_the_thread();
        shards.try_send(KEY, hold).unwrap();
        is_held.await.unwrap();
        // The thread is held past the time of the sweep: mail and sweep meet in the shard.
        let asked = (0..20).map(|_| shards.ask(KEY, late(), which_incarnation));
        let mut answers = std::pin::pin!(futures_util::future::join_all(asked));
        assert!(futures_util::poll!(&mut answers).is_pending());
        drop(release);
        let answers = answers.await;
        let mut incarnations: Vec<u64> = answers.into_iter().map(Result::unwrap).collect();
        incarnations.dedup();
        assert!(incarnations.len() <= 2, "{incarnations:?}");
    });
}

#[test]
fn the_least_recently_used_are_retired_first() {
    in_runtime(|threads, metrics| async move {
        let three = ShardPolicy { max_resident: 3, sweep_every: Duration::from_millis(20), ..policy() };
        let shards = start(threads.shards(), &metrics, three);
        let mut before = Vec::new();
        for key in 0..10 {
            before.push(shards.ask(key, late(), which_incarnation).await.unwrap());
        }
        until(|| of_probes(&metrics).resident.get() <= 3).await;
        assert_eq!(view(&shards).await.resident, 3);
        for key in [9, 8, 7] {
            assert_eq!(shards.ask(key, late(), which_incarnation).await, Ok(before[key as usize]));
        }
        assert!(
            shards.ask(0, late(), which_incarnation).await.unwrap() > before[9],
            "the first one is a new incarnation"
        );
    });
}

#[test]
fn a_deadline_travels_through_the_shard_to_the_entity() {
    in_runtime(|threads, metrics| async move {
        let shards = start(threads.shards(), &metrics, policy());
        // Both reach the entity's queue together; the first one then outlasts the deadline of the second.
        let (hold, is_held, release) = holding_the_thread();
        shards.try_send(OTHER, hold).unwrap();
        is_held.await.unwrap();
        let deadline = Instant::now() + Duration::from_millis(100);
        let outlast = act(move |_, _| {
            while Instant::now() < deadline {
                std::thread::yield_now()
            }
        });
        shards.try_send(KEY, outlast).unwrap();
        let unhandled = shards.ask(KEY, deadline, |reply| {
            act(move |_, _| {
                reply.send(());
                panic!("handled after its deadline");
            })
        });
        let mut unhandled = std::pin::pin!(unhandled);
        assert!(futures_util::poll!(&mut unhandled).is_pending());
        drop(release);
        assert!(matches!(unhandled.await, Err(AskError::Late | AskError::Dropped)));
        assert_eq!(shards.ask(KEY, late(), how_many).await, Ok(1));
        assert_eq!(of_probes(&metrics).expired.get(), 1);
    });
}

#[test]
fn a_factory_that_panics_costs_its_own_entity_and_not_the_neighbours() {
    in_runtime(|threads, metrics| async move {
        let probes = probes();
        let make = move |key: &u64| {
            assert_ne!(*key, KEY, "this one cannot be made");
            probes()
        };
        let give_up = |kind| panic!("{kind} was given up");
        let shards = Shards::<Probe>::start(threads.shards(), &metrics, policy(), make, |_| {}, give_up);
        assert_eq!(shards.ask(KEY, late(), which_incarnation).await, Err(AskError::Dropped));
        assert_eq!(shards.ask(OTHER, late(), which_incarnation).await, Ok(1));
        let counted = (of_probes(&metrics).restarts.get(), of_probes(&metrics).quarantined.get());
        assert_eq!(counted, (2, 1), "it is tried again while a message waits for it, and then quarantined");
    });
}

#[test]
fn entities_and_their_waiters_outlive_a_panic_of_their_shard() {
    in_runtime(|threads, metrics| async move {
        let shards = start(threads.shards(), &metrics, policy());
        assert_eq!(shards.ask(KEY, late(), which_incarnation).await, Ok(1));
        let (sender, kept) = std::sync::mpsc::channel();
        shards.try_send(KEY, act(move |_, _| sender.send(()).unwrap())).unwrap();
        kept.recv().unwrap();
        let of_shards = metrics.kind("probe_shard", &[]);
        of_shards.inject_panic("deliver");
        let lost = shards.ask(KEY, late(), which_incarnation).await;
        assert_eq!(lost, Err(AskError::Dropped), "the message that the shard panicked on is gone");
        assert_eq!(shards.ask(KEY, late(), which_incarnation).await, Ok(1), "the entity is the same");
        assert_eq!((of_shards.restarts.get(), of_probes(&metrics).resident.get()), (1, 1));
    });
}

#[test]
fn messages_behind_the_one_that_an_entity_panicked_on_are_handled() {
    in_runtime(|threads, metrics| async move {
        let shards = start(threads.shards(), &metrics, policy());
        let (hold, is_held, release) = holding_the_thread();
        shards.try_send(KEY, hold).unwrap();
        is_held.await.unwrap();
        let handled = Arc::new(Mutex::new(0));
        shards.try_send(KEY, panicking()).unwrap();
        for _ in 0..10 {
            let handled = Arc::clone(&handled);
            shards.try_send(KEY, act(move |_, _| *handled.lock().unwrap() += 1)).unwrap();
        }
        drop(release);
        assert_eq!(ask_again(&shards, KEY).await, 2);
        assert_eq!(*handled.lock().unwrap(), 10);
    });
}

#[test]
fn the_end_of_admitted_work_reaches_an_entity_whose_inbox_is_full() {
    in_runtime(|threads, metrics| async move {
        let shards = start(threads.shards(), &metrics, policy());
        let (hold, is_held, release) = holding_the_thread();
        shards.try_send(KEY, hold).unwrap();
        is_held.await.unwrap();
        // The shard takes all of them; the entity's own inbox has fewer places.
        for _ in 0..3 * Probe::CAPACITY {
            shards.try_send(KEY, nothing()).unwrap();
        }
        let (handled, is_handled) = tokio::sync::oneshot::channel();
        shards.send_control(KEY, act(move |_, _| handled.send(()).unwrap()));
        drop(release);
        is_handled.await.expect("it is not refused");
    });
}

#[test]
fn the_number_of_entities_is_bounded_between_two_sweeps() {
    in_runtime(|threads, metrics| async move {
        let eight = ShardPolicy { max_resident: 8, ..policy() };
        let shards = start(threads.shards(), &metrics, eight);
        for key in 0..100 {
            shards.ask(key, late(), which_incarnation).await.unwrap();
        }
        assert!(view(&shards).await.resident <= 9);
    });
}
