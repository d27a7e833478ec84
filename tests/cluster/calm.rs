//! Fair weather: what three replicas do together when nothing goes wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::fixture::{Fixture, expect};
use crate::replica::Replica;
use crate::{SOON, eventually};

/// Every price that was shown is recorded once and every crossing told once; each replica has its part of the work.
#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_share_the_work_and_do_none_of_it_twice() {
    let mut fixture = Fixture::start().await;
    fixture.begin();
    tokio::time::sleep(Duration::from_secs(15)).await;
    fixture.settle_within(Duration::from_secs(10)).await;
    let tally = fixture.tally().await;
    assert_eq!((tally.missed, tally.repeated), (0, 0));
    assert!(tally.crossings > 20, "{tally:?}");
    for replica in &fixture.replicas {
        assert!(replica.metric("tracker_recorded_crawls_total").await > 10.0, "{}", replica.name);
        assert_eq!(replica.metric("tracker_lost_leases_total").await, 0.0, "{}", replica.name);
    }
}

/// One replica is asked, whichever is quickest looks, and every replica can say how it ended. Asked to wait, the answer comes
/// with the end, wherever the look was made.
#[tokio::test(flavor = "multi_thread")]
async fn check_now_is_asked_at_one_replica_and_seen_finished_at_every_other() {
    let fixture = Fixture::start().await;
    for (n, product) in fixture.products().await.iter().enumerate() {
        let (asked, body) = (n % 3, json!({ "product_ids": [product["id"]] }));
        let task = expect(202, fixture.post_on(asked, "/api/v1/crawl", &body)).await;
        let path = format!("/api/v1/crawl/tasks/{}", task["id"].as_str().unwrap());
        for seen in 0..3 {
            eventually("the task is done", Duration::from_secs(10), async || {
                expect(200, fixture.get_on(seen, &path)).await["status"] == "done"
            })
            .await;
        }
        let waiting = fixture.post_on(asked, "/api/v1/crawl", &body).header("prefer", "wait=8");
        assert_eq!(expect(202, waiting).await["status"], "done");
    }
}

/// Within two seconds, and at every replica.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_revoked_at_one_replica_is_refused_at_all_within_two_seconds() {
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

/// Replicas tell each other of looks and events, so it does not matter who made the crawl. (By Redis; without it, the stream
/// of a replica tells of its own crawls only.)
#[tokio::test(flavor = "multi_thread")]
async fn whoever_listens_at_any_replica_hears_of_every_change() {
    let mut fixture = Fixture::start().await;
    let mut streams = Vec::new();
    for n in 0..3 {
        let answer = fixture.get_on(n, "/api/v1/events").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        streams.push(answer);
    }
    fixture.begin();
    let products: BTreeSet<_> = fixture.products().await.iter().map(|product| product["id"].to_string()).collect();
    for (n, stream) in streams.iter_mut().enumerate() {
        let mut text = String::new();
        let all_heard = async {
            let heard = |text: &String| products.iter().all(|id| text.contains(id));
            while !heard(&text) {
                let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
                text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        let in_time = tokio::time::timeout(SOON, all_heard).await.is_ok();
        assert!(in_time, "replica {n} has told only of\n{text}");
    }
    fixture.settle_within(Duration::from_secs(10)).await;
}

/// An answer is kept for a second: what one replica changes, every other shows no later than that.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_at_one_replica_is_shown_by_all_a_second_later() {
    let fixture = Fixture::start().await;
    let id = fixture.products().await[0]["id"].clone();
    let path = format!("/api/v1/products/{}", id.as_str().unwrap());
    for label in ["first", "second", "third"] {
        // Every replica keeps an answer from before the change.
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
