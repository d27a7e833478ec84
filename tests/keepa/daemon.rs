//! A daemon that has an account with Keepa.

use amazon_tracker::app;
use amazon_tracker::config::{PasswordSettings, ProcessRole, Secret, Settings};
use amazon_tracker::domain::*;
use amazon_tracker::store::{self, NewProduct, StoreClock};
use tokio::sync::oneshot;

use crate::api::{listing, product, settings};
use crate::keepa::{KEY, Keepa};

#[tokio::test]
async fn a_daemon_fetches_the_past_of_its_products_and_ends_with_its_imports_stored() {
    let (folder, keepa) = (tempfile::tempdir().unwrap(), Keepa::start(300, 5));
    keepa.add(product(1, 1999));
    let mut daemon = Settings { keepa: settings(&keepa, KEY), ..Settings::default() };
    daemon.database.url = Secret::from(format!("sqlite://{}", folder.path().join("store.sqlite").display()));
    daemon.server.listen = ([127, 0, 0, 1], 0).into();
    daemon.server.roles = [ProcessRole::Scheduler].into();
    daemon.server.linger_secs = 0;
    daemon.auth.password = PasswordSettings { memory_kib: 64, iterations: 1, ..daemon.auth.password };
    let database = daemon.database.clone();
    let store = store::open(&database, StoreClock::real()).await.unwrap();
    store.migrate().await.unwrap();
    let (tenant_id, settings) = (TenantId::BUILT_IN, ProductSettings::default());
    let new = NewProduct { tenant_id, listing: listing(1), settings, quota: u32::MAX };
    let id = store.add_product(new).await.unwrap().listing_id;
    store.close().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = std::thread::spawn(move || app::run(daemon, |_| {}, || async { drop(stopped.await) }).unwrap());
    keepa.called().await;
    stop.send(()).unwrap();
    tokio::task::spawn_blocking(move || ended.join().unwrap()).await.unwrap();
    let store = store::open(&database, StoreClock::real()).await.unwrap();
    let points = store.points(id, Series::ALL, None, None, 10).await.unwrap();
    assert_eq!(points.iter().map(|point| point.value.clone()).collect::<Vec<_>>(), [Some(PointValue::Number(1999))]);
    store.close().await;
}
