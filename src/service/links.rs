//! Links that work once: they prove an address, set a password, join a tenant, make the first user.
//!
//! They go out by mail. As long as there is no mail server, the log is the mailbox.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Dependencies, ServiceError, ServiceResult};
use crate::auth::{OpaqueToken, TokenKind, hash_of};
use crate::domain::{Email, EmailAddress, LinkPurpose, TenantId, TokenHash, User, UserId};
use crate::store::{LinkFacts, LinkUse, NewLink, StoreError, StoredLink};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Links an hour to one user for one purpose: nobody's mailbox is flooded through us.
const MAX_FOR_A_USER: u32 = 5;
/// Invitations an hour of one tenant.
const MAX_INVITATIONS: u32 = 50;

/// How long a link works.
fn lasts(purpose: LinkPurpose) -> Duration {
    match purpose {
        LinkPurpose::ResetPassword => HOUR,
        LinkPurpose::SetUp => DAY,
        LinkPurpose::VerifyEmail | LinkPurpose::Invite => 7 * DAY,
    }
}

/// See [`Dependencies::write_link`].
pub(super) struct Written {
    pub hash: TokenHash,
    pub lasts: Duration,
    pub mail: Option<Email>,
    pub url: String,
}

impl Dependencies {
    /// Sends a link to a user. One that got many lately gets no more for a while.
    pub(super) async fn send_link(&self, user: &User, purpose: LinkPurpose) -> ServiceResult<()> {
        let facts = LinkFacts::default();
        match self.send(&user.email, purpose, user.tenant_id, Some(user.id), facts, MAX_FOR_A_USER).await {
            Err(StoreError::OverQuota { .. }) => {
                tracing::info!(user_id = %user.id, "a link for {} was not sent: enough were", purpose.as_str());
                Ok(())
            }
            sent => Ok(sent?),
        }
    }

    /// Sends an invitation.
    pub(super) async fn send_invitation(
        &self,
        email: &EmailAddress,
        tenant_id: TenantId,
        facts: LinkFacts,
    ) -> ServiceResult<()> {
        let sent = self.send(email, LinkPurpose::Invite, tenant_id, None, facts, MAX_INVITATIONS).await;
        sent.map_err(|error| match error {
            StoreError::OverQuota { .. } => {
                ServiceError::OverQuota { quota: "invitations_per_hour", limit: MAX_INVITATIONS, resets_in: Some(HOUR) }
            }
            other => other.into(),
        })
    }

    async fn send(
        &self,
        to: &EmailAddress,
        purpose: LinkPurpose,
        tenant_id: TenantId,
        user_id: Option<UserId>,
        facts: LinkFacts,
        most: u32,
    ) -> Result<(), StoreError> {
        let Written { hash, lasts, mail, url } = self.write_link(to, purpose);
        self.store.add_link(NewLink { hash, purpose, tenant_id, user_id, facts, lasts, mail }, most).await?;
        self.tell_link(to, purpose, &url);
        Ok(())
    }

    /// A link that is not kept yet, and its mail if there is a mail server.
    pub(super) fn write_link(&self, to: &EmailAddress, purpose: LinkPurpose) -> Written {
        let token = OpaqueToken::new(TokenKind::Link);
        let (hash, lasts) = (token.hash(), lasts(purpose));
        let url = self.public_url.join(&format!("auth/{}?token={}", purpose.as_str(), token.reveal()));
        let url = url.map_or_else(|_| String::new(), |url| url.to_string());
        let mail = self.sends_mail.then(|| mail_of(to, purpose, &url, lasts));
        Written { hash, lasts, mail, url }
    }

    /// A link was kept: its mail may go out, or the log is the mailbox.
    pub(super) fn tell_link(&self, to: &EmailAddress, purpose: LinkPurpose, url: &str) {
        if self.sends_mail {
            // A full inbox means that it is awake already.
            self.notifier.wake();
        } else {
            let to = to.as_str();
            tracing::warn!(to, url, "no mail server is configured; the link for {}", purpose.as_str());
        }
    }

    /// A link that makes the first user. Its token is shown, not sent.
    pub(super) async fn new_set_up_link(&self) -> ServiceResult<String> {
        let token = OpaqueToken::new(TokenKind::Link);
        let link = NewLink {
            hash: token.hash(),
            purpose: LinkPurpose::SetUp,
            tenant_id: TenantId::BUILT_IN,
            user_id: None,
            facts: LinkFacts::default(),
            lasts: lasts(LinkPurpose::SetUp),
            mail: None,
        };
        self.store.add_link(link, u32::MAX).await?;
        Ok(token.reveal())
    }

    /// A link that can be used.
    pub(super) async fn link(&self, token: &str, purpose: LinkPurpose) -> ServiceResult<StoredLink> {
        self.store.link(hash_of(token), purpose).await.map_err(useless_or)
    }

    /// Uses a link.
    pub(super) async fn use_link(&self, token: &str, purpose: LinkPurpose, r#use: LinkUse) -> ServiceResult<User> {
        self.store.use_link(hash_of(token), purpose, r#use).await.map_err(useless_or)
    }
}

fn mail_of(to: &EmailAddress, purpose: LinkPurpose, url: &str, lasts: Duration) -> Email {
    let (subject, what) = match purpose {
        LinkPurpose::VerifyEmail => ("Confirm your address", "To confirm that this address is yours, open this link:"),
        LinkPurpose::ResetPassword => ("Set a new password", "To set a new password, open this link:"),
        LinkPurpose::Invite => ("You are invited", "Somebody invites you to amazon-tracker. To join, open this link:"),
        LinkPurpose::SetUp => ("Set amazon-tracker up", "To make the first user, open this link:"),
    };
    let hours = lasts.as_secs() / HOUR.as_secs();
    let works_for = if hours < 48 { format!("{hours} h") } else { format!("{} days", hours / 24) };
    let text =
        format!("{what}\n\n{url}\n\nIt works once, within {works_for}. If you did not ask for this, do nothing.\n");
    let useless_after = SignedDuration::try_from(lasts).ok().and_then(|lasts| Timestamp::now().checked_add(lasts).ok());
    Email {
        to: to.clone(),
        subject: format!("{subject} (amazon-tracker)"),
        text,
        useless_after: useless_after.unwrap_or(Timestamp::MAX),
    }
}

fn useless_or(error: StoreError) -> ServiceError {
    match error {
        StoreError::NotFound(_) => useless_link(),
        other => other.into(),
    }
}

/// A link that is none, that was used, or that is not worth anything any more.
pub(super) fn useless_link() -> ServiceError {
    ServiceError::invalid("token", "is not valid, was used already, or is too old: ask for a new one")
}
