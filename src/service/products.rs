//! Products.

use std::sync::Arc;

use url::Url;

use super::access::Caller;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::config::Plan;
use crate::domain::product;
use crate::domain::{
    Frequency, Interval, Listing, ListingUrlError, Marketplace, Product, ProductId, ProductSettings, ProductStatus,
    TenantId,
};
use crate::store::{
    Creation, IdempotencyClaim, NewProduct, Page, ProductFilter, ProductOrder, ProductPatch, idempotently,
};

/// A product to add.
#[derive(Debug, Clone)]
pub struct AddProduct {
    /// The listing.
    pub listing: ListingAddress,
    /// The interval between crawls; default daily.
    pub frequency: Option<Frequency>,
    /// The tenant's name for it.
    pub label: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// A competitor's product.
    pub is_competitor: bool,
    /// How often its offer list is read; `None`: never.
    pub offers_interval: Option<Interval>,
}

/// How a request names a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListingAddress {
    /// By its marketplace and ASIN, or by the URL of its page.
    Listing(Listing),
    /// By a short link, whose host tells where it leads.
    ShortLink {
        /// The link.
        url: Url,
        /// The marketplace that the listing must be on.
        marketplace: Option<Marketplace>,
    },
}

impl ListingAddress {
    /// Reads the URL of a page or a short link. The listing must be on the marketplace, if one is named.
    ///
    /// # Errors
    /// What is wrong with `url` or `marketplace`.
    pub fn from_url(url: &str, marketplace: Option<Marketplace>) -> Result<Self, FieldError> {
        match Listing::from_url(url) {
            Ok(listing) => on_marketplace(listing, marketplace).map(Self::Listing),
            Err(ListingUrlError::ShortLink(url)) => Ok(Self::ShortLink { url, marketplace }),
            Err(error) => Err(FieldError::new("url", error)),
        }
    }
}

/// Filter, order and page of a list of products.
#[derive(Debug, Clone, Default)]
pub struct ListProducts {
    /// All conditions that are set must hold.
    pub filter: ProductFilter,
    /// The order.
    pub order: ProductOrder,
    /// Where the previous page ended.
    pub cursor: Option<String>,
    /// Maximum number of rows.
    pub limit: u32,
}

impl Service {
    /// The marketplace of an ASIN without one.
    pub fn default_marketplace(&self) -> Marketplace {
        self.deps.limits.default_marketplace
    }

    /// Adds a product. Its listing is crawled at once.
    pub async fn add_product(
        &self,
        caller: Caller,
        request: AddProduct,
        claim: Option<IdempotencyClaim<Product>>,
    ) -> ServiceResult<Creation<Product>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let settings = settings_of(&request, &caller.plan)?;
            let quota = caller.plan.products;
            let listing = deps.listing_at(&request.listing).await?;
            let product = NewProduct { tenant_id: caller.tenant_id, listing, settings, quota };
            let added = idempotently(claim, deps.store.add_product(product)).await?;
            if let Creation::Created(product) = &added {
                deps.wake();
                deps.audit(caller.audit_event("product.add", Some(format!("product:{}", product.id)))).await;
            }
            Ok(added)
        })
        .await
    }

    /// One product.
    pub async fn product(&self, tenant_id: TenantId, id: ProductId) -> ServiceResult<Product> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.product(tenant_id, id).await?)).await
    }

    /// The product of a listing.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] if the tenant does not track the listing.
    pub async fn product_of_listing(&self, tenant_id: TenantId, listing: Listing) -> ServiceResult<Product> {
        self.run(async move |deps: Arc<Dependencies>| deps.product_of_listing(tenant_id, listing).await).await
    }

    /// A page of products.
    pub async fn products(&self, tenant_id: TenantId, query: ListProducts) -> ServiceResult<Page<Product>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let ListProducts { filter, order, cursor, limit } = query;
            let page = deps.store.products(tenant_id, &filter, order, cursor.as_deref(), limit).await;
            Ok(page?)
        })
        .await
    }

    /// Changes a product.
    pub async fn update_product(&self, caller: Caller, id: ProductId, patch: ProductPatch) -> ServiceResult<Product> {
        self.run(async move |deps: Arc<Dependencies>| {
            let mut errors = Vec::new();
            check_frequency(patch.frequency, &caller.plan, &mut errors);
            check_offers_interval(patch.offers_interval, &caller.plan, &mut errors);
            check_label(patch.label.as_ref().and_then(Option::as_deref), &mut errors);
            let patch = ProductPatch { tags: patch.tags.map(|tags| normalize_tags(tags, &mut errors)), ..patch };
            valid(errors)?;
            let product = deps.store.update_product(caller.tenant_id, id, &patch).await?;
            deps.invalidation.product_changed(id);
            deps.wake();
            deps.audit(caller.audit_event("product.update", Some(format!("product:{id}")))).await;
            Ok(product)
        })
        .await
    }

    /// Releases the parked listing of a product: it is crawled again, with all its attempts.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] `not_parked`, also for a paused product.
    pub async fn release_product(&self, caller: Caller, id: ProductId) -> ServiceResult<Product> {
        self.run(async move |deps: Arc<Dependencies>| {
            let read = async || deps.store.product(caller.tenant_id, id).await;
            let product = read().await?;
            if product.settings.status == ProductStatus::Paused {
                let detail = "the product is paused; set its status to active".to_owned();
                return Err(ServiceError::Conflict("not_parked", detail));
            }
            if !deps.store.unpark(product.listing_id).await? {
                return Err(ServiceError::Conflict("not_parked", "the listing is not parked".to_owned()));
            }
            deps.invalidation.product_changed(id);
            deps.wake();
            deps.audit(caller.audit_event("product.release", Some(format!("product:{id}")))).await;
            Ok(read().await?)
        })
        .await
    }

    /// Deletes a product.
    pub async fn remove_product(
        &self,
        caller: Caller,
        id: ProductId,
        expected_version: Option<i64>,
    ) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            deps.store.remove_product(caller.tenant_id, id, expected_version).await?;
            deps.invalidation.product_changed(id);
            deps.audit(caller.audit_event("product.delete", Some(format!("product:{id}")))).await;
            Ok(())
        })
        .await
    }
}

