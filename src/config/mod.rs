//! Typed settings: flags over environment over `config/*.toml` over the defaults written here.
//!
//! `DATABASE_URL` and its like are read by their usual names; every other setting is `TRACKER__SECTION__FIELD`. A setting
//! that is unknown or wrong stops the start with its name and what is allowed.

mod limits;
mod plans;
mod secret;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::{Figment, Provider};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::{EmailAddress, Marketplace};

pub use plans::{Plan, Plans};
pub use secret::Secret;

/// Everything that can be set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `[server]`
    pub server: ServerSettings,
    /// `[database]`
    pub database: DatabaseSettings,
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
    /// `[log]`
    pub log: LogSettings,
}

/// `[server]`: the HTTP side.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Where to listen. Any address but loopback needs keys that sign tokens: see [`TokenSettings`].
    pub listen: SocketAddr,
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
    /// After the signal to stop: how long requests and running crawls may take to end.
    pub drain_secs: u64,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8000)),
            workers: 2,
            request_timeout_secs: 10,
            max_body_bytes: 256 * 1024,
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
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
            connections: 8,
            claim_connections: 2,
            acquire_timeout_secs: 2,
            statement_timeout_secs: 15,
        }
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
    pub second_look_secs: u64,
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
            second_look_secs: 60,
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
    pub at_once: usize,
    /// Shorter passwords are refused.
    pub shortest_chars: usize,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, iterations: 2, parallelism: 1, at_once: 2, shortest_chars: 10 }
    }
}

/// `[products]`: what holds for every tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProductLimits {
    /// The marketplace of an ASIN that comes without one.
    pub default_marketplace: Marketplace,
    /// Points older than this many days are forgotten, but for the last one of each series. 0 keeps all.
    pub keep_history_days: u32,
}

impl Default for ProductLimits {
    fn default() -> Self {
        Self { default_marketplace: Marketplace::Us, keep_history_days: 0 }
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

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Unknown, of the wrong type, or a file that cannot be read; the message names the setting and its source.
    #[error(transparent)]
    Read(Box<figment::Error>),
    /// A file that is no TOML; its text is not shown, for it may hold secrets.
    #[error("{file}, line {line}: {problem}")]
    Toml {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A value that cannot work.
    #[error("{setting}: {problem}")]
    Value {
        /// The setting's name.
        setting: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
}

/// Environment variables that deployments know by another name than `TRACKER__SECTION__FIELD`.
const USUAL_NAMES: &[(&str, &str)] = &[
    ("DATABASE_URL", "database.url"),
    ("PUBLIC_URL", "auth.public_url"),
    ("SMTP_URL", "mail.smtp_url"),
    ("MAIL_FROM", "mail.from"),
    ("ADMIN_EMAIL", "auth.admin_email"),
    ("ADMIN_PASSWORD", "auth.admin_password"),
    ("JWT_SECRET_KEY", "auth.token.secret_key"),
    ("JWT_PRIVATE_KEY", "auth.token.private_key"),
];

/// The environment in which what only serves to try things is refused.
const PRODUCTION: &str = "production";

/// Settings whose values may hold a password: an error must not show them.
const SECRETS: &[&str] = &[
    "database.url",
    "crawl.base_url",
    "crawl.proxies",
    "crawl.cookies",
    "mail.smtp_url",
    "auth.admin_password",
    "auth.token.private_key",
    "auth.token.secret_key",
];

impl Settings {
    /// Reads the settings. `folder` may hold `default.toml` and must hold `{environment}.toml` when `TRACKER_ENV` names an
    /// environment. `flags` win over everything.
    ///
    /// # Errors
    /// [`SettingsError`], naming the setting.
    pub fn load(folder: &Path, flags: impl Provider) -> Result<Self, SettingsError> {
        // Beneath everything, so that one field of one plan can be set alone.
        let mut figment = Figment::from(Serialized::default("plans", Plans::default()));
        let default = folder.join("default.toml");
        if default.is_file() {
            figment = figment.merge(toml_file(&default)?);
        }
        if let Some(environment) = std::env::var("TRACKER_ENV").ok().filter(|name| !name.is_empty()) {
            let file = folder.join(format!("{environment}.toml"));
            if !file.is_file() {
                let problem = format!("there is no file {}", file.display());
                return Err(SettingsError::Value { setting: "TRACKER_ENV", problem });
            }
            figment = figment.merge(toml_file(&file)?);
        }
        for (variable, setting) in USUAL_NAMES {
            // Compose files pass on what is not set as an empty text.
            if let Some(value) = std::env::var(variable).ok().filter(|value| !value.is_empty()) {
                figment = figment.merge((*setting, value));
            }
        }
        let figment = figment.merge(Env::prefixed("TRACKER__").split("__")).merge(flags);
        let settings: Self =
            figment.extract().map_err(|error| SettingsError::Read(Box::new(without_secrets(error))))?;
        settings.checked()
    }

    /// What only a daemon needs that serves others: a place named `production` is one.
    ///
    /// # Errors
    /// [`SettingsError::Value`]
    pub fn check_serving(&self) -> Result<(), SettingsError> {
        match std::env::var("TRACKER_ENV") {
            Ok(environment) if environment == PRODUCTION => limits::check_production(self),
            _ => Ok(()),
        }
    }

    /// The settings, if they can work: what types cannot say.
    ///
    /// # Errors
    /// [`SettingsError::Value`]
    pub fn checked(self) -> Result<Self, SettingsError> {
        limits::check(&self)?;
        Ok(self)
    }
}

/// A file that is known to be TOML.
fn toml_file(file: &Path) -> Result<impl Provider + use<>, SettingsError> {
    let unreadable = |line, problem| SettingsError::Toml { file: file.display().to_string(), line, problem };
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(1, error.to_string()))?;
    text.parse::<toml::Table>().map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        unreadable(text.as_bytes()[..start].split(|byte| *byte == b'\n').count(), error.message().to_owned())
    })?;
    Ok(Toml::file_exact(file))
}

