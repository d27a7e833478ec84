//! Exports traces in batches over OTLP (HTTP, protobuf), from a thread of its own.
//!
//! Creating a span never waits. When the collector is slow or unavailable, the queue fills and further spans are
//! dropped. The thread has its own small runtime, so that a collector that hangs delays nothing else.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use reqwest::redirect;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use url::Url;
use uuid::Uuid;

/// Timeout of one batch.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// Minimum interval between two warnings about the collector.
const WARNING_INTERVAL: Duration = Duration::from_secs(600);

/// The provider of this process.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Where to export traces, and how many.
#[derive(Debug, Clone)]
pub struct TraceExport {
    /// The collector; `/v1/traces` is appended.
    pub endpoint: Url,
    /// Fraction of the traces started here that are exported, 0 to 1.
    pub sample_ratio: f64,
    /// The service name in exported traces.
    pub service_name: String,
}

/// Why traces cannot be exported at all.
#[derive(Debug, thiserror::Error)]
pub enum TraceExportError {
    /// Invalid endpoint, or an invalid variable that the exporter reads itself (`OTEL_…`).
    #[error(transparent)]
    Exporter(#[from] ExporterBuildError),
    /// The TLS back end failed.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
    /// The runtime of the export thread could not be created.
    #[error(transparent)]
    Runtime(#[from] std::io::Error),
}

/// Creates the tracer of this process.
pub(super) fn start(export: &TraceExport) -> Result<SdkTracer, TraceExportError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(CollectorClient::new()?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", export.endpoint.as_str().trim_end_matches('/')))
        .with_timeout(SEND_TIMEOUT)
        .build()?;
    let attributes = [
        KeyValue::new("service.name", export.service_name.clone()),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", Uuid::new_v4().to_string()),
    ];
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(export.sample_ratio))))
        .with_resource(Resource::builder().with_attributes(attributes).build())
        .build();
    Ok(tracer_of(PROVIDER.get_or_init(|| provider)))
}

/// The tracer; `None` when traces are not exported.
pub(super) fn tracer() -> Option<SdkTracer> {
    PROVIDER.get().map(tracer_of)
}

fn tracer_of(provider: &SdkTracerProvider) -> SdkTracer {
    let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION"));
    provider.tracer_with_scope(scope.build())
}

/// Flushes remaining spans and stops the export thread. Spans that the collector does not accept in time are lost.
pub async fn end_traces(within: Duration) {
    let Some(provider) = PROVIDER.get() else { return };
    let (ended, end) = oneshot::channel();
    // A detached thread: even a pending name resolution must not delay the exit of the process.
    std::thread::spawn(move || {
        let _ = provider.shutdown_with_timeout(within);
        let _ = ended.send(());
    });
    let _ = tokio::time::timeout(within, end).await;
}

/// The HTTP client that sends batches to the collector.
#[derive(Debug)]
struct CollectorClient {
    client: reqwest::Client,
    runtime: Runtime,
    warned_at: Mutex<Option<Instant>>,
}

impl CollectorClient {
    fn new() -> Result<Self, TraceExportError> {
        let client = reqwest::Client::builder()
            .timeout(SEND_TIMEOUT)
            // Request headers may be secrets, and are meant for this collector only.
            .redirect(redirect::Policy::none())
            .no_proxy()
            // The runtime is idle between batches, so it would not notice when a pooled connection closes.
            .pool_max_idle_per_host(0)
            .build()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { client, runtime, warned_at: Mutex::default() })
    }

    async fn execute(&self, request: Request<Bytes>) -> reqwest::Result<Response<Bytes>> {
        let answer = self.client.execute(request.try_into()?).await?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = answer.bytes().await?;
        Ok(response)
    }

    fn warn(&self, problem: &dyn std::fmt::Display) {
        let mut warned_at = self.warned_at.lock().unwrap_or_else(PoisonError::into_inner);
        if warned_at.is_none_or(|at| at.elapsed() >= WARNING_INTERVAL) {
            *warned_at = Some(Instant::now());
            tracing::warn!("cannot export traces to trace.otlp_endpoint; dropping spans: {problem}");
        }
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    /// Called only by the export thread, which may block.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.runtime.block_on(self.execute(request)).map_err(reqwest::Error::without_url);
        match &answer {
            Ok(response) if !response.status().is_success() => {
                self.warn(&format_args!("the collector answered {}", response.status()));
            }
            Ok(_) => {}
            Err(error) => self.warn(error),
        }
        Ok(answer?)
    }
}
