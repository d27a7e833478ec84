//! What is deleted after its retention: exactly the old rows, in bounded steps.

use amazon_tracker::config::RetentionSettings;
use amazon_tracker::domain::{Listing, Marketplace, RunBudget};
use amazon_tracker::store::{CrawlCount, DeliveryClaim, MessageEnd};

use crate::accounts::tenant_of;
use crate::field_drifts::drift;
use crate::fixture::*;
use crate::listing_images::image_url;
use crate::page_samples::sample;
use crate::source_runs::requests;
use crate::tenants::fill;

on_both_engines! {
    a_tenant_keeps_its_newest_ten_thousand_responses,
    exactly_what_is_older_than_its_retention_is_deleted,
    zero_days_keep_everything_for_ever,
    a_backlog_is_deleted_in_bounded_steps,
    an_event_stays_while_a_delivery_of_it_is_pending,
    a_valid_api_key_does_not_age,
    a_tenant_whose_only_user_never_verified_the_address_is_removed,
    history_is_deleted_in_bounded_steps_except_the_last_point_of_each_series,
}

/// Every table that grows, and the day on which the row that [`grow`] adds to it is deleted.
const GROWING: &[(&str, u32)] = &[
    ("event", 10),
    ("delivery", 10),
    ("message", 10),
    ("audit", 11),
    ("session", 13),
    ("refresh_token", 13),
    ("grant_token", 13),
    ("authorization_code", 13),
    ("link", 13),
    ("job", 14),
    ("job_item", 14),
    ("report", 14),
    ("schedule_run", 14),
    ("source_run_listing", 14),
    ("spending", 14),
    ("budget_refusal", 14),
    ("advice_request", 14),
    ("source_run", 14),
    ("crawl_count", 14),
    ("field_drift", 14),
    ("page_sample", 14),
    ("listing_image", 14),
    ("idempotency_key", 15),
    ("api_key", 16),
    ("daily_usage", 17),
    ("channel_day", 17),
];

const DAYS: RetentionSettings = RetentionSettings {
    events_days: 10,
    delivered_days: 10,
    dead_deliveries_days: 10,
    audit_days: 11,
    sessions_days: 12,
    refresh_tokens_days: 12,
    links_days: 13,
    jobs_days: 14,
    source_runs_days: 14,
    crawl_counts_days: 14,
    page_samples_days: 14,
    listing_images_days: 14,
    idempotency_keys_days: 15,
    api_keys_days: 15,
    daily_usage_days: 16,
    ..KEEP_ALL
};

async fn rows(fixture: &Fixture, table: &str) -> i64 {
    fixture.number(&format!("SELECT count(*) FROM {table}")).await
}

/// Something in every table that grows.
async fn grow(fixture: &Fixture) {
    fill(fixture, US, 1).await;
    let listing = Listing::new(Marketplace::De, asin(1));
    assert_eq!(
        fixture.store.open_runs("apify", &requests(&[listing]), DAY, &RunBudget::default()).await.unwrap().runs.len(),
        1
    );
    let (source, kind) = ("direct".to_owned(), "observed".to_owned());
    let count = CrawlCount { source, marketplace: Marketplace::De, kind, count: 1 };
    fixture.store.add_crawl_counts(&[count]).await.unwrap();
    fixture.store.record_field_drift(&drift("price", fixture.now().await)).await.unwrap();
    fixture.store.keep_page_sample(sample(Marketplace::De, 1), 5).await.unwrap();
    let listing_id = fixture.store.listing_id(listing).await.unwrap();
    fixture.store.want_image(listing_id, &image_url(1)).await.unwrap();
    let claim = fixture.claim_from(amazon_tracker::store::Lane::Requested, 9).await.remove(0);
    assert!(fixture.commit(seen(&claim, 900, fixture.now().await)).await);
    let delivery = fixture.store.claim_deliveries(&DeliveryClaim::any(1, LEASE, "test")).await.unwrap().remove(0);
    let delivered = amazon_tracker::store::DeliveryEnd::Delivered;
    assert!(fixture.store.finish_delivery(delivery.id, delivery.token, &delivered).await.unwrap());
    assert!(fixture.dispatch_one().await);
    let message = fixture.store.claim_messages(&DeliveryClaim::any(1, LEASE, "test")).await.unwrap().remove(0);
    let delivered = MessageEnd::Delivered { moved_to: None };
    assert!(fixture.store.finish_message(message.message.id, message.token, &delivered).await.unwrap());
    // Accounts whose address is not verified are deleted for another reason.
    fixture.execute("UPDATE tenant_user SET verified_at = created_at").await;
    // Keys without an end do not age.
    fixture.execute("UPDATE api_key SET revoked_at = created_at + 86400000").await;
    // Links expire after an hour, and sign-ins after a day.
    fixture.clock.advance(2 * HOUR);
}

