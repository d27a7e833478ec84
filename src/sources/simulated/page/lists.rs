//! Bestseller lists and search results, with the elements and classes of current pages.

use std::fmt::Write;

use htmlize::escape_text;

use crate::domain::Marketplace;

use super::super::catalogue::Product;

/// A page of a bestseller list. The first item has this rank.
pub(in super::super) fn bestsellers(marketplace: Marketplace, first_rank: usize, products: &[Product]) -> String {
    let mut items = String::new();
    for (rank, product) in (first_rank..).zip(products) {
        let (asin, title) = (product.asin, escape_text(&product.title));
        let _ = writeln!(
            items,
            "<div id=\"gridItemRoot\" class=\"a-column a-span12\"><div class=\"zg-grid-general-faceout\">\
             <span class=\"zg-bdg-text\">#{rank}</span><div id=\"{asin}\" class=\"p13n-sc-uncoverable-faceout\">\
             <a class=\"a-link-normal aok-block\" href=\"/dp/{asin}\"><span>\
             <div class=\"_cDEzb_p13n-sc-css-line-clamp-3_g3dy1\">{title}</div></span></a></div></div></div>"
        );
    }
    framed(marketplace, &format!("<div id=\"zg\"><div id=\"zg-right-col\">\n{items}</div></div>"))
}

/// A page of search results.
pub(in super::super) fn search(marketplace: Marketplace, products: &[Product]) -> String {
    let mut items = String::new();
    for product in products {
        let (asin, title) = (product.asin, escape_text(&product.title));
        let _ = writeln!(
            items,
            "<div role=\"listitem\" data-asin=\"{asin}\" data-component-type=\"s-search-result\" class=\"s-result-item s-asin\">\
             <a class=\"a-link-normal s-line-clamp-2\" href=\"/dp/{asin}\">\
             <h2 aria-label=\"{title}\" class=\"a-size-medium\"><span>{title}</span></h2></a></div>"
        );
    }
    framed(marketplace, &format!("<div id=\"search\"><div class=\"s-main-slot\">\n{items}</div></div>"))
}

fn framed(marketplace: Marketplace, list: &str) -> String {
    let locale = marketplace.locale().to_ascii_lowercase();
    format!(
        "<!doctype html><html lang=\"{locale}\"><head><meta charset=\"utf-8\"/><title>Amazon.{marketplace}</title></head>\n\
         <body><div id=\"a-page\"><header id=\"navbar-main\"></header>\n{list}\n<div id=\"navFooter\" class=\"navLeftFooter \
         nav-sprite-v1\"></div>\n</div></body></html>\n"
    )
}
