//! Exports everything of a tenant as lines of JSON, in the same forms as the rest of the API.
//!
//! The export is streamed, so its memory does not grow with its length. It is not a snapshot: changes during the export may or
//! may not be part of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Responder, rt};
use futures_util::stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc::{Sender, channel};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::alerts::{WireAlert, WireEvent};
use super::api_keys::WireApiKey;
use super::auth::WireSession;
use super::caller::credential_of;
use super::crawl::WireTask;
use super::history::{MAX_POINTS, WireHistory};
use super::paging::MAX_LIMIT;
use super::problem::Problem;
use super::products::WireProduct;
use super::routes::{Access, Routes};
use super::strict::PathId;
use super::tenants::{WireAuditEntry, WireTenant};
use super::users::WireUser;
use crate::domain::{Product, ProductId, Scope, Series, Tenant, TenantId, User};
use crate::service::{
    Caller, HistoryQuery, ListProducts, Origin, Page, ProductFilter, ProductOrder, Service, ServiceError, ServiceResult,
};

/// JSON lines.
const EXPORT_TYPE: &str = "application/x-ndjson";
/// Lines buffered for a slow client: one may have thousands of points.
const LINES_AHEAD: usize = 1;
/// Concurrent exports of this process, each of another tenant.
const MAX_CONCURRENT: usize = 8;
/// The export ends when the client reads nothing for so long.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// An export whose client has read nothing for so long gives way to that of another tenant.
const SLOW_READER: Duration = Duration::from_secs(2);

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/tenants/me/export", |path| path.get(Access::UserScope(Scope::AdminTenant), export));
    routes.path("/tenants/{id}/export", |path| path.get(Access::Superadmin, export_any));
}

/// Export everything of your tenant: one JSON object per line, each with its `type`; the last is `{"type":"end"}`.
///
/// Secrets are not exported: passwords, API keys and the signing keys of webhooks. A long history has several lines, each of
/// which begins with the values in effect at its start.
#[utoipa::path(get, path = "/api/v1/tenants/me/export", tag = "tenants", responses(
    (status = 200, description = "Everything", content_type = "application/x-ndjson", body = String),
    (status = 409, description = "An export of the tenant is already running", body = Problem),
))]
pub(super) async fn export(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
) -> Result<impl Responder, Problem> {
    let id = caller.tenant_id;
    export_of(&shared, caller, &request, id).await
}

/// Export everything of any tenant. Requires a superadmin.
#[utoipa::path(get, path = "/api/v1/tenants/{id}/export", tag = "tenants", params(("id" = uuid::Uuid, Path)), responses(
    (status = 200, description = "Everything", content_type = "application/x-ndjson", body = String),
    (status = 409, description = "An export of the tenant is already running", body = Problem),
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
        // Exports nothing, so there is nothing to audit.
        shared.service.tenant(id).await?;
        return Ok(HttpResponse::Ok().content_type(EXPORT_TYPE).finish());
    }
    let running = shared.exports.enter(id)?;
    let tenant = shared.service.begin_export(caller.clone(), id).await?;
    everything_of(shared, &caller, request, tenant, running)
}

/// The tenants whose exports are running.
#[derive(Clone, Default)]
pub(super) struct Exports(Arc<Mutex<HashMap<TenantId, Arc<Progress>>>>);

/// Whether the client of an export reads.
#[derive(Default)]
struct Progress {
    /// Since when a line waits for the client.
    waiting_since: Mutex<Option<Instant>>,
    /// The export gives way to another one.
    gives_way: CancellationToken,
}

