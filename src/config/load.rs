//! Sources of settings, and errors for unusable ones.

use std::path::Path;

use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::{Figment, Provider};

use super::{Plans, Settings, SettingsError, limits};

/// Environment variables with a conventional name in place of `TRACKER__SECTION__FIELD`.
const CONVENTIONAL_NAMES: &[(&str, &str)] = &[
    ("DATABASE_URL", "database.url"),
    ("DATABASE_REPLICA_URL", "database.replica_url"),
    ("REDIS_URL", "redis.url"),
    ("APIFY_API_TOKEN", "apify.token"),
    ("KEEPA_API_KEY", "keepa.api_key"),
    ("OPENAI_API_KEY", "advice.api_key"),
    ("PUBLIC_URL", "auth.public_url"),
    ("SMTP_URL", "mail.smtp_url"),
    ("MAIL_FROM", "mail.from"),
    ("ADMIN_EMAIL", "auth.admin_email"),
    ("ADMIN_PASSWORD", "auth.admin_password"),
    ("JWT_SECRET_KEY", "auth.token.secret_key"),
    ("JWT_PRIVATE_KEY", "auth.token.private_key"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "trace.otlp_endpoint"),
    ("OTEL_SERVICE_NAME", "trace.service_name"),
];

/// The environment that refuses settings meant for demos and development.
const PRODUCTION: &str = "production";

/// Settings whose values may contain a password; errors must not print them.
const SECRETS: &[&str] = &[
    "database.url",
    "database.replica_url",
    "redis.url",
    "crawl.base_url",
    "crawl.proxies",
    "crawl.cookies",
    "apify.token",
    "apify.base_url",
    "keepa.api_key",
    "keepa.base_url",
    "advice.api_key",
    "advice.base_url",
    "mail.smtp_url",
    "auth.admin_password",
    "auth.token.private_key",
    "auth.token.secret_key",
    "trace.otlp_endpoint",
];

/// The secrets that are parsed as URLs.
const SECRET_URLS: &[&str] =
    &["crawl.base_url", "apify.base_url", "keepa.base_url", "advice.base_url", "trace.otlp_endpoint"];

impl Settings {
    /// Reads the settings. `folder` may contain `default.toml` and must contain `{environment}.toml` when `TRACKER_ENV`
    /// names an environment. `flags` take precedence over everything else.
    ///
    /// # Errors
    /// [`SettingsError`], which names the setting.
    pub fn load(folder: &Path, flags: impl Provider) -> Result<Self, SettingsError> {
        // The lowest layer, so that a single field of a plan can be overridden.
        let mut figment = Figment::from(Serialized::default("plans", Plans::default()));
        let default = folder.join("default.toml");
        if default.is_file() {
            figment = figment.merge(toml_file(&default)?);
        }
        if let Some(environment) = std::env::var("TRACKER_ENV").ok().filter(|name| !name.is_empty()) {
            let file = folder.join(format!("{environment}.toml"));
            if !file.is_file() {
                let problem = format!("file {} does not exist", file.display());
                return Err(SettingsError::Value { setting: "TRACKER_ENV", problem });
            }
            figment = figment.merge(toml_file(&file)?);
        }
        for (variable, setting) in CONVENTIONAL_NAMES {
            // Compose files pass unset variables as empty strings.
            if let Some(value) = std::env::var(variable).ok().filter(|value| !value.is_empty()) {
                figment = figment.merge((*setting, value));
            }
        }
        let figment = figment.merge(Env::prefixed("TRACKER__").split("__")).merge(flags);
        let settings: Self =
            figment.extract().map_err(|error| SettingsError::Read(Box::new(without_secrets(error))))?;
        settings.checked()
    }

    /// Checks what only a serving daemon needs, and only in the environment `production`.
    ///
    /// # Errors
    /// [`SettingsError::Value`]
    pub fn check_serving(&self) -> Result<(), SettingsError> {
        if in_production() { limits::check_production(self) } else { Ok(()) }
    }

    /// The settings, if every value is allowed.
    ///
    /// # Errors
    /// [`SettingsError::Value`]
    pub fn checked(self) -> Result<Self, SettingsError> {
        limits::check(&self)?;
        Ok(self)
    }
}

