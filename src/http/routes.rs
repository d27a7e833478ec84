//! Registers routes, each with the access that it requires.

use std::borrow::Cow;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ALLOW, HeaderValue, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{
    Error, FromRequest, Handler, HttpMessage, HttpRequest, HttpResponse, Resource, Responder, ResponseError, guard,
};

use super::caller::{bearer_of, key_parameter_of, origin_of};
use super::credential::credential as credential_of_request;
use super::etag::conditional;
use super::idempotency::idempotent;
use super::problem::Problem;
use super::response_cache::cache_key_of;
use super::{Shared, rate};
use crate::domain::Scope;
use crate::service::{Audience, Caller, RateLimitStatus, ServiceError, ServiceResult};

/// The access that a route requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// None.
    Open,
    /// None, but rate limited by address: for what checks secrets or sends e-mail.
    RateLimited,
    /// A user or an API key.
    Authenticated,
    /// The same, by the header `Authorization` alone; also a client that a user has let in. For the tools of agents.
    Bearer,
    /// A user; API keys are refused.
    User,
    /// A superadmin; API keys are refused.
    Superadmin,
    /// A user or an API key with the scope.
    Scope(Scope),
    /// A user with the scope; API keys are refused. For what outlives the credential of the request.
    UserScope(Scope),
}

impl From<Scope> for Access {
    fn from(scope: Scope) -> Self {
        Self::Scope(scope)
    }
}

/// Where a request has its credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum CredentialPlace {
    /// In a header: `Authorization` or `X-API-Key`.
    #[default]
    Header,
    /// In the parameter `key` of the query: an API key, where programs written for Keepa have theirs. Its routes also match with a
    /// slash at the end, as some of these programs write one.
    KeyParameter,
}

/// The cost of a request, in requests per minute of the caller's rate limit.
pub(super) const REQUEST_COST: u32 = 1;

/// A registered route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// The full pattern: `/api/v1/products/{id}`.
    pub pattern: String,
    /// The method.
    pub method: Method,
    /// The access that it requires.
    pub access: Access,
    /// Where its requests have their credential.
    pub credential: CredentialPlace,
    /// It accepts an `Idempotency-Key`.
    pub idempotent: bool,
}

/// Collects routes.
pub(super) struct Routes<'c> {
    config: Option<&'c mut ServiceConfig>,
    prefix: &'static str,
    credential: CredentialPlace,
    table: Vec<Route>,
}

/// A path with a handler per method.
pub(super) struct Path {
    resource: Resource,
    credential: CredentialPlace,
    methods: Vec<(Method, Access, bool)>,
}

impl<'c> Routes<'c> {
    /// Registers the routes with a server.
    pub(super) fn to(config: &'c mut ServiceConfig) -> Self {
        Self { config: Some(config), prefix: "", credential: CredentialPlace::Header, table: Vec::new() }
    }

    /// Only lists the routes.
    pub(super) fn table_only() -> Self {
        Self { config: None, prefix: "", credential: CredentialPlace::Header, table: Vec::new() }
    }

    /// Sets the prefix of the paths that follow.
    pub(super) fn below(&mut self, prefix: &'static str) -> &mut Self {
        self.below_with(prefix, CredentialPlace::Header)
    }

    /// Sets the prefix of the paths that follow, and where their requests have their credential.
    pub(super) fn below_with(&mut self, prefix: &'static str, credential: CredentialPlace) -> &mut Self {
        self.prefix = prefix;
        self.credential = credential;
        self
    }

    /// Registers a path. Other methods get 405, and `OPTIONS` the allowed ones.
    pub(super) fn path(&mut self, pattern: &str, fill: impl FnOnce(Path) -> Path) {
        let pattern = format!("{}{pattern}", self.prefix);
        let credential = self.credential;
        let patterns = match credential {
            CredentialPlace::Header => vec![pattern.clone()],
            CredentialPlace::KeyParameter => vec![pattern.clone(), format!("{pattern}/")],
        };
        let Path { resource, methods, .. } =
            fill(Path { resource: web::resource(patterns), credential, methods: Vec::new() });
        let allowed = allowed(&methods);
        let route =
            |(method, access, idempotent)| Route { pattern: pattern.clone(), method, access, credential, idempotent };
        self.table.extend(methods.into_iter().map(route));
        let other = move |request: HttpRequest| {
            let allowed = allowed.clone();
            async move { other_method(&request, allowed) }
        };
        if let Some(config) = &mut self.config {
            config.service(resource.default_service(web::to(other)));
        }
    }

