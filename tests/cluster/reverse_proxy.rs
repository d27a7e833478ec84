//! A small reverse proxy in front of the replicas that behaves like the gateway: round robin, active health checks, and
//! a retry on another replica when a connection fails.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::{Method, StatusCode, header};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use reqwest::Client;
use tokio::task::JoinHandle;

/// Interval of the health checks, as in the gateway.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
const PROBE: Duration = Duration::from_millis(500);

struct Upstream {
    address: SocketAddr,
    healthy: AtomicBool,
}

struct Shared {
    upstreams: Vec<Upstream>,
    turn: AtomicUsize,
    client: Client,
}

/// The reverse proxy. Stops when dropped.
pub struct ReverseProxy {
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl ReverseProxy {
    pub fn start(replicas: impl IntoIterator<Item = SocketAddr>) -> Self {
        let upstreams = replicas.into_iter().map(|address| Upstream { address, healthy: AtomicBool::new(true) });
        let client = Client::builder().no_proxy().connect_timeout(Duration::from_secs(1)).build().unwrap();
        let state = Arc::new(Shared { upstreams: upstreams.collect(), turn: AtomicUsize::new(0), client });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Data::from(Arc::clone(&state));
        let app = move || App::new().app_data(shared.clone()).default_service(web::to(forward));
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
        let serving = tokio::spawn(async move { server.await.unwrap() });
        Self { address, tasks: vec![serving, tokio::spawn(check(state))] }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for ReverseProxy {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn check(shared: Arc<Shared>) {
    loop {
        let probe = async |upstream: &Upstream| {
            let ready = shared.client.get(format!("http://{}/health/ready", upstream.address)).timeout(PROBE).send();
            let healthy = ready.await.is_ok_and(|answer| answer.status() == 200);
            upstream.healthy.store(healthy, Ordering::Relaxed);
        };
        futures_util::future::join_all(shared.upstreams.iter().map(probe)).await;
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

impl Shared {
    /// Healthy replicas in round-robin order, then the others, because a health check may be outdated.
    fn candidates(&self) -> Vec<SocketAddr> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.upstreams.len();
        let rotated = (0..count).map(|n| &self.upstreams[(first + n) % count]);
        let (healthy, others): (Vec<_>, Vec<_>) = rotated.partition(|one| one.healthy.load(Ordering::Relaxed));
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
