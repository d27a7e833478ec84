//! Runs whose end nobody has seen: the listings were deleted, or crawled by another source, or every process died. Their costs are
//! settled all the same.

use std::time::Duration;

use async_trait::async_trait;

use super::client::ApifyError;
use super::journal::record_end;
use super::source::{ApifySource, CLOCK_SKEW, RUN_MARGIN};
use crate::domain::{RunEnd, SourceRun};
use crate::sources::SettleRuns;

/// Whoever follows a run has seen its end and read its items by then.
const READING: Duration = Duration::from_secs(600);

#[async_trait]
impl SettleRuns for ApifySource {
    async fn settle_unfollowed(&self) -> usize {
        let min_age = Duration::from_secs(self.settings.run_timeout_secs.into()) + RUN_MARGIN + READING;
        let runs = self.journal.unfollowed(min_age).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "unfollowed runs are not settled");
            Vec::new()
        });
        let mut settled = 0;
        for run in runs {
            match self.end_of(&run).await {
                Ok(Some(end)) => {
                    record_end(&*self.journal, &self.metrics, run.id, end).await;
                    settled += 1;
                }
                // The next time.
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, run = %run.id, "an unfollowed run is not settled"),
            }
        }
        settled
    }
}

impl ApifySource {
    /// How a run has ended; `None`: it goes on, and is being stopped.
    async fn end_of(&self, run: &SourceRun) -> Result<Option<RunEnd>, ApifyError> {
        let Some(external_id) = self.known_id(run).await? else { return Ok(Some(RunEnd::Lost)) };
        match self.client.run(&external_id, Duration::ZERO).await {
            Ok(ended) if ended.status.has_ended() => Ok(Some(RunEnd::Ended { cost_micros: ended.cost_micros() })),
            Ok(_) => {
                tracing::warn!(run = external_id, "nobody follows a run; stopping it");
                self.client.abort(&external_id).await.map(|()| None)
            }
            Err(ApifyError::Refused { status: 404, .. }) => Ok(Some(RunEnd::Lost)),
            Err(error) => Err(error),
        }
    }

    /// Apify's id of the run. `None`: it was never started, as far as its input tells.
    async fn known_id(&self, run: &SourceRun) -> Result<Option<String>, ApifyError> {
        let Some(first) = run.listings.first() else { return Ok(run.external_id.clone()) };
        if run.external_id.is_some() {
            return Ok(run.external_id.clone());
        }
        let input = self.input(&run.listings, first.marketplace);
        let since = run.opened_at.saturating_sub(CLOCK_SKEW).unwrap_or(run.opened_at);
        Ok(self.client.find(&input, since).await?.map(|found| found.id))
    }
}
