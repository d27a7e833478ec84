//! A server on loopback that keeps what is sent to it: in place of a collector of traces, and of a receiver of webhooks.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came, and with which headers.
pub struct OutboxMessage {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl OutboxMessage {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// See the module.
pub struct Mailroom {
    pub address: SocketAddr,
    letters: UnboundedReceiver<OutboxMessage>,
}

impl Mailroom {
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, letters) = unbounded_channel();
        let sender = Data::new(sender);
        let app = move || App::new().app_data(sender.clone()).default_service(web::to(take));
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        Self { address, letters }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn next(&mut self) -> OutboxMessage {
        tokio::time::timeout(PATIENCE, self.letters.recv()).await.expect("something comes").unwrap()
    }

    /// What has come and not been taken yet.
    pub fn rest(&mut self) -> Vec<OutboxMessage> {
        std::iter::from_fn(|| self.letters.try_recv().ok()).collect()
    }
}

async fn take(request: HttpRequest, body: Bytes, sender: Data<UnboundedSender<OutboxMessage>>) -> HttpResponse {
    let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let _ = sender.send(OutboxMessage { path: request.path().to_owned(), headers, body: body.to_vec() });
    HttpResponse::Ok().finish()
}

/// A collector of traces.
pub struct Collector {
    pub mailroom: Mailroom,
    pub spans: Vec<Span>,
    /// Every request as it came.
    pub raw: Vec<Vec<u8>>,
    pub services: Vec<String>,
}

impl Collector {
    pub fn open() -> Self {
        Self { mailroom: Mailroom::open(), spans: Vec::new(), raw: Vec::new(), services: Vec::new() }
    }

    /// Waits until what has come has this in it.
    pub async fn until<T>(&mut self, find: impl Fn(&Self) -> Option<T>) -> T {
        loop {
            if let Some(found) = find(self) {
                return found;
            }
            let letter = self.mailroom.next().await;
            self.read(letter);
        }
    }

    /// What has come by now.
    pub fn read_rest(&mut self) {
        for letter in self.mailroom.rest() {
            self.read(letter);
        }
    }

    fn read(&mut self, letter: OutboxMessage) {
        assert_eq!(letter.path, "/v1/traces");
        assert_eq!(letter.header("content-type"), Some("application/x-protobuf"));
        let request = ExportTraceServiceRequest::decode(letter.body.as_slice()).unwrap();
        self.raw.push(letter.body);
        for resource in request.resource_spans {
            let about = resource.resource.unwrap().attributes;
            let name = about.iter().find(|about| about.key == "service.name").unwrap();
            self.services.push(format!("{:?}", name.value.as_ref().unwrap().value));
            self.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }

    pub fn named(&self, name: &str) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(move |span| span.name == name)
    }

    /// The spans above one, from its parent on, as far as they are known.
    pub fn above(&self, span: &Span) -> Vec<&Span> {
        let parent = |span: &Span| {
            let same_trace = |other: &&Span| other.trace_id == span.trace_id;
            self.spans.iter().filter(same_trace).find(|other| other.span_id == span.parent_span_id)
        };
        std::iter::successors(parent(span), |span| parent(span)).collect()
    }
}

/// An attribute as text.
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
