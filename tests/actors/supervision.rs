//! Panics are seen, counted and mended; what goes on failing is given up.

use std::sync::{Mutex, PoisonError};

use amazon_tracker::actors::kernel::{AskError, TrySendError};
use amazon_tracker::telemetry::install_panic_hook;

use crate::probe::{
    Probe, act, holding_the_thread, how_many, nothing, of_probes, panicking, start_probe, which_incarnation,
};
use crate::runtime::{in_runtime, late, until};

#[test]
fn the_same_inbox_leads_to_the_next_incarnation_after_a_panic() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        assert_eq!(probe.ask(late(), which_incarnation).await, Ok(1));
        probe.try_send(panicking()).unwrap();
        assert_eq!(
            probe.ask(late(), which_incarnation).await,
            Ok(2),
            "asked while it is rebuilt, it is answered by the next"
        );
        assert_eq!((of_probes(&metrics).restarts.get(), of_probes(&metrics).quarantined.get()), (1, 0));
    });
}

#[test]
fn only_the_message_that_an_actor_panicked_on_is_gone() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        let (hold, is_held, release) = holding_the_thread();
        probe.try_send(hold).unwrap();
        is_held.await.unwrap();
        probe.try_send(nothing()).unwrap();
        probe.try_send(panicking()).unwrap();
        (0..10).for_each(|_| probe.try_send(nothing()).unwrap());
        assert_eq!(of_probes(&metrics).queued.get(), 12);
        drop(release);
        assert_eq!(probe.ask(late(), how_many).await, Ok(10), "the new incarnation has handled all that waited");
        assert_eq!((of_probes(&metrics).queued.get(), of_probes(&metrics).restarts.get()), (0, 1));
        until(|| probe.depth() == 0).await;
    });
}

#[test]
fn the_end_of_work_reaches_the_next_incarnation() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let ended = probe.ask(late(), |reply| {
            act(move |_, cx| {
                let work = async move {
                    let _ = released.await;
                    act(move |probe: &mut Probe, _| reply.send(probe.incarnation))
                };
                cx.work("deed", work, nothing);
            })
        });
        let mut ended = std::pin::pin!(ended);
        assert!(futures_util::poll!(&mut ended).is_pending());
        assert_eq!(probe.ask(late(), which_incarnation).await, Ok(1));
        assert_eq!(of_probes(&metrics).work_in_flight().0, 1);
        probe.try_send(panicking()).unwrap();
        release.send(()).unwrap();
        assert_eq!(ended.await, Ok(2));
        assert_eq!(of_probes(&metrics).work_in_flight(), (0, None));
    });
}

#[test]
fn an_operator_sees_the_incarnation_and_its_last_panic() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        of_probes(&metrics).inject_panic("act");
        probe.try_send(nothing()).unwrap();
        assert_eq!(probe.ask(late(), which_incarnation).await, Ok(2));
        let actors = metrics.actors();
        let seen = actors.iter().find(|actor| actor.kind == "probe").unwrap();
        assert_eq!((seen.resident, seen.incarnations, seen.restarts, seen.queued, seen.in_flight), (1, 2, 1, 0, 0));
        assert_eq!(seen.last_panic.as_ref().unwrap().message, "injected fault in act");
    });
}

#[test]
fn an_actor_takes_messages_from_the_moment_its_inbox_exists() {
    in_runtime(|threads, metrics| async move {
        for _ in 0..100 {
            let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
            assert_eq!(probe.ask(late(), which_incarnation).await, Ok(1));
        }
    });
}

#[test]
fn an_actor_over_its_budget_is_given_up_once_and_hands_messages_back() {
    in_runtime(|threads, metrics| async move {
        let (probe, mut given_up) = start_probe(threads.singletons(), &metrics);
        let kind = loop {
            let _ = probe.try_send(panicking());
            if let Ok(kind) = given_up.try_recv() {
                break kind;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(kind, "probe");
        assert_eq!((of_probes(&metrics).restarts.get(), of_probes(&metrics).quarantined.get()), (2, 1));
        assert!(matches!(probe.try_send(nothing()), Err(TrySendError::Dead(_))));
        assert_eq!(probe.ask(late(), which_incarnation).await, Err(AskError::Dead));
    });
}

#[test]
fn an_actor_that_stops_by_itself_is_not_restarted() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        probe
            .ask(late(), |reply| {
                act(move |_, cx| {
                    cx.stop();
                    reply.send(());
                })
            })
            .await
            .unwrap();
        // The actor is gone a moment before its supervisor closes the inbox.
        until(|| matches!(probe.try_send(nothing()), Err(TrySendError::Dead(_)))).await;
        assert_eq!(of_probes(&metrics).resident.get(), 0);
        assert_eq!(of_probes(&metrics).restarts.get(), 0);
    });
}

#[test]
fn a_panic_in_work_costs_the_work_and_not_the_actor() {
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        let end = probe.ask(late(), |reply| {
            act(move |_, cx| {
                let panicked = move || act(move |probe, _| reply.send(probe.incarnation));
                cx.work("deed", async { panic!("told to") }, panicked);
            })
        });
        assert_eq!(end.await, Ok(1), "the panic is reported to the same incarnation");
        assert_eq!(of_probes(&metrics).restarts.get(), 0);
    });
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Keeps what is logged, and shows it too: with the hook in force a failing test speaks through the log.
struct Tee;

impl std::io::Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        std::io::stderr().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_panic_is_logged_with_the_actor_and_the_message_it_ended() {
    tracing_subscriber::fmt().with_ansi(false).with_writer(|| Tee).init();
    install_panic_hook();
    in_runtime(|threads, metrics| async move {
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        probe.try_send(act(|_, _| panic!("the unmistakable panic"))).unwrap();
        until(|| of_probes(&metrics).restarts.get() == 1).await;
        let log = String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned();
        let line = log.lines().find(|line| line.contains("the unmistakable panic")).unwrap();
        assert!(line.contains("panic in probe while handling act"), "{line}");
        assert!(metrics.render().contains(r#"tracker_actor_restarts_total{kind="probe"} 1"#));
    });
}
