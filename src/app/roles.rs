//! The actors of each role, and the messages between replicas.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use super::context::AppContext;
use super::error::AppError;
use super::gated_lists::GatedLists;
use super::notifiers::NotifierRole;
use super::run_journal::StoredRuns;

use crate::actors::crawl_allocation::AllocationSettings;
use crate::actors::crawl_slots::{CrawlSlots, CrawlSource};
use crate::actors::crawler_pool::{CrawlerPool, PoolMessage, PoolTools};
use crate::actors::decide::CrawlPolicy;
use crate::actors::history_importer::{HistoryImportPolicy, HistoryImporter, HistoryImporterTools};
use crate::actors::image_fetcher::{ImageFetcher, ImageFetcherTools};
use crate::actors::job_runner::{JobRunner, JobRunnerMessage, JobRunnerTools};
use crate::actors::kernel::Inbox;
use crate::actors::live_feed::{LiveFeed, LiveFeedHandle};
use crate::actors::maintenance::{Maintenance, MaintenanceJobs, MaintenanceTools};
use crate::actors::notifier::{Notifier, NotifierMessage};
use crate::actors::recorder::{CommitQueue, OnRecorded, RecorderTools};
use crate::actors::scheduler::{Scheduler, SchedulerMessage, SchedulerTools};
use crate::actors::tracker::{TrackerTools, Trackers};
use crate::actors::user::{PrincipalCache, UserTools};
use crate::actors::wake_signal::WakeSignal;
use crate::config::{ProcessRole, Settings, SourceName};
use crate::domain::{Marketplace, RunBudget};
use crate::jobs::{JobTools, ReportTools};
use crate::limits::{GateSettings, Rate, SourceGate, TenantBudgets};
use crate::replicas::BusMessage;
use crate::service::CacheInvalidation;
use crate::sources::Source;
use crate::sources::apify::{ApifyLists, ApifySource};
use crate::sources::images::ImageClient;
use crate::sources::keepa::KeepaClient;
use crate::store::{Commit, Engine, SharedStore, StoreError};

/// What a claim must leave beside the crawl itself: the commit, and the difference of two clocks' speeds.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// What the role `crawler` is made of.
pub(super) struct CrawlerRole {
    pub scheduler: Inbox<Scheduler>,
    pub scheduler_tools: Arc<SchedulerTools>,
    pub pool: Inbox<CrawlerPool>,
    pub pool_tools: Arc<PoolTools>,
    pub slots: Arc<CrawlSlots>,
    pub trackers: Trackers,
}

/// The running actors.
pub(super) struct Actors {
    pub maintenance: Arc<MaintenanceTools>,
    /// With the role `scheduler`.
    pub job_runner: Option<Arc<JobRunnerTools>>,
    /// With the role `scheduler`, where the past is fetched.
    pub history_importer: Option<Arc<HistoryImporterTools>>,
    /// With the role `crawler`, where pictures are fetched.
    pub image_fetcher: Option<Arc<ImageFetcherTools>>,
    pub crawling: Option<CrawlerRole>,
    pub notifying: Option<NotifierRole>,
    pub live: LiveFeedHandle,
    pub invalidation: Arc<CacheInvalidation>,
    /// Wakes the Scheduler, here or on another replica.
    pub scheduler_wake: WakeSignal,
    /// Wakes the Notifier, here or on another replica.
    pub notifier_wake: WakeSignal,
    /// Wakes the JobRunner, here or on another replica.
    pub job_wake: WakeSignal,
}

