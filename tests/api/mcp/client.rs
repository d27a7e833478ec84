//! A client that knows the two eras of the protocol, and nothing else.

use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::daemon::{Daemon, expect};

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2025-11-25: `initialize` first.
    Handshake,
    /// 2026-07-28: every request carries the version, in its body and in headers.
    PerRequest,
}

pub const ERAS: [Era; 2] = [Era::Handshake, Era::PerRequest];

impl Era {
    pub fn version(self) -> &'static str {
        match self {
            Self::Handshake => "2025-11-25",
            Self::PerRequest => "2026-07-28",
        }
    }
}

/// A client with a credential. Its requests go to the replicas in turn.
pub struct Client<'d> {
    replicas: Vec<&'d Daemon>,
    credential: String,
    pub era: Era,
    sent: AtomicU32,
}

impl<'d> Client<'d> {
    pub fn new(daemon: &'d Daemon, era: Era, credential: &str) -> Self {
        Self::of_replicas(vec![daemon], era, credential)
    }

    pub fn of_replicas(replicas: Vec<&'d Daemon>, era: Era, credential: &str) -> Self {
        Self { replicas, credential: credential.to_owned(), era, sent: AtomicU32::new(0) }
    }

    /// A message with the headers of its era.
    pub fn post(&self, message: &Value) -> RequestBuilder {
        let n = self.sent.fetch_add(1, Ordering::Relaxed) as usize;
        let request = raw(self.replicas[n % self.replicas.len()]).bearer_auth(&self.credential).json(message);
        let request = request.header("mcp-protocol-version", self.era.version());
        let Some(method) = message["method"].as_str().filter(|_| self.era == Era::PerRequest) else { return request };
        let name = message["params"]["name"].as_str().or(message["params"]["uri"].as_str());
        let request = request.header("mcp-method", method);
        name.into_iter().fold(request, |request, name| request.header("mcp-name", name))
    }

    /// A request as its era writes it.
    pub fn message(&self, method: &str, params: Value) -> Value {
        let mut params = params;
        if self.era == Era::PerRequest {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": self.era.version(),
                "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
    }

    /// What comes back: an object with `result` or `error`.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let response = self.post(&self.message(method, params)).send().await.unwrap();
        assert!(response.status().as_u16() < 500, "{method}: {}", response.status());
        let answer: Value = response.json().await.unwrap();
        assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)), "{answer}");
        answer
    }

    /// The result of a request that succeeds.
    pub async fn result(&self, method: &str, params: Value) -> Value {
        let answer = self.ask(method, params).await;
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The first words of a conversation.
    pub async fn begin(&self) -> Value {
        match self.era {
            Era::PerRequest => self.result("server/discover", json!({})).await,
            Era::Handshake => {
                let client = json!({ "name": "test", "version": "1" });
                let hello = json!({ "protocolVersion": self.era.version(), "capabilities": {}, "clientInfo": client });
                let result = self.result("initialize", hello).await;
                assert_eq!(result["protocolVersion"], self.era.version());
                let done = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
                expect(202, self.post(&done)).await;
                result
            }
        }
    }

    /// The tools by name.
    pub async fn tools(&self) -> Vec<Value> {
        self.result("tools/list", json!({})).await["tools"].as_array().unwrap().clone()
    }

    /// The result of a call.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.result("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// The answer of a call that succeeds: valid by the schema of its tool, and the same as text.
    pub async fn answer(&self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments).await;
        assert_eq!(result["isError"], false, "{tool}: {result}");
        let answer = result["structuredContent"].clone();
        let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, answer, "{tool}");
        let tools = self.tools().await;
        let definition = tools.iter().find(|definition| definition["name"] == tool).unwrap();
        let validator = jsonschema::validator_for(&definition["outputSchema"]).unwrap();
        let errors: Vec<String> = validator.iter_errors(&answer).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{tool}: {answer}");
        answer
    }

    /// The text of a call that fails.
    pub async fn refusal(&self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments).await;
        assert_eq!(
            (&result["isError"], &result["structuredContent"]),
            (&json!(true), &Value::Null),
            "{tool}: {result}"
        );
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }
}

/// A POST without a credential.
pub fn raw(daemon: &Daemon) -> RequestBuilder {
    daemon.request(Method::POST, "/mcp").header("accept", "application/json, text/event-stream")
}
