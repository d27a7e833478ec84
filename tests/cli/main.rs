//! The command itself, as a shell sees it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod advice;
mod doctor;
mod export;
mod import;
#[path = "../api/mailbox.rs"]
#[allow(dead_code, reason = "this test binary uses a part of this module")]
mod mailbox;
mod migrate_store;
#[path = "../support/model_endpoint.rs"]
#[allow(dead_code, reason = "this test binary uses a part of this module")]
mod model_endpoint;
mod place;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/redis.rs"]
mod redis;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use sqlx::{Connection, SqliteConnection};

const ADMIN_EMAIL: &str = "root@example.com";
const ADMIN_PASSWORD: &str = "correct horse battery staple";

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
        (&["serve", "--database-url", "sqlite://"], "database.url"),
        (&["demo", "--listen", "0.0.0.0:8000"], "server.listen"),
        (&["--config-dir", "/no/such", "openapi"], "--config-dir"),
        (&["track", "https://www.amazon.de/dp/B08PZHYWJS", "--marketplace", "com"], "--marketplace"),
        (&["extract", "--url", "https://example.com/", "-"], "--url"),
        (&["extract", "--url", "https://amazon.de/", "--marketplace", "com", "-"], "--marketplace"),
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

/// A child that logs to us, and is killed when the test ends early.
struct Running {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (line, lines) = mpsc::channel();
        for stream in [Box::new(stdout) as Box<dyn Read + Send>, Box::new(stderr)] {
            let line = line.clone();
            std::thread::spawn(move || BufReader::new(stream).lines().try_for_each(|it| line.send(it.unwrap())));
        }
        Self { child, lines: Box::new(lines.into_iter()) }
    }

    fn until_it_says(&mut self, words: &str) -> String {
        self.lines.find(|line| line.contains(words)).unwrap_or_else(|| panic!("it ended without saying `{words}`"))
    }

    fn stop(&mut self) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn sigterm_drains_the_daemon_and_exits_with_zero() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("new/tracker.sqlite").display());
    let serve = ["serve", "--listen", "127.0.0.1:0", "--database-url", &database];
    let mut daemon = tracker();
    daemon.args(serve).env("TRACKER__LOG__JSON", "true");
    let mut daemon =
        Running::start(daemon.env("SMTP_URL", "smtp://127.0.0.1:1").env("MAIL_FROM", "tracker@example.com"));
    let line: Value = serde_json::from_str(&daemon.until_it_says("listening on")).unwrap();
    assert_eq!(line["level"], "INFO");
    daemon.stop();
    daemon.until_it_says("drained");
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
    assert_eq!(daemon.lines.next(), None, "a panic, say");
}

/// Of a process, in megabytes.
fn resident_mb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Together they ask for more than 2 GB.
#[test]
fn five_hundred_clients_that_never_read_take_little_memory_and_nobodys_turn() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
    let mut daemon = Running::start(
        tracker()
            .args(["serve", "--listen", "127.0.0.1:0", "--database-url", &database])
            .env("TRACKER__SERVER__SEND_TIMEOUT_SECS", "60"),
    );
    let address = address_in(&daemon.until_it_says("listening on")).to_owned();
    let request = b"GET /api/v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
    let before_mb = resident_mb(daemon.child.id());
    let clients: Vec<TcpStream> = (0..500)
        .map(|_| {
            let mut client = TcpStream::connect(&address).unwrap();
            client.write_all(&request.repeat(20)).unwrap();
            client
        })
        .collect();
    // Another client is served meanwhile; by then, the daemon has read what the others sent.
    for _ in 0..3 {
        let mut other = TcpStream::connect(&address).unwrap();
        other.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        other.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let grown_mb = resident_mb(daemon.child.id()).saturating_sub(before_mb);
    println!("{} clients: {grown_mb} MB", clients.len());
    assert!(grown_mb < 200, "{grown_mb} MB");
    drop(clients);
    daemon.stop();
    daemon.until_it_says("drained");
}

/// The address in a line that says where something listens.
fn address_in(line: &str) -> &str {
    line.split("http://").nth(1).unwrap().split_whitespace().next().unwrap()
}

