//! "Check now": durable before it is answered.

use async_trait::async_trait;

use super::{Page, StoreResult};
use crate::domain::{ProductId, Task, TaskId, TenantId};

/// The tasks of tenants.
#[async_trait]
pub trait Tasks: Send + Sync {
    /// Asks for a look at some products now. Every product must be the tenant's, or nothing is asked for and the answer is
    /// [`NotFound`](super::StoreError::NotFound). Listings that are idle move to the lane of those asked for, due now; a look that is under way is not cut
    /// short but shared. A parked listing is woken. A paused product can be asked for.
    async fn request_crawl(&self, tenant_id: TenantId, products: &[ProductId]) -> StoreResult<Task>;

    /// A page of a tenant's tasks, the newest first.
    async fn tasks(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<Task>>;

    /// One task of a tenant, as it stands now.
    async fn task(&self, tenant_id: TenantId, id: TaskId) -> StoreResult<Task>;
}