/// True if the environment (`TRACKER_ENV`) is `production`.
pub fn in_production() -> bool {
    std::env::var("TRACKER_ENV").is_ok_and(|environment| environment == PRODUCTION)
}

/// A provider for a file that was checked to be TOML.
fn toml_file(file: &Path) -> Result<impl Provider + use<>, SettingsError> {
    let unreadable = |line, problem| SettingsError::Toml { file: file.display().to_string(), line, problem };
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(1, error.to_string()))?;
    text.parse::<toml::Table>().map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        unreadable(text.as_bytes()[..start].split(|byte| *byte == b'\n').count(), error.message().to_owned())
    })?;
    Ok(Toml::file_exact(file))
}

/// Removes the offending value from the error if it may be a secret.
fn without_secrets(mut error: figment::Error) -> figment::Error {
    let path = error.path.join(".");
    let is_secret = SECRETS.iter().any(|secret| secret.starts_with(&path) || path.starts_with(secret));
    match &error.kind {
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) if is_secret => {
            error.kind = Kind::Message(format!("wrong type or value, expected {expected}"));
        }
        // The URL parser quotes its input.
        Kind::Message(_) if SECRET_URLS.contains(&path.as_str()) => {
            error.kind = Kind::Message("not a URL".to_owned());
        }
        _ => {}
    }
    error
}

#[cfg(test)]
mod tests {
    use figment::Jail;

    use super::super::{Plan, SourceName};
    use super::*;
    use crate::domain::Marketplace;

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
    fn database_url_is_read_from_its_conventional_variable_and_never_printed() {
        Jail::expect_with(|jail| {
            jail.set_env("DATABASE_URL", "postgres://me:hunter2@db/tracker");
            let settings = load_in(jail, Figment::new()).unwrap();
            assert_eq!(settings.database.url.reveal(), "postgres://me:hunter2@db/tracker");
            assert!(!toml::to_string(&settings).unwrap().contains("hunter2"));
            Ok(())
        });
    }

    #[test]
    fn keepa_is_checked_when_it_is_enabled_and_its_key_never_printed() {
        let load = |variables: &[(&str, &str)]| {
            let mut loaded = None;
            Jail::expect_with(|jail| {
                jail.set_env("KEEPA_API_KEY", "hunter2");
                variables.iter().for_each(|(variable, value)| jail.set_env(variable, value));
                loaded = Some(load_in(jail, Figment::new()));
                Ok(())
            });
            loaded.unwrap()
        };
        let settings = load(&[("TRACKER__KEEPA__ENABLED", "true")]).unwrap();
        assert_eq!(settings.keepa.api_key.as_ref().map(|key| key.reveal()), Some("hunter2"));
        assert!(
            !toml::to_string(&settings).unwrap().contains("hunter2") && !format!("{settings:?}").contains("hunter2")
        );
        assert!(!load(&[]).unwrap().keepa.enabled, "a key alone fetches nothing");
        for (variable, value, named) in [
            ("TRACKER__KEEPA__BASE_URL", "ftp://example.com", "keepa.base_url"),
            ("TRACKER__KEEPA__BASE_URL", "http://me:hunter2@example.com", "keepa.base_url"),
            ("TRACKER__KEEPA__BATCH", "101", "keepa.batch"),
            ("KEEPA_API_KEY", "", "keepa.api_key"),
        ] {
            let message = load(&[("TRACKER__KEEPA__ENABLED", "true"), (variable, value)]).unwrap_err();
            assert!(message.contains(named) && !message.contains("hunter2"), "{variable}={value}: {message}");
        }
    }