impl Progress {
    fn waiting_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running export; it ends when this is dropped.
struct RunningExport {
    exports: Exports,
    tenant_id: TenantId,
    progress: Arc<Progress>,
}

impl Exports {
    fn enter(&self, tenant_id: TenantId) -> Result<RunningExport, ServiceError> {
        let mut running = self.running();
        if running.contains_key(&tenant_id) {
            let detail = "an export of this tenant is already running; retry when it has ended";
            return Err(ServiceError::Conflict("export_running", detail.to_owned()));
        }
        if running.len() >= MAX_CONCURRENT {
            let slowest = slowest_of(&running).ok_or(ServiceError::Unavailable)?;
            if let Some(progress) = running.remove(&slowest) {
                progress.gives_way.cancel();
            }
        }
        let progress = Arc::<Progress>::default();
        running.insert(tenant_id, Arc::clone(&progress));
        Ok(RunningExport { exports: self.clone(), tenant_id, progress })
    }

    fn running(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Progress>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The export whose client has read nothing for the longest time, if that is long.
fn slowest_of(running: &HashMap<TenantId, Arc<Progress>>) -> Option<TenantId> {
    let waiting = running.iter().filter_map(|(id, progress)| Some(((*progress.waiting_since())?, *id)));
    let (_, tenant_id) = waiting.filter(|(since, _)| since.elapsed() >= SLOW_READER).min()?;
    Some(tenant_id)
}

impl Drop for RunningExport {
    fn drop(&mut self) {
        let mut running = self.exports.running();
        if running.get(&self.tenant_id).is_some_and(|progress| Arc::ptr_eq(progress, &self.progress)) {
            running.remove(&self.tenant_id);
        }
    }
}

/// Why an export was aborted. The client notices by the missing last line.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("the client disconnected or stopped reading")]
    Disconnected,
    #[error("the client reads slowly, and other tenants wait")]
    GaveWay,
    #[error("the process is stopping")]
    Draining,
    #[error("the caller is no longer authorized")]
    Unauthorized,
    #[error(transparent)]
    Failed(#[from] ServiceError),
}

/// The response: a line per item, and `{"type":"end"}`.
fn everything_of(
    shared: &Shared,
    caller: &Caller,
    request: &HttpRequest,
    tenant: Tenant,
    running: RunningExport,
) -> Result<HttpResponse, Problem> {
    let (lines, taken) = channel(LINES_AHEAD);
    let file = format!("attachment; filename=\"tenant-{}.ndjson\"", tenant.id);
    let export = Export {
        service: shared.service.clone(),
        tenant_id: tenant.id,
        credential: credential_of(request.headers()).ok_or(ServiceError::Unauthenticated)?.to_owned(),
        origin: caller.origin.clone(),
        progress: Arc::clone(&running.progress),
        lines,
    };
    rt::spawn(async move {
        let _running = running;
        if let Err(error) = export.write(tenant).await {
            tracing::warn!(tenant_id = %export.tenant_id, %error, "an export was aborted");
            let _ = export.lines.try_send(Err(std::io::Error::other("aborted")));
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
    progress: Arc<Progress>,
    lines: Sender<Result<Bytes, std::io::Error>>,
}

impl Export {
    async fn write(&self, tenant: Tenant) -> Result<(), ExportError> {
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
        self.list("audit_entry", WireAuditEntry::from, async |cursor| service.audit(id, cursor, most).await).await?;
        // If the tenant was deleted meanwhile, the export is not complete.
        service.tenant(id).await?;
        self.line("end", &json!({})).await
    }

    async fn user(&self, user: User) -> Result<(), ExportError> {
        let sessions = self.service.sessions_of(user.id).await?;
        self.line("user", &WireUser::from(user)).await?;
        for session in sessions {
            self.line("session", &WireSession::of(session, None)).await?;
        }
        Ok(())
    }

    async fn product(&self, product: Product) -> Result<(), ExportError> {
        let id = product.id;
        self.check().await?;
        self.line("product", &WireProduct::from(product)).await?;
        self.history(id).await
    }

    /// Writes a history as one line, or several if it is long.
    async fn history(&self, id: ProductId) -> Result<(), ExportError> {
        let mut from = None;
        loop {
            let part = HistoryQuery { series: Series::VALUES.to_vec(), from, to: None, limit: MAX_POINTS };
            let history = match self.service.history(self.tenant_id, id, part).await {
                // The product was deleted meanwhile.
                Err(ServiceError::NotFound(_)) => return Ok(()),
                history => history?,
            };
            from = history.next_from;
            self.line("history", &WireHistory::of(id, history)).await?;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Writes every row of a list as a line.
    async fn list<T, W: Serialize>(
        &self,
        kind: &'static str,
        wire: fn(T) -> W,
        read: impl AsyncFn(Option<String>) -> ServiceResult<Page<T>>,
    ) -> Result<(), ExportError> {
        self.each(read, async |row| self.line(kind, &wire(row)).await).await
    }

    /// Reads a list page by page.
    async fn each<T>(
        &self,
        read: impl AsyncFn(Option<String>) -> ServiceResult<Page<T>>,
        write: impl AsyncFn(T) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
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

    /// Before each page: ends the export of a caller who was signed out, disabled or demoted.
    async fn check(&self) -> Result<(), ExportError> {
        if self.service.is_draining() {
            return Err(ExportError::Draining);
        }
        let may_export = self.service.may_still_export(&self.credential, self.origin.clone(), self.tenant_id).await;
        may_export.then_some(()).ok_or(ExportError::Unauthorized)
    }

    async fn line(&self, kind: &'static str, thing: &impl Serialize) -> Result<(), ExportError> {
        let mut line = serde_json::to_vec(&Line { kind, thing }).map_err(|_| ServiceError::Internal)?;
        line.push(b'\n');
        *self.progress.waiting_since() = Some(Instant::now());
        let sent = tokio::select! {
            sent = self.lines.send_timeout(Ok(line.into()), MAX_PAUSE) => sent.map_err(|_| ExportError::Disconnected),
            () = self.progress.gives_way.cancelled() => Err(ExportError::GaveWay),
        };
        *self.progress.waiting_since() = None;
        sent
    }
}

/// An item with its type.
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
    fn a_tenant_has_one_export_at_a_time_and_a_process_a_few() {
        let (exports, tenant_id) = (Exports::default(), TenantId::new());
        let running = exports.enter(tenant_id).unwrap_or_else(|error| panic!("{error}"));
        assert!(matches!(exports.enter(tenant_id), Err(ServiceError::Conflict("export_running", _))));
        drop(running);
        let places: Vec<_> = (0..MAX_CONCURRENT).map(|_| exports.enter(TenantId::new())).collect();
        assert!(places.iter().all(Result::is_ok));
        assert!(matches!(exports.enter(tenant_id), Err(ServiceError::Unavailable)));
    }

    #[test]
    fn an_export_whose_client_does_not_read_gives_way() {
        let exports = Exports::default();
        let running: Vec<_> = (0..MAX_CONCURRENT).filter_map(|_| exports.enter(TenantId::new()).ok()).collect();
        let waits = |n: usize, secs: u64| {
            *running[n].progress.waiting_since() = Instant::now().checked_sub(Duration::from_secs(secs));
        };
        waits(1, 1);
        assert!(exports.enter(TenantId::new()).is_err(), "it may be reading");
        waits(2, 5);
        waits(3, 3);
        let newcomer = exports.enter(TenantId::new()).unwrap_or_else(|error| panic!("{error}"));
        let gave_way = |n: usize| running[n].progress.gives_way.is_cancelled();
        assert_eq!((1..=3).map(gave_way).collect::<Vec<_>>(), [false, true, false]);
        // The end of one that gave way does not end the export that has its place.
        let same = exports.enter(running[2].tenant_id).unwrap_or_else(|error| panic!("{error}"));
        drop(running);
        assert_eq!(exports.running().len(), 2);
        drop((newcomer, same));
        assert!(exports.running().is_empty());
    }
}
