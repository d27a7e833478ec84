//! The rules. A rule that changes gets an end, and a successor with a beginning: a check of an earlier day stays what it was.

use jiff::civil::{Date, date};

use super::content::APlusKind;
use super::phrases::PhraseList;
use super::product_group::ProductGroup;
use super::rule::Applicability::{Everywhere, Except, Only};
use super::rule::{Check, Confidence, FindingSeverity, ListingField, ListingRule, Source, SourceKind};
use crate::domain::Marketplace;

/// Changes with the rules: part of the key of whatever was made with them.
pub const RULES_VERSION: &str = "2026-11-30";

/// Where titles stay at 200 characters.
const LONGER_TITLES: &[Marketplace] = &[Marketplace::Sa, Marketplace::Eg, Marketplace::Tr, Marketplace::Ae];

/// Amazon announced the requirements of titles of this day in January 2025, and those of bullets of that day in July 2024.
const TITLES_2025: Date = date(2025, 1, 21);
const BULLETS_2024: Date = date(2024, 8, 15);
/// From here on titles are short and continue in the item highlights.
const TITLES_2026: Date = date(2026, 7, 27);

/// The characters that titles must not have, unless the brand has them.
const TITLE_CHARACTERS: &[char] = &['!', '$', '?', '_', '{', '}', '^', '¬', '¦'];
/// The characters that bullets must not have.
const BULLET_CHARACTERS: &[char] = &['™', '®', '€'];
/// The others of the list for the American marketplace. Not `o` and `â`, which it has too: what is meant was lost on its way, and both are
/// letters.
const AMERICAN_BULLET_CHARACTERS: &[char] = &['…', '†', '‡', '¢', '£', '¥', '©', '±', '~'];

const AMAZON_TITLES: Source = Source {
    kind: SourceKind::Amazon,
    name: "Amazon Seller Central: Product title requirements and guidelines",
    url: Some("https://sellercentral-europe.amazon.com/help/hub/reference/external/201100890"),
    read_on: date(2026, 11, 30),
};
const TITLE_STYLE: Source = Source {
    kind: SourceKind::Amazon,
    name: "Amazon Seller Central: Product title requirements",
    url: Some("https://sellercentral.amazon.com/gp/help/external/help.html?itemID=YTR6SYGFA5E3EQC&language=en_US"),
    read_on: date(2026, 11, 30),
};
const SHORT_TITLES: Source = Source {
    kind: SourceKind::ThirdParty,
    name: "four third parties, among them Helium 10, about titles from 2026-07-27",
    url: None,
    read_on: date(2026, 11, 28),
};
const ITEM_HIGHLIGHTS: Source = Source {
    kind: SourceKind::ThirdParty,
    name: "three third parties about item highlights",
    url: None,
    read_on: date(2026, 11, 28),
};
const BULLET_UPDATE: Source = Source {
    kind: SourceKind::ThirdParty,
    name: "Goat Consulting, quoting Amazon's bullet point requirements of 2024-08-15",
    url: Some("https://goatconsulting.com/amazon-policy/amazon-product-detail-page-rules-violation-policy-compliance"),
    read_on: date(2026, 11, 30),
};
const BULLET_GUIDES: Source = Source {
    kind: SourceKind::ThirdParty,
    name: "third parties about bullets",
    url: None,
    read_on: date(2026, 11, 28),
};
const DETAIL_PAGES: Source = Source {
    kind: SourceKind::Amazon,
    name: "Amazon Seller Central: Product detail page rules",
    url: Some("https://sellercentral.amazon.com/gp/help/external/help.html?itemID=200390640&language=en_US"),
    read_on: date(2026, 11, 30),
};
const DESCRIPTIONS: Source = Source {
    kind: SourceKind::ThirdParty,
    name: "third parties about descriptions",
    url: None,
    read_on: date(2026, 11, 28),
};
const IMAGES: Source = Source {
    kind: SourceKind::ThirdParty,
    name: "Mercatus Lab and others about images",
    url: Some("https://www.mercatuslab.com/blog/amazon-product-image-requirements/"),
    read_on: date(2026, 11, 30),
};
const A_PLUS: Source = Source {
    kind: SourceKind::ThirdParty,
    name: "third parties about A+ content",
    url: None,
    read_on: date(2026, 11, 28),
};

/// A rule on all marketplaces, for all groups, at any time, that third parties tell; the others say in what they differ.
const TOLD: ListingRule = ListingRule {
    id: "",
    field: ListingField::Title,
    check: Check::NoEmoji,
    requirement: "",
    marketplaces: Everywhere,
    group: None,
    from: None,
    to: None,
    severity: FindingSeverity::Warning,
    source: BULLET_GUIDES,
    confidence: Confidence::Low,
};
/// Amazon's requirements of titles apply to all but media.
const TITLE: ListingRule = ListingRule {
    group: Some(ProductGroup::Other),
    from: Some(TITLES_2025),
    severity: FindingSeverity::Error,
    source: AMAZON_TITLES,
    confidence: Confidence::High,
    ..TOLD
};
const BULLETS: ListingRule = ListingRule { field: ListingField::Bullets, ..TOLD };
const BULLETS_OF_2024: ListingRule = ListingRule {
    from: Some(BULLETS_2024),
    severity: FindingSeverity::Error,
    source: BULLET_UPDATE,
    confidence: Confidence::Medium,
    ..BULLETS
};
const IMAGE: ListingRule = ListingRule { field: ListingField::Images, source: IMAGES, ..TOLD };
const OF_A_PLUS: ListingRule = ListingRule { field: ListingField::APlus, source: A_PLUS, ..TOLD };

