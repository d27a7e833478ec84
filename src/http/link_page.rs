//! `/auth/…`: the page behind the links in e-mails. It uses the API.

use actix_web::http::header::ContentType;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::problem::{Problem, no_such_route};
use super::routes::{Access, Routes};
use crate::domain::LinkPurpose;

const PAGE: &str = include_str!("../web/link.html");
const SCRIPT: &str = include_str!("../web/link.js");

/// The path of the pages, which have another content security policy than data.
pub(super) const PREFIX: &str = "/auth/";

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/auth/link.js", |path| path.get(Access::Open, script));
    routes.path("/auth/{purpose}", |path| path.get(Access::Open, page));
}

/// Get the page behind a link in an e-mail.
#[utoipa::path(get, path = "/auth/{purpose}", tag = "pages",
    params(("purpose" = String, Path, description = "`verify_email`, `reset_password` or `invite`")), responses(
    (status = 200, description = "A page", content_type = "text/html", body = String),
    (status = 404, description = "No such purpose", body = Problem),
))]
pub(super) async fn page(request: HttpRequest, purpose: Path<String>) -> Result<impl Responder, Problem> {
    let purposes = [LinkPurpose::VerifyEmail, LinkPurpose::ResetPassword, LinkPurpose::Invite];
    if !purposes.iter().any(|known| known.as_str() == purpose.as_str()) {
        return Err(no_such_route(request).await);
    }
    Ok(HttpResponse::Ok().content_type(ContentType::html()).body(PAGE))
}

/// Get the script of that page.
#[utoipa::path(get, path = "/auth/link.js", tag = "pages", responses(
    (status = 200, description = "A script", content_type = "text/javascript", body = String),
))]
pub(super) async fn script() -> impl Responder {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(SCRIPT)
}
