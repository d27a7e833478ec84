//! Tenants, users and the links that are sent to them.

use std::net::IpAddr;
use std::time::Duration;

use amazon_tracker::domain::{EmailAddress, LinkPurpose, Role, TenantId, TokenHash, User, UserId, UserStatus};
use amazon_tracker::store::{LinkFacts, NewLink, NewSession, NewUser, StoreError, UserPatch};

use crate::world::*;

on_both_engines! {
    a_tenant_begins_with_its_first_user,
    an_address_belongs_to_one_user_in_all_tenants,
    of_two_who_register_one_address_at_once_one_wins_whole,
    users_are_seen_and_changed_by_their_own_tenant_alone,
    users_come_newest_first_in_pages,
    the_last_admin_stays_one,
    of_two_admins_who_depose_each_other_at_once_one_stays,
    failures_add_up_until_a_password_is_set,
    a_new_password_ends_every_other_sign_in,
    a_user_who_is_disabled_is_signed_out,
    a_link_works_once_for_its_purpose_and_in_its_time,
    who_leaves_is_signed_out_and_deleted_after_the_time_of_grace,
}

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

pub fn email(name: &str) -> EmailAddress {
    format!("{name}@example.com").parse().unwrap()
}

pub fn new_user(name: &str, role: Role) -> NewUser {
    NewUser {
        email: email(name),
        name: name.to_owned(),
        role,
        password_hash: "$argon2id$x".into(),
        is_verified: false,
        quota: u32::MAX,
    }
}

pub async fn tenant_of(world: &World, name: &str) -> User {
    world.store.add_tenant(name, "free", new_user(name, Role::TenantAdmin)).await.unwrap()
}

pub fn new_session(user: &User, token: u8) -> NewSession {
    NewSession {
        user_id: user.id,
        address: Some(ADDRESS),
        agent: Some("curl/8".to_owned()),
        token: TokenHash([token; 32]),
        lasts: DAY,
    }
}

fn with_role(role: Role) -> UserPatch {
    UserPatch { role: Some(role), ..UserPatch::default() }
}

async fn a_tenant_begins_with_its_first_user(world: &World) {
    assert!(!world.store.has_superadmin().await.unwrap());
    let user = tenant_of(world, "jo").await;
    assert!(!world.store.has_superadmin().await.unwrap(), "who runs a tenant does not run the installation");
    let tenant = world.store.tenant(user.tenant_id).await.unwrap();
    assert_eq!((tenant.name.as_str(), tenant.plan.as_str(), tenant.created_at), ("jo", "free", world.now().await));
    assert_eq!((user.role, user.status, user.verified_at), (Role::TenantAdmin, UserStatus::Active, None));
    assert_eq!(world.store.user(user.tenant_id, user.id).await.unwrap(), user);
    let credentials = world.store.credentials(&email("jo")).await.unwrap();
    assert_eq!((credentials.user, credentials.failed_logins), (user.clone(), 0));
    assert_eq!(credentials.password_hash.as_deref(), Some("$argon2id$x"));
    world.store.verify_email(user.id).await.unwrap();
    assert_eq!(world.store.user(user.tenant_id, user.id).await.unwrap().verified_at, Some(world.now().await));
    assert!(matches!(world.store.credentials(&email("nobody")).await, Err(StoreError::NotFound)));
    assert!(matches!(world.store.tenant(TenantId::new()).await, Err(StoreError::NotFound)));
}

async fn an_address_belongs_to_one_user_in_all_tenants(world: &World) {
    let jo = tenant_of(world, "jo").await;
    let before = world.number("SELECT count(*) FROM tenant").await;
    let again = world.store.add_tenant("other", "free", new_user("jo", Role::TenantAdmin)).await;
    assert!(matches!(again, Err(StoreError::EmailTaken)));
    assert_eq!(world.number("SELECT count(*) FROM tenant").await, before, "nothing is half-stored");
    let again = world.store.add_user(jo.tenant_id, new_user("jo", Role::User)).await;
    assert!(matches!(again, Err(StoreError::EmailTaken)));
}

