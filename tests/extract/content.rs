//! The content of real pages, and the ids of their sellers.

use amazon_tracker::domain::{SellerId, is_amazon};
use amazon_tracker::extract::{Page, PageContext, PageKind, extract};

use crate::corpus;

/// The product pages of the corpus, read to their end.
fn products() -> Option<Vec<(String, Page)>> {
    let (corpus, labels) = corpus::available()?;
    let read = |label| {
        let (bytes, context) = corpus::bytes_of(&corpus, label);
        let page = extract(&bytes, PageContext { to_the_end: true, ..context }).expect("a real page");
        (label["id"].as_str().expect("every label has an id").to_owned(), page)
    };
    Some(labels.iter().map(read).filter(|(_, page)| page.kind == PageKind::Product && !page.truncated).collect())
}

#[test]
fn the_content_of_real_pages_is_read() {
    let Some(pages) = products() else { return };
    let count = |has: fn(&Page) -> bool| pages.iter().filter(|(_, page)| has(page)).count();
    let read = [
        ("images", count(|page| !page.image_ids.is_empty()), 55),
        ("description", count(|page| page.description.is_some()), 45),
        ("category path", count(|page| !page.category_path.is_empty()), 70),
        ("A+ content", count(|page| page.has_a_plus == Some(true)), 33),
        ("no A+ content", count(|page| page.has_a_plus == Some(false)), 20),
        ("video", count(|page| page.has_video == Some(true)), 20),
        ("comparison table", count(|page| !page.compared_with.is_empty()), 13),
    ];
    println!("of {} pages: {read:?}", pages.len());
    assert!(read.iter().all(|(_, found, at_least)| found >= at_least), "of {} pages: {read:?}", pages.len());
    for (id, page) in &pages {
        assert!(
            page.image_ids.iter().all(|image| image.len() > 8 && !image.contains('/')),
            "{id}: {:?}",
            page.image_ids
        );
        assert!(page.asin.is_none_or(|own| !page.compared_with.contains(&own)), "{id}: {:?}", page.compared_with);
        assert!(page.category_path.len() < 12, "{id}: {:?}", page.category_path);
        let names = |text: &String| text.len() < 80 && !text.contains('›');
        assert!(page.category_path.iter().all(names), "{id}: {:?}", page.category_path);
    }
}

#[test]
fn a_page_that_is_read_to_its_end_has_the_same_facts() {
    let Some((corpus, labels)) = corpus::available() else { return };
    let facts = |page: Page| {
        let asins = page.variation_asins.len();
        (page.asin, page.price_minor, page.seller, page.rating, page.review_count, page.bsr, page.availability, asins)
    };
    for label in &labels {
        let (bytes, context) = corpus::bytes_of(&corpus, label);
        let whole = extract(&bytes, PageContext { to_the_end: true, ..context.clone() }).unwrap();
        assert_eq!(facts(whole), facts(extract(&bytes, context).unwrap()), "{}", label["id"]);
    }
}

#[test]
fn sellers_of_real_pages_have_their_ids() {
    let Some(pages) = products() else { return };
    let mut named = 0;
    for (id, page) in &pages {
        let (Some(seller), Some(marketplace)) = (&page.seller, page.marketplace) else { continue };
        named += usize::from(page.seller_id.is_some());
        let own = SellerId::of_amazon(marketplace);
        if is_amazon(seller) {
            assert_eq!(page.seller_id, own, "{id}: {seller}");
        } else {
            assert!(page.seller_id.is_none() || page.seller_id != own, "{id}: {seller} is not Amazon");
        }
    }
    let sellers = pages.iter().filter(|(_, page)| page.seller.is_some()).count();
    println!("{named} of {sellers} sellers have an id");
    assert!(named * 10 >= sellers * 9, "{named} of {sellers}");
}
