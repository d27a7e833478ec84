//! `/api/v1/products/{id}/insight`.

use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Shared;
use super::field_parsing::parsed;
use super::insight_view::WireInsight;
use super::problem::Problem;
use super::routes::Routes;
use super::strict::{PathId, StrictQuery};
use crate::domain::{ProductId, Scope};
use crate::service::{Caller, FieldError};

const DEFAULT_DAYS: u32 = 90;
/// The longest window.
const MAX_DAYS: u32 = 3650;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/products/{id}/insight", |path| path.get(Scope::ProductRead, insight));
}

/// The window of an insight.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InsightQuery {
    /// Length of the window that ends now, 1 to 3650 days; default 90. Some values look at the whole history or the last year.
    #[param(minimum = 1, maximum = 3650)]
    days: Option<String>,
}

/// Parses the length of a window.
pub(super) fn days_of(days: Option<&str>) -> Result<u32, Problem> {
    let mut errors = Vec::new();
    let days = parsed::<u32>("days", days, &mut errors).unwrap_or(DEFAULT_DAYS);
    if errors.is_empty() && !(1..=MAX_DAYS).contains(&days) {
        errors.push(FieldError::new("days", format!("must be an integer from 1 to {MAX_DAYS}")));
    }
    if errors.is_empty() { Ok(days) } else { Err(Problem::invalid(errors)) }
}

/// Get what the history of a listing says about its price, stock, rank and sellers.
///
/// Each value says what it rests on: `n`, the number of things counted, and `coverage`, the share of the time that is known. Where that is
/// too little, `value` is null and `missing` says why.
#[utoipa::path(get, path = "/api/v1/products/{id}/insight", tag = "insight", params(("id" = Uuid, Path), InsightQuery), responses(
    (status = 200, description = "The values", body = WireInsight),
    (status = 404, description = "No such product", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn insight(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    StrictQuery(query): StrictQuery<InsightQuery>,
) -> Result<impl Responder, Problem> {
    let days = days_of(query.days.as_deref())?;
    let insight = shared.service.insight(caller.tenant_id, id, days).await?;
    Ok(HttpResponse::Ok().json(WireInsight::of(id, insight)))
}
