//! Resources: what tools tell, by URI.

use rmcp::model::{CacheScope, ErrorData, ReadResourceResult, ResourceContents, ResourceTemplate};

use super::answer::plain;
use super::call::Call;
use super::product_facts::ProductFacts;
use crate::domain::plain_text::{clean, shorten};
use crate::domain::{ProductId, Scope};
use crate::service::{Caller, ServiceError, ServiceResult};

/// What reading a resource takes from the rate limit, in requests.
pub(super) const WEIGHT: u32 = 1;

const PRODUCTS: &str = "amazon-tracker://products/";
const JSON: &str = "application/json";
/// Maximum characters of a URI that an error repeats.
const MAX_URI_CHARS: usize = 200;

/// The templates of the resources that a caller may read.
pub(super) fn templates(caller: &Caller) -> Vec<ResourceTemplate> {
    let product = ResourceTemplate::new(format!("{PRODUCTS}{{product_id}}"), "product")
        .with_title("Tracked product")
        .with_description("The facts of a product, as get_product tells them.")
        .with_mime_type(JSON);
    if caller.require(Scope::ProductRead).is_ok() { vec![product] } else { Vec::new() }
}

/// Reads a resource.
///
/// # Errors
/// An error of the protocol.
pub(super) async fn read(call: Call, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let text = product(call, uri).await.map_err(|error| match error {
        ServiceError::NotFound(_) => {
            ErrorData::resource_not_found(format!("no such resource: {}", shorten(&clean(uri), MAX_URI_CHARS)), None)
        }
        ServiceError::Internal => ErrorData::internal_error("internal error", None),
        other => ErrorData::invalid_request(format!("{}: {other}", other.code()), None),
    })?;
    let contents = ResourceContents::text(text, uri).with_mime_type(JSON);
    Ok(ReadResourceResult::new(vec![contents]).with_ttl_ms(0).with_cache_scope(CacheScope::Private))
}

async fn product(call: Call, uri: &str) -> ServiceResult<String> {
    call.caller.require(Scope::ProductRead)?;
    let id: ProductId =
        uri.strip_prefix(PRODUCTS).and_then(|id| id.parse().ok()).ok_or(ServiceError::NotFound("resource"))?;
    let product = call.service.product(call.caller.tenant_id, id).await?;
    Ok(plain(&ProductFacts::from(product))?.to_string())
}
