//! The share of a limit that this process applies locally.

use std::sync::{Arc, Mutex, PoisonError};

use governor::Quota;

use super::distributed_limiter::DistributedLimiter;
use super::rate::Rate;

/// A governor that is rebuilt when the share changes. `L` is the type of governor.
pub(super) struct LocalLimiter<L> {
    total: Rate,
    current: Mutex<Option<(Rate, Arc<L>)>>,
    build: fn(Quota) -> L,
}

impl<L> LocalLimiter<L> {
    pub fn new(total: Rate, build: fn(Quota) -> L) -> Self {
        Self { total, current: Mutex::default(), build }
    }

    /// The limit for all replicas together.
    pub fn total(&self) -> Rate {
        self.total
    }

    /// The limiter for this process's current share.
    pub fn limiter(&self, distributed: &DistributedLimiter) -> (Rate, Arc<L>) {
        let share = distributed.local_share(self.total);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            Some((rate, limiter)) if *rate == share => (share, Arc::clone(limiter)),
            _ => {
                let limiter = Arc::new((self.build)(Quota::per_minute(share.per_minute).allow_burst(share.burst)));
                *current = Some((share, Arc::clone(&limiter)));
                (share, limiter)
            }
        }
    }
}
