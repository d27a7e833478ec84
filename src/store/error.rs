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
    #[error("the address has an account already")]
    EmailTaken,
    /// The tenant has as many as its plan allows.
    #[error("the quota of {limit} {quota} is used up")]
    OverQuota {
        /// Which quota: `products`, `users`, `alerts`, `links`.
        quota: &'static str,
        /// How many it allows.
        limit: u32,
    },
    /// It has changed since it was read.
    #[error("it has changed since it was read")]
    Changed,
    /// The change would leave a tenant without an active admin.
    #[error("a tenant keeps at least one active admin")]
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

/// What store methods return.
pub type StoreResult<T> = Result<T, StoreError>;

/// The codes of errors that are not caused by the statement, so that a retry may succeed: SQLSTATE classes and codes
/// (PostgreSQL, appendix A) and SQLite's primary result codes. 08 connection, 40 serialization and deadlock, 53 resources,
/// 57 operator (shutdown, cancelled by a timeout), 55P03 lock timeout, 25P03 idle in transaction; 5 busy, 6 locked, 10 trouble
/// with the disk, 13 disk full.
const PASSING: &[&str] = &["08", "40", "53", "57", "55P03", "25P03"];
const SQLITE_BUSY: i64 = 5;
const SQLITE_LOCKED: i64 = 6;
const SQLITE_IOERR: i64 = 10;
const SQLITE_FULL: i64 = 13;

fn is_passing(code: &str) -> bool {
    match code.parse::<i64>() {
        // SQLite: the primary code is the low byte of the extended one. SQLSTATE has five characters.
        Ok(number) if code.len() < 5 => {
            matches!(number & 0xff, SQLITE_BUSY | SQLITE_LOCKED | SQLITE_IOERR | SQLITE_FULL)
        }
        _ => PASSING.iter().any(|passing| code.starts_with(passing)),
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
            Sqlx::Database(ref refusal) if refusal.code().is_some_and(|code| is_passing(&code)) => {
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
    format!("it has step {version}, which this version does not know: run a newer amazon-tracker")
}

#[cfg(test)]
mod tests {
    use super::is_passing;

    #[test]
    fn tells_a_passing_refusal_from_a_lasting_one_on_both_engines() {
        for code in ["08006", "40P01", "53300", "57P01", "57014", "55P03", "53100", "5", "517", "6", "262", "13", "778"]
        {
            assert!(is_passing(code), "{code}");
        }
        for code in ["23505", "42P01", "1", "19", "2067"] {
            assert!(!is_passing(code), "{code}");
        }
    }
}
