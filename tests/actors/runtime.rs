//! The threads that a test runs in, and how it waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use amazon_tracker::actors::kernel::{ThreadSettings, Threads, run};
use amazon_tracker::telemetry::Metrics;

/// Nothing here takes a second on an idle machine; this is for a busy one.
const MAX_TEST: Duration = Duration::from_secs(60);

/// Runs a test with one thread for singletons and one for a shard.
pub fn in_runtime<F: Future<Output = ()>>(body: impl FnOnce(Threads, Arc<Metrics>) -> F) {
    let metrics = Arc::new(Metrics::new());
    let settings = ThreadSettings { workers: 2, shards: 1 };
    let bounded = |threads| {
        let body = body(threads, Arc::clone(&metrics));
        async move { tokio::time::timeout(MAX_TEST, body).await }
    };
    run(settings, &metrics, bounded).unwrap().expect("the test ends in time");
}

/// A deadline that is never reached.
pub fn late() -> Instant {
    Instant::now() + MAX_TEST
}

/// Waits for what nobody signals: a gauge, a counter. The bound is the test's own.
pub async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
