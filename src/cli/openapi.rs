//! `openapi`: the OpenAPI document.

use std::process::ExitCode;

use super::print_result;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    print_result(&format!("{}\n", crate::http::openapi_document().to_pretty_json()?))
}
