//! What requests say of products: the bodies that add and change them, and the query that lists them.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::field_parsing::{check_text, parsed, truth};
use super::paging::limit_of;
use super::problem::Problem;
use super::strict::{List, given};
use crate::domain::product::{self, MAX_TAGS};
use crate::domain::{Listing, Marketplace};
use crate::service::{AddProduct, FieldError, ListProducts, ListingAddress, ProductFilter, ProductOrder, ProductPatch};

/// A listing to track, named by `asin` or by `url`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "url": "https://www.amazon.de/dp/B08PZHYWJS", "frequency": "hourly", "tags": ["headphones"] }))]
pub(super) struct AddProductBody {
    /// `B` and nine letters or digits, or an ISBN-10.
    #[schema(max_length = 10)]
    asin: Option<String>,
    /// The URL of the product on Amazon, as copied from a browser.
    url: Option<String>,
    /// The site of the ASIN: `com`, `co.uk`, `de`, …
    marketplace: Option<String>,
    /// `hourly`, `daily`, `weekly`, `monthly`, an interval such as `30m`, or `adaptive`: once a day on average, more often the more
    /// often the offer changes. `adaptive:6h`: once in six hours on average.
    frequency: Option<String>,
    /// Your name for it.
    #[schema(max_length = 200)]
    label: Option<String>,
    /// Tags.
    #[serde(default)]
    #[schema(value_type = Vec<Tag>, max_items = 50)]
    tags: List<String, MAX_TAGS>,
    /// A competitor's product.
    #[serde(default)]
    is_competitor: bool,
    /// Read its offer list as well: the offers of all sellers.
    watch_offers: Option<bool>,
    /// How often to read its offer list, with a crawl: default `daily`. Not more often than `frequency`.
    offers_frequency: Option<String>,
}

impl AddProductBody {
    pub(super) fn into_request(self, default_marketplace: Marketplace) -> Result<AddProduct, Problem> {
        let mut errors = Vec::new();
        let marketplace: Option<Marketplace> = parsed("marketplace", self.marketplace.as_deref(), &mut errors);
        let frequency = parsed("frequency", self.frequency.as_deref(), &mut errors);
        let offers_interval = parsed("offers_frequency", self.offers_frequency.as_deref(), &mut errors);
        let listing = match (&self.asin, &self.url) {
            (Some(asin), None) => parsed("asin", Some(asin.as_str()), &mut errors)
                .map(|asin| ListingAddress::Listing(Listing::new(marketplace.unwrap_or(default_marketplace), asin))),
            (None, Some(url)) => ListingAddress::from_url(url, marketplace).map_err(|error| errors.push(error)).ok(),
            (None, None) => {
                errors.push(FieldError::new("asin", "asin or url is required"));
                None
            }
            (Some(_), Some(_)) => {
                errors.push(FieldError::new("url", "give either asin or url, not both"));
                None
            }
        };
        match listing {
            Some(listing) if errors.is_empty() => Ok(AddProduct {
                listing,
                frequency,
                label: self.label,
                tags: self.tags.0,
                is_competitor: self.is_competitor,
                offers_interval: product::offers_interval(self.watch_offers, offers_interval),
            }),
            _ => Err(Problem::invalid(errors)),
        }
    }
}

/// A tag, for the document.
#[derive(ToSchema)]
#[schema(max_length = 50)]
#[expect(dead_code, reason = "describes the items of a list")]
pub(super) struct Tag(String);

/// Changes to a product. Omitted fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "frequency": "6h", "label": null }))]
pub(super) struct PatchProductBody {
    /// Null removes it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 200)]
    label: Option<Option<String>>,
    /// Replaces all tags.
    #[schema(value_type = Option<Vec<Tag>>, max_items = 50)]
    tags: Option<List<String, MAX_TAGS>>,
    /// `hourly`, `daily`, `weekly`, `monthly`, an interval such as `30m`, or `adaptive`: once a day on average, more often the more
    /// often the offer changes. `adaptive:6h`: once in six hours on average.
    frequency: Option<String>,
    /// A competitor's product.
    is_competitor: Option<bool>,
    /// `active` or `paused`.
    status: Option<String>,
    /// Read its offer list as well.
    watch_offers: Option<bool>,
    /// How often to read its offer list.
    offers_frequency: Option<String>,
}

impl PatchProductBody {
    pub(super) fn into_patch(self, expected_version: Option<i64>) -> Result<ProductPatch, Problem> {
        let mut errors = Vec::new();
        let frequency = parsed("frequency", self.frequency.as_deref(), &mut errors);
        let status = parsed("status", self.status.as_deref(), &mut errors);
        let offers_interval = parsed("offers_frequency", self.offers_frequency.as_deref(), &mut errors);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        Ok(ProductPatch {
            label: self.label,
            tags: self.tags.map(|tags| tags.0),
            frequency,
            is_competitor: self.is_competitor,
            status,
            watch_offers: self.watch_offers,
            offers_interval,
            expected_version,
        })
    }
}

/// Filter, order and page of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListProductsQuery {
    /// Has this tag.
    tag: Option<String>,
    /// On this marketplace.
    marketplace: Option<String>,
    /// `active` or `paused`.
    status: Option<String>,
    /// Title, label or ASIN contains this.
    text: Option<String>,
    /// `true`: only products whose listing fails; `false`: only the others.
    #[param(value_type = Option<bool>)]
    failing: Option<String>,
    /// `newest` (default), `oldest`, `title`, `price` or `-price`.
    sort: Option<String>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Rows, 1 to 250; default 50.
    #[param(minimum = 1, maximum = 250)]
    limit: Option<String>,
}

impl ListProductsQuery {
    pub(super) fn into_request(self) -> Result<ListProducts, Problem> {
        let mut errors = Vec::new();
        let filter = ProductFilter {
            tag: self.tag,
            marketplace: parsed("marketplace", self.marketplace.as_deref(), &mut errors),
            status: parsed("status", self.status.as_deref(), &mut errors),
            text: self.text,
            failing: self.failing.as_deref().and_then(|text| truth("failing", text, &mut errors)),
            ..ProductFilter::default()
        };
        let order = match self.sort.as_deref() {
            None | Some("newest") => ProductOrder::NewestFirst,
            Some("oldest") => ProductOrder::OldestFirst,
            Some("title") => ProductOrder::Title,
            Some("price") => ProductOrder::PriceRising,
            Some("-price") => ProductOrder::PriceFalling,
            Some(_) => {
                errors.push(FieldError::new("sort", "use newest, oldest, title, price or -price"));
                ProductOrder::default()
            }
        };
        check_text("tag", filter.tag.as_deref(), &mut errors);
        check_text("text", filter.text.as_deref(), &mut errors);
        let limit = limit_of(self.limit.as_deref(), &mut errors);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        Ok(ListProducts { filter, order, cursor: self.cursor, limit })
    }
}
