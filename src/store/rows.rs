//! Rows of the database, and their conversion to the domain. The same for both engines.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use super::{BoardRow, FailingListing, StoreError, StoreResult};
use crate::domain::{
    AdaptiveDemand, ChannelId, CrawlAllocation, CrawlRecord, Delivery, DeliveryId, Event, EventFacts, EventId,
    Frequency, Interval, Listing, ListingId, ListingState, Point, PointValue, PriceMarks, Product, ProductId,
    ProductSettings, RuleId, Series, SeriesKey, TenantId,
};

/// A stored time.
pub(super) fn time(at_ms: i64) -> StoreResult<Timestamp> {
    Timestamp::from_millisecond(at_ms).map_err(corrupt)
}

/// A stored listing key.
pub(super) fn listing(marketplace: &str, asin: &str) -> StoreResult<Listing> {
    Ok(Listing::new(word(marketplace)?, word(asin)?))
}

/// A stored interval.
pub(super) fn interval(interval_secs: i32) -> StoreResult<Interval> {
    let interval = u32::try_from(interval_secs).ok().and_then(Interval::from_secs);
    interval.ok_or_else(|| StoreError::Corrupt(format!("an interval of {interval_secs} seconds")))
}

/// A stored count, within the range of the domain's type.
pub(super) fn count<N: TryFrom<i64, Error: Display>>(number: impl Into<i64>) -> StoreResult<N> {
    N::try_from(number.into()).map_err(corrupt)
}

/// A stored name.
pub(super) fn word<T: FromStr<Err: Display>>(text: &str) -> StoreResult<T> {
    text.parse().map_err(corrupt)
}

fn corrupt(error: impl Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

/// A product beside its listing and lease.
#[derive(sqlx::FromRow)]
pub(super) struct ProductColumns {
    pub id: Uuid,
    tenant_id: Uuid,
    listing_id: i64,
    label: Option<String>,
    tags: Json<Vec<String>>,
    interval_secs: i32,
    is_adaptive: bool,
    /// Of the tenant.
    crawl_allocation: Option<Json<CrawlAllocation>>,
    is_competitor: bool,
    status: String,
    watch_offers: bool,
    offers_interval_secs: i32,
    pub created_at: i64,
    updated_at: i64,
    version: i64,
    marketplace: String,
    asin: String,
    state: Json<ListingState>,
    pub sort_title: Option<String>,
    pub price_minor: Option<i64>,
    last_outcome: Option<String>,
    last_crawled_at: Option<i64>,
    ready_at: i64,
    parked_at: Option<i64>,
    attempt: i32,
    pub best_rank: Option<i64>,
    pub availability: i64,
    pub sort_seller: Option<String>,
    pub change_ppm: Option<i64>,
    change_at: Option<i64>,
    change_from_minor: Option<i64>,
    pub offer_changed_at: Option<i64>,
    lower_until: Option<i64>,
    higher_until: Option<i64>,
}

impl ProductColumns {
    /// When the next crawl is due; `None` while the listing is parked.
    pub fn next_crawl_ms(&self) -> Option<i64> {
        self.parked_at.is_none().then_some(self.ready_at)
    }

    /// What is kept of its price.
    fn marks(&self) -> StoreResult<PriceMarks> {
        let time = |at_ms: Option<i64>| at_ms.map(time).transpose();
        Ok(PriceMarks {
            change_at: time(self.change_at)?,
            change_from_minor: self.change_from_minor,
            offer_changed_at: time(self.offer_changed_at)?,
            lower_until: time(self.lower_until)?,
            higher_until: time(self.higher_until)?,
        })
    }
}

impl TryFrom<ProductColumns> for Product {
    type Error = StoreError;

    fn try_from(row: ProductColumns) -> StoreResult<Self> {
        let next_crawl_at = row.next_crawl_ms().map(time).transpose()?;
        let average = interval(row.interval_secs)?;
        let allocation = row.crawl_allocation.map(|allocation| allocation.0);
        let current_interval = if row.is_adaptive {
            AdaptiveDemand { average, allocation }.interval(row.state.change_rate)
        } else {
            average
        };
        let settings = ProductSettings {
            label: row.label,
            tags: row.tags.0,
            frequency: if row.is_adaptive { Frequency::adaptive(average) } else { Frequency::fixed(average) },
            is_competitor: row.is_competitor,
            status: word(&row.status)?,
            offers_interval: row.watch_offers.then(|| interval(row.offers_interval_secs)).transpose()?,
        };
        Ok(Self {
            id: ProductId(row.id),
            tenant_id: TenantId(row.tenant_id),
            listing_id: ListingId(row.listing_id),
            listing: listing(&row.marketplace, &row.asin)?,
            settings,
            created_at: time(row.created_at)?,
            updated_at: time(row.updated_at)?,
            version: row.version,
            state: row.state.0,
            interval: current_interval,
            last_outcome: row.last_outcome,
            last_crawled_at: row.last_crawled_at.map(time).transpose()?,
            next_crawl_at,
            attempts: count(row.attempt)?,
        })
    }
}

impl TryFrom<ProductColumns> for BoardRow {
    type Error = StoreError;

    fn try_from(row: ProductColumns) -> StoreResult<Self> {
        Ok(Self { marks: row.marks()?, product: row.try_into()? })
    }
}

/// A listing that fails, with its lease.
#[derive(sqlx::FromRow)]
pub(super) struct FailingColumns {
    id: i64,
    marketplace: String,
    asin: String,
    state: Json<ListingState>,
    last_outcome: Option<String>,
    last_crawled_at: Option<i64>,
    ready_at: i64,
    parked_at: Option<i64>,
    attempt: i32,
}

impl TryFrom<FailingColumns> for FailingListing {
    type Error = StoreError;

    fn try_from(row: FailingColumns) -> StoreResult<Self> {
        let record = CrawlRecord {
            last_outcome: row.last_outcome.as_deref(),
            state: &row.state.0,
            attempts: count(row.attempt)?,
            is_parked: row.parked_at.is_some(),
            next_crawl_at: Some(time(row.ready_at)?),
        };
        Ok(Self {
            listing_id: ListingId(row.id),
            listing: listing(&row.marketplace, &row.asin)?,
            last_crawled_at: row.last_crawled_at.map(time).transpose()?,
            failure: record.failure().ok_or_else(|| StoreError::Corrupt("the listing does not fail".to_owned()))?,
        })
    }
}

/// An event.
#[derive(sqlx::FromRow)]
pub(super) struct EventColumns {
    pub id: Uuid,
    tenant_id: Uuid,
    rule_id: Uuid,
    product_id: Uuid,
    facts: Json<EventFacts>,
    pub at: i64,
}

impl TryFrom<EventColumns> for Event {
    type Error = StoreError;

    fn try_from(row: EventColumns) -> StoreResult<Self> {
        Ok(Self {
            id: EventId(row.id),
            tenant_id: TenantId(row.tenant_id),
            rule_id: RuleId(row.rule_id),
            product_id: ProductId(row.product_id),
            facts: row.facts.0,
            at: time(row.at)?,
            told_with_others_at: None,
        })
    }
}

/// A delivery with its status.
#[derive(sqlx::FromRow)]
pub(super) struct DeliveryColumns {
    pub event_id: Uuid,
    id: Uuid,
    channel_id: Option<Uuid>,
    status: String,
    attempts: i32,
    last_error: Option<String>,
    delivered_at: Option<i64>,
}

impl TryFrom<DeliveryColumns> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryColumns) -> StoreResult<Self> {
        Ok(Self {
            id: DeliveryId(row.id),
            channel_id: row.channel_id.map(ChannelId),
            status: word(&row.status)?,
            attempts: count(row.attempts)?,
            last_error: row.last_error,
            delivered_at: row.delivered_at.map(time).transpose()?,
        })
    }
}

