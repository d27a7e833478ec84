//! Rules and events as responses show them.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::alert_condition::WireCondition;
use super::product_view::WireMoney;
use crate::domain::rule::{Field, Reason, ReplayedCrossing, Unit};
use crate::domain::{
    Asin, ChannelId, Condition, Currency, Delivery, DeliveryId, DeliveryStatus, Event, EventId, Marketplace, Money,
    ProductId, RuleId, RuleScope, Severity,
};
use crate::service::{EventRow, Preview, RuleRow};

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alert)]
pub(super) struct WireAlert {
    #[schema(value_type = Uuid)]
    id: RuleId,
    /// The product; null of a rule about several.
    #[schema(value_type = Option<Uuid>)]
    product_id: Option<ProductId>,
    scope: WireScope,
    name: Option<String>,
    /// The kind of `when`.
    kind: &'static str,
    /// The target of `price_at_or_below`.
    target: Option<WireMoney>,
    when: WireCondition,
    #[serde(skip_serializing_if = "Option::is_none")]
    again: Option<WireAgain>,
    cooldown_secs: u32,
    /// `low`, `normal` or `urgent`.
    #[schema(value_type = String, example = "normal")]
    severity: Severity,
    is_paused: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Nothing is sent until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    snoozed_until: Option<Timestamp>,
    /// The channels that are told.
    #[schema(value_type = Vec<Uuid>)]
    channels: Vec<ChannelId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<WireFallback>,
    webhook_url: Option<String>,
    /// Signs the deliveries; shown once, when the rule is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_secret: Option<String>,
    /// True when the next crossing fires; false until the condition has ceased to hold, past a margin.
    is_armed: bool,
    /// Crossings so far.
    crossings: u32,
    /// When it last fired, by the events that are kept.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_fired_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// What a rule is about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertScopeView)]
struct WireScope {
    #[schema(value_type = Option<Uuid>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    product_id: Option<ProductId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<bool>,
}

impl From<RuleScope> for WireScope {
    fn from(scope: RuleScope) -> Self {
        let nothing = Self { product_id: None, tag: None, all: None };
        match scope {
            RuleScope::Product(product_id) => Self { product_id: Some(product_id), ..nothing },
            RuleScope::Tag(tag) => Self { tag: Some(tag), ..nothing },
            RuleScope::All => Self { all: Some(true), ..nothing },
        }
    }
}

/// The channel that is told when none of the others has delivered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertFallbackView)]
struct WireFallback {
    #[schema(value_type = Uuid)]
    channel: ChannelId,
    after_secs: u32,
}

/// When a rule fires again while its condition holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertAgainView)]
struct WireAgain {
    further_percent: f64,
}

impl WireAlert {
    /// With the key that signs its webhooks.
    pub(super) fn with_secret(row: RuleRow) -> Self {
        let webhook_secret = row.webhook.as_ref().map(|webhook| webhook.secret.clone());
        Self { webhook_secret, ..Self::from(row) }
    }
}

fn target_of(condition: &Condition) -> Option<WireMoney> {
    match condition {
        Condition::PriceAtOrBelow { target } => Some((*target).into()),
        _ => None,
    }
}

impl From<RuleRow> for WireAlert {
    fn from(row: RuleRow) -> Self {
        let settings = row.settings;
        let product_id = match row.scope {
            RuleScope::Product(product_id) => Some(product_id),
            RuleScope::Tag(_) | RuleScope::All => None,
        };
        let again = settings.again.map(|again| again.further_percent.hundredths as f64 / 100.0);
        Self {
            id: row.id,
            product_id,
            scope: row.scope.into(),
            name: settings.name,
            kind: settings.condition.kind(),
            target: target_of(&settings.condition),
            when: WireCondition(settings.condition),
            again: again.map(|further_percent| WireAgain { further_percent }),
            cooldown_secs: settings.cooldown_secs,
            severity: settings.severity,
            is_paused: settings.is_paused,
            expires_at: settings.expires_at,
            snoozed_until: row.snoozed_until,
            channels: row.channels.told,
            fallback: row
                .channels
                .fallback
                .map(|fallback| WireFallback { channel: fallback.channel, after_secs: fallback.after_secs }),
            webhook_url: row.webhook.map(|webhook| webhook.url),
            webhook_secret: None,
            is_armed: row.is_armed,
            crossings: row.crossings,
            last_fired_at: row.last_fired_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A test that made a condition true, and what it compared.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertReason)]
pub(super) struct WireReason {
    /// The kind of the test.
    kind: &'static str,
    /// The number that it compared: `price`, `rank`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    /// Its value: money has a currency in `currency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// What it was compared with, or the value before.
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<f64>,
    /// Of money: `value` and `was` are in minor units of this currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
    /// A seller, an availability or a coupon.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The seller before.
    #[serde(skip_serializing_if = "Option::is_none")]
    was_text: Option<String>,
    /// The parts of the content that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    content: Vec<&'static str>,
}

impl WireReason {
    fn of(reason: Reason, currency: Currency) -> Self {
        let field = reason.field();
        let scale = |number: i64| match field.map(Field::unit) {
            Some(Unit::Hundredths) => number as f64 / 100.0,
            _ => number as f64,
        };
        Self {
            kind: reason.test.kind(),
            field: field.map(Field::as_str),
            value: reason.value.map(scale),
            was: reason.was.map(scale),
            currency: field.filter(|field| field.unit() == Unit::Money).map(|_| currency),
            text: reason.text,
            was_text: reason.was_text,
            content: reason.fields.iter().map(|field| field.as_str()).collect(),
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
    /// The name that the rule had.
    alert_name: Option<String>,
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    /// The kind of the rule's condition.
    kind: &'static str,
    /// `low`, `normal` or `urgent`.
    #[schema(value_type = String, example = "normal")]
    severity: Severity,
    #[schema(value_type = String)]
    marketplace: Marketplace,
    #[schema(value_type = String)]
    asin: Asin,
    title: Option<String>,
    /// The target of `price_at_or_below`.
    target: Option<WireMoney>,
    /// The price at this time; null if there was none.
    price: Option<WireMoney>,
    /// The price before it.
    previous_price: Option<WireMoney>,
    /// When the price before it was last read from a page: long ago, if the pages in between did not state one.
    #[schema(value_type = Option<String>, format = DateTime)]
    previous_price_as_of: Option<Timestamp>,
    /// What made the condition true.
    reasons: Vec<WireReason>,
    /// The number of the crossing within its rule; of a rule about several products, within the product.
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
    /// The channel, which may have been deleted since; null: the webhook of the rule.
    #[schema(value_type = Option<Uuid>)]
    channel_id: Option<ChannelId>,
    /// `pending`, `held`, `sending`, `delivered`, `dead` or `dropped`.
    #[schema(value_type = String, example = "delivered")]
    status: DeliveryStatus,
    attempts: u32,
    /// Why the last attempt failed.
    last_error: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
}

impl From<Delivery> for WireDelivery {
    fn from(delivery: Delivery) -> Self {
        let Delivery { id, channel_id, status, attempts, last_error, delivered_at } = delivery;
        Self { id, channel_id, status, attempts, last_error, delivered_at }
    }
}

impl From<EventRow> for WireEvent {
    fn from(row: EventRow) -> Self {
        let EventRow { event, deliveries } = row;
        let facts = event.facts;
        let currency = facts.listing.marketplace.currency();
        let money = |money: Option<Money>| money.map(WireMoney::from);
        Self {
            id: event.id,
            alert_id: event.rule_id,
            alert_name: facts.rule_name,
            product_id: event.product_id,
            kind: facts.condition.kind(),
            severity: facts.severity,
            marketplace: facts.listing.marketplace,
            asin: facts.listing.asin,
            title: facts.title,
            target: target_of(&facts.condition),
            price: money(facts.price),
            previous_price: money(facts.previous_price),
            previous_price_as_of: facts.previous_price_as_of,
            reasons: facts.reasons.into_iter().map(|reason| WireReason::of(reason, currency)).collect(),
            crossing: facts.crossing,
            at: event.at,
            deliveries: Some(deliveries.into_iter().map(WireDelivery::from).collect()),
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

/// What a rule would have told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertPreview)]
pub(super) struct WirePreview {
    /// The rule is created then.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// How often it would have fired.
    total: usize,
    /// How many messages this would have been: crossings within a cooldown share one.
    messages: usize,
    /// The latest 500 crossings, in order.
    crossings: Vec<WireCrossing>,
    /// The kinds of tests about what history does not keep. In the preview no content changes, no seller joins, and every crawl finds
    /// the page.
    not_in_history: Vec<&'static str>,
}

/// A crossing that would have happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewedCrossing)]
struct WireCrossing {
    /// Its number, from 1.
    number: u32,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// When it would have been told: later within a cooldown.
    #[schema(value_type = String, format = DateTime)]
    told_at: Timestamp,
    /// What made the condition true.
    reasons: Vec<WireReason>,
}

impl WirePreview {
    pub(super) fn of(preview: Preview, currency: Currency) -> Self {
        let crossing = |crossing: ReplayedCrossing| WireCrossing {
            number: crossing.number,
            at: crossing.at,
            told_at: crossing.told_at,
            reasons: crossing.reasons.into_iter().map(|reason| WireReason::of(reason, currency)).collect(),
        };
        Self {
            from: preview.from,
            to: preview.to,
            total: preview.total,
            messages: preview.messages,
            crossings: preview.crossings.into_iter().map(crossing).collect(),
            not_in_history: preview.not_in_history,
        }
    }
}
