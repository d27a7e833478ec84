//! Readings of single texts of a page, for sources that deliver the texts rather than the page.

use super::phrases::{self, LineMeaning};
use super::{attributes, facts, offers, rank, text};
use crate::domain::{Availability, Marketplace, OfferCondition, Rank, Rating};

/// The id in the URL of an image: `71ab+Cd` of `https://m.media-amazon.com/images/I/71ab+Cd._AC_US40_.jpg`.
pub fn image_id(url: &str) -> Option<&str> {
    attributes::image_id(url)
}

/// The availability line: "In Stock", "Nur noch 2 auf Lager", in any language. `None`: it is not understood.
pub fn availability(line: &str, marketplace: Marketplace) -> Option<Availability> {
    match phrases::availability(&text::line(line), Some(marketplace))? {
        LineMeaning::Availability(availability) => Some(availability),
        LineMeaning::NoFeaturedOffer => Some(Availability::NoFeaturedOffer),
    }
}

/// The brand of the byline under the title: "Visit the Apple Store", "Marke: Sony".
pub fn brand(byline: &str) -> Option<String> {
    facts::brand_of_byline(&text::line(byline))
}

/// The rating: "4.5 out of 5 stars", "4.9 顆星，最高 5 顆星".
pub fn rating(line: &str) -> Option<Rating> {
    facts::stars(&text::line(line))
}

/// Whether a product detail with this label has the bestseller ranks.
pub fn is_rank_label(label: &str) -> bool {
    phrases::any_language_contains(&text::line(label), |language| language.rank_headings)
}

/// The bestseller ranks: "#35,077 in Electronics (See Top 100 in Electronics) #2,607 in Headphones".
pub fn ranks(value: &str, marketplace: Marketplace) -> Vec<Rank> {
    rank::ranks(value, Some(marketplace))
}

/// The condition of an offer: "New", "Used - Like New".
pub fn condition(text: &str) -> OfferCondition {
    offers::condition(text)
}

/// Whether a condition is that of an offer that is not new: "Used - Good", "Renewed".
pub fn is_used(condition: &str) -> bool {
    phrases::any_language_contains(condition, |language| language.used)
}