/// A point of history: a row, or a JSON list of its values in this order.
#[derive(sqlx::FromRow, Deserialize)]
pub(super) struct PointColumns {
    pub series: i16,
    pub category: String,
    pub at: i64,
    number: Option<i64>,
    text: Option<String>,
}

impl TryFrom<PointColumns> for Point {
    type Error = StoreError;

    fn try_from(row: PointColumns) -> StoreResult<Self> {
        let series = Series::from_number(row.series);
        let series = series.ok_or_else(|| StoreError::Corrupt(format!("series {}", row.series)))?;
        Ok(Self {
            key: SeriesKey { series, category: row.category },
            at: time(row.at)?,
            value: row.number.map(PointValue::Number).or(row.text.map(PointValue::Text)),
        })
    }
}

/// The columns by which lists search and sort: the title in lower case and the price.
pub(super) fn sort_columns(state: &ListingState) -> (Option<String>, Option<i64>) {
    (state.title.as_deref().map(str::to_lowercase), state.number(Series::Price))
}

/// More columns by which a board searches and sorts.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct BoardColumns {
    /// The number of the availability.
    pub availability: i64,
    /// The best rank of all categories.
    pub best_rank: Option<i64>,
    /// The last successful crawl, if its page stated the price.
    pub price_read_at: Option<i64>,
    /// The seller in lower case.
    pub sort_seller: Option<String>,
}

impl From<&ListingState> for BoardColumns {
    fn from(state: &ListingState) -> Self {
        let read_at = state.as_of(Series::Price).filter(|as_of| Some(*as_of) == state.checked_at);
        Self {
            availability: state.availability().number(),
            best_rank: state.best_rank().map(i64::from),
            price_read_at: read_at.map(Timestamp::as_millisecond),
            sort_seller: state.text(Series::Seller).map(str::to_lowercase),
        }
    }
}
