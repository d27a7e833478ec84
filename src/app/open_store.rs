//! Opens the store.

use jiff::{SignedDuration, Timestamp};

use crate::config::Settings;
use crate::store::{self, DaemonLock, Engine, SharedStore, StoreClock, StoreError};

const PARTITIONS_BEHIND: SignedDuration = SignedDuration::from_hours(24 * 31);
const PARTITIONS_AHEAD: SignedDuration = SignedDuration::from_hours(24 * 62);

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

/// The same for a daemon, with the partitions of history that it writes to.
pub(super) async fn open_with_partitions(settings: &Settings) -> Result<SharedStore, StoreError> {
    let store = open_store(settings).await?;
    check_connections(settings, store.max_connections().await?);
    let now = store.now().await?;
    let from = now.saturating_sub(PARTITIONS_BEHIND).unwrap_or(Timestamp::MIN);
    store.ensure_partitions(from, now.saturating_add(PARTITIONS_AHEAD).unwrap_or(Timestamp::MAX)).await?;
    Ok(store)
}

/// Connections that all replicas together may open to the database server.
pub fn wanted_connections(settings: &Settings) -> u32 {
    let database = &settings.database;
    // With a standby, one more to the primary measures its lag.
    let monitor = u32::from(database.replica_url.is_some());
    let of_one = database.connections.saturating_add(database.claim_connections).saturating_add(monitor);
    settings.limits.replicas.saturating_mul(of_one)
}

/// A server without free connections refuses all replicas.
fn check_connections(settings: &Settings, limit: Option<u32>) {
    let (wanted, replicas) = (wanted_connections(settings), settings.limits.replicas);
    if let Some(limit) = limit.filter(|limit| wanted > *limit) {
        tracing::warn!(
            wanted,
            limit,
            "up to {replicas} replicas may open {wanted} connections, but the server allows {limit}: lower \
             database.connections or raise max_connections"
        );
    }
}

/// With an embedded database, warns about a second daemon on its file: each would apply the limits by itself.
pub(super) fn lock_file(settings: &Settings) -> Result<Option<DaemonLock>, StoreError> {
    if Engine::of(&settings.database)? == Engine::Postgres {
        return Ok(None);
    }
    let lock = DaemonLock::take(&settings.database);
    if lock.is_none() {
        tracing::warn!(
            "another daemon uses this database file: each applies the rate limits by itself; use PostgreSQL for several"
        );
    }
    Ok(lock)
}
