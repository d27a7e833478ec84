//! `/api/v1/alerts`: alert rules and their events.

use std::str::FromStr;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Shared;
use super::alert_requests::{AddAlertBody, PatchAlertBody, PreviewAlertBody};
use super::alert_view::{WireAlert, WireEvent, WirePreview};
use super::etag::{expected_version, versioned};
use super::field_parsing::{check_text, parsed};
use super::idempotency::{RequestKey, rendered, respond};
use super::paging::{WirePage, limit_of, paged};
use super::problem::Problem;
use super::routes::Routes;
use super::strict::{PathId, StrictJson, StrictQuery};
use crate::domain::{DeliveryId, EventId, RuleId, Scope};
use crate::service::{Caller, EventFilter, FieldError, RuleFilter, RuleRow, StoredResponse};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/alerts", |path| path.get(Scope::ProductRead, list).create(Scope::AlertWrite, add));
    routes.path("/alerts/preview", |path| path.post(Scope::ProductRead, preview));
    routes.path("/alerts/events", |path| path.get(Scope::ProductRead, events));
    routes.path("/alerts/events/{id}", |path| path.get(Scope::ProductRead, event));
    routes.path("/alerts/deliveries/{id}/retry", |path| path.post(Scope::AlertWrite, retry));
    routes.path("/alerts/{id}", |path| {
        path.get(Scope::ProductRead, get).patch(Scope::AlertWrite, patch).delete(Scope::AlertWrite, remove)
    });
}

const SEVERITIES: &str = "low, normal, urgent";
const DELIVERY_STATES: &str = "pending, held, sending, delivered, dead, dropped";

/// Filter and page of a list of rules.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AlertQuery {
    /// Only those about this product alone.
    product_id: Option<String>,
    /// Only those about the products with this tag.
    tag: Option<String>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Rows, 1 to 250; default 50.
    limit: Option<String>,
}

/// Filter and page of a list of events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventQuery {
    /// Only those of this product.
    product_id: Option<String>,
    /// Only those of this rule.
    alert_id: Option<String>,
    /// Only those at or after this time (RFC 3339).
    since: Option<String>,
    /// Only those before this time (RFC 3339).
    until: Option<String>,
    /// Only those of rules with this severity: `low`, `normal` or `urgent`.
    #[param(example = "urgent")]
    severity: Option<String>,
    /// Only those with a delivery in this state: `pending`, `held`, `sending`, `delivered`, `dead` or `dropped`.
    #[param(example = "dead")]
    delivery: Option<String>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Rows, 1 to 250; default 50.
    limit: Option<String>,
}

impl AlertQuery {
    fn checked(self) -> Result<(RuleFilter, Option<String>, u32), Problem> {
        let mut errors = Vec::new();
        let product_id = parsed("product_id", self.product_id.as_deref(), &mut errors);
        check_text("tag", self.tag.as_deref(), &mut errors);
        let filter = RuleFilter { product_id, tag: self.tag };
        let limit = limit_of(self.limit.as_deref(), &mut errors);
        if errors.is_empty() { Ok((filter, self.cursor, limit)) } else { Err(Problem::invalid(errors)) }
    }
}

impl EventQuery {
    fn checked(self) -> Result<(EventFilter, Option<String>, u32), Problem> {
        let mut errors = Vec::new();
        let filter = EventFilter {
            product_id: parsed("product_id", self.product_id.as_deref(), &mut errors),
            rule_id: parsed("alert_id", self.alert_id.as_deref(), &mut errors),
            since: parsed::<Timestamp>("since", self.since.as_deref(), &mut errors),
            until: parsed::<Timestamp>("until", self.until.as_deref(), &mut errors),
            severity: word_of("severity", self.severity.as_deref(), SEVERITIES, &mut errors),
            delivery: word_of("delivery", self.delivery.as_deref(), DELIVERY_STATES, &mut errors),
        };
        let limit = limit_of(self.limit.as_deref(), &mut errors);
        if errors.is_empty() { Ok((filter, self.cursor, limit)) } else { Err(Problem::invalid(errors)) }
    }
}

/// A word of a parameter; `words` are those that there are.
fn word_of<T: FromStr>(field: &str, word: Option<&str>, words: &str, errors: &mut Vec<FieldError>) -> Option<T> {
    let found = word?.parse().ok();
    if found.is_none() {
        errors.push(FieldError::new(field, format!("must be one of {words}")));
    }
    found
}

/// Create a rule. It is evaluated from the next crawl on.
///
/// A condition that already holds fires; what compares with earlier values takes the next crawl as its baseline.
#[utoipa::path(post, path = "/api/v1/alerts", tag = "alerts", request_body = AddAlertBody, responses(
    (status = 201, description = "The rule, with the key that signs its webhooks; the key is not shown again", body = WireAlert),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 404, description = "No such product", body = Problem),
    (status = 402, description = "The plan allows no more alerts", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    key: RequestKey,
    StrictJson(body): StrictJson<AddAlertBody>,
) -> Result<impl Responder, Problem> {
    let creation = shared.service.add_rule(caller, body.request()?, key.claim(created)).await?;
    Ok(respond(creation, created))
}

