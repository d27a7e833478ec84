//! Renders facts as Amazon-shaped pages.
//!
//! Elements, ids, classes and their order are those of current product pages, in the variants that real pages have. The
//! variant of a listing is drawn once and does not change.

mod decoys;
mod details;
mod lists;
mod offer;
mod offers;
mod price;
mod refusals;

use htmlize::{escape_attribute, escape_text};

use crate::domain::{Asin, Listing, Money};

use super::catalogue::Product;
use super::chance::Chance;
use super::facts::Facts;
use super::phrases::Phrases;

pub(super) use lists::{bestsellers, search};
pub(super) use offers::offers;
pub(super) use refusals::{captcha, not_found, unavailable};

/// The input for rendering a product page.
pub(super) struct Scene<'a> {
    pub(super) listing: Listing,
    pub(super) product: &'a Product,
    pub(super) facts: &'a Facts,
    /// The listing's base price. Other prices on the page are relative to it.
    pub(super) usual_price: Money,
    /// The products of its comparison table.
    pub(super) compared_with: &'a [Asin],
    pub(super) chance: Chance,
}

impl Scene<'_> {
    fn phrases(&self) -> &'static Phrases {
        Phrases::of(self.listing.marketplace)
    }

    /// True for the half of the listings whose page has this variant.
    fn is_variant(&self, variant: &str) -> bool {
        self.chance.unit(variant, 0) < 0.5
    }

    /// Wraps content in the element that Amazon uses for every feature of a page.
    fn feature(&self, name: &str, content: &str) -> String {
        let asin = self.listing.asin;
        format!(
            "<div id=\"{name}_feature_div\" class=\"celwidget\" data-feature-name=\"{name}\" data-csa-c-type=\"widget\" \
             data-csa-c-content-id=\"{name}\" data-csa-c-slot-id=\"{name}_feature_div\" data-csa-c-asin=\"{asin}\" \
             data-csa-c-is-in-initial-active-row=\"false\">\n{content}\n</div>\n"
        )
    }
}

/// The product page, padded with scripts to about `page_kb`.
pub(super) fn product(scene: &Scene<'_>, page_kb: usize) -> String {
    let start = head(scene);
    let middle = body(scene);
    let padding = (page_kb * 1024).saturating_sub(start.len() + middle.len());
    let mut page = String::with_capacity(page_kb * 1024 + 8 * 1024);
    page.push_str(&start);
    // In real pages, about a third of the bytes come before the product.
    decoys::push_scripts(&mut page, padding / 3);
    page.push_str(&middle);
    decoys::push_scripts(&mut page, padding - padding / 3);
    page.push_str("<div id=\"navFooter\" class=\"navLeftFooter nav-sprite-v1\"></div>\n</div></body></html>\n");
    page
}

fn head(scene: &Scene<'_>) -> String {
    let Listing { marketplace, asin } = scene.listing;
    let (locale, host) = (marketplace.locale().to_ascii_lowercase(), marketplace.host());
    let title = escape_text(&scene.product.title);
    let attribute = escape_attribute(&scene.product.title);
    let slug = slug(&scene.product.title);
    let category = escape_text(scene.phrases().category);
    format!(
        "<!doctype html><html lang=\"{locale}\" class=\"a-no-js\" data-19ax5a9jf=\"dingo\"><!-- sp:feature:head-start -->\n\
         <head><script>var aPageStart = (new Date()).getTime();</script><meta charset=\"utf-8\"/>\n\
         <!-- sp:end-feature:head-start -->\n\
         <meta http-equiv=\"x-dns-prefetch-control\" content=\"on\">\n\
         <link rel=\"canonical\" href=\"https://{host}/{slug}/dp/{asin}\" />\n\
         <meta name=\"description\" content=\"{attribute}\" />\n\
         <meta name=\"title\" content=\"{attribute} : {category}\" />\n\
         <title>{title} : Amazon.{marketplace}: {category}</title>\n\
         </head>\n<body class=\"a-m-us a-aui_72554-c\">\n<div id=\"a-page\">\n\
         <header id=\"navbar-main\" class=\"nav-opt-sprite\"><div id=\"nav-belt\"><a id=\"nav-logo-sprites\" href=\"/ref=nav_logo\">\
         Amazon</a><span id=\"nav-cart-count\">0</span></div></header>\n"
    )
}

fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.take(5).collect::<Vec<_>>().join("-")
}

fn body(scene: &Scene<'_>) -> String {
    let asin = scene.listing.asin;
    [
        "<div id=\"dp\" class=\"electronics\"><div id=\"dp-container\" class=\"a-container\" role=\"main\"><div id=\"ppd\">\n",
        &details::breadcrumbs(scene),
        "<div id=\"rightCol\" class=\"rightCol\" role=\"complementary\"><div id=\"buybox\"><form method=\"post\" id=\"addToCart\" action=\"/cart\">\n",
        &format!("<input type=\"hidden\" id=\"ASIN\" name=\"ASIN\" value=\"{asin}\">\n"),
        &offer::buy_box(scene),
        "</form></div>\n",
        &decoys::beside_the_offer(scene),
        "</div>\n<div id=\"leftCol\" class=\"a-section a-spacing-none leftCol\">\n",
        &details::image(scene),
        &details::gallery(scene),
        "</div>\n<div id=\"centerCol\" class=\"centerColAlign\">\n",
        &details::heading(scene),
        &offer::price_block(scene),
        &details::bullets(scene),
        "</div></div>\n",
        &decoys::carousel(scene, "sims-fbt"),
        &details::information(scene),
        &details::description(scene),
        &details::comparison(scene),
        &decoys::reviews(scene),
        &decoys::carousel(scene, "sp_detail"),
        "</div></div>\n",
    ]
    .concat()
}
