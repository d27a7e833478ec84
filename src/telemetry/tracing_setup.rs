//! Structured logs, and traces beside them.

use std::io::IsTerminal;

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, ParseError, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use super::otlp::{self, TraceExport, TraceExportError};
use super::trace::TRACE;

/// Why neither logs nor traces can be told.
#[derive(Debug, thiserror::Error)]
pub enum TracingError {
    /// The filter of the log.
    #[error(transparent)]
    Filter(#[from] ParseError),
    /// Where traces go.
    #[error(transparent)]
    Export(#[from] TraceExportError),
}

/// Starts logging to standard error: lines for people, or one JSON object a line. `filter` is in the syntax of `tracing` (`info`,
/// `amazon_tracker=debug,info`). Traces are sent only where `export` says.
///
/// # Errors
/// [`TracingError`]
pub fn install_tracing(json: bool, filter: &str, export: Option<&TraceExport>) -> Result<(), TracingError> {
    // What a stranger sends that is no HTTP is not our error; and traces are not for the log.
    let filter = EnvFilter::builder().parse(format!("actix_http=off,{TRACE}=off,{filter}"))?;
    let subscriber = tracing_subscriber::registry();
    // A second call, as tests make, leaves the first in force.
    let _ = match export {
        None => subscriber.with(filter).with(log_lines(json)).try_init(),
        Some(export) => {
            let layer = tracing_opentelemetry::layer()
                .with_tracer(otlp::start(export)?)
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                // Spans are found by way of `tracing`, and a parent from elsewhere may be named until the end.
                .with_context_activation(false)
                .with_filter(filter_fn(|metadata: &Metadata<'_>| metadata.target() == TRACE));
            subscriber.with(log_lines(json).with_filter(filter)).with(layer).try_init()
        }
    };
    Ok(())
}

fn log_lines<S: Subscriber + for<'span> LookupSpan<'span>>(json: bool) -> Box<dyn Layer<S> + Send + Sync> {
    // Colours are for eyes: not for files, and not for who has said so (https://no-color.org).
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|said| said.is_empty());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    if json { lines.json().flatten_event(true).boxed() } else { lines.with_target(false).boxed() }
}
