//! The rules, one table for each kind, and what must hold for any content.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use proptest::prelude::*;
use strum::IntoEnumIterator;

use super::*;
use crate::domain::Marketplace;

const BEFORE: Date = date(2026, 7, 26);
const SINCE: Date = date(2026, 7, 27);
const TODAY: Date = date(2026, 11, 30);

fn draft() -> ListingContent {
    ListingContent {
        group: Some(ProductGroup::Other),
        brand: Some("Simhaus".to_owned()),
        ..ListingContent::unknown(Origin::Draft, Marketplace::Us)
    }
}

fn titled(title: &str) -> ListingContent {
    ListingContent { title: Some(title.to_owned()), ..draft() }
}

fn with_bullet(bullet: &str) -> ListingContent {
    let bullets = [bullet, "Boils a litre in three minutes", "Switches off by itself"];
    ListingContent { bullets: Some(bullets.map(str::to_owned).to_vec()), ..draft() }
}

fn broken(content: &ListingContent, on: Date) -> Vec<&'static str> {
    let mut ids: Vec<_> = check(content, on).findings.iter().map(|finding| finding.rule.id).collect();
    ids.dedup();
    ids
}

fn reason(content: &ListingContent, on: Date, id: &str) -> Option<Reason> {
    check(content, on).not_checked.iter().find(|not_checked| not_checked.rule.id == id).map(|found| found.reason)
}

fn finding(content: &ListingContent, id: &str) -> Finding {
    let found = check(content, TODAY).findings.into_iter().find(|finding| finding.rule.id == id);
    found.unwrap_or_else(|| panic!("{id} is not found"))
}

#[test]
fn every_rule_has_a_name_of_its_own_a_requirement_and_a_source() {
    let ids: BTreeSet<_> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), RULES.len());
    for rule in RULES {
        assert!(!rule.id.is_empty() && !rule.requirement.is_empty() && !rule.source.name.is_empty(), "{rule:?}");
        assert!(rule.from.is_none_or(|from| rule.to.is_none_or(|to| from < to)), "{}", rule.id);
        let by_amazon = rule.source.kind == SourceKind::Amazon;
        assert_eq!(rule.confidence == Confidence::High, by_amazon, "{}", rule.id);
    }
    let fields: BTreeSet<&str> = RULES.iter().map(|rule| rule.field.into()).collect();
    assert_eq!(fields.len(), ListingField::iter().count());
}

#[test]
fn exactly_one_limit_of_titles_applies_since_2025() {
    for &marketplace in Marketplace::ALL {
        for group in ProductGroup::iter() {
            for on in [date(2025, 1, 21), BEFORE, SINCE, TODAY] {
                let content = ListingContent { group: Some(group), marketplace, ..draft() };
                let is_limit = |rule: &&ListingRule| {
                    rule.field == ListingField::Title && matches!(rule.check, Check::Length { .. })
                };
                let limits = RULES.iter().filter(is_limit).filter(|rule| rule.applies_to(&content, on)).count();
                assert_eq!(limits, 1, "{marketplace} {group:?} {on}");
            }
        }
    }
}

#[test]
fn the_limit_of_titles_follows_day_marketplace_and_group() {
    let title = |length: usize, marketplace, group| {
        let words = "Kettle with a long spout and a handle of cork ".chars().cycle().take(length);
        // Repeated words are not what this is about.
        let content = ListingContent { marketplace, group, ..titled(&words.collect::<String>()) };
        move |on| {
            let ids = broken(&content, on).into_iter().filter(|id| id.starts_with("title_length"));
            ids.collect::<Vec<_>>().join(" ")
        }
    };
    let (other, media) = (Some(ProductGroup::Other), Some(ProductGroup::Media));
    for (length, marketplace, group, on, expected) in [
        (75, Marketplace::Us, other, TODAY, ""),
        (76, Marketplace::Us, other, TODAY, "title_length_75"),
        (76, Marketplace::Us, other, SINCE, "title_length_75"),
        (76, Marketplace::Us, other, BEFORE, ""),
        (200, Marketplace::De, other, BEFORE, ""),
        (201, Marketplace::De, other, BEFORE, "title_length_200"),
        (201, Marketplace::De, other, date(2025, 1, 21), "title_length_200"),
        (201, Marketplace::De, other, date(2025, 1, 20), ""),
        (76, Marketplace::Us, media, TODAY, ""),
        (201, Marketplace::Us, media, TODAY, "title_length_200_media"),
        (76, Marketplace::Ae, other, TODAY, ""),
        (201, Marketplace::Tr, other, TODAY, "title_length_200_sa_eg_tr_ae"),
        // Not known of which group it is: only what holds for both is a finding.
        (76, Marketplace::Us, None, TODAY, ""),
        (201, Marketplace::Us, None, TODAY, "title_length_200_media"),
        (201, Marketplace::Sa, None, TODAY, "title_length_200_media"),
    ] {
        assert_eq!(title(length, marketplace, group)(on), expected, "{length} {marketplace} {group:?} {on}");
    }
}

