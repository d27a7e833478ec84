//! Codes, grants of clients and their refresh tokens.

use std::time::Duration;

use amazon_tracker::domain::{AuthorizationRequest, PkceChallenge, Scope, Scopes, TokenHash, User, UserStatus};
use amazon_tracker::store::{
    CodeRedemption, EndedGrant, GrantRefresh, GrantedAccess, Granting, NewAuthorizationCode, Rotation, StoreError,
    UserPatch,
};

use crate::accounts::{new_session, new_user, tenant_of};
use crate::fixture::*;

on_both_engines! {
    a_code_buys_a_grant_once_and_its_second_use_ends_the_grant,
    a_code_is_worth_nothing_to_another_client_address_verifier_or_resource_or_after_its_time,
    of_two_who_redeem_a_code_at_once_one_does,
    a_refresh_token_buys_the_next_one_for_its_client_and_its_reuse_ends_the_grant,
    a_client_gets_no_more_than_was_granted,
    a_grant_is_no_sign_in_and_a_sign_in_is_no_grant,
    a_refresh_token_of_a_grant_is_none_of_a_sign_in,
    a_grant_ends_when_its_user_is_disabled,
    a_user_who_is_disabled_meanwhile_grants_nothing,
    a_client_gives_its_own_grant_back,
    codes_of_a_user_do_not_pile_up,
}

const CLIENT: &str = "https://app.example/client.json";
const REDIRECT: &str = "https://app.example/callback";
const RESOURCE: &str = "https://tracker.example/mcp";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const MINUTE: Duration = Duration::from_secs(60);
const GRACE: Duration = Duration::from_secs(10);

fn scopes() -> Scopes {
    [Scope::ProductRead, Scope::AlertWrite].into_iter().collect()
}

fn challenge(verifier: &str) -> PkceChallenge {
    PkceChallenge::of_verifier(verifier).unwrap()
}

/// A code with this byte for its hash.
pub fn new_code(user: &User, code: u8) -> NewAuthorizationCode {
    let request = AuthorizationRequest {
        client_id: CLIENT.to_owned(),
        client_name: "App".to_owned(),
        redirect_uri: REDIRECT.to_owned(),
        challenge: challenge(VERIFIER).as_str().to_owned(),
        scopes: scopes(),
        resource: RESOURCE.to_owned(),
        state: None,
    };
    let address = Some("192.0.2.9".parse().unwrap());
    let (tenant_id, user_id, hash) = (user.tenant_id, user.id, TokenHash([code; 32]));
    NewAuthorizationCode { hash, tenant_id, user_id, request, address, lasts: MINUTE }
}

/// What its client shows for it, and the first refresh token.
pub fn redemption(code: u8, token: u8) -> CodeRedemption {
    CodeRedemption {
        code: TokenHash([code; 32]),
        client_id: CLIENT.to_owned(),
        redirect_uri: REDIRECT.to_owned(),
        challenge: challenge(VERIFIER),
        resource: RESOURCE.to_owned(),
        token: TokenHash([token; 32]),
        lasts: DAY,
    }
}

fn refresh(spent: u8, new: u8) -> GrantRefresh {
    GrantRefresh {
        spent: TokenHash([spent; 32]),
        new: TokenHash([new; 32]),
        client_id: CLIENT.to_owned(),
        resource: RESOURCE.to_owned(),
        scopes: None,
        lasts: DAY,
        grace: GRACE,
    }
}

async fn redeem(fixture: &Fixture, code: u8, token: u8) -> Granting {
    fixture.store.redeem_code(redemption(code, token)).await.unwrap()
}

async fn exchange(fixture: &Fixture, refresh: GrantRefresh) -> Granting {
    fixture.store.refresh_grant(refresh).await.unwrap()
}

fn access(granting: Granting) -> GrantedAccess {
    match granting {
        Granting::Granted(access) => *access,
        other => panic!("{other:?}"),
    }
}

/// A grant of a new user, with the refresh token 1.
async fn granted(fixture: &Fixture) -> (User, GrantedAccess) {
    let jo = tenant_of(fixture, "jo").await;
    fixture.store.add_authorization_code(new_code(&jo, 1)).await.unwrap();
    (jo, access(redeem(fixture, 1, 1).await))
}

fn ended(access: &GrantedAccess) -> EndedGrant {
    let GrantedAccess { user, grant_id, .. } = access;
    EndedGrant { tenant_id: user.tenant_id, user_id: user.id, grant_id: *grant_id }
}

async fn is_in_force(fixture: &Fixture, access: &GrantedAccess) -> bool {
    let ids = fixture.store.open_session_ids(access.user.id).await.unwrap();
    let listed = fixture.store.grants(access.user.id).await.unwrap();
    assert_eq!(ids.contains(&access.grant_id), listed.iter().any(|grant| grant.id == access.grant_id));
    ids.contains(&access.grant_id)
}

