//! A proxy that adds an API key to every request, for programs that send none.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use reqwest::Client;

use crate::daemon::{PATIENCE, free_socket};

/// Where requests go, and with which key.
struct Target {
    base: String,
    key: String,
    client: Client,
}

/// It listens before the daemon starts, so that the daemon can have its address for the public URL.
pub struct KeyProxy {
    address: SocketAddr,
    target: Arc<OnceLock<Target>>,
}

impl KeyProxy {
    pub fn start() -> Self {
        let listener = free_socket();
        let address = listener.local_addr().unwrap();
        let target = Arc::new(OnceLock::new());
        let shared = Data::from(Arc::clone(&target));
        let app = move || App::new().app_data(shared.clone()).default_service(web::to(pass_on));
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        Self { address, target }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Passes requests on from now on.
    pub fn pass_to(&self, base: String, key: String) {
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        assert!(self.target.set(Target { base, key, client }).is_ok());
    }
}

/// With all headers as they came: the daemon judges `Host` and `Origin`.
async fn pass_on(target: Data<OnceLock<Target>>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let target = target.get().unwrap();
    let method = request.method().as_str().parse().unwrap();
    let mut passed =
        target.client.request(method, format!("{}{}", target.base, request.uri())).bearer_auth(&target.key);
    for (name, value) in request.headers() {
        if !["authorization", "connection", "content-length", "transfer-encoding", "accept-encoding"]
            .contains(&name.as_str())
        {
            passed = passed.header(name.as_str(), value.as_bytes());
        }
    }
    let answer = passed.body(body.to_vec()).send().await.unwrap();
    let mut response = HttpResponse::build(actix_web::http::StatusCode::from_u16(answer.status().as_u16()).unwrap());
    for (name, value) in answer.headers() {
        if !["connection", "content-length", "transfer-encoding"].contains(&name.as_str()) {
            response.append_header((name.as_str(), value.as_bytes()));
        }
    }
    response.body(answer.bytes().await.unwrap())
}
