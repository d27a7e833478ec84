//! A small production: marketplace, database, Redis, three replicas, a reverse proxy before them, and somebody who is told.

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

use crate::front::Front;
use crate::market::{Market, Mover, TARGET_MINOR};
use crate::postgres::Server;
use crate::processes::Folder;
use crate::receiver::Receiver;
use crate::redis::Redis;
use crate::replica::{Replica, Variables};
use crate::wire::Wire;
use crate::{BINARY, SOON, eventually};

pub const ADMIN_EMAIL: &str = "root@example.com";
pub const ADMIN_PASSWORD: &str = "correct horse battery staple";

/// The shortest lease there may be for crawls that take at most [`CRAWL_SECS`].
pub const LEASE: Duration = Duration::from_secs(CRAWL_SECS + 15);
const CRAWL_SECS: u64 = 3;
/// So long a message is left to a sender that died or lost its claim's answer: the longest attempt and half a minute.
const DELIVERY_LEASE: Duration = Duration::from_secs(3 + 30);
/// Crawls that a replica may have under way, and so the looks that die with it.
pub const SLOTS: usize = 4;
/// Each price moves once in this time, and is looked at about once a second.
const MOVED_EVERY: Duration = Duration::from_secs(2);
const RHYTHM: Duration = Duration::from_secs(1);

const LISTINGS: usize = 12;

/// A database server that is shared with other tests, or one's own.
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

/// What is not as usual.
#[derive(Default)]
pub struct Unusual {
    /// A database server that may be stopped.
    pub own_database: bool,
    /// The first replica reaches the database by a wire that can be cut.
    pub wired: bool,
    /// More environment of the first replica.
    pub of_first: Variables,
}

/// See the module.
pub struct Fixture {
    pub market: Arc<Market>,
    pub database: Database,
    pub redis: Redis,
    pub replicas: Vec<Replica>,
    pub front: Front,
    pub receiver: Receiver,
    pub wire: Option<Wire>,
    pub client: Client,
    /// Of the installation's own tenant.
    pub key: String,
    database_url: String,
    mover: Option<Mover>,
    watch: Option<Watch>,
    _folder: Folder,
}

impl Fixture {
    pub async fn start() -> Self {
        Self::start_with(Unusual::default()).await
    }

    /// Starts everything, and waits until each listing has been looked at and its alert is armed.
    pub async fn start_with(unusual: Unusual) -> Self {
        let folder = Folder::new("amazon-tracker-fixture-");
        let market = Arc::new(Market::start(&folder, LISTINGS).await);
        let database = match unusual.own_database {
            true => Database::Own(Box::new(Server::start())),
            false => Database::Shared(Server::shared()),
        };
        let name = format!("world_{}", Uuid::now_v7().simple());
        database.create_database(&name);
        let database_url = database.url(&name);
        migrate(&database_url);
        let redis = Redis::start();
        let wire = match unusual.wired {
            true => Some(Wire::to(SocketAddr::from(([127, 0, 0, 1], database.port()))).await),
            false => None,
        };
        let common = variables(&market, &redis);
        let replicas = ["one", "two", "three"].into_iter().enumerate().map(|(n, name)| {
            let mut variables = common.clone();
            let through = wire.as_ref().filter(|_| n == 0).map_or(database.port(), |wire| wire.address.port());
            let url = database_url.replacen(&format!(":{}/", database.port()), &format!(":{through}/"), 1);
            variables.push(("DATABASE_URL".to_owned(), url));
            if n == 0 {
                variables.extend(unusual.of_first.clone());
            }
            Replica::start(&folder, name, variables)
        });
        let replicas: Vec<_> = replicas.collect();
        let front = Front::start(replicas.iter().map(|replica| replica.address));
        let client = Client::builder().no_proxy().timeout(SOON).build().unwrap();
        let receiver = Receiver::start();
        let mut fixture = Self {
            market,
            database,
            redis,
            replicas,
            front,
            receiver,
            wire,
            client,
            key: String::new(),
            database_url,
            mover: None,
            watch: None,
            _folder: folder,
        };
        fixture.all_ready_within(SOON).await;
        fixture.key = fixture.new_key().await;
        fixture.watch_everything().await;
        fixture
    }

    async fn new_key(&self) -> String {
        let token = self.sign_in(&self.replicas[2]).await;
        let body =
            json!({ "name": "test", "scopes": ["product:read", "product:write", "alert:write", "crawl:create"] });
        let path = "/api/v1/auth/api-keys";
        let asked = self.replicas[2].request(&self.client, Method::POST, path).bearer_auth(token).json(&body);
        expect(201, asked).await["key"].as_str().unwrap().to_owned()
    }

