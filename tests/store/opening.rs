//! Opening a store and bringing its schema up to date.

use amazon_tracker::store::{Engine, StoreClock, StoreError, open};

use crate::fixture::*;

on_both_engines! {
    migrating_twice_and_at_once_is_safe,
    a_newer_schema_is_worked_with_as_long_as_it_says_so,
    a_job_that_is_due_is_leased_to_one_owner_at_a_time,
    an_older_schema_is_refused_and_the_remedy_named,
    a_closed_store_is_unavailable,
    the_real_clock_is_about_now,
}

async fn migrating_twice_and_at_once_is_safe(fixture: &Fixture) {
    let other = fixture.replica().await;
    let (one, two) = tokio::join!(fixture.store.migrate(), other.migrate());
    one.and(two).unwrap();
    fixture.store.check_schema().await.unwrap();
    fixture.store.ping().await.unwrap();
    other.close().await;
}

/// A later version has brought the schema up to date, and replicas of this one are still there, or are taken back to.
async fn a_newer_schema_is_worked_with_as_long_as_it_says_so(fixture: &Fixture) {
    let later = "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
         SELECT 9999, 'later', installed_on, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1";
    fixture.execute(later).await;
    fixture.store.check_schema().await.unwrap();
    fixture.store.migrate().await.unwrap();
    fixture.execute("UPDATE schema_support SET oldest_step = 9999").await;
    let refused = fixture.store.check_schema().await.unwrap_err();
    assert!(matches!(&refused, StoreError::Schema(why) if why.contains("newer")), "{refused}");
    let refused = fixture.store.migrate().await.unwrap_err();
    assert!(matches!(&refused, StoreError::Schema(why) if why.contains("newer")), "{refused}");
}

async fn a_job_that_is_due_is_leased_to_one_owner_at_a_time(fixture: &Fixture) {
    let (store, minute) = (&fixture.store, 60 * SECOND);
    assert!(store.acquire_job_lease("sweep", "one", minute).await.unwrap());
    assert!(!store.acquire_job_lease("sweep", "two", minute).await.unwrap(), "its lease is held");
    assert!(store.acquire_job_lease("wash", "two", minute).await.unwrap(), "another job");
    assert!(store.acquire_job_lease("wash", "two", minute).await.unwrap(), "its holder renews it");
    store.release_job_lease("sweep", "two", SECOND).await.unwrap();
    assert!(!store.acquire_job_lease("sweep", "two", minute).await.unwrap(), "only the holder releases a lease");
    store.release_job_lease("sweep", "one", HOUR).await.unwrap();
    assert!(!store.acquire_job_lease("sweep", "two", minute).await.unwrap(), "it has run");
    fixture.clock.advance(HOUR);
    assert!(store.acquire_job_lease("sweep", "two", minute).await.unwrap(), "it is due again");
    fixture.clock.advance(minute);
    assert!(store.acquire_job_lease("sweep", "one", minute).await.unwrap(), "the lease of a dead owner expires");
}

async fn an_older_schema_is_refused_and_the_remedy_named(fixture: &Fixture) {
    fixture.execute("DELETE FROM _sqlx_migrations").await;
    let refused = fixture.store.check_schema().await.unwrap_err();
    assert!(matches!(&refused, StoreError::Schema(why) if why.contains("amazon-tracker migrate")), "{refused}");
    fixture.execute("DROP TABLE _sqlx_migrations").await;
    let refused = fixture.store.check_schema().await.unwrap_err();
    assert!(matches!(&refused, StoreError::Schema(why) if why.contains("amazon-tracker migrate")), "{refused}");
}

async fn a_closed_store_is_unavailable(fixture: &Fixture) {
    let other = fixture.replica().await;
    other.ping().await.unwrap();
    other.close().await;
    assert!(matches!(other.ping().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(other.add_product(new_product(US, 1)).await, Err(StoreError::Unavailable(_))));
}

async fn the_real_clock_is_about_now(fixture: &Fixture) {
    let real = open(&fixture.settings, StoreClock::real()).await.unwrap();
    let off = real.now().await.unwrap().duration_since(jiff::Timestamp::now()).abs();
    assert!(off < jiff::SignedDuration::from_secs(5), "{off}");
    real.close().await;
}

#[tokio::test]
async fn a_file_is_made_with_its_folders_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("deep/er/store.sqlite").display());
    for expected in 0..2 {
        let store = open(&settings(url.clone()), noon()).await.unwrap();
        store.migrate().await.unwrap();
        assert_eq!(store.count_products().await.unwrap(), expected);
        if expected == 0 {
            store.add_product(new_product(US, 1)).await.unwrap();
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_database_in_memory_is_one_for_all_callers() {
    let store = open(&settings("sqlite::memory:".to_owned()), noon()).await.unwrap();
    store.migrate().await.unwrap();
    let adders = (0..10).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.add_product(new_product(US, n)).await.unwrap() })
    });
    for adder in adders.collect::<Vec<_>>() {
        adder.await.unwrap();
    }
    assert_eq!(store.count_products().await.unwrap(), 10);
}

#[tokio::test]
async fn a_url_of_no_known_engine_is_refused_and_those_known_are_named() {
    for url in ["mysql://x", "store.sqlite", ""] {
        let Err(StoreError::Schema(why)) = Engine::of(&settings(url.to_owned())) else { panic!("{url}") };
        assert!(why.contains("sqlite:") && why.contains("postgres:"), "{why}");
    }
    assert_eq!(Engine::of(&settings("postgresql://x/y".to_owned())).unwrap(), Engine::Postgres);
}

#[tokio::test]
async fn a_server_without_a_schema_is_refused_until_it_is_migrated() {
    let url = empty_database("without_schema").await;
    let store = open(&settings(url), StoreClock::real()).await.unwrap();
    assert!(matches!(store.check_schema().await, Err(StoreError::Schema(_))));
    store.migrate().await.unwrap();
    store.check_schema().await.unwrap();
    store.close().await;
}
