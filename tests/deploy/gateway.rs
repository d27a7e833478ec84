//! `config/apisix`: the gateway.

mod file;
mod loading;
mod router;
mod schema;

use std::collections::BTreeSet;
use std::process::Command;

use amazon_tracker::auth::{Grant, KeyPair, Keyring};
use amazon_tracker::config::{Secret, ServerSettings, TokenSettings};
use amazon_tracker::domain::{Role, SessionId, TenantId, UserId};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use file::{read, text, variables};
use router::{Condition, Headers, Route, Router};
use schema::Schemas;

/// A placeholder for a public key.
const EXAMPLE_KEY: &[(&str, &str)] = &[("JWT_PUBLIC_KEY", "MCow")];

/// The route prefixes of the design, including planned ones, with requests per second and burst size.
const PREFIXES: &[(&str, u64, u64)] = &[
    ("/api/v1/auth", 50, 25),
    ("/api/v1/users", 200, 100),
    ("/api/v1/tenants", 100, 50),
    ("/api/v1/products", 500, 200),
    ("/api/v1/crawl", 100, 50),
    ("/api/v1/jobs", 100, 50),
    ("/api/v1/alerts", 200, 100),
    ("/api/v1/channels", 200, 100),
    ("/api/v1/schedules", 100, 50),
    ("/api/v1/competitors", 200, 100),
    ("/api/v1/reports", 50, 25),
    ("/api/v1/suggestions", 50, 25),
    ("/api/v1/events", 10, 20),
];
/// Public paths that are not in the OpenAPI document.
const OTHER_PUBLIC: &[&str] = &["/docs", "/docs/*", "/api/v1/crawl/apify/callback", "/assets/*"];
/// Paths below which nothing is a page of the dashboard.
const NO_PAGES: &[&str] = &["/api", "/apisix", "/health", "/metrics"];

const NO_CREDENTIAL: Headers<'_> = &[];
const TOKEN: Headers<'_> = &[("authorization", "Bearer eyJ0.eyJr.c2ln")];
/// Every way to send an API key.
const KEYS: &[Headers<'_>] =
    &[&[("x-api-key", "at_1")], &[("authorization", "Bearer at_1")], &[("authorization", "bearer  at_1")]];
/// Headers without an API key, which must not be routed as one.
const NO_KEYS: &[Headers<'_>] = &[
    NO_CREDENTIAL,
    &[("x-api-key", "")],
    &[("x-api-key", "1")],
    &[("x-api-key", "AT_1")],
    &[("authorization", "at_1")],
    &[("authorization", "Basic at_1")],
    // APISIX knows two spellings of the scheme, so the daemon knows no other.
    &[("authorization", "BEARER at_1"), ("x-api-key", "at_2")],
    &[("authorization", "Bearer x at_1")],
    // If both headers are sent, the daemon uses `Authorization`; so must the gateway.
    &[("authorization", "Basic eDp5"), ("x-api-key", "at_1")],
    &[("authorization", "Bearer eyJ0.eyJr.c2ln"), ("x-api-key", "at_1")],
];

/// Headers by which the daemon finds the session of a browser (`credential` in `src/http/credential.rs`).
const COOKIES: &[Headers<'_>] = &[
    &[("cookie", "tracker=st_x")],
    &[("cookie", "theme=dark; __Host-tracker=st_x; other=1")],
    &[("cookie", "tracker=; __Host-tracker=st_x")],
    // Of a proxy before the gateway, which asks for a password of its own.
    &[("cookie", "tracker=st_x"), ("authorization", "Basic eDp5")],
    &[("cookie", "tracker=st_x"), ("x-api-key", "")],
];
/// Headers by which it finds none, or another credential.
const NO_COOKIES: &[Headers<'_>] = &[
    &[("cookie", "")],
    &[("cookie", "theme=dark")],
    &[("cookie", "tracker=")],
    &[("cookie", "tracker=at_1")],
    &[("cookie", "nottracker=st_x")],
    &[("cookie", "theme=tracker=st_x")],
    &[("cookie", "tracker=st_x"), ("authorization", "Bearer eyJ0.eyJr.c2ln")],
    &[("cookie", "tracker=st_x"), ("x-api-key", "1")],
];

fn objects() -> Value {
    read("apisix.yaml", EXAMPLE_KEY)
}

/// An operation of the API with an example path.
struct Operation {
    name: String,
    method: String,
    path: String,
    is_public: bool,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(amazon_tracker::http::openapi_document()).unwrap();
    let mut operations = Vec::new();
    for (pattern, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            // Without its own `security`, that of the document applies.
            let security = operation.get("security").unwrap_or(&document["security"]).as_array().unwrap();
            operations.push(Operation {
                name: format!("{method} {pattern}"),
                method: method.to_uppercase(),
                path: pattern
                    .replace("{purpose}", "invite")
                    .replace("{endpoint}", "deal")
                    .replace("{id}", "0198f2c5-0000-7000-8000-000000000000"),
                is_public: security.iter().any(is_open_to_the_gateway),
            });
        }
    }
    assert!(operations.iter().any(|it| it.is_public) && operations.iter().any(|it| !it.is_public));
    operations
}

