//! The table of Amazon's layouts since 2013: which id or class means what.
//!
//! One element handler looks every id up here, and classes only where an open region asks for them. A new layout is a
//! new line in a table, not new code.

use std::sync::LazyLock;

/// What the text of an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Nothing by itself: it only tells where the elements inside it are.
    Region,
    /// Text that no shopper sees; it is dropped.
    Hidden,
    /// `<title>` of the document.
    DocumentTitle,
    /// The product's title.
    Title,
    /// "Visit the … Store", "by … (Author)".
    Byline,
    /// The availability line.
    Availability,
    /// The box that replaces the buy box of an unavailable product.
    OutOfStock,
    /// "Sold by … and fulfilled by …".
    Merchant,
    /// The seller's name alone.
    Seller,
    /// Label of a row of the tabular buy box.
    CellLabel,
    /// Value of a row of the tabular buy box.
    CellText,
    /// An `.a-price` with its pieces.
    Price,
    /// The whole price inside a price, written for screen readers.
    PriceOffscreen,
    /// The part before the decimal sign.
    PriceWhole,
    /// The part behind it.
    PriceFraction,
    /// A price written as plain text.
    PlainPrice,
    /// A struck-through price written as plain text.
    StruckPrice,
    /// A coupon's text.
    Coupon,
    /// Stars.
    Rating,
    /// Number of ratings.
    ReviewCount,
    /// One row of the product details.
    DetailRow,
    /// One feature bullet.
    Bullet,
    /// "See All Buying Options" and its like.
    BuyingOptions,
    /// Place in a bestseller list, printed beside an item.
    ItemPosition,
    /// An item of a search or bestseller page.
    Item,
    /// Title of an item.
    ItemTitle,
    /// Text of a script about the product's variations.
    Script,
}

/// Where an element stands: a set of [`Within`] flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Within(u32);

impl Within {
    pub(super) const NOWHERE: Self = Self(0);
    /// The box with the cart button.
    pub(super) const BUY_BOX: Self = Self(1);
    /// The price block in the middle of the page.
    pub(super) const CENTRE: Self = Self(1 << 1);
    /// A block whose prices belong to the featured offer.
    pub(super) const PRICES: Self = Self(1 << 2);
    /// A used or refurbished-by-others offer.
    pub(super) const USED: Self = Self(1 << 3);
    /// Subscribe & Save.
    pub(super) const SUBSCRIBE: Self = Self(1 << 4);
    /// Other sellers, related items, protection plans, rentals, other formats: never this offer.
    pub(super) const ELSEWHERE: Self = Self(1 << 5);
    /// Product details.
    pub(super) const DETAILS: Self = Self(1 << 6);
    /// Feature bullets.
    pub(super) const BULLETS: Self = Self(1 << 7);
    /// The product's own stars.
    pub(super) const STARS: Self = Self(1 << 8);
    /// Place of the main image.
    pub(super) const IMAGE: Self = Self(1 << 9);
    /// Rows of the buy box that name the seller.
    pub(super) const SELLER: Self = Self(1 << 10);
    /// Header of the book buy box, whose `#price` is a price.
    pub(super) const BOOK_HEADER: Self = Self(1 << 11);
    /// An item of a search or bestseller page.
    pub(super) const ITEM: Self = Self(1 << 12);
    /// Data about variations.
    pub(super) const TWISTER: Self = Self(1 << 13);
    /// Plain coloured prices count here (`.a-color-price`, `.offer-price`).
    pub(super) const PLAIN: Self = Self(1 << 14);
    /// The total under the buy box: price times quantity.
    pub(super) const TOTAL: Self = Self(1 << 15);
    /// A box that says that the product cannot be bought now.
    pub(super) const OUT_OF_STOCK: Self = Self(1 << 16);
    /// A price for a unit, not for the product.
    pub(super) const PER_UNIT: Self = Self(1 << 17);
    /// A range of prices.
    pub(super) const RANGE: Self = Self(1 << 18);

    /// Both sets.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True when any flag of `other` is set.
    pub(super) const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What an id or a class means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The part the element is.
    pub(super) part: Part,
    /// Flags that hold inside it.
    pub(super) enters: Within,
}

const fn region(enters: Within) -> Mark {
    Mark { part: Part::Region, enters }
}

const fn part(part: Part) -> Mark {
    Mark { part, enters: Within::NOWHERE }
}

const fn priced(part: Part, enters: Within) -> Mark {
    Mark { part, enters }
}

const BUY_BOX_PRICES: Within = Within::BUY_BOX.and(Within::PRICES);
const CENTRE_PRICES: Within = Within::CENTRE.and(Within::PRICES);
const PLAIN_BUY_BOX: Within = BUY_BOX_PRICES.and(Within::PLAIN);
const ELSEWHERE: Mark = region(Within::ELSEWHERE);