    #[test]
    fn advice_is_checked_and_its_key_never_printed() {
        let load = |variables: &[(&str, &str)]| {
            let mut loaded = None;
            Jail::expect_with(|jail| {
                jail.set_env("OPENAI_API_KEY", "hunter2");
                variables.iter().for_each(|(variable, value)| jail.set_env(variable, value));
                loaded = Some(load_in(jail, Figment::new()));
                Ok(())
            });
            loaded.unwrap()
        };
        let price = "[{from=\"2026-01-01\",input_usd=1.25,cached_input_usd=0.125,output_usd=10}]";
        let complete = [
            ("TRACKER__ADVICE__ENABLED", "true"),
            ("TRACKER__ADVICE__MODEL", "a-model"),
            ("TRACKER__ADVICE__PRICES", price),
        ];
        let settings = load(&complete).unwrap();
        assert_eq!(settings.advice.api_key.as_ref().map(|key| key.reveal()), Some("hunter2"));
        assert!((settings.advice.prices[0].output_usd - 10.0).abs() < f64::EPSILON);
        assert!(
            !toml::to_string(&settings).unwrap().contains("hunter2") && !format!("{settings:?}").contains("hunter2")
        );
        assert!(load(&[complete[0], complete[2]]).unwrap_err().contains("advice.model"));
        for (variable, value, named) in [
            ("TRACKER__ADVICE__BASE_URL", "http://me:hunter2@example.com", "advice.base_url"),
            ("TRACKER__ADVICE__PRICES", "[]", "advice.prices"),
            ("TRACKER__ADVICE__TIMEOUT_SECS", "0", "advice.timeout_secs"),
            ("TRACKER__ADVICE__MAX_OUTPUT_TOKENS", "1", "advice.max_output_tokens"),
            ("TRACKER__ADVICE__KEEP_DAYS", "0", "advice.keep_days"),
            ("TRACKER__ADVICE__DAY_USD", "-1", "advice.day_usd"),
        ] {
            let mut variables = complete.to_vec();
            variables.push((variable, value));
            let message = load(&variables).unwrap_err();
            assert!(message.contains(named) && !message.contains("hunter2"), "{variable}={value}: {message}");
        }
    }

    #[test]
    fn the_source_apify_is_checked_when_it_is_used_and_its_token_never_printed() {
        let load = |variables: &[(&str, &str)]| {
            let mut loaded = None;
            Jail::expect_with(|jail| {
                jail.set_env("TRACKER__CRAWL__SOURCES_BY_MARKETPLACE", "{de=[\"apify\",\"direct\"]}");
                jail.set_env("APIFY_API_TOKEN", "hunter2");
                variables.iter().for_each(|(variable, value)| jail.set_env(variable, value));
                loaded = Some(load_in(jail, Figment::new()));
                Ok(())
            });
            loaded.unwrap()
        };
        let settings = load(&[]).unwrap();
        assert_eq!(settings.crawl.sources_by_marketplace[&Marketplace::De], [SourceName::Apify, SourceName::Direct]);
        assert!(!toml::to_string(&settings).unwrap().contains("hunter2"));
        for (variable, value, named) in [
            ("TRACKER__APIFY__BASE_URL", "http://me:hunter2@example.com", "apify.base_url"),
            ("TRACKER__APIFY__ACTOR", "\"a/b\"", "apify.actor"),
            ("TRACKER__APIFY__GATHER_SECS", "50", "apify.gather_secs"),
            ("TRACKER__APIFY__MAX_RUN_USD", "0", "apify.max_run_usd"),
            ("TRACKER__APIFY__MEMORY_MB", "1000", "apify.memory_mb"),
            ("TRACKER__APIFY__LISTS", "{actor=\"a/b\"}", "apify.lists.actor"),
            ("TRACKER__APIFY__LISTS", "{item_usd=-1.0}", "apify.lists.item_usd"),
        ] {
            let message = load(&[(variable, value)]).unwrap_err().to_string();
            assert!(message.contains(named) && !message.contains("hunter2"), "{variable}={value}: {message}");
        }
    }

