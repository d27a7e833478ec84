//! The part of Apify's API that crawling needs, with runs whose items show the facts of the simulated world.
//!
//! A run is computed from its age: it waits for a machine, runs, and ends. Its dataset is made when it ends. Faults are queued:
//! each is used once, by the next request or run that it is about.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, LOCATION, RETRY_AFTER};
use actix_web::web::{self, Bytes, Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::apify_items::items_of;
use super::world::World;

/// What a product costs, in US dollars.
const USD_PER_ITEM: f64 = 0.002;
/// The API waits no longer for the end of a run.
const MAX_WAIT_SECS: u64 = 60;
/// Runs that are kept.
const MAX_RUNS: usize = 200;
/// How often a waiting request looks at its run.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A fault of the next request of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApifyFault {
    /// The request has its effect, and its answer is lost with the connection.
    LostAnswer,
    /// An error in Apify's form: 402 `not-enough-usage-to-run-paid-actor`.
    Error(u16, &'static str),
    /// Too many requests; retry after so many seconds.
    RateLimited(u64),
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum ApifyRunEnd {
    /// With an item for each input.
    Succeeded,
    /// With half of the items.
    Failed,
    /// With half of the items.
    TimedOut,
    /// With half of the items.
    Aborted,
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApifyRequest {
    /// Starting a run.
    Start,
    /// Asking for a run, or for the list of runs.
    Look,
    /// Reading a dataset.
    Items,
}

/// A run of the simulated account.
struct SimulatedRun {
    id: String,
    store_id: String,
    input: Value,
    started_at: Timestamp,
    began: Instant,
    takes: Duration,
    end: ApifyRunEnd,
    /// Made when the run ends.
    items: Option<Vec<Value>>,
}

/// The simulated account. Clones are the same one.
#[derive(Clone)]
pub struct SimulatedApify(Arc<Account>);

impl std::fmt::Debug for SimulatedApify {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SimulatedApify").field("runs", &self.state().runs.len()).finish()
    }
}

struct Account {
    world: Arc<World>,
    state: Mutex<State>,
}

struct State {
    takes: Duration,
    runs: Vec<SimulatedRun>,
    faults: HashMap<ApifyRequest, VecDeque<ApifyFault>>,
    ends: VecDeque<ApifyRunEnd>,
    /// The status of each answer to a callback.
    callbacks: Vec<u16>,
}

impl SimulatedApify {
    pub(super) fn new(world: Arc<World>, takes: Duration) -> Self {
        let state =
            State { takes, runs: Vec::new(), faults: HashMap::new(), ends: VecDeque::new(), callbacks: Vec::new() };
        Self(Arc::new(Account { world, state: Mutex::new(state) }))
    }

    /// The next request of this kind fails so.
    pub fn fail_next(&self, request: ApifyRequest, fault: ApifyFault) {
        self.state().faults.entry(request).or_default().push_back(fault);
    }

    /// The next run ends so.
    pub fn end_next_run(&self, end: ApifyRunEnd) {
        self.state().ends.push_back(end);
    }

    /// Runs that are started from now on take so long.
    pub fn set_run_time(&self, takes: Duration) {
        self.state().takes = takes;
    }

    /// The inputs of all runs, in the order in which they were started.
    pub fn inputs(&self) -> Vec<Value> {
        self.state().runs.iter().map(|run| run.input.clone()).collect()
    }

    /// The status of each answer to a callback.
    pub fn callbacks(&self) -> Vec<u16> {
        self.state().callbacks.clone()
    }

    /// Calls back when a run has ended: twice, because callbacks come at least once.
    async fn call_back(self, webhook: Webhook, run: Value, after: Duration) {
        tokio::time::sleep(after).await;
        let headers: HashMap<String, String> = serde_json::from_str(&webhook.headers_template).unwrap_or_default();
        let body =
            json!({ "eventType": "ACTOR.RUN.SUCCEEDED", "eventData": { "actorRunId": run["id"] }, "resource": run });
        let client = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
        for _ in 0..2 {
            let request =
                headers.iter().fold(client.post(&webhook.request_url), |it, (name, value)| it.header(name, value));
            let status = request.json(&body).send().await.map_or(0, |answer| answer.status().as_u16());
            self.state().callbacks.push(status);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, request: ApifyRequest) -> Option<ApifyFault> {
        self.state().faults.get_mut(&request)?.pop_front()
    }

    fn start(&self, input: Value) -> Value {
        let mut state = self.state();
        let (takes, end) = (state.takes, state.ends.pop_front().unwrap_or(ApifyRunEnd::Succeeded));
        let id = || Uuid::new_v4().simple().to_string()[..17].to_owned();
        let (began, started_at) = (Instant::now(), Timestamp::now());
        let run = SimulatedRun { id: id(), store_id: id(), input, started_at, began, takes, end, items: None };
        let view = run.view();
        state.runs.push(run);
        // A simulated marketplace may run for days.
        let excess = state.runs.len().saturating_sub(MAX_RUNS);
        state.runs.drain(..excess);
        view
    }

    /// A run, with its items if it has ended.
    fn run(&self, id: &str) -> Option<Value> {
        let mut state = self.state();
        let run = state.runs.iter_mut().find(|run| run.id == id)?;
        if run.has_ended() && run.items.is_none() {
            let mut items = items_of(&self.0.world, &run.input);
            if run.end != ApifyRunEnd::Succeeded {
                items.truncate(items.len().div_ceil(2));
            }
            run.items = Some(items);
        }
        Some(run.view())
    }
}

impl SimulatedRun {
    fn has_ended(&self) -> bool {
        self.began.elapsed() >= self.takes
    }

    fn status(&self) -> Value {
        match self.began.elapsed() {
            age if age >= self.takes => json!(self.end),
            age if age >= self.takes / 4 => json!("RUNNING"),
            _ => json!("READY"),
        }
    }

    fn view(&self) -> Value {
        let items = self.items.as_ref().map_or(0, Vec::len);
        json!({
            "id": self.id, "actId": "simulated", "userId": "simulated", "startedAt": self.started_at,
            "finishedAt": self.has_ended().then_some(self.started_at), "status": self.status(),
            "meta": { "origin": "API" }, "defaultDatasetId": self.id, "defaultKeyValueStoreId": self.store_id,
            "usageTotalUsd": items as f64 * USD_PER_ITEM,
        })
    }
}

/// What is called when a run has ended.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    request_url: String,
    headers_template: String,
}

/// The parameter of a run: a list as JSON, in Base64.
fn webhooks_of(query: &Parameters) -> Vec<Webhook> {
    let json = query.get("webhooks").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    serde_json::from_slice(&json).unwrap_or_default()
}

/// The API's routes.
pub(super) fn routes(config: &mut ServiceConfig) {
    // The older path is still served.
    for actors in ["/v2/actors", "/v2/acts"] {
        config.route(&format!("{actors}/{{actor}}/runs"), web::post().to(start));
        config.route(&format!("{actors}/{{actor}}/runs"), web::get().to(runs));
    }
    config.route("/v2/actor-runs/{id}", web::get().to(run));
    config.route("/v2/actor-runs/{id}/abort", web::post().to(abort));
    config.route("/v2/actor-runs/{id}/dataset/items", web::get().to(items));
    config.route("/v2/datasets/{id}/items", web::get().to(items));
    config.route("/v2/key-value-stores/{id}/records/INPUT", web::get().to(input));
}

type Parameters = Query<HashMap<String, String>>;

/// Refuses a request without a token, and one whose fault is due. `Ok(true)`: its answer is to be lost.
fn check(
    apify: &SimulatedApify,
    request: &HttpRequest,
    query: &Parameters,
    about: ApifyRequest,
) -> Result<bool, HttpResponse> {
    let bearer = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if bearer.or(query.get("token").map(String::as_str)).is_none_or(str::is_empty) {
        return Err(error(401, "token-not-provided"));
    }
    match apify.fault(about) {
        None => Ok(false),
        Some(ApifyFault::LostAnswer) => Ok(true),
        Some(ApifyFault::Error(status, kind)) => Err(error(status, kind)),
        Some(ApifyFault::RateLimited(secs)) => {
            let mut response = error(429, "rate-limit-exceeded");
            response.headers_mut().insert(RETRY_AFTER, secs.into());
            Err(response)
        }
    }
}

fn error(status: u16, kind: &str) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).json(json!({ "error": { "type": kind, "message": format!("simulated: {kind}") } }))
}

