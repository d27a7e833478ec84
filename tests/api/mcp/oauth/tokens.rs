//! Codes and tokens: worth something once, to one client, for one resource.

use amazon_tracker::auth::{Grant, Keyring};
use amazon_tracker::config::{Secret, TokenSettings};
use amazon_tracker::domain::{Role, Scopes};
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::dance::{App, Browser, accepting, accepting_with, base, form};
use super::{audited, status_at_tools};
use crate::access::{as_bearer, newcomer};
use crate::daemon::{Daemon, Engine, expect, on_both_engines};

const JO: &str = "jo@example.com";

async fn refusal(daemon: &Daemon, exchange: &[(&'static str, String)]) -> String {
    let refused = expect(400, form(daemon, "/oauth/token", exchange)).await;
    assert!(refused["error_description"].is_string(), "{refused}");
    refused["error"].as_str().unwrap().to_owned()
}

fn with(exchange: Vec<(&'static str, String)>, name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let others = exchange.into_iter().filter(|(other, _)| *other != name);
    others.chain((!value.is_empty()).then(|| (name, value.to_owned()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_redeemed_once_by_whom_it_was_given_to() {
    on_both_engines(async |engine| {
        let (daemon, app) = (accepting(engine).await, App::start());
        let jo = newcomer(&daemon, "jo").await;
        let browser = Browser::new(&daemon);
        let other = "https://other.example/client.json";
        for (name, value, error) in [
            ("code_verifier", "x".repeat(43).as_str(), "invalid_grant"),
            ("redirect_uri", "http://127.0.0.1:8888/callback", "invalid_grant"),
            ("client_id", other, "invalid_grant"),
        ] {
            let code = browser.code(&app, JO).await;
            assert_eq!(refusal(&daemon, &with(app.exchange(&code), name, value)).await, error, "{name}");
            assert_eq!(refusal(&daemon, &app.exchange(&code)).await, "invalid_grant", "{name}: it is spent by that");
        }
        let code = browser.code(&app, JO).await;
        for (name, value, error) in [
            ("grant_type", "", "invalid_request"),
            ("grant_type", "password", "unsupported_grant_type"),
            ("client_id", "", "invalid_request"),
            ("client_id", "app", "invalid_client"),
            ("code", "", "invalid_request"),
            ("code_verifier", "", "invalid_request"),
            ("redirect_uri", "", "invalid_request"),
            ("code_verifier", "short", "invalid_grant"),
            ("resource", "https://other.example/mcp", "invalid_target"),
            ("client_secret", "s", "invalid_client"),
            ("code", "ac_unknown", "invalid_grant"),
        ] {
            assert_eq!(refusal(&daemon, &with(app.exchange(&code), name, value)).await, error, "{name}={value}");
        }
        let twice = [app.exchange(&code), vec![("code", "x".to_owned())]].concat();
        assert_eq!(refusal(&daemon, &twice).await, "invalid_request");
        let as_json = daemon.request(Method::POST, "/oauth/token").json(&json!({ "code": code }));
        assert_eq!(expect(400, as_json).await["error"], "invalid_request");
        let resource = format!("{}/mcp", base(&daemon));
        let tokens =
            expect(200, form(&daemon, "/oauth/token", &with(app.exchange(&code), "resource", &resource))).await;
        assert_eq!(status_at_tools(&daemon, &tokens["access_token"]).await, 200);
        assert_eq!(refusal(&daemon, &app.exchange(&code)).await, "invalid_grant");
        assert_eq!(status_at_tools(&daemon, &tokens["access_token"]).await, 401, "one of the two is a thief");
        audited(&daemon, &jo, "auth.grant_code_reused").await;
        let code = browser.code(&app, JO).await;
        daemon.execute("UPDATE authorization_code SET expires_at = 1").await;
        assert_eq!(refusal(&daemon, &app.exchange(&code)).await, "invalid_grant", "its minute is over");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_comes_again_ends_the_grant() {
    on_both_engines(async |engine| {
        let daemon = accepting_with(engine, |settings| settings.auth.token.refresh_grace_secs = 0).await;
        let app = App::start();
        let jo = newcomer(&daemon, "jo").await;
        let first = app.tokens(&daemon, JO).await;
        let foreign = with(app.refresh(&first), "client_id", "https://other.example/client.json");
        assert_eq!(refusal(&daemon, &foreign).await, "invalid_grant");
        let second = expect(200, form(&daemon, "/oauth/token", &app.refresh(&first))).await;
        assert_ne!(second["refresh_token"], first["refresh_token"]);
        assert_eq!(status_at_tools(&daemon, &second["access_token"]).await, 200);
        // Within the same millisecond the two are concurrent requests.
        while status_at_tools(&daemon, &second["access_token"]).await != 401 {
            assert_eq!(refusal(&daemon, &app.refresh(&first)).await, "invalid_grant");
        }
        assert_eq!(refusal(&daemon, &app.refresh(&second)).await, "invalid_grant");
        audited(&daemon, &jo, "auth.grant_refresh_reused").await;
        expect(200, as_bearer(&daemon, Method::GET, "/api/v1/users/me", &jo)).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gives_a_token_of_its_own_back() {
    on_both_engines(async |engine| {
        let (daemon, app) = (accepting(engine).await, App::start());
        let jo = newcomer(&daemon, "jo").await;
        let revoke = async |token: &Value, client_id: String| {
            let body = [("token", token.as_str().unwrap().to_owned()), ("client_id", client_id)];
            form(&daemon, "/oauth/revoke", &body).send().await.unwrap().status()
        };
        for kind in ["refresh_token", "access_token"] {
            let tokens = app.tokens(&daemon, JO).await;
            let other = "https://other.example/client.json".to_owned();
            assert_eq!(revoke(&tokens[kind], other).await, StatusCode::OK);
            assert_eq!(status_at_tools(&daemon, &tokens["access_token"]).await, 200, "{kind} of another client");
            assert_eq!(revoke(&tokens[kind], app.id()).await, StatusCode::OK);
            assert_eq!(status_at_tools(&daemon, &tokens["access_token"]).await, 401, "{kind}");
            assert_eq!(revoke(&tokens[kind], app.id()).await, StatusCode::OK, "it may be told twice");
        }
        assert_eq!(revoke(&json!("nonsense"), app.id()).await, StatusCode::OK);
        assert_eq!(revoke(&jo["access_token"], app.id()).await, StatusCode::OK);
        expect(200, as_bearer(&daemon, Method::GET, "/api/v1/users/me", &jo)).await;
        let without = form(&daemon, "/oauth/revoke", &[("token", "gt_x".to_owned())]);
        assert_eq!(expect(400, without).await["error"], "invalid_request");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_another_resource_is_refused_and_a_changed_password_ends_every_grant() {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let tokens = || TokenSettings { secret_key: Some(Secret::from(SECRET)), ..TokenSettings::default() };
    let daemon = accepting_with(Engine::Sqlite, |settings| settings.auth.token = tokens()).await;
    let app = App::start();
    let jo = newcomer(&daemon, "jo").await;
    let granted = app.tokens(&daemon, JO).await;
    let grants = expect(200, as_bearer(&daemon, Method::GET, "/api/v1/auth/grants", &jo)).await;
    let grant = Grant {
        user_id: jo["user"]["id"].as_str().unwrap().parse().unwrap(),
        tenant_id: jo["user"]["tenant_id"].as_str().unwrap().parse().unwrap(),
        session_id: grants["items"][0]["id"].as_str().unwrap().parse().unwrap(),
        role: Role::TenantAdmin,
    };
    let issued = |resource: String| {
        let ring = Keyring::new(&tokens()).unwrap().with_resource(resource);
        json!(ring.issue_to_client(grant, app.id(), Scopes::ALL, Timestamp::now()).unwrap())
    };
    assert_eq!(status_at_tools(&daemon, &issued(format!("{}/mcp", base(&daemon)))).await, 200);
    for other in ["https://other.example/mcp".to_owned(), base(&daemon), "amazon-tracker".to_owned()] {
        assert_eq!(status_at_tools(&daemon, &issued(other.clone())).await, 401, "{other}");
    }
    let change = json!({ "old_password": crate::access::PASSWORD, "new_password": "tangerine lighthouse quartz" });
    expect(204, as_bearer(&daemon, Method::POST, "/api/v1/auth/change-password", &jo).json(&change)).await;
    assert_eq!(status_at_tools(&daemon, &granted["access_token"]).await, 401);
    assert_eq!(refusal(&daemon, &app.refresh(&granted)).await, "invalid_grant");
    daemon.end().await;
}
