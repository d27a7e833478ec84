//! Product information: image, title, rating, bullets and the table with the ranks.

use htmlize::{escape_attribute, escape_text};

use crate::domain::Asin;
use crate::domain::numbers::format_count;

use super::super::phrases::fill;
use super::Scene;

pub(super) fn image(scene: &Scene<'_>) -> String {
    let id = &scene.product.image_id;
    let alt = escape_attribute(&scene.product.title);
    let address = |size: &str| format!("https://m.media-amazon.com/images/I/{id}._AC_{size}_.jpg");
    let (small, middle, large) = (address("SX425"), address("SX679"), address("SL1500"));
    format!(
        "<div id=\"imgTagWrapperId\" class=\"imgTagWrapper\"><img alt=\"{alt}\" src=\"{middle}\" data-old-hires=\"{large}\" \
         data-a-image-name=\"landingImage\" class=\"a-dynamic-image a-stretch-horizontal\" id=\"landingImage\" \
         data-a-dynamic-image=\"{{&quot;{small}&quot;:[425,425],&quot;{middle}&quot;:[679,679]}}\"></div>\n"
    )
}

/// The thumbnails of the images, and the data of the script that builds the gallery. Half of the listings have a video; of half of those,
/// only the data tells.
pub(super) fn gallery(scene: &Scene<'_>) -> String {
    let id = &scene.product.image_id;
    let thumbnail = |id: &str| {
        format!(
            "<li class=\"a-spacing-small item imageThumbnail a-declarative\"><span class=\"a-button-text\">\
             <img alt=\"\" src=\"https://m.media-amazon.com/images/I/{id}._AC_US40_.jpg\"></span></li>\n"
        )
    };
    let images: String = ["", "b", "c"].iter().map(|end| thumbnail(&format!("{id}{end}"))).collect();
    let has_video = scene.is_variant("video");
    let video = match has_video && scene.is_variant("video thumbnail") {
        true => format!(
            "<li class=\"a-spacing-small item videoThumbnail a-declarative\">\
             <img src=\"https://m.media-amazon.com/images/I/{id}v.SX38_SY50_CR,0,0,38,50_.jpg\"></li>\n"
        ),
        false => String::new(),
    };
    let videos = if has_video { r#"{"groupType":"IB_G1","offset":"0"}"# } else { "" };
    let data = format!("<script>var obj = jQuery.parseJSON('{{\"dataInJson\":null,\"videos\":[{videos}]}}');</script>");
    let gallery = format!(
        "<div id=\"altImages\" class=\"a-fixed-left-grid-col\"><ul class=\"a-unordered-list\">{images}{video}</ul></div>\n"
    );
    gallery + &scene.feature("imageBlockVariations", &data)
}

/// The path of categories above the product.
pub(super) fn breadcrumbs(scene: &Scene<'_>) -> String {
    let crumb = |category: &str| {
        let category = escape_text(category);
        format!(
            "<li><span class=\"a-list-item\"><a class=\"a-link-normal a-color-tertiary\" href=\"/b?node=1\"> {category} </a></span></li>"
        )
    };
    let path = [scene.phrases().category, scene.phrases().subcategory].map(crumb);
    let divider = "<li class=\"a-breadcrumb-divider\"><span class=\"a-list-item a-color-tertiary\"> › </span></li>";
    format!(
        "<div id=\"wayfinding-breadcrumbs_feature_div\" class=\"a-subheader a-breadcrumb feature\"><ul>{}</ul></div>\n",
        path.join(divider)
    )
}

/// The description and, for half of the listings, A+ content. Both come after the ranks.
pub(super) fn description(scene: &Scene<'_>) -> String {
    let title = escape_text(&scene.product.title);
    let description = scene
        .feature("productDescription", &format!("<div id=\"productDescription\"><p><span>{title}.</span></p></div>"));
    let a_plus = match scene.is_variant("a plus") {
        true => {
            scene.feature("aplus", "<div id=\"aplus\"><div class=\"aplus-v2 desktop celwidget\"><p>A+</p></div></div>")
        }
        false => String::new(),
    };
    description + &a_plus
}

/// The table in which Amazon compares the product with others, itself first. It comes after the ranks.
pub(super) fn comparison(scene: &Scene<'_>) -> String {
    let cell = |(place, asin): (usize, &Asin)| {
        format!(
            "<td class=\"_product-comparison-desktop_desktopFaceoutStyle_asin__2eMLv\" role=\"columnheader\"><a class=\"a-link-normal\" \
             href=\"/dp/{asin}/ref=pd_ci_mcx_pspc_dp_2_i_{place}\">{}</a></td>",
            escape_text(scene.phrases().category)
        )
    };
    let all = std::iter::once(&scene.listing.asin).chain(scene.compared_with);
    let cells: String = all.enumerate().map(cell).collect();
    scene.feature("product-comparison", &format!("<table><tr>{cells}</tr></table>"))
}

/// Title, brand and rating.
pub(super) fn heading(scene: &Scene<'_>) -> String {
    let title = escape_text(&scene.product.title);
    let brand = scene.product.brand;
    let byline = fill(scene.phrases().byline, brand);
    let store = brand.replace(|c: char| !c.is_ascii_alphanumeric(), "");
    [
        scene.feature(
            "title",
            &format!(
                "<div id=\"titleSection\" class=\"a-section a-spacing-none\"><h1 id=\"title\" class=\"a-size-large a-spacing-none\">\
                 <span id=\"productTitle\" class=\"a-size-large product-title-word-break\"> {title} </span></h1></div>"
            ),
        ),
        scene.feature(
            "bylineInfo",
            &format!(
                "<div class=\"a-section a-spacing-none\"><a id=\"bylineInfo\" class=\"a-link-normal\" \
                 href=\"/stores/{store}/page/1?ref_=ast_bln\">{}</a></div>",
                escape_text(byline)
            ),
        ),
        scene.feature("averageCustomerReviews", &stars(scene)),
    ]
    .concat()
}

fn stars(scene: &Scene<'_>) -> String {
    let marketplace = scene.listing.marketplace;
    let tenths = scene.facts.rating.0 / 10;
    let number = format!("{}{}{}", tenths / 10, marketplace.number_format().decimal, tenths % 10);
    let text = fill(scene.phrases().stars, &number);
    let count = format_count(scene.facts.review_count, marketplace);
    let ratings = fill(scene.phrases().ratings, &count);
    let shown = if scene.is_variant("short count") { format!("({count})") } else { ratings.clone() };
    let asin = scene.listing.asin;
    format!(
        "<div id=\"averageCustomerReviews\" data-asin=\"{asin}\" data-ref=\"dpx_acr_pop_\"><span class=\"a-declarative\">\
         <span id=\"acrPopover\" class=\"reviewCountTextLinkedHistogram noUnderline\" title=\"{text}\"><span class=\"a-declarative\">\
         <a href=\"javascript:void(0)\" role=\"button\" class=\"a-popover-trigger a-declarative\">\
         <span aria-hidden=\"true\" class=\"a-size-small a-color-base\"> {number} </span>\
         <i class=\"a-icon a-icon-star a-star-4-5\"><span class=\"a-icon-alt\">{text}</span></i></a></span></span></span>\
         <a id=\"acrCustomerReviewLink\" class=\"a-link-normal\" href=\"#averageCustomerReviewsAnchor\">\
         <span id=\"acrCustomerReviewText\" aria-label=\"{ratings}\" class=\"a-size-base\">{shown}</span></a></div>"
    )
}

pub(super) fn bullets(scene: &Scene<'_>) -> String {
    let facts = scene.product.title.split(", ").map(|part| {
        format!("<li class=\"a-spacing-mini\"><span class=\"a-list-item\"> {} </span></li> ", escape_text(part))
    });
    let bullets = facts.collect::<String>();
    let about = scene.phrases().about;
    scene.feature(
        "featurebullets",
        &format!(
            "<div id=\"feature-bullets\" class=\"a-section a-spacing-medium a-spacing-top-small\"><hr>\
             <h1 class=\"a-size-base-plus a-text-bold\"> {about} </h1>\
             <ul class=\"a-unordered-list a-vertical a-spacing-mini\">{bullets}</ul></div>"
        ),
    )
}

/// Product details with the ranks, as a table or as a bullet list.
pub(super) fn information(scene: &Scene<'_>) -> String {
    let heading = scene.phrases().ranks;
    let (first, second) = (main_rank(scene), subcategory_rank(scene));
    let asin = scene.listing.asin;
    if scene.is_variant("details table") {
        return format!(
            "<div id=\"prodDetails\" class=\"a-section\"><table id=\"productDetails_detailBullets_sections1\" \
             class=\"a-keyvalue prodDetTable\" role=\"presentation\">\
             <tr> <th class=\"a-color-secondary a-size-base prodDetSectionEntry\"> ASIN </th> <td class=\"a-size-base prodDetAttrValue\"> {asin} </td> </tr>\n\
             <tr> <th class=\"a-color-secondary a-size-base prodDetSectionEntry\"> {heading} </th> \
             <td> <span> <span>{first}</span> <br/> <span>{second}</span> <br/> </span> </td> </tr></table></div>\n"
        );
    }
    format!(
        "<div id=\"detailBulletsWrapper_feature_div\" class=\"celwidget\"><div id=\"detailBullets_feature_div\">\
         <ul class=\"a-unordered-list a-nostyle a-vertical a-spacing-none detail-bullet-list\"><li><span class=\"a-list-item\">\
         <span class=\"a-text-bold\">ASIN &rlm; : &lrm; </span> <span>{asin}</span> </span></li></ul></div>\n\
         <ul class=\"a-unordered-list a-nostyle a-vertical a-spacing-none detail-bullet-list\"><li><span class=\"a-list-item\"> \
         <span class=\"a-text-bold\"> {heading}: </span> {first} \
         <ul class=\"a-unordered-list a-nostyle a-vertical zg_hrsr\"> <li><span class=\"a-list-item\"> {second}</span></li> </ul> \
         </span></li></ul></div>\n"
    )
}

fn main_rank(scene: &Scene<'_>) -> String {
    let phrases = scene.phrases();
    let category = escape_text(phrases.category);
    let see_top = phrases.see_top.replace("{category}", &category);
    let place = rank_in(scene, scene.facts.rank, &category);
    format!("{place} (<a href='/gp/bestsellers/electronics/ref=pd_zg_ts_electronics'>{see_top}</a>)")
}

fn subcategory_rank(scene: &Scene<'_>) -> String {
    let category = escape_text(scene.phrases().subcategory);
    let link = format!("<a href='/gp/bestsellers/electronics/12097479011/ref=pd_zg_hrsr_electronics'>{category}</a>");
    rank_in(scene, scene.facts.subcategory_rank, &link)
}

fn rank_in(scene: &Scene<'_>, rank: u32, category: &str) -> String {
    let rank = format_count(rank, scene.listing.marketplace);
    scene.phrases().rank.replace("{rank}", &rank).replace("{category}", category)
}
