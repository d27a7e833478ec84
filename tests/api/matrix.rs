//! Every operation of the document, asked with every kind of credential.

use std::time::Duration;

use amazon_tracker::auth::{Grant, Keyring, Passwords};
use amazon_tracker::config::{PasswordSettings, Secret, TokenSettings};
use amazon_tracker::domain::{
    AuthorizationRequest, PkceChallenge, Role, Scope, Scopes, SessionId, TenantId, TokenHash,
};
use amazon_tracker::store::{CodeRedemption, Granting, NewAuthorizationCode, NewUser};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::daemon::{Daemon, expect, on_both_engines};

/// Who may use an operation.
#[derive(Clone, Copy, PartialEq)]
enum May {
    Everybody,
    /// People, but no keys.
    People,
    /// Who runs the installation, in person.
    Superadmins,
    /// People and keys of any kind.
    Known,
    Whoever(Scope),
    /// Whoever holds the scope, but no keys.
    PeopleWith(Scope),
    /// An API key in the query, with the scope if there is one: a program written for Keepa.
    KeyInQuery(Option<Scope>),
}

use May::*;

/// An operation that is not here fails the test.
const EXPECTED: &[(&str, May)] = &[
    ("get_health", Everybody),
    ("get_health_live", Everybody),
    ("get_health_ready", Everybody),
    ("get_metrics", Everybody),
    ("get_openapi_json", Everybody),
    ("post_mcp", Known),
    ("get_well_known_oauth_protected_resource", Everybody),
    ("get_well_known_oauth_protected_resource_mcp", Everybody),
    ("get_well_known_oauth_authorization_server", Everybody),
    ("get_oauth_authorize", Everybody),
    ("post_oauth_authorize", Everybody),
    ("post_oauth_consent", Everybody),
    ("post_oauth_token", Everybody),
    ("post_oauth_revoke", Everybody),
    ("get_auth_options", Everybody),
    ("post_auth_register", Everybody),
    ("post_auth_set_up", Everybody),
    ("post_auth_accept_invitation", Everybody),
    ("post_auth_login", Everybody),
    ("post_auth_refresh", Everybody),
    ("post_auth_session", Everybody),
    ("delete_auth_session", People),
    ("post_auth_verify_email", Everybody),
    ("post_auth_forgot_password", Everybody),
    ("post_auth_reset_password", Everybody),
    ("get_auth_jwks_json", Everybody),
    ("post_auth_change_password", People),
    ("post_auth_logout", People),
    ("post_auth_logout_everywhere", People),
    ("get_auth_sessions", People),
    ("delete_auth_sessions_id", People),
    ("get_auth_grants", People),
    ("delete_auth_grants_id", People),
    ("get_auth_api_keys", Whoever(Scope::AdminTenant)),
    ("post_auth_api_keys", PeopleWith(Scope::AdminTenant)),
    ("delete_auth_api_keys_id", Whoever(Scope::AdminTenant)),
    ("get_users_me", People),
    ("patch_users_me", People),
    ("delete_users_me", People),
    ("post_users_invitations", PeopleWith(Scope::AdminUsers)),
    ("get_users", Whoever(Scope::AdminUsers)),
    ("get_users_id", Whoever(Scope::AdminUsers)),
    ("patch_users_id", PeopleWith(Scope::AdminUsers)),
    ("get_tenants_me", Known),
    ("patch_tenants_me", Whoever(Scope::AdminTenant)),
    ("delete_tenants_me", PeopleWith(Scope::AdminTenant)),
    ("post_tenants_me_cancel_deletion", PeopleWith(Scope::AdminTenant)),
    ("get_tenants_me_export", PeopleWith(Scope::AdminTenant)),
    ("get_tenants_me_usage", Known),
    ("get_tenants_me_spending", Known),
    ("get_system_actors", Superadmins),
    ("get_system_status", Superadmins),
    ("get_tenants", Superadmins),
    ("get_tenants_id", Superadmins),
    ("patch_tenants_id", Superadmins),
    ("delete_tenants_id", Superadmins),
    ("get_tenants_id_export", Superadmins),
    ("get_tenants_me_audit", Whoever(Scope::AdminTenant)),
    ("get_products", Whoever(Scope::ProductRead)),
    ("post_products", Whoever(Scope::ProductWrite)),
    ("get_products_id", Whoever(Scope::ProductRead)),
    ("patch_products_id", Whoever(Scope::ProductWrite)),
    ("post_products_id_release", Whoever(Scope::ProductWrite)),
    ("delete_products_id", Whoever(Scope::ProductDelete)),
    ("get_products_id_history", Whoever(Scope::ProductRead)),
    ("get_products_id_price_history", Whoever(Scope::ProductRead)),
    ("get_products_id_rank_history", Whoever(Scope::ProductRead)),
    ("get_products_id_stats", Whoever(Scope::ProductRead)),
    ("get_products_id_offers", Whoever(Scope::ProductRead)),
    ("get_products_id_content", Whoever(Scope::ProductRead)),
    ("get_products_id_crawls", Whoever(Scope::ProductRead)),
    ("get_products_id_insight", Whoever(Scope::ProductRead)),
    ("get_competitors", Whoever(Scope::ProductRead)),
    ("post_competitors", Whoever(Scope::ProductWrite)),
    ("get_competitors_id", Whoever(Scope::ProductRead)),
    ("patch_competitors_id", Whoever(Scope::ProductWrite)),
    ("delete_competitors_id", Whoever(Scope::ProductWrite)),
    ("get_competitors_id_candidates", Whoever(Scope::ProductRead)),
    ("get_competitors_id_comparison", Whoever(Scope::ProductRead)),
    ("get_products_id_listing_check", Whoever(Scope::ProductRead)),
    ("post_products_listing_check", Whoever(Scope::ProductRead)),
    ("get_suggestions", Whoever(Scope::ProductRead)),
    ("post_suggestions", Whoever(Scope::ReportCreate)),
    ("post_crawl", Whoever(Scope::CrawlCreate)),
    ("post_crawl_category", Whoever(Scope::CrawlCreate)),
    ("post_crawl_batch", Whoever(Scope::CrawlCreate)),
    ("post_products_import", Whoever(Scope::ProductWrite)),
    ("get_products_export", Whoever(Scope::ProductRead)),
    ("get_products_history_export", Whoever(Scope::ProductRead)),
    ("get_schedules", Whoever(Scope::ProductRead)),
    ("post_schedules", Whoever(Scope::CrawlCreate)),
    ("post_schedules_preview", Whoever(Scope::ProductRead)),
    ("get_schedules_id", Whoever(Scope::ProductRead)),
    ("patch_schedules_id", Whoever(Scope::CrawlCreate)),
    ("delete_schedules_id", Whoever(Scope::CrawlCreate)),
    ("post_schedules_id_run", Whoever(Scope::CrawlCreate)),
    ("get_schedules_id_runs", Whoever(Scope::ProductRead)),
    ("get_reports", Whoever(Scope::ProductRead)),
    ("post_reports", Whoever(Scope::ReportCreate)),
    ("get_reports_id", Whoever(Scope::ProductRead)),
    ("delete_reports_id", Whoever(Scope::ReportCreate)),
    ("get_reports_id_file", Whoever(Scope::ProductRead)),
    ("post_reports_id_link", Whoever(Scope::ReportCreate)),
    ("get_jobs", Whoever(Scope::ProductRead)),
    ("get_jobs_id", Whoever(Scope::ProductRead)),
    ("get_jobs_id_items", Whoever(Scope::ProductRead)),
    // The scope depends on the kind of job: `jobs::a_job_is_cancelled_by_whom_its_kind_allows`.
    ("post_jobs_id_cancel", Known),
    ("post_jobs_id_retry", Known),
    ("post_crawl_apify_callback", Everybody),
    ("get_crawl_sources", Whoever(Scope::ProductRead)),
    ("get_crawl_samples", Superadmins),
    ("get_crawl_samples_id", Superadmins),
    ("get_crawl_tasks_id", Whoever(Scope::ProductRead)),
    ("get_events", Whoever(Scope::ProductRead)),
    ("get_board", Whoever(Scope::ProductRead)),
    ("post_products_bulk", Known),
    ("get_products_id_chart", Whoever(Scope::ProductRead)),
    ("get_products_id_chart_svg", Whoever(Scope::ProductRead)),
    ("get_products_id_chart_png", Whoever(Scope::ProductRead)),
    ("get_products_id_image", Whoever(Scope::ProductRead)),
    ("get_products_id_shares", Whoever(Scope::ProductRead)),
    ("post_products_id_shares", Whoever(Scope::ProductWrite)),
    ("delete_shares_id", Whoever(Scope::ProductWrite)),
    ("get_c_token", Everybody),
    ("get_c_token_svg", Everybody),
    ("get_c_token_png", Everybody),
    ("get_channels", Whoever(Scope::ProductRead)),
    ("post_channels", Whoever(Scope::AlertWrite)),
    ("post_channels_template_preview", Whoever(Scope::AlertWrite)),
    ("get_channels_id", Whoever(Scope::ProductRead)),
    ("patch_channels_id", Whoever(Scope::AlertWrite)),
    ("delete_channels_id", Whoever(Scope::AlertWrite)),
    ("post_channels_id_test", Whoever(Scope::AlertWrite)),
    ("get_channels_id_usage", Whoever(Scope::ProductRead)),
    ("get_channels_id_messages", Whoever(Scope::ProductRead)),
    ("post_channels_messages_id_retry", Whoever(Scope::AlertWrite)),
    ("get_auth_links_token", Everybody),
    ("get_feeds_token_atom", Everybody),
    ("post_auth_links_token", Everybody),
    ("get_auth_reports_token", Everybody),
    ("get_keepa_token", KeyInQuery(None)),
    ("get_keepa_product", KeyInQuery(Some(Scope::ProductRead))),
    ("get_keepa_query", KeyInQuery(Some(Scope::ProductRead))),
    ("get_keepa_graphimage", KeyInQuery(Some(Scope::ProductRead))),
    ("get_keepa_tracking", KeyInQuery(Some(Scope::ProductRead))),
    ("post_keepa_tracking", KeyInQuery(Some(Scope::AlertWrite))),
    ("get_keepa_endpoint", KeyInQuery(None)),
    ("get_alerts", Whoever(Scope::ProductRead)),
    ("post_alerts", Whoever(Scope::AlertWrite)),
    ("get_alerts_events", Whoever(Scope::ProductRead)),
    ("post_alerts_deliveries_id_retry", Whoever(Scope::AlertWrite)),
    ("get_alerts_events_id", Whoever(Scope::ProductRead)),
    ("post_alerts_preview", Whoever(Scope::ProductRead)),
    ("get_alerts_id", Whoever(Scope::ProductRead)),
    ("patch_alerts_id", Whoever(Scope::AlertWrite)),
    ("delete_alerts_id", Whoever(Scope::AlertWrite)),
];

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "correct horse battery staple";

