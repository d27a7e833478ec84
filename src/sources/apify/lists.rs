//! Bestseller lists, read by runs of an actor of their own.
//!
//! A run takes minutes, and a step of a job must not: each step looks at the run of its job, and comes again until the run has ended.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::client::{ApifyClient, ApifyError, RunStatus};
use super::journal::{NAME, RunJournal, record_end};
use super::source::{RUN_MARGIN, SEARCH, age, find_started, outcome_of};
use crate::config::{ApifyListSettings, ApifySettings, ListProfile};
use crate::domain::{Failure, JobStep, ListUrl, Listing, Marketplace, OpenedListRun, Outcome, RunEnd, SourceRun};
use crate::sources::{ReadWholeLists, WholeList};
use crate::telemetry::Metrics;

/// How long a step waits for the end of the run.
const LONG_POLL: Duration = Duration::from_secs(2);
/// A look at a run takes no longer: a step of a job has a lease.
const MAX_LOOK: Duration = Duration::from_secs(35);
/// A run that is not read by then, after its time was over, is given up.
const READING: Duration = Duration::from_secs(600);

/// Reads bestseller lists by runs of `apify.lists.actor`.
pub struct ApifyLists {
    client: ApifyClient,
    profile: ListProfile,
    run_timeout: Duration,
    journal: Arc<dyn RunJournal>,
    metrics: Arc<Metrics>,
}

/// Why a list was not read in this step.
enum NotRead {
    /// The run goes on, or Apify does not answer.
    Pending,
    /// It will not be read by a run.
    Unavailable(Outcome),
}

impl ApifyLists {
    /// Reads by runs of this actor.
    ///
    /// # Errors
    /// The TLS backend cannot be initialised.
    pub fn new(
        settings: &ApifySettings,
        lists: &ApifyListSettings,
        journal: Arc<dyn RunJournal>,
        metrics: Arc<Metrics>,
    ) -> reqwest::Result<Self> {
        let client = ApifyClient::new(ApifySettings { actor: lists.actor.clone(), ..settings.clone() })?;
        let run_timeout = Duration::from_secs(settings.run_timeout_secs.into());
        Ok(Self { client, profile: lists.profile, run_timeout, journal, metrics })
    }

    async fn try_read(&self, list: &ListUrl, max_items: u32, job: JobStep) -> Result<Vec<Listing>, NotRead> {
        let run = match self.journal.open_list(NAME, job, max_items).await {
            Ok(OpenedListRun::Run(run)) => run,
            Ok(OpenedListRun::Refused { why, .. }) => {
                self.metrics.budget_refusals.with_label_values(&[NAME, why.owner().as_str()]).inc();
                return Err(NotRead::Unavailable(Outcome::Failed(Failure::OverBudget)));
            }
            Err(error) => {
                tracing::warn!(%error, "no list is read");
                return Err(NotRead::Pending);
            }
        };
        let looked = tokio::time::timeout(MAX_LOOK, self.look(&run, list, max_items)).await;
        match looked.unwrap_or(Err(NotRead::Pending)) {
            Err(NotRead::Pending) if age(&run) > self.run_timeout + RUN_MARGIN + READING => {
                Err(self.given_up(&run, Outcome::Failed(Failure::Timeout)).await)
            }
            looked => looked,
        }
    }

    /// Looks at a run, after starting it if nobody has tried.
    async fn look(&self, run: &SourceRun, list: &ListUrl, max_items: u32) -> Result<Vec<Listing>, NotRead> {
        let external_id = self.external_id(run, &self.profile.input(list, max_items)).await?;
        self.await_end(run, &external_id).await?;
        self.listings(list.marketplace(), &external_id, max_items).await
    }

