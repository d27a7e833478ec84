//! The overlay "all offers display", as Amazon serves it on its own.

use std::fmt::Write;

use htmlize::escape_text;

use crate::domain::numbers::format_price;
use crate::domain::{Asin, Marketplace, Money};

use super::super::facts::Seller;
use super::super::offer_list::SimulatedOffer;
use super::super::phrases::Phrases;

/// Offers on one page, without the featured one.
const PAGE_OFFERS: usize = 10;

/// A page of the list, from 1 on. Only the first shows the featured offer.
pub(in super::super) fn offers(marketplace: Marketplace, asin: Asin, page: usize, offers: &[SimulatedOffer]) -> String {
    let (featured, others) = offers.split_first().map_or((None, offers), |(first, others)| (Some(first), others));
    let shown = others.iter().skip(PAGE_OFFERS * page.saturating_sub(1)).take(PAGE_OFFERS);
    let mut list = String::new();
    for offer in shown {
        let _ = writeln!(list, "<div id=\"aod-offer\" class=\"a-section\">{}</div>", details(marketplace, asin, offer));
    }
    let list = format!("<div id=\"aod-offer-list\" class=\"a-section a-spacing-none\">\n{list}</div>");
    if page > 1 {
        return list;
    }
    let featured = featured.map(|offer| details(marketplace, asin, offer)).unwrap_or_default();
    format!(
        "<div id=\"all-offers-display\"><div id=\"aod-container\" class=\"a-section aod-darken-background\">\n\
         <div id=\"aod-sticky-pinned-offer\" class=\"a-section\">{featured}</div>\n\
         <div id=\"aod-pinned-offer\" class=\"a-section\">{featured}</div>\n\
         <div id=\"aod-filter\"><span id=\"aod-filter-offer-count-string\">{count}</span></div>\n{list}</div></div>\n",
        count = others.len(),
    )
}

fn details(marketplace: Marketplace, asin: Asin, offer: &SimulatedOffer) -> String {
    let phrases = Phrases::of(marketplace);
    let condition = if offer.is_used { phrases.used_condition } else { phrases.new_condition };
    let price = format_price(offer.price, marketplace);
    let struck = format_price(Money::new(offer.price.amount_minor * 2, offer.price.currency), marketplace);
    let shipping = match offer.shipping_minor {
        0 => "FREE".to_owned(),
        minor => format_price(Money::new(minor, offer.price.currency), marketplace),
    };
    let name = offer.seller.name(marketplace);
    let from = if offer.by_amazon { "Amazon" } else { &name };
    let prime = if offer.by_amazon { "<i class=\"a-icon a-icon-prime a-icon-medium\" role=\"img\"></i>" } else { "" };
    let sold_by = match offer.seller {
        Seller::Amazon => format!("<span class=\"a-size-small a-color-base\">{name}</span>"),
        Seller::Merchant(merchant) => format!(
            "<a class=\"a-size-small a-link-normal\" role=\"link\" \
             href=\"/gp/aag/main?ie=UTF8&amp;seller={}&amp;isAmazonFulfilled={}&amp;asin={asin}\">{}</a>",
            offer.seller.id(marketplace),
            u8::from(offer.by_amazon),
            escape_text(merchant),
        ),
    };
    format!(
        "<div id=\"aod-offer-heading\" class=\"a-section\"><h5> {condition} </h5></div>\
         <div id=\"aod-offer-price\"><span class=\"a-price a-text-price\" data-a-strike=\"true\">\
         <span class=\"a-offscreen\">{struck}</span></span>\
         <span class=\"a-price\"><span class=\"a-offscreen\">{price}</span></span> {prime}\
         <div class=\"aod-delivery-promise\"><span data-csa-c-delivery-price=\"{shipping}\">{shipping}</span>\
         <span data-csa-c-delivery-price=\"fastest\"></span></div></div>\
         <div id=\"aod-offer-shipsFrom\"><span class=\"a-size-small a-color-tertiary\">{ships_from}</span> \
         <span class=\"a-size-small a-color-base\">{from}</span></div>\
         <div id=\"aod-offer-soldBy\"><span class=\"a-size-small a-color-tertiary\">{label}</span> {sold_by}</div>",
        ships_from = phrases.ships_from,
        label = phrases.sold_by,
        from = escape_text(from),
    )
}
