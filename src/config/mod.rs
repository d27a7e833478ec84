//! Typed settings: flags over environment over `config/*.toml` over the defaults written here.
//!
//! `DATABASE_URL` and its like are read by their usual names; every other setting is `TRACKER__SECTION__FIELD`. A setting
//! that is unknown or wrong stops the start with its name and what is allowed.

mod limits;
mod load;
mod plans;
mod redis;
mod retention;
mod roles;
mod secret;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::{EmailAddress, Marketplace};

pub use load::{SettingsError, in_production};
pub use plans::{Plan, Plans};
pub use redis::{RedisAddress, RedisAddressError};
pub use retention::RetentionSettings;
pub use roles::{ProcessRole, ProcessRoleError};
pub use secret::Secret;

/// Everything that can be set.
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
    /// `[notify]`
    pub notify: NotifySettings,
    /// `[mail]`
    pub mail: MailSettings,
    /// `[auth]`
    pub auth: AuthSettings,
    /// `[plans]`
    pub plans: Plans,
    /// `[products]`
    pub products: ProductLimits,
    /// `[retention]`
    pub retention: RetentionSettings,
    /// `[log]`
    pub log: LogSettings,
    /// `[trace]`
    pub trace: TraceSettings,
}

/// `[server]`: the HTTP side.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Where to listen. Any address but loopback needs keys that sign tokens: see [`TokenSettings`].
    pub listen: SocketAddr,
    /// What this process does. Probes and metrics are served by every process.
    pub roles: BTreeSet<ProcessRole>,
    /// Threads that serve HTTP.
    pub workers: usize,
    /// A request is answered with 504 after this time.
    pub request_timeout_secs: u64,
    /// Largest body that is read, in bytes.
    pub max_body_bytes: usize,
    /// Sites whose pages may ask this API from a browser: `https://app.example.com`. None unless they are named.
    pub cors_origins: Vec<Url>,
    /// Proxies whose `X-Forwarded-For` is believed, as networks: `10.0.0.0/8`. Of everybody else their own address counts.
    pub trusted_proxies: Vec<IpNet>,
    /// After the signal to stop: how long requests are still taken while `/health/ready` says no, so that whoever sends them learns
    /// of it first.
    pub linger_secs: u64,
    /// After that: how long requests and running crawls may take to end.
    pub drain_secs: u64,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8000)),
            roles: roles::all(),
            workers: 2,
            request_timeout_secs: 10,
            max_body_bytes: 256 * 1024,
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            linger_secs: 0,
            drain_secs: 20,
        }
    }
}

/// `[database]`: where the truth is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite://PATH`, `sqlite::memory:` or `postgres://…`; a secret, for it may hold a password.
    pub url: Secret,
    /// A standby of the same server (PostgreSQL, streaming replication) for history, lists, statistics and exports.
    pub replica_url: Option<Secret>,
    /// A standby that is further behind than this is not read from.
    pub replica_max_lag_ms: u64,
    /// Connections to the standby.
    pub replica_connections: u32,
    /// Connections for reads and writes (SQLite: readers beside the one writer).
    pub connections: u32,
    /// Connections for claims alone, so that reads cannot starve them (PostgreSQL).
    pub claim_connections: u32,
    /// How long to wait for a free connection before answering "unavailable".
    pub acquire_timeout_secs: u64,
    /// The server ends a statement after this time (PostgreSQL).
    pub statement_timeout_secs: u64,
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
        }
    }
}

/// `[redis]`: what replicas share besides the database. Nothing fails without it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisSettings {
    /// See [`RedisAddress`]; a secret, for it may hold a password. None: limits are kept by each process for itself.
    pub url: Option<Secret>,
    /// What the names of all keys and channels begin with: another for each installation that uses the same Redis.
    pub prefix: String,
    /// Connections of this process.
    pub connections: u32,
    /// Redis that does not answer within this time counts as away.
    pub timeout_ms: u64,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self { url: None, prefix: "tracker".to_owned(), connections: 4, timeout_ms: 250 }
    }
}

