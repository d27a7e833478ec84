//! The links that the log shows while there is no mail server, and what the log never shows.

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{ADMIN_EMAIL, ADMIN_PASSWORD, Running, address_in, tracker};

struct Daemon {
    running: Running,
    api: String,
    client: Client,
    folder: TempDir,
}

impl Daemon {
    fn start(filter: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
        let mut command = tracker();
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", &database]);
        command.env("ADMIN_EMAIL", ADMIN_EMAIL).env("ADMIN_PASSWORD", ADMIN_PASSWORD);
        let mut running = Running::start(command.env("TRACKER__LOG__FILTER", filter));
        let api = format!("http://{}/api/v1", address_in(&running.until_it_says("listening on")));
        Self { running, api, client: Client::builder().no_proxy().build().unwrap(), folder }
    }

    async fn ask(&self, method: Method, path: &str, token: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.client.request(method, format!("{}{path}", self.api)).bearer_auth(token).json(body);
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap_or_default())
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.ask(Method::POST, path, "", &body).await
    }

    async fn login(&self, email: &str, password: &str) -> (StatusCode, Value) {
        self.post("/auth/login", json!({ "email": email, "password": password })).await
    }

    /// The token of the next link that the log shows for a purpose.
    fn link(&mut self, purpose: &str) -> String {
        let line = self.running.until_it_says(&format!("auth/{purpose}#token="));
        let token = line.split("token=").nth(1).unwrap();
        token.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
    }
}

