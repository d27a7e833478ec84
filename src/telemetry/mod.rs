//! What the house tells about itself: logs, metrics and the story of a panic.

mod metrics;
mod panic;
mod tracing_setup;

pub use metrics::{Family, KindMetrics, MessageMetrics, Metrics};
pub use panic::{CurrentWork, install_panic_hook};
pub use tracing_setup::install_tracing;