/// Names nothing.
const NO_ID: &str = "01900000-0000-7000-8000-000000000000";

/// One operation of the document.
struct Operation {
    id: String,
    method: Method,
    path: String,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (pattern, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let path = pattern.replace("{id}", NO_ID);
            operations.push(Operation { id, method: method.to_uppercase().parse().unwrap(), path });
        }
    }
    operations
}

/// A credential, and whether it should open an operation: `Ok`, or the status of its refusal.
type Case = (String, String, Result<(), u16>);

fn token_settings() -> TokenSettings {
    TokenSettings { secret_key: Some(Secret::from(SECRET)), ..TokenSettings::default() }
}

/// Makes the keys, and does nothing else: a key is worth no more than its maker.
const KEY_MAKER: &str = "key_maker";

pub async fn add_person(daemon: &Daemon, name: &str, role: Role) {
    let cheap = PasswordSettings { memory_kib: 64, iterations: 1, ..PasswordSettings::default() };
    let password_hash = Passwords::new(&cheap).unwrap().hash(PASSWORD.to_owned()).await.unwrap();
    let email = format!("{name}@example.com").parse().unwrap();
    let user = NewUser { email, name: name.to_owned(), role, password_hash, is_verified: true, quota: u32::MAX };
    let store = daemon.store().await;
    store.add_user(TenantId::BUILT_IN, user).await.unwrap();
    store.close().await;
}

