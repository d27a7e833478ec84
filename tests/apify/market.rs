//! Helpers: the source on the simulated account, with its record of runs in a real SQLite store.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use amazon_tracker::app::StoredRuns;
use amazon_tracker::config::{ActorProfile, ApifyListSettings, ApifySettings, DatabaseSettings, Secret};
use amazon_tracker::domain::{Listing, Marketplace, Outcome, ProductSettings, RunBudget, TenantId};
use amazon_tracker::sources::apify::{ApifyLists, ApifySource, RunCallbacks};
use amazon_tracker::sources::simulated::{Simulated, SimulatedSettings};
use amazon_tracker::sources::{Source, Wanted};
use amazon_tracker::store::{NewProduct, SharedStore, StoreClock, open};
use amazon_tracker::telemetry::Metrics;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc::unbounded_channel;

pub struct Account {
    pub simulated: Simulated,
    pub store: SharedStore,
    pub metrics: Arc<Metrics>,
    pub settings: ApifySettings,
    pub budget: RunBudget,
    pub listings: Vec<Listing>,
    /// Of the database: one in memory would be lost with a connection that a process dies with.
    _folder: TempDir,
}

/// As long as a test needs to look at a run that is under way.
pub const RUN_TIME: Duration = Duration::from_millis(200);

impl Account {
    /// With six listings that are watched.
    pub async fn open() -> Self {
        Self::with_profile(ActorProfile::AxessoProductDetails).await
    }

    pub async fn with_profile(profile: ActorProfile) -> Self {
        Self::with(profile, StoreClock::real()).await
    }

    /// With a clock of the record that may be moved.
    pub async fn with(profile: ActorProfile, clock: StoreClock) -> Self {
        let simulated = SimulatedSettings { apify_run_time: RUN_TIME, ..SimulatedSettings::default() };
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let simulated = Simulated::start(simulated, socket).await.unwrap();
        let folder = TempDir::new().unwrap();
        let url = Secret::from(format!("sqlite://{}", folder.path().join("runs.db").display()));
        let database = DatabaseSettings { url, ..DatabaseSettings::default() };
        let store = open(&database, clock).await.unwrap();
        store.migrate().await.unwrap();
        let mut listings: Vec<_> =
            simulated.catalogue().products(6).map(|product| Listing::new(Marketplace::Us, product.asin)).collect();
        listings.sort();
        for &listing in &listings {
            let settings = ProductSettings::default();
            let product = NewProduct { tenant_id: TenantId::BUILT_IN, listing, settings, quota: 100 };
            store.add_product(product).await.unwrap();
        }
        let settings = ApifySettings {
            token: Some(Secret::from("apify_api_test")),
            base_url: format!("http://{}", simulated.addr()).parse().unwrap(),
            actor: "user~actor".to_owned(),
            profile,
            items_per_page: 4,
            ..ApifySettings::default()
        };
        let (metrics, budget) = (Arc::new(Metrics::new()), RunBudget::default());
        Self { simulated, store, metrics, settings, budget, listings, _folder: folder }
    }

    /// The source as a process has it: each call is another process.
    pub fn source(&self) -> ApifySource {
        let callbacks = Arc::new(RunCallbacks::new(&self.settings, None));
        ApifySource::new(self.settings.clone(), self.journal(), callbacks, Arc::clone(&self.metrics)).unwrap()
    }

    /// What reads lists, as a process has it.
    pub fn lists(&self) -> ApifyLists {
        let lists = ApifyListSettings::default();
        ApifyLists::new(&self.settings, &lists, self.journal(), Arc::clone(&self.metrics)).unwrap()
    }

    fn journal(&self) -> Arc<StoredRuns> {
        Arc::new(StoredRuns {
            store: Arc::clone(&self.store),
            max_age: Duration::from_secs(3600),
            budget: self.budget.clone(),
            on_refusals: Box::new(|_| {}),
        })
    }

    /// The outcome of each of the first `count` listings that was reported.
    pub async fn crawl(&self, count: usize) -> BTreeMap<Listing, Outcome> {
        crawl(&self.source(), &self.listings[..count]).await
    }

    /// The URLs of each run that was started.
    pub fn runs(&self) -> Vec<Vec<String>> {
        let urls = |input: &Value| {
            let list = input["urls"].as_array().unwrap();
            list.iter().map(|url| url.as_str().unwrap().to_owned()).collect()
        };
        self.simulated.apify().inputs().iter().map(urls).collect()
    }

    pub fn urls(&self, count: usize) -> Vec<String> {
        self.listings[..count].iter().map(Listing::url).collect()
    }
}

pub async fn crawl(source: &ApifySource, listings: &[Listing]) -> BTreeMap<Listing, Outcome> {
    let wanted: Vec<Wanted> = listings.iter().copied().map(Wanted::facts_of).collect();
    crawl_wanted(source, &wanted).await
}

pub async fn crawl_wanted(source: &ApifySource, wanted: &[Wanted]) -> BTreeMap<Listing, Outcome> {
    let (outcomes, mut reported) = unbounded_channel();
    source.crawl(wanted, &outcomes).await;
    drop(outcomes);
    let mut all = BTreeMap::new();
    while let Some((listing, outcome)) = reported.recv().await {
        assert!(all.insert(listing, outcome).is_none(), "{listing} is reported once");
    }
    all
}
