//! The part of Apify's API that crawling needs: start a run, find it again, wait for it, read its dataset.
//!
//! Source: Apify API v2 (<https://docs.apify.com/api/v2>).

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::config::ApifySettings;
use crate::domain::{Backoff, parse_retry_after};

/// Of requests that can be repeated.
const ATTEMPTS: u32 = 5;
/// Between two attempts; doubled each time, as Apify recommends.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Of a request that does not wait for the run.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What the API may take longer than it was asked to wait.
const WAIT_MARGIN: Duration = Duration::from_secs(20);
/// Largest response: a page of items with all their reviews has about two megabytes.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Runs that are looked through for one that was started without an answer.
const RECENT_RUNS: u32 = 50;

/// Why Apify did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ApifyError {
    /// It will refuse again: no credit, no rights, no such actor, an input that it does not take.
    #[error("Apify refuses with {status} {kind}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Apify's name of the error.
        kind: String,
        /// Apify's explanation.
        message: String,
    },
    /// It refuses for now: too many requests, runs or memory.
    #[error("Apify refuses for now with {status} {kind}")]
    Later {
        /// HTTP status.
        status: u16,
        /// Apify's name of the error.
        kind: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// No answer, or that of a failing server: the request may have had its effect.
    #[error("Apify does not answer: {0}")]
    NoAnswer(String),
    /// The answer is not what the API documents.
    #[error("an answer of Apify cannot be read: {0}")]
    Unreadable(String),
}

impl ApifyError {
    /// Whether the same request may succeed soon.
    fn is_transient(&self) -> bool {
        matches!(self, Self::NoAnswer(_) | Self::Later { status: 429, .. })
    }
}

/// A run of an actor.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Identity.
    pub id: String,
    /// Where it is in its life.
    pub status: RunStatus,
    /// When it was started.
    pub started_at: Timestamp,
    /// Where its input is.
    pub default_key_value_store_id: String,
    /// What it has cost so far, in US dollars.
    #[serde(default)]
    usage_total_usd: Option<serde_json::Number>,
}

impl Run {
    /// What it has cost so far, in millionths of a US dollar; `None`: Apify does not say yet.
    pub fn cost_micros(&self) -> Option<u64> {
        let usd = self.usage_total_usd.as_ref()?.as_f64()?;
        // Runs cost a few dollars: the cast is exact to the millionth.
        (0.0..1e6).contains(&usd).then(|| (usd * 1e6).round() as u64)
    }
}

/// Where a run is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum RunStatus {
    /// It waits for a machine.
    Ready,
    /// It runs.
    Running,
    /// It ended well.
    Succeeded,
    /// It ended badly; its dataset may have some items.
    Failed,
    /// Its time is over; it is being stopped.
    TimingOut,
    /// Its time was over; its dataset may have some items.
    TimedOut,
    /// It is being stopped.
    Aborting,
    /// It was stopped; its dataset may have some items.
    Aborted,
}

impl RunStatus {
    /// Nothing is added to the dataset any more.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::TimedOut | Self::Aborted)
    }
}

/// What an answer holds besides lists of items.
#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Problem {
    error: ProblemDetails,
}

#[derive(Deserialize)]
struct ProblemDetails {
    #[serde(rename = "type")]
    kind: String,
    message: String,
}

/// A client with the token of one account.
pub struct ApifyClient {
    client: Client,
    settings: ApifySettings,
}

