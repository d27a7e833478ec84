//! Parameters of OAuth, in queries and in forms. Unknown ones are ignored, repeated ones are errors, empty ones are missing
//! (RFC 6749, section 3).

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Payload, Query};
use actix_web::{HttpMessage, HttpRequest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::http::Shared;
use crate::http::problem::Problem;
use crate::http::strict::read_body_within;

/// Maximum size of a form: the ticket of a question is the largest part.
const MAX_FORM_BYTES: usize = 24 * 1024;

const FORM: &str = "application/x-www-form-urlencoded";

/// Reads the parameters of a query or of a form.
pub(super) fn parameters<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    Query::<T>::from_query(text).map(Query::into_inner).map_err(|error| error.to_string())
}

/// A parameter that may be missing. Empty: missing as well.
pub(super) fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|value| !value.is_empty()))
}

/// The body of a form.
pub(super) async fn form_text(shared: &Shared, request: &HttpRequest, payload: Payload) -> Result<String, Problem> {
    if request.content_type() != FORM {
        let detail = format!("the content type must be {FORM}");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    let most = shared.settings.max_body_bytes.min(MAX_FORM_BYTES);
    let body: Bytes = read_body_within(payload.into_inner(), &shared.settings, most).await?;
    String::from_utf8(body.into()).map_err(|_| malformed("it is not UTF-8"))
}

/// A form that cannot be read.
pub(super) fn malformed(why: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_form", format_args!("the form cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Known {
        #[serde(default, deserialize_with = "some")]
        a: Option<String>,
    }

    #[test]
    fn unknown_parameters_are_ignored_empty_ones_missing_and_repeated_ones_refused() {
        let a = |text: &str| parameters::<Known>(text).map(|known| known.a);
        assert_eq!(a("a=1%20+2&b=3&b=4"), Ok(Some("1  2".to_owned())));
        assert_eq!((a(""), a("a="), a("b=1")), (Ok(None), Ok(None), Ok(None)));
        assert!(a("a=1&a=2").unwrap_err().contains("duplicate"));
    }
}
