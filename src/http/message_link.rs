//! `/auth/links/…`: links in messages that act without a sign-in. `GET` shows a form and `POST` acts, because scanners of mail fetch
//! every link.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, ContentType};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, Responder};

use super::Shared;
use super::problem::Problem;
use super::routes::{Access, Routes};
use crate::domain::LinkAction;
use crate::service::ServiceError;

/// Nothing but the form itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/auth/links/{token}", |path| path.get(Access::Open, page).post(Access::Open, follow));
}

/// Get the page behind a link in a message. It does nothing yet.
#[utoipa::path(get, path = "/auth/links/{token}", tag = "pages", params(("token" = String, Path)), responses(
    (status = 200, description = "A page with a button", content_type = "text/html", body = String),
    (status = 404, description = "The link is not valid, or not any more", body = Problem),
))]
pub(super) async fn page(shared: Data<Shared>, token: Path<String>) -> Result<impl Responder, Problem> {
    let (question, button) = match shared.service.link_action(token.into_inner()).await? {
        LinkAction::SnoozeRule => ("Send nothing about this alert for 24 hours?", "Snooze"),
        LinkAction::VerifyChannel => ("Send alerts to this address?", "Confirm"),
        LinkAction::StopChannel => ("Send no more alerts to this address?", "Stop"),
        // It has an address of its own.
        LinkAction::ReadReport => return Err(Problem::from(ServiceError::NotFound("link"))),
    };
    let form = format!("<form method=\"post\"><button>{button}</button></form>");
    Ok(html(question, &form))
}

/// Do what a link in a message is for.
#[utoipa::path(post, path = "/auth/links/{token}", tag = "pages", params(("token" = String, Path)), responses(
    (status = 200, description = "A page that says what was done", content_type = "text/html", body = String),
    (status = 404, description = "The link is not valid, or not any more", body = Problem),
))]
pub(super) async fn follow(shared: Data<Shared>, token: Path<String>) -> Result<impl Responder, Problem> {
    let done = match shared.service.follow_link(token.into_inner()).await? {
        LinkAction::SnoozeRule => "Snoozed: nothing is sent about this alert for 24 hours.",
        LinkAction::VerifyChannel => "Confirmed: alerts are sent to this address.",
        LinkAction::StopChannel => "Stopped: no more alerts are sent to this address.",
        LinkAction::ReadReport => return Err(Problem::from(ServiceError::NotFound("link"))),
    };
    Ok(html(done, ""))
}

/// A page with fixed texts only.
fn html(sentence: &str, form: &str) -> HttpResponse {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>amazon-tracker</title><style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:30rem;margin:15vh auto;\
         padding:0 1rem;text-align:center}}button{{font:inherit;padding:.5rem 2rem}}</style><p>{sentence}</p>{form}</html>"
    );
    HttpResponse::Ok().content_type(ContentType::html()).insert_header((CONTENT_SECURITY_POLICY, POLICY)).body(page)
}
