//! The time a store goes by.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// The database's own clock, or, for tests, one that is moved by hand. Copies show the same time.
#[derive(Debug, Clone, Default)]
pub struct StoreClock {
    manual_ms: Option<Arc<AtomicI64>>,
}

impl StoreClock {
    /// The database's: the server's on PostgreSQL, this machine's on SQLite, where there is but one process.
    pub fn real() -> Self {
        Self::default()
    }

    /// A clock that stands until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self { manual_ms: Some(Arc::new(AtomicI64::new(start.as_millisecond()))) }
    }

    /// Moves a clock set by hand; the real one moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Some(clock) = &self.manual_ms {
            clock.fetch_add(millis(by), Ordering::SeqCst);
        }
    }

    /// The time of a clock set by hand, in Unix milliseconds.
    pub(super) fn manual_ms(&self) -> Option<i64> {
        self.manual_ms.as_ref().map(|clock| clock.load(Ordering::SeqCst))
    }
}

/// A length of time as the store counts it; what no column can hold is as good as for ever.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