async fn of_two_who_register_one_address_at_once_one_wins_whole(world: &World) {
    let register = |name| world.store.add_tenant(name, "free", new_user("jo", Role::TenantAdmin));
    let (one, two) = tokio::join!(register("one"), register("two"));
    assert!(one.is_ok() != two.is_ok());
    assert!(matches!(one.and(two), Err(StoreError::EmailTaken)));
}

async fn users_are_seen_and_changed_by_their_own_tenant_alone(world: &World) {
    let (jo, al) = (tenant_of(world, "jo").await, tenant_of(world, "al").await);
    assert!(matches!(world.store.user(jo.tenant_id, al.id).await, Err(StoreError::NotFound)));
    let foreign = world.store.update_user(jo.tenant_id, al.id, &with_role(Role::Viewer)).await;
    assert!(matches!(foreign, Err(StoreError::NotFound)));
    assert_eq!(world.store.users(jo.tenant_id, None, 10).await.unwrap().items, [jo]);
    assert_eq!(world.store.user(al.tenant_id, al.id).await.unwrap(), al);
}

async fn users_come_newest_first_in_pages(world: &World) {
    let mut added = vec![tenant_of(world, "jo").await.id];
    let tenant_id = world.store.credentials(&email("jo")).await.unwrap().user.tenant_id;
    for n in 0..5 {
        added.push(world.store.add_user(tenant_id, new_user(&format!("n{n}"), Role::User)).await.unwrap().id);
    }
    added.reverse();
    let (mut listed, mut cursor): (Vec<UserId>, _) = (Vec::new(), None);
    loop {
        let page = world.store.users(tenant_id, cursor.as_deref(), 4).await.unwrap();
        listed.extend(page.items.iter().map(|user| user.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, added);
}

async fn the_last_admin_stays_one(world: &World) {
    let jo = tenant_of(world, "jo").await;
    let disabled = UserPatch { status: Some(UserStatus::Disabled), ..UserPatch::default() };
    for patch in [with_role(Role::User), disabled] {
        let refused = world.store.update_user(jo.tenant_id, jo.id, &patch).await;
        assert!(matches!(refused, Err(StoreError::LastAdmin)));
    }
    assert_eq!(world.store.user(jo.tenant_id, jo.id).await.unwrap(), jo);
    world.store.add_user(jo.tenant_id, new_user("al", Role::TenantAdmin)).await.unwrap();
    let changed = world.store.update_user(jo.tenant_id, jo.id, &with_role(Role::Viewer)).await.unwrap();
    assert_eq!((changed.role, changed.name), (Role::Viewer, jo.name));
}

async fn of_two_admins_who_depose_each_other_at_once_one_stays(world: &World) {
    let jo = tenant_of(world, "jo").await;
    let al = world.store.add_user(jo.tenant_id, new_user("al", Role::TenantAdmin)).await.unwrap();
    let patch = with_role(Role::User);
    let depose = |user: &User| world.store.update_user(jo.tenant_id, user.id, &patch);
    let (one, two) = tokio::join!(depose(&al), depose(&jo));
    assert!(one.is_ok() != two.is_ok());
    assert!(matches!(one.and(two), Err(StoreError::LastAdmin)));
}

async fn failures_add_up_until_a_password_is_set(world: &World) {
    let jo = tenant_of(world, "jo").await;
    for _ in 0..3 {
        world.store.note_failed_login(jo.id, HOUR).await.unwrap();
    }
    let credentials = world.store.credentials(&jo.email).await.unwrap();
    assert_eq!((credentials.failed_logins, credentials.locked_until), (3, world.now().await + HOUR));
    world.store.set_password(jo.id, "$argon2id$y", None).await.unwrap();
    let credentials = world.store.credentials(&jo.email).await.unwrap();
    assert_eq!((credentials.failed_logins, credentials.password_hash.as_deref()), (0, Some("$argon2id$y")));
    assert!(credentials.locked_until < world.now().await);
    assert!(matches!(world.store.set_password(UserId::new(), "x", None).await, Err(StoreError::NotFound)));
}

async fn a_new_password_ends_every_other_sign_in(world: &World) {
    let jo = tenant_of(world, "jo").await;
    let kept = world.store.open_session(new_session(&jo, 1)).await.unwrap();
    let other = world.store.open_session(new_session(&jo, 2)).await.unwrap();
    world.store.set_password(jo.id, "$argon2id$y", Some(kept.id)).await.unwrap();
    assert!(world.store.is_session_open(kept.id).await.unwrap());
    assert!(!world.store.is_session_open(other.id).await.unwrap());
}

async fn a_user_who_is_disabled_is_signed_out(world: &World) {
    let jo = tenant_of(world, "jo").await;
    let al = world.store.add_user(jo.tenant_id, new_user("al", Role::User)).await.unwrap();
    let session = world.store.open_session(new_session(&al, 1)).await.unwrap();
    let disabled = UserPatch { status: Some(UserStatus::Disabled), ..UserPatch::default() };
    world.store.update_user(jo.tenant_id, al.id, &disabled).await.unwrap();
    assert!(!world.store.is_session_open(session.id).await.unwrap());
    assert!(matches!(world.store.open_session(new_session(&al, 2)).await, Err(StoreError::NotFound)));
}

async fn a_link_works_once_for_its_purpose_and_in_its_time(world: &World) {
    let jo = tenant_of(world, "jo").await;
    let facts = LinkFacts { email: Some(email("al")), role: Some(Role::Viewer), inviter: Some(jo.id) };
    let link = |number: u8, lasts: Duration| NewLink {
        hash: TokenHash([number; 32]),
        purpose: LinkPurpose::Invite,
        tenant_id: jo.tenant_id,
        user_id: None,
        facts: facts.clone(),
        lasts,
    };
    world.store.add_link(link(1, HOUR)).await.unwrap();
    world.store.add_link(link(2, SECOND)).await.unwrap();
    world.clock.advance(2 * SECOND);
    let take = |number: u8, purpose| world.store.use_link(TokenHash([number; 32]), purpose);
    assert!(matches!(take(1, LinkPurpose::ResetPassword).await, Err(StoreError::NotFound)), "another purpose");
    assert!(matches!(take(2, LinkPurpose::Invite).await, Err(StoreError::NotFound)), "over");
    let (one, two) = tokio::join!(take(1, LinkPurpose::Invite), take(1, LinkPurpose::Invite));
    assert!(one.is_ok() != two.is_ok(), "once");
    let used = one.or(two).unwrap();
    assert_eq!((used.tenant_id, used.user_id, used.facts), (jo.tenant_id, None, facts));
}

async fn who_leaves_is_signed_out_and_deleted_after_the_time_of_grace(world: &World) {
    let jo = tenant_of(world, "jo").await;
    let al = world.store.add_user(jo.tenant_id, new_user("al", Role::User)).await.unwrap();
    let session = world.store.open_session(new_session(&al, 1)).await.unwrap();
    let leaves_at = world.now().await + DAY;
    let leave = UserPatch { status: Some(UserStatus::Leaving), leaves_at: Some(leaves_at), ..UserPatch::default() };
    let leaving = world.store.update_user(jo.tenant_id, al.id, &leave).await.unwrap();
    assert_eq!((leaving.status, leaving.leaves_at), (UserStatus::Leaving, Some(leaves_at)));
    assert!(!world.store.is_session_open(session.id).await.unwrap());
    world.store.forget_ended().await.unwrap();
    assert!(world.store.user(jo.tenant_id, al.id).await.is_ok(), "not yet");
    world.clock.advance(DAY + SECOND);
    world.store.forget_ended().await.unwrap();
    assert!(matches!(world.store.user(jo.tenant_id, al.id).await, Err(StoreError::NotFound)));
    assert!(world.store.user(jo.tenant_id, jo.id).await.is_ok());
    assert!(matches!(world.store.update_user(jo.tenant_id, jo.id, &leave).await, Err(StoreError::LastAdmin)));
}
