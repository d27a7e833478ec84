//! Claim and commit on both engines, with ten thousand leases and with a million; and claims while many users sign in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use amazon_tracker::config::{DatabaseSettings, Secret};
use amazon_tracker::domain::{
    Currency, EmailAddress, ListingState, Money, Observation, Reading, Role, TenantId, TokenHash, User,
};
use amazon_tracker::store::{
    Claim, ClaimRequest, Commit, ItemsEnd, Lane, NewSession, NewUser, Next, Room, SharedStore, StoreClock, open,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::postgres::Server;
use crate::table::{Table, Target, median};

const FEW: u32 = 10_000;
const MANY: u32 = 1_000_000;
/// The batch of a daemon with 32 crawl slots.
const BATCH: u32 = 32;
const BATCHES: usize = 150;
/// Users who sign in at the same time, on eight connections.
const SIGN_INS: usize = 500;
/// The first batches warm up caches and query plans.
const WARM_UP_BATCHES: usize = 20;

/// Measures both engines.
pub fn run(table: &mut Table) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let file = |count: u32| format!("sqlite://{}", folder.path().join(format!("{count}.sqlite")).display());
        let [few, many] = [FEW, MANY].map(|count| (file(count), count));
        compare(table, "SQLite", measure(few).await, measure(many).await);
        let server = Server::start();
        let few = (new_database(&server, "few"), FEW);
        let many = (new_database(&server, "many"), MANY);
        compare(table, "PostgreSQL", measure(few).await, measure(many).await);
        beside_sign_ins(table, &new_database(&server, "sign_ins")).await;
    });
}

/// Claims have connections of their own: sign-ins that wait for a connection must not delay them.
async fn beside_sign_ins(table: &mut Table, url: &str) {
    let store = open_with(url).await;
    fill_with(url, FEW).await;
    let email: EmailAddress = "bench@example.com".parse().unwrap();
    let (name, role, password_hash) = ("Bench".to_owned(), Role::User, "$argon2id$x".to_owned());
    let user = NewUser { email, name, role, password_hash, is_verified: true, quota: u32::MAX };
    let user = store.add_user(TenantId::BUILT_IN, user).await.unwrap();
    let quiet = p99(claim_times(&store).await);
    let (stop, stopped) = watch::channel(false);
    let sign_ins: JoinSet<Vec<f64>> =
        (0..SIGN_INS).map(|_| sign_in_until(Arc::clone(&store), user.clone(), stopped.clone())).collect();
    let busy = p99(claim_times(&store).await);
    stop.send_replace(true);
    let sign_ins = p99(sign_ins.join_all().await.concat());
    store.close().await;
    let claim = format!("p99 of a claim of {BATCH}, {SIGN_INS} sign-ins waiting");
    table.add(&claim, "ms", busy, ("none waiting", quiet), Target::None);
    table.add(&claim, "ms", busy, ("p99 of those sign-ins", sign_ins), Target::AtMost(0.5));
}

/// Milliseconds of each claim; what is claimed is released.
async fn claim_times(store: &SharedStore) -> Vec<f64> {
    let mut times = Vec::new();
    for batch in 0..BATCHES {
        let started_at = Instant::now();
        let claims = claim(store, BATCH, Duration::from_secs(90)).await;
        if batch >= WARM_UP_BATCHES {
            times.push(started_at.elapsed().as_secs_f64() * 1e3);
        }
        let leases: Vec<_> = claims.iter().map(|claim| (claim.listing_id, claim.token)).collect();
        store.release(&leases).await.unwrap();
    }
    times
}

/// Signs in again and again. Returns how many milliseconds each sign-in took.
async fn sign_in_until(store: SharedStore, user: User, stopped: watch::Receiver<bool>) -> Vec<f64> {
    let mut times = Vec::new();
    while !*stopped.borrow() {
        let started_at = Instant::now();
        store.credentials(&user.email).await.unwrap();
        let token = TokenHash(std::array::from_fn(|_| rand::random()));
        let lasts = Duration::from_secs(3600);
        store
            .open_session(NewSession { user_id: user.id, address: None, agent: None, token, lasts, is_browser: false })
            .await
            .unwrap();
        times.push(started_at.elapsed().as_secs_f64() * 1e3);
    }
    times
}

/// The 99th percentile.
pub fn p99(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() * 99 / 100]
}

