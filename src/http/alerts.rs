//! `/api/v1/alerts`: alert rules and their events.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::field_parsing::parsed;
use super::idempotency::{RequestKey, rendered, respond};
use super::paging::{WirePage, limit_of, paged};
use super::problem::Problem;
use super::product_view::WireMoney;
use super::routes::Routes;
use super::strict::{PathId, StrictJson, StrictQuery, object};
use crate::domain::{
    Asin, Condition, Delivery, DeliveryId, DeliveryStatus, Event, EventId, Marketplace, Money, ProductId, RuleId, Scope,
};
use crate::service::{AddRule, Caller, EventRow, RuleRow, StoredResponse};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/alerts", |path| path.get(Scope::ProductRead, list).create(Scope::AlertWrite, add));
    routes.path("/alerts/events", |path| path.get(Scope::ProductRead, events));
    routes.path("/alerts/deliveries/{id}/retry", |path| path.post(Scope::AlertWrite, retry));
    routes.path("/alerts/{id}", |path| path.get(Scope::ProductRead, get).delete(Scope::AlertWrite, remove));
}

/// A rule to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddAlertBody {
    /// The product.
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    /// The condition.
    kind: AlertKind,
    /// The price to wait for, in the currency of the marketplace.
    #[serde(deserialize_with = "object")]
    target: WireMoney,
    /// The URL of the webhook: a public http or https address.
    #[schema(max_length = 2048)]
    webhook_url: String,
}

/// The condition of a rule.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AlertKind {
    /// The price is at or below the target.
    PriceAtOrBelow,
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alert)]
pub(super) struct WireAlert {
    #[schema(value_type = Uuid)]
    id: RuleId,
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    kind: &'static str,
    target: WireMoney,
    webhook_url: String,
    /// Signs the deliveries; shown once, when the rule is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_secret: Option<String>,
    /// True when the next crossing fires; false until the price has risen past the margin again.
    is_armed: bool,
    /// Crossings so far.
    crossings: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<RuleRow> for WireAlert {
    fn from(row: RuleRow) -> Self {
        let Condition::PriceAtOrBelow { target } = row.rule.condition;
        Self {
            id: row.rule.id,
            product_id: row.rule.product_id,
            kind: row.rule.condition.kind(),
            target: target.into(),
            webhook_url: row.webhook_url,
            webhook_secret: None,
            is_armed: row.rule.arming.armed,
            crossings: row.rule.arming.crossings,
            created_at: row.created_at,
        }
    }
}

/// An event, and its deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(super) struct WireEvent {
    #[schema(value_type = Uuid)]
    id: EventId,
    #[schema(value_type = Uuid)]
    alert_id: RuleId,
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    kind: &'static str,
    #[schema(value_type = String)]
    marketplace: Marketplace,
    #[schema(value_type = String)]
    asin: Asin,
    title: Option<String>,
    target: WireMoney,
    /// The price that crossed the target.
    price: WireMoney,
    /// The price before it.
    previous_price: Option<WireMoney>,
    /// When the price before it was last read from a page: long ago, if the pages in between did not state one.
    #[schema(value_type = Option<String>, format = DateTime)]
    previous_price_as_of: Option<Timestamp>,
    /// The number of the crossing within its rule.
    crossing: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Its deliveries; not in the event stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<Vec<WireDelivery>>,
}

/// A message to one channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(super) struct WireDelivery {
    /// The `webhook-id` of every attempt.
    #[schema(value_type = Uuid)]
    id: DeliveryId,
    /// `pending`, `delivered` or `dead`.
    #[schema(value_type = String, example = "delivered")]
    status: DeliveryStatus,
    attempts: u32,
    /// Why the last attempt failed.
    last_error: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
}

impl From<EventRow> for WireEvent {
    fn from(row: EventRow) -> Self {
        let (event, facts) = (&row.event, row.event.facts.clone());
        let Condition::PriceAtOrBelow { target } = facts.condition;
        let delivery = |delivery: Delivery| WireDelivery {
            id: delivery.id,
            status: delivery.status,
            attempts: delivery.attempts,
            last_error: delivery.last_error,
            delivered_at: delivery.delivered_at,
        };
        Self {
            id: event.id,
            alert_id: event.rule_id,
            product_id: event.product_id,
            kind: facts.condition.kind(),
            marketplace: facts.listing.marketplace,
            asin: facts.listing.asin,
            title: facts.title,
            target: target.into(),
            price: facts.price.into(),
            previous_price: facts.previous_price.map(WireMoney::from),
            previous_price_as_of: facts.previous_price_as_of,
            crossing: facts.crossing,
            at: event.at,
            deliveries: Some(row.deliveries.into_iter().map(delivery).collect()),
        }
    }
}

impl WireEvent {
    /// As the event stream shows it.
    pub(super) fn as_stream_item(event: Event) -> Self {
        let mut wire = Self::from(EventRow { event, deliveries: Vec::new() });
        wire.deliveries = None;
        wire
    }
}

/// Filter and page of a list of rules or events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AlertQuery {
    /// Only those of this product.
    product_id: Option<String>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Rows, 1 to 250; default 50.
    limit: Option<String>,
}

impl AlertQuery {
    fn checked(self) -> Result<(Option<ProductId>, Option<String>, u32), Problem> {
        let mut errors = Vec::new();
        let product_id = parsed("product_id", self.product_id.as_deref(), &mut errors);
        let limit = limit_of(self.limit.as_deref(), &mut errors);
        if errors.is_empty() { Ok((product_id, self.cursor, limit)) } else { Err(Problem::invalid(errors)) }
    }
}

/// Create a rule. It is evaluated from the next crawl on.
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
    let target = Money::new(body.target.amount_minor, body.target.currency);
    let condition = match body.kind {
        AlertKind::PriceAtOrBelow => Condition::PriceAtOrBelow { target },
    };
    let request = AddRule { product_id: body.product_id, condition, webhook_url: body.webhook_url };
    let creation = shared.service.add_rule(caller, request, key.claim(created)).await?;
    Ok(respond(creation, created))
}

/// The only response that shows the signing key.
fn created(row: &RuleRow) -> StoredResponse {
    let location = format!("/api/v1/alerts/{}", row.rule.id);
    let webhook_secret = Some(row.webhook_secret.clone());
    rendered(StatusCode::CREATED, location, &WireAlert { webhook_secret, ..WireAlert::from(row.clone()) })
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
    let (product_id, cursor, limit) = query.checked()?;
    let page = shared.service.rules(caller.tenant_id, product_id, cursor, limit).await?;
    Ok(paged::<_, WireAlert>(page))
}

/// List events, newest first.
#[utoipa::path(get, path = "/api/v1/alerts/events", tag = "alerts", params(AlertQuery), responses(
    (status = 200, description = "A page", body = WirePage<WireEvent>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn events(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<AlertQuery>,
) -> Result<impl Responder, Problem> {
    let (product_id, cursor, limit) = query.checked()?;
    let page = shared.service.events(caller.tenant_id, product_id, cursor, limit).await?;
    Ok(paged::<_, WireEvent>(page))
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
    Ok(Json(WireAlert::from(shared.service.rule(caller.tenant_id, id).await?)))
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
