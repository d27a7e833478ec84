//! Threads and runtimes: one tokio runtime for every socket, and one thread (arbiter) for each shard and for the singletons.
//!
//! A pooled connection belongs to the runtime that opened it and breaks when that runtime ends, which is exactly during a
//! drain; so all arbiters share one runtime, and it ends last.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};

use crate::telemetry::Metrics;

const LAG_TICK: Duration = Duration::from_millis(100);
/// How often the watchdog looks, and how many times in a row it must find a thread hung.
const WATCH_EVERY: Duration = Duration::from_secs(1);
const HUNG_CHECKS: u32 = 3;

/// How many threads to start.
#[derive(Debug, Clone, Copy)]
pub struct ThreadSettings {
    /// Worker threads of the shared runtime.
    pub workers: usize,
    /// Arbiters for shards.
    pub shards: usize,
}

/// A thread on which actors live.
#[derive(Clone)]
pub struct ActorThread {
    arbiter: actix_rt::ArbiterHandle,
    /// When its clock last ticked, in milliseconds since the start.
    ticked_ms: Arc<AtomicU64>,
}

impl ActorThread {
    pub(super) fn spawn<F: Future<Output = ()> + 'static>(&self, make: impl FnOnce() -> F + Send + 'static) {
        self.arbiter.spawn_fn(move || {
            actix_rt::spawn(make());
        });
    }
}

/// The threads of the process.
pub struct Threads {
    runtime: Handle,
    singletons: ActorThread,
    shards: Vec<ActorThread>,
    /// When a task of the shared runtime last ran, in milliseconds since the start.
    runtime_ticked_ms: Arc<AtomicU64>,
    started_at: Instant,
}

impl Threads {
    /// The shared runtime: everything that opens a connection runs here.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The thread of the actors that exist once.
    pub fn singletons(&self) -> &ActorThread {
        &self.singletons
    }

    /// The threads of the shards.
    pub fn shards(&self) -> &[ActorThread] {
        &self.shards
    }

    /// For how long the slowest arbiter, or the shared runtime, has not come round. A frozen thread cannot be killed, only noticed.
    pub fn worst_lag(&self) -> Duration {
        let now_ms = millis(self.started_at.elapsed());
        let actor_threads = self.shards.iter().chain([&self.singletons]).map(|thread| &thread.ticked_ms);
        let ticks = actor_threads.chain([&self.runtime_ticked_ms]);
        let lag_ms = ticks.map(|ticked_ms| now_ms.saturating_sub(ticked_ms.load(Ordering::Relaxed))).max();
        Duration::from_millis(lag_ms.unwrap_or_default())
    }

    /// Calls `hung` once a thread has not come round for `limit`, from a thread of its own: orchestrators such as Docker Compose never
    /// restart a process that only answers no more. A process that was stopped and goes on is not hung.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn watch(
        self: &Arc<Self>,
        limit: Duration,
        hung: impl FnOnce(Duration) + Send + 'static,
    ) -> std::io::Result<()> {
        let watched = Arc::downgrade(self);
        let pause = (limit / HUNG_CHECKS).min(WATCH_EVERY);
        let watch = move || {
            let mut checks = 0;
            while checks < HUNG_CHECKS {
                std::thread::park_timeout(pause);
                let Some(threads) = watched.upgrade() else { return };
                // After a stop of the whole process every lag is long, and gone at the next check.
                checks = if threads.worst_lag() >= limit { checks + 1 } else { 0 };
            }
            if let Some(threads) = watched.upgrade() {
                hung(threads.worst_lag());
            }
        };
        std::thread::Builder::new().name("watchdog".to_owned()).spawn(watch).map(drop)
    }
}

/// Runs `body` on this thread with the threads of the process around it, then ends them: the shared runtime last.
pub fn run<T, F: Future<Output = T>>(
    settings: ThreadSettings,
    metrics: &Metrics,
    body: impl FnOnce(Threads) -> F,
) -> std::io::Result<T> {
    let runtime = Arc::new(Builder::new_multi_thread().worker_threads(settings.workers.max(1)).enable_all().build()?);
    let system = actix_rt::System::with_tokio_rt(|| Arc::clone(&runtime));
    let started_at = Instant::now();
    let arbiter = |_| {
        let runtime = Arc::clone(&runtime);
        actix_rt::Arbiter::try_with_tokio_rt(move || Ok(runtime))
    };
    let arbiters = (0..=settings.shards.max(1)).map(arbiter).collect::<std::io::Result<Vec<_>>>()?;
    let actor_threads = arbiters.iter().enumerate().map(|(number, arbiter)| {
        let thread = ActorThread { arbiter: arbiter.handle(), ticked_ms: Arc::default() };
        watch_lag(&thread, started_at, metrics, number);
        thread
    });
    let mut actor_threads: Vec<ActorThread> = actor_threads.collect();
    let singletons = actor_threads.remove(0);
    let runtime_ticked_ms = Arc::new(AtomicU64::new(0));
    runtime.spawn(tick(Arc::clone(&runtime_ticked_ms), started_at));
    let threads =
        Threads { runtime: runtime.handle().clone(), singletons, shards: actor_threads, runtime_ticked_ms, started_at };
    let result = system.block_on(body(threads));
    for arbiter in arbiters {
        arbiter.stop();
        let _ = arbiter.join();
    }
    drop(system);
    if let Ok(runtime) = Arc::try_unwrap(runtime) {
        runtime.shutdown_timeout(Duration::from_secs(5));
    }
    Ok(result)
}

fn watch_lag(thread: &ActorThread, started_at: Instant, metrics: &Metrics, number: usize) {
    let name = if number == 0 { "singletons".to_owned() } else { format!("shard{number}") };
    let gauge = metrics.arbiter_lag(&name);
    let ticked_ms = Arc::clone(&thread.ticked_ms);
    thread.spawn(move || async move {
        loop {
            let asleep_at = Instant::now();
            tokio::time::sleep(LAG_TICK).await;
            gauge.set(asleep_at.elapsed().saturating_sub(LAG_TICK).as_secs_f64());
            ticked_ms.store(millis(started_at.elapsed()), Ordering::Relaxed);
        }
    });
}

async fn tick(ticked_ms: Arc<AtomicU64>, started_at: Instant) {
    loop {
        ticked_ms.store(millis(started_at.elapsed()), Ordering::Relaxed);
        tokio::time::sleep(LAG_TICK).await;
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
