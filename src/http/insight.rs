//! `/api/v1/products/{id}/insight`.

use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Shared;
use super::insight_view::WireInsight;
use super::problem::Problem;
use super::routes::Routes;
use super::strict::{PathId, StrictQuery};
use crate::domain::{ProductId, Scope};
use crate::service::Caller;

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

impl InsightQuery {
    /// The length of the window in days.
    pub(super) fn days(&self) -> Result<u32, Problem> {
        match self.days.as_deref().map(str::parse) {
            None => Ok(DEFAULT_DAYS),
            Some(Ok(days @ 1..=MAX_DAYS)) => Ok(days),
            Some(_) => Err(Problem::invalid_field("days", format!("must be an integer from 1 to {MAX_DAYS}"))),
        }
    }
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
    let insight = shared.service.insight(caller.tenant_id, id, query.days()?).await?;
    Ok(HttpResponse::Ok().json(WireInsight::of(id, insight)))
}
