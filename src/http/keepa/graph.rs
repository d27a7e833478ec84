//! `/keepa/graphimage`: the price of a product as a picture.

use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use serde::Deserialize;
use utoipa::IntoParams;

use super::envelope::KeepaError;
use super::parameters::Parameters;
use crate::domain::Listing;
use crate::http::Shared;
use crate::http::charts::Picture;
use crate::http::problem::Problem;
use crate::http::strict::StrictQuery;
use crate::service::{Caller, ChartLook, ChartRequest, ServiceError};

/// As Keepa's pictures, without parameters.
const DEFAULT_DAYS: u32 = 90;
const DEFAULT_SIZE: (u32, u32) = (500, 200);
const MAX_DAYS: u32 = 3650;

/// Which product, and how large. Colours and series are ours; other parameters are ignored.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ImageQuery {
    /// The product.
    asin: Option<String>,
    /// The marketplace, as of products.
    domain: Option<String>,
    /// How many days, 1 to 3650; default 90.
    range: Option<String>,
    /// In pixels, 200 to 2000; default 500.
    width: Option<String>,
    /// In pixels, 100 to 1000; default 200.
    height: Option<String>,
}

/// Get the price of a product as PNG.
#[utoipa::path(get, path = "/keepa/graphimage", tag = "keepa", params(ImageQuery), responses(
    (status = 200, description = "A picture", content_type = "image/png", body = Picture),
    (status = 400, description = "The key or a parameter is wrong", body = KeepaError),
    (status = 404, description = "None of your products", body = KeepaError),
))]
pub(in crate::http) async fn image(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<ImageQuery>,
) -> Result<impl Responder, Problem> {
    let mut parameters = Parameters::default();
    let (marketplace, asin) = (parameters.domain(query.domain.as_deref()), parameters.asin(query.asin.as_deref()));
    let days = parameters.number("range", query.range.as_deref(), 1..=MAX_DAYS).unwrap_or(DEFAULT_DAYS);
    let width = parameters.number("width", query.width.as_deref(), 200..=2000).unwrap_or(DEFAULT_SIZE.0);
    let height = parameters.number("height", query.height.as_deref(), 100..=1000).unwrap_or(DEFAULT_SIZE.1);
    parameters.check()?;
    // Checked: what is missing is an error.
    let (marketplace, asin) = marketplace.zip(asin).ok_or(ServiceError::Internal)?;
    let product = shared.service.product_of_listing(caller.tenant_id, Listing::new(marketplace, asin)).await?;
    let request = ChartRequest { product_id: product.id, look: ChartLook::new(days, width, height, true) };
    let drawn = shared.service.chart(caller.tenant_id, request).await?;
    Ok(HttpResponse::Ok().content_type("image/png").body(drawn))
}
