//! The only composition root: builds everything, and owns the order of starting and of draining.

mod channel_messages;
mod context;
mod error;
mod gated_lists;
mod listeners;
mod notifiers;
mod open_store;
mod page_samples;
mod replicas;
mod roles;
mod run_journal;
mod spawn;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use url::Url;

use self::channel_messages::AlertChannelMessages;
use self::context::AppContext;
pub use self::error::AppError;
use self::gated_lists::{GatedLists, GatedPace};
use self::listeners::{Listeners, Servers, url_of};
use self::notifiers::NotifierRole;
use self::open_store::{lock_file, open_with_partitions};
pub use self::open_store::{open_store, wanted_connections};
use self::page_samples::StoredSamples;
use self::replicas::Replicas;
use self::roles::{Actors, CrawlerRole};
pub use self::run_journal::StoredRuns;
use self::spawn::ActorSpawner;
use crate::actors::history_importer::HistoryImporterTools;
use crate::actors::image_fetcher::ImageFetcherTools;
use crate::actors::job_runner::JobRunnerTools;
use crate::actors::kernel::{ThreadSettings, Threads, run as run_threads};
use crate::actors::maintenance::MaintenanceTools;
use crate::advice::ModelClient;
use crate::auth::{KeyError, Keyring, Passwords};
use crate::client_documents::ClientDocuments;
use crate::config::{ProcessRole, Settings};
use crate::limits::{AttemptsByAddress, GateSettings, SourceGate};
use crate::replicas::{Bus, BusMessage, SharedCache};
use crate::service::{AdviceModel, Dependencies, FeedCache, KnownBrowsers, Service, ShareCharts, tools_resource};
use crate::sources::apify::RunCallbacks;
use crate::sources::direct::{DirectError, DirectSource};
use crate::sources::short_links::ShortLinks;
use crate::sources::{ResolveLinks, Source};
use crate::store::{DaemonLock, OnWrite, SharedStore};
use crate::telemetry::{Metrics, end_traces};

/// Exit code when a singleton exceeded its restart budget: the orchestrator starts a clean process.
const EXIT_GAVE_UP: u8 = 70;
/// A thread hangs. Nothing can be drained then.
const EXIT_HUNG: i32 = 71;
/// Requests for shared products from an address: pages with charts, and pictures in documents that many read through one proxy.
const SHARE_VIEWS_PER_MINUTE: u32 = 240;
/// Time to export the last traces, at least (even after the drain deadline) and at most.
const MIN_TRACE_END: Duration = Duration::from_millis(200);
const MAX_TRACE_END: Duration = Duration::from_secs(3);

/// A daemon that is up.
pub struct Ready {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it serves `/metrics`, if not there.
    pub metrics_address: Option<SocketAddr>,
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
        let metrics_address = app.servers.metrics.as_ref().map(|(address, _)| *address);
        ready(Ready { address: app.address, metrics_address, metrics });
        Ok(app.until(stop).await)
    })?
}

struct App {
    address: SocketAddr,
    settings: Settings,
    store: SharedStore,
    service: Service,
    maintenance: Arc<MaintenanceTools>,
    job_runner: Option<Arc<JobRunnerTools>>,
    history_importer: Option<Arc<HistoryImporterTools>>,
    image_fetcher: Option<Arc<ImageFetcherTools>>,
    crawling: Option<CrawlerRole>,
    notifying: Option<NotifierRole>,
    servers: Servers,
    gave_up: UnboundedReceiver<&'static str>,
    _daemon_lock: Option<DaemonLock>,
}