/// Without a credential, or with one that only the daemon looks for.
fn is_open_to_the_gateway(requirement: &Value) -> bool {
    let requirement = requirement.as_object().unwrap();
    requirement.is_empty() || requirement.contains_key("keepa_key")
}

fn needs_token(route: &Route<'_>) -> bool {
    route.plugin("jwt-auth").is_some()
}

#[test]
fn every_object_matches_the_schema_of_apisix() {
    assert_eq!(Schemas::of_apisix().problems(&objects()), [""; 0]);
    let example = Schemas::of_apisix().problems(&read("ssl.example.yaml", &[]));
    assert_eq!(example, [""; 0]);
}

#[test]
fn the_strict_schema_finds_what_apisix_ignores() {
    let plugins = |plugins: Value| json!({ "routes": [{ "id": "r", "uri": "/r", "plugins": plugins }] });
    let upstream =
        |checks: Value| json!({ "upstreams": [{ "id": "u", "nodes": { "a:80": 1 }, "checks": { "active": checks } }] });
    let consumer = |settings: Value| json!({ "consumers": [{ "username": "c", "plugins": { "jwt-auth": settings } }] });
    let limit = json!({ "key": "remote_addr", "rate": 1, "burst": 1 });
    let limit_and = |field: &str, value: Value| {
        let mut limit = limit.clone();
        limit[field] = value;
        plugins(json!({ "limit-req": limit }))
    };
    for right in [
        plugins(json!({ "limit-req": limit })),
        limit_and("policy", json!("local")),
        upstream(json!({ "http_path": "/" })),
        consumer(json!({ "key": "k", "algorithm": "EdDSA", "public_key": "p" })),
        plugins(json!({ "jwt-auth": {} })),
    ] {
        assert_eq!(Schemas::of_apisix().problems(&right), [""; 0], "{right}");
    }
    for (named, wrong) in [
        // Errors of the original configuration.
        ("\"key\" is a required property", plugins(json!({ "limit-req": { "rate": 200, "burst": 100 } }))),
        ("health_check", json!({ "upstreams": [{ "id": "u", "nodes": { "a:80": 1 }, "health_check": {} }] })),
        ("ssl: APISIX ignores", json!({ "ssl": [] })),
        ("plugin_metadata", json!({ "plugin_metadata": [{ "id": "prometheus", "prefer_name": true }] })),
        // Typing errors that APISIX ignores.
        ("allow_credentials", plugins(json!({ "cors": { "allow_credentials": true } }))),
        ("foo", limit_and("foo", json!(1))),
        ("http_paths", upstream(json!({ "http_paths": "/" }))),
        ("intervall", upstream(json!({ "healthy": { "intervall": 1 } }))),
        ("private_key", consumer(json!({ "key": "k", "algorithm": "EdDSA", "public_key": "p", "private_key": "p" }))),
        ("not a list", json!({ "routes": { "r": {} } })),
        // Values.
        ("interval", upstream(json!({ "healthy": { "interval": 0 } }))),
        ("rejected_code", limit_and("rejected_code", json!(700))),
        ("redis_host", limit_and("policy", json!("redis"))),
        ("'oneOf'", consumer(json!({ "key": "k", "algorithm": "EdDSA" }))),
        ("basic-auth", plugins(json!({ "basic-auth": {} }))),
        ("vars", json!({ "routes": [{ "id": "r", "uri": "/r", "plugins": {}, "vars": [["http_x", "is", "y"]] }] })),
        ("'oneOf'", json!({ "upstreams": [{ "id": "u", "service_name": "s" }] })),
        ("no upstream", json!({ "routes": [{ "id": "r", "uri": "/r", "upstream_id": "u" }] })),
        (
            "duplicate id",
            json!({ "routes": [{ "id": "r", "uri": "/1", "plugins": {} }, { "id": "r", "uri": "/2", "plugins": {} }] }),
        ),
    ] {
        let problems = Schemas::of_apisix().problems(&wrong).join("\n");
        assert!(problems.contains(named), "{named} is not found in {wrong}, but: {problems}");
    }
}

