//! A receiver of webhooks that notes what came.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;
use tokio::task::JoinHandle;

/// One webhook as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Webhook {
    /// Of the message: the same whenever it is sent again.
    pub id: String,
    pub event_id: String,
    /// Rule and number: what happened.
    pub crossing: (String, u64),
}

type Arrivals = Mutex<Vec<Webhook>>;

/// See the module. Stops when dropped.
pub struct Receiver {
    address: SocketAddr,
    arrivals: Arc<Arrivals>,
    serving: JoinHandle<()>,
}

impl Receiver {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let arrivals = Arc::new(Arrivals::default());
        let shared = Data::from(Arc::clone(&arrivals));
        let app = move || App::new().app_data(shared.clone()).default_service(web::to(take));
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
        Self { address, arrivals, serving: tokio::spawn(async move { server.await.unwrap() }) }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// All that came, in order.
    pub fn arrivals(&self) -> Vec<Webhook> {
        self.arrivals.lock().unwrap().clone()
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
    arrivals.lock().unwrap().push(webhook);
    HttpResponse::NoContent().finish()
}
