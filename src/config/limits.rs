//! Validation of settings beyond their types.

use std::collections::BTreeSet;

use url::{Host, Url};

use super::{
    CrawlSettings, DatabaseSettings, KeepaSettings, MailSettings, RedisAddress, Settings, SettingsError, SourceName,
    TraceSettings,
};

/// Time that a crawl needs in addition to the request: to wait for its turn, to be evaluated and to be committed.
const LEASE_MARGIN_SECS: u64 = 15;

/// What a lease leaves for the commit, and for the difference of two clocks' speeds.
const WAIT_MARGIN_SECS: u64 = 10;

/// Of one marketplace: at the default rate, they take a minute of each hour.
const MAX_CANARIES: usize = 60;

const DAY_SECS: u64 = 24 * 3600;
const MIB: u64 = 1024 * 1024;

pub(super) fn check(settings: &Settings) -> Result<(), SettingsError> {
    check_numbers(settings)?;
    check_database(&settings.database)?;
    if let Some(Err(error)) = settings.redis.url.as_ref().map(|url| url.reveal().parse::<RedisAddress>()) {
        return invalid("redis.url", error);
    }
    if !settings.redis.prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return invalid("redis.prefix", "may contain only letters, digits, - and _");
    }
    if settings.server.roles.is_empty() {
        return invalid("server.roles", "must not be empty; valid roles: api, crawler, scheduler, notifier");
    }
    if settings.server.metrics_listen.is_some_and(|address| address.port() != 0 && address == settings.server.listen) {
        return invalid("server.metrics_listen", "must be another address than server.listen");
    }
    check_crawl(&settings.crawl)?;
    check_marketplaces(&settings.crawl)?;
    check_sources(settings)?;
    check_keepa(&settings.keepa)?;
    settings.advice.check()?;
    check_oauth(settings)?;
    check_mail(&settings.mail)?;
    check_trace(&settings.trace)?;
    if let Some(origin) = settings.server.cors_origins.iter().find(|origin| !is_origin(origin)) {
        return invalid(
            "server.cors_origins",
            format_args!("{origin} is not an origin such as https://app.example.com"),
        );
    }
    check_exposure(settings)
}

/// Links that sign in or set a password must not be written to the log of a production system.
pub(super) fn check_production(settings: &Settings) -> Result<(), SettingsError> {
    if settings.auth.public_url.is_none() {
        return invalid(
            "auth.public_url",
            "is required in production (PUBLIC_URL): it is the base of links in e-mails",
        );
    }
    match settings.mail.smtp_url {
        Some(_) => Ok(()),
        None => {
            invalid("mail.smtp_url", "is required in production (SMTP_URL): without it, links are written to the log")
        }
    }
}

/// Scheme, host and port, and nothing else (RFC 6454).
fn is_origin(url: &Url) -> bool {
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && !has_credentials(url);
    matches!(url.scheme(), "http" | "https") && is_bare
}

/// A server that is reachable from outside needs signing keys that outlive a restart and are not public.
fn check_exposure(settings: &Settings) -> Result<(), SettingsError> {
    let token = &settings.auth.token;
    let is_local = settings.server.listen.ip().to_canonical().is_loopback();
    if !is_local && token.private_key.is_none() && token.secret_key.is_none() {
        let problem = "to listen on an address other than loopback, set auth.token.private_key (JWT_PRIVATE_KEY; created by \
             `amazon-tracker keys`) or auth.token.secret_key (JWT_SECRET_KEY)";
        return invalid("server.listen", problem);
    }
    Ok(())
}

fn invalid(setting: &'static str, problem: impl ToString) -> Result<(), SettingsError> {
    Err(SettingsError::Value { setting, problem: problem.to_string() })
}