async fn sign_in(daemon: &Daemon, email: &str) -> Value {
    let body = json!({ "email": email, "password": PASSWORD });
    expect(200, daemon.request(Method::POST, "/api/v1/auth/login").json(&body)).await
}

pub async fn token_of(daemon: &Daemon, email: &str) -> String {
    sign_in(daemon, email).await["access_token"].as_str().unwrap().to_owned()
}

async fn key(daemon: &Daemon, scopes: Scopes, networks: &[&str]) -> String {
    let scopes: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
    let body = json!({ "name": "matrix", "scopes": scopes, "networks": networks });
    let token = token_of(daemon, &format!("{KEY_MAKER}@example.com")).await;
    let made = daemon.request(Method::POST, "/api/v1/auth/api-keys").bearer_auth(token).json(&body);
    let made = expect(201, made).await;
    made["key"].as_str().unwrap().to_owned()
}

fn if_allowed(allowed: bool) -> Result<(), u16> {
    if allowed { Ok(()) } else { Err(403) }
}

/// What does not change from operation to operation.
struct Credentials {
    expired: String,
    revoked: String,
    foreign_key: String,
    revoked_key: String,
}

impl Credentials {
    async fn make(daemon: &Daemon) -> Self {
        let me = sign_in(daemon, "user@example.com").await;
        let grant = Grant {
            user_id: me["user"]["id"].as_str().unwrap().parse().unwrap(),
            tenant_id: TenantId::BUILT_IN,
            session_id: me["session_id"].as_str().unwrap().parse::<SessionId>().unwrap(),
            role: Role::User,
        };
        let an_hour_ago = Timestamp::now() - SignedDuration::from_hours(1);
        let expired = Keyring::new(&token_settings()).unwrap().issue(grant, an_hour_ago).unwrap();
        let revoked = token_of(daemon, "user@example.com").await;
        let logout = daemon.request(Method::POST, "/api/v1/auth/logout").bearer_auth(&revoked);
        expect(204, logout).await;
        let revoked_key = key(daemon, Scopes::ALL, &[]).await;
        let listed = expect(200, daemon.get("/api/v1/auth/api-keys?limit=1")).await;
        let path = format!("/api/v1/auth/api-keys/{}", listed["items"][0]["id"].as_str().unwrap());
        expect(204, daemon.delete(&path)).await;
        Self { expired, revoked, foreign_key: key(daemon, Scopes::ALL, &["10.0.0.0/8"]).await, revoked_key }
    }

