//! The command itself, as a shell sees it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn tracker() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_amazon-tracker"));
    command.env_clear().current_dir(std::env::temp_dir());
    command
}

fn run(arguments: &[&str]) -> Output {
    tracker().args(arguments).output().unwrap()
}

fn error_of(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_page_on_standard_input_becomes_one_json_object() {
    let mut child = tracker()
        .args(["extract", "--marketplace", "de", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"<html>tiny</html>").unwrap();
    let page: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!((page["kind"].as_str(), &page["price_minor"]), (Some("other_error"), &Value::Null));
    for field in [
        "asin",
        "title",
        "brand",
        "currency",
        "availability",
        "seller",
        "rating",
        "bsr",
        "bullets",
        "items",
        "diagnostics",
    ] {
        assert!(page.get(field).is_some(), "{field}");
    }
}

#[test]
fn a_mistake_is_one_line_that_names_it() {
    for (arguments, named) in [
        (&["extract", "no-such-page.html"][..], "no-such-page.html"),
        (&["track", "B08"], "10 characters"),
        (&["serve", "--listen", "0.0.0.0:8000"], "server.listen"),
        (&["serve", "--database-url", "mysql://x"], "sqlite:"),
        (&["simulate", "--captcha-rate", "2", "--listen", "127.0.0.1:0"], "--captcha-rate"),
        (&["healthcheck", "--listen", "127.0.0.1:1"], "does not answer"),
    ] {
        let error = error_of(&run(arguments));
        assert!(error.contains(named), "{arguments:?}: {error}");
    }
}

#[test]
fn an_unknown_setting_is_named_with_what_is_allowed() {
    let output = tracker().env("TRACKER__CRAWL__CONCURENCY", "3").args(["serve", "--check-config"]).output().unwrap();
    let error = error_of(&output);
    assert!(error.contains("concurency") && error.contains("`concurrency`"), "{error}");
}

#[test]
fn the_effective_settings_are_shown_without_secrets() {
    let output =
        tracker().env("DATABASE_URL", "postgres://me:hunter2@db/x").args(["serve", "--check-config"]).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("url = \"(hidden)\"") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_openapi_document_is_printed() {
    let document: Value = serde_json::from_slice(&run(&["openapi"]).stdout).unwrap();
    assert!(document["paths"]["/api/v1/products/{id}"]["patch"].is_object());
}

#[test]
fn a_daemon_that_is_told_to_stop_drains_and_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("new/tracker.sqlite").display());
    let mut daemon = tracker()
        .args(["serve", "--listen", "127.0.0.1:0", "--database-url", &database])
        .env("TRACKER__LOG__JSON", "true")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(daemon.stderr.take().unwrap()).lines().map(Result::unwrap);
    let listening = lines.find(|line| line.contains("listening on")).unwrap();
    let line: Value = serde_json::from_str(&listening).unwrap();
    assert_eq!(line["level"], "INFO");
    Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap();
    assert!(lines.any(|line| line.contains("drained")));
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}
