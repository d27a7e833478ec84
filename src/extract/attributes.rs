//! Facts from attributes, and from the presence of certain elements.

use std::sync::LazyLock;

use lol_html::send::Element;

use super::layout::LookupTable;
use super::text;

/// Facts read from attributes.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) canonical: Option<String>,
    /// A link of the page to itself, which names its site.
    pub(super) own_link: Option<String>,
    /// `value` of the hidden ASIN input of the cart form.
    pub(super) asin_input: Option<String>,
    /// `data-asin` of the element that shows the product's rating.
    pub(super) asin_attribute: Option<String>,
    /// ASIN of the first product link beside the rating, for layouts that name the ASIN nowhere else.
    pub(super) linked_asin: Option<String>,
    pub(super) image: Option<String>,
    pub(super) image_rule: &'static str,
    /// Elements that identify the kind of page.
    pub(super) markers: PageMarkers,
    /// `data-defaultasin` of variation swatches.
    pub(super) variation_asins: Vec<String>,
    /// Ids of the images, by their thumbnails.
    pub(super) gallery: Vec<String>,
    /// There is a video among the thumbnails.
    pub(super) has_video: bool,
    /// The ASINs that the page's comparison tables link to, each once.
    pub(super) compared_asins: Vec<String>,
}

/// Elements that identify the kind of page in every language.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct PageMarkers {
    pub(super) captcha: bool,
    pub(super) sign_in: bool,
    pub(super) error_503: bool,
    pub(super) error_404: bool,
    pub(super) product: bool,
    pub(super) offer_listing: bool,
    pub(super) reviews: bool,
    pub(super) bestsellers: bool,
    pub(super) search: bool,
    /// `</html>` was read.
    pub(super) closed: bool,
    /// The footer was reached.
    pub(super) footer: bool,
    /// A row with bestseller ranks was read completely.
    pub(super) ranks: bool,
    /// There is A+ content.
    pub(super) a_plus: bool,
}

type SetMarker = fn(&mut PageMarkers);

/// Ids that identify the kind of page.
const ID_MARKERS: &[(&str, SetMarker)] = &[
    ("dp", |markers| markers.product = true),
    ("dp-container", |markers| markers.product = true),
    ("productTitle", |markers| markers.product = true),
    ("btAsinTitle", |markers| markers.product = true),
    ("ap_email", |markers| markers.sign_in = true),
    ("ap_email_login", |markers| markers.sign_in = true),
    ("authportal-main-section", |markers| markers.sign_in = true),
    ("captchacharacters", |markers| markers.captcha = true),
    ("challenge-container", |markers| markers.captcha = true),
    ("olpOfferList", |markers| markers.offer_listing = true),
    ("olpOfferListColumn", |markers| markers.offer_listing = true),
    ("cm_cr-review_list", |markers| markers.reviews = true),
    ("zg", |markers| markers.bestsellers = true),
    ("zg-center-div", |markers| markers.bestsellers = true),
    ("zg_centerListWrapper", |markers| markers.bestsellers = true),
    ("zg_left_col1", |markers| markers.bestsellers = true),
    ("zg-right-col", |markers| markers.bestsellers = true),
    ("zg-left-col", |markers| markers.bestsellers = true),
    ("search", |markers| markers.search = true),
    ("s-results-list-atf", |markers| markers.search = true),
    // "Sorry, something went wrong on our end", in the place of a product.
    ("dpSorryPage", |markers| markers.error_503 = true),
    ("aplus", |markers| markers.a_plus = true),
    ("aplusBatch", |markers| markers.a_plus = true),
    ("navFooter", |markers| markers.footer = true),
    ("nav-ftr", |markers| markers.footer = true),
];

/// Ids of the main product image on desktop, mobile, book and e-book pages.
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

/// Ids of links of a page to itself: "skip to main content".
const OWN_LINK_IDS: &[&str] = &["nav-assist-skip-to-main-content", "skiplink"];

#[derive(Clone, Copy)]
enum IdMeaning {
    Marker(SetMarker),
    Image,
    OwnLink,
}

static ID_MEANINGS: LazyLock<LookupTable<IdMeaning>> = LazyLock::new(|| {
    let markers = ID_MARKERS.iter().map(|(id, set)| (*id, IdMeaning::Marker(*set)));
    let images = IMAGE_IDS.iter().map(|id| (*id, IdMeaning::Image));
    LookupTable::new(markers.chain(images).chain(OWN_LINK_IDS.iter().map(|id| (*id, IdMeaning::OwnLink))))
});

/// True when the presence of an element with this id is a fact.
pub(super) fn is_known_id(id: &[u8]) -> bool {
    id == ASIN_INPUT.as_bytes() || ID_MEANINGS.get(id).is_some()
}

/// Id of the hidden ASIN input of the cart form.
const ASIN_INPUT: &str = "ASIN";

