//! Computes the facts of any listing at any step.
//!
//! Nothing is accumulated from step to step. Prices follow a smooth curve over *periods* of several steps, rounded to a
//! typical price; a stock outage is drawn for each window of steps; and so on. Only basic arithmetic is used, which
//! gives the same results on every platform.

use crate::domain::{Availability, Listing, Money, Rating};

use super::catalogue::{Baseline, Catalogue, price_tag, round_amount};
use super::chance::Chance;
use super::facts::{Facts, Seller};

/// Length of a stock window in steps. A listing is sold out at most once in a window. Every window begins in stock, so
/// all listings are in stock at step 0.
const STOCK_WINDOW_STEPS: i64 = 48;
/// Steps of low stock before an outage.
const LOW_STOCK_STEPS: i64 = 3;

/// Merchants that sometimes win the Buy Box.
const MERCHANTS: &[&str] = &[
    "Bright Ear Direct",
    "Hafenklang Handel",
    "Soundly & Sons",
    "TechNest Outlet",
    "Kogane Audio",
    "Blue Wren Trading",
];

/// The facts of a listing at a step. Negative steps are in the past.
pub(super) fn facts_at(catalogue: &Catalogue, listing: Listing, step: i64) -> Facts {
    let chance = catalogue.chance(listing);
    let baseline = catalogue.baseline(listing);
    let period = period(chance, step);
    let (availability, units_left) = stock(chance, step);
    let price = price(chance, baseline.price, period);
    let rank = rank(chance, baseline.rank, step);
    let facts = Facts {
        price: Some(price),
        list_price: list_price(chance, baseline.price, price),
        seller: Some(seller(chance, period)),
        offer_count: chance.within("offers", step.div_euclid(6), 2, 9) as u32,
        coupon: coupon(chance, price, period),
        availability,
        units_left,
        rank,
        subcategory_rank: rank / 25 + 1,
        rating: rating(chance, baseline, step),
        review_count: review_count(chance, baseline, step),
    };
    if availability.is_out() { facts.sold_out(availability) } else { facts }
}

/// The number of the period of a step. Offers change only between periods.
fn period(chance: Chance, step: i64) -> i64 {
    let length_steps = chance.within("spell length", 0, 4, 12);
    step.saturating_add(chance.within("spell offset", 0, 0, length_steps - 1)).div_euclid(length_steps)
}

/// Within 17 % of the baseline; in one of twelve periods, a deal of 20 to 40 % below that.
fn price(chance: Chance, baseline: Money, period: i64) -> Money {
    let x = period as f64;
    let mut level = 1.0 + 0.12 * chance.curve("slow level", x / 9.0) + 0.05 * chance.curve("level", x / 2.5);
    if chance.unit("deal", period) < 1.0 / 12.0 {
        level *= 1.0 - chance.within("deal depth", period, 20, 40) as f64 / 100.0;
    }
    let per_major = baseline.currency.minor_per_major() as f64;
    price_tag(baseline.amount_minor as f64 / per_major * level, baseline.currency)
}

/// Two of three listings have a list price. It is shown only while it is at least 5 % above the price.
fn list_price(chance: Chance, baseline: Money, price: Money) -> Option<Money> {
    let has_list_price = chance.unit("list price", 0) < 2.0 / 3.0;
    let per_major = baseline.currency.minor_per_major() as f64;
    let list_price = price_tag(baseline.amount_minor as f64 / per_major * 1.15, baseline.currency);
    (has_list_price && price.amount_minor * 100 <= list_price.amount_minor * 95).then_some(list_price)
}

fn seller(chance: Chance, period: i64) -> Seller {
    let sold_by_merchant = chance.unit("home seller", 0) < 0.25;
    let lost_buy_box = chance.unit("buy box lost", period) < 0.12;
    match (sold_by_merchant, lost_buy_box) {
        (false, false) => Seller::Amazon,
        (true, false) => Seller::Merchant(chance.one_of("home seller", 1, MERCHANTS)),
        (_, true) => Seller::Merchant(chance.one_of("buy box won", period, MERCHANTS)),
    }
}

/// In one of eight periods, a coupon of 5 to 15 dollars, at most a quarter of the price.
fn coupon(chance: Chance, price: Money, period: i64) -> Option<Money> {
    let amount = round_amount(chance.within("coupon amount", period, 1, 3) * 5, price.currency);
    (chance.unit("coupon", period) < 0.125 && amount.amount_minor * 4 <= price.amount_minor).then_some(amount)
}

