//! Listings and drafts against Amazon's rules.

use serde_json::{Value, json};

use crate::daemon::{Daemon, expect, on_both_engines};

const DRAFTS: &str = "/api/v1/products/listing-check";

/// The entry of a list about a rule.
fn about<'v>(list: &'v Value, rule: &str) -> Option<&'v Value> {
    list.as_array().unwrap().iter().find(|entry| entry["rule"]["id"] == rule)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_content_of_a_listing_is_checked_as_it_was_read() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let product = daemon.watch(daemon.listing(0)).await;
        let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        let versions = expect(200, daemon.get(&format!("{path}/content"))).await;
        let version = &versions["items"][0];
        let checked = expect(200, daemon.get(&format!("{path}/listing-check?product_group=other&on=2026-11-30"))).await;
        assert_eq!((&checked["product_id"], &checked["content_since"]), (&product["id"], &version["at"]));
        assert_eq!((&checked["on"], &checked["product_group"]), (&json!("2026-11-30"), &json!("other")));

        let title = version["content"]["title"].as_str().unwrap().chars().count();
        let finding = about(&checked["findings"], "title_length_75");
        assert_eq!(finding.map(|finding| finding["observed"]["amount"] == title), (title > 75).then_some(true));
        let images = version["content"]["image_ids"].as_array().unwrap().len();
        let finding = about(&checked["findings"], "images_count").unwrap();
        assert_eq!((&finding["observed"]["amount"], &finding["limit"]["min"]), (&json!(images), &json!(6)));
        assert_eq!(finding["rule"]["source"]["confidence"], "low", "{finding}");

        // What is never read is not fine.
        for rule in ["item_highlights_length", "images_side", "main_image_background", "description_html"] {
            let unknown = about(&checked["not_checked"], rule).unwrap_or_else(|| panic!("{rule} in {checked}"));
            assert!(["not_observed", "not_as_written"].contains(&unknown["reason"].as_str().unwrap()), "{unknown}");
        }
        let before = expect(200, daemon.get(&format!("{path}/listing-check?product_group=other&on=2026-07-26"))).await;
        assert!(before["passed"].as_array().unwrap().contains(&json!("title_length_200")), "{before}");
        for (query, field) in [
            ("on=yesterday", "on"),
            ("product_group=toys", "product_group"),
            ("is_vendor=1", "is_vendor"),
            ("x=1", "x"),
        ] {
            let refused = expect(422, daemon.get(&format!("{path}/listing-check?{query}"))).await;
            assert_eq!(refused["errors"][0]["field"], field, "{refused}");
        }
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_checked_and_stored_nowhere() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let title = "Simhaus Kettle with free shipping! ".repeat(3);
        let draft = json!({
            "marketplace": "de", "on": "2026-11-30", "product_group": "other", "brand": "Simhaus", "title": title,
            "item_highlights": "1.7 l, stainless steel",
            "bullets": ["boils a litre in three minutes", "Full refund if it does not boil", "Fits any hob 🚀"],
            "description": "A <b>kettle</b>",
            "images": [{ "width": 900, "height": 900, "is_background_white": true, "fill_percent": 60 }],
            "a_plus": { "kind": "basic", "module_count": 6, "texts": ["Only 20 €"] }
        });
        let checked = expect(200, daemon.post(DRAFTS, &draft)).await;
        for rule in [
            "title_length_75",
            "title_characters",
            "title_repeated_word",
            "title_promotion",
            "bullets_capital_first",
            "bullets_guarantee",
            "bullets_emoji",
            "description_html",
            "images_count",
            "images_side",
            "main_image_fill",
            "a_plus_modules",
            "a_plus_price",
        ] {
            assert!(about(&checked["findings"], rule).is_some(), "{rule} in {checked}");
        }
        let length = about(&checked["findings"], "title_length_75").unwrap();
        let amounts = (&length["observed"]["amount"], &length["limit"]["max"], &length["limit"]["unit"]);
        assert_eq!(amounts, (&json!(title.chars().count()), &json!(75), &json!("characters")));
        assert_eq!(
            (&length["rule"]["from"], &length["rule"]["source"]["read_on"]),
            (&json!("2026-07-27"), &json!("2026-11-28"))
        );
        let emoji = about(&checked["findings"], "bullets_emoji").unwrap();
        assert_eq!((&emoji["item"], &emoji["observed"]["texts"]), (&json!(2), &json!(["🚀"])));
        assert_eq!(about(&checked["not_checked"], "images_video").unwrap()["reason"], "not_given");
        assert_eq!(about(&checked["not_checked"], "a_plus_competitors").unwrap()["reason"], "competitors_unknown");
        assert!(checked["passed"].as_array().unwrap().contains(&json!("item_highlights_length")), "{checked}");
        assert_eq!((&checked["product_id"], &checked["content_since"]), (&Value::Null, &Value::Null));

        for (wrong, field) in [
            (json!({ "title": "Kettle" }), "marketplace"),
            (json!({ "marketplace": "xx" }), "marketplace"),
            (json!({ "marketplace": "de", "titel": "Kettle" }), "titel"),
            (json!({ "marketplace": "de", "bullets": vec!["Boils water"; 21] }), "bullets"),
            (json!({ "marketplace": "de", "images": [{ "fill_percent": 101 }] }), "images[0].fill_percent"),
            (json!({ "marketplace": "de", "images": [[900, 900, true, 60]] }), "images[0]"),
            (json!({ "marketplace": "de", "brand": "b".repeat(201) }), "brand"),
            (json!({ "marketplace": "de", "product_group": "toys" }), "product_group"),
            (json!({ "marketplace": "de", "on": "2026-02-30" }), "on"),
        ] {
            let refused = expect(422, daemon.post(DRAFTS, &wrong)).await;
            assert_eq!(refused["errors"][0]["field"], field, "{refused}");
        }
        daemon.end().await;
    })
    .await;
}
