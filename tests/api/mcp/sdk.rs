//! `make test-mcp`: the pinned Python SDK talks to two replicas (`scripts/test_mcp.py`), and signs in (`scripts/test_mcp_oauth.py`).

use std::process::Command;

use amazon_tracker::domain::Scope;
use reqwest::Method;
use serde_json::json;

use super::oauth::dance::{App, accepting};
use crate::access::{PASSWORD, as_bearer, newcomer};
use crate::daemon::{Daemon, Engine, expect};

const PYTHON: &str = "target/mcp-sdk/bin/python";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the Python SDK: make test-mcp"]
async fn the_python_sdk_lists_and_calls_in_every_mode_with_every_credential() {
    let daemon = Daemon::start(Engine::Postgres).await;
    let other = daemon.start_beside().await;
    let product = daemon.watch(daemon.listing(0)).await;
    let channel = json!({ "kind": "webhook", "name": "Ours", "config": { "url": daemon.receiver.url() } });
    expect(201, daemon.post("/api/v1/channels", &channel)).await;
    let jo = newcomer(&daemon, "jo").await;
    let scopes = ["product:read", "product:write", "alert:write", "crawl:create", "report:create"];
    let foreign = as_bearer(&daemon, Method::POST, "/api/v1/auth/api-keys", &jo);
    let foreign = expect(201, foreign.json(&json!({ "name": "sdk", "scopes": scopes }))).await["key"].clone();
    let read = daemon.key_with(&[Scope::ProductRead]).await;
    let keys = json!({ "read": read, "write": daemon.key, "other": foreign });
    let replicas = json!([format!("http://{}", daemon.address()), format!("http://{}", other.address())]);
    let variables =
        [("MCP_REPLICAS", replicas.to_string()), ("MCP_KEYS", keys.to_string()), ("MCP_PRODUCT", product.to_string())];
    run("scripts/test_mcp.py", &variables).await;
    other.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the Python SDK: make test-mcp"]
async fn the_oauth_client_of_the_python_sdk_gets_the_consent_of_a_user() {
    let (daemon, app) = (accepting(Engine::Sqlite).await, App::start());
    newcomer(&daemon, "jo").await;
    let variables = [
        ("MCP_SERVER", format!("http://{}/mcp", daemon.address())),
        ("MCP_CLIENT_ID", app.id()),
        ("MCP_EMAIL", "jo@example.com".to_owned()),
        ("MCP_PASSWORD", PASSWORD.to_owned()),
    ];
    run("scripts/test_mcp_oauth.py", &variables).await;
    daemon.end().await;
}

/// Runs a script with the SDK, and shows what it prints.
async fn run(script: &str, variables: &[(&str, String)]) {
    let mut sdk = Command::new(PYTHON);
    sdk.arg(script).env("NO_PROXY", "127.0.0.1").env_remove("HTTP_PROXY");
    for (name, value) in variables {
        sdk.env(name, value);
    }
    let ended = tokio::task::spawn_blocking(move || sdk.output()).await.unwrap();
    let output = ended.unwrap_or_else(|error| panic!("{PYTHON}: {error}; run `make test-mcp`"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    println!("{}", text(&output.stdout));
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}
