//! Pages of lists.

use actix_web::body::BoxBody;
use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use crate::service::{FieldError, Page};

/// Default number of rows of a page.
const DEFAULT_LIMIT: u32 = 50;
/// Maximum number of rows of a page.
pub(super) const MAX_LIMIT: u32 = 250;

/// A page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Rows, 1 to 250; default 50.
    #[param(minimum = 1, maximum = 250)]
    limit: Option<String>,
}

impl PageQuery {
    /// The cursor and the number of rows.
    pub(super) fn parsed(self) -> Result<(Option<String>, u32), Problem> {
        let mut errors = Vec::new();
        let limit = limit_of(self.limit.as_deref(), &mut errors);
        if errors.is_empty() { Ok((self.cursor, limit)) } else { Err(Problem::invalid(errors)) }
    }
}

/// Parses the number of rows.
pub(super) fn limit_of(limit: Option<&str>, errors: &mut Vec<FieldError>) -> u32 {
    let Some(limit) = limit else { return DEFAULT_LIMIT };
    match limit.parse() {
        Ok(limit @ 1..=MAX_LIMIT) => limit,
        _ => {
            errors.push(FieldError::new("limit", format!("must be an integer from 1 to {MAX_LIMIT}")));
            DEFAULT_LIMIT
        }
    }
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
#[schema(as = Page)]
pub(super) struct WirePage<T: ToSchema> {
    items: Vec<T>,
    /// Pass it as `cursor` to get the next page; null on the last page.
    next_cursor: Option<String>,
}

/// A page in its wire form. The header `Link` names the next page too (RFC 8288).
pub(super) fn paged<T, W: From<T> + ToSchema>(page: Page<T>) -> WirePage<W> {
    WirePage { items: page.items.into_iter().map(W::from).collect(), next_cursor: page.next_cursor }
}

impl<T: ToSchema + Serialize> Responder for WirePage<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        with_next_link(request, self.next_cursor.as_deref()).json(self)
    }
}

/// The beginning of a response that names the next page.
pub(super) fn with_next_link(request: &HttpRequest, next_cursor: Option<&str>) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    if let Some(cursor) = next_cursor {
        response.insert_header((LINK, next_link(request.path(), request.query_string(), cursor)));
    }
    response
}

/// The same request with another cursor.
fn next_link(path: &str, query: &str, cursor: &str) -> String {
    let others = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "cursor");
    let query =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(others).append_pair("cursor", cursor).finish();
    format!("<{path}?{query}>; rel=\"next\"")
}

#[cfg(test)]
mod tests {
    use super::next_link;

    #[test]
    fn the_link_to_the_next_page_keeps_all_other_parameters() {
        let link = |query| next_link("/api/v1/products", query, "abc");
        assert_eq!(link(""), "</api/v1/products?cursor=abc>; rel=\"next\"");
        assert_eq!(link("limit=3&cursor=x&tag=a%26b"), "</api/v1/products?limit=3&tag=a%26b&cursor=abc>; rel=\"next\"");
    }
}
