//! Links that work once: they prove an address, set a password, join a tenant, make the first user.

use std::time::Duration;

use super::{Parts, ServiceError, ServiceResult};
use crate::auth::{OpaqueToken, TokenKind, hash_of};
use crate::domain::{LinkPurpose, TenantId, UserId};
use crate::store::{LinkFacts, NewLink, StoreError, UsedLink};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long a link works.
fn lasts(purpose: LinkPurpose) -> Duration {
    match purpose {
        LinkPurpose::ResetPassword => HOUR,
        LinkPurpose::SetUp => DAY,
        LinkPurpose::VerifyEmail | LinkPurpose::Invite => 7 * DAY,
    }
}

impl Parts {
    /// Keeps a new link, and gives its token.
    pub(super) async fn new_link(
        &self,
        purpose: LinkPurpose,
        tenant_id: TenantId,
        user_id: Option<UserId>,
        facts: LinkFacts,
    ) -> ServiceResult<String> {
        let token = OpaqueToken::new(TokenKind::Link);
        let link = NewLink { hash: token.hash(), purpose, tenant_id, user_id, facts, lasts: lasts(purpose) };
        self.store.add_link(link).await.map_err(|error| ServiceError::of(error, "link"))?;
        Ok(token.reveal())
    }

    /// As long as there is no mail server, the log is the mailbox.
    pub(super) fn tell_link(&self, to: &str, purpose: LinkPurpose, token: &str) {
        let url = self.auth.public_url.join(&format!("auth/{}?token={token}", purpose.as_str()));
        let url = url.map_or_else(|_| String::new(), |url| url.to_string());
        tracing::warn!(to, url, "no mail server is configured; the link for {}", purpose.as_str());
    }

    /// Uses a link up.
    pub(super) async fn use_link(&self, token: &str, purpose: LinkPurpose) -> ServiceResult<UsedLink> {
        self.store.use_link(hash_of(token), purpose).await.map_err(|error| match error {
            StoreError::NotFound => useless_link(),
            other => ServiceError::of(other, "link"),
        })
    }
}

/// A link that is none, that was used, or that is not worth anything any more.
pub(super) fn useless_link() -> ServiceError {
    ServiceError::invalid("token", "is not valid, was used already, or is too old: ask for a new one")
}
