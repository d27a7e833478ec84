//! The errors of store methods.

use sqlx::migrate::MigrateError;

use super::StoredResponse;
use crate::domain::ProductId;

/// Why a store method failed. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or has no connection free: try again later.
    #[error("the database is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// There is no such item, or it belongs to another tenant. What was looked for: `product`, `user`, …
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The cursor was not made for this list.
    #[error("the cursor was not made for this list")]
    InvalidCursor,
    /// The tenant already watches this listing.
    #[error("the listing is already watched as product {0}")]
    AlreadyWatched(ProductId),
    /// A user has this address already, perhaps in another tenant.
    #[error("already has an account")]
    EmailTaken,
    /// The tenant has as many as its plan allows.
    #[error("the quota of {limit} {quota} is used up")]
    OverQuota {
        /// Which quota: `products`, `users`, `alerts`, `links`.
        quota: &'static str,
        /// How many it allows.
        limit: u32,
    },
    /// A schedule has made the report already that it is to make; which.
    #[error("{0}")]
    AlreadyReported(String),
    /// It has changed since it was read.
    #[error("it has changed since it was read")]
    Changed,
    /// The change would leave a tenant without an active admin.
    #[error("a tenant must have at least one active admin")]
    LastAdmin,
    /// The request under this idempotency key was carried out before. Never returned by
    /// [`idempotently`](super::idempotently).
    #[error("the request was carried out before")]
    Replayed(Box<StoredResponse>),
    /// Another request was carried out under this idempotency key.
    #[error("another request was carried out under this idempotency key")]
    IdempotencyKeyReused,
    /// A row holds what this version cannot read.
    #[error("the database holds a value that this version cannot read: {0}")]
    Corrupt(String),
    /// The schema does not fit this version.
    #[error("the database schema does not fit this version: {0}")]
    Schema(String),
    /// Any other error of the database.
    #[error("the database refused: {0}")]
    Refused(#[source] sqlx::Error),
}

/// The end of the text about a schema that lacks steps.
pub(super) const RUN_MIGRATE: &str = "run `amazon-tracker migrate`";

/// What store methods return.
pub type StoreResult<T> = Result<T, StoreError>;

/// The codes of errors that are not caused by the statement, so that a retry may succeed: SQLSTATE classes and codes
/// (PostgreSQL, appendix A) and SQLite's primary result codes. 08 connection, 40 serialization and deadlock, 53 resources,
/// 57 operator (shutdown, cancelled by a timeout), 58 system (the disk), 55P03 lock timeout, 25P03 idle in transaction, 25006
/// read-only (a server that is no longer the primary); 5 busy, 6 locked, 8 read-only, 10 trouble with the disk, 13 disk full.
const TRANSIENT: &[&str] = &["08", "40", "53", "57", "58", "55P03", "25P03", "25006"];
/// The codes of errors about the values of the statement: 22 data, 23 constraint; 18 too big, 19 constraint, 20 mismatch.
const ABOUT_VALUES: &[&str] = &["22", "23"];
const SQLITE_BUSY: i64 = 5;
const SQLITE_LOCKED: i64 = 6;
const SQLITE_READONLY: i64 = 8;
const SQLITE_IOERR: i64 = 10;
const SQLITE_FULL: i64 = 13;
const SQLITE_TOOBIG: i64 = 18;
const SQLITE_CONSTRAINT: i64 = 19;
const SQLITE_MISMATCH: i64 = 20;

fn is_transient(code: &str) -> bool {
    const SQLITE: &[i64] = &[SQLITE_BUSY, SQLITE_LOCKED, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL];
    is_among(code, TRANSIENT, SQLITE)
}

fn is_about_values(code: &str) -> bool {
    is_among(code, ABOUT_VALUES, &[SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH])
}

fn is_among(code: &str, sqlstates: &[&str], sqlite_codes: &[i64]) -> bool {
    match code.parse::<i64>() {
        // SQLite: the primary code is the low byte of the extended one. SQLSTATE has five characters.
        Ok(number) if code.len() < 5 => sqlite_codes.contains(&(number & 0xff)),
        _ => sqlstates.iter().any(|sqlstate| code.starts_with(sqlstate)),
    }
}