    /// Signs the admin in at a replica; an access token.
    pub async fn sign_in(&self, replica: &Replica) -> String {
        let body = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
        let asked = replica.request(&self.client, Method::POST, "/api/v1/auth/login").json(&body);
        expect(200, asked).await["access_token"].as_str().unwrap().to_owned()
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
        eventually("every listing was looked at", SOON, async || self.unseen().await == 0).await;
    }

    /// Watches a listing, as often as is allowed.
    pub async fn add(&self, asin: &str) -> Value {
        let body = json!({ "asin": asin, "marketplace": "com", "frequency": "1s" });
        expect(201, self.post("/api/v1/products", &body)).await
    }

    async fn unseen(&self) -> i64 {
        self.ask("SELECT count(*) FROM listing WHERE last_crawled_at IS NULL").await
    }

    /// Prices move from now on, and it is watched how long a listing goes without a look.
    pub fn begin(&mut self) {
        self.mover = Some(Mover::start(&self.market, MOVED_EVERY));
        self.watch = Some(Watch::start(Server::superuser_url(&self.database_url)));
    }

    /// Prices stand still again: waits until every replica is ready and every price is recorded, within so long, and until
    /// everything is told.
    pub async fn settle_within(&mut self, patience: Duration) {
        let until = Instant::now() + patience;
        let left = || until.saturating_duration_since(Instant::now());
        let last = self.mover.take().expect("it was begun").stop().await;
        self.all_ready_within(left()).await;
        eventually("the last prices are recorded", left(), async || {
            let recorded = self.prices().await;
            self.market.asins.iter().zip(&last).all(|(asin, price)| recorded.contains(&(asin.clone(), *price)))
        })
        .await;
        let waiting = "SELECT count(*) FROM delivery WHERE status <> 'delivered'";
        let patience = DELIVERY_LEASE + Duration::from_secs(5);
        eventually("every event is delivered", patience, async || self.ask(waiting).await == 0).await;
    }

    async fn prices(&self) -> Vec<(String, i64)> {
        let mut judge = self.judge().await;
        sqlx::query_as("SELECT asin, price_minor FROM listing").fetch_all(&mut judge).await.unwrap()
    }

    /// The longest that a listing went without a look since the beginning.
    pub fn longest_wait(&self) -> Duration {
        let watch = self.watch.as_ref().expect("it was begun");
        Duration::from_millis(watch.worst_ms.load(Ordering::Relaxed).unsigned_abs())
    }

    /// A lease that was lost is taken by somebody else as soon as it has run out: so long, with the listing's own rhythm and
    /// what the database was away for, may a listing go without a look.
    pub fn assert_no_lease_was_stuck(&self, database_away: Duration) {
        let (longest, bound) = (self.longest_wait(), LEASE + RHYTHM + database_away + Duration::from_secs(4));
        assert!(longest <= bound, "a listing was not looked at for {longest:?}; the bound is {bound:?}");
    }

    pub async fn all_ready_within(&self, patience: Duration) {
        let until = Instant::now() + patience;
        for replica in &self.replicas {
            replica.await_ready(until.saturating_duration_since(Instant::now())).await;
        }
    }

    /// Waits until a replica has crawls under way.
    pub async fn crawls_at(&self, replica: &Replica) {
        let owner = replica.owner_ends_with();
        let what = format!("{} has crawls under way", replica.name);
        eventually(&what, SOON, async || self.leases_of(&owner).await >= 2).await;
    }

    /// Waits until what a process held is held by others, or due again.
    pub async fn nothing_is_leased_to(&self, owner_ends_with: &str, patience: Duration) {
        let what = format!("nothing is leased to {owner_ends_with}");
        eventually(&what, patience, async || self.leases_of(owner_ends_with).await == 0).await;
    }

    /// Waits until every replica keeps limits by itself (1), or shares them again (0).
    pub async fn fallen_back(&self, expected: f64) {
        for replica in &self.replicas {
            let what = format!("tracker_redis_fallback of {} is {expected}", replica.name);
            eventually(&what, SOON, async || replica.metric("tracker_redis_fallback").await == expected).await;
        }
    }

    /// A replica without its database is not ready, but alive: it must not be killed for it.
    pub async fn all_live(&self) {
        for replica in &self.replicas {
            let probe = replica.request(&self.client, Method::GET, "/health/live");
            assert_eq!(probe.send().await.unwrap().status(), 200, "{}", replica.name);
        }
    }

    pub async fn anybody_is_ready(&self) -> bool {
        for replica in &self.replicas {
            if replica.is_ready().await {
                return true;
            }
        }
        false
    }

