//! The tables: ids and classes of every layout, by meaning.

use super::{Meaning, Part, Within};

const fn region(enters: Within) -> Meaning {
    Meaning { part: Part::Region, enters }
}

const fn part(part: Part) -> Meaning {
    Meaning { part, enters: Within::NOWHERE }
}

const fn priced(part: Part, enters: Within) -> Meaning {
    Meaning { part, enters }
}

const BUY_BOX_PRICES: Within = Within::BUY_BOX.union(Within::PRICES);
const CENTRE_PRICES: Within = Within::CENTRE.union(Within::PRICES);
const PLAIN_BUY_BOX: Within = BUY_BOX_PRICES.union(Within::PLAIN);
const ELSEWHERE: Meaning = region(Within::ELSEWHERE);
const COMPARISON: Meaning = region(Within::ELSEWHERE.union(Within::COMPARISON));
const FORMATS: Meaning = region(Within::ELSEWHERE.union(Within::FORMATS));

/// A row of the Buy Box accordion.
pub(super) const ROW: Meaning = region(Within::ROW);
/// End of the ids of the rows.
pub(super) const ROW_SUFFIX: &str = "AccordionRow";
/// Beginning of the ids of a row's parts in the centre column. `display:none` hides those of rows that are not selected.
pub(super) const CENTRE_ROW_PREFIXES: [&str; 3] = ["apex_desktop_", "apex_mobile_", "ppd_"];
/// Class of the selected row.
pub(in crate::extract) const ROW_ACTIVE: &str = "a-accordion-active";
/// Classes of a reference price.
pub(in crate::extract) const BASIS_PRICES: [&str; 2] = ["apex-basisprice-value", "apex-basis-price-value"];
/// Classes of the ranks on mobile pages.
pub(in crate::extract) const RANK_CLASSES: [&str; 2] = ["zgFirstRank", "zgOtherRanks"];
/// Class of a format in the switch between the formats of a book, and the class of the selected one.
pub(in crate::extract) const FORMAT: &str = "swatchElement";
pub(in crate::extract) const FORMAT_SELECTED: &str = "selected";

/// The `#price` inside the Buy Box of a book.
pub(in crate::extract) const BOOK_PRICE: Meaning = priced(Part::PlainPrice, BUY_BOX_PRICES);

