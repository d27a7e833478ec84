//! `/api/v1/products/bulk`: changes of many products at once.

use actix_web::Responder;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::board::FilterTexts;
use super::field_parsing::parsed;
use super::idempotency::{RequestKey, rendered, respond};
use super::problem::Problem;
use super::product_requests::Tag;
use super::routes::{Access, Routes};
use super::strict::{List, StrictJson, optional_object};
use crate::domain::product::MAX_TAGS;
use crate::domain::{JobId, ProductId};
use crate::service::{
    BulkAction, BulkTarget, Caller, FieldError, MAX_PRODUCTS_AT_ONCE, ProductsChanged, SettingsChange, StoredResponse,
};

pub(super) fn routes(routes: &mut Routes<'_>) {
    // The scope depends on what is done.
    routes.path("/products/bulk", |path| path.create(Access::Authenticated, bulk));
}

/// Which products, by `ids` or by `filter`, and what is done to them: a `change` or an `action`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "filter": { "tag": "headphones" }, "change": { "add_tags": ["audio"], "frequency": "6h" } }))]
pub(super) struct BulkBody {
    /// 1 to 1000 products.
    #[schema(value_type = Option<Vec<Uuid>>, min_items = 1, max_items = 1000)]
    ids: Option<List<ProductId, MAX_PRODUCTS_AT_ONCE>>,
    /// The products that match, in the order of their ids; at most 1000 at once.
    #[serde(default, deserialize_with = "optional_object")]
    filter: Option<BulkFilter>,
    /// With `filter`: only products behind this one, the `next_after` of the previous answer.
    #[schema(value_type = Option<Uuid>)]
    after: Option<ProductId>,
    /// New settings.
    #[serde(default, deserialize_with = "optional_object")]
    change: Option<BulkChange>,
    /// `crawl` or `delete`.
    #[schema(max_length = 10)]
    action: Option<String>,
}

/// The filters of a board. All that are given must hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkFilter {
    /// Has this tag.
    #[schema(max_length = 200)]
    tag: Option<String>,
    /// On this marketplace.
    #[schema(max_length = 10)]
    marketplace: Option<String>,
    /// `active` or `paused`.
    #[schema(max_length = 10)]
    status: Option<String>,
    /// Title, label or ASIN contains this.
    #[schema(max_length = 200)]
    text: Option<String>,
    /// Whether the listing fails.
    failing: Option<bool>,
    /// Whether it is a competitor's product.
    competitor: Option<bool>,
    /// `in_stock`, `out_of_stock`, …
    #[schema(max_length = 20)]
    availability: Option<String>,
    /// `true`: the price is the lowest of 90 days.
    #[serde(default)]
    at_low: bool,
}

/// New settings. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkChange {
    /// Tags that are added.
    #[serde(default)]
    #[schema(value_type = Vec<Tag>, max_items = 50)]
    add_tags: List<String, MAX_TAGS>,
    /// Tags that are removed.
    #[serde(default)]
    #[schema(value_type = Vec<Tag>, max_items = 50)]
    remove_tags: List<String, MAX_TAGS>,
    /// `hourly`, `daily`, an interval such as `30m`, `adaptive` or `adaptive:6h`.
    #[schema(max_length = 50)]
    frequency: Option<String>,
    /// `active` or `paused`.
    #[schema(max_length = 10)]
    status: Option<String>,
}

/// What became of the products.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkResult)]
pub(super) struct WireBulkResult {
    /// How many were changed, requested or deleted.
    changed: usize,
    /// How many were already as the change would have them.
    unchanged: usize,
    /// How many were left as they are, because of an error.
    failed: usize,
    /// One for each that failed.
    errors: Vec<WireBulkError>,
    /// The crawls that were requested.
    #[schema(value_type = Option<Uuid>)]
    job_id: Option<JobId>,
    /// More products match the filter: send the request again with this as `after`. Null: these were all.
    #[schema(value_type = Option<Uuid>)]
    next_after: Option<ProductId>,
}

/// Why a product was left as it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkError)]
struct WireBulkError {
    #[schema(value_type = Uuid)]
    id: ProductId,
    /// `not_found` or `too_many_tags`.
    code: &'static str,
    /// The same as a sentence.
    detail: &'static str,
}