async fn exactly_what_is_older_than_its_retention_is_deleted(fixture: &Fixture) {
    grow(fixture).await;
    for (table, _) in GROWING {
        assert!(rows(fixture, table).await > 0, "{table} is empty");
    }
    assert_eq!(fixture.store.prune(&DAYS).await.unwrap(), 0, "nothing is old yet");
    for day in 1..=17 {
        fixture.clock.advance(DAY);
        fixture.store.prune(&DAYS).await.unwrap();
        for (table, days) in GROWING {
            assert_eq!(rows(fixture, table).await == 0, day >= *days, "{table} after {day} days");
        }
    }
    for table in ["tenant_user", "product", "alert_rule", "listing", "lease", "point"] {
        assert!(rows(fixture, table).await > 0, "{table} does not age");
    }
}

async fn zero_days_keep_everything_for_ever(fixture: &Fixture) {
    grow(fixture).await;
    fixture.clock.advance(5000 * DAY);
    fixture.store.prune(&KEEP_ALL).await.unwrap();
    for (table, _) in GROWING {
        assert!(rows(fixture, table).await > 0, "{table} was deleted");
    }
}

/// Old rows and a new one beside each other: a run takes ten thousand, the next ones the rest.
async fn a_backlog_is_deleted_in_bounded_steps(fixture: &Fixture) {
    let series = "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < 12000)";
    let id = if fixture.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" };
    let tenant = tenant_of(fixture, "jo").await.tenant_id.0;
    let tenant = if fixture.is_postgres() { format!("'{tenant}'") } else { format!("x'{}'", tenant.simple()) };
    let fill = format!(
        "{series} INSERT INTO audit (id, tenant_id, actor, action, facts, at) \
         SELECT {id}, {tenant}, 'system', 'test', '{{}}', n FROM series"
    );
    fixture.execute(&fill).await;
    let new = fixture.now().await.as_millisecond();
    fixture
        .execute(&format!(
            "INSERT INTO audit (id, tenant_id, actor, action, facts, at) VALUES ({id}, {tenant}, 'system', 'test', '{{}}', {new})"
        ))
        .await;
    assert_eq!(fixture.store.prune(&DAYS).await.unwrap(), 10_000);
    assert_eq!(fixture.number("SELECT min(at) FROM audit").await, 10_001, "the oldest go first");
    assert_eq!(fixture.store.prune(&DAYS).await.unwrap(), 2000);
    assert_eq!((rows(fixture, "audit").await, fixture.store.prune(&DAYS).await.unwrap()), (1, 0));
}

