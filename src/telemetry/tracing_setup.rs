//! Structured logs and trace export.

use std::io::IsTerminal;

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, ParseError, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use super::otlp::{self, TraceExport, TraceExportError};
use super::trace::TRACE;

/// Why logging and tracing cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TracingError {
    /// Invalid log filter.
    #[error(transparent)]
    Filter(#[from] ParseError),
    /// Trace export cannot start.
    #[error(transparent)]
    Export(#[from] TraceExportError),
}

/// Starts logging to standard error: human-readable lines, or one JSON object per line. `filter` has the syntax of
/// `tracing` (`info`, `amazon_tracker=debug,info`). Traces are exported only if `export` is given.
///
/// # Errors
/// [`TracingError`]
pub fn install_tracing(json: bool, filter: &str, export: Option<&TraceExport>) -> Result<(), TracingError> {
    // Malformed HTTP from clients is not an error of ours, and trace spans do not belong in the log. The server of MCP logs every
    // request, and warns of what clients send.
    let filter = EnvFilter::builder().parse(format!("actix_http=off,rmcp=error,{TRACE}=off,{filter}"))?;
    let subscriber = tracing_subscriber::registry();
    // A second call, as made by tests, leaves the first subscriber in place.
    let _ = match export {
        None => subscriber.with(filter).with(log_lines(json)).try_init(),
        Some(export) => {
            let layer = tracing_opentelemetry::layer()
                .with_tracer(otlp::start(export)?)
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                // Spans are found through `tracing`, and a remote parent may be set until the span ends.
                .with_context_activation(false)
                .with_filter(filter_fn(|metadata: &Metadata<'_>| metadata.target() == TRACE));
            subscriber.with(log_lines(json).with_filter(filter)).with(layer).try_init()
        }
    };
    Ok(())
}

fn log_lines<S: Subscriber + for<'span> LookupSpan<'span>>(json: bool) -> Box<dyn Layer<S> + Send + Sync> {
    // Colours only on terminals, and not with `NO_COLOR` (https://no-color.org).
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    if json { lines.json().flatten_event(true).boxed() } else { lines.with_target(false).boxed() }
}
