//! Requests to Amazon's sites, as a browser of the marketplace's country makes them, and pages that are extracted while they arrive.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, DATE, HOST, HeaderMap, HeaderValue, RETRY_AFTER,
};
use reqwest::{Client, Proxy, Response, StatusCode, redirect};
use tracing::field::Empty;
use tracing::{Instrument, Span};
use url::Url;

use crate::config::CrawlSettings;
use crate::domain::{Block, Failure, Marketplace, Outcome, parse_retry_after};
use crate::extract::{ExtractError, Extractor, Page, PageContext, Progress};
use crate::sources::body::{self, Body};
use crate::sources::samples::Beginning;
use crate::telemetry::{Metrics, TRACE};

/// The name of the source.
pub(super) const NAME: &str = "direct";
/// AWS WAF answers with it instead of the page: `challenge`, `captcha`.
const WAF_ACTION: &str = "x-amzn-waf-action";
const MAX_REDIRECTS: usize = 5;
/// Limits for reading the rest of a body to reuse its connection. A new TLS connection costs about as much.
const MAX_DRAIN_BYTES: usize = 32 * 1024;
const MAX_DRAIN_TIME: Duration = Duration::from_millis(50);

/// What a marketplace answered to a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// HTTP status.
    pub status: u16,
    /// The time of the server that answered, in whole seconds.
    pub date: Option<Timestamp>,
}

/// Invalid crawl settings.
#[derive(Debug, thiserror::Error)]
pub enum DirectError {
    /// A proxy's URL is invalid, or the TLS backend cannot be initialised.
    #[error("cannot set up crawl.proxies or TLS: {0}")]
    Client(#[from] reqwest::Error),
    /// A header has characters that cannot be sent.
    #[error("crawl.user_agent and crawl.cookies must be printable ASCII")]
    Header,
}

/// Requests pages, by one proxy after the other.
pub(super) struct PageClient {
    /// One client for each proxy, used in turn; one without a proxy if none is configured.
    clients: Vec<Client>,
    next: AtomicUsize,
    pub(super) settings: CrawlSettings,
    pub(super) metrics: Arc<Metrics>,
}

impl PageClient {
    /// A client with the given settings.
    pub(super) fn new(settings: CrawlSettings, metrics: Arc<Metrics>) -> Result<Self, DirectError> {
        let printable = |text: &str| HeaderValue::from_str(text).is_ok();
        if !printable(&settings.user_agent) || !settings.cookies.values().all(|cookie| printable(cookie.reveal())) {
            return Err(DirectError::Header);
        }
        let proxies: Vec<Option<Proxy>> = match settings.proxies.as_slice() {
            [] => vec![None],
            some => some.iter().map(|proxy| Proxy::all(proxy.reveal()).map(Some)).collect::<Result<_, _>>()?,
        };
        let clients = proxies.into_iter().map(|proxy| client(&settings, proxy)).collect::<Result<_, _>>()?;
        Ok(Self { clients, next: AtomicUsize::new(0), settings, metrics })
    }

    fn next_client(&self) -> &Client {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        &self.clients[next % self.clients.len()]
    }

    /// Requests `/robots.txt` of a marketplace, once, as a page would be requested.
    ///
    /// # Errors
    /// Why there was no answer; without the URL, which may contain the password of a proxy.
    pub(super) async fn probe(&self, marketplace: Marketplace) -> Result<ProbeAnswer, String> {
        let request = self.next_client().get(self.url(marketplace, "/robots.txt")).headers(self.headers(marketplace));
        let request = request.timeout(Duration::from_secs(self.settings.total_timeout_secs));
        let response = request.send().await.map_err(|error| reason_of(&error.without_url()))?;
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
        Ok(ProbeAnswer { status: response.status().as_u16(), date })
    }

    /// The URL of a path and query on a marketplace.
    fn url(&self, marketplace: Marketplace, path: &str) -> String {
        match &self.settings.base_url {
            Some(base) => format!("{}{path}", base.as_str().trim_end_matches('/')),
            None => format!("https://{}{path}", marketplace.host()),
        }
    }

