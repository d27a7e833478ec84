//! The embedded engine: one file, one writer, several readers.

/// The time in Unix milliseconds, where a [`ClockParam`] is bound at a place.
macro_rules! now {
    ($place:literal) => {
        concat!("$", $place)
    };
}

/// The UUIDs of the JSON list that is bound at a place: `id`, and `place` in the list.
macro_rules! uuids {
    ($place:literal) => {
        concat!("SELECT unhex(value, '-') AS id, key AS place FROM json_each($", $place, ")")
    };
}

/// The members of the JSON list of objects that is bound at a place.
macro_rules! records {
    ($place:literal, $name:ident $kind:ident $(, $more_names:ident $more_kinds:ident)*) => {
        concat!(
            "SELECT value ->> '", stringify!($name), "' AS ", stringify!($name),
            $(", value ->> '", stringify!($more_names), "' AS ", stringify!($more_names),)*
            " FROM json_each($", $place, ")"
        )
    };
}

/// The numbers of the JSON list that is bound at a place.
macro_rules! numbers {
    ($place:literal) => {
        concat!("SELECT value FROM json_each($", $place, ")")
    };
}

/// The texts of the JSON list that is bound at a place.
macro_rules! texts {
    ($place:literal) => {
        concat!("SELECT value FROM json_each($", $place, ")")
    };
}

/// The values of some columns of all rows as one JSON list of lists: sqlx hands rows over from the thread of SQLite one by
/// one, which costs more than reading them.
macro_rules! all_rows {
    ($columns:literal) => {
        concat!("json_group_array(json_array(", $columns, "))")
    };
}

/// There is one writer: no rows need to be locked.
macro_rules! lock_rows {
    ($table:literal) => {
        ""
    };
}

/// There is one writer.
macro_rules! lock_values {
    ($table:literal) => {
        ""
    };
}

/// There is one writer: no rows need to be kept.
macro_rules! keep_rows {
    ($table:literal) => {
        ""
    };
}

/// There is one writer: no other locks to skip.
macro_rules! skip_locked {
    ($($table:literal)?) => {
        ""
    };
}

pub(super) mod backup;
/// The product `p` has the tag of an expression.
macro_rules! has_tag {
    ($tag:literal) => {
        concat!("EXISTS (SELECT 1 FROM json_each(p.tags) WHERE value = ", $tag, ")")
    };
}

mod claim;
mod commit;
mod daemon_lock;
pub(super) mod migrate_store;
mod partitions;
#[path = "../sql/mod.rs"]
mod sql;
mod tenant_scope;

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::types::Json;
use sqlx::{SqliteConnection, SqlitePool};

use tokio::sync::OnceCell;

use super::clock::ClockParam;
use super::encryption::EncryptionKeys;
use super::write_probe::WriteProbe;
use super::{StoreClock, StoreError, StoreResult};
use crate::config::{DatabaseSettings, Secret};
use crate::domain::{Point, Series};

pub use daemon_lock::DaemonLock;

type Db = sqlx::Sqlite;
type Conn = SqliteConnection;
type Backend = SqliteStore;

static MIGRATOR: Migrator = sqlx::migrate!("migrations/sqlite");

/// Whether the table of applied steps exists.
const HAS_LEDGER: &str = "SELECT count(*) > 0 FROM sqlite_master WHERE name = '_sqlx_migrations'";

/// Reads the file; only a write could tell whether it can be written.
const IS_READ_ONLY: &str = "SELECT count(*) < 0 FROM sqlite_master";

/// There are no dead rows.
const LEASE_DEAD_TUPLES: &str = "SELECT 0";

/// There are no snapshots that last.
const OLDEST_SNAPSHOT_AGE: &str = "SELECT 0";

/// There is no server with a limit.
const MAX_CONNECTIONS: &str = "SELECT NULL";

/// The SQL around a tag.
const HAS_TAG: (&str, &str) = ("EXISTS (SELECT 1 FROM json_each(p.tags) WHERE value = ", ")");

/// True for points from which [`mark_prices`] computes.
fn is_marked(points: &[Point]) -> bool {
    let is_of = |point: &Point| matches!(point.key.series, Series::Price | Series::Availability | Series::Unobserved);
    points.iter().any(is_of)
}

/// Computes the columns of some listings that follow from their points, after points were added.
async fn mark_prices(conn: &mut Conn, listings: Vec<i64>) -> StoreResult<()> {
    const MARK: &str = include_str!("mark_prices.sql");
    if !listings.is_empty() {
        sqlx::query(MARK).bind(Json(listings)).execute(conn).await?;
    }
    Ok(())
}

/// Rows that the thread of a connection reads before their reader takes them. With few, the two wake one another for every row:
/// a page of any list fits.
const ROWS_AHEAD: usize = 1000;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The store in an SQLite file, or in memory.
pub(super) struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    /// The writer: claims, in the shared SQL.
    claims: SqlitePool,
    /// The readers: details of claims, in the shared SQL.
    details: SqlitePool,
    /// No time limit: there is no network.
    claim_timeout: Option<Duration>,
    clock: StoreClock,
    /// The file, unless the database is in memory.
    file: Option<DatabaseFile>,
    write_probe: WriteProbe,
    /// Those of the settings.
    encryption_keys: Vec<Secret>,
    /// All keys, once they are needed.
    encryption: OnceCell<EncryptionKeys>,
}

