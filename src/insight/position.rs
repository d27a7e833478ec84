//! Where a price stands among those of competitors.

use jiff::Timestamp;
use strum::IntoStaticStr;

use super::measure::{Measure, Missing, enough};
use crate::domain::rule::is_comparable;
use crate::domain::{Interval, Marketplace, Product, ProductId, Series};

const MIN_PEERS: usize = 3;

/// The offer of one product, as it was last read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The product.
    pub product_id: ProductId,
    /// Where it is sold; determines its currency.
    pub marketplace: Marketplace,
    /// The price of the featured offer, in minor units.
    pub price_minor: Option<i64>,
    /// Shipping, in minor units; `None`: not known.
    pub shipping_minor: Option<i64>,
    /// When the price was last read.
    pub as_of: Option<Timestamp>,
    /// How often it is read.
    pub interval: Interval,
}

impl From<&Product> for Peer {
    fn from(product: &Product) -> Self {
        Self {
            product_id: product.id,
            marketplace: product.listing.marketplace,
            price_minor: product.state.number(Series::Price),
            shipping_minor: product.state.number(Series::Shipping),
            as_of: product.state.as_of(Series::Price),
            interval: product.interval,
        }
    }
}

/// Why a product is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Exclusion {
    /// Its prices are in another currency, and exchange rates are not known.
    OtherCurrency,
    /// It is sold on another marketplace, to other customers.
    OtherMarketplace,
    /// It has no featured offer.
    NoPrice,
    /// Its price was last read too long ago.
    Stale,
}

impl Exclusion {
    /// The name used in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Which prices are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum PriceBasis {
    /// Prices with shipping.
    Landed,
    /// Prices without shipping: that of some products is not known.
    WithoutShipping,
}

impl PriceBasis {
    /// The name used in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The place of a price among others.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Which prices are compared.
    pub basis: PriceBasis,
    /// 1: the cheapest. Equal prices share a place.
    pub rank: usize,
    /// How many prices are compared, the own one included.
    pub of: usize,
    /// How much dearer than the cheapest competitor it is, in percent; negative: cheaper.
    pub percent_to_cheapest: f64,
    /// The same against the median of the competitors.
    pub percent_to_median: f64,
    /// The cheapest competitor.
    pub cheapest_product_id: ProductId,
    /// The lowest price of a competitor, in minor units.
    pub cheapest_minor: i64,
    /// The median price of the competitors, in minor units.
    pub median_minor: i64,
}

/// The prices that can be compared with an own one, and the products that are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparable {
    /// Which prices are compared.
    pub basis: PriceBasis,
    /// The own price, in minor units; `None`, with the reason, if there is none to compare with.
    pub own_minor: Result<i64, Exclusion>,
    /// The prices of competitors, in minor units.
    pub prices: Vec<(ProductId, i64)>,
    /// The competitors that are left out.
    pub excluded: Vec<(ProductId, Exclusion)>,
}

/// Sorts competitors into those that can be compared with an own product and those that cannot.
pub fn comparable(own: &Peer, peers: &[Peer], now: Timestamp) -> Comparable {
    let mut included = Vec::new();
    let mut excluded = Vec::new();
    for peer in peers {
        match exclusion(own, peer, now) {
            Some(reason) => excluded.push((peer.product_id, reason)),
            None => included.push(peer),
        }
    }
    let is_landed = included.iter().chain([&own]).all(|peer| peer.shipping_minor.is_some());
    let basis = if is_landed { PriceBasis::Landed } else { PriceBasis::WithoutShipping };
    let price = |peer: &Peer| {
        let shipping_minor = if is_landed { peer.shipping_minor? } else { 0 };
        peer.price_minor?.checked_add(shipping_minor)
    };
    let own_minor = match exclusion(own, own, now) {
        Some(reason) => Err(reason),
        None => price(own).ok_or(Exclusion::NoPrice),
    };
    let prices = included.into_iter().filter_map(|peer| Some((peer.product_id, price(peer)?))).collect();
    Comparable { basis, own_minor, prices, excluded }
}

fn exclusion(own: &Peer, peer: &Peer, now: Timestamp) -> Option<Exclusion> {
    if own.marketplace.currency() != peer.marketplace.currency() {
        return Some(Exclusion::OtherCurrency);
    }
    if own.marketplace != peer.marketplace {
        return Some(Exclusion::OtherMarketplace);
    }
    if peer.price_minor.is_none() {
        return Some(Exclusion::NoPrice);
    }
    (!is_comparable(peer.as_of, peer.interval, now)).then_some(Exclusion::Stale)
}

/// The place of the own price among those of competitors. Counts the competitors whose prices are compared.
pub fn position(own: &Peer, peers: &[Peer], now: Timestamp) -> Measure<Position> {
    let Comparable { basis, own_minor, mut prices, .. } = comparable(own, peers, now);
    let n = prices.len();
    let coverage = if peers.is_empty() { 0.0 } else { n as f64 / peers.len() as f64 };
    prices.sort_by_key(|(id, price)| (*price, *id));
    let value = || {
        let own_minor = own_minor.map_err(|_| Missing::NoCurrentPrice)?;
        enough("competitors with a comparable price", n, MIN_PEERS)?;
        let (cheapest_product_id, cheapest_minor) = prices[0];
        let median_minor = median(&prices);
        Ok(Position {
            basis,
            rank: 1 + prices.iter().filter(|(_, price)| *price < own_minor).count(),
            of: n + 1,
            percent_to_cheapest: percent_to(own_minor, cheapest_minor),
            percent_to_median: percent_to(own_minor, median_minor),
            cheapest_product_id,
            cheapest_minor,
            median_minor,
        })
    };
    Measure::of(n, coverage, value())
}

/// How much higher the price is than another, in percent.
pub fn percent_to(own_minor: i64, other_minor: i64) -> f64 {
    if other_minor == 0 { 0.0 } else { (own_minor as f64 / other_minor as f64 - 1.0) * 100.0 }
}

/// The median of sorted prices; of an even number, the mean of the middle two.
fn median(prices: &[(ProductId, i64)]) -> i64 {
    let middle = prices.len() / 2;
    let upper = prices[middle].1;
    if prices.len() % 2 == 1 { upper } else { i64::midpoint(prices[middle - 1].1, upper) }
}
