//! Texts that mean something to a database, a log or a header, through every field that takes a text.

use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};

use crate::access::{PASSWORD, as_bearer, newcomer};
use crate::daemon::{Daemon, expect, on_both_engines};

const HOSTILE: &[&str] = &[
    "'; DROP TABLE product; --",
    "' OR '1'='1",
    "\" OR 1=1 --",
    "1) UNION SELECT password_hash FROM tenant_user --",
    "x'; UPDATE tenant_user SET role='superadmin'; --",
    "\r\nX-Injected: yes\r\n\r\n",
    "\n2026-01-01T00:00:00Z ERROR forged",
    "\u{0}",
    "%00%0d%0aX-Injected:%20yes",
    "${jndi:ldap://127.0.0.1/x}{{7*7}}",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "\u{202e}\u{feff}\u{1f600}",
];

/// What a schema of the document describes, with `$ref`s followed.
struct Document(Value);

impl Document {
    fn resolved<'d>(&'d self, schema: &'d Value) -> &'d Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.resolved(self.0.pointer(reference.trim_start_matches('#')).unwrap()),
            None => schema,
        }
    }

    /// Something of this form.
    fn example(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        if let Some(first) = ["oneOf", "anyOf"].iter().find_map(|any| schema[any].get(0)) {
            return self.example(first);
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"].get(0)?.as_str());
        match kind {
            Some("object") => {
                let properties = schema["properties"].as_object().cloned().unwrap_or_default();
                properties
                    .iter()
                    .map(|(name, schema)| (name.clone(), self.example(schema)))
                    .collect::<Map<_, _>>()
                    .into()
            }
            Some("array") => json!([self.example(&schema["items"])]),
            Some("integer" | "number") => json!(1),
            Some("boolean") => json!(false),
            _ => schema["enum"].get(0).cloned().unwrap_or_else(|| json!("x")),
        }
    }
}

/// The paths of all texts in a value.
fn texts(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::String(_) => vec![path.to_owned()],
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(n, item)| texts(item, &format!("{path}/{n}"))).collect()
        }
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, field)| texts(field, &format!("{path}/{name}"))).collect()
        }
        _ => Vec::new(),
    }
}

/// A request, and the operation of the document that it is.
struct Attempt<'d> {
    operation: &'d Value,
    method: Method,
    path: String,
    body: Option<Value>,
}

/// Every request with one hostile text in one place: a field of the body, a parameter of the query, a part of the path.
fn hostile_requests(document: &Document) -> Vec<Attempt<'_>> {
    let mut requests = Vec::new();
    for (path, methods) in document.0["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = (!schema.is_null()).then(|| document.example(schema));
            let attempt = |path: String, body| Attempt { operation, method: method.clone(), path, body };
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for hostile in HOSTILE {
                let encoded: String = url::form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
                let there = path.replace("{id}", "01900000-0000-7000-8000-000000000000");
                for field in body.iter().flat_map(|body| texts(body, "")) {
                    let mut body = body.clone().unwrap();
                    *body.pointer_mut(&field).unwrap() = json!(hostile);
                    requests.push(attempt(there.clone(), Some(body)));
                }
                for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
                    let query = format!("{there}?{}={encoded}", parameter["name"].as_str().unwrap());
                    requests.push(attempt(query, None));
                }
                if path.contains("{id}") {
                    requests.push(attempt(path.replace("{id}", &encoded), body.clone()));
                }
            }
        }
    }
    requests
}

/// Every status is one that the document tells of, and every field of an answer too.
fn check_against(document: &Document, operation: &Value, status: u16, text: &str, what: &str) {
    let response = &operation["responses"][status.to_string()];
    assert!(response.is_object(), "{what}: the document does not tell of {status}");
    let response = document.resolved(response);
    let content = response["content"].as_object().and_then(|content| content.values().next());
    if let (Some(content), Ok(answer)) = (content, serde_json::from_str::<Value>(text)) {
        check_fields(document, &content["schema"], &answer, what);
    }
}

fn check_fields(document: &Document, schema: &Value, answer: &Value, what: &str) {
    let schema = document.resolved(schema);
    if let (Some(fields), Some(properties)) = (answer.as_object(), schema["properties"].as_object()) {
        for (name, field) in fields {
            let told = properties.get(name).unwrap_or_else(|| panic!("{what}: the document does not tell of `{name}`"));
            check_fields(document, told, field, what);
        }
    }
    for item in answer.as_array().into_iter().flatten() {
        check_fields(document, &schema["items"], item, what);
    }
}

async fn send(request: RequestBuilder, what: &str) -> (u16, String) {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    assert!(status.as_u16() < 500, "{what}: {status} {text}");
    assert!(!headers.contains_key("x-injected"), "{what}: {headers:?}");
    assert!(!text.contains("argon2id"), "{what}: {text}");
    (status.as_u16(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_is_taken_for_a_statement_or_a_header_and_every_response_is_documented() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| {
            settings.plans.0.values_mut().for_each(|plan| plan.requests_per_minute = 1_000_000);
        })
        .await;
        let jo = newcomer(&daemon, "jo").await;
        let product = daemon.watch(daemon.listing(0)).await;
        let document = Document(expect(200, daemon.get("/api/v1/openapi.json")).await);
        let requests = hostile_requests(&document);
        assert!(requests.len() > 500, "only {} requests", requests.len());
        let mut tokens = jo;
        for Attempt { operation, method, path, body } in requests {
            // A stream does not end, and what ends the sign-in is no text's doing.
            if path.ends_with("/events") && method == Method::GET || path.contains("logout") {
                continue;
            }
            let what = format!("{method} {path} {}", body.as_ref().map(Value::to_string).unwrap_or_default());
            let mut request = as_bearer(&daemon, method, &path, &tokens);
            if let Some(body) = &body {
                request = request.json(body);
            }
            let (status, text) = send(request, &what).await;
            check_against(&document, operation, status, &text, &what);
        }
        for hostile in HOSTILE {
            let encoded: String = url::form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
            for (header, value) in [("last-event-id", &encoded), ("idempotency-key", &encoded), ("prefer", &encoded)] {
                let request = daemon.post("/api/v1/products", &json!({ "asin": hostile })).header(header, value);
                send(request, &format!("{header}: {value}")).await;
            }
        }
        // Everything is where it was, and nobody became anybody else.
        let login = json!({ "email": "jo@example.com", "password": PASSWORD });
        tokens = expect(200, daemon.request(Method::POST, "/api/v1/auth/login").json(&login)).await;
        assert_eq!(tokens["user"]["role"], "tenant_admin");
        let mine = expect(200, as_bearer(&daemon, Method::GET, "/api/v1/products", &tokens)).await;
        assert!(mine["items"].as_array().unwrap().iter().all(|item| item["id"] != product["id"]));
        let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        assert_eq!(expect(200, daemon.get(&path)).await["id"], product["id"]);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_text_that_is_taken_comes_back_as_it_was() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let product = daemon.watch(daemon.listing(0)).await;
        let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        for hostile in HOSTILE {
            let answer = daemon.patch(&path, &json!({ "label": hostile })).send().await.unwrap();
            let has_control = hostile.chars().any(char::is_control);
            assert_eq!(answer.status().as_u16(), if has_control { 422 } else { 200 }, "{hostile:?}");
            if !has_control {
                assert_eq!(expect(200, daemon.get(&path)).await["label"], *hostile);
            }
        }
        daemon.end().await;
    })
    .await;
}