impl BulkBody {
    fn into_request(self) -> Result<(BulkTarget, BulkAction), Problem> {
        let mut errors = Vec::new();
        let target = target_of(self.ids, self.filter, self.after, &mut errors);
        let action = match (self.change, self.action.as_deref()) {
            (Some(change), None) => Some(BulkAction::Change(change.into_change(&mut errors))),
            (None, Some("crawl")) => Some(BulkAction::Crawl),
            (None, Some("delete")) => Some(BulkAction::Delete),
            (None, Some(_)) => {
                errors.push(FieldError::new("action", "use crawl or delete"));
                None
            }
            _ => {
                errors.push(FieldError::new("change", "give either change or action"));
                None
            }
        };
        match (target, action) {
            (Some(target), Some(action)) if errors.is_empty() => Ok((target, action)),
            _ => Err(Problem::invalid(errors)),
        }
    }
}

fn target_of(
    ids: Option<List<ProductId, MAX_PRODUCTS_AT_ONCE>>,
    filter: Option<BulkFilter>,
    after: Option<ProductId>,
    errors: &mut Vec<FieldError>,
) -> Option<BulkTarget> {
    match (ids, filter) {
        (Some(ids), None) if after.is_none() => Some(BulkTarget::Ids(ids.0)),
        (None, Some(filter)) => {
            let BulkFilter { tag, marketplace, status, text, failing, competitor, availability, at_low } = filter;
            let is_competitor = competitor;
            let texts = FilterTexts { tag, marketplace, status, text, availability, failing, is_competitor };
            let filter = texts.filter("filter.", errors);
            Some(BulkTarget::Matching { filter, is_at_low: at_low, after })
        }
        (Some(_), None) => {
            errors.push(FieldError::new("after", "goes with filter"));
            None
        }
        _ => {
            errors.push(FieldError::new("ids", "give either ids or filter"));
            None
        }
    }
}

impl BulkChange {
    fn into_change(self, errors: &mut Vec<FieldError>) -> SettingsChange {
        SettingsChange {
            add_tags: self.add_tags.0,
            remove_tags: self.remove_tags.0,
            frequency: parsed("change.frequency", self.frequency.as_deref(), errors),
            status: parsed("change.status", self.status.as_deref(), errors),
        }
    }
}

/// Change, crawl or delete many products at once.
///
/// The request has its effect as a whole: products with an error are left as they are, and named. It needs the scope that the same
/// request about one product needs: `product:write`, `crawl:create` or `product:delete`.
#[utoipa::path(post, path = "/api/v1/products/bulk", tag = "products", request_body = BulkBody, responses(
    (status = 200, description = "What became of them", body = WireBulkResult),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 402, description = "The plan allows no more crawls today", body = Problem),
    (status = 403, description = "Requires a scope", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn bulk(
    shared: Data<Shared>,
    caller: Caller,
    key: RequestKey,
    StrictJson(body): StrictJson<BulkBody>,
) -> Result<impl Responder, Problem> {
    let (target, action) = body.into_request()?;
    let creation = shared.service.change_products(caller, target, action, key.claim(done)).await?;
    Ok(respond(creation, done))
}

fn done(changed: &ProductsChanged) -> StoredResponse {
    let location = match changed.job_id {
        Some(job_id) => format!("/api/v1/jobs/{job_id}"),
        None => "/api/v1/products".to_owned(),
    };
    rendered(StatusCode::OK, location, &WireBulkResult::from(changed))
}

impl From<&ProductsChanged> for WireBulkResult {
    fn from(changed: &ProductsChanged) -> Self {
        let error = |code, detail| move |id: &ProductId| WireBulkError { id: *id, code, detail };
        let unknown = changed.unknown.iter().map(error("not_found", "no such product"));
        let too_many = changed.too_many_tags.iter().map(error("too_many_tags", "it would have more than 50 tags"));
        let errors: Vec<WireBulkError> = unknown.chain(too_many).collect();
        Self {
            changed: changed.changed.len(),
            unchanged: changed.unchanged.len(),
            failed: errors.len(),
            errors,
            job_id: changed.job_id,
            next_after: changed.next_after,
        }
    }
}
