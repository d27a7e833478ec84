//! The API compared to a bare actix-web handler with the same response; the cost of authentication; and the effect of
//! sign-ins on other requests.
//!
//! Daemon and reference are separate processes with the same number of workers. One thread of this process creates the
//! load over keep-alive connections, on the same machine.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer, web};
use amazon_tracker::auth::{OpaqueToken, Passwords, TokenKind};
use amazon_tracker::config::{DatabaseSettings, PasswordSettings, Secret};
use amazon_tracker::domain::{
    Frequency, Listing, ListingState, Marketplace, Point, PointValue, ProductId, ProductSettings, ProductStatus, Role,
    Series, SeriesKey, TenantId,
};
use amazon_tracker::store::{NewApiKey, NewProduct, NewUser, SharedStore, StoreClock, open};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::table::{Table, Target, median, per_second};

/// Argument: run as the bare handler. A file with the response body and a port follow.
pub const BARE_HANDLER: &str = "bare-handler";
const TRACKER: &str = env!("CARGO_BIN_EXE_amazon-tracker");
/// The daemon's default.
const WORKERS: usize = 2;
const CONNECTIONS: usize = 32;
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;
pub const EMAIL: &str = "bench@example.com";
pub const PASSWORD: &str = "correct horse battery staple";
/// Request rate for the latency measurement during sign-ins, far below the maximum throughput.
const READS_PER_SECOND: u32 = 400;
const READERS: u32 = 8;
const CONCURRENT_SIGN_INS: usize = 4;
const P99_MEASURED: Duration = Duration::from_secs(10);

/// Measures everything.
pub fn run(table: &mut Table) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(table));
}

async fn measure(table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
    let (key, product) = fill(&url, ninety_days()).await;
    let daemon = Process::daemon(&url).await;
    let token = sign_in(daemon.address).await;
    let product_path = format!("/api/v1/products/{product}");
    let since = Timestamp::now() - SignedDuration::from_hours(24 * 90);
    let history_path = format!("{product_path}/history?from={since:.0}");
    for (what, path, target) in [
        ("product read", &product_path, Target::AtLeast(0.5)),
        ("90-day history", &history_path, Target::AtLeast(0.25)),
    ] {
        let body = body_of(daemon.address, path, &key).await;
        assert!(
            memchr::memmem::find(&body, product.to_string().as_bytes()).is_some(),
            "the response contains the product's id"
        );
        let file = folder.path().join("body");
        std::fs::write(&file, &body).unwrap();
        let bare = Process::bare(&file).await;
        let request = request_to(path, &key);
        let (ours, rival) = alternately((daemon.address, &request), (bare.address, &request)).await;
        let what = format!("{what} with a key ({:.1} kB)", body.len() as f64 / 1000.0);
        table.add(&what, "requests/s", ours, ("bare actix-web handler", rival), target);
        if path == &product_path {
            let request = request_to(path, &token);
            let (ours, rival) = alternately((daemon.address, &request), (bare.address, &request)).await;
            table.add("product read with a token", "requests/s", ours, ("bare actix-web handler", rival), Target::None);
        }
    }
    let (call, list) = (tool_call("search_products", &key), request_to("/api/v1/products?limit=20", &key));
    let (call, list) = alternately((daemon.address, &call), (daemon.address, &list)).await;
    table.add("MCP: search_products", "requests/s", call, ("the same list of the API", list), Target::AtLeast(0.5));
    // After authentication, the handler rejects the invalid id without further work.
    for (what, credential) in [("key", &key), ("Ed25519 token", &token)] {
        let open = request_to("/health/live", credential);
        let gated = request_to("/api/v1/products/none", credential);
        let (gated, open) = alternately((daemon.address, &gated), (daemon.address, &open)).await;
        table.add(&format!("authentication by {what}"), "requests/s", gated, ("public route", open), Target::None);
    }
    during_sign_ins(table, daemon.address, &request_to(&product_path, &key)).await;
}

/// The 99th percentile of read latency with and without concurrent sign-ins.
async fn during_sign_ins(table: &mut Table, address: SocketAddr, read: &str) {
    let quiet = p99_ms(address, read).await;
    let body = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let login = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut logins = JoinSet::new();
    for _ in 0..CONCURRENT_SIGN_INS {
        logins.spawn(repeat(address, login.clone(), Instant::now() + P99_MEASURED));
    }
    let busy = p99_ms(address, read).await;
    let signed_in: usize = logins.join_all().await.into_iter().sum();
    table.add("p99 of product reads during sign-ins", "ms", busy, ("without sign-ins", quiet), Target::AtMost(2.0));
    let alone = hashes_alone().await;
    let rate = per_second(signed_in, P99_MEASURED);
    table.add("sign-ins during product reads", "/s", rate, ("argon2 alone, same concurrency", alone), Target::None);
}

