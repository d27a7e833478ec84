//! Small pages of our own making: one for each language, layout era and trouble.

use std::path::PathBuf;

use amazon_tracker::extract::{Page, PageContext, extract};

/// The bytes of a page under `pages/`.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/extract/pages").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a page says, with only the page itself to tell where it is from.
pub(crate) fn read(name: &str) -> Page {
    extract(&bytes(name), PageContext::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A product page around the given buy box, long enough to be a page.
pub(crate) fn product_page(buy_box: &str) -> String {
    format!(
        "<html lang='en-us'><head><meta charset='utf-8'><title>Kettle</title>\
         <link rel='canonical' href='https://www.amazon.com/dp/B0OWNPG099'></head><body><div id='dp-container'>\
         <h1><span id='productTitle'>Kettle</span></h1><form id='addToCart'><input name='ASIN' value='B0OWNPG099'>\
         {buy_box}</form></div>{}<div id='navFooter'></div></body></html>",
        " ".repeat(400)
    )
}

/// What [`product_page`] says on amazon.com.
pub(crate) fn read_buy_box(buy_box: &str) -> Page {
    extract(product_page(buy_box).as_bytes(), PageContext::default()).expect("a small page needs little memory")
}
