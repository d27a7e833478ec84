//! `/api/v1/products/{id}/crawls`: the last crawls of a product's listing.

use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::problem::Problem;
use super::response_cache::{CacheTags, tagged};
use super::routes::Routes;
use super::strict::PathId;
use crate::domain::{Product, ProductId, RecentCrawl, Scope};
use crate::service::Caller;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/products/{id}/crawls", |path| path.get(Scope::ProductRead, crawls));
}

/// One crawl of a listing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Crawl)]
struct WireCrawl {
    /// When it ended.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `observed`, `not_found`, `blocked_captcha`, `failed_timeout`, …
    #[schema(example = "observed")]
    outcome: String,
    /// The source that made it: `direct` or `apify`.
    #[schema(example = "direct")]
    source: String,
    /// From its claim to its end, with the wait for the rate limit.
    duration_millis: u64,
    /// The series that its page did not state.
    #[schema(example = json!(["rating"]))]
    unread: Vec<String>,
}

impl From<RecentCrawl<'_>> for WireCrawl {
    fn from(crawl: RecentCrawl<'_>) -> Self {
        Self {
            at: crawl.at,
            outcome: crawl.outcome.to_owned(),
            source: crawl.source.to_owned(),
            duration_millis: crawl.millis,
            unread: crawl.unread.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// The last crawls of a listing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CrawlList)]
pub(super) struct WireCrawls {
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    /// The newest first; at most 10.
    items: Vec<WireCrawl>,
}

impl From<&Product> for WireCrawls {
    fn from(product: &Product) -> Self {
        Self { product_id: product.id, items: product.state.recent_crawls().map(WireCrawl::from).collect() }
    }
}

/// List the last crawls of a product's listing, with how each ended.
///
/// They are those of everybody who tracks the listing, for it is crawled for all of them together.
#[utoipa::path(get, path = "/api/v1/products/{id}/crawls", tag = "crawl", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The crawls", body = WireCrawls),
    (status = 404, description = "No such product", body = Problem),
))]
pub(super) async fn crawls(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
) -> Result<impl Responder, Problem> {
    let product = shared.service.product(caller.tenant_id, id).await?;
    let tags = CacheTags { product_id: id, listing_id: product.listing_id };
    Ok(tagged(tags, HttpResponse::Ok().json(WireCrawls::from(&product))))
}
