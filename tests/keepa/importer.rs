//! The past of products is fetched once, paid for once, and fetched again after a failure.

use std::sync::Arc;
use std::time::Duration;

use amazon_tracker::actors::history_importer::{HistoryImportPolicy, HistoryImporterTools};
use amazon_tracker::config::{DatabaseSettings, Secret};
use amazon_tracker::domain::*;
use amazon_tracker::sources::keepa::KeepaClient;
use amazon_tracker::store::{NewProduct, SharedStore, StoreClock, open};
use amazon_tracker::telemetry::Metrics;
use tempfile::TempDir;

use crate::api::{listing, product, settings};
use crate::keepa::{Fault, KEY, Keepa};

const NO_LIMIT: HistoryImportPolicy = HistoryImportPolicy { max_per_day: None, history_days: None };

struct World {
    keepa: Keepa,
    store: SharedStore,
    clock: StoreClock,
    metrics: Arc<Metrics>,
    _folder: TempDir,
}

impl World {
    async fn start(tokens: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = Secret::from(format!("sqlite://{}", folder.path().join("store.sqlite").display()));
        let clock = StoreClock::manual("2026-11-29T12:00:00Z".parse().unwrap());
        let store = open(&DatabaseSettings { url, ..DatabaseSettings::default() }, clock.clone()).await.unwrap();
        store.migrate().await.unwrap();
        let keepa = Keepa::start(tokens, 5);
        Self { keepa, store, clock, metrics: Arc::new(Metrics::new()), _folder: folder }
    }

    fn replica(&self, policy: HistoryImportPolicy) -> HistoryImporterTools {
        self.replica_with_key(KEY, policy)
    }

    fn replica_with_key(&self, key: &str, policy: HistoryImportPolicy) -> HistoryImporterTools {
        let source = KeepaClient::new(settings(&self.keepa, key), Arc::clone(&self.metrics)).unwrap();
        let (store, metrics) = (Arc::clone(&self.store), Arc::clone(&self.metrics));
        HistoryImporterTools::new(store, Arc::new(source), policy, "test".to_owned(), metrics)
    }

    async fn watch(&self, n: u32) -> ListingId {
        let settings = ProductSettings::default();
        let new = NewProduct { tenant_id: TenantId::BUILT_IN, listing: listing(n), settings, quota: u32::MAX };
        self.store.add_product(new).await.unwrap().listing_id
    }

    async fn list_prices(&self, id: ListingId) -> Vec<Option<i64>> {
        let points = self.store.points(id, &[Series::ListPrice], None, None, 100).await.unwrap();
        points.into_iter().map(|point| point.value.and_then(|value| value.number())).collect()
    }

    fn results(&self, result: &str) -> u64 {
        self.metrics.history_imports.with_label_values(&[result]).get()
    }
}

#[tokio::test]
async fn the_past_of_a_new_product_is_fetched_once_whichever_replica_does_it() {
    let world = World::start(300).await;
    world.keepa.add(product(1, 1999));
    let (known, unknown) = (world.watch(1).await, world.watch(2).await);
    let (one, other) = (world.replica(NO_LIMIT), world.replica(NO_LIMIT));
    assert_eq!(one.take_step().await.unwrap(), Duration::ZERO);
    for replica in [&one, &other, &one] {
        assert!(replica.take_step().await.unwrap() > Duration::ZERO, "nothing is due");
    }
    assert_eq!(world.keepa.calls(), [["B000000001", "B000000002"]]);
    assert_eq!((world.list_prices(known).await, world.list_prices(unknown).await), (vec![Some(1999)], vec![]));
    assert_eq!((world.results("imported"), world.results("empty")), (1, 1));
    assert_eq!((world.keepa.tokens(), world.metrics.keepa_tokens_left.get()), (292, 292));
    assert_eq!(world.store.history_charge().await.unwrap(), 8);
}

#[tokio::test]
async fn a_failed_call_is_repeated_after_a_pause() {
    let world = World::start(300).await;
    world.keepa.add(product(1, 1999));
    let id = world.watch(1).await;
    let importer = world.replica(NO_LIMIT);
    world.keepa.fail_next(Fault::Error(500, "internal"));
    importer.take_step().await.unwrap();
    assert_eq!(world.results("failed"), 1);
    importer.take_step().await.unwrap();
    assert_eq!(world.keepa.calls().len(), 0, "it waits");
    world.clock.advance(Duration::from_secs(90));
    importer.take_step().await.unwrap();
    assert_eq!(world.list_prices(id).await, [Some(1999)]);
}

#[tokio::test]
async fn a_call_without_tokens_is_no_attempt() {
    let world = World::start(300).await;
    world.keepa.add(product(1, 1999));
    let id = world.watch(1).await;
    let importer = world.replica(NO_LIMIT);
    world.keepa.fail_next(Fault::Error(429, "notEnoughTokens"));
    let sleep = importer.take_step().await.unwrap();
    assert!(sleep >= Duration::from_secs(1), "{sleep:?}");
    assert_eq!((world.results("postponed"), world.store.history_charge().await.unwrap()), (1, 0));
    world.clock.advance(Duration::from_secs(60));
    importer.take_step().await.unwrap();
    assert_eq!(world.list_prices(id).await, [Some(1999)]);
}

#[tokio::test]
async fn an_account_that_is_refused_claims_nothing() {
    let world = World::start(300).await;
    let id = world.watch(1).await;
    let refused = world.replica_with_key("another-key", NO_LIMIT);
    assert_eq!(refused.take_step().await.unwrap(), Duration::from_secs(60));
    let right = world.replica(NO_LIMIT);
    world.keepa.add(product(1, 1999));
    right.take_step().await.unwrap();
    assert_eq!(world.list_prices(id).await, [Some(1999)], "it was not claimed in vain");
}

#[tokio::test]
async fn no_more_is_spent_within_a_day_than_the_setting_allows() {
    let world = World::start(300).await;
    for n in 1..=5 {
        world.watch(n).await;
    }
    let policy = HistoryImportPolicy { max_per_day: Some(10), ..NO_LIMIT };
    let importer = world.replica(policy);
    importer.take_step().await.unwrap();
    assert!(importer.take_step().await.unwrap() > Duration::ZERO);
    assert_eq!(world.keepa.calls().concat().len(), 2, "two cost eight tokens");
    world.clock.advance(Duration::from_secs(24 * 3600 + 1));
    importer.take_step().await.unwrap();
    assert_eq!(world.keepa.calls().concat().len(), 4);
}

#[tokio::test]
async fn points_that_the_retention_would_delete_are_not_stored() {
    let world = World::start(300).await;
    let mut old = product(1, 1999);
    // 2025-01-01, 2025-06-15 and 2026-11-01.
    old["csv"][4] = serde_json::json!([7_364_160, 1999, 7_601_760, 2499, 8_327_520, 2999]);
    world.keepa.add(old);
    let id = world.watch(1).await;
    let policy = HistoryImportPolicy { history_days: Some(365), ..NO_LIMIT };
    world.replica(policy).take_step().await.unwrap();
    assert_eq!(world.list_prices(id).await, [Some(2999)]);
}

#[tokio::test]
async fn an_importer_that_drains_claims_nothing_more() {
    let world = World::start(300).await;
    world.watch(1).await;
    let importer = world.replica(NO_LIMIT);
    importer.drain(Duration::from_secs(1)).await;
    importer.take_step().await.unwrap();
    assert_eq!(world.keepa.calls().len(), 0);
}
