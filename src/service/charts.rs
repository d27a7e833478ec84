//! Charts of the price of a product.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::history::gap_until;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::chart::{ChartError, ChartLanguage, PriceChart, Size, Theme, is_drawable};
use crate::domain::steps::Gap;
use crate::domain::{ListingId, Money, Point, PointValue, Product, ProductId, Series, TenantId};

/// Points of a chart.
const MAX_POINTS: u32 = 200_000;
/// The window of a chart of everything while there is nothing.
const EMPTY: SignedDuration = SignedDuration::from_hours(24);

/// What a chart looks like.
#[derive(Debug, Clone)]
pub struct ChartLook {
    /// How far back; `None`: to the first point.
    pub days: Option<u32>,
    /// Its colours. A PNG that should be [`Theme::Auto`] is light.
    pub theme: Theme,
    /// The sales rank stands beside the price.
    pub has_rank: bool,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// As PNG instead of SVG.
    pub is_png: bool,
    /// Device pixels of a PNG per pixel.
    pub scale: u32,
    /// The time zone of its dates.
    pub zone: TimeZone,
    /// The amounts begin at zero.
    pub from_zero: bool,
    /// The language of its words.
    pub language: ChartLanguage,
}

impl ChartLook {
    /// A light one of so many days, in UTC and English.
    pub fn new(days: u32, width: u32, height: u32, is_png: bool) -> Self {
        Self {
            days: Some(days),
            theme: Theme::Light,
            has_rank: false,
            width,
            height,
            is_png,
            scale: 1,
            zone: TimeZone::UTC,
            from_zero: false,
            language: ChartLanguage::default(),
        }
    }
}

/// A chart to draw.
#[derive(Debug, Clone)]
pub struct ChartRequest {
    /// The product.
    pub product_id: ProductId,
    /// What it looks like.
    pub look: ChartLook,
}

/// What stands in a chart beside the price.
pub(super) struct ChartTexts {
    /// Its heading; empty: none.
    pub title: String,
    /// A line at this price.
    pub target: Option<Money>,
}

impl Service {
    /// Draws the price of a product.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`]: the size is not supported.
    pub async fn chart(&self, tenant_id: TenantId, request: ChartRequest) -> ServiceResult<Vec<u8>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let product = deps.store.product(tenant_id, request.product_id).await?;
            let title = product.settings.label.clone().or(product.state.title.clone());
            let texts = ChartTexts { title: title.unwrap_or_else(|| product.listing.asin.to_string()), target: None };
            deps.draw(product, request.look, texts, Timestamp::now()).await
        })
        .await
    }
}

impl Dependencies {
    /// Draws the price of a product up to a time.
    pub(super) async fn draw(
        &self,
        product: Product,
        look: ChartLook,
        texts: ChartTexts,
        to: Timestamp,
    ) -> ServiceResult<Vec<u8>> {
        let size = Size::new(look.width, look.height);
        let size = size.map_err(|error| ServiceError::invalid("width", error))?;
        let before = |time: SignedDuration| to.checked_sub(time).unwrap_or(Timestamp::MIN);
        let from = look.days.map(|days| before(SignedDuration::from_hours(24 * i64::from(days))));
        let series = [Series::Price, Series::Unobserved];
        let points = self.points_of_chart(product.listing_id, &series, from, to).await?;
        let (marks, points): (Vec<Point>, Vec<Point>) =
            points.into_iter().partition(|point| point.key.series == Series::Unobserved);
        let ranks = if look.has_rank { &[Series::SalesRank][..] } else { &[] };
        let ranks = main_category(self.points_of_chart(product.listing_id, ranks, from, to).await?);
        let first = points.first().map(|point| point.at).filter(|first| *first < to);
        let from = from.or(first).unwrap_or_else(|| before(EMPTY));
        let mut gaps: Vec<Gap> = marks.iter().filter_map(Gap::of).collect();
        gaps.extend(gap_until(&product, to));
        let ChartTexts { title, target } = texts;
        // The font of the PNG has the letters of Europe.
        let title = if look.is_png && !is_drawable(&title) { product.listing.asin.to_string() } else { title };
        let drawn = tokio::task::spawn_blocking(move || {
            let chart = PriceChart {
                points: &points,
                gaps: &gaps,
                beside: &[],
                ranks: &ranks,
                from_zero: look.from_zero,
                language: look.language,
                target,
                currency: product.listing.marketplace.currency(),
                from,
                to,
                zone: look.zone,
                title: &title,
                theme: look.theme,
                size,
            };
            if look.is_png { chart.png(look.scale as f32) } else { Ok(chart.svg().into_bytes()) }
        });
        match drawn.await.map_err(|error| internal(&error))? {
            Err(error @ ChartError::PngSize) => Err(ServiceError::invalid("scale", error)),
            drawn => drawn.map_err(|error| internal(&error)),
        }
    }
}

impl Dependencies {
    async fn points_of_chart(
        &self,
        listing_id: ListingId,
        series: &[Series],
        from: Option<Timestamp>,
        to: Timestamp,
    ) -> ServiceResult<Vec<Point>> {
        if series.is_empty() {
            return Ok(Vec::new());
        }
        let points = self.store.points(listing_id, series, from, Some(to), MAX_POINTS).await?;
        if points.len() < MAX_POINTS as usize {
            return Ok(points);
        }
        let message = format!("there are more than {MAX_POINTS} points; ask for a shorter time");
        Err(ServiceError::invalid(if from.is_some() { "days" } else { "range" }, message))
    }
}

/// The ranks of the category with the highest ones, which is the widest.
fn main_category(mut points: Vec<Point>) -> Vec<Point> {
    let rank = |point: &&Point| point.value.as_ref().and_then(PointValue::number);
    let Some(main) = points.iter().max_by_key(rank).map(|point| point.key.clone()) else { return points };
    points.retain(|point| point.key == main);
    points
}

fn internal(error: &impl std::fmt::Display) -> ServiceError {
    tracing::error!(%error, "a chart could not be drawn");
    ServiceError::Internal
}
