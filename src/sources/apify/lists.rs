//! Bestseller lists, read by runs of an actor of their own.
//!
//! A run takes minutes, and a step of a job must not: each step looks at the run of its job, and comes again until the run has ended.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{ApifyClient, ApifyError, RunStatus};
use super::items::{asin_of_url, is_elsewhere, or_none};
use super::journal::{NAME, RunJournal, record_end};
use super::source::{RUN_MARGIN, SEARCH, age, find_started, outcome_of};
use crate::config::{ApifyListSettings, ApifySettings};
use crate::domain::{Asin, Failure, JobStep, ListUrl, Listing, Marketplace, OpenedListRun, Outcome, RunEnd, SourceRun};
use crate::sources::{ReadWholeLists, WholeList};
use crate::telemetry::Metrics;

/// How long a step waits for the end of the run.
const LONG_POLL: Duration = Duration::from_secs(2);
/// A run that is not read by then, after its time was over, is given up.
const READING: Duration = Duration::from_secs(600);

/// Reads bestseller lists by runs of `apify.lists.actor`.
pub struct ApifyLists {
    client: ApifyClient,
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
        Ok(Self { client, run_timeout, journal, metrics })
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
        if age(&run) > self.run_timeout + RUN_MARGIN + READING {
            return Err(self.given_up(&run, Outcome::Failed(Failure::Timeout)).await);
        }
        let external_id = self.external_id(&run, &input(list, max_items)).await?;
        self.await_end(&run, &external_id).await?;
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
                if let Err(error) = self.journal.started(run.id, &found.id).await {
                    tracing::warn!(%error, "the start of a run could not be recorded");
                }
                Ok(found.id)
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
        let mut ranked = Vec::new();
        loop {
            let page = match self.client.items(external_id, ranked.len()).await {
                Ok(page) => page,
                Err(ApifyError::NoAnswer(_) | ApifyError::Later { .. }) => return Err(NotRead::Pending),
                Err(error) => return Err(NotRead::Unavailable(outcome_of(&error))),
            };
            if page.is_empty() {
                break;
            }
            ranked.extend(page.iter().map(|item| ranked_item(item, marketplace)));
        }
        let listings = in_order(ranked, marketplace, max_items);
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

/// The input of a run of junglee's "Amazon bestsellers scraper". Subcategories are not followed.
fn input(list: &ListUrl, max_items: u32) -> Value {
    json!({
        "categoryUrls": [list.to_string()],
        "depthOfCrawl": 1,
        "maxItemsPerStartUrl": max_items,
        "proxyCountry": list.marketplace().country(),
        "useCaptchaSolver": false,
    })
}

#[derive(Debug, Deserialize)]
struct Item {
    #[serde(default, deserialize_with = "or_none")]
    asin: Option<Asin>,
    #[serde(default, deserialize_with = "or_none")]
    url: Option<String>,
    /// The rank within the list.
    #[serde(default, deserialize_with = "or_none")]
    position: Option<u32>,
}

/// The place of an item's listing in the list; `None`: the item names no listing of the marketplace.
fn ranked_item(item: &Value, marketplace: Marketplace) -> Option<(u32, Asin)> {
    let item = Item::deserialize(item).ok()?;
    if item.url.as_deref().is_some_and(|url| is_elsewhere(url, marketplace)) {
        return None;
    }
    let asin = item.asin.or_else(|| item.url.as_deref().and_then(asin_of_url))?;
    Some((item.position.unwrap_or(u32::MAX), asin))
}

/// The listings by their places, each once; those without a place come last.
fn in_order(ranked: Vec<Option<(u32, Asin)>>, marketplace: Marketplace, max_items: u32) -> Vec<Listing> {
    let mut ranked: Vec<(u32, Asin)> = ranked.into_iter().flatten().collect();
    ranked.sort_by_key(|(position, _)| *position);
    let mut listings: Vec<Listing> = Vec::new();
    for listing in ranked.into_iter().map(|(_, asin)| Listing::new(marketplace, asin)) {
        if !listings.contains(&listing) {
            listings.push(listing);
        }
    }
    listings.truncate(max_items as usize);
    listings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_come_in_the_order_of_their_ranks_each_once() {
        let item = |asin: &str, position: Value| json!({ "asin": asin, "position": position });
        let items = [
            item("B000000003", json!(3)),
            item("B000000009", Value::Null),
            item("B000000001", json!(1)),
            item("B000000001", json!(2)),
            json!({ "url": "https://www.amazon.fr/dp/B000000004", "position": 4 }),
            json!({ "url": "https://www.amazon.de/dp/B000000005", "position": 5 }),
            json!({ "error": "not found", "input": "https://www.amazon.de/gp/bestsellers/x" }),
        ];
        let ranked: Vec<_> = items.iter().map(|item| ranked_item(item, Marketplace::De)).collect();
        let listed = |max| in_order(ranked.clone(), Marketplace::De, max).iter().map(ToString::to_string).collect();
        let all: Vec<String> = listed(9);
        assert_eq!(all, ["de/B000000001", "de/B000000003", "de/B000000005", "de/B000000009"]);
        let some: Vec<String> = listed(2);
        assert_eq!(some, all[..2]);
    }
}
