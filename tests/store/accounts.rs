//! Tenants, users and the links that are sent to them.

use std::net::IpAddr;

use amazon_tracker::config::RetentionSettings;
use amazon_tracker::domain::{
    DashboardLanguage, Email, EmailAddress, LinkPurpose, OutboxMessage, Preferences, PreferencesPatch, Role, SavedView,
    TenantId, Theme, TokenHash, User, UserId, UserStatus,
};
use amazon_tracker::store::{
    DeliveryClaim, DeliveryEnd, FirstLink, LinkFacts, LinkUse, NewLink, NewSession, NewUser, StoreError, StoredLink,
    UserPatch,
};

use crate::fixture::*;

on_both_engines! {
    a_tenant_begins_with_its_first_user,
    a_tenant_begins_with_the_link_that_proves_its_address,
    an_address_belongs_to_one_user_in_all_tenants,
    of_two_who_register_one_address_at_once_one_wins_whole,
    users_are_seen_and_changed_by_their_own_tenant_alone,
    users_come_newest_first_in_pages,
    preferences_are_kept_with_their_user,
    the_last_admin_stays_one,
    of_two_admins_who_depose_each_other_at_once_one_stays,
    failures_add_up_until_a_password_is_set,
    a_new_password_ends_every_other_sign_in,
    a_user_who_is_disabled_is_signed_out,
    a_link_works_once_for_its_purpose_and_in_its_time,
    a_link_whose_use_fails_can_be_used_again,
    a_link_that_signs_in_works_once_and_verifies_nothing,
    of_two_who_set_up_at_once_one_does,
    a_new_password_by_a_link_proves_the_address_and_ends_every_sign_in,
    so_many_links_an_hour_are_made_for_one_user,
    a_mail_goes_out_with_its_link_and_is_forgotten,
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

pub async fn tenant_of(fixture: &Fixture, name: &str) -> User {
    fixture.store.add_tenant(name, "free", new_user(name, Role::TenantAdmin), None).await.unwrap()
}

pub fn new_session(user: &User, token: u8) -> NewSession {
    NewSession {
        user_id: user.id,
        address: Some(ADDRESS),
        agent: Some("curl/8".to_owned()),
        token: TokenHash([token; 32]),
        is_browser: false,
        lasts: DAY,
    }
}

fn with_role(role: Role) -> UserPatch {
    UserPatch { role: Some(role), ..UserPatch::default() }
}

async fn a_tenant_begins_with_its_first_user(fixture: &Fixture) {
    assert!(!fixture.store.has_superadmin().await.unwrap());
    let user = tenant_of(fixture, "jo").await;
    assert!(!fixture.store.has_superadmin().await.unwrap(), "who runs a tenant does not run the installation");
    let tenant = fixture.store.tenant(user.tenant_id).await.unwrap();
    assert_eq!((tenant.name.as_str(), tenant.plan.as_str(), tenant.created_at), ("jo", "free", fixture.now().await));
    assert_eq!((user.role, user.status, user.verified_at), (Role::TenantAdmin, UserStatus::Active, None));
    assert_eq!(fixture.store.user(user.tenant_id, user.id).await.unwrap(), user);
    let credentials = fixture.store.credentials(&email("jo")).await.unwrap();
    assert_eq!((credentials.user, credentials.failed_logins), (user.clone(), 0));
    assert_eq!(credentials.password_hash.as_deref(), Some("$argon2id$x"));
    fixture.store.add_link(link(1, LinkPurpose::VerifyEmail, &user), 1).await.unwrap();
    fixture.store.use_link(TokenHash([1; 32]), LinkPurpose::VerifyEmail, LinkUse::VerifyEmail).await.unwrap();
    assert_eq!(fixture.store.user(user.tenant_id, user.id).await.unwrap().verified_at, Some(fixture.now().await));
    assert!(matches!(fixture.store.credentials(&email("nobody")).await, Err(StoreError::NotFound(_))));
    assert!(matches!(fixture.store.tenant(TenantId::new()).await, Err(StoreError::NotFound(_))));
}

async fn a_tenant_begins_with_the_link_that_proves_its_address(fixture: &Fixture) {
    let link = |number: u8| Some(FirstLink { hash: TokenHash([number; 32]), lasts: HOUR, mail: None });
    let add = |number: u8| fixture.store.add_tenant("jo", "free", new_user("jo", Role::TenantAdmin), link(number));
    let jo = add(1).await.unwrap();
    let verify =
        |number: u8| fixture.store.use_link(TokenHash([number; 32]), LinkPurpose::VerifyEmail, LinkUse::VerifyEmail);
    assert_eq!(verify(1).await.unwrap().id, jo.id);
    assert!(matches!(add(2).await, Err(StoreError::EmailTaken)));
    assert!(matches!(verify(2).await, Err(StoreError::NotFound(_))), "who gets no tenant gets no link");
}

async fn an_address_belongs_to_one_user_in_all_tenants(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let before = fixture.number("SELECT count(*) FROM tenant").await;
    let again = fixture.store.add_tenant("other", "free", new_user("jo", Role::TenantAdmin), None).await;
    assert!(matches!(again, Err(StoreError::EmailTaken)));
    assert_eq!(fixture.number("SELECT count(*) FROM tenant").await, before, "nothing is half-stored");
    let again = fixture.store.add_user(jo.tenant_id, new_user("jo", Role::User)).await;
    assert!(matches!(again, Err(StoreError::EmailTaken)));
}

async fn of_two_who_register_one_address_at_once_one_wins_whole(fixture: &Fixture) {
    let register = |name| fixture.store.add_tenant(name, "free", new_user("jo", Role::TenantAdmin), None);
    let (one, two) = tokio::join!(register("one"), register("two"));
    assert!(one.is_ok() != two.is_ok());
    assert!(matches!(one.and(two), Err(StoreError::EmailTaken)));
}

async fn users_are_seen_and_changed_by_their_own_tenant_alone(fixture: &Fixture) {
    let (jo, al) = (tenant_of(fixture, "jo").await, tenant_of(fixture, "al").await);
    assert!(matches!(fixture.store.user(jo.tenant_id, al.id).await, Err(StoreError::NotFound(_))));
    let foreign = fixture.store.update_user(jo.tenant_id, al.id, &with_role(Role::Viewer)).await;
    assert!(matches!(foreign, Err(StoreError::NotFound(_))));
    assert_eq!(fixture.store.users(jo.tenant_id, None, 10).await.unwrap().items, [jo]);
    assert_eq!(fixture.store.user(al.tenant_id, al.id).await.unwrap(), al);
}

async fn preferences_are_kept_with_their_user(fixture: &Fixture) {
    let (jo, al) = (tenant_of(fixture, "jo").await, tenant_of(fixture, "al").await);
    let view = SavedView { name: "low".to_owned(), query: "at_low=true".to_owned() };
    let changes = PreferencesPatch {
        language: Some(Some(DashboardLanguage::Ja)),
        time_zone: Some(Some("Asia/Tokyo".to_owned())),
        theme: Some(Theme::Dark),
        views: Some(vec![view]),
    };
    let patch = UserPatch { preferences: Some(changes.clone()), ..UserPatch::default() };
    let changed = fixture.store.update_user(jo.tenant_id, jo.id, &patch).await.unwrap();
    assert_eq!(changed.preferences, changes.applied_to(Preferences::default()));
    assert_eq!((changed.name.as_str(), changed.version), (jo.name.as_str(), jo.version + 1));
    let renamed = UserPatch { name: Some("Jo".to_owned()), ..UserPatch::default() };
    let renamed = fixture.store.update_user(jo.tenant_id, jo.id, &renamed).await.unwrap();
    assert_eq!(renamed.preferences, changed.preferences);
    assert_eq!(fixture.store.user(al.tenant_id, al.id).await.unwrap(), al);
}

async fn users_come_newest_first_in_pages(fixture: &Fixture) {
    let mut added = vec![tenant_of(fixture, "jo").await.id];
    let tenant_id = fixture.store.credentials(&email("jo")).await.unwrap().user.tenant_id;
    for n in 0..5 {
        added.push(fixture.store.add_user(tenant_id, new_user(&format!("n{n}"), Role::User)).await.unwrap().id);
    }
    added.reverse();
    let (mut listed, mut cursor): (Vec<UserId>, _) = (Vec::new(), None);
    loop {
        let page = fixture.store.users(tenant_id, cursor.as_deref(), 4).await.unwrap();
        listed.extend(page.items.iter().map(|user| user.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, added);
}

async fn the_last_admin_stays_one(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let disabled = UserPatch { status: Some(UserStatus::Disabled), ..UserPatch::default() };
    for patch in [with_role(Role::User), disabled] {
        let refused = fixture.store.update_user(jo.tenant_id, jo.id, &patch).await;
        assert!(matches!(refused, Err(StoreError::LastAdmin)));
    }
    assert_eq!(fixture.store.user(jo.tenant_id, jo.id).await.unwrap(), jo);
    fixture.store.add_user(jo.tenant_id, new_user("al", Role::TenantAdmin)).await.unwrap();
    let changed = fixture.store.update_user(jo.tenant_id, jo.id, &with_role(Role::Viewer)).await.unwrap();
    assert_eq!((changed.role, changed.name), (Role::Viewer, jo.name));
}

async fn of_two_admins_who_depose_each_other_at_once_one_stays(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let al = fixture.store.add_user(jo.tenant_id, new_user("al", Role::TenantAdmin)).await.unwrap();
    let patch = with_role(Role::User);
    let depose = |user: &User| fixture.store.update_user(jo.tenant_id, user.id, &patch);
    let (one, two) = tokio::join!(depose(&al), depose(&jo));
    assert!(one.is_ok() != two.is_ok());
    assert!(matches!(one.and(two), Err(StoreError::LastAdmin)));
}

async fn failures_add_up_until_a_password_is_set(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    for _ in 0..3 {
        fixture.store.record_failed_login(jo.id, HOUR).await.unwrap();
    }
    let credentials = fixture.store.credentials(&jo.email).await.unwrap();
    assert_eq!((credentials.failed_logins, credentials.is_locked), (3, true));
    fixture.store.set_password(jo.id, "$argon2id$y", None).await.unwrap();
    let credentials = fixture.store.credentials(&jo.email).await.unwrap();
    assert_eq!((credentials.failed_logins, credentials.password_hash.as_deref()), (0, Some("$argon2id$y")));
    assert!(!credentials.is_locked);
    assert!(matches!(fixture.store.set_password(UserId::new(), "x", None).await, Err(StoreError::NotFound(_))));
}

async fn a_new_password_ends_every_other_sign_in(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let kept = fixture.store.open_session(new_session(&jo, 1)).await.unwrap();
    let other = fixture.store.open_session(new_session(&jo, 2)).await.unwrap();
    fixture.store.set_password(jo.id, "$argon2id$y", Some(kept.id)).await.unwrap();
    assert!(fixture.store.is_session_open(kept.id).await.unwrap());
    assert!(!fixture.store.is_session_open(other.id).await.unwrap());
}

async fn a_user_who_is_disabled_is_signed_out(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let al = fixture.store.add_user(jo.tenant_id, new_user("al", Role::User)).await.unwrap();
    let session = fixture.store.open_session(new_session(&al, 1)).await.unwrap();
    let disabled = UserPatch { status: Some(UserStatus::Disabled), ..UserPatch::default() };
    fixture.store.update_user(jo.tenant_id, al.id, &disabled).await.unwrap();
    assert!(!fixture.store.is_session_open(session.id).await.unwrap());
    assert!(matches!(fixture.store.open_session(new_session(&al, 2)).await, Err(StoreError::NotFound(_))));
}

/// A link for a user.
fn link(number: u8, purpose: LinkPurpose, user: &User) -> NewLink {
    let (hash, tenant_id, user_id) = (TokenHash([number; 32]), user.tenant_id, Some(user.id));
    NewLink { hash, purpose, tenant_id, user_id, facts: LinkFacts::default(), lasts: HOUR, mail: None }
}

/// An invitation by a user.
fn invitation(number: u8, inviter: &User) -> NewLink {
    let facts = LinkFacts { email: Some(email("al")), role: Some(Role::Viewer), inviter: Some(inviter.id) };
    NewLink { user_id: None, facts, ..link(number, LinkPurpose::Invite, inviter) }
}

async fn join(fixture: &Fixture, number: u8, purpose: LinkPurpose, user: NewUser) -> Result<User, StoreError> {
    fixture.store.use_link(TokenHash([number; 32]), purpose, LinkUse::Join(user)).await
}

async fn a_link_works_once_for_its_purpose_and_in_its_time(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    fixture.store.add_link(invitation(1, &jo), 9).await.unwrap();
    fixture.store.add_link(NewLink { lasts: SECOND, ..invitation(2, &jo) }, 9).await.unwrap();
    fixture.clock.advance(2 * SECOND);
    let al = new_user("al", Role::Viewer);
    let kept = fixture.store.link(TokenHash([1; 32]), LinkPurpose::Invite).await.unwrap();
    let facts = invitation(1, &jo).facts;
    assert_eq!(kept, StoredLink { tenant_id: jo.tenant_id, user_id: None, facts });
    for (number, purpose, why) in [(1, LinkPurpose::ResetPassword, "another purpose"), (2, LinkPurpose::Invite, "over")]
    {
        let hash = TokenHash([number; 32]);
        assert!(matches!(fixture.store.link(hash, purpose).await, Err(StoreError::NotFound(_))), "{why}");
        assert!(matches!(join(fixture, number, purpose, al.clone()).await, Err(StoreError::NotFound(_))), "{why}");
    }
    let (one, two) = tokio::join!(
        join(fixture, 1, LinkPurpose::Invite, al.clone()),
        join(fixture, 1, LinkPurpose::Invite, new_user("bo", Role::Viewer))
    );
    assert!(one.is_ok() != two.is_ok(), "once");
    assert_eq!(one.or(two).unwrap().tenant_id, jo.tenant_id);
    assert!(matches!(fixture.store.link(TokenHash([1; 32]), LinkPurpose::Invite).await, Err(StoreError::NotFound(_))));
}

async fn a_link_whose_use_fails_can_be_used_again(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    fixture.store.add_link(invitation(1, &jo), 9).await.unwrap();
    let no_room = NewUser { quota: 1, ..new_user("al", Role::Viewer) };
    assert!(matches!(join(fixture, 1, LinkPurpose::Invite, no_room).await, Err(StoreError::OverQuota { .. })));
    assert!(join(fixture, 1, LinkPurpose::Invite, new_user("al", Role::Viewer)).await.is_ok());
}

async fn a_link_that_signs_in_works_once_and_verifies_nothing(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    fixture.store.add_link(link(1, LinkPurpose::SignIn, &jo), 9).await.unwrap();
    let sign_in = || fixture.store.use_link(TokenHash([1; 32]), LinkPurpose::SignIn, LinkUse::SignIn);
    assert_eq!(sign_in().await.unwrap(), jo);
    assert!(matches!(sign_in().await, Err(StoreError::NotFound(_))));
    // A new password makes old links useless.
    fixture.store.add_link(link(2, LinkPurpose::SignIn, &jo), 9).await.unwrap();
    fixture.store.set_password(jo.id, "$argon2id$y", None).await.unwrap();
    let later = fixture.store.use_link(TokenHash([2; 32]), LinkPurpose::SignIn, LinkUse::SignIn).await;
    assert!(matches!(later, Err(StoreError::NotFound(_))));
}

async fn of_two_who_set_up_at_once_one_does(fixture: &Fixture) {
    let set_up = |number: u8| NewLink {
        hash: TokenHash([number; 32]),
        purpose: LinkPurpose::SetUp,
        tenant_id: TenantId::BUILT_IN,
        user_id: None,
        facts: LinkFacts::default(),
        lasts: HOUR,
        mail: None,
    };
    fixture.store.add_link(set_up(1), 9).await.unwrap();
    fixture.store.add_link(set_up(2), 9).await.unwrap();
    let (one, two) = tokio::join!(
        join(fixture, 1, LinkPurpose::SetUp, new_user("jo", Role::Superadmin)),
        join(fixture, 2, LinkPurpose::SetUp, new_user("al", Role::Superadmin))
    );
    assert!(one.is_ok() != two.is_ok());
    assert_eq!(fixture.number("SELECT count(*) FROM tenant_user WHERE role = 'superadmin'").await, 1);
}

async fn a_new_password_by_a_link_proves_the_address_and_ends_every_sign_in(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let session = fixture.store.open_session(new_session(&jo, 1)).await.unwrap();
    fixture.store.add_link(link(1, LinkPurpose::ResetPassword, &jo), 9).await.unwrap();
    let set = LinkUse::SetPassword("$argon2id$new".to_owned());
    let user = fixture.store.use_link(TokenHash([1; 32]), LinkPurpose::ResetPassword, set).await.unwrap();
    assert_eq!((user.id, user.verified_at), (jo.id, Some(fixture.now().await)));
    let credentials = fixture.store.credentials(&jo.email).await.unwrap();
    assert_eq!(credentials.password_hash.as_deref(), Some("$argon2id$new"));
    assert!(!fixture.store.is_session_open(session.id).await.unwrap());
}

async fn so_many_links_an_hour_are_made_for_one_user(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let reset = |number: u8| link(number, LinkPurpose::ResetPassword, &jo);
    fixture.store.add_link(reset(1), 2).await.unwrap();
    fixture.store.add_link(reset(2), 2).await.unwrap();
    assert!(matches!(fixture.store.add_link(reset(3), 2).await, Err(StoreError::OverQuota { .. })));
    assert!(matches!(
        fixture.store.link(TokenHash([3; 32]), LinkPurpose::ResetPassword).await,
        Err(StoreError::NotFound(_))
    ));
    fixture.store.add_link(link(4, LinkPurpose::VerifyEmail, &jo), 2).await.unwrap();
    fixture.clock.advance(HOUR + SECOND);
    fixture.store.add_link(reset(5), 2).await.unwrap();
}

async fn a_mail_goes_out_with_its_link_and_is_forgotten(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let (to, useless_after) = (jo.email.clone(), fixture.now().await + HOUR);
    let mail = Email {
        to,
        subject: "Hello".to_owned(),
        text: "https://…".to_owned(),
        html: None,
        attachment: None,
        useless_after,
    };
    let with_mail = NewLink { mail: Some(mail.clone()), ..link(1, LinkPurpose::VerifyEmail, &jo) };
    fixture.store.add_link(with_mail, 1).await.unwrap();
    let claimed = fixture.store.claim_deliveries(&DeliveryClaim::any(9, LEASE, "test")).await.unwrap().remove(0);
    assert_eq!(claimed.message, OutboxMessage::Email(mail));
    assert!(!fixture.store.finish_delivery(claimed.id, claimed.token - 1, &DeliveryEnd::Forgotten).await.unwrap());
    assert!(fixture.store.finish_delivery(claimed.id, claimed.token, &DeliveryEnd::Forgotten).await.unwrap());
    assert_eq!(fixture.number("SELECT count(*) FROM delivery").await, 0);
    let refused = NewLink { mail: None, ..link(2, LinkPurpose::VerifyEmail, &jo) };
    assert!(fixture.store.add_link(refused, 1).await.is_err());
    assert_eq!(fixture.number("SELECT count(*) FROM delivery").await, 0, "what is refused sends nothing");
}

async fn who_leaves_is_signed_out_and_deleted_after_the_time_of_grace(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let al = fixture.store.add_user(jo.tenant_id, new_user("al", Role::User)).await.unwrap();
    let session = fixture.store.open_session(new_session(&al, 1)).await.unwrap();
    let deletion_scheduled_at = fixture.now().await + DAY;
    let leave = UserPatch {
        status: Some(UserStatus::PendingDeletion),
        deletion_scheduled_at: Some(deletion_scheduled_at),
        ..UserPatch::default()
    };
    let leaving = fixture.store.update_user(jo.tenant_id, al.id, &leave).await.unwrap();
    assert_eq!(
        (leaving.status, leaving.deletion_scheduled_at),
        (UserStatus::PendingDeletion, Some(deletion_scheduled_at))
    );
    assert!(!fixture.store.is_session_open(session.id).await.unwrap());
    fixture.store.prune(&RetentionSettings::default()).await.unwrap();
    assert!(fixture.store.user(jo.tenant_id, al.id).await.is_ok(), "not yet");
    fixture.clock.advance(DAY + SECOND);
    fixture.store.prune(&RetentionSettings::default()).await.unwrap();
    assert!(matches!(fixture.store.user(jo.tenant_id, al.id).await, Err(StoreError::NotFound(_))));
    assert!(fixture.store.user(jo.tenant_id, jo.id).await.is_ok());
    assert!(matches!(fixture.store.update_user(jo.tenant_id, jo.id, &leave).await, Err(StoreError::LastAdmin)));
}
