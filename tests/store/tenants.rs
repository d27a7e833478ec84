//! Tenants as a whole: how they change, leave, and what goes with them.

use amazon_tracker::domain::{LinkPurpose, Role, TenantId, TokenHash};
use amazon_tracker::store::{
    Act, Actor, Lane, LinkFacts, NewApiKey, NewLink, OnceKey, StoreError, TenantPatch, UsageOfDay,
};

use crate::accounts::{email, new_session, new_user, tenant_of};
use crate::world::*;

on_both_engines! {
    a_tenant_that_is_removed_takes_everything_of_it_along_and_nothing_else,
    a_tenant_leaves_when_its_time_has_come_and_may_think_better_of_it,
    a_tenant_changes_only_if_it_is_what_was_read,
    tasks_come_newest_first_in_pages,
}

/// Every table that says whose its rows are. That none is missing is held by the tests of row-level security.
pub const TABLES: &[&str] = &[
    "alert_rule",
    "api_key",
    "audit",
    "delivery",
    "event",
    "kept_answer",
    "link",
    "product",
    "session",
    "task",
    "task_item",
    "tenant_user",
    "usage_of_day",
];

/// Something of a tenant in every table.
pub async fn fill(world: &World, tenant_id: TenantId, n: u8) {
    let name = format!("user{n}");
    let user = world.store.add_user(tenant_id, new_user(&name, Role::TenantAdmin)).await.unwrap();
    world.store.open_session(new_session(&user, n)).await.unwrap();
    let hash = TokenHash([n; 32]);
    let (purpose, lasts) = (LinkPurpose::Invite, HOUR);
    let facts = LinkFacts { email: Some(email("al")), ..LinkFacts::default() };
    let link = NewLink { hash, purpose, tenant_id, user_id: None, facts, lasts, mail: None };
    world.store.add_link(link, 9).await.unwrap();
    let key = NewApiKey {
        tenant_id,
        created_by: user.id,
        name,
        hint: "at_x".to_owned(),
        hash,
        scopes: Role::User.scopes(),
        networks: Vec::new(),
        requests_per_minute: None,
        expires_at: None,
    };
    let key = world.store.add_api_key(key).await.unwrap();
    let product = world.store.add_product(new_product(tenant_id, 1)).await.unwrap();
    world.store.add_rule(new_rule(&product, 1000)).await.unwrap();
    world.store.request_look(tenant_id, &[product.id]).await.unwrap();
    world.store.spend_crawls(tenant_id, 1, 9).await.unwrap();
    let actor = Actor::Key(key.id);
    let act = Act {
        tenant_id,
        actor,
        action: "test",
        resource: None,
        address: None,
        request_id: None,
        facts: serde_json::json!({}),
    };
    world.store.note(act).await.unwrap();
    world
        .store
        .begin_once(&OnceKey { tenant_id, caller: actor, key: "k".to_owned(), fingerprint: hash })
        .await
        .unwrap();
}

async fn rows(world: &World) -> Vec<(&'static str, i64)> {
    let mut rows = Vec::new();
    for table in TABLES.iter().chain(&["refresh_token", "tenant"]) {
        rows.push((*table, world.number(&format!("SELECT count(*) FROM {table}")).await));
    }
    rows
}

