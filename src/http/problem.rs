//! Error responses: `application/problem+json` (RFC 9457) with a stable `code`. All errors are mapped here.

use std::fmt;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::rate;
use super::request_id::current_request_id;
use crate::domain::{AdviceFailureCode, ProductId};
use crate::service::{FieldError, RateLimitStatus, ServiceError};

/// `Retry-After` while the database is unavailable.
const RETRY_WHEN_UNAVAILABLE: Duration = Duration::from_secs(1);
/// The same while a model is overloaded.
const RETRY_WHEN_MODEL_IS_BUSY: Duration = Duration::from_secs(30);

/// An error (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "code": "invalid_request",
    "detail": "asin is not valid", "request_id": "0198f0c2-7c1e-7d3b-9a53-6e2f6f3c9a10",
    "errors": [{ "field": "asin", "message": "an ASIN has 10 characters, this has 3" }]
}))]
pub struct Problem {
    /// Always `about:blank`; see `code`.
    r#type: &'static str,
    /// The name of the status.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// Stable, for programs.
    code: &'static str,
    /// Human-readable.
    detail: String,
    /// As in the header `X-Request-Id` and in the server's log.
    request_id: Option<String>,
    /// The wrong fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<WireFieldError>,
    /// The product that already exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    product_id: Option<ProductId>,
    /// The quota of the plan that is exhausted.
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<&'static str>,
    /// For the headers.
    #[serde(skip)]
    rate_limit: Option<RateLimitStatus>,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

/// A wrong field.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FieldError)]
struct WireFieldError {
    /// The field's path: `target.amount_minor`.
    field: String,
    /// What is wrong, and what is allowed.
    message: String,
}

/// Maximum number of wrong fields that a problem names.
const MAX_FIELD_ERRORS: usize = 20;
/// Maximum length of a text in a problem, in characters: parts of the request are repeated in them.
const MAX_TEXT_CHARS: usize = 500;

fn wire(errors: Vec<FieldError>) -> Vec<WireFieldError> {
    let wire = |error: FieldError| WireFieldError { field: clipped(error.field), message: clipped(error.message) };
    errors.into_iter().take(MAX_FIELD_ERRORS).map(wire).collect()
}

/// A text that repeats a part of a request, at its maximum length.
fn clipped(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

impl Problem {
    /// A problem with a status, a code and a detail.
    pub fn new(status: StatusCode, code: &'static str, detail: impl fmt::Display) -> Self {
        Self {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: clipped(detail.to_string()),
            request_id: current_request_id(),
            errors: Vec::new(),
            product_id: None,
            quota: None,
            rate_limit: None,
            retry_after: None,
        }
    }

    /// Wrong fields.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{} is not valid", only.field),
            several if several.len() > MAX_FIELD_ERRORS => {
                format!("{} fields are not valid; these are the first {MAX_FIELD_ERRORS}", several.len())
            }
            several => format!("{} fields are not valid", several.len()),
        };
        Self { errors: wire(errors), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", detail) }
    }

    /// The stable code.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    /// For people: the detail, and each wrong field.
    pub(super) fn explanation(&self) -> (String, String) {
        let fields = self.errors.iter().map(|error| format!("{}: {}", error.field, error.message));
        (self.detail.clone(), fields.collect::<Vec<_>>().join("; "))
    }

    /// The rate limit that was exceeded.
    pub(super) fn rate_limit(&self) -> Option<RateLimitStatus> {
        self.rate_limit
    }

    /// One wrong field.
    pub fn invalid_field(field: &str, message: impl ToString) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let (code, detail) = (error.code(), error.to_string());
        let problem = |status| Self::new(status, code, &detail);
        match error {
            ServiceError::Invalid(errors) => Self::invalid(errors),
            ServiceError::InvalidReference(errors) => Self { errors: wire(errors), ..problem(StatusCode::NOT_FOUND) },
            ServiceError::NotFound(_) => problem(StatusCode::NOT_FOUND),
            ServiceError::AlreadyWatched(id) => Self { product_id: Some(id), ..problem(StatusCode::CONFLICT) },
            ServiceError::OverQuota { quota, resets_in, .. } => {
                // A quota that resets needs time; any other needs a larger plan.
                let (status, retry_after) = match resets_in {
                    Some(_) => (StatusCode::TOO_MANY_REQUESTS, resets_in),
                    None => (StatusCode::PAYMENT_REQUIRED, None),
                };
                Self { quota: Some(quota), retry_after, ..problem(status) }
            }
            ServiceError::OverAdviceBudget { renewed_at, .. } => {
                let left = renewed_at.duration_since(Timestamp::now());
                let retry_after = Some(Duration::try_from(left).unwrap_or_default());
                Self { retry_after, ..problem(StatusCode::TOO_MANY_REQUESTS) }
            }
            ServiceError::NoAdvice(failure) => no_advice(failure, problem),
            ServiceError::Conflict(..) | ServiceError::RecentlyRotated => problem(StatusCode::CONFLICT),
            ServiceError::Unauthenticated | ServiceError::WrongCredentials => problem(StatusCode::UNAUTHORIZED),
            ServiceError::Changed => problem(StatusCode::PRECONDITION_FAILED),
            ServiceError::Forbidden(_) => problem(StatusCode::FORBIDDEN),
            ServiceError::RateLimited(rate_limit) | ServiceError::TooManyAttempts(rate_limit) => Self {
                rate_limit: Some(rate_limit),
                retry_after: rate_limit.wait,
                ..problem(StatusCode::TOO_MANY_REQUESTS)
            },
            ServiceError::Unavailable => {
                Self { retry_after: Some(RETRY_WHEN_UNAVAILABLE), ..problem(StatusCode::SERVICE_UNAVAILABLE) }
            }
            ServiceError::Internal => problem(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// What the failure of a model means for whoever asked: to try later, or to ask the operator.
fn no_advice(failure: AdviceFailureCode, problem: impl Fn(StatusCode) -> Problem) -> Problem {
    let retry_after = Some(RETRY_WHEN_MODEL_IS_BUSY);
    match failure {
        AdviceFailureCode::RateLimited | AdviceFailureCode::Unavailable | AdviceFailureCode::Lost => {
            Problem { retry_after, ..problem(StatusCode::SERVICE_UNAVAILABLE) }
        }
        AdviceFailureCode::NoAnswer => problem(StatusCode::GATEWAY_TIMEOUT),
        AdviceFailureCode::Refused
        | AdviceFailureCode::NoMoney
        | AdviceFailureCode::TooLong
        | AdviceFailureCode::Declined
        | AdviceFailureCode::CutOff
        | AdviceFailureCode::Failed
        | AdviceFailureCode::Unusable => problem(StatusCode::BAD_GATEWAY),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        if let Some(wait) = self.retry_after {
            response.insert_header((RETRY_AFTER, wait.as_secs().saturating_add(1).to_string()));
        }
        if let Some(rate_limit) = &self.rate_limit {
            rate::headers(rate_limit).into_iter().for_each(|header| {
                response.insert_header(header);
            });
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, r#"Bearer realm="amazon-tracker""#));
        }
        if let Some(id) = self.product_id {
            response.insert_header((LOCATION, format!("/api/v1/products/{id}")));
        }
        let mut response = response.body(serde_json::to_string(self).unwrap_or_default());
        // For middleware that writes errors in another form.
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// The response to every unknown path.
pub async fn no_such_route(request: HttpRequest) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no_such_route", format_args!("no route matches {}", request.path()))
}

impl Responder for Problem {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}
