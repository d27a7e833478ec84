//! A single daemon on SQLite with a full disk.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use crate::fixture::{ADMIN_EMAIL, ADMIN_PASSWORD, expect};
use crate::marketplace::Marketplace;
use crate::processes::{Folder, Process, free_port};
use crate::replica::sum_of;
use crate::{BINARY, SOON, eventually};

/// More than an empty database needs.
const DISK_BYTES: u64 = 6 << 20;

/// A daemon on a small disk. As root, a file system of its own, which disappears with the daemon; otherwise, a limit on
/// the size of its files.
struct Daemon {
    process: Process,
    market: Arc<Marketplace>,
    client: Client,
    base: String,
    token: String,
    is_root: bool,
    _folder: Folder,
}

impl Daemon {
    async fn start() -> Self {
        let folder = Folder::new("amazon-tracker-disk-");
        let market = Arc::new(Marketplace::start(&folder, 6, &[]).await);
        let (process, port) = (Process::new(folder.home("daemon")), free_port());
        fs::create_dir(process.home().join("disk")).unwrap();
        let is_root = rustix::process::getuid().is_root();
        let mut command = Command::new(if is_root { "unshare" } else { "sh" });
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        for (name, value) in [
            ("ADMIN_EMAIL", ADMIN_EMAIL),
            ("ADMIN_PASSWORD", ADMIN_PASSWORD),
            ("DATABASE_URL", "sqlite://disk/tracker.sqlite"),
            ("TRACKER__CRAWL__BASE_URL", &market.url),
            ("TRACKER__CRAWL__REQUESTS_PER_MINUTE", "60000"),
            ("TRACKER__CRAWL__BURST", "1000"),
            ("TRACKER__CRAWL__RETRY_SECS", "1"),
            ("TRACKER__PLANS__ENTERPRISE__MIN_INTERVAL", "1s"),
        ] {
            command.env(name, value);
        }
        let serve = format!("exec '{BINARY}' serve --listen 127.0.0.1:{port}");
        process.run(if is_root {
            let mount = format!("mount -t tmpfs -o size={DISK_BYTES} tmpfs disk");
            command.args(["--mount", "sh", "-c", &format!("{mount} && {serve}")])
        } else {
            command.args(["-c", &format!("trap '' XFSZ; {serve}")])
        });
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        let base = format!("http://127.0.0.1:{port}");
        let mut daemon = Self { process, market, client, base, token: String::new(), is_root, _folder: folder };
        eventually("the daemon is ready", SOON, async || daemon.answers("/health/ready").await == Some(200)).await;
        let body = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
        let tokens = expect(200, daemon.request(Method::POST, "/api/v1/auth/login").json(&body)).await;
        daemon.token = tokens["access_token"].as_str().unwrap().to_owned();
        daemon
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    async fn answers(&self, path: &str) -> Option<u16> {
        Some(self.request(Method::GET, path).send().await.ok()?.status().as_u16())
    }

    /// Failed store calls of the daemon's actors.
    async fn store_errors(&self) -> f64 {
        let response = self.request(Method::GET, "/metrics").send().await.unwrap();
        sum_of(&response.text().await.unwrap(), "tracker_store_errors_total")
    }

    /// A file on the daemon's disk, which only the daemon's mount namespace contains.
    fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/cwd/disk/{name}", self.process.id()))
    }

    /// Fills the disk.
    fn fill(&self) {
        if self.is_root {
            let mut filler = File::create(self.file("filler")).unwrap();
            while filler.write(&[0; 4096]).is_ok() {}
        } else {
            self.limit_files("1");
        }
    }

    fn free_space(&self) {
        if self.is_root {
            fs::remove_file(self.file("filler")).unwrap();
        } else {
            self.limit_files("unlimited");
        }
    }

    fn limit_files(&self, bytes: &str) {
        let mut limit = Command::new("prlimit");
        limit.arg(format!("--pid={}", self.process.id())).arg(format!("--fsize={bytes}:unlimited"));
        assert!(limit.status().unwrap().success());
    }

    async fn add(&self, asin: &str) -> u16 {
        let body = json!({ "asin": asin, "marketplace": "com", "frequency": "1s" });
        self.request(Method::POST, "/api/v1/products").json(&body).send().await.unwrap().status().as_u16()
    }

    /// SQLite's integrity check on a copy of the files at one moment, as a crash would have left them.
    async fn integrity(&self) -> String {
        let folder = tempfile::tempdir().unwrap();
        self.process.freeze();
        for name in ["tracker.sqlite", "tracker.sqlite-wal"] {
            fs::copy(self.file(name), folder.path().join(name)).unwrap();
        }
        self.process.thaw();
        let copy = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
        let mut copy = SqliteConnection::connect(&copy).await.unwrap();
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut copy).await.unwrap()
    }

    async fn asins(&self) -> BTreeSet<String> {
        self.products().await.iter().map(|product| product["asin"].as_str().unwrap().to_owned()).collect()
    }

    async fn products(&self) -> Vec<Value> {
        let page = expect(200, self.request(Method::GET, "/api/v1/products?limit=100")).await;
        page["items"].as_array().unwrap().clone()
    }
}

/// Writes are answered with 503, reads work, the process keeps running, and nothing is half stored. Within ten seconds
/// after space is freed, everything works again.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_keeps_stored_data_and_recovers() {
    let daemon = Daemon::start().await;
    let (first, others) = daemon.market.asins.split_first().unwrap();
    assert_eq!(daemon.add(first).await, 201);
    eventually("the listing was crawled", SOON, async || !daemon.products().await[0]["checked_at"].is_null()).await;
    daemon.fill();
    let (mut accepted, mut refused) = (BTreeSet::from([first.clone()]), Vec::new());
    for asin in others {
        // The first writes may fit into pages that were allocated before.
        match daemon.add(asin).await {
            201 => drop(accepted.insert(asin.clone())),
            503 => refused.push(asin),
            status => panic!("{status}\n{}", daemon.process.log()),
        }
    }
    assert!(!refused.is_empty(), "the disk is full");
    daemon.market.set_price(first, 10_500).await;
    eventually("claims fail", SOON, async || daemon.store_errors().await > 0.0).await;
    assert_eq!(daemon.answers("/health/live").await, Some(200));
    eventually("the daemon says that it is not ready", SOON, async || {
        let health = daemon.client.get(format!("{}/health/ready", daemon.base)).send().await.unwrap();
        health.status() == 503 && health.json::<Value>().await.unwrap()["database_problem"] == "disk_full"
    })
    .await;
    assert_eq!(daemon.asins().await, accepted);
    daemon.free_space();
    eventually("the new price is recorded", Duration::from_secs(10), async || {
        daemon.products().await.iter().any(|product| product["price"]["amount_minor"] == 10_500)
    })
    .await;
    assert_eq!(daemon.answers("/health/ready").await, Some(200));
    assert_eq!(daemon.asins().await, accepted, "refused products are not stored");
    for asin in refused {
        assert_eq!(daemon.add(asin).await, 201);
    }
    assert_eq!(daemon.integrity().await, "ok");
    daemon.process.terminate();
    assert_eq!(daemon.process.ended(SOON).await.code(), Some(0), "{}", daemon.process.log());
}
