//! An OpenAI-compatible endpoint on loopback, with both of its APIs and the ways in which they fail. Each behaviour that is queued is used
//! by one request; without one, the endpoint answers with the text that it was given, or as its model does.

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use amazon_tracker::config::{AdviceSettings, TokenPriceSettings};
use serde_json::{Value, json};

/// The one key that is right.
pub const KEY: &str = "sk-the-right-key";
/// The one model that there is.
pub const MODEL: &str = "a-model";
/// What every answer is said to have used.
pub const INPUT_TOKENS: u64 = 900;
pub const CACHED_TOKENS: u64 = 300;
pub const OUTPUT_TOKENS: u64 = 120;
pub const REASONING_TOKENS: u64 = 40;

/// What the endpoint does with a request.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// A whole answer with this text.
    Text(String),
    /// 400: the question is longer than the context of the model.
    ContextTooLong,
    /// 401, whatever the key is.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404: no such model.
    NoSuchModel,
    /// 429 for too many requests, with `retry-after-ms` and `retry-after`.
    RateLimited { retry_after_ms: &'static str, retry_after: &'static str },
    /// 429 for an exhausted quota.
    NoQuota,
    /// A status with `x-should-retry`.
    Status(u16, Option<bool>),
    /// No answer for a long time.
    Hang,
    /// Half of an answer, and the end of the connection.
    Reset,
    /// A page of a proxy, with status 200.
    Html,
    /// Cut off at the limit of tokens.
    Incomplete,
    /// Cut off by a filter.
    Filtered,
    /// The model refuses.
    Refusal,
    /// Failed, with status 200.
    Failed,
    /// A whole answer without usage.
    NoUsage(String),
    /// A stream of events that nobody asked for.
    Stream,
}

/// What a model answers to the body of a request.
pub type Model = Box<dyn Fn(&Value) -> String + Send>;

struct State {
    model: Model,
    behaviours: VecDeque<Behaviour>,
    requests: Vec<Value>,
}

/// See the module.
pub struct ModelEndpoint {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl ModelEndpoint {
    /// An endpoint that answers with this text.
    pub fn start(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::start_model(Box::new(move |_| text.clone()))
    }

    /// Settings for advice from this endpoint.
    pub fn settings(&self) -> AdviceSettings {
        let prices = TokenPriceSettings {
            from: "2026-01-01".parse().unwrap(),
            input_usd: 1.25,
            cached_input_usd: 0.125,
            output_usd: 10.0,
        };
        AdviceSettings {
            enabled: true,
            api_key: Some(KEY.into()),
            base_url: self.url().parse().unwrap(),
            model: MODEL.to_owned(),
            max_output_tokens: 1000,
            timeout_secs: 5,
            prices: vec![prices],
            ..AdviceSettings::default()
        }
    }

    /// An endpoint that answers as this model does.
    pub fn start_model(model: Model) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { model, behaviours: VecDeque::new(), requests: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = Data::from(Arc::clone(&state));
        let app = move || {
            App::new()
                .app_data(shared.clone())
                .route("/v1/models", web::get().to(models))
                .route("/v1/responses", web::post().to(responses))
                .route("/v1/chat/completions", web::post().to(chat))
        };
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        Self { address, state }
    }

    /// The base URL of both APIs.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next requests are met by these, in order.
    pub fn behave(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.state().behaviours.extend(behaviours);
    }

