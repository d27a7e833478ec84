//! Pages of every language, and one test for each extraction rule.

use amazon_tracker::domain::{Asin, Availability, Block, Failure, Outcome, Rank, Rating, Reading};
use amazon_tracker::extract::{NoPrice, PageContext, PageKind, extract};

use crate::pages::{read, read_buy_box};

/// File, detected marketplace, price, list price, availability, seller, brand, ranks.
type Expected =
    (&'static str, &'static str, i64, Option<i64>, Availability, &'static str, &'static str, [(u32, &'static str); 2]);

const PAGES: &[Expected] = &[
    (
        "com.html",
        "com",
        109_900,
        Some(129_900),
        Availability::LowStock,
        "Brewster, Inc.",
        "Brewster",
        [(1234, "Kitchen"), (5, "Kettles")],
    ),
    (
        "de.html",
        "de",
        109_900,
        Some(129_900),
        Availability::LowStock,
        "Küchenwelt GmbH",
        "Brewster",
        [(1234, "Küche"), (5, "Wasserkocher")],
    ),
    (
        "fr.html",
        "fr",
        109_900,
        Some(129_900),
        Availability::InStock,
        "Maison",
        "Brewster",
        [(1234, "Cuisine"), (5, "Bouilloires")],
    ),
    (
        "it.html",
        "it",
        109_900,
        Some(129_900),
        Availability::InStock,
        "Casa Bella",
        "Brewster",
        [(1234, "Casa e cucina"), (5, "Bollitori")],
    ),
    (
        "es.html",
        "es",
        109_900,
        Some(129_900),
        Availability::LowStock,
        "Casa Feliz",
        "Brewster",
        [(1234, "Hogar"), (5, "Hervidores")],
    ),
    (
        "com.mx.html",
        "com.mx",
        109_900,
        Some(129_900),
        Availability::InStock,
        "Casa Feliz",
        "Brewster",
        [(1234, "Hogar"), (5, "Hervidores")],
    ),
    (
        "com.br.html",
        "com.br",
        109_900,
        Some(129_900),
        Availability::InStock,
        "Casa Boa",
        "Brewster",
        [(1234, "Cozinha"), (5, "Chaleiras")],
    ),
    (
        "nl.html",
        "nl",
        109_900,
        Some(129_900),
        Availability::LowStock,
        "Huis",
        "Brewster",
        [(1234, "Keuken"), (5, "Waterkokers")],
    ),
    (
        "se.html",
        "se",
        109_900,
        Some(129_900),
        Availability::LowStock,
        "Huset",
        "Brewster",
        [(1234, "Kök"), (5, "Vattenkokare")],
    ),
    (
        "pl.html",
        "pl",
        109_900,
        Some(129_900),
        Availability::InStock,
        "Dom",
        "Brewster",
        [(1234, "Kuchnia"), (5, "Czajniki")],
    ),
    (
        "com.tr.html",
        "com.tr",
        109_900,
        Some(129_900),
        Availability::LowStock,
        "Ev",
        "Brewster",
        [(1234, "Mutfak"), (5, "Su Isıtıcılar")],
    ),
    (
        "ae-ar.html",
        "ae",
        109_900,
        Some(129_900),
        Availability::LowStock,
        "البيت",
        "Brewster",
        [(1234, "المطبخ"), (5, "الغلايات")],
    ),
    (
        "cn.html",
        "cn",
        109_900,
        Some(129_900),
        Availability::InStock,
        "家居旗舰店",
        "Brewster",
        [(1234, "厨房"), (5, "电热水壶")],
    ),
    (
        "co.jp-shift_jis.html",
        "co.jp",
        10_990,
        Some(12_990),
        Availability::LowStock,
        "キッチン商店",
        "ブルースター",
        [(1234, "ホーム＆キッチン"), (5, "電気ケトル")],
    ),
];

#[test]
fn a_page_of_every_language_is_read_completely() {
    for (name, marketplace, price, list, availability, seller, brand, ranks) in PAGES {
        let page = read(name);
        let ranks: Vec<Rank> =
            ranks.iter().map(|(rank, category)| Rank { rank: *rank, category: (*category).into() }).collect();
        assert_eq!(page.kind, PageKind::Product, "{name}");
        assert_eq!(page.marketplace.map(|marketplace| marketplace.code()), Some(*marketplace), "{name}");
        assert_eq!(page.price_minor, Some(*price), "{name}: {:?}", page.diagnostics);
        assert_eq!(page.list_price_minor, *list, "{name}");
        assert_eq!(page.availability, Some(*availability), "{name}: {:?}", page.availability_text);
        assert_eq!(page.seller.as_deref(), Some(*seller), "{name}");
        assert_eq!(page.brand.as_deref(), Some(*brand), "{name}");
        assert_eq!(page.rating, Some(Rating(450)), "{name}");
        assert_eq!(page.bsr, Some(ranks), "{name}");
        assert!(page.review_count.is_some_and(|count| count == 1234 || count == 14_652), "{name}");
        assert!(page.main_image_url.is_some_and(|url| url.contains("/images/I/71own")), "{name}");
        assert!(!page.bullets.is_empty(), "{name}");
    }
}

#[test]
fn entities_and_encodings_are_decoded() {
    assert_eq!(read("com.html").title.as_deref(), Some("Kettle & Cup"));
    assert_eq!(read("co.jp-shift_jis.html").title.as_deref(), Some("電気ケトル ソ表"));
    let context = PageContext { marketplace: "es".parse().ok(), content_type: None, to_the_end: false };
    let page = extract(&crate::pages::bytes("es-latin1.html"), context).expect("a small page needs little memory");
    assert_eq!(page.title.as_deref(), Some("Tetera de señora"));
    assert_eq!(page.seller.as_deref(), Some("Teteras Ñandú"));
    assert_eq!(page.price_minor, Some(2305), "the unit price beside it is not the price");
}

#[test]
fn a_used_offer_is_never_the_price() {
    let page = read_buy_box("<div id='usedBuySection'><span class='offer-price'>$4.45</span></div>");
    assert_eq!((page.price_minor, page.used_price_minor, page.no_price), (None, Some(445), Some(NoPrice::UsedOnly)));
}

#[test]
fn a_subscription_is_never_the_price() {
    let page = read_buy_box(
        "<div id='snsAccordionRowMiddle'><div id='corePrice_feature_div'><span class='a-price'><span class='a-offscreen'>$9.00</span></span></div></div>\
         <div id='newAccordionRow_1'><div id='corePrice_feature_div'><span class='a-price'><span class='a-offscreen'>$10.00</span></span></div></div>",
    );
    assert_eq!(page.price_minor, Some(1000));
}

#[test]
fn unit_prices_savings_and_shipping_costs_are_never_the_price() {
    let page = read_buy_box(
        "<div id='corePrice_desktop'><span class='a-price'><span class='a-offscreen'>$16.85</span></span>\
         (<span class='a-price a-text-price'><span class='a-offscreen'>$3.01</span></span> / 100 sheets)\
         <div>You Save: <span class='a-price'><span class='a-offscreen'>$2.00</span></span></div></div>\
         <div id='amazonGlobal_feature_div'><div class='a-popover-preload'><span class='a-price'><span class='a-offscreen'>$30.00</span></span></div></div>",
    );
    assert_eq!(page.price_minor, Some(1685), "{:?}", page.diagnostics);
}

#[test]
fn two_trusted_places_that_disagree_give_no_price() {
    let page = read_buy_box("<span id='price_inside_buybox'>$10.00</span><span id='priceblock_ourprice'>$12.00</span>");
    assert_eq!((page.price_minor, page.no_price), (None, None));
    assert!(page.diagnostics["price_minor"].contains("disagreement"));
}

#[test]
fn a_price_range_of_a_parent_is_not_a_price() {
    let page = read_buy_box("<span id='priceblock_ourprice'>$12.00 - $19.00</span>");
    assert_eq!((page.price_minor, page.price_range_minor), (None, Some((1200, 1900))));
    assert_eq!(page.no_price, Some(NoPrice::Range));
}

#[test]
fn an_amount_in_another_currency_is_not_a_price() {
    for shown in ["€10.00", "PHP 1,234.00", "CHF 10.00"] {
        let plain = read_buy_box(&format!("<span id='price_inside_buybox'>{shown}</span>"));
        assert_eq!(plain.price_minor, None, "{shown}");
        let pieces = read_buy_box(&format!(
            "<div id='corePrice_feature_div'><span class='a-price'><span class='a-offscreen'>{shown}</span></span></div>"
        ));
        assert_eq!(pieces.price_minor, None, "{shown}");
    }
}

fn wanted() -> Asin {
    "B0OWNPG099".parse().expect("an ASIN")
}

#[test]
fn an_unavailable_product_is_observed_without_a_price() {
    let page = read_buy_box("<div id='availability'>Currently unavailable.</div>");
    let Outcome::Observed(observation) = page.outcome(wanted()) else { panic!("a product page") };
    assert_eq!(observation.availability, Availability::Unavailable);
    assert_eq!(observation.price, Reading::Absent);
    assert_eq!(observation.coupon, Reading::Unknown, "without a price, the coupon is unknown");
}

#[test]
fn a_product_page_without_any_offer_facts_is_unreadable() {
    assert_eq!(read_buy_box("").outcome(wanted()), Outcome::Failed(Failure::Unreadable));
}

#[test]
fn a_page_of_another_product_is_the_wrong_listing() {
    let page = read_buy_box("<span id='price_inside_buybox'>$10.00</span>");
    let other = "B0OWNPG001".parse().expect("an ASIN");
    assert_eq!(page.outcome(other), Outcome::Failed(Failure::WrongListing));
}

#[test]
fn a_page_with_a_price_and_no_coupon_has_no_coupon() {
    let page = read_buy_box("<span id='price_inside_buybox'>$10.00</span><div id='availability'>In Stock</div>");
    let Outcome::Observed(observation) = page.outcome(wanted()) else { panic!("a product page") };
    assert_eq!((observation.coupon, observation.list_price), (Reading::Absent, Reading::Absent));
    assert_eq!(observation.ranks, Reading::Unknown, "missing ranks are unknown, not absent");
}

fn outcome_of(body: &str) -> Outcome {
    let page = format!("<html><head></head><body>{body}{}</body></html>", " ".repeat(400));
    extract(page.as_bytes(), PageContext::default()).expect("a small page needs little memory").outcome(wanted())
}

#[test]
fn a_refusal_by_amazon_is_an_outcome_and_never_data() {
    let throttled = Outcome::Blocked(Block::Throttled { retry_after: None });
    for (body, expected) in [
        (
            "<form method='get' action='/errors/validateCaptcha'><h4>Geben Sie die Zeichen unten ein</h4></form>",
            Outcome::Blocked(Block::Captcha),
        ),
        (
            "<form action='/errors/validateCaptcha'><button>ショッピングを続ける</button></form>",
            Outcome::Blocked(Block::Captcha),
        ),
        ("<title>Tut uns Leid!</title><a href='https://www.amazon.de/ref=cs_503_link/'>zurück</a>", throttled.clone()),
        ("<title>503 - Service Unavailable Error</title>", throttled.clone()),
        ("<title>Amazon.com</title><div id='dpSorryPage'>Sorry, something went wrong on our end</div>", throttled),
        (
            "<form name='signIn' action='https://www.amazon.com/ap/signin'><input id='ap_email'></form>",
            Outcome::Blocked(Block::SignIn),
        ),
        (
            "<title>Amazon.fr : livres, DVD, jeux vidéo</title><div id='nav-main'></div>",
            Outcome::Blocked(Block::Interstitial),
        ),
        ("<title>Page Not Found</title>", Outcome::NotFound),
        ("<title>Documento no encontrado</title>", Outcome::NotFound),
    ] {
        assert_eq!(outcome_of(body), expected, "{body}");
    }
}

#[test]
fn a_short_or_incomplete_body_is_truncated() {
    let empty = extract(b"", PageContext::default()).expect("an empty page needs no memory");
    assert_eq!(empty.outcome(wanted()), Outcome::Failed(Failure::Truncated));
    let page = crate::pages::product_page("<span id='price_inside_buybox'>$10.00</span>");
    let cut = &page[..page.find("</form>").expect("the form ends")];
    let page = extract(cut.as_bytes(), PageContext::default()).expect("a small page needs little memory");
    assert_eq!(page.price_minor, None, "a truncated page gives no data");
    assert_eq!(page.outcome(wanted()), Outcome::Failed(Failure::Truncated));
}
