//! `[apify]`: actors that crawl for money.

use serde::{Deserialize, Serialize};
use url::Url;

use super::Secret;

/// `[apify]`: the source `apify`. It is used where `crawl.sources` names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApifySettings {
    /// API token of the account that pays.
    pub token: Option<Secret>,
    /// Base URL of the API: another one for tests and proxies.
    pub base_url: Url,
    /// The actor: its id, or `user~name`.
    pub actor: String,
    /// What it is told, and what its items mean.
    pub profile: ActorProfile,
    /// Listings of one run at most. A run costs start-up time and money, whatever its length.
    pub batch: usize,
    /// How long a listing that is due may wait for others, to share a run.
    pub gather_secs: u64,
    /// Listings under way in this process, in all runs.
    pub concurrency: usize,
    /// Runs that may be started per minute on one marketplace, by all replicas together.
    pub runs_per_minute: u32,
    /// Apify stops a run that takes longer.
    pub run_timeout_secs: u32,
    /// A listing that is due again is answered by a run that began after its last crawl, if the run is not older than this.
    pub max_run_age_secs: u64,
    /// What the actor charges for an item, in US dollars: so much is reserved of the budgets until the run's own account is known.
    pub item_usd: f64,
    /// What it charges for a run, in US dollars.
    pub run_usd: f64,
    /// The most that a run may cost, in US dollars.
    pub max_run_usd: Option<f64>,
    /// Memory of a run; default: the actor's.
    pub memory_mb: Option<u32>,
    /// Items that are read at once.
    pub items_per_page: u32,
    /// Offers of each listing that the actor is asked for; 0: none. They are kept for products that watch offers, and charged for all.
    pub max_offers: u32,
    /// `[apify.lists]`: an actor that reads bestseller lists; unset: the source `direct` reads them.
    pub lists: Option<ApifyListSettings>,
}

/// `[apify.lists]`: the actor that reads bestseller lists.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApifyListSettings {
    /// The actor: its id, or `user~name`.
    pub actor: String,
    /// What it is told, and what its items mean.
    pub profile: ListProfile,
    /// What it charges for an item of a list, in US dollars.
    pub item_usd: f64,
    /// What it charges for a run, in US dollars.
    pub run_usd: f64,
}

impl Default for ApifyListSettings {
    fn default() -> Self {
        Self {
            actor: "junglee~amazon-bestsellers".to_owned(),
            profile: ListProfile::JungleeAmazonBestsellers,
            item_usd: 0.003,
            run_usd: 0.0,
        }
    }
}

/// An actor that reads lists: what it is told, and what its items mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListProfile {
    /// junglee's "Amazon bestsellers scraper".
    JungleeAmazonBestsellers,
}

impl Default for ApifySettings {
    fn default() -> Self {
        Self {
            token: None,
            base_url: "https://api.apify.com/".parse().expect("the URL is valid"),
            actor: "axesso_data~amazon-product-details-scraper".to_owned(),
            profile: ActorProfile::AxessoProductDetails,
            batch: 50,
            gather_secs: 30,
            concurrency: 200,
            runs_per_minute: 10,
            run_timeout_secs: 600,
            max_run_age_secs: 3600,
            item_usd: 0.005,
            run_usd: 0.0,
            max_run_usd: Some(1.0),
            memory_mb: None,
            items_per_page: 100,
            max_offers: 0,
            lists: None,
        }
    }
}

/// An actor: what it is told, and what its items mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorProfile {
    /// axesso's "Amazon product details scraper".
    AxessoProductDetails,
    /// junglee's "Amazon crawler".
    JungleeAmazonCrawler,
}

/// A source of observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceName {
    /// Amazon's pages: `[crawl]`.
    Direct,
    /// Apify's actors: `[apify]`.
    Apify,
}
