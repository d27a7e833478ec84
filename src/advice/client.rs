//! The client of an OpenAI-compatible endpoint.

use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::answer::{Answer, ModelError, printable};
use super::cost::AttemptCost;
use super::request::ModelRequest;
use super::retry::{Hints, MAX_RETRIES, is_without_money, pause};
use super::{chat, responses};
use crate::config::{AdviceForm, AdviceSettings};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer: the longest of a model has some hundred kilobytes.
const MAX_BYTES: usize = 4 << 20;

/// What came of a request, with what each attempt cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The text of the answer.
    pub text: Result<String, ModelError>,
    /// The attempts that reached the endpoint.
    pub attempts: Vec<AttemptCost>,
}

/// A client with the key of one account.
pub struct ModelClient {
    http: Client,
    url: Url,
    settings: AdviceSettings,
}

/// What an attempt came to.
enum Attempt {
    Answered(Answer),
    /// The endpoint refused to work.
    Refused(ModelError, Option<Hints>),
    /// Nothing was sent.
    NotSent(ModelError),
    /// Something was sent, and what came of it is not known.
    Lost(ModelError),
    /// There is an answer that cannot be read.
    Unreadable(ModelError),
}

#[derive(Deserialize)]
struct Problem {
    error: ProblemDetails,
}

#[derive(Deserialize, Default)]
struct ProblemDetails {
    #[serde(default)]
    code: Value,
    #[serde(rename = "type", default)]
    kind: Value,
}

impl ModelClient {
    /// A client for the endpoint of the settings.
    ///
    /// # Errors
    /// The TLS backend cannot be initialised.
    pub fn new(settings: AdviceSettings) -> reqwest::Result<Self> {
        let http = Client::builder().connect_timeout(CONNECT_TIMEOUT).no_proxy();
        let http = http.redirect(reqwest::redirect::Policy::none()).build()?;
        let mut url = settings.base_url.clone();
        let path = match settings.form {
            AdviceForm::Responses => responses::PATH,
            AdviceForm::Chat => chat::PATH,
        };
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        Ok(Self { http, url, settings })
    }

    /// The settings.
    pub fn settings(&self) -> &AdviceSettings {
        &self.settings
    }

    pub(super) fn http(&self) -> &Client {
        &self.http
    }

    /// A request with the key, if there is one.
    pub(super) fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match self.settings.api_key.as_ref().filter(|key| !key.reveal().is_empty()) {
            Some(key) => request.bearer_auth(key.reveal()),
            None => request,
        }
    }

    /// The bytes of a request in the endpoint's form.
    pub fn body(&self, request: &ModelRequest) -> Vec<u8> {
        let AdviceSettings { model, max_output_tokens, .. } = &self.settings;
        let body = match self.settings.form {
            AdviceForm::Responses => responses::body(model, *max_output_tokens, request),
            AdviceForm::Chat => chat::body(model, *max_output_tokens, request),
        };
        body.to_string().into_bytes()
    }

    /// Asks, and again when that may help. `reserved_nanos`: the most that one attempt can cost.
    pub async fn ask(&self, body: Vec<u8>, reserved_nanos: u64) -> Exchange {
        let unknown = AttemptCost::Unknown { reserved_nanos };
        let mut attempts = Vec::new();
        let mut retries = 0;
        loop {
            let (error, retry_after) = match self.attempt(body.clone()).await {
                Attempt::Answered(Answer { text, usage }) => {
                    attempts.push(usage.map_or(unknown, AttemptCost::Used));
                    return Exchange { text, attempts };
                }
                Attempt::Unreadable(error) => {
                    attempts.push(unknown);
                    return Exchange { text: Err(error), attempts };
                }
                Attempt::Refused(error, hints) => {
                    let may_have_worked = hints.is_some_and(|hints| matches!(hints.status, 408 | 502 | 504));
                    attempts.push(if may_have_worked { unknown } else { AttemptCost::Refused });
                    match hints.filter(|hints| hints.is_worth_retrying()) {
                        Some(hints) => (error, hints.retry_after),
                        None => return Exchange { text: Err(error), attempts },
                    }
                }
                Attempt::Lost(error) => {
                    attempts.push(unknown);
                    (error, None)
                }
                Attempt::NotSent(error) => (error, None),
            };
            if retries == MAX_RETRIES {
                return Exchange { text: Err(error), attempts };
            }
            tokio::time::sleep(pause(retry_after, retries, rand::random_range(0.0..1.0))).await;
            retries += 1;
        }
    }

    async fn attempt(&self, body: Vec<u8>) -> Attempt {
        let request = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body);
        let request = self.with_key(request);
        let timeout = Duration::from_secs(self.settings.timeout_secs);
        let response = match request.timeout(timeout).send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() || error.is_builder() => return Attempt::NotSent(no_answer(error)),
            Err(error) => return Attempt::Lost(no_answer(error)),
        };
        let status = response.status();
        if !status.is_success() {
            let hints = Hints::of(status.as_u16(), response.headers(), Timestamp::now());
            return refusal(hints, response).await;
        }
        let is_stream =
            response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let body = match read(response).await {
            Ok(body) => body,
            Err(lost) => return lost,
        };
        if is_stream {
            return Attempt::Unreadable(ModelError::Unreadable(
                "it is a stream of events, which was not asked for".to_owned(),
            ));
        }
        let answer = match self.settings.form {
            AdviceForm::Responses => responses::answer(&body),
            AdviceForm::Chat => chat::answer(&body),
        };
        answer.map_or_else(Attempt::Unreadable, Attempt::Answered)
    }
}

fn no_answer(error: reqwest::Error) -> ModelError {
    let is_timeout = error.is_timeout();
    ModelError::NoAnswer(if is_timeout { "it takes too long".to_owned() } else { error.without_url().to_string() })
}

async fn read(response: Response) -> Result<Vec<u8>, Attempt> {
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| Attempt::Lost(no_answer(error)))?;
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(Attempt::Unreadable(ModelError::Unreadable(format!("it has more than {MAX_BYTES} bytes"))));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The refusal of an endpoint. Its message is not repeated: it may quote the key or the question.
async fn refusal(hints: Hints, response: Response) -> Attempt {
    let problem = match read(response).await {
        Ok(body) => serde_json::from_slice::<Problem>(&body).map(|problem| problem.error).unwrap_or_default(),
        Err(_) => ProblemDetails::default(),
    };
    let code = problem.code.as_str().unwrap_or_default();
    let names = [code, problem.kind.as_str().unwrap_or_default()];
    if is_without_money(hints.status, &names) {
        return Attempt::Refused(ModelError::NoMoney, None);
    }
    let error = match hints.status {
        401 => ModelError::Unauthorized,
        403 => ModelError::Forbidden,
        404 => ModelError::UnknownModel,
        429 => ModelError::RateLimited,
        status @ 500.. => ModelError::ServerFailed(status),
        400 if code == "context_length_exceeded" => ModelError::TooLong,
        status => ModelError::Refused { status, code: printable(code) },
    };
    Attempt::Refused(error, Some(hints))
}
