//! Announces that what was known of a principal no longer holds, to what was admitted for longer than one request.

use tokio::sync::broadcast;

use crate::domain::TenantId;
use crate::replicas::{Bus, BusMessage};

/// Announcements that wait for a slow subscriber; one that misses some checks anew.
const CAPACITY: usize = 256;

/// What an announcement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// A user or a key changed, signed out or was revoked: the subject of the [`Principal`](super::user::Principal).
    Principal(String),
    /// A tenant was deleted.
    Tenant(TenantId),
}

/// The announcements of this process and those that arrive through the bus. Cheap to clone.
#[derive(Clone)]
pub struct Revocations {
    sender: broadcast::Sender<Revocation>,
    bus: Bus,
}

impl Revocations {
    /// Shared with other replicas through the bus.
    pub fn new(bus: Bus) -> Self {
        Self { sender: broadcast::Sender::new(CAPACITY), bus }
    }

    /// Announces a change of a principal, here and to other replicas.
    pub fn principal_changed(&self, subject: String) {
        self.bus.publish(BusMessage::PrincipalChanged(subject.clone()));
        self.announce(Revocation::Principal(subject));
    }

    /// Announces what happened elsewhere, to subscribers of this process.
    pub fn announce(&self, revocation: Revocation) {
        // Without a subscriber there is nothing to do.
        let _ = self.sender.send(revocation);
    }

    /// All announcements from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Revocation> {
        self.sender.subscribe()
    }
}
