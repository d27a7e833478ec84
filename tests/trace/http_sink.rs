//! A local HTTP server that records requests, used as trace collector and as webhook receiver.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Timeout of every wait.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A received request.
pub struct RecordedRequest {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl RecordedRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The server.
pub struct HttpSink {
    pub address: SocketAddr,
    requests: UnboundedReceiver<RecordedRequest>,
}

impl HttpSink {
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = unbounded_channel();
        let sender = Data::new(sender);
        let app = move || App::new().app_data(sender.clone()).default_service(web::to(take));
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        Self { address, requests }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn next(&mut self) -> RecordedRequest {
        tokio::time::timeout(TIMEOUT, self.requests.recv()).await.expect("a request arrives").unwrap()
    }

    /// All requests received so far and not taken yet.
    pub fn rest(&mut self) -> Vec<RecordedRequest> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

async fn take(request: HttpRequest, body: Bytes, sender: Data<UnboundedSender<RecordedRequest>>) -> HttpResponse {
    let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let _ = sender.send(RecordedRequest { path: request.path().to_owned(), headers, body: body.to_vec() });
    HttpResponse::Ok().finish()
}

/// A trace collector.
pub struct Collector {
    pub sink: HttpSink,
    pub spans: Vec<Span>,
    /// The bodies of all requests.
    pub raw: Vec<Vec<u8>>,
    pub services: Vec<String>,
}

impl Collector {
    pub fn open() -> Self {
        Self { sink: HttpSink::open(), spans: Vec::new(), raw: Vec::new(), services: Vec::new() }
    }

    /// Waits until the received spans satisfy a condition.
    pub async fn until<T>(&mut self, find: impl Fn(&Self) -> Option<T>) -> T {
        loop {
            if let Some(found) = find(self) {
                return found;
            }
            let request = self.sink.next().await;
            self.read(request);
        }
    }

    /// Reads all requests received so far.
    pub fn read_rest(&mut self) {
        for request in self.sink.rest() {
            self.read(request);
        }
    }

    fn read(&mut self, request: RecordedRequest) {
        assert_eq!(request.path, "/v1/traces");
        assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
        let export = ExportTraceServiceRequest::decode(request.body.as_slice()).unwrap();
        self.raw.push(request.body);
        for resource in export.resource_spans {
            let attributes = resource.resource.unwrap().attributes;
            let name = attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
            self.services.push(format!("{:?}", name.value.as_ref().unwrap().value));
            self.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }

    pub fn named(&self, name: &str) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(move |span| span.name == name)
    }

    /// The known ancestors of a span, starting with its parent.
    pub fn above(&self, span: &Span) -> Vec<&Span> {
        let parent = |span: &Span| {
            let same_trace = |other: &&Span| other.trace_id == span.trace_id;
            self.spans.iter().filter(same_trace).find(|other| other.span_id == span.parent_span_id)
        };
        std::iter::successors(parent(span), |span| parent(span)).collect()
    }
}

/// The value of an attribute as text.
pub fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text.clone()),
        Any::IntValue(number) => Some(number.to_string()),
        Any::BoolValue(truth) => Some(truth.to_string()),
        other => panic!("{key} is {other:?}"),
    }
}

pub fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
