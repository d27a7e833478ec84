//! The body of a check: the draft of a listing.

use jiff::civil::Date;
use serde::Deserialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::strict::{List, object, optional_object};
use crate::domain::Marketplace;
use crate::insight::listing_rules::{
    APlus, APlusImage, APlusKind, APlusState, ListingContent, ListingImage, Origin, ProductGroup,
};
use crate::service::FieldError;

const MAX_BRAND_CHARS: usize = 200;

/// The draft of a listing. Rules about what is omitted are not checked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "marketplace": "com", "product_group": "other", "brand": "Simhaus",
    "title": "Simhaus Electric Kettle, 1.7 l, Stainless Steel",
    "bullets": ["Boils a litre in three minutes", "Switches off by itself", "The lid opens with one hand"]
}))]
pub(super) struct ListingDraftBody {
    /// The marketplace.
    #[schema(value_type = String, example = "com")]
    marketplace: Marketplace,
    /// The day whose rules apply; default today (UTC).
    #[schema(value_type = Option<String>, format = Date, example = "2026-07-27")]
    on: Option<Date>,
    /// `media` (books, music, films) or `other`. Without it, rules that differ are not checked.
    #[schema(value_type = Option<String>, example = "other")]
    product_group: Option<ProductGroup>,
    /// A vendor's listing, who sells to Amazon: vendors may have more bullets.
    is_vendor: Option<bool>,
    /// The brand, which may have characters that titles may not; empty: there is none.
    #[schema(max_length = 200)]
    brand: Option<String>,
    title: Option<String>,
    /// The line below the title.
    item_highlights: Option<String>,
    #[schema(value_type = Option<Vec<String>>, max_items = 20)]
    bullets: Option<List<String, 20>>,
    /// With its HTML, if it has any.
    description: Option<String>,
    /// The main image first.
    #[schema(value_type = Option<Vec<DraftImage>>, max_items = 30)]
    images: Option<List<DraftImageBody, 30>>,
    has_video: Option<bool>,
    #[serde(default, deserialize_with = "optional_object")]
    a_plus: Option<DraftAPlusBody>,
    /// Names that A+ content must not mention.
    #[schema(value_type = Option<Vec<String>>, max_items = 50)]
    competitors: Option<List<String, 50>>,
}

/// An image.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(transparent)]
struct DraftImageBody(#[serde(deserialize_with = "object")] DraftImage);

/// An image.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DraftImage {
    /// Width in pixels.
    width: Option<u32>,
    /// Height in pixels.
    height: Option<u32>,
    /// The background is pure white.
    is_background_white: Option<bool>,
    /// The percentage of the image that the product fills.
    #[schema(maximum = 100)]
    fill_percent: Option<u8>,
}

/// A+ content.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DraftAPlus)]
struct DraftAPlusBody {
    kind: WireAPlusKind,
    /// Number of modules.
    module_count: Option<u32>,
    #[schema(value_type = Option<Vec<String>>, max_items = 50)]
    texts: Option<List<String, 50>>,
    #[schema(value_type = Option<Vec<DraftAPlusImage>>, max_items = 50)]
    images: Option<List<DraftAPlusImageBody, 50>>,
}

/// The kind of A+ content.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = APlusKind)]
enum WireAPlusKind {
    Basic,
    Premium,
}

/// An image of A+ content.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(transparent)]
struct DraftAPlusImageBody(#[serde(deserialize_with = "object")] DraftAPlusImage);

/// An image of A+ content.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DraftAPlusImage {
    /// Width in pixels.
    width: Option<u32>,
    /// Height in pixels.
    height: Option<u32>,
    /// Size of the file.
    size_bytes: Option<u64>,
    /// It has the full width of its module.
    is_full_width: Option<bool>,
}

impl ListingDraftBody {
    /// The draft, and the day whose rules apply.
    pub(super) fn draft(self) -> Result<(ListingContent, Option<Date>), Problem> {
        let mut errors = Vec::new();
        if self.brand.as_ref().is_some_and(|brand| brand.chars().count() > MAX_BRAND_CHARS) {
            errors.push(FieldError::new("brand", format!("must have at most {MAX_BRAND_CHARS} characters")));
        }
        let images = self.images.map(|List(images)| images);
        for (at, DraftImageBody(image)) in images.iter().flatten().enumerate() {
            if image.fill_percent.is_some_and(|percent| percent > 100) {
                errors.push(FieldError::new(&format!("images[{at}].fill_percent"), "must be at most 100"));
            }
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let draft = ListingContent {
            group: self.product_group,
            is_vendor: self.is_vendor,
            brand: self.brand,
            title: self.title,
            item_highlights: self.item_highlights,
            bullets: self.bullets.map(|List(bullets)| bullets),
            description: self.description,
            images: images.map(|images| images.into_iter().map(|DraftImageBody(image)| image.into()).collect()),
            has_video: self.has_video,
            a_plus: self.a_plus.map_or(APlusState::Unknown, |a_plus| APlusState::Known(a_plus.into())),
            competitors: self.competitors.map(|List(names)| names),
            ..ListingContent::unknown(Origin::Draft, self.marketplace)
        };
        Ok((draft, self.on))
    }
}

impl From<DraftImage> for ListingImage {
    fn from(image: DraftImage) -> Self {
        let DraftImage { width, height, is_background_white, fill_percent } = image;
        Self { width, height, is_background_white, fill_percent }
    }
}

impl From<DraftAPlusBody> for APlus {
    fn from(body: DraftAPlusBody) -> Self {
        let image = |DraftAPlusImageBody(image)| {
            let DraftAPlusImage { width, height, size_bytes, is_full_width } = image;
            APlusImage { width, height, size_bytes, is_full_width }
        };
        Self {
            kind: match body.kind {
                WireAPlusKind::Basic => APlusKind::Basic,
                WireAPlusKind::Premium => APlusKind::Premium,
            },
            module_count: body.module_count,
            texts: body.texts.map(|List(texts)| texts),
            images: body.images.map(|List(images)| images.into_iter().map(image).collect()),
        }
    }
}
