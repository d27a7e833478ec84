//! A whole store that moves from SQLite to PostgreSQL.

use amazon_tracker::domain::*;
use amazon_tracker::store::{
    AuditActor, AuditFilter, CrawlCount, DeliveryClaim, IdempotencyKey, Lane, MigrateStoreError, MigratedTable,
    ProductFilter, ProductOrder, ReportFilter, Rotation, RuleFilter, SharedStore, StoreError, migrate_store, open,
};

use crate::accounts::{email, tenant_of};
use crate::content::with_content_and_offers;
use crate::field_drifts::drift;
use crate::fixture::*;
use crate::listing_images::with_image;
use crate::page_samples::sample;
use crate::reports::{finished, report_job};
use crate::source_runs::requests;
use crate::tenants::fill;

const MANY: u32 = 100;

/// A store on SQLite with two tenants, which have something in every table, and an empty one on PostgreSQL.
struct Move {
    source: Fixture,
    target: Fixture,
    them: TenantId,
}

impl Move {
    async fn prepare() -> Self {
        let source = Fixture::sqlite().await;
        let them = tenant_of(&source, "them").await.tenant_id;
        fill(&source, US, 1).await;
        fill(&source, them, 2).await;
        // Fires for both: events and deliveries.
        let claim = source.claim_from(Lane::Requested, 9).await.remove(0);
        let commit = with_content_and_offers(seen(&claim, 900, source.now().await));
        assert!(source.commit(commit).await);
        while source.dispatch_one().await {}
        source.store.installation_key("links").await.unwrap();
        source.store.report_outages(&[Marketplace::Jp]).await.unwrap();
        let with_a_past = source.watch(2).await;
        let past = ["2024-11-30T23:59:59.999Z", "2024-12-01T00:00:00Z", "2025-03-01T00:00:00Z"];
        let price = |at: &str| Point {
            key: Series::Price.into(),
            at: at.parse().unwrap(),
            value: Some(PointValue::Number(1999)),
        };
        let past: Vec<Point> = past.into_iter().map(price).collect();
        let mut state = ListingState::default();
        past.iter().for_each(|point| state.replay(point));
        state.title = Some("Ein „Ding“ für 1 000 ¥ 🎧\n".to_owned());
        assert!(source.store.import(with_a_past.listing_id, &past, &state).await.unwrap());
        let older = Past {
            listing: with_a_past.listing,
            points: vec![price("2024-10-31T00:00:00Z")],
            known_until: source.now().await,
        };
        assert_eq!(source.store.import_past(with_a_past.listing_id, &older, "keepa", None).await.unwrap().added, 1);
        assert!(source.store.acquire_job_lease("maintenance", "killed", LEASE).await.unwrap());
        let listing = Listing::new(Marketplace::De, asin(1));
        let run = source
            .store
            .open_runs("apify", &requests(&[listing]), DAY, &RunBudget::default())
            .await
            .unwrap()
            .runs
            .remove(0);
        source.store.run_ended(run.id, RunEnd::Ended { cost_micros: Some(1_500) }).await.unwrap();
        let (name, kind) = ("direct".to_owned(), "observed".to_owned());
        let count = CrawlCount { source: name, marketplace: Marketplace::De, kind, count: 7 };
        source.store.add_crawl_counts(&[count]).await.unwrap();
        source.store.record_field_drift(&drift("price", source.now().await)).await.unwrap();
        source.store.keep_page_sample(sample(Marketplace::De, 1), 5).await.unwrap();
        with_image(&source, with_a_past.listing_id).await;
        let product_id = with_a_past.id;
        source.store.create_job(report_job(US, ReportSubject::Product { product_id })).await.unwrap();
        for claimed in source.store.claim_jobs(9, LEASE, "test", None).await.unwrap() {
            if matches!(&claimed.spec, JobSpec::Report(report) if report.subject != ReportSubject::Tenant) {
                source.store.finish_report(&claimed.lease, finished(None)).await.unwrap();
            }
        }
        let target = Fixture::postgres_with(source.clock.clone()).await;
        Self { source, target, them }
    }

    async fn run(&self) -> Result<Vec<MigratedTable>, MigrateStoreError> {
        self.source.store.close().await;
        migrate_store(&self.source.settings, &self.target.settings, |_| {}).await
    }

    async fn end(self) {
        self.source.end().await;
        self.target.end().await;
    }
}

