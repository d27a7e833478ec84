//! A fresh, migrated store with a clock that is moved by hand, on either engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use amazon_tracker::config::{DatabaseSettings, RetentionSettings, Secret};
use amazon_tracker::domain::rule::{Found, Readings};
use amazon_tracker::domain::*;
pub use amazon_tracker::store::EventFilter;
use amazon_tracker::store::{
    Claim, ClaimRequest, Commit, Engine, ItemsEnd, Lane, MessageQuota, NewChannel, NewProduct, NewRule, NewSchedule,
    Next, Room, RuleChannels, RuleRow, RuleStep, RuleWebhook, SharedStore, StoreClock, open,
};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection, Decode, PgConnection, Postgres, Sqlite, SqliteConnection, Type};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::postgres::Server;

/// The engine's two tests of each promise of a module: `…::sqlite::…` and `…::postgres::…`.
macro_rules! on_both_engines {
    ($($promise:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let fixture = crate::fixture::Fixture::sqlite().await;
                super::$promise(&fixture).await;
                fixture.end().await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let fixture = crate::fixture::Fixture::postgres().await;
                super::$promise(&fixture).await;
                fixture.end().await;
            })*
        }
    };
}
pub(crate) use on_both_engines;

pub const LEASE: Duration = Duration::from_secs(90);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(24 * 3600);
pub const SECOND: Duration = Duration::from_secs(1);
pub const MAX_ATTEMPTS: u16 = 5;

/// Nothing is deleted.
pub const KEEP_ALL: RetentionSettings = RetentionSettings {
    history_days: 0,
    events_days: 0,
    delivered_days: 0,
    dead_deliveries_days: 0,
    audit_days: 0,
    sessions_days: 0,
    refresh_tokens_days: 0,
    links_days: 0,
    jobs_days: 0,
    source_runs_days: 0,
    crawl_counts_days: 0,
    page_samples_days: 0,
    listing_images_days: 0,
    idempotency_keys_days: 0,
    api_keys_days: 0,
    daily_usage_days: 0,
};

/// The tenant that exists from the start.
pub const US: TenantId = TenantId::BUILT_IN;
/// A tenant that a test may bring in: see [`Fixture::add_tenant`].
pub const THEM: TenantId = TenantId(uuid::Uuid::from_u128(2));

/// One store of one test.
pub struct Fixture {
    pub store: SharedStore,
    pub clock: StoreClock,
    pub settings: DatabaseSettings,
    folder: Option<TempDir>,
}

/// Settings for a URL.
pub fn settings(url: String) -> DatabaseSettings {
    DatabaseSettings { url: Secret::from(url), acquire_timeout_secs: 30, ..DatabaseSettings::default() }
}

/// A clock that stands at noon of some day.
pub fn noon() -> StoreClock {
    StoreClock::manual(noon_of_fixtures())
}

fn noon_of_fixtures() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

/// A claim from the scheduled lane.
pub fn scheduled(limit: u32, rooms: &[Room]) -> ClaimRequest<'_> {
    ClaimRequest { lane: Lane::Scheduled, limit, rooms, lease: LEASE, owner: "test", max_attempts: MAX_ATTEMPTS }
}

pub fn everywhere(places: u32) -> Vec<Room> {
    Room::everywhere(places)
}

impl Fixture {
    pub async fn sqlite() -> Self {
        let fixture = Self::file(noon()).await;
        fixture.store.migrate().await.unwrap();
        fixture
    }

