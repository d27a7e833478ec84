//! Sign-ins, keys, and the log of acts.

use std::time::Duration;

use amazon_tracker::domain::{Scope, Scopes, SessionId, TenantId, TokenHash, User};
use amazon_tracker::store::{AuditActor, AuditEvent, AuditFilter, NewApiKey, Rotation, StoreError};
use serde_json::json;

use crate::accounts::{new_session, tenant_of};
use crate::fixture::*;

on_both_engines! {
    a_sign_in_is_open_until_it_ends_or_goes_unused,
    a_refresh_token_buys_the_next_one_and_prolongs_the_sign_in,
    of_two_uses_at_once_one_wins_and_nobody_is_signed_out,
    refresh_token_reuse_ends_the_session,
    nobody_ends_the_sign_in_of_another,
    signing_in_forgives_and_brings_back_who_was_leaving,
    a_known_address_is_one_that_signed_in_since,
    a_key_is_found_by_its_hash_and_revoked_by_its_tenant,
    keys_come_newest_first_in_pages,
    acts_are_read_by_their_own_tenant_the_latest_first,
}

const GRACE: Duration = Duration::from_secs(10);

async fn rotate(fixture: &Fixture, spent: u8, new: u8) -> Rotation {
    fixture.store.rotate(TokenHash([spent; 32]), TokenHash([new; 32]), DAY, GRACE).await.unwrap()
}

async fn is_open(fixture: &Fixture, id: SessionId) -> bool {
    fixture.store.is_session_open(id).await.unwrap()
}

async fn a_sign_in_is_open_until_it_ends_or_goes_unused(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let first = fixture.store.open_session(new_session(&jo, 1)).await.unwrap();
    assert_eq!((first.user_id, first.agent.as_deref()), (jo.id, Some("curl/8")));
    assert_eq!((first.created_at, first.expires_at), (fixture.now().await, fixture.now().await + DAY));
    let second = fixture.store.open_session(new_session(&jo, 2)).await.unwrap();
    assert_eq!(fixture.store.sessions(jo.id).await.unwrap(), [second.clone(), first.clone()]);
    fixture.store.end_session(jo.id, first.id).await.unwrap();
    assert!(matches!(fixture.store.end_session(jo.id, first.id).await, Err(StoreError::NotFound(_))));
    assert!(!is_open(fixture, first.id).await && is_open(fixture, second.id).await);
    fixture.clock.advance(DAY);
    assert!(!is_open(fixture, second.id).await && fixture.store.sessions(jo.id).await.unwrap().is_empty());
    assert!(!is_open(fixture, SessionId::new()).await);
}

async fn a_refresh_token_buys_the_next_one_and_prolongs_the_sign_in(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let session = fixture.store.open_session(new_session(&jo, 1)).await.unwrap();
    fixture.clock.advance(HOUR);
    assert_eq!(rotate(fixture, 1, 2).await, Rotation::Rotated(Box::new(jo.clone()), session.id, fixture.now().await));
    fixture.clock.advance(DAY - HOUR);
    assert!(is_open(fixture, session.id).await, "prolonged");
    assert_eq!(rotate(fixture, 2, 3).await, Rotation::Rotated(Box::new(jo), session.id, fixture.now().await));
    fixture.clock.advance(DAY);
    assert_eq!(rotate(fixture, 3, 4).await, Rotation::Unknown, "gone unused");
    assert_eq!(rotate(fixture, 77, 78).await, Rotation::Unknown, "never given out");
}

async fn of_two_uses_at_once_one_wins_and_nobody_is_signed_out(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let session = fixture.store.open_session(new_session(&jo, 1)).await.unwrap();
    let (one, two) = tokio::join!(rotate(fixture, 1, 2), rotate(fixture, 1, 3));
    let won = Rotation::Rotated(Box::new(jo), session.id, fixture.now().await);
    assert!(
        (one == won && two == Rotation::RecentlyRotated) || (two == won && one == Rotation::RecentlyRotated),
        "{one:?} {two:?}"
    );
    assert!(is_open(fixture, session.id).await);
}

