//! Public links to products: managed by their tenants, and followed by anybody.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use serde_json::json;
use tokio::sync::Semaphore;

use super::access::Caller;
use super::charts::{ChartLook, ChartTexts};
use super::history::gap_until;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::auth::{OpaqueToken, TokenKind, hash_of};
use crate::domain::stats::{PriceStats, price_stats};
use crate::domain::steps::Gap;
use crate::domain::{Money, Point, Product, ProductId, Series, Share, ShareId, SharedParts, TenantId};
use crate::limits::RateLimitStatus;
use crate::store::{AuditEvent, NewShare, StoreError};

/// Shares of a product.
const MAX_SHARES: u32 = 20;
/// `sh_`, and 256 bits in base64. Anything else is refused without a lookup.
const TOKEN_BYTES: usize = 46;
/// The window of the numbers on a page.
const PAGE_DAYS: u32 = 90;
/// Points of these numbers.
const MAX_POINTS: u32 = 20_000;
/// A chart ends at a multiple of this, so that it can be kept for so long.
const CHART_SECS: i64 = 300;
/// Memory of charts that were drawn lately.
const MAX_CHART_BYTES: u64 = 16 << 20;
/// Charts that are drawn at the same time: strangers ask for them.
const MAX_DRAWING: usize = 2;

/// Charts of shares that were drawn lately.
pub struct ShareCharts {
    drawn: Cache<(ShareId, String), Arc<[u8]>>,
    drawing: Semaphore,
}

impl Default for ShareCharts {
    fn default() -> Self {
        let weight = |_: &(ShareId, String), chart: &Arc<[u8]>| u32::try_from(chart.len()).unwrap_or(u32::MAX);
        let age = Duration::from_secs(CHART_SECS.unsigned_abs());
        let drawn = Cache::builder().weigher(weight).max_capacity(MAX_CHART_BYTES).time_to_live(age).build();
        Self { drawn, drawing: Semaphore::new(MAX_DRAWING) }
    }
}

/// A product as its share shows it.
#[derive(Debug, Clone)]
pub struct SharedProduct {
    /// Its name: the tenant's if the share shows it, or the title of the listing.
    pub title: String,
    /// Its tags, if the share shows them.
    pub tags: Vec<String>,
    /// The price that the tenant waits for, if the share shows it.
    pub target: Option<Money>,
    /// The product. Nothing else of its settings may be shown.
    pub product: Product,
    /// Of the last days.
    pub stats: PriceStats,
}

/// What a chart of a share shows.
#[derive(Debug, Clone)]
pub struct SharedChartRequest {
    /// What it looks like.
    pub look: ChartLook,
    /// It has a heading.
    pub has_title: bool,
    /// It has a line at the price that the tenant waits for, if the share shows it.
    pub has_target: bool,
}

impl Service {
    /// Creates a public link to a product, and returns its token, which is not stored.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] `too_many_shares`.
    pub async fn add_share(
        &self,
        caller: Caller,
        product_id: ProductId,
        shows: SharedParts,
    ) -> ServiceResult<(Share, String)> {
        self.run(async move |deps: Arc<Dependencies>| {
            let token = OpaqueToken::new(TokenKind::Share);
            let (tenant_id, hash, quota) = (caller.tenant_id, token.hash(), MAX_SHARES);
            let new = NewShare { tenant_id, product_id, hash, shows, quota };
            let share = deps.store.add_share(new).await.map_err(|error| match error {
                StoreError::OverQuota { limit, .. } => ServiceError::Conflict(
                    "too_many_shares",
                    format!("there may be at most {limit} shares of a product; revoke one"),
                ),
                other => other.into(),
            })?;
            deps.share_changed(&caller, &share, "share.add").await;
            Ok((share, token.reveal()))
        })
        .await
    }

    /// The shares of a product, newest first.
    pub async fn shares(&self, tenant_id: TenantId, product_id: ProductId) -> ServiceResult<Vec<Share>> {
        self.run(async move |deps: Arc<Dependencies>| {
            deps.store.product(tenant_id, product_id).await?;
            Ok(deps.store.shares(tenant_id, product_id).await?)
        })
        .await
    }