    async fn file(clock: StoreClock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("store.sqlite").display());
        Self::at(url, Some(folder), clock).await
    }

    pub async fn postgres() -> Self {
        Self::postgres_with(noon()).await
    }

    pub async fn postgres_with(clock: StoreClock) -> Self {
        Self::at(new_database().await, None, clock).await
    }

    async fn at(url: String, folder: Option<TempDir>, clock: StoreClock) -> Self {
        let settings = settings(url);
        let store = open(&settings, clock.clone()).await.unwrap();
        Self { store, clock, settings, folder }
    }

    /// An empty database of the same engine, with the same clock.
    pub async fn without_schema(&self) -> Self {
        if self.is_postgres() {
            Self::at(empty_database(&next_name()).await, None, self.clock.clone()).await
        } else {
            Self::file(self.clock.clone()).await
        }
    }

    /// Removes what a test that succeeded leaves; the rest goes with the server.
    pub async fn end(self) {
        self.store.close().await;
        if self.folder.is_none() {
            let url = self.settings.url.reveal();
            let database = url.rsplit('/').next().unwrap();
            admin(&format!("DROP DATABASE {database} WITH (FORCE)")).await;
        }
    }

    pub fn is_postgres(&self) -> bool {
        Engine::of(&self.settings).unwrap() == Engine::Postgres
    }

    /// Another store on the same database: another replica.
    pub async fn replica(&self) -> SharedStore {
        open(&self.settings, self.clock.clone()).await.unwrap()
    }

    /// Runs a statement past the store.
    pub async fn execute(&self, sql: &str) {
        self.try_execute(sql).await.unwrap();
    }

    pub async fn try_execute(&self, sql: &str) -> Result<(), sqlx::Error> {
        let url = self.settings.url.reveal();
        let sql = AssertSqlSafe(sql.to_owned());
        if self.is_postgres() {
            let mut conn = PgConnection::connect(&Server::superuser_url(url)).await.unwrap();
            sqlx::query(sql).execute(&mut conn).await.map(drop)
        } else {
            let mut conn = SqliteConnection::connect(url).await.unwrap();
            let executed = sqlx::query(sql).execute(&mut conn).await.map(drop);
            conn.close().await.unwrap();
            executed
        }
    }

    /// One number, asked past the store.
    pub async fn number(&self, sql: &str) -> i64 {
        self.scalar(sql).await
    }

    /// One text, asked past the store.
    pub async fn text(&self, sql: &str) -> String {
        self.scalar(sql).await
    }

    async fn scalar<T>(&self, sql: &str) -> T
    where
        T: for<'r> Decode<'r, Postgres> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + Type<Sqlite> + Send + Unpin,
    {
        let url = self.settings.url.reveal();
        let sql = AssertSqlSafe(sql.to_owned());
        if self.is_postgres() {
            let mut conn = PgConnection::connect(&Server::superuser_url(url)).await.unwrap();
            sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
        } else {
            let mut conn = SqliteConnection::connect(url).await.unwrap();
            let value = sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap();
            conn.close().await.unwrap();
            value
        }
    }

    /// Waits until somebody waits for a lock of PostgreSQL.
    pub async fn until_someone_waits(&self) {
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        while self.number(waiting).await == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Brings in the tenant [`THEM`].
    pub async fn add_tenant(&self) {
        let id = if self.is_postgres() {
            "'00000000-0000-0000-0000-000000000002'"
        } else {
            "x'00000000000000000000000000000002'"
        };
        self.execute(&format!("INSERT INTO tenant (id, name, created_at) VALUES ({id}, 'them', 0)")).await;
    }

    /// Deletes history that is older than this, to the day, and nothing else.
    pub async fn prune_history(&self, before: Timestamp) -> u64 {
        let age = self.now().await.duration_since(before);
        let history_days = u32::try_from(age.as_hours() / 24).unwrap();
        self.store.prune(&RetentionSettings { history_days, ..KEEP_ALL }).await.unwrap()
    }

    pub async fn now(&self) -> Timestamp {
        self.store.now().await.unwrap()
    }

    /// Watches listing number `n`, daily.
    pub async fn watch(&self, n: u32) -> Product {
        self.store.add_product(new_product(US, n)).await.unwrap()
    }

    /// Applies the policy of a channel to what waits for it, without a quota. False: nothing is due.
    pub async fn dispatch_one(&self) -> bool {
        let quota: MessageQuota = Arc::new(|_| u32::MAX);
        self.store.dispatch_one(&quota).await.unwrap()
    }

    /// Claims from the scheduled lane.
    pub async fn claim(&self, limit: u32) -> Vec<Claim> {
        self.claim_from(Lane::Scheduled, limit).await
    }

    pub async fn claim_from(&self, lane: Lane, limit: u32) -> Vec<Claim> {
        self.store.claim(ClaimRequest { lane, ..scheduled(limit, &everywhere(limit)) }).await.unwrap()
    }

    /// Claims the one listing that is due.
    pub async fn claim_one(&self) -> Claim {
        let mut claims = self.claim(10).await;
        assert_eq!(claims.len(), 1, "{claims:?}");
        claims.remove(0)
    }

    /// Writes one commit and says whether it was recorded.
    pub async fn commit(&self, commit: Commit) -> bool {
        let committed = self.store.commit(std::slice::from_ref(&commit)).await.unwrap();
        assert_eq!(
            (committed.len(), committed[0].listing_id, committed[0].token),
            (1, commit.listing_id, commit.token)
        );
        committed[0].recorded
    }

    /// Looks at the one listing that is due and sees this price.
    pub async fn see(&self, price_minor: i64) -> Claim {
        let claim = self.claim_one().await;
        assert!(self.commit(seen(&claim, price_minor, self.now().await)).await);
        claim
    }

    /// Looks at every listing that is due and sees this price.
    pub async fn see_all(&self, price_minor: i64) {
        for claim in self.claim(100).await {
            assert!(self.commit(seen(&claim, price_minor, self.now().await)).await);
        }
    }

    /// A rule: tell when the product costs this or less.
    pub async fn add_rule(&self, product: &Product, target_minor: i64) -> RuleRow {
        self.store.add_rule(new_rule(product, target_minor)).await.unwrap()
    }
}

/// The ASIN of number `n`.
pub fn asin(n: u32) -> Asin {
    format!("B{n:09}").parse().unwrap()
}

