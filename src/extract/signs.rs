//! Facts that stand in attributes and in the mere presence of elements.

use std::sync::LazyLock;

use lol_html::send::Element;

use super::layout::Lexicon;
use super::text;

/// Facts that stand in attributes.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) canonical: Option<String>,
    /// `value` of the hidden ASIN input of the cart form.
    pub(super) asin_input: Option<String>,
    /// `data-asin` of the element that shows the product's stars, or another one of the product itself.
    pub(super) asin_attribute: Option<String>,
    /// Every `/dp/ASIN` of the first links, for layouts that name the ASIN nowhere else.
    pub(super) linked_asin: Option<String>,
    pub(super) image: Option<String>,
    pub(super) image_rule: &'static str,
    /// Marks of pages that are no product page.
    pub(super) signs: Signs,
    /// `data-defaultasin` of variation swatches.
    pub(super) variation_asins: Vec<String>,
}

/// Structures that give a page's kind away, whatever its language.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Signs {
    pub(super) captcha: bool,
    pub(super) sign_in: bool,
    pub(super) error_503: bool,
    pub(super) error_404: bool,
    pub(super) product: bool,
    pub(super) offer_listing: bool,
    pub(super) reviews: bool,
    pub(super) bestsellers: bool,
    pub(super) search: bool,
    /// `</html>` was seen.
    pub(super) closed: bool,
    /// The footer was reached.
    pub(super) footer: bool,
    /// A row with bestseller ranks was read to its end.
    pub(super) ranks: bool,
}

type Note = fn(&mut Signs);

/// Ids that give a page's kind away.
const ID_SIGNS: &[(&str, Note)] = &[
    ("dp", |signs| signs.product = true),
    ("dp-container", |signs| signs.product = true),
    ("productTitle", |signs| signs.product = true),
    ("btAsinTitle", |signs| signs.product = true),
    ("ap_email", |signs| signs.sign_in = true),
    ("ap_email_login", |signs| signs.sign_in = true),
    ("authportal-main-section", |signs| signs.sign_in = true),
    ("captchacharacters", |signs| signs.captcha = true),
    ("challenge-container", |signs| signs.captcha = true),
    ("olpOfferList", |signs| signs.offer_listing = true),
    ("olpOfferListColumn", |signs| signs.offer_listing = true),
    ("cm_cr-review_list", |signs| signs.reviews = true),
    ("zg", |signs| signs.bestsellers = true),
    ("zg-center-div", |signs| signs.bestsellers = true),
    ("zg_centerListWrapper", |signs| signs.bestsellers = true),
    ("zg_left_col1", |signs| signs.bestsellers = true),
    ("zg-right-col", |signs| signs.bestsellers = true),
    ("zg-left-col", |signs| signs.bestsellers = true),
    ("search", |signs| signs.search = true),
    ("s-results-list-atf", |signs| signs.search = true),
    ("navFooter", |signs| signs.footer = true),
    ("nav-ftr", |signs| signs.footer = true),
];

/// Images whose id is their meaning, on desktop, mobile, books and e-books.
const IMAGE_IDS: &[&str] = &[
    "landingImage",
    "imgBlkFront",
    "ebooksImgBlkFront",
    "main-image",
    "prodImage",
    "original-main-image",
    "detailImg",
    "mainImage",
];

#[derive(Clone, Copy)]
enum IdMeaning {
    Sign(Note),
    Image,
}

static ID_MEANINGS: LazyLock<Lexicon<IdMeaning>> = LazyLock::new(|| {
    let signs = ID_SIGNS.iter().map(|(id, note)| (*id, IdMeaning::Sign(*note)));
    Lexicon::new(signs.chain(IMAGE_IDS.iter().map(|id| (*id, IdMeaning::Image))))
});

/// True when an element with this id says something by being there.
pub(super) fn is_known_id(id: &[u8]) -> bool {
    id == ASIN_INPUT.as_bytes() || ID_MEANINGS.get(id).is_some()
}

/// Id of the hidden input of the cart form.
const ASIN_INPUT: &str = "ASIN";

/// The rule of an image that has no id of its own, only a frame that is known.
pub(super) const IMAGE_HOLDER: &str = "image holder";

impl Attributes {
    /// Learns what an element with an id tells by being there.
    pub(super) fn note_id(&mut self, id: &str, el: &Element<'_, '_>) {
        match ID_MEANINGS.get(id.as_bytes()) {
            Some((_, IdMeaning::Sign(note))) => note(&mut self.signs),
            Some((rule, IdMeaning::Image)) => self.note_image(rule, el),
            None => {}
        }
        if id == ASIN_INPUT {
            self.note_asin_input(el);
        }
        if id == "averageCustomerReviews" {
            self.asin_attribute = self.asin_attribute.take().or_else(|| el.get_attribute("data-asin"));
        }
    }

    /// The largest version that the element offers: `data-old-hires`, the largest of the responsive set, or `src`.
    pub(super) fn note_image(&mut self, rule: &'static str, el: &Element<'_, '_>) {
        let is_better = self.image.is_none() || (self.image_rule == IMAGE_HOLDER && rule != IMAGE_HOLDER);
        if !is_better {
            return;
        }
        // Product images stand under `/images/I/`; stickers and blanks elsewhere.
        let is_photo = |value: &String| value.starts_with("http") && value.contains("/images/I/");
        let url = |name: &str| el.get_attribute(name).filter(is_photo);
        let largest =
            || el.get_attribute("data-a-dynamic-image").and_then(|json| text::largest_image(&text::decode(&json)));
        let found = url("data-old-hires").or_else(largest).or_else(|| url("src"));
        if found.is_some() {
            self.image = found;
            self.image_rule = rule;
        }
    }

    /// The hidden input of the cart form; the first one is the selected child's.
    pub(super) fn note_asin_input(&mut self, el: &Element<'_, '_>) {
        let known = self.asin_input.take();
        self.asin_input = known.or_else(|| el.get_attribute("value").filter(|value| value.len() == 10));
    }

    /// The `action` of a form tells captchas and the sign-in page.
    pub(super) fn note_form(&mut self, action: &str, name: &str) {
        self.signs.captcha |= action.contains("/errors/validateCaptcha");
        self.signs.sign_in |= name == "signIn" || action.contains("/ap/signin");
    }

    /// Links of the error pages carry the status in their `ref=`.
    pub(super) fn note_error_link(&mut self, href: &str) {
        self.signs.error_503 |= href.contains("cs_503");
        self.signs.error_404 |= href.contains("cs_404");
    }
}
