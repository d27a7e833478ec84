//! The Recorder writes the ends of looks, many at once.
//!
//! One write is under way at a time; what arrives meanwhile forms the next batch, so batches grow with the load and a
//! lone commit never waits. How many commits can pile up is bounded by the crawl slots that travel with them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::Span;
use tracing::field::Empty;

use super::kernel::{Actor, Cx};
use super::wake_signal::WakeSignal;
use crate::store::{Commit, LeaseQueue, StoreError, StoreResult};
use crate::telemetry::{Metrics, TRACE, traceparent};

/// More would make one statement hold its locks for too long.
const MAX_BATCH: usize = 256;
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Called once with whether the commit was recorded; dropped uncalled when it was given up. Carries the crawl slot.
pub type WhenRecorded = Box<dyn FnOnce(bool) + Send>;

/// Hears of every commit that was recorded. It must not take long.
pub type OnRecorded = Arc<dyn Fn(&Commit) + Send + Sync>;

/// What the Recorder understands.
pub enum RecorderMessage {
    /// Write this.
    Record(Box<Commit>, WhenRecorded),
    /// A write is over.
    Written {
        /// What was to be written.
        batch: Vec<(Commit, Ending)>,
        /// For each commit whether it was recorded.
        result: StoreResult<Vec<bool>>,
    },
    /// The pause after a failed write is over.
    Retry,
    /// A write panicked; its batch is lost, and the leases will run out.
    Panicked,
}

/// What happens when a commit is written.
pub struct Ending {
    when: WhenRecorded,
    /// From when the commit came until it is written.
    span: Span,
}

impl Ending {
    fn of(commit: &mut Commit, when: WhenRecorded) -> Self {
        let span = tracing::info_span!(
            target: TRACE,
            "commit",
            db.operation.batch.size = Empty,
            tracker.commit.recorded = Empty,
        );
        if commit.rule_steps.iter().any(|step| step.event.is_some()) {
            commit.trace_context = traceparent(&span);
        }
        Self { when, span }
    }
}

/// See the module.
pub struct Recorder {
    store: Arc<dyn LeaseQueue>,
    notifier: WakeSignal,
    on_recorded: OnRecorded,
    metrics: Arc<Metrics>,
    waiting: Vec<(Commit, Ending)>,
    writing: bool,
    failures: u32,
}

impl Recorder {
    /// A recorder without anything to write.
    pub fn new(
        store: Arc<dyn LeaseQueue>,
        notifier: WakeSignal,
        on_recorded: OnRecorded,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { store, notifier, on_recorded, metrics, waiting: Vec::new(), writing: false, failures: 0 }
    }

    fn write_next(&mut self, cx: &mut Cx<'_, Self>) {
        if self.writing || self.waiting.is_empty() {
            return;
        }
        self.writing = true;
        let size = self.waiting.len().min(MAX_BATCH);
        let batch: Vec<_> = self.waiting.drain(..size).collect();
        let (store, metrics) = (Arc::clone(&self.store), Arc::clone(&self.metrics));
        let work = async move {
            let (commits, endings): (Vec<Commit>, Vec<Ending>) = batch.into_iter().unzip();
            let result = write(&*store, &metrics, &commits).await;
            RecorderMessage::Written { batch: commits.into_iter().zip(endings).collect(), result }
        };
        cx.work(work, || RecorderMessage::Panicked);
    }

    fn written(&mut self, batch: Vec<(Commit, Ending)>, result: StoreResult<Vec<bool>>, cx: &mut Cx<'_, Self>) {
        match result {
            Ok(recorded) => {
                self.failures = 0;
                let size = batch.len();
                for ((commit, Ending { when, span }), recorded) in batch.into_iter().zip(recorded) {
                    span.record("db.operation.batch.size", size).record("tracker.commit.recorded", recorded);
                    span.in_scope(|| self.tell(&commit, recorded));
                    drop(span);
                    when(recorded);
                }
                self.writing = false;
                self.write_next(cx);
            }
            Err(error) => self.put_back(batch, &error, cx),
        }
    }

    /// The database may come back: nothing in flight is lost. If it does not in time, the leases run out and the commits
    /// are refused as stale.
    fn put_back(&mut self, mut batch: Vec<(Commit, Ending)>, error: &StoreError, cx: &mut Cx<'_, Self>) {
        self.failures += 1;
        if self.failures == 1 {
            tracing::warn!(%error, commits = batch.len(), "commits cannot be written; trying again");
        }
        batch.append(&mut self.waiting);
        self.waiting = batch;
        let pause = Duration::from_millis(100).saturating_mul(2u32.saturating_pow(self.failures.min(10)));
        cx.after(pause.min(MAX_PAUSE), RecorderMessage::Retry);
    }

    fn tell(&self, commit: &Commit, recorded: bool) {
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
        let has_told = events.peek().is_some();
        for event in events {
            self.metrics.events.with_label_values(&[event.facts.condition.kind()]).inc();
            tracing::info!(target: TRACE, { tracker.event.id = %event.id }, "crossing");
        }
        if has_told {
            self.notifier.wake();
        }
    }
}

async fn write(store: &dyn LeaseQueue, metrics: &Metrics, commits: &[Commit]) -> StoreResult<Vec<bool>> {
    let started_at = Instant::now();
    let result = store.commit(commits).await;
    metrics.store_seconds.with_label_values(&["commit"]).observe(started_at.elapsed().as_secs_f64());
    if result.is_err() {
        metrics.store_errors.with_label_values(&["commit"]).inc();
    }
    Ok(result?.into_iter().map(|committed| committed.recorded).collect())
}

impl Actor for Recorder {
    type Message = RecorderMessage;
    const KIND: &'static str = "recorder";
    /// Only for orders from outside; the ends of looks come past the bound, bounded by their crawl slots.
    const CAPACITY: usize = 64;
    const MESSAGES: &'static [&'static str] = &["record", "written", "retry", "panicked"];

    fn name_of(message: &RecorderMessage) -> &'static str {
        match message {
            RecorderMessage::Record(..) => "record",
            RecorderMessage::Written { .. } => "written",
            RecorderMessage::Retry => "retry",
            RecorderMessage::Panicked => "panicked",
        }
    }

    fn handle(&mut self, message: RecorderMessage, cx: &mut Cx<'_, Self>) {
        match message {
            RecorderMessage::Record(mut commit, when) => {
                let ending = Ending::of(&mut commit, when);
                self.waiting.push((*commit, ending));
                self.write_next(cx);
            }
            RecorderMessage::Written { batch, result } => self.written(batch, result, cx),
            RecorderMessage::Retry | RecorderMessage::Panicked => {
                self.writing = false;
                self.write_next(cx);
            }
        }
    }
}
