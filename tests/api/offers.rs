//! The offers of all sellers, and the versions of the content.

use serde_json::{Value, json};

use crate::daemon::{Daemon, expect, on_both_engines};

#[tokio::test(flavor = "multi_thread")]
async fn the_offers_of_all_sellers_are_read_for_products_that_ask_for_them() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        let product = daemon.watch(listing).await;
        assert_eq!((&product["watch_offers"], &product["offers_frequency"]), (&json!(false), &Value::Null));
        let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        let none = expect(200, daemon.get(&format!("{path}/offers"))).await;
        assert_eq!((&none["as_of"], &none["offers"]), (&Value::Null, &json!([])));

        let watched = expect(200, daemon.patch(&path, &json!({ "watch_offers": true }))).await;
        assert_eq!((&watched["watch_offers"], &watched["offers_frequency"]), (&json!(true), &json!("daily")));
        let read = daemon.eventually(&format!("{path}/offers"), |read| !read["as_of"].is_null()).await;
        let expected = daemon.simulated.offers(listing);
        let shown = read["offers"].as_array().unwrap();
        assert_eq!((shown.len(), &read["is_complete"]), (expected.len(), &json!(true)));
        for (offer, expected) in shown.iter().zip(&expected) {
            assert_eq!(offer["seller_id"], expected.seller.id(listing.marketplace));
            let landed = expected.price.amount_minor + expected.shipping_minor;
            assert_eq!(offer["landed_price"]["amount_minor"], landed, "{offer}");
        }
        let history =
            expect(200, daemon.get(&format!("{path}/history?series=offer_count,lowest_new_price,seller_id"))).await;
        let value = |name: &str| {
            let series = history["series"].as_array().unwrap().iter().find(|series| series["series"] == name);
            series.unwrap_or_else(|| panic!("{name} in {history}"))["points"][0]["value"].clone()
        };
        let new = || expected.iter().filter(|offer| !offer.is_used);
        assert_eq!(value("offer_count"), new().count());
        let lowest = new().map(|offer| offer.price.amount_minor + offer.shipping_minor).min();
        assert_eq!(value("lowest_new_price")["amount_minor"], json!(lowest));
        assert_eq!(value("seller_id"), shown[0]["seller_id"]);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_added_with_its_offers_watched_and_wrong_rhythms_are_refused() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let body = |offers: Value| {
            let listing = daemon.listing(1);
            json!({ "asin": listing.asin, "marketplace": listing.marketplace, "offers_frequency": offers })
        };
        for wrong in [json!("often"), json!("")] {
            let refused = expect(422, daemon.post("/api/v1/products", &body(wrong))).await;
            assert_eq!(refused["errors"][0]["field"], "offers_frequency", "{refused}");
        }
        let product = expect(201, daemon.post("/api/v1/products", &body(json!("12h")))).await;
        assert_eq!((&product["watch_offers"], &product["offers_frequency"]), (&json!(true), &json!("12h")));
        let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        let stopped = expect(200, daemon.patch(&path, &json!({ "watch_offers": false }))).await;
        assert_eq!((&stopped["watch_offers"], &stopped["offers_frequency"]), (&json!(false), &Value::Null));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_content_of_a_listing_is_kept_in_versions() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let product = daemon.watch(daemon.listing(0)).await;
        let path = format!("/api/v1/products/{}/content", product["id"].as_str().unwrap());
        let first = expect(200, daemon.get(&path)).await;
        let version = &first["items"][0];
        assert_eq!((first["items"].as_array().unwrap().len(), &version["at"]), (1, &product["checked_at"]));
        assert_eq!(version["content"]["title"], product["title"]);
        assert_eq!(version["content"]["image_ids"].as_array().unwrap().len(), 3, "{version}");
        assert_eq!(version["content"]["category_path"].as_array().unwrap().len(), 2, "{version}");
        for field in ["bullets", "description", "has_a_plus", "has_video"] {
            assert!(version["changed"].as_array().unwrap().contains(&json!(field)), "{field} in {version}");
        }
        daemon.check_now(&product["id"]).await;
        let again = expect(200, daemon.get(&path)).await;
        assert_eq!(again["items"], first["items"], "the same page again is no version");
        expect(422, daemon.get(&format!("{path}?limit=0"))).await;
        daemon.end().await;
    })
    .await;
}
