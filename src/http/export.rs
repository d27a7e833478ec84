//! Everything of a tenant, as lines of JSON in the forms in which the API shows it.
//!
//! Lines are made as they are read, so an export takes no more memory for being long. It is no snapshot: what changes
//! meanwhile may or may not be in it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Responder, rt};
use futures_util::stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc::{Sender, channel};

use super::Shared;
use super::alerts::{WireAlert, WireEvent};
use super::api_keys::WireApiKey;
use super::auth::WireSession;
use super::caller::credential_of;
use super::crawl::WireTask;
use super::history::WireHistory;
use super::paging::MAX_LIMIT;
use super::problem::Problem;
use super::products::WireProduct;
use super::routes::{Access, Routes};
use super::strict::PathId;
use super::tenants::{WireAuditEntry, WireTenant};
use super::users::WireUser;
use crate::domain::{Product, Scope, Series, Tenant, TenantId, User};
use crate::service::{
    Caller, HistoryQuery, ListProducts, Origin, Page, ProductFilter, ProductOrder, Service, ServiceError, ServiceResult,
};

/// Lines of JSON.
const EXPORT_TYPE: &str = "application/x-ndjson";
/// Lines that wait for the client to take them: one may be the whole history of a listing.
const LINES_AHEAD: usize = 1;
/// More points than any listing has.
const MAX_POINTS: u32 = 1_000_000;
/// Exports at once in this process, one for each tenant.
const MAX_AT_ONCE: usize = 4;
/// A client that takes nothing for so long is given up.
const MAX_PAUSE: Duration = Duration::from_secs(30);

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/tenants/me/export", |path| path.get(Access::UserScope(Scope::AdminTenant), export));
    routes.path("/tenants/{id}/export", |path| path.get(Access::Superadmin, export_any));
}

/// Take out everything of your tenant: one JSON object a line, each with its `type`; the last is `{"type":"end"}`.
///
/// Without secrets: passwords, keys and the signing keys of webhooks are nobody's to read.
#[utoipa::path(get, path = "/api/v1/tenants/me/export", tag = "tenants", responses(
    (status = 200, description = "Everything", content_type = "application/x-ndjson", body = String),
    (status = 409, description = "An export of the tenant is under way", body = Problem),
))]
pub(super) async fn export(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
) -> Result<impl Responder, Problem> {
    let id = caller.tenant_id;
    export_of(&shared, caller, &request, id).await
}

/// Take out everything of any tenant. For superadmins.
#[utoipa::path(get, path = "/api/v1/tenants/{id}/export", tag = "tenants", params(("id" = uuid::Uuid, Path)), responses(
    (status = 200, description = "Everything", content_type = "application/x-ndjson", body = String),
    (status = 409, description = "An export of the tenant is under way", body = Problem),
    (status = 404, description = "No such tenant", body = Problem),
))]
pub(super) async fn export_any(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<TenantId>,
) -> Result<impl Responder, Problem> {
    export_of(&shared, caller, &request, id).await
}

async fn export_of(
    shared: &Shared,
    caller: Caller,
    request: &HttpRequest,
    id: TenantId,
) -> Result<HttpResponse, Problem> {
    if request.method() == Method::HEAD {
        // Nothing is handed out, and nothing is noted.
        shared.service.tenant(id).await?;
        return Ok(HttpResponse::Ok().content_type(EXPORT_TYPE).finish());
    }
    let tenant = shared.service.begin_export(caller.clone(), id).await?;
    everything_of(shared, &caller, request, tenant)
}

/// The tenants whose exports are under way.
#[derive(Clone, Default)]
pub(super) struct Exports(Arc<Mutex<HashSet<TenantId>>>);

/// A place among them; free again when it is dropped.
struct Place {
    exports: Exports,
    tenant_id: TenantId,
}

impl Exports {
    fn enter(&self, tenant_id: TenantId) -> Result<Place, ServiceError> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.contains(&tenant_id) {
            let detail = "an export of this tenant is under way: wait for its end";
            return Err(ServiceError::Conflict("export_under_way", detail.to_owned()));
        }
        if under_way.len() >= MAX_AT_ONCE {
            return Err(ServiceError::Unavailable);
        }
        under_way.insert(tenant_id);
        Ok(Place { exports: self.clone(), tenant_id })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.exports.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.tenant_id);
    }
}

/// Why an export ends before its end. The client sees that it is cut off: its last line is missing.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("the client has gone away, or takes nothing")]
    Gone,
    #[error("the process stops")]
    Draining,
    #[error("whoever asked may not any more")]
    Refused,
    #[error(transparent)]
    Failed(#[from] ServiceError),
}

/// The answer: a line for each thing, `{"type":"end"}` at last.
///
/// # Errors
/// When an export of the tenant is under way, or too many others are.
fn everything_of(
    shared: &Shared,
    caller: &Caller,
    request: &HttpRequest,
    tenant: Tenant,
) -> Result<HttpResponse, Problem> {
    let place = shared.exports.enter(tenant.id)?;
    let (lines, taken) = channel(LINES_AHEAD);
    let file = format!("attachment; filename=\"tenant-{}.ndjson\"", tenant.id);
    let export = Export {
        service: shared.service.clone(),
        tenant_id: tenant.id,
        credential: credential_of(request.headers()).ok_or(ServiceError::Unauthenticated)?.to_owned(),
        origin: caller.origin.clone(),
        lines,
    };
    rt::spawn(async move {
        let _place = place;
        if let Err(cut) = export.write(tenant).await {
            tracing::warn!(tenant_id = %export.tenant_id, %cut, "an export was cut off");
            let _ = export.lines.try_send(Err(std::io::Error::other("cut off")));
        }
    });
    let lines = stream::unfold(taken, async |mut taken| Some((taken.recv().await?, taken)));
    Ok(HttpResponse::Ok()
        .content_type(EXPORT_TYPE)
        .insert_header((CONTENT_DISPOSITION, file))
        .streaming(Box::pin(lines)))
}