    /// The bodies of all requests.
    pub fn requests(&self) -> Vec<Value> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// The list of models, which is free.
async fn models(request: HttpRequest) -> HttpResponse {
    if !has_key(&request) {
        return error(401, json!("invalid_api_key"), "invalid_request_error");
    }
    json_of(&json!({ "object": "list", "data": [{ "id": MODEL, "object": "model" }] }))
}

fn has_key(request: &HttpRequest) -> bool {
    let credential = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    credential == Some(format!("Bearer {KEY}").as_str())
}

/// The API that was called.
#[derive(Clone, Copy, PartialEq)]
enum Api {
    Responses,
    Chat,
}

async fn responses(request: HttpRequest, body: Bytes, state: Data<Mutex<State>>) -> HttpResponse {
    meet(Api::Responses, &request, &body, &state).await
}

async fn chat(request: HttpRequest, body: Bytes, state: Data<Mutex<State>>) -> HttpResponse {
    meet(Api::Chat, &request, &body, &state).await
}

async fn meet(api: Api, request: &HttpRequest, body: &[u8], state: &Mutex<State>) -> HttpResponse {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return error(400, Value::Null, "invalid_request_error");
    };
    let behaviour = {
        let mut state = state.lock().unwrap();
        state.requests.push(body.clone());
        match state.behaviours.pop_front() {
            Some(behaviour) => behaviour,
            None => Behaviour::Text((state.model)(&body)),
        }
    };
    if !has_key(request) {
        return error(401, json!("invalid_api_key"), "invalid_request_error");
    }
    if body["model"] != MODEL {
        return error(404, json!("model_not_found"), "invalid_request_error");
    }
    if let Some(problem) = schema_of(api, &body).and_then(|schema| wrong_schema(schema, 0)) {
        return error(400, json!(problem), "invalid_json_schema");
    }
    answer(api, behaviour).await
}

async fn answer(api: Api, behaviour: Behaviour) -> HttpResponse {
    match behaviour {
        Behaviour::Text(text) => whole(api, &text, true),
        Behaviour::NoUsage(text) => whole(api, &text, false),
        Behaviour::ContextTooLong => error(400, json!("context_length_exceeded"), "invalid_request_error"),
        Behaviour::Unauthorized => error(401, json!("invalid_api_key"), "invalid_request_error"),
        Behaviour::Forbidden => error(403, json!("unsupported_country_region_territory"), "request_forbidden"),
        Behaviour::NoSuchModel => error(404, json!("model_not_found"), "invalid_request_error"),
        Behaviour::RateLimited { retry_after_ms, retry_after } => {
            let mut refused = error(429, json!("rate_limit_exceeded"), "requests");
            for (name, value) in [("retry-after-ms", retry_after_ms), ("retry-after", retry_after)] {
                refused.headers_mut().insert(name.parse().unwrap(), value.parse().unwrap());
            }
            refused
        }
        Behaviour::NoQuota => error(429, json!("insufficient_quota"), "insufficient_quota"),
        Behaviour::Status(status, should_retry) => {
            let mut refused = error(status, Value::Null, "server_error");
            if let Some(should_retry) = should_retry {
                let value = should_retry.to_string().parse().unwrap();
                refused.headers_mut().insert("x-should-retry".parse().unwrap(), value);
            }
            refused
        }
        Behaviour::Hang => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            HttpResponse::Ok().finish()
        }
        Behaviour::Reset => {
            let pieces = futures_util::stream::iter([
                Ok(Bytes::from_static(b"{\"id\":\"resp_1\",\"status\":")),
                Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted)),
            ]);
            HttpResponse::Ok().content_type("application/json").streaming(pieces)
        }
        Behaviour::Html => HttpResponse::Ok().content_type("text/html").body("<html><h1>Bad gateway</h1></html>"),
        Behaviour::Incomplete => cut_off(api, "max_output_tokens", "length"),
        Behaviour::Filtered => cut_off(api, "content_filter", "content_filter"),
        Behaviour::Refusal => match api {
            Api::Responses => {
                let refusal = json!([{ "type": "refusal", "refusal": "I cannot help with that." }]);
                json_of(&response("completed", refusal, Value::Null, true))
            }
            Api::Chat => {
                let message = json!({ "role": "assistant", "content": null, "refusal": "I cannot help with that." });
                json_of(&completion("stop", &message, true))
            }
        },
        Behaviour::Failed => match api {
            Api::Responses => {
                let mut failed = response("failed", json!([]), Value::Null, true);
                failed["error"] = json!({ "code": "server_error", "message": "The model failed." });
                json_of(&failed)
            }
            Api::Chat => json_of(&json!({ "error": { "code": "server_error", "message": "The model failed." } })),
        },
        Behaviour::Stream => HttpResponse::Ok()
            .content_type("text/event-stream")
            .body("event: response.created\ndata: {\"type\":\"response.created\"}\n\ndata: [DONE]\n\n"),
    }
}

fn json_of(value: &Value) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(value.to_string())
}

