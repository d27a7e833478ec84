//! Exports everything of a tenant as lines of JSON, in the same forms as the rest of the API.
//!
//! The export is streamed, so its memory does not grow with its length. It is not a snapshot: changes during the export may or
//! may not be part of it.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use serde_json::json;

use super::Shared;
use super::alert_view::{WireAlert, WireEvent};
use super::api_keys::WireApiKey;
use super::auth::WireSession;
use super::channels::WireChannel;
use super::competitor_view::WireSet;
use super::crawl::WireTask;
use super::export_stream::{ExportError, ExportFile, ExportRight, ExportStream, streamed};
use super::history::{MAX_POINTS, WireHistory};
use super::paging::MAX_LIMIT;
use super::problem::Problem;
use super::product_view::WireProduct;
use super::report_view::WireReport;
use super::routes::{Access, Routes};
use super::shares::WireShare;
use super::strict::PathId;
use super::tenants::{WireAuditEntry, WireTenant};
use super::users::WireAccount;
use crate::domain::{Product, ProductId, ReportInfo, Scope, Series, Tenant, TenantId, User};
use crate::service::{
    AuditFilter, Caller, EventFilter, HistoryQuery, ListProducts, Page, ProductFilter, ProductOrder, ReportFilter,
    RuleFilter, ServiceError, ServiceResult,
};

/// JSON lines.
const EXPORT_TYPE: &str = "application/x-ndjson";

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
    let file = ExportFile { name: format!("tenant-{id}.ndjson"), content_type: EXPORT_TYPE };
    let right = ExportRight::Everything(id);
    streamed(shared, &caller, request, (running, right), file, async move |stream| {
        Export { stream, tenant_id: id }.write(tenant).await
    })
}

/// A share with its product.
#[derive(Serialize)]
struct ProductShare {
    product_id: ProductId,
    #[serde(flatten)]
    share: WireShare,
}

/// Everything of a tenant: a line per item, and `{"type":"end"}`.
struct Export {
    stream: Arc<ExportStream>,
    tenant_id: TenantId,
}

impl Export {
    async fn write(&self, tenant: Tenant) -> Result<(), ExportError> {
        let (service, id, most) = (&self.stream.service, self.tenant_id, MAX_LIMIT);
        self.line("tenant", &WireTenant::from(tenant)).await?;
        for day in service.daily_usage(id).await? {
            self.line("usage", &json!({ "day": day.day, "crawls": day.crawls })).await?;
        }
        self.each(async |cursor| service.users(id, cursor, most).await, async |user| self.user(user).await).await?;
        self.list("api_key", WireApiKey::from, async |cursor| service.api_keys(id, cursor, most).await).await?;
        let products = async |cursor| service.products(id, newest_products(cursor)).await;
        self.each(products, async |product| self.product(product).await).await?;
        self.list("channel", WireChannel::from, async |cursor| service.channels(id, cursor, most).await).await?;
        self.list("alert", WireAlert::from, async |cursor| {
            service.rules(id, RuleFilter::default(), cursor, most).await
        })
        .await?;
        let sets = async |cursor| service.competitor_sets(id, None, cursor, most).await;
        self.list("competitor_set", WireSet::from, sets).await?;
        let reports = async |cursor| service.reports(id, ReportFilter::default(), cursor, most).await;
        self.each(reports, async |report| self.report(report).await).await?;
        self.list("event", WireEvent::from, async |cursor| {
            service.events(id, EventFilter::default(), cursor, most).await
        })
        .await?;
        self.list("task", WireTask::from, async |cursor| service.tasks(id, cursor, most).await).await?;
        self.list("audit_entry", WireAuditEntry::from, async |cursor| {
            service.audit(id, AuditFilter::default(), cursor, most).await
        })
        .await?;
        // If the tenant was deleted meanwhile, the export is not complete.
        service.tenant(id).await?;
        self.line("end", &json!({})).await
    }

    async fn user(&self, user: User) -> Result<(), ExportError> {
        let sessions = self.stream.service.sessions_of(user.id).await?;
        self.line("user", &WireAccount::from(user)).await?;
        for session in sessions {
            self.line("session", &WireSession::of(session, None)).await?;
        }
        Ok(())
    }

    async fn product(&self, product: Product) -> Result<(), ExportError> {
        let id = product.id;
        self.stream.check().await?;
        self.line("product", &WireProduct::from(product)).await?;
        self.history(id).await?;
        self.shares(id).await?;
        self.advice(id).await
    }

    /// Writes the public links to a product, without their tokens, which are not stored.
    async fn shares(&self, id: ProductId) -> Result<(), ExportError> {
        let shares = match self.stream.service.shares(self.tenant_id, id).await {
            // The product was deleted meanwhile.
            Err(ServiceError::NotFound(_)) => return Ok(()),
            shares => shares?,
        };
        for share in shares {
            self.line("share", &ProductShare { product_id: id, share: share.into() }).await?;
        }
        Ok(())
    }

    /// Writes the latest advice of a model about a product.
    async fn advice(&self, id: ProductId) -> Result<(), ExportError> {
        let Some(advice) = self.stream.service.latest_advice(self.tenant_id, id).await? else { return Ok(()) };
        let (model, language, created_at) = (advice.model, advice.language, advice.created_at);
        let line = json!({
            "product_id": id, "model": model, "language": language, "created_at": created_at, "advice": advice.body,
        });
        self.line("advice", &line).await
    }

    /// Writes a report with its document.
    async fn report(&self, report: ReportInfo) -> Result<(), ExportError> {
        let document = match self.stream.service.report_json(self.tenant_id, report.id).await {
            // It was deleted meanwhile.
            Err(ServiceError::NotFound(_)) => return Ok(()),
            document => document?,
        };
        self.line("report", &WholeReport { report: report.into(), document }).await
    }

    /// Writes a history as one line, or several if it is long.
    async fn history(&self, id: ProductId) -> Result<(), ExportError> {
        let mut from = None;
        loop {
            let part = HistoryQuery { series: Series::VALUES.to_vec(), from, to: None, limit: MAX_POINTS };
            let history = match self.stream.service.history(self.tenant_id, id, part).await {
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
            self.stream.check().await?;
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

    async fn line(&self, kind: &'static str, thing: &impl Serialize) -> Result<(), ExportError> {
        let mut line = serde_json::to_vec(&Line { kind, thing }).map_err(|_| ServiceError::Internal)?;
        line.push(b'\n');
        self.stream.send(line).await
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

/// A report with its document, if it is done.
#[derive(Serialize)]
struct WholeReport {
    #[serde(flatten)]
    report: WireReport,
    document: Option<serde_json::Value>,
}

fn newest_products(cursor: Option<String>) -> ListProducts {
    ListProducts { filter: ProductFilter::default(), order: ProductOrder::NewestFirst, cursor, limit: MAX_LIMIT }
}
