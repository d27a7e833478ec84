//! `make test-mcp`: the official inspector and conformance suite.

use std::process::{Command, Output};

use serde_json::Value;

use super::key_proxy::KeyProxy;
use crate::daemon::{Daemon, Engine};

/// Where `scripts/require.sh mcp_tools` puts them, with a Node of their own.
const BIN: &str = "target/mcp-tools/node_modules/.bin";
/// What the suite cannot find here: mostly the tools, prompts and resources of its own example server.
const EXPECTED_FAILURES: &str = "tests/api/mcp/expected-failures";

/// Runs a program of the folder to its end. It finds its Node, and a home of its own.
async fn run(program: &str, arguments: &[&str]) -> Output {
    let bin = std::env::current_dir().unwrap().join(BIN);
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(bin.join(program));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    command.args(arguments).env("PATH", path).env("HOME", home.path()).env("NO_PROXY", "127.0.0.1,localhost");
    command.env_remove("HTTP_PROXY").env_remove("http_proxy");
    let ended = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    ended.unwrap_or_else(|error| panic!("{program}: {error}; run `make test-mcp`"))
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the inspector: make test-mcp"]
async fn the_inspector_lists_and_calls() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let url = format!("http://{}/mcp", daemon.address());
    let header = format!("Authorization: Bearer {}", daemon.key);
    let ask = async |arguments: &[&str]| {
        let always = ["--cli", &url, "--transport", "http", "--header", &header];
        let output = run("mcp-inspector", &[always.as_slice(), arguments].concat()).await;
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
    };
    let list = ask(&["--method", "tools/list", "--strict"]).await;
    assert_eq!(list["tools"].as_array().unwrap().len(), crate::mcp::protocol::TOOLS, "{list}");
    let found = ask(&["--method", "tools/call", "--tool-name", "search_products", "--tool-arg", "limit=5"]).await;
    assert_eq!(found["structuredContent"]["products"], serde_json::json!([]), "{found}");
    let without = run("mcp-inspector", &["--cli", &url, "--transport", "http", "--method", "tools/list"]).await;
    assert!(!without.status.success(), "it has no key: {}", text(&without));
    println!("inspector: list, call, refused without a key");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the conformance suite: make test-mcp"]
async fn the_conformance_suite_fails_where_it_is_expected_to_and_nowhere_else() {
    let proxy = KeyProxy::start();
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| {
        settings.auth.public_url = Some(proxy.url().parse().unwrap());
    })
    .await;
    proxy.pass_to(format!("http://{}", daemon.address()), daemon.key.clone());
    let url = format!("{}/mcp", proxy.url());
    for revision in ["2025-11-25", "2026-07-28"] {
        let expected = format!("{EXPECTED_FAILURES}-{revision}.yml");
        let arguments = ["server", "--url", &url, "--requirements", revision, "--expected-failures", &expected];
        let output = run("conformance", &arguments).await;
        assert!(output.status.success(), "{revision}: {}", text(&output));
        println!("conformance with {revision}: as expected");
    }
    daemon.end().await;
}
