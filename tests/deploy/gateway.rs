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
use router::{Headers, Route, Router};
use schema::Schemas;

/// Anything that could be a public key.
const SOME_KEY: &[(&str, &str)] = &[("JWT_PUBLIC_KEY", "MCow")];

/// What the design names, whether it is built yet or not, with requests a second and how many may wait.
const PREFIXES: &[(&str, u64, u64)] = &[
    ("/api/v1/auth", 50, 25),
    ("/api/v1/users", 200, 100),
    ("/api/v1/tenants", 100, 50),
    ("/api/v1/products", 500, 200),
    ("/api/v1/crawl", 100, 50),
    ("/api/v1/alerts", 200, 100),
    ("/api/v1/schedules", 100, 50),
    ("/api/v1/competitors", 200, 100),
    ("/api/v1/reports", 50, 25),
    ("/api/v1/suggestions", 50, 25),
    ("/api/v1/events", 10, 20),
];
/// Public, and not among the operations of the API's document.
const OTHER_PUBLIC: &[&str] = &["/docs", "/docs/*", "/api/v1/crawl/apify/callback"];

const NOTHING: Headers<'_> = &[];
const TOKEN: Headers<'_> = &[("authorization", "Bearer eyJ0.eyJr.c2ln")];
/// Every way to show an API key.
const KEYS: &[Headers<'_>] = &[
    &[("x-api-key", "at_1")],
    &[("authorization", "Bearer at_1")],
    &[("authorization", "bearer  at_1")],
    &[("authorization", "BEARER at_1"), ("x-api-key", "at_2")],
];
/// What is neither, and must not pass for a key.
const NEITHER: &[Headers<'_>] = &[
    NOTHING,
    &[("x-api-key", "")],
    &[("x-api-key", "1")],
    &[("x-api-key", "AT_1")],
    &[("authorization", "at_1")],
    &[("authorization", "Basic at_1")],
    &[("authorization", "Bearer x at_1")],
    // The daemon goes by `Authorization` when there are both: so does the gateway.
    &[("authorization", "Basic eDp5"), ("x-api-key", "at_1")],
    &[("authorization", "Bearer eyJ0.eyJr.c2ln"), ("x-api-key", "at_1")],
];

fn objects() -> Value {
    read("apisix.yaml", SOME_KEY)
}

/// An operation of the API, with a path that a client could ask for.
struct Operation {
    name: String,
    path: String,
    is_public: bool,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(amazon_tracker::http::openapi_document()).unwrap();
    let mut operations = Vec::new();
    for (pattern, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            // An operation that says nothing needs what the document needs.
            let security = operation.get("security").unwrap_or(&document["security"]).as_array().unwrap();
            operations.push(Operation {
                name: format!("{method} {pattern}"),
                path: pattern.replace("{purpose}", "invite").replace("{id}", "0198f2c5-0000-7000-8000-000000000000"),
                is_public: security.iter().any(|requirement| requirement.as_object().unwrap().is_empty()),
            });
        }
    }
    assert!(operations.iter().any(|it| it.is_public) && operations.iter().any(|it| !it.is_public));
    operations
}

fn needs_token(route: &Route<'_>) -> bool {
    route.plugin("jwt-auth").is_some()
}

#[test]
fn apisix_takes_every_object_and_ignores_no_field() {
    assert_eq!(Schemas::of_apisix().problems(&objects()), [""; 0]);
    let example = Schemas::of_apisix().problems(&read("ssl.example.yaml", &[]));
    assert_eq!(example, [""; 0]);
}

#[test]
fn what_apisix_would_drop_or_ignore_is_found() {
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
        // The seed's.
        ("\"key\" is a required property", plugins(json!({ "limit-req": { "rate": 200, "burst": 100 } }))),
        ("health_check", json!({ "upstreams": [{ "id": "u", "nodes": { "a:80": 1 }, "health_check": {} }] })),
        ("ssl: APISIX ignores", json!({ "ssl": [] })),
        ("plugin_metadata", json!({ "plugin_metadata": [{ "id": "prometheus", "prefer_name": true }] })),
        // Typing mistakes that APISIX does not see.
        ("allow_credentials", plugins(json!({ "cors": { "allow_credentials": true } }))),
        ("foo", limit_and("foo", json!(1))),
        ("http_paths", upstream(json!({ "http_paths": "/" }))),
        ("intervall", upstream(json!({ "healthy": { "intervall": 1 } }))),
        ("private_key", consumer(json!({ "key": "k", "algorithm": "EdDSA", "public_key": "p", "private_key": "p" }))),
        ("no list", json!({ "routes": { "r": {} } })),
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
            "the later wins",
            json!({ "routes": [{ "id": "r", "uri": "/1", "plugins": {} }, { "id": "r", "uri": "/2", "plugins": {} }] }),
        ),
    ] {
        let problems = Schemas::of_apisix().problems(&wrong).join("\n");
        assert!(problems.contains(named), "{named} is not found in {wrong}, but: {problems}");
    }
}

