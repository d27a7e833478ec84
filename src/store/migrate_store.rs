//! Moves all data from an SQLite file to a PostgreSQL server.
//!
//! Rows travel as JSON, in batches of about a megabyte. The columns and their types are read from the server's catalogue: only
//! the tables are listed here, and a source with another table is refused. Everything happens in one transaction of the target,
//! while no other process has the source open.

use std::fmt;

use futures_util::TryStreamExt;

use super::postgres::migrate_store::Target;
use super::sqlite::migrate_store::Source;
use super::{Engine, StoreError};
use crate::config::DatabaseSettings;

/// Every table, after those that it refers to.
pub(super) const TABLES: &[&str] = &[
    "tenant",
    "tenant_user",
    "session",
    "refresh_token",
    "api_key",
    "link",
    "listing",
    "lease",
    "product",
    "point",
    "alert_rule",
    "event",
    "delivery",
    "task",
    "task_item",
    "audit",
    "daily_usage",
    "idempotency_key",
    "job_lease",
];

/// Tables about the schema itself, which each engine's migrations fill.
const SCHEMA_TABLES: &[&str] = &["_sqlx_migrations", "schema_support"];

/// JSON per batch: large enough that round trips do not matter, small enough for any memory.
const BATCH_BYTES: usize = 1 << 20;

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum MigrateStoreError {
    /// The other direction, or twice the same engine.
    #[error("a store moves from SQLite to PostgreSQL")]
    Engines,
    /// Rows that are written meanwhile would be left behind.
    #[error("the source is open elsewhere: stop the daemon, and whatever else reads the file")]
    InUse,
    /// An error of the source.
    #[error("the source")]
    Source(#[source] StoreError),
    /// What the target said.
    #[error("the target")]
    Target(#[source] StoreError),
    /// The target is not empty.
    #[error("the target holds rows already (table {0}): name a new database")]
    NotEmpty(&'static str),
    /// The two schemas are not twins.
    #[error("the source and the target differ in {0}")]
    SchemaMismatch(String),
    /// Something that one engine can hold and the other cannot, such as a NUL within a text.
    #[error("rows of the table {table} do not fit")]
    Rows {
        /// The table.
        table: &'static str,
        /// What the target said.
        source: StoreError,
    },
    /// The rows of the target differ from those of the source.
    #[error("the table {table} did not arrive as it was: {sent} became {arrived}")]
    Differs {
        /// The table.
        table: &'static str,
        /// In the source.
        sent: TableChecksum,
        /// In the target.
        arrived: TableChecksum,
    },
}

/// A checksum of a table that both engines compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct TableChecksum {
    /// How many rows.
    pub rows: i64,
    /// The sum of the remainders of all numbers and the lengths of all texts.
    pub checksum: i64,
}

impl fmt::Display for TableChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows (checksum {})", self.rows, self.checksum)
    }
}

/// A table that was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigratedTable {
    /// Its name.
    pub name: &'static str,
    /// What it holds, on both sides.
    pub checksum: TableChecksum,
}

/// A column of both sides.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The server numbers its rows.
    pub(super) is_identity: bool,
}

impl Column {
    /// Its name as SQL.
    pub(super) fn quoted(&self) -> String {
        format!("\"{}\"", self.name)
    }
}

/// Of what type a column is on the server.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Number,
    Text,
    Boolean,
    Uuid,
    Bytes,
    Json,
}

/// Asks a table for its [`TableChecksum`]; one text for both engines. Remainders, because the sum of so many times has no room
/// in 64 bits.
pub(super) fn checksum_query(table: &str, columns: &[Column]) -> String {
    let part = |column: &Column| match column.kind {
        Kind::Number => Some(format!("coalesce({} % 1000003, 0)", column.quoted())),
        Kind::Text => Some(format!("coalesce(length({}), 0)", column.quoted())),
        Kind::Boolean | Kind::Uuid | Kind::Bytes | Kind::Json => None,
    };
    let sum: Vec<String> = columns.iter().filter_map(part).collect();
    let sum = if sum.is_empty() { "0".to_owned() } else { sum.join(" + ") };
    format!("SELECT count(*) AS rows, CAST(coalesce(sum({sum}), 0) AS bigint) AS checksum FROM {table}")
}

/// Moves every row of an SQLite file into an empty PostgreSQL database, whose schema is made if there is none: all or
/// nothing. The source stays as it is. What was under way in it (leases of a daemon that was killed) is begun again.
///
/// # Errors
/// [`MigrateStoreError`]: nothing was moved.
pub async fn migrate_store(
    from: &DatabaseSettings,
    to: &DatabaseSettings,
) -> Result<Vec<MigratedTable>, MigrateStoreError> {
    let engines =
        (Engine::of(from).map_err(MigrateStoreError::Source)?, Engine::of(to).map_err(MigrateStoreError::Target)?);
    if engines != (Engine::Sqlite, Engine::Postgres) {
        return Err(MigrateStoreError::Engines);
    }
    let mut source = Source::open(from).await?;
    let moved = copy_tables(&mut source, to).await;
    source.close().await;
    moved
}

async fn copy_tables(source: &mut Source, to: &DatabaseSettings) -> Result<Vec<MigratedTable>, MigrateStoreError> {
    let is_known = |table: &str| TABLES.contains(&table) || SCHEMA_TABLES.contains(&table);
    if let Some(unknown) = source.tables().await?.iter().find(|table| !is_known(table)) {
        return Err(MigrateStoreError::SchemaMismatch(format!("the table {unknown}")));
    }
    let mut target = Target::open(to).await?;
    target.require_empty().await?;
    target.prepare(&source.days_of_points().await?).await?;
    let mut moved = Vec::new();
    for table in TABLES {
        moved.push(MigratedTable { name: table, checksum: copy_table(source, &mut target, table).await? });
    }
    target.commit().await?;
    Ok(moved)
}

async fn copy_table(
    source: &mut Source,
    target: &mut Target,
    table: &'static str,
) -> Result<TableChecksum, MigrateStoreError> {
    let columns = target.columns(table).await?;
    if source.columns(table).await? != columns.iter().map(|column| column.name.clone()).collect() {
        return Err(MigrateStoreError::SchemaMismatch(format!("the columns of the table {table}")));
    }
    let rows_error = |source| MigrateStoreError::Rows { table, source };
    let mut rows = source.rows(table, &columns);
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        bytes += row.len();
        batch.push(row);
        if bytes > BATCH_BYTES {
            target.insert(table, &columns, &batch).await.map_err(rows_error)?;
            batch.clear();
            bytes = 0;
        }
    }
    target.insert(table, &columns, &batch).await.map_err(rows_error)?;
    drop(rows);
    target.advance_sequence(table, &columns).await?;
    let (sent, arrived) = (source.checksum(table, &columns).await?, target.checksum(table, &columns).await?);
    if sent == arrived { Ok(sent) } else { Err(MigrateStoreError::Differs { table, sent, arrived }) }
}
