//! Structured logs.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Starts logging to standard error: lines for people, or one JSON object a line. `filter` is in the syntax of `tracing` (`info`, `amazon_tracker=debug,info`).
///
/// # Errors
/// When the filter cannot be read.
pub fn install_tracing(json: bool, filter: &str) -> Result<(), ParseError> {
    // What a stranger sends that is no HTTP is not our error.
    let filter = EnvFilter::builder().parse(format!("actix_http=off,{filter}"))?;
    // Colours are for eyes: not for files, and not for who has said so (https://no-color.org).
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|said| said.is_empty());
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // A second call, as tests make, leaves the first in force.
    let _ =
        if json { subscriber.json().flatten_event(true).try_init() } else { subscriber.with_target(false).try_init() };
    Ok(())
}
