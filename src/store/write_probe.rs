//! Whether the database takes writes, as far as it was tried lately.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A write is tried no more often than this: probes come every second, from several sides.
const TRY_EVERY: Duration = Duration::from_secs(5);

/// When a write last succeeded.
#[derive(Debug, Default)]
pub(super) struct WriteProbe(Mutex<Option<Instant>>);

impl WriteProbe {
    /// True when a write is to be tried.
    pub(super) fn is_due(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none_or(|at| at.elapsed() >= TRY_EVERY)
    }

    /// Notes how the write ended. After a failure the next one is tried at once.
    pub(super) fn tried(&self, succeeded: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = succeeded.then(Instant::now);
    }
}
