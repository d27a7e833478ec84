//! Keepa's API on loopback, as its documentation describes it: an envelope in every answer, a balance of tokens that is paid with, and
//! faults that are queued. Each fault is used by one call.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use actix_web::web::{Data, Path, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// The one key that is right.
pub const KEY: &str = "the-right-key";
/// What a product costs with its Buy Box and its ratings.
const TOKENS_PER_PRODUCT: i64 = 4;
/// A product that Keepa does not know.
const INVALID: i64 = 4;

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// An error with an envelope, which costs nothing.
    Error(u16, &'static str),
    /// Half of the answer, and the end of the connection.
    Torn,
    /// No JSON.
    Nonsense,
}

struct State {
    tokens: i64,
    refill_in: i64,
    refill_rate: i64,
    products: BTreeMap<String, Value>,
    faults: VecDeque<Fault>,
    /// The ASINs of each call for products.
    calls: Vec<Vec<String>>,
    parameters: HashMap<String, String>,
    answered_with_gzip: bool,
    called: Arc<Semaphore>,
}

/// See the module.
pub struct Keepa {
    address: SocketAddr,
    /// A permit for each call for products.
    called: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
}

impl Keepa {
    /// An account with so many tokens, which gets `refill_rate` per minute.
    pub fn start(tokens: i64, refill_rate: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let called = Arc::new(Semaphore::new(0));
        let state = State {
            tokens,
            refill_in: 41_230,
            refill_rate,
            products: BTreeMap::new(),
            faults: VecDeque::new(),
            calls: Vec::new(),
            parameters: HashMap::new(),
            answered_with_gzip: false,
            called: Arc::clone(&called),
        };
        let state = Arc::new(Mutex::new(state));
        let shared = Data::from(Arc::clone(&state));
        let app = move || App::new().app_data(shared.clone()).route("/{path}", web::get().to(answer));
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        Self { address, called, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// A product that it knows.
    pub fn add(&self, product: Value) {
        let asin = product["asin"].as_str().unwrap().to_owned();
        self.state().products.insert(asin, product);
    }

    /// The next call fails so.
    pub fn fail_next(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    /// Sets the balance.
    pub fn set_tokens(&self, tokens: i64) {
        self.state().tokens = tokens;
    }

    pub fn tokens(&self) -> i64 {
        self.state().tokens
    }

    /// The ASINs of each call for products, in order.
    pub fn calls(&self) -> Vec<Vec<String>> {
        self.state().calls.clone()
    }

    /// Waits for the next call for products.
    pub async fn called(&self) {
        self.called.acquire().await.unwrap().forget();
    }

    /// A parameter of the last call for products.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.state().parameters.get(name).cloned()
    }

    pub fn answered_with_gzip(&self) -> bool {
        self.state().answered_with_gzip
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    /// An answer with its envelope.
    fn envelope(&self, consumed: i64, payload: (&str, Value)) -> Value {
        let mut answer = json!({
            "timestamp": 1_713_840_000_000_i64, "tokensLeft": self.tokens, "refillIn": self.refill_in,
            "refillRate": self.refill_rate, "tokenFlowReduction": 0.0, "tokensConsumed": consumed, "processingTimeInMs": 1,
        });
        answer[payload.0] = payload.1;
        answer
    }

    fn error(&self, kind: &str) -> Value {
        self.envelope(0, ("error", json!({ "type": kind, "message": format!("simulated: {kind}"), "details": "" })))
    }

    /// Pays for products. A call may begin while the balance is positive, and make it negative.
    fn products(&mut self, query: &HashMap<String, String>) -> (u16, Value) {
        let asins: Vec<String> = query.get("asin").map_or("", String::as_str).split(',').map(str::to_owned).collect();
        if asins.len() > 100 || !query.contains_key("domain") {
            return (400, self.error("invalidParameter"));
        }
        if self.tokens <= 0 {
            return (429, self.error("notEnoughTokens"));
        }
        let consumed = TOKENS_PER_PRODUCT * i64::try_from(asins.len()).unwrap();
        self.tokens -= consumed;
        let domain: i64 = query["domain"].parse().unwrap();
        let product = |asin: &String| match self.products.get(asin).filter(|product| product["domainId"] == domain) {
            Some(product) => product.clone(),
            None => json!({ "asin": asin, "domainId": domain, "productType": INVALID, "title": null, "csv": null }),
        };
        let products: Vec<Value> = asins.iter().map(product).collect();
        self.calls.push(asins);
        self.called.add_permits(1);
        self.parameters.clone_from(query);
        (200, self.envelope(consumed, ("products", json!(products))))
    }
}

async fn answer(
    request: HttpRequest,
    path: Path<String>,
    query: Query<HashMap<String, String>>,
    state: Data<Mutex<State>>,
) -> HttpResponse {
    let mut state = state.lock().unwrap();
    let fault = match path.as_str() {
        "product" => state.faults.pop_front(),
        _ => None,
    };
    let (status, answer) = if query.get("key").is_none_or(|key| key != KEY) {
        (400, state.error("invalidKey"))
    } else {
        match (path.as_str(), fault) {
            (_, Some(Fault::Error(status, kind))) => (status, state.error(kind)),
            (_, Some(Fault::Nonsense)) => return HttpResponse::Ok().body("<html>maintenance</html>"),
            (_, Some(Fault::Torn)) => return torn(),
            ("token", None) => (200, state.envelope(0, ("x", Value::Null))),
            ("product", None) => state.products(&query),
            _ => (404, state.error("notFound")),
        }
    };
    let takes_gzip =
        request.headers().get(ACCEPT_ENCODING).is_some_and(|value| value.to_str().unwrap().contains("gzip"));
    state.answered_with_gzip = takes_gzip;
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap());
    response.content_type("application/json;charset=UTF-8");
    if !takes_gzip {
        return response.body(answer.to_string());
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(answer.to_string().as_bytes()).unwrap();
    response.insert_header((CONTENT_ENCODING, "gzip")).body(gzip.finish().unwrap())
}

fn torn() -> HttpResponse {
    let pieces = futures_util::stream::iter([
        Ok(web::Bytes::from_static(b"{\"tokensLeft\":1,\"products\":[")),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted)),
    ]);
    HttpResponse::Ok().streaming(pieces)
}
