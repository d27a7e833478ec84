//! Tenants as a whole: how they change, leave, and what goes with them.

use amazon_tracker::config::RetentionSettings;
use amazon_tracker::domain::{
    LinkPurpose, ReportSubject, Role, RunBudget, SharedParts, SourcePrice, SpendingLimits, TenantId, TokenHash,
};
use amazon_tracker::store::{
    AuditActor, AuditEvent, Creation, DailyUsage, Granting, IdempotencyClaim, IdempotencyKey, Lane, LinkFacts,
    NewApiKey, NewLink, NewRule, NewShare, RuleChannels, StoreError, StoredResponse, TenantPatch, idempotently,
};

use crate::accounts::{email, new_session, new_user, tenant_of};
use crate::advice::advise;
use crate::competitors::new_set;
use crate::fixture::*;
use crate::grants::{new_code, redemption};
use crate::reports::report_job;
use crate::source_runs::requests;

on_both_engines! {
    a_tenant_that_is_removed_takes_everything_of_it_along_and_nothing_else,
    a_tenant_is_due_for_deletion_at_its_time_unless_it_was_cancelled,
    a_tenant_changes_only_if_it_is_what_was_read,
    tasks_come_newest_first_in_pages,
}

/// Every table that says whose its rows are. That none is missing is held by the tests of row-level security.
pub const TABLES: &[&str] = &[
    "advice",
    "advice_request",
    "alert_rule",
    "api_key",
    "audit",
    "authorization_code",
    "budget_refusal",
    "channel",
    "channel_day",
    "competitor",
    "competitor_set",
    "daily_usage",
    "delivery",
    "event",
    "idempotency_key",
    "job",
    "job_item",
    "link",
    "message",
    "product",
    "report",
    "rule_channel",
    "rule_state",
    "schedule",
    "schedule_run",
    "session",
    "share",
    "spending",
    "tenant_user",
];

/// Something of a tenant in every table.
pub async fn fill(fixture: &Fixture, tenant_id: TenantId, n: u8) {
    let name = format!("user{n}");
    let user = fixture.store.add_user(tenant_id, new_user(&name, Role::TenantAdmin)).await.unwrap();
    fixture.store.open_session(new_session(&user, n)).await.unwrap();
    let hash = TokenHash([n; 32]);
    fixture.store.add_authorization_code(new_code(&user, n)).await.unwrap();
    assert!(matches!(fixture.store.redeem_code(redemption(n, n)).await.unwrap(), Granting::Granted(_)));
    let (purpose, lasts) = (LinkPurpose::Invite, HOUR);
    let facts = LinkFacts { email: Some(email("al")), ..LinkFacts::default() };
    let link = NewLink { hash, purpose, tenant_id, user_id: None, facts, lasts, mail: None };
    fixture.store.add_link(link, 9).await.unwrap();
    let key = NewApiKey {
        tenant_id,
        created_by: user.id,
        name,
        hint: "at_x".to_owned(),
        hash,
        scopes: Role::User.scopes(),
        networks: Vec::new(),
        requests_per_minute: None,
        quota: u32::MAX,
        expires_at: None,
    };
    let key = fixture.store.add_api_key(key).await.unwrap();
    let actor = AuditActor::Key(key.id);
    let claim = IdempotencyClaim {
        key: IdempotencyKey { tenant_id, caller: actor, key: "k".to_owned(), fingerprint: hash },
        render: Box::new(|_| StoredResponse { status: 201, location: "/".to_owned(), body: "{}".to_owned() }),
    };
    let created = idempotently(Some(claim), fixture.store.add_product(new_product(tenant_id, 1))).await.unwrap();
    let Creation::Created(product) = created else { panic!("{created:?}") };
    let channel = fixture.store.add_channel(new_channel(tenant_id)).await.unwrap();
    let channels = RuleChannels { told: vec![channel.id], fallback: None };
    fixture.store.add_rule(NewRule { channels, ..new_rule(&product, 1000) }).await.unwrap();
    fixture.store.request_crawl(tenant_id, &[product.id], u32::MAX).await.unwrap();
    fixture.store.add_competitor_set(new_set(&product, &[&product])).await.unwrap();
    let (product_id, quota) = (product.id, 1);
    let share = NewShare { tenant_id, product_id, hash, shows: SharedParts::default(), quota };
    fixture.store.add_share(share).await.unwrap();
    advise(fixture, &product).await;
    let run = requests(&[product.listing]);
    fixture.store.open_runs(&format!("source {n}"), &run, HOUR, &RunBudget::default()).await.unwrap();
    let broke = SpendingLimits { day_micros: Some(0), month_micros: None };
    let price = SourcePrice { item_micros: 1, run_micros: 0 };
    let broke = RunBudget { price, other_plans: broke, ..RunBudget::default() };
    fixture.store.open_runs("no money", &run, HOUR, &broke).await.unwrap();
    let schedule = fixture.store.add_schedule(new_schedule(tenant_id)).await.unwrap();
    fixture.store.run_schedule_now(tenant_id, schedule.id, u32::MAX).await.unwrap();
    fixture.store.create_job(report_job(tenant_id, ReportSubject::Tenant)).await.unwrap();
    let act = AuditEvent {
        tenant_id,
        actor,
        action: "test",
        resource: None,
        address: None,
        request_id: None,
        facts: serde_json::json!({}),
    };
    fixture.store.record(act).await.unwrap();
}

