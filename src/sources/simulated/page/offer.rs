//! The offer: the price block in the centre column and the Buy Box in the right one.

use htmlize::escape_text;

use crate::domain::numbers::format_price;
use crate::domain::{Availability, Money};

use super::super::facts::Seller;
use super::super::phrases::fill;
use super::price::{price, price_in_parts, text_price};
use super::{Scene, decoys};

/// `#corePriceDisplay_desktop_feature_div` and the coupon under it. Without an offer, both are empty.
pub(super) fn price_block(scene: &Scene<'_>) -> String {
    let core = scene.facts.price.map(|money| core_price(scene, money)).unwrap_or_default();
    let coupon = scene.facts.coupon.map(|money| coupon(scene, money)).unwrap_or_default();
    let core = scene.feature("corePriceDisplay_desktop", &core);
    core + &scene.feature("promoPriceBlockMessage", &coupon)
}

fn core_price(scene: &Scene<'_>, money: Money) -> String {
    let marketplace = scene.listing.marketplace;
    let classes = "aok-align-center reinventPricePriceToPayMargin priceToPay";
    let write = if scene.is_variant("price in parts") { price_in_parts } else { price };
    let to_pay = write(money, marketplace, classes);
    let (savings, basis) = scene.facts.list_price.map(|list| basis_price(scene, money, list)).unwrap_or_default();
    let unit_price = decoys::unit_price(scene, money);
    format!(
        "<div class=\"a-section a-spacing-none aok-align-center aok-relative\">{savings}{to_pay}{unit_price}\
         <span id=\"taxInclusiveMessage\" class=\"a-size-mini a-color-base aok-align-center aok-nowrap\"> </span></div>\n\
         <div class=\"a-section a-spacing-small aok-align-center\">{basis}</div>"
    )
}

/// "-20%", and the struck-through price to which it refers.
fn basis_price(scene: &Scene<'_>, price: Money, list_price: Money) -> (String, String) {
    let marketplace = scene.listing.marketplace;
    let percent = 100 - price.amount_minor * 100 / list_price.amount_minor.max(1);
    let label = scene.phrases().list_price;
    let text = format_price(list_price, marketplace);
    let struck = text_price(list_price, marketplace, true);
    (
        format!(
            "<span aria-hidden=\"true\" class=\"a-size-large a-color-price savingPriceOverride aok-align-center \
             reinventPriceSavingsPercentageMargin savingsPercentage\">-{percent}%</span> "
        ),
        format!(
            "<span><span class=\"aok-relative\"><span class=\"a-size-small aok-offscreen\"> {label} {text} </span>\
             <span aria-hidden=\"true\" class=\"a-size-small a-color-secondary aok-align-center basisPrice\">{label} {struck}</span>\
             </span></span>"
        ),
    )
}

fn coupon(scene: &Scene<'_>, amount: Money) -> String {
    let text = fill(scene.phrases().coupon, format_price(amount, scene.listing.marketplace));
    let asin = scene.listing.asin;
    format!(
        "<span class=\"promoPriceBlockMessage\"><div data-csa-c-owner=\"PromotionsDiscovery\"><span class=\"a-declarative\">\
         <i class=\"a-icon a-icon-addon newCouponBadge\">Coupon:</i></span> \
         <label id=\"couponTextpctch{asin}\" class=\"a-color-success couponLabelText\"> {text} </label></div></span>"
    )
}

/// The Buy Box: price, availability and seller, or the reason why there is no offer.
pub(super) fn buy_box(scene: &Scene<'_>) -> String {
    let Some(money) = scene.facts.price else { return sold_out(scene) };
    let boxed = price(money, scene.listing.marketplace, "aok-align-center");
    let cart = scene.phrases().add_to_cart;
    [
        scene.feature("corePrice", &format!("<div class=\"a-section a-spacing-micro\">{boxed}</div>")),
        scene.feature("availability", &availability(scene)),
        seller(scene),
        format!(
            "<div id=\"desktop_buybox\"><span id=\"submit.add-to-cart\" class=\"a-button a-button-primary\"><input id=\"add-to-cart-button\" \
             name=\"submit.add-to-cart\" title=\"{cart}\" class=\"a-button-input\" type=\"submit\" value=\"{cart}\"></span></div>\n"
        ),
        twister(money),
    ]
    .concat()
}

