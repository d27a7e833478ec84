//! Links in messages: they snooze a rule, stop a channel, or prove the address of one, without a sign-in.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::auth::{OpaqueToken, TokenKind};
use crate::domain::{
    Channel, ChannelConfig, ChannelId, ChannelStatus, Email, EmailAddress, LINK_KEY, LinkAction, LinkPurpose,
    LinkTarget, RuleId, address_proof, read_link, sign_link,
};
use crate::store::{ChannelPatch, LinkFacts, NewLink, RulePatch, StoreError};

/// Links of one tenant that prove addresses, per hour.
const MAX_PROOFS_PER_HOUR: u32 = 10;
/// How long the link that proves an address is valid.
const VERIFICATION_LASTS: SignedDuration = SignedDuration::from_hours(48);
/// How long a link in a message snoozes its rule.
const SNOOZE: SignedDuration = SignedDuration::from_hours(24);

impl Service {
    /// What a link of a message would do.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when it was not made here or has expired.
    pub async fn link_action(&self, token: String) -> ServiceResult<LinkAction> {
        self.run(async move |deps: Arc<Dependencies>| match deps.read_link(&token).await?.action {
            // It is read at another place.
            LinkAction::ReadReport => Err(ServiceError::NotFound("link")),
            action => Ok(action),
        })
        .await
    }

    /// Does what a link of a message is for. Doing it again has no further effect.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when it was not made here or has expired, or what it is about was deleted.
    pub async fn follow_link(&self, token: String) -> ServiceResult<LinkAction> {
        self.run(async move |deps: Arc<Dependencies>| {
            let LinkTarget { action, tenant_id, id } = deps.read_link(&token).await?;
            let proof = token.split_once('.').map_or("", |(_, proof)| proof);
            let set = |status| ChannelPatch { status: Some(status), ..ChannelPatch::default() };
            match action {
                LinkAction::SnoozeRule => {
                    let until = deps.store.now().await?.checked_add(SNOOZE).unwrap_or(Timestamp::MAX);
                    let patch = RulePatch { snoozed_until: Some(Some(until)), ..RulePatch::default() };
                    deps.store.update_rule(tenant_id, RuleId(id), patch).await?;
                }
                LinkAction::VerifyChannel => {
                    let channel = deps.store.channel(tenant_id, ChannelId(id)).await?;
                    deps.check_proof(&channel, proof).await?;
                    if channel.status == ChannelStatus::Unverified {
                        let expected_version = Some(channel.version);
                        let patch = ChannelPatch { expected_version, ..set(ChannelStatus::Ok) };
                        deps.store.update_channel(tenant_id, ChannelId(id), patch).await?;
                        deps.notifier.wake();
                    }
                }
                LinkAction::StopChannel => {
                    if deps.store.channel(tenant_id, ChannelId(id)).await?.status != ChannelStatus::Unverified {
                        deps.store.update_channel(tenant_id, ChannelId(id), set(ChannelStatus::Paused)).await?;
                    }
                }
                LinkAction::ReadReport => return Err(ServiceError::NotFound("link")),
            }
            Ok(action)
        })
        .await
    }
}

impl Dependencies {
    /// Sends the link that proves an address.
    pub(super) async fn ask_for_proof(&self, channel: &Channel) -> ServiceResult<()> {
        let (ChannelStatus::Unverified, ChannelConfig::Email(target)) = (channel.status, &channel.config) else {
            return Ok(());
        };
        let Ok(to) = target.to.parse::<EmailAddress>() else { return Ok(()) };
        let expires_at = self.store.now().await?.checked_add(VERIFICATION_LASTS).unwrap_or(Timestamp::MAX);
        let key = self.store.installation_key(LINK_KEY).await?;
        let about = LinkTarget { action: LinkAction::VerifyChannel, tenant_id: channel.tenant_id, id: channel.id.0 };
        let proof = address_proof(key.as_bytes(), channel.id, &target.to);
        let token = format!("{}.{proof}", sign_link(key.as_bytes(), about, expires_at));
        let url = self.public_url.join(&format!("auth/links/{token}")).map(|url| url.to_string()).unwrap_or_default();
        // Without a name that a stranger chose.
        let text = format!(
            "Somebody asked amazon-tracker to send alerts about Amazon products to this address. If it was you, confirm it:\n\n\
             {url}\n\nThe link is valid for two days. Without a confirmation, nothing else is sent.\n"
        );
        let subject = "Confirm this address for alerts".to_owned();
        let mail = Email { to, subject, text, html: None, attachment: None, useless_after: expires_at };
        // Recorded like other links, and limited like them.
        let link = NewLink {
            hash: OpaqueToken::new(TokenKind::Link).hash(),
            purpose: LinkPurpose::VerifyEmail,
            tenant_id: channel.tenant_id,
            user_id: None,
            facts: LinkFacts::default(),
            lasts: Duration::from_secs(VERIFICATION_LASTS.as_secs().unsigned_abs()),
            mail: Some(mail),
        };
        match self.store.add_link(link, MAX_PROOFS_PER_HOUR).await {
            Ok(()) => self.notifier.wake(),
            Err(StoreError::OverQuota { .. }) => {
                tracing::info!(channel_id = %channel.id, "a link to confirm an address was not sent: too many within an hour");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    pub(super) async fn read_link(&self, token: &str) -> ServiceResult<LinkTarget> {
        let key = self.store.installation_key(LINK_KEY).await?;
        let signed = token.split_once('.').map_or(token, |(signed, _)| signed);
        read_link(key.as_bytes(), signed, self.store.now().await?).ok_or(ServiceError::NotFound("link"))
    }

    /// A link proves the address that it was sent to, and no other that the channel has had since.
    async fn check_proof(&self, channel: &Channel, proof: &str) -> ServiceResult<()> {
        let key = self.store.installation_key(LINK_KEY).await?;
        match &channel.config {
            ChannelConfig::Email(target) if address_proof(key.as_bytes(), channel.id, &target.to) == proof => Ok(()),
            _ => Err(ServiceError::NotFound("link")),
        }
    }
}
