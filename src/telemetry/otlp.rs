//! Traces leave the house: in batches, over OTLP (HTTP, protobuf), from a thread of their own.
//!
//! Whoever makes a span never waits: when the collector is slow or away the queue fills and what does not fit is dropped. The
//! thread brings its own small runtime, so that a collector that hangs keeps nothing else waiting.

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

/// For one batch.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// A collector that is away is not told of more often than this.
const QUIET: Duration = Duration::from_secs(600);

/// Of one process.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Where traces go, and how many.
#[derive(Debug, Clone)]
pub struct TraceExport {
    /// The collector: `/v1/traces` is added.
    pub endpoint: Url,
    /// The share of the traces that begin here and are told, 0 to 1.
    pub sample_ratio: f64,
    /// By what name the collector knows this service.
    pub service_name: String,
}

/// Why traces cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum TraceExportError {
    /// The endpoint, or a variable that the exporter reads by itself (`OTEL_…`).
    #[error(transparent)]
    Exporter(#[from] ExporterBuildError),
    /// The TLS back end.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
    /// The runtime of its thread.
    #[error(transparent)]
    Runtime(#[from] std::io::Error),
}

/// Makes the one tracer of this process.
pub(super) fn start(export: &TraceExport) -> Result<SdkTracer, TraceExportError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Courier::new()?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", export.endpoint.as_str().trim_end_matches('/')))
        .with_timeout(SEND_TIMEOUT)
        .build()?;
    let about_us = [
        KeyValue::new("service.name", export.service_name.clone()),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", Uuid::new_v4().to_string()),
    ];
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(export.sample_ratio))))
        .with_resource(Resource::builder().with_attributes(about_us).build())
        .build();
    Ok(tracer_of(PROVIDER.get_or_init(|| provider)))
}

/// `None`: traces go nowhere.
pub(super) fn tracer() -> Option<SdkTracer> {
    PROVIDER.get().map(tracer_of)
}

fn tracer_of(provider: &SdkTracerProvider) -> SdkTracer {
    let us = InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION"));
    provider.tracer_with_scope(us.build())
}

/// Sends what is left of the traces, and ends their thread. What a collector does not take in time is lost.
pub async fn end_traces(within: Duration) {
    let Some(provider) = PROVIDER.get() else { return };
    let (ended, end) = oneshot::channel();
    // A thread that nobody joins: not even a name that is not resolved may keep the process.
    std::thread::spawn(move || {
        let _ = provider.shutdown_with_timeout(within);
        let _ = ended.send(());
    });
    let _ = tokio::time::timeout(within, end).await;
}

/// Carries batches to the collector.
#[derive(Debug)]
struct Courier {
    client: reqwest::Client,
    runtime: Runtime,
    complained_at: Mutex<Option<Instant>>,
}

impl Courier {
    fn new() -> Result<Self, TraceExportError> {
        let client = reqwest::Client::builder()
            .timeout(SEND_TIMEOUT)
            // Headers of the request may be secrets, and are for this collector alone.
            .redirect(redirect::Policy::none())
            .no_proxy()
            // Between two batches nobody runs the runtime: a connection that ends meanwhile would go unnoticed.
            .pool_max_idle_per_host(0)
            .build()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { client, runtime, complained_at: Mutex::default() })
    }

    async fn carry(&self, request: Request<Bytes>) -> reqwest::Result<Response<Bytes>> {
        let answer = self.client.execute(request.try_into()?).await?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = answer.bytes().await?;
        Ok(response)
    }

    fn complain(&self, problem: &dyn std::fmt::Display) {
        let mut complained_at = self.complained_at.lock().unwrap_or_else(PoisonError::into_inner);
        if complained_at.is_none_or(|at| at.elapsed() >= QUIET) {
            *complained_at = Some(Instant::now());
            tracing::warn!("traces cannot be sent (trace.otlp_endpoint), and some are lost: {problem}");
        }
    }
}

#[async_trait]
impl HttpClient for Courier {
    /// Called by the thread of the batches alone, which has nothing else to do.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.runtime.block_on(self.carry(request)).map_err(reqwest::Error::without_url);
        match &answer {
            Ok(response) if !response.status().is_success() => {
                self.complain(&format_args!("the collector answered {}", response.status()));
            }
            Ok(_) => {}
            Err(error) => self.complain(error),
        }
        Ok(answer?)
    }
}