impl StoreError {
    /// What keeps the database from serving: `disk_full`, `file_gone`, `read_only`, or `unavailable`.
    pub fn problem(&self) -> &'static str {
        const DISK_FULL: &[&str] = &["53100"];
        const READ_ONLY: &[&str] = &["25006"];
        match self {
            Self::Unavailable(sqlx::Error::Database(refusal)) => match refusal.code() {
                Some(code) if is_among(&code, DISK_FULL, &[SQLITE_FULL]) => "disk_full",
                Some(code) if is_among(&code, READ_ONLY, &[SQLITE_READONLY]) => "read_only",
                _ => "unavailable",
            },
            Self::Unavailable(sqlx::Error::Protocol(_)) => "read_only",
            Self::Unavailable(sqlx::Error::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => "file_gone",
            _ => "unavailable",
        }
    }

    /// The schema lacks steps that `amazon-tracker migrate` applies.
    pub fn needs_migration(&self) -> bool {
        matches!(self, Self::Schema(problem) if problem.ends_with(RUN_MIGRATE))
    }

    /// The database refused the values of the statement: it will refuse them again, and only them.
    pub(super) fn is_about_values(&self) -> bool {
        let Self::Refused(sqlx::Error::Database(refusal)) = self else { return false };
        refusal.code().is_some_and(|code| is_about_values(&code))
    }
}

/// Names what a query did not find.
pub(super) trait OrNotFound<T> {
    /// [`StoreError::NotFound`] where there was no row.
    fn or_not_found(self, what: &'static str) -> StoreResult<T>;
}

impl<T> OrNotFound<T> for sqlx::Result<T> {
    fn or_not_found(self, what: &'static str) -> StoreResult<T> {
        self.map_err(|error| match error {
            sqlx::Error::RowNotFound => StoreError::NotFound(what),
            other => other.into(),
        })
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as Sqlx;
        match error {
            Sqlx::PoolTimedOut | Sqlx::PoolClosed | Sqlx::WorkerCrashed | Sqlx::Io(_) | Sqlx::Tls(_) => {
                Self::Unavailable(error)
            }
            Sqlx::Database(ref refusal) if refusal.code().is_some_and(|code| is_transient(&code)) => {
                Self::Unavailable(error)
            }
            Sqlx::ColumnDecode { .. } | Sqlx::Decode(_) => Self::Corrupt(error.to_string()),
            _ => Self::Refused(error),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) => error.into(),
            MigrateError::VersionMissing(version) => Self::Schema(newer(version)),
            other => Self::Schema(other.to_string()),
        }
    }
}

/// The error text for a schema with a step that this version does not know.
pub(super) fn newer(version: i64) -> String {
    format!("migration {version} is unknown to this version; use a newer amazon-tracker")
}

/// The row, if it could be read; the reason is logged otherwise.
pub(super) fn or_report<T>(read: StoreResult<T>) -> Option<T> {
    read.inspect_err(|error| tracing::error!(%error, "skipping an unreadable row")).ok()
}

#[cfg(test)]
mod tests {
    use super::{is_about_values, is_transient};

    #[test]
    fn distinguishes_transient_refusals_on_both_engines() {
        for code in [
            "08006", "40P01", "53300", "57P01", "57014", "55P03", "53100", "58030", "25006", "5", "517", "6", "8",
            "262", "13", "778",
        ] {
            assert!(is_transient(code), "{code}");
        }
        for code in ["23505", "42P01", "1", "19", "2067"] {
            assert!(!is_transient(code), "{code}");
        }
    }

    #[test]
    fn distinguishes_refused_values_on_both_engines() {
        for code in ["22P05", "22021", "23505", "18", "19", "2067", "20"] {
            assert!(is_about_values(code), "{code}");
        }
        for code in ["42P01", "25006", "1", "5", "8"] {
            assert!(!is_about_values(code), "{code}");
        }
    }
}