fn check_numbers(settings: &Settings) -> Result<(), SettingsError> {
    let Settings { server, database, redis, limits, crawl, apify, keepa, notify, mail, auth, jobs, retention, .. } =
        settings;
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
        ("crawl.jitter_ms", crawl.jitter_ms, 0..=10_000),
        ("crawl.breaker_failures", crawl.breaker_failures.into(), 1..=1_000_000),
        ("crawl.breaker_pause_secs", crawl.breaker_pause_secs, 1..=DAY_SECS),
        ("crawl.connect_timeout_secs", crawl.connect_timeout_secs, 1..=DAY_SECS),
        ("crawl.read_timeout_secs", crawl.read_timeout_secs, 1..=DAY_SECS),
        ("crawl.total_timeout_secs", crawl.total_timeout_secs, 1..=DAY_SECS),
        ("crawl.max_offer_pages", crawl.max_offer_pages.into(), 1..=10),
        ("crawl.max_body_bytes", crawl.max_body_bytes as u64, 1024..=256 * MIB),
        ("crawl.lease_secs", crawl.lease_secs, 1..=2 * DAY_SECS),
        ("crawl.max_attempts", crawl.max_attempts.into(), 1..=1000),
        ("crawl.recheck_secs", crawl.recheck_secs, 0..=DAY_SECS),
        ("crawl.retry_secs", crawl.retry_secs, 1..=DAY_SECS),
        ("crawl.samples_per_marketplace", crawl.samples_per_marketplace.into(), 0..=1000),
        ("crawl.sample_bytes", crawl.sample_bytes as u64, 1024..=8 * MIB),
        ("apify.batch", apify.batch as u64, 1..=1000),
        ("apify.gather_secs", apify.gather_secs, 0..=3600),
        ("apify.concurrency", apify.concurrency as u64, 1..=100_000),
        ("apify.runs_per_minute", apify.runs_per_minute.into(), 1..=10_000),
        ("apify.run_timeout_secs", apify.run_timeout_secs.into(), 10..=DAY_SECS),
        ("apify.max_run_age_secs", apify.max_run_age_secs, 60..=DAY_SECS),
        ("apify.items_per_page", apify.items_per_page.into(), 1..=1000),
        ("apify.max_offers", apify.max_offers.into(), 0..=100),
        ("keepa.batch", keepa.batch.into(), 1..=100),
        ("notify.timeout_secs", notify.timeout_secs, 1..=DAY_SECS),
        ("notify.concurrency", notify.concurrency as u64, 1..=10_000),
        ("notify.retry_secs", notify.retry_secs, 1..=DAY_SECS),
        ("notify.max_attempts", notify.max_attempts.into(), 1..=1000),
        ("mail.timeout_secs", mail.timeout_secs, 1..=DAY_SECS),
        ("mail.concurrency", mail.concurrency as u64, 1..=1_000),
        ("jobs.max_open", jobs.max_open.into(), 1..=10_000),
        ("jobs.max_schedules", jobs.max_schedules.into(), 1..=100_000),
        ("jobs.max_import_lines", jobs.max_import_lines.into(), 1..=10_000_000),
        ("jobs.max_import_bytes", jobs.max_import_bytes as u64, 1024..=1024 * MIB),
        ("reports.retain_days", settings.reports.retain_days.into(), 1..=3_650),
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
            invalid(setting, format_args!("must be from {} to {}, not {value}", range.start(), range.end()))
        }
        None => Ok(()),
    }
}

