//! A webhook receiver that records what it received.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::SOON;

/// One webhook as received.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Webhook {
    /// Id of the delivery: the same for every attempt.
    pub id: String,
    pub event_id: String,
    /// Id of the rule and number of the crossing.
    pub crossing: (String, u64),
}

type Arrivals = watch::Sender<Vec<Webhook>>;

/// The receiver. Stops when dropped.
pub struct Receiver {
    address: SocketAddr,
    arrivals: Arc<Arrivals>,
    serving: JoinHandle<()>,
}

impl Receiver {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let arrivals = Arc::new(Arrivals::new(Vec::new()));
        let shared = Data::from(Arc::clone(&arrivals));
        let app = move || App::new().app_data(shared.clone()).default_service(web::to(take));
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
        Self { address, arrivals, serving: tokio::spawn(async move { server.await.unwrap() }) }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// All received webhooks, in order.
    pub fn arrivals(&self) -> Vec<Webhook> {
        self.arrivals.borrow().clone()
    }

    /// Waits until this many webhooks have been received.
    pub async fn received(&self, count: usize) {
        let mut arrivals = self.arrivals.subscribe();
        let received = arrivals.wait_for(|arrivals| arrivals.len() >= count);
        let in_time = tokio::time::timeout(SOON, received).await.is_ok();
        assert!(in_time, "only {} of {count} webhooks within {SOON:?}", self.arrivals().len());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(arrivals: Data<Arrivals>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let text = |field: &str| body["data"][field].as_str().unwrap().to_owned();
    let webhook = Webhook {
        id: request.headers().get("webhook-id").unwrap().to_str().unwrap().to_owned(),
        event_id: text("event_id"),
        crossing: (text("alert_id"), body["data"]["crossing"].as_u64().unwrap()),
    };
    arrivals.send_modify(|arrivals| arrivals.push(webhook));
    HttpResponse::NoContent().finish()
}