#[test]
fn a_title_of_an_unknown_group_is_not_said_to_keep_what_it_breaks() {
    let content = ListingContent { group: None, ..titled(&"k".repeat(76)) };
    assert_eq!(reason(&content, TODAY, "title_length_75"), Some(Reason::GroupUnknown));
    let passed = check(&content, TODAY).passed;
    assert!(passed.iter().any(|rule| rule.id == "title_length_200_media"));
}

#[test]
fn lengths_are_counted_in_code_points_not_in_bytes() {
    assert_eq!(broken(&titled(&"ü".repeat(75)), TODAY), Vec::<&str>::new());
    let finding = finding(&titled(&"ü".repeat(76)), "title_length_75");
    assert_eq!(finding.observed.amount, Some(76));
    assert_eq!(finding.message(), "The title: 76 characters. Required: at most 75 characters, with spaces.");
    // The same letter in two code points counts as two.
    assert_eq!(broken(&titled(&"u\u{308}".repeat(38)), TODAY), ["title_length_75"]);
}

#[test]
fn titles_are_checked_by_their_words_and_characters() {
    for (title, expected) in [
        ("Kettle 1.7 l, Stainless Steel", ""),
        ("Kettle, best of all!", "title_characters"),
        ("Simhaus! Kettle", "title_characters"),
        ("Cable for cable with Cable", "title_repeated_word"),
        ("Cable for cable and cables", ""),
        ("Frame for one, for two, for three", ""),
        ("Tray 10 mm x 20 mm x 30 mm", ""),
        ("5 Pack, 3 Pack, 2 Pack", ""),
        ("64GB or 64GB or 64GB", ""),
        ("Tischdecke mit Rand, mit Spitze, mit Fransen", ""),
        ("Kettle with free shipping", "title_promotion"),
        ("Kettle, Best  Seller", "title_promotion"),
        ("Wasserkocher versandkostenfrei", "title_promotion"),
        ("BPA free kettle, shipping weight below 1 kg", ""),
        ("Simhaus by Simhaus for Simhaus", ""),
        ("STAINLESS STEEL KETTLE", "title_capitals"),
        ("SIMHAUS Kettle", ""),
        ("USB HDMI VGA DVI", ""),
        ("XPS-9315 I7-1250U LPDDR5 2TB", ""),
    ] {
        assert_eq!(broken(&titled(title), TODAY).join(" "), expected, "{title}");
    }
}

#[test]
fn a_brand_may_have_the_characters_that_titles_may_not() {
    let title = "YAHOO! Kettle";
    let of_brand = |brand: Option<&str>| ListingContent { brand: brand.map(str::to_owned), ..titled(title) };
    assert_eq!(broken(&of_brand(Some("Yahoo!")), TODAY), Vec::<&str>::new());
    assert_eq!(broken(&of_brand(Some("")), TODAY), ["title_characters"]);
    assert_eq!(broken(&of_brand(None), TODAY), Vec::<&str>::new());
    assert_eq!(reason(&of_brand(None), TODAY, "title_characters"), Some(Reason::BrandUnknown));
    let finding = finding(&titled("Kettle? Kettle!"), "title_characters");
    assert_eq!(finding.observed.texts, ["?", "!"]);
}

#[test]
fn media_have_no_rules_about_characters_of_titles() {
    let content =
        ListingContent { group: Some(ProductGroup::Media), ..titled("WHAT NEXT? STAY STRONG, STAY STRONG, STAY!") };
    assert_eq!(broken(&content, TODAY), Vec::<&str>::new());
}

