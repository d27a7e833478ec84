//! Bodies about rules.

use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::alert_condition::UnreadCondition;
use super::problem::Problem;
use super::product_view::WireMoney;
use super::strict::{given, optional_object};
use crate::domain::rule::{Again, Decimal, Fallback};
use crate::domain::{ChannelId, Condition, Money, ProductId, RuleScope, RuleSettings, Severity};
use crate::service::{AddRule, FieldError, PreviewRequest, RuleChannels, RulePatch};

/// Days of a preview.
const DEFAULT_PREVIEW_DAYS: u32 = 90;
const MAX_PREVIEW_DAYS: u32 = 730;

/// A rule to create: `product_id` or `scope`; `when`, or `kind` and `target`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "product_id": "0197a3c1-7d40-7000-8000-000000000000",
    "when": { "kind": "moved", "field": "price", "dir": "down", "by": { "percent": 10 } },
    "webhook_url": "https://example.com/hook"
}))]
pub(super) struct AddAlertBody {
    /// The product.
    #[schema(value_type = Option<Uuid>)]
    product_id: Option<ProductId>,
    /// Several products.
    #[serde(default, deserialize_with = "optional_object")]
    scope: Option<ScopeBody>,
    /// The condition in short: `price_at_or_below`, with `target`.
    kind: Option<AlertKind>,
    /// The price to wait for, in the currency of the marketplace.
    #[serde(default, deserialize_with = "optional_object")]
    target: Option<WireMoney>,
    /// The condition.
    #[schema(value_type = Option<super::alert_condition::WireCondition>)]
    when: Option<UnreadCondition>,
    /// A name for people.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[serde(default, deserialize_with = "optional_object")]
    again: Option<AgainBody>,
    /// Crossings of a product within so long after one that was told are told together at its end; default 0.
    #[schema(maximum = 2_592_000)]
    cooldown_secs: Option<u32>,
    /// `low`, `normal` (default) or `urgent`.
    #[schema(value_type = Option<String>, example = "normal")]
    severity: Option<Severity>,
    /// `true`: it is not evaluated.
    is_paused: Option<bool>,
    /// It is not evaluated from then on.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// The URL of a webhook: a public http or https address.
    #[schema(max_length = 2048)]
    webhook_url: Option<String>,
    /// The channels that are told.
    #[schema(value_type = Option<Vec<Uuid>>, max_items = 20)]
    channels: Option<Vec<ChannelId>>,
    #[serde(default, deserialize_with = "optional_object")]
    fallback: Option<FallbackBody>,
}

/// What a rule is about: exactly one of these.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertScope, example = json!({ "tag": "toys" }))]
pub(super) struct ScopeBody {
    /// One product.
    #[schema(value_type = Option<Uuid>)]
    product_id: Option<ProductId>,
    /// All products with this tag, also those that get it later.
    #[schema(max_length = 100)]
    tag: Option<String>,
    /// `true`: all products.
    all: Option<bool>,
}

/// Fire again while the condition still holds.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertAgain)]
pub(super) struct AgainBody {
    /// When the value is better than the one that was told last by so many percent.
    #[schema(value_type = f64, minimum = 0.01, maximum = 100)]
    further_percent: Decimal,
}

impl From<AgainBody> for Again {
    fn from(body: AgainBody) -> Self {
        Self { further_percent: body.further_percent }
    }
}

/// A channel that is told when none of the others has delivered.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertFallback)]
pub(super) struct FallbackBody {
    #[schema(value_type = Uuid)]
    channel: ChannelId,
    /// So long after the event.
    #[schema(maximum = 604_800)]
    after_secs: u32,
}

impl From<FallbackBody> for Fallback {
    fn from(body: FallbackBody) -> Self {
        Self { channel: body.channel, after_secs: body.after_secs }
    }
}

/// The condition of a rule in short.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AlertKind {
    /// The price is at or below the target.
    PriceAtOrBelow,
}

impl AddAlertBody {
    pub(super) fn request(self) -> Result<AddRule, Problem> {
        let (condition, condition_path) = condition_of(self.when.as_ref(), self.kind, self.target)?;
        let scope = scope_of(self.product_id, self.scope)?;
        let settings = RuleSettings {
            name: self.name,
            condition,
            again: self.again.map(Again::from),
            cooldown_secs: self.cooldown_secs.unwrap_or(0),
            severity: self.severity.unwrap_or_default(),
            is_paused: self.is_paused.unwrap_or(false),
            expires_at: self.expires_at,
        };
        let told = self.channels.unwrap_or_default();
        let channels = RuleChannels { told, fallback: self.fallback.map(Fallback::from) };
        let webhook_url = self.webhook_url;
        Ok(AddRule { scope, settings, condition_path, webhook_url, channels, may_be_silent: false })
    }
}

