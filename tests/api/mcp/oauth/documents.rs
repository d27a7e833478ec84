//! Documents of clients: from where, how large, how often.

use serde_json::{Value, json};

use super::dance::{App, Browser, accepting, accepting_with};
use crate::daemon::{Daemon, Engine};

/// The page that an app gets, and why.
async fn opened(daemon: &Daemon, app: &App) -> (u16, String) {
    let response = Browser::new(daemon).open(&app.parameters(daemon, &[])).await;
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_be_trusted_is_refused_and_asked_for_again() {
    let (daemon, app) = (accepting(Engine::Sqlite).await, App::start());
    let with = |field: &str, value: Value| {
        let mut document = app.document();
        document[field] = value;
        document
    };
    for (status, document, why) in [
        (404, app.document(), "status 404"),
        // To the same host, where the same document is.
        (302, app.document(), "status 302"),
        (200, json!("not a document"), "not a document"),
        (200, with("client_id", json!("https://other.example/client.json")), "another client"),
        (200, with("client_secret", json!("s")), "without one are accepted"),
        (200, with("token_endpoint_auth_method", json!("client_secret_basic")), "without one are accepted"),
        (200, with("redirect_uris", json!([])), "redirect_uris"),
        (200, with("padding", json!("x".repeat(17 * 1024))), "16384 bytes"),
    ] {
        app.says(status, &document);
        let (status, page) = opened(&daemon, &app).await;
        assert_eq!(status, 400, "{why}");
        assert!(page.contains(why), "{why}: {page}");
    }
    let before = app.fetched();
    app.says(200, &app.document());
    assert_eq!(opened(&daemon, &app).await.0, 200, "failures are not kept");
    app.says(404, &json!({}));
    assert_eq!(opened(&daemon, &app).await.0, 200);
    assert_eq!(app.fetched(), before + 1, "a good document is");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_come_from_public_hosts_with_tls_and_from_those_that_the_settings_name() {
    let app = App::start();
    let daemon = accepting_with(Engine::Sqlite, |settings| settings.oauth.allow_private_clients = false).await;
    let secure = app.id().replace("http://", "https://");
    for id in [app.id(), secure, "https://localhost/client.json".to_owned(), "https://[::1]/client.json".to_owned()] {
        let response = Browser::new(&daemon).open(&app.parameters(&daemon, &[("client_id", &id)])).await;
        assert_eq!(response.status(), 400, "{id}");
    }
    daemon.end().await;
    let daemon = accepting_with(Engine::Sqlite, |settings| {
        settings.oauth.client_hosts = vec!["claude.ai".to_owned(), "chatgpt.com".to_owned()];
    })
    .await;
    let (status, page) = opened(&daemon, &app).await;
    assert_eq!(status, 400);
    assert!(page.contains("does not accept clients of that host"), "{page}");
    assert_eq!(app.fetched(), 0, "nobody was asked");
    daemon.end().await;
}
