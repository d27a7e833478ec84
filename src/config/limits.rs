//! What the values of settings may be, beyond their types.

use url::Url;

use super::{CrawlSettings, DatabaseSettings, MailSettings, RedisAddress, Settings, SettingsError, TraceSettings};

/// What a crawl needs beside the request itself: to wait for its turn, to be judged and to be committed.
const LEASE_MARGIN_SECS: u64 = 15;

const DAY_SECS: u64 = 24 * 3600;
const MIB: u64 = 1024 * 1024;

pub(super) fn check(settings: &Settings) -> Result<(), SettingsError> {
    check_numbers(settings)?;
    check_database(&settings.database)?;
    if let Some(Err(error)) = settings.redis.url.as_ref().map(|url| url.reveal().parse::<RedisAddress>()) {
        return wrong("redis.url", error);
    }
    if !settings.redis.prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return wrong("redis.prefix", "may have letters, digits, - and _");
    }
    if settings.server.roles.is_empty() {
        return wrong("server.roles", "names no role: api, crawler, scheduler, notifier");
    }
    check_crawl(&settings.crawl)?;
    check_mail(&settings.mail)?;
    check_trace(&settings.trace)?;
    if let Some(origin) = settings.server.cors_origins.iter().find(|origin| !is_origin(origin)) {
        return wrong("server.cors_origins", format_args!("{origin} is no origin, such as https://app.example.com"));
    }
    check_exposure(settings)
}

/// Links that sign in or set passwords do not belong into the log of a place that others read.
pub(super) fn check_production(settings: &Settings) -> Result<(), SettingsError> {
    if settings.auth.public_url.is_none() {
        return wrong("auth.public_url", "is needed in production (PUBLIC_URL): links in e-mails begin with it");
    }
    match settings.mail.smtp_url {
        Some(_) => Ok(()),
        None => wrong("mail.smtp_url", "is needed in production (SMTP_URL): without it, links are shown in the log"),
    }
}

/// Scheme, host and port, and nothing else (RFC 6454).
fn is_origin(url: &Url) -> bool {
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && !has_credentials(url);
    matches!(url.scheme(), "http" | "https") && is_bare
}

/// Whoever can be reached from outside must have keys that outlast a restart, and are not known to all who read this.
fn check_exposure(settings: &Settings) -> Result<(), SettingsError> {
    let token = &settings.auth.token;
    let is_local = settings.server.listen.ip().to_canonical().is_loopback();
    if !is_local && token.private_key.is_none() && token.secret_key.is_none() {
        let problem = "an address that is not loopback needs auth.token.private_key (JWT_PRIVATE_KEY; `amazon-tracker keys` \
             makes one) or auth.token.secret_key (JWT_SECRET_KEY)";
        return wrong("server.listen", problem);
    }
    Ok(())
}

fn wrong(setting: &'static str, problem: impl ToString) -> Result<(), SettingsError> {
    Err(SettingsError::Value { setting, problem: problem.to_string() })
}

fn check_numbers(settings: &Settings) -> Result<(), SettingsError> {
    let Settings { server, database, redis, limits, crawl, notify, mail, auth, retention, .. } = settings;
    let allowed = [
        ("server.workers", server.workers as u64, 1..=256),
        ("server.request_timeout_secs", server.request_timeout_secs, 1..=DAY_SECS),
        ("server.max_body_bytes", server.max_body_bytes as u64, 1..=64 * MIB),
        ("server.linger_secs", server.linger_secs, 0..=3600),
        ("server.drain_secs", server.drain_secs, 0..=DAY_SECS),
        ("database.connections", database.connections.into(), 1..=1000),
        ("database.claim_connections", database.claim_connections.into(), 1..=1000),
        ("database.replica_connections", database.replica_connections.into(), 1..=1000),
        ("database.replica_max_lag_ms", database.replica_max_lag_ms, 1..=1000 * DAY_SECS),
        ("redis.connections", redis.connections.into(), 1..=1000),
        ("redis.timeout_ms", redis.timeout_ms, 1..=60_000),
        ("limits.replicas", limits.replicas.into(), 1..=10_000),
        ("database.acquire_timeout_secs", database.acquire_timeout_secs, 1..=DAY_SECS),
        ("database.statement_timeout_secs", database.statement_timeout_secs, 1..=DAY_SECS),
        ("crawl.concurrency", crawl.concurrency as u64, 1..=10_000),
        ("crawl.concurrency_per_marketplace", crawl.concurrency_per_marketplace as u64, 1..=10_000),
        ("crawl.requests_per_minute", crawl.requests_per_minute.into(), 1..=1_000_000),
        ("crawl.burst", crawl.burst.into(), 1..=1_000_000),
        ("crawl.breaker_failures", crawl.breaker_failures.into(), 1..=1_000_000),
        ("crawl.breaker_pause_secs", crawl.breaker_pause_secs, 1..=DAY_SECS),
        ("crawl.connect_timeout_secs", crawl.connect_timeout_secs, 1..=DAY_SECS),
        ("crawl.read_timeout_secs", crawl.read_timeout_secs, 1..=DAY_SECS),
        ("crawl.total_timeout_secs", crawl.total_timeout_secs, 1..=DAY_SECS),
        ("crawl.max_body_bytes", crawl.max_body_bytes as u64, 1024..=256 * MIB),
        ("crawl.lease_secs", crawl.lease_secs, 1..=2 * DAY_SECS),
        ("crawl.max_attempts", crawl.max_attempts.into(), 1..=1000),
        ("crawl.recheck_secs", crawl.recheck_secs, 0..=DAY_SECS),
        ("crawl.retry_secs", crawl.retry_secs, 1..=DAY_SECS),
        ("notify.timeout_secs", notify.timeout_secs, 1..=DAY_SECS),
        ("notify.concurrency", notify.concurrency as u64, 1..=10_000),
        ("notify.retry_secs", notify.retry_secs, 1..=DAY_SECS),
        ("notify.max_attempts", notify.max_attempts.into(), 1..=1000),
        ("mail.timeout_secs", mail.timeout_secs, 1..=DAY_SECS),
        ("auth.attempts_per_minute", auth.attempts_per_minute.into(), 1..=1_000_000),
        ("auth.token.access_secs", auth.token.access_secs, 30..=DAY_SECS),
        ("auth.token.refresh_days", auth.token.refresh_days.into(), 1..=365),
        ("auth.token.refresh_grace_secs", auth.token.refresh_grace_secs, 0..=60),
        ("auth.password.memory_kib", auth.password.memory_kib.into(), 8..=4 * MIB),
        ("auth.password.iterations", auth.password.iterations.into(), 1..=100),
        ("auth.password.parallelism", auth.password.parallelism.into(), 1..=64),
        ("auth.password.concurrency", auth.password.concurrency as u64, 1..=64),
        ("auth.password.min_chars", auth.password.min_chars as u64, 8..=64),
    ];
    let retention = retention.all().map(|(setting, days)| (setting, days.into(), 0..=36_500));
    match allowed.into_iter().chain(retention).find(|(_, value, range)| !range.contains(value)) {
        Some((setting, value, range)) => {
            wrong(setting, format_args!("must be from {} to {}, not {value}", range.start(), range.end()))
        }
        None => Ok(()),
    }
}

