//! Dataset items as observations: real ones, as a person would read them, and every known oddity.

use amazon_tracker::config::{ActorProfile, ListProfile};
use amazon_tracker::domain::*;
use amazon_tracker::sources::apify::Answer;
use serde_json::{Value, json};

use crate::corpus;

const AXESSO: ActorProfile = ActorProfile::AxessoProductDetails;
const JUNGLEE: ActorProfile = ActorProfile::JungleeAmazonCrawler;

/// What a person reads in an item. Prices in cents; `None`: nothing is stated.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    price: Option<i64>,
    list_price: Option<i64>,
    seller: Option<&'static str>,
    availability: Availability,
    rating: Option<u16>,
    review_count: Option<u32>,
    ranks: Vec<(u32, &'static str)>,
    brand: Option<&'static str>,
    image: &'static str,
}

fn seen(answer: Answer) -> Observation {
    match answer.outcome {
        Outcome::Observed(seen) => *seen,
        other => panic!("{other:?}"),
    }
}

fn check(seen: &Observation, facts: &Facts, what: &str) {
    let amount = |reading: &Reading<Money>| {
        reading.value().map(|money| {
            assert_eq!(money.currency, Currency::Usd, "{what}");
            money.amount_minor
        })
    };
    assert_eq!(amount(&seen.price), facts.price, "price of {what}");
    assert_eq!(amount(&seen.list_price), facts.list_price, "list price of {what}");
    assert_eq!(seen.seller.value().map(String::as_str), facts.seller, "seller of {what}");
    assert_eq!(seen.availability, facts.availability, "availability of {what}");
    assert_eq!(seen.rating.value().map(|rating| rating.0), facts.rating, "rating of {what}");
    assert_eq!(seen.review_count.value().copied(), facts.review_count, "review count of {what}");
    let ranks: Vec<_> = seen.ranks.value().into_iter().flatten().map(|one| (one.rank, one.category.as_str())).collect();
    assert_eq!(ranks, facts.ranks, "ranks of {what}");
    assert_eq!(seen.brand.as_deref(), facts.brand, "brand of {what}");
    let image = seen.image_url.as_deref().unwrap_or_default();
    assert!(image.starts_with(&format!("https://m.media-amazon.com/images/I/{}", facts.image)), "{image} of {what}");
    assert!(seen.title.as_ref().is_some_and(|title| title.len() > 10), "title of {what}");
}

