//! Who held the Buy Box (the featured offer), by Amazon's ids of the sellers.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::distribution::days_of;
use super::history::{ListingHistory, coverage};
use super::measure::{Measure, Missing, enough_days};
use crate::domain::Series;
use crate::domain::steps::{Span, Window};

const MIN_DAYS: u32 = 14;

/// The sellers that held the Buy Box in the window.
#[derive(Debug, Clone, PartialEq)]
pub struct BuyBox {
    /// The longest holder first.
    pub sellers: Vec<SellerShare>,
    /// Changes from one known seller to another.
    pub flips: usize,
}

/// One seller's part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SellerShare {
    /// Amazon's id of the seller.
    pub seller_id: String,
    /// The name that was last displayed.
    pub name: Option<String>,
    /// Its share of the time with a known seller, 0–1.
    pub share: f64,
    /// Time-weighted mean price while it held the Buy Box, in minor units; `None`: no price is known of that time.
    pub mean_price_minor: Option<i64>,
}

/// The time of one seller.
#[derive(Default)]
struct Held {
    time: SignedDuration,
    priced_millis: i128,
    price_millis: i128,
    last: Option<Timestamp>,
}

/// Seller's ÷ known-seller time. Counts the sellers.
pub(super) fn buy_box(history: &ListingHistory, window: Window) -> Measure<BuyBox> {
    let sellers = history.texts(&Series::SellerId.into(), window);
    let prices = history.numbers(&Series::Price.into(), window);
    let held = held(&sellers, &prices);
    let known: SignedDuration = held.values().map(|held| held.time).sum();
    let coverage = coverage(known, sellers.first().map(|span| span.from), window);
    let value = || -> Result<BuyBox, Missing> {
        enough_days(days_of(known), MIN_DAYS)?;
        let names = history.texts(&Series::Seller.into(), window);
        let mut shares: Vec<SellerShare> =
            held.iter().map(|(id, held)| share(id, held, known, name_at(&names, held.last))).collect();
        shares.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.seller_id.cmp(&b.seller_id)));
        Ok(BuyBox { sellers: shares, flips: flips(&sellers) })
    };
    Measure::of(held.len(), coverage, value())
}

fn share(id: &str, held: &Held, known: SignedDuration, name: Option<&str>) -> SellerShare {
    let mean = (held.priced_millis > 0)
        .then(|| (held.price_millis + held.priced_millis / 2).div_euclid(held.priced_millis))
        .and_then(|mean| i64::try_from(mean).ok());
    SellerShare {
        seller_id: id.to_owned(),
        name: name.map(str::to_owned),
        share: held.time.as_secs_f64() / known.as_secs_f64(),
        mean_price_minor: mean,
    }
}

/// How long each seller held the Buy Box, and at which prices.
fn held<'s>(sellers: &[Span<&'s str>], prices: &[Span<i64>]) -> BTreeMap<&'s str, Held> {
    let mut held: BTreeMap<&str, Held> = BTreeMap::new();
    let mut first_price = 0;
    for span in sellers {
        let Some(id) = span.value else { continue };
        let seller = held.entry(id).or_default();
        seller.time += span.length();
        seller.last = Some(span.from);
        while prices.get(first_price).is_some_and(|price| price.to <= span.from) {
            first_price += 1;
        }
        for price in prices[first_price..].iter().take_while(|price| price.from < span.to) {
            let Some(value) = price.value else { continue };
            let millis = price.to.min(span.to).duration_since(price.from.max(span.from)).as_millis();
            seller.priced_millis += millis;
            seller.price_millis += i128::from(value) * millis;
        }
    }
    held
}

fn name_at<'s>(names: &[Span<&'s str>], at: Option<Timestamp>) -> Option<&'s str> {
    names.iter().rfind(|span| Some(span.from) <= at).and_then(|span| span.value)
}

fn flips(sellers: &[Span<&str>]) -> usize {
    let known: Vec<&str> = sellers.iter().filter_map(|span| span.value).collect();
    known.windows(2).filter(|pair| pair[0] != pair[1]).count()
}