type Table = &'static [(Mark, &'static [&'static str])];

/// Ids, by meaning. A trailing `_0`, `-1` … of a repeated block is not part of the id.
const IDS: Table = &[
    (part(Part::Title), &["productTitle", "ebooksProductTitle", "btAsinTitle", "title", "product-title"]),
    (part(Part::Byline), &["bylineInfo", "brand", "brandByline_feature_div"]),
    (part(Part::Availability), &["availability", "ddmAvailabilityMessage", "availabilityMessage"]),
    (priced(Part::OutOfStock, Within::OUT_OF_STOCK), &["outOfStock", "outOfStockBuyBox_feature_div", "exportsUndeliverable_feature_div"]),
    (part(Part::Merchant), &["merchant-info", "merchantInfo", "ddmMerchantMessage", "sfsb_accordion_head", "Ebooks-desktop-printSoldBy", "soldByThirdParty", "ships-from"]),
    (part(Part::Seller), &["sellerProfileTriggerId"]),
    (region(Within::SELLER), &["tabular-buybox", "merchantInfoFeature_feature_div"]),
    // Prices: the buy box first, the centre second, the total of the chosen quantity last.
    (region(Within::BUY_BOX), &["addToCart", "qualifiedBuybox", "desktop_buybox", "buybox", "buyBoxAccordion", "handleBuy", "buyboxDivId"]),
    (priced(Part::PlainPrice, BUY_BOX_PRICES), &["price_inside_buybox", "newBuyBoxPrice", "kindle-price", "actualPriceValue", "buyboxPrice"]),
    (region(PLAIN_BUY_BOX), &["buyNewSection", "buyNew_noncbb", "oneTimeBuyBox"]),
    (region(Within::BOOK_HEADER), &["booksHeaderSection"]),
    (priced(Part::PlainPrice, CENTRE_PRICES), &["priceblock_ourprice", "priceblock_dealprice", "priceblock_saleprice", "priceblock_pospromoprice"]),
    (region(Within::PRICES), &["corePrice_feature_div", "corePrice_mobile_feature_div", "apex_offerDisplay_desktop"]),
    (region(CENTRE_PRICES), &[
        "corePriceDisplay_desktop_feature_div", "corePriceDisplay_mobile_feature_div", "corePrice_desktop", "corePrice_mobile", "apex_desktop", "price",
    ]),
    (region(CENTRE_PRICES.and(Within::PLAIN)), &["prices"]),
    (region(Within::TOTAL.and(Within::PRICES)), &["tp_price_block_total_price_ww"]),
    (priced(Part::StruckPrice, Within::PRICES), &["listPriceValue", "listPrice"]),
    // Not this offer.
    (region(Within::USED), &["usedAccordionRow", "usedOnlyBuybox", "apex_desktop_usedAccordionRow", "buyboxusedDivId", "rbb_ubb", "usedbuyBox", "usedPrice"]),
    (region(Within::USED.and(PLAIN_BUY_BOX)), &["usedBuySection"]),
    (region(Within::SUBSCRIBE), &[
        "snsAccordionRowMiddle", "snsAccordionRow", "apex_desktop_snsAccordionRowMiddle", "snsDetailPagePrice", "snsBuyBox", "sns-base-price",
        "subscriptionPrice", "snsPrice", "subscribeAndSaveBuyBox", "snsPriceRow", "priceblock_snsprice_Based", "regularprice_savings_snsprice",
    ]),
    (ELSEWHERE, &[
        "moreBuyingChoices_feature_div", "mbc", "olp_feature_div", "olpLinkWidget_feature_div", "dynamic-aod-ingress-box", "aod-ingress-link",
        "MediaMatrix", "tmmSwatches", "tmmSwatchesList", "formats", "mediamatrix_feature_div", "variation_size_name", "variation_color_name", "variation_style_name",
        "twister-plus-tool-tip", "newerVersion_feature_div", "newer-version", "similarities_feature_div", "sims-fbt", "product-comparison_feature_div",
        "HLCXComparisonWidget_feature_div", "attach-warranty", "attach-desktop-sideSheet", "mbb_feature_div", "abbWrapper", "tradeInButton_feature_div",
        "rentBuySection", "rental-offer", "rentOfferAccordionRow", "amazonGlobal_feature_div", "installmentCalculator_feature_div", "productQuickView_feature_div",
        "aplus", "aplus_feature_div", "reviewsMedley", "customer-reviews_feature_div", "issuancePriceblockAmabot_feature_div", "kfs-container", "comp-chart-container",
        "bundleV2_feature_div", "bundles_feature_div", "valuePick_feature_div", "warrantiesAndSupport_feature_div", "ftPriceBreakdown", "tmm-ebooks",
        "audibleProductDetails", "kuBuyBox", "prsubswidget", "KUPriceBlock", "nav-flyout-ewc", "ewc-content", "nav-main", "rhf", "customerReviews", "cm_cr_dp_d_rating_histogram",
        "renewedTierOtherRows", "askATFLink", "sponsoredProducts_feature_div", "desktop_unifiedPrice_otherOffers", "quantity", "buyBackOffer", "gestalt-popover",
        "priceBadging_feature_div",
    ]),
    (part(Part::BuyingOptions), &["buybox-see-all-buying-choices", "buybox-see-all-buying-choices-announce", "unqualifiedBuyBox", "unqualified-buybox-olp"]),
    (part(Part::Coupon), &["couponBadgeRegularVpc", "vpcButton", "couponBadge", "couponText"]),
    // People's opinion.
    (priced(Part::Rating, Within::STARS), &["acrPopover"]),
    (region(Within::STARS), &["averageCustomerReviews", "averageCustomerReviews_feature_div", "rating-stars"]),
    (part(Part::ReviewCount), &["acrCustomerReviewText"]),
    // Details.
    (region(Within::DETAILS), &[
        "productDetails_detailBullets_sections1", "productDetails_techSpec_section_1", "productDetails_db_sections", "detailBullets_feature_div",
        "detailBulletsWrapper_feature_div", "detail-bullets", "detail_bullets_id", "prodDetails", "productDetailsTable", "productDetails_feature_div",
        "technicalSpecifications_feature_div", "productOverview_feature_div", "product-details-grid_feature_div", "detailBullets", "productDetails",
    ]),
    (part(Part::DetailRow), &["SalesRank"]),
    (region(Within::BULLETS), &["feature-bullets", "featurebullets_feature_div", "productFactsDesktopExpander", "feature-bullets-btf"]),
    (part(Part::Hidden), &["replacementPartsFitmentBullet", "hsx-rpp-bullet-fits-message"]),
    (region(Within::IMAGE), &["imgTagWrapperId", "img-canvas", "ebooks-img-canvas", "prodImageCell", "aw-image-block"]),
    (region(Within::TWISTER), &["twister_feature_div", "twisterJsInitializer_feature_div", "twister-plus-inline-twister", "twisterPlusWWDesktop"]),
];

/// Beginnings of generated ids (`CardInstanceX1…`, `sims-consolidated-2…`).
const ID_PREFIXES: &[(&str, Mark)] = &[
    ("CardInstance", ELSEWHERE),
    ("sims-", ELSEWHERE),
    ("sims_", ELSEWHERE),
    ("sp_detail", ELSEWHERE),
    ("a-popover-", ELSEWHERE),
    ("HLCX", ELSEWHERE),
    ("aod-", ELSEWHERE),
    ("tp-tool-tip", ELSEWHERE),
    ("comparison", ELSEWHERE),
    ("attach-", ELSEWHERE),
    ("couponText", part(Part::Coupon)),
    ("promoPriceBlockMessage", part(Part::Coupon)),
    ("variation_", ELSEWHERE),
    ("tmm-grid-swatch", ELSEWHERE),
    ("rentOffer", ELSEWHERE),
    ("usedAccordionRow", region(Within::USED)),
    ("snsAccordionRow", region(Within::SUBSCRIBE)),
    ("newAccordionRow", region(Within::NOWHERE)),
    ("renewedTier", region(Within::NOWHERE)),
    ("apex_desktop_newAccordionRow", region(Within::NOWHERE)),
    ("apex_desktop_renewedTier", region(Within::NOWHERE)),
];

/// A class means something only inside a region of the second column ([`Within::NOWHERE`]: everywhere).
const CLASSES: &[(&str, Within, Mark)] = &[
    ("a-price", Within::PRICES.and(Within::ITEM), part(Part::Price)),
    ("a-offscreen", Within::PRICES.and(Within::ITEM), part(Part::PriceOffscreen)),
    ("aok-offscreen", Within::PRICES, part(Part::PriceOffscreen)),
    ("a-price-whole", Within::PRICES.and(Within::ITEM), part(Part::PriceWhole)),
    ("a-price-fraction", Within::PRICES.and(Within::ITEM), part(Part::PriceFraction)),
    ("a-price-range", Within::PRICES, region(Within::RANGE)),
    ("a-text-strike", Within::PRICES.and(Within::BUY_BOX).and(Within::CENTRE), part(Part::StruckPrice)),
    ("priceBlockStrikePriceString", Within::CENTRE, part(Part::StruckPrice)),
    ("pricePerUnit", Within::PRICES, region(Within::PER_UNIT)),
    ("apex-priceperunit-value", Within::PRICES, region(Within::PER_UNIT)),
    ("offer-price", Within::PLAIN, part(Part::PlainPrice)),
    ("a-color-price", Within::PLAIN, part(Part::PlainPrice)),
    ("a-icon-alt", Within::STARS.and(Within::ITEM), part(Part::Rating)),
    ("crAvgStars", Within::BUY_BOX, region(Within::STARS)),
    ("swSprite", Within::STARS, part(Part::Rating)),
    ("buying", Within::BUY_BOX, part(Part::Merchant)),
    ("availGreen", Within::BUY_BOX, part(Part::Availability)),
    ("availOrange", Within::BUY_BOX, part(Part::Availability)),
    ("availRed", Within::BUY_BOX, part(Part::Availability)),
    ("offer-display-feature-text-message", Within::SELLER, part(Part::Seller)),
    ("tabular-buybox-label", Within::SELLER, part(Part::CellLabel)),
    ("tabular-buybox-text", Within::SELLER, part(Part::CellText)),
    ("couponBadge", Within::NOWHERE, part(Part::Coupon)),
    ("techD", Within::NOWHERE, region(Within::DETAILS)),
    ("a-popover-preload", Within::NOWHERE, ELSEWHERE),
    ("zg-bdg-text", Within::NOWHERE, part(Part::ItemPosition)),
    ("zg-badge-text", Within::NOWHERE, part(Part::ItemPosition)),
    ("zg_rankNumber", Within::NOWHERE, part(Part::ItemPosition)),
];

/// Pieces of generated classes (`_cDEzb_p13n-sc-price_3mJ9Z`) that mean something inside of an item.
const ITEM_CLASS_PIECES: &[(&str, Mark)] = &[
    ("p13n-sc-price", part(Part::PlainPrice)),
    ("p13n-sc-css-line-clamp", part(Part::ItemTitle)),
    ("p13n-sc-truncate", part(Part::ItemTitle)),
];

/// Classes of what is not shown.
pub(super) const HIDDEN_CLASSES: &[&str] = &["aok-hidden", "a-hidden"];

/// Classes of the root of an item on a search or bestseller page.
pub(super) const ITEM_CLASSES: &[&str] =
    &["s-result-item", "p13n-sc-uncoverable-faceout", "zg-item-immersion", "zg_itemImmersion", "zg-item"];

/// Rows of the buy box of which only the first of its family is the featured one.
pub(super) const ROW_FAMILIES: &[&str] = &["newAccordionRow", "renewedTier"];

static BY_ID: LazyLock<Vec<(&'static str, Mark)>> = LazyLock::new(|| {
    let mut rows: Vec<_> = IDS.iter().flat_map(|(mark, ids)| ids.iter().map(move |id| (*id, *mark))).collect();
    rows.sort_unstable_by_key(|row| row.0);
    rows
});

