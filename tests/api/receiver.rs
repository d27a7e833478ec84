//! A receiver of webhooks on loopback that can be told to misbehave, and checks every signature by itself.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::daemon::free_socket;

/// One webhook as it came.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub raw: String,
    pub body: Value,
}

impl Webhook {
    /// Checks the signature as the Standard Webhooks convention says.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.{}", self.id, self.timestamp, self.raw).as_bytes());
        self.signature == format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}

/// What becomes of a webhook.
enum Answer {
    Status(u16),
    /// It hangs until the other end says something or is dropped, and is then taken.
    Hang(oneshot::Receiver<()>),
}

struct Inside {
    arrived: UnboundedSender<Webhook>,
    answers: Mutex<VecDeque<Answer>>,
}

/// See the module.
pub struct Receiver {
    address: SocketAddr,
    inside: Arc<Inside>,
    arrivals: tokio::sync::Mutex<UnboundedReceiver<Webhook>>,
}

impl Receiver {
    pub fn start() -> Self {
        let listener = free_socket();
        let address = listener.local_addr().unwrap();
        let (arrived, arrivals) = unbounded_channel();
        let inside = Arc::new(Inside { arrived, answers: Mutex::default() });
        let shared = Data::from(Arc::clone(&inside));
        let app = move || App::new().app_data(shared.clone()).default_service(web::to(take));
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        Self { address, inside, arrivals: tokio::sync::Mutex::new(arrivals) }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Answers the next webhooks with these statuses, and all further ones with 204.
    pub fn answer_next(&self, statuses: &[u16]) {
        self.inside.answers.lock().unwrap().extend(statuses.iter().copied().map(Answer::Status));
    }

    /// The webhook after those arrives, and has no answer before what this returns is dropped.
    pub fn hang_next(&self) -> oneshot::Sender<()> {
        let (release, released) = oneshot::channel();
        self.inside.answers.lock().unwrap().push_back(Answer::Hang(released));
        release
    }

    /// The next webhook, waited for.
    pub async fn next(&self) -> Webhook {
        let next = async { self.arrivals.lock().await.recv().await.unwrap() };
        tokio::time::timeout(std::time::Duration::from_secs(30), next).await.expect("no webhook came")
    }

    /// True when none has come that was not taken by [`Receiver::next`].
    pub async fn is_quiet(&self) -> bool {
        self.arrivals.lock().await.is_empty()
    }
}

async fn take(inside: Data<Inside>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let raw = String::from_utf8_lossy(&body).into_owned();
    let webhook = Webhook {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: serde_json::from_str(&raw).unwrap_or_default(),
        raw,
    };
    let answer = inside.answers.lock().unwrap().pop_front();
    let _ = inside.arrived.send(webhook);
    let status = match answer {
        None => 204,
        Some(Answer::Status(status)) => status,
        Some(Answer::Hang(released)) => {
            let _ = released.await;
            204
        }
    };
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).finish()
}