/// `[limits]`: how replicas share what is limited for all of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// How many replicas there are at most. Without Redis, each keeps this part of every limit; and so many times the pools
    /// must fit into what the database server allows.
    pub replicas: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self { replicas: 1 }
    }
}

/// `[crawl]`: how listings are looked at. The defaults are polite.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrawlSettings {
    /// Asked instead of Amazon: the simulated marketplace, or a proxy of your own.
    pub base_url: Option<Url>,
    /// Crawls at once in this process.
    pub concurrency: usize,
    /// Crawls at once on one marketplace.
    pub concurrency_per_marketplace: usize,
    /// Requests a minute on one marketplace.
    pub requests_per_minute: u32,
    /// Requests that may come at once after a quiet time.
    pub burst: u32,
    /// Failures in a row after which a marketplace rests.
    pub breaker_failures: u32,
    /// The first rest; doubled at each further one, up to an hour.
    pub breaker_pause_secs: u64,
    /// To connect.
    pub connect_timeout_secs: u64,
    /// Between two pieces of the body.
    pub read_timeout_secs: u64,
    /// For one crawl as a whole.
    pub total_timeout_secs: u64,
    /// Largest page, in bytes after decompression.
    pub max_body_bytes: usize,
    /// How long a claim holds; longer than the worst crawl and its commit.
    pub lease_secs: u64,
    /// Claims without success after which a listing is parked.
    pub max_attempts: u16,
    /// A surprising price is looked at again after this time.
    pub recheck_secs: u64,
    /// First pause after a look that brought nothing; doubled at each further one, up to an hour.
    pub retry_secs: u64,
    /// `http://`, `https://` or `socks5://` proxies, used in turn.
    pub proxies: Vec<Secret>,
    /// Sent as it is.
    pub user_agent: String,
    /// The `Cookie` header to send to a marketplace, by its code (delivery region, language).
    pub cookies: BTreeMap<Marketplace, Secret>,
}

impl Default for CrawlSettings {
    fn default() -> Self {
        Self {
            base_url: None,
            concurrency: 16,
            concurrency_per_marketplace: 4,
            requests_per_minute: 60,
            burst: 5,
            breaker_failures: 5,
            breaker_pause_secs: 60,
            connect_timeout_secs: 10,
            read_timeout_secs: 15,
            total_timeout_secs: 30,
            max_body_bytes: 8 * 1024 * 1024,
            lease_secs: 90,
            max_attempts: 5,
            recheck_secs: 60,
            retry_secs: 30,
            proxies: Vec::new(),
            user_agent:
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
                    .to_owned(),
            cookies: BTreeMap::new(),
        }
    }
}

/// `[notify]`: how people are told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifySettings {
    /// Lets webhooks reach loopback, private and link-local addresses. For demos and tests.
    pub allow_private_targets: bool,
    /// For one attempt as a whole.
    pub timeout_secs: u64,
    /// Attempts at once.
    pub concurrency: usize,
    /// First pause after a failed attempt; each further one is five times as long, up to half a day.
    pub retry_secs: u64,
    /// Attempts after which a delivery is given up.
    pub max_attempts: u32,
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self { allow_private_targets: false, timeout_secs: 15, concurrency: 32, retry_secs: 5, max_attempts: 10 }
    }
}

/// `[mail]`: how people are written to. Without a server, links are shown in the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// `smtps://USER:PASSWORD@HOST`, or `smtp://USER:PASSWORD@HOST?tls=required` (STARTTLS).
    pub smtp_url: Option<Secret>,
    /// The address that mail comes from.
    pub from: Option<EmailAddress>,
    /// For one attempt as a whole.
    pub timeout_secs: u64,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self { smtp_url: None, from: None, timeout_secs: 15 }
    }
}