    /// Leases that are held by a process.
    pub async fn leases_of(&self, owner_ends_with: &str) -> i64 {
        let mut judge = self.judge().await;
        let held = "SELECT count(*) FROM lease WHERE owner LIKE '%' || $1";
        sqlx::query_scalar(held).bind(owner_ends_with).fetch_one(&mut judge).await.unwrap()
    }

    /// A number out of the database, past every replica.
    pub async fn ask(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.judge().await).await.unwrap()
    }

    /// A connection that sees everything.
    pub async fn judge(&self) -> PgConnection {
        PgConnection::connect(&Server::superuser_url(&self.database_url)).await.unwrap()
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.front.url(path)).bearer_auth(&self.key)
    }

    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(self.front.url(path)).bearer_auth(&self.key).json(body)
    }

    /// A reading request to one replica.
    pub fn get_on(&self, n: usize, path: &str) -> RequestBuilder {
        self.replicas[n].request(&self.client, Method::GET, path).bearer_auth(&self.key)
    }

    /// A writing request to one replica.
    pub fn post_on(&self, n: usize, path: &str, body: &Value) -> RequestBuilder {
        self.replicas[n].request(&self.client, Method::POST, path).bearer_auth(&self.key).json(body)
    }

    /// All products, as the API tells them.
    pub async fn products(&self) -> Vec<Value> {
        let page = expect(200, self.get("/api/v1/products?limit=100")).await;
        page["items"].as_array().unwrap().clone()
    }
}

impl Drop for Fixture {
    /// What the replicas said is of interest only when something went wrong.
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

/// Sends, checks the status, and reads the JSON.
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

/// A private key for all replicas: a token of one is good at the others.
fn private_key() -> String {
    let output = Command::new(BINARY).arg("keys").output().unwrap();
    let keys = String::from_utf8(output.stdout).unwrap();
    let (from, to) = (keys.find("-----BEGIN PRIVATE").unwrap(), keys.find("-----BEGIN PUBLIC").unwrap());
    keys[from..to].to_owned()
}

/// Environment of every replica: short leases and fast rhythms, and limits that nobody reaches.
fn variables(market: &Market, redis: &Redis) -> Variables {
    let (crawl_secs, lease_secs, slots) = (CRAWL_SECS.to_string(), LEASE.as_secs().to_string(), SLOTS.to_string());
    let (key, redis) = (private_key(), redis.url());
    let of_setting = [
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
        ("CRAWL__SECOND_LOOK_SECS", "1"),
        ("LIMITS__REPLICAS", "3"),
        ("PLANS__ENTERPRISE__SHORTEST_FREQUENCY", "1s"),
        ("NOTIFY__ALLOW_PRIVATE_TARGETS", "true"),
        ("NOTIFY__RETRY_SECS", "1"),
        ("NOTIFY__TIMEOUT_SECS", "3"),
        ("MAIL__TIMEOUT_SECS", "3"),
        ("AUTH__ATTEMPTS_PER_MINUTE", "100000"),
        ("AUTH__PASSWORD__MEMORY_KIB", "64"),
        ("AUTH__PASSWORD__ITERATIONS", "1"),
    ];
    let of_setting = of_setting.map(|(setting, value)| (format!("TRACKER__{setting}"), value.to_owned()));
    let by_name = [
        ("ADMIN_EMAIL", ADMIN_EMAIL),
        ("ADMIN_PASSWORD", ADMIN_PASSWORD),
        ("JWT_PRIVATE_KEY", &key),
        ("REDIS_URL", &redis),
    ];
    let by_name = by_name.map(|(name, value)| (name.to_owned(), value.to_owned()));
    of_setting.into_iter().chain(by_name).collect()
}

/// Watches how long listings go without a look.
struct Watch {
    worst_ms: Arc<AtomicI64>,
    watching: JoinHandle<()>,
}

impl Watch {
    fn start(url: String) -> Self {
        const LONGEST: &str = "SELECT max(unix_millis() - last_crawled_at) FROM listing";
        let worst_ms = Arc::new(AtomicI64::new(0));
        let seen = Arc::clone(&worst_ms);
        let watching = tokio::spawn(async move {
            loop {
                // The database may be away.
                if let Ok(mut watch) = PgConnection::connect(&url).await {
                    while let Ok(waited) = sqlx::query_scalar::<_, i64>(LONGEST).fetch_one(&mut watch).await {
                        seen.fetch_max(waited, Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_millis(250)).await;
                    }
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        });
        Self { worst_ms, watching }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watching.abort();
    }
}
