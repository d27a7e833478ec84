//! A user's own account, and what the links do that are sent to it.

use std::time::Duration;

use amazon_tracker::auth::{OpaqueToken, TokenKind};
use amazon_tracker::domain::{LinkPurpose, Role, TenantId, UserId};
use amazon_tracker::store::{LinkFacts, NewLink};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::access::{as_bearer, newcomer};
use crate::daemon::{Daemon, Engine, expect, on_both_engines};

const ME: &str = "/api/v1/users/me";

async fn prefer(daemon: &Daemon, status: u16, tokens: &Value, preferences: Value) -> Value {
    let body = json!({ "preferences": preferences });
    expect(status, as_bearer(daemon, Method::PATCH, ME, tokens).json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_are_kept_with_the_user_and_concern_nobody_else() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let (jo, al) = (newcomer(&daemon, "jo").await, newcomer(&daemon, "al").await);
        let defaults = json!({ "language": null, "time_zone": null, "theme": "auto", "views": [] });
        let me = expect(200, as_bearer(&daemon, Method::GET, ME, &jo)).await;
        assert_eq!(me["preferences"], defaults);
        assert!(me["scopes"].as_array().unwrap().contains(&json!("admin:tenant")), "{me}");
        let views = json!([{ "name": "At their low", "query": "at_low=true&sort=-change" }]);
        prefer(&daemon, 200, &jo, json!({ "language": "ja", "time_zone": "Asia/Tokyo", "views": views })).await;
        let me = prefer(&daemon, 200, &jo, json!({ "language": null, "theme": "dark" })).await;
        let expected = json!({ "language": null, "time_zone": "Asia/Tokyo", "theme": "dark", "views": views });
        assert_eq!(me["preferences"], expected, "what is not named stays, and null takes a choice back");
        let again = expect(200, as_bearer(&daemon, Method::GET, ME, &jo)).await;
        assert_eq!((&again["preferences"], &again["name"]), (&expected, &json!("jo")));
        expect(200, as_bearer(&daemon, Method::PATCH, ME, &jo).json(&json!({ "name": "Jo" }))).await;
        let again = expect(200, as_bearer(&daemon, Method::GET, ME, &jo)).await;
        assert_eq!((&again["preferences"], &again["name"]), (&expected, &json!("Jo")));
        let other = expect(200, as_bearer(&daemon, Method::GET, ME, &al)).await;
        assert_eq!(other["preferences"], defaults);
        let id = again["id"].as_str().unwrap();
        let seen = expect(200, as_bearer(&daemon, Method::GET, &format!("/api/v1/users/{id}"), &jo)).await;
        assert!(seen["preferences"].is_null(), "the list of users does not show them");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preference_that_does_not_exist_is_refused_with_its_field() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let jo = newcomer(&daemon, "jo").await;
    let view = |name: String| json!({ "name": name, "query": "" });
    for (preferences, field) in [
        (json!({ "language": "fr" }), "preferences.language"),
        (json!({ "time_zone": "Mars/Olympus" }), "preferences.time_zone"),
        (json!({ "theme": "pink" }), "preferences.theme"),
        (json!({ "theme": null, "colour": "red" }), "preferences.colour"),
        (json!({ "views": (0..21).map(|n| view(n.to_string())).collect::<Vec<_>>() }), "preferences.views"),
        (json!({ "views": [view("a".to_owned()), view("a".to_owned())] }), "preferences.views[1].name"),
        (json!({ "views": [view("x".repeat(61))] }), "preferences.views[0].name"),
        (json!({ "views": [{ "name": "a", "query": "q".repeat(1001) }] }), "preferences.views[0].query"),
    ] {
        let problem = prefer(&daemon, 422, &jo, preferences).await;
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    daemon.end().await;
}

/// The token of a new link.
async fn link(daemon: &Daemon, purpose: LinkPurpose, user: &Value) -> String {
    let id = |field: &str| user[field].as_str().unwrap().parse::<uuid::Uuid>().unwrap();
    let token = OpaqueToken::new(TokenKind::Link);
    let facts = match purpose {
        LinkPurpose::Invite => LinkFacts {
            email: Some("al@example.com".parse().unwrap()),
            role: Some(Role::Viewer),
            inviter: Some(UserId(id("id"))),
        },
        _ => LinkFacts::default(),
    };
    let user_id = (purpose == LinkPurpose::ResetPassword).then(|| UserId(id("id")));
    let (tenant_id, lasts) = (TenantId(id("tenant_id")), Duration::from_secs(60));
    let store = daemon.store().await;
    let new = NewLink { hash: token.hash(), purpose, tenant_id, user_id, facts, lasts, mail: None };
    store.add_link(new, u32::MAX).await.unwrap();
    store.close().await;
    token.reveal()
}

fn cookie_of(response: &Response) -> Option<String> {
    let set = response.headers().get(SET_COOKIE)?.to_str().unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    set.split(';').next().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_sets_a_password_signs_the_browser_in_if_it_asks_for_it() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let jo = newcomer(&daemon, "jo").await;
        let password = "tangerine lighthouse quartz";
        for (purpose, path, email) in [
            (LinkPurpose::Invite, "/api/v1/auth/accept-invitation", "al@example.com"),
            (LinkPurpose::ResetPassword, "/api/v1/auth/reset-password", "jo@example.com"),
        ] {
            let mut body = json!({ "token": link(&daemon, purpose, &jo["user"]).await, "password": password });
            if purpose == LinkPurpose::Invite {
                body["name"] = json!("Al");
            }
            let post = async |body: &Value| daemon.request(Method::POST, path).json(body).send().await.unwrap();
            body["sign_in"] = json!(true);
            let used = post(&body).await;
            assert!(used.status().is_success(), "{path}");
            let cookie = cookie_of(&used).unwrap();
            let me = daemon.request(Method::GET, ME).header(COOKIE, &cookie).header("sec-fetch-site", "same-origin");
            assert_eq!(expect(200, me).await["email"], email);
            let again = post(&body).await;
            assert_eq!((again.status().as_u16(), cookie_of(&again)), (422, None), "a link works once");
        }
        let body =
            json!({ "token": link(&daemon, LinkPurpose::ResetPassword, &jo["user"]).await, "password": password });
        let used = daemon.request(Method::POST, "/api/v1/auth/reset-password").json(&body).send().await.unwrap();
        assert_eq!((used.status().as_u16(), cookie_of(&used)), (204, None), "programs get no cookie");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered_before_a_sign_in_is_what_the_settings_say() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let options = expect(200, daemon.request(Method::GET, "/api/v1/auth/options")).await;
    assert_eq!(options, json!({ "can_register": true, "is_set_up": true, "sends_mail": false }));
    daemon.end().await;
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| settings.auth.registration = false).await;
    let options = expect(200, daemon.request(Method::GET, "/api/v1/auth/options")).await;
    assert_eq!(options["can_register"], false);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_filtered_by_author_action_and_time() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let jo = newcomer(&daemon, "jo").await;
    expect(200, as_bearer(&daemon, Method::PATCH, ME, &jo).json(&json!({ "name": "Jo" }))).await;
    prefer(&daemon, 200, &jo, json!({ "theme": "dark" })).await;
    let actions = async |query: &str| -> Vec<String> {
        let path = format!("/api/v1/tenants/me/audit?{query}");
        let log = expect(200, as_bearer(&daemon, Method::GET, &path, &jo)).await;
        log["items"].as_array().unwrap().iter().map(|act| act["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(actions("action=user").await, ["user.update"], "preferences are not in the log");
    assert_eq!(actions("action=auth.login").await, ["auth.login"]);
    let actor = format!("actor=user:{}", jo["user"]["id"].as_str().unwrap());
    assert!(actions(&actor).await.contains(&"user.update".to_owned()));
    assert_eq!(actions("since=2100-01-01T00:00:00Z").await, [""; 0]);
    let wrong = as_bearer(&daemon, Method::GET, "/api/v1/tenants/me/audit?until=yesterday", &jo);
    assert_eq!(expect(422, wrong).await["errors"][0]["field"], "until");
    daemon.end().await;
}