/// Closes the connection in place of an answer.
fn lost() -> HttpResponse {
    let aborted = futures_util::stream::once(async {
        Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    });
    HttpResponse::Created().streaming(aborted)
}

async fn start(request: HttpRequest, query: Parameters, body: Bytes, apify: Data<SimulatedApify>) -> HttpResponse {
    let is_lost = match check(&apify, &request, &query, ApifyRequest::Start) {
        Ok(is_lost) => is_lost,
        Err(response) => return response,
    };
    let Ok(input) = serde_json::from_slice(&body) else { return error(400, "run-input-body-not-valid-json") };
    let run = apify.start(input);
    let after = apify.state().takes;
    for webhook in webhooks_of(&query) {
        actix_web::rt::spawn(SimulatedApify::clone(&apify).call_back(webhook, run.clone(), after));
    }
    if is_lost {
        return lost();
    }
    let location = format!("/v2/actor-runs/{}", run["id"].as_str().unwrap_or_default());
    HttpResponse::Created().insert_header((LOCATION, location)).json(json!({ "data": run }))
}

async fn runs(request: HttpRequest, query: Parameters, apify: Data<SimulatedApify>) -> HttpResponse {
    if let Err(response) = check(&apify, &request, &query, ApifyRequest::Look) {
        return response;
    }
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let items: Vec<Value> = apify.state().runs.iter().rev().take(limit).map(SimulatedRun::view).collect();
    HttpResponse::Ok().json(json!({ "data": { "items": items, "total": items.len(), "desc": true } }))
}