    /// The registered routes.
    pub(super) fn into_table(self) -> Vec<Route> {
        self.table
    }
}

fn allowed(methods: &[(Method, Access, bool)]) -> HeaderValue {
    let mut names: Vec<&str> = methods.iter().map(|(method, ..)| method.as_str()).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    HeaderValue::from_str(&names.join(", ")).expect("method names are visible ASCII")
}

fn other_method(request: &HttpRequest, allowed: HeaderValue) -> HttpResponse {
    let mut response = match *request.method() {
        Method::OPTIONS => HttpResponse::NoContent().finish(),
        _ => {
            let detail = format_args!("method {} is not allowed", request.method());
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).error_response()
        }
    };
    response.headers_mut().insert(ALLOW, allowed);
    response
}

/// A handler of a route.
pub(super) trait Answers<Args>: Handler<Args, Output: Responder + 'static> {}
impl<Args, F: Handler<Args, Output: Responder + 'static>> Answers<Args> for F {}

impl Path {
    /// Reads; serves `HEAD` too.
    pub(super) fn get<A: FromRequest + 'static>(self, access: impl Into<Access>, handler: impl Answers<A>) -> Self {
        self.on(Method::GET, access.into(), false, handler)
    }

    /// Performs an action.
    pub(super) fn post<A: FromRequest + 'static>(self, access: impl Into<Access>, handler: impl Answers<A>) -> Self {
        self.on(Method::POST, access.into(), false, handler)
    }

    /// Creates; accepts an `Idempotency-Key`.
    pub(super) fn create<A: FromRequest + 'static>(self, access: impl Into<Access>, handler: impl Answers<A>) -> Self {
        self.on(Method::POST, access.into(), true, handler)
    }

    /// Changes.
    pub(super) fn patch<A: FromRequest + 'static>(self, access: impl Into<Access>, handler: impl Answers<A>) -> Self {
        self.on(Method::PATCH, access.into(), false, handler)
    }

    /// Deletes.
    pub(super) fn delete<A: FromRequest + 'static>(self, access: impl Into<Access>, handler: impl Answers<A>) -> Self {
        self.on(Method::DELETE, access.into(), false, handler)
    }

    fn on<A: FromRequest + 'static>(
        mut self,
        method: Method,
        access: Access,
        idempotent: bool,
        handler: impl Answers<A>,
    ) -> Self {
        let route = match method {
            Method::GET => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
            _ => web::method(method.clone()),
        };
        let credential = self.credential;
        let gate = from_fn(move |request, next| gate(access, credential, idempotent, request, next));
        self.resource = self.resource.route(route.to(handler).wrap(gate));
        self.methods.push((method, access, idempotent));
        self
    }
}