    /// Apify's id of the run. Starts it, if no step has tried; otherwise looks for it.
    async fn external_id(&self, run: &SourceRun, input: &Value) -> Result<String, NotRead> {
        if let Some(external_id) = &run.external_id {
            return Ok(external_id.clone());
        }
        let found = if run.is_new {
            self.client.start(input, None).await.map(Some)
        } else {
            find_started(&self.client, &*self.journal, run, input).await
        };
        match found {
            Ok(Some(found)) => {
                match self.journal.started(run.id, &found.id).await {
                    Ok(true) => Ok(found.id),
                    // Another record has taken it meanwhile.
                    Ok(false) => Err(NotRead::Pending),
                    Err(error) => {
                        tracing::warn!(%error, "the start of a run could not be recorded");
                        Ok(found.id)
                    }
                }
            }
            Ok(None) if age(run) > SEARCH => Err(self.lost(run, Outcome::Failed(Failure::NotDelivered)).await),
            // A request that starts it may still be under way.
            Ok(None) | Err(ApifyError::NoAnswer(_)) => Err(NotRead::Pending),
            Err(ApifyError::Later { .. }) if !run.is_new => Err(NotRead::Pending),
            Err(error) if run.is_new => Err(self.lost(run, outcome_of(&error)).await),
            Err(error) => Err(NotRead::Unavailable(outcome_of(&error))),
        }
    }

    /// Succeeds once the run has ended. One that takes too long is stopped.
    async fn await_end(&self, run: &SourceRun, external_id: &str) -> Result<(), NotRead> {
        let is_late = age(run) > self.run_timeout + RUN_MARGIN;
        match self.client.run(external_id, LONG_POLL).await {
            Ok(ended) if ended.status.has_ended() => {
                let end = RunEnd::Ended { cost_micros: ended.cost_micros() };
                record_end(&*self.journal, &self.metrics, run.id, end).await;
                // A part of a list is not the list.
                let is_whole = ended.status == RunStatus::Succeeded;
                is_whole.then_some(()).ok_or(NotRead::Unavailable(Outcome::Failed(Failure::NotDelivered)))
            }
            Ok(_) if is_late => {
                tracing::warn!(run = external_id, "a run takes too long; stopping it");
                let _ = self.client.abort(external_id).await;
                Err(NotRead::Pending)
            }
            Ok(_) => Err(NotRead::Pending),
            Err(ApifyError::Refused { status: 404, .. }) => {
                Err(self.given_up(run, Outcome::Failed(Failure::NotDelivered)).await)
            }
            Err(ApifyError::NoAnswer(_) | ApifyError::Later { .. }) => Err(NotRead::Pending),
            Err(error) => Err(NotRead::Unavailable(outcome_of(&error))),
        }
    }

    /// The listings of a run's dataset, in the order of the list.
    async fn listings(
        &self,
        marketplace: Marketplace,
        external_id: &str,
        max_items: u32,
    ) -> Result<Vec<Listing>, NotRead> {
        let mut items = Vec::new();
        loop {
            let page = match self.client.items(external_id, items.len()).await {
                Ok(page) => page,
                Err(ApifyError::NoAnswer(_) | ApifyError::Later { .. }) => return Err(NotRead::Pending),
                Err(error) => return Err(NotRead::Unavailable(outcome_of(&error))),
            };
            if page.is_empty() {
                break;
            }
            items.extend(page);
        }
        let listings = self.profile.listings(&items, marketplace, max_items);
        let nothing = || NotRead::Unavailable(Outcome::Failed(Failure::NotDelivered));
        if listings.is_empty() { Err(nothing()) } else { Ok(listings) }
    }

    /// It was started, and what it has cost is not known: the reservation stands.
    async fn given_up(&self, run: &SourceRun, outcome: Outcome) -> NotRead {
        record_end(&*self.journal, &self.metrics, run.id, RunEnd::Ended { cost_micros: None }).await;
        NotRead::Unavailable(outcome)
    }

    async fn lost(&self, run: &SourceRun, outcome: Outcome) -> NotRead {
        record_end(&*self.journal, &self.metrics, run.id, RunEnd::Lost).await;
        NotRead::Unavailable(outcome)
    }
}

#[async_trait]
impl ReadWholeLists for ApifyLists {
    fn can_read(&self, list: &ListUrl) -> bool {
        list.is_bestsellers()
    }

    async fn read_whole(&self, list: &ListUrl, max_items: u32, job: JobStep) -> WholeList {
        match self.try_read(list, max_items, job).await {
            Ok(listings) => WholeList::Listed(listings),
            Err(NotRead::Pending) => WholeList::Pending,
            Err(NotRead::Unavailable(outcome)) => WholeList::Unavailable(outcome),
        }
    }
}
