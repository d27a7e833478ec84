//! A Chromium that is driven by its WebDriver, chromedriver.
//!
//! The crate `thirtyfour` would do the same. But it turns on the feature `preserve_order` of `serde_json` in every build that has it as
//! a dependency: all tests would see other JSON than what is released, and every crate above `serde_json` would be compiled twice.

#![allow(dead_code, reason = "each binary uses a part of this module")]

use std::fmt::{self, Display};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::processes::{Folder, Process, free_port};

/// Nothing here takes this long; it only keeps what is broken from hanging.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How Chromium is started, with a profile of its own. Its end of the pipe closes when the driver ends, and it ends with it.
const FLAGS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--no-first-run",
    // The shared memory of containers is small.
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
    "--window-size=1200,840",
    // Pictures are the same on every screen, and smaller.
    "--disable-lcd-text",
    // As in a local network with names of its own.
    "--host-resolver-rules=MAP *.lan 127.0.0.1",
];

/// Where the programs of a distribution are called so.
const BROWSERS: [&str; 2] = ["chromium", "google-chrome"];

/// A running chromedriver.
pub struct Driver {
    address: String,
    process: Process,
    _folder: Folder,
}

impl Driver {
    /// The one of this process, which ends with it.
    pub async fn shared() -> &'static Self {
        static DRIVER: OnceCell<Driver> = OnceCell::const_new();
        DRIVER.get_or_init(Self::start).await
    }

    async fn start() -> Self {
        let folder = Folder::new("tracker-browser-");
        let process = Process::new(folder.home("chromedriver"));
        let port = free_port();
        process.run(Command::new("chromedriver").arg(format!("--port={port}")));
        let address = format!("127.0.0.1:{port}");
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < until, "chromedriver does not listen\n{}", process.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self { address, process, _folder: folder }
    }

    /// Starts a browser with an empty profile.
    pub async fn browser(&self) -> Browser {
        let profile = tempfile::tempdir().expect("a temporary directory");
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities = json!({ "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "binary": program(), "args": flags },
        } });
        let client =
            Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client without options that can fail");
        let root = format!("http://{}/session", self.address);
        let session = send(&client, Method::POST, &root, &json!({ "capabilities": capabilities })).await;
        let session =
            session.unwrap_or_else(|error| panic!("Chromium does not start: {error}\n{}", self.process.log()));
        let path = format!("/session/{}", text(&session["sessionId"]));
        Browser { client, address: self.address.clone(), path, _profile: profile }
    }
}

/// The browser's path.
fn program() -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let found =
        BROWSERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|it| it.is_file());
    let found = found.expect("Chromium is missing: `scripts/require.sh browser` installs it");
    found.to_str().expect("a path that is text").to_owned()
}

/// Why a command failed, as the protocol says it.
#[derive(Debug)]
pub struct Failure {
    pub error: String,
    pub message: String,
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.message)
    }
}

/// What a command answers.
pub type Answer = Result<Value, Failure>;

async fn send(client: &Client, method: Method, url: &str, body: &Value) -> Answer {
    let mut request = client.request(method.clone(), url);
    if method == Method::POST {
        request = request.json(body);
    }
    let response = request.send().await.expect("chromedriver answers");
    let is_success = response.status().is_success();
    let mut answer: Value = response.json().await.expect("chromedriver answers JSON");
    let value = answer["value"].take();
    if is_success {
        return Ok(value);
    }
    Err(Failure { error: text(&value["error"]).to_owned(), message: text(&value["message"]).to_owned() })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A line of the console.
#[derive(Debug, Clone)]
pub struct LogLine {
    pub level: String,
    pub message: String,
}

/// A browser. It is closed when dropped.
pub struct Browser {
    client: Client,
    address: String,
    path: String,
    // Removed when the browser has ended.
    _profile: TempDir,
}

impl Browser {
    /// A command of WebDriver with a body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(&self.client, Method::POST, &format!("http://{}{}{path}", self.address, self.path), body).await
    }

    /// A command of WebDriver without a body.
    pub async fn get(&self, path: &str) -> Answer {
        send(&self.client, Method::GET, &format!("http://{}{}{path}", self.address, self.path), &Value::Null).await
    }

    /// A command of the DevTools protocol, for the current tab.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Answer {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await
    }

    /// Runs the body of a function in the page. It is not subject to the policy of the page.
    pub async fn script(&self, script: &str, arguments: &[Value]) -> Answer {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments })).await
    }

    /// Goes to an address, and waits until the page is loaded.
    pub async fn go(&self, url: &str) -> Answer {
        self.post("/url", &json!({ "url": url })).await
    }

    /// What was written to the console since the last call.
    pub async fn log(&self) -> Result<Vec<LogLine>, Failure> {
        let lines = self.post("/se/log", &json!({ "type": "browser" })).await?;
        let line = |line: &Value| LogLine {
            level: text(&line["level"]).to_owned(),
            message: text(&line["message"]).to_owned(),
        };
        Ok(lines.as_array().into_iter().flatten().map(line).collect())
    }

    /// Presses keys one after the other, holding those before a plus: `j`, `Enter`, `Shift+Tab`.
    pub async fn press(&self, keys: &str) -> Answer {
        let mut actions = Vec::new();
        let mut act = |kind: &str, key: &str| actions.push(json!({ "type": kind, "value": code_of(key) }));
        for chord in keys.split(' ') {
            let chord: Vec<&str> = if chord == "+" { vec!["+"] } else { chord.split('+').collect() };
            chord.iter().for_each(|key| act("keyDown", key));
            chord.iter().rev().for_each(|key| act("keyUp", key));
        }
        self.post("/actions", &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] })).await
    }
}

impl Drop for Browser {
    /// Waits for the answer, so that nothing writes to the profile any more when it is removed.
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect(&self.address) else { return };
        let request = format!("DELETE {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.path, self.address);
        let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
        let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read(&mut [0; 1024]));
    }
}

/// The character that stands for a key in WebDriver.
fn code_of(key: &str) -> &str {
    match key {
        "Shift" => "\u{e008}",
        "Control" => "\u{e009}",
        "Tab" => "\u{e004}",
        "Enter" => "\u{e007}",
        "Escape" => "\u{e00c}",
        "Space" => " ",
        "End" => "\u{e010}",
        "Home" => "\u{e011}",
        "ArrowLeft" => "\u{e012}",
        "ArrowUp" => "\u{e013}",
        "ArrowRight" => "\u{e014}",
        "ArrowDown" => "\u{e015}",
        _ => key,
    }
}