async fn rows(fixture: &Fixture) -> Vec<(&'static str, i64)> {
    let mut rows = Vec::new();
    for table in TABLES.iter().chain(&["refresh_token", "grant_token", "tenant"]) {
        rows.push((*table, fixture.number(&format!("SELECT count(*) FROM {table}")).await));
    }
    rows
}

async fn a_tenant_that_is_removed_takes_everything_of_it_along_and_nothing_else(fixture: &Fixture) {
    fill(fixture, US, 1).await;
    fixture.watch(2).await;
    let before = rows(fixture).await;
    let them = tenant_of(fixture, "them").await.tenant_id;
    fill(fixture, them, 2).await;
    // Fires for both: events and deliveries.
    let claim = fixture.claim_from(Lane::Requested, 9).await.remove(0);
    assert!(fixture.commit(seen(&claim, 900, fixture.now().await)).await);
    while fixture.dispatch_one().await {}
    let theirs = fixture.store.add_product(new_product(them, 3)).await.unwrap();
    assert!(rows(fixture).await.iter().zip(&before).all(|(now, before)| now.1 > before.1), "something in every table");
    assert!(!fixture.store.remove_tenant(them).await.unwrap(), "its deletion is not due");
    let now = fixture.now().await;
    let due = TenantPatch { deletion_scheduled_at: Some(Some(now)), ..TenantPatch::default() };
    fixture.store.update_tenant(them, &due).await.unwrap();
    let cancel = TenantPatch { deletion_scheduled_at: Some(None), ..TenantPatch::default() };
    let cancelled = fixture.store.update_tenant(them, &cancel).await;
    assert!(matches!(cancelled, Err(StoreError::NotFound(_))), "it may be half removed already");
    let (one, two) = tokio::join!(fixture.store.remove_tenant(them), fixture.store.remove_tenant(them));
    assert!(one.unwrap() || two.unwrap(), "two replicas at once");
    let ours = before.into_iter().map(|(table, rows)| match table {
        "event" | "rule_state" | "message" | "channel_day" => (table, 1),
        // To its webhook and to its channel.
        "delivery" => (table, 2),
        // Our share of their run: it was spent.
        "spending" => (table, rows + 1),
        _ => (table, rows),
    });
    let ours: Vec<_> = ours.collect();
    assert_eq!(rows(fixture).await, ours);
    assert!(matches!(fixture.store.tenant(them).await, Err(StoreError::NotFound(_))));
    let parked =
        format!("SELECT count(*) FROM lease WHERE parked_at IS NOT NULL AND listing_id = {}", theirs.listing_id.0);
    assert_eq!(fixture.number(&parked).await, 1, "nobody watches it any more");
    assert_eq!(
        fixture.number("SELECT count(*) FROM lease WHERE parked_at IS NOT NULL").await,
        1,
        "the others are watched"
    );
    assert!(!fixture.store.remove_tenant(them).await.unwrap());
}

