//! The Recorder writes the ends of crawls, many at once.
//!
//! One write is under way at a time; commits that arrive meanwhile form the next batch, so batches grow with the load and a
//! single commit never waits. How many commits can pile up is bounded by the crawl slots that travel with them.
//!
//! Commits wait in a [`CommitQueue`], which outlives the actor: its messages only say that something is to be done. A batch
//! whose write fails or panics goes back into the queue; it may be written twice, and has one effect.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::Span;
use tracing::field::Empty;

use super::kernel::{Actor, Cx, Inbox};
use super::wake_signal::WakeSignal;
use crate::domain::Backoff;
use crate::store::{Commit, LeaseQueue, StoreResult};
use crate::telemetry::{Metrics, TRACE, traceparent};

/// More would make one statement hold its locks for too long.
const MAX_BATCH: usize = 256;
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(200), Duration::from_secs(5));

/// Called once with whether the commit was recorded. Carries the crawl slot. It must not panic.
pub type WhenRecorded = Box<dyn FnOnce(bool) + Send>;

/// Called with every commit that was recorded. It must not take long.
pub type OnRecorded = Arc<dyn Fn(&Commit) + Send + Sync>;

/// What the Recorder understands.
pub enum RecorderMessage {
    /// Commits wait.
    Flush,
    /// A write is over: `true` when the database took it.
    Written(bool),
    /// The pause after a failed write is over.
    Retry,
}

/// Handle of the Recorder. Cheap to clone.
#[derive(Clone)]
pub struct CommitQueue {
    pending: Arc<Pending>,
    inbox: Inbox<Recorder>,
}

impl CommitQueue {
    /// Starts a Recorder by `spawn`, and leads to it.
    pub fn start(tools: RecorderTools, spawn: impl FnOnce(RecorderFactory) -> Inbox<Recorder>) -> Self {
        let pending = Arc::new(Pending { entries: Mutex::default(), metrics: Arc::clone(&tools.metrics) });
        let tools = Arc::new(tools);
        let inbox = spawn(Box::new({
            let pending = Arc::clone(&pending);
            move || Recorder {
                tools: Arc::clone(&tools),
                pending: Arc::clone(&pending),
                is_writing: false,
                failures: 0,
            }
        }));
        Self { pending, inbox }
    }

    /// Hands a commit over. It is written as soon as the database takes it, whatever happens to the Recorder meanwhile.
    pub fn push(&self, mut commit: Commit, when: WhenRecorded) {
        let span = tracing::info_span!(
            target: TRACE,
            "commit",
            db.operation.batch.size = Empty,
            tracker.commit.recorded = Empty,
        );
        if commit.rule_steps.iter().any(|step| step.event.is_some()) {
            commit.trace_context = traceparent(&span);
        }
        self.pending.lock().push_back(Entry { commit, when, span, has_panicked: false });
        self.inbox.send_control(RecorderMessage::Flush);
    }

    /// The Recorder's inbox.
    pub fn inbox(&self) -> &Inbox<Recorder> {
        &self.inbox
    }
}

/// Builds each incarnation.
pub type RecorderFactory = Box<dyn Fn() -> Recorder + Send>;

/// Commits that wait to be written.
struct Pending {
    entries: Mutex<VecDeque<Entry>>,
    metrics: Arc<Metrics>,
}

/// A commit with what happens when it is written.
struct Entry {
    commit: Commit,
    when: WhenRecorded,
    /// From when the commit came until it is written.
    span: Span,
    /// A write with it panicked: it is written alone next time, so that it takes no other along.
    has_panicked: bool,
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        // Nothing panics while it is held.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_batch(self: &Arc<Self>) -> Option<Batch> {
        let mut pending = self.lock();
        let suspects = pending.iter().position(|entry| entry.has_panicked);
        let size = match suspects {
            Some(0) => 1,
            Some(before_suspects) => before_suspects.min(MAX_BATCH),
            None => pending.len().min(MAX_BATCH),
        };
        let entries: VecDeque<Entry> = pending.drain(..size).collect();
        (!entries.is_empty()).then(|| Batch { entries, size, pending: Arc::clone(self) })
    }
}

/// Commits that are being written. Dropped, for whatever reason, the rest of it goes back into the queue.
struct Batch {
    entries: VecDeque<Entry>,
    size: usize,
    pending: Arc<Pending>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.suspect();
        }
        let mut pending = self.pending.lock();
        while let Some(entry) = self.entries.pop_back() {
            pending.push_front(entry);
        }
    }
}

impl Batch {
    /// The write panicked. The one that is to blame is found by writing each alone; then its lease expires, the attempt
    /// counts, and a listing that goes on like that is parked.
    fn suspect(&mut self) {
        if self.entries.len() == 1
            && let Some(entry) = self.entries.pop_front_if(|entry| entry.has_panicked)
        {
            let listing_id = entry.commit.listing_id.0;
            tracing::error!(listing_id, "a commit panicked twice and is given up; its lease expires");
            self.pending.metrics.lost_leases.inc();
            (entry.when)(false);
        }
        self.entries.iter_mut().for_each(|entry| entry.has_panicked = true);
    }
}