    /// Ends a share.
    pub async fn remove_share(&self, caller: Caller, id: ShareId) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            let share = deps.store.remove_share(caller.tenant_id, id).await?;
            deps.share_changed(&caller, &share, "share.revoke").await;
            Ok(())
        })
        .await
    }

    /// Takes one request from what an address may ask of shares.
    ///
    /// # Errors
    /// [`ServiceError::TooManyAttempts`]
    pub async fn view_of_share(&self, address: IpAddr) -> ServiceResult<RateLimitStatus> {
        self.run(async move |deps: Arc<Dependencies>| {
            let rate_limit = deps.share_views.take(address).await;
            if rate_limit.wait.is_some() { Err(ServiceError::TooManyAttempts(rate_limit)) } else { Ok(rate_limit) }
        })
        .await
    }

    /// The product that a token shares.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]: there is no such share, or not any more.
    pub async fn shared_product(&self, token: String) -> ServiceResult<SharedProduct> {
        self.run(async move |deps: Arc<Dependencies>| {
            let share = deps.share_of(&token).await?;
            let product = deps.store.product(share.tenant_id, share.product_id).await?;
            let target = deps.shared_target(&share, &product).await?;
            let stats = deps.stats_of_share(&product).await?;
            let tags = if share.shows.tags { product.settings.tags.clone() } else { Vec::new() };
            Ok(SharedProduct { title: shared_title(&share, &product), tags, target, product, stats })
        })
        .await
    }

    /// The chart of the product that a token shares.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]: there is no such share, or not any more. [`ServiceError::Invalid`]: the size is not supported.
    pub async fn shared_chart(&self, token: String, request: SharedChartRequest) -> ServiceResult<Arc<[u8]>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let share = deps.share_of(&token).await?;
            let product = deps.store.product(share.tenant_id, share.product_id).await?;
            let target = if request.has_target { deps.shared_target(&share, &product).await? } else { None };
            let title = if request.has_title { shared_title(&share, &product) } else { String::new() };
            let to = end_of_chart(product.created_at, Timestamp::now());
            let key = (share.id, format!("{request:?} {target:?} {title} {to}"));
            if let Some(drawn) = deps.share_charts.drawn.get(&key) {
                return Ok(drawn);
            }
            // Never closed.
            let _turn = deps.share_charts.drawing.acquire().await;
            let drawn: Arc<[u8]> = deps.draw(product, request.look, ChartTexts { title, target }, to).await?.into();
            deps.share_charts.drawn.insert(key, Arc::clone(&drawn));
            Ok(drawn)
        })
        .await
    }

    /// The public address of a share, by its token.
    pub fn share_url(&self, token: &str) -> Option<url::Url> {
        self.deps.public_url.join(&format!("c/{token}")).ok()
    }
}

/// The last multiple of [`CHART_SECS`]: what is drawn until the next one is the same. A product that was just added may have no price yet
/// then, and its chart ends now.
fn end_of_chart(created_at: Timestamp, now: Timestamp) -> Timestamp {
    let secs = now.as_second();
    let multiple = Timestamp::from_second(secs - secs.rem_euclid(CHART_SECS)).unwrap_or(Timestamp::MIN);
    if multiple.as_second() - created_at.as_second() >= CHART_SECS { multiple } else { now }
}

fn shared_title(share: &Share, product: &Product) -> String {
    let label = product.settings.label.clone().filter(|_| share.shows.label);
    label.or(product.state.title.clone()).unwrap_or_else(|| product.listing.asin.to_string())
}

impl Dependencies {
    async fn share_of(&self, token: &str) -> ServiceResult<Share> {
        if token.len() != TOKEN_BYTES || !token.starts_with(TokenKind::Share.prefix()) {
            return Err(ServiceError::NotFound("share"));
        }
        Ok(self.store.use_share(hash_of(token)).await?)
    }

    async fn shared_target(&self, share: &Share, product: &Product) -> ServiceResult<Option<Money>> {
        if !share.shows.target {
            return Ok(None);
        }
        let currency = product.listing.marketplace.currency();
        let targets = self.chart_targets(share.tenant_id, product.id, currency, Timestamp::now()).await?;
        let highest = targets.into_iter().map(|target| target.amount_minor).max();
        Ok(highest.map(|amount_minor| Money::new(amount_minor, currency)))
    }

    async fn stats_of_share(&self, product: &Product) -> ServiceResult<PriceStats> {
        let now = Timestamp::now();
        let from = now.checked_sub(SignedDuration::from_hours(24 * i64::from(PAGE_DAYS))).unwrap_or(Timestamp::MIN);
        let series = [Series::Price, Series::Unobserved];
        let points = self.store.points(product.listing_id, &series, Some(from), Some(now), MAX_POINTS).await?;
        let (marks, prices): (Vec<Point>, Vec<Point>) =
            points.into_iter().partition(|point| point.key.series == Series::Unobserved);
        let gaps: Vec<Gap> = marks.iter().filter_map(Gap::of).chain(gap_until(product, now)).collect();
        Ok(price_stats(&prices, &[], &gaps, Some(PAGE_DAYS), now))
    }

    async fn share_changed(self: &Arc<Self>, caller: &Caller, share: &Share, action: &'static str) {
        let event = caller.audit_event(action, Some(format!("share:{}", share.id)));
        self.audit(AuditEvent { facts: json!({ "product_id": share.product_id }), ..event }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_ends_at_a_multiple_of_five_minutes_unless_its_product_was_just_added() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = time("2026-11-30T12:07:31Z");
        assert_eq!(end_of_chart(time("2026-11-01T00:00:00Z"), now), time("2026-11-30T12:05:00Z"));
        for just_added in ["2026-11-30T12:06:00Z", "2026-11-30T12:04:59Z"] {
            assert_eq!(end_of_chart(time(just_added), now), now);
        }
    }
}