/// `[auth]`: who gets in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// Lets anybody register a tenant of their own; otherwise people join by invitation.
    pub registration: bool,
    /// Where people reach this daemon: links in e-mails begin with it. Where it listens, unless it is said.
    pub public_url: Option<Url>,
    /// With `admin_password`: the first user of an empty installation.
    pub admin_email: Option<EmailAddress>,
    /// See `admin_email`.
    pub admin_password: Option<Secret>,
    /// Attempts a minute from one address at everything that needs no credential: signing in, registering, asking for links.
    pub attempts_per_minute: u32,
    /// `[auth.token]`
    pub token: TokenSettings,
    /// `[auth.password]`
    pub password: PasswordSettings,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            registration: true,
            public_url: None,
            admin_email: None,
            admin_password: None,
            attempts_per_minute: 20,
            token: TokenSettings::default(),
            password: PasswordSettings::default(),
        }
    }
}

/// `[auth.token]`: access and refresh tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenSettings {
    /// Signs by Ed25519: PEM, as `amazon-tracker keys` writes it. Wins over the secret key. Without either, a key is made at each
    /// start.
    pub private_key: Option<Secret>,
    /// Signs by HS256: at least 32 bytes.
    pub secret_key: Option<Secret>,
    /// Public keys (PEM) that were rotated out and whose tokens are still in force.
    pub verification_keys: Vec<String>,
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `aud`.
    pub audience: String,
    /// The claim `key`, by which APISIX finds its consumer.
    pub gateway_key: String,
    /// How long an access token is in force.
    pub access_secs: u64,
    /// How long a sign-in lasts without being used.
    pub refresh_days: u32,
    /// Two requests of an honest client may use one refresh token within this time; the second is refused, but nothing revoked.
    pub refresh_grace_secs: u64,
}

impl Default for TokenSettings {
    fn default() -> Self {
        let name = || "amazon-tracker".to_owned();
        Self {
            private_key: None,
            secret_key: None,
            verification_keys: Vec::new(),
            issuer: name(),
            audience: name(),
            gateway_key: name(),
            access_secs: 900,
            refresh_days: 30,
            refresh_grace_secs: 10,
        }
    }
}

/// `[auth.password]`: the costs of argon2id. The defaults are the minimum of the OWASP Password Storage Cheat Sheet.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordSettings {
    /// Memory of one hash.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// Hashes at once; further ones wait.
    pub concurrency: usize,
    /// Shorter passwords are refused.
    pub min_chars: usize,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, iterations: 2, parallelism: 1, concurrency: 2, min_chars: 10 }
    }
}

/// `[products]`: what holds for every tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProductLimits {
    /// The marketplace of an ASIN that comes without one.
    pub default_marketplace: Marketplace,
}

impl Default for ProductLimits {
    fn default() -> Self {
        Self { default_marketplace: Marketplace::Us }
    }
}

/// `[trace]`: traces over OTLP, for a collector such as the OpenTelemetry Collector, Jaeger or Tempo. None unless there is an
/// endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TraceSettings {
    /// Where they are sent, by HTTP: `http://collector:4318`. Credentials are headers, which the exporter itself reads from
    /// `OTEL_EXPORTER_OTLP_HEADERS`.
    pub otlp_endpoint: Option<Url>,
    /// The share of the traces that begin here and are told, 0 to 1. What a trusted proxy began is told as the proxy decided.
    pub sample_ratio: f64,
    /// By what name the collector knows this service.
    pub service_name: String,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self { otlp_endpoint: None, sample_ratio: 1.0, service_name: "amazon-tracker".to_owned() }
    }
}

/// `[log]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// One JSON object a line, for machines; otherwise lines for people.
    pub json: bool,
    /// What is logged, in the syntax of `tracing`: `info`, `amazon_tracker=debug,info`.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { json: false, filter: "info".to_owned() }
    }
}
