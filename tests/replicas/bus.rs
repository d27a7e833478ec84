//! What replicas tell one another.

use std::sync::{Arc, Mutex};

use amazon_tracker::domain::{ListingId, ProductId, TenantId};
use amazon_tracker::replicas::{Bus, BusMessage, SharedCache};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::redis::Redis;
use crate::shared::{Process, until};

/// A bus of a process, and what is heard there.
pub async fn bus_of(process: &Process) -> (Bus, UnboundedReceiver<BusMessage>) {
    let (heard, hears) = unbounded_channel();
    let bus = Bus::through(Some(&process.redis));
    bus.listen(&process.redis, move |notice| heard.send(notice).unwrap());
    let listening = bus.clone();
    until("the others are heard", || listening.is_connected()).await;
    (bus, hears)
}

#[tokio::test]
async fn the_others_hear_what_one_says_and_nobody_hears_themselves() {
    let redis = Redis::start();
    let (here, there) = (Process::at(&redis.url()), Process::at(&redis.url()));
    let ((bus, mut hears), (_other, mut other_hears)) = (bus_of(&here).await, bus_of(&there).await);
    let said = [
        BusMessage::Product(ProductId::new()),
        BusMessage::TenantDeleted(TenantId::new()),
        BusMessage::Crawled { listing_id: ListingId(7), changed_at: None, events: Vec::new() },
        BusMessage::Due,
    ];
    said.iter().for_each(|notice| bus.publish(notice.clone()));
    for notice in said {
        assert_eq!(other_hears.recv().await, Some(notice));
    }
    assert!(hears.try_recv().is_err());
}

#[tokio::test]
async fn what_is_not_understood_is_passed_over() {
    let redis = Redis::start();
    let process = Process::at(&redis.url());
    let (_bus, mut hears) = bus_of(&process).await;
    redis.command(&["PUBLISH", "tracker:news", "{\"from\":\"nobody\",\"messages\":[\"party\"]}"]);
    let from = "00000000-0000-0000-0000-000000000000";
    redis.command(&["PUBLISH", "tracker:news", &format!("{{\"from\":\"{from}\",\"messages\":[\"party\",\"due\"]}}")]);
    assert_eq!(hears.recv().await, Some(BusMessage::Due));
}

#[tokio::test]
async fn the_others_are_heard_again_when_redis_is_back() {
    let redis = Redis::start();
    let (here, there) = (Process::at(&redis.url()), Process::at(&redis.url()));
    let ((bus, _), (other, mut other_hears)) = (bus_of(&here).await, bus_of(&there).await);
    redis.kill();
    until("nobody is heard", || !other.is_connected()).await;
    redis.resume();
    until("the others are heard again", || other.is_connected()).await;
    until("Redis is back here too", || {
        bus.publish(BusMessage::Deliverable);
        other_hears.try_recv().is_ok()
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_made_once_for_all_and_anew_where_redis_is_away() {
    let redis = Redis::start();
    let (here, there) = (Process::at(&redis.url()), Process::at(&redis.url()));
    let made = Arc::new(Mutex::new(0));
    let ask = async |process: &Process| {
        let cache = SharedCache::new(Some(process.redis.clone()));
        let make = async {
            *made.lock().unwrap() += 1;
            Ok::<_, ()>("an answer".to_owned())
        };
        cache.get_or_make("question:1", make).await.unwrap()
    };
    assert_eq!(ask(&here).await, "an answer");
    until("it is kept", || redis.command(&["EXISTS", "tracker:cache:response:question:1"]).trim() == "1").await;
    assert_eq!(ask(&there).await, "an answer");
    assert_eq!(*made.lock().unwrap(), 1);
    assert_eq!(there.metrics.shared_cache.with_label_values(&["response", "hit"]).get(), 1);
    let lasts: u64 = redis.command(&["TTL", "tracker:cache:response:question:1"]).trim().parse().unwrap();
    assert!((1790..=1800).contains(&lasts), "half an hour: {lasts}");
    redis.kill();
    assert_eq!(ask(&there).await, "an answer");
    assert_eq!(*made.lock().unwrap(), 2);
    assert_eq!(there.metrics.shared_cache.with_label_values(&["response", "error"]).get(), 1);
}