fn real_items(file: &str) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(corpus::folder()?.join("apify").join(file)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

const ELECTRONICS: &str = "Electronics";
const EARBUDS: &str = "Earbud & In-Ear Headphones";
const OVER_EAR: &str = "Over-Ear Headphones";

/// An earbud of AOSRAU in one of its colours.
fn aosrau(price: i64, ranks: [u32; 2], image: &'static str) -> Facts {
    Facts {
        price: Some(price),
        list_price: Some(15_999),
        seller: Some("guanzhijunbeim"),
        availability: Availability::InStock,
        rating: Some(500),
        review_count: Some(75),
        ranks: vec![(ranks[0], ELECTRONICS), (ranks[1], EARBUDS)],
        brand: Some("AOSRAU"),
        image,
    }
}

fn echo_buds(image: &'static str) -> Facts {
    Facts {
        price: Some(4_999),
        seller: Some("Amazon.com"),
        availability: Availability::InStock,
        rating: Some(380),
        review_count: Some(12_604),
        brand: Some("Amazon"),
        image,
        ..Facts::default()
    }
}

#[test]
fn every_real_item_of_axesso_is_read_as_a_person_would() {
    let Some(mut items) = real_items("axesso-product-details-deep12398.json") else { return };
    items.extend(real_items("axesso-product-details-momojmogg.json").unwrap());
    let hao = |price, list_price, seller, ranks: Vec<(u32, &'static str)>, image| Facts {
        price,
        list_price,
        seller,
        availability: if price.is_some() { Availability::InStock } else { Availability::NoFeaturedOffer },
        rating: Some(490),
        review_count: Some(2_205),
        ranks,
        brand: Some("HAOYUYAN"),
        image,
    };
    let other = |price, list_price, seller, rating, count, ranks: Vec<(u32, &'static str)>, brand, image| Facts {
        price: Some(price),
        list_price: Some(list_price),
        seller: Some(seller),
        availability: Availability::InStock,
        rating: Some(rating),
        review_count: Some(count),
        ranks,
        brand: Some(brand),
        image,
    };
    let expected = [
        ("B08PZHYWJS", other(49_900, 54_900, "iDeals Today", 450, 8_170, vec![], "Apple", "81jqUPkIVRL")),
        ("B0FDKB341G", aosrau(2_599, [35_077, 2_607], "61+Fenj1VfL")),
        ("B09JVCL7JR", echo_buds("61ICHhdFlaL")),
        ("B0FDK6TTSG", aosrau(2_599, [33_281, 2_481], "61GsmB8mnzL")),
        ("B0FDK6L4K6", aosrau(2_599, [54_125, 3_553], "61j84UmgZEL")),
        ("B0FDK67PQR", aosrau(2_199, [15_063, 1_388], "6159qoPBcNL")),
        ("B0FDK6VYGX", aosrau(2_599, [89_216, 5_030], "618GcBXHrdL")),
        ("B0FDK715K7", aosrau(2_399, [42_515, 2_993], "61Z+0lPGlgL")),
        ("B09JVG3TWX", echo_buds("612ayXw-rlL")),
        ("B0FDK71D8H", aosrau(2_399, [13_264, 1_272], "61opDjGZC2L")),
        (
            "B0FM2FRF4X",
            hao(
                Some(2_499),
                Some(29_999),
                Some("HAOYUYAN-US2(ZBH)"),
                vec![(1_803, ELECTRONICS), (260, EARBUDS)],
                "71A4Ggq0txL",
            ),
        ),
        (
            "B0DH2BYN2Z",
            other(
                1_999,
                2_999,
                "Ericoa Tech",
                440,
                4_397,
                vec![(5_134, ELECTRONICS), (613, EARBUDS)],
                "KTGEE",
                "51aFlu9ugoL",
            ),
        ),
        (
            "B0FHGPF59Q",
            other(
                3_599,
                19_999,
                "Weifeishangmao1",
                500,
                324,
                vec![(14_119, ELECTRONICS), (1_323, EARBUDS)],
                "ZYHKON",
                "61f2B8kDdsL",
            ),
        ),
        // No offer: price 0, nobody sells it, no line.
        ("B0FCL55CFF", hao(None, None, None, vec![(2_365, ELECTRONICS), (321, EARBUDS)], "71HqYY8expL")),
        (
            "B0FM2YDLHP",
            hao(
                Some(2_299),
                Some(29_999),
                Some("HAOYUYAN-US"),
                vec![(304, ELECTRONICS), (13, OVER_EAR), (50, EARBUDS)],
                "71cmAChhQKL",
            ),
        ),
        (
            "B0FDB7QBY3",
            other(
                2_299,
                20_999,
                "TRAUSI US1",
                500,
                740,
                vec![(4_331, ELECTRONICS), (236, OVER_EAR), (542, EARBUDS)],
                "TRAUSI",
                "71qKxj9efpL",
            ),
        ),
    ];
    assert_eq!(items.len(), expected.len());
    for (item, (asin, facts)) in items.iter().zip(&expected) {
        let answer = AXESSO.answer(item, Marketplace::Us);
        assert_eq!(answer.requested.unwrap().as_str(), *asin);
        let seen = seen(answer);
        assert_eq!(seen.asin.unwrap().as_str(), *asin);
        check(&seen, facts, asin);
        let none = facts.price.is_none();
        assert_eq!((seen.price == Reading::Absent, seen.seller == Reading::Absent), (none, none), "{asin}");
    }
}

#[test]
fn every_real_item_of_junglee_is_read_as_a_person_would() {
    let Some(items) = real_items("junglee-amazon-crawler-deep12398.json") else { return };
    let expected = [
        (
            "B09JQMJHXY",
            Facts {
                price: Some(23_860),
                seller: Some("6ave"),
                availability: Availability::LowStock,
                rating: Some(470),
                review_count: Some(147_913),
                brand: Some("Apple"),
                image: "71bhWgQK-cL",
                ..Facts::default()
            },
        ),
        // It has a price and a seller, and says nothing of the stock but a flag without a text.
        (
            "B09G9FPHY6",
            Facts {
                price: Some(35_325),
                seller: Some("6ave"),
                rating: Some(480),
                review_count: Some(76_720),
                brand: Some("Apple"),
                image: "61NGnpjoRDL",
                ..Facts::default()
            },
        ),
    ];
    assert_eq!(items.len(), expected.len());
    for (item, (asin, facts)) in items.iter().zip(&expected) {
        let answer = JUNGLEE.answer(item, Marketplace::Us);
        assert_eq!(answer.requested.unwrap().as_str(), *asin);
        check(&seen(answer), facts, asin);
    }
}

#[test]
fn items_with_few_fields_leave_the_others_unknown() {
    let Some(items) = real_items("junglee-amazon-crawler-overview-fitup.json") else { return };
    assert_eq!(items.len(), 50);
    for item in &items {
        let answer = JUNGLEE.answer(item, Marketplace::Us);
        let asin = item["asin"].as_str().unwrap();
        assert_eq!(answer.requested.unwrap().as_str(), asin);
        let seen = seen(answer);
        let cents = (item["price"]["value"].as_f64().unwrap() * 100.0).round() as i64;
        assert_eq!(seen.price, Reading::Is(Money::new(cents, Currency::Usd)), "{asin}");
        let rating = item["stars"].as_f64().map(|stars| Rating((stars * 100.0).round() as u16));
        assert_eq!(seen.rating, Reading::or_unknown(rating), "{asin}");
        let count = item["reviewsCount"].as_u64().map(|count| count as u32);
        assert_eq!(seen.review_count, Reading::or_unknown(count), "{asin}");
        assert_eq!(seen.brand.as_deref(), item["brand"].as_str(), "{asin}");
        assert_eq!((seen.seller, seen.ranks), (Reading::Unknown, Reading::Unknown), "{asin}");
        assert_eq!((seen.availability, seen.list_price), (Availability::Unknown, Reading::Absent), "{asin}");
    }
}

#[test]
fn doubled_ranks_are_read_once_and_missing_ones_are_unknown() {
    let Some(corpus) = corpus::folder() else { return };
    let text = std::fs::read_to_string(corpus.join("apify/junglee-bsr-fragments-deep12398.json")).unwrap();
    let fragments: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let ranks = |asin: &str| {
        let item = junglee(&json!({ "bestsellerRanks": fragments[asin]["bsr_data"] }));
        seen(JUNGLEE.answer(&item, Marketplace::Us)).ranks
    };
    let rank = |rank, category: &str| Rank { rank, category: category.to_owned() };
    assert_eq!(ranks("B09G9FPHY6"), Reading::Unknown);
    assert_eq!(ranks("B08L5NP6NG"), Reading::Unknown);
    let phones =
        [rank(329, "Cell Phones & Accessories"), rank(4, "Renewed Smartphones"), rank(6, "Cell Phones")].to_vec();
    assert_eq!(ranks("B07ZPKN6YR"), Reading::Is(phones));
    assert_eq!(ranks("B0756CYWWD"), Reading::Is([rank(51_071, ELECTRONICS), rank(1_728, OVER_EAR)].to_vec()));
}

/// An item with some fields of one's own.
fn with(mut item: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        item[name] = value.clone();
    }
    item
}

