//! The metrics of each kind of actor, and what an operator can see beside them: incarnations, work in flight, the last panic.
//! Also where a test makes an actor panic.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use prometheus::{Histogram, IntCounter, IntGauge};
use serde::Serialize;

/// The metrics of one kind of actor, looked up once.
pub struct KindMetrics {
    /// Messages that hold a slot of an inbox: queued, or being worked on.
    pub depth: IntGauge,
    /// Messages waiting to be handled, with or without a slot.
    pub queued: IntGauge,
    /// Messages refused because the inbox was full.
    pub refused_busy: IntCounter,
    /// Messages refused because the actor has ended or is draining.
    pub refused_dead: IntCounter,
    /// Messages whose deadline had passed before they were handled.
    pub expired: IntCounter,
    /// Times an actor was rebuilt after a panic.
    pub restarts: IntCounter,
    /// Times an actor went over its restart budget.
    pub quarantined: IntCounter,
    /// Tasks that panicked.
    pub work_panics: IntCounter,
    /// Actors alive.
    pub resident: IntGauge,
    pub(super) messages: Vec<(&'static str, MessageMetrics)>,
    pub(super) observed: Observed,
}

/// The times of one kind of message.
pub struct MessageMetrics {
    /// Seconds in the inbox.
    pub wait_seconds: Histogram,
    /// Seconds in the handler.
    pub handle_seconds: Histogram,
}

impl KindMetrics {
    /// The times of a message by its name, if the actor declared it.
    pub fn message(&self, name: &'static str) -> Option<&MessageMetrics> {
        self.messages.iter().find(|(known, _)| *known == name).map(|(_, metrics)| metrics)
    }
}

/// One kind of actor, as it is now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActorStatus {
    /// The name of the kind.
    pub kind: &'static str,
    /// Actors of the kind that are in memory.
    pub resident: i64,
    /// Incarnations started since the process started. Of a singleton, the latest is the running one.
    pub incarnations: u64,
    /// Times an actor was rebuilt after a panic.
    pub restarts: u64,
    /// Times an actor exceeded its restart budget.
    pub quarantined: u64,
    /// Messages waiting to be handled.
    pub queued: i64,
    /// Tasks that actors of the kind have started and that have not ended.
    pub in_flight: usize,
    /// Age of the oldest of these tasks, in seconds.
    pub oldest_work_secs: Option<f64>,
    /// The latest panic of an actor of the kind.
    pub last_panic: Option<LastPanic>,
}

/// A panic that ended an actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastPanic {
    /// Its message.
    pub message: String,
    /// When, by this process's clock.
    pub at: Timestamp,
}

/// What [`ActorStatus`] is made of, beside the metrics of the kind.
#[derive(Default)]
pub(super) struct Observed {
    incarnations: AtomicU64,
    last_panic: Mutex<Option<LastPanic>>,
    work: Mutex<WorkLog>,
    has_faults: AtomicBool,
    faults: Mutex<Vec<&'static str>>,
}

#[derive(Default)]
struct WorkLog {
    next: u64,
    started_at: BTreeMap<u64, Instant>,
}

/// A task in flight, until dropped.
pub struct WorkInFlight {
    kind: Arc<KindMetrics>,
    number: u64,
}

impl Drop for WorkInFlight {
    fn drop(&mut self) {
        locked(&self.kind.observed.work).started_at.remove(&self.number);
    }
}

impl KindMetrics {
    /// Counts a new incarnation.
    pub fn incarnation_started(&self) {
        self.observed.incarnations.fetch_add(1, Ordering::Relaxed);
    }

    /// Remembers a panic.
    pub fn panicked(&self, message: &str) {
        *locked(&self.observed.last_panic) = Some(LastPanic { message: message.to_owned(), at: Timestamp::now() });
    }

    /// Counts and remembers the panic of a task, which ends only the task.
    pub fn work_panicked(&self, message: &str) {
        self.work_panics.inc();
        self.panicked(message);
    }

    /// Counts a task as in flight until the guard is dropped.
    pub fn work_started(self: &Arc<Self>) -> WorkInFlight {
        let mut work = locked(&self.observed.work);
        let number = work.next;
        work.next += 1;
        work.started_at.insert(number, Instant::now());
        WorkInFlight { kind: Arc::clone(self), number }
    }

    /// Tasks in flight, and the age of the oldest.
    pub fn work_in_flight(&self) -> (usize, Option<Duration>) {
        let work = locked(&self.observed.work);
        (work.started_at.len(), work.started_at.values().next().map(Instant::elapsed))
    }

    /// For tests: the next time that a message or a task of this name begins, it panics instead.
    pub fn inject_panic(&self, name: &'static str) {
        locked(&self.observed.faults).push(name);
        self.observed.has_faults.store(true, Ordering::SeqCst);
    }

    /// For tests: a panic that was asked for has not happened yet.
    pub fn has_injected_panics(&self) -> bool {
        !locked(&self.observed.faults).is_empty()
    }

    /// Panics if a test has asked for it. Costs one relaxed load otherwise.
    pub fn panic_if_injected(&self, name: &'static str) {
        if !self.observed.has_faults.load(Ordering::Relaxed) {
            return;
        }
        let mut faults = locked(&self.observed.faults);
        if let Some(place) = faults.iter().position(|fault| *fault == name) {
            faults.swap_remove(place);
            drop(faults);
            panic!("injected fault in {name}");
        }
    }

    pub(super) fn status(&self, kind: &'static str) -> ActorStatus {
        let (in_flight, oldest) = self.work_in_flight();
        ActorStatus {
            kind,
            resident: self.resident.get(),
            incarnations: self.observed.incarnations.load(Ordering::Relaxed),
            restarts: self.restarts.get(),
            quarantined: self.quarantined.get(),
            queued: self.queued.get(),
            in_flight,
            oldest_work_secs: oldest.map(|age| age.as_secs_f64()),
            last_panic: locked(&self.observed.last_panic).clone(),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