    fn headers(&self, marketplace: Marketplace) -> HeaderMap {
        let (locale, language) = (marketplace.locale(), marketplace.language());
        let languages = match language {
            "en" => format!("{locale},en;q=0.9"),
            _ => format!("{locale},{language};q=0.9,en;q=0.5"),
        };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, body::ACCEPTED);
        headers.insert(ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"));
        headers.extend(HeaderValue::from_str(&languages).map(|value| (ACCEPT_LANGUAGE, value)));
        let cookie = self.settings.cookies.get(&marketplace);
        headers
            .extend(cookie.and_then(|cookie| HeaderValue::from_str(cookie.reveal()).ok()).map(|value| (COOKIE, value)));
        if self.settings.base_url.is_some() {
            // The simulated marketplace selects the site by the `Host` header.
            headers.extend(HeaderValue::from_str(&marketplace.host()).map(|value| (HOST, value)));
        }
        headers
    }

    /// The trace span of the request. It has no URL and no headers, because they can contain secrets of a proxy.
    fn span_of(&self, marketplace: Marketplace, template: &'static str) -> Span {
        let base_host = self.settings.base_url.as_ref().and_then(Url::host_str);
        tracing::info_span!(
            target: TRACE,
            "fetch",
            otel.name = format!("GET {template}"),
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = "GET",
            http.response.status_code = Empty,
            server.address = base_host.map_or_else(|| marketplace.host(), str::to_owned),
            url.template = template,
            "error.type" = Empty,
        )
    }

    /// The response to a request for a page, if it has one.
    pub(super) async fn get(&self, marketplace: Marketplace, path: &str) -> Result<Response, Outcome> {
        let request = self.next_client().get(self.url(marketplace, path)).headers(self.headers(marketplace));
        let response = request.send().await.map_err(|error| Outcome::Failed(failure_of(&error)))?;
        Span::current().record("http.response.status_code", response.status().as_u16());
        Err(match response.status() {
            // Accepted, and no page: a challenge of the firewall.
            _ if response.headers().contains_key(WAF_ACTION) => {
                Outcome::Blocked(Block::Throttled { retry_after: None })
            }
            StatusCode::ACCEPTED => Outcome::Blocked(Block::Throttled { retry_after: retry_after(response.headers()) }),
            status if status.is_success() => return Ok(response),
            StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::NotFound,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::FORBIDDEN => {
                Outcome::Blocked(Block::Throttled { retry_after: retry_after(response.headers()) })
            }
            status if status.is_redirection() => Outcome::Failed(Failure::Redirect),
            status => Outcome::Failed(Failure::Status(status.as_u16())),
        })
    }

    /// Reads a page as far as it is needed, or to its end, and keeps its beginning.
    pub(super) async fn page(
        &self,
        marketplace: Marketplace,
        path: &str,
        to_the_end: bool,
        beginning: &mut Beginning,
    ) -> Result<Page, Outcome> {
        let response = self.get(marketplace, path).await?;
        let span = tracing::info_span!(target: TRACE, "extract", tracker.page.bytes = Empty);
        self.read(marketplace, response, to_the_end, beginning).instrument(span).await
    }

    /// Feeds the body to the extractor as it arrives, and stops as soon as the page is settled.
    async fn read(
        &self,
        marketplace: Marketplace,
        response: Response,
        to_the_end: bool,
        beginning: &mut Beginning,
    ) -> Result<Page, Outcome> {
        let mut extractor = Extractor::new(context_of(marketplace, &response, to_the_end));
        let mut body = Body::of(response).await.map_err(|error| Outcome::Failed(body_failure(&error)))?;
        let (mut bytes, mut extraction_time) = (0, Duration::ZERO);
        let failure = loop {
            let chunk = match body.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break None,
                Err(error) => break Some(body_failure(&error)),
            };
            bytes += chunk.len();
            beginning.push(chunk);
            if bytes > self.settings.max_body_bytes {
                break Some(Failure::TooLarge);
            }
            let started_at = Instant::now();
            let progress = extractor.feed(chunk);
            extraction_time += started_at.elapsed();
            match progress {
                Ok(Progress::More) => {}
                Ok(Progress::Settled) => {
                    bytes += drain(&mut body).await;
                    break None;
                }
                Err(ExtractError::OutOfMemory) => break Some(Failure::TooLarge),
                Err(ExtractError::Parser(_)) => break Some(Failure::Unreadable),
            }
        };
        self.metrics.source_bytes.with_label_values(&[NAME]).inc_by(bytes as u64);
        Span::current().record("tracker.page.bytes", bytes);
        if let Some(failure) = failure {
            return Err(Outcome::Failed(failure));
        }
        let started_at = Instant::now();
        let page = extractor.finish();
        self.metrics.extraction_seconds.observe((extraction_time + started_at.elapsed()).as_secs_f64());
        Ok(page)
    }