#[test]
fn the_files_follow_the_syntax_of_apisix() {
    let objects = text("apisix.yaml");
    // APISIX searches the end marker in the last ten bytes.
    assert!(objects[objects.len() - 10..].trim_end().ends_with("#END"));
    for name in ["apisix.yaml", "config.yaml", "traditional/config.yaml", "ssl.example.yaml"] {
        for (at, line) in text(name).lines().enumerate() {
            let commented = line.split_once('#').is_some_and(|(_, comment)| comment.contains("${{"));
            assert!(!commented, "{name}:{}: APISIX replaces variables in comments too, so they must be set", at + 1);
        }
    }
    let config = text("config.yaml");
    let named: BTreeSet<&str> =
        variables(&config).into_iter().chain(variables(&objects)).map(|variable| variable.name).collect();
    let required: Vec<&str> =
        variables(&objects).into_iter().filter(|it| it.default.is_none()).map(|variable| variable.name).collect();
    assert_eq!(required, ["JWT_PUBLIC_KEY"]);
    let worker_variables = read("config.yaml", &[])["nginx_config"]["envs"].clone();
    let worker_variables: BTreeSet<&str> =
        worker_variables.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(worker_variables, named, "nginx workers only see variables listed in `envs`");
}

#[test]
fn both_modes_differ_only_in_the_source_of_the_objects() {
    let standalone = read("config.yaml", &[]);
    let traditional = read("traditional/config.yaml", &[("APISIX_ADMIN_KEY", "k")]);
    let common = |mut config: Value| {
        config.as_object_mut().unwrap().remove("deployment");
        config["apisix"].as_object_mut().unwrap().remove("enable_admin");
        config["nginx_config"].as_object_mut().unwrap().remove("envs");
        config
    };
    assert_eq!(common(traditional.clone()), common(standalone.clone()));
    assert_eq!(standalone["deployment"]["role_data_plane"]["config_provider"], "yaml");
    assert_eq!(standalone["apisix"]["enable_admin"], false);
    assert_eq!(
        standalone["apisix"]["control"],
        json!({ "ip": "127.0.0.1", "port": 9092 }),
        "the control API has no authentication"
    );
    assert_eq!(standalone["plugin_attr"]["prometheus"]["export_addr"], json!({ "ip": "0.0.0.0", "port": 9091 }));
    assert!(standalone.get("plugins").is_none(), "`plugins` would replace the default list");
    assert_eq!(traditional["deployment"]["admin"]["admin_key"][0]["key"], "k");
}

#[test]
fn every_operation_is_reached_by_one_route_with_the_right_protection() {
    let objects = objects();
    let router = Router::new(&objects);
    for Operation { name, method, path, is_public } in operations().iter().filter(|it| it.path != "/metrics") {
        let found = |headers: Headers<'_>| router.find_for(method, path, headers);
        let route = |headers: Headers<'_>| found(headers).unwrap_or_else(|| panic!("no route matches {name}"));
        let with_token = route(TOKEN);
        assert_eq!(needs_token(with_token), !is_public, "{name} by {}", with_token.id());
        for credential in NO_KEYS {
            assert_eq!(route(credential).id(), with_token.id(), "{name} with {credential:?}");
        }
        for key in KEYS {
            let with_key = route(key);
            assert!(!needs_token(with_key), "{name}: only the daemon can verify {key:?}");
            assert_eq!(with_key.id() == with_token.id(), *is_public, "{name} with {key:?}");
        }
        // Agents have no cookies: the daemon looks for none there.
        let takes_cookies = !is_public && path != "/mcp";
        for cookie in COOKIES {
            let with_cookie = route(cookie);
            assert_eq!(with_cookie.id() != with_token.id(), takes_cookies, "{name} with {cookie:?}");
            assert_eq!(needs_token(with_cookie), path == "/mcp", "{name}: only the daemon knows {cookie:?}");
            // Even with a cookie, a key is a key.
            let key = [*cookie, KEYS[1]].concat();
            if !cookie.iter().any(|(name, _)| *name == "authorization") {
                assert_eq!(route(&key).id(), route(KEYS[1]).id(), "{name} with {key:?}");
            }
        }
        for other in NO_COOKIES {
            assert_eq!(route(other).id(), with_token.id(), "{name} with {other:?}");
        }
    }
}

