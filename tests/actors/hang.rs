//! The watchdog: a thread that hangs is noticed from outside.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::probe::{holding_the_thread, start_probe};
use crate::runtime::in_runtime;

const LIMIT: Duration = Duration::from_millis(600);

#[test]
fn a_thread_of_actors_that_hangs_is_noticed() {
    in_runtime(|threads, metrics| async move {
        let threads = Arc::new(threads);
        let (hung, is_hung) = oneshot::channel();
        threads.watch(LIMIT, move |lag| _ = hung.send(lag)).unwrap();
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        let (hold, is_held, release) = holding_the_thread();
        probe.try_send(hold).unwrap();
        is_held.await.unwrap();
        assert!(is_hung.await.unwrap() >= LIMIT);
        drop(release);
    });
}

#[test]
fn a_thread_that_comes_round_in_time_is_not_hung() {
    in_runtime(|threads, metrics| async move {
        let threads = Arc::new(threads);
        let (hung, mut is_hung) = oneshot::channel::<Duration>();
        threads.watch(Duration::from_secs(30), move |lag| _ = hung.send(lag)).unwrap();
        let (probe, _given_up) = start_probe(threads.singletons(), &metrics);
        let (hold, is_held, release) = holding_the_thread();
        probe.try_send(hold).unwrap();
        is_held.await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(release);
        assert!(is_hung.try_recv().is_err());
    });
}