async fn a_code_buys_a_grant_once_and_its_second_use_ends_the_grant(fixture: &Fixture) {
    let (jo, access) = granted(fixture).await;
    assert_eq!((&access.user, access.scopes, access.at), (&jo, scopes(), fixture.now().await));
    let grant = fixture.store.grants(jo.id).await.unwrap().remove(0);
    assert_eq!((grant.client_id.as_str(), grant.client_name.as_str(), grant.scopes), (CLIENT, "App", scopes()));
    assert_eq!(grant.expires_at, fixture.now().await + DAY);
    let approved_from = "192.0.2.9".parse().unwrap();
    assert!(fixture.store.knows_address(jo.id, approved_from, HOUR).await.unwrap(), "that of the user");
    assert_eq!(redeem(fixture, 1, 2).await, Granting::Reused(ended(&access)));
    assert!(!is_in_force(fixture, &access).await);
    assert_eq!(redeem(fixture, 1, 3).await, Granting::Unknown, "told once");
    assert_eq!(exchange(fixture, refresh(1, 4)).await, Granting::Unknown, "its tokens are worth nothing");
}

async fn a_code_is_worth_nothing_to_another_client_address_verifier_or_resource_or_after_its_time(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let other = |change: fn(&mut CodeRedemption)| {
        let mut redemption = redemption(1, 1);
        change(&mut redemption);
        redemption
    };
    for (code, wrong) in [
        other(|it| it.client_id = "https://other.example/client.json".to_owned()),
        other(|it| it.redirect_uri = format!("{REDIRECT}/")),
        other(|it| it.challenge = challenge(&"x".repeat(43))),
        other(|it| it.resource = "https://other.example/mcp".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        let code = u8::try_from(code).unwrap() + 10;
        fixture.store.add_authorization_code(new_code(&jo, code)).await.unwrap();
        let wrong = CodeRedemption { code: TokenHash([code; 32]), ..wrong };
        assert_eq!(fixture.store.redeem_code(wrong).await.unwrap(), Granting::Unknown);
        assert_eq!(redeem(fixture, code, code).await, Granting::Unknown, "it is spent by that");
    }
    fixture.store.add_authorization_code(new_code(&jo, 1)).await.unwrap();
    fixture.clock.advance(MINUTE);
    assert_eq!(redeem(fixture, 1, 1).await, Granting::Unknown, "a minute is over");
    assert_eq!(redeem(fixture, 99, 1).await, Granting::Unknown, "never given out");
    assert!(fixture.store.grants(jo.id).await.unwrap().is_empty());
}

async fn of_two_who_redeem_a_code_at_once_one_does(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    fixture.store.add_authorization_code(new_code(&jo, 1)).await.unwrap();
    let (one, two) = tokio::join!(redeem(fixture, 1, 1), redeem(fixture, 1, 2));
    let (won, lost) = if matches!(one, Granting::Granted(_)) { (one, two) } else { (two, one) };
    let access = access(won);
    assert_eq!(lost, Granting::Reused(ended(&access)), "one of them may be a thief");
    assert!(!is_in_force(fixture, &access).await);
}

async fn a_refresh_token_buys_the_next_one_for_its_client_and_its_reuse_ends_the_grant(fixture: &Fixture) {
    let (_, first) = granted(fixture).await;
    fixture.clock.advance(HOUR);
    let foreign = GrantRefresh { client_id: "https://other.example/client.json".to_owned(), ..refresh(1, 2) };
    assert_eq!(exchange(fixture, foreign).await, Granting::Unknown);
    let elsewhere = GrantRefresh { resource: "https://other.example/mcp".to_owned(), ..refresh(1, 2) };
    assert_eq!(exchange(fixture, elsewhere).await, Granting::Unknown);
    let second = access(exchange(fixture, refresh(1, 2)).await);
    assert_eq!((second.grant_id, second.scopes, second.at), (first.grant_id, scopes(), fixture.now().await));
    assert_eq!(exchange(fixture, refresh(1, 3)).await, Granting::RecentlyRotated);
    assert!(is_in_force(fixture, &first).await, "the client may ask twice at once");
    fixture.clock.advance(GRACE + SECOND);
    assert_eq!(exchange(fixture, refresh(1, 3)).await, Granting::Reused(ended(&first)));
    assert!(!is_in_force(fixture, &first).await);
    assert_eq!(exchange(fixture, refresh(2, 4)).await, Granting::Unknown);
}

async fn a_client_gets_no_more_than_was_granted(fixture: &Fixture) {
    granted(fixture).await;
    let read = Scopes::from_iter([Scope::ProductRead]);
    let asking = |spent, new, scopes| GrantRefresh { scopes: Some(scopes), ..refresh(spent, new) };
    assert_eq!(exchange(fixture, asking(1, 2, Scopes::ALL)).await, Granting::TooMuch);
    assert_eq!(access(exchange(fixture, asking(1, 2, read)).await).scopes, read, "nothing was spent");
    assert_eq!(access(exchange(fixture, refresh(2, 3)).await).scopes, scopes(), "less for once is not less for ever");
}

async fn a_grant_is_no_sign_in_and_a_sign_in_is_no_grant(fixture: &Fixture) {
    let (jo, access) = granted(fixture).await;
    let session = fixture.store.open_session(new_session(&jo, 9)).await.unwrap();
    assert_eq!(fixture.store.sessions(jo.id).await.unwrap(), std::slice::from_ref(&session));
    assert_eq!(fixture.store.grants(jo.id).await.unwrap().len(), 1);
    let as_session = fixture.store.end_session(jo.id, access.grant_id).await;
    assert!(matches!(as_session, Err(StoreError::NotFound("session"))));
    let as_grant = fixture.store.end_grant(jo.id, session.id).await;
    assert!(matches!(as_grant, Err(StoreError::NotFound("grant"))));
    let al = tenant_of(fixture, "al").await;
    assert!(matches!(fixture.store.end_grant(al.id, access.grant_id).await, Err(StoreError::NotFound("grant"))));
    assert!(is_in_force(fixture, &access).await);
    fixture.store.end_grant(jo.id, access.grant_id).await.unwrap();
    assert!(!is_in_force(fixture, &access).await);
    assert!(fixture.store.is_session_open(session.id).await.unwrap());
}

/// A version that knows no grants asks for it among those of sign-ins.
async fn a_refresh_token_of_a_grant_is_none_of_a_sign_in(fixture: &Fixture) {
    let (jo, access) = granted(fixture).await;
    let rotated = fixture.store.rotate(TokenHash([1; 32]), TokenHash([2; 32]), DAY, GRACE).await.unwrap();
    assert_eq!(rotated, Rotation::Unknown);
    fixture.store.open_session(new_session(&jo, 5)).await.unwrap();
    assert_eq!(exchange(fixture, refresh(5, 6)).await, Granting::Unknown);
    assert!(is_in_force(fixture, &access).await);
}

async fn a_grant_ends_when_its_user_is_disabled(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let al = fixture.store.add_user(jo.tenant_id, new_user("al", jo.role)).await.unwrap();
    fixture.store.add_authorization_code(new_code(&al, 1)).await.unwrap();
    let access = access(redeem(fixture, 1, 1).await);
    let disabled = UserPatch { status: Some(UserStatus::Disabled), ..UserPatch::default() };
    fixture.store.update_user(jo.tenant_id, al.id, &disabled).await.unwrap();
    assert!(!is_in_force(fixture, &access).await);
    assert_eq!(exchange(fixture, refresh(1, 2)).await, Granting::Unknown);
}

async fn a_user_who_is_disabled_meanwhile_grants_nothing(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let al = fixture.store.add_user(jo.tenant_id, new_user("al", jo.role)).await.unwrap();
    fixture.store.add_authorization_code(new_code(&al, 1)).await.unwrap();
    let disabled = UserPatch { status: Some(UserStatus::Disabled), ..UserPatch::default() };
    fixture.store.update_user(jo.tenant_id, al.id, &disabled).await.unwrap();
    assert_eq!(redeem(fixture, 1, 1).await, Granting::Unknown);
    let refused = fixture.store.add_authorization_code(new_code(&al, 2)).await;
    assert!(matches!(refused, Err(StoreError::NotFound("user"))));
}

async fn a_client_gives_its_own_grant_back(fixture: &Fixture) {
    let (_, access) = granted(fixture).await;
    access_is_given_back_by(fixture, "https://other.example/client.json", None).await;
    assert!(is_in_force(fixture, &access).await);
    access_is_given_back_by(fixture, CLIENT, Some(ended(&access))).await;
    assert!(!is_in_force(fixture, &access).await);
    access_is_given_back_by(fixture, CLIENT, None).await;
}

async fn access_is_given_back_by(fixture: &Fixture, client_id: &str, expected: Option<EndedGrant>) {
    let ended = fixture.store.end_grant_of_token(TokenHash([1; 32]), client_id.to_owned()).await.unwrap();
    assert_eq!(ended, expected);
}

async fn codes_of_a_user_do_not_pile_up(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    for code in 0..=110 {
        fixture.store.add_authorization_code(new_code(&jo, code)).await.unwrap();
        fixture.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(fixture.number("SELECT count(*) FROM authorization_code").await, 100);
    assert_eq!(redeem(fixture, 1, 1).await, Granting::Unknown, "the oldest went");
    access(redeem(fixture, 110, 1).await);
}