/// Authenticates and authorizes a request, and calls its handler. Adds the rate limit headers to the response.
async fn gate(
    access: Access,
    credential: CredentialPlace,
    is_idempotent: bool,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (caller, rate_limit) = match authenticate(access, credential, &request).await {
        Ok(authenticated) => authenticated,
        Err(error) => {
            let mut response = Problem::from(error).error_response();
            if access == Access::Bearer {
                tell_where_tokens_are(&request, &mut response);
            }
            return Ok(request.into_response(response));
        }
    };
    if let Some(rate_limit) = rate_limit {
        request.extensions_mut().insert(rate_limit);
    }
    let mut response = match caller.map(|caller| access.check(&caller).map(|()| caller)).transpose() {
        Err(error) => request.into_response(Problem::from(error).error_response()),
        Ok(None) => next.call(request).await?.map_into_boxed_body(),
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller.clone());
            if is_idempotent {
                idempotent(caller, request, next).await?
            } else if credential == CredentialPlace::KeyParameter {
                // The URL has a credential: it is no key of a cache. Each answer differs in its time anyway.
                next.call(request).await?.map_into_boxed_body()
            } else {
                answer(&caller, request, next).await?
            }
        }
    };
    for (name, value) in rate_limit.iter().flat_map(rate::headers) {
        // A handler that took more has told what is left.
        if !response.headers().contains_key(&name) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// Tells a client without a valid token how to get one (RFC 9728, section 5.1), if the settings accept clients.
fn tell_where_tokens_are(request: &ServiceRequest, response: &mut HttpResponse) {
    let shared = request.app_data::<Data<Shared>>();
    let Some(metadata) = shared.and_then(|shared| shared.service.resource_metadata_url()) else { return };
    if response.status() != StatusCode::UNAUTHORIZED {
        return;
    }
    let error = if bearer_of(request.headers()).is_some() { "error=\"invalid_token\", " } else { "" };
    let challenge = format!("Bearer realm=\"amazon-tracker\", {error}resource_metadata=\"{metadata}\"");
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
}

impl Access {
    /// The scope that opens the route, if one does.
    pub(super) fn scope(self) -> Option<Scope> {
        match self {
            Self::Scope(scope) | Self::UserScope(scope) => Some(scope),
            Self::Open | Self::RateLimited | Self::Authenticated | Self::Bearer | Self::User | Self::Superadmin => None,
        }
    }

    /// Checks that the caller may use the route.
    fn check(self, caller: &Caller) -> ServiceResult<()> {
        match self {
            Self::Open | Self::RateLimited | Self::Authenticated | Self::Bearer => Ok(()),
            Self::Scope(scope) => caller.require(scope),
            Self::Superadmin => caller.require_superadmin(),
            Self::User => caller.user().map(|_| ()),
            Self::UserScope(scope) => caller.user().and_then(|_| caller.require(scope)),
        }
    }
}

/// The response of the handler, or a cached one.
async fn answer(
    caller: &Caller,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let shared = request.app_data::<Data<Shared>>().cloned();
    let (Some(shared), Some(key)) = (shared, cache_key_of(caller, &request)) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    if let Some(cached) = shared.response_cache.find(&key, request.headers(), shared.service.invalidation()) {
        return Ok(request.into_response(cached));
    }
    let began_at = Instant::now();
    let (response, tagged) = conditional(next.call(request).await?.map_into_boxed_body());
    if let Some(tagged) = tagged {
        shared.response_cache.store(key, response.response(), tagged, began_at);
    }
    Ok(response)
}

/// The caller and its rate limit, as far as the route requires them.
async fn authenticate(
    access: Access,
    credential: CredentialPlace,
    request: &ServiceRequest,
) -> ServiceResult<(Option<Caller>, Option<RateLimitStatus>)> {
    let shared = request.app_data::<Data<Shared>>().ok_or(ServiceError::Internal)?;
    let origin = origin_of(request.request());
    match access {
        Access::Open => Ok((None, None)),
        Access::RateLimited => Ok((None, Some(shared.service.attempt(origin.address).await?))),
        Access::Authenticated
        | Access::Bearer
        | Access::User
        | Access::Superadmin
        | Access::Scope(_)
        | Access::UserScope(_) => {
            let credential = match (access, credential) {
                (Access::Bearer, _) => bearer_of(request.headers()).map(Cow::Borrowed),
                (_, CredentialPlace::Header) => credential_of_request(request.request())?.map(Cow::Owned),
                (_, CredentialPlace::KeyParameter) => key_parameter_of(request.query_string()),
            };
            let credential = credential.ok_or(ServiceError::Unauthenticated)?;
            let audience = if access == Access::Bearer { Audience::Tools } else { Audience::Api };
            let (caller, rate_limit) =
                shared.service.authenticate_for(audience, &credential, origin, REQUEST_COST).await?;
            Ok((Some(caller), Some(rate_limit)))
        }
    }
}
