//! A service on loopback: it checks every request against the limits of the service it stands for, and misbehaves on
//! demand.

use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;

use crate::parts::{Part, parts_of};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// The path as it was sent, percent-encoded.
    pub path: String,
    pub query: HashMap<String, String>,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// What a service does, besides taking messages.
pub trait Service: Send + Sync + 'static {
    /// Why the service would refuse the request, if it would.
    fn check(&self, request: &Request) -> Result<(), String>;
    /// The answer to a request that is taken.
    fn accepted(&self, request: &Request) -> Reply;
    /// The answer to a request with this error.
    fn refused(&self, _: &str) -> Reply {
        reply(400, "bad request")
    }
    /// A limit in the form of the service, and its pause.
    fn limited(&self) -> (Reply, Duration) {
        (Reply { headers: vec![("retry-after", "7".to_owned())], ..reply(429, "") }, Duration::from_secs(7))
    }
    /// The answer when the credentials are no longer valid.
    fn revoked(&self) -> Reply {
        reply(401, "unauthorized")
    }
}

/// What the double does with a request instead of taking it.
#[derive(Debug, Clone)]
pub enum Mood {
    Answer(Reply),
    /// Answers later than anybody waits.
    Hang,
}

struct Inside {
    service: Box<dyn Service>,
    taken: Mutex<Vec<Request>>,
    seen: Mutex<usize>,
    complaints: Mutex<Vec<String>>,
    moods: Mutex<VecDeque<Mood>>,
}

/// See the module.
pub struct Double {
    address: SocketAddr,
    inside: Arc<Inside>,
}

impl Double {
    pub fn start(service: Box<dyn Service>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Inside {
            service,
            taken: Mutex::default(),
            seen: Mutex::default(),
            complaints: Mutex::default(),
            moods: Mutex::default(),
        });
        let shared = Data::from(Arc::clone(&inside));
        let app = move || {
            let limit = PayloadConfig::new(16 * 1024 * 1024);
            App::new().app_data(shared.clone()).app_data(limit).default_service(web::to(take))
        };
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        Self { address, inside }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn service(&self) -> &dyn Service {
        self.inside.service.as_ref()
    }

    /// The next requests meet these moods, one each.
    pub fn be(&self, moods: impl IntoIterator<Item = Mood>) {
        self.inside.moods.lock().unwrap().extend(moods);
    }

    /// It takes the next requests again.
    pub fn calm_down(&self) {
        self.inside.moods.lock().unwrap().clear();
    }

    pub fn answer(&self, reply: Reply) {
        self.be([Mood::Answer(reply)]);
    }

    /// The requests that were taken.
    pub fn taken(&self) -> Vec<Request> {
        self.inside.taken.lock().unwrap().clone()
    }

    /// The number of all requests.
    pub fn seen(&self) -> usize {
        *self.inside.seen.lock().unwrap()
    }

    /// Why requests were refused.
    pub fn complaints(&self) -> Vec<String> {
        self.inside.complaints.lock().unwrap().clone()
    }
}

async fn take(inside: Data<Inside>, request: HttpRequest, body: Bytes) -> HttpResponse {
    *inside.seen.lock().unwrap() += 1;
    let header = |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let request = Request {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect(),
        headers: request.headers().iter().map(header).collect(),
        body: body.to_vec(),
    };
    let mood = inside.moods.lock().unwrap().pop_front();
    let reply = match mood {
        Some(Mood::Hang) => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            reply(200, "")
        }
        Some(Mood::Answer(reply)) => reply,
        None => match inside.service.check(&request) {
            Ok(()) => {
                inside.taken.lock().unwrap().push(request.clone());
                inside.service.accepted(&request)
            }
            Err(why) => {
                let reply = inside.service.refused(&why);
                inside.complaints.lock().unwrap().push(why);
                reply
            }
        },
    };
    // A server that quotes all it knows, as debug modes do.
    let echo = reply.body.replace("{echo}", &format!("{} {:?} {:?}", request.path, request.query, request.headers));
    let mut response = HttpResponse::build(StatusCode::from_u16(reply.status).unwrap());
    for (name, value) in reply.headers {
        response.insert_header((name, value));
    }
    response.body(echo)
}

pub fn reply(status: u16, body: impl Into<String>) -> Reply {
    Reply { status, headers: Vec::new(), body: body.into() }
}

pub fn json_reply(status: u16, body: Value) -> Reply {
    reply(status, body.to_string())
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    pub fn is_multipart(&self) -> bool {
        self.header("content-type").starts_with("multipart/form-data")
    }

    pub fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("not JSON: {error}"))
    }

    pub fn parts(&self) -> Vec<Part> {
        parts_of(self.header("content-type"), &self.body)
    }
}
