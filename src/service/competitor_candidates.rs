//! Listings that may be competitors of a product.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Dependencies, Service, ServiceResult};
use crate::domain::{Asin, CompetitorSetId, Listing, Product, Series, TenantId};
use crate::insight::{Candidate, Found, LIST_REACH, ListingFacts, candidates};
use crate::store::{ProductFilter, ProductOrder};

/// Tags whose products are looked at, and products of each.
const MAX_TAGS: usize = 5;
const MAX_PER_TAG: u32 = 25;
/// Listings that are looked at, and candidates that are told.
const MAX_FOUND: usize = 100;
const MAX_CANDIDATES: usize = 50;

/// Where a listing was found.
#[derive(Default)]
struct Traces {
    list_distance: Option<i32>,
    is_compared: bool,
    shared_tags: Vec<String>,
}

impl Service {
    /// Listings that may be competitors of the own product of a set and are not in it, the likeliest first: from the bestseller lists and
    /// search results that the tenant had read, from the tables in which Amazon compares it, and its products with the same tags. A person confirms them by adding them to the set.
    pub async fn competitor_candidates(
        &self,
        tenant_id: TenantId,
        id: CompetitorSetId,
    ) -> ServiceResult<Vec<Candidate>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let set = deps.store.competitor_set(tenant_id, id).await?;
            let own = deps.store.product(tenant_id, set.product_id).await?;
            let mut found = deps.found_near(&own).await?;
            found.retain(|found| found.facts.product_id.is_none_or(|id| !set.competitors.contains(&id)));
            let own_facts = deps.facts_of(&own).await?;
            let mut likeliest = candidates(&own.listing, &own_facts, found);
            likeliest.truncate(MAX_CANDIDATES);
            Ok(likeliest)
        })
        .await
    }
}

impl Dependencies {
    /// Listings on the same lists, those that Amazon compares the product with, and products with the same tags; each listing once.
    async fn found_near(&self, own: &Product) -> ServiceResult<Vec<Found>> {
        let mut traces: BTreeMap<Listing, Traces> = BTreeMap::new();
        let neighbours = self.store.list_neighbours(own.tenant_id, own.listing, LIST_REACH).await?;
        for neighbour in neighbours {
            traces.entry(neighbour.listing).or_default().list_distance = Some(neighbour.distance);
        }
        for asin in own.state.compared_with() {
            traces.entry(Listing { asin: *asin, ..own.listing }).or_default().is_compared = true;
        }
        let listings: Vec<Listing> = traces.keys().copied().collect();
        let mut tracked = self.store.products_of_listings(own.tenant_id, &listings).await?;
        for tag in own.settings.tags.iter().take(MAX_TAGS) {
            let marketplace = Some(own.listing.marketplace);
            let filter = ProductFilter { tag: Some(tag.clone()), marketplace, ..ProductFilter::default() };
            let page =
                self.store.products(own.tenant_id, &filter, ProductOrder::NewestFirst, None, MAX_PER_TAG).await?;
            for product in page.items {
                traces.entry(product.listing).or_default().shared_tags.push(tag.clone());
                tracked.push(product);
            }
        }
        let tracked: HashMap<Listing, Product> =
            tracked.into_iter().map(|product| (product.listing, product)).collect();
        let mut traces: Vec<(Listing, Traces)> = traces.into_iter().collect();
        traces.sort_by_key(|(_, traces)| traces.list_distance.is_none() && !traces.is_compared);
        traces.truncate(MAX_FOUND);
        let mut found = Vec::with_capacity(traces.len());
        for (listing, Traces { list_distance, is_compared, shared_tags }) in traces {
            let facts = match tracked.get(&listing) {
                Some(product) => self.facts_of(product).await?,
                None => ListingFacts::default(),
            };
            found.push(Found { listing, list_distance, is_compared, shared_tags, facts });
        }
        Ok(found)
    }

    async fn facts_of(&self, product: &Product) -> ServiceResult<ListingFacts> {
        let content = self.latest_content(product).await?;
        let parent = content.as_ref().and_then(|content| content.content.get("parent_asin")?.as_str());
        let parent_asin = parent.and_then(|asin| asin.parse::<Asin>().ok());
        let state = &product.state;
        Ok(ListingFacts {
            product_id: Some(product.id),
            title: state.title.clone(),
            brand: state.brand.clone(),
            price_minor: state.number(Series::Price),
            parent_asin,
            categories: state.ranks().into_iter().map(|rank| rank.category).collect(),
        })
    }
}