fn junglee(fields: &Value) -> Value {
    let item = json!({
        "title": "A kettle of steel", "asin": "B0EXAMPLE1", "originalAsin": "B0EXAMPLE1",
        "url": "https://www.amazon.com/dp/B0EXAMPLE1", "price": { "value": 39.99, "currency": "$" }, "listPrice": null,
        "inStock": true, "inStockText": "In Stock", "seller": { "name": "Acme", "id": "A1EXAMPLE" }, "condition": "",
        "loadedCountryCode": "US", "input": "https://www.amazon.com/dp/B0EXAMPLE1", "aFieldOfTomorrow": { "deep": [1] },
    });
    with(item, fields)
}

fn axesso(fields: &Value) -> Value {
    let item = json!({
        "statusCode": 200, "statusMessage": "FOUND", "url": "https://www.amazon.com/dp/B0EXAMPLE1?psc=1",
        "asin": "B0EXAMPLE1", "title": "A kettle of steel", "price": 39.99, "retailPrice": 0, "soldBy": "Acme",
        "fulfilledBy": "Amazon", "warehouseAvailability": "In Stock", "productRating": "4.5 out of 5 stars",
        "countReview": 12, "used": false, "aFieldOfTomorrow": { "deep": [1] },
    });
    with(item, fields)
}

