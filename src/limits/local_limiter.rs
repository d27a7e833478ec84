//! The part of a limit that this process keeps alone: a governor that is made anew when the part becomes another.

use std::sync::{Arc, Mutex, PoisonError};

use governor::Quota;

use super::distributed_limiter::DistributedLimiter;
use super::rate::Rate;

/// See the module. `L` is the limiter.
pub(super) struct LocalLimiter<L> {
    whole: Rate,
    made: Mutex<Option<(Rate, Arc<L>)>>,
    make: fn(Quota) -> L,
}

impl<L> LocalLimiter<L> {
    pub fn new(whole: Rate, make: fn(Quota) -> L) -> Self {
        Self { whole, made: Mutex::default(), make }
    }

    /// The limit for all.
    pub fn whole(&self) -> Rate {
        self.whole
    }

    /// The limiter of what is this process's part now.
    pub fn limiter(&self, distributed: &DistributedLimiter) -> (Rate, Arc<L>) {
        let part = distributed.local_share(self.whole);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some((rate, limiter)) if *rate == part => (part, Arc::clone(limiter)),
            _ => {
                let limiter = Arc::new((self.make)(Quota::per_minute(part.per_minute).allow_burst(part.burst)));
                *made = Some((part, Arc::clone(&limiter)));
                (part, limiter)
            }
        }
    }
}
