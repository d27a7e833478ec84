//! `search_products`: the tracked products that match.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Marketplace, Scope};
use crate::mcp::answer::fitting;
use crate::mcp::arguments::rows;
use crate::mcp::call::Call;
use crate::mcp::product_facts::ProductRow;
use crate::mcp::tool::{Effect, Tool};
use crate::service::{ListProducts, Page, ProductFilter, ProductOrder, ServiceResult, checked_search_text};

pub(super) struct SearchProducts;

const DEFAULT_ROWS: u32 = 20;
const MAX_ROWS: u32 = 50;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Part of the title, label or ASIN
    text: Option<String>,
    tag: Option<String>,
    /// com, co.uk, de, co.jp, …
    #[schemars(with = "Option<String>")]
    marketplace: Option<Marketplace>,
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
    /// next_cursor of the page before
    cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    products: Vec<ProductRow>,
    next_cursor: Option<String>,
}

impl Tool for SearchProducts {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "search_products";
    const TITLE: &'static str = "Search tracked products";
    const DESCRIPTION: &'static str = "Lists tracked Amazon products with their current price, newest first. Gives the product_id that other tools need.";
    const SCOPE: Scope = Scope::ProductRead;
    const WEIGHT: u32 = 1;
    const EFFECT: Effect = Effect::Reads;

    async fn call(call: Call, arguments: Arguments) -> ServiceResult<Answer> {
        let limit = rows(arguments.limit, DEFAULT_ROWS, MAX_ROWS)?;
        let filter = ProductFilter {
            tag: checked_search_text("tag", arguments.tag)?,
            marketplace: arguments.marketplace,
            text: checked_search_text("text", arguments.text)?,
            ..ProductFilter::default()
        };
        let (service, tenant_id) = (&call.service, call.caller.tenant_id);
        fitting(limit, |limit| {
            let (filter, cursor) = (filter.clone(), arguments.cursor.clone());
            let query = ListProducts { filter, order: ProductOrder::NewestFirst, cursor, limit };
            async move {
                let Page { items, next_cursor } = service.products(tenant_id, query).await?;
                Ok(Answer { products: items.into_iter().map(ProductRow::from).collect(), next_cursor })
            }
        })
        .await
    }
}
