//! A product beside its competitors.

use jiff::Timestamp;

use super::history::ListingHistory;
use super::measure::Measure;
use super::position::{Comparable, Exclusion, Peer, Position, PriceBasis, comparable, percent_to, position};
use super::reputation::reviews_gained;
use super::stock::out_of_stock_share;
use crate::domain::steps::{Span, Window};
use crate::domain::{ProductId, Rank, Series};

/// The series that a comparison needs within its window, with the values in effect at its beginning.
pub const SERIES_OF_COMPARISON: &[Series] =
    &[Series::Price, Series::Shipping, Series::Availability, Series::ReviewCount, Series::Unobserved];

/// Times of undercutting that are told: the latest ones.
const MAX_UNDERCUTS: usize = 100;

/// A product that is compared.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Its offer.
    pub peer: Peer,
    /// Its bestseller ranks.
    pub ranks: Vec<Rank>,
    /// Its history.
    pub history: ListingHistory,
}

/// What is told of one product.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedRow {
    /// The product.
    pub product_id: ProductId,
    /// The price on the basis of the comparison, in minor units, or why it is not compared.
    pub price_minor: Result<i64, Exclusion>,
    /// How much dearer it is than the own product, in percent; `None`: one of the two prices is not compared.
    pub percent_to_own: Option<f64>,
    /// Rank in the category of the comparison.
    pub rank: Option<u32>,
    /// Reviews at the end of the window minus those at its beginning. Amazon merges and removes reviews, so it can be negative. Counts the
    /// changes.
    pub reviews_gained: Measure<i64>,
    /// Share of the known time during which it could not be bought.
    pub out_of_stock_share: Measure<f64>,
}

/// A time during which a competitor was cheaper than the own product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undercut {
    /// The competitor.
    pub product_id: ProductId,
    /// When it began, as far as it is known.
    pub from: Timestamp,
    /// When it ended; `None`: it lasts.
    pub to: Option<Timestamp>,
    /// The own price at its beginning, in minor units.
    pub own_minor: i64,
    /// The lowest price of the competitor while it lasted, in minor units.
    pub competitor_minor: i64,
}

/// A product beside its competitors.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Which prices are compared.
    pub basis: PriceBasis,
    /// The category in which ranks are compared: the own one that most competitors have.
    pub category: Option<String>,
    /// Where the own price stands.
    pub position: Measure<Position>,
    /// The own product.
    pub own: ComparedRow,
    /// The competitors, in the order given.
    pub competitors: Vec<ComparedRow>,
    /// The latest first.
    pub undercuts: Vec<Undercut>,
}

/// Compares an own product with competitors over a window that ends now.
pub fn comparison(own: &Compared, competitors: &[Compared], days: u32) -> Comparison {
    comparison_in(own, competitors, Window::of_days(Some(days), own.history.now()))
}

/// Compares an own product with competitors over a window. Their offers and ranks are those at its end.
pub fn comparison_in(own: &Compared, competitors: &[Compared], window: Window) -> Comparison {
    let now = window.to;
    let peers: Vec<Peer> = competitors.iter().map(|competitor| competitor.peer).collect();
    let compared = comparable(&own.peer, &peers, now);
    let category = common_category(own, competitors);
    let row = |product: &Compared, price_minor: Result<i64, Exclusion>| ComparedRow {
        product_id: product.peer.product_id,
        price_minor,
        percent_to_own: compared.own_minor.and_then(|own| Ok(percent_to(price_minor?, own))).ok(),
        rank: category.as_deref().and_then(|category| rank_in(&product.ranks, category)),
        reviews_gained: reviews_gained(&product.history, window),
        out_of_stock_share: out_of_stock_share(&product.history, window),
    };
    let mut undercuts: Vec<Undercut> = competitors
        .iter()
        .filter(|competitor| competitor.peer.marketplace == own.peer.marketplace)
        .flat_map(|competitor| undercuts(own, competitor, compared.basis, window))
        .collect();
    undercuts.sort_by_key(|undercut| (std::cmp::Reverse(undercut.from), undercut.product_id));
    undercuts.truncate(MAX_UNDERCUTS);
    Comparison {
        basis: compared.basis,
        position: position(&own.peer, &peers, now),
        own: row(own, compared.own_minor),
        competitors: competitors
            .iter()
            .map(|competitor| row(competitor, price_of(&compared, competitor.peer.product_id)))
            .collect(),
        category,
        undercuts,
    }
}

