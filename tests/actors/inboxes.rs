//! An inbox has a real bound, keeps deadlines, and lets neighbours live.

use std::time::{Duration, Instant};

use amazon_tracker::actors::kernel::{AskError, Slot, TrySendError};
use tokio::sync::oneshot;

use crate::probe::{Act, act, holding_the_thread, how_many, nothing, numbered, of_probes, panicking, start_probe};
use crate::runtime::{in_runtime, late, until};

#[test]
fn of_a_thousand_messages_the_capacity_is_taken_and_the_rest_handed_back() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        let (neighbour, _given_up) = start_probe(threads.singletons(), &metrics);
        let (hold, is_held, release) = holding_the_thread();
        neighbour.try_send(hold).unwrap();
        is_held.await.unwrap();
        // Each from a clone of its own: clones share the bound.
        let refused: Vec<_> = numbered(1000).filter_map(|act| probe.clone().try_send(act).err()).collect();
        let handed_back = |refused: &TrySendError<Act>| match refused {
            TrySendError::Busy(act) => act.number,
            TrySendError::Dead(_) => panic!("the actor lives"),
        };
        assert!(refused.iter().map(handed_back).eq(32..1000));
        assert_eq!((probe.depth(), of_probes(&metrics).refused_busy.get()), (32, 968));
        drop(release);
        until(|| probe.depth() == 0).await;
        assert_eq!(probe.ask(late(), how_many).await, Ok(32));
    });
}

#[test]
fn mail_whose_deadline_has_passed_is_not_handled() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        let (hold, is_held, release) = holding_the_thread();
        probe.try_send(hold).unwrap();
        is_held.await.unwrap();
        let soon = Instant::now() + Duration::from_millis(5);
        let unhandled = probe.ask(soon, |reply| {
            act(move |_, _| {
                reply.send(());
                panic!("handled after its deadline");
            })
        });
        assert_eq!(unhandled.await, Err(AskError::Late));
        drop(release);
        assert_eq!(probe.ask(late(), how_many).await, Ok(1), "only the one that held the thread");
        assert_eq!(of_probes(&metrics).expired.get(), 1);
        until(|| probe.depth() == 0).await;
    });
}

#[test]
fn work_under_way_keeps_its_place_in_the_inbox() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        let slot: Slot =
            probe.ask(late(), |reply| act(move |_, cx| reply.send(cx.keep_slot().unwrap()))).await.unwrap();
        assert_eq!((probe.depth(), of_probes(&metrics).depth.get()), (1, 1));
        drop(slot);
        assert_eq!((probe.depth(), of_probes(&metrics).depth.get()), (0, 0));
    });
}

#[test]
fn places_come_back_when_an_actor_dies_with_its_queue() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        let (hold, is_held, release) = holding_the_thread();
        probe.try_send(hold).unwrap();
        is_held.await.unwrap();
        probe.try_send(panicking()).unwrap();
        numbered(30).for_each(|act| probe.try_send(act).unwrap());
        assert_eq!(probe.depth(), 32);
        drop(release);
        until(|| probe.depth() == 0 && of_probes(&metrics).depth.get() == 0).await;
    });
}

#[test]
fn orders_go_past_a_full_inbox() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        let (hold, is_held, release) = holding_the_thread();
        probe.try_send(hold).unwrap();
        is_held.await.unwrap();
        numbered(31).for_each(|act| probe.try_send(act).unwrap());
        assert!(matches!(probe.try_send(nothing()), Err(TrySendError::Busy(_))));
        let (sender, arrived) = oneshot::channel();
        probe.send_control(act(move |_, _| sender.send(()).unwrap()));
        drop(release);
        arrived.await.unwrap();
    });
}

#[test]
fn an_actor_that_is_never_idle_starves_neither_its_neighbour_nor_a_timer() {
    /// Tells itself the same again, for ever.
    fn again() -> Act {
        act(|_, cx| cx.inbox().send_control(again()))
    }
    in_runtime(|threads, metrics| async move {
        let (hot, _given_up) = start_probe(threads.singletons(), &metrics);
        let (neighbour, _given_up) = start_probe(threads.singletons(), &metrics);
        hot.try_send(again()).unwrap();
        assert_eq!(neighbour.ask(late(), how_many).await, Ok(0));
        let fired = neighbour.ask(late(), |reply| {
            act(move |_, cx| {
                cx.after(Duration::from_millis(1), act(move |_, _| reply.send(())));
            })
        });
        assert_eq!(fired.await, Ok(()));
        hot.ask(late(), |reply| {
            act(move |_, cx| {
                cx.stop();
                reply.send(());
            })
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_draining_inbox_refuses_new_mail_as_dead_and_waits_for_the_old() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        let slot: Slot =
            probe.ask(late(), |reply| act(move |_, cx| reply.send(cx.keep_slot().unwrap()))).await.unwrap();
        let drain = probe.drain(Duration::from_secs(60));
        let mut drain = std::pin::pin!(drain);
        assert!(futures_util::poll!(&mut drain).is_pending());
        assert!(matches!(probe.try_send(nothing()), Err(TrySendError::Dead(_))));
        drop(slot);
        assert!(drain.await);
        assert!(matches!(probe.try_send(nothing()), Err(TrySendError::Dead(_))));
    });
}

#[test]
fn a_drain_says_when_work_was_left() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        let _slot: Slot =
            probe.ask(late(), |reply| act(move |_, cx| reply.send(cx.keep_slot().unwrap()))).await.unwrap();
        assert!(!probe.drain(Duration::from_millis(5)).await);
        assert!(matches!(probe.try_send(nothing()), Err(TrySendError::Dead(_))));
    });
}
