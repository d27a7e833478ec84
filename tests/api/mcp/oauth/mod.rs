//! Clients that act for users (OAuth 2.1), from the first 401 to the end of the grant.

mod consent;
pub mod dance;
mod documents;
mod tokens;

use amazon_tracker::domain::Role;
use reqwest::Method;
use serde_json::{Value, json};

use self::dance::{ALL, App, Browser, accepting, accepting_with, base, form, target_of};
use crate::access::{as_bearer, newcomer};
use crate::daemon::{Daemon, Engine, expect, on_both_engines};
use crate::matrix::{add_person, token_of};
use crate::mcp::client::{Client, Era, raw};

/// Whether the tools answer a token.
async fn status_at_tools(daemon: &Daemon, token: &Value) -> u16 {
    let client = Client::new(daemon, Era::Handshake, token.as_str().unwrap());
    client.post(&client.message("tools/list", json!({}))).send().await.unwrap().status().as_u16()
}

async fn audited(daemon: &Daemon, tokens: &Value, action: &str) -> Value {
    let log = expect(200, as_bearer(daemon, Method::GET, "/api/v1/tenants/me/audit", tokens)).await;
    let items = log["items"].as_array().unwrap().clone();
    items.into_iter().find(|entry| entry["action"] == action).unwrap_or_else(|| panic!("{action}: {log}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_finds_its_way_from_the_first_refusal_to_the_tools_and_back_out() {
    on_both_engines(async |engine| {
        let (daemon, app) = (accepting(engine).await, App::start());
        let jo = newcomer(&daemon, "jo").await;
        // Discovery.
        let refused = raw(&daemon).json(&json!({})).send().await.unwrap();
        let challenge = refused.headers()["www-authenticate"].to_str().unwrap().to_owned();
        let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", base(&daemon));
        assert_eq!(challenge, format!("Bearer realm=\"amazon-tracker\", resource_metadata=\"{metadata}\""));
        let resource = expect(200, daemon.client.get(metadata)).await;
        assert_eq!(resource["resource"], format!("{}/mcp", base(&daemon)));
        let at_root = daemon.request(Method::GET, "/.well-known/oauth-protected-resource");
        assert_eq!(expect(200, at_root).await, resource);
        let issuer = resource["authorization_servers"][0].as_str().unwrap();
        assert_eq!(issuer, base(&daemon));
        let server = format!("{issuer}/.well-known/oauth-authorization-server");
        let server = expect(200, daemon.client.get(server)).await;
        assert_eq!(
            (server["issuer"].as_str(), &server["code_challenge_methods_supported"]),
            (Some(issuer), &json!(["S256"]))
        );
        assert_eq!(server["client_id_metadata_document_supported"], true);
        assert_eq!(server["authorization_response_iss_parameter_supported"], true);
        assert!(server["registration_endpoint"].is_null(), "clients are not registered");
        assert_eq!(server["scopes_supported"].as_array().unwrap().len(), ALL.split(' ').count());
        // Consent.
        let browser = Browser::new(&daemon);
        let asked = app.parameters(&daemon, &[]);
        let page = browser.open(&asked).await;
        assert_eq!(page.status(), 200);
        let question = browser.question(&asked, "jo@example.com").await;
        for shown in ["<b>An app</b>", "127.0.0.1", "jo's shop", "jo@example.com", "Track products for you"] {
            assert!(question.text.contains(shown), "{shown}: {}", question.text);
        }
        assert_eq!(question.scopes, ALL);
        let answered = browser.answer(&question.ticket, "allow", ALL).send().await.unwrap();
        let (target, given) = target_of(&answered);
        assert_eq!(target, app.redirect_uri());
        assert_eq!((given["state"].as_str(), given["iss"].as_str()), (Some("a state & more"), Some(issuer)));
        // Tokens.
        let exchange = app.exchange(given["code"].as_str().unwrap());
        let exchanged = form(&daemon, "/oauth/token", &exchange).send().await.unwrap();
        assert_eq!(exchanged.headers()["cache-control"], "no-store");
        let tokens: Value = exchanged.json().await.unwrap();
        assert_eq!(
            (&tokens["token_type"], &tokens["expires_in"], &tokens["scope"]),
            (&json!("Bearer"), &json!(900), &json!(ALL))
        );
        let access = tokens["access_token"].as_str().unwrap();
        for era in crate::mcp::client::ERAS {
            let client = Client::new(&daemon, era, access);
            client.begin().await;
            assert_eq!(client.tools().await.len(), crate::mcp::protocol::TOOLS);
            let url = format!("https://www.amazon.com/dp/{}", daemon.listing(0).asin);
            client.answer("track_product", json!({ "url": url })).await;
        }
        let acted = audited(&daemon, &jo, "product.add").await;
        assert!(acted["facts"]["grant_id"].is_string(), "the log tells the app from the user: {acted}");
        // Nowhere else.
        for (method, path) in
            [(Method::GET, "/api/v1/products"), (Method::GET, "/api/v1/users/me"), (Method::GET, "/api/v1/auth/grants")]
        {
            expect(401, as_bearer(&daemon, method, path, &tokens)).await;
        }
        expect(
            401,
            daemon
                .request(Method::POST, "/api/v1/auth/refresh")
                .json(&json!({ "refresh_token": tokens["refresh_token"] })),
        )
        .await;
        assert_eq!(
            status_at_tools(&daemon, &jo["access_token"]).await,
            200,
            "tokens of users open the tools as before"
        );
        // The user looks, and takes it back.
        let grants = expect(200, as_bearer(&daemon, Method::GET, "/api/v1/auth/grants", &jo)).await;
        let grant = &grants["items"][0];
        assert_eq!(
            (&grant["client_id"], &grant["client_name"], &grant["scope"]),
            (&json!(app.id()), &json!("<b>An app</b>"), &json!(ALL))
        );
        assert_eq!(audited(&daemon, &jo, "auth.grant_add").await["facts"]["client_id"], json!(app.id()));
        let sessions = expect(200, as_bearer(&daemon, Method::GET, "/api/v1/auth/sessions", &jo)).await;
        assert_eq!(sessions["items"].as_array().unwrap().len(), 1, "a grant is no session");
        let path = format!("/api/v1/auth/grants/{}", grant["id"].as_str().unwrap());
        expect(204, as_bearer(&daemon, Method::DELETE, &path, &jo)).await;
        expect(404, as_bearer(&daemon, Method::DELETE, &path, &jo)).await;
        let ended = Client::new(&daemon, Era::Handshake, access);
        let ended = ended.post(&ended.message("tools/list", json!({}))).send().await.unwrap();
        assert_eq!(ended.status(), 401, "at once, on this replica");
        assert!(
            ended.headers()["www-authenticate"]
                .to_str()
                .unwrap()
                .contains("error=\"invalid_token\", resource_metadata=")
        );
        assert_eq!(expect(400, form(&daemon, "/oauth/token", &app.refresh(&tokens))).await["error"], "invalid_grant");
        audited(&daemon, &jo, "auth.grant_revoke").await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_do_what_was_granted_within_the_role_of_the_user() {
    on_both_engines(async |engine| {
        let (daemon, app) = (accepting(engine).await, App::start());
        add_person(&daemon, "viewer", Role::Viewer).await;
        add_person(&daemon, "user", Role::User).await;
        let browser = Browser::new(&daemon);
        let viewers = browser.question(&app.parameters(&daemon, &[]), "viewer@example.com").await;
        assert_eq!(viewers.scopes, "product:read", "no more than the user may");
        let answered = browser.answer(&viewers.ticket, "allow", ALL).send().await.unwrap();
        let code = target_of(&answered).1["code"].as_str().unwrap().to_owned();
        let tokens = expect(200, form(&daemon, "/oauth/token", &app.exchange(&code))).await;
        assert_eq!(tokens["scope"], "product:read", "whatever the form says");
        // A user who unticks a box.
        let users = browser.question(&app.parameters(&daemon, &[]), "user@example.com").await;
        let answered =
            browser.answer(&users.ticket, "allow", "product:read alert:write product:delete").send().await.unwrap();
        let code = target_of(&answered).1["code"].as_str().unwrap().to_owned();
        let tokens = expect(200, form(&daemon, "/oauth/token", &app.exchange(&code))).await;
        assert_eq!(tokens["scope"], "product:read alert:write");
        let client = Client::new(&daemon, Era::Handshake, tokens["access_token"].as_str().unwrap());
        let names: Vec<_> = client.tools().await.iter().map(|tool| tool["name"].clone()).collect();
        assert!(names.contains(&json!("create_alert")) && !names.contains(&json!("track_product")));
        assert!(client.refusal("track_product", json!({})).await.starts_with("forbidden: "));
        // A token for less, and not for more.
        let with = |tokens: &Value, scope: &str| {
            let mut exchange = app.refresh(tokens);
            exchange.push(("scope", scope.to_owned()));
            exchange
        };
        let too_much = expect(400, form(&daemon, "/oauth/token", &with(&tokens, "product:write"))).await;
        assert_eq!(too_much["error"], "invalid_scope");
        let less = expect(200, form(&daemon, "/oauth/token", &with(&tokens, "product:read"))).await;
        assert_eq!(less["scope"], "product:read");
        // The user is reduced: so is the client.
        let more = expect(200, form(&daemon, "/oauth/token", &app.refresh(&less))).await;
        assert_eq!(more["scope"], "product:read alert:write");
        let id = expect(
            200,
            as_bearer(
                &daemon,
                Method::GET,
                "/api/v1/users/me",
                &json!({
            "access_token": token_of(&daemon, "user@example.com").await }),
            ),
        )
        .await["id"]
            .as_str()
            .unwrap()
            .to_owned();
        add_person(&daemon, "admin", Role::TenantAdmin).await;
        let admin = token_of(&daemon, "admin@example.com").await;
        let path = format!("/api/v1/users/{id}");
        expect(200, daemon.request(Method::PATCH, &path).bearer_auth(&admin).json(&json!({ "role": "viewer" }))).await;
        let client = Client::new(&daemon, Era::Handshake, more["access_token"].as_str().unwrap());
        assert!(client.tools().await.iter().all(|tool| tool["name"] != "create_alert"));
        // And disabled: the client is out.
        expect(200, daemon.request(Method::PATCH, &path).bearer_auth(&admin).json(&json!({ "status": "disabled" })))
            .await;
        assert_eq!(status_at_tools(&daemon, &more["access_token"]).await, 401);
        expect(400, form(&daemon, "/oauth/token", &app.refresh(&more))).await;
        let again = browser.sign_in(&app.parameters(&daemon, &[]), "user@example.com", crate::access::PASSWORD);
        assert_eq!(again.send().await.unwrap().status(), 422);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_unless_the_settings_say_so() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let app = App::start();
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
    ] {
        expect(404, daemon.request(Method::GET, path)).await;
    }
    let browser = Browser::new(&daemon);
    assert_eq!(browser.open(&app.parameters(&daemon, &[])).await.status(), 404);
    assert_eq!(browser.sign_in(&app.parameters(&daemon, &[]), "a@b.example", "x").send().await.unwrap().status(), 404);
    assert_eq!(browser.answer("x", "allow", ALL).send().await.unwrap().status(), 404);
    expect(404, form(&daemon, "/oauth/token", &app.exchange("ac_x"))).await;
    expect(404, form(&daemon, "/oauth/revoke", &[("token", "gt_x".to_owned()), ("client_id", app.id())])).await;
    assert_eq!(app.fetched(), 0);
    let refused = raw(&daemon).json(&json!({})).send().await.unwrap();
    assert_eq!(refused.headers()["www-authenticate"], r#"Bearer realm="amazon-tracker""#);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_name_the_public_url() {
    let daemon = accepting_with(Engine::Sqlite, |settings| {
        settings.auth.public_url = Some("https://example.com/tracker".parse().unwrap());
    })
    .await;
    let resource = expect(200, daemon.request(Method::GET, "/.well-known/oauth-protected-resource/mcp")).await;
    assert_eq!(resource["resource"], "https://example.com/tracker/mcp");
    assert_eq!(resource["authorization_servers"], json!(["https://example.com/tracker"]));
    let server = expect(200, daemon.request(Method::GET, "/.well-known/oauth-authorization-server")).await;
    assert_eq!(server["token_endpoint"], "https://example.com/tracker/oauth/token");
    let refused = raw(&daemon).json(&json!({})).send().await.unwrap();
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.contains("https://example.com/tracker/.well-known/oauth-protected-resource/mcp"), "{challenge}");
    daemon.end().await;
}
