//! The PostgreSQL engine: many replicas on one database.

#![expect(clippy::duplicate_mod, reason = "SQL that both engines understand is written once and compiled for each")]

/// The time in Unix milliseconds, where a [`ClockParam`] is bound at a place: the manual clock of a test, otherwise the
/// server's clock. All statements of a transaction see the same time.
macro_rules! now {
    ($place:literal) => {
        concat!("coalesce($", $place, ", unix_millis())")
    };
}

/// The UUIDs of the JSON list that is bound at a place: `id`, and `place` in the list.
macro_rules! uuids {
    ($place:literal) => {
        concat!(
            "SELECT item.value::uuid AS id, (item.place - 1)::integer AS place FROM jsonb_array_elements_text($",
            $place,
            ") WITH ORDINALITY AS item (value, place)"
        )
    };
}

/// The members of the JSON list of objects that is bound at a place.
macro_rules! records {
    ($place:literal, $name:ident $kind:ident $(, $more_names:ident $more_kinds:ident)*) => {
        concat!(
            "SELECT * FROM jsonb_to_recordset($", $place, ") AS item (",
            stringify!($name), " ", stringify!($kind),
            $(", ", stringify!($more_names), " ", stringify!($more_kinds),)*
            ")"
        )
    };
}

/// The numbers of the JSON list that is bound at a place.
macro_rules! numbers {
    ($place:literal) => {
        concat!("SELECT value::bigint FROM jsonb_array_elements_text($", $place, ")")
    };
}

/// The texts of the JSON list that is bound at a place.
macro_rules! texts {
    ($place:literal) => {
        concat!("SELECT value FROM jsonb_array_elements_text($", $place, ")")
    };
}

/// The values of some columns of all rows as one JSON list of lists.
macro_rules! all_rows {
    ($columns:literal) => {
        concat!("coalesce(json_agg(json_build_array(", $columns, ")), '[]')")
    };
}

/// Locks the rows of a table that a query selects.
macro_rules! lock_rows {
    ($table:literal) => {
        concat!(" FOR UPDATE OF ", $table)
    };
}

/// Locks the rows that a query selects, but not their keys: rows that refer to them can be added meanwhile.
macro_rules! lock_values {
    ($table:literal) => {
        concat!(" FOR NO KEY UPDATE OF ", $table)
    };
}

/// Keeps the rows of a table that a query selects from being deleted.
macro_rules! keep_rows {
    ($table:literal) => {
        concat!(" FOR KEY SHARE OF ", $table)
    };
}

/// Locks the rows that a query selects, except those that another replica has locked.
macro_rules! skip_locked {
    () => {
        " FOR UPDATE SKIP LOCKED"
    };
    ($table:literal) => {
        concat!(" FOR UPDATE OF ", $table, " SKIP LOCKED")
    };
}

/// The product `p` has the tag of an expression.
macro_rules! has_tag {
    ($tag:literal) => {
        concat!("p.tags @> to_jsonb(", $tag, "::text)")
    };
}

mod claim;
mod commit;
pub(super) mod migrate_store;
mod month;
mod partitions;
mod replica;
mod scoped;
#[path = "../sql/mod.rs"]
mod sql;
mod tenant_scope;

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgConnection, PgPool};

use tokio::sync::OnceCell;

use super::clock::ClockParam;
use super::encryption::EncryptionKeys;
use super::tenant_scope::ALL_TENANTS;
use super::write_probe::WriteProbe;
use super::{StoreClock, StoreError, StoreResult};
use crate::config::{DatabaseSettings, Secret};

type Db = sqlx::Postgres;
type Conn = PgConnection;
type Backend = PostgresStore;

static MIGRATOR: Migrator = sqlx::migrate!("migrations/postgres");

/// A trigger does it (`mark_added_points`); on the other engine, a statement.
async fn mark_prices(_conn: &mut Conn, _listings: Vec<i64>) -> StoreResult<()> {
    Ok(())
}

/// Whether the table of applied steps exists.
const HAS_LEDGER: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";

/// True on a standby, and where reading is the default of the role or the database.
const IS_READ_ONLY: &str = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'";

/// From the statistics of the server, which lag a little.
const LEASE_DEAD_TUPLES: &str = "SELECT coalesce(max(n_dead_tup), 0) FROM pg_stat_user_tables WHERE relname = 'lease'";

/// In transactions. Sessions of other roles are visible to members of `pg_read_all_stats` only.
const OLDEST_SNAPSHOT_AGE: &str = "SELECT coalesce(max(age), 0)::bigint FROM ( \
       SELECT greatest(age(backend_xmin), age(backend_xid)) AS age FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
       UNION ALL SELECT greatest(age(xmin), age(catalog_xmin)) FROM pg_replication_slots) used";

/// Without the connections that the server reserves for superusers.
const MAX_CONNECTIONS: &str = "SELECT current_setting('max_connections')::bigint \
     - current_setting('superuser_reserved_connections')::bigint";

/// The SQL around a tag.
const HAS_TAG: (&str, &str) = ("p.tags @> to_jsonb(", "::text)");

/// The setting that tells row-level security which rows a connection may see.
const TENANT_SETTING: &str = "tracker.tenant_id";

/// Older servers are out of support and untested.
const OLDEST_SERVER: u32 = 15;

