//! The products: their names, and the base values of their facts.

use serde::Serialize;

use crate::domain::{Asin, Currency, Listing, Money};

use super::chance::Chance;

/// The products of a seed. Every valid ASIN is a product; the catalogue lists some of them.
#[derive(Debug, Clone)]
pub struct Catalogue {
    chance: Chance,
    size: u32,
    showcase: Vec<Asin>,
}

/// The name of a product, the same on every marketplace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Product {
    /// Its ASIN.
    pub asin: Asin,
    /// Brand.
    pub brand: &'static str,
    /// Title.
    pub title: String,
    /// The stable part of the image's URL.
    #[serde(skip)]
    pub(super) image_id: String,
}

/// The values around which the facts of a listing vary.
#[derive(Debug, Clone, Copy)]
pub(super) struct Baseline {
    pub(super) price: Money,
    pub(super) rank: i64,
    pub(super) review_count: i64,
    pub(super) rating_hundredths: i64,
}

/// Brand, rest of the title, and price in US cents of the first products of the catalogue, which a demo shows.
const SHOWCASE: &[(&str, &str, i64)] = &[
    (
        "Aurora",
        "H7 Wireless Noise Cancelling Headphones, 40 h Battery, Multipoint Bluetooth 5.3, Midnight Blue",
        34_999,
    ),
    ("Aurora", "H5 Wireless Over-Ear Headphones, Foldable, 50 h Battery, Graphite", 19_999),
    ("Aurora", "Buds Pro 2 True Wireless Earbuds, Adaptive Noise Cancelling, Wireless Charging Case, White", 22_999),
    ("Nordklang", "Studio One Closed-Back Monitoring Headphones, 80 Ohm, Detachable Cable, Black", 14_900),
    ("Nordklang", "Reference 600 Open-Back Audiophile Headphones, 300 Ohm", 39_900),
    ("Nordklang", "Reise Mini Wireless On-Ear Headphones, 30 h Battery, Sand", 8_999),
    ("Veltro", "Pulse X Gaming Headset, 2.4 GHz Wireless, Detachable Microphone, PC & PS5", 12_999),
    ("Veltro", "Pulse Lite Wired Gaming Headset, 50 mm Drivers, 3.5 mm, Red", 4_999),
    ("Harbor Audio", "Commuter ANC Headphones, Transparency Mode, Quick Charge, Olive", 17_999),
    ("Harbor Audio", "Commuter Buds True Wireless Earbuds, IPX5, 32 h with Case, Black", 7_999),
    ("Sonari", "Air 3 Open-Ear Bone Conduction Sport Headphones, IP68, 12 h Battery", 12_995),
    ("Sonari", "Swim Pro Waterproof Headphones with 32 GB MP3 Player", 15_999),
    ("Lumen & Oak", "Walnut Wireless Headphones, Genuine Wood Ear Cups, aptX Adaptive", 29_900),
    ("Kitebird", "Kids Volume Limited Headphones (85 dB), Foldable, Sharing Port, Teal", 2_499),
    ("Kitebird", "Kids Wireless Headphones, 85/94 dB, 45 h Battery, Dinosaur Green", 3_499),
    ("Fjellson", "QuietWork UC Headset, USB-A Dongle, Busy Light, Teams Certified", 18_900),
    ("Fjellson", "QuietWork Mono Bluetooth Headset for Calls, Noise Cancelling Boom", 9_999),
    ("Tessera", "T90 Planar Magnetic Headphones, 1.5 m Balanced Cable 4.4 mm", 44_900),
    ("Tessera", "IEM S2 In-Ear Monitors, Dual Driver, 0.78 mm 2-Pin Cable", 5_999),
    ("BasicBeat", "Wired In-Ear Earphones with Microphone and Remote, 3.5 mm, Pack of 2", 1_999),
];

