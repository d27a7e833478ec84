//! What is known of a product's listing, as the evidence of advice.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Date};
use serde_json::Value;

use super::{Dependencies, ServiceResult};
use crate::advice::{AdviceItem, Evidence, KnownListing, evidence, findings, seen_at, window_days};
use crate::domain::{ContentField, MAX_COMPETITORS, Product};
use crate::insight::listing_rules::{ListingContent, Origin, check};
use crate::insight::{Comparison, Peer, SERIES_OF_REPUTATION, comparison, insight};

/// The longest window that facts are about.
const MAX_WINDOW_DAYS: u32 = 90;

/// What advice about a product rests on.
pub(super) struct ProductEvidence {
    /// When it was gathered.
    pub(super) at: Timestamp,
    /// The facts.
    pub(super) evidence: Evidence,
    /// What follows from them without a model.
    pub(super) findings: Vec<AdviceItem>,
}

impl ProductEvidence {
    /// The day (UTC).
    pub(super) fn today(&self) -> Date {
        self.at.to_zoned(TimeZone::UTC).date()
    }
}

impl Dependencies {
    /// Gathers what advice about a product rests on. It costs no money.
    pub(super) async fn evidence_of(&self, product: &Product) -> ServiceResult<ProductEvidence> {
        let now = self.store.now().await?;
        let stored = self.latest_content(product).await?;
        let marketplace = product.listing.marketplace;
        let content = match &stored {
            Some(version) => ListingContent::observed(marketplace, &version.content),
            None => ListingContent::unknown(Origin::Observed, marketplace),
        };
        let has_a_plus = stored.as_ref().and_then(|version| version.content.get(ContentField::HasAPlus.as_str()));
        // Until the last crawl: the facts stay the same until the next one.
        let seen_at = seen_at(product, now);
        let history = self.listing_history(product, MAX_WINDOW_DAYS, seen_at, SERIES_OF_REPUTATION).await?;
        let days = window_days(&history);
        let competitors = self.competitor_products(product).await?;
        let peers: Vec<Peer> = competitors.iter().map(Peer::from).collect();
        let compared = self.compare_with(product, &competitors, days, seen_at).await?;
        let known = KnownListing {
            product,
            content: &content,
            has_a_plus: has_a_plus.and_then(Value::as_bool),
            content_since: stored.as_ref().map(|version| version.at),
            check: &check(&content, now.to_zoned(TimeZone::UTC).date()),
            history: &history,
            insight: &insight(&history, days, &Peer::from(product), &peers),
            comparison: compared.as_ref(),
            days,
            now,
        };
        let evidence = evidence(&known);
        let findings = findings(&known, &evidence);
        Ok(ProductEvidence { at: now, evidence, findings })
    }

    /// The product beside the first of its competitors; `None`: it has none.
    async fn compare_with(
        &self,
        product: &Product,
        competitors: &[Product],
        days: u32,
        at: Timestamp,
    ) -> ServiceResult<Option<Comparison>> {
        if competitors.is_empty() {
            return Ok(None);
        }
        let own = self.compared(product, days, at).await?;
        let mut others = Vec::new();
        for competitor in competitors.iter().take(MAX_COMPETITORS) {
            others.push(self.compared(competitor, days, at).await?);
        }
        Ok(Some(comparison(&own, &others, days)))
    }
}