async fn refresh_token_reuse_ends_the_session(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let session = fixture.store.open_session(new_session(&jo, 1)).await.unwrap();
    rotate(fixture, 1, 2).await;
    fixture.clock.advance(GRACE + SECOND);
    assert_eq!(rotate(fixture, 1, 3).await, Rotation::Reused(jo.id, session.id));
    assert!(!is_open(fixture, session.id).await);
    assert_eq!(rotate(fixture, 2, 4).await, Rotation::Unknown);
    assert_eq!(rotate(fixture, 1, 5).await, Rotation::Unknown, "told once");
}

async fn nobody_ends_the_sign_in_of_another(fixture: &Fixture) {
    let (jo, al) = (tenant_of(fixture, "jo").await, tenant_of(fixture, "al").await);
    let (jos, als) = (new_session(&jo, 1), new_session(&al, 2));
    let (jos, als) = (fixture.store.open_session(jos).await.unwrap(), fixture.store.open_session(als).await.unwrap());
    assert!(matches!(fixture.store.end_session(jo.id, als.id).await, Err(StoreError::NotFound(_))));
    assert_eq!(fixture.store.end_sessions(jo.id).await.unwrap(), [jos.id]);
    assert!(!is_open(fixture, jos.id).await && is_open(fixture, als.id).await);
}

async fn signing_in_forgives_and_brings_back_who_was_leaving(fixture: &Fixture) {
    use amazon_tracker::domain::UserStatus;
    use amazon_tracker::store::UserPatch;
    let jo = tenant_of(fixture, "jo").await;
    let al = fixture.store.add_user(jo.tenant_id, crate::accounts::new_user("al", jo.role)).await.unwrap();
    fixture.store.record_failed_login(al.id, HOUR).await.unwrap();
    let leaving = UserPatch { status: Some(UserStatus::PendingDeletion), ..UserPatch::default() };
    fixture.store.update_user(jo.tenant_id, al.id, &leaving).await.unwrap();
    fixture.store.open_session(new_session(&al, 1)).await.unwrap();
    let credentials = fixture.store.credentials(&al.email).await.unwrap();
    assert_eq!((credentials.failed_logins, credentials.user.status), (0, UserStatus::Active));
}

async fn a_known_address_is_one_that_signed_in_since(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let new = new_session(&jo, 1);
    let address = new.address.unwrap();
    assert!(!fixture.store.knows_address(jo.id, address, HOUR).await.unwrap());
    fixture.store.open_session(new).await.unwrap();
    assert!(fixture.store.knows_address(jo.id, address, HOUR).await.unwrap());
    assert!(!fixture.store.knows_address(jo.id, "198.51.100.1".parse().unwrap(), HOUR).await.unwrap());
    fixture.clock.advance(HOUR + SECOND);
    assert!(!fixture.store.knows_address(jo.id, address, HOUR).await.unwrap());
}

pub fn new_key(jo: &User, number: u8) -> NewApiKey {
    NewApiKey {
        tenant_id: jo.tenant_id,
        created_by: jo.id,
        name: format!("key {number}"),
        hint: "at_abcdef".to_owned(),
        hash: TokenHash([number; 32]),
        scopes: Scopes::from_iter([Scope::ProductRead, Scope::CrawlCreate]),
        networks: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        requests_per_minute: Some(60),
        quota: u32::MAX,
        expires_at: None,
    }
}

