//! The clock of a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// The database's own clock or, for tests, one that is moved by hand. Copies show the same time.
#[derive(Debug, Clone, Default)]
pub struct StoreClock {
    manual_ms: Option<Arc<AtomicI64>>,
}

/// What a statement binds where its SQL says `now!`: the time in Unix milliseconds, or nothing where the server reads its own
/// clock.
pub(super) type ClockParam = Option<i64>;

impl StoreClock {
    /// The database's clock: that of the server on PostgreSQL, that of this machine on SQLite, which serves one process.
    pub fn real() -> Self {
        Self::default()
    }

    /// A clock that stands still until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self { manual_ms: Some(Arc::new(AtomicI64::new(start.as_millisecond()))) }
    }

    /// Moves a manual clock. Has no effect on the real one.
    pub fn advance(&self, by: Duration) {
        if let Some(clock) = &self.manual_ms {
            clock.fetch_add(millis(by), Ordering::SeqCst);
        }
    }

    /// The time of a manual clock in Unix milliseconds.
    pub(super) fn manual_ms(&self) -> Option<i64> {
        self.manual_ms.as_ref().map(|clock| clock.load(Ordering::SeqCst))
    }
}

/// A duration in milliseconds, limited so that it can be added to any time.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
