//! Sources of observations: Amazon's pages, and the simulated marketplace that replaces them in demos and tests.

mod body;
pub mod direct;
pub mod simulated;

use async_trait::async_trait;

use crate::domain::{Listing, Outcome};

/// Fetches observations of listings.
#[async_trait]
pub trait Source: Send + Sync {
    /// The name of the source in settings and metrics.
    fn name(&self) -> &'static str;

    /// Makes one attempt, within the source's own time limits.
    async fn fetch(&self, listing: Listing) -> Outcome;
}
