//! A daemon of one's own, with everything it talks to.

use std::future::Future;
use std::net::TcpListener;
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use amazon_tracker::app;
use amazon_tracker::auth::{OpaqueToken, TokenKind};
use amazon_tracker::config::{PasswordSettings, Secret, Settings};
use amazon_tracker::domain::{Interval, Listing, Marketplace, Role, Scope, Scopes, TenantId};
use amazon_tracker::sources::simulated::{Simulated, SimulatedSettings};
use amazon_tracker::store::{self, NewApiKey, NewUser, SharedStore, StoreClock};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::postgres::Server;
use crate::receiver::Receiver;

/// Nothing here takes this long; it only keeps a broken test from hanging.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Where a daemon keeps its data.
#[derive(Clone, Copy)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A running daemon.
pub struct Daemon {
    /// Of the installation's own tenant, with every scope.
    pub key: String,
    settings: Settings,
    pub client: Client,
    pub simulated: Simulated,
    pub receiver: Receiver,
    base: String,
    metrics: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<ExitCode>>,
    folder: TempDir,
}

impl Daemon {
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| {}).await
    }

    pub async fn start_with(engine: Engine, adjust: impl FnOnce(&mut Settings)) -> Self {
        Self::start_on(engine, None, adjust).await
    }

    /// Another replica: on the same database, which must not be SQLite, and with the same key.
    pub async fn start_beside(&self) -> Self {
        self.start_beside_with(|_| {}).await
    }

    pub async fn start_beside_with(&self, adjust: impl FnOnce(&mut Settings)) -> Self {
        Self::start_on(Engine::Postgres, Some(self), adjust).await
    }

    async fn start_on(engine: Engine, beside: Option<&Self>, adjust: impl FnOnce(&mut Settings)) -> Self {
        let simulated = Simulated::start(SimulatedSettings::default(), free_socket()).await.unwrap();
        let receiver = Receiver::start();
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.database.url = match beside {
            Some(other) => other.settings.database.url.clone(),
            None => Secret::from(database(engine, &folder).await),
        };
        settings.server.listen = ([127, 0, 0, 1], 0).into();
        settings.server.drain_secs = 5;
        settings.crawl.base_url = Some(format!("http://{}", simulated.addr()).parse().unwrap());
        settings.crawl.requests_per_minute = 60_000;
        settings.crawl.burst = 1000;
        settings.crawl.recheck_secs = 1;
        settings.crawl.retry_secs = 1;
        settings.notify.allow_private_targets = true;
        settings.notify.retry_secs = 1;
        let min_interval = Interval::from_secs(1).unwrap();
        settings.plans.0.values_mut().for_each(|plan| plan.min_interval = min_interval);
        settings.auth.password = PasswordSettings { memory_kib: 64, iterations: 1, ..settings.auth.password };
        settings.auth.attempts_per_minute = 100_000;
        adjust(&mut settings);
        let store = store::open(&settings.database, StoreClock::real()).await.unwrap();
        store.migrate().await.unwrap();
        let key = match beside {
            Some(other) => other.key.clone(),
            None => new_key(&store).await,
        };
        store.close().await;
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let mut daemon = Self {
            key,
            settings,
            client,
            simulated,
            receiver,
            base: String::new(),
            metrics: String::new(),
            stop: None,
            thread: None,
            folder,
        };
        daemon.run().await;
        daemon
    }

    /// Starts it, and waits until it listens.
    async fn run(&mut self) {
        let settings = self.settings.clone();
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let ready = |it: app::Ready| ready.send((it.address, it.metrics_address)).unwrap();
            app::run(settings, ready, || async { drop(stopped.await) }).unwrap()
        });
        let (address, metrics_address) = is_ready.await.unwrap();
        self.base = format!("http://{address}");
        self.metrics = format!("http://{}/metrics", metrics_address.unwrap_or(address));
        self.stop = Some(stop);
        self.thread = Some(thread);
        // Where it was, if it is started again.
        self.settings.server.listen = address;
    }

    /// Drains the daemon and waits for its end.
    pub async fn stop(&mut self) {
        drop(self.stop.take());
        let thread = self.thread.take().unwrap();
        let code = tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    }

    /// Starts it again after [`stop`](Self::stop), on the same database and address.
    pub async fn start_again(&mut self) {
        self.run().await;
    }

    /// The daemon's store, for what HTTP does not offer.
    pub async fn store(&self) -> SharedStore {
        store::open(&self.settings.database, StoreClock::real()).await.unwrap()
    }

    /// For what goes past the daemon.
    pub fn database_url(&self) -> String {
        self.settings.database.url.reveal().to_owned()
    }

    /// Runs a statement past the daemon.
    pub async fn execute(&self, sql: &'static str) {
        let url = self.database_url();
        if url.starts_with("sqlite") {
            let mut conn = SqliteConnection::connect(&url).await.unwrap();
            sqlx::query(sql).execute(&mut conn).await.unwrap();
        } else {
            let mut conn = PgConnection::connect(&Server::superuser_url(&url)).await.unwrap();
            sqlx::query(sql).execute(&mut conn).await.unwrap();
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// An API key with some scopes.
    pub async fn key_with(&self, scopes: &[Scope]) -> String {
        let store = self.store().await;
        let key = new_key_with(&store, "limited@example.com", scopes.iter().copied().collect()).await;
        store.close().await;
        key
    }

    /// Drains the daemon and waits for its end.
    pub async fn end(mut self) {
        self.stop().await;
        self.simulated.stop().await;
        self.folder.close().unwrap();
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path).bearer_auth(&self.key)
    }

    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).bearer_auth(&self.key).json(body)
    }

    pub fn patch(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::PATCH, path).bearer_auth(&self.key).json(body)
    }

    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path).bearer_auth(&self.key)
    }

    /// Without a credential.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Asks for the metrics, wherever they are served.
    pub fn metrics(&self) -> RequestBuilder {
        self.client.get(&self.metrics)
    }

    /// The `n`th listing of the marketplace's catalogue.
    pub fn listing(&self, n: usize) -> Listing {
        let product = self.simulated.catalogue().products(20).nth(n).unwrap();
        Listing::new(Marketplace::Us, product.asin)
    }

    /// Watches a listing and returns its product once it has been crawled.
    pub async fn watch(&self, listing: Listing) -> Value {
        let body = json!({ "asin": listing.asin, "marketplace": listing.marketplace });
        let product = expect(201, self.post("/api/v1/products", &body)).await;
        let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        self.eventually(&path, |product| !product["checked_at"].is_null()).await
    }

    /// Checks a product now, and returns the finished task.
    pub async fn check_now(&self, id: &Value) -> Value {
        let task = expect(202, self.post("/api/v1/crawl", &json!({ "product_ids": [id] }))).await;
        let path = format!("/api/v1/crawl/tasks/{}", task["id"].as_str().unwrap());
        self.eventually(&path, |task| !task["finished_at"].is_null()).await
    }

    /// Asks until the answer has this status.
    pub async fn eventually_answers(&self, status: u16, path: &str) {
        let until = Instant::now() + PATIENCE;
        while self.get(path).send().await.unwrap().status() != status {
            assert!(Instant::now() < until, "{path} never answered {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the daemon has counted, for whoever wonders why something did not happen.
    async fn counted(&self) -> String {
        let metrics = self.metrics().send().await.unwrap().text().await.unwrap();
        let told = |line: &&str| !line.starts_with('#') && !line.contains("_bucket") && !line.ends_with(" 0");
        metrics.lines().filter(told).collect::<Vec<_>>().join("\n")
    }

    /// Reads until what is read is as it should be.
    pub async fn eventually(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let value = expect(200, self.get(path)).await;
            if is_so(&value) {
                return value;
            }
            if Instant::now() >= until {
                panic!("never came true at {path}: {value:#}\n{}", self.counted().await);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Sends, checks the status, and reads the JSON.
pub async fn expect(status: u16, request: RequestBuilder) -> Value {
    let response: Response = request.send().await.unwrap();
    let (got, body) = (response.status().as_u16(), response.text().await.unwrap());
    assert_eq!(got, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Value::Null)
}

pub fn free_socket() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// Runs a test once on each engine.
pub async fn on_both_engines<F: Future<Output = ()>>(test: impl Fn(Engine) -> F) {
    test(Engine::Sqlite).await;
    test(Engine::Postgres).await;
}

/// A user of the installation's own tenant, whom nobody signs in as, and a key of theirs.
async fn new_key(store: &SharedStore) -> String {
    new_key_with(store, "root@example.com", Role::Superadmin.scopes()).await
}

/// A key of a new user.
async fn new_key_with(store: &SharedStore, email: &str, scopes: Scopes) -> String {
    let email = email.parse().unwrap();
    let (role, password_hash) = (Role::Superadmin, String::new());
    let user = NewUser { email, name: "Root".to_owned(), role, password_hash, is_verified: true, quota: u32::MAX };
    let user = store.add_user(TenantId::BUILT_IN, user).await.unwrap();
    let token = OpaqueToken::new(TokenKind::ApiKey);
    let key = NewApiKey {
        tenant_id: user.tenant_id,
        created_by: user.id,
        name: "test".to_owned(),
        hint: token.hint().to_owned(),
        hash: token.hash(),
        scopes,
        networks: Vec::new(),
        requests_per_minute: None,
        quota: u32::MAX,
        expires_at: None,
    };
    store.add_api_key(key).await.unwrap();
    token.reveal()
}

async fn database(engine: Engine, folder: &TempDir) -> String {
    match engine {
        Engine::Sqlite => format!("sqlite://{}", folder.path().join("tracker.sqlite").display()),
        Engine::Postgres => {
            let name = format!("api_{}", Uuid::now_v7().simple());
            Server::shared().create_database(&name);
            Server::shared().url(&name)
        }
    }
}