    /// The cases of one operation. People sign in anew for each: it may be one that signs out.
    async fn cases(&self, daemon: &Daemon, may: May) -> Vec<Case> {
        let closed = |status| if may == Everybody { Ok(()) } else { Err(status) };
        let mut cases: Vec<Case> = vec![
            ("no credential".into(), String::new(), closed(401)),
            ("garbage".into(), "Bearer a.b.c".into(), closed(401)),
            ("another scheme".into(), "Basic cm9vdDpyb290".into(), closed(401)),
            ("expired".into(), format!("Bearer {}", self.expired), closed(401)),
            ("revoked session".into(), format!("Bearer {}", self.revoked), closed(401)),
            ("revoked key".into(), format!("Bearer {}", self.revoked_key), closed(401)),
            ("key from a foreign network".into(), format!("Bearer {}", self.foreign_key), closed(403)),
        ];
        for role in Role::ALL {
            let allowed = match may {
                Everybody | People | Known => true,
                KeyInQuery(_) => false,
                Superadmins => *role == Role::Superadmin,
                Whoever(scope) | PeopleWith(scope) => role.scopes().contains(scope),
            };
            let token = token_of(daemon, &format!("{}@example.com", role.as_str())).await;
            cases.push((role.to_string(), format!("Bearer {token}"), if_allowed(allowed)));
        }
        let scope = if let Whoever(scope) = may { scope } else { Scope::ProductRead };
        let without: Scopes = Scopes::ALL.iter().filter(|other| *other != scope).collect();
        for (name, scopes, allowed) in [
            ("key with the scope", Scopes::from_iter([scope]), !matches!(may, People | Superadmins | PeopleWith(_))),
            ("key without the scope", without, matches!(may, Everybody | Known)),
        ] {
            cases.push((name.into(), format!("Bearer {}", key(daemon, scopes, &[]).await), if_allowed(allowed)));
        }
        cases
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_opens_to_whom_it_should_and_to_nobody_else() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| settings.auth.token = token_settings()).await;
        for role in Role::ALL {
            add_person(&daemon, role.as_str(), *role).await;
        }
        add_person(&daemon, KEY_MAKER, Role::Superadmin).await;
        let credentials = Credentials::make(&daemon).await;
        let document = expect(200, daemon.get("/api/v1/openapi.json")).await;
        let operations = operations(&document);
        for (id, _) in EXPECTED {
            assert!(operations.iter().any(|operation| operation.id == *id), "{id} is not in the document");
        }
        for Operation { id, method, path } in operations {
            let expected = EXPECTED.iter().find(|(expected, _)| *expected == id);
            let (_, may) = expected.unwrap_or_else(|| panic!("say in EXPECTED who may use {id}"));
            if let KeyInQuery(scope) = may {
                opens_to_keys_in_the_query(&daemon, &id, &method, &path, *scope).await;
                continue;
            }
            for (who, credential, opens) in credentials.cases(&daemon, *may).await {
                let mut request = daemon.request(method.clone(), &path);
                if !credential.is_empty() {
                    request = request.header("authorization", credential);
                }
                if method == Method::POST || method == Method::PATCH {
                    request = request.json(&json!({}));
                }
                let status = request.send().await.unwrap().status().as_u16();
                match opens {
                    Err(refused) => assert_eq!(status, refused, "{id} with {who}"),
                    Ok(()) => assert!(
                        status < 500 && ![401, 403, 405].contains(&status) || is_wrong_secret(&id, status),
                        "{id} with {who}: {status}"
                    ),
                }
            }
        }
        daemon.end().await;
    })
    .await;
}

