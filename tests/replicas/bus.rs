//! Publish/subscribe between replicas, and the shared cache.

use std::sync::{Arc, Mutex};

use amazon_tracker::domain::{ListingId, ProductId, TenantId};
use amazon_tracker::replicas::{Bus, BusMessage, SharedCache};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::redis::Redis;
use crate::shared::{Process, until};

/// The bus of a process, and the messages it receives.
pub async fn bus_of(process: &Process) -> (Bus, UnboundedReceiver<BusMessage>) {
    let (sender, received) = unbounded_channel();
    let bus = Bus::through(Some(&process.redis));
    bus.listen(&process.redis, move |message| sender.send(message).unwrap());
    let connected = bus.clone();
    until("the bus is connected", || connected.is_connected()).await;
    (bus, received)
}

#[tokio::test]
async fn messages_reach_the_other_replicas_but_not_their_sender() {
    let redis = Redis::start();
    let (here, there) = (Process::at(&redis.url()), Process::at(&redis.url()));
    let ((bus, mut received), (_other, mut other_received)) = (bus_of(&here).await, bus_of(&there).await);
    let messages = [
        BusMessage::Product(ProductId::new()),
        BusMessage::TenantDeleted(TenantId::new()),
        BusMessage::Crawled { listing_id: ListingId(7), changed_at: None, events: Vec::new() },
        BusMessage::Due,
    ];
    messages.iter().for_each(|message| bus.publish(message.clone()));
    for message in messages {
        assert_eq!(other_received.recv().await, Some(message));
    }
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn unknown_messages_are_ignored() {
    let redis = Redis::start();
    let process = Process::at(&redis.url());
    let (_bus, mut received) = bus_of(&process).await;
    redis.command(&["PUBLISH", "tracker:messages", "{\"from\":\"nobody\",\"messages\":[\"party\"]}"]);
    let from = "00000000-0000-0000-0000-000000000000";
    redis.command(&[
        "PUBLISH",
        "tracker:messages",
        &format!("{{\"from\":\"{from}\",\"messages\":[\"party\",\"due\"]}}"),
    ]);
    assert_eq!(received.recv().await, Some(BusMessage::Due));
}

#[tokio::test]
async fn the_bus_reconnects_when_redis_is_available_again() {
    let redis = Redis::start();
    let (here, there) = (Process::at(&redis.url()), Process::at(&redis.url()));
    let ((bus, _), (other, mut other_received)) = (bus_of(&here).await, bus_of(&there).await);
    redis.kill();
    until("the bus is disconnected", || !other.is_connected()).await;
    redis.resume();
    until("the bus is connected again", || other.is_connected()).await;
    until("messages arrive again", || {
        bus.publish(BusMessage::Deliverable);
        other_received.try_recv().is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_result_is_computed_once_for_all_replicas_and_again_without_redis() {
    let redis = Redis::start();
    let (here, there) = (Process::at(&redis.url()), Process::at(&redis.url()));
    let made = Arc::new(Mutex::new(0));
    let ask = async |process: &Process| {
        let cache = SharedCache::new(Some(process.redis.clone()));
        let make = async {
            *made.lock().unwrap() += 1;
            Ok::<_, ()>("a result".to_owned())
        };
        cache.get_or_make("key:1", make).await.unwrap()
    };
    assert_eq!(ask(&here).await, "a result");
    until("the result is stored", || redis.command(&["EXISTS", "tracker:cache:response:key:1"]).trim() == "1").await;
    assert_eq!(ask(&there).await, "a result");
    assert_eq!(*made.lock().unwrap(), 1);
    assert_eq!(there.metrics.shared_cache.with_label_values(&["response", "hit"]).get(), 1);
    let ttl_secs: u64 = redis.command(&["TTL", "tracker:cache:response:key:1"]).trim().parse().unwrap();
    assert!((1790..=1800).contains(&ttl_secs), "half an hour: {ttl_secs}");
    redis.kill();
    assert_eq!(ask(&there).await, "a result");
    assert_eq!(*made.lock().unwrap(), 2);
    assert_eq!(there.metrics.shared_cache.with_label_values(&["response", "error"]).get(), 1);
}
