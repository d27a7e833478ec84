//! What the direct source reads besides the page of a crawl, within the limits of its marketplace.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::{Block, ListUrl, Listing, Marketplace, Outcome};
use crate::limits::{CrawlGate, SourceGate};
use crate::sources::direct::DirectSource;
use crate::sources::{ReadLists, RequestPace};

/// Lists of products. Crawls and lists share the rate limit.
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

/// The pace of the further requests of a crawl: the rate limit that its first request has waited for.
pub(super) struct GatedPace(pub Arc<SourceGate>);

#[async_trait]
impl RequestPace for GatedPace {
    async fn next_request(&self, marketplace: Marketplace) {
        self.0.ready(marketplace).await;
    }
}
