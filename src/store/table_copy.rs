//! What source and target of a migration between engines share: tables, columns, checksums and errors.

use std::fmt;

use super::StoreError;

/// Every table, after those that it refers to.
pub(super) const TABLES: &[&str] = &[
    "tenant",
    "tenant_user",
    "session",
    "refresh_token",
    "grant_token",
    "authorization_code",
    "api_key",
    "link",
    "listing",
    "lease",
    "product",
    "share",
    "competitor_set",
    "competitor",
    "point",
    "listing_offers",
    "content_version",
    "history_import",
    "alert_rule",
    "rule_state",
    "channel",
    "rule_channel",
    "event",
    "delivery",
    "message",
    "channel_day",
    "installation_key",
    "marketplace_outage",
    "job",
    "job_item",
    "schedule",
    "schedule_run",
    "report",
    "audit",
    "daily_usage",
    "idempotency_key",
    "job_lease",
    "source_run",
    "source_run_listing",
    "spending",
    "budget_refusal",
    "advice_request",
    "advice",
    "crawl_count",
    "field_drift",
    "page_sample",
    "listing_image",
];

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum MigrateStoreError {
    /// The other direction, or twice the same engine.
    #[error("only SQLite to PostgreSQL is supported")]
    Engines,
    /// Rows that are written meanwhile would be left behind.
    #[error("another process has the source database open; stop it")]
    InUse,
    /// An error of the source.
    #[error("the source")]
    Source(#[source] StoreError),
    /// What the target said.
    #[error("the target")]
    Target(#[source] StoreError),
    /// The target is not empty.
    #[error("the target is not empty (table {0}); use a new database")]
    NotEmpty(&'static str),
    /// The two schemas differ.
    #[error("the source and the target differ in {0}")]
    SchemaMismatch(String),
    /// Something that one engine can hold and the other cannot, such as a NUL within a text.
    #[error("cannot insert rows of table {table}")]
    Rows {
        /// The table.
        table: &'static str,
        /// What the target said.
        source: StoreError,
    },
    /// The rows of the target differ from those of the source.
    #[error("checksum mismatch in table {table}: source {sent}, target {arrived}")]
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