static BY_CLASS: LazyLock<Vec<(&'static str, Within, Mark)>> = LazyLock::new(|| {
    let mut rows = CLASSES.to_vec();
    rows.sort_unstable_by_key(|row| row.0);
    rows
});

/// What the id means, with the table's own spelling of it.
pub(super) fn by_id(id: &str) -> Option<(&'static str, Mark)> {
    let exact = |id: &str| BY_ID.binary_search_by_key(&id, |row| row.0).ok().map(|at| BY_ID[at]);
    let stem = id.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['_', '-']);
    exact(id)
        .or_else(|| (stem.len() < id.len()).then(|| exact(stem)).flatten())
        .or_else(|| ID_PREFIXES.iter().find(|(prefix, _)| id.starts_with(prefix)).copied())
}

/// What the class means where it stands.
pub(super) fn by_class(class: &str, within: Within) -> Option<(&'static str, Mark)> {
    if within.any(Within::ITEM)
        && let Some(found) = ITEM_CLASS_PIECES.iter().find(|(piece, _)| class.contains(piece))
    {
        return Some(*found);
    }
    let at = BY_CLASS.binary_search_by_key(&class, |row| row.0).ok()?;
    let (name, only_within, mark) = BY_CLASS[at];
    (only_within == Within::NOWHERE || within.any(only_within)).then_some((name, mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_and_no_class_stands_twice() {
        assert!(BY_ID.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(BY_CLASS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_numbered_block_means_what_its_stem_means() {
        assert_eq!(by_id("couponText_12").map(|(_, mark)| mark.part), Some(Part::Coupon));
        assert_eq!(by_id("snsAccordionRowMiddle_1").map(|(_, mark)| mark.enters), Some(Within::SUBSCRIBE));
        assert_eq!(by_id("nothingOfOurs_1"), None);
    }
}