impl Actors {
    /// Starts the actors of this process's roles, receivers before senders.
    pub fn start(context: &AppContext<'_>) -> Result<Self, AppError> {
        let has = |role| context.settings.server.roles.contains(&role);
        let notifying = has(ProcessRole::Notifier).then(|| context.notifying()).transpose()?;
        // A full inbox means that another wake-up waits in it.
        let mut notifier_wake = WakeSignal::remote(context.bus.clone(), BusMessage::Deliverable);
        if let Some(notifiers) = notifying.as_ref().map(NotifierRole::inboxes) {
            let wake = |notifier: &Inbox<Notifier>| drop(notifier.try_send(NotifierMessage::Wake));
            notifier_wake = notifier_wake.local(move || notifiers.iter().for_each(wake));
        }
        let live = context.live()?;
        let invalidation = Arc::new(CacheInvalidation::new(context.bus.clone(), context.revocations.clone()));
        let crawling = has(ProcessRole::Crawler);
        let crawling = crawling.then(|| context.crawling(&notifier_wake, &live, &invalidation)).transpose()?;
        let mut scheduler_wake = WakeSignal::remote(context.bus.clone(), BusMessage::Due);
        if let Some(scheduler) = crawling.as_ref().map(|crawling| crawling.scheduler.clone()) {
            scheduler_wake = scheduler_wake.local(move || drop(scheduler.try_send(SchedulerMessage::Wake)));
        }
        let slots = crawling.as_ref().map(|crawling| Arc::clone(&crawling.slots));
        let maintenance = context.maintenance(has(ProcessRole::Scheduler), slots, &live)?;
        let mut job_wake = WakeSignal::remote(context.bus.clone(), BusMessage::JobDue);
        let mut job_runner = None;
        if has(ProcessRole::Scheduler) {
            let (inbox, tools) = context.job_runner(&live)?;
            job_wake = job_wake.local(move || drop(inbox.try_send(JobRunnerMessage::Wake)));
            job_runner = Some(tools);
        }
        let imports_history = has(ProcessRole::Scheduler) && context.settings.keepa.enabled;
        let history_importer = imports_history.then(|| context.history_importer()).transpose()?;
        let fetches_images = has(ProcessRole::Crawler) && context.settings.crawl.images;
        let image_fetcher = fetches_images.then(|| context.image_fetcher()).transpose()?;
        Ok(Self {
            maintenance,
            job_runner,
            history_importer,
            image_fetcher,
            crawling,
            notifying,
            live,
            invalidation,
            scheduler_wake,
            notifier_wake,
            job_wake,
        })
    }
}

impl CrawlerRole {
    /// Running crawls end, or are given back, and everything is recorded.
    pub async fn drain(&self, until: Instant) {
        let left = || until.saturating_duration_since(Instant::now());
        self.pool_tools.drain(left().mul_f64(0.6));
        self.pool.send_control(PoolMessage::Drain);
        // A slot comes back when its crawl is recorded or its lease given back: all back means that nothing is left to write.
        if tokio::time::timeout(left(), self.slots.idle()).await.is_err() {
            tracing::warn!("some crawls were not recorded in time; their listings are crawled again");
        }
        self.trackers.drain(left()).await;
    }
}

