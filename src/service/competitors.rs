//! Competitor sets: managed, and compared.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::access::Caller;
use super::auth::check_name;
use super::history::{MAX_POINTS_OF_STATS, gap_until};
use super::products::valid;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::domain::{CompetitorSet, CompetitorSetId, MAX_COMPETITORS, Product, ProductId, TenantId};
use crate::insight::{Compared, Comparison, ListingHistory, Peer, SERIES_OF_COMPARISON, comparison};
use crate::store::{
    CompetitorSetPatch, Creation, IdempotencyClaim, NewCompetitorSet, Page, StoreError, StoredContent, idempotently,
};

/// Competitor sets of a tenant.
const MAX_SETS: u32 = 500;
/// Competitors of all sets of a product that its price is compared with.
const MAX_PEERS: usize = 500;
/// Maximum characters of a name.
const MAX_NAME_CHARS: usize = 200;

/// A competitor set to create.
#[derive(Debug, Clone)]
pub struct AddCompetitorSet {
    /// A name for people; by default the label or the title of the own product.
    pub name: Option<String>,
    /// The own product.
    pub product_id: ProductId,
    /// The competitors.
    pub competitors: Vec<ProductId>,
}

/// Changes of a competitor set. `None` leaves a setting as it is.
#[derive(Debug, Clone, Default)]
pub struct ChangeCompetitorSet {
    /// A name for people.
    pub name: Option<String>,
    /// Replaces all competitors.
    pub competitors: Option<Vec<ProductId>>,
}

/// What is compared.
#[derive(Debug, Clone)]
pub enum CompareTarget {
    /// The own product of a set with its competitors.
    Set(CompetitorSetId),
    /// A product with others.
    Products {
        /// The own product.
        own: ProductId,
        /// At most [`MAX_COMPETITORS`].
        others: Vec<ProductId>,
    },
}

/// A comparison with the products that it is about.
#[derive(Debug, Clone)]
pub struct SetComparison {
    /// The set; `None` of products that were named.
    pub set: Option<CompetitorSet>,
    /// When it was computed: the end of its window.
    pub at: Timestamp,
    /// Length of its window.
    pub days: u32,
    /// The values.
    pub comparison: Comparison,
    /// The own product.
    pub own: Product,
    /// The products, by id.
    pub products: HashMap<ProductId, Product>,
    /// The latest content of each, as far as it was read.
    pub content: HashMap<ProductId, StoredContent>,
}

impl Service {
    /// Creates a competitor set.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::InvalidReference`]; [`ServiceError::Conflict`] `too_many_competitor_sets`.
    pub async fn add_competitor_set(
        &self,
        caller: Caller,
        add: AddCompetitorSet,
        claim: Option<IdempotencyClaim<CompetitorSet>>,
    ) -> ServiceResult<Creation<CompetitorSet>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let AddCompetitorSet { name, product_id, competitors } = add;
            let mut errors = check(name.as_deref(), &competitors);
            errors.extend(competitors.iter().position(|id| *id == product_id).map(own_product));
            valid(errors)?;
            let products =
                deps.products_by_id(caller.tenant_id, &[&[product_id], competitors.as_slice()].concat()).await?;
            let own = products.get(&product_id);
            let own = own.ok_or_else(|| ServiceError::invalid_reference("product_id", "product"))?;
            require_all(&competitors, &products)?;
            let new = NewCompetitorSet {
                tenant_id: caller.tenant_id,
                name: name.unwrap_or_else(|| default_name(own)),
                product_id,
                competitors,
                quota: MAX_SETS,
            };
            let added = idempotently(claim, deps.store.add_competitor_set(new)).await.map_err(|error| match error {
                StoreError::OverQuota { limit, .. } => ServiceError::Conflict(
                    "too_many_competitor_sets",
                    format!("there may be at most {limit} competitor sets"),
                ),
                other => other.into(),
            })?;
            if let Creation::Created(set) = &added {
                deps.competitor_set_changed(&caller, set.id, "competitor_set.add").await;
            }
            Ok(added)
        })
        .await
    }

    /// A page of competitor sets, newest first: all, or those of an own product.
    pub async fn competitor_sets(
        &self,
        tenant_id: TenantId,
        product_id: Option<ProductId>,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<CompetitorSet>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.competitor_sets(tenant_id, product_id, cursor.as_deref(), limit).await?)
        })
        .await
    }

    /// One competitor set.
    pub async fn competitor_set(&self, tenant_id: TenantId, id: CompetitorSetId) -> ServiceResult<CompetitorSet> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.competitor_set(tenant_id, id).await?)).await
    }

    /// Changes a competitor set.
    ///
    /// # Errors
    /// [`ServiceError::Changed`] if it does not have the expected version.
    pub async fn update_competitor_set(
        &self,
        caller: Caller,
        id: CompetitorSetId,
        change: ChangeCompetitorSet,
        expected_version: Option<i64>,
    ) -> ServiceResult<CompetitorSet> {
        self.run(async move |deps: Arc<Dependencies>| {
            let ChangeCompetitorSet { name, competitors } = change;
            let mut errors = check(name.as_deref(), competitors.as_deref().unwrap_or_default());
            let set = deps.store.competitor_set(caller.tenant_id, id).await?;
            let own = competitors.iter().flatten().position(|competitor| *competitor == set.product_id);
            errors.extend(own.map(own_product));
            valid(errors)?;
            if let Some(competitors) = &competitors {
                require_all(competitors, &deps.products_by_id(caller.tenant_id, competitors).await?)?;
            }
            let patch = CompetitorSetPatch { name, competitors, expected_version };
            let changed = deps.store.update_competitor_set(caller.tenant_id, id, patch).await?;
            deps.competitor_set_changed(&caller, id, "competitor_set.update").await;
            Ok(changed)
        })
        .await
    }

    /// Deletes a competitor set. Its products stay.
    pub async fn remove_competitor_set(&self, caller: Caller, id: CompetitorSetId) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            deps.store.remove_competitor_set(caller.tenant_id, id).await?;
            deps.competitor_set_changed(&caller, id, "competitor_set.remove").await;
            Ok(())
        })
        .await
    }

    /// Compares a product with others over the last days.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]: there is no such set, or no such product.
    pub async fn compare(&self, tenant_id: TenantId, target: CompareTarget, days: u32) -> ServiceResult<SetComparison> {
        self.run(async move |deps: Arc<Dependencies>| {
            let (set, own_id, others) = match target {
                CompareTarget::Set(id) => {
                    let set = deps.store.competitor_set(tenant_id, id).await?;
                    let (own_id, others) = (set.product_id, set.competitors.clone());
                    (Some(set), own_id, others)
                }
                CompareTarget::Products { own, others } => (None, own, others),
            };
            let ids: Vec<ProductId> = std::iter::once(own_id).chain(others).collect();
            let products = deps.products_by_id(tenant_id, &ids).await?;
            let at = deps.store.now().await?;
            let mut content = HashMap::new();
            let mut compared = Vec::with_capacity(ids.len());
            for id in &ids {
                let product = match products.get(id) {
                    Some(product) => product,
                    // Of a set, it was deleted a moment ago.
                    None if set.is_some() && *id != own_id => continue,
                    None => return Err(ServiceError::NotFound("product")),
                };
                compared.push(deps.compared(product, days, at).await?);
                content.extend(deps.latest_content(product).await?.map(|content| (product.id, content)));
            }
            let own = compared.remove(0);
            let comparison = comparison(&own, &compared, days);
            let own = products.get(&own_id).cloned().ok_or(ServiceError::NotFound("product"))?;
            Ok(SetComparison { set, at, days, comparison, own, products, content })
        })
        .await
    }
}

