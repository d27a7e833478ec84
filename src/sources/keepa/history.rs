//! What the series of a Keepa product mean as points of history.
//!
//! Keepa's values hold until the next one of their series, as ours do. -1 is the fact that there is none, and becomes an absent point;
//! -2 is the lack of a fact, and becomes nothing: as with our own crawls, the value before it stays until another is known.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::Timestamp;

use super::answer::{KeepaProduct, Numbers};
use crate::domain::{Asin, AsinError, Listing, Past, Point, PointValue, Reading, Series, SeriesKey};
use crate::keepa::{MAX_VALUE, NEW_HAS_SHIPPING, NONE, RATING_SCALE, Slot, marketplace_of, time_of};

/// Longer names are no categories.
const MAX_CATEGORY_CHARS: usize = 200;
/// Amazon's ids of sellers have 10 to 14 characters.
const MAX_SELLER_CHARS: usize = 32;
const MAX_RATING: i64 = 50;

/// Types of products whose other fields mean nothing (`Product.ProductType`).
mod product_type {
    /// Unknown to Amazon, or not yet to Keepa.
    pub const INVALID: i64 = 4;
    /// The parent of variations, which has no offers of its own.
    pub const VARIATION_PARENT: i64 = 5;
}

/// Why a product of an answer is that of no listing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusableProduct {
    /// It has no ASIN.
    #[error("it has no ASIN")]
    NoAsin,
    /// Its ASIN is none.
    #[error("its ASIN is invalid: {0}")]
    Asin(#[from] AsinError),
    /// Its domain is not one of Keepa's.
    #[error("its domain is unknown")]
    Domain,
}

/// A value of a series and the minute in which it began.
type Value = (i64, Reading<PointValue>);
/// Times and numbers as they stand in an answer.
type Pairs = Vec<(i64, Option<i64>)>;

/// The past of a listing, as a product tells it, up to `now`. A product that Keepa does not know has no points.
///
/// - Money is in minor units on both sides: Keepa does not scale the yen either.
/// - Price and shipping of the featured offer are two series of ours. Where there is no offer, both are absent; a shipping of -1 beside
///   a price is a contradiction, and unknown.
/// - The series NEW had no shipping before 2026-02-16. The lowest *landed* price is not known before, so only later values are taken.
///   NEW_FBA has no shipping at all: what Amazon ships is taken as free of it.
/// - SALES holds the ranks of one category after another (`salesRankReferenceHistory`). Its values belong to the category of their
///   time, beside those of `salesRanks`. Ranks of a category without a name are left out: history knows categories by name.
/// - This service's own answers (docs/keepa-api.md) name the category of SALES, and the times of which they tell nothing.
///
/// # Errors
/// See [`UnusableProduct`].
pub fn past_of(product: &KeepaProduct, now: Timestamp) -> Result<Past, UnusableProduct> {
    let asin: Asin = product.asin.as_deref().ok_or(UnusableProduct::NoAsin)?.parse()?;
    let marketplace = product.domain_id.and_then(marketplace_of).ok_or(UnusableProduct::Domain)?;
    let listing = Listing::new(marketplace, asin);
    let mut points = Points { now, unknown: unknown_times(product), found: Vec::new() };
    if !matches!(product.product_type, Some(product_type::INVALID | product_type::VARIATION_PARENT)) {
        add_offers(product, &mut points);
        add_counts(product, &mut points);
        for (category, ranks) in ranks_by_name(product) {
            points.add(SeriesKey { series: Series::SalesRank, category }, ranks);
        }
    }
    let last_point = points.found.iter().map(|point| point.at).max();
    let last_update = product.last_update.and_then(time_of).filter(|at| *at <= now);
    let known_until = last_update.max(last_point).unwrap_or(now);
    Ok(Past { listing, points: points.found, known_until })
}

fn add_offers(product: &KeepaProduct, points: &mut Points) {
    let buy_box = || triplets(product, Slot::BuyBoxShipping);
    points.add(Series::Price.into(), buy_box().map(|(at, price, _)| (at, money(price))).collect());
    points.add(
        Series::Shipping.into(),
        buy_box().map(|(at, price, shipping)| (at, shipping_of(price, shipping))).collect(),
    );
    points
        .add(Series::ListPrice.into(), pairs(product, Slot::ListPrice).map(|(at, price)| (at, money(price))).collect());
    points.add(Series::SellerId.into(), buy_box_sellers(product));
    let new = pairs(product, Slot::New).filter(|(at, _)| *at >= NEW_HAS_SHIPPING);
    points.add(Series::LowestNewPrice.into(), new.map(|(at, price)| (at, money(price))).collect());
    let by_amazon = pairs(product, Slot::NewFba).map(|(at, price)| (at, money(price)));
    points.add(Series::LowestFbaPrice.into(), by_amazon.collect());
    let by_merchant = triplets(product, Slot::NewFbmShipping);
    let by_merchant = by_merchant.map(|(at, price, shipping)| (at, landed(price, shipping)));
    points.add(Series::LowestMerchantPrice.into(), by_merchant.collect());
}