fn availability(scene: &Scene<'_>) -> String {
    let (class, text) = availability_line(scene);
    format!(
        "<div id=\"availability\" class=\"a-section a-spacing-base a-spacing-top-micro\"> \
         <span class=\"a-size-medium {class}\"> {text} </span> <br/> </div>"
    )
}

/// The colour class and the text of the availability line.
fn availability_line(scene: &Scene<'_>) -> (&'static str, String) {
    let phrases = scene.phrases();
    match scene.facts.availability {
        Availability::LowStock => ("a-color-price", fill(phrases.low_stock, scene.facts.units_left)),
        Availability::OutOfStock => ("a-color-price", phrases.out_of_stock.to_owned()),
        Availability::Unavailable => ("a-color-price", phrases.unavailable.to_owned()),
        _ => ("a-color-success primary-availability-message", phrases.in_stock.to_owned()),
    }
}

fn sold_out(scene: &Scene<'_>) -> String {
    let (_, text) = availability_line(scene);
    let reason = format!(
        "<div id=\"outOfStock\" class=\"a-box\"><div class=\"a-box-inner\"><div class=\"a-section a-spacing-small a-text-center\">\
         <span class=\"a-color-price a-text-bold\">{text}</span></div></div></div>"
    );
    scene.feature("outOfStockBuyBox", &reason) + &scene.feature("availability", &availability(scene))
}

/// "Sold by", as the older table or the newer list of features. Only merchants have a link to a profile.
fn seller(scene: &Scene<'_>) -> String {
    let marketplace = scene.listing.marketplace;
    let Some(seller) = scene.facts.seller else { return String::new() };
    let name = seller.name(marketplace);
    let shown = match seller {
        Seller::Amazon => name,
        Seller::Merchant(merchant) => format!(
            "<a href='/gp/help/seller/at-a-glance.html/ref=dp_merchant_link?ie=UTF8&amp;seller={}&amp;asin={}' \
             id='sellerProfileTriggerId'>{}</a>",
            seller.id(marketplace),
            scene.listing.asin,
            escape_text(merchant),
        ),
    };
    let phrases = scene.phrases();
    if scene.is_variant("tabular buy box") {
        let rows = tabular_row(phrases.ships_from, "Amazon") + &tabular_row(phrases.sold_by, &shown);
        let table = format!(
            "<div id=\"tabular-buybox\" class=\"a-section a-spacing-base tabular-buybox\"><div class=\"tabular-buybox-container\">{rows}</div></div>"
        );
        return scene.feature("tabular", &table);
    }
    let from = feature_row("fulfiller", phrases.ships_from, "Amazon");
    let by = feature_row("merchant", phrases.sold_by, &shown);
    scene.feature("fulfillerInfoFeature", &from) + &scene.feature("merchantInfoFeature", &by)
}

fn tabular_row(label: &str, value: &str) -> String {
    format!(
        "<div class=\"tabular-buybox-label\" tabular-attribute-name=\"{label}\"><div class=\"a-spacing-none\">\
         <span class=\"a-size-small a-color-tertiary\">{label}</span></div></div>\
         <div class=\"tabular-buybox-text\" tabular-attribute-name=\"{label}\"><div class=\"tabular-buybox-text a-spacing-none\">\
         <span class=\"a-size-small tabular-buybox-text-message\">{value}</span></div></div>\n"
    )
}

fn feature_row(kind: &str, label: &str, value: &str) -> String {
    format!(
        "<div class=\"offer-display-feature-label celwidget a-size-small\" offer-display-feature-name=\"desktop-{kind}-info\">\
         <div class=\"a-spacing-none\"><span class=\"a-size-small a-color-tertiary\">{label}</span></div></div>\
         <div class=\"offer-display-feature-text a-size-small\" offer-display-feature-name=\"desktop-{kind}-info\">\
         <div class=\"offer-display-feature-text a-spacing-none odf-truncation-popover\">\
         <span class=\"a-size-small offer-display-feature-text-message\">{value}</span></div></div>"
    )
}

/// The hidden JSON that the page's own scripts use to display the price.
fn twister(money: Money) -> String {
    let json = serde_json::json!({ "desktop_buybox_group_1": [{
        "priceAmount": money.amount_minor as f64 / money.currency.minor_per_major() as f64,
        "currencySymbol": money.currency.symbols()[0],
        "buyingOptionType": "NEW",
        "aapiBuyingOptionIndex": 0,
    }]});
    let json = json.to_string();
    format!(
        "<div class=\"a-section aok-hidden twister-plus-buying-options-price-data\">{}</div>\n",
        escape_text(json.as_str())
    )
}
