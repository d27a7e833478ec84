//! A small production system: marketplace, database, Redis, three replicas, a reverse proxy and a webhook receiver.

use std::net::SocketAddr;
use std::ops::Deref;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::marketplace::{Marketplace, PriceChanger, TARGET_MINOR};
use crate::postgres::Server;
use crate::processes::Folder;
use crate::receiver::Receiver;
use crate::redis::Redis;
use crate::replica::{Replica, Variables};
use crate::reverse_proxy::ReverseProxy;
use crate::tcp_proxy::TcpProxy;
use crate::{BINARY, SOON, eventually};

pub const ADMIN_EMAIL: &str = "root@example.com";
pub const ADMIN_PASSWORD: &str = "correct horse battery staple";

/// The shortest lease allowed for crawls of at most [`CRAWL_SECS`].
pub const LEASE: Duration = Duration::from_secs(CRAWL_SECS + 15);
const CRAWL_SECS: u64 = 3;
/// How long a delivery stays claimed by a sender that died: the longest attempt plus 30 seconds.
const DELIVERY_LEASE: Duration = Duration::from_secs(3 + 30);
/// Concurrent crawls of a replica, and so the number of crawls that are lost when it dies.
pub const SLOTS: usize = 4;
/// Each price changes once in this time; listings are crawled about once a second.
const PRICE_CHANGE_INTERVAL: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Duration::from_secs(1);

const LISTINGS: usize = 12;

/// A database server shared with other tests, or one for this test alone.
pub enum Database {
    Shared(&'static Server),
    Own(Box<Server>),
}

impl Deref for Database {
    type Target = Server;

    fn deref(&self) -> &Server {
        match self {
            Self::Shared(server) => server,
            Self::Own(server) => server,
        }
    }
}

/// Deviations from the usual setup.
#[derive(Default)]
pub struct Options {
    /// A database server for this test alone, which may be stopped.
    pub own_database: bool,
    /// The first replica connects to the database through a TCP proxy that can be interrupted.
    pub database_proxied: bool,
    /// Listings are crawled by runs of an Apify actor.
    pub crawls_by_apify: bool,
    /// The number of listings; unset: [`LISTINGS`].
    pub listings: Option<usize>,
    /// The test adds products and rules itself.
    pub is_unwatched: bool,
    /// Further arguments of the marketplace: its faults.
    pub market_faults: &'static [&'static str],
    /// Additional environment of every replica.
    pub all_replicas: Variables,
    /// Additional environment of the first replica.
    pub first_replica: Variables,
}

/// The running system.
pub struct Fixture {
    pub market: Arc<Marketplace>,
    pub database: Database,
    pub redis: Redis,
    pub replicas: Vec<Replica>,
    pub proxy: ReverseProxy,
    pub receiver: Receiver,
    pub database_proxy: Option<TcpProxy>,
    pub client: Client,
    /// API key of the installation's own tenant.
    pub key: String,
    database_url: String,
    price_changer: Option<PriceChanger>,
    gap_monitor: Option<CrawlGapMonitor>,
    variables: Variables,
    folder: Arc<Folder>,
}

impl Fixture {
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Starts everything. Unless the test adds the products, waits until each listing has been crawled and its alert is
    /// armed.
    pub async fn start_with(options: Options) -> Self {
        let folder = Arc::new(Folder::new("amazon-tracker-fixture-"));
        let listings = options.listings.unwrap_or(LISTINGS);
        let market = Arc::new(Marketplace::start(&folder, listings, options.market_faults).await);
        let database = match options.own_database {
            true => Database::Own(Box::new(Server::start())),
            false => Database::Shared(Server::shared()),
        };
        let name = format!("cluster_{}", Uuid::now_v7().simple());
        database.create_database(&name);
        let database_url = database.url(&name);
        migrate(&database_url);
        let redis = Redis::start();
        let database_proxy = match options.database_proxied {
            true => Some(TcpProxy::to(SocketAddr::from(([127, 0, 0, 1], database.port()))).await),
            false => None,
        };
        let mut common = variables(&market, &redis);
        if options.crawls_by_apify {
            common.extend(apify_variables(&market));
        }
        common.extend(options.all_replicas);
        let replicas = ["one", "two", "three"].into_iter().enumerate().map(|(n, name)| {
            let mut variables = common.clone();
            let database_port = database_proxy
                .as_ref()
                .filter(|_| n == 0)
                .map_or(database.port(), |database_proxy| database_proxy.address.port());
            let url = database_url.replacen(&format!(":{}/", database.port()), &format!(":{database_port}/"), 1);
            variables.push(("DATABASE_URL".to_owned(), url));
            if n == 0 {
                variables.extend(options.first_replica.clone());
            }
            Replica::start(&folder, name, variables)
        });
        let replicas: Vec<_> = replicas.collect();
        let proxy = ReverseProxy::start(replicas.iter().map(|replica| replica.address));
        let client = Client::builder().no_proxy().timeout(SOON).build().unwrap();
        let receiver = Receiver::start();
        let mut fixture = Self {
            market,
            database,
            redis,
            replicas,
            proxy,
            receiver,
            database_proxy,
            client,
            key: String::new(),
            database_url,
            price_changer: None,
            gap_monitor: None,
            variables: common,
            folder,
        };
        fixture.all_ready_within(SOON).await;
        fixture.key = fixture.new_key().await;
        if !options.is_unwatched {
            fixture.watch_everything().await;
        }
        fixture
    }

