//! Advice of a model, as an operator sees it: what `doctor` says, what a killed process leaves, and what the log never shows.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use crate::model_endpoint::{Behaviour, KEY, MODEL, ModelEndpoint};
use crate::{ADMIN_EMAIL, ADMIN_PASSWORD, Running, address_in, tracker};

const PRICES: &str = "[{from=\"2026-01-01\",input_usd=1.25,cached_input_usd=0.125,output_usd=10.0}]";
const PATIENCE: Duration = Duration::from_secs(30);

fn variables(endpoint: &ModelEndpoint) -> HashMap<&'static str, String> {
    [
        ("TRACKER__ADVICE__ENABLED", "true".to_owned()),
        ("TRACKER__ADVICE__BASE_URL", endpoint.url()),
        ("TRACKER__ADVICE__MODEL", MODEL.to_owned()),
        ("TRACKER__ADVICE__PRICES", PRICES.to_owned()),
        ("OPENAI_API_KEY", KEY.to_owned()),
    ]
    .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_checks_the_key_and_the_model_for_nothing() {
    let endpoint = ModelEndpoint::start("");
    let examine = |variable: &'static str, value: &str| {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
        let mut doctor = tracker();
        doctor.args(["doctor", "--json", "--database-url", &database]).envs(variables(&endpoint));
        let output = doctor.env(variable, value).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(!report.to_string().contains(KEY));
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|finding| finding["check"] == "advice").unwrap().clone()
    };
    for (variable, value, result, said) in [
        ("TRACKER__ADVICE__MAX_OUTPUT_TOKENS", "1000", "ok", MODEL),
        ("TRACKER__ADVICE__ENABLED", "false", "skipped", "advice.enabled"),
        ("OPENAI_API_KEY", "sk-another", "fault", "API key"),
        ("TRACKER__ADVICE__MODEL", "another-model", "fault", "another-model"),
        ("TRACKER__ADVICE__BASE_URL", &endpoint.url().replace("/v1", "/v2"), "warning", "404"),
        ("TRACKER__ADVICE__BASE_URL", "http://127.0.0.1:1/v1", "fault", "does not answer"),
    ] {
        let finding = examine(variable, value);
        assert_eq!(finding["result"], result, "{variable}={value}: {finding}");
        assert!(finding["detail"].as_str().unwrap().contains(said), "{finding}");
    }
    let without_key = tracker()
        .args(["doctor", "--json"])
        .envs([
            ("TRACKER__ADVICE__ENABLED", "true"),
            ("TRACKER__ADVICE__MODEL", MODEL),
            ("TRACKER__ADVICE__PRICES", PRICES),
        ])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&without_key.stdout).contains("set OPENAI_API_KEY"));
    assert!(endpoint.requests().is_empty(), "no model was asked");
}

/// A daemon that logs all there is.
struct Daemon {
    running: Running,
    api: String,
    client: Client,
    token: String,
    log: Vec<String>,
}

impl Daemon {
    async fn start(folder: &Path, market: &str, endpoint: &ModelEndpoint) -> Self {
        let database = format!("sqlite://{}", folder.join("tracker.sqlite").display());
        let mut command = tracker();
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", &database]);
        command.envs(variables(endpoint)).env("TRACKER__LOG__FILTER", "trace").env("NO_COLOR", "1");
        command.env("ADMIN_EMAIL", ADMIN_EMAIL).env("ADMIN_PASSWORD", ADMIN_PASSWORD);
        let mut running = Running::start(command.env("TRACKER__CRAWL__BASE_URL", market));
        let mut log = Vec::new();
        let address = loop {
            let line = running.lines.next().unwrap();
            log.push(line.clone());
            if line.contains("listening on http://") {
                break address_in(&line).to_owned();
            }
        };
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let mut daemon = Self { running, api: format!("http://{address}/api/v1"), client, token: String::new(), log };
        let login = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
        daemon.token =
            daemon.ask(Method::POST, "/auth/login", &login).await["access_token"].as_str().unwrap().to_owned();
        daemon
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = self.client.request(method, format!("{}{path}", self.api)).bearer_auth(&self.token).json(body);
        request.header("prefer", "wait=8").send().await.unwrap().json().await.unwrap()
    }