#[test]
fn words_without_spaces_between_them_are_not_counted() {
    let content = ListingContent {
        marketplace: Marketplace::Jp, ..titled("電気ケトル 電気ケトル 電気ケトル 1.7L")
    };
    assert_eq!(reason(&content, TODAY, "title_repeated_word"), Some(Reason::NoWordBoundaries));
    let content = ListingContent { marketplace: Marketplace::Jp, ..titled("電気 kettle Kettle KETTLE") };
    assert_eq!(broken(&content, TODAY), ["title_repeated_word"]);
}

#[test]
fn bullets_are_checked_one_by_one() {
    for (bullet, expected) in [
        ("Keeps water warm for two hours", ""),
        ("Short", "bullets_length"),
        (&"Long ".repeat(52), "bullets_length"),
        ("keeps water warm for two hours", "bullets_capital_first"),
        ("iPhone charging cable included", ""),
        ("simhaus kettles last for years", ""),
        ("1.7 l of water boil in minutes", ""),
        ("【Fast】 boils in three minutes", ""),
        ("→ boils in three minutes", "bullets_capital_first"),
        ("Boils in three minutes 🚀", "bullets_emoji"),
        ("✔ Boils in three minutes", ""),
        ("Boils with QuickHeat™ in a minute", "bullets_characters"),
        ("Costs 20 € and lasts for years", "bullets_characters"),
        ("Boils 1~2 litres in five minutes", "bullets_characters_us"),
        ("Money-back guarantee for a year", "bullets_guarantee"),
        ("Guarantees a tight fit of the lid", ""),
        ("Write to help@example.com for more", "bullets_contact"),
        ("See https://example.com/kettle now", "bullets_contact"),
        ("Tel. +49 30 1234567 for support", "bullets_contact"),
        ("Boils in 3 minutes.The lid is easy", ""),
        ("Works with the filter B08PZHYWJS", "bullets_asin"),
        ("Colour: TBD, material: steel", "bullets_placeholder"),
        ("Not applicable", "bullets_placeholder"),
        ("Not applicable to induction hobs", ""),
    ] {
        assert_eq!(broken(&with_bullet(bullet), TODAY).join(" "), expected, "{bullet}");
    }
    let finding = finding(&with_bullet("Boils in three minutes 🚀"), "bullets_emoji");
    assert_eq!((finding.item, finding.message().as_str()), (Some(0), "Bullet 1: “🚀”. Required: no emoji."));
}

#[test]
fn the_older_limit_of_bullets_ends_where_the_newer_begins() {
    let content = with_bullet(&"Long".repeat(63));
    assert_eq!(broken(&content, date(2024, 8, 14)), ["bullets_length_250"]);
    assert_eq!(broken(&content, date(2024, 8, 15)), Vec::<&str>::new());
}

#[test]
fn more_bullets_are_a_finding_only_where_no_vendor_may_have_them() {
    let of = |count: usize, is_vendor| {
        let bullets = (0..count).map(|n| format!("Point number {n}")).collect();
        ListingContent { bullets: Some(bullets), is_vendor, ..draft() }
    };
    for (count, is_vendor, expected) in [
        (2, None, "bullets_count"),
        (3, None, ""),
        (5, Some(false), ""),
        (6, Some(false), "bullets_count"),
        (6, None, ""),
        (10, Some(true), ""),
        (11, None, "bullets_count"),
    ] {
        assert_eq!(broken(&of(count, is_vendor), TODAY).join(" "), expected, "{count} {is_vendor:?}");
    }
    assert_eq!(reason(&of(6, None), TODAY, "bullets_count"), Some(Reason::AccountUnknown));
    let long = ListingContent { bullets: Some(vec!["Word ".repeat(40); 5]), ..draft() };
    assert_eq!(broken(&long, TODAY), ["bullets_total_length"]);
}