impl App {
    /// Starts the process, step by step. A step takes what it needs from earlier ones, so the compiler enforces most of the
    /// order; the rest is explained where it matters.
    async fn start(settings: Settings, threads: Arc<Threads>, metrics: Arc<Metrics>) -> Result<Self, AppError> {
        // First, so that a second daemon on the same address fails before it touches the database.
        let listeners = Listeners::bind(&settings)?;
        let store = open_on_runtime(&settings, &threads).await?;
        let daemon_lock = lock_file(&settings)?;
        let replicas = Replicas::connect(&settings, &threads, &metrics)?;
        start_replica_monitor(&store, &replicas.bus, &threads, &metrics);
        let (give_up, gave_up) = unbounded_channel();
        let reachable_url = settings.auth.public_url.clone().map(with_trailing_slash);
        let callbacks = Arc::new(RunCallbacks::new(&settings.apify, reachable_url.as_ref()));
        let context = AppContext {
            settings: &settings,
            spawner: ActorSpawner { threads: &threads, metrics: &metrics, give_up },
            store: &store,
            metrics: &metrics,
            limiter: &replicas.limiter,
            bus: &replicas.bus,
            revocations: &replicas.revocations,
            callbacks: &callbacks,
            direct: Arc::new(direct(&settings, &store, &replicas, &metrics)?),
            public_url: public_url(&settings, listeners.address),
            owner: format!("{}/{}", hostname(), std::process::id()),
        };
        let actors = Actors::start(&context)?;
        // Only now: whatever a message of another replica wakes is running.
        replicas.listen(&actors, &store);
        let service = Service::new(dependencies(&context, &threads, &replicas, &actors)?);
        let serves_api = settings.server.roles.contains(&ProcessRole::Api);
        if serves_api {
            // Before the first request: it may come from the first user.
            service.welcome().await?;
        }
        // Last: a request must find everything above.
        let address = listeners.address;
        let servers = listeners.serve(&service, &metrics, &settings, serves_api)?;
        let roles = settings.server.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(",");
        tracing::info!(%address, roles, "listening on http://{address}");
        if settings.server.hang_timeout_secs > 0 {
            threads.watch(Duration::from_secs(settings.server.hang_timeout_secs), end_hung_process)?;
        }
        let Actors { maintenance, job_runner, history_importer, image_fetcher, crawling, notifying, .. } = actors;
        Ok(Self {
            address,
            settings,
            store,
            service,
            maintenance,
            job_runner,
            history_importer,
            image_fetcher,
            crawling,
            notifying,
            servers,
            gave_up,
            _daemon_lock: daemon_lock,
        })
    }

    async fn until(mut self, stop: impl Future<Output = ()>) -> ExitCode {
        let mut stop = pin!(stop);
        let gave_up = tokio::select! {
            () = &mut stop => None,
            kind = self.gave_up.recv() => kind,
        };
        let Some(kind) = gave_up else {
            self.drain().await;
            return ExitCode::SUCCESS;
        };
        tracing::error!(actor = kind, "{kind} exceeded its restart budget; shutting down");
        tokio::select! {
            () = self.drain() => {}
            () = stop => tracing::warn!("stopped before the drain ended"),
        }
        ExitCode::from(EXIT_GAVE_UP)
    }

    /// In this order, within `server.linger_secs` and `server.drain_secs`: not ready, no more claims, time for the gateway to notice,
    /// HTTP, running crawls and their commits, deliveries, steps of jobs, questions to models, maintenance, connections.
    async fn drain(self) {
        let linger = Duration::from_secs(self.settings.server.linger_secs);
        let until = Instant::now() + linger + Duration::from_secs(self.settings.server.drain_secs);
        let left = || until.saturating_duration_since(Instant::now());
        tracing::info!("draining");
        self.service.set_draining();
        if let Some(crawling) = &self.crawling {
            crawling.scheduler_tools.stop();
        }
        tokio::time::sleep(linger).await;
        self.servers.main.stop(true).await;
        if let Some(crawling) = &self.crawling {
            crawling.drain(until).await;
        }
        if let Some(notifying) = &self.notifying {
            notifying.stop();
            notifying.drained(left().max(Duration::from_millis(100))).await;
        }
        if let Some(jobs) = &self.job_runner {
            jobs.drain(left().max(Duration::from_millis(100))).await;
        }
        if let Some(importer) = &self.history_importer {
            importer.drain(left().max(Duration::from_millis(100))).await;
        }
        if let Some(fetcher) = &self.image_fetcher {
            fetcher.drain(left().max(Duration::from_millis(100))).await;
        }
        self.service.drain_questions(left().max(Duration::from_millis(100))).await;
        self.maintenance.drain(left().max(Duration::from_millis(500))).await;
        // It waits for connections in use; a statement may run for longer than the drain may take.
        if tokio::time::timeout(left().max(Duration::from_millis(500)), self.store.close()).await.is_err() {
            tracing::warn!("the database connections were not closed in time");
        }
        // Last, so that what draining does can be scraped.
        if let Some((_, server)) = &self.servers.metrics {
            server.stop(false).await;
        }
        end_traces(left().clamp(MIN_TRACE_END, MAX_TRACE_END)).await;
        tracing::info!("drained");
    }
}

/// The URL of the daemon for people: `auth.public_url`, or the address that it listens on. It ends with a slash.
pub fn public_url(settings: &Settings, listening: SocketAddr) -> Url {
    settings.auth.public_url.clone().map_or_else(|| url_of(listening), with_trailing_slash)
}

/// Links are joined to the URL: without a slash at its end, its last segment would be lost.
fn with_trailing_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

fn end_hung_process(lag: Duration) {
    tracing::error!(lag_secs = lag.as_secs(), "a thread has not come round for {} s; exiting", lag.as_secs());
    std::process::exit(EXIT_HUNG);
}

