//! Moves all data from an SQLite file to a PostgreSQL server.
//!
//! Rows travel as JSON, in batches of about a megabyte. The columns and their types are read from the server's catalogue: only
//! the tables are listed here, and a source with another table is refused. Everything happens in one transaction of the target,
//! while no other process has the source open.

use futures_util::TryStreamExt;

use super::Engine;
use super::postgres::migrate_store::Target;
use super::sqlite::migrate_store::Source;
use super::table_copy::{MigrateStoreError, TABLES, TableChecksum};
use crate::config::DatabaseSettings;

/// Tables about the schema itself, which each engine's migrations fill.
const SCHEMA_TABLES: &[&str] = &["_sqlx_migrations", "schema_support"];

/// JSON per batch: large enough that round trips do not matter, small enough for any memory.
const BATCH_BYTES: usize = 1 << 20;

/// A table that was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigratedTable {
    /// Its name.
    pub name: &'static str,
    /// What it holds, on both sides.
    pub checksum: TableChecksum,
}

/// How far a migration is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MigrationProgress {
    /// Rows that were copied.
    pub rows: u64,
    /// Rows of the source.
    pub total_rows: u64,
}

/// Moves every row of an SQLite file into an empty PostgreSQL database, whose schema is made if there is none: all or
/// nothing, so one that is interrupted is begun again. The source stays as it is. What was under way in it (leases of a daemon that was killed) is begun again.
///
/// # Errors
/// [`MigrateStoreError`]: nothing was moved.
pub async fn migrate_store(
    from: &DatabaseSettings,
    to: &DatabaseSettings,
    on_progress: impl FnMut(MigrationProgress) + Send,
) -> Result<Vec<MigratedTable>, MigrateStoreError> {
    let engines =
        (Engine::of(from).map_err(MigrateStoreError::Source)?, Engine::of(to).map_err(MigrateStoreError::Target)?);
    if engines != (Engine::Sqlite, Engine::Postgres) {
        return Err(MigrateStoreError::Engines);
    }
    let mut source = Source::open(from).await?;
    let moved = copy_tables(&mut source, to, on_progress).await;
    source.close().await;
    moved
}

async fn copy_tables(
    source: &mut Source,
    to: &DatabaseSettings,
    mut on_progress: impl FnMut(MigrationProgress) + Send,
) -> Result<Vec<MigratedTable>, MigrateStoreError> {
    let is_known = |table: &str| TABLES.contains(&table) || SCHEMA_TABLES.contains(&table);
    if let Some(unknown) = source.tables().await?.iter().find(|table| !is_known(table)) {
        return Err(MigrateStoreError::SchemaMismatch(format!("the table {unknown}")));
    }
    let mut target = Target::open(to).await?;
    target.require_empty().await?;
    target.prepare(&source.days_of_points().await?).await?;
    let mut progress = MigrationProgress::default();
    for table in TABLES {
        progress.total_rows += source.count(table).await?;
    }
    let mut on_rows = |rows: usize| {
        progress.rows += rows as u64;
        on_progress(progress);
    };
    let mut moved = Vec::new();
    for table in TABLES {
        let checksum = copy_table(source, &mut target, table, &mut on_rows).await?;
        moved.push(MigratedTable { name: table, checksum });
    }
    target.commit().await?;
    Ok(moved)
}

async fn copy_table(
    source: &mut Source,
    target: &mut Target,
    table: &'static str,
    on_rows: &mut (impl FnMut(usize) + Send),
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
            on_rows(batch.len());
            batch.clear();
            bytes = 0;
        }
    }
    target.insert(table, &columns, &batch).await.map_err(rows_error)?;
    on_rows(batch.len());
    drop(rows);
    target.advance_sequence(table, &columns).await?;
    let (sent, arrived) = (source.checksum(table, &columns).await?, target.checksum(table, &columns).await?);
    if sent == arrived { Ok(sent) } else { Err(MigrateStoreError::Differs { table, sent, arrived }) }
}