const MODELS: &[&str] =
    &["Arc", "Drift", "Echo Ridge", "Fathom", "Halo", "Meridian", "Onyx", "Quill", "Summit", "Tempo"];
const KINDS: &[&str] = &[
    "Wireless Over-Ear Headphones",
    "True Wireless Earbuds",
    "Noise Cancelling Headphones",
    "Gaming Headset",
    "On-Ear Headphones",
    "Sport Earphones",
];
const COLOURS: &[&str] = &["Black", "White", "Navy", "Sage", "Rose", "Silver"];

/// Approximate exchange rates of one US dollar. Prices only need to look realistic.
const PER_DOLLAR: &[(Currency, f64)] = &[
    (Currency::Aed, 3.7),
    (Currency::Aud, 1.5),
    (Currency::Brl, 5.4),
    (Currency::Cad, 1.4),
    (Currency::Cny, 7.2),
    (Currency::Egp, 48.0),
    (Currency::Eur, 0.95),
    (Currency::Gbp, 0.82),
    (Currency::Inr, 85.0),
    (Currency::Jpy, 150.0),
    (Currency::Mxn, 19.0),
    (Currency::Pln, 4.0),
    (Currency::Sar, 3.8),
    (Currency::Sek, 10.5),
    (Currency::Sgd, 1.35),
    (Currency::Try, 34.0),
    (Currency::Usd, 1.0),
    (Currency::Zar, 18.0),
];

impl Catalogue {
    /// The catalogue of a seed, with `size` products.
    pub fn new(seed: u64, size: u32) -> Self {
        let chance = Chance::new(seed).of("catalogue");
        let showcase = (0..SHOWCASE.len() as u64).map(|number| asin_at(chance, number)).collect();
        Self { chance, size, showcase }
    }

    /// The first `count` products. The first twenty have hand-written titles.
    pub fn products(&self, count: u32) -> impl Iterator<Item = Product> + '_ {
        (0..u64::from(count.min(self.size))).map(|number| self.product(asin_at(self.chance, number)))
    }

    /// The product with this ASIN. Every ASIN has one.
    pub fn product(&self, asin: Asin) -> Product {
        let (brand, title) = match self.showcase_row(asin) {
            Some((brand, rest, _)) => (*brand, format!("{brand} {rest}")),
            None => self.random_name(asin),
        };
        Product { asin, brand, title, image_id: self.image_id(asin) }
    }

    /// The products that Amazon compares this one with on its page.
    pub(super) fn compared_with(&self, asin: Asin) -> Vec<Asin> {
        let chance = self.chance.of(asin.as_str());
        let mut compared: Vec<Asin> = (0..4).map(|n| chance.one_of("compared", n, &self.showcase)).collect();
        compared.retain(|other| *other != asin);
        compared.sort();
        compared.dedup();
        compared
    }

    /// The random generator of one listing.
    pub(super) fn chance(&self, listing: Listing) -> Chance {
        self.chance.of(listing.marketplace.code()).of(listing.asin.as_str())
    }

    pub(super) fn baseline(&self, listing: Listing) -> Baseline {
        let product = self.chance.of(listing.asin.as_str());
        let us_cents =
            self.showcase_row(listing.asin).map_or_else(|| product.within("price", 0, 1_500, 45_000), |row| row.2);
        let chance = self.chance(listing);
        let magnitude = chance.one_of("rank magnitude", 0, &[30, 300, 3_000, 30_000]);
        Baseline {
            price: in_currency(us_cents, listing.marketplace.currency()),
            rank: chance.within("rank", 0, magnitude, magnitude * 9),
            review_count: chance.within("reviews", 0, 150, 40_000),
            rating_hundredths: chance.within("stars", 0, 36, 47) * 10,
        }
    }

    fn showcase_row(&self, asin: Asin) -> Option<&'static (&'static str, &'static str, i64)> {
        self.showcase.iter().position(|listed| *listed == asin).map(|index| &SHOWCASE[index])
    }

    fn random_name(&self, asin: Asin) -> (&'static str, String) {
        let chance = self.chance.of(asin.as_str());
        let brand = chance.one_of("brand", 0, SHOWCASE).0;
        let model = chance.one_of("model", 0, MODELS);
        let number = chance.within("number", 0, 2, 90) * 10;
        let (kind, colour) = (chance.one_of("kind", 0, KINDS), chance.one_of("colour", 0, COLOURS));
        (brand, format!("{brand} {model} {number} {kind}, {colour}"))
    }

    fn image_id(&self, asin: Asin) -> String {
        const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let chance = self.chance.of(asin.as_str());
        let letters = (0..8).map(|n| char::from(chance.one_of("image", n, ALPHABET)));
        format!("71{}L", letters.collect::<String>())
    }
}