    /// A function that starts a further replica. The reverse proxy does not know it.
    pub fn starter(&self) -> impl Fn(&str) -> Replica + Send + 'static {
        let (folder, mut variables) = (Arc::clone(&self.folder), self.variables.clone());
        variables.push(("DATABASE_URL".to_owned(), self.database_url.clone()));
        move |name| Replica::start(&folder, name, variables.clone())
    }

    async fn new_key(&self) -> String {
        let token = self.sign_in(&self.replicas[2]).await;
        let body =
            json!({ "name": "test", "scopes": ["product:read", "product:write", "alert:write", "crawl:create"] });
        let path = "/api/v1/auth/api-keys";
        let request = self.replicas[2].request(&self.client, Method::POST, path).bearer_auth(token).json(&body);
        expect(201, request).await["key"].as_str().unwrap().to_owned()
    }

    /// Signs in as the admin at a replica and returns the access token.
    pub async fn sign_in(&self, replica: &Replica) -> String {
        let body = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
        let request = replica.request(&self.client, Method::POST, "/api/v1/auth/login").json(&body);
        expect(200, request).await["access_token"].as_str().unwrap().to_owned()
    }

    async fn watch_everything(&self) {
        for asin in &self.market.asins {
            let product = self.add(asin).await;
            let target = json!({ "amount_minor": TARGET_MINOR, "currency": "USD" });
            let rule = json!({
                "product_id": product["id"], "kind": "price_at_or_below", "target": target,
                "webhook_url": self.receiver.url(),
            });
            expect(201, self.post("/api/v1/alerts", &rule)).await;
        }
        eventually("every listing was crawled", SOON, async || self.uncrawled().await == 0).await;
    }

    /// Adds a product with the shortest interval.
    pub async fn add(&self, asin: &str) -> Value {
        let body = json!({ "asin": asin, "marketplace": "com", "frequency": "1s" });
        expect(201, self.post("/api/v1/products", &body)).await
    }

    async fn uncrawled(&self) -> i64 {
        self.query_number("SELECT count(*) FROM listing WHERE last_crawled_at IS NULL").await
    }

    /// Starts to change prices, and to measure how long listings go without a crawl.
    pub fn start_price_changes(&mut self) {
        self.start_price_changes_every(PRICE_CHANGE_INTERVAL);
    }

    /// The same, with each price changing so often.
    pub fn start_price_changes_every(&mut self, every: Duration) {
        self.price_changer = Some(PriceChanger::start(&self.market, every));
        self.gap_monitor = Some(CrawlGapMonitor::start(Server::superuser_url(&self.database_url)));
    }

    /// Stops changing prices. Waits until every replica is ready and every price is recorded, within `patience`, and
    /// then until every event is delivered.
    pub async fn settle_within(&mut self, patience: Duration) {
        let until = Instant::now() + patience;
        let left = || until.saturating_duration_since(Instant::now());
        let last = self.price_changer.take().expect("prices are changing").stop().await;
        self.all_ready_within(left()).await;
        eventually("the last prices are recorded", left(), async || {
            let recorded = self.prices().await;
            self.market.asins.iter().zip(&last).all(|(asin, price)| recorded.contains(&(asin.clone(), *price)))
        })
        .await;
        let waiting = "SELECT count(*) FROM delivery WHERE status <> 'delivered'";
        let patience = DELIVERY_LEASE + Duration::from_secs(5);
        eventually("every event is delivered", patience, async || self.query_number(waiting).await == 0).await;
    }

    /// The recorded price of each listing that has one.
    pub async fn prices(&self) -> Vec<(String, i64)> {
        let mut connection = self.superuser().await;
        sqlx::query_as("SELECT asin, price_minor FROM listing").fetch_all(&mut connection).await.unwrap()
    }

    /// The longest time that a listing has gone without a crawl since prices began to change.
    pub fn longest_crawl_gap(&self) -> Duration {
        let monitor = self.gap_monitor.as_ref().expect("prices are changing");
        Duration::from_millis(monitor.worst_ms.load(Ordering::Relaxed).unsigned_abs())
    }

    /// A lost lease is taken over as soon as it expires. So a listing may go without a crawl for one lease, its own
    /// interval and the time during which the database was unavailable.
    pub fn assert_no_lease_was_stuck(&self, database_outage: Duration) {
        let (longest, bound) = (self.longest_crawl_gap(), LEASE + INTERVAL + database_outage + Duration::from_secs(4));
        assert!(longest <= bound, "a listing was not crawled for {longest:?}; the bound is {bound:?}");
    }

    pub async fn all_ready_within(&self, patience: Duration) {
        let until = Instant::now() + patience;
        for replica in &self.replicas {
            replica.await_ready(until.saturating_duration_since(Instant::now())).await;
        }
    }

    /// Waits until a replica is running crawls.
    pub async fn await_crawls_at(&self, replica: &Replica) {
        let owner = replica.owner_ends_with();
        let what = format!("{} is running crawls", replica.name);
        eventually(&what, SOON, async || self.leases_of(&owner).await >= 2).await;
    }

    /// Waits until the leases of a process are held by others or due again.
    pub async fn await_no_leases_of(&self, owner_ends_with: &str, patience: Duration) {
        let what = format!("nothing is leased to {owner_ends_with}");
        eventually(&what, patience, async || self.leases_of(owner_ends_with).await == 0).await;
    }

    /// Waits until every replica applies limits locally (1) or shares them again (0).
    pub async fn await_fallback(&self, expected: f64) {
        for replica in &self.replicas {
            let what = format!("tracker_redis_fallback of {} is {expected}", replica.name);
            eventually(&what, SOON, async || replica.metric("tracker_redis_fallback").await == expected).await;
        }
    }

    /// Asserts that every replica is live. A replica without its database is not ready, but must not be restarted for
    /// it.
    pub async fn all_live(&self) {
        for replica in &self.replicas {
            let probe = replica.request(&self.client, Method::GET, "/health/live");
            assert_eq!(probe.send().await.unwrap().status(), 200, "{}", replica.name);
        }
    }

    pub async fn any_is_ready(&self) -> bool {
        for replica in &self.replicas {
            if replica.is_ready().await {
                return true;
            }
        }
        false
    }

    /// Number of leases held by a process.
    pub async fn leases_of(&self, owner_ends_with: &str) -> i64 {
        let mut connection = self.superuser().await;
        let held = "SELECT count(*) FROM lease WHERE owner LIKE '%' || $1";
        sqlx::query_scalar(held).bind(owner_ends_with).fetch_one(&mut connection).await.unwrap()
    }

    /// A number from the database, queried directly.
    pub async fn query_number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.superuser().await).await.unwrap()
    }

    /// A connection that bypasses row-level security.
    pub async fn superuser(&self) -> PgConnection {
        PgConnection::connect(&Server::superuser_url(&self.database_url)).await.unwrap()
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.proxy.url(path)).bearer_auth(&self.key)
    }

    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(self.proxy.url(path)).bearer_auth(&self.key).json(body)
    }

    /// A read request to one replica.
    pub fn get_on(&self, n: usize, path: &str) -> RequestBuilder {
        self.replicas[n].request(&self.client, Method::GET, path).bearer_auth(&self.key)
    }

    /// A write request to one replica.
    pub fn post_on(&self, n: usize, path: &str, body: &Value) -> RequestBuilder {
        self.replicas[n].request(&self.client, Method::POST, path).bearer_auth(&self.key).json(body)
    }

    /// All products, as returned by the API.
    pub async fn products(&self) -> Vec<Value> {
        let page = expect(200, self.get("/api/v1/products?limit=100")).await;
        page["items"].as_array().unwrap().clone()
    }
}

