//! `/oauth/authorize` and `/oauth/consent`: what a user sees in the browser. There are no cookies: the sign-in is for one question, whose
//! signed ticket comes back with the answer.

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, ORIGIN};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use url::Url;
use utoipa::{IntoParams, ToSchema};

use super::form::{form_text, malformed, parameters, some};
use super::{check_clients_are_accepted, page};
use crate::domain::{Scope, Scopes};
use crate::http::Shared;
use crate::http::problem::Problem;
use crate::http::strict::MAX_TEXT_CHARS;
use crate::service::{AuthorizationParameters, AuthorizationRefusal, Origin, ServiceError};

/// The request of a client (RFC 6749, 7636 and 8707).
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct AuthorizeQuery {
    /// `code`
    #[serde(default, deserialize_with = "some")]
    response_type: Option<String>,
    /// The URL of the document of the client.
    #[serde(default, deserialize_with = "some")]
    client_id: Option<String>,
    /// Where the user returns to; one of the document, exactly, or on the loopback with another port.
    #[serde(default, deserialize_with = "some")]
    redirect_uri: Option<String>,
    /// Scopes, separated by spaces; without it, `product:read`.
    #[serde(default, deserialize_with = "some")]
    scope: Option<String>,
    /// Returned as it is.
    #[serde(default, deserialize_with = "some")]
    state: Option<String>,
    /// The URL of `/mcp`.
    #[serde(default, deserialize_with = "some")]
    resource: Option<String>,
    /// Of PKCE.
    #[serde(default, deserialize_with = "some")]
    code_challenge: Option<String>,
    /// `S256`
    #[serde(default, deserialize_with = "some")]
    code_challenge_method: Option<String>,
}

impl From<AuthorizeQuery> for AuthorizationParameters {
    fn from(query: AuthorizeQuery) -> Self {
        let AuthorizeQuery { response_type, client_id, redirect_uri, scope, state, resource, code_challenge, .. } =
            query;
        let code_challenge_method = query.code_challenge_method;
        Self { response_type, client_id, redirect_uri, scope, state, resource, code_challenge, code_challenge_method }
    }
}

/// Ask a user whether a client may act for them. The page asks for the sign-in first.
#[utoipa::path(get, path = "/oauth/authorize", tag = "oauth", params(AuthorizeQuery), responses(
    (status = 200, description = "A page with a form", content_type = "text/html", body = String),
    (status = 303, description = "Back to the client, with `error`, `state` and `iss`"),
    (status = 400, description = "A page that says what is wrong: it is not known where the client is",
        content_type = "text/html", body = String),
    (status = 404, description = "The settings accept no clients", body = Problem),
))]
pub(in crate::http) async fn ask(shared: Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    check_clients_are_accepted(&shared)?;
    let asked = match parameters_of(&request) {
        Ok(parameters) => shared.service.authorization_request(parameters).await,
        Err(refusal) => Err(refusal),
    };
    match asked {
        Ok(asked) => Ok(page::sign_in(&asked, "", None)),
        Err(refusal) => refused(refusal),
    }
}

/// The sign-in of a user.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct SignInBody {
    /// The e-mail address.
    #[serde(default)]
    email: String,
    /// The password.
    #[serde(default)]
    password: String,
    /// `deny`: the user does not want to sign in.
    #[serde(default, deserialize_with = "some")]
    decision: Option<String>,
}

/// Sign in for one question. The query is that of the page.
#[utoipa::path(post, path = "/oauth/authorize", tag = "oauth", params(AuthorizeQuery),
    request_body(content = SignInBody, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "A page with the question", content_type = "text/html", body = String),
    (status = 303, description = "Back to the client, with `error`, `state` and `iss`"),
    (status = 400, description = "A page that says what is wrong", content((String = "text/html"), (Problem = "application/problem+json"))),
    (status = 403, description = "The form comes from another site", content_type = "text/html", body = String),
    (status = 404, description = "The settings accept no clients", body = Problem),
    (status = 415, description = "The content type is not application/x-www-form-urlencoded", body = Problem),
    (status = 422, description = "The same page: wrong e-mail address or password", content_type = "text/html", body = String),
))]
pub(in crate::http) async fn sign_in(
    shared: Data<Shared>,
    request: HttpRequest,
    origin: Origin,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    check_clients_are_accepted(&shared)?;
    if !is_from_our_page(&shared, &request) {
        return Ok(from_another_site());
    }
    let body: SignInBody = parameters(&form_text(&shared, &request, payload).await?).map_err(|why| malformed(&why))?;
    let asked = match parameters_of(&request) {
        Ok(asked) => asked,
        Err(refusal) => return refused(refusal),
    };
    if body.decision.as_deref() == Some("deny") {
        return shared.service.deny_request(asked).await.map(|target| redirected(&target)).or_else(refused);
    }
    let email = body.email.parse().ok().filter(|_| body.password.chars().count() <= MAX_TEXT_CHARS);
    let question = match email {
        Some(email) => shared.service.consent_question(asked.clone(), email, body.password, origin).await,
        None => Err(AuthorizationRefusal::Service(ServiceError::WrongCredentials)),
    };
    match question {
        Ok(question) => Ok(page::question(&question)),
        Err(AuthorizationRefusal::Service(ServiceError::WrongCredentials)) => {
            let notice = "Wrong e-mail address or password, or the account is temporarily locked.";
            match shared.service.authorization_request(asked).await {
                Ok(asked) => Ok(page::sign_in(&asked, &body.email, Some(notice))),
                Err(refusal) => refused(refusal),
            }
        }
        Err(refusal) => refused(refusal),
    }
}

