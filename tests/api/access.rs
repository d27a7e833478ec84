//! Who gets in, and where: credentials, scopes, tenants.

use std::time::Duration;

use amazon_tracker::auth::{OpaqueToken, TokenKind};
use amazon_tracker::domain::{LinkPurpose, Role};
use amazon_tracker::store::{LinkFacts, LinkUse, NewLink, NewUser};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::daemon::{Daemon, expect, on_both_engines};

pub const PASSWORD: &str = "correct horse battery staple";

async fn register(daemon: &Daemon, name: &str) {
    let body = json!({
        "email": format!("{name}@example.com"), "password": PASSWORD, "name": name, "tenant_name": format!("{name}'s shop")
    });
    expect(202, open(daemon, "/api/v1/auth/register", &body)).await;
    // How links are sent is told by the tests of mails.
    let store = daemon.store().await;
    let email = format!("{name}@example.com").parse().unwrap();
    let user = store.credentials(&email).await.unwrap().user;
    let (token, purpose) = (OpaqueToken::new(TokenKind::Link), LinkPurpose::VerifyEmail);
    let (tenant_id, user_id, lasts) = (user.tenant_id, Some(user.id), Duration::from_secs(60));
    let link =
        NewLink { hash: token.hash(), purpose, tenant_id, user_id, facts: LinkFacts::default(), lasts, mail: None };
    store.add_link(link, u32::MAX).await.unwrap();
    store.use_link(token.hash(), purpose, LinkUse::VerifyEmail).await.unwrap();
    store.close().await;
}

fn open(daemon: &Daemon, path: &str, body: &Value) -> RequestBuilder {
    daemon.request(Method::POST, path).json(body)
}

fn login(daemon: &Daemon, name: &str, password: &str) -> RequestBuilder {
    let body = json!({ "email": format!("{name}@example.com"), "password": password });
    open(daemon, "/api/v1/auth/login", &body)
}

/// Registers and signs in; the tokens.
pub async fn newcomer(daemon: &Daemon, name: &str) -> Value {
    register(daemon, name).await;
    expect(200, login(daemon, name, PASSWORD)).await
}

pub fn as_bearer(daemon: &Daemon, method: Method, path: &str, tokens: &Value) -> RequestBuilder {
    daemon.request(method, path).bearer_auth(tokens["access_token"].as_str().unwrap())
}

fn get(daemon: &Daemon, path: &str, tokens: &Value) -> RequestBuilder {
    as_bearer(daemon, Method::GET, path, tokens)
}

