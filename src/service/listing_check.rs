//! Checks listings and drafts of listings against Amazon's rules.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Dependencies, Service, ServiceResult};
use crate::domain::{ListingId, ProductId, TenantId};
use crate::insight::listing_rules::{ListingCheck, ListingContent, Origin, ProductGroup, check};

/// What a check of a product's listing is asked for.
#[derive(Debug, Clone, Copy)]
pub struct CheckListing {
    /// The product.
    pub product_id: ProductId,
    /// The day whose rules apply; `None`: today (UTC).
    pub on: Option<Date>,
    /// The group of the product; `None`: what its page tells.
    pub group: Option<ProductGroup>,
    /// The listing is a vendor's; `None`: not known.
    pub is_vendor: Option<bool>,
}

/// A listing that was checked.
#[derive(Debug, Clone)]
pub struct CheckedListing {
    /// The listing.
    pub listing_id: ListingId,
    /// From when on its content holds; `None`: none has been read yet.
    pub content_since: Option<Timestamp>,
    /// The content, checked.
    pub checked: CheckedContent,
}

/// Content that was checked.
#[derive(Debug, Clone)]
pub struct CheckedContent {
    /// The content.
    pub content: ListingContent,
    /// The day whose rules were applied.
    pub on: Date,
    /// The outcome.
    pub outcome: ListingCheck,
}

impl CheckedContent {
    fn of(content: ListingContent, on: Option<Date>) -> Self {
        let on = on.unwrap_or_else(|| Timestamp::now().to_zoned(TimeZone::UTC).date());
        Self { outcome: check(&content, on), content, on }
    }
}

impl Service {
    /// Checks the content of a product's listing, as it was last read.
    pub async fn check_listing(&self, tenant_id: TenantId, request: CheckListing) -> ServiceResult<CheckedListing> {
        self.run(async move |deps: Arc<Dependencies>| {
            let product = deps.store.product(tenant_id, request.product_id).await?;
            let marketplace = product.listing.marketplace;
            let newest = deps.store.content_versions(product.listing_id, None, 1).await?.items.into_iter().next();
            let content_since = newest.as_ref().map(|version| version.at);
            let mut content = match newest {
                Some(version) => ListingContent::observed(marketplace, &version.content),
                None => ListingContent::unknown(Origin::Observed, marketplace),
            };
            content.group = request.group.or(content.group);
            content.is_vendor = request.is_vendor;
            let checked = CheckedContent::of(content, request.on);
            Ok(CheckedListing { listing_id: product.listing_id, content_since, checked })
        })
        .await
    }

    /// Checks a draft, which is stored nowhere. `on`: the day whose rules apply; `None`: today (UTC).
    pub async fn check_draft(&self, draft: ListingContent, on: Option<Date>) -> ServiceResult<CheckedContent> {
        self.run(async move |_| Ok(CheckedContent::of(draft, on))).await
    }
}