/// All that a store answers about a tenant.
pub async fn answers(store: &SharedStore, tenant_id: TenantId) -> Vec<String> {
    let filter = ProductFilter::default();
    let products = store.products(tenant_id, &filter, ProductOrder::OldestFirst, None, MANY).await.unwrap();
    let users = store.users(tenant_id, None, MANY).await.unwrap();
    let mut answers = vec![
        format!("{:?}", store.tenant(tenant_id).await.unwrap()),
        format!("{:?}", store.rules(tenant_id, &RuleFilter::default(), None, MANY).await.unwrap()),
        format!("{:?}", store.events(tenant_id, &EventFilter::default(), None, MANY).await.unwrap()),
        format!("{:?}", store.tasks(tenant_id, None, MANY).await.unwrap()),
        format!("{:?}", store.api_keys(tenant_id, None, MANY).await.unwrap()),
        format!("{:?}", store.audit_entries(tenant_id, &AuditFilter::default(), None, MANY).await.unwrap()),
        format!("{:?}", store.usage(tenant_id).await.unwrap()),
        format!("{:?}", store.daily_usage(tenant_id).await.unwrap()),
    ];
    for report in store.reports(tenant_id, ReportFilter::default(), None, MANY).await.unwrap().items {
        let document = store.report_document(tenant_id, report.id).await.unwrap();
        answers.push(format!("{report:?} {document:?}"));
    }
    for product in &products.items {
        let points = store.points(product.listing_id, Series::ALL, None, None, MANY).await.unwrap();
        assert!(!points.is_empty());
        let content = store.content_versions(product.listing_id, None, MANY).await.unwrap();
        let offers = store.offers(product.listing_id).await.unwrap();
        answers.push(format!("{product:?} {points:?} {content:?} {offers:?}"));
    }
    for user in &users.items {
        let (sessions, grants) = (store.sessions(user.id).await.unwrap(), store.grants(user.id).await.unwrap());
        answers.push(format!("{:?} {sessions:?} {grants:?}", store.credentials(&user.email).await.unwrap()));
    }
    answers
}

