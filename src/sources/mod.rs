//! Where observations come from: Amazon's own pages, and the simulated marketplace that stands in for them.

pub mod direct;
pub mod simulated;

use async_trait::async_trait;

use crate::domain::{Listing, Outcome};

/// A way of looking at a listing.
#[async_trait]
pub trait Source: Send + Sync {
    /// Its name in settings and metrics.
    fn name(&self) -> &'static str;

    /// Makes one attempt. Never takes longer than the source's own time limits.
    async fn fetch(&self, listing: Listing) -> Outcome;
}
