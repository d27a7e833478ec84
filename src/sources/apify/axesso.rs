//! Items of axesso's "Amazon product details scraper".

use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::items::{
    Answer, Offer, asin_of_url, image_ids, is_elsewhere, observed, or_none, price, read, seller_id, text, texts_of,
};
use crate::domain::{Asin, Availability, Content, Failure, Listing, Marketplace, Observation, Outcome, Rank, Reading};
use crate::extract::texts;

/// The input of a run.
pub(super) fn input(listings: &[Listing]) -> Value {
    json!({ "urls": listings.iter().map(Listing::url).collect::<Vec<_>>() })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(default, deserialize_with = "or_none")]
    asin: Option<Asin>,
    #[serde(default, deserialize_with = "or_none")]
    url: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    title: Option<String>,
    /// The byline.
    #[serde(default, deserialize_with = "or_none")]
    manufacturer: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    main_image: Option<MainImage>,
    #[serde(default, deserialize_with = "or_none")]
    image_url_list: Option<Vec<String>>,
    /// A text: "4.5 out of 5 stars".
    #[serde(default, deserialize_with = "or_none")]
    product_rating: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    count_review: Option<u32>,
    /// Without currency; 0: none.
    #[serde(default, deserialize_with = "or_none")]
    price: Option<Number>,
    /// 0: none.
    #[serde(default, deserialize_with = "or_none")]
    retail_price: Option<Number>,
    /// Of a parent whose variations have different prices.
    #[serde(default, deserialize_with = "or_none")]
    price_range: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    sold_by: Option<String>,
    /// Null when Amazon sells.
    #[serde(default, deserialize_with = "or_none")]
    seller_id: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    features: Option<Vec<String>>,
    #[serde(default, deserialize_with = "or_none")]
    product_description: Option<String>,
    /// So it is spelled.
    #[serde(default, rename = "videoeUrlList", deserialize_with = "or_none")]
    video_url_list: Option<Vec<String>>,
    #[serde(default, deserialize_with = "or_none")]
    categories_extended: Option<Vec<Category>>,
    #[serde(default, deserialize_with = "or_none")]
    fulfilled_by: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    warehouse_availability: Option<String>,
    /// The price is that of a used offer.
    #[serde(default, deserialize_with = "or_none")]
    used: Option<bool>,
    #[serde(default, deserialize_with = "or_none")]
    product_details: Option<Vec<Detail>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MainImage {
    #[serde(default, deserialize_with = "or_none")]
    image_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Category {
    #[serde(default, deserialize_with = "or_none")]
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Detail {
    #[serde(default, deserialize_with = "or_none")]
    name: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    value: Option<String>,
}

/// What an item tells about a listing of this marketplace.
pub(super) fn answer(item: &Value, marketplace: Marketplace) -> Answer {
    let item: Item = match read(item) {
        Ok(item) => item,
        Err(answer) => return answer,
    };
    // The URL is the one that was requested, as far as Amazon did not redirect it.
    let requested = item.asin.or_else(|| item.url.as_deref().and_then(asin_of_url));
    if item.url.as_deref().is_some_and(|url| is_elsewhere(url, marketplace)) {
        return Answer { requested, outcome: Outcome::Failed(Failure::WrongRegion) };
    }
    Answer { requested, outcome: observed(item.observation(marketplace)) }
}

impl Item {
    /// The item has no word about A+ content.
    fn content(&self) -> Content {
        let categories = self.categories_extended.iter().flatten().filter_map(|category| category.name.clone());
        Content {
            title: text(self.title.clone()),
            brand: self.manufacturer.as_deref().and_then(texts::brand),
            bullets: self.features.clone().and_then(texts_of),
            image_ids: image_ids(self.image_url_list.clone()),
            description: text(self.product_description.clone()),
            category_path: texts_of(categories),
            has_video: self.video_url_list.as_ref().map(|videos| !videos.is_empty()),
            is_whole: true,
            ..Content::default()
        }
    }

    fn observation(self, marketplace: Marketplace) -> Observation {
        let mut seen = Observation::empty(self.asin);
        seen.content = self.content();
        seen.ranks = self.ranks(marketplace);
        seen.rating = Reading::or_unknown(self.product_rating.as_deref().and_then(texts::rating));
        // Zero stands for none and for unknown.
        seen.review_count = Reading::or_unknown(self.count_review.filter(|count| *count > 0));
        seen.brand = self.manufacturer.as_deref().and_then(texts::brand);
        let first_image = |images: Vec<String>| images.into_iter().next();
        let main_image = self.main_image.and_then(|image| text(image.image_url));
        seen.image_url = main_image.or_else(|| self.image_url_list.and_then(first_image));
        seen.title = text(self.title);
        let line = text(self.warehouse_availability);
        let seller = text(self.sold_by);
        let price = price(self.price.as_ref(), marketplace).filter(|_| text(self.price_range).is_none());
        // Nothing of the Buy Box is there.
        let is_none = price.is_none() && line.is_none() && seller.is_none() && text(self.fulfilled_by).is_none();
        let offer = Offer {
            price,
            list_price: super::items::price(self.retail_price.as_ref(), marketplace),
            seller_id: seller_id(self.seller_id.as_deref(), seller.as_deref(), marketplace),
            seller,
            availability: match line.and_then(|line| texts::availability(&line, marketplace)) {
                None if is_none => Availability::NoFeaturedOffer,
                availability => availability.unwrap_or_default(),
            },
            is_none: is_none || self.used == Some(true),
        };
        offer.observe(&mut seen);
        seen
    }

    fn ranks(&self, marketplace: Marketplace) -> Reading<Vec<Rank>> {
        let details = self.product_details.iter().flatten();
        let row =
            details.filter(|detail| detail.name.as_deref().is_some_and(texts::is_rank_label)).find_map(|detail| {
                let ranks = texts::ranks(detail.value.as_deref()?, marketplace);
                (!ranks.is_empty()).then_some(ranks)
            });
        Reading::or_unknown(row)
    }
}
