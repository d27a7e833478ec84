//! What each role is made of, and what replicas hear of one another.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use super::AppError;
use super::staff::Staff;
use crate::actors::bell::Bell;
use crate::actors::caretaker::{Caretaker, Chores};
use crate::actors::conclude::LookPolicy;
use crate::actors::crawler_pool::{CrawlerPool, PoolMessage, PoolTools};
use crate::actors::kernel::Inbox;
use crate::actors::live::{Live, LiveFeed};
use crate::actors::notifier::{Notifier, NotifierTools, Senders};
use crate::actors::recorder::{OnRecorded, Recorder};
use crate::actors::scheduler::{Scheduler, SchedulerTools};
use crate::actors::tracker::{TrackerTools, Trackers};
use crate::actors::user::{Gatekeepers, UserTools};
use crate::config::Settings;
use crate::limits::{Sharing, SourceGate};
use crate::notify::{SmtpSender, WebhookSender};
use crate::replicas::{Bus, Notice};
use crate::service::Changes;
use crate::sources::Source;
use crate::sources::direct::DirectSource;
use crate::store::{Commit, Engine, SharedStore, StoreError};
use crate::telemetry::Metrics;

/// What a claim must leave beside the crawl itself: the commit, and the difference of two clocks' speeds.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// What the role `crawler` is made of.
pub(super) struct Crawling {
    pub scheduler: Inbox<Scheduler>,
    pub scheduler_tools: Arc<SchedulerTools>,
    pub pool: Inbox<CrawlerPool>,
    pub trackers: Trackers,
}

/// What the role `notifier` is made of.
pub(super) struct Notifying {
    pub notifier: Inbox<Notifier>,
    pub tools: Arc<NotifierTools>,
}

/// What every part of the house is built on.
pub(super) struct Ground<'a> {
    pub settings: &'a Settings,
    pub staff: Staff<'a>,
    pub store: &'a SharedStore,
    pub metrics: &'a Arc<Metrics>,
    pub sharing: &'a Sharing,
    pub bus: &'a Bus,
    /// The name of this replica, for people.
    pub owner: String,
}

impl Crawling {
    /// Running crawls end, or are given back, and what was looked at is recorded.
    pub async fn drain(&self, until: Instant, concurrency: usize, store: &SharedStore) {
        let left = || until.saturating_duration_since(Instant::now());
        let patience = left().mul_f64(0.6);
        let orphans = self
            .pool
            .ask(until.max(Instant::now() + Duration::from_secs(1)), |reply| PoolMessage::Drain { patience, reply })
            .await;
        let orphans = orphans.unwrap_or_default();
        if !orphans.is_empty() {
            tracing::warn!(crawls = orphans.len(), "gave up {} crawls; their listings are due again", orphans.len());
            if let Err(error) = store.release(&orphans).await {
                tracing::warn!(%error, "their leases cannot be given back and will run out");
            }
        }
        self.trackers.drain(left()).await;
        // A slot comes back when its look is recorded: all back means that nothing is left to write.
        let slots = u32::try_from(concurrency).unwrap_or(u32::MAX);
        if tokio::time::timeout(left(), self.scheduler_tools.slots.acquire_many(slots)).await.is_err() {
            tracing::warn!("some looks were not recorded in time; their listings are looked at again");
        }
    }
}

