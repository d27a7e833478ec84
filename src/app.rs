//! The only composition root: builds everything, and owns the order of starting and of draining.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use url::Url;

use crate::actors::bell::Bell;
use crate::actors::caretaker::{Caretaker, Chores};
use crate::actors::conclude::LookPolicy;
use crate::actors::crawler_pool::{CrawlerPool, PoolMessage, PoolTools};
use crate::actors::kernel::{
    Actor, Budget, Inbox, ShardPolicy, Shards, Supervision, ThreadSettings, Threads, run as run_threads, supervise,
};
use crate::actors::live::{Live, LiveFeed};
use crate::actors::notifier::{Notifier, NotifierMessage, NotifierTools, Senders};
use crate::actors::recorder::{OnRecorded, Recorder};
use crate::actors::scheduler::{Scheduler, SchedulerMessage, SchedulerTools};
use crate::actors::tracker::{ProductTracker, TrackerTools, Trackers};
use crate::actors::user::{Gatekeepers, Principal, UserActor, UserTools};
use crate::auth::{HashError, KeyError, Keyring, Passwords};
use crate::config::{ProcessRole, Settings};
use crate::http::{self, HttpSettings};
use crate::limits::{AttemptsByAddress, Sharing, SourceGate};
use crate::notify::{SmtpError, SmtpSender, WebhookSender};
use crate::replicas::{Bus, Census, Notice, Redis, RedisError, SharedCache};
use crate::service::{Changes, Parts, Service, ServiceError};
use crate::sources::Source;
use crate::sources::direct::{DirectError, DirectSource};
use crate::store::{self, Commit, Engine, OnWrote, SharedStore, StoreClock, StoreError};
use crate::telemetry::{Metrics, end_traces};