/// Keepa's programs have their key in the query, and read refusals as 400 with a reason.
async fn opens_to_keys_in_the_query(daemon: &Daemon, id: &str, method: &Method, path: &str, scope: Option<Scope>) {
    let path = path.replace("{endpoint}", "deal");
    let reason = async |query: String, bearer: Option<&str>| {
        let mut request =
            daemon.request(method.clone(), &format!("{path}{query}")).header("accept-encoding", "identity");
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        if *method == Method::POST {
            request = request.json(&json!([]));
        }
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["error"]["type"].as_str().unwrap_or_default().to_owned()
    };
    let all = key(daemon, Scopes::ALL, &[]).await;
    for query in [String::new(), "?key=at_x".to_owned(), format!("?key={}", token_of(daemon, "user@example.com").await)]
    {
        assert_eq!(reason(query, Some(&all)).await, "invalidKey", "{id}");
    }
    let foreign = key(daemon, Scopes::ALL, &["10.0.0.0/8"]).await;
    assert_eq!(reason(format!("?key={foreign}"), None).await, "forbidden", "{id}");
    let with = Scopes::from_iter([scope.unwrap_or(Scope::ProductRead)]);
    let without: Scopes = Scopes::ALL.iter().filter(|other| Some(*other) != scope).collect();
    let opened = reason(format!("?key={}", key(daemon, with, &[]).await), None).await;
    assert!(!["invalidKey", "forbidden"].contains(&opened.as_str()), "{id}: {opened}");
    let other = reason(format!("?key={}", key(daemon, without, &[]).await), None).await;
    assert_eq!(other == "forbidden", scope.is_some(), "{id}: {other}");
}

