//! What only PostgreSQL promises: plans, partitions, and standing up to cancelled callers and restarts.

use std::time::Duration;

use amazon_tracker::config::RetentionSettings;
use amazon_tracker::domain::*;
use amazon_tracker::store::{DeliveryClaim, Lane, Rotation, StoreClock, StoreError, open};
use jiff::Timestamp;
use sqlx::{Connection, Executor, PgConnection};

use crate::accounts::{new_session, tenant_of};
use crate::fixture::*;
use crate::postgres::Server;
use crate::tenants::fill;

async fn connect(fixture: &Fixture) -> PgConnection {
    PgConnection::connect(&Server::superuser_url(fixture.settings.url.reveal())).await.unwrap()
}

#[tokio::test]
async fn the_claim_walks_the_index_without_sorting() {
    let fixture = Fixture::postgres().await;
    let mut conn = connect(&fixture).await;
    conn.execute(
        "INSERT INTO listing (marketplace, asin, state, created_at) \
           SELECT 'de', 'B' || lpad(n::text, 9, '0'), '{}', 0 FROM generate_series(1, 20000) n; \
         INSERT INTO lease (listing_id, ready_at) SELECT id, id FROM listing; ANALYZE lease",
    )
    .await
    .unwrap();
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT listing_id, ready_at FROM lease WHERE lane = 1 AND marketplace = 'de' \
         AND ready_at <= unix_millis() AND parked_at IS NULL AND attempt < 5 \
         ORDER BY ready_at LIMIT 50 FOR UPDATE SKIP LOCKED",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("Index Scan using lease_ready_on_marketplace") && !plan.contains("Sort"), "{plan}");
    drop(conn);
    fixture.end().await;
}

/// A wish that is entered between a commit's snapshot and its lock: its task is invisible to the commit, which must not
/// leave it waiting for the next scheduled crawl.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_requested_while_a_commit_waits_gets_a_crawl_of_its_own() {
    let fixture = Fixture::postgres().await;
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    let mut asker = connect(&fixture).await;
    asker.execute("BEGIN; UPDATE lease SET parked_at = NULL").await.unwrap();
    let committer = {
        let (store, commit) = (fixture.store.clone(), seen(&claim, 500, fixture.now().await));
        tokio::spawn(async move { store.commit(&[commit]).await.unwrap() })
    };
    fixture.until_someone_waits().await;
    let task = JobId::new();
    // As replicas of the previous version do.
    let insert = "WITH task AS (INSERT INTO task VALUES ($1, $2, 0)) INSERT INTO task_item VALUES ($1, 0, $2, $3, $4, 'pending')";
    let insert = sqlx::query(insert).bind(task.0).bind(US.0).bind(product.id.0).bind(product.listing_id.0);
    insert.execute(&mut asker).await.unwrap();
    asker.execute("COMMIT").await.unwrap();
    assert!(committer.await.unwrap()[0].recorded);
    assert_eq!(fixture.store.task(US, task).await.unwrap().status(), JobStatus::Pending);
    fixture.see(500).await;
    assert_eq!(fixture.store.task(US, task).await.unwrap().status(), JobStatus::Done);
    drop(asker);
    fixture.end().await;
}

/// PostgreSQL keeps no NUL in a text.
#[tokio::test]
async fn a_commit_that_is_refused_does_not_take_its_batch_along() {
    let fixture = Fixture::postgres().await;
    for n in 0..3 {
        fixture.watch(n).await;
    }
    let now = fixture.now().await;
    let mut commits: Vec<_> = fixture.claim(3).await.iter().map(|claim| seen(claim, 500, now)).collect();
    commits[1].state.as_mut().unwrap().title = Some("a\0b".to_owned());
    let committed = fixture.store.commit(&commits).await.unwrap();
    assert_eq!(committed.iter().map(|one| one.recorded).collect::<Vec<_>>(), [true, false, true]);
    let alone = fixture.store.commit(&commits[1..2]).await.unwrap();
    assert!(!alone[0].recorded, "retrying it would stop all others");
    fixture.end().await;
}