async fn a_key_is_found_by_its_hash_and_revoked_by_its_tenant(fixture: &Fixture) {
    let (jo, al) = (tenant_of(fixture, "jo").await, tenant_of(fixture, "al").await);
    let new = new_key(&jo, 1);
    let key = fixture.store.add_api_key(new.clone()).await.unwrap();
    assert_eq!((key.tenant_id, key.created_by, &key.name), (jo.tenant_id, jo.id, &new.name));
    assert_eq!((key.scopes, &key.networks, key.requests_per_minute), (new.scopes, &new.networks, Some(60)));
    assert_eq!(fixture.store.api_key_by_hash(new.hash).await.unwrap(), key);
    assert!(matches!(fixture.store.api_key_by_hash(TokenHash([2; 32])).await, Err(StoreError::NotFound(_))));
    let later = fixture.now().await + HOUR;
    fixture.store.record_api_key_use(key.id, later).await.unwrap();
    fixture.store.record_api_key_use(key.id, fixture.now().await).await.unwrap();
    assert_eq!(fixture.store.api_key_by_hash(new.hash).await.unwrap().used_at, Some(later), "never back");
    assert!(matches!(fixture.store.revoke_api_key(al.tenant_id, key.id).await, Err(StoreError::NotFound(_))));
    assert_eq!(fixture.store.revoke_api_key(jo.tenant_id, key.id).await.unwrap(), new.hash);
    let revoked = fixture.store.api_key_by_hash(new.hash).await.unwrap();
    assert!(!revoked.is_in_force(fixture.now().await));
}

async fn keys_come_newest_first_in_pages(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let mut added = Vec::new();
    for number in 1..=5 {
        added.push(fixture.store.add_api_key(new_key(&jo, number)).await.unwrap().id);
    }
    added.reverse();
    let first = fixture.store.api_keys(jo.tenant_id, None, 3).await.unwrap();
    let rest = fixture.store.api_keys(jo.tenant_id, first.next_cursor.as_deref(), 3).await.unwrap();
    let listed: Vec<_> = first.items.iter().chain(&rest.items).map(|key| key.id).collect();
    assert_eq!((listed, rest.next_cursor), (added, None));
    assert!(fixture.store.api_keys(TenantId::new(), None, 3).await.unwrap().items.is_empty());
}

async fn acts_are_read_by_their_own_tenant_the_latest_first(fixture: &Fixture) {
    let (jo, al) = (tenant_of(fixture, "jo").await, tenant_of(fixture, "al").await);
    for (user, action) in [(&jo, "product.add"), (&al, "product.add"), (&jo, "product.delete")] {
        let act = AuditEvent {
            tenant_id: user.tenant_id,
            actor: AuditActor::User(user.id),
            action,
            resource: Some("product:1".to_owned()),
            address: Some("192.0.2.7".parse().unwrap()),
            request_id: Some("r1".to_owned()),
            facts: json!({ "asin": "B08PZHYWJS" }),
        };
        fixture.store.record(act).await.unwrap();
        fixture.clock.advance(SECOND);
    }
    let acts = fixture.store.audit_entries(jo.tenant_id, &AuditFilter::default(), None, 10).await.unwrap().items;
    assert_eq!(acts.iter().map(|act| act.action.as_str()).collect::<Vec<_>>(), ["product.delete", "product.add"]);
    assert_eq!(acts[1].actor, format!("user:{}", jo.id));
    assert_eq!((acts[1].address.as_deref(), &acts[1].facts), (Some("192.0.2.7"), &json!({ "asin": "B08PZHYWJS" })));
    let (first, second) = (acts[1].at, acts[0].at);
    let none = AuditFilter::default();
    let action = |action: &str| AuditFilter { action: Some(action.to_owned()), ..AuditFilter::default() };
    let actor = |actor: &str| AuditFilter { actor: Some(actor.to_owned()), ..AuditFilter::default() };
    for (filter, found) in [
        (action("product"), &["product.delete", "product.add"][..]),
        (action("product.add"), &["product.add"]),
        (action("prod"), &[]),
        (action("product_add"), &[]),
        (action("%"), &[]),
        (actor(&format!("user:{}", jo.id)), &["product.delete", "product.add"]),
        (actor("system"), &[]),
        (AuditFilter { since: Some(second), ..none.clone() }, &["product.delete"]),
        (AuditFilter { since: Some(first), until: Some(second), ..none }, &["product.add"]),
    ] {
        let acts = fixture.store.audit_entries(jo.tenant_id, &filter, None, 10).await.unwrap().items;
        assert_eq!(acts.iter().map(|act| act.action.as_str()).collect::<Vec<_>>(), found, "{filter:?}");
    }
}
