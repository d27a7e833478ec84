//! Lists of products, read by the direct source within the limits of its marketplace.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::{Block, ListUrl, Listing, Outcome};
use crate::limits::{CrawlGate, SourceGate};
use crate::sources::ReadLists;
use crate::sources::direct::DirectSource;

/// See the module. Crawls and lists share the rate limit.
pub(super) struct GatedLists {
    pub source: Arc<DirectSource>,
    pub gate: Arc<SourceGate>,
}

#[async_trait]
impl ReadLists for GatedLists {
    async fn read_list(&self, list: &ListUrl, page: u32) -> Result<Vec<Listing>, Outcome> {
        if self.gate.is_blocked(list.marketplace()) {
            return Err(Outcome::Blocked(Block::Refused { retry_after: None }));
        }
        self.gate.ready(list.marketplace()).await;
        self.source.read_list(list, page).await
    }
}
