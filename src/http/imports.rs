//! `/api/v1/products/import`: files of products.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Payload};
use actix_web::{HttpResponse, Responder};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Shared;
use super::field_parsing::parsed;
use super::jobs::WireJob;
use super::problem::Problem;
use super::routes::Routes;
use super::strict::StrictQuery;
use crate::domain::product::{self, MAX_TAGS};
use crate::domain::{ProductDefaults, Scope};
use crate::service::{Caller, FieldError, ImportUpload};

const PATH: &str = "/products/import";
/// An upload may take so long, as long as it goes on.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(600);

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path(PATH, |path| path.post(Scope::ProductWrite, import));
}

/// The timeout of a request with this route, if it uploads a file.
pub(super) fn upload_timeout(route: &str) -> Option<Duration> {
    route.ends_with(PATH).then_some(UPLOAD_TIMEOUT)
}

/// How to import a file, and what holds for lines that say nothing else.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportQuery {
    /// `true`: check the lines, and add nothing.
    dry_run: Option<String>,
    /// The marketplace of ASINs without one.
    #[param(example = "de")]
    marketplace: Option<String>,
    /// How often to crawl the products, also `adaptive` or `adaptive:6h`; default daily.
    #[param(example = "6h")]
    frequency: Option<String>,
    /// Tags of all products, separated by commas.
    tags: Option<String>,
    /// `true`: they are competitors' products.
    is_competitor: Option<String>,
    /// `true`: read their offer lists as well.
    watch_offers: Option<String>,
    /// How often to read their offer lists, with a crawl: default `daily`.
    #[param(example = "12h")]
    offers_frequency: Option<String>,
}

impl ImportQuery {
    fn parsed(self) -> Result<(bool, ProductDefaults), Problem> {
        let mut errors = Vec::new();
        let tags: Vec<String> = self.tags.iter().flat_map(|tags| tags.split(',')).map(str::to_owned).collect();
        if tags.len() > MAX_TAGS {
            errors.push(FieldError::new("tags", format!("must be at most {MAX_TAGS} tags")));
        }
        let is_dry_run = parsed("dry_run", self.dry_run.as_deref(), &mut errors).unwrap_or(false);
        let offers_interval = parsed("offers_frequency", self.offers_frequency.as_deref(), &mut errors);
        let watches_offers = parsed("watch_offers", self.watch_offers.as_deref(), &mut errors);
        let defaults = ProductDefaults {
            marketplace: parsed("marketplace", self.marketplace.as_deref(), &mut errors),
            frequency: parsed("frequency", self.frequency.as_deref(), &mut errors),
            tags,
            is_competitor: parsed("is_competitor", self.is_competitor.as_deref(), &mut errors).unwrap_or(false),
            offers_interval: product::offers_interval(watches_offers, offers_interval),
        };
        if errors.is_empty() { Ok((is_dry_run, defaults)) } else { Err(Problem::invalid(errors)) }
    }
}

/// Import a file of products: CSV with a header, a plain list of ASINs and URLs, or the saved page of a wish list.
///
/// The file is the body of the request, at most 100,000 lines. The first line decides: with a column `listing`, `asin` or `url` it
/// is CSV, separated by commas, semicolons or tabs; further columns are `marketplace`, `label`, `tags`, `frequency`, `is_competitor`,
/// `status`, `watch_offers` and `offers_frequency`, all others are ignored. Text is UTF-8, with or without a byte order mark. The response is a job; its items tell what
/// became of each line.
#[utoipa::path(post, path = "/api/v1/products/import", tag = "products", params(ImportQuery),
    request_body(content = String, content_type = "text/csv"), responses(
    (status = 202, description = "The job", body = WireJob, headers(("Location" = String, description = "The job"))),
    (status = 400, description = "The body is incomplete", body = Problem),
    (status = 408, description = "The body was not received in time", body = Problem),
    (status = 409, description = "Too many jobs are in progress", body = Problem),
    (status = 413, description = "The body is too large", body = Problem),
    (status = 422, description = "A parameter is wrong, or the file cannot be read", body = Problem),
))]
pub(super) async fn import(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<ImportQuery>,
    payload: Payload,
) -> Result<impl Responder, Problem> {
    let (is_dry_run, defaults) = query.parsed()?;
    let mut upload = shared.service.begin_import(caller, is_dry_run, defaults).await?;
    receive(&mut upload, payload, &shared).await?;
    let job = WireJob::from(upload.finish().await?);
    let location = format!("/api/v1/jobs/{}", job.id());
    Ok(HttpResponse::Accepted().insert_header((LOCATION, location)).json(job))
}

/// Reads the body, as long as it goes on.
async fn receive(upload: &mut ImportUpload, mut payload: Payload, shared: &Shared) -> Result<(), Problem> {
    let most = shared.service.max_import_bytes();
    let mut received = 0;
    loop {
        let slow = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "slow_body", "the body was not received in time");
        let chunk = tokio::time::timeout(shared.settings.body_timeout(), payload.next()).await.map_err(slow)?;
        let Some(chunk) = chunk else { return Ok(()) };
        let chunk =
            chunk.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "broken_body", "the body is incomplete"))?;
        received += chunk.len();
        if received > most {
            let detail = format!("the file may have at most {most} bytes");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail));
        }
        upload.push(&chunk).await?;
    }
}