/// The only response that shows the signing key.
fn created(row: &RuleRow) -> StoredResponse {
    let location = format!("/api/v1/alerts/{}", row.id);
    rendered(StatusCode::CREATED, location, &WireAlert::with_secret(row.clone()))
}

/// Play a rule over the stored history of a product: when it would have fired, and how many messages that would have been.
///
/// Nothing is stored or sent. The rule is played as if it had been created `days` ago.
///
/// History keeps changes of values, and not the crawls. So the preview tells what the rule would have told if each crawl had found a
/// page, with all values and an offer list. It does not know crawls that failed, values that a page did not state, nor when crawls that
/// found no change were made: what lasts (`for`, `crawls`) and comparisons with a time that passes may be off by a crawl.
#[utoipa::path(post, path = "/api/v1/alerts/preview", tag = "alerts", request_body = PreviewAlertBody, responses(
    (status = 200, description = "What it would have told", body = WirePreview),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 404, description = "No such product", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn preview(
    shared: Data<Shared>,
    caller: Caller,
    StrictJson(body): StrictJson<PreviewAlertBody>,
) -> Result<impl Responder, Problem> {
    let (preview, currency) = shared.service.preview_rule(caller.tenant_id, body.request()?).await?;
    Ok(Json(WirePreview::of(preview, currency)))
}

/// List rules, newest first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(AlertQuery), responses(
    (status = 200, description = "A page", body = WirePage<WireAlert>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<AlertQuery>,
) -> Result<impl Responder, Problem> {
    let (filter, cursor, limit) = query.checked()?;
    let page = shared.service.rules(caller.tenant_id, filter, cursor, limit).await?;
    Ok(paged::<_, WireAlert>(page))
}

/// List events, newest first.
#[utoipa::path(get, path = "/api/v1/alerts/events", tag = "alerts", params(EventQuery), responses(
    (status = 200, description = "A page", body = WirePage<WireEvent>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn events(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<EventQuery>,
) -> Result<impl Responder, Problem> {
    let (filter, cursor, limit) = query.checked()?;
    let page = shared.service.events(caller.tenant_id, filter, cursor, limit).await?;
    Ok(paged::<_, WireEvent>(page))
}

/// Get one event, with its deliveries.
#[utoipa::path(get, path = "/api/v1/alerts/events/{id}", tag = "alerts", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The event", body = WireEvent),
    (status = 404, description = "No such event", body = Problem),
))]
pub(super) async fn event(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<EventId>,
) -> Result<impl Responder, Problem> {
    Ok(Json(WireEvent::from(shared.service.event(caller.tenant_id, id).await?)))
}

/// Send a dead delivery again.
///
/// It is pending again, with all its attempts. The delivery of an alert that was deleted cannot be sent again.
#[utoipa::path(post, path = "/api/v1/alerts/deliveries/{id}/retry", tag = "alerts", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Pending again"),
    (status = 404, description = "No dead delivery with this id", body = Problem),
))]
pub(super) async fn retry(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<DeliveryId>,
) -> Result<impl Responder, Problem> {
    shared.service.retry_delivery(caller, id).await?;
    Ok(HttpResponse::NoContent())
}

fn shown(row: RuleRow) -> HttpResponse {
    versioned(StatusCode::OK, row.version, &WireAlert::from(row))
}

/// Get one rule.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The rule", body = WireAlert),
    (status = 404, description = "No such rule", body = Problem),
))]
pub(super) async fn get(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<RuleId>,
) -> Result<impl Responder, Problem> {
    Ok(shown(shared.service.rule(caller.tenant_id, id).await?))
}

/// Change a rule: pause it, snooze it, give it another condition. Omitted fields stay as they are.
#[utoipa::path(patch, path = "/api/v1/alerts/{id}", tag = "alerts", request_body = PatchAlertBody,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that you read")), responses(
    (status = 200, description = "The changed rule", body = WireAlert),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 404, description = "No such rule", body = Problem),
    (status = 412, description = "It has changed since you read it", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn patch(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<RuleId>,
    StrictJson(body): StrictJson<PatchAlertBody>,
) -> Result<impl Responder, Problem> {
    let patch = body.patch(expected_version(request.headers())?)?;
    Ok(shown(shared.service.update_rule(caller, id, patch).await?))
}

/// Delete a rule; its events stay.
#[utoipa::path(delete, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "No such rule", body = Problem),
))]
pub(super) async fn remove(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<RuleId>,
) -> Result<impl Responder, Problem> {
    shared.service.remove_rule(caller, id).await?;
    Ok(HttpResponse::NoContent())
}