/// The same error without the value that it found, if that may be a secret.
fn without_secrets(mut error: figment::Error) -> figment::Error {
    let path = error.path.join(".");
    let is_secret = SECRETS.iter().any(|secret| secret.starts_with(&path) || path.starts_with(secret));
    if is_secret && let Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) = &error.kind {
        error.kind = Kind::Message(format!("wrong type or value, expected {expected}"));
    }
    error
}

#[cfg(test)]
mod tests {
    use figment::Jail;

    use super::*;

    fn load_in(jail: &Jail, flags: impl Provider) -> Result<Settings, String> {
        Settings::load(jail.directory(), flags).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        Jail::expect_with(|jail| {
            jail.create_file("default.toml", "[crawl]\nconcurrency = 3\nburst = 3\nretry_secs = 3\n")?;
            jail.set_env("TRACKER__CRAWL__BURST", "4");
            jail.set_env("TRACKER__CRAWL__RETRY_SECS", "4");
            let settings = load_in(jail, Serialized::default("crawl.retry_secs", 5)).unwrap();
            let crawl = settings.crawl;
            assert_eq!((crawl.concurrency, crawl.burst, crawl.retry_secs, crawl.max_attempts), (3, 4, 5, 5));
            jail.set_env("TRACKER__PLANS__PRO__PRODUCTS", "7");
            let plans = load_in(jail, Figment::new()).unwrap().plans;
            assert_eq!(plans.of("pro"), Plan { products: 7, ..Plans::default().of("pro") });
            Ok(())
        });
    }

    #[test]
    fn the_database_is_known_by_its_usual_name_and_never_shown() {
        Jail::expect_with(|jail| {
            jail.set_env("DATABASE_URL", "postgres://me:hunter2@db/tracker");
            let settings = load_in(jail, Figment::new()).unwrap();
            assert_eq!(settings.database.url.reveal(), "postgres://me:hunter2@db/tracker");
            assert!(!toml::to_string(&settings).unwrap().contains("hunter2"));
            Ok(())
        });
    }

