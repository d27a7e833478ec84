//! What a rule would have told, by the stored history of a product.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::alerts::{check_condition, check_settings, currency_of};
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::domain::rule::{Replay, ReplayedCrossing};
use crate::domain::{Currency, ProductId, RuleSettings, Series, TenantId};

/// Points that a preview reads, at most.
const MAX_POINTS: u32 = 20_000;
/// Crossings that a preview shows, at most; the latest.
const MAX_CROSSINGS: usize = 500;

/// A rule to preview.
#[derive(Debug, Clone)]
pub struct PreviewRequest {
    /// The product whose history it is played over.
    pub product_id: ProductId,
    /// The settings of the rule.
    pub settings: RuleSettings,
    /// The path of the condition in the request: `when.`, or nothing.
    pub condition_path: &'static str,
    /// How far back.
    pub days: u32,
}

/// What a rule would have told.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The rule is created then.
    pub from: Timestamp,
    /// Now.
    pub to: Timestamp,
    /// The latest crossings, in order.
    pub crossings: Vec<ReplayedCrossing>,
    /// All crossings.
    pub total: usize,
    /// Messages about them: those within a cooldown share one.
    pub messages: usize,
    /// The kinds of tests about what history does not keep: see [`Condition::not_in_history`](crate::domain::Condition::not_in_history).
    pub not_in_history: Vec<&'static str>,
}

impl Service {
    /// Plays a rule over the stored history of a product, as if it had been created `days` ago.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`]: a field is wrong, or there are too many changes in this time.
    pub async fn preview_rule(
        &self,
        tenant_id: TenantId,
        request: PreviewRequest,
    ) -> ServiceResult<(Preview, Currency)> {
        self.run(async move |deps: Arc<Dependencies>| {
            let PreviewRequest { product_id, settings, condition_path, days } = request;
            let product = deps.product_of_rule(tenant_id, product_id).await?;
            let mut errors = Vec::new();
            check_settings(&settings, &mut errors);
            check_condition(&settings.condition, currency_of(Some(&product)), condition_path, &mut errors);
            if !errors.is_empty() {
                return Err(ServiceError::Invalid(errors));
            }
            deps.check_competitor_sets(tenant_id, &settings.condition, Some(&product), condition_path).await?;
            let to = Timestamp::now();
            let from = to.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(to);
            // Windows begin before the rule does.
            let windows = settings.condition.windows();
            let reads_from = windows.iter().map(|window| window.from(from)).min().unwrap_or(from);
            let points =
                deps.store.points(product.listing_id, Series::ALL, Some(reads_from), Some(to), MAX_POINTS).await?;
            if points.len() >= MAX_POINTS as usize {
                let message = format!("there are more than {MAX_POINTS} changes in this time; choose a shorter one");
                return Err(ServiceError::invalid("days", message));
            }
            let me = deps.store.tenant(tenant_id).await?.seller_ids;
            let interval = Duration::from_secs(u64::from(product.settings.frequency.interval().as_secs()));
            let marketplace = product.listing.marketplace;
            let not_in_history = settings.condition.not_in_history();
            let played = tokio::task::spawn_blocking(move || {
                let mut points = points;
                points.sort_by_key(|point| point.at);
                let (settings, me, points) = (&settings, &me[..], &points[..]);
                Replay { settings, me, marketplace, points, from, to, interval }.crossings()
            });
            let mut crossings = played.await.map_err(|error| {
                tracing::error!(%error, "a preview panicked");
                ServiceError::Internal
            })?;
            let mut told: Vec<Timestamp> = crossings.iter().map(|crossing| crossing.told_at).collect();
            told.dedup();
            let total = crossings.len();
            crossings.drain(..total.saturating_sub(MAX_CROSSINGS));
            let preview = Preview { from, to, crossings, total, messages: told.len(), not_in_history };
            Ok((preview, marketplace.currency()))
        })
        .await
    }
}
