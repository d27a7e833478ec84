//! Tenants that are taken out, leave and are deleted.

use reqwest::header::{ETAG, IF_MATCH};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::access::{as_bearer, newcomer};
use crate::daemon::{Daemon, expect, on_both_engines};

async fn lines(request: RequestBuilder) -> Vec<Value> {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_kind<'l>(lines: &'l [Value], kind: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_everything_of_a_tenant_and_nothing_else() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let jo = newcomer(&daemon, "jo").await;
        let ours = daemon.watch(daemon.listing(0)).await;
        let as_jo = |method, path: &str| as_bearer(&daemon, method, path, &jo);
        let body = json!({ "asin": daemon.listing(1).asin });
        let product = expect(201, as_jo(Method::POST, "/api/v1/products").json(&body)).await;
        let rule = json!({
            "product_id": product["id"], "kind": "price_at_or_below",
            "target": { "amount_minor": 100_000_000, "currency": "USD" }, "webhook_url": daemon.receiver.url()
        });
        let alert = expect(201, as_jo(Method::POST, "/api/v1/alerts").json(&rule)).await;
        let task =
            expect(202, as_jo(Method::POST, "/api/v1/crawl").json(&json!({ "product_ids": [product["id"]] }))).await;
        let key = json!({ "name": "ci", "scopes": ["product:read"] });
        let key = expect(201, as_jo(Method::POST, "/api/v1/auth/api-keys").json(&key)).await;
        daemon.receiver.next().await;
        let all = lines(as_jo(Method::GET, "/api/v1/tenants/me/export")).await;
        let one = |kind: &str| {
            let found = of_kind(&all, kind);
            assert_eq!(found.len(), 1, "{kind}: {found:?}");
            found[0].clone()
        };
        assert_eq!(one("tenant")["name"], "jo's shop");
        assert_eq!(one("user")["id"], jo["user"]["id"]);
        assert_eq!(one("session")["id"], jo["session_id"]);
        assert_eq!(one("product")["id"], product["id"]);
        assert_eq!(one("history")["product_id"], product["id"]);
        assert!(!one("history")["series"].as_array().unwrap().is_empty());
        assert_eq!(
            (one("alert")["id"].clone(), one("event")["alert_id"].clone()),
            (alert["id"].clone(), alert["id"].clone())
        );
        assert_eq!((one("task")["id"].clone(), one("api_key")["id"].clone()), (task["id"].clone(), key["id"].clone()));
        assert_eq!(one("usage")["crawls"], 1);
        assert!(of_kind(&all, "audit_entry").iter().any(|entry| entry["action"] == "tenant.export"));
        assert_eq!(all.last().unwrap()["type"], "end");
        let text = serde_json::to_string(&all).unwrap();
        for secret in [&key["key"], &alert["webhook_secret"], &ours["id"], &jo["refresh_token"]] {
            assert!(!text.contains(secret.as_str().unwrap()), "{secret}");
        }
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_deletion_can_be_cancelled() {
    let daemon = Daemon::start(crate::daemon::Engine::Sqlite).await;
    let jo = newcomer(&daemon, "jo").await;
    let me = "/api/v1/tenants/me";
    let leaving = expect(202, as_bearer(&daemon, Method::DELETE, me, &jo)).await;
    assert!(leaving["deletion_scheduled_at"].as_str().unwrap() > leaving["updated_at"].as_str().unwrap());
    let kept = expect(200, as_bearer(&daemon, Method::POST, "/api/v1/tenants/me/cancel-deletion", &jo)).await;
    assert!(kept["deletion_scheduled_at"].is_null());
    let root = newcomer_superadmin(&daemon).await;
    let problem = expect(409, as_bearer(&daemon, Method::DELETE, me, &root)).await;
    assert_eq!(problem["code"], "built_in");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superadmin_takes_out_and_deletes_any_tenant_but_the_installations_own() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let jo = newcomer(&daemon, "jo").await;
        let root = newcomer_superadmin(&daemon).await;
        let body = json!({ "asin": daemon.listing(1).asin });
        expect(201, as_bearer(&daemon, Method::POST, "/api/v1/products", &jo).json(&body)).await;
        let theirs = format!("/api/v1/tenants/{}", jo["user"]["tenant_id"].as_str().unwrap());
        let all = lines(as_bearer(&daemon, Method::GET, &format!("{theirs}/export"), &root)).await;
        assert_eq!(of_kind(&all, "product").len(), 1);
        assert!(
            of_kind(&all, "audit_entry").iter().any(|entry| entry["action"] == "tenant.export"),
            "they can read who took it"
        );
        expect(204, as_bearer(&daemon, Method::DELETE, &theirs, &root)).await;
        expect(404, as_bearer(&daemon, Method::GET, &theirs, &root)).await;
        let own = format!("/api/v1/tenants/{}", root["user"]["tenant_id"].as_str().unwrap());
        expect(409, as_bearer(&daemon, Method::DELETE, &own, &root)).await;
        let login = json!({ "email": "jo@example.com", "password": crate::access::PASSWORD });
        expect(401, daemon.request(Method::POST, "/api/v1/auth/login").json(&login)).await;
        expect(401, as_bearer(&daemon, Method::GET, "/api/v1/products", &jo)).await;
        let acts = expect(200, as_bearer(&daemon, Method::GET, "/api/v1/tenants/me/audit", &root)).await;
        assert!(acts["items"].as_array().unwrap().iter().any(|act| act["action"] == "tenant.delete"));
        newcomer(&daemon, "jo").await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_renamed_only_if_it_is_what_was_seen() {
    let daemon = Daemon::start(crate::daemon::Engine::Sqlite).await;
    let jo = newcomer(&daemon, "jo").await;
    let me = "/api/v1/tenants/me";
    let seen = as_bearer(&daemon, Method::GET, me, &jo).send().await.unwrap();
    let tag = seen.headers()[ETAG].to_str().unwrap().to_owned();
    let rename = |name: &str| as_bearer(&daemon, Method::PATCH, me, &jo).json(&json!({ "name": name }));
    assert_eq!(expect(200, rename("one").header(IF_MATCH, &tag)).await["name"], "one");
    assert_eq!(expect(412, rename("two").header(IF_MATCH, &tag)).await["code"], "changed");
    daemon.end().await;
}

/// Signs in as who runs the installation.
async fn newcomer_superadmin(daemon: &Daemon) -> Value {
    use amazon_tracker::auth::Passwords;
    use amazon_tracker::config::PasswordSettings;
    use amazon_tracker::domain::{Role, TenantId};
    use amazon_tracker::store::NewUser;

    let store = daemon.store().await;
    let hash =
        Passwords::new(&PasswordSettings::default()).unwrap().hash(crate::access::PASSWORD.into()).await.unwrap();
    let (email, name, role) = ("boss@example.com".parse().unwrap(), "Boss".to_owned(), Role::Superadmin);
    let boss = NewUser { email, name, role, password_hash: hash, is_verified: true, quota: u32::MAX };
    store.add_user(TenantId::BUILT_IN, boss).await.unwrap();
    store.close().await;
    let login = json!({ "email": "boss@example.com", "password": crate::access::PASSWORD });
    expect(200, daemon.request(Method::POST, "/api/v1/auth/login").json(&login)).await
}