impl AppContext<'_> {
    pub fn live(&self) -> Result<LiveFeedHandle, StoreError> {
        // An embedded database has no other replicas.
        let others = match Engine::of(&self.settings.database)? {
            Engine::Sqlite => None,
            Engine::Postgres => Some(self.bus.clone()),
        };
        let count = Arc::new(AtomicUsize::new(0));
        let (store, counted) = (Arc::clone(self.store), Arc::clone(&count));
        let feed = move || LiveFeed::new(Arc::clone(&store) as Arc<_>, Arc::clone(&counted), others.clone());
        Ok(LiveFeedHandle::new(self.spawner.spawn(feed), count))
    }

    pub fn crawling(
        &self,
        notifier: &WakeSignal,
        live: &LiveFeedHandle,
        invalidation: &Arc<CacheInvalidation>,
    ) -> Result<CrawlerRole, AppError> {
        let Self { settings, spawner, store, metrics, .. } = self;
        let on_recorded: OnRecorded = {
            let (live, invalidation) = (live.clone(), Arc::clone(invalidation));
            Arc::new(move |commit| {
                let crawled = crawled(commit);
                tell_live(&live, &crawled);
                invalidation.happened(crawled);
            })
        };
        let recorder = RecorderTools {
            store: Arc::clone(store) as Arc<_>,
            notifier: notifier.clone(),
            on_recorded,
            metrics: Arc::clone(metrics),
        };
        let commits = CommitQueue::start(recorder, |factory| spawner.spawn(factory));
        let tracker_tools = TrackerTools { policy: CrawlPolicy::from(&settings.crawl), metrics: Arc::clone(metrics) };
        let trackers = spawner.spawn_trackers(tracker_tools);
        let lease = Duration::from_secs(settings.crawl.lease_secs);
        let slots = Arc::new(self.slots(live)?);
        let pool_tools = PoolTools::new(
            Arc::clone(&slots),
            Arc::clone(store) as Arc<_>,
            trackers.clone(),
            Arc::clone(metrics),
            lease,
            lease.saturating_sub(Duration::from_secs(settings.crawl.total_timeout_secs) + LEASE_MARGIN),
        );
        let pool_tools = Arc::new(pool_tools.with_canaries(settings.crawl.canaries()));
        let pool = spawner.spawn({
            let tools = Arc::clone(&pool_tools);
            move || CrawlerPool::new(Arc::clone(&tools))
        });
        let scheduler_tools = Arc::new(SchedulerTools::new(
            Arc::clone(store) as Arc<_>,
            pool.clone(),
            commits,
            Arc::clone(&slots),
            self.owner.clone(),
            &settings.crawl,
            Arc::clone(metrics),
        ));
        let scheduler = spawner.spawn({
            let tools = Arc::clone(&scheduler_tools);
            move || Scheduler::new(Arc::clone(&tools))
        });
        Ok(CrawlerRole { scheduler, scheduler_tools, pool, pool_tools, slots, trackers })
    }

    /// The sources that the settings name, with their limits and their order on each marketplace.
    fn slots(&self, live: &LiveFeedHandle) -> Result<CrawlSlots, AppError> {
        let crawl = &self.settings.crawl;
        let orders = || std::iter::once(&crawl.sources).chain(crawl.sources_by_marketplace.values());
        let names: Vec<SourceName> = orders().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let sources = names.iter().map(|name| self.source(*name, live)).collect::<Result<_, _>>()?;
        let index = |name: &SourceName| names.iter().position(|known| known == name);
        let order_of = |marketplace: &Marketplace| {
            let order = crawl.sources_by_marketplace.get(marketplace).unwrap_or(&crawl.sources);
            (*marketplace, order.iter().filter_map(index).collect())
        };
        Ok(CrawlSlots::new(sources, Marketplace::ALL.iter().map(order_of).collect()))
    }

    fn source(&self, name: SourceName, live: &LiveFeedHandle) -> Result<CrawlSource, AppError> {
        let Settings { crawl, apify, .. } = self.settings;
        let gate = |source: &dyn Source, crawl| {
            Arc::new(SourceGate::new(source.name(), crawl, self.limiter.clone(), Arc::clone(self.metrics)))
        };
        Ok(match name {
            SourceName::Direct => {
                let GatedLists { source, gate } = &*self.direct;
                let (source, gate) = (Arc::clone(source), Arc::clone(gate));
                let others = crawl.by_marketplace.iter();
                let others = others.filter_map(|(marketplace, limits)| Some((*marketplace, limits.concurrency?)));
                CrawlSource::new(source, gate, crawl.concurrency, crawl.concurrency_per_marketplace)
                    .with_concurrency(others)
            }
            SourceName::Apify => {
                let source = self.apify(live)?;
                let rate = Rate::new(apify.runs_per_minute, apify.runs_per_minute);
                let gate = gate(&source, GateSettings { rate, ..GateSettings::from(crawl) });
                CrawlSource::new(Arc::new(source), gate, apify.concurrency, apify.concurrency)
            }
        })
    }

    fn apify(&self, live: &LiveFeedHandle) -> Result<ApifySource, AppError> {
        let Settings { apify, budget, plans, .. } = self.settings;
        let journal = Arc::new(self.run_journal(budget.of_apify(apify, plans), live));
        Ok(ApifySource::new(apify.clone(), journal, Arc::clone(self.callbacks), Arc::clone(self.metrics))?)
    }

    /// Reads lists by runs of an actor, if the settings name one.
    fn apify_lists(&self, live: &LiveFeedHandle) -> Result<Option<ApifyLists>, AppError> {
        let Settings { apify, budget, plans, .. } = self.settings;
        let Some(lists) = &apify.lists else { return Ok(None) };
        let journal = Arc::new(self.run_journal(budget.of_apify_lists(apify, lists, plans), live));
        Ok(Some(ApifyLists::new(apify, lists, journal, Arc::clone(self.metrics))?))
    }

    fn run_journal(&self, budget: RunBudget, live: &LiveFeedHandle) -> StoredRuns {
        let live = live.clone();
        StoredRuns {
            store: Arc::clone(self.store),
            max_age: Duration::from_secs(self.settings.apify.max_run_age_secs),
            budget,
            on_refusals: Box::new(move |refusals| live.budgets_spent(refusals)),
        }
    }

    fn maintenance(
        &self,
        runs_jobs: bool,
        slots: Option<Arc<CrawlSlots>>,
        live: &LiveFeedHandle,
    ) -> Result<Arc<MaintenanceTools>, AppError> {
        let (store, metrics) = (Arc::clone(self.store), Arc::clone(self.metrics));
        let owner = self.owner.clone();
        let runs = self.settings.apify.token.as_ref().map(|_| self.apify(live)).transpose()?;
        let jobs = MaintenanceJobs {
            runs: runs.map(|runs| Arc::new(runs) as Arc<_>),
            max_attempts: self.settings.crawl.max_attempts,
            canaries: self.settings.crawl.canaries().collect(),
            retention: self.settings.retention.clone(),
            allocation: AllocationSettings {
                plans: self.settings.plans.clone(),
                max_interval: self.settings.crawl.adaptive_max_interval,
            },
        };
        let tools = Arc::new(MaintenanceTools::new(owner, store, metrics, runs_jobs.then_some(jobs), slots));
        self.spawner.spawn({
            let tools = Arc::clone(&tools);
            move || Maintenance::new(Arc::clone(&tools))
        });
        Ok(tools)
    }

    fn job_runner(&self, live: &LiveFeedHandle) -> Result<(Inbox<JobRunner>, Arc<JobRunnerTools>), AppError> {
        let jobs = JobTools {
            list_runs: self.apify_lists(live)?.map(|lists| Arc::new(lists) as Arc<_>),
            store: Arc::clone(self.store),
            plans: self.settings.plans.clone(),
            default_marketplace: self.settings.products.default_marketplace,
            lists: Arc::clone(&self.direct) as Arc<_>,
            max_open: self.settings.jobs.max_open,
            reports: ReportTools { public_url: self.public_url.clone(), kept_for: self.settings.reports.kept_for() },
        };
        let (live, bus) = (live.clone(), self.bus.clone());
        let on_stepped = Arc::new(move |tenant_id, id| {
            live.job_changed(tenant_id, id);
            bus.publish(BusMessage::JobChanged(tenant_id, id));
        });
        let tools = JobRunnerTools::new(jobs, self.owner.clone(), on_stepped, Arc::clone(self.metrics));
        let tools = Arc::new(tools);
        let of_actor = Arc::clone(&tools);
        Ok((self.spawner.spawn(move || JobRunner::new(Arc::clone(&of_actor))), tools))
    }

    fn history_importer(&self) -> Result<Arc<HistoryImporterTools>, AppError> {
        let Settings { keepa, retention, .. } = self.settings;
        let limit = |number: u32| (number > 0).then_some(number);
        let policy = HistoryImportPolicy {
            max_per_day: limit(keepa.max_tokens_per_day),
            history_days: limit(retention.history_days),
        };
        let source = Arc::new(KeepaClient::new(keepa.clone(), Arc::clone(self.metrics))?);
        let (store, metrics) = (Arc::clone(self.store), Arc::clone(self.metrics));
        let tools = Arc::new(HistoryImporterTools::new(store, source, policy, self.owner.clone(), metrics));
        self.spawner.spawn({
            let tools = Arc::clone(&tools);
            move || HistoryImporter::new(Arc::clone(&tools))
        });
        Ok(tools)
    }

    fn image_fetcher(&self) -> Result<Arc<ImageFetcherTools>, AppError> {
        let images = Arc::new(ImageClient::new(&self.settings.crawl)?);
        let tools = Arc::new(ImageFetcherTools::new(Arc::clone(self.store), images, Arc::clone(self.metrics)));
        self.spawner.spawn({
            let tools = Arc::clone(&tools);
            move || ImageFetcher::new(Arc::clone(&tools))
        });
        Ok(tools)
    }

    pub fn principal_cache(&self) -> PrincipalCache {
        let (store, plans) = (Arc::clone(self.store), self.settings.plans.clone());
        self.spawner.spawn_principal_cache(UserTools {
            store,
            plans,
            tenants: TenantBudgets::new(self.limiter.clone()),
            limiter: self.limiter.clone(),
            revocations: self.revocations.clone(),
        })
    }
}