fn check_database(database: &DatabaseSettings) -> Result<(), SettingsError> {
    let url = database.url.reveal();
    let file =
        url.strip_prefix("sqlite:").map(|rest| rest.trim_start_matches('/').split('?').next().unwrap_or_default());
    match file {
        Some("") => wrong("database.url", "names no file: sqlite://PATH, or sqlite::memory:"),
        Some(_) if database.replica_url.is_some() => {
            wrong("database.replica_url", "goes with a PostgreSQL server in database.url, and SQLite has no replicas")
        }
        Some(_) => Ok(()),
        None if is_postgres(url) => match &database.replica_url {
            Some(replica) if !is_postgres(replica.reveal()) => {
                wrong("database.replica_url", "must begin with postgres:// or postgresql://")
            }
            _ => Ok(()),
        },
        None => wrong("database.url", "must begin with sqlite:, postgres:// or postgresql://"),
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn check_crawl(crawl: &CrawlSettings) -> Result<(), SettingsError> {
    if crawl.lease_secs < crawl.total_timeout_secs + LEASE_MARGIN_SECS {
        let problem = format_args!(
            "must be at least {LEASE_MARGIN_SECS} longer than crawl.total_timeout_secs, or crawls lose their lease"
        );
        return wrong("crawl.lease_secs", problem);
    }
    match &crawl.base_url {
        Some(url) if !matches!(url.scheme(), "http" | "https") => {
            wrong("crawl.base_url", "must begin with http:// or https://")
        }
        Some(url) if has_credentials(url) => wrong("crawl.base_url", "must not hold a user or a password"),
        _ => Ok(()),
    }
}

fn check_mail(mail: &MailSettings) -> Result<(), SettingsError> {
    let Some(url) = &mail.smtp_url else {
        return Ok(());
    };
    // What it says is not shown: it may hold a password.
    let form = "must be smtps://USER:PASSWORD@HOST, or smtp://USER:PASSWORD@HOST?tls=required";
    let Ok(url) = url.reveal().parse::<Url>() else {
        return wrong("mail.smtp_url", form);
    };
    let (scheme, host) = (url.scheme(), url.host_str().unwrap_or_default());
    if !matches!(scheme, "smtp" | "smtps") || host.is_empty() {
        return wrong("mail.smtp_url", form);
    }
    let is_encrypted = scheme == "smtps" || url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    if has_credentials(&url) && !is_encrypted && !is_local {
        return wrong("mail.smtp_url", "would send its password in the clear: add ?tls=required, or use smtps://");
    }
    if mail.from.is_none() {
        return wrong("mail.from", "is needed beside mail.smtp_url (MAIL_FROM)");
    }
    Ok(())
}

fn check_trace(trace: &TraceSettings) -> Result<(), SettingsError> {
    match &trace.otlp_endpoint {
        Some(url) if !matches!(url.scheme(), "http" | "https") => {
            return wrong("trace.otlp_endpoint", "must begin with http:// or https://");
        }
        Some(url) if has_credentials(url) || url.query().is_some() || url.fragment().is_some() => {
            let problem = "must be scheme, host, port and path alone; what the collector must be told in secret belongs into \
                 OTEL_EXPORTER_OTLP_HEADERS";
            return wrong("trace.otlp_endpoint", problem);
        }
        _ => {}
    }
    if !(0.0..=1.0).contains(&trace.sample_ratio) {
        return wrong("trace.sample_ratio", format_args!("must be from 0 to 1, not {}", trace.sample_ratio));
    }
    if trace.service_name.is_empty() {
        return wrong("trace.service_name", "must not be empty");
    }
    Ok(())
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}