/// Ends the process when a part that must always be there cannot be kept alive: the orchestrator starts a clean one.
const EXIT_GAVE_UP: u8 = 70;
/// What a claim must leave beside the crawl itself: the commit, and the difference of two clocks' speeds.
const LEASE_MARGIN: Duration = Duration::from_secs(10);
/// What the last traces may take, even when the time is over, and at most.
const SHORTEST_TRACE_END: Duration = Duration::from_millis(200);
const LONGEST_TRACE_END: Duration = Duration::from_secs(3);
const ROOM_BEHIND: SignedDuration = SignedDuration::from_hours(24 * 31);
const ROOM_AHEAD: SignedDuration = SignedDuration::from_hours(24 * 62);

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address to listen on.
    #[error("cannot listen on {address} (server.listen): {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Redis, as it is set.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// The direct source.
    #[error(transparent)]
    Source(#[from] DirectError),
    /// The webhook sender.
    #[error("the webhook sender cannot start: {0}")]
    Webhook(#[from] reqwest::Error),
    /// The mail sender.
    #[error(transparent)]
    Mail(#[from] SmtpError),
    /// A key that signs or verifies access tokens.
    #[error("{setting}: {error}")]
    Key {
        /// The setting.
        setting: &'static str,
        /// Why.
        error: KeyError,
    },
    /// The costs of hashing passwords.
    #[error("auth.password: {0}")]
    Passwords(#[from] HashError),
    /// The first user.
    #[error("the first user cannot be made (auth.admin_email, auth.admin_password): {0}")]
    FirstUser(#[from] ServiceError),
    /// Threads.
    #[error("threads cannot be started: {0}")]
    Threads(#[from] std::io::Error),
}

/// A daemon that is up.
pub struct Ready {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its metrics.
    pub metrics: Arc<Metrics>,
}

/// Runs the daemon until what `stop` returns resolves, then drains it. `stop` is called before anything else, `ready` once
/// the daemon serves.
///
/// # Errors
/// [`AppError`] when it does not start.
pub fn run<Stop: Future<Output = ()>>(
    settings: Settings,
    ready: impl FnOnce(Ready),
    stop: impl FnOnce() -> Stop,
) -> Result<ExitCode, AppError> {
    let metrics = Arc::new(Metrics::new());
    let shards = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4));
    let threads = ThreadSettings { workers: shards, shards };
    run_threads(threads, &Arc::clone(&metrics), async move |threads| {
        let stop = stop();
        let app = App::start(settings, Arc::new(threads), Arc::clone(&metrics)).await?;
        ready(Ready { address: app.address, metrics });
        Ok(app.until(stop).await)
    })?
}

/// Opens the store and makes sure that its schema fits: SQLite is brought up to date, a server must have been.
///
/// # Errors
/// See [`StoreError`].
pub async fn open_store(settings: &Settings) -> Result<SharedStore, StoreError> {
    let store = store::open(&settings.database, StoreClock::real()).await?;
    match Engine::of(&settings.database)? {
        Engine::Sqlite => store.migrate().await?,
        Engine::Postgres => store.check_schema().await?,
    }
    Ok(store)
}

struct App {
    address: SocketAddr,
    settings: Settings,
    store: SharedStore,
    service: Service,
    crawling: Option<Crawling>,
    notifying: Option<Notifying>,
    server: ServerHandle,
    gave_up: UnboundedReceiver<&'static str>,
}

/// What the role `crawler` is made of.
struct Crawling {
    scheduler: Inbox<Scheduler>,
    scheduler_tools: Arc<SchedulerTools>,
    pool: Inbox<CrawlerPool>,
    trackers: Trackers,
}

/// What the role `notifier` is made of.
struct Notifying {
    notifier: Inbox<Notifier>,
    tools: Arc<NotifierTools>,
}

/// What every part of the house is built on.
struct Ground<'a> {
    settings: &'a Settings,
    staff: Staff<'a>,
    store: &'a SharedStore,
    metrics: &'a Arc<Metrics>,
    sharing: &'a Sharing,
    bus: &'a Bus,
    /// The name of this replica, for people.
    owner: String,
}

impl App {
    async fn start(settings: Settings, threads: Arc<Threads>, metrics: Arc<Metrics>) -> Result<Self, AppError> {
        let listen_error = |source| AppError::Listen { address: settings.server.listen, source };
        let listener = TcpListener::bind(settings.server.listen).map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        // On the shared runtime, where every connection lives.
        let opening = settings.clone();
        let store = threads.runtime().spawn(async move { open_with_room(&opening).await });
        let store = store.await.map_err(std::io::Error::from)??;
        let redis = Redis::new(&settings.redis, threads.runtime(), Arc::clone(&metrics))?;
        let (bus, census) = (Bus::through(redis.as_ref()), Census::new(settings.limits.replicas));
        if let Some(redis) = &redis {
            census.take_part(redis);
        }
        let sharing = Sharing::new(redis.clone(), census, Arc::clone(&metrics));
        let (watched, counted, told) = (Arc::clone(&store), Arc::clone(&metrics), bus.clone());
        let on_wrote: OnWrote = Arc::new(move |tenant_id| told.tell(Notice::Wrote(tenant_id)));
        threads.runtime().spawn(async move { watched.begin_watch(counted, on_wrote) });
        let (give_up, gave_up) = unbounded_channel();
        let ground = Ground {
            settings: &settings,
            staff: Staff { threads: &threads, metrics: &metrics, give_up },
            store: &store,
            metrics: &metrics,
            sharing: &sharing,
            bus: &bus,
            owner: format!("{}/{}", hostname(), std::process::id()),
        };
        let has = |role| settings.server.roles.contains(&role);
        let notifying = has(ProcessRole::Notifier).then(|| ground.notifying()).transpose()?;
        let mut notifier_bell = Bell::elsewhere(bus.clone(), Notice::Deliverable);
        if let Some(notifier) = notifying.as_ref().map(|notifying| notifying.notifier.clone()) {
            notifier_bell = notifier_bell.here(move || notifier.control(NotifierMessage::Nudge));
        }
        let (live, changes) = (ground.live()?, Arc::new(Changes::new(bus.clone())));
        let crawling = has(ProcessRole::Crawler);
        let crawling = crawling.then(|| ground.crawling(&notifier_bell, &live, &changes)).transpose()?;
        let mut scheduler_bell = Bell::elsewhere(bus.clone(), Notice::Due);
        if let Some(scheduler) = crawling.as_ref().map(|crawling| crawling.scheduler.clone()) {
            // A full inbox means that another nudge is on its way.
            scheduler_bell = scheduler_bell.here(move || drop(scheduler.tell(SchedulerMessage::Nudge)));
        }
        ground.hire_caretaker(has(ProcessRole::Scheduler));
        if let Some(redis) = &redis {
            bus.listen(redis, on_notice(&changes, &live, &scheduler_bell, &notifier_bell, &store));
        }

        let named = |(setting, error): (&'static str, KeyError)| AppError::Key { setting, error };
        let service = Service::new(Parts {
            store: Arc::clone(&store),
            scheduler: scheduler_bell,
            notifier: notifier_bell,
            cache: SharedCache::new(redis.clone()),
            redis,
            public_url: settings.auth.public_url.clone().unwrap_or_else(|| url_of(address)),
            sends_mail: settings.mail.smtp_url.is_some(),
            live,
            changes,
            trackers: crawling.as_ref().map(|crawling| crawling.trackers.clone()),
            gatekeepers: ground.gatekeepers(),
            keyring: Keyring::new(&settings.auth.token).map_err(named)?,
            passwords: Passwords::new(&settings.auth.password)?,
            plans: settings.plans.clone(),
            attempts: AttemptsByAddress::new(settings.auth.attempts_per_minute, sharing.clone()),
            auth: settings.auth.clone(),
            threads: Arc::clone(&threads),
            limits: settings.products.clone(),
            notify: settings.notify.clone(),
            draining: watch::Sender::new(false),
        });
        let serves_api = has(ProcessRole::Api);
        if serves_api {
            service.welcome().await?;
        }
        let http_settings = HttpSettings {
            workers: settings.server.workers,
            serves_api,
            request_timeout: Duration::from_secs(settings.server.request_timeout_secs),
            max_body_bytes: settings.server.max_body_bytes,
            cors_origins: settings.server.cors_origins.iter().map(|url| url.origin().ascii_serialization()).collect(),
            trusted_proxies: settings.server.trusted_proxies.clone(),
            // The other half is for crawls, looks and deliveries: a client that does not read must not take it all.
            drain: Duration::from_secs(settings.server.drain_secs) / 2,
        };
        let (serving, server) =
            http::serve(listener, service.clone(), Arc::clone(&metrics), http_settings).map_err(listen_error)?;
        tokio::task::spawn_local(serving);
        let roles = settings.server.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(",");
        tracing::info!(%address, roles, "listening on http://{address}");
        Ok(Self { address, settings, store, service, crawling, notifying, server, gave_up })
    }

    async fn until(mut self, stop: impl Future<Output = ()>) -> ExitCode {
        let gave_up = tokio::select! {
            () = stop => None,
            kind = self.gave_up.recv() => kind,
        };
        self.drain().await;
        match gave_up {
            Some(kind) => {
                tracing::error!(actor = kind, "ended because {kind} could not be kept alive");
                ExitCode::from(EXIT_GAVE_UP)
            }
            None => ExitCode::SUCCESS,
        }
    }

    /// Unready, no more claims, a while for the gateway to learn of it, HTTP, running crawls, trackers and recorder, deliveries,
    /// connections: in this order, and all of it within the time that the settings allow.
    async fn drain(self) {
        let linger = Duration::from_secs(self.settings.server.linger_secs);
        let until = Instant::now() + linger + Duration::from_secs(self.settings.server.drain_secs);
        let left = || until.saturating_duration_since(Instant::now());
        tracing::info!("draining");
        self.service.set_draining();
        if let Some(crawling) = &self.crawling {
            crawling.scheduler.control(SchedulerMessage::Stop);
        }
        tokio::time::sleep(linger).await;
        self.server.stop(true).await;
        if let Some(crawling) = &self.crawling {
            crawling.drain(until, self.settings.crawl.concurrency, &self.store).await;
        }
        if let Some(Notifying { notifier, tools }) = &self.notifying {
            notifier.control(NotifierMessage::Stop);
            tools.drained(left().max(Duration::from_millis(100))).await;
        }
        self.store.close().await;
        end_traces(left().clamp(SHORTEST_TRACE_END, LONGEST_TRACE_END)).await;
        tracing::info!("drained");
    }
}

impl Crawling {
    /// Running crawls end, or are given back, and what was looked at is recorded.
    async fn drain(&self, until: Instant, concurrency: usize, store: &SharedStore) {
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
    fn notifying(&self) -> Result<Notifying, AppError> {
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

    fn live(&self) -> Result<Live, StoreError> {
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

    fn crawling(&self, notifier: &Bell, live: &Live, changes: &Arc<Changes>) -> Result<Crawling, AppError> {
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

    fn hire_caretaker(&self, does_chores: bool) {
        let (store, metrics) = (Arc::clone(self.store), Arc::clone(self.metrics));
        let chores = Chores {
            owner: self.owner.clone(),
            max_attempts: self.settings.crawl.max_attempts,
            keep_history_days: self.settings.products.keep_history_days,
        };
        let chores = does_chores.then(|| Arc::new(chores));
        self.staff.hire(move || Caretaker::new(Arc::clone(&store), Arc::clone(&metrics), chores.clone()));
    }

    fn gatekeepers(&self) -> Gatekeepers {
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
fn on_notice(
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

async fn open_with_room(settings: &Settings) -> Result<SharedStore, StoreError> {
    let store = open_store(settings).await?;
    check_connections(settings, store.most_connections().await?);
    let now = store.now().await?;
    let from = now.saturating_sub(ROOM_BEHIND).unwrap_or(Timestamp::MIN);
    store.ensure_room(from, now.saturating_add(ROOM_AHEAD).unwrap_or(Timestamp::MAX)).await?;
    Ok(store)
}

/// A server that is full refuses everybody, who writes included.
fn check_connections(settings: &Settings, most: Option<u32>) {
    let database = &settings.database;
    let replicas = settings.limits.replicas;
    let wanted = replicas.saturating_mul(database.connections.saturating_add(database.claim_connections));
    if let Some(most) = most.filter(|most| wanted > *most) {
        tracing::warn!(
            wanted,
            most,
            "{replicas} replicas may want {wanted} connections, and the database server lets them have {most}: lower \
             database.connections or raise max_connections"
        );
    }
}

/// Starts actors on their threads.
struct Staff<'a> {
    threads: &'a Threads,
    metrics: &'a Metrics,
    give_up: UnboundedSender<&'static str>,
}

impl Staff<'_> {
    /// An actor that must always be there.
    fn hire<A: Actor>(&self, factory: impl Fn() -> A + Send + 'static) -> Inbox<A> {
        let give_up = self.give_up.clone();
        let supervision = Supervision {
            metrics: self.metrics.kind(A::KIND, A::MESSAGES),
            budget: Budget::default(),
            first_pause: Duration::from_secs(1),
            give_up: Box::new(move |kind| {
                let _ = give_up.send(kind);
            }),
        };
        supervise(self.threads.singletons(), factory, supervision)
    }

    fn hire_gatekeepers(&self, tools: UserTools) -> Gatekeepers {
        let (tools, give_up) = (Arc::new(tools), self.give_up.clone());
        // Whoever sends keys that are none gets a gatekeeper for each: few are kept, and not for long.
        let policy =
            ShardPolicy { idle_after: Duration::from_secs(60), most_resident: 10_000, ..ShardPolicy::default() };
        Shards::start(
            self.threads.shards(),
            self.metrics,
            policy,
            move |principal: &Principal| UserActor::new(Arc::clone(&tools), principal.clone()),
            |principal| tracing::warn!("{principal} gets no answer for a while"),
            move |kind| {
                let _ = give_up.send(kind);
            },
        )
    }

    fn hire_trackers(&self, tools: TrackerTools) -> Trackers {
        let (tools, give_up) = (Arc::new(tools), self.give_up.clone());
        Shards::start(
            self.threads.shards(),
            self.metrics,
            ShardPolicy::default(),
            move |_| ProductTracker::new(Arc::clone(&tools)),
            // Its lease is not committed any more, so its attempts rise, and the caretaker parks it.
            |listing_id| tracing::warn!(%listing_id, "listing {listing_id} will be parked"),
            move |kind| {
                let _ = give_up.send(kind);
            },
        )
    }
}

/// Where a daemon is reached from the machine that it runs on.
fn url_of(address: SocketAddr) -> Url {
    let host = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    let url = format!("http://{}/", SocketAddr::new(host, address.port()));
    url.parse().expect("an address makes a URL")
}

/// For people who read the `owner` of a lease.
fn hostname() -> String {
    std::fs::read_to_string("/etc/hostname").map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn a_part_that_cannot_be_kept_alive_ends_the_process_for_a_clean_start() {
        let mut settings = Settings::default();
        settings.server.listen = ([127, 0, 0, 1], 0).into();
        settings.server.drain_secs = 1;
        settings.database.url = Secret::from("sqlite::memory:");
        let metrics = Arc::new(Metrics::new());
        let threads = ThreadSettings { workers: 1, shards: 1 };
        let code = run_threads(threads, &Arc::clone(&metrics), async move |threads| {
            let mut app = App::start(settings, Arc::new(threads), metrics).await.unwrap();
            let (give_up, gave_up) = unbounded_channel();
            app.gave_up = gave_up;
            give_up.send("recorder").unwrap();
            app.until(std::future::pending()).await
        });
        assert_eq!(code.unwrap(), ExitCode::from(EXIT_GAVE_UP));
    }
}
