//! Three replicas without any fault.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::fixture::{Fixture, expect};
use crate::replica::Replica;
use crate::{SOON, eventually};

/// Every price shown is recorded once, every crossing is notified once, and every replica does part of the work.
#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_share_the_work_and_do_nothing_twice() {
    let mut fixture = Fixture::start().await;
    fixture.start_price_changes();
    fixture.receiver.received(21).await;
    for replica in &fixture.replicas {
        let what = format!("{} has recorded crawls", replica.name);
        eventually(&what, SOON, async || replica.metric("tracker_recorded_crawls_total").await > 10.0).await;
    }
    fixture.settle_within(Duration::from_secs(10)).await;
    let counts = fixture.verify().await;
    assert_eq!((counts.missed, counts.repeated), (0, 0));
    assert!(counts.crossings > 20, "{counts:?}");
    for replica in &fixture.replicas {
        assert_eq!(replica.metric("tracker_lost_leases_total").await, 0.0, "{}", replica.name);
    }
}

/// A task is created at one replica, run by any, and reported by every replica. With `Prefer: wait`, the response waits
/// for the crawl, wherever it runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_created_at_one_replica_is_reported_as_done_by_every_replica() {
    let fixture = Fixture::start().await;
    for (n, product) in fixture.products().await.iter().enumerate() {
        let (n, body) = (n % 3, json!({ "product_ids": [product["id"]] }));
        let task = expect(202, fixture.post_on(n, "/api/v1/crawl", &body)).await;
        let path = format!("/api/v1/crawl/tasks/{}", task["id"].as_str().unwrap());
        for other in 0..3 {
            eventually("the task is done", Duration::from_secs(10), async || {
                expect(200, fixture.get_on(other, &path)).await["status"] == "done"
            })
            .await;
        }
        let waiting = fixture.post_on(n, "/api/v1/crawl", &body).header("prefer", "wait=8");
        assert_eq!(expect(202, waiting).await["status"], "done");
    }
}

/// A revocation takes effect on every replica within two seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_revoked_at_one_replica_is_refused_by_all_within_two_seconds() {
    let fixture = Fixture::start().await;
    let token = fixture.sign_in(&fixture.replicas[0]).await;
    let me = |replica: &Replica| replica.request(&fixture.client, Method::GET, "/api/v1/users/me").bearer_auth(&token);
    for replica in &fixture.replicas {
        assert_eq!(me(replica).send().await.unwrap().status(), 200);
    }
    let logout = fixture.replicas[0].request(&fixture.client, Method::POST, "/api/v1/auth/logout").bearer_auth(&token);
    assert!(logout.send().await.unwrap().status().is_success());
    for replica in &fixture.replicas {
        eventually("the token is refused", Duration::from_secs(2), async || {
            me(replica).send().await.unwrap().status() == 401
        })
        .await;
    }
}

/// Replicas publish crawls and events to each other, so a stream reports all of them. (Through Redis; without it, a
/// stream polls the store.)
#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_of_any_replica_reports_every_change() {
    let mut fixture = Fixture::start().await;
    let mut streams = Vec::new();
    for n in 0..3 {
        let answer = fixture.get_on(n, "/api/v1/events").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        streams.push(answer);
    }
    fixture.start_price_changes();
    let products: BTreeSet<_> = fixture.products().await.iter().map(|product| product["id"].to_string()).collect();
    for (n, stream) in streams.iter_mut().enumerate() {
        let mut text = String::new();
        let complete = async {
            let contains_all = |text: &String| products.iter().all(|id| text.contains(id));
            while !contains_all(&text) {
                let chunk = stream.chunk().await.unwrap().expect("the stream continues");
                text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        let in_time = tokio::time::timeout(SOON, complete).await.is_ok();
        assert!(in_time, "replica {n} has sent only\n{text}");
    }
    fixture.settle_within(Duration::from_secs(10)).await;
}

/// Responses are cached for one second, so a change is visible on every replica after that at the latest.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_at_one_replica_is_visible_on_all_a_second_later() {
    let fixture = Fixture::start().await;
    let id = fixture.products().await[0]["id"].clone();
    let path = format!("/api/v1/products/{}", id.as_str().unwrap());
    for label in ["first", "second", "third"] {
        // Fill the cache of every replica before the change.
        for n in 0..3 {
            expect(200, fixture.get_on(n, &path)).await;
        }
        let patch = fixture.replicas[0].request(&fixture.client, Method::PATCH, &path);
        expect(200, patch.bearer_auth(&fixture.key).json(&json!({ "label": label }))).await;
        for n in 0..3 {
            eventually("the new label is shown", Duration::from_millis(1200), async || {
                expect(200, fixture.get_on(n, &path)).await["label"] == label
            })
            .await;
        }
    }
}
