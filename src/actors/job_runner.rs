//! The JobRunner starts the jobs of schedules that are due, and takes the steps of jobs: several jobs at a time, one step of
//! each. Every replica with the role `scheduler` has one; a job is carried on by whichever claims its next step.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::kernel::{Actor, Cx};
use super::poll_loop::{PAUSE_AFTER_ERROR, PollLoop};
use crate::domain::{JobId, TenantId};
use crate::jobs::JobTools;
use crate::store::{ClaimedJob, StoreError, StoreResult};
use crate::telemetry::Metrics;

/// Steps that are taken at a time. They share the connections to the database with the requests.
const SLOTS: u32 = 3;
/// Longer than a step takes. When a replica dies during a step, another one takes it after this time.
const LEASE: Duration = Duration::from_secs(60);
/// Until a step that failed is tried again.
const RETRY: Duration = Duration::from_secs(5);
const MIN_SLEEP: Duration = Duration::from_millis(20);
const MAX_SLEEP: Duration = Duration::from_secs(1);

/// Called after each step: the job has made progress.
pub type OnStepped = Arc<dyn Fn(TenantId, JobId) + Send + Sync>;

/// What the JobRunner understands.
pub enum JobRunnerMessage {
    /// The time of a plan has come.
    Step(u64),
    /// Jobs were claimed, each with its slot.
    Claimed(StoreResult<(Vec<(ClaimedJob, OwnedSemaphorePermit)>, Duration)>),
    /// The step of a job is over.
    Stepped,
    /// Something may be due.
    Wake,
    /// A claim panicked.
    Panicked,
}

/// What the JobRunner works with.
pub struct JobRunnerTools {
    jobs: JobTools,
    owner: String,
    on_stepped: OnStepped,
    metrics: Arc<Metrics>,
    slots: Arc<Semaphore>,
    stopped: CancellationToken,
}

impl JobRunnerTools {
    /// With the name of this replica.
    pub fn new(jobs: JobTools, owner: String, on_stepped: OnStepped, metrics: Arc<Metrics>) -> Self {
        let slots = Arc::new(Semaphore::new(SLOTS as usize));
        Self { jobs, owner, on_stepped, metrics, slots, stopped: CancellationToken::new() }
    }

    /// Claims nothing more, and waits for the steps that are being taken. One that takes longer is taken again by another replica.
    pub async fn drain(&self, within: Duration) {
        self.stopped.cancel();
        if tokio::time::timeout(within, self.slots.acquire_many(SLOTS)).await.is_err() {
            tracing::warn!("a step of a job did not end in time; its lease expires");
        }
    }

    /// Waits for a free slot, claims a job for each that is free, and says how long to sleep.
    async fn try_claim(&self) -> StoreResult<(Vec<(ClaimedJob, OwnedSemaphorePermit)>, Duration)> {
        let mut free = vec![Arc::clone(&self.slots).acquire_owned().await.expect("the semaphore is never closed")];
        while let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
            free.push(permit);
        }
        // The wait may have been long.
        if self.stopped.is_cancelled() {
            return Ok((Vec::new(), MAX_SLEEP));
        }
        for (tenant_id, job_id) in self.jobs.start_due_schedules().await? {
            (self.on_stepped)(tenant_id, job_id);
        }
        let limit = u32::try_from(free.len()).unwrap_or(SLOTS);
        let claimed = self.jobs.store.claim_jobs(limit, LEASE, &self.owner, None).await?;
        let sleep = match claimed.len() {
            0 => self.sleep().await?,
            _ => Duration::ZERO,
        };
        Ok((claimed.into_iter().zip(free).collect(), sleep))
    }

    /// The time until the next step or schedule is due.
    async fn sleep(&self) -> StoreResult<Duration> {
        let (job, schedule) = (self.jobs.store.next_job_in().await?, self.jobs.store.next_schedule_in().await?);
        Ok(job.into_iter().chain(schedule).min().unwrap_or(MAX_SLEEP).clamp(MIN_SLEEP, MAX_SLEEP))
    }

    /// Takes the step of a job.
    async fn step(&self, job: ClaimedJob) {
        let kind = job.spec.kind().as_str();
        let result = match self.jobs.take_step(&job).await {
            Ok(()) => "done",
            Err(StoreError::NotFound(_)) => "lost",
            Err(error) => {
                tracing::warn!(job_id = %job.lease.id, kind, attempt = job.attempt, %error, "a step of job {} failed", job.lease.id);
                if let Err(error) = self.jobs.store.release_job(&job.lease, RETRY).await {
                    tracing::debug!(%error, "the lease of a job could not be released; it expires");
                }
                "failed"
            }
        };
        self.metrics.job_steps.with_label_values(&[kind, result]).inc();
        (self.on_stepped)(job.lease.tenant_id, job.lease.id);
    }
}

