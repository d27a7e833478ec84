//! Offer lists: real pages of earlier years, and fragments of today's form.

use amazon_tracker::domain::{Currency, Fulfillment, Marketplace, Money, Offer, OfferCondition, Reading};
use amazon_tracker::extract::{OfferPage, PageContext, offers};
use proptest::prelude::*;

use crate::corpus;

fn read(page: &[u8], marketplace: Marketplace) -> Option<OfferPage> {
    offers(page, &PageContext::default(), marketplace).expect("HTML, however damaged")
}

fn real(id: &str) -> Option<OfferPage> {
    let (corpus, _) = corpus::available()?;
    let page = std::fs::read(corpus.join(format!("pages/{id}.html"))).expect("the page is in the corpus");
    Some(read(&page, Marketplace::Us).expect("an offer list"))
}

/// Seller, id, condition, price, shipping in minor units (`None`: not known), and who ships.
type Row<'a> = (&'a str, &'a str, &'a str, i64, Option<i64>, Fulfillment);

fn row(offer: &Offer) -> Row<'_> {
    let shipping = match &offer.shipping {
        Reading::Unknown => None,
        Reading::Absent => Some(0),
        Reading::Is(shipping) => Some(shipping.amount_minor),
    };
    let id = offer.seller_id.as_ref().map(|id| id.as_str()).unwrap_or_default();
    let condition = offer.condition_text.as_deref().unwrap_or_default();
    (offer.seller.as_deref().unwrap_or_default(), id, condition, offer.price.amount_minor, shipping, offer.fulfilled_by)
}

#[test]
fn the_used_offers_of_a_real_page_of_2018_are_read() {
    const BY: Fulfillment = Fulfillment::Merchant;
    let Some(page) = real("com-offerlisting-rejoice") else { return };
    assert!(page.is_full && !page.has_unreadable);
    assert_eq!(page.asin.map(|asin| asin.to_string()).as_deref(), Some("0001982389"));
    assert!(page.offers.iter().all(|offer| offer.condition == OfferCondition::Used && !offer.is_prime));
    let expected: [Row<'_>; 10] = [
        ("owlsbooks", "A1TJP2EKS10VL4", "Used - Good", 599, Some(0), BY),
        ("greattimebooks", "A16ET7DS3ZNK1W", "Used - Good", 599, Some(0), BY),
        ("ALEXTHEFATDAWG-US", "A2RFJF90LNL7PE", "Used - Good", 200, Some(399), BY),
        ("ThriftBooks - Motor City", "A1QJ4UH6FW3UH1", "Used - Good", 599, Some(0), BY),
        ("-bearbooks-", "A2ENLOCYXEFS31", "Used - Good", 599, Some(0), BY),
        ("Thriftbooks", "A365C2XG0O7B0H", "Used - Acceptable", 599, Some(0), BY),
        ("greener_books_london", "A161AAYHQBTAQT", "Used - Good", 295, Some(399), BY),
        ("worldofbooksusa", "A2W0XT7SMZ33XS", "Used - Very Good", 300, Some(399), BY),
        ("GlassFrogBooks", "A2LAZA9IUFPA4W", "Used - Good", 1212, Some(0), BY),
        ("American Book Center", "A3RS1FL91NCFWQ", "Used - Good", 800, Some(414), BY),
    ];
    assert_eq!(page.offers.iter().map(row).collect::<Vec<_>>(), expected);
}

#[test]
fn the_new_offers_of_a_real_page_of_2020_are_read() {
    const BY: Fulfillment = Fulfillment::Amazon;
    let Some(page) = real("com-offerlisting-rejoice-2") else { return };
    assert!(!page.is_full && !page.has_unreadable);
    assert!(page.offers.iter().all(|offer| offer.condition == OfferCondition::New && offer.is_prime));
    let expected: [Row<'_>; 3] = [
        ("Oasis1270", "A1WNZAYT9WQDYM", "New", 1999, Some(0), BY),
        ("RULTO", "APF0ST32AI5H2", "New", 2499, Some(0), BY),
        ("Novilex", "AYDAPDJLLWM0W", "New", 2999, Some(0), BY),
    ];
    assert_eq!(page.offers.iter().map(row).collect::<Vec<_>>(), expected);
}

/// An offer as the overlay shows it today.
fn aod(id: &str, condition: &str, price: &str, delivery: &str, ships_from: &str, sold_by: &str) -> String {
    format!(
        "<div id=\"{id}\"><div id=\"aod-offer-heading\"><h5>{condition}</h5></div>\
         <span class=\"apex-basisprice-value\"><span class=\"a-offscreen\">₹680.00</span></span>\
         <span class=\"a-price\">{price}</span><div class=\"aod-delivery-promise\">\
         <span data-csa-c-delivery-price=\"{delivery}\"></span><span data-csa-c-delivery-price=\"₹999\"></span></div>\
         <div id=\"aod-offer-shipsFrom\"><span>Ships from</span><span>{ships_from}</span></div>\
         <div id=\"aod-offer-soldBy\"><span>Sold by</span> {sold_by}</div></div>"
    )
}