fn add_counts(product: &KeepaProduct, points: &mut Points) {
    for (series, slot) in [
        (Series::OfferCount, Slot::CountNew),
        (Series::UsedOfferCount, Slot::CountUsed),
        (Series::ReviewCount, Slot::CountReviews),
    ] {
        points.add(series.into(), pairs(product, slot).map(|(at, count)| (at, number(count, 0..=MAX_VALUE))).collect());
    }
    let rating = |value| match number(value, 1..=MAX_RATING) {
        Reading::Is(PointValue::Number(tenths)) => Reading::Is(PointValue::Number(tenths * RATING_SCALE)),
        other => other,
    };
    points.add(Series::Rating.into(), pairs(product, Slot::Rating).map(|(at, value)| (at, rating(value))).collect());
}

/// The points that are collected.
struct Points {
    now: Timestamp,
    unknown: Vec<Range<i64>>,
    found: Vec<Point>,
}

impl Points {
    /// Adds the changes of a series. Of several values of a minute the last one counts.
    fn add(&mut self, key: SeriesKey, mut values: Vec<Value>) {
        values.sort_by_key(|(minute, _)| *minute);
        values.retain(|(minute, _)| !self.unknown.iter().any(|time| time.contains(minute)));
        let known = values.into_iter().filter_map(|(minute, reading)| match reading {
            Reading::Unknown => None,
            Reading::Absent => Some((minute, None)),
            Reading::Is(value) => Some((minute, Some(value))),
        });
        let by_minute: BTreeMap<i64, Option<PointValue>> = known.collect();
        let mut last = None;
        for (minute, value) in by_minute {
            let Some(at) = time_of(minute).filter(|at| *at <= self.now) else { continue };
            if last.as_ref() != Some(&value) {
                self.found.push(Point { key: key.clone(), at, value: value.clone() });
                last = Some(value);
            }
        }
    }
}

/// Times of which the answer tells nothing: what stands at their beginning is no value.
fn unknown_times(product: &KeepaProduct) -> Vec<Range<i64>> {
    let times = product
        .unknown_times
        .0
        .chunks(2)
        .filter_map(|time| Some(time[0]?..time.get(1).map_or(Some(i64::MAX), |end| *end)?));
    times.collect()
}

fn series_of(product: &KeepaProduct, slot: Slot) -> &[Option<i64>] {
    product.csv.get(slot.index()).and_then(Option::as_ref).map_or(&[], |numbers| numbers.0.as_slice())
}

/// Time and value, of a list that has them in turn. An incomplete one at the end is left out.
fn pairs_of(list: &[Option<i64>]) -> impl Iterator<Item = (i64, Option<i64>)> + '_ {
    list.chunks_exact(2).filter_map(|pair| Some((pair[0]?, pair[1])))
}

fn pairs(product: &KeepaProduct, slot: Slot) -> impl Iterator<Item = (i64, Option<i64>)> + '_ {
    pairs_of(series_of(product, slot))
}

/// Time, price and shipping.
fn triplets(product: &KeepaProduct, slot: Slot) -> impl Iterator<Item = (i64, Option<i64>, Option<i64>)> + '_ {
    series_of(product, slot).chunks_exact(3).filter_map(|row| Some((row[0]?, row[1], row[2])))
}

/// A number within its range; -1 is absent, and everything else unknown.
fn number(value: Option<i64>, range: std::ops::RangeInclusive<i64>) -> Reading<PointValue> {
    match value {
        Some(NONE) => Reading::Absent,
        Some(value) if range.contains(&value) => Reading::Is(PointValue::Number(value)),
        _ => Reading::Unknown,
    }
}

fn money(price: Option<i64>) -> Reading<PointValue> {
    number(price, 0..=MAX_VALUE)
}