/// An error. Its message quotes the key, as some do.
fn error(status: u16, code: Value, kind: &str) -> HttpResponse {
    let message = format!("Simulated {kind}; the key is {KEY}.");
    let body = json!({ "error": { "message": message, "type": kind, "param": null, "code": code } });
    let status = StatusCode::from_u16(status).unwrap();
    HttpResponse::build(status).content_type("application/json").body(body.to_string())
}

fn whole(api: Api, text: &str, has_usage: bool) -> HttpResponse {
    match api {
        Api::Responses => {
            let content = json!([{ "type": "output_text", "text": text, "annotations": [] }]);
            json_of(&response("completed", content, Value::Null, has_usage))
        }
        Api::Chat => {
            let message = json!({ "role": "assistant", "content": text, "refusal": null });
            json_of(&completion("stop", &message, has_usage))
        }
    }
}

fn cut_off(api: Api, reason: &str, finish_reason: &str) -> HttpResponse {
    let half = "{\"suggestions\":[{\"field\":";
    match api {
        Api::Responses => {
            let content = json!([{ "type": "output_text", "text": half, "annotations": [] }]);
            json_of(&response("incomplete", content, json!({ "reason": reason }), true))
        }
        Api::Chat => {
            let message = json!({ "role": "assistant", "content": half, "refusal": null });
            json_of(&completion(finish_reason, &message, true))
        }
    }
}

fn response(status: &str, content: Value, incomplete_details: Value, has_usage: bool) -> Value {
    let usage = json!({
        "input_tokens": INPUT_TOKENS, "input_tokens_details": { "cached_tokens": CACHED_TOKENS },
        "output_tokens": OUTPUT_TOKENS, "output_tokens_details": { "reasoning_tokens": REASONING_TOKENS },
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    });
    let message_status = if status == "incomplete" { "incomplete" } else { "completed" };
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_790_000_000, "status": status, "error": null,
        "incomplete_details": incomplete_details, "model": MODEL, "parallel_tool_calls": true, "tool_choice": "auto",
        "tools": [], "instructions": null, "metadata": {}, "temperature": 1.0, "top_p": 1.0,
        "output": [
            { "id": "rs_1", "type": "reasoning", "summary": [] },
            { "id": "msg_1", "type": "message", "role": "assistant", "status": message_status, "content": content },
        ],
        "usage": if has_usage { usage } else { Value::Null },
    })
}

fn completion(finish_reason: &str, message: &Value, has_usage: bool) -> Value {
    let usage = json!({
        "prompt_tokens": INPUT_TOKENS, "prompt_tokens_details": { "cached_tokens": CACHED_TOKENS },
        "completion_tokens": OUTPUT_TOKENS, "completion_tokens_details": { "reasoning_tokens": REASONING_TOKENS },
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    });
    let mut completion = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000, "model": MODEL,
        "choices": [{ "index": 0, "message": message, "finish_reason": finish_reason, "logprobs": null }],
    });
    if has_usage {
        completion["usage"] = usage;
    }
    completion
}

fn schema_of(api: Api, body: &Value) -> Option<&Value> {
    match api {
        Api::Responses => body["text"]["format"].get("schema"),
        Api::Chat => body["response_format"]["json_schema"].get("schema"),
    }
}

/// What strict schemas must not have: open objects, optional fields, ranges, more than five levels.
fn wrong_schema(schema: &Value, depth: usize) -> Option<String> {
    const UNKNOWN: &[&str] =
        &["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "format"];
    let fields = schema.as_object()?;
    if depth > 5 {
        return Some("it is nested too deeply".to_owned());
    }
    if let Some(name) = UNKNOWN.iter().find(|name| fields.contains_key(**name)) {
        return Some(format!("{name} is not supported"));
    }
    if let Some(properties) = schema["properties"].as_object() {
        let required = schema["required"].as_array().map_or(0, Vec::len);
        if schema["additionalProperties"] != false || required != properties.len() {
            return Some("objects must be closed, and their fields required".to_owned());
        }
        if let Some(problem) = properties.values().find_map(|property| wrong_schema(property, depth + 1)) {
            return Some(problem);
        }
    }
    wrong_schema(&schema["items"], depth + 1)
}