/// Rule name of an image without a known id inside a known image container.
pub(super) const IMAGE_CONTAINER: &str = "image container";

/// Experiments of the image server stand in the path of some URLs: `/images/W/IMAGERENDERING_521856-T1/images/I/71x.jpg` is
/// `/images/I/71x.jpg`.
fn without_experiment(url: &str) -> String {
    match (url.find("/images/W/"), url.find("/images/I/")) {
        (Some(experiment), Some(image)) if experiment < image => format!("{}{}", &url[..experiment], &url[image..]),
        _ => url.to_owned(),
    }
}

impl Attributes {
    /// Records the facts that an element with a known id gives.
    pub(super) fn record_id(&mut self, id: &str, el: &Element<'_, '_>) {
        match ID_MEANINGS.get(id.as_bytes()) {
            Some((_, IdMeaning::Marker(set))) => set(&mut self.markers),
            Some((rule, IdMeaning::Image)) => self.record_image(rule, el),
            Some((_, IdMeaning::OwnLink)) => self.own_link = self.own_link.take().or_else(|| el.get_attribute("href")),
            None => {}
        }
        if id == ASIN_INPUT {
            self.record_asin_input(el);
        }
        if id == "averageCustomerReviews" {
            self.asin_attribute = self.asin_attribute.take().or_else(|| el.get_attribute("data-asin"));
        }
    }

    /// Records the largest version of the image: `data-old-hires`, the largest of the responsive set, or `src`.
    pub(super) fn record_image(&mut self, rule: &'static str, el: &Element<'_, '_>) {
        let is_better = self.image.is_none() || (self.image_rule == IMAGE_CONTAINER && rule != IMAGE_CONTAINER);
        if !is_better {
            return;
        }
        // Product images are served under `/images/I/`; badges and placeholders are not.
        let is_photo = |value: &String| value.starts_with("http") && value.contains("/images/I/");
        let url = |name: &str| el.get_attribute(name).filter(is_photo);
        let largest =
            || el.get_attribute("data-a-dynamic-image").and_then(|json| text::largest_image(&text::decode(&json)));
        let found = url("data-old-hires").or_else(largest).or_else(|| url("src"));
        if let Some(found) = found {
            self.image = Some(without_experiment(&found));
            self.image_rule = rule;
        }
    }

    /// Records a thumbnail of the gallery. Icons of 360° views and placeholders have no id.
    pub(super) fn record_thumbnail(&mut self, el: &Element<'_, '_>) {
        let id = el.get_attribute("src").as_deref().and_then(image_id).map(str::to_owned);
        self.gallery.extend(id.filter(|id| self.gallery.len() < MAX_GALLERY && !self.gallery.contains(id)));
    }

    /// Records the ASIN of a link of a comparison table. Each product has several.
    pub(super) fn record_compared(&mut self, href: &str) {
        let compared = &self.compared_asins;
        let asin = text::asin_of_link(href).filter(|asin| !compared.iter().any(|known| known == asin));
        let asin = asin.filter(|_| compared.len() < MAX_COMPARED).map(str::to_owned);
        self.compared_asins.extend(asin);
    }

    /// Records the hidden ASIN input of the cart form; the first one belongs to the selected variation.
    pub(super) fn record_asin_input(&mut self, el: &Element<'_, '_>) {
        let known = self.asin_input.take();
        self.asin_input = known.or_else(|| el.get_attribute("value").filter(|value| value.len() == 10));
    }

    /// Recognises captchas and the sign-in page by the form's `action` or name.
    pub(super) fn record_form(&mut self, action: &str, name: &str) {
        self.markers.captcha |= action.contains("/errors/validateCaptcha");
        self.markers.sign_in |= name == "signIn" || action.contains("/ap/signin");
    }

    /// Recognises error pages by their links, which carry the status in `ref=`.
    pub(super) fn record_error_link(&mut self, href: &str) {
        self.markers.error_503 |= href.contains("cs_503");
        self.markers.error_404 |= href.contains("cs_404");
    }
}

/// Compared products that are kept. A table has at most six, a page a few tables.
const MAX_COMPARED: usize = 40;
/// Thumbnails that are kept.
const MAX_GALLERY: usize = 50;

/// The id in the URL of an image: `71ab+Cd` of `https://m.media-amazon.com/images/I/71ab+Cd._AC_US40_.jpg`.
pub(super) fn image_id(url: &str) -> Option<&str> {
    let file = url.split_once("/images/I/")?.1;
    let id = file.split(['.', '/', '?']).next()?;
    (!id.is_empty() && id.len() <= 40).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_the_same_url_in_every_experiment() {
        let plain = "https://m.media-amazon.com/images/I/71ab.jpg";
        let experiment = "https://m.media-amazon.com/images/W/IMAGERENDERING_521856-T1/images/I/71ab.jpg";
        assert_eq!(without_experiment(experiment), plain);
        assert_eq!(without_experiment(plain), plain);
    }
}