fn outcome(profile: ActorProfile, item: &Value, marketplace: Marketplace) -> Outcome {
    profile.answer(item, marketplace).outcome
}

#[test]
fn a_page_of_another_country_or_currency_is_rejected() {
    let wrong = Outcome::Failed(Failure::WrongRegion);
    let (us, de, ca) = (Marketplace::Us, Marketplace::De, Marketplace::Ca);
    for fields in [
        json!({ "loadedCountryCode": "EG" }),
        json!({ "price": { "value": 1999, "currency": "EGP" } }),
        json!({ "listPrice": { "value": 49.99, "currency": "€" } }),
        json!({ "url": "https://www.amazon.eg/dp/B0EXAMPLE1" }),
    ] {
        assert_eq!(outcome(JUNGLEE, &junglee(&fields), us), wrong, "{fields}");
    }
    assert_eq!(outcome(JUNGLEE, &junglee(&json!({})), de), wrong);
    assert_eq!(outcome(AXESSO, &axesso(&json!({})), de), wrong);
    // The same symbol stands for several currencies; where it was loaded decides.
    let canadian = junglee(&json!({ "loadedCountryCode": "CA", "url": "https://www.amazon.ca/dp/B0EXAMPLE1" }));
    assert_eq!(outcome(JUNGLEE, &canadian, us), wrong);
    let seen = seen(JUNGLEE.answer(&canadian, ca));
    assert_eq!(seen.price, Reading::Is(Money::new(3_999, Currency::Cad)));
}

#[test]
fn another_product_than_the_requested_one_is_not_an_observation_of_it() {
    let redirected = junglee(&json!({ "asin": "B0EXAMPLE2" }));
    let answer = JUNGLEE.answer(&redirected, Marketplace::Us);
    assert_eq!(answer.requested.unwrap().as_str(), "B0EXAMPLE1");
    assert_eq!(answer.outcome, Outcome::Failed(Failure::WrongListing));
}

#[test]
fn a_failed_input_is_a_failure_and_an_unknown_product_is_not_found() {
    let failed = |status| Outcome::Failed(Failure::Status(status));
    let url = "https://www.amazon.com/dp/B0EXAMPLE1";
    for (profile, item, expected) in [
        (AXESSO, json!({ "statusCode": 404, "statusMessage": "NOT_FOUND", "url": url }), Outcome::NotFound),
        (AXESSO, json!({ "statusCode": 503, "url": url }), failed(503)),
        (JUNGLEE, json!({ "error": "product_not_found", "input": url }), Outcome::NotFound),
        (JUNGLEE, json!({ "error": "blocked", "input": url }), Outcome::Failed(Failure::NotDelivered)),
        (JUNGLEE, json!({ "error": true, "url": url }), Outcome::Failed(Failure::NotDelivered)),
    ] {
        let answer = profile.answer(&item, Marketplace::Us);
        assert_eq!((answer.requested.unwrap().as_str(), &answer.outcome), ("B0EXAMPLE1", &expected), "{item}");
    }
}

