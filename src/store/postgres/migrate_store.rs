//! The server as the target of a migration between engines.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Transaction};

use super::month::Month;
use super::{Db, HAS_LEDGER, PostgresStore, partitions};
use crate::config::DatabaseSettings;
use crate::domain::TenantId;
use crate::store::table_copy::{Column, Kind, MigrateStoreError, TABLES, TableChecksum, checksum_query};
use crate::store::{StoreClock, StoreError, StoreMaintenance, StoreResult};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// One transaction without time limits that sees all tenants. Unless it is committed, nothing is stored.
pub(in crate::store) struct Target(Transaction<'static, Db>);

impl Target {
    /// Begins in a database whose schema is of this version. An empty database gets the schema first.
    pub(in crate::store) async fn open(settings: &DatabaseSettings) -> Result<Self, MigrateStoreError> {
        begin(settings).await.map(Self).map_err(MigrateStoreError::Target)
    }

    /// Locks the tables until the end, and makes sure that they are empty.
    pub(in crate::store) async fn require_empty(&mut self) -> Result<(), MigrateStoreError> {
        self.run(format!("LOCK TABLE {} IN EXCLUSIVE MODE", TABLES.join(", "))).await?;
        for table in TABLES {
            let made_by_people = match *table {
                "tenant" => format!("id <> '{}'", TenantId::BUILT_IN),
                _ => "true".to_owned(),
            };
            let exists = AssertSqlSafe(format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {made_by_people})"));
            if sqlx::query_scalar(exists).fetch_one(&mut *self.0).await.map_err(said)? {
                return Err(MigrateStoreError::NotEmpty(table));
            }
        }
        Ok(())
    }

    /// Deletes the initial rows of the schema, and creates partitions for history of these days (counted from 1970).
    pub(in crate::store) async fn prepare(&mut self, days: &[i64]) -> Result<(), MigrateStoreError> {
        self.run("DELETE FROM tenant".to_owned()).await?;
        let month = |day: &i64| Timestamp::from_millisecond(day.saturating_mul(DAY_MS)).ok().map(Month::of);
        // Points of a time outside the calendar go to the default partition.
        let months: BTreeSet<Month> = days.iter().filter_map(month).collect();
        partitions::make_missing(&mut self.0, months).await.map_err(MigrateStoreError::Target)
    }

    /// A table's columns.
    pub(in crate::store) async fn columns(&mut self, table: &str) -> Result<Vec<Column>, MigrateStoreError> {
        const COLUMNS: &str = "SELECT column_name::text, udt_name::text, is_identity = 'YES' \
             FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 \
             ORDER BY ordinal_position";
        let query = sqlx::query_as(COLUMNS).bind(table);
        let rows: Vec<(String, String, bool)> = query.fetch_all(&mut *self.0).await.map_err(said)?;
        let column = |(name, type_name, is_identity): (String, String, bool)| match kind_of(&type_name) {
            Some(kind) => Ok(Column { name, kind, is_identity }),
            None => Err(MigrateStoreError::SchemaMismatch(format!("{table}.{name}, which is of the type {type_name}"))),
        };
        rows.into_iter().map(column).collect()
    }

    /// Writes rows, each a JSON object.
    pub(in crate::store) async fn insert(
        &mut self,
        table: &str,
        columns: &[Column],
        rows: &[String],
    ) -> Result<(), StoreError> {
        let names: Vec<String> = columns.iter().map(Column::quoted).collect();
        let names = names.join(", ");
        // The type of the table's rows; by its name, that of `point` would be something geometric.
        let no_row = format!("(SELECT it FROM {table} AS it WHERE false)");
        let insert = AssertSqlSafe(format!(
            "INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE \
             SELECT {names} FROM unnest($1) AS row, json_populate_record({no_row}, row::json)"
        ));
        sqlx::query(insert).bind(rows).execute(&mut *self.0).await?;
        Ok(())
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

    /// Moves the sequence of a table past the ids that were inserted.
    pub(in crate::store) async fn advance_sequence(
        &mut self,
        table: &str,
        columns: &[Column],
    ) -> Result<(), MigrateStoreError> {
        for Column { name, .. } in columns.iter().filter(|column| column.is_identity) {
            let sequence = format!("pg_get_serial_sequence('{table}', '{name}')");
            self.run(format!("SELECT setval({sequence}, coalesce(max({name}), 0) + 1, false) FROM {table}")).await?;
        }
        Ok(())
    }

    /// Releases the leases of a daemon that was killed, updates the statistics of the planner, and commits.
    pub(in crate::store) async fn commit(mut self) -> Result<(), MigrateStoreError> {
        for table in ["lease", "delivery", "job_lease"] {
            let now = "ready_at = least(ready_at, unix_millis())";
            self.run(format!("UPDATE {table} SET owner = NULL, {now} WHERE owner IS NOT NULL")).await?;
        }
        self.run(format!("ANALYZE {}", TABLES.join(", "))).await?;
        self.0.commit().await.map_err(said)
    }

    /// Runs a statement that consists of names of the schema.
    async fn run(&mut self, statement: String) -> Result<(), MigrateStoreError> {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *self.0).await.map_err(said)?;
        Ok(())
    }
}

async fn begin(settings: &DatabaseSettings) -> StoreResult<Transaction<'static, Db>> {
    let store = PostgresStore::open(settings, StoreClock::real())?;
    let pool =
        PgPoolOptions::new().max_connections(1).connect_lazy_with(store.migration.clone().disable_statement_logging());
    if !sqlx::query_scalar(HAS_LEDGER).fetch_one(&pool).await? {
        store.migrate().await?;
    }
    store.check_schema().await?;
    store.close().await;
    Ok(pool.begin().await?)
}

fn kind_of(type_name: &str) -> Option<Kind> {
    match type_name {
        "int2" | "int4" | "int8" => Some(Kind::Number),
        "text" => Some(Kind::Text),
        "bool" => Some(Kind::Boolean),
        "uuid" => Some(Kind::Uuid),
        "bytea" => Some(Kind::Bytes),
        "jsonb" => Some(Kind::Json),
        _ => None,
    }
}

fn said(error: sqlx::Error) -> MigrateStoreError {
    MigrateStoreError::Target(error.into())
}
