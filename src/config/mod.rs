//! Typed settings. Precedence: flags, environment, `config/*.toml`, the defaults in this module.
//!
//! `DATABASE_URL` and a few others are read from their conventional variables; every other setting is
//! `TRACKER__SECTION__FIELD`. An unknown or invalid setting stops the start, with an error that names it and the
//! allowed values.

mod advice;
mod apify;
mod auth;
mod budget;
mod error;
mod jobs;
mod keepa;
mod limits;
mod load;
mod marketplace_limits;
mod oauth;
mod plans;
mod redis;
mod reports;
mod retention;
mod roles;
mod secret;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::{Asin, EmailAddress, Interval, Listing, Marketplace};

pub use advice::{AdviceForm, AdviceSettings, TokenPriceSettings};
pub use apify::{ActorProfile, ApifyListSettings, ApifySettings, ListProfile, SourceName};
pub use auth::{AuthSettings, DemoLink, PasswordSettings, TokenSettings};
pub use budget::BudgetSettings;
pub use error::SettingsError;
pub use jobs::JobSettings;
pub use keepa::KeepaSettings;
pub use load::in_production;
pub use marketplace_limits::MarketplaceLimits;
pub use oauth::OAuthSettings;
pub use plans::{Plan, Plans};
pub use redis::{RedisAddress, RedisAddressError};
pub use reports::ReportSettings;
pub use retention::RetentionSettings;
pub use roles::{ProcessRole, ProcessRoleError};
pub use secret::Secret;

/// All settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `[server]`
    pub server: ServerSettings,
    /// `[database]`
    pub database: DatabaseSettings,
    /// `[redis]`
    pub redis: RedisSettings,
    /// `[limits]`
    pub limits: LimitSettings,
    /// `[crawl]`
    pub crawl: CrawlSettings,
    /// `[apify]`
    pub apify: ApifySettings,
    /// `[keepa]`
    pub keepa: KeepaSettings,
    /// `[advice]`
    pub advice: AdviceSettings,
    /// `[notify]`
    pub notify: NotifySettings,
    /// `[mail]`
    pub mail: MailSettings,
    /// `[auth]`
    pub auth: AuthSettings,
    /// `[oauth]`
    pub oauth: OAuthSettings,
    /// `[plans]`
    pub plans: Plans,
    /// `[products]`
    pub products: ProductLimits,
    /// `[jobs]`
    pub jobs: JobSettings,
    /// `[reports]`
    pub reports: ReportSettings,
    /// `[budget]`
    pub budget: BudgetSettings,
    /// `[retention]`
    pub retention: RetentionSettings,
    /// `[log]`
    pub log: LogSettings,
    /// `[trace]`
    pub trace: TraceSettings,
}

/// `[server]`: the HTTP server and the process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Address to listen on. Any address other than loopback requires signing keys: see [`TokenSettings`].
    pub listen: SocketAddr,
    /// Address of a listener of its own for `/metrics`; default: [`ServerSettings::listen`].
    pub metrics_listen: Option<SocketAddr>,
    /// Roles of this process. Probes and metrics are served by every process.
    pub roles: BTreeSet<ProcessRole>,
    /// HTTP worker threads.
    pub workers: usize,
    /// Requests that take longer are answered with 504.
    pub request_timeout_secs: u64,
    /// The process exits with code 71 when one of its threads has not come round for this long; 0: never. `/health/live` fails after
    /// 10 seconds, but not every orchestrator restarts a process because of that.
    pub hang_timeout_secs: u64,
    /// A connection is closed when its client has read nothing for this long while data is waiting for it.
    pub send_timeout_secs: u32,
    /// Maximum number of connections of each HTTP worker thread; further ones wait to be accepted.
    pub max_connections: usize,
    /// Maximum size of a request body, in bytes.
    pub max_body_bytes: usize,
    /// Origins allowed by CORS: `https://app.example.com`. Default: none.
    pub cors_origins: Vec<Url>,
    /// Networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Prefix` are trusted: `10.0.0.0/8`. For all other peers the
    /// peer address is used.
    pub trusted_proxies: Vec<IpNet>,
    /// After the stop signal: how long requests are still accepted while `/health/ready` fails, so that load balancers
    /// notice first.
    pub linger_secs: u64,
    /// After that: how long requests and running crawls may take to finish.
    pub drain_secs: u64,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8000)),
            metrics_listen: None,
            roles: roles::all(),
            workers: 2,
            request_timeout_secs: 10,
            hang_timeout_secs: 60,
            send_timeout_secs: 30,
            max_connections: 10_000,
            max_body_bytes: 256 * 1024,
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            linger_secs: 0,
            drain_secs: 20,
        }
    }
}

