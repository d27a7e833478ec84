//! Jobs and schedules, with replicas that die amid them.

use std::fmt::Write;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Executor, PgConnection};

use crate::fixture::{Fixture, expect};
use crate::{SOON, eventually};

const LINES: i64 = 20_000;
/// Until a step that its replica did not end is taken by another one, and some time for the rest.
const TAKEOVER: Duration = Duration::from_secs(60 + 45);
const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";

/// Whoever adds products or jobs for a tenant waits until the transaction ends.
async fn hold_tenants(fixture: &Fixture) -> PgConnection {
    let mut blocker = fixture.superuser().await;
    blocker.execute("BEGIN; SELECT 1 FROM tenant FOR NO KEY UPDATE").await.unwrap();
    blocker
}

fn file() -> String {
    let mut file = "asin,status\n".to_owned();
    (0..LINES).for_each(|n| writeln!(file, "B{n:09},paused").unwrap());
    file
}

/// Another replica goes on from the last step: no line is lost, and none is imported twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_carried_on_when_its_replica_dies_amid_a_step() {
    const STEP: &str = "SELECT count(*) FROM job WHERE kind = 'import' AND owner IS NOT NULL";
    let fixture = Fixture::start().await;
    let upload = fixture.replicas[2].request(&fixture.client, Method::POST, "/api/v1/products/import?marketplace=de");
    let job = expect(202, upload.bearer_auth(&fixture.key).body(file())).await;
    let mut blocker = hold_tenants(&fixture).await;
    let step = async || fixture.query_number(STEP).await > 0 && fixture.query_number(WAITING).await > 0;
    eventually("a step is being taken", SOON, step).await;
    let owner = "SELECT owner FROM job WHERE kind = 'import'";
    let owner: String = sqlx::query_scalar(owner).fetch_one(&mut fixture.superuser().await).await.unwrap();
    let victim = fixture.replicas.iter().find(|replica| owner.ends_with(&replica.owner_ends_with())).unwrap();
    victim.process.kill();
    blocker.execute("ROLLBACK").await.unwrap();
    victim.run();
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    let read = async || -> Value { expect(200, fixture.get(&path)).await };
    eventually("the import has ended", TAKEOVER, async || !read().await["finished_at"].is_null()).await;
    let ended = read().await;
    assert_eq!((&ended["status"], &ended["progress"]["done"]), (&json!("done"), &json!(LINES)), "{ended}");
    let products = "SELECT count(*) FROM product p JOIN listing l ON l.id = p.listing_id WHERE l.marketplace = 'de'";
    assert_eq!(fixture.query_number(products).await, LINES);
    assert_eq!(fixture.query_number("SELECT count(*) FROM job_item WHERE status = 'done'").await, LINES);
}

/// Of the replicas that find a schedule due, one starts its job, also when those that were about to die.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_run_once_when_replicas_die_amid_it() {
    const RUNS: &str = "SELECT count(*) FROM schedule_run";
    const JOBS: &str = "SELECT count(*) FROM job WHERE kind = 'crawl_batch'";
    let fixture = Fixture::start().await;
    let body =
        json!({ "name": "all", "recurrence": { "every": "hourly" }, "action": { "kind": "crawl", "all": true } });
    expect(201, fixture.post("/api/v1/schedules", &body)).await;
    for round in 1..=5 {
        let mut blocker = hold_tenants(&fixture).await;
        fixture.superuser().await.execute("UPDATE schedule SET next_at = 0").await.unwrap();
        eventually("a run is under way", SOON, async || fixture.query_number(WAITING).await > 0).await;
        let victims = [&fixture.replicas[round % 3], &fixture.replicas[(round + 1) % 3]];
        victims.iter().for_each(|victim| victim.process.kill());
        blocker.execute("ROLLBACK").await.unwrap();
        let runs = async || fixture.query_number(RUNS).await == round as i64;
        eventually("the schedule was run", SOON, runs).await;
        victims.iter().for_each(|victim| victim.run());
        fixture.all_ready_within(SOON).await;
        let is_open = "SELECT count(*) FROM job WHERE kind = 'crawl_batch' AND finished_at IS NULL";
        eventually("the job has ended", TAKEOVER, async || fixture.query_number(is_open).await == 0).await;
    }
    assert_eq!((fixture.query_number(RUNS).await, fixture.query_number(JOBS).await), (5, 5));
    assert_eq!(fixture.query_number("SELECT count(*) FROM schedule_run WHERE result <> 'started'").await, 0);
}