/// What the Recorder works with.
pub struct RecorderTools {
    /// Where commits are written.
    pub store: Arc<dyn LeaseQueue>,
    /// Woken when there is something to deliver.
    pub notifier: WakeSignal,
    /// Called with every commit that was recorded.
    pub on_recorded: OnRecorded,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
}

impl RecorderTools {
    /// Writes one batch and reports each commit's end. False: the database did not take it, and the batch is in the queue
    /// again. It may be back in time; if not, the leases expire and the commits are refused as stale.
    async fn try_write(&self, mut batch: Batch, is_first_failure: bool) -> bool {
        let commits: Vec<Commit> = batch.entries.iter().map(|entry| entry.commit.clone()).collect();
        match self.commit(&commits).await {
            Ok(recorded) => {
                let size = batch.size;
                for recorded in recorded {
                    let Some(Entry { commit, when, span, .. }) = batch.entries.pop_front() else { break };
                    span.record("db.operation.batch.size", size).record("tracker.commit.recorded", recorded);
                    let counted = catch_unwind(AssertUnwindSafe(|| span.in_scope(|| self.count(&commit, recorded))));
                    drop(span);
                    // Also when a callback panics: the waiter of this commit is answered.
                    when(recorded);
                    counted.unwrap_or_else(|panic| resume_unwind(panic));
                }
                true
            }
            Err(error) => {
                if is_first_failure {
                    tracing::warn!(%error, commits = commits.len(), "commits cannot be written; retrying");
                }
                false
            }
        }
    }

    async fn commit(&self, commits: &[Commit]) -> StoreResult<Vec<bool>> {
        let started_at = Instant::now();
        let result = self.store.commit(commits).await;
        self.metrics.store_seconds.with_label_values(&["commit"]).observe(started_at.elapsed().as_secs_f64());
        if result.is_err() {
            self.metrics.store_errors.with_label_values(&["commit"]).inc();
        }
        Ok(result?.into_iter().map(|committed| committed.recorded).collect())
    }

    fn count(&self, commit: &Commit, recorded: bool) {
        if !recorded {
            self.metrics.lost_leases.inc();
            return;
        }
        (self.on_recorded)(commit);
        self.metrics.recorded_crawls.with_label_values(&[commit.outcome.unwrap_or("given_back")]).inc();
        for point in &commit.points {
            self.metrics.changes.with_label_values(&[point.key.series.as_str()]).inc();
        }
        let mut events = commit.rule_steps.iter().filter_map(|step| step.event.as_ref()).peekable();
        let has_events = events.peek().is_some();
        for event in events {
            self.metrics.events.with_label_values(&[event.facts.condition.kind()]).inc();
            tracing::info!(target: TRACE, { tracker.event.id = %event.id }, "crossing");
        }
        if has_events {
            self.notifier.wake();
        }
    }
}

/// See the module.
pub struct Recorder {
    tools: Arc<RecorderTools>,
    pending: Arc<Pending>,
    is_writing: bool,
    /// Failed writes in a row.
    failures: u32,
}

impl Recorder {
    fn write_next(&mut self, cx: &mut Cx<'_, Self>) {
        if self.is_writing {
            return;
        }
        let Some(batch) = self.pending.take_batch() else { return };
        self.is_writing = true;
        let (tools, is_first_failure) = (Arc::clone(&self.tools), self.failures == 0);
        let write = async move { RecorderMessage::Written(tools.try_write(batch, is_first_failure).await) };
        cx.work("write", write, || RecorderMessage::Written(false));
    }

    fn written(&mut self, was_taken: bool, cx: &mut Cx<'_, Self>) {
        if was_taken {
            self.failures = 0;
            self.is_writing = false;
            self.write_next(cx);
        } else {
            cx.after(BACKOFF.after(self.failures), RecorderMessage::Retry);
            self.failures += 1;
        }
    }
}

impl Actor for Recorder {
    type Message = RecorderMessage;
    const KIND: &'static str = "recorder";
    /// For orders from outside; notifications of commits come past the bound, bounded by the crawl slots.
    const CAPACITY: usize = 64;
    const MESSAGES: &'static [&'static str] = &["flush", "written", "retry"];

    fn name_of(message: &RecorderMessage) -> &'static str {
        match message {
            RecorderMessage::Flush => "flush",
            RecorderMessage::Written(_) => "written",
            RecorderMessage::Retry => "retry",
        }
    }

    /// Commits may be waiting from before a restart.
    fn started(&mut self, cx: &mut Cx<'_, Self>) {
        self.write_next(cx);
    }

    fn handle(&mut self, message: RecorderMessage, cx: &mut Cx<'_, Self>) {
        match message {
            RecorderMessage::Flush => self.write_next(cx),
            RecorderMessage::Written(was_taken) => self.written(was_taken, cx),
            RecorderMessage::Retry => {
                self.is_writing = false;
                self.write_next(cx);
            }
        }
    }
}