/// `[database]`: the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite://PATH`, `sqlite::memory:` or `postgres://…`. A secret, because it may contain a password.
    pub url: Secret,
    /// A standby of the same server (PostgreSQL streaming replication), used for history, lists, statistics and
    /// exports.
    pub replica_url: Option<Secret>,
    /// Maximum lag of the standby; beyond it, reads go to the primary.
    pub replica_max_lag_ms: u64,
    /// Connections to the standby.
    pub replica_connections: u32,
    /// Connections for reads and writes (SQLite: readers in addition to the single writer).
    pub connections: u32,
    /// Connections reserved for claims, so that other queries cannot delay them (PostgreSQL).
    pub claim_connections: u32,
    /// How long to wait for a free connection before the request fails as unavailable.
    pub acquire_timeout_secs: u64,
    /// The server cancels statements that take longer (PostgreSQL).
    pub statement_timeout_secs: u64,
    /// Keys that encrypt the credentials of channels, each the Base64 of 32 bytes: the first encrypts, all of them decrypt. Default: one that
    /// the installation makes and keeps in the database, which protects copies of single tables only.
    pub encryption_keys: Vec<Secret>,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: Secret::from("sqlite://data/amazon-tracker.sqlite"),
            replica_url: None,
            replica_max_lag_ms: 1000,
            replica_connections: 8,
            connections: 8,
            claim_connections: 2,
            acquire_timeout_secs: 2,
            statement_timeout_secs: 15,
            encryption_keys: Vec::new(),
        }
    }
}

/// `[redis]`: state shared by replicas in addition to the database. Optional; no request fails without it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisSettings {
    /// See [`RedisAddress`]. A secret, because it may contain a password. `None`: each process applies its limits
    /// locally.
    pub url: Option<Secret>,
    /// Prefix of all keys and channels. Installations that share a Redis need different prefixes.
    pub prefix: String,
    /// Connections per process.
    pub connections: u32,
    /// Redis counts as unavailable when it does not answer within this time.
    pub timeout_ms: u64,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self { url: None, prefix: "tracker".to_owned(), connections: 4, timeout_ms: 250 }
    }
}

/// `[limits]`: rate limits across replicas.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Maximum number of replicas. Without Redis, each replica applies this fraction of every limit. The connection
    /// pools of this many replicas must fit into the connection limit of the database server.
    pub replicas: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self { replicas: 1 }
    }
}

/// `[crawl]`: how listings are crawled. The defaults are polite.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrawlSettings {
    /// The sources in the order in which they are asked: the first one that is not blocked.
    pub sources: Vec<SourceName>,
    /// The same for some marketplaces, by code.
    pub sources_by_marketplace: BTreeMap<Marketplace, Vec<SourceName>>,
    /// Base URL to use instead of Amazon's: the simulated marketplace, or a proxy.
    pub base_url: Option<Url>,
    /// Concurrent crawls in this process.
    pub concurrency: usize,
    /// Concurrent crawls on one marketplace.
    pub concurrency_per_marketplace: usize,
    /// Requests per minute on one marketplace, for all replicas together.
    pub requests_per_minute: u32,
    /// Requests that may be made at once after an idle period.
    pub burst: u32,
    /// Each request to a marketplace waits for a random time up to this, beyond the rate limit.
    pub jitter_ms: u64,
    /// Other limits for some marketplaces, by code.
    pub by_marketplace: BTreeMap<Marketplace, MarketplaceLimits>,
    /// Consecutive failures of listings that could be read lately, after which the circuit breaker of a marketplace opens; of any
    /// listings, four times as many.
    pub breaker_failures: u32,
    /// First pause of an open circuit breaker; doubles each time, up to one hour.
    pub breaker_pause_secs: u64,
    /// Timeout for connecting.
    pub connect_timeout_secs: u64,
    /// Timeout between two chunks of the body.
    pub read_timeout_secs: u64,
    /// Timeout for a whole crawl.
    pub total_timeout_secs: u64,
    /// Maximum size of a page, in bytes after decompression.
    pub max_body_bytes: usize,
    /// Pages of an offer list that are read, of ten offers each.
    pub max_offer_pages: u32,
    /// Duration of a lease; must be longer than the slowest crawl and its commit.
    pub lease_secs: u64,
    /// Claims without success after which a listing is parked.
    pub max_attempts: u16,
    /// Longest interval of products with an adaptive frequency, unless their average is longer.
    pub adaptive_max_interval: Interval,
    /// Delay before a surprising price is crawled again.
    pub recheck_secs: u64,
    /// Delay after a failed crawl; doubles with each further failure, up to one hour.
    pub retry_secs: u64,
    /// Known listings by marketplace that are crawled every hour, whatever the tenants watch: their pages show whether crawling works. No
    /// tenant pays for them.
    pub canary: BTreeMap<Marketplace, Vec<Asin>>,
    /// Samples of pages that could not be used, stored of each marketplace; 0: none.
    pub samples_per_marketplace: u32,
    /// Bytes of a page that a sample begins with.
    pub sample_bytes: usize,
    /// Whether pictures of products are fetched from Amazon, each once, and served from here. Without, there are none.
    pub images: bool,
    /// `http://`, `https://` or `socks5://` proxies, used in turn.
    pub proxies: Vec<Secret>,
    /// Whether short links (`a.co`, `amzn.to`, …) are resolved when a product is added: this makes a request to their host.
    pub resolve_short_links: bool,
    /// Value of the `User-Agent` header.
    pub user_agent: String,
    /// Value of the `Cookie` header by marketplace code (delivery region, language).
    pub cookies: BTreeMap<Marketplace, Secret>,
}