/// Without an offer there is no shipping either. The shipping of an offer is never -1 by right: its price is what tells absence.
fn shipping_of(price: Option<i64>, shipping: Option<i64>) -> Reading<PointValue> {
    match (money(price), money(shipping)) {
        (Reading::Absent, _) => Reading::Absent,
        (Reading::Is(_), shipping @ Reading::Is(_)) => shipping,
        _ => Reading::Unknown,
    }
}

/// Price and shipping together. Never of two markers: -1 and -1 would be -2.
fn landed(price: Option<i64>, shipping: Option<i64>) -> Reading<PointValue> {
    match (money(price), money(shipping)) {
        (Reading::Absent, _) => Reading::Absent,
        (Reading::Is(PointValue::Number(price)), Reading::Is(PointValue::Number(shipping))) => {
            Reading::Is(PointValue::Number(price + shipping))
        }
        _ => Reading::Unknown,
    }
}

/// The sellers of the Buy Box. "-1": nobody qualified; "-2": unknown.
fn buy_box_sellers(product: &KeepaProduct) -> Vec<Value> {
    let value = |pair: &[Option<super::answer::Text>]| {
        let minute = pair[0].as_ref()?.0.trim().parse().ok()?;
        let seller = pair[1].as_ref().map_or("", |seller| seller.0.trim());
        let is_id =
            (1..=MAX_SELLER_CHARS).contains(&seller.len()) && seller.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Some(match seller {
            "-1" => (minute, Reading::Absent),
            _ if is_id => (minute, Reading::Is(PointValue::Text(seller.to_owned()))),
            _ => (minute, Reading::Unknown),
        })
    };
    product.buy_box_seller_id_history.chunks_exact(2).filter_map(value).collect()
}

/// The ranks of every category that has a name.
fn ranks_by_name(product: &KeepaProduct) -> Vec<(String, Vec<Value>)> {
    let rank = |(minute, value): (i64, Option<i64>)| (minute, number(value, 1..=MAX_VALUE));
    let ranks_of = |(id, name): (i64, String)| {
        let own = product.sales_ranks.get(&id).map_or(&[][..], |Numbers(list)| list.as_slice());
        // What both tell of the same minute is told by the category's own list.
        let ranks: Vec<Value> = sales_of(product, id).chain(pairs_of(own)).map(rank).collect();
        (!ranks.is_empty()).then_some((name, ranks))
    };
    let named = own_ranks(product).map(|(name, values)| (name, values.into_iter().map(rank).collect()));
    names(product).into_iter().filter_map(ranks_of).chain(named).collect()
}

/// The series SALES of an answer that names its category instead of numbering it.
fn own_ranks(product: &KeepaProduct) -> Option<(String, Pairs)> {
    let name = product.sales_rank_category.as_deref().map(str::trim).filter(|name| is_category(name))?;
    let ranks: Pairs = pairs(product, Slot::Sales).collect();
    (product.category_tree.is_empty() && !ranks.is_empty()).then(|| (name.to_owned(), ranks))
}

fn is_category(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= MAX_CATEGORY_CHARS && !name.contains(char::is_control)
}

/// The categories that have a name. Of two with the same name, the one nearer to the root: history could not tell them apart.
fn names(product: &KeepaProduct) -> Vec<(i64, String)> {
    let mut seen = BTreeSet::new();
    let categories = product.category_tree.iter().flatten();
    let named = categories.filter_map(|category| {
        let name = category.name.trim();
        (is_category(name) && seen.insert(name)).then(|| Some((category.cat_id?, name.to_owned())))?
    });
    named.collect()
}

/// The values of the series SALES that belong to a category: those of the times when it was the reference. That there was no rank, and
/// therefore no reference, is said about the reference before.
fn sales_of(product: &KeepaProduct, category: i64) -> impl Iterator<Item = (i64, Option<i64>)> + '_ {
    let known = product.sales_rank_reference_history.as_ref().map_or(&[][..], |Numbers(list)| list.as_slice());
    let mut references: Vec<(i64, i64)> =
        pairs_of(known).filter_map(|(minute, id)| Some((minute, id.filter(|id| *id > 0)?))).collect();
    references.sort_unstable();
    let latest = product.sales_rank_reference.filter(|id| *id > 0).or(product.root_category);
    pairs(product, Slot::Sales).filter(move |(minute, _)| {
        let current = references.iter().rev().find(|(since, _)| since <= minute).map(|(_, id)| *id);
        // Before the first one that is known, and where none is: the one of today.
        current.or_else(|| references.first().map(|(_, id)| *id)).or(latest) == Some(category)
    })
}