async fn run(request: HttpRequest, query: Parameters, id: Path<String>, apify: Data<SimulatedApify>) -> HttpResponse {
    if let Err(response) = check(&apify, &request, &query, ApifyRequest::Look) {
        return response;
    }
    let wait = query.get("waitForFinish").and_then(|secs| secs.parse().ok()).unwrap_or(0u64).min(MAX_WAIT_SECS);
    let until = Instant::now() + Duration::from_secs(wait);
    loop {
        let Some(run) = apify.run(&id) else { return error(404, "record-not-found") };
        let goes_on = matches!(run["status"].as_str(), Some("READY" | "RUNNING"));
        if !goes_on || Instant::now() >= until {
            return HttpResponse::Ok().json(json!({ "data": run }));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn abort(request: HttpRequest, query: Parameters, id: Path<String>, apify: Data<SimulatedApify>) -> HttpResponse {
    if let Err(response) = check(&apify, &request, &query, ApifyRequest::Look) {
        return response;
    }
    if let Some(run) = apify.state().runs.iter_mut().find(|run| run.id == *id && !run.has_ended()) {
        (run.takes, run.end) = (Duration::ZERO, ApifyRunEnd::Aborted);
    }
    match apify.run(&id) {
        Some(run) => HttpResponse::Ok().json(json!({ "data": run })),
        None => error(404, "record-not-found"),
    }
}

async fn items(request: HttpRequest, query: Parameters, id: Path<String>, apify: Data<SimulatedApify>) -> HttpResponse {
    if let Err(response) = check(&apify, &request, &query, ApifyRequest::Items) {
        return response;
    }
    if apify.run(&id).is_none() {
        return error(404, "record-not-found");
    }
    let number = |name: &str, default: usize| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (offset, limit) = (number("offset", 0), number("limit", usize::MAX));
    let state = apify.state();
    let all = state.runs.iter().find(|run| run.id == *id).and_then(|run| run.items.as_deref()).unwrap_or_default();
    let page: Vec<&Value> = all.iter().skip(offset).take(limit).collect();
    HttpResponse::Ok()
        .insert_header(("x-apify-pagination-offset", offset.to_string()))
        .insert_header(("x-apify-pagination-count", page.len().to_string()))
        .insert_header(("x-apify-pagination-total", all.len().to_string()))
        .json(page)
}

async fn input(request: HttpRequest, query: Parameters, id: Path<String>, apify: Data<SimulatedApify>) -> HttpResponse {
    if let Err(response) = check(&apify, &request, &query, ApifyRequest::Look) {
        return response;
    }
    match apify.state().runs.iter().find(|run| run.store_id == *id) {
        Some(run) => HttpResponse::Ok().json(with_defaults(&run.input)),
        None => error(404, "record-not-found"),
    }
}

/// As Apify records an input: with the defaults of fields that were not sent.
fn with_defaults(input: &Value) -> Value {
    let mut recorded = input.clone();
    if let Some(fields) = recorded.as_object_mut() {
        fields.entry("proxyConfiguration").or_insert_with(|| json!({ "useApifyProxy": true }));
    }
    recorded
}
