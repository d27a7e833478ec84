//! What has changed within the last moments, here or on another replica that could tell: whoever keeps an answer for a
//! moment asks whether it still holds.

use std::time::{Duration, Instant};

use moka::sync::Cache;

use crate::domain::{ListingId, ProductId, TenantId};
use crate::replicas::{Bus, BusMessage};

/// No answer is kept for longer than this: what another replica invalidation is seen by then.
pub const MAX_RESPONSE_AGE: Duration = Duration::from_secs(1);

/// Longer than any principal cache remembers whom it let in.
const DELETED_TENANTS_TTL: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    Listing(ListingId),
    Product(ProductId),
}

/// See the module.
pub struct CacheInvalidation {
    /// When each last did.
    changed: Cache<Subject, Instant>,
    /// Deleted; their people and keys may still be remembered.
    gone: Cache<TenantId, ()>,
    bus: Bus,
}

impl CacheInvalidation {
    /// Nothing has changed yet; others are told by the bus.
    pub fn new(bus: Bus) -> Self {
        let gone = Cache::builder().time_to_live(DELETED_TENANTS_TTL).build();
        Self { changed: Cache::builder().time_to_live(2 * MAX_RESPONSE_AGE).build(), gone, bus }
    }

    /// A product was changed or deleted here, or a look at it was asked for.
    pub fn product_changed(&self, id: ProductId) {
        self.happened(BusMessage::Product(id));
    }

    /// A tenant is deleted here.
    pub fn tenant_deleted(&self, id: TenantId) {
        self.happened(BusMessage::TenantDeleted(id));
    }

    /// Something happened here.
    pub fn happened(&self, message: BusMessage) {
        self.heard(&message);
        self.bus.publish(message);
    }

    /// Something happened elsewhere.
    pub fn heard(&self, message: &BusMessage) {
        match message {
            BusMessage::Crawled { listing_id, .. } => {
                self.changed.insert(Subject::Listing(*listing_id), Instant::now())
            }
            BusMessage::Product(id) => self.changed.insert(Subject::Product(*id), Instant::now()),
            BusMessage::TenantDeleted(id) => self.gone.insert(*id, ()),
            BusMessage::TenantWrote(_) | BusMessage::Due | BusMessage::Deliverable => {}
        }
    }

    /// Whether a tenant was deleted a moment ago.
    pub fn is_deleted(&self, id: TenantId) -> bool {
        self.gone.contains_key(&id)
    }

    /// Whether something read from this moment on still holds, however late the reading ended.
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
    fn what_was_read_holds_until_its_product_or_its_listing_changes_or_it_is_old() {
        let (invalidation, product_id, listing_id) =
            (CacheInvalidation::new(Bus::disconnected()), ProductId::new(), ListingId(7));
        let looked_at = |listing_id| {
            invalidation.happened(BusMessage::Crawled { listing_id, changed_at: None, events: Vec::new() })
        };
        let holds = |began_at| invalidation.is_fresh(began_at, product_id, listing_id);
        let began_at = Instant::now();
        invalidation.product_changed(ProductId::new());
        looked_at(ListingId(8));
        assert!(holds(began_at));
        invalidation.product_changed(product_id);
        assert!(!holds(began_at), "also if the reading ends after the change");
        assert!(holds(Instant::now()));
        looked_at(listing_id);
        assert!(!holds(began_at));
        assert!(!holds(Instant::now().checked_sub(MAX_RESPONSE_AGE).unwrap()));
    }
}
