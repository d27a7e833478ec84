//! The source: a run for many listings, followed to its end, and answers for each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::Answer;
use super::callback::RunCallbacks;
use super::client::{ApifyClient, ApifyError, Run};
use super::journal::{NAME, RunJournal, record_end};
use crate::config::ApifySettings;
use crate::domain::{
    Block, Failure, Listing, Marketplace, OpenedRuns, Outcome, OverBudget, RunEnd, RunRequest, SourceRun,
};
use crate::sources::{BatchSize, Outcomes, Source, Wanted};
use crate::telemetry::Metrics;

/// How long a run that was started without an answer is looked for: a request that is still under way ends within it.
pub(super) const SEARCH: Duration = Duration::from_secs(120);
const FIRST_SEARCH_PAUSE: Duration = Duration::from_secs(1);
/// Clocks may differ: a run found by its input may have begun a little before it was recorded.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);
/// Runs that were recorded earlier were also started earlier.
const KNOWN_BEFORE: SignedDuration = SignedDuration::from_hours(1);
/// What a run may take longer than it was told: the start of its machine.
pub(super) const RUN_MARGIN: Duration = Duration::from_secs(120);
/// How long the API waits for the end of a run before it answers.
const LONG_POLL: Duration = Duration::from_secs(60);
/// Between two questions about a run whose API does not answer.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(5);
/// Until Apify is asked again after it refused for good: somebody has to pay, or to change the settings.
const REFUSED_PAUSE: Duration = Duration::from_secs(900);
/// The same after it refused for now, unless it says how long.
const LATER_PAUSE: Duration = Duration::from_secs(60);

/// Crawls by runs of an Apify actor.
pub struct ApifySource {
    pub(super) client: ApifyClient,
    pub(super) settings: ApifySettings,
    pub(super) journal: Arc<dyn RunJournal>,
    callbacks: Arc<RunCallbacks>,
    pub(super) metrics: Arc<Metrics>,
}

/// Why a run answers nothing now.
enum NoAnswers {
    /// This is the outcome of all its listings.
    All(Outcome),
    /// Nothing was attempted, or it goes on without us.
    None,
}

impl ApifySource {
    /// A source with the given settings.
    ///
    /// # Errors
    /// The TLS backend cannot be initialised.
    pub fn new(
        settings: ApifySettings,
        journal: Arc<dyn RunJournal>,
        callbacks: Arc<RunCallbacks>,
        metrics: Arc<Metrics>,
    ) -> reqwest::Result<Self> {
        Ok(Self { client: ApifyClient::new(settings.clone())?, settings, journal, callbacks, metrics })
    }

    /// The input of a run.
    pub(super) fn input(&self, listings: &[Listing], marketplace: Marketplace) -> serde_json::Value {
        self.settings.profile.input(listings, marketplace, self.settings.max_offers)
    }

    /// Follows a run to its end and reports the outcome of each wanted listing, with its offers if they are wanted.
    async fn follow(&self, run: SourceRun, offers: &HashSet<Listing>, outcomes: &Outcomes) {
        let result = match self.external_id(&run).await {
            Ok(external_id) => self.answers(&run, &external_id, offers, outcomes).await,
            Err(none) => Err(none),
        };
        if let Err(NoAnswers::All(outcome)) = result {
            for listing in &run.wanted {
                let _ = outcomes.send((*listing, outcome.clone()));
            }
        }
    }

    /// Apify's id of the run. Starts it, if nobody has tried; otherwise looks for it.
    async fn external_id(&self, run: &SourceRun) -> Result<String, NoAnswers> {
        if let Some(external_id) = &run.external_id {
            return Ok(external_id.clone());
        }
        let marketplace = run.listings.first().ok_or(NoAnswers::None)?.marketplace;
        let input = self.input(&run.listings, marketplace);
        let started = match run.is_new {
            true => self.client.start(&input, self.callbacks.parameter(run.id)).await,
            false => Err(ApifyError::NoAnswer("its start was recorded, and not its answer".to_owned())),
        };
        let external_id = match started {
            Ok(started) => started.id,
            Err(ApifyError::NoAnswer(why)) => {
                tracing::warn!(run = %run.id, why, "a run may have been started without an answer; looking for it");
                self.search(run, &input).await?
            }
            Err(error) => {
                record_end(&*self.journal, &self.metrics, run.id, RunEnd::Lost).await;
                return Err(NoAnswers::All(outcome_of(&error)));
            }
        };
        // If this fails, whoever comes next finds the run by its input.
        if let Err(error) = self.journal.started(run.id, &external_id).await {
            tracing::warn!(%error, "the start of a run could not be recorded");
        }
        Ok(external_id)
    }

