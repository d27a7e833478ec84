//! The one way to register a route: with who may use it.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{
    Error, FromRequest, Handler, HttpMessage, HttpRequest, HttpResponse, Resource, Responder, ResponseError, guard,
};

use super::caller::{credential_of, origin_of};
use super::etag::conditional;
use super::kept::question_of;
use super::once::once;
use super::problem::Problem;
use super::{Shared, rate};
use crate::domain::Scope;
use crate::service::{Allowance, Caller, ServiceError, ServiceResult};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody.
    Open,
    /// Everybody, but only so many times a minute from one address: what checks secrets or sends mail.
    Door,
    /// Every person and every key.
    Known,
    /// Every person, but no key.
    Person,
    /// Who runs the installation, in person.
    Superadmin,
    /// Whoever holds the scope.
    Needs(Scope),
    /// Whoever holds the scope, but no key: what outlives the credential that asks for it.
    PersonNeeds(Scope),
}

impl From<Scope> for Access {
    fn from(scope: Scope) -> Self {
        Self::Needs(scope)
    }
}

/// What most requests cost, of a caller's requests a minute.
const ORDINARY: u32 = 1;

/// A route, as it was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// The whole pattern: `/api/v1/products/{id}`.
    pub pattern: String,
    /// The method.
    pub method: Method,
    /// Who may use it.
    pub access: Access,
    /// It takes an `Idempotency-Key`.
    pub once: bool,
}

/// Where routes are registered.
pub(super) struct Routes<'c> {
    config: Option<&'c mut ServiceConfig>,
    prefix: &'static str,
    table: Vec<Route>,
}

/// One path, with a handler for each method.
pub(super) struct Path {
    resource: Resource,
    methods: Vec<(Method, Access, bool)>,
}

impl<'c> Routes<'c> {
    /// For a server.
    pub(super) fn to(config: &'c mut ServiceConfig) -> Self {
        Self { config: Some(config), prefix: "", table: Vec::new() }
    }

    /// For who wants to know them.
    pub(super) fn to_nobody() -> Self {
        Self { config: None, prefix: "", table: Vec::new() }
    }

    /// What comes now stands below this.
    pub(super) fn below(&mut self, prefix: &'static str) -> &mut Self {
        self.prefix = prefix;
        self
    }

    /// Registers a path. Methods that it does not have are answered by 405, `OPTIONS` by what it has.
    pub(super) fn path(&mut self, pattern: &str, fill: impl FnOnce(Path) -> Path) {
        let pattern = format!("{}{pattern}", self.prefix);
        let Path { resource, methods } = fill(Path { resource: web::resource(pattern.as_str()), methods: Vec::new() });
        let allowed = allowed(&methods);
        let route = |(method, access, once)| Route { pattern: pattern.clone(), method, access, once };
        self.table.extend(methods.into_iter().map(route));
        let other = move |request: HttpRequest| {
            let allowed = allowed.clone();
            async move { other_method(&request, allowed) }
        };
        if let Some(config) = &mut self.config {
            config.service(resource.default_service(web::to(other)));
        }
    }

    /// All that were registered.
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
    HeaderValue::from_str(&names.join(", ")).expect("names of methods are visible ASCII")
}

fn other_method(request: &HttpRequest, allowed: HeaderValue) -> HttpResponse {
    let mut response = match *request.method() {
        Method::OPTIONS => HttpResponse::NoContent().finish(),
        _ => {
            let detail = format_args!("{} is not allowed here", request.method());
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).error_response()
        }
    };
    response.headers_mut().insert(ALLOW, allowed);
    response
}

/// A handler whose answer can be sent.
pub(super) trait Answers<Args>: Handler<Args, Output: Responder + 'static> {}
impl<Args, F: Handler<Args, Output: Responder + 'static>> Answers<Args> for F {}

impl Path {
    /// Reads; `HEAD` is answered alike.
    pub(super) fn get<A: FromRequest + 'static>(self, access: impl Into<Access>, handler: impl Answers<A>) -> Self {
        self.on(Method::GET, access.into(), false, handler)
    }

    /// Acts.
    pub(super) fn post<A: FromRequest + 'static>(self, access: impl Into<Access>, handler: impl Answers<A>) -> Self {
        self.on(Method::POST, access.into(), false, handler)
    }

    /// Creates; a request with an `Idempotency-Key` is carried out once, however often it comes.
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
        once: bool,
        handler: impl Answers<A>,
    ) -> Self {
        let route = match method {
            Method::GET => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
            _ => web::method(method.clone()),
        };
        let gate = from_fn(move |request, next| gate(access, once, request, next));
        self.resource = self.resource.route(route.to(handler).wrap(gate));
        self.methods.push((method, access, once));
        self
    }
}

/// Lets a request through to its handler, or answers in its place. Every answer to somebody who has a limit tells what is left.
async fn gate(
    access: Access,
    is_once: bool,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (caller, allowance) = match admit(access, &request).await {
        Ok(admitted) => admitted,
        Err(error) => return Ok(request.into_response(Problem::from(error).error_response())),
    };
    let mut response = match caller.map(|caller| access.check(&caller).map(|()| caller)).transpose() {
        Err(error) => request.into_response(Problem::from(error).error_response()),
        Ok(None) => next.call(request).await?.map_into_boxed_body(),
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller.clone());
            if is_once { once(caller, request, next).await? } else { answer(&caller, request, next).await? }
        }
    };
    for (name, value) in allowance.iter().flat_map(rate::headers) {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

impl Access {
    /// Refuses whoever may not use the route.
    fn check(self, caller: &Caller) -> ServiceResult<()> {
        match self {
            Self::Open | Self::Door | Self::Known => Ok(()),
            Self::Needs(scope) => caller.require(scope),
            Self::Superadmin => caller.require_superadmin(),
            Self::Person => caller.person().map(|_| ()),
            Self::PersonNeeds(scope) => caller.person().and_then(|_| caller.require(scope)),
        }
    }
}

/// The handler's answer, or the one that it gave to the same question a moment ago.
async fn answer(
    caller: &Caller,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let shared = request.app_data::<Data<Shared>>().cloned();
    let (Some(shared), Some(question)) = (shared, question_of(caller, &request)) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    if let Some(kept) = shared.kept.find(&question, request.headers(), shared.service.changes()) {
        return Ok(request.into_response(kept));
    }
    let began_at = Instant::now();
    let (response, tagged) = conditional(next.call(request).await?.map_into_boxed_body());
    if let Some(tagged) = tagged {
        shared.kept.keep(question, response.response(), tagged, began_at);
    }
    Ok(response)
}

/// Who asks, and what is left of what they may ask; neither at a route that is open to all.
async fn admit(access: Access, request: &ServiceRequest) -> ServiceResult<(Option<Caller>, Option<Allowance>)> {
    let shared = request.app_data::<Data<Shared>>().ok_or(ServiceError::Internal)?;
    let origin = origin_of(request.request());
    match access {
        Access::Open => Ok((None, None)),
        Access::Door => Ok((None, Some(shared.service.attempt(origin.address).await?))),
        Access::Known | Access::Person | Access::Superadmin | Access::Needs(_) | Access::PersonNeeds(_) => {
            let credential = credential_of(request.headers()).ok_or(ServiceError::Unauthenticated)?;
            let (caller, allowance) = shared.service.admit(credential, origin, ORDINARY).await?;
            Ok((Some(caller), Some(allowance)))
        }
    }
}
