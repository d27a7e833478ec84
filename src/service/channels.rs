//! Channels: where a tenant wants to be told.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};

use super::access::{Caller, Who};
use super::alerts::new_webhook_secret;
use super::auth::check_name;
use super::products::valid;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::auth::{OpaqueToken, TokenKind};
use crate::domain::{
    Channel, ChannelConfig, ChannelId, ChannelStatus, Email, EmailAddress, Language, LinkAction, LinkPurpose,
    LinkTarget, MessageId, Policy, RuleId, TenantId, WebhookUrl, address_proof, read_link, sign_link,
};
use crate::store::{
    ChannelPatch, ChannelUsage, Creation, IdempotencyClaim, LinkFacts, MessageRow, NewChannel, NewLink, Page,
    RulePatch, StoreError, idempotently,
};

/// The name of the key that signs the links in messages.
pub const LINK_KEY: &str = "links";
/// Maximum characters of a text of a configuration.
const MAX_TEXT_CHARS: usize = 2048;
/// Addresses of a tenant that wait to be proved, at most: nobody can be written to without end.
const MAX_UNVERIFIED: usize = 5;
/// Links of one tenant that prove addresses, per hour.
const MAX_PROOFS_PER_HOUR: u32 = 10;
/// How long the link that proves an address is valid.
const VERIFICATION_LASTS: SignedDuration = SignedDuration::from_hours(48);
/// How long a link in a message snoozes its rule.
const SNOOZE: SignedDuration = SignedDuration::from_hours(24);

/// A channel to create.
#[derive(Debug, Clone)]
pub struct AddChannel {
    /// A name for people.
    pub name: String,
    /// How it is reached.
    pub config: ChannelConfig,
    /// When it is told.
    pub policy: Policy,
    /// The language of its messages.
    pub language: Language,
}

/// What came of a test of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// Why it failed; `None`: the service took the message.
    pub error: Option<String>,
    /// A remark.
    pub note: Option<String>,
}

/// Sends a sample message.
#[async_trait]
pub trait ChannelTester: Send + Sync {
    /// Makes one attempt.
    async fn test(&self, channel: &Channel) -> TestResult;

    /// What is wrong with a template of a webhook.
    ///
    /// # Errors
    /// A message for its author.
    fn check_template(&self, template: &str) -> Result<(), String>;
}

