//! The servers that the other tests lean on do what is asked of them.

use std::time::{Duration, Instant};

use crate::redis::{Redis, RedisCluster, Sentinels};

#[test]
fn a_redis_is_killed_and_comes_back_at_its_place_and_empty() {
    let redis = Redis::start();
    redis.command(&["SET", "a", "1"]);
    redis.kill();
    redis.resume();
    assert_eq!(redis.command(&["GET", "a"]).trim(), "");
    redis.command(&["SET", "a", "2"]);
    redis.freeze();
    redis.thaw();
    assert_eq!(redis.command(&["GET", "a"]).trim(), "2");
    redis.flush();
    assert_eq!(redis.command(&["DBSIZE"]).trim(), "0");
}

#[test]
fn a_redis_cluster_shares_the_slots_and_takes_a_node_back() {
    let cluster = RedisCluster::start();
    let slots = cluster.command(0, &["CLUSTER", "SHARDS"]);
    assert_eq!(slots.matches("master").count(), 3, "{slots}");
    cluster.kill_node(1);
    cluster.resume_node(1);
    let moved = (0..3).filter(|n| cluster.command(*n, &["SET", "a", "1"]).contains("MOVED")).count();
    assert_eq!(moved, 2, "one node has the slot");
}

#[test]
fn sentinels_name_the_replica_master_when_the_master_is_gone() {
    let sentinels = Sentinels::start();
    let first = sentinels.master();
    sentinels.kill_master();
    let until = Instant::now() + Duration::from_secs(30);
    while sentinels.master() == first {
        assert!(Instant::now() < until, "nobody else became master");
    }
    sentinels.resume();
}
