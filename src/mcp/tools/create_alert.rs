//! `create_alert`: a rule about one product in short. Rules of other kinds are made with the API.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::{ChannelId, ChannelStatus, Condition, ProductId, RuleId, RuleScope, RuleSettings, Scope};
use crate::mcp::amount::Amount;
use crate::mcp::call::Call;
use crate::mcp::tool::{Effect, Tool};
use crate::service::{AddRule, Creation, RuleChannels, ServiceError, ServiceResult};

pub(super) struct CreateAlert;

/// Channels of a rule, at most.
const MAX_CHANNELS: u32 = 20;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    #[schemars(with = "String")]
    product_id: ProductId,
    kind: Kind,
    /// Of price_at_or_below
    target: Option<Amount>,
    /// Of price_drop
    percent: Option<f64>,
    /// Of lowest_price: in so many days
    days: Option<u32>,
    name: Option<String>,
    /// Default: all that work
    #[schemars(with = "Option<Vec<String>>")]
    channels: Option<Vec<ChannelId>>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    PriceAtOrBelow,
    PriceDrop,
    LowestPrice,
    BackInStock,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    #[schemars(with = "String")]
    alert_id: RuleId,
    #[schemars(with = "String")]
    product_id: ProductId,
    /// The condition, as the API shows it.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    when: Condition,
    name: Option<String>,
    #[schemars(with = "Vec<String>")]
    channels: Vec<ChannelId>,
    #[schemars(with = "String")]
    created_at: Timestamp,
}

impl Tool for CreateAlert {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "create_alert";
    const TITLE: &'static str = "Create an alert";
    const DESCRIPTION: &'static str = "Tells the tenant's channels when a product's price reaches a target, drops by a percentage, \
        is the lowest in some days, or when it is back in stock.";
    const SCOPE: Scope = Scope::AlertWrite;
    const WEIGHT: u32 = 2;
    const EFFECT: Effect = Effect::Adds;

    async fn call(call: Call, arguments: Arguments) -> ServiceResult<Answer> {
        let condition = arguments.condition()?;
        let product_id = arguments.product_id;
        let told = match arguments.channels {
            Some(channels) => channels,
            None => working_channels(&call).await?,
        };
        let settings = RuleSettings { name: arguments.name, ..RuleSettings::of(condition) };
        let channels = RuleChannels { told, fallback: None };
        let scope = RuleScope::Product(product_id);
        let request =
            AddRule { scope, settings, condition_path: "", webhook_url: None, channels, may_be_silent: false };
        match call.service.add_rule(call.caller, request, None).await? {
            Creation::Created(row) => Ok(Answer {
                alert_id: row.id,
                product_id,
                when: row.settings.condition,
                name: row.settings.name,
                channels: row.channels.told,
                created_at: row.created_at,
            }),
            // Only requests with an idempotency key are replayed.
            Creation::Replayed(_) => Err(ServiceError::Internal),
        }
    }
}

impl Arguments {
    /// The condition. Arguments of another kind are an error: the model may have meant something else.
    fn condition(&self) -> ServiceResult<Condition> {
        let condition = match (self.kind, self.target, self.percent, self.days) {
            (Kind::PriceAtOrBelow, Some(target), None, None) => {
                return Ok(Condition::PriceAtOrBelow { target: target.into() });
            }
            (Kind::PriceDrop, None, Some(percent), None) => {
                json!({ "kind": "moved", "field": "price", "dir": "down", "by": { "percent": percent } })
            }
            (Kind::LowestPrice, None, None, Some(days)) => json!({ "kind": "lowest", "field": "price", "days": days }),
            (Kind::BackInStock, None, None, None) => {
                json!({ "kind": "state", "of": "availability", "is": "in_stock" })
            }
            (Kind::PriceAtOrBelow, ..) => return Err(needs_only("target", "price_at_or_below")),
            (Kind::PriceDrop, ..) => return Err(needs_only("percent", "price_drop")),
            (Kind::LowestPrice, ..) => return Err(needs_only("days", "lowest_price")),
            (Kind::BackInStock, ..) => {
                return Err(ServiceError::invalid(
                    "kind",
                    "back_in_stock takes none of `target`, `percent` and `days`",
                ));
            }
        };
        Condition::from_json(&condition).map_err(|error| ServiceError::invalid(&error.field, error.message))
    }
}

fn needs_only(field: &str, kind: &str) -> ServiceError {
    ServiceError::invalid(
        field,
        format!("is required by {kind}, which takes no other of `target`, `percent` and `days`"),
    )
}

/// The channels that messages can be sent to, the newest first.
async fn working_channels(call: &Call) -> ServiceResult<Vec<ChannelId>> {
    let page = call.service.channels(call.caller.tenant_id, None, MAX_CHANNELS).await?;
    let working = page.items.into_iter().filter(|channel| channel.status == ChannelStatus::Ok);
    let channels: Vec<ChannelId> = working.map(|channel| channel.id).collect();
    if channels.is_empty() {
        let message =
            "there is no channel that works: a person must add one (POST /api/v1/channels) before alerts can be sent";
        return Err(ServiceError::invalid("channels", message));
    }
    Ok(channels)
}
