//! Sharing works the same with every kind of Redis deployment.

use std::net::{IpAddr, Ipv4Addr};

use amazon_tracker::limits::AttemptsByAddress;
use amazon_tracker::replicas::BusMessage;

use crate::bus::bus_of;
use crate::redis::{Redis, RedisCluster, Sentinels};
use crate::shared::{PATIENCE, Process, until};

fn address(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, n))
}

/// Two replicas share limits, exchange messages and count each other.
async fn assert_everything_is_shared(url: &str) -> (Process, Process) {
    let (here, there) = (Process::at(url), Process::at(url));
    let attempts = [&here, &there].map(|process| AttemptsByAddress::new(4, process.limiter.clone()));
    // Many keys: some lie on each node of a cluster.
    for n in 0..50 {
        let left = [attempts[0].take(address(n)).await.remaining, attempts[1].take(address(n)).await.remaining];
        assert_eq!(left, [3, 2], "{url}");
    }
    let ((bus, _), (_other, mut received)) = (bus_of(&here).await, bus_of(&there).await);
    bus.publish(BusMessage::Due);
    assert_eq!(tokio::time::timeout(PATIENCE, received.recv()).await.unwrap(), Some(BusMessage::Due));
    let generation = here.limiter.generation("user:1").await;
    there.limiter.bump_generation("user:1").await;
    assert_ne!(here.limiter.generation("user:1").await, generation);
    (here, there)
}

#[tokio::test]
async fn replicas_share_a_single_server() {
    let redis = Redis::start();
    assert_everything_is_shared(&redis.url()).await;
}

#[tokio::test]
async fn replicas_are_counted_again_after_redis_was_restarted() {
    let redis = Redis::start();
    let processes: Vec<Process> = (0..4).map(|_| Process::at(&redis.url())).collect();
    processes.iter().for_each(|process| process.replica_count.start_counting(&process.redis));
    until("each has counted all", || processes.iter().all(|process| process.replica_count.replicas() == 4)).await;
    redis.kill();
    redis.resume();
    until("each has counted all again", || processes.iter().all(|process| process.replica_count.replicas() == 4)).await;
}

#[tokio::test]
async fn replicas_share_a_cluster_and_use_it_again_when_it_has_recovered() {
    let cluster = RedisCluster::start();
    let (here, _there) = assert_everything_is_shared(&cluster.url()).await;
    cluster.kill_node(1);
    let attempts = AttemptsByAddress::new(300, here.limiter.clone());
    for n in 0..50 {
        assert!(attempts.take(address(n)).await.wait.is_none(), "the request is admitted");
    }
    cluster.resume_node(1);
    until("the cluster is available again", || here.redis.is_there()).await;
    assert!(attempts.take(address(99)).await.wait.is_none());
}

#[tokio::test]
async fn replicas_follow_the_sentinels_to_a_new_master() {
    let sentinels = Sentinels::start();
    let (here, _there) = assert_everything_is_shared(&sentinels.url()).await;
    let first = sentinels.master();
    let attempts = AttemptsByAddress::new(300, here.limiter.clone());
    sentinels.kill_master();
    assert!(attempts.take(address(1)).await.wait.is_none());
    until("another master is promoted", || sentinels.master() != first).await;
    until("the new master is used", || here.redis.is_there()).await;
    assert_eq!(attempts.take(address(2)).await.per_minute, 300, "the limit is shared again");
}
