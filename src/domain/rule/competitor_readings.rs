//! Competitors as they were last read.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::ids::{CompetitorSetId, ProductId};
use crate::domain::interval::Interval;
use crate::domain::marketplace::Marketplace;
use crate::domain::observation::Rank;

/// A competitor as it was last read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompetitorReading {
    /// The product.
    pub product_id: ProductId,
    /// What people call it.
    pub name: String,
    /// Where it is sold.
    pub marketplace: Marketplace,
    /// How often it is read.
    pub interval: Interval,
    /// The price of its featured offer, in minor units.
    pub price_minor: Option<i64>,
    /// Shipping, in minor units; `None`: not known.
    pub shipping_minor: Option<i64>,
    /// When the price was last read.
    pub price_as_of: Option<Timestamp>,
    /// Its bestseller ranks.
    pub ranks: Vec<Rank>,
    /// When the ranks were last read.
    pub ranks_as_of: Option<Timestamp>,
}

/// The competitors of the sets that rules name, as they were last read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Competitors(pub HashMap<CompetitorSetId, Vec<CompetitorReading>>);

/// True when a value may be compared with one of now: it was read within the last day, or within two intervals of its product.
pub fn is_comparable(as_of: Option<Timestamp>, interval: Interval, now: Timestamp) -> bool {
    const MIN_FRESHNESS: Duration = Duration::from_secs(24 * 3600);
    let limit = (Duration::from_secs(interval.as_secs().into()) * 2).max(MIN_FRESHNESS);
    let age = |as_of: Timestamp| Duration::try_from(now.duration_since(as_of)).unwrap_or_default();
    as_of.is_some_and(|as_of| age(as_of) <= limit)
}