#[test]
fn every_prefix_of_the_design_is_routed_with_its_limits() {
    let objects = objects();
    let router = Router::new(&objects);
    for (prefix, rate, burst) in PREFIXES {
        for path in [(*prefix).to_owned(), format!("{prefix}/"), format!("{prefix}/not-built-yet")] {
            for (credential, by_token) in [(NO_CREDENTIAL, true), (TOKEN, true), (KEYS[0], false), (KEYS[1], false)] {
                let route = router.find(&path, credential).unwrap_or_else(|| panic!("no route matches {path}"));
                assert_eq!(needs_token(route), by_token, "{path} with {credential:?}");
                let limit = route.plugin("limit-req").unwrap();
                assert_eq!((limit["rate"].as_u64(), limit["burst"].as_u64()), (Some(*rate), Some(*burst)), "{path}");
            }
        }
    }
}

#[test]
fn every_route_matches_an_existing_or_planned_path() {
    let (objects, operations) = (objects(), operations());
    for Route { object, uris, .. } in Router::new(&objects).0 {
        for uri in uris {
            let prefix = uri.trim_end_matches('*');
            let is_built = operations.iter().any(|operation| match uri.ends_with('*') {
                true => operation.path.starts_with(prefix),
                false => operation.path == uri,
            });
            let is_planned = PREFIXES.iter().any(|(planned, ..)| prefix.trim_end_matches('/') == *planned);
            let is_dashboard = object["id"] == "dashboard";
            assert!(is_built || is_planned || is_dashboard || OTHER_PUBLIC.contains(&uri), "{}: {uri}", object["id"]);
        }
    }
}

#[test]
fn every_route_verifies_token_expiry_limits_addresses_and_forwards_to_the_daemon() {
    let objects = objects();
    for route in Router::new(&objects).0 {
        let limit = route.plugin("limit-req").unwrap_or_else(|| panic!("{} has no limit", route.id()));
        assert_eq!((&limit["key"], &limit["rejected_code"]), (&json!("remote_addr"), &json!(429)), "{}", route.id());
        assert!(limit["rejected_msg"].is_string(), "{}: without a message, the response body is HTML", route.id());
        assert_eq!(route.object["upstream_id"], "tracker");
        if let Some(settings) = route.plugin("jwt-auth") {
            assert_eq!(*settings, json!({ "claims_to_verify": ["exp", "nbf"] }), "{}", route.id());
        }
    }
    let upstream = &objects["upstreams"][0];
    assert_eq!((&upstream["service_name"], &upstream["discovery_type"]), (&json!("tracker:8000"), &json!("dns")));
    assert_eq!(upstream["checks"]["active"]["http_path"], "/health/ready");
}

/// Programs written for Keepa have their API key in the query.
#[test]
fn the_access_log_has_no_queries() {
    for file in ["config.yaml", "traditional/config.yaml"] {
        let config = read(file, &[("APISIX_ADMIN_KEY", "k")]);
        let format = config["nginx_config"]["http"]["access_log_format"].as_str().unwrap();
        for variable in ["$request ", "$request\"", "$request_uri", "$args", "$query_string", "$arg_", "$http_referer"]
        {
            assert!(!format.contains(variable), "{file}: {variable}");
        }
        assert!(format.contains("$uri"));
    }
}

/// The paths of the dashboard's pages (`PAGES` in `src/http/dashboard.rs`), with an example of each value.
fn pages() -> Vec<String> {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/dashboard.rs")).unwrap();
    let templates = source.split("\n    (\"/").skip(1).map(|rest| rest.split_once('"').unwrap().0);
    let filled = |template: &str| match template.split_once('{') {
        Some((before, _)) => format!("/{before}0198f2c5-0000-7000-8000-000000000000"),
        None => format!("/{template}"),
    };
    templates.map(filled).collect()
}

