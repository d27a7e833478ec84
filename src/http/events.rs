//! `/api/v1/events`: changes, alerts, the progress of jobs and spent budgets as server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::fmt::Write;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, HeaderName, HeaderValue};
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse, Responder};
use futures_util::stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::alert_view::WireEvent;
use super::credential::credential;
use super::history::WireValue;
use super::jobs::WireJob;
use super::problem::Problem;
use super::routes::Routes;
use super::stalled::watched;
use super::strict::StrictQuery;
use crate::domain::{Asin, Marketplace, Point, ProductId, Scope};
use crate::service::{Caller, Change, FeedItem, FieldError, LiveStream, ServiceError, StreamItem};

const LAST_EVENT_ID: &str = "last-event-id";
/// How long a client waits before it reconnects.
const RETRY_MILLIS: u32 = 3000;
const STREAM_TYPE: &str = "text/event-stream";
/// Keeps proxies from buffering the stream.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/events", |path| path.get(Scope::ProductRead, events));
}

/// The data of a `change`: what one crawl changed of a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub(super) struct WireChange {
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    #[schema(value_type = String)]
    marketplace: Marketplace,
    #[schema(value_type = String)]
    asin: Asin,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The new values.
    changes: Vec<ChangedValue>,
}

/// A value that changed.
#[derive(Debug, Serialize, ToSchema)]
struct ChangedValue {
    /// As in the history.
    series: &'static str,
    /// The bestseller category of a sales rank.
    category: Option<String>,
    /// As in the history.
    #[schema(schema_with = WireValue::schema)]
    value: WireValue,
}

impl From<&Change> for WireChange {
    fn from(change: &Change) -> Self {
        let currency = change.listing.marketplace.currency();
        let value = |point: &Point| ChangedValue {
            series: point.key.series.as_str(),
            category: Some(point.key.category.clone()).filter(|category| !category.is_empty()),
            value: WireValue::of(point, currency),
        };
        Self {
            product_id: change.product_id,
            marketplace: change.listing.marketplace,
            asin: change.listing.asin,
            at: change.at,
            changes: change.points.iter().map(value).collect(),
        }
    }
}

/// The data of a `budget`: crawls that cost money wait because a budget is spent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BudgetSpent)]
pub(super) struct WireBudgetSpent {
    /// Whose budget it is: `tenant` or `installation`.
    #[schema(example = "tenant")]
    budget: &'static str,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// Where a stream begins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// As the header `Last-Event-ID`, for clients that cannot set it on their first request. The header counts if both are given.
    last_event_id: Option<String>,
}

/// Stream changes of your products, alerts that fire, the progress of jobs and budgets that are spent, as server-sent events.
///
/// The data of `change` is a Change, that of `alert` an Event without its deliveries, that of `job` a Job, that of `budget` a
/// BudgetSpent, sent once a day of each budget. `reset` means that too many
/// events were missed to replay them: read everything again. A comment is sent every 15 seconds. A client that reconnects with
/// `Last-Event-ID` gets the events since then; some may be repeated, under the same ids.
/// A user or API key has at most eight streams: a ninth ends the oldest, which gets `full` before its end and should not be opened
/// again. A stream ends when its credential is revoked.
#[utoipa::path(get, path = "/api/v1/events", tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received"), EventsQuery),
    responses(
    (status = 200, description = "A stream of events", content_type = "text/event-stream", body = String),
    (status = 422, description = "Last-Event-ID is not an id of this stream", body = Problem),
))]
pub(super) async fn events(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    StrictQuery(query): StrictQuery<EventsQuery>,
) -> Result<impl Responder, Problem> {
    // A client that reconnects by itself repeats the query that it began with, and sends the newer id in the header.
    let since = match (request.headers().get(LAST_EVENT_ID), &query.last_event_id) {
        (Some(id), _) => Some(last_received("Last-Event-ID", id.to_str().ok())?),
        (None, Some(id)) => Some(last_received("last_event_id", Some(id))?),
        (None, None) => None,
    };
    let mut response = HttpResponse::Ok();
    response.content_type(STREAM_TYPE);
    response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
    response.insert_header((X_ACCEL_BUFFERING, HeaderValue::from_static("no")));
    // Compression would delay events.
    response.insert_header((CONTENT_ENCODING, HeaderValue::from_static("identity")));
    if request.method() == Method::HEAD {
        return Ok(response.finish());
    }
    let credential = credential(&request)?.ok_or(ServiceError::Unauthenticated)?;
    let live = shared.service.listen(&caller, credential, since).await?;
    let first = stream::once(async { Ok(Bytes::from(format!("retry: {RETRY_MILLIS}\n\n"))) });
    let rest = stream::unfold(live, async |mut live: LiveStream| {
        let item = live.next().await?;
        Some((Ok::<_, Error>(Bytes::from(written(&item))), live))
    });
    let parts = Box::pin(stream::StreamExt::chain(first, rest));
    Ok(response.streaming(watched(&request, shared.settings.send_timeout, parts)))
}

/// Ids begin with the time, in milliseconds.
fn last_received(field: &str, id: Option<&str>) -> Result<Timestamp, Problem> {
    let millis = id.and_then(|id| id.split('.').next()?.parse().ok());
    let at = millis.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    at.ok_or_else(|| Problem::invalid(vec![FieldError::new(field, "is not an id of this stream")]))
}

fn written(item: &StreamItem) -> String {
    match item {
        StreamItem::Heartbeat => ": here\n\n".to_owned(),
        // Without an id: there is nothing to go on from.
        StreamItem::Full => "event: full\ndata: {}\n\n".to_owned(),
        StreamItem::Reset(at) => block(&at.as_millisecond().to_string(), "reset", &json!({ "at": at })),
        StreamItem::FeedItem(item) => {
            let id = format!("{}.{}", item.at().as_millisecond(), item.subject().simple());
            match &**item {
                FeedItem::Change(change) => block(&id, "change", &WireChange::from(change)),
                FeedItem::Budget(refusal) => {
                    block(&id, "budget", &WireBudgetSpent { budget: refusal.owner.as_str(), at: refusal.at })
                }
                FeedItem::Job(job) => block(&id, "job", &WireJob::from(job.clone())),
                FeedItem::Alert(event) => block(&id, "alert", &WireEvent::as_stream_item(event.clone())),
            }
        }
    }
}

/// JSON has no line breaks of its own, so the data is one line.
fn block(id: &str, kind: &str, data: &impl Serialize) -> String {
    let mut block = format!("id: {id}\nevent: {kind}\n");
    let data = serde_json::to_string(data).unwrap_or_default();
    let _ = write!(block, "data: {data}\n\n");
    block
}