fn price_of(compared: &Comparable, product_id: ProductId) -> Result<i64, Exclusion> {
    let excluded = compared.excluded.iter().find(|(id, _)| *id == product_id);
    let price = compared.prices.iter().find(|(id, _)| *id == product_id);
    match (excluded, price) {
        (Some((_, reason)), _) => Err(*reason),
        (None, Some((_, price))) => Ok(*price),
        (None, None) => Err(Exclusion::NoPrice),
    }
}

/// The own category that most competitors have a rank in; of several, the one in which the own rank is highest: the widest.
fn common_category(own: &Compared, competitors: &[Compared]) -> Option<String> {
    let shared_by =
        |category: &str| competitors.iter().filter(|competitor| rank_in(&competitor.ranks, category).is_some()).count();
    let widest = own.ranks.iter().max_by_key(|rank| (shared_by(&rank.category), rank.rank));
    widest.map(|rank| rank.category.clone())
}

fn rank_in(ranks: &[Rank], category: &str) -> Option<u32> {
    ranks.iter().find(|rank| rank.category == category).map(|rank| rank.rank)
}

/// The times at which a competitor was cheaper.
fn undercuts(own: &Compared, competitor: &Compared, basis: PriceBasis, window: Window) -> Vec<Undercut> {
    let (own_prices, prices) = (prices_of(&own.history, basis, window), prices_of(&competitor.history, basis, window));
    let mut found: Vec<Undercut> = Vec::new();
    for (from, to, own_minor, competitor_minor) in joined(&own_prices, &prices) {
        if competitor_minor >= own_minor {
            continue;
        }
        match found.last_mut().filter(|last| last.to == Some(from)) {
            Some(last) => {
                last.to = Some(to);
                last.competitor_minor = last.competitor_minor.min(competitor_minor);
            }
            None => {
                let product_id = competitor.peer.product_id;
                found.push(Undercut { product_id, from, to: Some(to), own_minor, competitor_minor });
            }
        }
    }
    if let Some(last) = found.last_mut().filter(|last| last.to == Some(window.to)) {
        last.to = None;
    }
    found
}

/// The prices on the basis of the comparison.
fn prices_of(history: &ListingHistory, basis: PriceBasis, window: Window) -> Vec<Span<i64>> {
    let prices = history.numbers(&Series::Price.into(), window);
    if basis == PriceBasis::WithoutShipping {
        return prices;
    }
    let shippings = history.numbers(&Series::Shipping.into(), window);
    let landed = |(from, to, price, shipping): (Timestamp, Timestamp, i64, i64)| Span {
        from,
        to,
        value: price.checked_add(shipping),
    };
    joined(&prices, &shippings).into_iter().map(landed).collect()
}

/// The times at which both have a value, with both values.
fn joined(ones: &[Span<i64>], others: &[Span<i64>]) -> Vec<(Timestamp, Timestamp, i64, i64)> {
    let mut both = Vec::new();
    let (mut one, mut other) = (0, 0);
    while let (Some(first), Some(second)) = (ones.get(one), others.get(other)) {
        let (from, to) = (first.from.max(second.from), first.to.min(second.to));
        if let (true, Some(value), Some(beside)) = (to > from, first.value, second.value) {
            both.push((from, to, value, beside));
        }
        if first.to <= second.to {
            one += 1;
        } else {
            other += 1;
        }
    }
    both
}
