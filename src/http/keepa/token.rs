//! `/keepa/token`, and the endpoints of Keepa that are not served.

use actix_web::Responder;
use actix_web::http::StatusCode;
use serde::Serialize;

use super::envelope::{Envelope, KeepaError, Tokens};
use crate::http::problem::Problem;

/// Nothing beside the envelope.
#[derive(Debug, Serialize)]
struct Nothing {}

/// Get the tokens that are left: the requests of the caller's rate limit.
#[utoipa::path(get, path = "/keepa/token", tag = "keepa", responses(
    (status = 200, description = "The tokens", body = Envelope),
    (status = 400, description = "The key is not valid", body = KeepaError),
))]
pub(in crate::http) async fn token(tokens: Tokens) -> impl Responder {
    tokens.reply(&Nothing {})
}

/// The endpoints of Keepa that are not served: `bestsellers`, `deal`, `seller`, `search`, `category` and others.
#[utoipa::path(get, path = "/keepa/{endpoint}", tag = "keepa", params(("endpoint" = String, Path)), responses(
    (status = 400, description = "The key is not valid", body = KeepaError),
    (status = 404, description = "Not served", body = KeepaError),
))]
pub(in crate::http) async fn elsewhere() -> Problem {
    let detail = "this endpoint is not served: it needs data about products that you do not track";
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}