fn post(daemon: &Daemon, path: &str, tokens: &Value, body: &Value) -> RequestBuilder {
    as_bearer(daemon, Method::POST, path, tokens).json(body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_registers_signs_in_and_has_a_tenant_of_their_own() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let tokens = newcomer(&daemon, "jo").await;
        assert_eq!(
            (tokens["token_type"].as_str(), tokens["user"]["role"].as_str()),
            (Some("Bearer"), Some("tenant_admin"))
        );
        let me = expect(200, get(&daemon, "/api/v1/users/me", &tokens)).await;
        assert_eq!((me["email"].as_str(), &me["id"]), (Some("jo@example.com"), &tokens["user"]["id"]));
        let tenant = expect(200, get(&daemon, "/api/v1/tenants/me", &tokens)).await;
        assert_eq!((tenant["name"].as_str(), tenant["plan"].as_str()), (Some("jo's shop"), Some("free")));
        assert_eq!(tenant["id"], me["tenant_id"]);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_response_discloses_whether_an_address_has_an_account() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let tokens = newcomer(&daemon, "jo").await;
        register(&daemon, "jo").await;
        expect(200, login(&daemon, "jo", PASSWORD)).await;
        let mut answers = Vec::new();
        for (name, password) in [("jo", "a wrong password"), ("nobody", PASSWORD)] {
            let mut problem = expect(401, login(&daemon, name, password)).await;
            problem.as_object_mut().unwrap().remove("request_id");
            answers.push(problem);
        }
        assert_eq!(answers[0], answers[1]);
        for name in ["jo", "nobody"] {
            let body = json!({ "email": format!("{name}@example.com") });
            expect(202, open(&daemon, "/api/v1/auth/forgot-password", &body)).await;
        }
        expect(200, get(&daemon, "/api/v1/users/me", &tokens)).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weak_password_is_refused_with_its_reason_and_nothing_is_stored() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        for (password, reason) in
            [("short", "at least 10"), ("password1234", "easily guessed"), ("jo@example.com", "easily guessed")]
        {
            let body = json!({ "email": "jo@example.com", "password": password, "name": "jo", "tenant_name": "shop" });
            let problem = expect(422, open(&daemon, "/api/v1/auth/register", &body)).await;
            assert_eq!(problem["errors"][0]["field"], "password");
            assert!(problem["errors"][0]["message"].as_str().unwrap().contains(reason), "{problem}");
            expect(401, login(&daemon, "jo", password)).await;
        }
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_credential_there_is_no_way_in() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let unknown_key = format!("Bearer at_{}", "x".repeat(43));
        for credential in
            [None, Some("Bearer x"), Some("Bearer a.b.c"), Some("Basic cm9vdDpyb290"), Some(unknown_key.as_str())]
        {
            let mut request = daemon.request(Method::GET, "/api/v1/products");
            if let Some(credential) = credential {
                request = request.header("authorization", credential);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{credential:?}");
            assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
            assert_eq!(response.json::<Value>().await.unwrap()["code"], "unauthenticated");
        }
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_nothing_of_another_and_foreign_ids_name_nothing() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let (jo, al) = (newcomer(&daemon, "jo").await, newcomer(&daemon, "al").await);
        let asin = json!({ "asin": daemon.listing(0).asin });
        let product = expect(201, post(&daemon, "/api/v1/products", &jo, &asin)).await;
        let id = product["id"].as_str().unwrap();
        for path in ["", "/history", "/price-history", "/rank-history", "/stats"] {
            expect(404, get(&daemon, &format!("/api/v1/products/{id}{path}"), &al)).await;
        }
        expect(404, as_bearer(&daemon, Method::DELETE, &format!("/api/v1/products/{id}"), &al)).await;
        expect(404, as_bearer(&daemon, Method::PATCH, &format!("/api/v1/products/{id}"), &al).json(&json!({}))).await;
        expect(404, post(&daemon, "/api/v1/crawl", &al, &json!({ "product_ids": [id] }))).await;
        let rule = json!({
            "product_id": id, "kind": "price_at_or_below", "target": { "amount_minor": 1, "currency": "USD" },
            "webhook_url": daemon.receiver.url(),
        });
        expect(404, post(&daemon, "/api/v1/alerts", &al, &rule)).await;
        let user = format!("/api/v1/users/{}", jo["user"]["id"].as_str().unwrap());
        expect(404, get(&daemon, &user, &al)).await;
        expect(404, as_bearer(&daemon, Method::PATCH, &user, &al).json(&json!({ "role": "viewer" }))).await;
        for list in ["/api/v1/products", "/api/v1/alerts", "/api/v1/alerts/events", "/api/v1/auth/api-keys"] {
            assert_eq!(expect(200, get(&daemon, list, &al)).await["items"], json!([]), "{list}");
        }
        // The same listing is everybody's: each watches it on their own.
        let own = expect(201, post(&daemon, "/api/v1/products", &al, &asin)).await;
        assert_ne!(own["id"], product["id"]);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_ends_is_over_at_once() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let first = newcomer(&daemon, "jo").await;
        let second = expect(200, login(&daemon, "jo", PASSWORD)).await;
        for tokens in [&first, &second] {
            expect(200, get(&daemon, "/api/v1/users/me", tokens)).await;
        }
        let listed = expect(200, get(&daemon, "/api/v1/auth/sessions", &first)).await;
        let current = |session: &&Value| session["is_current"] == true;
        assert_eq!(listed["items"].as_array().unwrap().iter().filter(current).count(), 1);
        let path = format!("/api/v1/auth/sessions/{}", second["session_id"].as_str().unwrap());
        expect(204, as_bearer(&daemon, Method::DELETE, &path, &first)).await;
        expect(401, get(&daemon, "/api/v1/users/me", &second)).await;
        expect(401, open(&daemon, "/api/v1/auth/refresh", &json!({ "refresh_token": second["refresh_token"] }))).await;
        expect(204, post(&daemon, "/api/v1/auth/logout", &first, &json!({}))).await;
        expect(401, get(&daemon, "/api/v1/users/me", &first)).await;
        let third = expect(200, login(&daemon, "jo", PASSWORD)).await;
        expect(204, post(&daemon, "/api/v1/auth/logout-everywhere", &third, &json!({}))).await;
        expect(401, get(&daemon, "/api/v1/users/me", &third)).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_works_once_and_the_honest_loser_of_a_race_stays_signed_in() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let tokens = newcomer(&daemon, "jo").await;
        let refresh = || open(&daemon, "/api/v1/auth/refresh", &json!({ "refresh_token": tokens["refresh_token"] }));
        let (one, two) = tokio::join!(refresh().send(), refresh().send());
        let (one, two) = (one.unwrap(), two.unwrap());
        let mut statuses = [one.status().as_u16(), two.status().as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let winner = if one.status() == StatusCode::OK { one } else { two };
        let next: Value = winner.json().await.unwrap();
        expect(200, get(&daemon, "/api/v1/users/me", &next)).await;
        expect(200, get(&daemon, "/api/v1/users/me", &tokens)).await;
        expect(401, open(&daemon, "/api/v1/auth/refresh", &json!({ "refresh_token": "rt_x" }))).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_refresh_token_that_comes_late_ends_the_sign_in() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| settings.auth.token.refresh_grace_secs = 0).await;
        let tokens = newcomer(&daemon, "jo").await;
        let refresh = |tokens: &Value| {
            open(&daemon, "/api/v1/auth/refresh", &json!({ "refresh_token": tokens["refresh_token"] }))
        };
        let next = expect(200, refresh(&tokens)).await;
        // Within the same millisecond the two are concurrent requests.
        while refresh(&tokens).send().await.unwrap().status() != StatusCode::UNAUTHORIZED {}
        expect(401, refresh(&next)).await;
        expect(401, get(&daemon, "/api/v1/users/me", &next)).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sign_ins_and_the_old_password() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let tokens = newcomer(&daemon, "jo").await;
        let other = expect(200, login(&daemon, "jo", PASSWORD)).await;
        let change = |old: &str, new: &str| {
            post(&daemon, "/api/v1/auth/change-password", &tokens, &json!({ "old_password": old, "new_password": new }))
        };
        let new = "tangerine lighthouse quartz";
        assert_eq!(expect(422, change("wrong", new)).await["errors"][0]["field"], "old_password");
        assert_eq!(expect(422, change(PASSWORD, "short")).await["errors"][0]["field"], "new_password");
        expect(204, change(PASSWORD, new)).await;
        expect(200, get(&daemon, "/api/v1/users/me", &tokens)).await;
        expect(401, get(&daemon, "/api/v1/users/me", &other)).await;
        expect(401, login(&daemon, "jo", PASSWORD)).await;
        expect(200, login(&daemon, "jo", new)).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_what_its_scopes_say_and_no_person_s_business() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let jo = newcomer(&daemon, "jo").await;
        let made = |body: &Value| post(&daemon, "/api/v1/auth/api-keys", &jo, body);
        let reader = expect(201, made(&json!({ "name": "reader", "scopes": ["product:read"] }))).await;
        let key = reader["key"].as_str().unwrap();
        for (header, value) in [("authorization", format!("Bearer {key}")), ("x-api-key", key.to_owned())] {
            let request = daemon.request(Method::GET, "/api/v1/products").header(header, value);
            expect(200, request).await;
        }
        let with_key = |method, path| daemon.request(method, path).header("x-api-key", key);
        let body = json!({ "asin": "B08PZHYWJS" });
        let refused = expect(403, with_key(Method::POST, "/api/v1/products").json(&body)).await;
        assert!(refused["detail"].as_str().unwrap().contains("product:write"));
        expect(403, with_key(Method::GET, "/api/v1/users/me")).await;
        expect(403, with_key(Method::GET, "/api/v1/auth/api-keys")).await;
        let listed = expect(200, get(&daemon, "/api/v1/auth/api-keys", &jo)).await;
        assert_eq!(
            (&listed["items"][0]["id"], &listed["items"][0]["key"]),
            (&reader["id"], &Value::Null),
            "shown once"
        );
        assert!(key.starts_with(listed["items"][0]["hint"].as_str().unwrap()));
        for (body, field) in [
            (json!({ "name": "x", "scopes": [] }), "scopes"),
            (json!({ "name": "x", "scopes": ["all"] }), "scopes[0]"),
            (json!({ "name": "", "scopes": ["product:read"] }), "name"),
            (json!({ "name": "x", "scopes": ["product:read"], "networks": ["10.0.0.0/8", "home"] }), "networks[1]"),
            (json!({ "name": "x", "scopes": ["product:read"], "expires_at": "2020-01-01T00:00:00Z" }), "expires_at"),
            (json!({ "name": "x", "scopes": ["product:read"], "requests_per_minute": 0 }), "requests_per_minute"),
            (json!({ "name": "x", "scopes": ["product:read"], "expires_at": "9999-12-30T00:00:00Z" }), "expires_at"),
            (json!({ "name": "x", "scopes": vec!["product:read"; 51] }), "scopes"),
        ] {
            assert_eq!(expect(422, made(&body)).await["errors"][0]["field"], field, "{body}");
        }
        let path = format!("/api/v1/auth/api-keys/{}", reader["id"].as_str().unwrap());
        expect(204, as_bearer(&daemon, Method::DELETE, &path, &jo)).await;
        expect(401, with_key(Method::GET, "/api/v1/products")).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_from_a_foreign_network_or_over_its_limit_is_refused() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let jo = newcomer(&daemon, "jo").await;
        let key = async |body: Value| {
            let made = expect(201, post(&daemon, "/api/v1/auth/api-keys", &jo, &body)).await;
            made["key"].as_str().unwrap().to_owned()
        };
        let elsewhere = key(json!({ "name": "x", "scopes": ["product:read"], "networks": ["10.0.0.0/8"] })).await;
        expect(403, daemon.request(Method::GET, "/api/v1/products").bearer_auth(&elsewhere)).await;
        let until = std::time::Instant::now() + Duration::from_secs(30);
        let is_noted = |acts: Value| {
            acts["items"].as_array().unwrap().iter().any(|act| act["action"] == "auth.api_key_network_denied")
        };
        while !is_noted(expect(200, get(&daemon, "/api/v1/tenants/me/audit", &jo)).await) {
            assert!(std::time::Instant::now() < until, "its tenant never reads of it");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let here = key(
            json!({ "name": "x", "scopes": ["product:read"], "networks": ["127.0.0.0/8"], "requests_per_minute": 2 }),
        )
        .await;
        let ask = || daemon.request(Method::GET, "/api/v1/products").bearer_auth(&here);
        let first = ask().send().await.unwrap();
        assert_eq!(first.headers()["ratelimit-policy"], "\"requests\";q=2;w=60");
        assert_eq!(first.headers()["ratelimit"], "\"requests\";r=1;t=30");
        expect(200, ask()).await;
        let door = login(&daemon, "jo", PASSWORD).send().await.unwrap();
        assert!(door.headers()["ratelimit-policy"].to_str().unwrap().starts_with("\"requests\";q="));
        let beyond = get(&daemon, "/api/v1/tenants", &jo).send().await.unwrap();
        assert_eq!((beyond.status(), beyond.headers().contains_key("ratelimit")), (StatusCode::FORBIDDEN, true));
        let refused = ask().send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
        assert!(refused.headers()["ratelimit"].to_str().unwrap().contains("r=0"));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_keys_of_a_tenant_share_its_requests_and_are_counted() {
    let daemon = Daemon::start_with(crate::daemon::Engine::Sqlite, |settings| {
        for plan in settings.plans.0.values_mut() {
            (plan.requests_per_minute, plan.tenant_requests_per_minute, plan.api_keys) = (100, Some(30), 5);
        }
    })
    .await;
    let (jo, other) = (newcomer(&daemon, "jo").await, newcomer(&daemon, "mia").await);
    let add_key = || post(&daemon, "/api/v1/auth/api-keys", &jo, &json!({ "name": "x", "scopes": ["product:read"] }));
    let mut keys = Vec::new();
    for _ in 0..5 {
        keys.push(expect(201, add_key()).await["key"].as_str().unwrap().to_owned());
    }
    let refused = expect(402, add_key()).await;
    assert_eq!(refused["quota"], "api_keys", "{refused}");
    let mut admitted = 0;
    for key in keys.iter().cycle().take(50) {
        let response = daemon.request(Method::GET, "/api/v1/products").bearer_auth(key).send().await.unwrap();
        assert!(matches!(response.status().as_u16(), 200 | 429));
        admitted += usize::from(response.status() == 200);
    }
    assert!(admitted < 30, "{admitted} requests with five keys of 100 a minute each");
    expect(200, get(&daemon, "/api/v1/products", &other)).await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_by_address() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| settings.auth.attempts_per_minute = 3).await;
        for _ in 0..3 {
            expect(401, login(&daemon, "jo", "a wrong password")).await;
        }
        let refused = login(&daemon, "jo", "a wrong password").send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.headers().contains_key("retry-after"));
        expect(200, daemon.get("/api/v1/products")).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lockout_does_not_apply_to_known_addresses() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        register(&daemon, "new").await;
        newcomer(&daemon, "known").await;
        for name in ["new", "known"] {
            for _ in 0..6 {
                expect(401, login(&daemon, name, "a wrong password")).await;
            }
        }
        expect(401, login(&daemon, "new", PASSWORD)).await;
        expect(200, login(&daemon, "known", PASSWORD)).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_in_the_log_of_its_tenant() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let (jo, al) = (newcomer(&daemon, "jo").await, newcomer(&daemon, "al").await);
        let product = expect(201, post(&daemon, "/api/v1/products", &jo, &json!({ "asin": "B08PZHYWJS" }))).await;
        let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        expect(204, as_bearer(&daemon, Method::DELETE, &path, &jo)).await;
        let log = expect(200, get(&daemon, "/api/v1/tenants/me/audit", &jo)).await;
        let actions: Vec<_> =
            log["items"].as_array().unwrap().iter().map(|act| act["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["product.delete", "product.add", "auth.login", "auth.register"]);
        let act = &log["items"][0];
        assert_eq!(act["actor"], format!("user:{}", jo["user"]["id"].as_str().unwrap()));
        assert_eq!(
            (&act["resource"], &act["address"]),
            (&json!(format!("product:{}", product["id"].as_str().unwrap())), &json!("127.0.0.1"))
        );
        let foreign = expect(200, get(&daemon, "/api/v1/tenants/me/audit", &al)).await;
        assert_eq!(foreign["items"].as_array().unwrap().len(), 2);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_of_a_tenant_stays_one() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let jo = newcomer(&daemon, "jo").await;
        let path = format!("/api/v1/users/{}", jo["user"]["id"].as_str().unwrap());
        let patch = |body: &Value| as_bearer(&daemon, Method::PATCH, &path, &jo).json(body);
        assert_eq!(expect(409, patch(&json!({ "role": "viewer" }))).await["code"], "last_admin");
        assert_eq!(expect(422, patch(&json!({ "role": "superadmin" }))).await["errors"][0]["field"], "role");
        assert_eq!(expect(200, patch(&json!({ "name": "Jo D." }))).await["name"], "Jo D.");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_how_much_and_what_is_used_can_be_seen() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| {
            let free = settings.plans.0.get_mut("free").unwrap();
            (free.products, free.alerts, free.crawls_per_day) = (1, 1, 2);
            free.min_interval = "6h".parse().unwrap();
        })
        .await;
        let jo = newcomer(&daemon, "jo").await;
        let often = json!({ "asin": "B08PZHYWJS", "frequency": "1h" });
        let problem = expect(422, post(&daemon, "/api/v1/products", &jo, &often)).await;
        assert_eq!(problem["errors"][0]["field"], "frequency");
        let product = expect(201, post(&daemon, "/api/v1/products", &jo, &json!({ "asin": "B08PZHYWJS" }))).await;
        let more = expect(402, post(&daemon, "/api/v1/products", &jo, &json!({ "asin": "B0BG6843GX" }))).await;
        assert_eq!((more["code"].as_str(), more["quota"].as_str()), (Some("over_quota"), Some("products")));
        assert!(more["detail"].as_str().unwrap().contains("1 products"));
        let ids = json!({ "product_ids": [product["id"]] });
        expect(404, post(&daemon, "/api/v1/crawl", &jo, &json!({ "product_ids": [jo["user"]["id"]] }))).await;
        for _ in 0..2 {
            expect(202, post(&daemon, "/api/v1/crawl", &jo, &ids)).await;
        }
        let refused = post(&daemon, "/api/v1/crawl", &jo, &ids).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=24 * 3600 + 1).contains(&wait));
        let usage = expect(200, get(&daemon, "/api/v1/tenants/me/usage", &jo)).await;
        assert_eq!((&usage["products"]["used"], &usage["products"]["limit"]), (&json!(1), &json!(1)));
        assert_eq!((&usage["crawls_per_day"]["used"], &usage["alerts"]["used"]), (&json!(2), &json!(0)));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_no_more_than_whoever_made_it_may_now() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let jo = newcomer(&daemon, "jo").await;
        let (store, tenant_id) = (daemon.store().await, jo["user"]["tenant_id"].as_str().unwrap().parse().unwrap());
        let al = NewUser {
            email: "al@example.com".parse().unwrap(),
            name: "al".to_owned(),
            role: Role::TenantAdmin,
            password_hash: store.credentials(&"jo@example.com".parse().unwrap()).await.unwrap().password_hash.unwrap(),
            is_verified: true,
            quota: u32::MAX,
        };
        let al = store.add_user(tenant_id, al).await.unwrap();
        store.close().await;
        let als = expect(200, login(&daemon, "al", PASSWORD)).await;
        let body = json!({ "name": "x", "scopes": ["product:read", "product:write"] });
        let made = expect(201, post(&daemon, "/api/v1/auth/api-keys", &als, &body)).await;
        let with_key = |method, path| daemon.request(method, path).bearer_auth(made["key"].as_str().unwrap());
        let add = || with_key(Method::POST, "/api/v1/products").json(&json!({ "asin": "B08PZHYWJS" }));
        expect(201, add()).await;
        let path = format!("/api/v1/users/{}", al.id);
        let change = async |body: Value| {
            expect(200, as_bearer(&daemon, Method::PATCH, &path, &jo).json(&body)).await;
        };
        // The rows of a key are cached for two seconds.
        let eventually = async |status: u16, request: &dyn Fn() -> RequestBuilder| {
            while request().send().await.unwrap().status() != status {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        change(json!({ "role": "viewer" })).await;
        eventually(403, &add).await;
        expect(200, with_key(Method::GET, "/api/v1/products")).await;
        change(json!({ "status": "disabled" })).await;
        eventually(401, &|| with_key(Method::GET, "/api/v1/products")).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_never_proved_signs_nobody_in() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let body = json!({ "email": "victim@example.com", "password": PASSWORD, "name": "x", "tenant_name": "x" });
        expect(202, open(&daemon, "/api/v1/auth/register", &body)).await;
        let refused = expect(401, login(&daemon, "victim", PASSWORD)).await;
        assert_eq!(refused["code"], expect(401, login(&daemon, "nobody", PASSWORD)).await["code"]);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_under_way_ends_well_although_its_sign_in_is_over() {
    let daemon = Daemon::start(crate::daemon::Engine::Sqlite).await;
    let jo = newcomer(&daemon, "jo").await;
    let add = json!({ "asin": daemon.listing(0).asin });
    let product = expect(201, post(&daemon, "/api/v1/products", &jo, &add)).await;
    let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
    while expect(200, get(&daemon, &path, &jo)).await["checked_at"].is_null() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.simulated.fail_next(1, amazon_tracker::sources::simulated::Fault::Slow);
    let ask = json!({ "product_ids": [product["id"]] });
    let waiting = post(&daemon, "/api/v1/crawl", &jo, &ask).header("prefer", "wait=5").send();
    let waiting = tokio::spawn(waiting);
    while expect(200, get(&daemon, "/api/v1/tenants/me/usage", &jo)).await["crawls_per_day"]["used"] != 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    expect(204, post(&daemon, "/api/v1/auth/logout", &jo, &json!({}))).await;
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::ACCEPTED);
    expect(401, get(&daemon, &path, &jo)).await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_client_has_attempts_of_their_own() {
    let daemon = Daemon::start_with(crate::daemon::Engine::Sqlite, |settings| {
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        settings.auth.attempts_per_minute = 2;
    })
    .await;
    let attempt = |from: &str| login(&daemon, "nobody", PASSWORD).header("x-forwarded-for", from);
    for from in ["203.0.113.1", "203.0.113.2", "1.1.1.1, 203.0.113.3", "203.0.113.1", "203.0.113.2"] {
        expect(401, attempt(from)).await;
    }
    expect(429, attempt("203.0.113.1")).await;
    expect(429, attempt("9.9.9.9, 203.0.113.1")).await;
    daemon.end().await;
}