/// In one of three windows, stock becomes low, is out for three to eight steps, and is restored.
fn stock(chance: Chance, step: i64) -> (Availability, u32) {
    const IN_STOCK: (Availability, u32) = (Availability::InStock, 0);
    let (window, offset) = (step.div_euclid(STOCK_WINDOW_STEPS), step.rem_euclid(STOCK_WINDOW_STEPS));
    if chance.unit("outage", window) >= 1.0 / 3.0 {
        return IN_STOCK;
    }
    let begin = chance.within("outage begins", window, 12, 36);
    let end = begin + chance.within("outage lasts", window, 3, 8);
    if (begin - LOW_STOCK_STEPS..begin).contains(&offset) {
        return (Availability::LowStock, (begin - offset) as u32);
    }
    if !(begin..end).contains(&offset) {
        return IN_STOCK;
    }
    let is_temporary = chance.unit("outage kind", window) < 1.0 / 3.0;
    (if is_temporary { Availability::OutOfStock } else { Availability::Unavailable }, 0)
}

fn rank(chance: Chance, baseline: i64, step: i64) -> u32 {
    let drift = 0.4 * chance.curve("rank", step as f64 / 8.0) + 0.1 * chance.curve("rank", step as f64 / 2.0);
    ((baseline as f64 * (1.0 + drift)).round() as u32).max(1)
}

/// Varies by at most two tenths of a star over hundreds of steps.
fn rating(chance: Chance, baseline: Baseline, step: i64) -> Rating {
    let tenths = (2.0 * chance.curve("rating", step as f64 / 150.0)).round() as i64;
    Rating((baseline.rating_hundredths + tenths * 10) as u16)
}

/// Grows by 2 to 20 hundred-thousandths of the baseline per step. Sometimes one or two reviews are removed.
fn review_count(chance: Chance, baseline: Baseline, step: i64) -> u32 {
    let growth = chance.within("review growth", 0, 2, 20);
    let grown = step.saturating_mul(baseline.review_count).saturating_mul(growth).div_euclid(100_000);
    let removed = chance.within("reviews removed", step.div_euclid(25), 0, 2);
    baseline.review_count.saturating_add(grown - removed).clamp(1, i64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Marketplace;

    fn listing(catalogue: &Catalogue, number: usize) -> Listing {
        let product = catalogue.products(100).nth(number).unwrap();
        Listing::new(Marketplace::ALL[number % Marketplace::ALL.len()], product.asin)
    }

    fn everywhere(check: impl Fn(&Catalogue, Listing, i64, Facts)) {
        let catalogue = Catalogue::new(7, 100);
        for number in 0..100 {
            let listing = listing(&catalogue, number);
            for step in -400..400 {
                check(&catalogue, listing, step, facts_at(&catalogue, listing, step));
            }
        }
    }

    #[test]
    fn a_price_is_between_half_and_double_of_the_previous_one() {
        everywhere(|catalogue, listing, step, facts| {
            let before = facts_at(catalogue, listing, step - 1);
            if let (Some(price), Some(before)) = (facts.price, before.price) {
                assert!(price.amount_minor * 2 > before.amount_minor, "{listing} at {step}");
                assert!(price.amount_minor < before.amount_minor * 2, "{listing} at {step}");
            }
        });
    }

    #[test]
    fn a_listing_has_an_offer_unless_it_is_sold_out() {
        everywhere(|_, listing, step, facts| {
            let out = facts.availability.is_out();
            assert_eq!(facts.price.is_none(), out, "{listing} at {step}");
            assert_eq!(facts.seller.is_none(), out, "{listing} at {step}");
            assert_eq!(facts.units_left > 0, facts.availability == Availability::LowStock, "{listing} at {step}");
        });
    }

    #[test]
    fn a_listing_has_outages_deals_and_coupons() {
        let catalogue = Catalogue::new(7, 1);
        let listing = listing(&catalogue, 0);
        let baseline = catalogue.baseline(listing).price.amount_minor;
        let facts: Vec<Facts> = (0..2_000).map(|step| facts_at(&catalogue, listing, step)).collect();
        let returns = facts.windows(2).filter(|two| two[0].availability.is_out() && !two[1].availability.is_out());
        assert!(returns.count() > 5);
        assert!(facts.iter().any(|facts| facts.price.is_some_and(|price| price.amount_minor * 10 < baseline * 8)));
        assert!(facts.iter().any(|facts| facts.coupon.is_some()));
        assert!(facts.iter().any(|facts| facts.list_price.is_some() || facts.seller == Some(Seller::Amazon)));
    }

    #[test]
    fn the_review_count_falls_by_at_most_two() {
        everywhere(|catalogue, listing, step, facts| {
            let before = facts_at(catalogue, listing, step - 1).review_count;
            assert!(facts.review_count + 2 >= before, "{listing} at {step}");
        });
    }

    #[test]
    fn no_step_panics() {
        let catalogue = Catalogue::new(0, 1);
        for step in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX] {
            facts_at(&catalogue, listing(&catalogue, 0), step);
        }
    }
}