impl Dependencies {
    pub(super) async fn products_by_id(
        &self,
        tenant_id: TenantId,
        ids: &[ProductId],
    ) -> ServiceResult<HashMap<ProductId, Product>> {
        let products = self.store.products_of_ids(tenant_id, ids).await?;
        Ok(products.into_iter().map(|product| (product.id, product)).collect())
    }

    pub(super) async fn compared(&self, product: &Product, days: u32, at: Timestamp) -> ServiceResult<Compared> {
        let from = at.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
        let points =
            self.store.points(product.listing_id, SERIES_OF_COMPARISON, Some(from), None, MAX_POINTS_OF_STATS).await?;
        let history = ListingHistory::new(points, gap_until(product, at), product.is_price_stale(at), at);
        Ok(Compared { peer: Peer::from(product), ranks: product.state.ranks(), history })
    }

    /// The latest version of the content of a product's listing.
    pub(super) async fn latest_content(&self, product: &Product) -> ServiceResult<Option<StoredContent>> {
        Ok(self.store.content_versions(product.listing_id, None, 1).await?.items.into_iter().next())
    }

    /// The competitors of a product in all sets that it is the own product of: each once, at most [`MAX_PEERS`].
    pub(super) async fn competitors_of(&self, product: &Product) -> ServiceResult<Vec<Peer>> {
        Ok(self.competitor_products(product).await?.iter().map(Peer::from).collect())
    }

    /// The same, as products in the order of their ids.
    pub(super) async fn competitor_products(&self, product: &Product) -> ServiceResult<Vec<Product>> {
        let sets = self.store.competitor_sets(product.tenant_id, Some(product.id), None, MAX_SETS).await?;
        let ids: BTreeSet<ProductId> = sets.items.into_iter().flat_map(|set| set.competitors).collect();
        let ids: Vec<ProductId> = ids.into_iter().take(MAX_PEERS).collect();
        let mut products = self.store.products_of_ids(product.tenant_id, &ids).await?;
        products.sort_by_key(|product| product.id);
        Ok(products)
    }

    async fn competitor_set_changed(self: &Arc<Self>, caller: &Caller, id: CompetitorSetId, action: &'static str) {
        self.audit(caller.audit_event(action, Some(format!("competitor_set:{id}")))).await;
    }
}

fn check(name: Option<&str>, competitors: &[ProductId]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(name) = name {
        check_name("name", name, &mut errors);
    }
    if competitors.len() > MAX_COMPETITORS {
        errors.push(FieldError::new("competitor_ids", format!("must be at most {MAX_COMPETITORS} products")));
    }
    let mut seen = BTreeSet::new();
    let again = competitors.iter().position(|id| !seen.insert(id));
    errors.extend(again.map(|place| FieldError::new(&format!("competitor_ids[{place}]"), "is named twice")));
    errors
}

fn own_product(place: usize) -> FieldError {
    FieldError::new(&format!("competitor_ids[{place}]"), "is the own product of the set")
}

/// Names each competitor that the tenant does not have.
fn require_all(competitors: &[ProductId], products: &HashMap<ProductId, Product>) -> ServiceResult<()> {
    let missing = competitors.iter().enumerate().filter(|(_, id)| !products.contains_key(id));
    let errors: Vec<FieldError> =
        missing.map(|(place, _)| FieldError::new(&format!("competitor_ids[{place}]"), "no such product")).collect();
    if errors.is_empty() { Ok(()) } else { Err(ServiceError::InvalidReference(errors)) }
}

/// What people call the own product.
fn default_name(own: &Product) -> String {
    let name = own.settings.label.as_ref().or(own.state.title.as_ref());
    let name: String = name.map_or_else(|| own.listing.to_string(), |name| name.chars().take(MAX_NAME_CHARS).collect());
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
