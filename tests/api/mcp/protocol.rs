//! What holds for every tool: eras, replicas, credentials, origins, sizes.

use amazon_tracker::domain::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, ERAS, Era, raw};
use crate::daemon::{Daemon, Engine, expect};

async fn start() -> Daemon {
    Daemon::start(Engine::Sqlite).await
}

/// Of a key with every scope.
pub const TOOLS: usize = 13;

#[tokio::test(flavor = "multi_thread")]
async fn both_eras_begin_list_and_call() {
    let daemon = start().await;
    for era in ERAS {
        let client = Client::new(&daemon, era, &daemon.key);
        let hello = client.begin().await;
        assert!(hello["instructions"].as_str().unwrap().contains("minor units"), "{hello}");
        assert_eq!(hello["capabilities"], json!({ "tools": {}, "resources": {} }));
        let list = client.result("tools/list", json!({})).await;
        assert_eq!(list["tools"].as_array().unwrap().len(), TOOLS);
        let (kind, scope) = match era {
            Era::Handshake => (Value::Null, Value::Null),
            Era::PerRequest => (json!("complete"), json!("private")),
        };
        assert_eq!(list["resultType"], kind, "{era:?}");
        if era == Era::PerRequest {
            assert_eq!(list["cacheScope"], scope, "lists differ by credential: nobody may share them");
        }
        assert_eq!(client.answer("search_products", json!({})).await, json!({ "products": [], "next_cursor": null }));
    }
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_tools_is_small_and_the_same_bytes_twice() {
    let daemon = start().await;
    let client = Client::new(&daemon, Era::PerRequest, &daemon.key);
    let list = async || {
        let response = client.post(&client.message("tools/list", json!({}))).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/json");
        response.bytes().await.unwrap()
    };
    let (first, second) = (list().await, list().await);
    assert_eq!(first, second);
    assert!(first.len() <= 12_000, "{} bytes", first.len());
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_in_turn_serve_one_client() {
    let daemon = Daemon::start(Engine::Postgres).await;
    let other = daemon.start_beside().await;
    for era in ERAS {
        let client = Client::of_replicas(vec![&daemon, &other], era, &daemon.key);
        client.begin().await;
        for _ in 0..4 {
            assert_eq!(client.tools().await.len(), TOOLS, "{era:?}");
            client.answer("get_usage", json!({})).await;
        }
    }
    other.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_must_say_what_the_body_says() {
    let daemon = start().await;
    let client = Client::new(&daemon, Era::PerRequest, &daemon.key);
    let message = client.message("tools/list", json!({}));
    let code = async |request: reqwest::RequestBuilder| expect(400, request).await["error"]["code"].clone();
    let bare = || raw(&daemon).bearer_auth(&daemon.key).json(&message);
    let versioned = || bare().header("mcp-protocol-version", "2026-07-28");
    assert_eq!(code(bare().header("mcp-method", "tools/list")).await, -32020);
    assert_eq!(code(versioned()).await, -32020, "without the method");
    assert_eq!(code(versioned().header("mcp-method", "tools/call")).await, -32020);
    let mut future = message.clone();
    future["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let future = raw(&daemon).bearer_auth(&daemon.key).json(&future).header("mcp-method", "tools/list");
    assert_eq!(code(future.header("mcp-protocol-version", "2099-01-01")).await, -32022);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_a_bearer_and_nothing_else() {
    let daemon = start().await;
    let client = Client::new(&daemon, Era::Handshake, "at_wrong");
    let message = client.message("tools/list", json!({}));
    let in_url = daemon.request(Method::POST, &format!("/mcp?key={0}&access_token={0}", daemon.key));
    let in_url = in_url.header("accept", "application/json, text/event-stream");
    let without = [
        raw(&daemon).json(&message),
        raw(&daemon).json(&message).header("x-api-key", &daemon.key),
        in_url.json(&message),
        client.post(&message),
    ];
    for request in without {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="amazon-tracker""#);
    }
    let right = Client::new(&daemon, Era::Handshake, &daemon.key);
    expect(200, right.post(&message)).await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_origins_and_hosts_are_refused() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| {
        settings.auth.public_url = Some("https://tracker.example/amazon".parse().unwrap());
        settings.server.cors_origins = vec!["https://app.example".parse().unwrap()];
    })
    .await;
    let client = Client::new(&daemon, Era::Handshake, &daemon.key);
    let message = client.message("tools/list", json!({}));
    let ask = |header: &'static str, value: &'static str| client.post(&message).header(header, value);
    for origin in ["https://tracker.example", "https://app.example", "https://app.example:443"] {
        expect(200, ask("origin", origin)).await;
    }
    for origin in ["https://evil.example", "null", "http://tracker.example", "https://app.example:8443", "nonsense"] {
        assert_eq!(expect(403, ask("origin", origin)).await["code"], "forbidden", "{origin}");
    }
    for host in ["tracker.example", "tracker.example:8443", "localhost:1"] {
        expect(200, ask("host", host)).await;
    }
    assert_eq!(expect(403, ask("host", "evil.example")).await["code"], "forbidden");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_small_messages_of_the_protocol_are_taken_and_junk_breaks_nothing() {
    let daemon = start().await;
    let client = Client::new(&daemon, Era::Handshake, &daemon.key);
    let body =
        |body: String| raw(&daemon).bearer_auth(&daemon.key).header("content-type", "application/json").body(body);
    let large = client.message("tools/list", json!({ "cursor": "x".repeat(256 * 1024) })).to_string();
    assert_eq!(expect(413, body(large)).await["code"], "body_too_large");
    assert_eq!(expect(400, body("[".repeat(5000))).await["code"], "too_deep");
    assert_eq!(expect(400, body("{".to_owned())).await["error"]["code"], -32700);
    assert_eq!(expect(400, body("\u{1}".to_owned())).await["error"]["code"], -32700);
    let batch = json!([client.message("tools/list", json!({}))]);
    for junk in [batch, json!(null), json!({}), json!({ "jsonrpc": "2.0" }), json!("tools/list")] {
        assert_eq!(expect(400, body(junk.to_string())).await["error"]["code"], -32600, "{junk}");
    }
    let html = daemon.request(Method::POST, "/mcp").bearer_auth(&daemon.key).header("accept", "text/html");
    assert_eq!(expect(406, html.json(&client.message("tools/list", json!({})))).await["code"], "not_acceptable");
    for (name, arguments) in [
        (json!(5), json!({})),
        (json!("get_product"), json!([])),
        (json!("get_product"), json!("x")),
        (json!("get_product"), json!({ "product_id": { "a": [1, { "b": null }] } })),
        (json!("\u{202e}\u{0}"), json!({})),
        (json!("x".repeat(4000)), json!({})),
        (json!("get_price_history"), json!({ "product_id": "", "from": "9999-99-99", "max_points": -1e300 })),
        (json!("create_alert"), json!({ "product_id": NOBODY, "kind": "price_drop", "percent": 1e308 })),
        (json!("create_alert"), json!({ "product_id": NOBODY, "kind": "lowest_price", "days": 4_000_000_000_u32 })),
        (json!("search_products"), json!({ "cursor": "\u{0}%00\u{10ffff}", "limit": 50 })),
        (json!("track_product"), json!({ "url": "https://www.amazon.de/dp/\u{0}", "tags": ["", ""] })),
        (json!("crawl_now"), json!({ "product_id": NOBODY, "wait_secs": 0 })),
    ] {
        let message = client.message("tools/call", json!({ "name": name, "arguments": arguments }));
        let status = client.post(&message).send().await.unwrap().status().as_u16();
        assert!([200, 400].contains(&status), "{message}: {status}");
    }
    for method in ["", "ping", "tools/unknown", "subscriptions/listen", "resources/subscribe", "sampling/createMessage"]
    {
        let status = client.post(&client.message(method, json!({}))).send().await.unwrap().status().as_u16();
        assert!([200, 400, 404].contains(&status), "{method}: {status}");
    }
    for method in [Method::GET, Method::DELETE] {
        let response = daemon.request(method, "/mcp").bearer_auth(&daemon.key).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["allow"]),
            (405, &"POST, OPTIONS".parse().unwrap())
        );
    }
    assert_eq!(client.tools().await.len(), TOOLS, "it still answers");
    daemon.end().await;
}

const NOBODY: &str = "01900000-0000-7000-8000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_does_not_exist_is_an_error_of_the_protocol() {
    let daemon = start().await;
    for era in ERAS {
        let client = Client::new(&daemon, era, &daemon.key);
        let answer = client.ask("tools/call", json!({ "name": "no_such_tool", "arguments": {} })).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("no_such_tool"));
    }
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_a_resource_too() {
    let daemon = start().await;
    let id = daemon.watch(daemon.listing(0)).await["id"].as_str().unwrap().to_owned();
    let writer = daemon.key_with(&[Scope::ProductWrite]).await;
    for era in ERAS {
        let client = Client::new(&daemon, era, &daemon.key);
        let templates = client.result("resources/templates/list", json!({})).await;
        assert_eq!(templates["resourceTemplates"][0]["uriTemplate"], "amazon-tracker://products/{product_id}");
        let read = client.result("resources/read", json!({ "uri": format!("amazon-tracker://products/{id}") })).await;
        let facts: Value = serde_json::from_str(read["contents"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(facts, client.answer("get_product", json!({ "product_id": id })).await["product"]);
        let code = if era == Era::PerRequest { -32602 } else { -32002 };
        for uri in [format!("amazon-tracker://products/{NOBODY}"), "file:///etc/passwd".to_owned()] {
            assert_eq!(client.ask("resources/read", json!({ "uri": uri })).await["error"]["code"], code, "{uri}");
        }
        let blind = Client::new(&daemon, era, &writer);
        assert_eq!(blind.result("resources/templates/list", json!({})).await["resourceTemplates"], json!([]));
        let refused = blind.ask("resources/read", json!({ "uri": format!("amazon-tracker://products/{id}") })).await;
        assert!(refused["error"]["message"].as_str().unwrap().contains("product:read"), "{refused}");
    }
    daemon.end().await;
}
