//! Browsers: the cookie that they sign in with, and the dashboard that they load.

use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::access::{PASSWORD, as_bearer, newcomer};
use crate::daemon::{Daemon, Engine, expect, on_both_engines};

/// A browser that has signed in.
struct Browser<'d> {
    daemon: &'d Daemon,
    cookie: String,
}

impl<'d> Browser<'d> {
    async fn signed_in(daemon: &'d Daemon, name: &str) -> Self {
        let response = sign_in(daemon, name, PASSWORD).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let set = header(&response, SET_COOKIE.as_str());
        let (cookie, attributes) = set.split_once(';').unwrap();
        assert!(cookie.starts_with("tracker=st_"), "{set}");
        for attribute in ["Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=7776000"] {
            assert!(attributes.contains(attribute), "{attribute}: {set}");
        }
        assert!(!attributes.contains("Secure"), "a browser would drop it on plain HTTP: {set}");
        let user: Value = response.json().await.unwrap();
        assert_eq!(user["email"], format!("{name}@example.com"));
        assert!(user["access_token"].is_null(), "scripts get no tokens");
        Self { daemon, cookie: cookie.to_owned() }
    }

    /// A request of a page of ours.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("sec-fetch-site", "same-origin").header(ORIGIN, origin_of(self.daemon))
    }

    /// A request that does not say where it comes from.
    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.daemon.request(method, path).header(COOKIE, &self.cookie)
    }
}

fn sign_in(daemon: &Daemon, name: &str, password: &str) -> RequestBuilder {
    let body = json!({ "email": format!("{name}@example.com"), "password": password });
    daemon.request(Method::POST, "/api/v1/auth/session").json(&body)
}

fn origin_of(daemon: &Daemon) -> String {
    format!("http://{}", daemon.address())
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_in_with_a_cookie_until_it_signs_out() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        newcomer(&daemon, "jo").await;
        expect(401, sign_in(&daemon, "jo", "wrong horse battery staple")).await;
        let browser = Browser::signed_in(&daemon, "jo").await;
        let me = expect(200, browser.request(Method::GET, "/api/v1/users/me")).await;
        assert_eq!(me["email"], "jo@example.com");
        let asin = daemon.listing(0).asin;
        let added = browser.request(Method::POST, "/api/v1/products").json(&json!({ "asin": asin }));
        expect(201, added).await;
        let out = browser.request(Method::DELETE, "/api/v1/auth/session").send().await.unwrap();
        assert_eq!(out.status(), 204);
        assert!(header(&out, "set-cookie").starts_with("tracker=; Path=/; Max-Age=0"), "the cookie is removed");
        expect(401, browser.request(Method::GET, "/api/v1/users/me")).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_worth_nothing_to_other_sites() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    newcomer(&daemon, "jo").await;
    let browser = Browser::signed_in(&daemon, "jo").await;
    for site in ["cross-site", "same-site"] {
        let read = browser.bare(Method::GET, "/api/v1/products").header("sec-fetch-site", site);
        expect(403, read).await;
    }
    let body = json!({ "asin": daemon.listing(0).asin });
    let add = || browser.bare(Method::POST, "/api/v1/products").json(&body);
    for origin in [None, Some("null"), Some("https://evil.example")] {
        let request = origin.into_iter().fold(add(), |request, origin| request.header(ORIGIN, origin));
        let refused = expect(403, request).await;
        assert!(refused["detail"].as_str().unwrap().contains(origin.unwrap_or("none")), "{refused}");
    }
    let products = expect(200, browser.request(Method::GET, "/api/v1/products")).await;
    assert_eq!(products["items"], json!([]), "nothing was added");
    let key_beside = add().header("x-api-key", "at_wrong").header(ORIGIN, origin_of(&daemon));
    expect(401, key_beside).await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sign_in_of_a_browser_is_one_of_the_sessions_and_ends_with_them() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let tokens = newcomer(&daemon, "jo").await;
        let browser = Browser::signed_in(&daemon, "jo").await;
        let other = Browser::signed_in(&daemon, "jo").await;
        let path = "/api/v1/auth/sessions";
        let sessions = expect(200, as_bearer(&daemon, Method::GET, path, &tokens)).await;
        let ids: Vec<&str> = sessions["items"]
            .as_array()
            .or(sessions.as_array())
            .unwrap()
            .iter()
            .map(|it| it["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), 3, "two browsers and the tokens: {sessions}");
        // The newest first.
        expect(204, as_bearer(&daemon, Method::DELETE, &format!("{path}/{}", ids[0]), &tokens)).await;
        expect(401, other.request(Method::GET, "/api/v1/users/me")).await;
        expect(200, browser.request(Method::GET, "/api/v1/users/me")).await;
        expect(204, as_bearer(&daemon, Method::POST, "/api/v1/auth/logout-everywhere", &tokens)).await;
        expect(401, browser.request(Method::GET, "/api/v1/users/me")).await;
        for forged in ["tracker=st_x", "tracker=st_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            let forged = Browser { daemon: &daemon, cookie: forged.to_owned() };
            expect(401, forged.request(Method::GET, "/api/v1/users/me")).await;
        }
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_and_its_files_are_served_to_everybody_under_a_strict_policy() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    for path in [
        "/",
        "/sign-in",
        "/products/01900000-0000-7000-8000-000000000000",
        "/auth/invite",
        "/auth/set-up",
        "/settings",
        "/settings/api-keys",
    ] {
        let page = daemon.request(Method::GET, path).send().await.unwrap();
        assert_eq!(page.status(), 200, "{path}");
        let policy = header(&page, "content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
        assert_eq!(header(&page, "referrer-policy"), "same-origin");
        let text = page.text().await.unwrap();
        let files: Vec<&str> = text.split('"').filter(|part| part.starts_with("/assets/")).collect();
        assert!(files.len() > 10, "{text}");
        for file in files {
            let found = daemon.request(Method::GET, file).send().await.unwrap();
            assert_eq!(found.status(), 200, "{file}");
            assert_eq!(header(&found, "x-content-type-options"), "nosniff", "{file}");
        }
    }
    for missing in [
        "/auth/something",
        "/auth/link.js",
        "/assets/other/app/main.js",
        "/assets/debug/app/../../Cargo.toml",
        "/assets/debug/nothing.js",
        "/nothing",
    ] {
        let response = daemon.request(Method::GET, missing).send().await.unwrap();
        assert_eq!(response.status(), 404, "{missing}");
    }
    daemon.end().await;
}
