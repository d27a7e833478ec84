//! Shared products: links that anybody can follow until they are revoked.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::access::{as_bearer, newcomer};
use crate::daemon::{Daemon, Engine, expect, on_both_engines};

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Without a credential.
async fn look_at(daemon: &Daemon, path: &str) -> Response {
    look_at_in(daemon, path, "en").await
}

async fn look_at_in(daemon: &Daemon, path: &str, language: &str) -> Response {
    daemon.request(Method::GET, path).header("accept-language", language).send().await.unwrap()
}

async fn product_with_secrets(daemon: &Daemon) -> Value {
    let product = daemon.watch(daemon.listing(0)).await;
    daemon.check_now(&product["id"]).await;
    let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
    expect(200, daemon.patch(&path, &json!({ "label": "Our <label>", "tags": ["secret-tag"] }))).await;
    let product = expect(200, daemon.get(&path)).await;
    let target = json!({ "amount_minor": 1_234_567, "currency": "USD" });
    let (kind, url) = ("price_at_or_below", daemon.receiver.url());
    let alert = json!({ "product_id": product["id"], "kind": kind, "target": target, "webhook_url": url });
    expect(201, daemon.post("/api/v1/alerts", &alert)).await;
    product
}

async fn share(daemon: &Daemon, product: &Value, shows: Value) -> (String, Value) {
    let path = format!("/api/v1/products/{}/shares", product["id"].as_str().unwrap());
    let share = expect(201, daemon.post(&path, &shows)).await;
    let token = share["token"].as_str().unwrap();
    assert!(share["url"].as_str().unwrap().ends_with(&format!("/c/{token}")), "{share}");
    (format!("/c/{token}"), share)
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_sees_a_shared_product_until_it_is_revoked() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let product = product_with_secrets(&daemon).await;
        let shares = format!("/api/v1/products/{}/shares", product["id"].as_str().unwrap());
        let (path, created) = share(&daemon, &product, json!({})).await;
        let page = look_at(&daemon, &path).await;
        assert_eq!(page.status(), 200);
        assert_eq!(header(&page, "x-robots-tag"), "noindex");
        let policy = header(&page, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"), "{policy}");
        let text = page.text().await.unwrap();
        for shown in ["Lowest", "Highest", "Average", "As of", product["asin"].as_str().unwrap(), "noindex"] {
            assert!(text.contains(shown), "{shown} is not in {text}");
        }
        for hidden in ["Our ", "secret-tag", "12,345.67", "<script", "style="] {
            assert!(!text.contains(hidden), "{hidden} is in {text}");
        }
        for (kind, media_type) in [("svg", "image/svg+xml"), ("png", "image/png")] {
            let picture = look_at(&daemon, &format!("{path}.{kind}?range=30d&w=400&h=200&theme=dark&zero=1")).await;
            assert_eq!((picture.status().as_u16(), header(&picture, "content-type").as_str()), (200, media_type));
            assert_eq!(header(&picture, "cache-control"), "public, max-age=300, s-maxage=300");
            assert_eq!(
                header(&picture, "content-security-policy"),
                "default-src 'none'; style-src 'unsafe-inline'; sandbox"
            );
            assert_eq!(header(&picture, "cross-origin-resource-policy"), "cross-origin");
            assert_eq!(header(&picture, "x-robots-tag"), "noindex");
            let tag = header(&picture, "etag");
            let again = daemon.request(Method::GET, &format!("{path}.{kind}?range=30d&w=400&h=200&theme=dark&zero=1"));
            let again = again.header("if-none-match", tag).send().await.unwrap();
            assert!(matches!(again.status().as_u16(), 200 | 304), "another five minutes may have begun");
        }
        let listed = expect(200, daemon.get(&shares)).await;
        assert!(listed["items"][0]["token"].is_null() && listed["items"][0]["used_at"].is_string(), "{listed}");
        let id = created["id"].as_str().unwrap();
        expect(204, daemon.delete(&format!("/api/v1/shares/{id}"))).await;
        for dead in [path.clone(), format!("{path}.svg"), format!("{path}.png"), "/c/sh_x".to_owned()] {
            let gone = look_at(&daemon, &dead).await;
            assert_eq!((gone.status().as_u16(), header(&gone, "cache-control").as_str()), (404, "no-store"), "{dead}");
        }
        expect(404, daemon.delete(&format!("/api/v1/shares/{id}"))).await;
        let audit = expect(200, daemon.get("/api/v1/tenants/me/audit")).await.to_string();
        assert!(audit.contains("share.add") && audit.contains("share.revoke"), "{audit}");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_shows_of_our_own_what_was_chosen() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let product = product_with_secrets(&daemon).await;
    let (path, _) = share(&daemon, &product, json!({ "label": true, "tags": true, "target": true })).await;
    let german = look_at_in(&daemon, &path, "de-AT,en;q=0.5").await;
    assert!(header(&german, "vary").contains("accept-language"));
    let text = german.text().await.unwrap();
    for shown in ["<html lang=\"de\"", "Our &lt;label&gt;", "secret-tag", "12.345,67", "Stand:"] {
        assert!(text.contains(shown), "{shown} is not in {text}");
    }
    let with = look_at(&daemon, &format!("{path}.svg")).await.text().await.unwrap();
    assert!(with.contains("Our &lt;label&gt;") && with.contains("Target"), "{with}");
    let german = look_at(&daemon, &format!("{path}.svg?lang=de")).await.text().await.unwrap();
    assert!(german.contains("Zuletzt") && german.contains("Wunschpreis"), "{german}");
    let without = look_at(&daemon, &format!("{path}.svg?title=0&target=0")).await.text().await.unwrap();
    assert!(!without.contains("Our ") && !without.contains("Target"), "{without}");
    let ranked =
        look_at(&daemon, &format!("{path}.svg?series=price,sales_rank&theme=auto")).await.text().await.unwrap();
    assert!(ranked.contains(">Sales rank<") && ranked.contains("prefers-color-scheme:dark"), "{ranked}");
    assert!(!with.contains("Sales rank"), "{with}");
    for wrong in [
        "w=9",
        "h=9000",
        "scale=3",
        "theme=blue",
        "theme=auto",
        "tz=Nowhere",
        "range=1d",
        "series=rating",
        "lang=xx",
        "zero=2",
        "x=1",
    ] {
        let refused = look_at(&daemon, &format!("{path}.png?{wrong}")).await;
        assert_eq!(refused.status(), 422, "{wrong}");
    }
    let too_large = look_at(&daemon, &format!("{path}.png?w=1600&scale=2")).await;
    assert_eq!(too_large.status(), 422);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_end_with_their_product_and_are_those_of_its_tenant() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let product = daemon.watch(daemon.listing(0)).await;
    let (path, created) = share(&daemon, &product, json!({})).await;
    let stranger = newcomer(&daemon, "jo").await;
    let theirs = |method, path: String| as_bearer(&daemon, method, &path, &stranger);
    let of_product = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
    expect(404, theirs(Method::GET, format!("{of_product}/shares"))).await;
    expect(404, theirs(Method::POST, format!("{of_product}/shares")).json(&json!({}))).await;
    expect(404, theirs(Method::DELETE, format!("/api/v1/shares/{}", created["id"].as_str().unwrap()))).await;
    let added = theirs(Method::POST, "/api/v1/products".to_owned()).json(&json!({ "asin": daemon.listing(1).asin }));
    let own = expect(201, added).await;
    let own = format!("/api/v1/products/{}/shares", own["id"].as_str().unwrap());
    let own = expect(201, theirs(Method::POST, own).json(&json!({}))).await;
    let export = theirs(Method::GET, "/api/v1/tenants/me/export".to_owned()).send().await.unwrap();
    let export = export.text().await.unwrap();
    assert!(export.contains("\"type\":\"share\"") && export.contains(own["id"].as_str().unwrap()), "{export}");
    assert!(!export.contains(own["token"].as_str().unwrap()), "tokens are not stored");
    assert_eq!(look_at(&daemon, &path).await.status(), 200);
    for _ in 0..19 {
        share(&daemon, &product, json!({})).await;
    }
    let refused = expect(409, daemon.post(&format!("{of_product}/shares"), &json!({}))).await;
    assert_eq!(refused["code"], "too_many_shares");
    expect(204, daemon.delete(&of_product)).await;
    assert_eq!(look_at(&daemon, &path).await.status(), 404);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_may_look_at_so_many_shares_a_minute() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let mut allowed = 0;
    while look_at(&daemon, "/c/sh_unknown.svg").await.status() == 404 {
        allowed += 1;
        assert!(allowed < 1000, "an address may ask for as many as it likes");
    }
    assert!(allowed >= 240, "{allowed}");
    let refused = look_at(&daemon, "/c/sh_unknown.svg").await;
    assert_eq!(refused.status(), 429);
    assert!(!header(&refused, "retry-after").is_empty());
    daemon.end().await;
}