/// See the module.
pub struct JobRunner {
    tools: Arc<JobRunnerTools>,
    poll_loop: PollLoop,
}

impl JobRunner {
    /// A runner that starts to claim as soon as it is started.
    pub fn new(tools: Arc<JobRunnerTools>) -> Self {
        Self { tools, poll_loop: PollLoop::default() }
    }

    fn claim(&mut self, plan: u64, cx: &mut Cx<'_, Self>) {
        if !self.tools.stopped.is_cancelled() && self.poll_loop.begin(plan) {
            let tools = Arc::clone(&self.tools);
            let claim = async move { JobRunnerMessage::Claimed(tools.try_claim().await) };
            cx.work("claim", claim, || JobRunnerMessage::Panicked);
        }
    }

    fn claimed(
        &mut self,
        result: StoreResult<(Vec<(ClaimedJob, OwnedSemaphorePermit)>, Duration)>,
        cx: &mut Cx<'_, Self>,
    ) {
        let (jobs, sleep) = self.poll_loop.finish(result, "claim_jobs", &self.tools.metrics);
        for (job, slot) in jobs.into_iter().flatten() {
            let tools = Arc::clone(&self.tools);
            let step = async move {
                tools.step(job).await;
                drop(slot);
                JobRunnerMessage::Stepped
            };
            // After a panic the lease expires, and the attempt counts.
            cx.work("step", step, || JobRunnerMessage::Stepped);
        }
        self.poll_loop.plan_next(sleep, cx, JobRunnerMessage::Step);
    }
}

impl Actor for JobRunner {
    type Message = JobRunnerMessage;
    const KIND: &'static str = "job_runner";
    /// Wake-ups are all alike: that one was refused means that another is in the queue.
    const CAPACITY: usize = 64;
    const MESSAGES: &'static [&'static str] = &["step", "claimed", "stepped", "wake", "panicked"];

    fn name_of(message: &JobRunnerMessage) -> &'static str {
        match message {
            JobRunnerMessage::Step(_) => "step",
            JobRunnerMessage::Claimed(_) => "claimed",
            JobRunnerMessage::Stepped => "stepped",
            JobRunnerMessage::Wake => "wake",
            JobRunnerMessage::Panicked => "panicked",
        }
    }

    fn started(&mut self, cx: &mut Cx<'_, Self>) {
        self.claim(self.poll_loop.first(), cx);
    }

    fn handle(&mut self, message: JobRunnerMessage, cx: &mut Cx<'_, Self>) {
        match message {
            JobRunnerMessage::Step(plan) => self.claim(plan, cx),
            JobRunnerMessage::Claimed(result) => self.claimed(result, cx),
            JobRunnerMessage::Panicked => self.poll_loop.plan_next(PAUSE_AFTER_ERROR, cx, JobRunnerMessage::Step),
            JobRunnerMessage::Stepped | JobRunnerMessage::Wake => {
                if let Some(plan) = self.poll_loop.wake() {
                    self.claim(plan, cx);
                }
            }
        }
    }
}
