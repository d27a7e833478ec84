//! Suggestions for a product: findings, and the advice of a model on loopback.

use amazon_tracker::config::{AdviceSettings, Settings};
use amazon_tracker::domain::{Role, Scope};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::access::{as_bearer, newcomer};
use crate::daemon::{Daemon, Engine, expect, on_both_engines};
use crate::matrix::{add_person, token_of};
use crate::model_endpoint::{Behaviour, CACHED_TOKENS, INPUT_TOKENS, KEY, MODEL, ModelEndpoint, OUTPUT_TOKENS};

const PATH: &str = "/api/v1/suggestions";
/// What every answer of the endpoint costs, in billionths of a dollar.
const COST_NANOS: u64 = (INPUT_TOKENS - CACHED_TOKENS) * 1250 + CACHED_TOKENS * 125 + OUTPUT_TOKENS * 10_000;

/// An answer that rests on the first fact, whatever it is.
pub fn good_answer() -> String {
    let suggestion = json!({
        "field": "price", "action": "investigate", "severity": "medium", "reason": "It is {f1}.", "evidence": ["f1"],
        "new_text": null
    });
    json!({ "suggestions": [suggestion] }).to_string()
}

pub async fn start(engine: Engine, endpoint: &ModelEndpoint, adjust: impl FnOnce(&mut AdviceSettings)) -> Daemon {
    let mut advice = endpoint.settings();
    adjust(&mut advice);
    Daemon::start_with(engine, |settings: &mut Settings| settings.advice = advice).await
}

/// A product that was crawled often enough, for long enough.
pub async fn known_product(daemon: &Daemon) -> Value {
    let product = daemon.watch(daemon.listing(0)).await;
    daemon.execute("UPDATE point SET at = at - 5184000000").await;
    daemon
        .execute(if daemon.database_url().starts_with("sqlite") {
            "UPDATE listing SET state = json_set(state, '$.change_rate.comparisons', 30)"
        } else {
            "UPDATE listing SET state = jsonb_set(state, '{change_rate,comparisons}', '30')"
        })
        .await;
    product["id"].clone()
}

fn path_of(product: &Value) -> String {
    format!("{PATH}?product_id={}", product.as_str().unwrap())
}

async fn read(daemon: &Daemon, product: &Value) -> Value {
    expect(200, daemon.get(&path_of(product))).await
}

