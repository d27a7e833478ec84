//! Wakes whoever does some work: here if this process does it, otherwise on another replica.

use std::sync::Arc;

use crate::replicas::{Bus, Notice};

/// See the module. Whoever is not woken finds the work by themselves, a second later at most. Cheap to clone.
#[derive(Clone)]
pub struct Bell {
    here: Option<Arc<dyn Fn() + Send + Sync>>,
    elsewhere: (Bus, Notice),
}

impl Bell {
    /// Tells the others by this notice, until somebody is woken here.
    pub fn elsewhere(bus: Bus, notice: Notice) -> Self {
        Self { here: None, elsewhere: (bus, notice) }
    }

    /// Wakes somebody here instead.
    pub fn here(self, ring: impl Fn() + Send + Sync + 'static) -> Self {
        Self { here: Some(Arc::new(ring)), ..self }
    }

    /// Something may be due.
    pub fn ring(&self) {
        match &self.here {
            Some(_) => self.ring_here(),
            None => self.elsewhere.0.tell(self.elsewhere.1.clone()),
        }
    }

    /// Somebody else has rung: nobody but who is here is woken, or two who do not do the work would ring for ever.
    pub fn ring_here(&self) {
        if let Some(ring) = &self.here {
            ring();
        }
    }
}