impl Service {
    /// Creates a channel. An address that is not the caller's own must be proved by a link before anything else is sent to it.
    pub async fn add_channel(
        &self,
        caller: Caller,
        request: AddChannel,
        claim: Option<IdempotencyClaim<Channel>>,
    ) -> ServiceResult<Creation<Channel>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let mut errors = Vec::new();
            let config = with_secret(request.config);
            check_name("name", &request.name, &mut errors);
            deps.check_config(&config, &mut errors);
            check_policy(&request.policy, &mut errors);
            valid(errors)?;
            let status = deps.first_status(&caller, &config).await?;
            let channel = NewChannel {
                tenant_id: caller.tenant_id,
                name: request.name,
                config,
                policy: request.policy,
                language: request.language,
                status,
                quota: caller.plan.channels,
            };
            let added = idempotently(claim, deps.store.add_channel(channel)).await?;
            if let Creation::Created(channel) = &added {
                deps.ask_for_proof(channel).await?;
                deps.audit(caller.audit_event("channel.add", Some(format!("channel:{}", channel.id)))).await;
            }
            Ok(added)
        })
        .await
    }

    /// One channel.
    pub async fn channel(&self, tenant_id: TenantId, id: ChannelId) -> ServiceResult<Channel> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.channel(tenant_id, id).await?)).await
    }

    /// A page of channels, newest first.
    pub async fn channels(
        &self,
        tenant_id: TenantId,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<Channel>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.channels(tenant_id, cursor.as_deref(), limit).await?)
        })
        .await
    }

    /// Changes a channel. A new address must be proved again.
    ///
    /// # Errors
    /// [`ServiceError::Changed`] if it does not have the expected version.
    pub async fn update_channel(&self, caller: Caller, id: ChannelId, patch: ChannelPatch) -> ServiceResult<Channel> {
        self.run(async move |deps: Arc<Dependencies>| {
            let before = deps.store.channel(caller.tenant_id, id).await?;
            let mut errors = Vec::new();
            if let Some(name) = &patch.name {
                check_name("name", name, &mut errors);
            }
            if let Some(policy) = &patch.policy {
                check_policy(policy, &mut errors);
            }
            if let Some(config) = &patch.config {
                deps.check_config(config, &mut errors);
                if config.kind() != before.config.kind() {
                    errors.push(FieldError::new("kind", "cannot be changed; create another channel"));
                }
            }
            if before.status == ChannelStatus::Unverified && patch.status.is_some() {
                errors.push(FieldError::new("is_paused", "the address has not been confirmed yet"));
            }
            valid(errors)?;
            // What was checked is what is changed.
            let expected_version = patch.expected_version.or(Some(before.version));
            let patch = ChannelPatch { expected_version, ..deps.completed(&caller, &before, patch).await? };
            let channel = deps.store.update_channel(caller.tenant_id, id, patch).await?;
            if before.config != channel.config {
                deps.ask_for_proof(&channel).await?;
            }
            deps.notifier.wake();
            deps.audit(caller.audit_event("channel.update", Some(format!("channel:{id}")))).await;
            Ok(channel)
        })
        .await
    }

    /// Deletes a channel with its messages. What it should have told is not told.
    pub async fn remove_channel(&self, caller: Caller, id: ChannelId) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            deps.store.remove_channel(caller.tenant_id, id).await?;
            deps.audit(caller.audit_event("channel.delete", Some(format!("channel:{id}")))).await;
            Ok(())
        })
        .await
    }

    /// Sends a sample message, by the way of any other, once. A success repairs a channel that did not work. To an address that is
    /// not proved, the link is sent again instead.
    pub async fn test_channel(&self, caller: Caller, id: ChannelId) -> ServiceResult<TestResult> {
        self.run(async move |deps: Arc<Dependencies>| {
            let channel = deps.store.channel(caller.tenant_id, id).await?;
            deps.audit(caller.audit_event("channel.test", Some(format!("channel:{id}")))).await;
            if channel.status == ChannelStatus::Unverified {
                deps.ask_for_proof(&channel).await?;
                let error = "the address has not been confirmed yet: open the link that was sent to it".to_owned();
                return Ok(TestResult { error: Some(error), note: None });
            }
            let result = deps.channel_tests.test(&channel).await;
            if result.error.is_none() && channel.status == ChannelStatus::Broken {
                let patch = ChannelPatch { status: Some(ChannelStatus::Ok), ..ChannelPatch::default() };
                deps.store.update_channel(caller.tenant_id, id, patch).await?;
                deps.notifier.wake();
            }
            Ok(result)
        })
        .await
    }

    /// What a channel has sent, and what waits.
    pub async fn channel_usage(&self, tenant_id: TenantId, id: ChannelId) -> ServiceResult<ChannelUsage> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.channel_usage(tenant_id, id).await?)).await
    }

    /// A page of the messages of a channel, newest first.
    pub async fn messages(
        &self,
        tenant_id: TenantId,
        id: ChannelId,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<MessageRow>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.messages(tenant_id, id, cursor.as_deref(), limit).await?)
        })
        .await
    }

    /// Sends a dead message again.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when there is no dead one with this id.
    pub async fn retry_message(&self, caller: Caller, id: MessageId) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            if !deps.store.retry_message(caller.tenant_id, id).await? {
                return Err(ServiceError::NotFound("dead message"));
            }
            deps.notifier.wake();
            deps.audit(caller.audit_event("message.retry", Some(format!("message:{id}")))).await;
            Ok(())
        })
        .await
    }

    /// What a link of a message would do.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when it was not made here or has expired.
    pub async fn link_action(&self, token: String) -> ServiceResult<LinkAction> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.read_link(&token).await?.action)).await
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
            }
            Ok(action)
        })
        .await
    }
}

