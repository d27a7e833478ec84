//! Content that misleads naive scrapers: prices other than the price, ratings of other products, and scripts.

use crate::domain::Money;
use crate::domain::numbers::format_price;

use super::super::catalogue::price_tag;
use super::super::phrases::fill;
use super::Scene;
use super::price::{price, text_price};

/// Number of products in a carousel.
const CAROUSEL_ITEMS: i64 = 8;

/// A unit price inside the price block, on half of the pages.
pub(super) fn unit_price(scene: &Scene<'_>, of: Money) -> String {
    if !scene.is_variant("unit price") {
        return String::new();
    }
    let unit = Money::new((of.amount_minor / 2).max(1), of.currency);
    let price = text_price(unit, scene.listing.marketplace, false);
    format!(
        " <span class=\"a-size-mini a-color-base aok-align-center a-text-normal pricePerUnit\">({price} / count)</span>"
    )
}

/// Other offers, a used offer and a protection plan. They are shown even without a new offer.
pub(super) fn beside_the_offer(scene: &Scene<'_>) -> String {
    let marketplace = scene.listing.marketplace;
    let phrases = scene.phrases();
    let part = |purpose: &str, low, high| other_price(scene, purpose, 0, low, high);
    let used = text_price(part("used", 50, 80), marketplace, false);
    let plan = format_price(part("plan", 8, 15), marketplace);
    let other_offers = if scene.facts.offer_count > 0 { other_offers(scene) } else { String::new() };
    [
        other_offers,
        scene.feature(
            "usedBuyBox",
            &format!(
                "<div id=\"usedBuySection\" class=\"rbbHeader dp-accordion-row\"><div class=\"a-row\"><span class=\"a-text-bold\">{}</span> \
                 <span id=\"usedPrice\" class=\"a-color-price offer-price a-text-normal\">{used}</span></div></div>",
                phrases.used
            ),
        ),
        scene.feature(
            "mbb",
            &format!(
                "<div id=\"abbWrapper\" class=\"a-section\"><div class=\"abbListItem\"><label for=\"mbb-offeringID-1\">\
                 <input id=\"mbb-offeringID-1\" type=\"checkbox\" name=\"offeringID.1\" value=\"1\"><span class=\"a-label a-checkbox-label\"> \
                 <a id=\"mbbPopoverLink1\" class=\"a-link-normal\" href=\"#\">{}</a> <span class=\"a-color-price\">{plan}</span></span>\
                 </label></div></div>",
                phrases.protection
            ),
        ),
    ]
    .concat()
}

/// The number of new offers and the lowest price, which is not that of the featured offer.
fn other_offers(scene: &Scene<'_>) -> String {
    let text = fill(scene.phrases().new_offers, scene.facts.offer_count);
    let from = price(other_price(scene, "other offer", 0, 85, 97), scene.listing.marketplace, "");
    let asin = scene.listing.asin;
    format!(
        "<div id=\"dynamic-aod-ingress-box\" class=\"a-box a-spacing-base\"><div class=\"a-box-inner\">\
         <a id=\"aod-ingress-link\" class=\"a-link-normal\" href=\"/gp/offer-listing/{asin}/ref=dp_olp_NEW_mbc?ie=UTF8&amp;condition=NEW\">\
         <span class=\"a-color-base\">{text}</span> {from}</a></div></div>\n"
    )
}

/// Sponsored products with their own prices, ratings and ASINs.
pub(super) fn carousel(scene: &Scene<'_>, name: &str) -> String {
    let cards = (0..CAROUSEL_ITEMS).map(|n| card(scene, name, n)).collect::<String>();
    let sponsored = scene.phrases().sponsored;
    scene.feature(
        name,
        &format!(
            "<div id=\"{name}_carousel\" class=\"a-carousel-container\"><span class=\"a-size-small\">{sponsored}</span>\
             <ol class=\"a-carousel\" role=\"list\">{cards}</ol></div>"
        ),
    )
}

fn card(scene: &Scene<'_>, name: &str, n: i64) -> String {
    let marketplace = scene.listing.marketplace;
    let asin = format!("B0{:08X}", scene.chance.draw(name, n) >> 32);
    let price = price(other_price(scene, name, n, 30, 190), marketplace, "");
    let number = format!("4{}{}", marketplace.number_format().decimal, scene.chance.within(name, n, 0, 9));
    let stars = fill(scene.phrases().stars, number);
    format!(
        "<li class=\"a-carousel-card\" role=\"listitem\"><div data-asin=\"{asin}\" class=\"a-section sp_offerVertical\">\
         <a class=\"a-link-normal\" href=\"/dp/{asin}/ref=sspa_dk_detail_{n}\"><span class=\"a-size-base\">Another headphone, model {n}</span></a>\
         <i class=\"a-icon a-icon-star a-star-4\"><span class=\"a-icon-alt\">{stars}</span></i> \
         <span class=\"a-size-small\">{n},{n}99</span>{price}</div></li>\n"
    )
}

/// Reviews with their own ratings.
pub(super) fn reviews(scene: &Scene<'_>) -> String {
    let review = |n: i64| {
        let decimal = scene.listing.marketplace.number_format().decimal;
        let number = format!("{}{decimal}0", scene.chance.within("review", n, 1, 5));
        let stars = fill(scene.phrases().stars, number);
        format!(
            "<div id=\"R{n}\" data-hook=\"review\" class=\"a-section review\"><i data-hook=\"review-star-rating\" class=\"a-icon a-icon-star\">\
             <span class=\"a-icon-alt\">{stars}</span></i> <span data-hook=\"review-body\">Bought it for $19.99 elsewhere, \
             out of stock there. Comfortable after three hours, the hinge creaks a little.</span></div>\n"
        )
    };
    format!("<div id=\"cm-cr-dp-review-list\">{}</div>\n", (0..8).map(review).collect::<String>())
}

/// Scripts of about `length` bytes in total. They add size, and prices inside their text.
pub(super) fn push_scripts(page: &mut String, length: usize) {
    const SCRIPT: &str = concat!(
        "<script type=\"text/javascript\">\n(window.AmazonUIPageJS ? AmazonUIPageJS : P).when('A', 'ready', 'a-carousel-framework')",
        ".execute('dp-widget', function (A) { var state = {\"displayPrice\":\"$9.99\",\"priceAmount\":9.99,\"inStock\":false,",
        "\"widget\":\"<span class='a-offscreen'>$4.99</span>\"}; if (A.state('dp-widget') < state.priceAmount && !state.inStock) ",
        "{ A.trigger('dp:widget:update', state); ue && ue.count && ue.count('dp:widget:update', 1); } });\n</script>\n",
    );
    let end = page.len() + length;
    while page.len() + SCRIPT.len() <= end {
        page.push_str(SCRIPT);
    }
}

/// A price of something else, between `low` and `high` percent of the listing's usual price.
fn other_price(scene: &Scene<'_>, purpose: &str, n: i64, low: i64, high: i64) -> Money {
    let usual = scene.usual_price;
    let percent = scene.chance.of(purpose).within("percent", n, low, high);
    let major = usual.amount_minor as f64 / usual.currency.minor_per_major() as f64;
    price_tag(major * percent as f64 / 100.0, usual.currency)
}
