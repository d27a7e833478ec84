//! What sort of page it is. Structure decides before words, because structure has no language.

use crate::domain::Block;

use super::capture::Capture;
use super::layout::Part;
use super::page::PageKind;
use super::phrases;
use super::signs::Attributes;
use super::text;

/// The kind, the reason for it, and how Amazon refused, when it did.
pub(super) struct Kind {
    pub(super) kind: PageKind,
    pub(super) why: &'static str,
    pub(super) block: Option<Block>,
}

const fn kind(kind: PageKind, why: &'static str, block: Option<Block>) -> Kind {
    Kind { kind, why, block }
}

/// The first question with a yes decides; a page that answers none is an interstitial.
pub(super) fn read(captures: &[Capture], attributes: &Attributes) -> Kind {
    let signs = attributes.signs;
    let title = document_title(captures);
    let titled = |phrases_of: fn(&phrases::Language) -> &'static [&'static str]| phrases::any_says(&title, phrases_of);
    let listed = |rule: &str| captures.iter().any(|capture| capture.part == Part::Item && capture.rule == rule);
    let has_title = captures.iter().any(|capture| capture.part == Part::Title && !text::line(&capture.text).is_empty());
    let throttled = Some(Block::Throttled { retry_after: None });

    if signs.captcha {
        return kind(PageKind::Captcha, "captcha form", Some(Block::Captcha));
    }
    if has_title && !signs.offer_listing && !signs.reviews {
        return kind(PageKind::Product, "product title", None);
    }
    if signs.offer_listing || signs.reviews {
        return kind(PageKind::OtherError, "offers or reviews of a product", Some(Block::Interstitial));
    }
    if signs.bestsellers {
        return kind(PageKind::Bestsellers, "bestseller layout", None);
    }
    if signs.search || listed("s-result-item") {
        return kind(PageKind::Search, "search results", None);
    }
    if signs.product {
        return kind(PageKind::Product, "product layout without a title", None);
    }
    if signs.sign_in {
        return kind(PageKind::OtherError, "sign-in form", Some(Block::SignIn));
    }
    if signs.error_503 {
        return kind(PageKind::OtherError, "link of the error page 503", throttled);
    }
    if signs.error_404 || titled(|language| language.not_found) {
        return kind(PageKind::NotFound, "page not found", None);
    }
    if titled(|language| language.captcha) {
        return kind(PageKind::Captcha, "title of a robot check", Some(Block::Captcha));
    }
    if titled(|language| language.error) {
        return kind(PageKind::OtherError, "title of an error page", throttled);
    }
    if titled(|language| language.sign_in) {
        return kind(PageKind::OtherError, "title of the sign-in page", Some(Block::SignIn));
    }
    if titled(|language| language.bestsellers) && captures.iter().any(|capture| capture.part == Part::Item) {
        return kind(PageKind::Bestsellers, "title of a bestseller list", None);
    }
    kind(PageKind::OtherError, "no kind of page that is known", Some(Block::Interstitial))
}

fn document_title(captures: &[Capture]) -> String {
    let title = captures.iter().find(|capture| capture.part == Part::DocumentTitle);
    title.map(|capture| text::line(&capture.text)).unwrap_or_default()
}