/// The file that was opened, and its identity: after it was removed, connections go on writing into a file without a name.
struct DatabaseFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SqliteStore {
    /// Opens the file, and creates its folder.
    pub(super) async fn open(settings: &DatabaseSettings, clock: StoreClock) -> StoreResult<Self> {
        let url = settings.url.reveal();
        let options: SqliteConnectOptions = url.parse().map_err(StoreError::Refused)?;
        let in_memory = is_in_memory(url);
        // Only here: a file that is missing later was removed, and a new one would hide that.
        let file = if in_memory { None } else { Some(open_file(options.get_filename()).await?) };
        let options = options
            .create_if_missing(in_memory)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .row_buffer_size(ROWS_AHEAD)
            .busy_timeout(BUSY_TIMEOUT);
        // Closing a connection deletes a database in memory, and is never necessary.
        let pool = SqlitePoolOptions::new()
            .acquire_timeout(Duration::from_secs(settings.acquire_timeout_secs))
            .idle_timeout(None)
            .max_lifetime(None);
        let writer = pool.clone().max_connections(1).connect_lazy_with(options.clone());
        let readers = if in_memory {
            writer.clone()
        } else {
            pool.max_connections(settings.connections.max(1)).connect_lazy_with(options)
        };
        let (claims, details, write_probe) = (writer.clone(), readers.clone(), WriteProbe::default());
        let (encryption_keys, encryption) = (settings.encryption_keys.clone(), OnceCell::new());
        let claim_timeout = None;
        Ok(Self {
            claims,
            details,
            claim_timeout,
            writer,
            readers,
            clock,
            file,
            write_probe,
            encryption_keys,
            encryption,
        })
    }

    /// Fails when the file was removed or replaced since it was opened.
    async fn check_file(&self) -> StoreResult<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let found = tokio::fs::metadata(&file.path).await.map(|metadata| identity_of(&metadata));
        if found.is_ok_and(|identity| identity == file.identity) {
            return Ok(());
        }
        let gone = io::Error::new(io::ErrorKind::NotFound, "the database file was removed");
        Err(StoreError::Unavailable(gone.into()))
    }

    /// The time: there is one process, so its clock is the database's.
    fn now_ms(&self) -> i64 {
        self.clock.manual_ms().unwrap_or_else(|| Timestamp::now().as_millisecond())
    }

    /// What a statement binds for `now!`.
    fn clock_param(&self) -> ClockParam {
        Some(self.now_ms())
    }

    async fn migration_connection(&self) -> StoreResult<PoolConnection<Db>> {
        Ok(self.writer.acquire().await?)
    }

    /// There are no roles.
    #[expect(clippy::unused_async, reason = "the PostgreSQL implementation asks the server")]
    async fn check_role(_conn: &mut Conn) -> StoreResult<()> {
        Ok(())
    }

    /// The library is built in: its version fits.
    #[expect(clippy::unnecessary_wraps, reason = "the PostgreSQL implementation refuses old servers")]
    fn check_server(_conn: &Conn) -> StoreResult<()> {
        Ok(())
    }
}

/// The file of an SQLite database. `None`: it is in memory, on a server, or the URL cannot be read.
pub fn database_file(settings: &DatabaseSettings) -> Option<PathBuf> {
    let url = settings.url.reveal();
    let is_file = url.starts_with("sqlite:") && !is_in_memory(url);
    let options = is_file.then(|| url.parse::<SqliteConnectOptions>().ok()).flatten()?;
    Some(options.get_filename().to_path_buf())
}

/// A database in memory belongs to its connection: other readers would see another one.
fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

/// Opens the file, and creates it and its folder if necessary: readable by its owner alone, as are the files that SQLite puts beside it.
async fn open_file(path: &Path) -> StoreResult<DatabaseFile> {
    let failed = |error: io::Error| StoreError::Unavailable(error.into());
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    }
    let file = match tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).await {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => tokio::fs::metadata(path).await,
        Err(error) => Err(error),
        Ok(file) => file.metadata().await,
    };
    Ok(DatabaseFile { path: path.to_owned(), identity: identity_of(&file.map_err(failed)?) })
}

/// Device and inode.
fn identity_of(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::config::Secret;
    use crate::store::tenant_scope::TenantScope;

    async fn fill(conn: &mut Conn) -> StoreResult<()> {
        sqlx::query("INSERT INTO filler VALUES (zeroblob(1000000))").execute(conn).await?;
        Ok(())
    }

    #[tokio::test]
    async fn a_disk_that_was_full_is_written_again_once_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let url = Secret::from(format!("sqlite://{}", folder.path().join("store.sqlite").display()));
        let settings = DatabaseSettings { url, ..DatabaseSettings::default() };
        let store = SqliteStore::open(&settings, StoreClock::default()).await.unwrap();
        for made in ["CREATE TABLE filler (content BLOB)", "PRAGMA max_page_count = 100"] {
            sqlx::query(made).execute(&store.writer).await.unwrap();
        }
        let full = store.transaction(TenantScope::All, |conn| fill(conn).boxed()).await.unwrap_err();
        assert!(matches!(&full, StoreError::Unavailable(why) if why.to_string().contains("full")), "{full:?}");
        sqlx::query("PRAGMA max_page_count = 10000").execute(&store.writer).await.unwrap();
        store.transaction(TenantScope::All, |conn| fill(conn).boxed()).await.unwrap();
    }
}