#[test]
fn item_highlights_and_descriptions_are_checked() {
    let highlights = |text: &str| ListingContent { item_highlights: Some(text.to_owned()), ..draft() };
    assert_eq!(broken(&highlights("1.7 l, stainless steel, switches off by itself"), TODAY), Vec::<&str>::new());
    assert_eq!(broken(&highlights("This kettle switches off by itself."), TODAY), ["item_highlights_phrases"]);
    assert_eq!(broken(&highlights(&"k".repeat(126)), TODAY), ["item_highlights_length"]);
    assert_eq!(broken(&highlights(&"k".repeat(126)), BEFORE), Vec::<&str>::new());

    let described = |text: &str| ListingContent { description: Some(text.to_owned()), ..draft() };
    for (text, expected) in [
        ("Holds <10 lb, or > 5", ""),
        ("One line.<br>Another line.</br>", ""),
        ("A <b>bold</b> kettle", "description_html"),
        ("<p class=\"x\">A kettle", "description_html"),
        (&"k".repeat(2001), "description_length"),
    ] {
        assert_eq!(broken(&described(text), TODAY).join(" "), expected, "{text}");
    }
    let observed = ListingContent { origin: Origin::Observed, ..described("A kettle") };
    assert_eq!(reason(&observed, TODAY, "description_html"), Some(Reason::NotAsWritten));
    let observed = ListingContent { origin: Origin::Observed, ..described(&"k".repeat(2001)) };
    assert_eq!(reason(&observed, TODAY, "description_length"), Some(Reason::NotAsWritten));
    // "Imported" is what Amazon adds.
    let observed = ListingContent { origin: Origin::Observed, ..with_bullet("Imported") };
    assert_eq!(reason(&observed, TODAY, "bullets_length"), Some(Reason::NotAsWritten));
}

#[test]
fn images_are_checked_as_far_as_they_are_known() {
    let image = |side: u32, white: bool, fill: u8| ListingImage {
        width: Some(side),
        height: Some(side / 2),
        is_background_white: Some(white),
        fill_percent: Some(fill),
    };
    let of = |images: Vec<ListingImage>| ListingContent { images: Some(images), has_video: Some(true), ..draft() };
    assert_eq!(broken(&of(vec![image(1600, true, 85); 6]), TODAY), Vec::<&str>::new());
    assert_eq!(broken(&of(vec![image(1599, true, 85); 6]), TODAY), ["images_side_1600"]);
    assert_eq!(broken(&of(vec![image(999, true, 85); 6]), TODAY), ["images_side", "images_side_1600"]);
    assert_eq!(broken(&of(vec![image(10_001, true, 85); 6]), TODAY), ["images_side"]);
    assert_eq!(
        broken(&of(vec![image(1600, false, 84); 5]), TODAY),
        ["images_count", "main_image_background", "main_image_fill"]
    );
    let unknown = of(vec![ListingImage::default(); 6]);
    assert_eq!(reason(&unknown, TODAY, "images_side"), Some(Reason::NotGiven));
    let observed = ListingContent { origin: Origin::Observed, has_video: None, ..unknown };
    assert_eq!(reason(&observed, TODAY, "images_side"), Some(Reason::NotObserved));
    assert_eq!(reason(&observed, TODAY, "images_video"), Some(Reason::NotKnown));
}

#[test]
fn a_plus_content_is_checked_by_its_kind() {
    let of = |kind, width, height, text: &str| {
        let image = APlusImage {
            width: Some(width),
            height: Some(height),
            size_bytes: Some(2 << 20),
            is_full_width: Some(true),
        };
        let a_plus =
            APlus { kind, module_count: Some(6), texts: Some(vec![text.to_owned()]), images: Some(vec![image]) };
        let competitors = Some(vec!["Rival".to_owned()]);
        ListingContent { a_plus: APlusState::Known(a_plus), competitors, ..draft() }
    };
    assert_eq!(
        broken(&of(APlusKind::Basic, 969, 300, "Better than Rival, for $5"), TODAY),
        ["a_plus_modules", "a_plus_image_size", "a_plus_image_bytes", "a_plus_price", "a_plus_competitors"]
    );
    assert_eq!(
        broken(&of(APlusKind::Premium, 1464, 599, "Rivals see www.example.com"), TODAY),
        ["a_plus_premium_image_size", "a_plus_image_bytes", "a_plus_links"]
    );
    let without = ListingContent { a_plus: APlusState::Absent, ..draft() };
    let outcome = check(&without, TODAY);
    assert!(outcome.not_checked.iter().all(|not_checked| not_checked.rule.field != ListingField::APlus));
}

#[test]
fn the_group_of_an_observed_listing_is_known_only_when_brand_and_category_agree() {
    let group = |values: serde_json::Value| {
        ListingContent::observed(Marketplace::De, values.as_object().expect("an object")).group
    };
    for (values, expected) in [
        (serde_json::json!({ "category_path": ["Bücher", "Krimis"] }), Some(ProductGroup::Media)),
        (serde_json::json!({ "category_path": ["Küche"], "brand": "Simhaus" }), Some(ProductGroup::Other)),
        (serde_json::json!({ "category_path": ["Küche"] }), None),
        (serde_json::json!({ "category_path": ["Bücher"], "brand": "Simhaus" }), None),
        (serde_json::json!({ "category_path": ["Software"], "brand": "Simhaus" }), None),
        (serde_json::json!({ "brand": "Simhaus" }), None),
    ] {
        assert_eq!(group(values.clone()), expected, "{values}");
    }
    let video = |has: bool| {
        ListingContent::observed(
            Marketplace::De,
            serde_json::json!({ "has_video": has }).as_object().expect("an object"),
        )
    };
    assert_eq!((video(true).has_video, video(false).has_video), (Some(true), Some(false)));
}