#[test]
fn every_page_of_the_dashboard_and_its_files_are_public() {
    let objects = objects();
    let router = Router::new(&objects);
    let pages = pages();
    assert!(pages.len() > 2, "{pages:?}");
    for credential in [NO_CREDENTIAL, TOKEN, KEYS[0], COOKIES[0]] {
        let found = |path: &str| router.find(path, credential).map(Route::id);
        for page in &pages {
            // Those of links in e-mails share their path with links that act.
            let expected = if page.starts_with("/auth/") { "link-pages" } else { "dashboard" };
            assert_eq!(found(page), Some(expected), "{page}");
        }
        assert_eq!(found("/assets/0123456789abcdef/app/main.js"), Some("assets"));
        for prefix in NO_PAGES {
            for path in [(*prefix).to_owned(), format!("{prefix}/"), format!("{prefix}/no-such-page")] {
                assert_ne!(found(&path), Some("dashboard"), "{path}");
            }
        }
        for path in ["/a.b", "/.env", "/a//b", "/a/", "/a%2Fb"] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}

/// A browser asks for all files at once; their number is that of the modules.
#[test]
fn a_first_visit_is_neither_refused_nor_slowed_down() {
    let objects = objects();
    let router = Router::new(&objects);
    let limit = router.find("/assets/x/app.css", NO_CREDENTIAL).unwrap().plugin("limit-req").unwrap();
    assert_eq!((&limit["nodelay"], limit["burst"].as_u64() >= Some(200)), (&json!(true), true));
    let limit = &objects["global_rules"][0]["plugins"]["limit-req"];
    let is_limited = Condition::parse(&limit["_meta"]["filter"]).unwrap();
    assert!(!is_limited.matches("/assets/x/app.css", NO_CREDENTIAL));
    for credential in COOKIES {
        assert!(is_limited.matches("/api/v1/board", credential), "anybody can write a cookie: {credential:?}");
    }
}

#[test]
fn no_route_exposes_the_metrics() {
    let objects = objects();
    let router = Router::new(&objects);
    for path in ["/metrics", "/metrics/", "/apisix/prometheus/metrics", "/api/v1/metrics", "/health/metrics"] {
        for credential in NO_KEYS.iter().chain(KEYS).chain(COOKIES).chain([&TOKEN]) {
            assert!(router.find(path, credential).is_none(), "{path}");
        }
    }
}

#[test]
fn event_streams_are_not_buffered_and_may_be_idle() {
    let objects = objects();
    let router = Router::new(&objects);
    for credential in [TOKEN, KEYS[0], COOKIES[0]] {
        let route = router.find("/api/v1/events", credential).unwrap();
        assert_eq!(route.plugin("proxy-buffering"), Some(&json!({ "disable_proxy_buffering": true })));
        assert_eq!(route.object["timeout"]["read"], 3600);
    }
}

#[test]
fn forged_headers_are_removed_and_body_size_is_limited_for_all_requests() {
    let objects = objects();
    let [rule] = objects["global_rules"].as_array().unwrap().as_slice() else { panic!("expected one global rule") };
    let plugins = &rule["plugins"];
    let forged = [
        "X-Consumer-Username",
        "X-Consumer-Custom-ID",
        "X-Credential-Identifier",
        "Traceparent",
        "Tracestate",
        "X-Forwarded-For",
    ];
    assert_eq!(plugins["proxy-rewrite"]["headers"], json!({ "remove": forged }));
    assert_eq!(plugins["client-control"]["max_body_size"], ServerSettings::default().max_body_bytes);
    for name in ["request-id", "cors", "prometheus"] {
        assert!(plugins[name].is_object(), "{name}");
    }
    // APISIX requires comma-separated names without spaces.
    for list in ["allow_methods", "allow_headers", "expose_headers"] {
        assert!(!plugins["cors"][list].as_str().unwrap().contains(' '), "{list}");
    }
    assert_eq!(plugins["cors"]["allow_origins"], "*");
    assert!(plugins["cors"].get("allow_credential").is_none(), "other origins get no cookies");
}

/// jwt-auth runs before the limit of its route; a global rule runs before both.
#[test]
fn requests_whose_token_would_be_verified_are_limited_beforehand() {
    let objects = objects();
    let limit = &objects["global_rules"][0]["plugins"]["limit-req"];
    assert_eq!((&limit["key"], &limit["rejected_code"]), (&json!("remote_addr"), &json!(429)));
    let is_limited = Condition::parse(&limit["_meta"]["filter"]).unwrap();
    let router = Router::new(&objects);
    for credential in NO_KEYS.iter().chain(KEYS).chain([&TOKEN]) {
        let verified = needs_token(router.find("/api/v1/products", credential).unwrap());
        assert_eq!(is_limited.matches("/api/v1/products", credential), verified, "{credential:?}");
    }
}

/// Applies a filter of the plugin response-rewrite.
fn filtered(filter: &Value, body: &str) -> String {
    let pattern = regex::Regex::new(filter["regex"].as_str().unwrap()).unwrap();
    pattern.replace(body, filter["replace"].as_str().unwrap()).into_owned()
}

#[test]
fn errors_of_the_gateway_are_problem_documents() {
    let objects = objects();
    let rewrite = &objects["global_rules"][0]["plugins"]["response-rewrite"];
    let statuses = json!(["status", "in", [413, 429, 502, 503, 504]]);
    // Responses of the daemon have a media type.
    assert_eq!(rewrite["vars"], json!([statuses, ["upstream_http_content_type", "!", "~~", "."]]));
    assert_eq!(rewrite["headers"], json!({ "set": { "Content-Type": "application/problem+json" } }));
    let page = |title: &str| {
        format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
             <hr><center>openresty</center>\r\n</body>\r\n</html>\r\n"
        )
    };
    for (body, status, title, code) in [
        (page("502 Bad Gateway"), 502, "Bad Gateway", "gateway_error"),
        (page("413 Request Entity Too Large"), 413, "Request Entity Too Large", "gateway_error"),
        ("{\"error_msg\":\"too many requests\"}\n".to_owned(), 429, "Too Many Requests", "too_many_requests"),
    ] {
        let rewritten =
            rewrite["filters"].as_array().unwrap().iter().fold(body, |body, filter| filtered(filter, &body));
        let problem: Value = serde_json::from_str(&rewritten).unwrap();
        assert_eq!(problem, json!({ "type": "about:blank", "title": title, "status": status, "code": code }));
    }
}