async fn a_tenant_that_is_removed_takes_everything_of_it_along_and_nothing_else(world: &World) {
    fill(world, US, 1).await;
    world.watch(2).await;
    let before = rows(world).await;
    let them = tenant_of(world, "them").await.tenant_id;
    fill(world, them, 2).await;
    // Fires for both: events and deliveries.
    let claim = world.claim_from(Lane::AskedFor, 9).await.remove(0);
    assert!(world.commit(seen(&claim, 900, world.now().await)).await);
    let theirs = world.store.add_product(new_product(them, 3)).await.unwrap();
    assert!(rows(world).await.iter().zip(&before).all(|(now, before)| now.1 > before.1), "something in every table");
    world.store.remove_tenant(them).await.unwrap();
    let ours: Vec<_> = before
        .into_iter()
        .map(|(table, rows)| (table, if matches!(table, "event" | "delivery") { 1 } else { rows }))
        .collect();
    assert_eq!(rows(world).await, ours);
    assert!(matches!(world.store.tenant(them).await, Err(StoreError::NotFound)));
    let parked =
        format!("SELECT count(*) FROM lease WHERE parked_at IS NOT NULL AND listing_id = {}", theirs.listing_id.0);
    assert_eq!(world.number(&parked).await, 1, "nobody watches it any more");
    assert_eq!(
        world.number("SELECT count(*) FROM lease WHERE parked_at IS NOT NULL").await,
        1,
        "the others are watched"
    );
    world.store.remove_tenant(them).await.unwrap();
}

async fn a_tenant_leaves_when_its_time_has_come_and_may_think_better_of_it(world: &World) {
    let them = tenant_of(world, "them").await.tenant_id;
    let leaves_at = world.now().await + DAY;
    let leave = |leaves_at| TenantPatch { leaves_at: Some(leaves_at), ..TenantPatch::default() };
    assert_eq!(world.store.update_tenant(them, &leave(Some(leaves_at))).await.unwrap().leaves_at, Some(leaves_at));
    assert!(world.store.tenants_to_remove().await.unwrap().is_empty());
    assert_eq!(world.store.update_tenant(them, &leave(None)).await.unwrap().leaves_at, None);
    world.clock.advance(2 * DAY);
    assert!(world.store.tenants_to_remove().await.unwrap().is_empty());
    world.store.update_tenant(them, &leave(Some(leaves_at))).await.unwrap();
    assert_eq!(world.store.tenants_to_remove().await.unwrap(), [them]);
}

async fn a_tenant_changes_only_if_it_is_what_was_read(world: &World) {
    let them = world.store.tenant(tenant_of(world, "them").await.tenant_id).await.unwrap();
    world.clock.advance(SECOND);
    let rename = |name: &str| TenantPatch {
        name: Some(name.into()),
        read_as_of: Some(them.updated_at),
        ..TenantPatch::default()
    };
    let renamed = world.store.update_tenant(them.id, &rename("new")).await.unwrap();
    assert_eq!((renamed.name.as_str(), &renamed.plan, renamed.updated_at), ("new", &them.plan, world.now().await));
    assert!(matches!(world.store.update_tenant(them.id, &rename("late")).await, Err(StoreError::Changed)));
    let nobody = world.store.update_tenant(TenantId::new(), &TenantPatch::default()).await;
    assert!(matches!(nobody, Err(StoreError::NotFound)));
    world.store.spend_crawls(them.id, 3, 9).await.unwrap();
    let day = "2026-01-15T00:00:00Z".parse().unwrap();
    assert_eq!(world.store.usage_of_days(them.id).await.unwrap(), [UsageOfDay { day, crawls: 3 }]);
}

async fn tasks_come_newest_first_in_pages(world: &World) {
    let product = world.watch(1).await;
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(world.store.request_look(US, &[product.id]).await.unwrap().id);
        world.clock.advance(SECOND);
    }
    asked.reverse();
    let first = world.store.tasks(US, None, 2).await.unwrap();
    let rest = world.store.tasks(US, first.next_cursor.as_deref(), 2).await.unwrap();
    let ids: Vec<_> = first.items.iter().chain(&rest.items).map(|task| task.id).collect();
    assert_eq!((ids, rest.next_cursor), (asked, None));
    assert!(world.store.tasks(THEM, None, 9).await.unwrap().items.is_empty());
    world.clock.advance(91 * DAY);
    world.store.forget_ended().await.unwrap();
    assert!(world.store.tasks(US, None, 9).await.unwrap().items.is_empty());
}