/// Opens a store and migrates it.
pub async fn open_with(url: &str) -> SharedStore {
    let settings = DatabaseSettings {
        url: Secret::from(url),
        statement_timeout_secs: 600,
        acquire_timeout_secs: 60,
        ..DatabaseSettings::default()
    };
    let store = open(&settings, StoreClock::real()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// Duration of one batch, in milliseconds.
struct Times {
    claim_ms: f64,
    commit_ms: f64,
}

fn compare(table: &mut Table, engine: &str, few: Times, many: Times) {
    let claim = format!("claim of {BATCH}, 1 M leases, {engine}");
    table.add(&claim, "ms", many.claim_ms, ("10 k leases", few.claim_ms), Target::AtMost(1.5));
    let commit = format!("commit of {BATCH}, 1 M leases, {engine}");
    table.add(&commit, "ms", many.commit_ms, ("10 k leases", few.commit_ms), Target::None);
}

async fn measure((url, count): (String, u32)) -> Times {
    let store = open_with(&url).await;
    fill_with(&url, count).await;
    let (mut claims, mut commits) = (Vec::new(), Vec::new());
    for batch in 0..BATCHES {
        let (claim_ms, commit_ms) = one_batch(&store).await;
        if batch >= WARM_UP_BATCHES {
            claims.push(claim_ms);
            commits.push(commit_ms);
        }
    }
    store.close().await;
    Times { claim_ms: median(claims), commit_ms: median(commits) }
}

async fn one_batch(store: &SharedStore) -> (f64, f64) {
    let started_at = Instant::now();
    let claims = claim(store, BATCH, Duration::from_secs(90)).await;
    let claim_ms = started_at.elapsed().as_secs_f64() * 1e3;
    assert_eq!(claims.len(), BATCH as usize, "more leases are due than are claimed");
    let commits: Vec<Commit> = claims.iter().map(seen).collect();
    let started_at = Instant::now();
    let committed = store.commit(&commits).await.unwrap();
    let commit_ms = started_at.elapsed().as_secs_f64() * 1e3;
    assert!(committed.iter().all(|one| one.recorded), "there is no other replica");
    (claim_ms, commit_ms)
}

/// Claims due listings, of any marketplace.
pub async fn claim(store: &SharedStore, limit: u32, lease: Duration) -> Vec<Claim> {
    let rooms = Room::everywhere(limit);
    let (lane, owner, max_attempts) = (Lane::Scheduled, "bench", 5);
    store.claim(ClaimRequest { lane, limit, rooms: &rooms, lease, owner, max_attempts }).await.unwrap()
}

/// The commit of a crawl that observed a first price.
pub fn seen(claim: &Claim) -> Commit {
    let price = Reading::Is(Money::new(34_999, Currency::Usd));
    let judged = claim.state.judge(&Observation { price, ..Observation::empty(claim.listing.asin) }, claim.claimed_at);
    Commit {
        asin: None,
        listing_id: claim.listing_id,
        token: claim.token,
        outcome: Some("observed"),
        next: Next::Due(Duration::from_secs(86_400)),
        state: Some(judged.state),
        points: judged.points,
        rule_steps: Vec::new(),
        content: None,
        offers: None,
        job_items: ItemsEnd::Done,
        trace_context: None,
    }
}

/// Fills an empty, migrated database.
pub async fn fill_with(url: &str, count: u32) {
    for statement in fill(count, !url.starts_with("sqlite")) {
        execute(url, &statement).await;
    }
}

/// SQL that creates listings with a lease and a product each, all due.
fn fill(count: u32, is_postgres: bool) -> [String; 4] {
    let state = serde_json::to_string(&ListingState::default()).unwrap();
    let [numbers, asin, id, tenant, json] = if is_postgres {
        [
            format!("generate_series(1, {count}) AS n"),
            "'B' || lpad(n::text, 9, '0')".to_owned(),
            "gen_random_uuid()".to_owned(),
            "'00000000-0000-0000-0000-000000000001'::uuid".to_owned(),
            "::jsonb".to_owned(),
        ]
    } else {
        [
            format!(
                "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s)"
            ),
            "printf('B%09d', n)".to_owned(),
            "randomblob(16)".to_owned(),
            "x'00000000000000000000000000000001'".to_owned(),
            String::new(),
        ]
    };
    [
        format!(
            "INSERT INTO listing (marketplace, asin, state, created_at) SELECT 'com', {asin}, '{state}'{json}, 0 \
             FROM {numbers}"
        ),
        "INSERT INTO lease (listing_id, marketplace, ready_at) SELECT id, marketplace, id FROM listing".to_owned(),
        format!(
            "INSERT INTO product (id, tenant_id, listing_id, tags, interval_secs, is_competitor, status, created_at, \
             updated_at) SELECT {id}, {tenant}, id, '[]'{json}, 86400, false, 'active', 0, 0 FROM listing"
        ),
        "ANALYZE".to_owned(),
    ]
}

/// Creates a database and returns its URL.
pub fn new_database(server: &Server, name: &str) -> String {
    server.create_database(name);
    server.url(name)
}

/// Runs a statement past the store.
pub async fn execute(url: &str, sql: &str) {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    if url.starts_with("sqlite") {
        sql.execute(&mut SqliteConnection::connect(url).await.unwrap()).await.unwrap();
    } else {
        sql.execute(&mut PgConnection::connect(&Server::superuser_url(url)).await.unwrap()).await.unwrap();
    }
}
