//! Wakes the actor that does some work: in this process if it has that role, otherwise on another replica.

use std::sync::Arc;

use crate::replicas::{Bus, BusMessage};

/// See the module. An actor that is not woken finds the work by polling, a second later at most. Cheap to clone.
#[derive(Clone)]
pub struct WakeSignal {
    local: Option<Arc<dyn Fn() + Send + Sync>>,
    remote: (Bus, BusMessage),
}

impl WakeSignal {
    /// Publishes this message to other replicas.
    pub fn remote(bus: Bus, notice: BusMessage) -> Self {
        Self { local: None, remote: (bus, notice) }
    }

    /// Calls this in the present process instead.
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

    /// Another replica sent the signal. It is not passed on: two replicas without the role would send it for ever.
    pub fn wake_local(&self) {
        if let Some(wake) = &self.local {
            wake();
        }
    }
}