fn link(seller: &str, name: &str) -> String {
    format!("<a href=\"/gp/help/seller/at-a-glance.html?seller={seller}&amp;asin=B0EXAMPLE1\">{name}</a>")
}

#[test]
fn the_overlay_lists_the_featured_offer_once_and_the_others_with_their_shipping() {
    let offscreen = |price: &str| format!("<span class=\"a-offscreen\">{price}</span>");
    let pieces = "<span class=\"a-offscreen\"> </span><span class=\"a-price-whole\">639<span class=\"a-price-decimal\">.</span>\
                  </span><span class=\"a-price-fraction\">50</span>";
    let featured = |id: &str| {
        aod(id, "New", &offscreen("₹639.00"), "FREE", "Amazon", &link("A2MPD1EA7SJGR6", "HEERA SPRING &amp; CO"))
    };
    let page = format!(
        "<div id=\"aod-container\">{sticky}{featured}<div id=\"aod-offer-list\">{twice}{merchant}{unknown}{used}</div></div>",
        sticky = featured("aod-sticky-pinned-offer"),
        featured = featured("aod-pinned-offer"),
        twice = featured("aod-offer"),
        merchant = aod("aod-offer", "New", pieces, "₹200", "Shivneri", &link("A3SHIVNERI0001", "Shivneri")),
        unknown = aod("aod-offer", "New", &offscreen("₹1,10,000.00"), "", "Amazon", "<span>Amazon.in</span>"),
        used = aod("aod-offer", "Used - Like New", &offscreen("₹500.00"), "FREE", "X", &link("A3SHIVNERI0002", "X")),
    );
    let page = read(page.as_bytes(), Marketplace::In).expect("an offer list");
    assert!(!page.has_unreadable && !page.is_full, "{page:?}");
    let expected: [Row<'_>; 4] = [
        ("HEERA SPRING & CO", "A2MPD1EA7SJGR6", "New", 63_900, Some(0), Fulfillment::Amazon),
        ("Shivneri", "A3SHIVNERI0001", "New", 63_950, Some(20_000), Fulfillment::Merchant),
        ("Amazon.in", "", "New", 11_000_000, None, Fulfillment::Amazon),
        ("X", "A3SHIVNERI0002", "Used - Like New", 50_000, Some(0), Fulfillment::Merchant),
    ];
    assert_eq!(page.offers.iter().map(row).collect::<Vec<_>>(), expected);
    assert_eq!(page.offers.iter().filter(|offer| offer.is_featured).count(), 1);
    assert_eq!(page.offers[1].shipping, Reading::Is(Money::new(20_000, Currency::Inr)));
}

#[test]
fn a_list_without_offers_is_told_from_a_page_that_is_no_list() {
    let none = "<div id=\"aod-container\"><div id=\"aod-pinned-offer\"></div><div id=\"aod-offer-list\"></div></div>";
    let page = read(none.as_bytes(), Marketplace::De).expect("an offer list");
    assert_eq!((page.offers.len(), page.has_unreadable), (0, false));
    assert_eq!(read(b"<html><form action=\"/errors/validateCaptcha\"></form></html>", Marketplace::De), None);
    assert_eq!(read(b"", Marketplace::De), None);
}

#[test]
fn an_offer_without_a_readable_price_is_noted_and_not_guessed() {
    for price in ["See price in cart", "PHP 1,234.00", "12 - 14"] {
        let price = format!("<span class=\"a-offscreen\">{price}</span>");
        let page = aod("aod-offer", "New", &price, "FREE", "X", &link("A3SHIVNERI0002", "X"));
        let page = format!("<div id=\"aod-offer-list\">{page}</div>");
        let page = read(page.as_bytes(), Marketplace::In).expect("an offer list");
        assert_eq!((page.offers.len(), page.has_unreadable), (0, true), "{price}");
    }
}

proptest! {
    /// Whatever a proxy or a faulty template makes of a list: what is read is offers, and nothing panics.
    #[test]
    fn a_damaged_list_never_panics(
        damage in prop::collection::vec((any::<prop::sample::Index>(), "[<>/=\"'& a-z0-9\u{80}-\u{7ff}]{0,12}", 0usize..60), 1..10),
        marketplace in prop::sample::select(Marketplace::ALL),
    ) {
        let price = "<span class=\"a-offscreen\">₹639.00</span>";
        let offer = aod("aod-offer", "Used - Good", price, "₹200", "Amazon", &link("A3SHIVNERI0002", "Verkauf durch İX"));
        let mut page = format!("<div id=\"aod-container\">{offer}{offer}</div>");
        for (place, inserted, removed) in damage {
            let at = page.floor_char_boundary(place.index(page.len()));
            let end = page.ceil_char_boundary(at + removed);
            page.replace_range(at..end, &inserted);
        }
        if let Ok(Some(page)) = offers(page.as_bytes(), &PageContext::default(), marketplace) {
            prop_assert!(page.offers.iter().all(|offer| offer.price.amount_minor >= 0));
        }
    }
}