fn check_database(database: &DatabaseSettings) -> Result<(), SettingsError> {
    let url = database.url.reveal();
    let file =
        url.strip_prefix("sqlite:").map(|rest| rest.trim_start_matches('/').split('?').next().unwrap_or_default());
    match file {
        Some("") => invalid("database.url", "must name a file (sqlite://PATH) or be sqlite::memory:"),
        Some(_) if database.replica_url.is_some() => {
            invalid("database.replica_url", "requires PostgreSQL in database.url; SQLite has no replicas")
        }
        Some(_) => Ok(()),
        None if is_postgres(url) => match &database.replica_url {
            Some(replica) if !is_postgres(replica.reveal()) => {
                invalid("database.replica_url", "must begin with postgres:// or postgresql://")
            }
            _ => Ok(()),
        },
        None => invalid("database.url", "must begin with sqlite:, postgres:// or postgresql://"),
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn check_crawl(crawl: &CrawlSettings) -> Result<(), SettingsError> {
    if crawl.lease_secs < crawl.total_timeout_secs + LEASE_MARGIN_SECS {
        let problem = format_args!(
            "must exceed crawl.total_timeout_secs by at least {LEASE_MARGIN_SECS}, or crawls lose their lease"
        );
        return invalid("crawl.lease_secs", problem);
    }
    match &crawl.base_url {
        Some(url) if !matches!(url.scheme(), "http" | "https") => {
            invalid("crawl.base_url", "must begin with http:// or https://")
        }
        Some(url) if has_credentials(url) => invalid("crawl.base_url", "must not contain a user name or a password"),
        _ => Ok(()),
    }
}

fn check_marketplaces(crawl: &CrawlSettings) -> Result<(), SettingsError> {
    const SETTING: &str = "crawl.by_marketplace";
    if let Some((marketplace, _)) = crawl.canary.iter().find(|(_, asins)| asins.len() > MAX_CANARIES) {
        return invalid("crawl.canary", format_args!("{marketplace}: at most {MAX_CANARIES} listings"));
    }
    for (marketplace, limits) in &crawl.by_marketplace {
        let numbers = [
            ("requests_per_minute", limits.requests_per_minute.map(u64::from)),
            ("burst", limits.burst.map(u64::from)),
            ("concurrency", limits.concurrency.map(|number| number as u64)),
            ("peak_requests_per_minute", limits.peak_requests_per_minute.map(u64::from)),
        ];
        let is_wrong = |(_, number): &&(&str, Option<u64>)| number.is_some_and(|n| !(1..=1_000_000).contains(&n));
        if let Some((name, _)) = numbers.iter().find(is_wrong) {
            return invalid(SETTING, format_args!("{marketplace}: {name} must be from 1 to 1000000"));
        }
        if limits.peak_hours.is_empty() != limits.peak_requests_per_minute.is_none() {
            return invalid(
                SETTING,
                format_args!("{marketplace}: peak_hours needs peak_requests_per_minute, and vice versa"),
            );
        }
    }
    Ok(())
}

fn check_money(settings: &Settings) -> Result<(), SettingsError> {
    const MAX_USD: f64 = 1_000_000.0;
    let Settings { apify, budget, plans, .. } = settings;
    let of_plans = plans.0.values().flat_map(|plan| {
        [("plans.*.spend_day_usd", plan.spend_day_usd), ("plans.*.spend_month_usd", plan.spend_month_usd)]
    });
    let amounts = [
        ("apify.item_usd", Some(apify.item_usd)),
        ("apify.run_usd", Some(apify.run_usd)),
        ("apify.lists.item_usd", apify.lists.as_ref().map(|lists| lists.item_usd)),
        ("apify.lists.run_usd", apify.lists.as_ref().map(|lists| lists.run_usd)),
        ("budget.day_usd", budget.day_usd),
        ("budget.month_usd", budget.month_usd),
    ];
    let is_wrong = |(_, usd): &(&str, Option<f64>)| usd.is_some_and(|usd| !(0.0..=MAX_USD).contains(&usd));
    match amounts.into_iter().chain(of_plans).find(is_wrong) {
        Some((setting, _)) => invalid(setting, "must be from 0 to 1000000 US dollars"),
        None if budget.requested_percent > 100 => invalid("budget.requested_percent", "must be from 0 to 100"),
        None => Ok(()),
    }
}

fn check_sources(settings: &Settings) -> Result<(), SettingsError> {
    check_money(settings)?;
    let Settings { crawl, apify, .. } = settings;
    let orders = || std::iter::once(&crawl.sources).chain(crawl.sources_by_marketplace.values());
    let is_repeated = |order: &Vec<SourceName>| order.iter().collect::<BTreeSet<_>>().len() < order.len();
    if orders().any(|order| order.is_empty() || is_repeated(order)) {
        return invalid("crawl.sources", "each order must name at least one source, and none twice");
    }
    if !matches!(apify.base_url.scheme(), "http" | "https") || has_credentials(&apify.base_url) {
        return invalid("apify.base_url", "must begin with http:// or https://, without a user name or a password");
    }
    let is_source = orders().flatten().any(|source| *source == SourceName::Apify);
    if !is_source && apify.lists.is_none() {
        return Ok(());
    }
    if apify.token.as_ref().is_none_or(|token| token.reveal().is_empty()) {
        return invalid("apify.token", "is required for the source apify and for apify.lists (APIFY_API_TOKEN)");
    }
    let is_name = |actor: &str| actor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"~-_.".contains(&byte));
    let actors = [("apify.actor", Some(&apify.actor)), ("apify.lists.actor", apify.lists.as_ref().map(|it| &it.actor))];
    for (setting, actor) in actors {
        if actor.is_some_and(|actor| actor.is_empty() || !is_name(actor)) {
            return invalid(setting, "must be an id, or user~name");
        }
    }
    // A lease that has waited for so long is given back before it is crawled.
    if apify.gather_secs + WAIT_MARGIN_SECS >= crawl.lease_secs - crawl.total_timeout_secs {
        let problem = format_args!(
            "must be at least {WAIT_MARGIN_SECS} less than crawl.lease_secs - crawl.total_timeout_secs, or leases end before their run begins"
        );
        return invalid("apify.gather_secs", problem);
    }
    if apify.max_run_usd.is_some_and(|usd| !(0.01..=10_000.0).contains(&usd)) {
        return invalid("apify.max_run_usd", "must be from 0.01 to 10000");
    }
    if apify.memory_mb.is_some_and(|megabytes| !megabytes.is_power_of_two() || megabytes < 128) {
        return invalid("apify.memory_mb", "must be a power of two, at least 128");
    }
    Ok(())
}

fn check_keepa(keepa: &KeepaSettings) -> Result<(), SettingsError> {
    if !matches!(keepa.base_url.scheme(), "http" | "https") || has_credentials(&keepa.base_url) {
        return invalid("keepa.base_url", "must begin with http:// or https://, without a user name or a password");
    }
    if keepa.enabled && keepa.api_key.as_ref().is_none_or(|key| key.reveal().is_empty()) {
        return invalid("keepa.api_key", "is required when keepa.enabled is true (KEEPA_API_KEY)");
    }
    Ok(())
}

/// Passwords and tokens of clients travel to the public URL.
fn check_oauth(settings: &Settings) -> Result<(), SettingsError> {
    if !settings.oauth.enabled {
        return Ok(());
    }
    let is_local = settings.server.listen.ip().to_canonical().is_loopback();
    let Some(url) = &settings.auth.public_url else {
        let problem = "requires auth.public_url (PUBLIC_URL), by which clients find the daemon";
        return if is_local { Ok(()) } else { invalid("oauth.enabled", problem) };
    };
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
        return invalid("oauth.enabled", "requires an auth.public_url with https, or one on the loopback");
    }
    if url.query().is_some() || url.fragment().is_some() || has_credentials(url) {
        return invalid("oauth.enabled", "requires an auth.public_url without credentials, query and fragment");
    }
    // Otherwise tokens of clients could not be told from those of users.
    if settings.auth.token.audience == format!("{}/mcp", url.as_str().trim_end_matches('/')) {
        return invalid(
            "auth.token.audience",
            "must not be the URL of /mcp, which is the audience of tokens of clients",
        );
    }
    Ok(())
}