/// Password hashes per second with the same parameters and no other load.
async fn hashes_alone() -> f64 {
    let settings = PasswordSettings::default();
    let passwords = Passwords::new(&settings).unwrap();
    let (started_at, mut hashed) = (Instant::now(), 0);
    while started_at.elapsed() < MEASURED {
        let mut some = JoinSet::new();
        for _ in 0..settings.concurrency * 4 {
            let passwords = passwords.clone();
            some.spawn(async move { passwords.hash(PASSWORD.to_owned()).await.unwrap() });
        }
        hashed += some.join_all().await.len();
    }
    per_second(hashed, started_at.elapsed())
}

/// 99th percentile of latency, in milliseconds.
async fn p99_ms(address: SocketAddr, request: &str) -> f64 {
    let until = Instant::now() + P99_MEASURED;
    let mut readers = JoinSet::new();
    for reader in 0..READERS {
        let request = request.to_owned();
        readers.spawn(async move {
            let mut connection = Connection::open(address).await;
            let mut times = tokio::time::interval(Duration::from_secs(1) * READERS / READS_PER_SECOND);
            tokio::time::sleep(Duration::from_millis(u64::from(reader))).await;
            let mut latencies = Vec::new();
            while Instant::now() < until {
                times.tick().await;
                let sent_at = Instant::now();
                connection.request(&request).await;
                latencies.push(sent_at.elapsed().as_secs_f64() * 1e3);
            }
            latencies
        });
    }
    let mut latencies: Vec<f64> = readers.join_all().await.into_iter().flatten().collect();
    latencies.sort_by(f64::total_cmp);
    latencies[latencies.len() * 99 / 100]
}

/// The median rates of both, measured alternately.
async fn alternately(ours: (SocketAddr, &str), rival: (SocketAddr, &str)) -> (f64, f64) {
    let (mut our_rates, mut rival_rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our_rates.push(rate(ours.0, ours.1).await);
        rival_rates.push(rate(rival.0, rival.1).await);
    }
    (median(our_rates), median(rival_rates))
}

async fn rate(address: SocketAddr, request: &str) -> f64 {
    load(address, request, WARM_UP).await;
    per_second(load(address, request, MEASURED).await, MEASURED)
}

async fn load(address: SocketAddr, request: &str, time: Duration) -> usize {
    let until = Instant::now() + time;
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        clients.spawn(repeat(address, request.to_owned(), until));
    }
    clients.join_all().await.into_iter().sum()
}

async fn repeat(address: SocketAddr, request: String, until: Instant) -> usize {
    let mut connection = Connection::open(address).await;
    let mut responses = 0;
    while Instant::now() < until {
        connection.request(&request).await;
        responses += 1;
    }
    responses
}

fn request_to(path: &str, credential: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {credential}\r\n\r\n")
}

/// A call of a tool without arguments (2025-11-25).
fn tool_call(tool: &str, credential: &str) -> String {
    let params = json!({ "name": tool, "arguments": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    format!(
        "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {credential}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A keep-alive connection that sends one request at a time.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(1 << 20) }
    }

    /// Sends a request and returns the body of the response.
    async fn request(&mut self, request: &str) -> &[u8] {
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        let mut end = None;
        loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "the server closed the connection");
            if end.is_none() {
                end = end_of_response(&self.buffer);
            }
            if let Some((head, whole)) = end.filter(|(_, whole)| self.buffer.len() >= *whole) {
                return &self.buffer[head..whole];
            }
        }
    }
}

/// The end of the head and the end of the response, once the head is complete.
fn end_of_response(response: &[u8]) -> Option<(usize, usize)> {
    let head = memchr::memmem::find(response, b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&response[..head]).unwrap().to_ascii_lowercase();
    let expected = text.starts_with("http/1.1 200") || text.starts_with("http/1.1 404");
    assert!(expected, "{}", String::from_utf8_lossy(response));
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    Some((head, head + length.trim().parse::<usize>().unwrap()))
}

async fn body_of(address: SocketAddr, path: &str, key: &str) -> Vec<u8> {
    Connection::open(address).await.request(&request_to(path, key)).await.to_vec()
}

pub async fn sign_in(address: SocketAddr) -> String {
    let url = format!("http://{address}/api/v1/auth/login");
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let tokens: Value = reqwest::Client::new().post(url).json(&body).send().await.unwrap().json().await.unwrap();
    tokens["access_token"].as_str().unwrap().to_owned()
}

