//! Faults over a long time: `make soak`.

use std::fs;
use std::time::{Duration, Instant};

use crate::SOON;
use crate::fixture::{Fixture, LEASE, Options};
use crate::load::Load;
use crate::replica::Replica;

const MINUTES: u64 = 30;
/// Memory may grow to this multiple of its size after the first rounds; more is a leak.
const MAX_GROWTH: f64 = 1.5;
/// The same without faults of the replicas, from a third of the time on.
const MAX_GROWTH_AT_REST: f64 = 1.2;

/// The third replica is never restarted. After all faults of the others, of Redis and its own, it uses no more memory
/// than after two rounds, and the results are correct.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs for SOAK_MINUTES: make soak"]
async fn repeated_faults_leak_no_memory_and_lose_no_data() {
    let until = Instant::now() + duration();
    let mut fixture = Fixture::start().await;
    fixture.start_price_changes();
    let load = Load::start(&fixture).await;
    let mut settled_kb = None;
    for round in 0.. {
        kill_one(&fixture, round % 2).await;
        restart_one(&fixture, (round + 1) % 2).await;
        freeze_one(&fixture, round % 3).await;
        without_redis(&fixture).await;
        let kb = resident_kb(&fixture.replicas[2]);
        println!("round {round}: {} requests, the third replica uses {kb} kB", load.requests());
        if round == 1 {
            settled_kb = Some(kb);
        }
        if Instant::now() >= until {
            break;
        }
    }
    // Requests in flight to a killed or frozen replica fail; only other problems are of interest.
    println!("{:#?}", load.stop().await);
    let grown_kb = resident_kb(&fixture.replicas[2]);
    fixture.settle_within(LEASE + SOON).await;
    fixture.verify().await;
    let settled_kb = settled_kb.unwrap_or(grown_kb);
    assert!((grown_kb as f64) < settled_kb as f64 * MAX_GROWTH, "from {settled_kb} kB to {grown_kb} kB");
}

/// A tenth of the pages are captchas, a twentieth are refused with 503, one in fifty breaks off, and prices move. Every change that a
/// whole page has shown is recorded exactly once, every crossing is one alert, no lease is lost, and memory stays flat.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs for SOAK_MINUTES: make soak"]
async fn faulty_pages_cost_no_change_no_alert_and_no_lease() {
    let began = Instant::now();
    let mut fixture = Fixture::start_with(Options {
        market_faults: &["--captcha-rate", "0.1", "--unavailable-rate", "0.05", "--truncate-rate", "0.02"],
        // A breaker opens after five failures in a row, which is one crawl in ten thousand.
        all_replicas: vec![("TRACKER__CRAWL__BREAKER_PAUSE_SECS".to_owned(), "2".to_owned())],
        ..Options::default()
    })
    .await;
    fixture.start_price_changes_every(Duration::from_secs(10));
    let duration = duration();
    let mut settled_kb = None;
    while began.elapsed() < duration {
        tokio::time::sleep(duration / 20).await;
        let kb: Vec<u64> = fixture.replicas.iter().map(resident_kb).collect();
        println!("{:?}: the replicas use {kb:?} kB", began.elapsed());
        if began.elapsed() > duration / 3 {
            settled_kb.get_or_insert(kb);
        }
    }
    let grown_kb: Vec<u64> = fixture.replicas.iter().map(resident_kb).collect();
    fixture.settle_within(Duration::from_secs(300)).await;
    let counts = fixture.verify().await;
    assert_eq!((counts.missed, counts.repeated), (0, 0), "{counts:?}");
    assert!(counts.crossings > 0, "{counts:?}");
    for replica in &fixture.replicas {
        assert_eq!(replica.metric("tracker_lost_leases_total").await, 0.0, "{}", replica.name);
    }
    for (settled, grown) in settled_kb.unwrap_or_default().iter().zip(&grown_kb) {
        assert!((*grown as f64) < *settled as f64 * MAX_GROWTH_AT_REST, "from {settled} kB to {grown} kB");
    }
}

fn duration() -> Duration {
    let minutes = std::env::var("SOAK_MINUTES").ok().map_or(MINUTES, |minutes| minutes.parse().unwrap());
    Duration::from_secs(minutes * 60)
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

/// For less than the duration of a lease.
async fn freeze_one(fixture: &Fixture, n: usize) {
    let frozen = &fixture.replicas[n];
    frozen.process.freeze();
    tokio::time::sleep(Duration::from_secs(5)).await;
    frozen.process.thaw();
    frozen.await_ready(SOON).await;
}

async fn without_redis(fixture: &Fixture) {
    fixture.redis.kill();
    fixture.await_fallback(1.0).await;
    fixture.redis.resume();
    fixture.await_fallback(0.0).await;
}

fn resident_kb(replica: &Replica) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", replica.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