/// Asks, and waits for the model.
fn ask(daemon: &Daemon, product: &Value, language: &str) -> RequestBuilder {
    let body = json!({ "product_id": product, "language": language });
    daemon.post(PATH, &body).header("prefer", "wait=8")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_asked_once_for_as_long_as_nothing_changes() {
    on_both_engines(async |engine| {
        let endpoint = ModelEndpoint::start(good_answer());
        let daemon = start(engine, &endpoint, |_| {}).await;
        let product = known_product(&daemon).await;
        let before = read(&daemon, &product).await;
        assert_eq!((&before["advice"], &before["request"]), (&Value::Null, &Value::Null));
        assert_eq!((&before["not_asked"], &before["budget"]["spent_nanos_usd"]), (&Value::Null, &json!(0)), "{before}");
        let finding = before["findings"].as_array().unwrap().iter().find(|it| it["code"] == "images_count").unwrap();
        assert_eq!((&finding["origin"], &finding["field"]), (&json!("rule"), &json!("images")));
        assert!(!finding["evidence"][0]["value"].as_str().unwrap().is_empty(), "{finding}");
        assert_eq!(endpoint.requests().len(), 0, "reading asks nobody");

        let asked = expect(200, ask(&daemon, &product, "en")).await;
        let advice = &asked["advice"];
        let suggestion = &advice["suggestions"][0];
        let reason = format!("It is {}.", suggestion["evidence"][0]["value"].as_str().unwrap());
        assert_eq!((&suggestion["reason"], &suggestion["field"]), (&json!(reason), &json!("price")));
        assert_eq!(
            (&advice["model"], &advice["language"], &advice["is_current"]),
            (&json!(MODEL), &json!("en"), &json!(true))
        );
        assert_eq!(
            (&asked["request"]["status"], &asked["request"]["cost_nanos_usd"]),
            (&json!("answered"), &json!(COST_NANOS))
        );
        assert_eq!(asked["request"]["input_tokens"], INPUT_TOKENS);
        assert_eq!(asked["findings"], before["findings"]);

        let again = expect(200, ask(&daemon, &product, "en")).await;
        assert_eq!((&again["advice"], endpoint.requests().len()), (advice, 1));
        assert_eq!(again["budget"]["spent_nanos_usd"], COST_NANOS);
        expect(200, ask(&daemon, &product, "de")).await;
        assert_eq!(endpoint.requests().len(), 2, "in another language it is another question");
        assert_eq!(read(&daemon, &product).await["advice"]["language"], "de", "the latest");
        // Not even the title was touched.
        let title = expect(200, daemon.get(&format!("/api/v1/products/{}", product.as_str().unwrap()))).await;
        assert_eq!(title["label"], Value::Null);
        let metrics = daemon.metrics().send().await.unwrap().text().await.unwrap();
        for line in [
            "advice_requests_total{outcome=\"answered\"} 2".to_owned(),
            "advice_requests_total{outcome=\"cached\"} 1".to_owned(),
            format!("advice_cost_nanos_total {}", 2 * COST_NANOS),
        ] {
            assert!(metrics.contains(&line), "{line}");
        }
        let audit = expect(200, daemon.get("/api/v1/tenants/me/audit")).await;
        add_person(&daemon, "admin", Role::TenantAdmin).await;
        let token = token_of(&daemon, "admin@example.com").await;
        let export = daemon.request(Method::GET, "/api/v1/tenants/me/export").bearer_auth(token);
        let export = export.send().await.unwrap().text().await.unwrap();
        let lines = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let exported: Vec<Value> = lines.filter(|line| line["type"] == "advice").collect();
        assert_eq!((exported.len(), &exported[0]["product_id"]), (1, &product));
        assert_eq!(exported[0]["advice"]["suggestions"][0]["reason"], reason);
        let asked = audit["items"].as_array().unwrap().iter().filter(|entry| entry["action"] == "advice.ask");
        assert_eq!(asked.count(), 2);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_wait_reads_the_answer_later() {
    let endpoint = ModelEndpoint::start(good_answer());
    let daemon = start(Engine::Sqlite, &endpoint, |_| {}).await;
    let product = known_product(&daemon).await;
    let response = daemon.post(PATH, &json!({ "product_id": product })).send().await.unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(response.headers()["location"], path_of(&product).as_str());
    let asked: Value = response.json().await.unwrap();
    assert!(asked["request"]["id"].is_string() && asked["request"]["ended_at"].is_null(), "{asked}");
    let read = daemon.eventually(&path_of(&product), |read| !read["advice"].is_null()).await;
    assert_eq!((&read["request"]["id"], &read["request"]["status"]), (&asked["request"]["id"], &json!("answered")));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_too_little_is_known_of_costs_nothing() {
    on_both_engines(async |engine| {
        let endpoint = ModelEndpoint::start(good_answer());
        let daemon = start(engine, &endpoint, |_| {}).await;
        let product = daemon.watch(daemon.listing(0)).await["id"].clone();
        let refused = expect(200, ask(&daemon, &product, "en")).await;
        assert_eq!((&refused["not_asked"]["code"], &refused["advice"]), (&json!("too_little_data"), &Value::Null));
        let missing = refused["not_asked"]["missing"].as_array().unwrap();
        assert!(missing.contains(&json!("observed for 0 days; 14 are needed")), "{missing:?}");
        assert!(!refused["findings"].as_array().unwrap().is_empty());
        assert_eq!((&refused["request"], &refused["budget"]["spent_nanos_usd"]), (&Value::Null, &json!(0)));
        assert_eq!(endpoint.requests().len(), 0);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_the_findings_come_all_the_same() {
    let endpoint = ModelEndpoint::start(good_answer());
    let disabled = start(Engine::Sqlite, &endpoint, |advice| advice.enabled = false).await;
    let without_key = start(Engine::Sqlite, &endpoint, |advice| {
        advice.base_url = AdviceSettings::default().base_url;
        advice.api_key = Some("".into());
    })
    .await;
    let without_price = start(Engine::Sqlite, &endpoint, |advice| {
        advice.prices[0].from = "2126-01-01".parse().unwrap();
    })
    .await;
    for (daemon, code) in [(disabled, "disabled"), (without_key, "no_key"), (without_price, "no_price")] {
        let product = known_product(&daemon).await;
        for suggestions in [read(&daemon, &product).await, expect(200, ask(&daemon, &product, "en")).await] {
            assert_eq!(suggestions["not_asked"]["code"], code);
            assert!(!suggestions["findings"].as_array().unwrap().is_empty());
            assert_eq!(suggestions["budget"].is_null(), code == "disabled");
        }
        daemon.end().await;
    }
    assert_eq!(endpoint.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_has_no_room_is_named_before_anybody_is_asked() {
    on_both_engines(async |engine| {
        let endpoint = ModelEndpoint::start(good_answer());
        let tenant = start(engine, &endpoint, |advice| advice.tenant_day_usd = Some(0.01)).await;
        let all = start(engine, &endpoint, |advice| advice.day_usd = Some(0.01)).await;
        for (daemon, code, whose) in
            [(tenant, "over_tenant_budget", "your tenant"), (all, "over_installation_budget", "this installation")]
        {
            let product = known_product(&daemon).await;
            let response = ask(&daemon, &product, "en").send().await.unwrap();
            assert_eq!(response.status(), 429);
            let secs: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            assert!(secs <= 86_401, "until midnight: {secs}");
            let problem: Value = response.json().await.unwrap();
            assert_eq!(problem["code"], code);
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(whose) && detail.contains("T00:00:00Z"), "{detail}");
            assert_eq!(read(&daemon, &product).await["budget"]["spent_nanos_usd"], 0);
            daemon.end().await;
        }
        assert_eq!(endpoint.requests().len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_repaired_once_charged_and_not_stored() {
    on_both_engines(async |engine| {
        let endpoint = ModelEndpoint::start("Lower the price by 12 %.");
        let daemon = start(engine, &endpoint, |_| {}).await;
        let product = known_product(&daemon).await;
        let problem = expect(502, ask(&daemon, &product, "en")).await;
        assert_eq!((&problem["code"], endpoint.requests().len()), (&json!("answer_unusable"), 2));
        let read = read(&daemon, &product).await;
        assert_eq!((&read["advice"], &read["budget"]["spent_nanos_usd"]), (&Value::Null, &json!(2 * COST_NANOS)));
        let request = &read["request"];
        assert_eq!((&request["status"], &request["failure"]["code"]), (&json!("failed"), &json!("answer_unusable")));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_of_a_model_has_its_status_and_its_price() {
    let endpoint = ModelEndpoint::start(good_answer());
    let daemon = start(Engine::Sqlite, &endpoint, |advice| advice.tenant_day_usd = None).await;
    let product = known_product(&daemon).await;
    let busy = Behaviour::RateLimited { retry_after_ms: "1", retry_after: "0" };
    let failing = Behaviour::Status(500, Some(false));
    for (behaviour, attempts, status, code, cost_nanos) in [
        (Behaviour::Unauthorized, 1, 502, "model_refuses", Some(0)),
        (Behaviour::NoSuchModel, 1, 502, "model_refuses", Some(0)),
        (Behaviour::NoQuota, 1, 502, "model_without_money", Some(0)),
        (Behaviour::ContextTooLong, 1, 502, "question_too_long", Some(0)),
        (busy, 3, 503, "model_busy", Some(0)),
        (failing, 1, 503, "model_unavailable", Some(0)),
        (Behaviour::Refusal, 1, 502, "model_declined", Some(COST_NANOS)),
        (Behaviour::Incomplete, 1, 502, "answer_cut_off", Some(COST_NANOS)),
        (Behaviour::Failed, 1, 502, "model_failed", Some(COST_NANOS)),
        // It may have cost what was reserved.
        (Behaviour::Html, 1, 502, "model_failed", None),
    ] {
        let before = endpoint.requests().len();
        endpoint.behave(vec![behaviour.clone(); attempts]);
        let problem = expect(status, ask(&daemon, &product, "en")).await;
        assert_eq!(
            (problem["code"].as_str(), endpoint.requests().len() - before),
            (Some(code), attempts),
            "{behaviour:?}"
        );
        assert!(!problem.to_string().contains(KEY));
        let cost = read(&daemon, &product).await["request"]["cost_nanos_usd"].as_u64().unwrap();
        assert!(cost_nanos.map_or(cost > COST_NANOS, |expected| cost == expected), "{behaviour:?}: {cost}");
    }
    expect(200, ask(&daemon, &product, "en")).await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_ask_the_same_at_once_pay_once() {
    on_both_engines(async |engine| {
        let endpoint = ModelEndpoint::start(good_answer());
        let daemon = start(engine, &endpoint, |_| {}).await;
        let product = known_product(&daemon).await;
        let (one, two) =
            tokio::join!(expect(200, ask(&daemon, &product, "en")), expect(200, ask(&daemon, &product, "en")));
        assert_eq!((&one["advice"], endpoint.requests().len()), (&two["advice"], 1));
        assert!(one["advice"]["is_current"] == true && two["budget"]["spent_nanos_usd"] == COST_NANOS, "{two}");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_ask_together_once_and_one_with_another_model_asks_again() {
    let endpoint = ModelEndpoint::start(good_answer());
    let daemon = start(Engine::Postgres, &endpoint, |_| {}).await;
    let product = known_product(&daemon).await;
    let advice = endpoint.settings();
    let same = daemon.start_beside_with(|settings| settings.advice = advice.clone()).await;
    let (one, two) = tokio::join!(expect(200, ask(&daemon, &product, "en")), expect(200, ask(&same, &product, "en")));
    assert_eq!((&one["advice"], endpoint.requests().len()), (&two["advice"], 1), "both get one answer");
    let other = AdviceSettings { model: "another-model".to_owned(), ..advice };
    let other = daemon.start_beside_with(|settings| settings.advice = other).await;
    let problem = expect(502, ask(&other, &product, "en")).await;
    assert_eq!((&problem["code"], endpoint.requests().len()), (&json!("model_refuses"), 2));
    let read = read(&other, &product).await;
    assert_eq!((&read["advice"]["model"], &read["advice"]["is_current"]), (&json!(MODEL), &json!(false)));
    for daemon in [other, same, daemon] {
        daemon.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_do_not_see_our_advice_and_a_reader_cannot_ask() {
    on_both_engines(async |engine| {
        let endpoint = ModelEndpoint::start(good_answer());
        let daemon = start(engine, &endpoint, |_| {}).await;
        let product = known_product(&daemon).await;
        let them = newcomer(&daemon, "jo").await;
        expect(404, as_bearer(&daemon, Method::GET, &path_of(&product), &them)).await;
        let body = json!({ "product_id": product });
        let asked = expect(404, as_bearer(&daemon, Method::POST, PATH, &them).json(&body)).await;
        assert_eq!(asked["errors"][0]["field"], "product_id");
        let reader = daemon.key_with(&[Scope::ProductRead]).await;
        expect(200, daemon.request(Method::GET, &path_of(&product)).bearer_auth(&reader)).await;
        expect(403, daemon.request(Method::POST, PATH).bearer_auth(&reader).json(&body)).await;
        assert_eq!(endpoint.requests().len(), 0);
        for (body, field) in [
            (json!({}), "product_id"),
            (json!({ "product_id": "x" }), "product_id"),
            (json!({ "product_id": product, "language": "tlh" }), "language"),
            (json!({ "product_id": product, "model": "x" }), "model"),
        ] {
            assert_eq!(expect(422, daemon.post(PATH, &body)).await["errors"][0]["field"], field, "{body}");
        }
        for (query, field) in [("", "product_id"), ("?product_id=x", "product_id")] {
            assert_eq!(expect(422, daemon.get(&format!("{PATH}{query}"))).await["errors"][0]["field"], field);
        }
        daemon.end().await;
    })
    .await;
}
