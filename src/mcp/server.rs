//! The transport: one POST, one JSON answer. Stateless: any replica answers any request.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use rmcp::model::ErrorCode;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use url::{Origin, Url};

use super::call::CallContext;
use super::handler::Handler;
use super::{resources, tools};
use crate::service::Service;

/// Maximum size of a request.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// What a request takes from the rate limit.
const REQUEST_WEIGHT: u32 = 1;

/// The server of the protocol.
pub struct McpServer {
    transport: StreamableHttpService<Handler, NeverSessionManager>,
}

impl McpServer {
    /// A server over the use cases. Besides pages of its own, those of `origins` may call it from browsers.
    pub fn new(service: Service, origins: &[String]) -> Self {
        let public_url = service.public_url().clone();
        let hosts = public_url.host_str().into_iter().chain(["localhost", "127.0.0.1", "::1"]);
        let origins = origins.iter().filter_map(|origin| origin.parse().ok()).chain([public_url.clone()]);
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_sse_keep_alive(None)
            .with_sse_retry(None)
            .with_max_request_body_bytes(MAX_BODY_BYTES)
            .with_allowed_hosts(hosts)
            .with_allowed_origins(origins.filter_map(|url: Url| with_port(&url)))
            .enforce_origin_validation();
        let handler = Handler::new(service);
        let sessions = Arc::new(NeverSessionManager::default());
        Self { transport: StreamableHttpService::new(move || Ok(handler.clone()), sessions, config) }
    }

    /// What a message takes from the rate limit, in requests.
    pub fn weight_of(message: &Value) -> u32 {
        match message["method"].as_str() {
            Some("tools/call") => {
                message["params"]["name"].as_str().and_then(tools::find).map_or(REQUEST_WEIGHT, |tool| tool.weight)
            }
            Some("resources/read") => resources::WEIGHT,
            _ => REQUEST_WEIGHT,
        }
    }

    /// Answers one message: the body of a POST, with its headers.
    pub async fn answer<'h>(
        &self,
        headers: impl Iterator<Item = (&'h str, &'h [u8])>,
        message: String,
        context: CallContext,
    ) -> Response<Vec<u8>> {
        let mut request = Request::new(message);
        *request.method_mut() = Method::POST;
        request.extensions_mut().insert(context);
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
                request.headers_mut().append(name, value);
            }
        }
        let is_json = request.headers().get(CONTENT_TYPE).is_some_and(is_json);
        let (parts, body) = self.transport.handle(request).await.into_parts();
        // JSON that is no message of the protocol.
        if parts.status == StatusCode::UNSUPPORTED_MEDIA_TYPE && is_json {
            return refused(ErrorCode::INVALID_REQUEST, "the body is not a message of the protocol");
        }
        let Ok(body) = body.collect().await;
        Response::from_parts(parts, body.to_bytes().into())
    }

    /// The answer to a body that is not JSON.
    pub fn not_json() -> Response<Vec<u8>> {
        refused(ErrorCode::PARSE_ERROR, "the body is not JSON")
    }
}

fn is_json(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|value| value.split(';').next().is_some_and(|kind| kind.trim() == "application/json"))
}

fn refused(code: ErrorCode, message: &str) -> Response<Vec<u8>> {
    let error = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code.0, "message": message } });
    let mut response = Response::new(error.to_string().into_bytes());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The origin of a URL with its port: without one, any port would do.
fn with_port(url: &Url) -> Option<String> {
    match url.origin() {
        Origin::Tuple(scheme, host, port) => Some(format!("{scheme}://{host}:{port}")),
        Origin::Opaque(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_names_its_port() {
        let origin = |url: &str| with_port(&url.parse().unwrap());
        assert_eq!(origin("https://tracker.example/amazon/").as_deref(), Some("https://tracker.example:443"));
        assert_eq!(origin("http://[::1]:8000/").as_deref(), Some("http://[::1]:8000"));
        assert_eq!(origin("data:text/plain,x"), None);
    }

    #[test]
    fn a_call_weighs_what_its_tool_does() {
        let call = |name: &str| McpServer::weight_of(&json!({ "method": "tools/call", "params": { "name": name } }));
        assert_eq!((call("search_products"), call("crawl_now"), call("no_such_tool")), (1, 5, 1));
        for message in [json!({ "method": "tools/list" }), json!([]), json!({ "method": "tools/call", "params": 1 })] {
            assert_eq!(McpServer::weight_of(&message), 1);
        }
    }
}
