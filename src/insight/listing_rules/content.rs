//! The content of a listing that is checked: observed, or a draft.

use serde_json::{Map, Value};

use super::product_group::ProductGroup;
use crate::domain::{ContentField, Marketplace};

/// Where the content comes from, which decides why a part of it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Read from the page of a listing.
    Observed,
    /// Given by its author.
    Draft,
}

/// The content of a listing; `None`: not known.
#[derive(Debug, Clone, PartialEq)]
pub struct ListingContent {
    /// Where it comes from.
    pub origin: Origin,
    /// The marketplace of the listing.
    pub marketplace: Marketplace,
    /// The group of the product.
    pub group: Option<ProductGroup>,
    /// A vendor's, who sells to Amazon, instead of a seller's.
    pub is_vendor: Option<bool>,
    /// Brand.
    pub brand: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Item highlights: the line below the title.
    pub item_highlights: Option<String>,
    /// Feature bullets.
    pub bullets: Option<Vec<String>>,
    /// Description.
    pub description: Option<String>,
    /// The images, the main one first.
    pub images: Option<Vec<ListingImage>>,
    /// There is a video among the images.
    pub has_video: Option<bool>,
    /// A+ content.
    pub a_plus: APlusState,
    /// The names of competitors, which A+ content must not mention.
    pub competitors: Option<Vec<String>>,
}

/// An image; `None`: not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListingImage {
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
    /// The background is pure white.
    pub is_background_white: Option<bool>,
    /// The percentage of the image that the product fills.
    pub fill_percent: Option<u8>,
}

/// What is known of the A+ content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum APlusState {
    /// There is none.
    Absent,
    /// Not known, or its parts are not.
    Unknown,
    /// Known.
    Known(APlus),
}

/// The kind of A+ content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum APlusKind {
    /// Standard modules.
    Basic,
    /// Premium modules, of the full width.
    Premium,
}

/// A+ content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct APlus {
    /// Its kind.
    pub kind: APlusKind,
    /// Number of modules.
    pub module_count: Option<u32>,
    /// Its texts.
    pub texts: Option<Vec<String>>,
    /// Its images.
    pub images: Option<Vec<APlusImage>>,
}

/// An image of A+ content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct APlusImage {
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
    /// Size of the file.
    pub size_bytes: Option<u64>,
    /// It has the full width of its module: smaller images have other sizes.
    pub is_full_width: Option<bool>,
}

impl ListingContent {
    /// Content of which nothing is known.
    pub fn unknown(origin: Origin, marketplace: Marketplace) -> Self {
        Self {
            origin,
            marketplace,
            group: None,
            is_vendor: None,
            brand: None,
            title: None,
            item_highlights: None,
            bullets: None,
            description: None,
            images: None,
            has_video: None,
            a_plus: APlusState::Unknown,
            competitors: None,
        }
    }

    /// The content of a listing as it was observed and stored: the values by the names of [`ContentField`].
    pub fn observed(marketplace: Marketplace, values: &Map<String, Value>) -> Self {
        let value = |field: ContentField| values.get(field.as_str());
        let text = |field| value(field).and_then(Value::as_str).map(str::to_owned);
        let list = |field| {
            let texts = |items: &Vec<Value>| items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            value(field).and_then(Value::as_array).map(texts)
        };
        let brand = text(ContentField::Brand);
        let category_path: Vec<String> = list(ContentField::CategoryPath).unwrap_or_default();
        let image_ids: Option<Vec<String>> = list(ContentField::ImageIds);
        Self {
            group: ProductGroup::of_observed(&category_path, brand.is_some()),
            brand,
            title: text(ContentField::Title),
            bullets: list(ContentField::Bullets),
            description: text(ContentField::Description),
            images: image_ids.map(|ids| vec![ListingImage::default(); ids.len()]),
            has_video: value(ContentField::HasVideo).and_then(Value::as_bool),
            a_plus: match value(ContentField::HasAPlus).and_then(Value::as_bool) {
                Some(false) => APlusState::Absent,
                Some(true) | None => APlusState::Unknown,
            },
            ..Self::unknown(Origin::Observed, marketplace)
        }
    }
}
