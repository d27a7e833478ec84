//! The database: can it be reached, does its schema fit, does it take writes?

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::clock;
use super::report::{Finding, Report};
use crate::app::wanted_connections;
use crate::config::Settings;
use crate::store::{self, Engine, SharedStore, StoreClock, StoreError, sqlite_file};

/// For all queries of the check together.
const TIMEOUT: Duration = Duration::from_secs(20);
const CHECK: &str = "database";

/// Checks it; the store, if it can be read.
pub(super) async fn check(settings: &Settings, report: &mut Report) -> Option<SharedStore> {
    if let Some(file) = sqlite_file(&settings.database).filter(|file| !file.exists()) {
        // Opening it would create it.
        report.add(Finding::ok(CHECK, format!("SQLite: {} will be created at the first start", file.display())));
        return None;
    }
    let opened = store::open(&settings.database, StoreClock::real()).await;
    let store = match opened {
        Ok(store) => store,
        Err(error) => {
            report.add(fault_of(&error));
            return None;
        }
    };
    let examined = tokio::time::timeout(TIMEOUT, examine(settings, &store, report)).await;
    let fault = match examined {
        Ok(Ok(())) => return Some(store),
        Ok(Err(error)) => fault_of(&error),
        Err(_) => {
            let remedy = "look for a network or a server that drops connections instead of refusing them";
            Finding::fault(CHECK, format!("no answer within {} s", TIMEOUT.as_secs()), remedy)
        }
    };
    report.add(fault);
    None
}

async fn examine(settings: &Settings, store: &SharedStore, report: &mut Report) -> Result<(), StoreError> {
    let engine = Engine::of(&settings.database)?;
    match store.check_schema().await {
        Err(error) if engine == Engine::Sqlite && error.needs_migration() => {
            report.add(Finding::ok(CHECK, format!("SQLite: {error}, or start the daemon, which does it")));
            return Ok(());
        }
        checked => checked?,
    }
    store.ping().await?;
    let (before, started) = (Timestamp::now(), Instant::now());
    let theirs = store.now().await?;
    let (after, took) = (Timestamp::now(), started.elapsed());
    let name = match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    };
    let detail = format!("{name}: reachable in {:.1} ms, schema current, writable", took.as_secs_f64() * 1e3);
    report.add(Finding::ok(CHECK, detail));
    if engine == Engine::Postgres {
        report.add(connections(settings, store.max_connections().await?));
        report.add(clock::compare("the database", before, theirs, after));
    }
    Ok(())
}

fn connections(settings: &Settings, limit: Option<u32>) -> Finding {
    const CHECK: &str = "database/connections";
    let (wanted, replicas) = (wanted_connections(settings), settings.limits.replicas);
    let detail = format!("up to {replicas} replicas open {wanted} connections");
    match limit {
        Some(limit) if wanted > limit => Finding::warning(
            CHECK,
            format!("{detail}, but the server allows {limit}"),
            "lower database.connections, or raise max_connections of the server",
        ),
        Some(limit) => Finding::ok(CHECK, format!("{detail} of {limit}")),
        None => Finding::ok(CHECK, detail),
    }
}

fn fault_of(error: &StoreError) -> Finding {
    let cause = match error {
        StoreError::Unavailable(cause) => format!(": {cause}"),
        _ => String::new(),
    };
    let remedy = match error {
        error if error.needs_migration() => "run `amazon-tracker migrate` as the owner of the schema",
        StoreError::Schema(_) => "install the version of amazon-tracker that the database was last migrated with",
        StoreError::Unavailable(_) => match error.problem() {
            "disk_full" => "free disk space on the database server",
            "read_only" => "connect to the primary, not to a standby, with a role that may write",
            "file_gone" => "restore the database file, or correct database.url",
            _ => "start the database server, and check host, port, user and password of DATABASE_URL",
        },
        _ => "check DATABASE_URL, and grant the role access to the tables",
    };
    Finding::fault(CHECK, format!("{error}{cause}"), remedy)
}