async fn rows(fixture: &Fixture) -> i64 {
    fixture.number("SELECT (SELECT count(*) FROM listing) + (SELECT count(*) FROM tenant_user)").await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_and_both_stores_answer_alike() {
    let this = Move::prepare().await;
    let tenants = [US, this.them];
    let mut before = Vec::new();
    for tenant_id in tenants {
        before.push(answers(&this.source.store, tenant_id).await);
    }
    let moved = this.run().await.unwrap();
    // A table of ids has no numbers and texts.
    let is_compared =
        |table: &MigratedTable| table.checksum.checksum != 0 || ["rule_channel", "competitor"].contains(&table.name);
    assert!(moved.iter().all(|table| table.checksum.rows > 0 && is_compared(table)), "{moved:?}");
    for (tenant_id, before) in tenants.into_iter().zip(&before) {
        assert_eq!(&answers(&this.target.store, tenant_id).await, before);
    }
    let still = this.source.replica().await;
    assert_eq!(answers(&still, US).await, before[0], "the source stays as it is");
    still.close().await;
    this.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_table_is_left_behind() {
    let this = Move::prepare().await;
    let mut moved: Vec<_> = this.run().await.unwrap().iter().map(|table| table.name).collect();
    moved.sort_unstable();
    let tables = "SELECT coalesce(string_agg(relname, ',' ORDER BY relname COLLATE \"C\"), '') FROM pg_class \
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition \
           AND relname NOT IN ('_sqlx_migrations', 'schema_support')";
    assert_eq!(this.target.text(tables).await, moved.join(","), "a table is missing in the list of tables to move");
    this.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_lands_in_its_months() {
    let this = Move::prepare().await;
    this.run().await.unwrap();
    for (table, points) in [("point_2024_11", 1), ("point_2024_12", 1), ("point_2025_03", 1), ("point_default", 0)] {
        assert_eq!(this.target.number(&format!("SELECT count(*) FROM {table}")).await, points, "{table}");
    }
    assert!(this.target.number("SELECT count(*) FROM point_2026_01").await > 0);
    this.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_where_it_was() {
    let this = Move::prepare().await;
    this.run().await.unwrap();
    let Move { target, them, .. } = &this;
    let new = target.store.add_product(new_product(US, 3)).await.unwrap();
    assert_eq!(new.listing_id, ListingId(3), "listings are numbered on");
    let hash = |n: u8| TokenHash([n; 32]);
    let rotated = target.store.rotate(hash(1), hash(11), DAY, SECOND).await.unwrap();
    assert!(matches!(rotated, Rotation::Rotated(..)), "{rotated:?}");
    let caller = AuditActor::Key(target.store.api_key_by_hash(hash(2)).await.unwrap().id);
    let again = IdempotencyKey { tenant_id: *them, caller, key: "k".to_owned(), fingerprint: hash(2) };
    assert!(target.store.stored_response(&again).await.unwrap().is_some(), "a repetition is answered alike");
    target.clock.advance(2 * DAY);
    assert_eq!(target.claim(9).await.len(), 3, "the old listings are due, and the new one");
    this.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_daemon_held_is_due_again() {
    let this = Move::prepare().await;
    // Its leases end long after the server's present.
    this.source.clock.advance(36_500 * DAY);
    assert!(this.source.store.acquire_job_lease("maintenance", "killed", LEASE).await.unwrap());
    let held = this.source.claim(9).await;
    let deliveries = this.source.store.claim_deliveries(&DeliveryClaim::any(9, LEASE, "killed")).await.unwrap();
    assert!(!held.is_empty() && !deliveries.is_empty());
    this.run().await.unwrap();
    let claimed = this.target.claim(9).await;
    assert_eq!(claimed.len(), held.len());
    assert!(
        claimed
            .iter()
            .all(|claim| held.iter().any(|old| old.listing_id == claim.listing_id && old.token < claim.token))
    );
    let again = this.target.store.claim_deliveries(&DeliveryClaim::any(9, LEASE, "new")).await.unwrap();
    assert_eq!(again.len(), deliveries.len());
    assert!(this.target.store.acquire_job_lease("maintenance", "new", LEASE).await.unwrap());
    this.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_move_is_refused() {
    let this = Move::prepare().await;
    this.run().await.unwrap();
    let before = rows(&this.target).await;
    let refused = this.run().await.unwrap_err();
    assert!(matches!(refused, MigrateStoreError::NotEmpty("tenant")), "{refused:?}");
    assert_eq!(rows(&this.target).await, before);
    this.end().await;
}

/// PostgreSQL keeps no NUL in a text.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_breaks_leaves_the_target_empty_and_can_be_begun_again() {
    let this = Move::prepare().await;
    this.source.execute("UPDATE idempotency_key SET caller = caller || char(0)").await;
    let refused = this.run().await.unwrap_err();
    assert!(matches!(refused, MigrateStoreError::Rows { table: "idempotency_key", .. }), "{refused:?}");
    assert_eq!(rows(&this.target).await, 0);
    assert_eq!(this.target.number("SELECT count(*) FROM tenant").await, 1);
    this.source.execute("UPDATE idempotency_key SET caller = substr(caller, 1, 40)").await;
    this.run().await.unwrap();
    assert!(rows(&this.target).await > 0);
    this.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_do_not_arrive_as_they_were_are_found_out() {
    for change in ["RETURN NULL", "NEW.number := NEW.number + 1; RETURN NEW"] {
        let this = Move::prepare().await;
        let function = format!("CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {change}; END'");
        this.target.execute(&function).await;
        let trigger = "CREATE TRIGGER change BEFORE INSERT ON point FOR EACH ROW EXECUTE FUNCTION change()";
        this.target.execute(trigger).await;
        let refused = this.run().await.unwrap_err();
        assert!(matches!(refused, MigrateStoreError::Differs { table: "point", .. }), "{refused:?}");
        assert_eq!(rows(&this.target).await, 0);
        this.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_somebody_has_open_is_refused() {
    let this = Move::prepare().await;
    let idle = migrate_store(&this.source.settings, &this.target.settings, |_| {}).await.unwrap_err();
    assert!(matches!(idle, MigrateStoreError::InUse), "{idle:?}");
    assert_eq!(rows(&this.target).await, 0);
    this.run().await.unwrap();
    this.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_of_another_version_is_refused_and_not_migrated() {
    let steps = "SELECT count(*) FROM _sqlx_migrations";
    let older = "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)";
    let newer = "UPDATE schema_support SET oldest_step = 9999; \
         INSERT INTO _sqlx_migrations SELECT 9999, 'later', installed_on, success, checksum, execution_time \
           FROM _sqlx_migrations WHERE version = 1";
    for (change, remedy) in [(older, "is missing"), (newer, "newer")] {
        let this = Move::prepare().await;
        this.source.execute(change).await;
        let before = this.source.number(steps).await;
        let refused = this.run().await.unwrap_err();
        assert!(
            matches!(&refused, MigrateStoreError::Source(StoreError::Schema(why)) if why.contains(remedy)),
            "{refused:?}"
        );
        assert_eq!(this.source.number(steps).await, before);
        this.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_with_something_that_the_target_has_no_place_for_is_refused() {
    for (change, named) in [
        ("CREATE TABLE note (id INTEGER)", "the table note"),
        ("ALTER TABLE product ADD COLUMN note TEXT", "the columns of the table product"),
    ] {
        let this = Move::prepare().await;
        this.source.execute(change).await;
        let refused = this.run().await.unwrap_err();
        assert!(matches!(&refused, MigrateStoreError::SchemaMismatch(what) if what == named), "{refused:?}");
        assert_eq!(rows(&this.target).await, 0);
        this.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_without_a_schema_gets_one() {
    let this = Move::prepare().await;
    this.source.store.close().await;
    let to = settings(empty_database("moved_without_schema").await);
    migrate_store(&this.source.settings, &to, |_| {}).await.unwrap();
    let store = open(&to, this.source.clock.clone()).await.unwrap();
    store.check_schema().await.unwrap();
    assert_eq!(store.credentials(&email("them")).await.unwrap().user.tenant_id, this.them);
    store.close().await;
    this.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_moves_in_one_direction_and_a_file_that_is_not_there_is_not_made() {
    let this = Move::prepare().await;
    let backwards = migrate_store(&this.target.settings, &this.source.settings, |_| {}).await.unwrap_err();
    assert!(matches!(backwards, MigrateStoreError::Engines), "{backwards:?}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.sqlite");
    let nowhere = settings(format!("sqlite://{}", file.display()));
    let refused = migrate_store(&nowhere, &this.target.settings, |_| {}).await.unwrap_err();
    assert!(matches!(refused, MigrateStoreError::Source(_)), "{refused:?}");
    assert!(!file.exists());
    this.end().await;
}
