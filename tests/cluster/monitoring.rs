//! Prometheus with the production alert rules, but shorter `for` durations, monitors the replicas.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use crate::fixture::Fixture;
use crate::processes::{Folder, Process, free_port};
use crate::{SOON, eventually};

const ALERT: &str = "ReplicaDown";

/// A Prometheus server that scrapes every second.
struct Prometheus {
    url: String,
    client: Client,
    process: Process,
    _folder: Folder,
}

impl Prometheus {
    fn start(fixture: &Fixture) -> Self {
        let folder = Folder::new("amazon-tracker-prometheus-");
        let (process, port) = (Process::new(folder.home("prometheus")), free_port());
        copy_rules(process.home());
        let targets: Vec<_> = fixture.replicas.iter().map(|replica| replica.address.to_string()).collect();
        let configuration = json!({
            "global": { "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s" },
            "rule_files": ["*.rules.yml"],
            "scrape_configs": [{ "job_name": "tracker", "static_configs": [{ "targets": targets }] }],
        });
        // JSON is valid YAML.
        fs::write(process.home().join("prometheus.yml"), configuration.to_string()).unwrap();
        let mut command = Command::new("prometheus");
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        process.run(command.arg(format!("--web.listen-address=127.0.0.1:{port}")));
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
        Self { url: format!("http://127.0.0.1:{port}"), client, process, _folder: folder }
    }

    async fn fetch(&self, path: &str) -> Option<Value> {
        self.client.get(format!("{}{path}", self.url)).send().await.ok()?.json().await.ok()
    }

    /// The value of an expression.
    async fn value(&self, expression: &str) -> Option<f64> {
        let answer = self.fetch(&format!("/api/v1/query?query={expression}")).await?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    /// Names of the firing alerts.
    async fn firing(&self) -> Vec<String> {
        let answer = self.fetch("/api/v1/alerts").await.unwrap_or_default();
        let alerts = answer["data"]["alerts"].as_array().cloned().unwrap_or_default();
        let firing = alerts.into_iter().filter(|alert| alert["state"] == "firing");
        firing.map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned()).collect()
    }
}

/// Copies the production rules with every `for` duration shortened to seconds.
fn copy_rules(to: &Path) {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prometheus");
    let mut copied = 0;
    for file in fs::read_dir(rules).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".rules.yml") {
            let text = fs::read_to_string(&file).unwrap();
            let shortened = text.lines().map(|line| match line.split_once("for: ") {
                Some((before, _)) if before.trim().is_empty() => format!("{before}for: 2s\n"),
                _ => format!("{line}\n"),
            });
            fs::write(to.join(name), shortened.collect::<String>()).unwrap();
            copied += 1;
        }
    }
    assert!(copied > 0, "no rules in config/prometheus");
}

/// Prometheus scrapes all three replicas. The alert does not fire while all are up, fires when one is killed, and ends
/// when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_replica_fires_an_alert_that_ends_when_it_is_back() {
    let fixture = Fixture::start().await;
    let prometheus = Prometheus::start(&fixture);
    let up = async |count: f64| prometheus.value("sum(up{job=\"tracker\"})").await == Some(count);
    eventually("three replicas are up", SOON, async || up(3.0).await).await;
    assert!(prometheus.value("sum(tracker_recorded_crawls_total)").await.unwrap() > 0.0);
    let fires = async || prometheus.firing().await.contains(&ALERT.to_owned());
    assert!(!fires().await, "{}", prometheus.process.log());
    fixture.replicas[0].process.kill();
    eventually(ALERT, SOON, &fires).await;
    assert!(up(2.0).await);
    fixture.replicas[0].run();
    eventually("the alert has ended", SOON, async || !fires().await).await;
}
