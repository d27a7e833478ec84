//! Settings of products that are added together, in the bodies of requests and responses.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::strict::List;
use crate::domain::product::{self, MAX_TAGS};
use crate::domain::{Frequency, Interval, Marketplace, ProductDefaults};

/// Settings of products that a batch adds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchAdd {
    /// How often to crawl them; default daily.
    #[schema(value_type = Option<String>, example = "6h")]
    frequency: Option<Frequency>,
    /// Tags, at most 50.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 50)]
    tags: List<String, MAX_TAGS>,
    /// They are competitors' products.
    #[serde(default)]
    is_competitor: bool,
    /// Read their offer lists as well.
    watch_offers: Option<bool>,
    /// How often to read their offer lists, with a crawl: default `daily`.
    #[schema(value_type = Option<String>, example = "12h")]
    offers_frequency: Option<Interval>,
}

impl BatchAdd {
    /// These settings, and the marketplace of ASINs.
    pub(super) fn defaults(self, marketplace: Option<Marketplace>) -> ProductDefaults {
        let Self { frequency, tags, is_competitor, watch_offers, offers_frequency } = self;
        let offers_interval = product::offers_interval(watch_offers, offers_frequency);
        ProductDefaults { marketplace, frequency, tags: tags.0, is_competitor, offers_interval }
    }
}

/// Settings of products that are added together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductDefaults)]
pub(super) struct WireDefaults {
    /// The marketplace of an ASIN without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "de")]
    marketplace: Option<Marketplace>,
    /// How often they are crawled; null: daily.
    #[schema(value_type = Option<String>, example = "6h")]
    frequency: Option<Frequency>,
    tags: Vec<String>,
    /// They are competitors' products.
    is_competitor: bool,
    /// Whether their offer lists are read.
    watch_offers: bool,
    /// How often; null: never.
    #[schema(value_type = Option<String>, example = "12h")]
    offers_frequency: Option<Interval>,
}

impl From<ProductDefaults> for WireDefaults {
    fn from(defaults: ProductDefaults) -> Self {
        Self {
            marketplace: defaults.marketplace,
            frequency: defaults.frequency,
            tags: defaults.tags,
            is_competitor: defaults.is_competitor,
            watch_offers: defaults.offers_interval.is_some(),
            offers_frequency: defaults.offers_interval,
        }
    }
}
