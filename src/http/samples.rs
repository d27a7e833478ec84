//! `/api/v1/crawl/samples`: pages that could not be used, for the operators of the installation.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Shared;
use super::problem::Problem;
use super::routes::{Access, Routes};
use super::strict::PathId;
use crate::domain::{Asin, Marketplace, PageSample};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/crawl/samples", |path| path.get(Access::Superadmin, list));
    routes.path("/crawl/samples/{id}", |path| path.get(Access::Superadmin, get));
}

/// The beginning of a page that could not be used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PageSample)]
pub(super) struct WirePageSample {
    /// Identity.
    id: Uuid,
    /// The source that received the page.
    #[schema(example = "direct")]
    source: String,
    /// The site.
    #[schema(value_type = String, example = "de")]
    marketplace: Marketplace,
    /// The product whose page was requested.
    #[schema(value_type = String, example = "B08PZHYWJS")]
    asin: Asin,
    /// Why it could not be used.
    #[schema(example = "failed_unreadable")]
    outcome: String,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    taken_at: Timestamp,
    /// Bytes of the page, as far as it was read. The sample is its beginning.
    page_bytes: u64,
}

impl From<PageSample> for WirePageSample {
    fn from(sample: PageSample) -> Self {
        Self {
            id: sample.id,
            source: sample.source,
            marketplace: sample.listing.marketplace,
            asin: sample.listing.asin,
            outcome: sample.outcome,
            taken_at: sample.taken_at,
            page_bytes: sample.page_bytes,
        }
    }
}

/// Samples of pages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PageSamples)]
pub(super) struct WirePageSamples {
    items: Vec<WirePageSample>,
}

/// List the latest samples of pages that could not be used: unreadable, truncated, of another product, or an unknown page (superadmin).
#[utoipa::path(get, path = "/api/v1/crawl/samples", tag = "crawl", responses(
    (status = 200, description = "The samples, the latest first", body = WirePageSamples),
))]
pub(super) async fn list(shared: Data<Shared>) -> Result<impl Responder, Problem> {
    let samples = shared.service.page_samples().await?;
    Ok(Json(WirePageSamples { items: samples.into_iter().map(WirePageSample::from).collect() }))
}

/// Download a sample: the HTML of the page as plain text. Ids of sessions, tokens, names and addresses were removed (superadmin).
#[utoipa::path(get, path = "/api/v1/crawl/samples/{id}", tag = "crawl", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The beginning of the page", content_type = "text/plain", body = String),
    (status = 404, description = "No such sample", body = Problem),
))]
pub(super) async fn get(shared: Data<Shared>, PathId(id): PathId<Uuid>) -> Result<impl Responder, Problem> {
    let (sample, text) = shared.service.page_sample(id).await?;
    let name = format!("{}-{}-{}.html.txt", sample.listing.marketplace, sample.listing.asin, sample.outcome);
    // The page comes from elsewhere: no browser may run it under our origin.
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .body(text))
}