/// Something of ours for every `{id}` in a path.
async fn of_ours(daemon: &Daemon) -> Vec<(&'static str, Value)> {
    let product = daemon.watch(daemon.listing(0)).await["id"].clone();
    // Reached at once, by a webhook that is given up.
    daemon.receiver.answer_next(&[410]);
    let target = json!({ "amount_minor": 100_000_000, "currency": "USD" });
    let rule = json!({
        "product_id": product, "kind": "price_at_or_below", "target": target, "webhook_url": daemon.receiver.url()
    });
    let alert = expect(201, daemon.post("/api/v1/alerts", &rule)).await["id"].clone();
    let is_dead = |events: &Value| events["items"][0]["deliveries"][0]["status"] == "dead";
    let events = daemon.eventually("/api/v1/alerts/events", is_dead).await;
    let event = events["items"][0]["id"].clone();
    let delivery = events["items"][0]["deliveries"][0]["id"].clone();
    let channel = json!({ "kind": "webhook", "name": "Ours", "config": { "url": daemon.receiver.url() } });
    let channel = expect(201, daemon.post("/api/v1/channels", &channel)).await["id"].clone();
    let set = expect(201, daemon.post("/api/v1/competitors", &json!({ "product_id": product }))).await["id"].clone();
    let asked = daemon.post("/api/v1/crawl", &json!({ "product_ids": [product] }));
    let task = expect(202, asked).await["id"].clone();
    let schedule =
        json!({ "name": "all", "recurrence": { "every": "daily" }, "action": { "kind": "crawl", "all": true } });
    let schedule = expect(201, daemon.post("/api/v1/schedules", &schedule)).await["id"].clone();
    let report = json!({ "subject": { "kind": "tenant" }, "period": { "kind": "last_week" } });
    let report = expect(202, daemon.post("/api/v1/reports", &report)).await["parameters"]["report_id"].clone();
    let shares = format!("/api/v1/products/{}/shares", product.as_str().unwrap());
    let share = expect(201, daemon.post(&shares, &json!({}))).await["id"].clone();
    let user = sign_in(daemon, "user@example.com").await;
    let grant = grant_of(daemon, &user["user"]).await;
    let keys = expect(200, daemon.get("/api/v1/auth/api-keys?limit=1")).await;
    vec![
        ("/api/v1/products/", product),
        ("/api/v1/competitors/", set),
        ("/api/v1/shares/", share),
        ("/api/v1/channels/", channel),
        // None of ours is dead; theirs would be refused alike.
        ("/api/v1/channels/messages/", json!("0190a1b2-0000-7000-8000-000000000000")),
        ("/api/v1/alerts/", alert),
        ("/api/v1/alerts/events/", event),
        ("/api/v1/alerts/deliveries/", delivery),
        ("/api/v1/jobs/", task.clone()),
        ("/api/v1/schedules/", schedule),
        ("/api/v1/reports/", report),
        ("/api/v1/crawl/tasks/", task),
        // No tenant's: operators alone see them.
        ("/api/v1/crawl/samples/", json!("0190a1b2-0000-7000-8000-000000000000")),
        ("/api/v1/users/", user["user"]["id"].clone()),
        ("/api/v1/auth/sessions/", user["session_id"].clone()),
        ("/api/v1/auth/grants/", grant),
        ("/api/v1/auth/api-keys/", keys["items"][0]["id"].clone()),
        ("/api/v1/tenants/", user["user"]["tenant_id"].clone()),
    ]
}