/// The condition of a body, and its path in it.
fn condition_of(
    when: Option<&UnreadCondition>,
    kind: Option<AlertKind>,
    target: Option<WireMoney>,
) -> Result<(Condition, &'static str), Problem> {
    match (when, kind, target) {
        (Some(when), None, None) => Ok((when.read("when")?, "when.")),
        (None, Some(AlertKind::PriceAtOrBelow), Some(target)) => {
            let target = Money::new(target.amount_minor, target.currency);
            Ok((Condition::PriceAtOrBelow { target }, ""))
        }
        (None, Some(AlertKind::PriceAtOrBelow), None) => Err(Problem::invalid_field("target", "is required")),
        (None, None, Some(_)) => Err(Problem::invalid_field("kind", "is required")),
        (None, None, None) => Err(Problem::invalid_field("when", "is required")),
        (Some(_), _, _) => Err(Problem::invalid_field("when", "give either `when`, or `kind` and `target`")),
    }
}

fn scope_of(product_id: Option<ProductId>, scope: Option<ScopeBody>) -> Result<RuleScope, Problem> {
    match (product_id, scope) {
        (Some(product_id), None) => Ok(RuleScope::Product(product_id)),
        (None, None) => Err(Problem::invalid_field("product_id", "is required, or `scope`")),
        (Some(_), Some(_)) => Err(Problem::invalid_field("scope", "give either `product_id` or `scope`")),
        (None, Some(scope)) => match (scope.product_id, scope.tag, scope.all) {
            (Some(product_id), None, None) => Ok(RuleScope::Product(product_id)),
            (None, Some(tag), None) => Ok(RuleScope::Tag(tag)),
            (None, None, Some(true)) => Ok(RuleScope::All),
            _ => Err(Problem::invalid_field("scope", "give one of `product_id`, `tag` and `\"all\": true`")),
        },
    }
}

/// Changes of a rule. Omitted fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "snoozed_until": "2030-01-01T00:00:00Z" }))]
pub(super) struct PatchAlertBody {
    /// Null removes it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    name: Option<Option<String>>,
    /// What the rule remembers of the old condition is forgotten: one that already holds fires.
    #[schema(value_type = Option<super::alert_condition::WireCondition>)]
    when: Option<UnreadCondition>,
    /// Null: not again.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<AgainBody>)]
    again: Option<Option<AgainBody>>,
    #[schema(maximum = 2_592_000)]
    cooldown_secs: Option<u32>,
    #[schema(value_type = Option<String>, example = "urgent")]
    severity: Option<Severity>,
    is_paused: Option<bool>,
    /// Null: never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<Timestamp>>,
    /// The rule is evaluated, and nothing is sent until then. Null ends a snooze.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    snoozed_until: Option<Option<Timestamp>>,
    /// Replaces all channels, and the fallback.
    #[schema(value_type = Option<Vec<Uuid>>, max_items = 20)]
    channels: Option<Vec<ChannelId>>,
    /// With `channels`.
    #[serde(default, deserialize_with = "optional_object")]
    fallback: Option<FallbackBody>,
}

impl PatchAlertBody {
    pub(super) fn patch(self, expected_version: Option<i64>) -> Result<RulePatch, Problem> {
        if self.channels.is_none() && self.fallback.is_some() {
            return Err(Problem::invalid_field("fallback", "is given with `channels`"));
        }
        let fallback = self.fallback.map(Fallback::from);
        let channels = self.channels.map(|told| RuleChannels { told, fallback });
        Ok(RulePatch {
            name: self.name,
            condition: self.when.map(|when| when.read("when")).transpose()?,
            again: self.again.map(|again| again.map(Again::from)),
            cooldown_secs: self.cooldown_secs,
            severity: self.severity,
            is_paused: self.is_paused,
            expires_at: self.expires_at,
            snoozed_until: self.snoozed_until,
            channels,
            expected_version,
        })
    }
}

/// A rule to play over the stored history of a product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "product_id": "0197a3c1-7d40-7000-8000-000000000000",
    "when": { "kind": "lowest", "field": "price", "days": 30 }, "days": 90
}))]
pub(super) struct PreviewAlertBody {
    /// The product.
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    kind: Option<AlertKind>,
    #[serde(default, deserialize_with = "optional_object")]
    target: Option<WireMoney>,
    /// The condition.
    #[schema(value_type = Option<super::alert_condition::WireCondition>)]
    when: Option<UnreadCondition>,
    #[serde(default, deserialize_with = "optional_object")]
    again: Option<AgainBody>,
    #[schema(maximum = 2_592_000)]
    cooldown_secs: Option<u32>,
    /// How far back, 1 to 730; default 90.
    #[schema(minimum = 1, maximum = 730)]
    days: Option<u32>,
}

impl PreviewAlertBody {
    pub(super) fn request(self) -> Result<PreviewRequest, Problem> {
        let (condition, condition_path) = condition_of(self.when.as_ref(), self.kind, self.target)?;
        let days = self.days.unwrap_or(DEFAULT_PREVIEW_DAYS);
        if !(1..=MAX_PREVIEW_DAYS).contains(&days) {
            let message = format!("must be between 1 and {MAX_PREVIEW_DAYS}");
            return Err(Problem::invalid(vec![FieldError::new("days", message)]));
        }
        let settings = RuleSettings {
            again: self.again.map(Again::from),
            cooldown_secs: self.cooldown_secs.unwrap_or(0),
            ..RuleSettings::of(condition)
        };
        Ok(PreviewRequest { product_id: self.product_id, settings, condition_path, days })
    }
}