struct Export {
    service: Service,
    tenant_id: TenantId,
    credential: String,
    origin: Origin,
    lines: Sender<Result<Bytes, std::io::Error>>,
}

impl Export {
    async fn write(&self, tenant: Tenant) -> Result<(), Cut> {
        let (service, id, most) = (&self.service, self.tenant_id, MAX_LIMIT);
        self.line("tenant", &WireTenant::from(tenant)).await?;
        for day in service.daily_usage(id).await? {
            self.line("usage", &json!({ "day": day.day, "crawls": day.crawls })).await?;
        }
        self.each(async |cursor| service.users(id, cursor, most).await, async |user| self.user(user).await).await?;
        self.list("api_key", WireApiKey::from, async |cursor| service.api_keys(id, cursor, most).await).await?;
        let products = async |cursor| service.products(id, newest_products(cursor)).await;
        self.each(products, async |product| self.product(product).await).await?;
        self.list("alert", WireAlert::from, async |cursor| service.rules(id, None, cursor, most).await).await?;
        self.list("event", WireEvent::from, async |cursor| service.events(id, None, cursor, most).await).await?;
        self.list("task", WireTask::from, async |cursor| service.tasks(id, cursor, most).await).await?;
        self.list("act", WireAuditEntry::from, async |cursor| service.audit(id, cursor, most).await).await?;
        // One that was deleted meanwhile was not taken out whole.
        service.tenant(id).await?;
        self.line("end", &json!({})).await
    }

    async fn user(&self, user: User) -> Result<(), Cut> {
        let sessions = self.service.sessions_of(user.id).await?;
        self.line("user", &WireUser::from(user)).await?;
        for session in sessions {
            self.line("session", &WireSession::of(session, None)).await?;
        }
        Ok(())
    }

    async fn product(&self, product: Product) -> Result<(), Cut> {
        let id = product.id;
        self.check().await?;
        self.line("product", &WireProduct::from(product)).await?;
        let series = Series::ALL.to_vec();
        let whole = HistoryQuery { series, from: None, to: None, limit: MAX_POINTS };
        match self.service.history(self.tenant_id, id, whole).await {
            Ok(history) => self.line("history", &WireHistory::of(id, history)).await,
            // Deleted meanwhile.
            Err(ServiceError::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Every row of a list, as a line.
    async fn list<T, W: Serialize>(
        &self,
        kind: &'static str,
        wire: fn(T) -> W,
        read: impl AsyncFn(Option<String>) -> ServiceResult<Page<T>>,
    ) -> Result<(), Cut> {
        self.each(read, async |row| self.line(kind, &wire(row)).await).await
    }

    /// Every row of a list, page after page.
    async fn each<T>(
        &self,
        read: impl AsyncFn(Option<String>) -> ServiceResult<Page<T>>,
        write: impl AsyncFn(T) -> Result<(), Cut>,
    ) -> Result<(), Cut> {
        let mut cursor = None;
        loop {
            self.check().await?;
            let page = read(cursor).await?;
            for row in page.items {
                write(row).await?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Before each page: whoever was signed out, or disabled, takes out no more.
    async fn check(&self) -> Result<(), Cut> {
        if self.service.is_draining() {
            return Err(Cut::Draining);
        }
        let is_still_authorized = self.service.is_still_authorized(&self.credential, self.origin.clone()).await;
        is_still_authorized.then_some(()).ok_or(Cut::Refused)
    }

    async fn line(&self, kind: &'static str, thing: &impl Serialize) -> Result<(), Cut> {
        let mut line = serde_json::to_vec(&Line { kind, thing }).map_err(|_| ServiceError::Internal)?;
        line.push(b'\n');
        self.lines.send_timeout(Ok(line.into()), MAX_PAUSE).await.map_err(|_| Cut::Gone)
    }
}

/// A thing, with what it is.
#[derive(Serialize)]
struct Line<'t, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    thing: &'t T,
}

fn newest_products(cursor: Option<String>) -> ListProducts {
    ListProducts { filter: ProductFilter::default(), order: ProductOrder::NewestFirst, cursor, limit: MAX_LIMIT }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_one_export_at_a_time_and_all_together_a_few() {
        let (exports, tenant_id) = (Exports::default(), TenantId::new());
        let place = exports.enter(tenant_id).unwrap_or_else(|error| panic!("{error}"));
        assert!(matches!(exports.enter(tenant_id), Err(ServiceError::Conflict("export_under_way", _))));
        drop(place);
        let places: Vec<_> = (0..MAX_AT_ONCE).map(|_| exports.enter(TenantId::new())).collect();
        assert!(places.iter().all(Result::is_ok));
        assert!(matches!(exports.enter(tenant_id), Err(ServiceError::Unavailable)));
    }
}
