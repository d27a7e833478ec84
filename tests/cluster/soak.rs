//! A long time of one fault after another: `make soak`.

use std::fs;
use std::time::{Duration, Instant};

use crate::SOON;
use crate::fixture::{Fixture, LEASE};
use crate::load::Load;
use crate::replica::Replica;

const MINUTES: u64 = 30;
/// Memory that is still growing after the first rounds is being lost.
const MAX_GROWTH: f64 = 1.5;

/// The third replica is never restarted: after all that happened to the others, to Redis and to itself it holds no more memory
/// than after the first two rounds, and the tally holds.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes as long as SOAK_MINUTES says: make soak"]
async fn one_fault_after_another_for_a_long_time() {
    let minutes = std::env::var("SOAK_MINUTES").ok().map_or(MINUTES, |minutes| minutes.parse().unwrap());
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let mut fixture = Fixture::start().await;
    fixture.begin();
    let load = Load::start(&fixture).await;
    let mut settled_kb = None;
    for round in 0.. {
        kill_one(&fixture, round % 2).await;
        restart_one(&fixture, (round + 1) % 2).await;
        freeze_one(&fixture, round % 3).await;
        without_redis(&fixture).await;
        let kb = resident_kb(&fixture.replicas[2]);
        println!("round {round}: {} requests, the third replica holds {kb} kB", load.asked());
        if round == 1 {
            settled_kb = Some(kb);
        }
        if Instant::now() >= until {
            break;
        }
    }
    // Whoever is killed or stands still takes requests with it that were under way: what else failed is of interest.
    println!("{:#?}", load.stop().await);
    let grown_kb = resident_kb(&fixture.replicas[2]);
    fixture.settle_within(LEASE + SOON).await;
    fixture.tally().await;
    let settled_kb = settled_kb.unwrap_or(grown_kb);
    assert!((grown_kb as f64) < settled_kb as f64 * MAX_GROWTH, "from {settled_kb} kB to {grown_kb} kB");
}

async fn kill_one(fixture: &Fixture, n: usize) {
    let victim = &fixture.replicas[n];
    victim.process.kill();
    victim.run();
    victim.await_ready(SOON).await;
}

async fn restart_one(fixture: &Fixture, n: usize) {
    let replica = &fixture.replicas[n];
    replica.process.terminate();
    assert_eq!(replica.process.ended(SOON).await.code(), Some(0), "{}", replica.process.log());
    replica.run();
    replica.await_ready(SOON).await;
}

/// For a while that is shorter than its leases.
async fn freeze_one(fixture: &Fixture, n: usize) {
    let sleeper = &fixture.replicas[n];
    sleeper.process.freeze();
    tokio::time::sleep(Duration::from_secs(5)).await;
    sleeper.process.thaw();
    sleeper.await_ready(SOON).await;
}

async fn without_redis(fixture: &Fixture) {
    fixture.redis.kill();
    fixture.fallen_back(1.0).await;
    fixture.redis.resume();
    fixture.fallen_back(0.0).await;
}

fn resident_kb(replica: &Replica) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", replica.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
