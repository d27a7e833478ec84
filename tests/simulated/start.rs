use amazon_tracker::sources::simulated::{FaultRates, SimulatedSettings};

use crate::market::{start, try_start};

#[tokio::test]
async fn a_rate_out_of_range_is_an_error_that_names_its_flag() {
    let faults = FaultRates { truncate: 1.5, ..FaultRates::default() };
    let error = try_start(SimulatedSettings { faults, ..SimulatedSettings::default() }).await.unwrap_err();
    assert_eq!(error.to_string(), "--truncate-rate is 1.5: it must be between 0 and 1");
}

#[tokio::test]
async fn a_missing_folder_is_an_error_that_names_it() {
    let pages = Some("/nowhere/at/all".into());
    let error = try_start(SimulatedSettings { pages, ..SimulatedSettings::default() }).await.unwrap_err();
    assert!(error.to_string().starts_with("--pages /nowhere/at/all: "), "{error}");
}

#[tokio::test]
async fn a_stopped_marketplace_refuses_connections() {
    let market = start(SimulatedSettings::default()).await;
    let url = market.url("/_catalogue");
    assert!(market.client.get(&url).send().await.is_ok());
    market.running.stop().await;
    // A client of its own: the connections of the first one close only after `stop` has returned.
    let error = reqwest::get(&url).await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn two_marketplaces_run_side_by_side() {
    let (one, two) = (start(SimulatedSettings::default()).await, start(SimulatedSettings::default()).await);
    one.running.advance(3);
    assert_eq!((one.running.step(), two.running.step()), (3, 0));
}
