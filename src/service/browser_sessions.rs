//! Sign-ins of browsers: a cookie instead of tokens that scripts could read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::access::Origin;
use super::auth::{MAX_AGENT_CHARS, pad_response_time};
use super::links::useless_link;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::auth::{OpaqueToken, TokenKind, hash_of};
use crate::domain::{EmailAddress, LinkPurpose, TokenHash, User, UserStatus};
use crate::store::{BrowserLifetime, BrowserSession, LinkUse, NewSession, StoreError};

const DAY: Duration = Duration::from_secs(24 * 3600);
const LIFETIME: BrowserLifetime = BrowserLifetime {
    idle: DAY.saturating_mul(30),
    longest: DAY.saturating_mul(90),
    recorded_every: Duration::from_secs(3600),
};
/// Whose a token is does not change, so it is remembered; whether the sign-in is open is asked of the UserActor with every request.
const REMEMBERED_FOR: Duration = Duration::from_secs(600);
const MAX_REMEMBERED: usize = 10_000;

/// Whose the tokens of browsers are, as they were looked up.
#[derive(Default)]
pub struct KnownBrowsers(Mutex<HashMap<TokenHash, (BrowserSession, Instant)>>);

impl KnownBrowsers {
    fn find(&self, token: TokenHash) -> Option<BrowserSession> {
        let (session, since) = *self.all().get(&token)?;
        (since.elapsed() < REMEMBERED_FOR).then_some(session)
    }

    fn remember(&self, token: TokenHash, session: BrowserSession) {
        let mut all = self.all();
        if all.len() >= MAX_REMEMBERED {
            all.retain(|_, (_, since)| since.elapsed() < REMEMBERED_FOR);
        }
        // More than can be: the rest is looked up each time.
        if all.len() < MAX_REMEMBERED {
            all.insert(token, (session, Instant::now()));
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<TokenHash, (BrowserSession, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A browser that has signed in.
pub struct SignedInBrowser {
    /// The token for its cookie.
    pub token: String,
    /// Seconds until the cookie ends.
    pub lasts_secs: u64,
    /// The user.
    pub user: User,
}

impl Service {
    /// Signs a browser in.
    ///
    /// # Errors
    /// [`ServiceError::WrongCredentials`]
    pub async fn sign_in_browser(
        &self,
        email: EmailAddress,
        password: String,
        origin: Origin,
    ) -> ServiceResult<SignedInBrowser> {
        self.run(async move |deps: Arc<Dependencies>| {
            let began_at = Instant::now();
            let signed_in = deps.sign_in_browser(email, password, &origin).await;
            if signed_in.is_err() {
                pad_response_time(began_at).await;
            }
            signed_in
        })
        .await
    }

    /// Signs a browser in whose user has just used a link that sets a password. `None`: it could not be done now, and the user can
    /// sign in with that password.
    pub async fn sign_in_after_link(&self, user: User, origin: Origin) -> Option<SignedInBrowser> {
        let user_id = user.id;
        let signed_in =
            self.run(async move |deps: Arc<Dependencies>| deps.open_browser_session(user, &origin).await).await;
        signed_in.inspect_err(|error| tracing::warn!(%user_id, %error, "no sign-in after the use of a link")).ok()
    }

    /// Signs a browser in with the token of a link.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] if the link cannot be used.
    pub async fn sign_in_browser_by_link(&self, token: String, origin: Origin) -> ServiceResult<SignedInBrowser> {
        self.run(async move |deps: Arc<Dependencies>| {
            let user = match deps.demo_user(&token, &origin).await? {
                Some(user) => user,
                None => deps.use_link(&token, LinkPurpose::SignIn, LinkUse::SignIn).await?,
            };
            if user.status == UserStatus::Disabled {
                return Err(useless_link());
            }
            deps.open_browser_session(user, &origin).await
        })
        .await
    }

    /// The sign-in that a token of a browser belongs to.
    ///
    /// # Errors
    /// [`ServiceError::Unauthenticated`]
    pub(super) async fn browser_session(&self, token: &str) -> ServiceResult<BrowserSession> {
        let token = hash_of(token);
        if let Some(known) = self.deps.browsers.find(token) {
            return Ok(known);
        }
        self.run(async move |deps: Arc<Dependencies>| match deps.store.browser_session(token, LIFETIME).await {
            Ok(session) => {
                deps.browsers.remember(token, session);
                Ok(session)
            }
            Err(StoreError::NotFound(_)) => Err(ServiceError::Unauthenticated),
            Err(error) => Err(error.into()),
        })
        .await
    }
}

impl Dependencies {
    async fn sign_in_browser(
        self: &Arc<Self>,
        email: EmailAddress,
        password: String,
        origin: &Origin,
    ) -> ServiceResult<SignedInBrowser> {
        let user = self.user_with_password(email, password, origin).await?;
        self.open_browser_session(user, origin).await
    }

    /// The user whom the link of the demo signs in, if this is its token and the browser runs on this machine.
    async fn demo_user(&self, token: &str, origin: &Origin) -> ServiceResult<Option<User>> {
        let Some(link) = self.auth.demo_link.as_ref().filter(|_| origin.address.is_loopback()) else { return Ok(None) };
        // The hashes are compared: their order tells nothing of the token.
        if hash_of(token) != hash_of(link.token.reveal()) {
            return Ok(None);
        }
        Ok(Some(self.store.credentials(&link.email).await?.user))
    }

    /// Signs a browser in whose user is known for sure.
    async fn open_browser_session(self: &Arc<Self>, user: User, origin: &Origin) -> ServiceResult<SignedInBrowser> {
        let token = OpaqueToken::new(TokenKind::Browser);
        let agent = origin.agent.as_ref().map(|agent| agent.chars().take(MAX_AGENT_CHARS).collect());
        let address = Some(origin.address);
        let (hash, lasts) = (token.hash(), LIFETIME.idle);
        let session = NewSession { user_id: user.id, address, agent, token: hash, is_browser: true, lasts };
        self.store.open_session(session).await?;
        self.invalidate_user(user.tenant_id, user.id);
        // Signing in cancels a scheduled deletion.
        let user = User { status: UserStatus::Active, deletion_scheduled_at: None, ..user };
        self.record_login(&user, "auth.login", origin).await;
        Ok(SignedInBrowser { token: token.reveal(), lasts_secs: LIFETIME.longest.as_secs(), user })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{SessionId, TenantId, UserId};

    #[test]
    fn as_many_tokens_are_remembered_as_there_is_room_for() {
        let known = KnownBrowsers::default();
        let session = BrowserSession { id: SessionId::new(), tenant_id: TenantId::new(), user_id: UserId::new() };
        let token = |n: usize| hash_of(n.to_string());
        (0..MAX_REMEMBERED + 5).for_each(|n| known.remember(token(n), session));
        assert_eq!(known.find(token(0)), Some(session));
        assert_eq!(known.find(token(MAX_REMEMBERED + 1)), None);
        assert_eq!(known.all().len(), MAX_REMEMBERED);
    }
}
