//! A small reverse proxy before the replicas, which does what the gateway does: round robin, active health checks, and
//! another try elsewhere when a replica cannot be reached.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::{Method, StatusCode, header};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use reqwest::Client;
use tokio::task::JoinHandle;

/// Of the health checks, as the gateway's.
const CHECKED_EVERY: Duration = Duration::from_millis(500);
const PROBE: Duration = Duration::from_millis(500);

struct Upstream {
    address: SocketAddr,
    healthy: AtomicBool,
}

struct Inside {
    upstreams: Vec<Upstream>,
    turn: AtomicUsize,
    client: Client,
}

/// See the module. Stops when dropped.
pub struct Front {
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Front {
    pub fn start(replicas: impl IntoIterator<Item = SocketAddr>) -> Self {
        let upstreams = replicas.into_iter().map(|address| Upstream { address, healthy: AtomicBool::new(true) });
        let client = Client::builder().no_proxy().connect_timeout(Duration::from_secs(1)).build().unwrap();
        let inside = Arc::new(Inside { upstreams: upstreams.collect(), turn: AtomicUsize::new(0), client });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Data::from(Arc::clone(&inside));
        let app = move || App::new().app_data(shared.clone()).default_service(web::to(pass));
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
        let serving = tokio::spawn(async move { server.await.unwrap() });
        Self { address, tasks: vec![serving, tokio::spawn(check(inside))] }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn check(inside: Arc<Inside>) {
    loop {
        let probe = async |upstream: &Upstream| {
            let ready = inside.client.get(format!("http://{}/health/ready", upstream.address)).timeout(PROBE).send();
            let healthy = ready.await.is_ok_and(|answer| answer.status() == 200);
            upstream.healthy.store(healthy, Ordering::Relaxed);
        };
        futures_util::future::join_all(inside.upstreams.iter().map(probe)).await;
        tokio::time::sleep(CHECKED_EVERY).await;
    }
}

impl Inside {
    /// The healthy ones from the next one on, then the others: a check may be late.
    fn in_turn(&self) -> Vec<SocketAddr> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.upstreams.len();
        let turned = (0..count).map(|n| &self.upstreams[(first + n) % count]);
        let (healthy, others): (Vec<_>, Vec<_>) = turned.partition(|one| one.healthy.load(Ordering::Relaxed));
        healthy.into_iter().chain(others).map(|one| one.address).collect()
    }
}

async fn pass(inside: Data<Inside>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let mut problem = String::new();
    for upstream in inside.in_turn() {
        let mut onward = inside.client.request(
            reqwest::Method::from_bytes(request.method().as_str().as_bytes()).unwrap(),
            format!("http://{upstream}{}", request.uri()),
        );
        for (name, value) in request.headers() {
            if !matches!(*name, header::HOST | header::CONNECTION | header::CONTENT_LENGTH) {
                onward = onward.header(name.as_str(), value.as_bytes());
            }
        }
        match onward.body(body.clone()).send().await {
            Ok(answer) => return passed_back(answer),
            Err(error) => {
                // Whatever was sent may have been carried out: only what can be asked twice is.
                let may_repeat = error.is_connect() || matches!(*request.method(), Method::GET | Method::HEAD);
                problem = format!("{upstream}: {error:?}");
                if !may_repeat {
                    break;
                }
            }
        }
    }
    HttpResponse::BadGateway().body(problem)
}

fn passed_back(answer: reqwest::Response) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status().as_u16()).unwrap());
    for (name, value) in answer.headers() {
        if !matches!(name.as_str(), "connection" | "transfer-encoding" | "content-length") {
            response.append_header((name.as_str(), value.as_bytes()));
        }
    }
    response.streaming(answer.bytes_stream())
}