async fn a_tenant_is_due_for_deletion_at_its_time_unless_it_was_cancelled(fixture: &Fixture) {
    let them = tenant_of(fixture, "them").await.tenant_id;
    let deletion_scheduled_at = fixture.now().await + DAY;
    let leave = |deletion_scheduled_at| TenantPatch {
        deletion_scheduled_at: Some(deletion_scheduled_at),
        ..TenantPatch::default()
    };
    assert_eq!(
        fixture.store.update_tenant(them, &leave(Some(deletion_scheduled_at))).await.unwrap().deletion_scheduled_at,
        Some(deletion_scheduled_at)
    );
    assert!(fixture.store.tenants_due_for_deletion().await.unwrap().is_empty());
    assert_eq!(fixture.store.update_tenant(them, &leave(None)).await.unwrap().deletion_scheduled_at, None);
    fixture.clock.advance(2 * DAY);
    assert!(fixture.store.tenants_due_for_deletion().await.unwrap().is_empty());
    fixture.store.update_tenant(them, &leave(Some(deletion_scheduled_at))).await.unwrap();
    assert_eq!(fixture.store.tenants_due_for_deletion().await.unwrap(), [them]);
}

async fn a_tenant_changes_only_if_it_is_what_was_read(fixture: &Fixture) {
    let them = fixture.store.tenant(tenant_of(fixture, "them").await.tenant_id).await.unwrap();
    fixture.clock.advance(SECOND);
    let rename = |name: &str| TenantPatch {
        name: Some(name.into()),
        expected_version: Some(them.version),
        ..TenantPatch::default()
    };
    let renamed = fixture.store.update_tenant(them.id, &rename("new")).await.unwrap();
    assert_eq!((renamed.name.as_str(), &renamed.plan, renamed.updated_at), ("new", &them.plan, fixture.now().await));
    assert!(matches!(fixture.store.update_tenant(them.id, &rename("late")).await, Err(StoreError::Changed)));
    let nobody = fixture.store.update_tenant(TenantId::new(), &TenantPatch::default()).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(_))));
    let mut products = Vec::new();
    for n in 1..=3 {
        products.push(fixture.store.add_product(new_product(them.id, n)).await.unwrap().id);
    }
    fixture.store.request_crawl(them.id, &products, 3).await.unwrap();
    let day = "2026-01-15T00:00:00Z".parse().unwrap();
    assert_eq!(fixture.store.daily_usage(them.id).await.unwrap(), [DailyUsage { day, crawls: 3 }]);
}

async fn tasks_come_newest_first_in_pages(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap().id);
        fixture.clock.advance(SECOND);
    }
    asked.reverse();
    let first = fixture.store.tasks(US, None, 2).await.unwrap();
    let rest = fixture.store.tasks(US, first.next_cursor.as_deref(), 2).await.unwrap();
    let ids: Vec<_> = first.items.iter().chain(&rest.items).map(|task| task.id).collect();
    assert_eq!((ids, rest.next_cursor), (asked, None));
    assert!(fixture.store.tasks(THEM, None, 9).await.unwrap().items.is_empty());
    fixture.clock.advance(91 * DAY);
    fixture.store.prune(&RetentionSettings::default()).await.unwrap();
    assert!(fixture.store.tasks(US, None, 9).await.unwrap().items.is_empty());
}