#[test]
fn zero_and_null_are_unknown_and_never_a_value() {
    let no_price = seen(JUNGLEE.answer(&junglee(&json!({ "price": null, "seller": null })), Marketplace::Us));
    assert_eq!(
        (no_price.price, no_price.seller, no_price.list_price),
        (Reading::Unknown, Reading::Unknown, Reading::Unknown)
    );
    let zero =
        seen(AXESSO.answer(&axesso(&json!({ "price": 0, "countReview": 0, "productRating": null })), Marketplace::Us));
    assert_eq!((zero.price, zero.review_count, zero.rating), (Reading::Unknown, Reading::Unknown, Reading::Unknown));
    for price in [json!({ "value": 0, "currency": "$" }), json!({ "value": "39.99", "currency": "$" }), json!("39.99")]
    {
        let seen = seen(JUNGLEE.answer(&junglee(&json!({ "price": price })), Marketplace::Us));
        assert_eq!(seen.price, Reading::Unknown, "{price}");
    }
    // Neither price nor stock: nothing was read.
    let nothing = junglee(&json!({ "price": null, "inStock": null, "inStockText": "", "title": null }));
    assert_eq!(outcome(JUNGLEE, &nothing, Marketplace::Us), Outcome::Failed(Failure::Unreadable));
}

#[test]
fn offers_that_are_not_the_featured_new_one_have_no_price() {
    for item in [
        axesso(&json!({ "used": true })),
        axesso(&json!({ "warehouseAvailability": "Currently unavailable.", "price": 0, "soldBy": null })),
    ] {
        assert_eq!(seen(AXESSO.answer(&item, Marketplace::Us)).price, Reading::Absent, "{item}");
    }
    for (fields, expected) in [
        (json!({ "condition": "Used - Good" }), Reading::Absent),
        (
            json!({ "inStock": false, "inStockText": "Currently unavailable.", "price": null, "seller": null }),
            Reading::Absent,
        ),
        // A parent with variations of different prices.
        (json!({ "priceRange": "$12.00 - $19.00" }), Reading::Unknown),
    ] {
        let seen = seen(JUNGLEE.answer(&junglee(&fields), Marketplace::Us));
        assert_eq!(seen.price, expected, "{fields}");
    }
}

#[test]
fn the_real_item_of_a_bestseller_list_names_its_listing() {
    let Some(items) = real_items("amazon-bestsellers-deep12398.json") else { return };
    let listings = ListProfile::JungleeAmazonBestsellers.listings(&items, Marketplace::Us, 100);
    assert_eq!(listings, [Listing::new(Marketplace::Us, "B0D1XD1ZV3".parse().unwrap())]);
    let elsewhere = ListProfile::JungleeAmazonBestsellers.listings(&items, Marketplace::De, 100);
    assert_eq!(elsewhere, [], "its URL is that of another marketplace");
}

