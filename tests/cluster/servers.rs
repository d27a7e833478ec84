//! Tests of the servers that the other tests use.

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};

use crate::postgres::Server;
use crate::redis::{Redis, RedisCluster, Sentinels};
use crate::{SOON, eventually};

#[test]
fn a_killed_redis_restarts_empty_at_the_same_port() {
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
fn a_redis_cluster_distributes_slots_and_accepts_a_returning_node() {
    let cluster = RedisCluster::start();
    let slots = cluster.command(0, &["CLUSTER", "SHARDS"]);
    assert_eq!(slots.matches("master").count(), 3, "{slots}");
    cluster.kill_node(1);
    cluster.resume_node(1);
    let moved = (0..3).filter(|n| cluster.command(*n, &["SET", "a", "1"]).contains("MOVED")).count();
    assert_eq!(moved, 2, "one node has the slot");
}

#[test]
fn sentinels_promote_the_replica_when_the_master_is_killed() {
    let sentinels = Sentinels::start();
    let first = sentinels.master();
    sentinels.kill_master();
    let until = Instant::now() + Duration::from_secs(30);
    while sentinels.master() == first {
        assert!(Instant::now() < until, "no other server became master");
    }
    sentinels.resume();
}

#[tokio::test]
async fn a_standby_follows_its_primary_and_can_be_paused() {
    let primary = Server::start();
    let standby = primary.start_standby();
    primary.execute("CREATE TABLE pet (name text)");
    primary.execute("INSERT INTO pet VALUES ('Rex')");
    let pets = async || {
        let mut reader = PgConnection::connect(&Server::superuser_url(&standby.url("postgres"))).await?;
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM pet").fetch_one(&mut reader).await
    };
    eventually("one pet", SOON, async || pets().await.is_ok_and(|pets| pets == 1)).await;
    standby.fall_behind();
    primary.execute("INSERT INTO pet VALUES ('Tom')");
    assert_eq!(pets().await.unwrap(), 1);
    standby.catch_up();
    eventually("two pets", SOON, async || pets().await.is_ok_and(|pets| pets == 2)).await;
}

#[tokio::test]
async fn a_frozen_primary_does_not_answer_and_continues_when_thawed() {
    let primary = Server::start();
    let mut client = PgConnection::connect(&primary.url("tracker")).await.unwrap();
    primary.freeze();
    let query = sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(&mut client);
    let mut query = std::pin::pin!(query);
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut query).await.is_err());
    primary.thaw();
    assert_eq!(query.await.unwrap(), 1);
}
