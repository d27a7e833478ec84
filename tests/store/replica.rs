//! A standby that is read from while it is close behind, and never shows anybody less than they wrote themselves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use amazon_tracker::config::{DatabaseSettings, Secret};
use amazon_tracker::store::{ProductFilter, ProductOrder, SharedStore, StoreClock, open};
use amazon_tracker::telemetry::Metrics;

use crate::fixture::{US, new_product};
use crate::postgres::{Server, Standby};

/// Nothing here takes this long; it only keeps a broken test from hanging.
const PATIENCE: Duration = Duration::from_secs(30);

/// A primary, a standby that follows it, and two processes that read from both.
struct Pair {
    standby: Standby,
    here: SharedStore,
    elsewhere: SharedStore,
    metrics: Arc<Metrics>,
    primary: Server,
}

impl Pair {
    async fn start() -> Self {
        let primary = tokio::task::spawn_blocking(Server::start).await.unwrap();
        let alone = DatabaseSettings { url: Secret::from(primary.url("tracker")), ..DatabaseSettings::default() };
        let alone = open(&alone, StoreClock::real()).await.unwrap();
        alone.migrate().await.unwrap();
        alone.close().await;
        let start = move || (primary.start_standby(), primary);
        let (standby, primary) = tokio::task::spawn_blocking(start).await.unwrap();
        let settings = DatabaseSettings {
            url: Secret::from(primary.url("tracker")),
            replica_url: Some(Secret::from(standby.url("tracker"))),
            replica_max_lag_ms: 300,
            ..DatabaseSettings::default()
        };
        let here = open(&settings, StoreClock::real()).await.unwrap();
        let elsewhere = open(&settings, StoreClock::real()).await.unwrap();
        let metrics = Arc::new(Metrics::new());
        let other = Arc::clone(&elsewhere);
        here.start_replica_monitor(Arc::clone(&metrics), Arc::new(move |tenant_id| other.note_remote_write(tenant_id)));
        elsewhere.start_replica_monitor(Arc::new(Metrics::new()), Arc::new(|_| {}));
        let pair = Self { standby, here, elsewhere, metrics, primary };
        pair.until_read_from("replica").await;
        pair
    }

    /// Adds a product as another process than ours does that tells nobody.
    async fn add_silently(&self, n: u32) {
        let settings =
            DatabaseSettings { url: Secret::from(self.primary.url("tracker")), ..DatabaseSettings::default() };
        let store = open(&settings, StoreClock::real()).await.unwrap();
        add(&store, n).await;
        store.close().await;
    }

    /// Reads until it is read from there.
    async fn until_read_from(&self, from: &str) {
        let end = Instant::now() + PATIENCE;
        let counter = self.metrics.reads.with_label_values(&[from]);
        let before = counter.get();
        while counter.get() == before {
            assert!(Instant::now() < end, "never read from the {from}");
            list(&self.here).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn end(self) {
        self.here.close().await;
        self.elsewhere.close().await;
    }
}

async fn add(store: &SharedStore, n: u32) {
    store.add_product(new_product(US, n)).await.unwrap();
}

/// How many products are listed.
async fn list(store: &SharedStore) -> usize {
    let page = store.products(US, &ProductFilter::default(), ProductOrder::default(), None, 100).await;
    page.unwrap().items.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_wrote_reads_what_they_wrote_here_and_elsewhere() {
    let pair = Pair::start().await;
    pair.standby.fall_behind();
    add(&pair.here, 1).await;
    assert_eq!((list(&pair.here).await, list(&pair.elsewhere).await), (1, 1));
    pair.standby.catch_up();
    pair.until_read_from("replica").await;
    assert_eq!(list(&pair.here).await, 1);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_falls_behind_is_not_read_from_until_it_has_caught_up() {
    let pair = Pair::start().await;
    pair.standby.fall_behind();
    pair.add_silently(1).await;
    pair.until_read_from("primary").await;
    assert_eq!(list(&pair.here).await, 1);
    assert!(pair.metrics.replica_lag_seconds.get() > 0.3);
    pair.standby.catch_up();
    pair.until_read_from("replica").await;
    assert_eq!(list(&pair.here).await, 1);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_is_away_or_hangs_makes_no_read_fail_and_is_read_from_when_it_is_back() {
    let pair = Pair::start().await;
    pair.standby.interrupt();
    assert_eq!(list(&pair.here).await, 0);
    pair.until_read_from("primary").await;
    pair.standby.resume();
    pair.until_read_from("replica").await;
    pair.standby.freeze();
    pair.until_read_from("primary").await;
    let asked_at = Instant::now();
    assert_eq!(list(&pair.here).await, 0);
    assert!(asked_at.elapsed() < Duration::from_secs(5), "{:?}", asked_at.elapsed());
    pair.standby.thaw();
    pair.until_read_from("replica").await;
    pair.end().await;
}
