//! What a user sees, and what other sites cannot do.

use reqwest::RequestBuilder;
use serde_json::json;

use super::dance::{ALL, App, Browser, accepting, base, target_of};
use crate::access::{PASSWORD, newcomer};
use crate::daemon::{Daemon, Engine};

async fn start() -> (Daemon, App) {
    let (daemon, app) = (accepting(Engine::Sqlite).await, App::start());
    newcomer(&daemon, "jo").await;
    (daemon, app)
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_wrong_is_told_to_the_client_only_if_it_is_known_where_that_is() {
    let (daemon, app) = start().await;
    let browser = Browser::new(&daemon);
    for change in [
        ("client_id", ""),
        ("client_id", "app"),
        ("client_id", "http://10.0.0.1/client.json"),
        ("redirect_uri", ""),
        ("redirect_uri", "http://127.0.0.1:7777/other"),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "javascript:alert(1)"),
    ] {
        let response = browser.open(&app.parameters(&daemon, &[change])).await;
        assert_eq!(response.status(), 400, "{change:?}");
        assert!(!response.headers().contains_key("location"), "{change:?}");
        assert!(response.text().await.unwrap().contains("This does not work"));
    }
    let twice = [app.parameters(&daemon, &[]), vec![("state".to_owned(), "other".to_owned())]].concat();
    assert_eq!(browser.open(&twice).await.status(), 400, "which of them is meant?");
    let long = "x".repeat(2000);
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "unsupported_response_type"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("resource", "https://other.example/mcp"), "invalid_target"),
        (("scope", "product:delete"), "invalid_scope"),
        (("scope", "everything"), "invalid_scope"),
        (("state", &long), "invalid_request"),
    ] {
        let (target, given) = target_of(&browser.open(&app.parameters(&daemon, &[change])).await);
        assert_eq!((target.as_str(), &given["error"]), (app.redirect_uri(), &json!(error)), "{change:?}");
        assert_eq!(given["iss"], base(&daemon));
        assert_eq!(given["state"] == "a state & more", change.0 != "state");
        assert!(given["code"].is_null());
    }
    for missing in ["resource", "scope", "state"] {
        assert_eq!(browser.open(&app.parameters(&daemon, &[(missing, "")])).await.status(), 200, "{missing}");
    }
    let least = browser.question(&app.parameters(&daemon, &[("scope", "")]), "jo@example.com").await;
    assert_eq!(least.scopes, "product:read");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_load_nothing_and_cannot_be_framed() {
    let (daemon, app) = start().await;
    let browser = Browser::new(&daemon);
    let asked = app.parameters(&daemon, &[]);
    let question = browser.sign_in(&asked, "jo@example.com", PASSWORD).send().await.unwrap();
    for page in [browser.open(&asked).await, question] {
        let header = |name: &str| page.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; \
             form-action 'self' http://127.0.0.1:7777"
        );
        assert_eq!((header("x-frame-options").as_str(), header("cache-control").as_str()), ("DENY", "no-store"));
        assert_eq!(header("referrer-policy"), "same-origin", "otherwise browsers hide where the form comes from");
        let text = page.text().await.unwrap();
        assert!(text.contains("&lt;b&gt;An app&lt;/b&gt;") && !text.contains("<b>") && !text.contains("<script"));
    }
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_can_neither_sign_in_nor_answer() {
    let (daemon, app) = start().await;
    let browser = Browser::new(&daemon);
    let asked = app.parameters(&daemon, &[]);
    let question = browser.question(&asked, "jo@example.com").await;
    let forged = |origin: Option<&str>, request: RequestBuilder| {
        let mut request = request.build().unwrap();
        request.headers_mut().remove("origin");
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        daemon.client.execute(request)
    };
    for origin in
        [None, Some("null"), Some("https://evil.example"), Some("http://127.0.0.1"), Some("http://localhost:1")]
    {
        let answer = forged(origin, browser.answer(&question.ticket, "allow", ALL)).await.unwrap();
        assert_eq!(answer.status(), 403, "{origin:?}");
        let sign_in = forged(origin, browser.sign_in(&asked, "jo@example.com", PASSWORD)).await.unwrap();
        assert_eq!(sign_in.status(), 403, "{origin:?}");
    }
    let mut other = question.ticket.clone();
    other.replace_range(10..11, if &other[10..11] == "A" { "B" } else { "A" });
    for ticket in ["", "x.y", &other] {
        assert_eq!(status(browser.answer(ticket, "allow", ALL)).await, 400, "{ticket}");
    }
    let as_json = daemon.client.post(format!("{}/oauth/consent", base(&daemon))).header("origin", base(&daemon));
    assert_eq!(status(as_json.json(&json!({ "ticket": question.ticket, "decision": "allow" }))).await, 415);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_can_say_no_before_and_after_signing_in() {
    let (daemon, app) = start().await;
    let browser = Browser::new(&daemon);
    let asked = app.parameters(&daemon, &[]);
    let question = browser.question(&asked, "jo@example.com").await;
    for answer in [
        browser.cancel(&asked),
        browser.answer(&question.ticket, "deny", ALL),
        browser.answer(&question.ticket, "", ALL),
        browser.answer(&question.ticket, "allow", ""),
        browser.answer(&question.ticket, "allow", "product:delete admin:users"),
    ] {
        let (target, given) = target_of(&answer.send().await.unwrap());
        assert_eq!((target.as_str(), given["error"].as_str()), (app.redirect_uri(), Some("access_denied")));
        assert_eq!(
            (given["state"].as_str(), given["iss"].as_str()),
            (Some("a state & more"), Some(base(&daemon).as_str()))
        );
    }
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sign_in_is_guarded_like_any_other() {
    let daemon = super::accepting_with(Engine::Sqlite, |settings| settings.auth.attempts_per_minute = 10).await;
    let app = App::start();
    let asked = app.parameters(&daemon, &[]);
    let browser = Browser::new(&daemon);
    let mut answers = Vec::new();
    for n in 0..12 {
        let response = browser.sign_in(&asked, "nobody@example.com", "wrong password").send().await.unwrap();
        answers.push(response.status().as_u16());
        if n == 0 {
            let page = response.text().await.unwrap();
            assert!(page.contains("Wrong e-mail address or password") && page.contains("nobody@example.com"));
        }
    }
    assert_eq!((answers[0], answers[9], answers[11]), (422, 422, 429), "{answers:?}");
    daemon.end().await;
}