prop_compose! {
    fn any_content()(
        title in proptest::option::of(".{0,220}"),
        brand in proptest::option::of(".{0,12}"),
        bullets in proptest::option::of(proptest::collection::vec(".{0,80}", 0..12)),
        description in proptest::option::of("\\PC{0,300}"),
        images in proptest::option::of(0_usize..9),
        has_video in proptest::option::of(any::<bool>()),
        is_vendor in proptest::option::of(any::<bool>()),
        group in proptest::option::of(prop_oneof![Just(ProductGroup::Media), Just(ProductGroup::Other)]),
        is_observed in any::<bool>(),
        marketplace in proptest::sample::select(Marketplace::ALL),
    ) -> ListingContent {
        ListingContent {
            group,
            is_vendor,
            brand,
            title,
            bullets,
            description,
            images: images.map(|count| vec![ListingImage::default(); count]),
            has_video,
            ..ListingContent::unknown(if is_observed { Origin::Observed } else { Origin::Draft }, marketplace)
        }
    }
}

fn any_day() -> impl Strategy<Value = Date> {
    proptest::sample::select(vec![date(2024, 8, 14), date(2024, 8, 15), date(2025, 1, 21), BEFORE, SINCE, TODAY])
}

proptest! {
    #[test]
    fn each_rule_is_broken_kept_or_not_checked_and_never_two_of_these(content in any_content(), on in any_day()) {
        let outcome = check(&content, on);
        let broken: BTreeSet<_> = outcome.findings.iter().map(|finding| finding.rule.id).collect();
        let unknown: BTreeSet<_> = outcome.not_checked.iter().map(|not_checked| not_checked.rule.id).collect();
        let passed: BTreeSet<_> = outcome.passed.iter().map(|rule| rule.id).collect();
        prop_assert_eq!((unknown.len(), passed.len()), (outcome.not_checked.len(), outcome.passed.len()));
        prop_assert!(broken.is_disjoint(&unknown) && broken.is_disjoint(&passed) && unknown.is_disjoint(&passed));
        for rule in outcome.findings.iter().map(|finding| finding.rule).chain(outcome.passed) {
            prop_assert!(rule.applies_to(&content, on), "{}", rule.id);
        }
        for finding in &outcome.findings {
            let is_shown = finding.observed.amount.is_some() || !finding.observed.texts.is_empty()
                || finding.rule.check == Check::HasVideo;
            prop_assert!(is_shown, "{finding:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_never_a_finding(content in any_content(), on in any_day()) {
        let unknown = ListingContent {
            title: None, bullets: None, description: None, images: None, has_video: None, ..content
        };
        let outcome = check(&unknown, on);
        prop_assert_eq!((outcome.findings.len(), outcome.passed.len()), (0, 0));
    }

    #[test]
    fn knowing_more_never_takes_a_finding_away(content in any_content(), on in any_day(), group in 0_u8..2) {
        // The group aside: a finding that holds for both may get another rule's name.
        let group = [ProductGroup::Media, ProductGroup::Other][usize::from(group)];
        let named = ListingContent { group: content.group.or(Some(group)), ..content };
        let nameless = ListingContent { brand: None, is_vendor: None, ..named.clone() };
        let found = |content: &ListingContent| {
            check(content, on).findings.into_iter().map(|finding| (finding.rule.id, finding.item)).collect::<BTreeSet<_>>()
        };
        prop_assert!(found(&nameless).is_subset(&found(&named)));
    }

    #[test]
    fn the_length_of_a_title_is_broken_exactly_above_its_limit(length in 0_usize..300) {
        let words: String = "abcdefghij klmnop qrstuv ".chars().cycle().take(length).collect();
        let is_broken = broken(&titled(&words), TODAY).contains(&"title_length_75");
        prop_assert_eq!(is_broken, length > 75);
    }
}
