//! However Redis is set up, the same holds.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use amazon_tracker::limits::AttemptsByAddress;
use amazon_tracker::replicas::BusMessage;

use crate::bus::bus_of;
use crate::redis::{Redis, RedisCluster, Sentinels};
use crate::shared::{PATIENCE, Process, until};

fn address(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, n))
}

/// Two replicas share limits, hear one another and count one another.
async fn everything_is_shared(url: &str) -> (Process, Process) {
    let (here, there) = (Process::at(url), Process::at(url));
    let attempts = [&here, &there].map(|process| AttemptsByAddress::new(4, process.limiter.clone()));
    // Many keys: some lie on each node of a cluster.
    for n in 0..50 {
        let left = [attempts[0].take(address(n)).await.remaining, attempts[1].take(address(n)).await.remaining];
        assert_eq!(left, [3, 2], "{url}");
    }
    let ((bus, _), (_other, mut hears)) = (bus_of(&here).await, bus_of(&there).await);
    bus.publish(BusMessage::Due);
    assert_eq!(tokio::time::timeout(PATIENCE, hears.recv()).await.unwrap(), Some(BusMessage::Due));
    let generation = here.limiter.generation("somebody").await;
    there.limiter.bump_generation("somebody").await;
    assert_ne!(here.limiter.generation("somebody").await, generation);
    (here, there)
}

#[tokio::test]
async fn one_server_is_shared() {
    let redis = Redis::start();
    everything_is_shared(&redis.url()).await;
}

#[tokio::test]
async fn replicas_are_counted_and_whoever_is_gone_is_not() {
    let redis = Redis::start();
    let processes: Vec<Process> = (0..4).map(|_| Process::at(&redis.url())).collect();
    processes.iter().for_each(|process| process.replica_count.start_counting(&process.redis));
    until("each has counted all", || processes.iter().all(|process| process.replica_count.replicas() == 4)).await;
    redis.kill();
    redis.resume();
    until("each has counted all again", || processes.iter().all(|process| process.replica_count.replicas() == 4)).await;
}

#[tokio::test]
async fn a_cluster_is_shared_and_missed_only_until_it_is_whole_again() {
    let cluster = RedisCluster::start();
    let (here, _there) = everything_is_shared(&cluster.url()).await;
    cluster.kill_node(1);
    let attempts = AttemptsByAddress::new(300, here.limiter.clone());
    for n in 0..50 {
        assert!(attempts.take(address(n)).await.wait.is_none(), "nothing fails because of it");
    }
    cluster.resume_node(1);
    until("the cluster is back", || here.redis.is_there()).await;
    assert!(attempts.take(address(99)).await.wait.is_none());
}

#[tokio::test]
async fn whoever_the_sentinels_name_is_asked_after_the_first_is_gone() {
    let sentinels = Sentinels::start();
    let (here, _there) = everything_is_shared(&sentinels.url()).await;
    let first = sentinels.master();
    let attempts = AttemptsByAddress::new(300, here.limiter.clone());
    sentinels.kill_master();
    assert!(attempts.take(address(1)).await.wait.is_none());
    until("another is named", || sentinels.master() != first).await;
    until("and is found", || here.redis.is_there()).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(attempts.take(address(2)).await.per_minute, 300, "counted for all again");
}
