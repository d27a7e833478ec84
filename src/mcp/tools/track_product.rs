//! `track_product`: begins to track a listing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Frequency, Scope};
use crate::mcp::call::Call;
use crate::mcp::product_facts::ProductFacts;
use crate::mcp::tool::{Effect, Tool};
use crate::service::{AddProduct, Creation, ListingAddress, ServiceError, ServiceResult};

pub(super) struct TrackProduct;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Of the product's page on Amazon
    url: String,
    /// Your name for it
    label: Option<String>,
    tags: Option<Vec<String>>,
    /// hourly, daily (default), weekly, 6h, adaptive, …
    #[schemars(with = "Option<String>")]
    frequency: Option<Frequency>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    /// False: it was tracked before, and stays as it is.
    created: bool,
    product: ProductFacts,
}

impl Tool for TrackProduct {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "track_product";
    const TITLE: &'static str = "Track a product";
    const DESCRIPTION: &'static str = "Starts tracking an Amazon product; it is crawled at once, get_product has its facts a little \
        later. One that is tracked already is returned unchanged.";
    const SCOPE: Scope = Scope::ProductWrite;
    const WEIGHT: u32 = 2;
    const EFFECT: Effect = Effect::AddsOnce;

    async fn call(call: Call, arguments: Arguments) -> ServiceResult<Answer> {
        let tenant_id = call.caller.tenant_id;
        let listing =
            ListingAddress::from_url(&arguments.url, None).map_err(|error| ServiceError::Invalid(vec![error]))?;
        let request = AddProduct {
            listing,
            frequency: arguments.frequency,
            label: arguments.label,
            tags: arguments.tags.unwrap_or_default(),
            is_competitor: false,
            offers_interval: None,
        };
        match call.service.add_product(call.caller, request, None).await {
            Ok(Creation::Created(product)) => Ok(Answer { created: true, product: product.into() }),
            // Only requests with an idempotency key are replayed.
            Ok(Creation::Replayed(_)) => Err(ServiceError::Internal),
            Err(ServiceError::AlreadyWatched(id)) => {
                let product = call.service.product(tenant_id, id).await?;
                Ok(Answer { created: false, product: product.into() })
            }
            Err(error) => Err(error),
        }
    }
}