impl Default for CrawlSettings {
    fn default() -> Self {
        Self {
            sources: vec![SourceName::Direct],
            sources_by_marketplace: BTreeMap::new(),
            base_url: None,
            concurrency: 16,
            concurrency_per_marketplace: 4,
            requests_per_minute: 60,
            burst: 5,
            jitter_ms: 0,
            by_marketplace: BTreeMap::new(),
            breaker_failures: 5,
            breaker_pause_secs: 60,
            connect_timeout_secs: 10,
            read_timeout_secs: 15,
            total_timeout_secs: 30,
            max_body_bytes: 8 * 1024 * 1024,
            max_offer_pages: 3,
            lease_secs: 90,
            max_attempts: 5,
            adaptive_max_interval: Interval::WEEKLY,
            recheck_secs: 60,
            retry_secs: 30,
            canary: BTreeMap::new(),
            samples_per_marketplace: 20,
            sample_bytes: 512 * 1024,
            images: true,
            proxies: Vec::new(),
            resolve_short_links: true,
            user_agent:
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
                    .to_owned(),
            cookies: BTreeMap::new(),
        }
    }
}

impl CrawlSettings {
    /// All limits of the source `direct` on a marketplace.
    pub fn limits_of(&self, marketplace: Marketplace) -> MarketplaceLimits {
        let own = self.by_marketplace.get(&marketplace).cloned().unwrap_or_default();
        MarketplaceLimits {
            requests_per_minute: own.requests_per_minute.or(Some(self.requests_per_minute)),
            burst: own.burst.or(Some(self.burst)),
            concurrency: own.concurrency.or(Some(self.concurrency_per_marketplace)),
            ..own
        }
    }

    /// The listings of [`CrawlSettings::canary`].
    pub fn canaries(&self) -> impl Iterator<Item = Listing> {
        let of = |(marketplace, asins): (&Marketplace, &Vec<Asin>)| {
            let marketplace = *marketplace;
            asins.clone().into_iter().map(move |asin| Listing::new(marketplace, asin))
        };
        self.canary.iter().flat_map(of)
    }
}

/// `[notify]`: delivery of notifications.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifySettings {
    /// Allows webhooks to loopback, private and link-local addresses. For demos and tests.
    pub allow_private_targets: bool,
    /// Timeout of one attempt.
    pub timeout_secs: u64,
    /// Concurrent attempts at webhooks. Tenants share them (`actors/send_slots.rs`).
    pub concurrency: usize,
    /// Delay after the first failed attempt; five times longer after each further one, up to half a day.
    pub retry_secs: u64,
    /// Attempts after which a delivery is given up.
    pub max_attempts: u32,
    /// Root of the Bot API of Telegram; default: the public one.
    pub telegram_url: Option<Url>,
    /// Root of the API of Pushover; default: the public one.
    pub pushover_url: Option<Url>,
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self {
            allow_private_targets: false,
            timeout_secs: 15,
            concurrency: 64,
            retry_secs: 5,
            max_attempts: 10,
            telegram_url: None,
            pushover_url: None,
        }
    }
}

/// `[mail]`: outgoing e-mail. Without a server, links are written to the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// `smtps://USER:PASSWORD@HOST`, or `smtp://USER:PASSWORD@HOST?tls=required` (STARTTLS).
    pub smtp_url: Option<Secret>,
    /// Sender address.
    pub from: Option<EmailAddress>,
    /// Timeout of one attempt.
    pub timeout_secs: u64,
    /// Concurrent attempts. Webhooks have their own: `notify.concurrency`.
    pub concurrency: usize,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self { smtp_url: None, from: None, timeout_secs: 15, concurrency: 8 }
    }
}

/// `[products]`: defaults and retention for every tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProductLimits {
    /// Marketplace of an ASIN that is given without one.
    pub default_marketplace: Marketplace,
}

impl Default for ProductLimits {
    fn default() -> Self {
        Self { default_marketplace: Marketplace::Us }
    }
}

/// `[trace]`: trace export over OTLP, for a collector such as the OpenTelemetry Collector, Jaeger or Tempo. Off without
/// an endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TraceSettings {
    /// OTLP endpoint (HTTP): `http://collector:4318`. Credentials go into headers, which the exporter reads from
    /// `OTEL_EXPORTER_OTLP_HEADERS`.
    pub otlp_endpoint: Option<Url>,
    /// Fraction of the traces started here that are exported, 0 to 1. Traces started by a trusted proxy follow the
    /// proxy's sampling decision.
    pub sample_ratio: f64,
    /// The service name in exported traces.
    pub service_name: String,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self { otlp_endpoint: None, sample_ratio: 1.0, service_name: "amazon-tracker".to_owned() }
    }
}

/// `[log]`: logging.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// Log one JSON object per line instead of human-readable lines.
    pub json: bool,
    /// Log filter in the syntax of `tracing`: `info`, `amazon_tracker=debug,info`.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { json: false, filter: "info".to_owned() }
    }
}
