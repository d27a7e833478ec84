//! `list_alert_events`: what alerts have fired.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Asin, Marketplace, Money, ProductId, RuleId, Scope};
use crate::mcp::amount::Amount;
use crate::mcp::answer::fitting;
use crate::mcp::arguments::rows;
use crate::mcp::call::Call;
use crate::mcp::product_facts::row_title;
use crate::mcp::tool::{Effect, Tool};
use crate::service::{EventFilter, EventRow, Page, ServiceResult};

pub(super) struct ListAlertEvents;

const DEFAULT_ROWS: u32 = 20;
const MAX_ROWS: u32 = 50;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    #[schemars(with = "Option<String>")]
    product_id: Option<ProductId>,
    /// RFC 3339
    #[schemars(with = "Option<String>")]
    since: Option<Timestamp>,
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
    /// next_cursor of the page before
    cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    events: Vec<EventAnswer>,
    next_cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct EventAnswer {
    #[schemars(with = "String")]
    at: Timestamp,
    /// The kind of the alert's condition.
    kind: &'static str,
    #[schemars(with = "String")]
    alert_id: RuleId,
    alert_name: Option<String>,
    #[schemars(with = "String")]
    product_id: ProductId,
    #[schemars(with = "String")]
    asin: Asin,
    #[schemars(with = "String")]
    marketplace: Marketplace,
    title: Option<String>,
    /// The price at this time.
    price: Option<Amount>,
    previous_price: Option<Amount>,
}

impl From<EventRow> for EventAnswer {
    fn from(row: EventRow) -> Self {
        let EventRow { event, .. } = row;
        let facts = event.facts;
        let amount = |money: Option<Money>| money.map(Amount::from);
        Self {
            at: event.at,
            kind: facts.condition.kind(),
            alert_id: event.rule_id,
            alert_name: facts.rule_name,
            product_id: event.product_id,
            asin: facts.listing.asin,
            marketplace: facts.listing.marketplace,
            title: facts.title.map(|title| row_title(&title)),
            price: amount(facts.price),
            previous_price: amount(facts.previous_price),
        }
    }
}

impl Tool for ListAlertEvents {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "list_alert_events";
    const TITLE: &'static str = "List alert events";
    const DESCRIPTION: &'static str = "Lists alerts that fired, newest first, with the price then and before.";
    const SCOPE: Scope = Scope::ProductRead;
    const WEIGHT: u32 = 1;
    const EFFECT: Effect = Effect::Reads;

    async fn call(call: Call, arguments: Arguments) -> ServiceResult<Answer> {
        let limit = rows(arguments.limit, DEFAULT_ROWS, MAX_ROWS)?;
        let (product_id, since) = (arguments.product_id, arguments.since);
        let filter = EventFilter { product_id, since, ..EventFilter::default() };
        let (service, tenant_id) = (&call.service, call.caller.tenant_id);
        fitting(limit, |limit| {
            let (filter, cursor) = (filter.clone(), arguments.cursor.clone());
            async move {
                let Page { items, next_cursor } = service.events(tenant_id, filter, cursor, limit).await?;
                Ok(Answer { events: items.into_iter().map(EventAnswer::from).collect(), next_cursor })
            }
        })
        .await
    }
}