/// The ASIN with this number, by a permutation of all ASINs that begin with `B0`, so that every ASIN is unique.
fn asin_at(chance: Chance, number: u64) -> Asin {
    const COUNT: u64 = 36u64.pow(8);
    // Coprime to 36, hence a permutation.
    const STRIDE: u64 = 1_000_000_000_039;
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let first = chance.draw("first asin", 0) % COUNT;
    let mut rest = ((u128::from(first) + u128::from(number) * u128::from(STRIDE)) % u128::from(COUNT)) as u64;
    let mut text = *b"B000000000";
    for index in (2..10).rev() {
        text[index] = DIGITS[(rest % 36) as usize];
        rest /= 36;
    }
    let text = str::from_utf8(&text).expect("digits and capitals are ASCII");
    text.parse().expect("B and nine letters or digits are an ASIN")
}

/// Converts US cents to a typical price in another currency.
pub(super) fn in_currency(us_cents: i64, currency: Currency) -> Money {
    price_tag(us_cents as f64 / 100.0 * per_dollar(currency), currency)
}

/// The nearest amount that looks like a price: `x.99`, or `xx9` where a unit of the currency is small.
pub(super) fn price_tag(major: f64, currency: Currency) -> Money {
    let per_major = currency.minor_per_major();
    let amount_minor = if per_dollar(currency) > 15.0 {
        (((major / 10.0).round() as i64).max(1) * 10 - 1) * per_major
    } else {
        (major.round() as i64).max(1) * per_major - 1
    };
    Money::new(amount_minor, currency)
}

/// Converts dollars to a whole number of major units of a currency.
pub(super) fn round_amount(dollars: i64, currency: Currency) -> Money {
    let major = (dollars as f64 * per_dollar(currency)).round() as i64;
    Money::new(major.max(1) * currency.minor_per_major(), currency)
}

fn per_dollar(currency: Currency) -> f64 {
    PER_DOLLAR.iter().find(|(known, _)| *known == currency).map_or(1.0, |(_, rate)| *rate)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_products_depend_on_the_seed() {
        let titles = |seed| Catalogue::new(seed, 50).products(50).collect::<Vec<_>>();
        assert_eq!(titles(7), titles(7));
        assert_ne!(titles(7)[0].asin, titles(8)[0].asin);
    }

    #[test]
    fn asins_are_unique() {
        let asins: HashSet<Asin> = Catalogue::new(7, 5_000).products(5_000).map(|product| product.asin).collect();
        assert_eq!(asins.len(), 5_000);
    }

    #[test]
    fn every_currency_has_a_rate() {
        for currency in Currency::ALL {
            assert!(PER_DOLLAR.iter().any(|(known, _)| known == currency), "{currency}");
        }
    }

    #[test]
    fn converted_prices_look_typical() {
        assert_eq!(in_currency(34_999, Currency::Usd), Money::new(34_999, Currency::Usd));
        assert_eq!(in_currency(10_000, Currency::Jpy), Money::new(14_999, Currency::Jpy));
        assert_eq!(in_currency(10_000, Currency::Inr), Money::new(849_900, Currency::Inr));
    }
}