/// An open transaction keeps vacuum from the lease table, and every claim slows down.
const IDLE_IN_TRANSACTION_SECS: u64 = 10;

/// Short, so that a broken connection, or one to a server that is no longer the primary, is soon replaced.
const MAX_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How much longer than the server's time limit a claim or commit is waited for.
const NETWORK_MARGIN: Duration = Duration::from_secs(5);

/// The store on a PostgreSQL server.
pub(super) struct PostgresStore {
    /// Everything except claims and commits.
    writer: PgPool,
    /// The same pool: what was written is read back.
    readers: PgPool,
    /// A standby, for reads that may be slightly old.
    replica: Option<replica::Replica>,
    /// A small pool for claims and commits alone, so that nothing else can starve them.
    claims: PgPool,
    /// After this time the connection of a claim or commit is given up.
    claim_timeout: Option<Duration>,
    /// The same pool: a claim's details are part of it.
    details: PgPool,
    /// Without time limits, for one connection at a time.
    migration: PgConnectOptions,
    clock: StoreClock,
    write_probe: WriteProbe,
    /// Those of the settings.
    encryption_keys: Vec<Secret>,
    /// All keys, once they are needed.
    encryption: OnceCell<EncryptionKeys>,
}

/// Time limits for statements and for transactions that are left open. No just-in-time compilation: the planner guesses that
/// claims, whose limits it does not know, read many rows, and compiles them for hundreds of times as long as they take.
fn limited(options: PgConnectOptions, settings: &DatabaseSettings) -> PgConnectOptions {
    let statement_ms = settings.statement_timeout_secs.saturating_mul(1000).to_string();
    let idle_ms = (IDLE_IN_TRANSACTION_SECS * 1000).to_string();
    options.application_name("amazon-tracker").options([
        ("statement_timeout", statement_ms),
        ("idle_in_transaction_session_timeout", idle_ms),
        ("jit", "off".to_owned()),
    ])
}

impl PostgresStore {
    /// Prepares the pools; nothing is connected yet.
    pub(super) fn open(settings: &DatabaseSettings, clock: StoreClock) -> StoreResult<Self> {
        let options: PgConnectOptions = settings.url.reveal().parse().map_err(StoreError::Refused)?;
        let sees_all = [(TENANT_SETTING, ALL_TENANTS)];
        let migration = options.clone().application_name("amazon-tracker migrate").options(sees_all);
        let options = limited(options, settings);
        let pool = PgPoolOptions::new()
            .acquire_timeout(Duration::from_secs(settings.acquire_timeout_secs))
            .max_lifetime(MAX_LIFETIME);
        let claims = pool.clone().max_connections(settings.claim_connections.max(1));
        let claims = claims.connect_lazy_with(options.clone().options(sees_all));
        let writer = pool.clone().max_connections(settings.connections.max(1)).connect_lazy_with(options.clone());
        let replica = settings.replica_url.as_ref().map(|url| -> StoreResult<replica::Replica> {
            let standby = limited(url.reveal().parse().map_err(StoreError::Refused)?, settings);
            let primary = pool.clone().max_connections(1).connect_lazy_with(options);
            let pool = pool.max_connections(settings.replica_connections.max(1)).connect_lazy_with(standby);
            Ok(replica::Replica::new(pool, primary, Duration::from_millis(settings.replica_max_lag_ms)))
        });
        let replica = replica.transpose()?;
        let claim_timeout = match settings.statement_timeout_secs {
            0 => None,
            secs => Some(Duration::from_secs(secs) + NETWORK_MARGIN),
        };
        let (readers, details) = (writer.clone(), claims.clone());
        Ok(Self {
            readers,
            writer,
            replica,
            details,
            claims,
            claim_timeout,
            migration,
            clock,
            write_probe: WriteProbe::default(),
            encryption_keys: settings.encryption_keys.clone(),
            encryption: OnceCell::new(),
        })
    }

    /// There is no file.
    #[expect(clippy::unused_async, reason = "the SQLite implementation looks at its file")]
    async fn check_file(&self) -> StoreResult<()> {
        Ok(())
    }

    /// What a statement binds for `now!`.
    fn clock_param(&self) -> ClockParam {
        self.clock.manual_ms()
    }

    /// A separate connection without a time limit for statements.
    async fn migration_connection(&self) -> StoreResult<Box<Conn>> {
        Ok(Box::new(self.migration.connect().await?))
    }

    /// Row-level security does not apply to some roles: they would see the rows of every tenant where a statement names none.
    async fn check_role(conn: &mut Conn) -> StoreResult<()> {
        const IS_ABOVE: &str = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";
        if sqlx::query_scalar(IS_ABOVE).fetch_one(conn).await? {
            tracing::warn!(
                "row-level security does not apply to this database role: use a role that is not a superuser and has no BYPASSRLS"
            );
        }
        Ok(())
    }

    fn check_server(conn: &Conn) -> StoreResult<()> {
        match conn.server_version_num().map(|number| number / 10_000) {
            Some(major) if major < OLDEST_SERVER => {
                Err(StoreError::Schema(format!("the server is PostgreSQL {major}; at least {OLDEST_SERVER} is needed")))
            }
            _ => Ok(()),
        }
    }
}
