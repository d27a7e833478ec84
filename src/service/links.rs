//! Single-use links: they verify an e-mail address, set a password, accept an invitation, create the first user or sign a browser in.
//!
//! They are sent by e-mail. Without a mail server they are written to the log. Those that sign in are printed on the command line only.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Dependencies, ServiceError, ServiceResult};
use crate::auth::{OpaqueToken, TokenKind, hash_of};
use crate::domain::{Email, EmailAddress, LinkPurpose, TenantId, TokenHash, User, UserId};
use crate::store::{LinkFacts, LinkUse, NewLink, StoreError, StoredLink};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Maximum links per hour to one user for one purpose, so that a mailbox cannot be flooded.
const MAX_FOR_A_USER: u32 = 5;
/// Maximum invitations per hour of one tenant.
const MAX_INVITATIONS: u32 = 50;

/// How long a link is valid.
fn lasts(purpose: LinkPurpose) -> Duration {
    match purpose {
        LinkPurpose::ResetPassword | LinkPurpose::SignIn => HOUR,
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
    /// Sends a link to a user, unless the user got too many within the last hour.
    pub(super) async fn send_link(&self, user: &User, purpose: LinkPurpose) -> ServiceResult<()> {
        let facts = LinkFacts::default();
        match self.send(&user.email, purpose, user.tenant_id, Some(user.id), facts, MAX_FOR_A_USER).await {
            Err(StoreError::OverQuota { .. }) => {
                tracing::info!(user_id = %user.id, "a link for {} was not sent: too many within an hour", purpose.as_str());
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

    /// A link that is not stored yet, and its e-mail if there is a mail server.
    pub(super) fn write_link(&self, to: &EmailAddress, purpose: LinkPurpose) -> Written {
        let token = OpaqueToken::new(TokenKind::Link);
        let (hash, lasts) = (token.hash(), lasts(purpose));
        let url = self.public_url.join(&format!("auth/{}#token={}", purpose.as_str(), token.reveal()));
        let url = url.map_or_else(|_| String::new(), |url| url.to_string());
        let mail = self.sends_mail.then(|| mail_of(to, purpose, &url, lasts));
        Written { hash, lasts, mail, url }
    }

    /// After a link was stored: wakes the notifier, or logs the link.
    pub(super) fn tell_link(&self, to: &EmailAddress, purpose: LinkPurpose, url: &str) {
        if self.sends_mail {
            self.notifier.wake();
        } else {
            let to = to.as_str();
            tracing::warn!(to, url, "no mail server configured; link for {}", purpose.as_str());
        }
    }

    /// The URL of a link that creates the first user. It is logged, not sent; its token is in the fragment, which no server or proxy logs.
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
        Ok(format!("{}auth/set-up#token={}", self.public_url, token.reveal()))
    }

    /// A valid link.
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
        LinkPurpose::Invite => ("You are invited", "You are invited to amazon-tracker. To accept, open this link:"),
        LinkPurpose::SetUp => ("Set up amazon-tracker", "To create the first user, open this link:"),
        LinkPurpose::SignIn => ("Sign in", "To sign in, open this link:"),
    };
    let hours = lasts.as_secs() / HOUR.as_secs();
    let works_for = if hours < 48 { format!("{hours} h") } else { format!("{} days", hours / 24) };
    let text = format!(
        "{what}\n\n{url}\n\nThe link can be used once and expires in {works_for}. If you did not request it, ignore this e-mail.\n"
    );
    let useless_after = SignedDuration::try_from(lasts).ok().and_then(|lasts| Timestamp::now().checked_add(lasts).ok());
    Email {
        to: to.clone(),
        subject: format!("{subject} (amazon-tracker)"),
        text,
        html: None,
        attachment: None,
        useless_after: useless_after.unwrap_or(Timestamp::MAX),
    }
}

fn useless_or(error: StoreError) -> ServiceError {
    match error {
        StoreError::NotFound(_) => useless_link(),
        other => other.into(),
    }
}

/// An unknown, used, expired or revoked link.
pub(super) fn useless_link() -> ServiceError {
    ServiceError::invalid("token", "is invalid, already used or expired; request a new link")
}
