//! `/feeds/TOKEN.atom`: alerts as an Atom feed (RFC 4287). Readers of feeds send no credentials, so the URL is one.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, Responder};

use super::Shared;
use super::etag::tagged_body;
use super::problem::Problem;
use super::routes::{Access, Routes};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/feeds/{token}.atom", |path| path.get(Access::Open, feed));
}

/// Get the Atom feed of a channel. It needs no credentials: whoever has the URL can read it.
#[utoipa::path(get, path = "/feeds/{token}.atom", tag = "channels", params(("token" = String, Path)), responses(
    (status = 200, description = "The latest 25 events of its rules, each an entry that never changes",
        content_type = "application/atom+xml", body = String),
    (status = 304, description = "`If-None-Match` has the `ETag` of the feed"),
    (status = 404, description = "There is no such feed, or its URL was replaced", body = Problem),
))]
pub(super) async fn feed(
    shared: Data<Shared>,
    request: HttpRequest,
    token: Path<String>,
) -> Result<impl Responder, Problem> {
    let feed = shared.service.feed(token.into_inner()).await?;
    Ok(tagged_body(&request, "application/atom+xml; charset=utf-8", feed.to_string()))
}