impl Ground<'_> {
    pub fn notifying(&self) -> Result<Notifying, AppError> {
        let settings = self.settings;
        let senders = Senders {
            webhook: Arc::new(WebhookSender::new(&settings.notify)?),
            email: Arc::new(SmtpSender::new(&settings.mail)?),
        };
        let tools = Arc::new(NotifierTools::new(
            Arc::clone(self.store) as Arc<_>,
            senders,
            self.owner.clone(),
            settings.notify.clone(),
            Duration::from_secs(settings.notify.timeout_secs.max(settings.mail.timeout_secs)),
            Arc::clone(self.metrics),
        ));
        let notifier = self.staff.hire({
            let tools = Arc::clone(&tools);
            move || Notifier::new(Arc::clone(&tools))
        });
        Ok(Notifying { notifier, tools })
    }

    pub fn live(&self) -> Result<Live, StoreError> {
        // An embedded database has no other replicas.
        let others = match Engine::of(&self.settings.database)? {
            Engine::Sqlite => None,
            Engine::Postgres => Some(self.bus.clone()),
        };
        let count = Arc::new(AtomicUsize::new(0));
        let (store, counted) = (Arc::clone(self.store), Arc::clone(&count));
        let feed = move || LiveFeed::new(Arc::clone(&store) as Arc<_>, Arc::clone(&counted), others.clone());
        Ok(Live::new(self.staff.hire(feed), count))
    }

    pub fn crawling(&self, notifier: &Bell, live: &Live, changes: &Arc<Changes>) -> Result<Crawling, AppError> {
        let Self { settings, staff, store, metrics, .. } = self;
        let source: Arc<dyn Source> = Arc::new(DirectSource::new(settings.crawl.clone(), Arc::clone(metrics))?);
        let recorder = staff.hire({
            let (store, metrics, notifier) = (Arc::clone(store), Arc::clone(metrics), notifier.clone());
            let (live, changes) = (live.clone(), Arc::clone(changes));
            let on_recorded: OnRecorded = Arc::new(move |commit| {
                let looked = looked(commit);
                tell_live(&live, &looked);
                changes.happened(looked);
            });
            move || {
                let (store, on_recorded) = (Arc::clone(&store) as Arc<_>, Arc::clone(&on_recorded));
                Recorder::new(store, notifier.clone(), on_recorded, Arc::clone(&metrics))
            }
        });
        let trackers = staff.hire_trackers(TrackerTools {
            recorder: recorder.clone(),
            policy: LookPolicy::from(&settings.crawl),
            metrics: Arc::clone(metrics),
        });
        let lease = Duration::from_secs(settings.crawl.lease_secs);
        let (sharing, counted) = (self.sharing.clone(), Arc::clone(metrics));
        let pool_tools = Arc::new(PoolTools {
            gate: Arc::new(SourceGate::new(source.name(), settings.crawl.clone(), sharing, counted)),
            source,
            trackers: trackers.clone(),
            recorder,
            metrics: Arc::clone(metrics),
            concurrency_per_marketplace: settings.crawl.concurrency_per_marketplace,
            queue_patience: lease.saturating_sub(Duration::from_secs(settings.crawl.total_timeout_secs) + LEASE_MARGIN),
        });
        let pool = staff.hire(move || CrawlerPool::new(Arc::clone(&pool_tools)));
        let scheduler_tools = Arc::new(SchedulerTools::new(
            Arc::clone(store) as Arc<_>,
            pool.clone(),
            self.owner.clone(),
            &settings.crawl,
            Arc::clone(metrics),
        ));
        let scheduler = staff.hire({
            let tools = Arc::clone(&scheduler_tools);
            move || Scheduler::new(Arc::clone(&tools))
        });
        Ok(Crawling { scheduler, scheduler_tools, pool, trackers })
    }

    pub fn hire_caretaker(&self, does_chores: bool) {
        let (store, metrics) = (Arc::clone(self.store), Arc::clone(self.metrics));
        let chores = Chores {
            owner: self.owner.clone(),
            max_attempts: self.settings.crawl.max_attempts,
            keep_history_days: self.settings.products.keep_history_days,
        };
        let chores = does_chores.then(|| Arc::new(chores));
        self.staff.hire(move || Caretaker::new(Arc::clone(&store), Arc::clone(&metrics), chores.clone()));
    }

    pub fn gatekeepers(&self) -> Gatekeepers {
        let (store, plans) = (Arc::clone(self.store), self.settings.plans.clone());
        self.staff.hire_gatekeepers(UserTools { store, plans, sharing: self.sharing.clone() })
    }
}

/// What others are told of a commit.
fn looked(commit: &Commit) -> Notice {
    let fired = commit.rule_steps.iter().filter_map(|step| step.event.as_ref());
    Notice::Looked {
        listing_id: commit.listing_id,
        changed_at: commit.points.first().map(|point| point.at),
        events: fired.map(|event| event.id).collect(),
    }
}

fn tell_live(live: &Live, notice: &Notice) {
    if let Notice::Looked { listing_id, changed_at, events } = notice {
        live.recorded(*listing_id, *changed_at, events);
    }
}

/// What this process does when another replica says something.
pub(super) fn on_notice(
    changes: &Arc<Changes>,
    live: &Live,
    scheduler: &Bell,
    notifier: &Bell,
    store: &SharedStore,
) -> impl Fn(Notice) + Send + Sync + 'static {
    let (changes, live) = (Arc::clone(changes), live.clone());
    let (scheduler, notifier, store) = (scheduler.clone(), notifier.clone(), Arc::clone(store));
    move |notice| {
        changes.heard(&notice);
        match notice {
            Notice::Looked { .. } => tell_live(&live, &notice),
            Notice::Due => scheduler.ring_here(),
            Notice::Deliverable => notifier.ring_here(),
            Notice::Wrote(tenant_id) => store.wrote_elsewhere(tenant_id),
            Notice::Product(_) | Notice::TenantGone(_) => {}
        }
    }
}