/// The direct source with its limits, for crawls and for lists.
fn direct(
    settings: &Settings,
    store: &SharedStore,
    replicas: &Replicas,
    metrics: &Arc<Metrics>,
) -> Result<GatedLists, DirectError> {
    let samples = StoredSamples::new(Arc::clone(store), &settings.crawl, Arc::clone(metrics));
    let source = DirectSource::new(settings.crawl.clone(), Arc::clone(metrics))?.with_samples(Arc::new(samples));
    let gate = GateSettings::from(&settings.crawl);
    let gate = SourceGate::new(source.name(), gate, replicas.limiter.clone(), Arc::clone(metrics));
    let gate = Arc::new(gate.polite(&settings.crawl));
    let source = Arc::new(source.paced_by(Arc::new(GatedPace(Arc::clone(&gate)))));
    Ok(GatedLists { source, gate })
}

/// The settings of the HTTP server.
fn dependencies(
    context: &AppContext<'_>,
    threads: &Arc<Threads>,
    replicas: &Replicas,
    actors: &Actors,
) -> Result<Dependencies, AppError> {
    let settings = context.settings;
    let named = |(setting, error): (&'static str, KeyError)| AppError::Key { setting, error };
    Ok(Dependencies {
        store: Arc::clone(context.store),
        callbacks: Arc::clone(context.callbacks),
        links: ShortLinks::new(&settings.crawl)?.map(|links| Arc::new(links) as Arc<dyn ResolveLinks>),
        metrics: Arc::clone(context.metrics),
        scheduler: actors.scheduler_wake.clone(),
        notifier: actors.notifier_wake.clone(),
        job_runner: actors.job_wake.clone(),
        cache: SharedCache::new(replicas.redis.clone()),
        redis: replicas.redis.clone(),
        replica_count: replicas.count.clone(),
        public_url: context.public_url.clone(),
        channel_messages: Arc::new(AlertChannelMessages(context.alert_sender()?)),
        feeds: FeedCache::default(),
        serves_images: settings.crawl.images,
        sends_mail: settings.mail.smtp_url.is_some(),
        live: actors.live.clone(),
        invalidation: Arc::clone(&actors.invalidation),
        trackers: actors.crawling.as_ref().map(|crawling| crawling.trackers.clone()),
        principal_cache: context.principal_cache(),
        revocations: replicas.revocations.clone(),
        browsers: KnownBrowsers::default(),
        keyring: keyring(settings, &context.public_url).map_err(named)?,
        passwords: Passwords::new(&settings.auth.password)?,
        plans: settings.plans.clone(),
        attempts: AttemptsByAddress::new(settings.auth.attempts_per_minute, replicas.limiter.clone()),
        share_views: AttemptsByAddress::new(SHARE_VIEWS_PER_MINUTE, replicas.limiter.clone()).of("share:"),
        share_charts: ShareCharts::default(),
        auth: settings.auth.clone(),
        oauth: settings.oauth.clone(),
        clients: Arc::new(ClientDocuments::new(&settings.oauth)?),
        threads: Arc::clone(threads),
        limits: settings.products.clone(),
        model: advice_model(settings)?,
        crawl: settings.crawl.clone(),
        jobs: settings.jobs.clone(),
        notify: settings.notify.clone(),
        draining: watch::Sender::new(false),
    })
}

/// The keys of access tokens; those of clients only if the settings accept clients.
fn keyring(settings: &Settings, public_url: &Url) -> Result<Keyring, (&'static str, KeyError)> {
    let keyring = Keyring::new(&settings.auth.token)?;
    Ok(if settings.oauth.enabled { keyring.with_resource(tools_resource(public_url)) } else { keyring })
}

/// The model that is asked for advice, if the settings enable it.
fn advice_model(settings: &Settings) -> Result<Option<Arc<AdviceModel>>, AppError> {
    if !settings.advice.enabled {
        return Ok(None);
    }
    Ok(Some(Arc::new(AdviceModel::new(ModelClient::new(settings.advice.clone())?))))
}

/// On the shared runtime, where every connection lives.
async fn open_on_runtime(settings: &Settings, threads: &Threads) -> Result<SharedStore, AppError> {
    let settings = settings.clone();
    let opening = threads.runtime().spawn(async move { open_with_partitions(&settings).await });
    Ok(opening.await.map_err(std::io::Error::from)??)
}

fn start_replica_monitor(store: &SharedStore, bus: &Bus, threads: &Threads, metrics: &Arc<Metrics>) {
    let (store, metrics, bus) = (Arc::clone(store), Arc::clone(metrics), bus.clone());
    let on_write: OnWrite = Arc::new(move |tenant_id| bus.publish(BusMessage::TenantWrote(tenant_id)));
    threads.runtime().spawn(async move { store.start_replica_monitor(metrics, on_write) });
}

/// The name of this host, shown as the `owner` of leases.
fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
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
