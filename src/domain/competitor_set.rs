//! Competitor sets: an own product, and the products that it is compared with.

use jiff::Timestamp;

use super::ids::{CompetitorSetId, ProductId, TenantId};

/// Maximum competitors of a set.
pub const MAX_COMPETITORS: usize = 20;

/// An own product, and the products that it is compared with. A person has confirmed each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompetitorSet {
    /// Identifier.
    pub id: CompetitorSetId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// A name for people.
    pub name: String,
    /// The own product. The set is deleted with it.
    pub product_id: ProductId,
    /// At most [`MAX_COMPETITORS`] products, in the order given. Never the own one.
    pub competitors: Vec<ProductId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When name or competitors last changed.
    pub updated_at: Timestamp,
    /// Incremented by each change.
    pub version: i64,
}