/// The other tests bind a manual clock. Here nothing is bound: a statement that takes the parameter for the time finds NULL.
#[tokio::test]
async fn statements_read_the_servers_own_clock() {
    let fixture = Fixture::postgres_with(StoreClock::real()).await;
    let store = &fixture.store;
    let user = tenant_of(&fixture, "jo").await;
    fill(&fixture, user.tenant_id, 7).await;
    let session = store.open_session(new_session(&user, 8)).await.unwrap();
    assert_eq!(store.sessions(user.id).await.unwrap(), std::slice::from_ref(&session));
    assert!(store.is_session_open(session.id).await.unwrap());
    assert!(store.knows_address(user.id, session.address.unwrap(), HOUR).await.unwrap());
    assert!(store.link(TokenHash([7; 32]), LinkPurpose::Invite).await.is_ok());
    store.record_failed_login(user.id, HOUR).await.unwrap();
    assert!(store.credentials(&user.email).await.unwrap().is_locked);
    let rotated = store.rotate(TokenHash([8; 32]), TokenHash([9; 32]), DAY, SECOND).await.unwrap();
    assert!(matches!(rotated, Rotation::Rotated(..)), "{rotated:?}");
    let again = store.rotate(TokenHash([8; 32]), TokenHash([10; 32]), DAY, HOUR).await.unwrap();
    assert_eq!(again, Rotation::RecentlyRotated);
    assert_eq!(store.usage(user.tenant_id).await.unwrap().crawls_today, 1);
    assert_eq!(store.backlog().await.unwrap().due, 1);
    assert_eq!(store.next_due_in(Marketplace::ALL, 5).await.unwrap(), Some(Duration::ZERO));
    let claim = fixture.claim_from(Lane::Requested, 9).await.remove(0);
    let tasks = store.tasks(user.tenant_id, None, 9).await.unwrap();
    assert_eq!(tasks.items[0].status(), JobStatus::Running);
    let held = [(claim.listing_id, claim.token)];
    assert_eq!(store.extend(&held, LEASE).await.unwrap(), [claim.listing_id]);
    assert_eq!(store.release(&[(claim.listing_id, claim.token)]).await.unwrap(), 1);
    let claim = fixture.claim_from(Lane::Requested, 9).await.remove(0);
    assert!(fixture.commit(seen(&claim, 900, fixture.now().await)).await);
    assert_eq!(store.next_delivery_in().await.unwrap(), Some(Duration::ZERO));
    assert_eq!(store.claim_deliveries(&DeliveryClaim::any(9, LEASE, "test")).await.unwrap().len(), 1);
    // A change, an event, three jobs, a spent budget.
    assert_eq!(store.recent_feed(&[user.tenant_id], HOUR, 9).await.unwrap().1.len(), 6);
    let job = store.claim_jobs(9, LEASE, "test", None).await.unwrap().remove(0);
    // The task, whose items are counted after a second.
    assert!(store.next_job_in().await.unwrap().unwrap() <= SECOND);
    store.settle_job(&job.lease).await.unwrap();
    // The fixture's schedule was due at a time that has passed.
    assert_eq!(store.due_schedules(9).await.unwrap().len(), 1);
    assert_eq!(store.next_schedule_in().await.unwrap(), Some(Duration::ZERO));
    assert!(store.acquire_job_lease("job", "one", HOUR).await.unwrap());
    assert!(!store.acquire_job_lease("job", "two", HOUR).await.unwrap());
    assert_eq!(store.prune(&RetentionSettings::default()).await.unwrap(), 0);
    fixture.end().await;
}