impl Drop for Fixture {
    /// Prints the logs of the replicas if the test failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for replica in &self.replicas {
                let log = replica.process.log();
                let lines: Vec<_> = log.lines().collect();
                println!("--- {} ---\n{}", replica.name, lines[lines.len().saturating_sub(40)..].join("\n"));
            }
        }
    }
}

/// Sends a request, checks the status, and parses the JSON.
pub async fn expect(status: u16, request: RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    let (got, body) = (response.status().as_u16(), response.text().await.unwrap());
    assert_eq!(got, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Value::Null)
}

fn migrate(database_url: &str) {
    let mut migrate = Command::new(BINARY);
    let output = migrate.env_clear().env("DATABASE_URL", database_url).arg("migrate").output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A private key for all replicas, so that each accepts the others' tokens.
fn private_key() -> String {
    let output = Command::new(BINARY).arg("keys").output().unwrap();
    let keys = String::from_utf8(output.stdout).unwrap();
    let (from, to) = (keys.find("-----BEGIN PRIVATE").unwrap(), keys.find("-----BEGIN PUBLIC").unwrap());
    keys[from..to].to_owned()
}

/// Environment of every replica: short leases and intervals, and rate limits that are never reached.
/// The account is simulated by the marketplace.
fn apify_variables(market: &Marketplace) -> Variables {
    let variables = [
        ("TRACKER__CRAWL__SOURCES", r#"["apify"]"#),
        ("TRACKER__APIFY__BASE_URL", &market.url),
        ("TRACKER__APIFY__GATHER_SECS", "1"),
        ("TRACKER__APIFY__RUNS_PER_MINUTE", "10000"),
        ("APIFY_API_TOKEN", "simulated"),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn variables(market: &Marketplace, redis: &Redis) -> Variables {
    let (crawl_secs, lease_secs, slots) = (CRAWL_SECS.to_string(), LEASE.as_secs().to_string(), SLOTS.to_string());
    let (key, redis) = (private_key(), redis.url());
    let settings = [
        ("LOG__FILTER", "info,amazon_tracker::actors::notifier=warn,actix_server=warn"),
        ("SERVER__LINGER_SECS", "2"),
        ("SERVER__DRAIN_SECS", "8"),
        ("CRAWL__BASE_URL", &market.url),
        ("CRAWL__TOTAL_TIMEOUT_SECS", &crawl_secs),
        ("CRAWL__READ_TIMEOUT_SECS", &crawl_secs),
        ("CRAWL__CONNECT_TIMEOUT_SECS", "1"),
        ("CRAWL__LEASE_SECS", &lease_secs),
        ("CRAWL__CONCURRENCY", &slots),
        ("CRAWL__CONCURRENCY_PER_MARKETPLACE", &slots),
        ("CRAWL__REQUESTS_PER_MINUTE", "60000"),
        ("CRAWL__BURST", "1000"),
        ("CRAWL__RETRY_SECS", "1"),
        ("CRAWL__RECHECK_SECS", "1"),
        ("LIMITS__REPLICAS", "3"),
        ("PLANS__ENTERPRISE__MIN_INTERVAL", "1s"),
        ("NOTIFY__ALLOW_PRIVATE_TARGETS", "true"),
        ("NOTIFY__RETRY_SECS", "1"),
        ("NOTIFY__TIMEOUT_SECS", "3"),
        ("MAIL__TIMEOUT_SECS", "3"),
        ("AUTH__ATTEMPTS_PER_MINUTE", "100000"),
        ("AUTH__PASSWORD__MEMORY_KIB", "64"),
        ("AUTH__PASSWORD__ITERATIONS", "1"),
    ];
    let settings = settings.map(|(setting, value)| (format!("TRACKER__{setting}"), value.to_owned()));
    let conventional = [
        ("ADMIN_EMAIL", ADMIN_EMAIL),
        ("ADMIN_PASSWORD", ADMIN_PASSWORD),
        ("JWT_PRIVATE_KEY", &key),
        ("REDIS_URL", &redis),
    ];
    let conventional = conventional.map(|(name, value)| (name.to_owned(), value.to_owned()));
    settings.into_iter().chain(conventional).collect()
}

/// Measures how long listings go without a crawl.
struct CrawlGapMonitor {
    worst_ms: Arc<AtomicI64>,
    task: JoinHandle<()>,
}

impl CrawlGapMonitor {
    fn start(url: String) -> Self {
        const LONGEST: &str = "SELECT max(unix_millis() - last_crawled_at) FROM listing";
        let worst_ms = Arc::new(AtomicI64::new(0));
        let seen = Arc::clone(&worst_ms);
        let task = tokio::spawn(async move {
            loop {
                // The database may be unavailable.
                if let Ok(mut connection) = PgConnection::connect(&url).await {
                    while let Ok(waited) = sqlx::query_scalar::<_, i64>(LONGEST).fetch_one(&mut connection).await {
                        seen.fetch_max(waited, Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_millis(250)).await;
                    }
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        });
        Self { worst_ms, task }
    }
}

impl Drop for CrawlGapMonitor {
    fn drop(&mut self) {
        self.task.abort();
    }
}
