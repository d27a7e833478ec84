//! Public links to products.

use jiff::Timestamp;

use super::ids::{ProductId, ShareId, TenantId};

/// What a share shows of the tenant's own beside the listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SharedParts {
    /// The tenant's name for the product.
    pub label: bool,
    /// Its tags.
    pub tags: bool,
    /// The price that a rule about it waits for.
    pub target: bool,
}

/// A public link to a product. Its token is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Identifier.
    pub id: ShareId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The product.
    pub product_id: ProductId,
    /// What it shows.
    pub shows: SharedParts,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last used, to the hour.
    pub used_at: Option<Timestamp>,
}
