//! The kind of page. Structure is checked before text, because it is the same in every language.

use crate::domain::Block;

use super::attributes::Attributes;
use super::capture::Capture;
use super::layout::Part;
use super::page::PageKind;
use super::phrases;
use super::text;

/// The kind of page, the reason for it, and how Amazon refused to serve the page, if it did.
pub(super) struct Kind {
    pub(super) kind: PageKind,
    pub(super) why: &'static str,
    pub(super) block: Option<Block>,
}

const fn kind(kind: PageKind, why: &'static str, block: Option<Block>) -> Kind {
    Kind { kind, why, block }
}

/// The first check that matches decides. A page that matches none is an interstitial.
pub(super) fn read(captures: &[Capture], attributes: &Attributes) -> Kind {
    let markers = attributes.markers;
    let title = document_title(captures);
    let title_contains = |phrases_of: fn(&phrases::Language) -> &'static [&'static str]| {
        phrases::any_language_contains(&title, phrases_of)
    };
    let has_item = |rule: &str| captures.iter().any(|capture| capture.part == Part::Item && capture.rule == rule);
    let has_title = captures.iter().any(|capture| capture.part == Part::Title && !text::line(&capture.text).is_empty());
    let throttled = Some(Block::Throttled { retry_after: None });

    if markers.captcha {
        return kind(PageKind::Captcha, "captcha form", Some(Block::Captcha));
    }
    if has_title && !markers.offer_listing && !markers.reviews {
        return kind(PageKind::Product, "product title", None);
    }
    if markers.offer_listing || markers.reviews {
        return kind(PageKind::OtherError, "offers or reviews of a product", Some(Block::Interstitial));
    }
    if markers.bestsellers {
        return kind(PageKind::Bestsellers, "bestseller layout", None);
    }
    if markers.search || has_item("s-result-item") {
        return kind(PageKind::Search, "search results", None);
    }
    if markers.product {
        return kind(PageKind::Product, "product layout without a title", None);
    }
    if markers.sign_in {
        return kind(PageKind::OtherError, "sign-in form", Some(Block::SignIn));
    }
    if markers.error_503 {
        return kind(PageKind::OtherError, "link of the error page 503", throttled);
    }
    if markers.error_404 || title_contains(|language| language.not_found) {
        return kind(PageKind::NotFound, "page not found", None);
    }
    if title_contains(|language| language.captcha) {
        return kind(PageKind::Captcha, "title of a robot check", Some(Block::Captcha));
    }
    if title_contains(|language| language.error) {
        return kind(PageKind::OtherError, "title of an error page", throttled);
    }
    if title_contains(|language| language.sign_in) {
        return kind(PageKind::OtherError, "title of the sign-in page", Some(Block::SignIn));
    }
    if title_contains(|language| language.bestsellers) && captures.iter().any(|capture| capture.part == Part::Item) {
        return kind(PageKind::Bestsellers, "title of a bestseller list", None);
    }
    kind(PageKind::OtherError, "unknown kind of page", Some(Block::Interstitial))
}

fn document_title(captures: &[Capture]) -> String {
    let title = captures.iter().find(|capture| capture.part == Part::DocumentTitle);
    title.map(|capture| text::line(&capture.text)).unwrap_or_default()
}
