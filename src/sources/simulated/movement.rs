//! How facts move: the facts of any listing at any step, computed directly.
//!
//! Nothing is accumulated from step to step. A price is a smooth curve over *spells* of several steps, each rounded to
//! a price tag; an outage is drawn per window of steps; and so on. Only basic arithmetic is used, which is the same on
//! every platform.

use crate::domain::{Availability, Listing, Money, Rating};

use super::catalogue::{Baseline, Catalogue, price_tag, round_amount};
use super::chance::Chance;
use super::facts::{Facts, Seller};

/// Steps in which a listing is sold out at most once. Each window begins in stock, so at step 0 everything can be bought.
const STOCK_WINDOW_STEPS: i64 = 48;
/// Steps of low stock that announce an outage.
const LOW_STOCK_STEPS: i64 = 3;

/// Merchants who take the Buy Box from Amazon now and then.
const MERCHANTS: &[&str] = &[
    "Bright Ear Direct",
    "Hafenklang Handel",
    "Soundly & Sons",
    "TechNest Outlet",
    "Kogane Audio",
    "Blue Wren Trading",
];

/// The facts of a listing at a step; negative steps are its past.
pub(super) fn facts_at(catalogue: &Catalogue, listing: Listing, step: i64) -> Facts {
    let chance = catalogue.chance(listing);
    let baseline = catalogue.baseline(listing);
    let spell = spell(chance, step);
    let (availability, units_left) = stock(chance, step);
    let price = price(chance, baseline.price, spell);
    let rank = rank(chance, baseline.rank, step);
    let facts = Facts {
        price: Some(price),
        list_price: list_price(chance, baseline.price, price),
        seller: Some(seller(chance, spell)),
        offer_count: chance.within("offers", step.div_euclid(6), 2, 9) as u32,
        coupon: coupon(chance, price, spell),
        availability,
        units_left,
        rank,
        subcategory_rank: rank / 25 + 1,
        rating: rating(chance, baseline, step),
        review_count: review_count(chance, baseline, step),
    };
    if availability.is_out() { facts.sold_out(availability) } else { facts }
}

/// The number of the spell a step is in: offers change only from one spell to the next.
fn spell(chance: Chance, step: i64) -> i64 {
    let length_steps = chance.within("spell length", 0, 4, 12);
    step.saturating_add(chance.within("spell offset", 0, 0, length_steps - 1)).div_euclid(length_steps)
}

/// Within 17 % of the baseline, and in one spell of twelve a deal of 20 to 40 % below that.
fn price(chance: Chance, baseline: Money, spell: i64) -> Money {
    let x = spell as f64;
    let mut level = 1.0 + 0.12 * chance.curve("slow level", x / 9.0) + 0.05 * chance.curve("level", x / 2.5);
    if chance.unit("deal", spell) < 1.0 / 12.0 {
        level *= 1.0 - chance.within("deal depth", spell, 20, 40) as f64 / 100.0;
    }
    let per_major = baseline.currency.minor_per_major() as f64;
    price_tag(baseline.amount_minor as f64 / per_major * level, baseline.currency)
}

/// Two listings of three claim a list price; it is shown only while it makes the price look good.
fn list_price(chance: Chance, baseline: Money, price: Money) -> Option<Money> {
    let claims_one = chance.unit("list price", 0) < 2.0 / 3.0;
    let per_major = baseline.currency.minor_per_major() as f64;
    let list_price = price_tag(baseline.amount_minor as f64 / per_major * 1.15, baseline.currency);
    (claims_one && price.amount_minor * 100 <= list_price.amount_minor * 95).then_some(list_price)
}

fn seller(chance: Chance, spell: i64) -> Seller {
    let of_merchant = chance.unit("home seller", 0) < 0.25;
    let away = chance.unit("buy box lost", spell) < 0.12;
    match (of_merchant, away) {
        (false, false) => Seller::Amazon,
        (true, false) => Seller::Merchant(chance.one_of("home seller", 1, MERCHANTS)),
        (_, true) => Seller::Merchant(chance.one_of("buy box won", spell, MERCHANTS)),
    }
}

