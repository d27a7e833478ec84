//! Several replicas on one PostgreSQL server: scaling, commit rate compared to pgbench, and memory of an idle replica.
//!
//! Everything runs on one machine, including database and marketplace. With two processors, additional replicas add
//! little throughput, but their overhead is visible.

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use amazon_tracker::config::{DatabaseSettings, Secret};
use amazon_tracker::domain::Frequency;
use amazon_tracker::store::{StoreClock, open};

use crate::crawling::{Daemon, Market, Running, TRACKER, rate_of, watch_all};
use crate::leases::{self, new_database};
use crate::postgres::Server;
use crate::rivals;
use crate::table::{Table, Target, median, per_second};

/// More than all replicas can crawl during the measurement.
const LISTINGS: u32 = 60_000;
const SCALE: &str = "10";
const CLIENTS: usize = 8;
const MEASURED: Duration = Duration::from_secs(6);
/// The batch size of the Recorder under load.
const BATCH: u32 = 64;
/// The memory request of a container (`k8s/base`).
const REQUESTED_MB: f64 = 512.0;

/// Measures everything.
pub fn run(table: &mut Table) {
    let server = Server::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    scaling(&server, &runtime, table);
    commits(&server, &runtime, table);
    idle(&server, &runtime, table);
}

fn scaling(server: &Server, runtime: &tokio::runtime::Runtime, table: &mut Table) {
    let market = Market::start(&[]);
    let mut alone = 0.0;
    for replicas in [1, 2, 4] {
        let url = new_database(server, &format!("replicas{replicas}"));
        runtime.block_on(async {
            watch_all(&url, &[], Frequency::DAILY).await;
            leases::fill_with(&url, LISTINGS).await;
        });
        let mut daemons: Vec<Daemon> = (0..replicas).map(|_| Daemon::start(&market, &url)).collect();
        let rate = runtime.block_on(rate_of(&mut daemons));
        if replicas == 1 {
            alone = rate;
        }
        let what = format!("crawls of {replicas} replicas, one PostgreSQL");
        table.add(&what, "/s", rate, ("one replica", alone), Target::None);
    }
}

/// A commit of the tracker releases a lease, writes points and updates a listing's state; a transaction of pgbench
/// updates one row and inserts one.
fn commits(server: &Server, runtime: &tokio::runtime::Runtime, table: &mut Table) {
    server.execute("CREATE DATABASE pgbench");
    let port = server.port().to_string();
    let pgbench = |arguments: &[&str]| {
        let mut command = Command::new(server.program("pgbench"));
        command.args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres"]).args(arguments);
        rivals::output(command.arg("pgbench"))
    };
    pgbench(&["-i", "-q", "-s", SCALE]);
    let clients = CLIENTS.to_string();
    let secs = MEASURED.as_secs().to_string();
    let rival = || {
        let output = pgbench(&["-N", "-n", "-M", "prepared", "-c", &clients, "-j", "2", "-T", &secs]);
        let line = output.lines().find_map(|line| line.strip_prefix("tps = ")).expect("pgbench prints its rate");
        line.split_whitespace().next().unwrap().parse::<f64>().expect("a rate")
    };
    let url = new_database(server, "commits");
    let before = rival();
    let ours = runtime.block_on(commit_rate(&url));
    let rivals = median(vec![before, rival()]);
    table.add("commits of two replicas", "/s", ours, ("pgbench -N", rivals), Target::AtLeast(2.0));
}

/// Commits per second of two replicas together, for crawls that were claimed before.
async fn commit_rate(url: &str) -> f64 {
    let settings = DatabaseSettings { url: Secret::from(url), acquire_timeout_secs: 60, ..DatabaseSettings::default() };
    let store = open(&settings, StoreClock::real()).await.unwrap();
    store.migrate().await.unwrap();
    leases::fill_with(url, LISTINGS).await;
    let mut work = [Vec::new(), Vec::new()];
    for turn in 0.. {
        let claims = leases::claim(&store, BATCH, Duration::from_secs(900)).await;
        if claims.is_empty() {
            break;
        }
        work[turn % 2].push(claims.iter().map(leases::seen).collect::<Vec<_>>());
    }
    // Like a Recorder: sequential writes.
    let record = |batches: Vec<Vec<_>>| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut done = 0;
            for commits in batches {
                let committed = store.commit(&commits).await.unwrap();
                done += committed.iter().filter(|committed| committed.recorded).count();
            }
            done
        })
    };
    let started_at = Instant::now();
    let recorders = work.map(record);
    let mut done = 0;
    for recorder in recorders {
        done += recorder.await.unwrap();
    }
    let rate = per_second(done, started_at.elapsed());
    store.close().await;
    rate
}

fn idle(server: &Server, runtime: &tokio::runtime::Runtime, table: &mut Table) {
    let url = new_database(server, "idle");
    runtime.block_on(watch_all(&url, &[], Frequency::DAILY));
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = Command::new(TRACKER);
    command.args(["serve", "--listen", &address, "--database-url", &url]).env("TRACKER__LOG__FILTER", "warn");
    let replica = Running(command.spawn().expect("the tracker starts"));
    runtime.block_on(async {
        while reqwest::get(format!("http://{address}/health/ready")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Wait until the memory used at startup is released.
        tokio::time::sleep(Duration::from_secs(5)).await;
    });
    let resident_mb = rivals::rss_kb(replica.0.id()) as f64 / 1e3;
    let limit = ("requested for a container", REQUESTED_MB);
    table.add("resident memory of an idle replica", "MB", resident_mb, limit, Target::AtMost(0.25));
}