pub fn new_product(tenant_id: TenantId, n: u32) -> NewProduct {
    let settings = ProductSettings::default();
    NewProduct { tenant_id, listing: Listing::new(Marketplace::De, asin(n)), settings, quota: u32::MAX }
}

/// Hourly, a batch of all products.
pub fn new_schedule(tenant_id: TenantId) -> NewSchedule {
    let settings = ScheduleSettings {
        name: "all".to_owned(),
        recurrence: Recurrence::Every { every: Interval::HOURLY },
        spec: JobSpec::CrawlBatch { target: CrawlTarget::All, add: None },
        listings: Vec::new(),
        overrun: Overrun::Skip,
        is_enabled: true,
    };
    let next_at = Some(noon_of_fixtures() + HOUR);
    NewSchedule { tenant_id, settings, next_at, created_by: "system".to_owned(), quota: u32::MAX }
}

pub fn new_rule(product: &Product, target_minor: i64) -> NewRule {
    NewRule {
        tenant_id: product.tenant_id,
        scope: RuleScope::Product(product.id),
        settings: RuleSettings::of(Condition::PriceAtOrBelow { target: euros(target_minor) }),
        webhook: Some(RuleWebhook { url: "https://example.com/hook".to_owned(), secret: "whsec_x".to_owned() }),
        channels: RuleChannels::default(),
        quota: u32::MAX,
    }
}

/// A channel to a webhook that tells everything at once.
pub fn new_channel(tenant_id: TenantId) -> NewChannel {
    let target = HookTarget { webhook_url: "https://hooks.example.com/services/secret".to_owned() };
    NewChannel {
        tenant_id,
        name: "Team".to_owned(),
        config: ChannelConfig::Slack(target),
        policy: Policy { coalesce_secs: 0, ..Policy::default() },
        language: Language::En,
        status: ChannelStatus::Ok,
        quota: u32::MAX,
    }
}

pub fn euros(amount_minor: i64) -> Money {
    Money::new(amount_minor, Currency::Eur)
}

/// A page that says no more than this.
pub fn page(n: Asin, title: &str, price_minor: i64) -> Observation {
    let price = Reading::Is(euros(price_minor));
    Observation { title: Some(title.to_owned()), price, availability: Availability::InStock, ..Observation::empty(n) }
}

/// The commit of a successful crawl; its rules are stepped as the tracker would.
pub fn seen(claim: &Claim, price_minor: i64, at: Timestamp) -> Commit {
    let judged = claim.state.judge(&page(claim.listing.asin, "A thing", price_minor), at);
    let readings = Readings {
        at,
        marketplace: claim.listing.marketplace,
        before: &claim.state,
        after: &judged.state,
        found: Found::Page { is_offer_unknown: false, content: None, offers: None },
        windows: &claim.windows,
        competitors: &claim.competitors,
    };
    let step = |rule: &Rule| {
        let (after, crossing) = rule::step(rule, &readings);
        let event = crossing.map(|crossing| Event::of(rule, crossing, claim.listing, &claim.state, &judged.state, at));
        (after != rule.state).then_some(RuleStep {
            rule_id: rule.id,
            condition_version: rule.condition_version,
            product_id: rule.product_id,
            revision: rule.revision,
            after,
            event,
        })
    };
    Commit {
        asin: None,
        listing_id: claim.listing_id,
        token: claim.token,
        outcome: Some("observed"),
        next: Next::Due(DAY),
        rule_steps: claim.rules.iter().filter_map(step).collect(),
        state: Some(judged.state),
        points: judged.points,
        content: None,
        offers: None,
        job_items: ItemsEnd::Done,
        trace_context: None,
    }
}

/// The commit of a crawl that saw nothing.
pub fn failed(claim: &Claim, next: Next) -> Commit {
    Commit {
        asin: None,
        listing_id: claim.listing_id,
        token: claim.token,
        outcome: Some("failed_timeout"),
        next,
        state: None,
        points: Vec::new(),
        rule_steps: Vec::new(),
        content: None,
        offers: None,
        job_items: ItemsEnd::Keep,
        trace_context: None,
    }
}

/// The URL of a new, migrated database on the shared server.
async fn new_database() -> String {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let url = empty_database("template_store").await;
            let store = open(&settings(url), StoreClock::real()).await.unwrap();
            store.migrate().await.unwrap();
            store.close().await;
        })
        .await;
    let database = next_name();
    admin(&format!("CREATE DATABASE {database} TEMPLATE template_store OWNER tracker")).await;
    Server::shared().url(&database)
}

/// A name for a database.
fn next_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The URL of a new database without a schema.
pub async fn empty_database(database: &str) -> String {
    admin(&format!("CREATE DATABASE {database} OWNER tracker")).await;
    Server::shared().url(database)
}

async fn admin(sql: &str) {
    let mut conn = PgConnection::connect(&Server::superuser_url(&Server::shared().url("postgres"))).await.unwrap();
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut conn).await.unwrap();
}
