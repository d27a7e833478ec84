//! What has changed within the last moments, here or on another replica that could tell: whoever keeps an answer for a
//! moment asks whether it still holds.

use std::time::{Duration, Instant};

use moka::sync::Cache;

use crate::domain::{ListingId, ProductId, TenantId};
use crate::replicas::{Bus, Notice};

/// No answer is kept for longer than this: what another replica changes is seen by then.
pub const KEPT_FOR: Duration = Duration::from_secs(1);

/// Longer than any gatekeeper remembers whom it let in.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Thing {
    Listing(ListingId),
    Product(ProductId),
}

/// See the module.
pub struct Changes {
    /// When each last did.
    changed: Cache<Thing, Instant>,
    /// Deleted; their people and keys may still be remembered.
    gone: Cache<TenantId, ()>,
    bus: Bus,
}

impl Changes {
    /// Nothing has changed yet; others are told by the bus.
    pub fn new(bus: Bus) -> Self {
        let gone = Cache::builder().time_to_live(REMEMBERED_FOR).build();
        Self { changed: Cache::builder().time_to_live(2 * KEPT_FOR).build(), gone, bus }
    }

    /// A product was changed or deleted here, or a look at it was asked for.
    pub fn of_product(&self, id: ProductId) {
        self.happened(Notice::Product(id));
    }

    /// A tenant is deleted here.
    pub fn tenant_gone(&self, id: TenantId) {
        self.happened(Notice::TenantGone(id));
    }

    /// Something happened here.
    pub fn happened(&self, notice: Notice) {
        self.heard(&notice);
        self.bus.tell(notice);
    }

    /// Something happened elsewhere.
    pub fn heard(&self, notice: &Notice) {
        match notice {
            Notice::Looked { listing_id, .. } => self.changed.insert(Thing::Listing(*listing_id), Instant::now()),
            Notice::Product(id) => self.changed.insert(Thing::Product(*id), Instant::now()),
            Notice::TenantGone(id) => self.gone.insert(*id, ()),
            Notice::Wrote(_) | Notice::Due | Notice::Deliverable => {}
        }
    }

    /// Whether a tenant was deleted a moment ago.
    pub fn is_gone(&self, id: TenantId) -> bool {
        self.gone.contains_key(&id)
    }

    /// Whether something read from this moment on still holds, however late the reading ended.
    pub fn none_since(&self, began_at: Instant, product_id: ProductId, listing_id: ListingId) -> bool {
        let things = [Thing::Product(product_id), Thing::Listing(listing_id)];
        let changed = things.iter().any(|thing| self.changed.get(thing).is_some_and(|at| at >= began_at));
        !changed && began_at.elapsed() < KEPT_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_holds_until_its_product_or_its_listing_changes_or_it_is_old() {
        let (changes, product_id, listing_id) = (Changes::new(Bus::to_nobody()), ProductId::new(), ListingId(7));
        let looked_at =
            |listing_id| changes.happened(Notice::Looked { listing_id, changed_at: None, events: Vec::new() });
        let holds = |began_at| changes.none_since(began_at, product_id, listing_id);
        let began_at = Instant::now();
        changes.of_product(ProductId::new());
        looked_at(ListingId(8));
        assert!(holds(began_at));
        changes.of_product(product_id);
        assert!(!holds(began_at), "also if the reading ends after the change");
        assert!(holds(Instant::now()));
        looked_at(listing_id);
        assert!(!holds(began_at));
        assert!(!holds(Instant::now().checked_sub(KEPT_FOR).unwrap()));
    }
}
