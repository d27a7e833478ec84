//! Runs whose end nobody has seen: the listings were deleted, or crawled by another source, or every process died. Their costs are
//! settled all the same.

use std::time::Duration;

use async_trait::async_trait;

use super::client::ApifyError;
use super::journal::record_end;
use super::source::{ApifySource, RUN_MARGIN, age, find_started};
use crate::domain::{RunEnd, SourceRun};
use crate::sources::SettleRuns;

/// An older run that Apify does not show is given up.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// Whoever follows a run has seen its end and read its items by then.
const READING: Duration = Duration::from_secs(600);

#[async_trait]
impl SettleRuns for ApifySource {
    async fn settle_unfollowed(&self) -> usize {
        let longest = Duration::from_secs(self.settings.run_timeout_secs.into()) + RUN_MARGIN + READING;
        // So long, listings that could not be read from it may still follow it.
        let min_age = longest.max(Duration::from_secs(self.settings.max_run_age_secs));
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
                // Another account, or too many runs since. The reservation stands.
                Err(_) if age(&run) > MAX_AGE => {
                    record_end(&*self.journal, &self.metrics, run.id, RunEnd::Ended { cost_micros: None }).await;
                }
                Err(error) => tracing::warn!(%error, run = %run.id, "an unfollowed run is not settled"),
            }
        }
        settled
    }
}

impl ApifySource {
    /// How a run has ended; `None`: it goes on, and is being stopped.
    async fn end_of(&self, run: &SourceRun) -> Result<Option<RunEnd>, ApifyError> {
        let external_id = match &run.external_id {
            Some(external_id) => external_id.clone(),
            // The run of a list: the steps of its job have looked for it, so it may have been started. The reservation stands.
            None if run.listings.is_empty() => return Ok(Some(RunEnd::Ended { cost_micros: None })),
            None => match self.found(run).await? {
                Some(external_id) => external_id,
                None => return Ok(Some(RunEnd::Lost)),
            },
        };
        match self.client.run(&external_id, Duration::ZERO).await {
            Ok(ended) if ended.status.has_ended() => Ok(Some(RunEnd::Ended { cost_micros: ended.cost_micros() })),
            Ok(_) => {
                tracing::warn!(run = external_id, "nobody follows a run; stopping it");
                self.client.abort(&external_id).await.map(|()| None)
            }
            // It was started, and its account is gone.
            Err(ApifyError::Refused { status: 404, .. }) => Ok(Some(RunEnd::Ended { cost_micros: None })),
            Err(error) => Err(error),
        }
    }

    /// Apify's id of a run whose start was not answered. `None`: it was never started, as far as its input tells.
    async fn found(&self, run: &SourceRun) -> Result<Option<String>, ApifyError> {
        let Some(first) = run.listings.first() else { return Ok(None) };
        let input = self.input(&run.listings, first.marketplace);
        Ok(find_started(&self.client, &*self.journal, run, &input).await?.map(|found| found.id))
    }
}