async fn an_event_stays_while_a_delivery_of_it_is_pending(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.add_rule(&product, 1000).await;
    fixture.see(900).await;
    fixture.clock.advance(100 * DAY);
    fixture.store.prune(&DAYS).await.unwrap();
    assert_eq!((rows(fixture, "event").await, rows(fixture, "delivery").await), (1, 1));
    let delivery = fixture.store.claim_deliveries(&DeliveryClaim::any(1, LEASE, "test")).await.unwrap().remove(0);
    let dead = amazon_tracker::store::DeliveryEnd::Dead { error: "gone".to_owned() };
    assert!(fixture.store.finish_delivery(delivery.id, delivery.token, &dead).await.unwrap());
    let forever = RetentionSettings { events_days: 0, ..DAYS };
    fixture.store.prune(&forever).await.unwrap();
    assert_eq!(rows(fixture, "delivery").await, 1, "it was given up a moment ago");
    fixture.store.prune(&DAYS).await.unwrap();
    assert_eq!((rows(fixture, "event").await, rows(fixture, "delivery").await), (0, 0), "the event takes it along");
}

async fn a_valid_api_key_does_not_age(fixture: &Fixture) {
    fill(fixture, US, 1).await;
    fixture.clock.advance(5000 * DAY);
    fixture.store.prune(&DAYS).await.unwrap();
    assert_eq!(rows(fixture, "api_key").await, 1);
}

async fn a_tenant_whose_only_user_never_verified_the_address_is_removed(fixture: &Fixture) {
    let them = tenant_of(fixture, "them").await.tenant_id;
    fixture.execute("UPDATE tenant_user SET verified_at = NULL").await;
    fixture.clock.advance(7 * DAY);
    fixture.store.prune(&KEEP_ALL).await.unwrap();
    assert!(fixture.store.tenants_due_for_deletion().await.unwrap().is_empty());
    fixture.clock.advance(2 * DAY);
    fixture.store.prune(&KEEP_ALL).await.unwrap();
    assert_eq!(fixture.store.tenants_due_for_deletion().await.unwrap(), [them]);
    assert!(fixture.store.remove_tenant(them).await.unwrap());
    assert!(fixture.store.tenant(US).await.is_ok(), "the built-in tenant stays without users");
}

async fn history_is_deleted_in_bounded_steps_except_the_last_point_of_each_series(fixture: &Fixture) {
    let series = "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < 25000)";
    fixture
        .execute(&format!(
            "{series} INSERT INTO point (listing_id, series, category, at, number) SELECT n % 10, 1, '', n, n FROM series"
        ))
        .await;
    let kept = RetentionSettings { history_days: 1, ..KEEP_ALL };
    let mut runs = 0;
    while fixture.store.prune(&kept).await.unwrap() > 0 {
        runs += 1;
    }
    assert!(runs <= 3, "{runs} runs");
    assert_eq!((rows(fixture, "point").await, fixture.number("SELECT min(at) FROM point").await), (10, 24_991));
}

async fn a_tenant_keeps_its_newest_ten_thousand_responses(fixture: &Fixture) {
    let them = tenant_of(fixture, "them").await.tenant_id;
    let add = async |tenant: amazon_tracker::domain::TenantId, count: u32| {
        let bytes = if fixture.is_postgres() { "'\\x00'::bytea" } else { "x'00'" };
        let id = match fixture.is_postgres() {
            true => format!("'{}'", tenant.0),
            false => format!("x'{}'", tenant.0.simple()),
        };
        fixture
            .execute(&format!(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) \
                 INSERT INTO idempotency_key (tenant_id, caller, key, fingerprint, status, location, body, created_at) \
                 SELECT {id}, 'user:x', 'key ' || n, {bytes}, 201, '/', '', 1000000000000000 + n FROM n"
            ))
            .await;
    };
    add(US, 10_007).await;
    add(them, 3).await;
    assert_eq!(fixture.store.prune(&KEEP_ALL).await.unwrap(), 7);
    assert_eq!(
        fixture
            .number(
                "SELECT min(created_at) - 1000000000000000 FROM idempotency_key WHERE key <> 'key 1' \
        AND key <> 'key 2' AND key <> 'key 3'"
            )
            .await,
        8
    );
    assert_eq!(rows(fixture, "idempotency_key").await, 10_003);
}