#[tokio::test]
async fn a_daemon_that_stops_amid_its_crawls_gives_their_leases_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tracker.sqlite");
    let mut market = Running::start(tracker().args(["simulate", "--listen", "127.0.0.1:0", "--slow-rate", "1"]));
    let market = format!("http://{}", address_in(&market.until_it_says("simulated marketplace on")));
    let serve = ["serve", "--listen", "127.0.0.1:0", "--base-url", &market, "--database-url"];
    let mut daemon = tracker();
    daemon.env("ADMIN_EMAIL", ADMIN_EMAIL).env("ADMIN_PASSWORD", ADMIN_PASSWORD);
    daemon.args(serve).arg(format!("sqlite://{}", file.display()));
    for (setting, value) in
        [("CRAWL__REQUESTS_PER_MINUTE", "60000"), ("CRAWL__BURST", "1000"), ("SERVER__DRAIN_SECS", "1")]
    {
        daemon.env(format!("TRACKER__{setting}"), value);
    }
    let mut daemon = Running::start(&mut daemon);
    let api = format!("http://{}/api/v1", address_in(&daemon.until_it_says("listening on")));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let login = serde_json::json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
    let tokens: Value =
        client.post(format!("{api}/auth/login")).json(&login).send().await.unwrap().json().await.unwrap();
    let token = tokens["access_token"].as_str().unwrap();
    for n in 0..12 {
        let body = serde_json::json!({ "asin": format!("B0000000{n:02}") });
        let added = client.post(format!("{api}/products")).bearer_auth(token).json(&body).send().await.unwrap();
        assert_eq!(added.status(), 201);
    }
    let mut database = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    while leased(&mut database).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    daemon.stop();
    daemon.until_it_says("drained");
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
    assert_eq!(leased(&mut database).await, 0);
}

async fn leased(database: &mut SqliteConnection) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM lease WHERE owner IS NOT NULL").fetch_one(database).await.unwrap()
}

#[test]
fn an_empty_installation_logs_a_set_up_link_until_there_is_a_user() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
    let serve = ["serve", "--listen", "127.0.0.1:0", "--database-url", &database];
    let mut daemon = Running::start(tracker().args(serve));
    let line = daemon.until_it_says("no users yet");
    assert!(line.contains("http://127.0.0.1:") && line.contains("/auth/set-up#token=lt_"), "{line}");
    drop(daemon);
    let create = ["user", "--database-url", &database, "create", "root@example.com", "--role", "superadmin"];
    assert!(String::from_utf8(run(&create).stdout).unwrap().contains("password "));
    assert!(error_of(&run(&create)).contains("has an account"));
    let mut daemon = Running::start(tracker().args(serve));
    daemon.until_it_says("listening on");
    daemon.stop();
    assert!(!daemon.lines.any(|line| line.contains("lt_")));
}

#[test]
fn users_and_tenants_are_managed_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
    let out = |arguments: &[&str]| {
        let output = run(&[&arguments[..1], &["--database-url", &database], &arguments[1..]].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(out(&["tenant", "create", "A shop", "--admin", "jo@example.com", "--plan", "pro"]).contains("password "));
    let tenants = out(&["tenant", "list"]);
    let shop = tenants.lines().find(|line| line.contains("A shop")).unwrap();
    assert!(shop.ends_with("pro"), "{tenants}");
    let tenant = shop.split_whitespace().next().unwrap();
    out(&["user", "create", "al@example.com", "--tenant", tenant, "--role", "viewer"]);
    let users = out(&["user", "list", "--tenant", tenant]);
    assert!(
        users.contains("jo@example.com  tenant_admin  active")
            && users.contains("al@example.com  viewer        active")
    );
    assert!(out(&["user", "reset-password", "al@example.com"]).starts_with("password "));
    for (arguments, named) in [
        (&["user", "reset-password", "nobody@example.com"][..], "no such user"),
        (&["tenant", "create", "B", "--admin", "x@example.com", "--plan", "gold"], "--plan gold"),
    ] {
        let all = [&arguments[..1], &["--database-url", &database], &arguments[1..]].concat();
        assert!(error_of(&run(&all)).contains(named));
    }
}

#[test]
fn keys_come_as_a_pair_that_the_daemon_starts_with() {
    let keys = String::from_utf8(run(&["keys"]).stdout).unwrap();
    let private = keys.find("-----BEGIN PRIVATE KEY").unwrap();
    let public = keys.find("-----BEGIN PUBLIC KEY").unwrap();
    let serve = ["serve", "--check-config", "--listen", "0.0.0.0:8000"];
    let exposed = tracker().args(serve).env("JWT_PRIVATE_KEY", &keys[private..public]).output().unwrap();
    assert!(exposed.status.success(), "{exposed:?}");
    assert!(!String::from_utf8(exposed.stdout).unwrap().contains("BEGIN PRIVATE"));
}