impl ApifyClient {
    /// A client for the account of `settings.token`.
    ///
    /// # Errors
    /// The TLS backend cannot be initialised.
    pub fn new(settings: ApifySettings) -> reqwest::Result<Self> {
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).no_proxy();
        Ok(Self { client: client.redirect(reqwest::redirect::Policy::none()).build()?, settings })
    }

    /// Succeeds when the token is valid and its account sees the actor. Starts nothing, and makes one attempt.
    ///
    /// # Errors
    /// See [`ApifyError`].
    pub async fn check(&self) -> Result<(), ApifyError> {
        let path = ["v2", "actors", &self.settings.actor, "runs"];
        let request = self.request(Method::GET, &path, &[("limit", "1".to_owned())]).timeout(TIMEOUT);
        json::<Value>(once(request).await?).await.map(drop)
    }

    /// Starts a run, once; `webhooks` asks for a callback at its end. After [`ApifyError::NoAnswer`] it may be running: see [`ApifyClient::find`].
    ///
    /// # Errors
    /// See [`ApifyError`].
    pub async fn start(&self, input: &Value, webhooks: Option<String>) -> Result<Run, ApifyError> {
        let settings = &self.settings;
        let mut query = vec![("timeout", settings.run_timeout_secs.to_string())];
        query.extend(settings.max_run_usd.map(|usd| ("maxTotalChargeUsd", usd.to_string())));
        query.extend(webhooks.map(|webhooks| ("webhooks", webhooks)));
        query.extend(settings.memory_mb.map(|megabytes| ("memory", megabytes.to_string())));
        let request = self.request(Method::POST, &["v2", "actors", &settings.actor, "runs"], &query).json(input);
        let answer: Data<Run> = json(once(request.timeout(TIMEOUT)).await?).await?;
        Ok(answer.data)
    }

    /// The run that was started with this input, since this time, and is none of those that are known.
    ///
    /// # Errors
    /// See [`ApifyError`].
    pub async fn find(
        &self,
        input: &Value,
        since: Timestamp,
        known: &HashSet<String>,
    ) -> Result<Option<Run>, ApifyError> {
        let path = ["v2", "actors", &self.settings.actor, "runs"];
        let query = [("desc", "1".to_owned()), ("limit", RECENT_RUNS.to_string())];
        let request = || self.request(Method::GET, &path, &query).timeout(TIMEOUT);
        let runs: Data<Page<Run>> = json(again(request).await?).await?;
        let runs = runs.data.items;
        let is_cut = runs.len() >= RECENT_RUNS as usize && runs.last().is_some_and(|oldest| oldest.started_at >= since);
        let is_new = |run: &Run| run.started_at >= since && !known.contains(&run.id);
        // The oldest first: of two with the same input, it belongs to the older record.
        for run in runs.into_iter().rev().filter(is_new) {
            let path = ["v2", "key-value-stores", &run.default_key_value_store_id, "records", "INPUT"];
            let request = || self.request(Method::GET, &path, &[]).timeout(TIMEOUT);
            match again(request).await {
                Ok(response) => {
                    if json::<Value>(response).await.is_ok_and(|found| is_made_of(&found, input)) {
                        return Ok(Some(run));
                    }
                }
                // Its input was removed.
                Err(ApifyError::Refused { status: 404, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if is_cut {
            return Err(ApifyError::NoAnswer(format!("more than {RECENT_RUNS} runs have been started since")));
        }
        Ok(None)
    }

    /// The run as it is when it has ended, or after `wait`, at most a minute.
    ///
    /// # Errors
    /// See [`ApifyError`].
    pub async fn run(&self, id: &str, wait: Duration) -> Result<Run, ApifyError> {
        let wait = wait.min(Duration::from_secs(60));
        let query = [("waitForFinish", wait.as_secs().to_string())];
        let path = ["v2", "actor-runs", id];
        let request = || self.request(Method::GET, &path, &query).timeout(wait + WAIT_MARGIN);
        let answer: Data<Run> = json(again(request).await?).await?;
        Ok(answer.data)
    }

    /// Stops a run. No effect on one that has ended.
    ///
    /// # Errors
    /// See [`ApifyError`].
    pub async fn abort(&self, id: &str) -> Result<(), ApifyError> {
        let path = ["v2", "actor-runs", id, "abort"];
        let request = || self.request(Method::POST, &path, &[]).timeout(TIMEOUT);
        again(request).await.map(drop)
    }

    /// The items of a run's dataset from `offset` on, a page of them. Empty: there are no more.
    ///
    /// # Errors
    /// See [`ApifyError`].
    pub async fn items(&self, id: &str, offset: usize) -> Result<Vec<Value>, ApifyError> {
        let query = [("offset", offset.to_string()), ("limit", self.settings.items_per_page.to_string())];
        let path = ["v2", "actor-runs", id, "dataset", "items"];
        json(again(|| self.request(Method::GET, &path, &query).timeout(TIMEOUT)).await?).await
    }

    fn request(&self, method: Method, path: &[&str], query: &[(&str, String)]) -> RequestBuilder {
        let mut url: Url = self.settings.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.client.request(method, url).bearer_auth(self.settings.token.as_ref().map_or("", |token| token.reveal()))
    }
}

/// Whether the recorded input of a run is what was sent: Apify adds the defaults of fields that were not.
fn is_made_of(recorded: &Value, sent: &Value) -> bool {
    let sent = sent.as_object().into_iter().flatten();
    recorded.is_object() && { sent }.all(|(name, value)| recorded.get(name) == Some(value))
}

/// One attempt.
async fn once(request: RequestBuilder) -> Result<Response, ApifyError> {
    let response = request.send().await.map_err(|error| ApifyError::NoAnswer(error.without_url().to_string()))?;
    if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
}

/// Several attempts, for requests that can be repeated.
async fn again(request: impl Fn() -> RequestBuilder) -> Result<Response, ApifyError> {
    let mut attempt = 0;
    loop {
        match once(request()).await {
            Err(error) if error.is_transient() && attempt + 1 < ATTEMPTS => {
                let pause = match &error {
                    ApifyError::Later { retry_after: Some(pause), .. } => *pause,
                    _ => Backoff::doubling(FIRST_PAUSE, MAX_PAUSE).after(attempt),
                };
                tokio::time::sleep(pause.min(MAX_PAUSE).mul_f64(rand::random_range(1.0..1.5))).await;
                attempt += 1;
            }
            answer => return answer,
        }
    }
}

async fn refusal(response: Response) -> ApifyError {
    let (status, retry_after) = (response.status(), response.headers().get(RETRY_AFTER).cloned());
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return ApifyError::NoAnswer(format!("status {status}"));
    }
    let (kind, message) = match json::<Problem>(response).await {
        Ok(problem) => (problem.error.kind, problem.error.message),
        Err(_) => ("unknown".to_owned(), String::new()),
    };
    let is_for_now = matches!(kind.as_str(), "actor-memory-limit-exceeded" | "concurrent-runs-limit-exceeded");
    let status_code = status.as_u16();
    if is_for_now || status == StatusCode::TOO_MANY_REQUESTS {
        let pause = retry_after.and_then(|value| parse_retry_after(value.to_str().ok()?, Timestamp::now()));
        return ApifyError::Later { status: status_code, kind, retry_after: pause };
    }
    ApifyError::Refused { status: status_code, kind, message }
}

async fn json<T: DeserializeOwned>(response: Response) -> Result<T, ApifyError> {
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| ApifyError::NoAnswer(error.without_url().to_string()))?;
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(ApifyError::Unreadable(format!("more than {MAX_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|error| ApifyError::Unreadable(error.to_string()))
}
