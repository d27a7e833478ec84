//! Wakes whoever does some work: here if this process does it, otherwise on another replica.

use std::sync::Arc;

use crate::replicas::{Bus, BusMessage};

/// See the module. Whoever is not woken finds the work by themselves, a second later at most. Cheap to clone.
#[derive(Clone)]
pub struct WakeSignal {
    local: Option<Arc<dyn Fn() + Send + Sync>>,
    remote: (Bus, BusMessage),
}

impl WakeSignal {
    /// Tells the others by this notice, until somebody is woken here.
    pub fn remote(bus: Bus, notice: BusMessage) -> Self {
        Self { local: None, remote: (bus, notice) }
    }

    /// Wakes somebody here instead.
    pub fn local(self, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { local: Some(Arc::new(wake)), ..self }
    }

    /// Something may be due.
    pub fn wake(&self) {
        match &self.local {
            Some(_) => self.wake_local(),
            None => self.remote.0.publish(self.remote.1.clone()),
        }
    }

    /// Somebody else has rung: nobody but who is here is woken, or two who do not do the work would wake for ever.
    pub fn wake_local(&self) {
        if let Some(wake) = &self.local {
            wake();
        }
    }
}