impl Dependencies {
    /// The tenant's product of a listing.
    pub(super) async fn product_of_listing(&self, tenant_id: TenantId, listing: Listing) -> ServiceResult<Product> {
        let found = self.store.products_of_listings(tenant_id, &[listing]).await?;
        found.into_iter().next().ok_or(ServiceError::NotFound("product"))
    }

    async fn listing_at(&self, address: &ListingAddress) -> ServiceResult<Listing> {
        let (url, marketplace) = match address {
            ListingAddress::Listing(listing) => return Ok(*listing),
            ListingAddress::ShortLink { url, marketplace } => (url, *marketplace),
        };
        let invalid = |message: String| ServiceError::Invalid(vec![FieldError::new("url", message)]);
        let Some(links) = &self.links else {
            return Err(invalid(ListingUrlError::ShortLink(url.clone()).to_string()));
        };
        let listing = links.resolve(url).await.map_err(|error| {
            let advice = "open it in a browser and use the address of the page";
            invalid(format!("the short link cannot be resolved: {error}; {advice}"))
        })?;
        on_marketplace(listing, marketplace).map_err(|error| ServiceError::Invalid(vec![error]))
    }
}

/// Maximum length of a text that is searched for.
const MAX_SEARCH_CHARS: usize = 200;

/// A text that is searched for.
///
/// # Errors
/// A wrong field, if it cannot be one of a product.
pub fn checked_search_text(field: &str, text: Option<String>) -> ServiceResult<Option<String>> {
    let is_wrong = |text: &str| text.chars().count() > MAX_SEARCH_CHARS || text.chars().any(char::is_control);
    if text.as_deref().is_some_and(is_wrong) {
        let message = format!("must have at most {MAX_SEARCH_CHARS} characters and no control characters");
        return Err(ServiceError::invalid(field, message));
    }
    Ok(text)
}

/// The listing, if it is on the marketplace.
fn on_marketplace(listing: Listing, marketplace: Option<Marketplace>) -> Result<Listing, FieldError> {
    match marketplace {
        Some(other) if other != listing.marketplace => {
            let message = format!("the url belongs to marketplace `{}`", listing.marketplace);
            Err(FieldError::new("marketplace", message))
        }
        _ => Ok(listing),
    }
}

fn settings_of(request: &AddProduct, plan: &Plan) -> ServiceResult<ProductSettings> {
    let mut errors = Vec::new();
    check_frequency(request.frequency, plan, &mut errors);
    check_offers_interval(request.offers_interval, plan, &mut errors);
    check_label(request.label.as_deref(), &mut errors);
    let tags = normalize_tags(request.tags.clone(), &mut errors);
    valid(errors)?;
    Ok(ProductSettings {
        label: request.label.clone(),
        tags,
        frequency: request.frequency.unwrap_or(Frequency::DAILY),
        is_competitor: request.is_competitor,
        status: ProductStatus::Active,
        offers_interval: request.offers_interval,
    })
}

pub(super) fn check_frequency(frequency: Option<Frequency>, plan: &Plan, errors: &mut Vec<FieldError>) {
    let checked = frequency.map_or(Ok(()), |frequency| product::check_frequency(frequency, plan.min_interval));
    errors.extend(checked.err().map(|message| FieldError::new("frequency", message)));
}

pub(super) fn check_offers_interval(interval: Option<Interval>, plan: &Plan, errors: &mut Vec<FieldError>) {
    let checked = interval.map(|interval| product::check_frequency(Frequency::fixed(interval), plan.min_interval));
    errors.extend(checked.and_then(Result::err).map(|message| FieldError::new("offers_frequency", message)));
}

fn check_label(label: Option<&str>, errors: &mut Vec<FieldError>) {
    errors.extend(
        label.and_then(|label| product::check_label(label).err()).map(|message| FieldError::new("label", message)),
    );
}

pub(super) fn normalize_tags(tags: Vec<String>, errors: &mut Vec<FieldError>) -> Vec<String> {
    product::normalize_tags(tags).unwrap_or_else(|messages| {
        errors.extend(messages.into_iter().map(|message| FieldError::new("tags", message)));
        Vec::new()
    })
}

pub(super) fn valid(errors: Vec<FieldError>) -> ServiceResult<()> {
    if errors.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(errors)) }
}
