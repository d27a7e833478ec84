//! The names of facts, by which findings look them up. The model reads them, so they say what they are.

use crate::domain::plain_text::{clean, shorten};
use crate::insight::listing_rules::ListingRule;

const MAX_CATEGORY_CHARS: usize = 100;

pub(super) const PRICE: &str = "price";
pub(super) const LIST_PRICE: &str = "list price beside the price";
pub(super) const LOWEST_PRICE: &str = "lowest price";
pub(super) const HIGHEST_PRICE: &str = "highest price";
pub(super) const MEAN_PRICE: &str = "mean price, weighted by time";
pub(super) const TIME_AT_HIGHER_PRICE: &str = "share of the time at a higher price than now";
pub(super) const IS_LOWEST_EVER: &str = "the price is the lowest since tracking began";
pub(super) const PRICE_CHANGES: &str = "changes of the price";
pub(super) const PRICE_DEVIATION: &str = "median distance of the price from its median";
pub(super) const CAN_BE_BOUGHT: &str = "it can be bought";
pub(super) const HAS_FEATURED_OFFER: &str = "an offer is featured (Buy Box)";
pub(super) const OUT_OF_STOCK: &str = "share of the time out of stock";
pub(super) const TIMES_OUT_OF_STOCK: &str = "times that it went out of stock";
pub(super) const RANK_IMPROVEMENTS: &str = "improvements of the sales rank";
pub(super) const RANK_CHANGES: &str = "changes of the sales rank";
pub(super) const SELLERS: &str = "sellers that held the Buy Box";
pub(super) const MAIN_SELLER_SHARE: &str =
    "share of the time in which the seller with the longest time held the Buy Box";
pub(super) const MAIN_SELLER_HOLDS: &str = "the seller with the longest time holds the Buy Box";
pub(super) const SELLER_CHANGES: &str = "changes of the Buy Box from one seller to another";
pub(super) const COMPETITORS: &str = "competitors whose price can be compared";
pub(super) const CHEAPER: &str = "competitors with a lower price";
pub(super) const COMPARED_PRICE: &str = "own price as it is compared";
pub(super) const CHEAPEST: &str = "lowest price of a competitor";
pub(super) const MEDIAN_OF_COMPETITORS: &str = "median price of the competitors";
pub(super) const TO_CHEAPEST: &str = "own price above the lowest of a competitor";
pub(super) const TO_MEDIAN: &str = "own price above the median of the competitors";
pub(super) const UNDERCUTS: &str = "times that a competitor became cheaper";
pub(super) const RATING: &str = "rating";
pub(super) const RATING_BEFORE: &str = "rating at the beginning";
pub(super) const REVIEWS: &str = "number of ratings";
pub(super) const REVIEWS_GAINED: &str = "ratings gained";
pub(super) const REVIEWS_LOST: &str = "ratings lost";
pub(super) const TITLE_LENGTH: &str = "length of the title";
pub(super) const BULLETS: &str = "number of bullets";
pub(super) const DESCRIPTION_LENGTH: &str = "length of the description";
pub(super) const IMAGES: &str = "number of images";
pub(super) const HAS_VIDEO: &str = "there is a video";
pub(super) const HAS_A_PLUS: &str = "there is A+ content";

/// The sales rank in a category, whose name stands on the page.
pub(super) fn rank_in(category: &str) -> String {
    format!("sales rank in {}", shorten(&clean(category), MAX_CATEGORY_CHARS))
}

/// The length of a bullet, counted from 1.
pub(super) fn bullet_length(number: usize) -> String {
    format!("length of bullet {number}")
}

/// A rule that is broken; its value is what was observed.
pub(super) fn broken(rule: &ListingRule) -> String {
    let field: &str = rule.field.into();
    format!("{field} breaks the rule {}: {}", rule.id, rule.requirement)
}

/// What a rule that is broken allows.
pub(super) fn limit(rule: &ListingRule) -> String {
    format!("limit of the rule {}", rule.id)
}