type Table = &'static [(Meaning, &'static [&'static str])];

/// Ids by meaning. The suffix of a repeated block (`_0`, `-1`, …) is not part of the id.
pub(super) const IDS: Table = &[
    (part(Part::Title), &["productTitle", "ebooksProductTitle", "btAsinTitle", "title", "product-title"]),
    (part(Part::Byline), &["bylineInfo", "brand", "brandByline_feature_div", "visitStoreMobileUrl"]),
    (part(Part::Availability), &["availability", "ddmAvailabilityMessage", "availabilityMessage"]),
    (
        priced(Part::OutOfStock, Within::OUT_OF_STOCK),
        &[
            "outOfStock",
            "outOfStockBuyBox_feature_div",
            "exportsUndeliverable_feature_div",
            "exports_desktop_outOfStock_buybox_message_feature_div",
        ],
    ),
    (
        part(Part::Merchant),
        &[
            "merchant-info",
            "merchantInfo",
            "ddmMerchantMessage",
            "sfsb_accordion_head",
            "Ebooks-desktop-printSoldBy",
            "soldByThirdParty",
            "ships-from",
            "shipsFromSoldByMessage_feature_div",
        ],
    ),
    (part(Part::Seller), &["sellerProfileTriggerId"]),
    (part(Part::SellerId), &["merchantID"]),
    (region(Within::SELLER), &["tabular-buybox", "merchantInfoFeature_feature_div"]),
    // Prices: first the Buy Box, then the centre column, then the total of the selected quantity.
    (
        region(Within::BUY_BOX),
        &[
            "addToCart",
            "qualifiedBuybox",
            "desktop_buybox",
            "buybox",
            "buyBoxAccordion",
            "handleBuy",
            "buyboxDivId",
            "mobile_buybox",
            "mobile_buybox_feature_div",
            "mobile-buybox",
        ],
    ),
    (
        priced(Part::PlainPrice, BUY_BOX_PRICES),
        &["price_inside_buybox", "newBuyBoxPrice", "kindle-price", "actualPriceValue", "buyboxPrice"],
    ),
    (region(PLAIN_BUY_BOX), &["buyNewSection", "buyNew_noncbb", "oneTimeBuyBox"]),
    (region(Within::BOOK_HEADER), &["booksHeaderSection"]),
    (
        priced(Part::PlainPrice, CENTRE_PRICES),
        &["priceblock_ourprice", "priceblock_dealprice", "priceblock_saleprice", "priceblock_pospromoprice"],
    ),
    (
        region(Within::PRICES),
        &[
            "corePrice_feature_div",
            "corePrice_mobile_feature_div",
            "apex_offerDisplay_desktop",
            "apex_offerDisplay_mobile",
        ],
    ),
    (
        region(CENTRE_PRICES),
        &[
            "corePriceDisplay_desktop_feature_div",
            "corePriceDisplay_mobile_feature_div",
            "corePrice_desktop",
            "corePrice_mobile",
            "apex_desktop",
            "apex_mobile",
            "price",
        ],
    ),
    (region(CENTRE_PRICES.union(Within::PLAIN)), &["prices"]),
    (region(Within::TOTAL.union(Within::PRICES)), &["tp_price_block_total_price_ww"]),
    (priced(Part::StruckPrice, Within::PRICES), &["listPriceValue", "listPrice"]),
    // Regions of other offers and products.
    (
        region(Within::USED),
        &[
            "usedAccordionRow",
            "usedOnlyBuybox",
            "apex_desktop_usedAccordionRow",
            "buyboxusedDivId",
            "rbb_ubb",
            "usedbuyBox",
            "usedPrice",
        ],
    ),
    (region(Within::USED.union(PLAIN_BUY_BOX)), &["usedBuySection"]),
    (
        region(Within::SUBSCRIBE),
        &[
            "snsAccordionRowMiddle",
            "snsAccordionRow",
            "apex_desktop_snsAccordionRowMiddle",
            "snsDetailPagePrice",
            "snsBuyBox",
            "sns-base-price",
            "subscriptionPrice",
            "snsPrice",
            "subscribeAndSaveBuyBox",
            "subscribeAndSaveAccordionRow",
            "snsPriceRow",
            "priceblock_snsprice_Based",
            "regularprice_savings_snsprice",
        ],
    ),
    (
        ELSEWHERE,
        &[
            "moreBuyingChoices_feature_div",
            "mbc",
            "olp_feature_div",
            "olpLinkWidget_feature_div",
            "dynamic-aod-ingress-box",
            "aod-ingress-link",
            "variation_size_name",
            "variation_color_name",
            "variation_style_name",
            "twister-plus-tool-tip",
            "newerVersion_feature_div",
            "newer-version",
            "similarities_feature_div",
            "sims-fbt",
            "attach-warranty",
            "attach-desktop-sideSheet",
            "mbb_feature_div",
            "abbWrapper",
            "tradeInButton_feature_div",
            "rentBuySection",
            "rental-offer",
            "rentOfferAccordionRow",
            "amazonGlobal_feature_div",
            "installmentCalculator_feature_div",
            "productQuickView_feature_div",
            "aplus",
            "aplusBatch",
            "reviewsMedley",
            "customer-reviews_feature_div",
            "issuancePriceblockAmabot_feature_div",
            "kfs-container",
            "comp-chart-container",
            "bundleV2_feature_div",
            "bundles_feature_div",
            "valuePick_feature_div",
            "warrantiesAndSupport_feature_div",
            "ftPriceBreakdown",
            "tmm-ebooks",
            "audibleProductDetails",
            "kuBuyBox",
            "prsubswidget",
            "KUPriceBlock",
            "nav-flyout-ewc",
            "ewc-content",
            "nav-main",
            "rhf",
            "customerReviews",
            "cm_cr_dp_d_rating_histogram",
            "renewedTierOtherRows",
            "askATFLink",
            "sponsoredProducts_feature_div",
            "desktop_unifiedPrice_otherOffers",
            "quantity",
            "buyBackOffer",
            "gestalt-popover",
            "priceBadging_feature_div",
        ],
    ),
    (COMPARISON, &["product-comparison_feature_div", "HLCXComparisonWidget_feature_div", "HLCXComparisonTable"]),
    (FORMATS, &["MediaMatrix", "mediamatrix_feature_div", "tmmSwatches", "tmmSwatchesList", "formats"]),
    (
        part(Part::BuyingOptions),
        &[
            "buybox-see-all-buying-choices",
            "buybox-see-all-buying-choices-announce",
            "unqualifiedBuyBox",
            "unqualified-buybox-olp",
        ],
    ),
    // Boxes that explain why no offer is featured.
    (part(Part::OutOfStock), &["fod-cx-box"]),
    (part(Part::Coupon), &["couponBadgeRegularVpc", "vpcButton", "couponBadge", "couponText"]),
    // Rating and number of reviews.
    (priced(Part::Rating, Within::STARS), &["acrPopover"]),
    (region(Within::STARS), &["averageCustomerReviews", "averageCustomerReviews_feature_div", "rating-stars"]),
    (part(Part::ReviewCount), &["acrCustomerReviewText", "acrCustomerReviewLink"]),
    // Product details.
    (
        region(Within::DETAILS),
        &[
            "productDetails_detailBullets_sections",
            "productDetails_techSpec_section_1",
            "productDetails_db_sections",
            "detailBullets_feature_div",
            "detailBulletsWrapper_feature_div",
            "detail-bullets",
            "detail_bullets_id",
            "prodDetails",
            "productDetailsTable",
            "productDetails_feature_div",
            "productDetailsWithModules_feature_div",
            "additionalProductDetails-content",
            "technicalSpecifications_feature_div",
            "productOverview_feature_div",
            "product-details-grid_feature_div",
            "detailBullets",
            "productDetails",
        ],
    ),
    (part(Part::DetailRow), &["SalesRank"]),
    (
        region(Within::BULLETS),
        &["feature-bullets", "featurebullets_feature_div", "productFactsDesktopExpander", "feature-bullets-btf"],
    ),
    (part(Part::Hidden), &["replacementPartsFitmentBullet", "hsx-rpp-bullet-fits-message"]),
    (region(Within::GALLERY), &["altImages"]),
    (region(Within::BREADCRUMBS), &["wayfinding-breadcrumbs_feature_div", "desktop-breadcrumbs_feature_div"]),
    (priced(Part::Description, Within::DESCRIPTION), &["productDescription", "bookDescription_feature_div"]),
    (region(Within::IMAGE), &["imgTagWrapperId", "img-canvas", "ebooks-img-canvas", "prodImageCell", "aw-image-block"]),
    (
        region(Within::GALLERY_DATA),
        &[
            "imageBlockVariations_feature_div",
            "imageBlockVariations",
            "mediaBlockVariations_feature_div",
            "mediaBlockVariations",
        ],
    ),
    (
        region(Within::TWISTER),
        &[
            "twister_feature_div",
            "twisterJsInitializer_feature_div",
            "twister-plus-inline-twister",
            "twisterPlusWWDesktop",
        ],
    ),
];

/// Prefixes of generated ids (`CardInstanceX1…`, `sims-consolidated-2…`).
pub(super) const ID_PREFIXES: &[(&str, Meaning)] = &[
    ("CardInstance", ELSEWHERE),
    ("sims-comparison", COMPARISON),
    ("product-comparison", COMPARISON),
    ("sims-", ELSEWHERE),
    ("sims_", ELSEWHERE),
    ("sp_detail", ELSEWHERE),
    ("a-popover-", ELSEWHERE),
    ("HLCX", COMPARISON),
    ("aod-", ELSEWHERE),
    ("tp-tool-tip", ELSEWHERE),
    ("comparison", ELSEWHERE),
    ("attach-", ELSEWHERE),
    ("couponText", part(Part::Coupon)),
    ("promoPriceBlockMessage", part(Part::Coupon)),
    ("variation_", ELSEWHERE),
    ("tmm-grid-swatch", FORMATS),
    ("rentOffer", ELSEWHERE),
    ("usedAccordionRow", region(Within::USED)),
    ("snsAccordionRow", region(Within::SUBSCRIBE)),
    ("apex_desktop_pickup", ELSEWHERE),
];

/// Root of a search result. Other rows of the list have the class too, so an attribute is checked as well.
pub(in crate::extract) const SEARCH_RESULT: &str = "s-result-item";
/// Root of an item of a bestseller list. Its id is the ASIN.
pub(in crate::extract) const FACEOUT: &str = "p13n-sc-uncoverable-faceout";

/// Classes by meaning. A class has the meaning only inside a region of the second column ([`Within::NOWHERE`]:
/// anywhere).
pub(super) const CLASSES: &[(&str, Within, Meaning)] = &[
    ("a-price", Within::PRICES.union(Within::ITEM), part(Part::Price)),
    ("a-offscreen", Within::PRICES.union(Within::ITEM), part(Part::PriceOffscreen)),
    ("aok-offscreen", Within::PRICES, part(Part::PriceOffscreen)),
    ("a-price-whole", Within::PRICES.union(Within::ITEM), part(Part::PriceWhole)),
    ("a-price-fraction", Within::PRICES.union(Within::ITEM), part(Part::PriceFraction)),
    ("a-price-range", Within::PRICES, region(Within::RANGE)),
    ("basisPrice", Within::PRICES, region(Within::STRUCK)),
    ("apex-basisprice-feature", Within::PRICES, region(Within::STRUCK)),
    ("listprice", Within::PRICES.union(Within::BUY_BOX), part(Part::StruckPrice)),
    (FORMAT, Within::FORMATS, region(Within::NOWHERE)),
    ("a-text-strike", Within::PRICES.union(Within::BUY_BOX).union(Within::CENTRE), part(Part::StruckPrice)),
    ("priceBlockStrikePriceString", Within::CENTRE, part(Part::StruckPrice)),
    ("pricePerUnit", Within::PRICES, region(Within::PER_UNIT)),
    ("apex-priceperunit-value", Within::PRICES, region(Within::PER_UNIT)),
    ("offer-price", Within::PLAIN, part(Part::PlainPrice)),
    ("a-color-price", Within::PLAIN.union(Within::SELECTED), part(Part::PlainPrice)),
    ("slot-price", Within::SELECTED, part(Part::PlainPrice)),
    ("a-icon-alt", Within::STARS.union(Within::ITEM), part(Part::Rating)),
    ("crAvgStars", Within::BUY_BOX, region(Within::STARS)),
    ("swSprite", Within::STARS, part(Part::Rating)),
    ("buying", Within::BUY_BOX, part(Part::Merchant)),
    ("availGreen", Within::BUY_BOX, part(Part::Availability)),
    ("availOrange", Within::BUY_BOX, part(Part::Availability)),
    ("availRed", Within::BUY_BOX, part(Part::Availability)),
    ("offer-display-feature-text-message", Within::SELLER, part(Part::Seller)),
    ("odf-mobile-merchant-info-anchor-text", Within::BUY_BOX, part(Part::Seller)),
    ("tabular-buybox-label", Within::SELLER, part(Part::CellLabel)),
    ("tabular-buybox-text", Within::SELLER, part(Part::CellText)),
    ("couponBadge", Within::NOWHERE, part(Part::Coupon)),
    ("parseasinTitle", Within::NOWHERE, part(Part::Title)),
    (RANK_CLASSES[0], Within::DETAILS, part(Part::DetailRow)),
    (RANK_CLASSES[1], Within::DETAILS, part(Part::DetailRow)),
    ("a-popover-preload", Within::NOWHERE, ELSEWHERE),
    ("videoThumbnail", Within::GALLERY, region(Within::VIDEO)),
    ("a-expander-prompt", Within::DESCRIPTION, part(Part::Hidden)),
    ("aok-hidden", Within::NOWHERE, part(Part::Hidden)),
    ("a-hidden", Within::NOWHERE, part(Part::Hidden)),
    (SEARCH_RESULT, Within::NOWHERE, priced(Part::Item, Within::ITEM)),
    (FACEOUT, Within::NOWHERE, priced(Part::Item, Within::ITEM)),
    ("zg-item-immersion", Within::NOWHERE, priced(Part::Item, Within::ITEM)),
    ("zg_itemImmersion", Within::NOWHERE, priced(Part::Item, Within::ITEM)),
    ("p13n-sc-price", Within::ITEM, part(Part::PlainPrice)),
    ("p13n-sc-truncate", Within::ITEM, part(Part::ItemTitle)),
    ("zg-bdg-text", Within::NOWHERE, part(Part::ItemPosition)),
    ("zg-badge-text", Within::NOWHERE, part(Part::ItemPosition)),
    ("zg_rankNumber", Within::NOWHERE, part(Part::ItemPosition)),
];

/// Parts of generated classes (`_cDEzb_p13n-sc-price_3mJ9Z`) that have a meaning inside an item.
pub(super) const ITEM_CLASS_PIECES: &[(&str, Meaning)] = &[
    ("p13n-sc-price", part(Part::PlainPrice)),
    ("p13n-sc-css-line-clamp", part(Part::ItemTitle)),
    ("p13n-sc-truncate", part(Part::ItemTitle)),
];

/// Elements with a meaning by their tag, and the regions in which they have it.
pub(in crate::extract) const TAGS: [(&str, Within); 7] = [
    ("li", Within::DETAILS.union(Within::BULLETS).union(Within::TWISTER)),
    ("tr", Within::DETAILS.union(Within::ROW)),
    ("h2", Within::ITEM),
    ("h3", Within::ITEM),
    ("img", Within::ITEM.union(Within::IMAGE).union(Within::GALLERY)),
    (
        "a",
        Within::ITEM.union(Within::STARS).union(Within::DETAILS).union(Within::BREADCRUMBS).union(Within::COMPARISON),
    ),
    ("script", Within::TWISTER.union(Within::GALLERY_DATA)),
];

/// Elements that start a new line when displayed.
pub(in crate::extract) const LINE_BREAKS: [&str; 13] =
    ["br", "p", "div", "li", "tr", "td", "th", "ul", "ol", "dd", "dt", "h4", "h5"];
