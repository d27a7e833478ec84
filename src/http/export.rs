//! Everything of a tenant, as lines of JSON in the forms in which the API shows it.
//!
//! Lines are made as they are read, so an export takes no more memory for being long. It is no snapshot: what changes
//! meanwhile may or may not be in it.

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, rt};
use futures_util::stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc::{Sender, channel};

use super::alerts::{WireAlert, WireEvent};
use super::api_keys::WireApiKey;
use super::auth::WireSession;
use super::crawl::WireTask;
use super::history::WireHistory;
use super::products::{MOST_LIMIT, WireProduct};
use super::tenants::{WireAuditEntry, WireTenant};
use super::users::WireUser;
use crate::domain::{Product, Series, Tenant, TenantId, User};
use crate::service::{
    HistoryQuery, ListProducts, Page, ProductFilter, ProductOrder, Service, ServiceError, ServiceResult,
};

/// Lines that wait for the client to take them.
const LINES_AHEAD: usize = 64;
/// More points than any listing has.
const MOST_POINTS: u32 = 1_000_000;

/// Why an export ends before its end. The client sees that it is cut off: its last line is missing.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("the client has gone away")]
    Gone,
    #[error(transparent)]
    Failed(#[from] ServiceError),
}

/// The answer: a line for each thing, `{"type":"end"}` at last.
pub(super) fn everything_of(service: Service, tenant: Tenant) -> HttpResponse {
    let (lines, taken) = channel(LINES_AHEAD);
    let file = format!("attachment; filename=\"tenant-{}.ndjson\"", tenant.id);
    let export = Export { service, tenant_id: tenant.id, lines };
    rt::spawn(async move {
        if let Err(cut) = export.write(tenant).await {
            tracing::warn!(tenant_id = %export.tenant_id, %cut, "an export was cut off");
            let _ = export.lines.send(Err(std::io::Error::other("cut off"))).await;
        }
    });
    let lines = stream::unfold(taken, async |mut taken| Some((taken.recv().await?, taken)));
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((CONTENT_DISPOSITION, file))
        .streaming(Box::pin(lines))
}

struct Export {
    service: Service,
    tenant_id: TenantId,
    lines: Sender<Result<Bytes, std::io::Error>>,
}

impl Export {
    async fn write(&self, tenant: Tenant) -> Result<(), Cut> {
        let (service, id, most) = (&self.service, self.tenant_id, MOST_LIMIT);
        self.line("tenant", &WireTenant::from(tenant)).await?;
        for day in service.usage_of_days(id).await? {
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
        self.line("product", &WireProduct::from(product)).await?;
        let series = Series::ALL.to_vec();
        let whole = HistoryQuery { series, from: None, to: None, limit: MOST_POINTS };
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

    async fn line(&self, kind: &'static str, thing: &impl Serialize) -> Result<(), Cut> {
        let mut line = serde_json::to_vec(&Line { kind, thing }).map_err(|_| ServiceError::Internal)?;
        line.push(b'\n');
        self.lines.send(Ok(line.into())).await.map_err(|_| Cut::Gone)
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
    ListProducts { filter: ProductFilter::default(), order: ProductOrder::NewestFirst, cursor, limit: MOST_LIMIT }
}
