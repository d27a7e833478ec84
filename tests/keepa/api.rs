//! The client of the API: what it asks for, what it spends, and what each refusal means.

use std::sync::Arc;
use std::time::Duration;

use amazon_tracker::config::{KeepaSettings, Secret};
use amazon_tracker::domain::*;
use amazon_tracker::sources::keepa::KeepaClient;
use amazon_tracker::sources::past::{PastError, PastSource};
use amazon_tracker::telemetry::Metrics;
use serde_json::{Value, json};

use crate::keepa::{Fault, KEY, Keepa};

pub fn settings(keepa: &Keepa, key: &str) -> KeepaSettings {
    let base_url = keepa.url().parse().unwrap();
    KeepaSettings { enabled: true, api_key: Some(Secret::from(key)), base_url, ..KeepaSettings::default() }
}

fn client(keepa: &Keepa) -> (KeepaClient, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new());
    (KeepaClient::new(settings(keepa, KEY), Arc::clone(&metrics)).unwrap(), metrics)
}

pub fn listing(n: u32) -> Listing {
    Listing::new(Marketplace::De, format!("B{n:09}").parse().unwrap())
}

/// A product with a list price since 2025-01-01.
pub fn product(n: u32, list_price: i64) -> Value {
    let minute = 7_364_160;
    let csv = json!([null, null, null, null, [minute, list_price]]);
    let asin = listing(n).asin.to_string();
    json!({ "asin": asin, "domainId": 3, "productType": 0, "csv": csv, "lastUpdate": minute + 10 })
}

#[tokio::test]
async fn many_listings_are_asked_for_at_once_and_the_answer_is_compressed() {
    let keepa = Keepa::start(300, 5);
    keepa.add(product(1, 1999));
    keepa.add(product(2, 2999));
    let (client, metrics) = client(&keepa);
    assert_eq!(client.allowance().await, Ok(20), "as many as the setting allows");
    let told = client.pasts(&[listing(1), listing(2)]).await.unwrap();
    assert_eq!(told.cost, 8);
    let values: Vec<_> = told.pasts.iter().map(|past| (past.listing, past.points[0].value.clone().unwrap())).collect();
    assert_eq!(values, [(listing(1), PointValue::Number(1999)), (listing(2), PointValue::Number(2999))]);
    assert_eq!(keepa.calls(), [["B000000001", "B000000002"]]);
    for (name, value) in [("domain", "3"), ("history", "1"), ("buybox", "1"), ("rating", "1")] {
        assert_eq!(keepa.parameter(name).as_deref(), Some(value), "{name}");
    }
    assert!(keepa.answered_with_gzip());
    assert_eq!(metrics.keepa_tokens_left.get(), 292);
}

#[tokio::test]
async fn an_unknown_asin_is_a_past_without_points() {
    let keepa = Keepa::start(300, 5);
    let (client, _) = client(&keepa);
    let told = client.pasts(&[listing(7)]).await.unwrap();
    assert_eq!((told.pasts.len(), told.pasts[0].listing, told.pasts[0].points.len()), (1, listing(7), 0));
}

#[tokio::test]
async fn no_more_listings_are_asked_for_than_there_are_tokens() {
    let keepa = Keepa::start(13, 5);
    let (client, _) = client(&keepa);
    assert_eq!(client.allowance().await, Ok(3));
    keepa.set_tokens(6);
    client.pasts(&[listing(1)]).await.unwrap();
    assert_eq!(keepa.tokens(), 2);
    // Two more are needed: they come with the next refill, in 41.23 s.
    let Err(PastError::Later(wait)) = client.allowance().await else { panic!("it has two tokens") };
    assert!(wait > Duration::from_secs(40) && wait < Duration::from_secs(42), "{wait:?}");
}

#[tokio::test]
async fn a_negative_balance_is_waited_for_until_the_deficit_is_made_up() {
    let keepa = Keepa::start(-10, 5);
    let (client, metrics) = client(&keepa);
    let Err(PastError::Later(wait)) = client.allowance().await else { panic!("it has no tokens") };
    // 14 tokens: the third refill.
    assert!(wait > Duration::from_secs(160) && wait < Duration::from_secs(162), "{wait:?}");
    assert_eq!((metrics.keepa_tokens_left.get(), keepa.calls().len()), (-10, 0));
}

#[tokio::test]
async fn a_refusal_for_want_of_tokens_tells_when_to_come_again() {
    let keepa = Keepa::start(300, 5);
    let (client, _) = client(&keepa);
    client.allowance().await.unwrap();
    // Another program has spent them.
    keepa.set_tokens(0);
    let Err(PastError::Later(wait)) = client.pasts(&[listing(1)]).await else { panic!("it has no tokens") };
    assert!(wait > Duration::from_secs(40) && wait < Duration::from_secs(42), "{wait:?}");
    assert!(matches!(client.allowance().await, Err(PastError::Later(_))), "it is known without asking");
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_never_told() {
    let keepa = Keepa::start(300, 5);
    let client = KeepaClient::new(settings(&keepa, "hunter2"), Arc::new(Metrics::new())).unwrap();
    let error = client.allowance().await.unwrap_err();
    assert!(matches!(&error, PastError::Refused { status: 400, kind, .. } if kind == "invalidKey"), "{error}");
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[tokio::test]
async fn an_account_that_is_not_paid_for_is_refused() {
    let keepa = Keepa::start(300, 5);
    keepa.fail_next(Fault::Error(402, "paymentRequired"));
    let (client, _) = client(&keepa);
    let error = client.pasts(&[listing(1)]).await.unwrap_err();
    assert!(matches!(&error, PastError::Refused { status: 402, kind, .. } if kind == "paymentRequired"), "{error}");
    for (status, kind) in [(404, "notFound"), (405, "methodNotAllowed")] {
        keepa.fail_next(Fault::Error(status, kind));
        let error = client.pasts(&[listing(1)]).await.unwrap_err();
        assert!(matches!(error, PastError::Refused { status: refused, .. } if refused == status));
    }
}

#[tokio::test]
async fn a_failing_server_and_a_torn_answer_may_succeed_later() {
    let keepa = Keepa::start(300, 5);
    let (client, _) = client(&keepa);
    for fault in [Fault::Error(500, "internal"), Fault::Error(503, "busy"), Fault::Torn] {
        keepa.fail_next(fault);
        let error = client.pasts(&[listing(1)]).await.unwrap_err();
        assert!(matches!(&error, PastError::NoAnswer(_)), "{fault:?}: {error}");
    }
    keepa.fail_next(Fault::Nonsense);
    assert!(matches!(client.pasts(&[listing(1)]).await, Err(PastError::Unreadable(_))));
    assert_eq!(client.pasts(&[listing(1)]).await.unwrap().pasts.len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_without_the_key() {
    let keepa = Keepa::start(300, 5);
    let mut settings = settings(&keepa, "hunter2");
    settings.base_url = "http://127.0.0.1:1/".parse().unwrap();
    let client = KeepaClient::new(settings, Arc::new(Metrics::new())).unwrap();
    let error = client.allowance().await.unwrap_err();
    assert!(matches!(error, PastError::NoAnswer(_)));
    assert!(!format!("{error:?}").contains("hunter2"));
}
