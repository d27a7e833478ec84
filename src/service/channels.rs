//! Channels: where a tenant wants to be told.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::tz::TimeZone;
use url::Url;

use super::access::{Caller, Who};
use super::alerts::new_webhook_secret;
use super::auth::check_name;
use super::products::valid;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::domain::{
    AtomTarget, Channel, ChannelConfig, ChannelId, ChannelKind, ChannelStatus, EmailAddress, FeedSecret, Language,
    MessageEvent, MessageId, Policy, TenantId, WebhookUrl,
};
use crate::store::{
    ChannelPatch, ChannelUsage, Creation, IdempotencyClaim, MessageRow, NewChannel, Page, idempotently,
};

/// Maximum characters of a text of a configuration.
const MAX_TEXT_CHARS: usize = 2048;
/// Addresses of a tenant that wait to be proved, at most: nobody can be written to without end.
const MAX_UNVERIFIED: usize = 5;

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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestResult {
    /// Why it failed; `None`: the service took the message.
    pub error: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// How the channel is reached from now on, if its service says so.
    pub moved_to: Option<ChannelConfig>,
}

/// Messages of channels that do not wait in the queue: tests, previews and feeds.
#[async_trait]
pub trait ChannelMessages: Send + Sync {
    /// Sends a sample message, in one attempt.
    async fn test(&self, channel: &Channel) -> TestResult;

    /// The Atom feed of a channel, whose own address is `url`.
    fn feed(&self, channel: &Channel, url: &Url, events: &[MessageEvent]) -> String;

    /// The body that a template of a webhook makes of a sample message.
    ///
    /// # Errors
    /// A message for its author.
    fn preview(&self, template: &str, language: Language, zone: TimeZone) -> Result<String, String>;

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
            check_name("name", &request.name, &mut errors);
            deps.check_config(&request.config, &mut errors);
            check_policy(&request.policy, request.config.kind(), &mut errors);
            valid(errors)?;
            let config = with_secret(request.config);
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
                check_policy(policy, before.config.kind(), &mut errors);
            }
            if let Some(config) = &patch.config {
                deps.check_config(config, &mut errors);
                if config.kind() != before.config.kind() {
                    errors.push(FieldError::new("kind", "cannot be changed; create another channel"));
                }
            }
            if before.config.kind() == ChannelKind::Atom && patch.status.is_some() {
                let message = "a feed cannot be paused; replace its `config` to make the old URL invalid";
                errors.push(FieldError::new("is_paused", message));
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
                return Ok(TestResult { error: Some(error), ..TestResult::default() });
            }
            let result = deps.channel_messages.test(&channel).await;
            let is_repaired = result.error.is_none() && channel.status == ChannelStatus::Broken;
            if is_repaired || result.moved_to.is_some() {
                let status = is_repaired.then_some(ChannelStatus::Ok);
                let patch = ChannelPatch { status, config: result.moved_to.clone(), ..ChannelPatch::default() };
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
            let checked = target.template.as_deref().map(|template| self.channel_messages.check_template(template));
            if let Some(Err(error)) = checked {
                errors.push(FieldError::new("config.template", error));
            }
            let is_key = |secret: &str| BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).is_ok();
            if target.secret.as_deref().is_some_and(|secret| secret.is_empty() || !is_key(secret)) {
                errors.push(FieldError::new("config.secret", "must be `whsec_` and a key as Base64"));
            }
        }
        if let ChannelConfig::Atom(AtomTarget { secret: Some(_) }) = config {
            errors.push(FieldError::new("config.secret", "is made by the server"));
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
            // The old URL of a feed is not valid any more.
            (config @ ChannelConfig::Atom(_), _) => with_secret(config),
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
}

/// A webhook signs its messages, and the URL of a feed is a secret.
fn with_secret(config: ChannelConfig) -> ChannelConfig {
    match config {
        ChannelConfig::Atom(_) => ChannelConfig::Atom(AtomTarget { secret: Some(FeedSecret::new()) }),
        ChannelConfig::Webhook(mut target) => {
            target.secret = Some(target.secret.unwrap_or_else(new_webhook_secret));
            ChannelConfig::Webhook(target)
        }
        config => config,
    }
}

pub(super) fn check_policy(policy: &Policy, kind: ChannelKind, errors: &mut Vec<FieldError>) {
    let (time_zone, coalesce_secs) = (policy.time_zone.clone(), policy.coalesce_secs);
    if kind == ChannelKind::Atom && *policy != (Policy { time_zone, coalesce_secs, ..Policy::default() }) {
        let message =
            "a feed is fetched, so it has neither quiet hours, digests nor a maximum: only `time_zone` counts";
        errors.push(FieldError::new("policy", message));
    }
    for (field, message) in policy.check() {
        errors.push(FieldError::new(&format!("policy.{field}"), message));
    }
}
