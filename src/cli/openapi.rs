//! `openapi`: the document.

use std::process::ExitCode;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    println!("{}", crate::http::openapi_document().to_pretty_json()?);
    Ok(ExitCode::SUCCESS)
}
