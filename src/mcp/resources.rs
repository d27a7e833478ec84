//! Resources: what tools tell, by URI.

use rmcp::model::{CacheScope, ErrorData, ReadResourceResult, ResourceContents, ResourceTemplate};
use serde_json::Value;

use super::answer::{MAX_ANSWER_BYTES, plain};
use super::call::Call;
use super::product_facts::ProductFacts;
use crate::domain::plain_text::{clean, shorten};
use crate::domain::{ProductId, ReportId, Scope};
use crate::service::{Caller, ServiceError, ServiceResult};

/// What reading a resource takes from the rate limit, in requests.
pub(super) const WEIGHT: u32 = 1;

const PRODUCTS: &str = "amazon-tracker://products/";
const REPORTS: &str = "amazon-tracker://reports/";
const JSON: &str = "application/json";
/// The type of a report.
pub(super) const MARKDOWN: &str = "text/markdown";
/// Maximum characters of a URI that an error repeats.
const MAX_URI_CHARS: usize = 200;
/// What an answer has besides the text of a report: the frame of the protocol.
const FRAME_BYTES: usize = 1000;

/// The URI of a report.
pub(super) fn report_uri(id: ReportId) -> String {
    format!("{REPORTS}{id}")
}

/// The templates of the resources that a caller may read.
pub(super) fn templates(caller: &Caller) -> Vec<ResourceTemplate> {
    let product = ResourceTemplate::new(format!("{PRODUCTS}{{product_id}}"), "product")
        .with_title("Tracked product")
        .with_description("The facts of a product, as get_product tells them.")
        .with_mime_type(JSON);
    let report = ResourceTemplate::new(format!("{REPORTS}{{report_id}}"), "report")
        .with_title("Report")
        .with_description("A report that create_report made. Long tables are cut.")
        .with_mime_type(MARKDOWN);
    if caller.require(Scope::ProductRead).is_ok() { vec![product, report] } else { Vec::new() }
}

/// Reads a resource.
///
/// # Errors
/// An error of the protocol.
pub(super) async fn read(call: Call, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let read = if uri.starts_with(REPORTS) { report(call, uri).await } else { product(call, uri).await };
    let (text, kind) = read.map_err(|error| match error {
        ServiceError::NotFound(_) => {
            ErrorData::resource_not_found(format!("no such resource: {}", shorten(&clean(uri), MAX_URI_CHARS)), None)
        }
        ServiceError::Internal => ErrorData::internal_error("internal error", None),
        other => ErrorData::invalid_request(format!("{}: {other}", other.code()), None),
    })?;
    let contents = ResourceContents::text(text, uri).with_mime_type(kind);
    Ok(ReadResourceResult::new(vec![contents]).with_ttl_ms(0).with_cache_scope(CacheScope::Private))
}

async fn product(call: Call, uri: &str) -> ServiceResult<(String, &'static str)> {
    call.caller.require(Scope::ProductRead)?;
    let id: ProductId =
        uri.strip_prefix(PRODUCTS).and_then(|id| id.parse().ok()).ok_or(ServiceError::NotFound("resource"))?;
    let product = call.service.product(call.caller.tenant_id, id).await?;
    Ok((plain(&ProductFacts::from(product))?.to_string(), JSON))
}

/// A report as text. One that is not done says so: the model comes again.
async fn report(call: Call, uri: &str) -> ServiceResult<(String, &'static str)> {
    call.caller.require(Scope::ProductRead)?;
    let id: ReportId =
        uri.strip_prefix(REPORTS).and_then(|id| id.parse().ok()).ok_or(ServiceError::NotFound("resource"))?;
    let fits = |text: &str| Value::from(text).to_string().len() + FRAME_BYTES <= MAX_ANSWER_BYTES;
    let mut max_bytes = MAX_ANSWER_BYTES - FRAME_BYTES;
    loop {
        let (report, text) = call.service.short_report(call.caller.tenant_id, id, max_bytes).await?;
        let Some(text) = text else {
            let status = report.status.as_str();
            return Ok((format!("The report is not done: its job is {status}. Read it again later.\n"), MARKDOWN));
        };
        // Line by line: its lines are its form.
        let text: String = text.lines().map(|line| clean(line) + "\n").collect();
        // As JSON, quotation marks take two bytes.
        if fits(&text) || max_bytes < 1000 {
            return Ok((text, MARKDOWN));
        }
        max_bytes /= 2;
    }
}