#[test]
fn the_files_are_as_apisix_reads_them() {
    let objects = text("apisix.yaml");
    // It looks for the mark in the last ten bytes.
    assert!(objects[objects.len() - 10..].trim_end().ends_with("#END"));
    for name in ["apisix.yaml", "config.yaml", "traditional/config.yaml", "ssl.example.yaml"] {
        for (at, line) in text(name).lines().enumerate() {
            let commented = line.split_once('#').is_some_and(|(_, comment)| comment.contains("${{"));
            assert!(!commented, "{name}:{}: a variable in a comment is replaced too, and must be set", at + 1);
        }
    }
    let config = text("config.yaml");
    let named: BTreeSet<&str> =
        variables(&config).into_iter().chain(variables(&objects)).map(|variable| variable.name).collect();
    let needed: Vec<&str> =
        variables(&objects).into_iter().filter(|it| it.default.is_none()).map(|variable| variable.name).collect();
    assert_eq!(needed, ["JWT_PUBLIC_KEY"]);
    let passed_on = read("config.yaml", &[])["nginx_config"]["envs"].clone();
    let passed_on: BTreeSet<&str> = passed_on.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(passed_on, named, "nginx keeps from its workers what is not in `envs`");
}

#[test]
fn both_modes_differ_only_in_where_the_objects_come_from() {
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
    assert_eq!(standalone["apisix"]["control"], json!({ "ip": "127.0.0.1", "port": 9092 }), "it asks nobody who he is");
    assert_eq!(standalone["plugin_attr"]["prometheus"]["export_addr"], json!({ "ip": "0.0.0.0", "port": 9091 }));
    assert!(standalone.get("plugins").is_none(), "the list would replace the default one");
    assert_eq!(traditional["deployment"]["admin"]["admin_key"][0]["key"], "k");
}

#[test]
fn every_operation_is_reached_by_one_route_with_the_right_protection() {
    let objects = objects();
    let router = Router::new(&objects);
    for Operation { name, path, is_public } in operations().iter().filter(|operation| operation.path != "/metrics") {
        let route = |headers| router.find(path, headers).unwrap_or_else(|| panic!("{name} is reached by no route"));
        let with_token = route(TOKEN);
        assert_eq!(needs_token(with_token), !is_public, "{name} by {}", with_token.id());
        for credential in NEITHER {
            assert_eq!(route(credential).id(), with_token.id(), "{name} with {credential:?}");
        }
        for key in KEYS {
            let with_key = route(key);
            assert!(!needs_token(with_key), "{name}: the daemon alone knows whether {key:?} is good");
            assert_eq!(with_key.id() == with_token.id(), *is_public, "{name} with {key:?}");
        }
    }
}

#[test]
fn every_prefix_of_the_design_is_served_with_its_limits() {
    let objects = objects();
    let router = Router::new(&objects);
    for (prefix, rate, burst) in PREFIXES {
        for path in [(*prefix).to_owned(), format!("{prefix}/"), format!("{prefix}/not-built-yet")] {
            for (credential, by_token) in [(NOTHING, true), (TOKEN, true), (KEYS[0], false), (KEYS[1], false)] {
                let route = router.find(&path, credential).unwrap_or_else(|| panic!("{path} is reached by no route"));
                assert_eq!(needs_token(route), by_token, "{path} with {credential:?}");
                let limit = route.plugin("limit-req").unwrap();
                assert_eq!((limit["rate"].as_u64(), limit["burst"].as_u64()), (Some(*rate), Some(*burst)), "{path}");
            }
        }
    }
}

#[test]
fn every_route_leads_to_something_that_is_or_will_be() {
    let (objects, operations) = (objects(), operations());
    for Route { object, uris, .. } in Router::new(&objects).0 {
        for uri in uris {
            let prefix = uri.trim_end_matches('*');
            let is_built = operations.iter().any(|operation| match uri.ends_with('*') {
                true => operation.path.starts_with(prefix),
                false => operation.path == uri,
            });
            let is_planned = PREFIXES.iter().any(|(planned, ..)| prefix.trim_end_matches('/') == *planned);
            assert!(is_built || is_planned || OTHER_PUBLIC.contains(&uri), "{}: {uri}", object["id"]);
        }
    }
}

#[test]
fn every_route_verifies_expiry_limits_an_address_and_has_the_daemon_behind_it() {
    let objects = objects();
    for route in Router::new(&objects).0 {
        let limit = route.plugin("limit-req").unwrap_or_else(|| panic!("{} has no limit", route.id()));
        assert_eq!((&limit["key"], &limit["rejected_code"]), (&json!("remote_addr"), &json!(429)), "{}", route.id());
        assert!(limit["rejected_msg"].is_string(), "{}: without a message the body is HTML", route.id());
        assert_eq!(route.object["upstream_id"], "tracker");
        if let Some(settings) = route.plugin("jwt-auth") {
            assert_eq!(*settings, json!({ "claims_to_verify": ["exp"] }), "{}: no token without an end", route.id());
        }
    }
    let upstream = &objects["upstreams"][0];
    assert_eq!((&upstream["service_name"], &upstream["discovery_type"]), (&json!("tracker:8000"), &json!("dns")));
    assert_eq!(upstream["checks"]["active"]["http_path"], "/health/ready");
}