    async fn eventually(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let value = self.ask(Method::GET, path, &json!({})).await;
            if is_so(&value) {
                return value;
            }
            assert!(Instant::now() < until, "never came true at {path}: {value:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Kills it, and reads the rest of its log.
    fn kill(mut self) -> Vec<String> {
        self.running.child.kill().unwrap();
        self.log.extend(self.running.lines.by_ref());
        std::mem::take(&mut self.log)
    }
}

async fn execute(folder: &Path, statements: &[&'static str]) {
    let database = format!("sqlite://{}", folder.join("tracker.sqlite").display());
    let mut conn = SqliteConnection::connect(&database).await.unwrap();
    for statement in statements {
        sqlx::query(*statement).execute(&mut conn).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_whose_process_is_killed_is_charged_and_the_key_is_in_no_log() {
    let good = json!({ "suggestions": [{
        "field": "price", "action": "investigate", "severity": "low", "reason": "It is {f1}.", "evidence": ["f1"], "new_text": null
    }] });
    let endpoint = ModelEndpoint::start(good.to_string());
    let folder = tempfile::tempdir().unwrap();
    let mut market = Running::start(tracker().args(["simulate", "--listen", "127.0.0.1:0"]));
    let market = format!("http://{}", address_in(&market.until_it_says("simulated marketplace on")));
    let daemon = Daemon::start(folder.path(), &market, &endpoint).await;
    let add = json!({ "asin": "B000000019", "marketplace": "com" });
    let product = daemon.ask(Method::POST, "/products", &add).await["id"].clone();
    let path = format!("/products/{}", product.as_str().unwrap());
    daemon.eventually(&path, |product| !product["checked_at"].is_null()).await;
    execute(
        folder.path(),
        &[
            "UPDATE point SET at = at - 5184000000",
            "UPDATE listing SET state = json_set(state, '$.change_rate.comparisons', 30)",
        ],
    )
    .await;
    let question = |language: &str| json!({ "product_id": product, "language": language });
    for (behaviour, code) in [
        (Behaviour::Unauthorized, "model_refuses"),
        (Behaviour::NoQuota, "model_without_money"),
        (Behaviour::Stream, "model_failed"),
    ] {
        endpoint.behave([behaviour]);
        assert_eq!(daemon.ask(Method::POST, "/suggestions", &question("en")).await["code"], code);
    }
    let answered = daemon.ask(Method::POST, "/suggestions", &question("en")).await;
    assert_eq!(answered["request"]["status"], "answered", "{answered}");
    endpoint.behave([Behaviour::Hang]);
    let asking = daemon.ask(Method::POST, "/suggestions", &question("de")).await;
    assert_eq!(asking["request"]["status"], "asking", "{asking}");
    let mut log = daemon.kill();

    // Its time has passed.
    execute(folder.path(), &["UPDATE advice_request SET lost_at = at + 1", "DELETE FROM job_lease"]).await;
    let next = Daemon::start(folder.path(), &market, &endpoint).await;
    let path = format!("/suggestions?product_id={}", product.as_str().unwrap());
    let lost = next.eventually(&path, |read| read["request"]["status"] == "failed").await;
    let request = &lost["request"];
    assert_eq!((&request["id"], &request["failure"]["code"]), (&asking["request"]["id"], &json!("question_lost")));
    assert_eq!(request["cost_nanos_usd"], asking["request"]["cost_nanos_usd"], "what was reserved");
    assert_eq!(lost["budget"]["spent_nanos_usd"], asking["budget"]["spent_nanos_usd"]);
    assert_eq!(lost["advice"]["language"], "en", "the answer before it stays");
    log.extend(next.kill());
    assert!(log.len() > 100 && log.iter().any(|line| line.contains("a model gave no advice")), "{} lines", log.len());
    assert!(log.iter().all(|line| !line.contains(KEY)), "{:?}", log.iter().find(|line| line.contains(KEY)));
}