/// The form of offers is not known from real items: what is not certain is left open, and gives no number.
#[test]
fn offers_of_an_item_are_listed_and_give_no_number_that_is_not_certain() {
    let price = |value: f64, currency: &str| json!({ "value": value, "currency": currency });
    let offers = json!([
        { "position": 1, "price": price(39.99, "$"), "condition": "New", "seller": { "name": "Acme", "id": "A1EXAMPLE00" } },
        { "position": 2, "price": price(31.5, "$"), "condition": "Used - Like New", "shippingPrice": price(4.0, "$"),
          "seller": { "name": "Books & More", "id": null }, "delivery": "FREE delivery" },
        { "position": 3, "price": null, "condition": "New", "seller": null },
        { "position": 4, "price": price(30.0, "£"), "condition": "New", "seller": { "name": "Elsewhere" } },
        { "position": 5, "price": price(0.0, "$"), "condition": "New" },
        "nonsense",
    ]);
    let list = seen(JUNGLEE.answer(&junglee(&json!({ "offers": offers })), Marketplace::Us)).offers.unwrap();
    let found: Vec<_> = list.offers.iter().map(|it| (it.price.amount_minor, it.condition, it.landed_minor())).collect();
    assert_eq!(found, [(3999, OfferCondition::New, None), (3150, OfferCondition::Used, Some(3550))]);
    assert_eq!(list.offers[0].seller_id.as_ref().map(|id| id.as_str()), Some("A1EXAMPLE00"));
    assert_eq!((list.count(OfferCondition::New), list.lowest_new_minor(None)), (None, Reading::Unknown));
    let none = seen(JUNGLEE.answer(&junglee(&json!({ "offers": [] })), Marketplace::Us));
    assert_eq!(none.offers, None, "an empty list was not asked for");
}

#[test]
fn texts_in_another_language_than_the_marketplaces_are_understood() {
    let chinese = axesso(&json!({ "warehouseAvailability": "現貨。", "productRating": "4.9 顆星，最高 5 顆星" }));
    let seen = seen(AXESSO.answer(&chinese, Marketplace::Us));
    assert_eq!((seen.availability, seen.rating), (Availability::InStock, Reading::Is(Rating(490))));
}

#[test]
fn prices_without_decimals_and_with_many_digits_are_exact() {
    let item = |price: Value, currency: &str, country: &str, url: &str| {
        let price = json!({ "value": price, "currency": currency });
        junglee(&json!({ "price": price, "loadedCountryCode": country, "url": url }))
    };
    for (given, marketplace, amount_minor) in [
        (item(json!(1980), "￥", "JP", "https://www.amazon.co.jp/dp/B0EXAMPLE1"), Marketplace::Jp, 1980),
        (item(json!(1500), "$", "US", "https://www.amazon.com/dp/B0EXAMPLE1"), Marketplace::Us, 150_000),
        (item(json!(0.29), "£", "GB", "https://www.amazon.co.uk/dp/B0EXAMPLE1"), Marketplace::Uk, 29),
    ] {
        let seen = seen(JUNGLEE.answer(&given, marketplace));
        assert_eq!(seen.price, Reading::Is(Money::new(amount_minor, marketplace.currency())));
    }
}

#[test]
fn the_input_names_each_listing_and_the_country() {
    let listing = Listing::new(Marketplace::De, "B0EXAMPLE1".parse().unwrap());
    let url = "https://www.amazon.de/dp/B0EXAMPLE1";
    assert_eq!(AXESSO.input(&[listing], Marketplace::De, 0), json!({ "urls": [url] }));
    let input = JUNGLEE.input(&[listing], Marketplace::De, 7);
    assert_eq!((&input["categoryOrProductUrls"], &input["proxyCountry"]), (&json!([{ "url": url }]), &json!("DE")));
    assert_eq!(input["maxOffers"], 7);
}

/// No item, whatever it holds, is worth a panic.
#[test]
fn items_of_any_shape_are_read_without_a_panic() {
    let odd =
        [json!(null), json!([]), json!(""), json!(-1), json!(1e300), json!({}), json!("B0"), json!(true), json!([{}])];
    for (profile, base) in [(AXESSO, axesso(&json!({}))), (JUNGLEE, junglee(&json!({})))] {
        for value in &odd {
            profile.answer(value, Marketplace::Us);
            for name in base.as_object().unwrap().keys() {
                let answer = profile.answer(&with(base.clone(), &json!({ name: value })), Marketplace::Us);
                if let Outcome::Observed(seen) = answer.outcome {
                    assert!(seen.price.value().is_none_or(|price| price.amount_minor == 3_999), "{name}: {value}");
                }
            }
        }
    }
}