#[test]
fn the_metrics_are_reached_by_no_route() {
    let objects = objects();
    let router = Router::new(&objects);
    for path in ["/metrics", "/metrics/", "/apisix/prometheus/metrics", "/", "/api/v1/metrics", "/health/metrics"] {
        for credential in NEITHER.iter().chain(KEYS).chain([&TOKEN]) {
            assert!(router.find(path, credential).is_none(), "{path}");
        }
    }
}

#[test]
fn streams_are_passed_on_as_they_come_and_may_be_silent() {
    let objects = objects();
    let router = Router::new(&objects);
    for credential in [TOKEN, KEYS[0]] {
        let route = router.find("/api/v1/events", credential).unwrap();
        assert_eq!(route.plugin("proxy-buffering"), Some(&json!({ "disable_proxy_buffering": true })));
        assert_eq!(route.object["timeout"]["read"], 3600);
    }
}

#[test]
fn for_all_requests_forged_headers_are_removed_and_bodies_bounded_as_in_the_daemon() {
    let objects = objects();
    let [rule] = objects["global_rules"].as_array().unwrap().as_slice() else { panic!("one rule for all") };
    let plugins = &rule["plugins"];
    let forged =
        ["X-Consumer-Username", "X-Consumer-Custom-ID", "X-Credential-Identifier", "Traceparent", "Tracestate"];
    assert_eq!(plugins["proxy-rewrite"]["headers"], json!({ "remove": forged }));
    assert_eq!(plugins["client-control"]["max_body_size"], ServerSettings::default().max_body_bytes);
    for name in ["request-id", "cors", "prometheus"] {
        assert!(plugins[name].is_object(), "{name}");
    }
    // A list in YAML, or a space after a comma, would be another header's name.
    for list in ["allow_methods", "allow_headers", "expose_headers"] {
        assert!(!plugins["cors"][list].as_str().unwrap().contains(' '), "{list}");
    }
    assert_eq!(plugins["cors"]["allow_origins"], "*");
    assert!(plugins["cors"].get("allow_credential").is_none(), "credentials are headers, never cookies");
}

/// The settings by which the gateway verifies tokens, when it was given this public key.
fn verifying(public_key: &str) -> Value {
    let objects = read("apisix.yaml", &[("JWT_PUBLIC_KEY", public_key)]);
    let [consumer] = objects["consumers"].as_array().unwrap().as_slice() else { panic!("one consumer") };
    consumer["plugins"]["jwt-auth"].clone()
}

/// The line of a public key that makes it this one.
fn line_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

#[test]
fn the_public_key_that_is_printed_becomes_the_key_in_the_file() {
    let output = Command::new(env!("CARGO_BIN_EXE_amazon-tracker")).arg("keys").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let line = printed.lines().find_map(|line| line.split_once("JWT_PUBLIC_KEY=")).unwrap().1;
    let pem: Vec<&str> = printed.lines().skip_while(|line| *line != "-----BEGIN PUBLIC KEY-----").collect();
    assert_eq!(pem.len(), 3, "{printed}");
    let read = verifying(line);
    assert_eq!(read["public_key"].as_str().unwrap().lines().collect::<Vec<_>>(), pem);
    // Were the variable replaced after parsing, as older versions of APISIX do, it would be the same.
    let raw: Value = serde_norway::from_str(&text("apisix.yaml")).unwrap();
    let raw = raw["consumers"][0]["plugins"]["jwt-auth"]["public_key"].as_str().unwrap();
    assert_eq!(raw.replace("${{JWT_PUBLIC_KEY}}", line), read["public_key"].as_str().unwrap());
}

#[test]
fn a_token_of_the_daemon_names_the_consumer_and_is_verified_by_its_key() {
    let pair = KeyPair::new().unwrap();
    let private_key = Some(Secret::from(pair.private_pem().unwrap()));
    let ring = Keyring::new(&TokenSettings { private_key, ..TokenSettings::default() }).unwrap();
    let (user_id, tenant_id, session_id) = (UserId::new(), TenantId::new(), SessionId::new());
    let token = ring.issue(Grant { user_id, tenant_id, session_id, role: Role::User }, Timestamp::now()).unwrap();

    let gateway = verifying(&line_of(&pair.public_pem()));
    let algorithm: Algorithm = gateway["algorithm"].as_str().unwrap().parse().unwrap();
    let mut validation = Validation::new(algorithm);
    validation.validate_aud = false;
    let verified = |gateway: &Value| {
        let key = DecodingKey::from_ed_pem(gateway["public_key"].as_str().unwrap().as_bytes()).unwrap();
        jsonwebtoken::decode::<Value>(&token, &key, &validation)
    };
    let claims = verified(&gateway).unwrap().claims;
    assert_eq!(claims["key"], gateway["key"]);
    assert!(claims["exp"].is_i64(), "routes ask for it");
    let stranger = verifying(&line_of(&KeyPair::new().unwrap().public_pem()));
    assert!(verified(&stranger).is_err());
}
