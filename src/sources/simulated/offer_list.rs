//! The offers of a listing at a step: the featured one, and sellers that come, go and undercut it.

use crate::domain::{Listing, Money};

use super::catalogue::Catalogue;
use super::facts::{Facts, Seller};

/// Merchants of offers that are not featured, besides those that win the Buy Box.
const MERCHANTS: &[&str] = &[
    "Alder & Finch",
    "Cobalt Electronics",
    "Dunes Trading Co",
    "Elbufer Versand",
    "Foxglove Media",
    "Granite Supply",
    "Harbour Lane",
    "Indigo Imports",
    "Juniper Retail",
    "Kestrel Audio Video",
    "Larkspur Deals",
    "Meadow Electronics",
];

/// Steps for which the same sellers offer a listing, like the number of offers on its page.
const WINDOW_STEPS: i64 = 6;

/// One offer of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedOffer {
    /// The seller.
    pub seller: Seller,
    /// Price without shipping.
    pub price: Money,
    /// Shipping; 0: free.
    pub shipping_minor: i64,
    /// Amazon ships it.
    pub by_amazon: bool,
    /// It is used.
    pub is_used: bool,
}

/// The offers of a listing with these facts: the featured one first, then the new ones by price with shipping, then used ones. As
/// many new ones as the product page says; none while the listing is sold out.
pub(super) fn offers_at(catalogue: &Catalogue, listing: Listing, step: i64, facts: &Facts) -> Vec<SimulatedOffer> {
    let (Some(price), Some(seller)) = (facts.price, facts.seller) else { return Vec::new() };
    let featured = SimulatedOffer { seller, price, shipping_minor: 0, by_amazon: true, is_used: false };
    let window = step.div_euclid(WINDOW_STEPS);
    let chance = catalogue.chance(listing).of("offer list");
    let first = chance.draw("first merchant", window) as usize % MERCHANTS.len();
    let other = |n: i64, is_used: bool, low_percent: i64, high_percent: i64| {
        let key = window * 100 + n + if is_used { 50 } else { 0 };
        let percent = chance.within("offer price", key, low_percent, high_percent);
        let by_amazon = chance.unit("offer by amazon", key) < 0.4;
        let is_free = by_amazon || chance.unit("offer free", key) < 0.5;
        SimulatedOffer {
            seller: Seller::Merchant(MERCHANTS[(first + n as usize) % MERCHANTS.len()]),
            price: Money::new((price.amount_minor * percent / 100).max(1), price.currency),
            shipping_minor: if is_free { 0 } else { (price.amount_minor * 4 / 100).max(1) },
            by_amazon,
            is_used,
        }
    };
    let new_count = i64::from(facts.offer_count.saturating_sub(1));
    let mut new: Vec<SimulatedOffer> = (0..new_count).map(|n| other(n, false, 97, 118)).collect();
    new.sort_by_key(|offer| offer.price.amount_minor + offer.shipping_minor);
    let used_count = chance.within("used offers", window, 0, 3);
    let used = (0..used_count).map(|n| other(n + new_count, true, 55, 85));
    [featured].into_iter().chain(new).chain(used).collect()
}

#[cfg(test)]
mod tests {
    use super::super::movement::facts_at;
    use super::*;
    use crate::domain::Marketplace;

    #[test]
    fn sellers_come_and_go_and_undercut() {
        let catalogue = Catalogue::new(7, 1);
        let listing = Listing::new(Marketplace::Us, catalogue.products(1).next().unwrap().asin);
        let lists: Vec<(Facts, Vec<SimulatedOffer>)> = (0..400)
            .map(|step| {
                let facts = facts_at(&catalogue, listing, step);
                (facts, offers_at(&catalogue, listing, step, &facts))
            })
            .collect();
        for (facts, offers) in &lists {
            let new = offers.iter().filter(|offer| !offer.is_used).count();
            assert_eq!(new as u32, facts.offer_count);
        }
        let sellers = |offers: &[SimulatedOffer]| offers.iter().map(|offer| offer.seller).collect::<Vec<_>>();
        assert!(lists.windows(2).filter(|two| sellers(&two[0].1) != sellers(&two[1].1)).count() > 20);
        let undercuts = |offers: &[SimulatedOffer]| {
            offers.iter().skip(1).any(|offer| {
                !offer.is_used && offer.price.amount_minor + offer.shipping_minor < offers[0].price.amount_minor
            })
        };
        assert!(
            lists.iter().any(|(_, offers)| undercuts(offers)) && lists.iter().any(|(_, offers)| !undercuts(offers))
        );
    }
}
