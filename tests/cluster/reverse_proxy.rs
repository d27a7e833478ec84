//! A small reverse proxy in front of the replicas that behaves like the gateway: round robin, active health checks, and
//! a retry on another replica when a connection fails.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::http::{Method, StatusCode, header};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use reqwest::Client;
use tokio::task::JoinHandle;

/// Interval of the health checks, as in the gateway.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
const PROBE: Duration = Duration::from_millis(500);
/// Idle connections are closed before the replica closes them, as in the gateway (`keepalive_pool`).
const IDLE: Duration = Duration::from_secs(3);

struct Upstream {
    address: SocketAddr,
    healthy: AtomicBool,
}

/// The addresses of the replicas, as a DNS server knows them.
pub type Addresses = Arc<Mutex<Vec<SocketAddr>>>;

struct Shared {
    addresses: Addresses,
    /// The lifetime of a DNS record: so long an answer is used.
    ttl: Duration,
    resolved: Mutex<(Instant, Vec<Arc<Upstream>>)>,
    turn: AtomicUsize,
    client: Client,
}

/// The reverse proxy. Stops when dropped.
pub struct ReverseProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

impl ReverseProxy {
    /// A proxy for replicas whose addresses do not change.
    pub fn start(replicas: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self::resolving(Arc::new(Mutex::new(replicas.into_iter().collect())), Duration::MAX)
    }

    /// A proxy that asks for the addresses when the lifetime of the last answer has ended.
    pub fn resolving(addresses: Addresses, ttl: Duration) -> Self {
        let client = Client::builder().no_proxy().connect_timeout(Duration::from_secs(1));
        let client = client.pool_idle_timeout(IDLE).build().unwrap();
        let resolved = Mutex::new((Instant::now(), Vec::new()));
        let state = Arc::new(Shared { addresses, ttl, resolved, turn: AtomicUsize::new(0), client });
        state.resolve();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Data::from(Arc::clone(&state));
        let app = move || App::new().app_data(shared.clone()).default_service(web::to(forward));
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
        let serving = tokio::spawn(async move { server.await.unwrap() });
        Self { address, shared: Arc::clone(&state), tasks: vec![serving, tokio::spawn(check(state))] }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A function that makes the proxy ask for the addresses now, as SIGHUP does with the gateway.
    pub fn reload(&self) -> impl Fn() + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.resolve()
    }
}

impl Drop for ReverseProxy {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn check(shared: Arc<Shared>) {
    loop {
        let probe = async |upstream: Arc<Upstream>| {
            let ready = shared.client.get(format!("http://{}/health/ready", upstream.address)).timeout(PROBE).send();
            let healthy = ready.await.is_ok_and(|answer| answer.status() == 200);
            upstream.healthy.store(healthy, Ordering::Relaxed);
        };
        futures_util::future::join_all(shared.upstreams().into_iter().map(probe)).await;
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

impl Shared {
    fn resolve(&self) {
        let addresses = self.addresses.lock().unwrap().clone();
        let mut resolved = self.resolved.lock().unwrap();
        // The state of a known replica is kept.
        let upstream = |address| {
            let known = resolved.1.iter().find(|upstream| upstream.address == address).cloned();
            known.unwrap_or_else(|| Arc::new(Upstream { address, healthy: AtomicBool::new(true) }))
        };
        let upstreams = addresses.into_iter().map(upstream).collect();
        *resolved = (Instant::now(), upstreams);
    }

    fn upstreams(&self) -> Vec<Arc<Upstream>> {
        if self.resolved.lock().unwrap().0.elapsed() > self.ttl {
            self.resolve();
        }
        self.resolved.lock().unwrap().1.clone()
    }

    /// Healthy replicas in round-robin order, then the others, because a health check may be outdated.
    fn candidates(&self) -> Vec<SocketAddr> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut upstreams = self.upstreams();
        let count = upstreams.len().max(1);
        upstreams.rotate_left(first % count);
        let (healthy, others): (Vec<_>, Vec<_>) =
            upstreams.into_iter().partition(|one| one.healthy.load(Ordering::Relaxed));
        healthy.into_iter().chain(others).map(|one| one.address).collect()
    }
}

async fn forward(shared: Data<Shared>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let mut problem = String::new();
    for upstream in shared.candidates() {
        let mut upstream_request = shared.client.request(
            reqwest::Method::from_bytes(request.method().as_str().as_bytes()).unwrap(),
            format!("http://{upstream}{}", request.uri()),
        );
        for (name, value) in request.headers() {
            if !matches!(*name, header::HOST | header::CONNECTION | header::CONTENT_LENGTH) {
                upstream_request = upstream_request.header(name.as_str(), value.as_bytes());
            }
        }
        match upstream_request.body(body.clone()).send().await {
            Ok(answer) => return relay(answer),
            Err(error) => {
                // The request may have been processed: only repeat it if repeating is safe.
                let is_repeatable = error.is_connect() || matches!(*request.method(), Method::GET | Method::HEAD);
                problem = format!("{upstream}: {error:?}");
                if !is_repeatable {
                    break;
                }
            }
        }
    }
    HttpResponse::BadGateway().body(problem)
}

fn relay(answer: reqwest::Response) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status().as_u16()).unwrap());
    for (name, value) in answer.headers() {
        if !matches!(name.as_str(), "connection" | "transfer-encoding" | "content-length") {
            response.append_header((name.as_str(), value.as_bytes()));
        }
    }
    response.streaming(answer.bytes_stream())
}