/// In one spell of eight a coupon of some 5 to 15 dollars, never more than a quarter of the price.
fn coupon(chance: Chance, price: Money, spell: i64) -> Option<Money> {
    let amount = round_amount(chance.within("coupon amount", spell, 1, 3) * 5, price.currency);
    (chance.unit("coupon", spell) < 0.125 && amount.amount_minor * 4 <= price.amount_minor).then_some(amount)
}

/// In one window of three the stock runs low, is out for three to eight steps, and comes back.
fn stock(chance: Chance, step: i64) -> (Availability, u32) {
    const IN_STOCK: (Availability, u32) = (Availability::InStock, 0);
    let (window, place) = (step.div_euclid(STOCK_WINDOW_STEPS), step.rem_euclid(STOCK_WINDOW_STEPS));
    if chance.unit("outage", window) >= 1.0 / 3.0 {
        return IN_STOCK;
    }
    let begin = chance.within("outage begins", window, 12, 36);
    let end = begin + chance.within("outage lasts", window, 3, 8);
    if (begin - LOW_STOCK_STEPS..begin).contains(&place) {
        return (Availability::LowStock, (begin - place) as u32);
    }
    if !(begin..end).contains(&place) {
        return IN_STOCK;
    }
    let comes_back_soon = chance.unit("outage kind", window) < 1.0 / 3.0;
    (if comes_back_soon { Availability::OutOfStock } else { Availability::Unavailable }, 0)
}

fn rank(chance: Chance, baseline: i64, step: i64) -> u32 {
    let drift = 0.4 * chance.curve("rank", step as f64 / 8.0) + 0.1 * chance.curve("rank", step as f64 / 2.0);
    ((baseline as f64 * (1.0 + drift)).round() as u32).max(1)
}

/// Drifts by at most two tenths of a star, over hundreds of steps.
fn rating(chance: Chance, baseline: Baseline, step: i64) -> Rating {
    let tenths = (2.0 * chance.curve("rating", step as f64 / 150.0)).round() as i64;
    Rating((baseline.rating_hundredths + tenths * 10) as u16)
}

/// Grows by 2 to 20 hundred-thousandths of the baseline a step; now and then Amazon removes one or two.
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
    fn prices_stay_within_half_and_double_of_the_price_before() {
        everywhere(|catalogue, listing, step, facts| {
            let before = facts_at(catalogue, listing, step - 1);
            if let (Some(price), Some(before)) = (facts.price, before.price) {
                assert!(price.amount_minor * 2 > before.amount_minor, "{listing} at {step}");
                assert!(price.amount_minor < before.amount_minor * 2, "{listing} at {step}");
            }
        });
    }

    #[test]
    fn what_is_sold_out_has_no_offer_and_everything_else_has_one() {
        everywhere(|_, listing, step, facts| {
            let out = facts.availability.is_out();
            assert_eq!(facts.price.is_none(), out, "{listing} at {step}");
            assert_eq!(facts.seller.is_none(), out, "{listing} at {step}");
            assert_eq!(facts.units_left > 0, facts.availability == Availability::LowStock, "{listing} at {step}");
        });
    }

    #[test]
    fn a_listing_goes_out_of_stock_and_comes_back_and_has_deals_and_coupons() {
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
    fn reviews_mostly_rise() {
        everywhere(|catalogue, listing, step, facts| {
            let before = facts_at(catalogue, listing, step - 1).review_count;
            assert!(facts.review_count + 2 >= before, "{listing} at {step}");
        });
    }

    #[test]
    fn no_step_makes_it_panic() {
        let catalogue = Catalogue::new(0, 1);
        for step in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX] {
            facts_at(&catalogue, listing(&catalogue, 0), step);
        }
    }
}
