//! Charts of the price of a product.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::history::gap_until;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::chart::{ChartError, PriceChart, Size, Theme, is_drawable};
use crate::domain::steps::Gap;
use crate::domain::{Point, ProductId, Series, TenantId};

/// Points of a chart; a chart of more is drawn from the earliest.
const MAX_POINTS: u32 = 20_000;

/// A chart to draw.
#[derive(Debug, Clone)]
pub struct ChartRequest {
    /// The product.
    pub product_id: ProductId,
    /// How far back.
    pub days: u32,
    /// Dark instead of light.
    pub is_dark: bool,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// As PNG instead of SVG.
    pub is_png: bool,
}

impl Service {
    /// Draws the price of a product.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`]: the size is not supported.
    pub async fn chart(&self, tenant_id: TenantId, request: ChartRequest) -> ServiceResult<Vec<u8>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let size = Size::new(request.width, request.height);
            let size = size.map_err(|error| ServiceError::invalid("width", error))?;
            let product = deps.store.product(tenant_id, request.product_id).await?;
            let to = Timestamp::now();
            let from =
                to.checked_sub(SignedDuration::from_hours(24 * i64::from(request.days))).unwrap_or(Timestamp::MIN);
            let series = [Series::Price, Series::Unobserved];
            let points = deps.store.points(product.listing_id, &series, Some(from), Some(to), MAX_POINTS).await?;
            let (marks, points): (Vec<Point>, Vec<Point>) =
                points.into_iter().partition(|point| point.key.series == Series::Unobserved);
            let mut gaps: Vec<Gap> = marks.iter().filter_map(Gap::of).collect();
            gaps.extend(gap_until(&product, to));
            let asin = product.listing.asin.to_string();
            let title = product.settings.label.clone().or(product.state.title.clone()).unwrap_or_else(|| asin.clone());
            // The font of the PNG has the letters of Europe.
            let title = if request.is_png && !is_drawable(&title) { asin } else { title };
            let drawn = tokio::task::spawn_blocking(move || {
                let chart = PriceChart {
                    points: &points,
                    gaps: &gaps,
                    beside: &[],
                    target: None,
                    currency: product.listing.marketplace.currency(),
                    from,
                    to,
                    zone: TimeZone::UTC,
                    title: &title,
                    theme: if request.is_dark { Theme::Dark } else { Theme::Light },
                    size,
                };
                if request.is_png { chart.png(1.0) } else { Ok(chart.svg().into_bytes()) }
            });
            drawn.await.map_err(|error| internal(&error))?.map_err(|error: ChartError| internal(&error))
        })
        .await
    }
}

fn internal(error: &impl std::fmt::Display) -> ServiceError {
    tracing::error!(%error, "a chart could not be drawn");
    ServiceError::Internal
}