    /// Looks for a run by its input, until a request that started it must have arrived.
    async fn search(&self, run: &SourceRun, input: &serde_json::Value) -> Result<String, NoAnswers> {
        let mut pause = FIRST_SEARCH_PAUSE;
        loop {
            match find_started(&self.client, &*self.journal, run, input).await {
                Ok(Some(found)) => return Ok(found.id),
                Ok(None) if age(run) > SEARCH => {
                    record_end(&*self.journal, &self.metrics, run.id, RunEnd::Lost).await;
                    return Err(NoAnswers::None);
                }
                Ok(None) => {}
                Err(ApifyError::NoAnswer(_)) if age(run) <= SEARCH => {}
                Err(error) => return Err(NoAnswers::All(outcome_of(&error))),
            }
            tokio::time::sleep(pause.mul_f64(rand::random_range(1.0..1.2))).await;
            pause = (pause * 2).min(SEARCH / 4);
        }
    }

    /// Waits for the end of the run, and reports what its dataset tells of the wanted listings.
    async fn answers(
        &self,
        run: &SourceRun,
        external_id: &str,
        offers: &HashSet<Listing>,
        outcomes: &Outcomes,
    ) -> Result<(), NoAnswers> {
        let ended = match self.ended(run, external_id).await {
            Err(error @ ApifyError::Refused { status: 404, .. }) => {
                tracing::warn!(run = external_id, %error, "a run is gone");
                record_end(&*self.journal, &self.metrics, run.id, RunEnd::Lost).await;
                return Err(NoAnswers::None);
            }
            ended => ended.map_err(|error| NoAnswers::All(outcome_of(&error)))?,
        };
        let rest = self
            .report_items(run, external_id, offers, outcomes)
            .await
            .map_err(|error| NoAnswers::All(outcome_of(&error)))?;
        record_end(&*self.journal, &self.metrics, run.id, RunEnd::Ended { cost_micros: ended.cost_micros() }).await;
        for (listing, failure) in rest {
            let _ = outcomes.send((listing, failure.unwrap_or(Outcome::Failed(Failure::NotDelivered))));
        }
        Ok(())
    }

    /// Reports the wanted listings whose items are products. Returns the others, with what their items say.
    async fn report_items(
        &self,
        run: &SourceRun,
        external_id: &str,
        offers: &HashSet<Listing>,
        outcomes: &Outcomes,
    ) -> Result<HashMap<Listing, Option<Outcome>>, ApifyError> {
        let mut rest: HashMap<Listing, Option<Outcome>> = run.wanted.iter().map(|listing| (*listing, None)).collect();
        let Some(marketplace) = run.wanted.first().map(|listing| listing.marketplace) else { return Ok(rest) };
        let mut offset = 0;
        loop {
            let page = self.client.items(external_id, offset).await?;
            if page.is_empty() {
                return Ok(rest);
            }
            offset += page.len();
            for item in &page {
                let Answer { requested, outcome } = self.settings.profile.answer(item, marketplace);
                let Some(listing) = requested.map(|asin| Listing::new(marketplace, asin)) else { continue };
                // Of several items for a listing, one that is a product counts.
                if let Outcome::Observed(mut seen) = outcome {
                    if !offers.contains(&listing) {
                        seen.offers = None;
                    }
                    if rest.remove(&listing).is_some() {
                        // Nobody waits for it any more during a drain.
                        let _ = outcomes.send((listing, Outcome::Observed(seen)));
                    }
                } else if let Some(failure) = rest.get_mut(&listing) {
                    failure.get_or_insert(outcome);
                }
            }
        }
    }

