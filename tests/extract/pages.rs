//! Small test pages: one for each language and encoding, and generated ones.

use std::path::PathBuf;

use amazon_tracker::extract::{Page, PageContext, extract};

/// The bytes of a page under `pages/`.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/extract/pages").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads a page without giving its marketplace.
pub(crate) fn read(name: &str) -> Page {
    extract(&bytes(name), PageContext::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A product page with the given Buy Box, long enough to count as a page.
pub(crate) fn product_page(buy_box: &str) -> String {
    format!(
        "<html lang='en-us'><head><meta charset='utf-8'><title>Kettle</title>\
         <link rel='canonical' href='https://www.amazon.com/dp/B0OWNPG099'></head><body><div id='dp-container'>\
         <h1><span id='productTitle'>Kettle</span></h1><form id='addToCart'><input name='ASIN' value='B0OWNPG099'>\
         {buy_box}</form></div>{}<div id='navFooter'></div></body></html>",
        " ".repeat(400)
    )
}

/// Reads [`product_page`].
pub(crate) fn read_buy_box(buy_box: &str) -> Page {
    extract(product_page(buy_box).as_bytes(), PageContext::default()).expect("a small page needs little memory")
}