/// What a user has granted to a client, as the dance of `mcp::oauth` ends.
async fn grant_of(daemon: &Daemon, user: &Value) -> Value {
    let store = daemon.store().await;
    let challenge = PkceChallenge::of_verifier(&"x".repeat(43)).unwrap();
    let request = AuthorizationRequest {
        client_id: "https://app.example/client.json".to_owned(),
        client_name: "App".to_owned(),
        redirect_uri: "https://app.example/callback".to_owned(),
        challenge: challenge.as_str().to_owned(),
        scopes: Role::Viewer.scopes(),
        resource: "https://tracker.example/mcp".to_owned(),
        state: None,
    };
    let redemption = CodeRedemption {
        code: TokenHash([1; 32]),
        client_id: request.client_id.clone(),
        redirect_uri: request.redirect_uri.clone(),
        challenge,
        resource: request.resource.clone(),
        token: TokenHash([2; 32]),
        lasts: Duration::from_secs(3600),
    };
    let code = NewAuthorizationCode {
        hash: TokenHash([1; 32]),
        tenant_id: TenantId::BUILT_IN,
        user_id: user["id"].as_str().unwrap().parse().unwrap(),
        request,
        address: None,
        lasts: Duration::from_secs(60),
    };
    store.add_authorization_code(code).await.unwrap();
    let Granting::Granted(access) = store.redeem_code(redemption).await.unwrap() else { panic!("no grant") };
    store.close().await;
    json!(access.grant_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ours_is_not_there_for_the_admin_of_another_tenant() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| settings.auth.token = token_settings()).await;
        add_person(&daemon, "user", Role::User).await;
        let store = daemon.store().await;
        let password_hash = Passwords::new(&PasswordSettings::default()).unwrap().hash(PASSWORD.into()).await.unwrap();
        let (email, name) = ("them@example.com".parse().unwrap(), "them".to_owned());
        let role = Role::TenantAdmin;
        let them = NewUser { email, name, role, password_hash, is_verified: true, quota: u32::MAX };
        store.add_tenant("them", "enterprise", them, None).await.unwrap();
        store.close().await;
        let ours = of_ours(&daemon).await;
        let document = expect(200, daemon.get("/api/v1/openapi.json")).await;
        let token = token_of(&daemon, "them@example.com").await;
        let mut asked = 0;
        for Operation { id, method, path } in operations(&document) {
            let Some((before, _)) = path.split_once(NO_ID) else { continue };
            let (_, real) =
                ours.iter().find(|(prefix, _)| *prefix == before).unwrap_or_else(|| panic!("an id for {path}"));
            let mut request = daemon.request(method.clone(), &path.replace(NO_ID, real.as_str().unwrap()));
            if method == Method::PATCH || id == "post_products_id_shares" {
                request = request.json(&json!({}));
            }
            let status = request.bearer_auth(&token).send().await.unwrap().status().as_u16();
            let may = EXPECTED.iter().find(|(expected, _)| *expected == id).unwrap().1;
            assert_eq!(status, if may == Superadmins { 403 } else { 404 }, "{id}");
            asked += 1;
        }
        assert!(asked > 10, "only {asked} operations name something");
        daemon.end().await;
    })
    .await;
}

/// 401 is also what somebody gets for a wrong secret, at a door that is open.
fn is_wrong_secret(id: &str, status: u16) -> bool {
    status == 401 && ["post_auth_login", "post_auth_refresh", "post_crawl_apify_callback"].contains(&id)
}