/// A process that is killed on drop.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Process {
    async fn daemon(database_url: &str) -> Self {
        Self::daemon_with(database_url, &[]).await
    }

    pub async fn daemon_with(database_url: &str, variables: &[(&str, &str)]) -> Self {
        let address = free_address();
        let mut command = Command::new(TRACKER);
        command.args(["serve", "--listen", &address.to_string(), "--database-url", database_url]);
        // The only product is paused, so nothing is crawled.
        command.args(["--base-url", "http://127.0.0.1:9"]).env("TRACKER__LOG__FILTER", "warn");
        command.env("TRACKER__PLANS__ENTERPRISE__REQUESTS_PER_MINUTE", "4000000000");
        command.env("TRACKER__AUTH__ATTEMPTS_PER_MINUTE", "1000000");
        command.env("TRACKER__SERVER__WORKERS", WORKERS.to_string()).envs(variables.iter().copied());
        Self::ready(command, address).await
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    async fn bare(body: &std::path::Path) -> Self {
        let address = free_address();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(BARE_HANDLER).arg(body).arg(address.port().to_string());
        Self::ready(command, address).await
    }

    async fn ready(mut command: Command, address: SocketAddr) -> Self {
        let child = command.spawn().unwrap();
        let mut process = Self { child, address };
        while TcpStream::connect(address).await.is_err() {
            assert!(process.child.try_wait().unwrap().is_none(), "the process has exited");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The reference: the same response without any work.
pub fn bare_handler_main(body: &std::path::Path, port: u16) {
    let body = Bytes::from(std::fs::read(body).unwrap());
    let app = move || {
        App::new().app_data(Data::new(body.clone())).default_service(web::to(async |body: Data<Bytes>| {
            HttpResponse::Ok().content_type("application/json").body(Bytes::clone(&body))
        }))
    };
    let server = HttpServer::new(app).workers(WORKERS).tcp_nodelay(true).bind(("127.0.0.1", port)).unwrap();
    actix_web::rt::System::new().block_on(server.run()).unwrap();
}

/// Creates a user, a key and a product with history; returns the key and the product.
pub async fn fill(url: &str, history: Vec<Point>) -> (String, ProductId) {
    let settings = DatabaseSettings { url: Secret::from(url), ..DatabaseSettings::default() };
    let store = open(&settings, StoreClock::real()).await.unwrap();
    store.migrate().await.unwrap();
    let key = add_user(&store).await;
    let settings = ProductSettings {
        label: Some("Headphones".to_owned()),
        tags: vec!["audio".to_owned()],
        frequency: Frequency::DAILY,
        is_competitor: false,
        status: ProductStatus::Paused,
        offers_interval: None,
    };
    let listing = Listing::new(Marketplace::Us, "B08PZHYWJS".parse().unwrap());
    let product = NewProduct { tenant_id: TenantId::BUILT_IN, listing, settings, quota: u32::MAX };
    let product = store.add_product(product).await.unwrap();
    let (points, mut state) = (history, ListingState::default());
    state.title = Some("Wireless over-ear headphones with noise cancelling, black".to_owned());
    points.iter().for_each(|point| state.replay(point));
    assert!(store.import(product.listing_id, &points, &state).await.unwrap());
    store.close().await;
    (key, product.id)
}

async fn add_user(store: &SharedStore) -> String {
    let password_hash = Passwords::new(&PasswordSettings::default()).unwrap().hash(PASSWORD.to_owned()).await.unwrap();
    let (email, name, role) = (EMAIL.parse().unwrap(), "Bench".to_owned(), Role::Superadmin);
    let user = NewUser { email, name, role, password_hash, is_verified: true, quota: u32::MAX };
    let user = store.add_user(TenantId::BUILT_IN, user).await.unwrap();
    let token = OpaqueToken::new(TokenKind::ApiKey);
    let key = NewApiKey {
        tenant_id: user.tenant_id,
        created_by: user.id,
        name: "bench".to_owned(),
        hint: token.hint().to_owned(),
        hash: token.hash(),
        scopes: role.scopes(),
        networks: Vec::new(),
        requests_per_minute: None,
        quota: u32::MAX,
        expires_at: None,
    };
    store.add_api_key(key).await.unwrap();
    token.reveal()
}

/// A point so many hours ago.
pub fn point(hours: i64, series: Series, category: &str, number: i64) -> Point {
    let key = SeriesKey { series, category: category.to_owned() };
    let at = Timestamp::now() - SignedDuration::from_hours(hours);
    Point { key, at, value: Some(PointValue::Number(number)) }
}

/// Ninety days of history: a rank that changes every hour, a price and a review count that change every day.
fn ninety_days() -> Vec<Point> {
    let mut points = Vec::new();
    for hours in (1..90 * 24).rev() {
        points.push(point(hours, Series::SalesRank, "Electronics", 1000 + hours * 7 % 500));
        if hours % 24 == 0 {
            points.push(point(hours, Series::Price, "", 30_000 + hours * 13 % 5000));
            points.push(point(hours, Series::ReviewCount, "", 90_000 - hours));
        }
    }
    points
}