    /// A whole body, without extracting it.
    pub(super) async fn whole_body(&self, response: Response) -> Result<Vec<u8>, Outcome> {
        let mut body = Body::of(response).await.map_err(|error| Outcome::Failed(body_failure(&error)))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.chunk().await.map_err(|error| Outcome::Failed(body_failure(&error)))? {
            if bytes.len() + chunk.len() > self.settings.max_body_bytes {
                return Err(Outcome::Failed(Failure::TooLarge));
            }
            bytes.extend_from_slice(chunk);
        }
        self.metrics.source_bytes.with_label_values(&[NAME]).inc_by(bytes.len() as u64);
        Ok(bytes)
    }

    /// One attempt at a page, within `crawl.total_timeout_secs`.
    pub(super) async fn attempt<T>(
        &self,
        marketplace: Marketplace,
        template: &'static str,
        read: impl Future<Output = Result<T, Outcome>>,
    ) -> Result<T, Outcome> {
        let timeout = Duration::from_secs(self.settings.total_timeout_secs);
        let span = self.span_of(marketplace, template);
        let fetched = tokio::time::timeout(timeout, read).instrument(span.clone()).await;
        let result = fetched.unwrap_or(Err(Outcome::Failed(Failure::Timeout)));
        if let Err(outcome @ (Outcome::Failed(_) | Outcome::Blocked(_))) = &result {
            span.record("error.type", outcome.as_str()).record("otel.status_code", "error");
        }
        result
    }
}

/// What is known of a page before it is read.
pub(super) fn context_of(marketplace: Marketplace, response: &Response, to_the_end: bool) -> PageContext {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    PageContext { marketplace: Some(marketplace), content_type, to_the_end }
}

fn client(settings: &CrawlSettings, proxy: Option<Proxy>) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .user_agent(&settings.user_agent)
        .connect_timeout(Duration::from_secs(settings.connect_timeout_secs))
        .read_timeout(Duration::from_secs(settings.read_timeout_secs))
        .redirect(within_amazon(settings.base_url.clone()));
    match proxy {
        Some(proxy) => builder.proxy(proxy).build(),
        None => builder.no_proxy().build(),
    }
}

/// Follows redirects only between Amazon's hosts, or within the origin of `base_url`.
fn within_amazon(base_url: Option<Url>) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        let url = attempt.url();
        let is_allowed = match &base_url {
            Some(base) => url.origin() == base.origin(),
            None => url.scheme() == "https" && url.host_str().and_then(Marketplace::from_host).is_some(),
        };
        if is_allowed && attempt.previous().len() <= MAX_REDIRECTS { attempt.follow() } else { attempt.stop() }
    })
}

/// Reads the rest of a body that is not needed, so that its connection can be reused. Gives up if the rest is long or
/// slow: closing the connection is cheaper then. Returns the number of bytes read.
async fn drain(body: &mut Body) -> usize {
    let mut bytes = 0;
    let read = async {
        while let Ok(Some(chunk)) = body.chunk().await
            && bytes + chunk.len() <= MAX_DRAIN_BYTES
        {
            bytes += chunk.len();
        }
    };
    let _ = tokio::time::timeout(MAX_DRAIN_TIME, read).await;
    bytes
}

/// The error with its innermost cause, which says what happened.
fn reason_of(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

fn failure_of(error: &reqwest::Error) -> Failure {
    match error {
        error if error.is_timeout() => Failure::Timeout,
        error if error.is_redirect() => Failure::Redirect,
        _ => Failure::Connect,
    }
}

/// A body that ends early is a truncated page, whatever the transport error is.
fn body_failure(error: &io::Error) -> Failure {
    let transport = error.get_ref().and_then(|inner| (inner as &dyn Error).downcast_ref::<reqwest::Error>());
    if transport.is_some_and(reqwest::Error::is_timeout) { Failure::Timeout } else { Failure::Truncated }
}

/// The pause of `Retry-After`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    parse_retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, Timestamp::now())
}