/// The gateway's settings for verifying tokens with this public key.
fn consumer_settings(public_key: &str) -> Value {
    let objects = read("apisix.yaml", &[("JWT_PUBLIC_KEY", public_key)]);
    let [consumer] = objects["consumers"].as_array().unwrap().as_slice() else { panic!("expected one consumer") };
    consumer["plugins"]["jwt-auth"].clone()
}

/// The Base64 content of a PEM file as one line.
fn line_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

#[test]
fn the_printed_public_key_becomes_the_key_of_the_file() {
    let output = Command::new(env!("CARGO_BIN_EXE_amazon-tracker")).arg("keys").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let line = printed.lines().find_map(|line| line.split_once("JWT_PUBLIC_KEY=")).unwrap().1;
    let pem: Vec<&str> = printed.lines().skip_while(|line| *line != "-----BEGIN PUBLIC KEY-----").collect();
    assert_eq!(pem.len(), 3, "{printed}");
    let read = consumer_settings(line);
    assert_eq!(read["public_key"].as_str().unwrap().lines().collect::<Vec<_>>(), pem);
    // Older versions of APISIX replace variables after parsing; the result must be the same.
    let raw: Value = serde_norway::from_str(&text("apisix.yaml")).unwrap();
    let raw = raw["consumers"][0]["plugins"]["jwt-auth"]["public_key"].as_str().unwrap();
    assert_eq!(raw.replace("${{JWT_PUBLIC_KEY}}", line), read["public_key"].as_str().unwrap());
}

#[test]
fn a_token_of_the_daemon_matches_the_consumer_and_its_key() {
    let pair = KeyPair::new().unwrap();
    let private_key = Some(Secret::from(pair.private_pem().unwrap()));
    let ring = Keyring::new(&TokenSettings { private_key, ..TokenSettings::default() }).unwrap();
    let (user_id, tenant_id, session_id) = (UserId::new(), TenantId::new(), SessionId::new());
    let token = ring.issue(Grant { user_id, tenant_id, session_id, role: Role::User }, Timestamp::now()).unwrap();

    let gateway = consumer_settings(&line_of(&pair.public_pem()));
    let algorithm: Algorithm = gateway["algorithm"].as_str().unwrap().parse().unwrap();
    let mut validation = Validation::new(algorithm);
    validation.validate_aud = false;
    let verified = |gateway: &Value| {
        let key = DecodingKey::from_ed_pem(gateway["public_key"].as_str().unwrap().as_bytes()).unwrap();
        jsonwebtoken::decode::<Value>(&token, &key, &validation)
    };
    let claims = verified(&gateway).unwrap().claims;
    assert_eq!(claims["key"], gateway["key"]);
    assert!(claims["exp"].is_i64() && claims["nbf"].is_i64(), "routes require `exp` and `nbf`");
    let other_key = consumer_settings(&line_of(&KeyPair::new().unwrap().public_pem()));
    assert!(verified(&other_key).is_err());
}