fn price(at: &str, value: i64) -> Point {
    Point { key: Series::Price.into(), at: at.parse().unwrap(), value: Some(PointValue::Number(value)) }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn points_land_in_their_months_and_months_are_dropped_whole() {
    let fixture = Fixture::postgres().await;
    let rows = |table: &'static str| {
        let fixture = &fixture;
        async move { fixture.number(&format!("SELECT count(*) FROM {table}")).await }
    };
    let past =
        [price("2024-11-30T23:59:59.999Z", 1), price("2024-12-01T00:00:00Z", 2), price("2025-01-01T00:00:00Z", 3)];
    let product = fixture.watch(1).await;
    let mut state = ListingState::default();
    past.iter().for_each(|point| state.replay(point));
    fixture.store.import(product.listing_id, &past, &state).await.unwrap();
    assert_eq!((rows("point_2024_11").await, rows("point_2024_12").await, rows("point_2025_01").await), (1, 1, 1));
    assert_eq!(rows("point_default").await, 0);

    // All three go whole, but the last point still holds and is kept.
    assert_eq!(fixture.prune_history(time("2025-02-01T00:00:00Z")).await, 3);
    assert_eq!(fixture.number("SELECT count(*) FROM pg_class WHERE relname LIKE 'point_20%'").await, 0);
    assert_eq!(rows("point_default").await, 1);
    let left = fixture.store.points(product.listing_id, Series::ALL, None, None, 10).await.unwrap();
    assert_eq!(left, past[2..]);
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_made_late_takes_over_what_landed_elsewhere_and_may_be_made_by_many() {
    let fixture = Fixture::postgres().await;
    fixture.watch(1).await;
    fixture.see(500).await;
    assert!(fixture.number("SELECT count(*) FROM point_default").await > 0);
    let makers = (0..4).map(|_| {
        let store = fixture.store.clone();
        tokio::spawn(async move {
            store.ensure_partitions(time("2026-01-01T00:00:00Z"), time("2026-03-31T00:00:00Z")).await
        })
    });
    for maker in makers.collect::<Vec<_>>() {
        maker.await.unwrap().unwrap();
    }
    assert_eq!(fixture.number("SELECT count(*) FROM point_default").await, 0);
    assert!(fixture.number("SELECT count(*) FROM point_2026_01").await > 0);
    assert_eq!(fixture.number("SELECT count(*) FROM point_2026_03").await, 0, "made ahead");
    fixture.end().await;
}

/// Callers that go away in the middle: no connection keeps a transaction open, and no listing is half-added.
#[tokio::test(flavor = "multi_thread")]
async fn cancelled_callers_leave_no_broken_connection() {
    let fixture = Fixture::postgres().await;
    let mut settings = fixture.settings.clone();
    (settings.connections, settings.claim_connections) = (2, 1);
    let store = open(&settings, fixture.clock.clone()).await.unwrap();
    for n in 0..200 {
        let patience = Duration::from_micros(u64::from(n) * 37 % 3000);
        let add = store.add_product(new_product(US, n));
        let _ = tokio::time::timeout(patience, add).await;
        let rooms = everywhere(1);
        let claim = store.claim(scheduled(1, &rooms));
        let _ = tokio::time::timeout(patience, claim).await;
    }
    for n in 200..210 {
        store.add_product(new_product(US, n)).await.unwrap();
        store.ping().await.unwrap();
    }
    store.close().await;
    let open_transactions = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(fixture.number(open_transactions).await, 0);
    let torn =
        "SELECT count(*) FROM lease l WHERE NOT EXISTS (SELECT 1 FROM product p WHERE p.listing_id = l.listing_id)";
    assert_eq!(fixture.number(torn).await, 0);
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_unavailable_and_then_there_again() {
    let server = Server::start();
    let mut settings = settings(server.url("tracker"));
    settings.acquire_timeout_secs = 1;
    let store = open(&settings, StoreClock::real()).await.unwrap();
    store.migrate().await.unwrap();
    let product = store.add_product(new_product(US, 1)).await.unwrap();
    server.interrupt();
    for _ in 0..3 {
        let answer = store.product(US, product.id).await;
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        let claim = store.claim(scheduled(1, &everywhere(1))).await;
        assert!(matches!(claim, Err(StoreError::Unavailable(_))), "{claim:?}");
    }
    server.resume();
    assert_eq!(store.product(US, product.id).await.unwrap().id, product.id);
    assert_eq!(store.claim(scheduled(1, &everywhere(1))).await.unwrap().len(), 1);
    store.close().await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_ended_and_counts_as_unavailable() {
    let fixture = Fixture::postgres().await;
    let product = fixture.watch(1).await;
    let mut settings = fixture.settings.clone();
    settings.statement_timeout_secs = 1;
    let hasty = open(&settings, fixture.clock.clone()).await.unwrap();
    let mut blocker = connect(&fixture).await;
    blocker.execute("BEGIN; LOCK TABLE product").await.unwrap();
    assert!(matches!(hasty.product(US, product.id).await, Err(StoreError::Unavailable(_))));
    blocker.execute("ROLLBACK").await.unwrap();
    assert!(hasty.product(US, product.id).await.is_ok());
    hasty.close().await;
    drop(blocker);
    fixture.end().await;
}
