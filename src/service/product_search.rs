//! A tenant's products by their values: the Product Finder of Keepa, over what the tenant tracks.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::history::gap_until;
use super::keepa::days_before;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::domain::{Asin, Marketplace, Product, Series, TenantId, is_amazon};
use crate::keepa::{RATING_SCALE, Slot};
use crate::store::{ProductFilter, ProductOrder};

/// Products that are read at once.
const PAGE: u32 = 250;
/// Products that are looked through. All of a marketplace have to be, as no index knows these values.
const MAX_PRODUCTS: usize = 10_000;
/// Products whose history is read for averages.
const MAX_HISTORIES: usize = 200;
/// Points of each of these histories.
const MAX_POINTS: u32 = 50_000;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// The current value of a series.
    Current(Slot),
    /// Its average over so many days.
    Average(Slot, u32),
}

impl Measure {
    /// How far it looks back.
    fn days(self) -> u32 {
        match self {
            Self::Current(_) => 0,
            Self::Average(_, days) => days,
        }
    }
}

/// A bound of a value, in Keepa's unit. What has no value is within no bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// What is compared.
    pub measure: Measure,
    /// The bound.
    pub value: i64,
    /// At or above it; otherwise at or below.
    pub is_lower: bool,
}

/// The order of what is found. Products without the value come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchOrder {
    /// The series whose current value counts.
    pub slot: Slot,
    /// Greatest first.
    pub falls: bool,
}

/// Which products are looked for: all conditions must hold.
#[derive(Debug, Clone)]
pub struct ProductSearch {
    /// The marketplace.
    pub marketplace: Marketplace,
    /// Bounds of values.
    pub bounds: Vec<Bound>,
    /// Words in the title, in lower case.
    pub words: Vec<String>,
    /// One of these brands, in lower case; if empty, any.
    pub brands: Vec<String>,
    /// The order; `None`: newest first.
    pub order: Option<SearchOrder>,
    /// The page, from 0.
    pub page: u32,
    /// Products of a page.
    pub per_page: u32,
}

impl Service {
    /// A page of the products that are found, and how many there are in all.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`]: too many products would have to be looked through.
    pub async fn search_products(
        &self,
        tenant_id: TenantId,
        search: ProductSearch,
    ) -> ServiceResult<(Vec<Asin>, usize)> {
        self.run(async move |deps: Arc<Dependencies>| {
            let now = Timestamp::now();
            let mut found = deps.candidates(tenant_id, &search, now).await?;
            let averages: Vec<Bound> =
                search.bounds.iter().filter(|bound| matches!(bound.measure, Measure::Average(..))).copied().collect();
            if !averages.is_empty() {
                found = deps.with_averages(found, &averages, now).await?;
            }
            if let Some(SearchOrder { slot, falls }) = search.order {
                let key =
                    |product: &Product| current(product, slot, now).map(|value| if falls { -value } else { value });
                found.sort_by_key(|product| (key(product).is_none(), key(product)));
            }
            let total = found.len();
            let (page, per_page) = (search.page as usize, search.per_page as usize);
            let asins = found.into_iter().skip(page.saturating_mul(per_page)).take(per_page);
            Ok((asins.map(|product| product.listing.asin).collect(), total))
        })
        .await
    }
}

impl Dependencies {
    /// The products within the bounds of current values.
    async fn candidates(
        &self,
        tenant_id: TenantId,
        search: &ProductSearch,
        now: Timestamp,
    ) -> ServiceResult<Vec<Product>> {
        let filter = ProductFilter { marketplace: Some(search.marketplace), ..ProductFilter::default() };
        let (mut found, mut read, mut cursor) = (Vec::new(), 0, None::<String>);
        loop {
            let page =
                self.store.products(tenant_id, &filter, ProductOrder::default(), cursor.as_deref(), PAGE).await?;
            read += page.items.len();
            found.extend(page.items.into_iter().filter(|product| is_candidate(product, search, now)));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(found);
            }
            if read >= MAX_PRODUCTS {
                let message = format!("can be used with up to {MAX_PRODUCTS} products on a marketplace");
                return Err(ServiceError::invalid("selection", message));
            }
        }
    }

    /// Those of the products whose averages are within the bounds.
    async fn with_averages(
        &self,
        products: Vec<Product>,
        bounds: &[Bound],
        now: Timestamp,
    ) -> ServiceResult<Vec<Product>> {
        if products.len() > MAX_HISTORIES {
            let message = format!("compares averages of {} products; narrow it by current values", products.len());
            return Err(ServiceError::invalid("selection", format!("{message} to at most {MAX_HISTORIES}")));
        }
        let longest = bounds.iter().map(|bound| bound.measure.days()).max().unwrap_or(0);
        let from = Some(days_before(now, longest));
        let mut found = Vec::new();
        for product in products {
            let (history, _) = self.keepa_history(&product, from, MAX_POINTS, now).await?;
            let mut averages: HashMap<Measure, Option<i64>> = HashMap::new();
            let is_within = bounds.iter().all(|bound| {
                let Measure::Average(slot, days) = bound.measure else { return true };
                let average = averages.entry(bound.measure).or_insert_with(|| history.average(slot, days, now));
                bound.holds(*average)
            });
            if is_within {
                found.push(product);
            }
        }
        Ok(found)
    }
}

impl Bound {
    fn holds(&self, value: Option<i64>) -> bool {
        value.is_some_and(|value| if self.is_lower { value >= self.value } else { value <= self.value })
    }
}

fn is_candidate(product: &Product, search: &ProductSearch, now: Timestamp) -> bool {
    let lower = |text: &Option<String>| text.as_deref().unwrap_or_default().to_lowercase();
    let title = lower(&product.state.title);
    let is_of_brand = search.brands.is_empty() || search.brands.contains(&lower(&product.state.brand));
    let is_within = search.bounds.iter().all(|bound| match bound.measure {
        Measure::Current(slot) => bound.holds(current(product, slot, now)),
        Measure::Average(..) => true,
    });
    is_of_brand && is_within && search.words.iter().all(|word| title.contains(word))
}

/// The current value of a series; `None`: there is none, or it is not known any more.
fn current(product: &Product, slot: Slot, now: Timestamp) -> Option<i64> {
    let state = &product.state;
    let number = |series| state.number(series);
    if gap_until(product, now).is_some() {
        return None;
    }
    match slot {
        Slot::Amazon => number(Series::Price).filter(|_| state.text(Series::Seller).is_some_and(is_amazon)),
        Slot::New => number(Series::LowestNewPrice),
        // That of the root category: see `KeepaHistory`.
        Slot::Sales => state.ranks().into_iter().map(|rank| i64::from(rank.rank)).max(),
        Slot::ListPrice => number(Series::ListPrice),
        Slot::CountNew => number(Series::OfferCount),
        Slot::CountUsed => number(Series::UsedOfferCount),
        Slot::Rating => number(Series::Rating).map(|hundredths| hundredths / RATING_SCALE),
        Slot::CountReviews => number(Series::ReviewCount),
        Slot::BuyBoxShipping => number(Series::Price).map(|price| price + number(Series::Shipping).unwrap_or(0)),
        Slot::NewFba | Slot::NewFbmShipping => None,
    }
}