/// All rules.
pub const RULES: &[ListingRule] = &[
    ListingRule {
        id: "title_length_75",
        check: Check::Length { min: 0, max: 75 },
        requirement: "at most 75 characters, with spaces",
        marketplaces: Except(LONGER_TITLES),
        from: Some(TITLES_2026),
        source: SHORT_TITLES,
        confidence: Confidence::Medium,
        ..TITLE
    },
    ListingRule {
        id: "title_length_200",
        check: Check::Length { min: 0, max: 200 },
        requirement: "at most 200 characters, with spaces",
        marketplaces: Except(LONGER_TITLES),
        to: Some(TITLES_2026),
        ..TITLE
    },
    ListingRule {
        id: "title_length_200_sa_eg_tr_ae",
        check: Check::Length { min: 0, max: 200 },
        requirement: "at most 200 characters, with spaces",
        marketplaces: Only(LONGER_TITLES),
        ..TITLE
    },
    ListingRule {
        id: "title_length_200_media",
        check: Check::Length { min: 0, max: 200 },
        requirement: "at most 200 characters, with spaces",
        group: Some(ProductGroup::Media),
        source: SHORT_TITLES,
        confidence: Confidence::Medium,
        ..TITLE
    },
    ListingRule {
        id: "title_characters",
        check: Check::NoCharacters { characters: TITLE_CHARACTERS, except_in_brand: true },
        requirement: "none of ! $ ? _ { } ^ ¬ ¦ outside the brand",
        ..TITLE
    },
    ListingRule {
        id: "title_repeated_word",
        check: Check::WordRepeatedAtMost(2),
        requirement: "no word more than twice, but articles, prepositions, conjunctions and the brand",
        ..TITLE
    },
    ListingRule {
        id: "title_promotion",
        check: Check::NoPhrase(PhraseList::Promotion),
        requirement: "no promotional phrases",
        ..TITLE
    },
    ListingRule {
        id: "title_capitals",
        check: Check::NotAllCapitals,
        requirement: "not in capital letters",
        severity: FindingSeverity::Warning,
        source: TITLE_STYLE,
        ..TITLE
    },
    ListingRule {
        id: "item_highlights_length",
        field: ListingField::ItemHighlights,
        check: Check::Length { min: 0, max: 125 },
        requirement: "at most 125 characters, with spaces",
        from: Some(TITLES_2026),
        severity: FindingSeverity::Error,
        source: ITEM_HIGHLIGHTS,
        confidence: Confidence::Medium,
        ..TOLD
    },
    ListingRule {
        id: "item_highlights_phrases",
        field: ListingField::ItemHighlights,
        check: Check::NoSentence,
        requirement: "phrases instead of sentences",
        from: Some(TITLES_2026),
        severity: FindingSeverity::Notice,
        source: ITEM_HIGHLIGHTS,
        confidence: Confidence::Medium,
        ..TOLD
    },
    ListingRule {
        id: "bullets_count",
        check: Check::Count { min: 3, max: Some(5), vendor_max: Some(10) },
        requirement: "3 to 5 bullets; vendors at most 10",
        ..BULLETS
    },
    ListingRule {
        id: "bullets_length",
        check: Check::Length { min: 10, max: 255 },
        requirement: "10 to 255 characters each",
        // Many listings have longer ones that Amazon shows.
        severity: FindingSeverity::Warning,
        ..BULLETS_OF_2024
    },
    ListingRule {
        id: "bullets_length_250",
        check: Check::Length { min: 0, max: 250 },
        requirement: "at most 250 characters each",
        to: Some(BULLETS_2024),
        ..BULLETS
    },
    ListingRule {
        id: "bullets_total_length",
        check: Check::TotalLengthBelow(1000),
        requirement: "fewer than 1,000 characters together",
        severity: FindingSeverity::Notice,
        ..BULLETS
    },
    ListingRule {
        id: "bullets_capital_first",
        check: Check::CapitalFirst,
        requirement: "each begins with a capital letter",
        ..BULLETS
    },
    ListingRule { id: "bullets_emoji", check: Check::NoEmoji, requirement: "no emoji", ..BULLETS_OF_2024 },
    ListingRule {
        id: "bullets_characters",
        check: Check::NoCharacters { characters: BULLET_CHARACTERS, except_in_brand: false },
        requirement: "none of ™ ® €",
        ..BULLETS_OF_2024
    },
    ListingRule {
        id: "bullets_characters_us",
        check: Check::NoCharacters { characters: AMERICAN_BULLET_CHARACTERS, except_in_brand: false },
        requirement: "none of … † ‡ ¢ £ ¥ © ± ~",
        marketplaces: Only(&[Marketplace::Us]),
        severity: FindingSeverity::Warning,
        ..BULLETS_OF_2024
    },
    ListingRule {
        id: "bullets_guarantee",
        check: Check::NoPhrase(PhraseList::Guarantee),
        requirement: "no guarantees and refunds",
        ..BULLETS_OF_2024
    },
    ListingRule {
        id: "bullets_contact",
        check: Check::NoContact,
        requirement: "no e-mail address, web address or telephone number",
        severity: FindingSeverity::Error,
        source: DETAIL_PAGES,
        confidence: Confidence::High,
        ..BULLETS
    },
    ListingRule { id: "bullets_asin", check: Check::NoAsin, requirement: "no ASIN", ..BULLETS_OF_2024 },
    ListingRule {
        id: "bullets_placeholder",
        check: Check::NoPlaceholder,
        requirement: "no \"TBD\", \"N/A\", \"COPY PENDING\" and the like",
        ..BULLETS_OF_2024
    },
    ListingRule {
        id: "description_length",
        field: ListingField::Description,
        check: Check::Length { min: 0, max: 2000 },
        requirement: "at most 2,000 characters, with spaces",
        // Those of publishers are longer.
        group: Some(ProductGroup::Other),
        severity: FindingSeverity::Error,
        source: DESCRIPTIONS,
        ..TOLD
    },
    ListingRule {
        id: "description_html",
        field: ListingField::Description,
        check: Check::NoHtml,
        requirement: "no HTML",
        severity: FindingSeverity::Error,
        source: DESCRIPTIONS,
        ..TOLD
    },
    ListingRule {
        id: "images_count",
        check: Check::Count { min: 6, max: None, vendor_max: None },
        requirement: "at least 6 images",
        // A book has a cover.
        group: Some(ProductGroup::Other),
        severity: FindingSeverity::Notice,
        ..IMAGE
    },
    ListingRule {
        id: "images_video",
        check: Check::HasVideo,
        requirement: "a video",
        group: Some(ProductGroup::Other),
        severity: FindingSeverity::Notice,
        ..IMAGE
    },
    ListingRule {
        id: "images_side",
        check: Check::LongestSide { min: 1000, max: 10_000 },
        requirement: "1,000 to 10,000 pixels on the longest side",
        ..IMAGE
    },
    ListingRule {
        id: "images_side_1600",
        check: Check::LongestSide { min: 1600, max: u32::MAX },
        requirement: "better at least 1,600 pixels on the longest side",
        severity: FindingSeverity::Notice,
        ..IMAGE
    },
    ListingRule {
        id: "main_image_background",
        check: Check::WhiteBackground,
        requirement: "a pure white background of the main image",
        severity: FindingSeverity::Error,
        ..IMAGE
    },
    ListingRule {
        id: "main_image_fill",
        check: Check::FillAtLeast(85),
        requirement: "the product fills at least 85 % of the main image",
        severity: FindingSeverity::Error,
        ..IMAGE
    },
    ListingRule {
        id: "a_plus_modules",
        check: Check::ModulesAtMost(APlusKind::Basic, 5),
        requirement: "at most 5 modules",
        severity: FindingSeverity::Error,
        ..OF_A_PLUS
    },
    ListingRule {
        id: "a_plus_premium_modules",
        check: Check::ModulesAtMost(APlusKind::Premium, 7),
        requirement: "at most 7 modules",
        severity: FindingSeverity::Error,
        ..OF_A_PLUS
    },
    ListingRule {
        id: "a_plus_image_size",
        check: Check::FullWidthAtLeast(APlusKind::Basic, 970, 300),
        requirement: "at least 970 × 300 pixels for images of the full width",
        ..OF_A_PLUS
    },
    ListingRule {
        id: "a_plus_premium_image_size",
        check: Check::FullWidthAtLeast(APlusKind::Premium, 1464, 600),
        requirement: "at least 1,464 × 600 pixels for images of the full width",
        ..OF_A_PLUS
    },
    ListingRule {
        id: "a_plus_image_bytes",
        // Of the two meanings of MB the larger.
        check: Check::FileBelow(2 << 20),
        requirement: "less than 2 MB for each image",
        severity: FindingSeverity::Error,
        ..OF_A_PLUS
    },
    ListingRule {
        id: "a_plus_price",
        check: Check::NoPrice,
        requirement: "no prices",
        severity: FindingSeverity::Error,
        ..OF_A_PLUS
    },
    ListingRule {
        id: "a_plus_competitors",
        check: Check::NoCompetitor,
        requirement: "no competitors",
        severity: FindingSeverity::Error,
        ..OF_A_PLUS
    },
    ListingRule {
        id: "a_plus_links",
        check: Check::NoLink,
        requirement: "no links",
        severity: FindingSeverity::Error,
        ..OF_A_PLUS
    },
];
