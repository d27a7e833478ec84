//! The file as the source of a migration between engines: every row as JSON, while no other process has it open.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::WriteProbe;
use super::{Db, SqliteStore, StoreClock, StoreError};
use tokio::sync::OnceCell;

use crate::config::DatabaseSettings;
use crate::store::StoreMaintenance;
use crate::store::table_copy::{Column, Kind, MigrateStoreError, TableChecksum, checksum_query};

/// Time for another process to close the file.
const PATIENCE: Duration = Duration::from_secs(1);

/// A file that no other process can open.
pub(in crate::store) struct Source(PoolConnection<Db>);

impl Source {
    /// Locks the file, if its schema is of this version. Nothing in it is changed.
    pub(in crate::store) async fn open(settings: &DatabaseSettings) -> Result<Self, MigrateStoreError> {
        let url = settings.url.reveal();
        let options: SqliteConnectOptions =
            url.parse().map_err(|error| MigrateStoreError::Source(StoreError::Refused(error)))?;
        // In WAL mode every other connection, even an idle one, prevents this kind of lock.
        let options =
            options.locking_mode(SqliteLockingMode::Exclusive).busy_timeout(PATIENCE).disable_statement_logging();
        let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
        let (writer, readers, claims, details) = (pool.clone(), pool.clone(), pool.clone(), pool.clone());
        let store = SqliteStore {
            writer,
            readers,
            claims,
            details,
            claim_timeout: None,
            clock: StoreClock::real(),
            file: None,
            write_probe: WriteProbe::default(),
            encryption_keys: Vec::new(),
            encryption: OnceCell::new(),
        };
        store.check_schema().await.map_err(in_use)?;
        let mut conn = pool.acquire().await.map_err(said)?;
        // The same for a file that is not in WAL mode.
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut *conn).await.map_err(said)?;
        Ok(Self(conn))
    }

    /// The names of the tables.
    pub(in crate::store) async fn tables(&mut self) -> Result<BTreeSet<String>, MigrateStoreError> {
        const TABLES: &str =
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
        let names: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut *self.0).await.map_err(said)?;
        Ok(names.into_iter().collect())
    }

    /// The names of a table's columns.
    pub(in crate::store) async fn columns(&mut self, table: &str) -> Result<BTreeSet<String>, MigrateStoreError> {
        const COLUMNS: &str = "SELECT name FROM pragma_table_info($1)";
        let names: Vec<String> =
            sqlx::query_scalar(COLUMNS).bind(table.to_owned()).fetch_all(&mut *self.0).await.map_err(said)?;
        Ok(names.into_iter().collect())
    }

    /// The days that history has points of, counted from 1970.
    pub(in crate::store) async fn days_of_points(&mut self) -> Result<Vec<i64>, MigrateStoreError> {
        const DAYS: &str = "SELECT DISTINCT at / 86400000 FROM point";
        sqlx::query_scalar(DAYS).fetch_all(&mut *self.0).await.map_err(said)
    }

    /// The number of rows of a table.
    pub(in crate::store) async fn count(&mut self, table: &str) -> Result<u64, MigrateStoreError> {
        let select = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let count: i64 = sqlx::query_scalar(select).fetch_one(&mut *self.0).await.map_err(said)?;
        Ok(count.unsigned_abs())
    }

    /// The rows of a table, each a JSON object.
    pub(in crate::store) fn rows(
        &mut self,
        table: &str,
        columns: &[Column],
    ) -> BoxStream<'_, Result<String, MigrateStoreError>> {
        let members: Vec<String> =
            columns.iter().map(|column| format!("'{}', {}", column.name, value(column))).collect();
        let select = format!("SELECT json_object({}) FROM {table}", members.join(", "));
        sqlx::query_scalar(AssertSqlSafe(select)).fetch(&mut *self.0).map_err(said).boxed()
    }

    /// The checksum of a table.
    pub(in crate::store) async fn checksum(
        &mut self,
        table: &str,
        columns: &[Column],
    ) -> Result<TableChecksum, MigrateStoreError> {
        let select = AssertSqlSafe(checksum_query(table, columns));
        sqlx::query_as(select).fetch_one(&mut *self.0).await.map_err(said)
    }

    /// Unlocks the file.
    pub(in crate::store) async fn close(self) {
        // Nothing was written, so nothing can be lost.
        let _ = self.0.close().await;
    }
}

/// A column's value as JSON that the server reads as its own type. A value of the wrong type causes an error on one of the two
/// sides: JSON holds no bytes, and `json` accepts nothing else.
fn value(column: &Column) -> String {
    let name = column.quoted();
    match column.kind {
        // The server reads 0 and 1 as truth values.
        Kind::Number | Kind::Text | Kind::Boolean => name,
        Kind::Json => format!("json({name})"),
        Kind::Uuid => format!("iif({name} IS NULL, NULL, hex({name}))"),
        Kind::Bytes => format!("iif({name} IS NULL, NULL, '\\x' || hex({name}))"),
    }
}

fn said(error: sqlx::Error) -> MigrateStoreError {
    in_use(error.into())
}

/// Only the lock makes this source unavailable.
fn in_use(error: StoreError) -> MigrateStoreError {
    match error {
        StoreError::Unavailable(sqlx::Error::Database(_)) => MigrateStoreError::InUse,
        error => MigrateStoreError::Source(error),
    }
}