    #[test]
    fn an_error_names_the_unknown_or_invalid_setting() {
        for (variable, value, named) in [
            ("TRACKER__CRAWL__CONCURENCY", "3", "concurency"),
            ("TRACKER__CRAWL__BURST", "many", "BURST"),
            ("TRACKER__CRAWL__BURST", "0", "crawl.burst"),
            ("TRACKER__CRAWL__JITTER_MS", "20000", "crawl.jitter_ms"),
            ("TRACKER__CRAWL__BY_MARKETPLACE", "{de={burst=0}}", "crawl.by_marketplace: de: burst"),
            ("TRACKER__CRAWL__BY_MARKETPLACE", "{de={peak_hours=[\"7-23\"]}}", "07:00-23:00"),
            ("TRACKER__CRAWL__BY_MARKETPLACE", "{de={peak_hours=[\"07:00-23:00\"]}}", "peak_requests_per_minute"),
            ("TRACKER__CRAWL__CANARY", "{de=[\"B08\"]}", "10 characters"),
            ("TRACKER__CRAWL__LEASE_SECS", "30", "crawl.lease_secs"),
            ("TRACKER__SERVER__LISTEN", "0.0.0.0:8000", "server.listen"),
            ("TRACKER__OAUTH", "{enabled=true,colour=1}", "colour"),
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
            ("DATABASE_REPLICA_URL", "postgres://me:hunter2@db", "database.replica_url"),
            ("REDIS_URL", "http://me:hunter2@cache", "redis.url"),
            ("REDIS_URL", "redis+sentinel://me:hunter2@cache", "redis+sentinel://HOST"),
            ("TRACKER__SERVER__ROLES", "[\"api\",\"cook\"]", "ROLES"),
            ("TRACKER__SERVER__ROLES", "[]", "server.roles"),
            ("TRACKER__LIMITS__REPLICAS", "0", "limits.replicas"),
            ("TRACKER__CRAWL__SOURCES", "[\"apify\"]", "apify.token"),
            ("TRACKER__CRAWL__SOURCES", "[\"keepa\"]", "SOURCES"),
            ("TRACKER__CRAWL__SOURCES", "[]", "crawl.sources"),
            ("TRACKER__CRAWL__SOURCES", "[\"direct\",\"direct\"]", "crawl.sources"),
            ("TRACKER__APIFY__BASE_URL", "me:hunter2", "apify.base_url"),
            ("TRACKER__APIFY__BATCH", "0", "apify.batch"),
            ("TRACKER__APIFY__LISTS", "{}", "apify.token"),
            ("TRACKER__APIFY__MAX_OFFERS", "101", "apify.max_offers"),
            ("TRACKER__PRODUCTS__DEFAULT_MARKETPLACE", "amazon.xx", "co.uk"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hunter2@collector:4318", "trace.otlp_endpoint"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/?key=hunter2", "trace.otlp_endpoint"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "me:hunter2", "trace.otlp_endpoint"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "//me:hunter2@collector", "trace.otlp_endpoint"),
            ("TRACKER__CRAWL__BASE_URL", "//me:hunter2@example.com", "BASE_URL"),
            ("TRACKER__TRACE__SAMPLE_RATIO", "1.01", "trace.sample_ratio"),
            ("TRACKER__TRACE__SAMPLE_RATIO", "nan", "SAMPLE_RATIO"),
            ("TRACKER__TRACE__SERVICE_NAME", "\"\"", "trace.service_name"),
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
    fn clients_find_the_daemon_at_a_public_url_that_is_safe() {
        let load = |url: &str| {
            let mut loaded = None;
            Jail::expect_with(|jail| {
                jail.set_env("TRACKER__OAUTH__ENABLED", "true");
                jail.set_env("TRACKER__AUTH__TOKEN__AUDIENCE", "https://tracker.example.com/mcp");
                jail.set_env("PUBLIC_URL", url);
                loaded = Some(load_in(jail, Figment::new()).map(|_| ()));
                Ok(())
            });
            loaded.unwrap()
        };
        for safe in ["", "https://example.com/tracker/", "http://localhost:8000", "http://[::1]:8000"] {
            assert_eq!(load(safe), Ok(()), "{safe}");
        }
        for unsafe_url in [
            "http://example.com",
            "http://localhost.example.com",
            "https://me:pw@example.com",
            "https://example.com/?a",
        ] {
            assert!(load(unsafe_url).unwrap_err().contains("oauth.enabled"), "{unsafe_url}");
        }
        assert!(load("https://tracker.example.com").unwrap_err().contains("auth.token.audience"));
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
    fn a_syntax_error_names_file_and_line_and_prints_no_content() {
        Jail::expect_with(|jail| {
            jail.create_file("default.toml", "[database]\nurl = \"postgres://me:hunter2@db\n")?;
            let message = load_in(jail, Figment::new()).unwrap_err();
            assert!(message.contains("default.toml, line 2") && !message.contains("hunter2"), "{message}");
            Ok(())
        });
    }

    #[test]
    fn default_toml_lists_every_setting_with_its_default() {
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
        assert_eq!(
            names(&file),
            names(&defaults),
            "config/default.toml lacks a setting, or lists one that does not exist"
        );
    }
}
