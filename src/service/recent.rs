//! Products that were read a moment ago: many ask for the same few, and a row that was read within the last second is
//! as good as one that is read now.
//!
//! What this process records or changes is void at once; what another replica changes is seen a second later.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::sync::Cache;

use crate::domain::{ListingId, Product, ProductId, TenantId};

/// How old a product may be.
const FRESH_FOR: Duration = Duration::from_secs(1);
const MOST_PRODUCTS: u64 = 20_000;

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Changed {
    Listing(ListingId),
    Product(ProductId),
}

#[derive(Clone)]
struct Read {
    product: Arc<Product>,
    began_at: Instant,
}

/// See the module.
pub struct Recent {
    products: Cache<(TenantId, ProductId), Read>,
    /// When it last did. A reading that began before is void, however late it ends.
    changed: Cache<Changed, Instant>,
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            products: Cache::builder().max_capacity(MOST_PRODUCTS).time_to_live(FRESH_FOR).build(),
            changed: Cache::builder().time_to_live(2 * FRESH_FOR).build(),
        }
    }
}

impl Recent {
    /// A tenant's product, if it was read a moment ago and has not changed since.
    pub fn product(&self, tenant_id: TenantId, id: ProductId) -> Option<Arc<Product>> {
        let Read { product, began_at } = self.products.get(&(tenant_id, id))?;
        let changed = [Changed::Product(id), Changed::Listing(product.listing_id)];
        let is_void = changed.iter().any(|what| self.changed.get(what).is_some_and(|at| at >= began_at));
        (!is_void && began_at.elapsed() < FRESH_FOR).then_some(product)
    }

    /// Keeps a product whose reading began at this moment.
    pub fn keep(&self, product: &Arc<Product>, began_at: Instant) {
        let read = Read { product: Arc::clone(product), began_at };
        self.products.insert((product.tenant_id, product.id), read);
    }

    /// A look at a listing was recorded.
    pub fn listing_changed(&self, id: ListingId) {
        self.changed.insert(Changed::Listing(id), Instant::now());
    }

    /// A product was changed or deleted, or a look at it was asked for.
    pub fn product_changed(&self, id: ProductId) {
        self.changed.insert(Changed::Product(id), Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{Frequency, Listing, ListingState, Marketplace, ProductSettings, ProductStatus};

    fn product() -> Arc<Product> {
        let settings = ProductSettings {
            label: None,
            tags: Vec::new(),
            frequency: Frequency::DAILY,
            is_competitor: false,
            status: ProductStatus::Active,
        };
        Arc::new(Product {
            id: ProductId::new(),
            tenant_id: TenantId::new(),
            listing_id: ListingId(7),
            listing: Listing::new(Marketplace::Us, "B08PZHYWJS".parse().unwrap()),
            settings,
            state: ListingState::default(),
            last_outcome: None,
            last_looked_at: None,
            next_look_at: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        })
    }

    #[test]
    fn a_product_is_remembered_for_its_tenant_until_it_or_its_listing_changes() {
        let (recent, product) = (Recent::default(), product());
        let read = || recent.product(product.tenant_id, product.id);
        assert_eq!(read(), None);
        recent.keep(&product, Instant::now());
        assert_eq!(read(), Some(Arc::clone(&product)));
        assert_eq!(recent.product(TenantId::new(), product.id), None, "another tenant's");
        recent.product_changed(product.id);
        assert_eq!(read(), None);
        recent.keep(&product, Instant::now());
        assert!(read().is_some());
        recent.listing_changed(product.listing_id);
        assert_eq!(read(), None);
    }

    #[test]
    fn a_reading_that_began_before_a_change_is_void_although_it_ended_after() {
        let (recent, product) = (Recent::default(), product());
        let began_at = Instant::now();
        recent.product_changed(product.id);
        recent.keep(&product, began_at);
        assert_eq!(recent.product(product.tenant_id, product.id), None);
        let long_ago = Instant::now().checked_sub(2 * FRESH_FOR).unwrap();
        let other = self::product();
        recent.keep(&other, long_ago);
        assert_eq!(recent.product(other.tenant_id, other.id), None, "too old");
    }
}