#[tokio::test]
async fn who_is_invited_joins_once_as_what_they_were_invited() {
    let mut daemon = Daemon::start("info");
    let (_, admin) = daemon.login(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let token = admin["access_token"].as_str().unwrap().to_owned();
    let invite = json!({ "email": "al@example.com", "role": "viewer" });
    let (status, _) = daemon.ask(Method::POST, "/users/invitations", &token, &invite).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let wrong = json!({ "email": "al", "role": "superadmin" });
    let (status, problem) = daemon.ask(Method::POST, "/users/invitations", &token, &wrong).await;
    assert_eq!((status.as_u16(), problem["errors"][0]["field"].as_str()), (422, Some("email")));
    let accept = json!({ "token": daemon.link("invite"), "name": "Al", "password": "tangerine lighthouse quartz" });
    let (status, user) = daemon.post("/auth/accept-invitation", accept.clone()).await;
    assert_eq!((status.as_u16(), user["role"].as_str()), (201, Some("viewer")));
    assert_eq!(user["tenant_id"], admin["user"]["tenant_id"]);
    let (status, problem) = daemon.post("/auth/accept-invitation", accept).await;
    assert_eq!((status.as_u16(), problem["errors"][0]["field"].as_str()), (422, Some("token")));
    assert_eq!(daemon.login("al@example.com", "tangerine lighthouse quartz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_address_is_proved_and_a_password_reset_by_the_links_of_the_log() {
    let mut daemon = Daemon::start("info");
    let register =
        json!({ "email": "jo@example.com", "password": ADMIN_PASSWORD, "name": "Jo", "tenant_name": "Shop" });
    assert_eq!(daemon.post("/auth/register", register).await.0, StatusCode::ACCEPTED);
    let token = daemon.link("verify_email");
    assert_eq!(daemon.post("/auth/verify-email", json!({ "token": token })).await.0, StatusCode::NO_CONTENT);
    let (_, jo) = daemon.login("jo@example.com", ADMIN_PASSWORD).await;
    assert!(jo["user"]["verified_at"].is_string());
    daemon.post("/auth/forgot-password", json!({ "email": "jo@example.com" })).await;
    let token = daemon.link("reset_password");
    let reset = |password: &str| json!({ "token": token, "password": password });
    assert_eq!(daemon.post("/auth/reset-password", reset("short")).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let new = "tangerine lighthouse quartz";
    assert_eq!(daemon.post("/auth/reset-password", reset(new)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(daemon.post("/auth/reset-password", reset(new)).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = daemon.ask(Method::GET, "/users/me", jo["access_token"].as_str().unwrap(), &json!({})).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "every sign-in has ended");
    assert_eq!(daemon.login("jo@example.com", ADMIN_PASSWORD).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(daemon.login("jo@example.com", new).await.0, StatusCode::OK);
}

#[tokio::test]
async fn no_secret_ever_stands_in_the_log() {
    let mut daemon = Daemon::start("trace");
    let (_, tokens) = daemon.login(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let access = tokens["access_token"].as_str().unwrap().to_owned();
    let (_, key) =
        daemon.ask(Method::POST, "/auth/api-keys", &access, &json!({ "name": "k", "scopes": ["product:read"] })).await;
    let key = key["key"].as_str().unwrap().to_owned();
    let (_, next) = daemon.post("/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await;
    for credential in [&access, &key, "a.b.c", "at_wrong"] {
        daemon.ask(Method::GET, "/products", credential, &json!({})).await;
    }
    daemon.login(ADMIN_EMAIL, "a wrong password of somebody").await;
    daemon.ask(Method::POST, "/auth/logout", next["access_token"].as_str().unwrap(), &json!({})).await;
    daemon.running.stop();
    let log: String = daemon.running.lines.by_ref().collect();
    assert!(log.contains("drained"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let secrets = [
        ADMIN_PASSWORD.to_owned(),
        "a wrong password of somebody".to_owned(),
        text(&tokens["access_token"]),
        text(&tokens["refresh_token"]),
        text(&next["refresh_token"]),
        key,
        "$argon2id$".to_owned(),
    ];
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret}");
    }
}

#[tokio::test]
async fn no_text_from_outside_forges_a_line_of_the_log() {
    let mut daemon = Daemon::start("debug");
    let forged = "x\n2026-01-01T00:00:00.000000Z ERROR forged \u{1b}[31mred";
    daemon.login(forged, forged).await;
    let (_, tokens) = daemon.login(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    let invite = json!({ "email": format!("{forged}@example.com"), "role": forged });
    daemon.ask(Method::POST, "/users/invitations", &token, &invite).await;
    daemon.ask(Method::POST, "/products", &token, &json!({ "url": forged, "label": forged })).await;
    daemon.ask(Method::GET, "/products/x%0a2026-01-01T00:00:00.000000Z%20ERROR%20forged", &token, &json!({})).await;
    daemon.ask(Method::GET, "/products?q=x%0aERROR%20forged", &token, &json!({})).await;
    daemon.running.stop();
    for line in daemon.running.lines.by_ref() {
        let begins_with_a_time = line.len() > 20 && line.as_bytes()[..4].iter().all(u8::is_ascii_digit);
        assert!(begins_with_a_time && !line.contains('\u{1b}'), "{line}");
        assert!(!line.starts_with("2026-01-01T00:00:00.000000Z"), "{line}");
    }
}

#[tokio::test]
async fn an_operator_prints_the_actors_of_a_running_daemon() {
    let daemon = Daemon::start("info");
    let address = daemon.api.trim_start_matches("http://").trim_end_matches("/api/v1").to_owned();
    let actors = |password: &'static str| {
        let mut command = tracker();
        command.args(["actors", "--listen", &address]).env("ADMIN_EMAIL", ADMIN_EMAIL).env("ADMIN_PASSWORD", password);
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let printed = actors(ADMIN_PASSWORD).await.unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let table = String::from_utf8(printed.stdout).unwrap();
    assert!(table.starts_with("KIND"), "{table}");
    assert!(table.lines().any(|line| line.starts_with("recorder")), "{table}");
    let (_, login) = daemon.login(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let token = login["access_token"].as_str().unwrap();
    let (_, sessions) = daemon.ask(Method::GET, "/auth/sessions", token, &Value::Null).await;
    let sessions = sessions["items"].as_array().or(sessions.as_array()).unwrap();
    assert_eq!(sessions.len(), 1, "the command leaves no session open");
    let refused = actors("not the password at all").await.unwrap();
    assert!(!refused.status.success());
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("401"), "{error}");
}

/// Signs a browser in with the token of a link; the cookie that it gets.
async fn enter(client: &Client, link: &str) -> (StatusCode, String) {
    let (url, token) = link.split_once("#enter=").unwrap();
    let request = client.post(format!("{url}api/v1/auth/session")).json(&json!({ "token": token }));
    let response = request.send().await.unwrap();
    let cookie = response.headers().get("set-cookie").map(|cookie| cookie.to_str().unwrap().to_owned());
    (response.status(), cookie.unwrap_or_default().split(';').next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_link_of_the_command_line_signs_a_browser_in_once() {
    let daemon = Daemon::start("info");
    let database = format!("sqlite://{}", daemon.folder.path().join("tracker.sqlite").display());
    let address = daemon.api.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let link = |email: &str| {
        let arguments = ["user", "--database-url", &database, "sign-in-link", email, "--listen", address];
        tracker().args(arguments).output().unwrap()
    };
    assert!(String::from_utf8(link("nobody@example.com").stderr).unwrap().contains("no such user"));
    let link = String::from_utf8(link(ADMIN_EMAIL).stdout).unwrap();
    assert!(link.starts_with(&format!("http://{address}/#enter=lt_")), "{link}");
    let page = daemon.client.get(link.trim()).send().await.unwrap();
    assert!(page.status() == 200 && page.headers().get("set-cookie").is_none(), "opening it uses nothing up");
    let (status, cookie) = enter(&daemon.client, link.trim()).await;
    assert_eq!(status, StatusCode::OK);
    let me = daemon.client.get(format!("{}/users/me", daemon.api)).header("cookie", cookie).send().await.unwrap();
    assert_eq!(me.json::<Value>().await.unwrap()["email"], ADMIN_EMAIL);
    assert_eq!(enter(&daemon.client, link.trim()).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let both = json!({ "token": "lt_x", "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
    assert_eq!(daemon.post("/auth/session", both).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_demo_prints_a_link_to_products_that_move_and_alerts_that_fire() {
    let mut command = tracker();
    command.args(["demo", "--seconds", "120"]);
    for listener in ["--listen", "--marketplace-listen", "--receiver-listen"] {
        command.args([listener, "127.0.0.1:0"]);
    }
    let mut demo = Running::start(&mut command);
    let first = demo.lines.next().unwrap();
    let link = first.strip_prefix("Open ").unwrap_or_else(|| panic!("{first}"));
    let client = Client::builder().no_proxy().build().unwrap();
    assert_eq!(enter(&client, link).await.0, StatusCode::OK);
    let (status, cookie) = enter(&client, link).await;
    assert_eq!(status, StatusCode::OK, "it works as long as the demo runs");
    let board = async || {
        let url = link.replace("#", "api/v1/board?limit=100&").split("&enter").next().unwrap().to_owned();
        client.get(url).header("cookie", &cookie).send().await.unwrap().json::<Value>().await.unwrap()
    };
    let before = board().await;
    assert_eq!(before["counts"]["tracked"], 20);
    let prices = |board: &Value| {
        let items = board["items"].as_array().unwrap().clone();
        items.into_iter().map(|row| row["product"]["price"]["amount_minor"].clone()).collect::<Vec<_>>()
    };
    let began_at = std::time::Instant::now();
    loop {
        let now = board().await;
        let moved = prices(&before).iter().zip(prices(&now)).filter(|(then, now)| *then != now).count();
        if moved >= 15 && now["counts"]["alerts_today"].as_u64() > Some(0) {
            break;
        }
        assert!(began_at.elapsed().as_secs() < 60, "{moved} products moved; {}", now["counts"]);
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    demo.stop();
    assert!(!demo.lines.any(|line| line.contains("curl")), "commands are for --verbose");
}
