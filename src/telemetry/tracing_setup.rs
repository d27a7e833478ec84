//! Structured logs.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Starts logging to standard error: lines for people, or one JSON object a line. `filter` is in the syntax of `tracing` (`info`, `amazon_tracker=debug,info`).
///
/// # Errors
/// When the filter cannot be read.
pub fn install_tracing(json: bool, filter: &str) -> Result<(), ParseError> {
    let filter = EnvFilter::builder().parse(filter)?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call, as tests make, leaves the first in force.
    let _ =
        if json { subscriber.json().flatten_event(true).try_init() } else { subscriber.with_target(false).try_init() };
    Ok(())
}