/// The answer of a user.
#[derive(ToSchema, Default)]
pub(in crate::http) struct ConsentBody {
    /// Of the page with the question.
    #[schema(max_length = 24576)]
    ticket: String,
    /// `allow`; anything else denies.
    #[schema(max_length = 20)]
    decision: String,
    /// The scopes that are allowed.
    #[schema(max_items = 20)]
    scope: Vec<String>,
}

impl ConsentBody {
    fn parse(text: &str) -> Self {
        let mut body = Self::default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            match name.as_ref() {
                "ticket" => body.ticket = value.into_owned(),
                "decision" => body.decision = value.into_owned(),
                "scope" => body.scope.push(value.into_owned()),
                _ => {}
            }
        }
        body
    }

    /// What is granted; `None`: the user denies.
    fn granted(&self) -> Option<Scopes> {
        let known = self.scope.iter().filter_map(|scope| scope.parse::<Scope>().ok());
        (self.decision == "allow").then(|| known.collect())
    }
}

/// Answer the question.
#[utoipa::path(post, path = "/oauth/consent", tag = "oauth",
    request_body(content = ConsentBody, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 303, description = "Back to the client: with `code`, `state` and `iss`, or with `error`"),
    (status = 400, description = "A page that says what is wrong: the question is too old",
        content((String = "text/html"), (Problem = "application/problem+json"))),
    (status = 403, description = "The form comes from another site", content_type = "text/html", body = String),
    (status = 404, description = "The settings accept no clients", body = Problem),
    (status = 415, description = "The content type is not application/x-www-form-urlencoded", body = Problem),
))]
pub(in crate::http) async fn answer(
    shared: Data<Shared>,
    request: HttpRequest,
    origin: Origin,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    check_clients_are_accepted(&shared)?;
    if !is_from_our_page(&shared, &request) {
        return Ok(from_another_site());
    }
    let body = ConsentBody::parse(&form_text(&shared, &request, payload).await?);
    let granted = body.granted();
    match shared.service.answer_consent(body.ticket, granted, origin).await {
        Ok(target) => Ok(redirected(&target)),
        Err(ServiceError::NotFound(_)) => {
            Ok(page::message(StatusCode::BAD_REQUEST, "The page is too old. Return to the app and begin again."))
        }
        Err(error) => Err(error.into()),
    }
}

fn parameters_of(request: &HttpRequest) -> Result<AuthorizationParameters, AuthorizationRefusal> {
    let query = parameters::<AuthorizeQuery>(request.query_string());
    query.map(Into::into).map_err(|_| AuthorizationRefusal::Shown("the app repeats a parameter".to_owned()))
}

/// True for a form of our own page. Browsers name the origin of every form, and pages of others cannot choose it: they can neither sign
/// a user in as somebody else nor answer for one.
fn is_from_our_page(shared: &Shared, request: &HttpRequest) -> bool {
    let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
    origin == Some(shared.service.public_url().origin().ascii_serialization().as_str())
}

fn from_another_site() -> HttpResponse {
    let text = "The form does not come from this site, or its address is not the one that the settings name.";
    page::message(StatusCode::FORBIDDEN, text)
}

fn refused(refusal: AuthorizationRefusal) -> Result<HttpResponse, Problem> {
    match refusal {
        AuthorizationRefusal::Shown(text) => Ok(page::message(StatusCode::BAD_REQUEST, &text)),
        AuthorizationRefusal::Redirected(target) => Ok(redirected(&target)),
        AuthorizationRefusal::Service(error) => Err(error.into()),
    }
}

fn redirected(target: &Url) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, target.as_str())).finish()
}
