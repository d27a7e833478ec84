//! Logs, metrics, traces and the panic hook.

mod actor_metrics;
mod metrics;
mod otlp;
mod panic;
mod trace;
mod tracing_setup;

pub use actor_metrics::{ActorStatus, KindMetrics, LastPanic, MessageMetrics, WorkInFlight};
pub use metrics::{BreakerStatus, Family, Metrics};
pub use otlp::{TraceExport, TraceExportError, end_traces};
pub use panic::{CurrentWork, install_panic_hook};
pub use trace::{TRACE, TracePoint, continue_from, handling, precede, traceparent};
pub use tracing_setup::{TracingError, install_tracing};
