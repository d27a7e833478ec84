//! `/keepa/query`: the Product Finder, over the caller's own products.

use actix_web::Responder;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::envelope::{KeepaError, Tokens};
use super::parameters::Parameters;
use super::selection::search_of;
use crate::http::Shared;
use crate::http::problem::Problem;
use crate::http::strict::StrictQuery;
use crate::service::{Caller, ServiceError};

/// Which of your products.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct FinderQuery {
    /// The marketplace, as of products.
    domain: Option<String>,
    /// JSON: `current_SALES_lte`, `avg90_AMAZON_gte`, `title`, `brand`, `sort`, `page`, `perPage`.
    selection: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeepaFound)]
pub(in crate::http) struct Found {
    /// One page.
    asin_list: Vec<String>,
    /// On all pages.
    total_results: usize,
}

/// Find your products by their values.
#[utoipa::path(get, path = "/keepa/query", tag = "keepa", params(FinderQuery), responses(
    (status = 200, description = "ASINs, with the envelope", body = Found),
    (status = 400, description = "The key, a parameter or a field of the selection is wrong", body = KeepaError),
))]
pub(in crate::http) async fn query(
    shared: Data<Shared>,
    caller: Caller,
    tokens: Tokens,
    StrictQuery(query): StrictQuery<FinderQuery>,
) -> Result<impl Responder, Problem> {
    let mut parameters = Parameters::default();
    let marketplace = parameters.domain(query.domain.as_deref());
    if query.selection.is_none() {
        parameters.wrong("selection", "is required");
    }
    parameters.check()?;
    // Checked: what is missing is an error.
    let (marketplace, selection) = marketplace.zip(query.selection).ok_or(ServiceError::Internal)?;
    let search = search_of(marketplace, &selection)?;
    let (asins, total_results) = shared.service.search_products(caller.tenant_id, search).await?;
    Ok(tokens.reply(&Found { asin_list: asins.iter().map(ToString::to_string).collect(), total_results }))
}
