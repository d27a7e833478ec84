//! Recent changes, of this process and of replicas that publish them: caches check whether what they stored is still valid.

use std::time::{Duration, Instant};

use moka::sync::Cache;

use crate::actors::revocations::{Revocation, Revocations};
use crate::domain::{ListingId, ProductId, TenantId};
use crate::replicas::{Bus, BusMessage};

/// Maximum age of a cached response. Unpublished changes of other replicas become visible by then.
pub const MAX_RESPONSE_AGE: Duration = Duration::from_secs(1);

/// Longer than a principal stays cached.
const DELETED_TENANTS_TTL: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    Listing(ListingId),
    Product(ProductId),
}

/// See the module.
pub struct CacheInvalidation {
    /// When each last changed.
    changed: Cache<Subject, Instant>,
    /// Deleted tenants; their users and keys may still be cached.
    deleted: Cache<TenantId, ()>,
    bus: Bus,
    revocations: Revocations,
}

impl CacheInvalidation {
    /// Publishes changes through the bus.
    pub fn new(bus: Bus, revocations: Revocations) -> Self {
        let deleted = Cache::builder().time_to_live(DELETED_TENANTS_TTL).build();
        Self { changed: Cache::builder().time_to_live(2 * MAX_RESPONSE_AGE).build(), deleted, bus, revocations }
    }

    /// A product was changed or deleted here, or a crawl of it was requested.
    pub fn product_changed(&self, id: ProductId) {
        self.happened(BusMessage::Product(id));
    }

    /// A tenant was deleted here.
    pub fn tenant_deleted(&self, id: TenantId) {
        self.happened(BusMessage::TenantDeleted(id));
    }

    /// Handles a change of this process, and publishes it.
    pub fn happened(&self, message: BusMessage) {
        self.heard(&message);
        self.bus.publish(message);
    }

    /// Handles a change of another replica.
    pub fn heard(&self, message: &BusMessage) {
        match message {
            BusMessage::Crawled { listing_id, .. } => {
                self.changed.insert(Subject::Listing(*listing_id), Instant::now())
            }
            BusMessage::Product(id) => self.changed.insert(Subject::Product(*id), Instant::now()),
            BusMessage::TenantDeleted(id) => {
                self.deleted.insert(*id, ());
                self.revocations.announce(Revocation::Tenant(*id));
            }
            BusMessage::PrincipalChanged(subject) => {
                self.revocations.announce(Revocation::Principal(subject.clone()));
            }
            BusMessage::TenantWrote(_)
            | BusMessage::Due
            | BusMessage::Deliverable
            | BusMessage::JobDue
            | BusMessage::JobChanged(..) => {}
        }
    }

    /// Whether a tenant was deleted recently.
    pub fn is_deleted(&self, id: TenantId) -> bool {
        self.deleted.contains_key(&id)
    }

    /// Whether something whose reading began at this time is still valid.
    pub fn is_fresh(&self, began_at: Instant, product_id: ProductId, listing_id: ListingId) -> bool {
        let subjects = [Subject::Product(product_id), Subject::Listing(listing_id)];
        let changed = subjects.iter().any(|subject| self.changed.get(subject).is_some_and(|at| at >= began_at));
        !changed && began_at.elapsed() < MAX_RESPONSE_AGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_valid_until_its_product_or_listing_changes_or_it_is_old() {
        let (invalidation, product_id, listing_id) = (
            CacheInvalidation::new(Bus::disconnected(), Revocations::new(Bus::disconnected())),
            ProductId::new(),
            ListingId(7),
        );
        let crawled = |listing_id| {
            invalidation.happened(BusMessage::Crawled { listing_id, changed_at: None, events: Vec::new() })
        };
        let holds = |began_at| invalidation.is_fresh(began_at, product_id, listing_id);
        let began_at = Instant::now();
        invalidation.product_changed(ProductId::new());
        crawled(ListingId(8));
        assert!(holds(began_at));
        invalidation.product_changed(product_id);
        assert!(!holds(began_at), "also if the reading ends after the change");
        assert!(holds(Instant::now()));
        crawled(listing_id);
        assert!(!holds(began_at));
        assert!(!holds(Instant::now().checked_sub(MAX_RESPONSE_AGE).unwrap()));
    }
}