impl Dependencies {
    fn check_config(&self, config: &ChannelConfig, errors: &mut Vec<FieldError>) {
        if let ChannelConfig::Email(target) = config {
            match target.to.parse::<EmailAddress>() {
                Err(error) => errors.push(FieldError::new("config.to", error)),
                Ok(_) if !self.sends_mail => {
                    errors.push(FieldError::new("kind", "this installation has no mail server (mail.smtp_url)"));
                }
                Ok(_) => {}
            }
        }
        if let Some((field, url)) = config.url()
            && let Err(error) = WebhookUrl::parse(url, self.notify.allow_private_targets)
        {
            errors.push(FieldError::new(&format!("config.{field}"), error));
        }
        if let ChannelConfig::Webhook(target) = config {
            let checked = target.template.as_deref().map(|template| self.channel_tests.check_template(template));
            if let Some(Err(error)) = checked {
                errors.push(FieldError::new("config.template", error));
            }
            let is_key = |secret: &str| BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).is_ok();
            if target.secret.as_deref().is_some_and(|secret| secret.is_empty() || !is_key(secret)) {
                errors.push(FieldError::new("config.secret", "must be `whsec_` and a key as Base64"));
            }
        }
        for (field, text) in config.texts() {
            if text.trim().is_empty() || text.chars().count() > MAX_TEXT_CHARS || text.chars().any(char::is_control) {
                let message = format!("must have 1 to {MAX_TEXT_CHARS} characters and no control characters");
                errors.push(FieldError::new(&format!("config.{field}"), message));
            }
        }
    }

    /// An address is proved if it is the verified one of the user who names it.
    async fn first_status(&self, caller: &Caller, config: &ChannelConfig) -> ServiceResult<ChannelStatus> {
        let ChannelConfig::Email(target) = config else { return Ok(ChannelStatus::Ok) };
        if let Who::User { id: user_id, .. } = caller.who {
            let user = self.store.user(caller.tenant_id, user_id).await?;
            if user.verified_at.is_some() && user.email.as_str().eq_ignore_ascii_case(&target.to) {
                return Ok(ChannelStatus::Ok);
            }
        }
        let page = self.store.channels(caller.tenant_id, None, u32::from(u8::MAX)).await?;
        let unverified = page.items.iter().filter(|channel| channel.status == ChannelStatus::Unverified).count();
        if unverified >= MAX_UNVERIFIED {
            let message = format!("{MAX_UNVERIFIED} addresses wait for confirmation; confirm or delete them first");
            return Err(ServiceError::Conflict("too_many_unverified", message));
        }
        Ok(ChannelStatus::Unverified)
    }

    /// What follows from a new address or a new target.
    async fn completed(&self, caller: &Caller, before: &Channel, patch: ChannelPatch) -> ServiceResult<ChannelPatch> {
        let Some(config) = patch.config.clone().filter(|config| *config != before.config) else { return Ok(patch) };
        // Whoever changes a webhook keeps its key.
        let config = match (config, &before.config) {
            (ChannelConfig::Webhook(mut target), ChannelConfig::Webhook(old)) => {
                target.secret = target.secret.or_else(|| old.secret.clone());
                ChannelConfig::Webhook(target)
            }
            (config, _) => config,
        };
        let status = match self.first_status(caller, &config).await? {
            ChannelStatus::Unverified => Some(ChannelStatus::Unverified),
            // A repaired channel is used again.
            _ if before.status != ChannelStatus::Paused => Some(ChannelStatus::Ok),
            _ => None,
        };
        // An address that is not proved is not used, whatever else is asked for.
        let unverified = status.filter(|status| *status == ChannelStatus::Unverified);
        Ok(ChannelPatch { config: Some(config), status: unverified.or(patch.status).or(status), ..patch })
    }

    /// Sends the link that proves an address.
    async fn ask_for_proof(&self, channel: &Channel) -> ServiceResult<()> {
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
        let mail = Email { to, subject, text, useless_after: expires_at };
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

    async fn read_link(&self, token: &str) -> ServiceResult<LinkTarget> {
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

/// A webhook signs its messages.
fn with_secret(config: ChannelConfig) -> ChannelConfig {
    match config {
        ChannelConfig::Webhook(mut target) => {
            target.secret = Some(target.secret.unwrap_or_else(new_webhook_secret));
            ChannelConfig::Webhook(target)
        }
        config => config,
    }
}

fn check_policy(policy: &Policy, errors: &mut Vec<FieldError>) {
    for (field, message) in policy.check() {
        errors.push(FieldError::new(&format!("policy.{field}"), message));
    }
}