fn check_mail(mail: &MailSettings) -> Result<(), SettingsError> {
    let Some(url) = &mail.smtp_url else {
        return Ok(());
    };
    // The URL is not printed: it may contain a password.
    let form = "must be smtps://USER:PASSWORD@HOST, or smtp://USER:PASSWORD@HOST?tls=required";
    let Ok(url) = url.reveal().parse::<Url>() else {
        return invalid("mail.smtp_url", form);
    };
    let (scheme, host) = (url.scheme(), url.host_str().unwrap_or_default());
    if !matches!(scheme, "smtp" | "smtps") || host.is_empty() {
        return invalid("mail.smtp_url", form);
    }
    let is_encrypted = scheme == "smtps" || url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    if has_credentials(&url) && !is_encrypted && !is_local {
        return invalid("mail.smtp_url", "would send the password unencrypted; add ?tls=required or use smtps://");
    }
    if mail.from.is_none() {
        return invalid("mail.from", "is required with mail.smtp_url (MAIL_FROM)");
    }
    Ok(())
}

fn check_trace(trace: &TraceSettings) -> Result<(), SettingsError> {
    match &trace.otlp_endpoint {
        Some(url) if !matches!(url.scheme(), "http" | "https") => {
            return invalid("trace.otlp_endpoint", "must begin with http:// or https://");
        }
        Some(url) if has_credentials(url) || url.query().is_some() || url.fragment().is_some() => {
            let problem =
                "must consist of scheme, host, port and path only; put credentials into OTEL_EXPORTER_OTLP_HEADERS";
            return invalid("trace.otlp_endpoint", problem);
        }
        _ => {}
    }
    if !(0.0..=1.0).contains(&trace.sample_ratio) {
        return invalid("trace.sample_ratio", format_args!("must be from 0 to 1, not {}", trace.sample_ratio));
    }
    if trace.service_name.is_empty() {
        return invalid("trace.service_name", "must not be empty");
    }
    Ok(())
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}
