//! Public links to products.

use async_trait::async_trait;

use super::StoreResult;
use crate::domain::{ProductId, Share, ShareId, SharedParts, TenantId, TokenHash};

/// A share to be added.
#[derive(Debug, Clone)]
pub struct NewShare {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The product.
    pub product_id: ProductId,
    /// The hash of its token.
    pub hash: TokenHash,
    /// What it shows.
    pub shows: SharedParts,
    /// How many shares the product may have, including this one.
    pub quota: u32,
}

/// The public links to products. They end with their product.
#[async_trait]
pub trait Shares: Send + Sync {
    /// Adds a share. [`NotFound`](super::StoreError::NotFound): the tenant does not have the product;
    /// [`OverQuota`](super::StoreError::OverQuota): the product has as many as it may.
    async fn add_share(&self, share: NewShare) -> StoreResult<Share>;

    /// All shares of a product, newest first.
    async fn shares(&self, tenant_id: TenantId, product_id: ProductId) -> StoreResult<Vec<Share>>;

    /// Removes a share and returns it, or [`NotFound`](super::StoreError::NotFound).
    async fn remove_share(&self, tenant_id: TenantId, id: ShareId) -> StoreResult<Share>;

    /// The share with this token, whose use is recorded at most once an hour. [`NotFound`](super::StoreError::NotFound): there is none,
    /// or its tenant is to be deleted.
    async fn use_share(&self, token: TokenHash) -> StoreResult<Share>;
}
