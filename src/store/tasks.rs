//! Tasks: crawls that were requested.

use async_trait::async_trait;

use super::{Page, StoreResult};
use crate::domain::{JobId, ProductId, Task, TenantId};

/// The tasks of tenants.
#[async_trait]
pub trait Tasks: Send + Sync {
    /// Requests a crawl of some products now. If the tenant does not have one of them, nothing is requested and the answer is
    /// [`NotFound`](super::StoreError::NotFound). Idle listings move to the lane of requested crawls, due now; a running crawl is not
    /// interrupted but shared. A parked listing is unparked. Paused products may be requested. Each product counts as one of the
    /// `crawls_per_day`; more are [`OverQuota`](super::StoreError::OverQuota).
    async fn request_crawl(
        &self,
        tenant_id: TenantId,
        products: &[ProductId],
        crawls_per_day: u32,
    ) -> StoreResult<Task>;

    /// A page of a tenant's tasks, newest first.
    async fn tasks(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<Task>>;

    /// One task of a tenant with its current status.
    async fn task(&self, tenant_id: TenantId, id: JobId) -> StoreResult<Task>;
}