    #[test]
    fn an_unknown_or_wrong_setting_is_named() {
        for (variable, value, named) in [
            ("TRACKER__CRAWL__CONCURENCY", "3", "concurency"),
            ("TRACKER__CRAWL__BURST", "many", "BURST"),
            ("TRACKER__CRAWL__BURST", "0", "crawl.burst"),
            ("TRACKER__CRAWL__LEASE_SECS", "30", "crawl.lease_secs"),
            ("TRACKER__SERVER__LISTEN", "0.0.0.0:8000", "server.listen"),
            ("TRACKER__SERVER__WORKERS", "100000", "server.workers"),
            ("TRACKER__NOTIFY__TIMEOUT_SECS", "18446744073709551615", "notify.timeout_secs"),
            ("TRACKER__CRAWL__BASE_URL", "ftp://example.com", "crawl.base_url"),
            ("TRACKER__SERVER__CORS_ORIGINS", "[\"https://example.com/app\"]", "server.cors_origins"),
            ("TRACKER__CRAWL__BASE_URL", "http://me:hunter2@example.com", "crawl.base_url"),
            ("TRACKER__CRAWL__BASE_URL", "me:hunter2", "crawl.base_url"),
            ("TRACKER__CRAWL__PROXIES", "http://me:hunter2@proxy", "PROXIES"),
            ("TRACKER__CRAWL__COOKIES", "hunter2", "COOKIES"),
            ("SMTP_URL", "me:hunter2@mail.example.com", "mail.smtp_url"),
            ("SMTP_URL", "http://me:hunter2@mail.example.com", "mail.smtp_url"),
            ("SMTP_URL", "smtp://me:hunter2@mail.example.com", "tls=required"),
            ("SMTP_URL", "smtps://me:hunter2@mail.example.com", "mail.from"),
            ("TRACKER__DATABASE", "postgres://me:hunter2@db", "DATABASE"),
            ("DATABASE_URL", "mysql://me:hunter2@db", "database.url"),
            ("DATABASE_URL", "sqlite://", "database.url"),
            ("TRACKER__PRODUCTS__DEFAULT_MARKETPLACE", "amazon.xx", "co.uk"),
            ("TRACKER_ENV", "nowhere", "nowhere.toml"),
        ] {
            Jail::expect_with(|jail| {
                jail.set_env(variable, value);
                let message = load_in(jail, Figment::new()).unwrap_err();
                assert!(message.contains(named) && !message.contains("hunter2"), "{variable}: {message}");
                Ok(())
            });
        }
    }

    #[test]
    fn production_without_a_mail_server_is_refused() {
        Jail::expect_with(|jail| {
            jail.create_file("production.toml", "")?;
            jail.set_env("TRACKER_ENV", "production");
            jail.set_env("ADMIN_EMAIL", "");
            let refused = load_in(jail, Figment::new()).unwrap().check_serving().unwrap_err().to_string();
            assert!(refused.contains("auth.public_url"), "{refused}");
            jail.set_env("PUBLIC_URL", "https://tracker.example.com/");
            let refused = load_in(jail, Figment::new()).unwrap().check_serving().unwrap_err().to_string();
            assert!(refused.contains("mail.smtp_url"), "{refused}");
            jail.set_env("SMTP_URL", "smtps://me:hunter2@mail.example.com");
            assert!(load_in(jail, Figment::new()).unwrap_err().contains("mail.from"));
            jail.set_env("MAIL_FROM", "tracker@example.com");
            assert!(load_in(jail, Figment::new()).unwrap().check_serving().is_ok());
            Ok(())
        });
    }

    #[test]
    fn a_file_that_is_no_toml_is_named_with_the_line_and_not_shown() {
        Jail::expect_with(|jail| {
            jail.create_file("default.toml", "[database]\nurl = \"postgres://me:hunter2@db\n")?;
            let message = load_in(jail, Figment::new()).unwrap_err();
            assert!(message.contains("default.toml, line 2") && !message.contains("hunter2"), "{message}");
            Ok(())
        });
    }

    #[test]
    fn the_file_in_the_repository_says_what_the_defaults_are() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        let file: toml::Table = std::fs::read_to_string(folder.join("default.toml")).unwrap().parse().unwrap();
        let from_file: Settings = Figment::from(Toml::file(folder.join("default.toml"))).extract().unwrap();
        let defaults = Settings::default();
        assert_eq!(format!("{from_file:?}"), format!("{defaults:?}"));
        let defaults = toml::Table::try_from(&defaults).unwrap();
        let names = |table: &toml::Table| -> Vec<String> {
            let section = |(name, fields): (&String, &toml::Value)| {
                let fields: Vec<_> =
                    fields.as_table().map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
                format!("{name}: {fields:?}")
            };
            table.iter().map(section).collect()
        };
        assert_eq!(names(&file), names(&defaults), "a setting is missing from config/default.toml, or is no more");
    }
}