/// The message to other replicas about a commit.
fn crawled(commit: &Commit) -> BusMessage {
    let fired = commit.rule_steps.iter().filter_map(|step| step.event.as_ref());
    BusMessage::Crawled {
        listing_id: commit.listing_id,
        changed_at: commit.points.first().map(|point| point.at),
        events: fired.map(|event| event.id).collect(),
    }
}

fn tell_live(live: &LiveFeedHandle, message: &BusMessage) {
    if let BusMessage::Crawled { listing_id, changed_at, events } = message {
        live.recorded(*listing_id, *changed_at, events);
    }
}

/// What this process does when another replica says something.
pub(super) fn on_bus_message(
    invalidation: &Arc<CacheInvalidation>,
    live: &LiveFeedHandle,
    scheduler: &WakeSignal,
    notifier: &WakeSignal,
    jobs: &WakeSignal,
    store: &SharedStore,
) -> impl Fn(BusMessage) + Send + Sync + 'static {
    let (invalidation, live) = (Arc::clone(invalidation), live.clone());
    let (scheduler, notifier, jobs, store) = (scheduler.clone(), notifier.clone(), jobs.clone(), Arc::clone(store));
    move |message| {
        invalidation.heard(&message);
        match message {
            BusMessage::Crawled { .. } => tell_live(&live, &message),
            BusMessage::Due => scheduler.wake_local(),
            BusMessage::Deliverable => notifier.wake_local(),
            BusMessage::JobDue => jobs.wake_local(),
            BusMessage::JobChanged(tenant_id, id) => live.job_changed(tenant_id, id),
            BusMessage::TenantWrote(tenant_id) => store.note_remote_write(tenant_id),
            BusMessage::Product(_) | BusMessage::PrincipalChanged(_) | BusMessage::TenantDeleted(_) => {}
        }
    }
}