    /// The run at its end. One that takes too long is stopped: what it has until then is read.
    async fn ended(&self, run: &SourceRun, external_id: &str) -> Result<Run, ApifyError> {
        let longest = Duration::from_secs(self.settings.run_timeout_secs.into()) + RUN_MARGIN;
        let (began_at, mut answered_at, mut is_stopped) = (Instant::now(), Instant::now(), false);
        let mut callback = Box::pin(self.callbacks.of(run.id));
        let mut has_called_back = false;
        loop {
            let answer = tokio::select! {
                answer = self.client.run(external_id, LONG_POLL) => answer,
                // A hint: the run is asked for again.
                () = &mut callback, if !has_called_back => {
                    has_called_back = true;
                    self.client.run(external_id, Duration::ZERO).await
                }
            };
            match answer {
                Ok(run) if run.status.has_ended() => return Ok(run),
                Ok(run) => {
                    answered_at = Instant::now();
                    let age = Duration::try_from(Timestamp::now().duration_since(run.started_at)).unwrap_or_default();
                    if age.max(began_at.elapsed()) > longest && !is_stopped {
                        tracing::warn!(run = external_id, "a run takes too long; stopping it");
                        is_stopped = self.client.abort(external_id).await.is_ok();
                    }
                }
                // It runs, and is paid for.
                Err(ApifyError::NoAnswer(_) | ApifyError::Later { .. }) if answered_at.elapsed() < SEARCH => {
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reports the listings that there is no money for. Once nothing is left for anybody, the source rests, and the next one of the
    /// marketplace is asked.
    fn report_refused(&self, refused: Vec<(Listing, OverBudget)>, outcomes: &Outcomes) {
        for (listing, why) in refused {
            let scope = why.owner().as_str();
            let outcome = match why {
                OverBudget::Tenants | OverBudget::Installation => Outcome::Failed(Failure::OverBudget),
                OverBudget::Exhausted => Outcome::Blocked(Block::Refused { retry_after: Some(REFUSED_PAUSE) }),
            };
            self.metrics.budget_refusals.with_label_values(&[NAME, scope]).inc();
            tracing::debug!(%listing, scope, "the budget has no money for {listing}");
            let _ = outcomes.send((listing, outcome));
        }
    }
}

/// The run that was started for a record without an answer: it has this input, and is not on record as another one.
pub(super) async fn find_started(
    client: &ApifyClient,
    journal: &dyn RunJournal,
    run: &SourceRun,
    input: &serde_json::Value,
) -> Result<Option<Run>, ApifyError> {
    let before = |skew| run.opened_at.saturating_sub(skew).unwrap_or(run.opened_at);
    let known = journal.ids_of_others(run.id, before(KNOWN_BEFORE)).await;
    let known = known.map_err(|error| ApifyError::NoAnswer(error.to_string()))?;
    client.find(input, before(CLOCK_SKEW), &known).await
}

/// How long ago it was recorded.
pub(super) fn age(run: &SourceRun) -> Duration {
    Duration::try_from(Timestamp::now().duration_since(run.opened_at)).unwrap_or_default()
}

/// What an error means for each listing of the run: the source is at fault, and rests.
pub(super) fn outcome_of(error: &ApifyError) -> Outcome {
    tracing::warn!(%error, "Apify does not crawl");
    let rest = |pause| Outcome::Blocked(Block::Refused { retry_after: Some(pause) });
    match error {
        ApifyError::Refused { .. } => rest(REFUSED_PAUSE),
        ApifyError::Later { retry_after, .. } => rest(retry_after.unwrap_or(LATER_PAUSE)),
        // The run is followed again by whoever crawls its listings next.
        ApifyError::NoAnswer(_) => Outcome::Failed(Failure::Connect),
        ApifyError::Unreadable(_) => Outcome::Failed(Failure::NotDelivered),
    }
}

#[async_trait]
impl Source for ApifySource {
    fn name(&self) -> &'static str {
        NAME
    }

    fn batch(&self) -> BatchSize {
        BatchSize { listings: self.settings.batch, gather: Duration::from_secs(self.settings.gather_secs) }
    }

    async fn crawl(&self, wanted: &[Wanted], outcomes: &Outcomes) {
        let request = |wanted: &Wanted| RunRequest { listing: wanted.listing, is_requested: wanted.is_requested };
        let requests: Vec<RunRequest> = wanted.iter().map(request).collect();
        let offers = wanted.iter().filter(|wanted| wanted.offers).map(|wanted| wanted.listing).collect();
        match self.journal.open(NAME, &requests).await {
            Ok(OpenedRuns { runs, refused, .. }) => {
                self.report_refused(refused, outcomes);
                join_all(runs.into_iter().map(|run| self.follow(run, &offers, outcomes))).await;
            }
            Err(error) => tracing::warn!(%error, "no run is started"),
        }
    }
}
