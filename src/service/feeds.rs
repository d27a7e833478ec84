//! Atom feeds of alerts, for readers that know the URL, and previews of templates.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use url::Url;

use super::channels::check_policy;
use super::products::valid;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::domain::{Channel, ChannelId, ChannelKind, FeedToken, Language, Policy};
use crate::store::StoreError;

/// Entries of a feed.
const MAX_ENTRIES: u32 = 25;
/// Readers ask every few minutes at most.
const MAX_AGE: Duration = Duration::from_secs(60);
/// Memory of feeds that were written lately.
const MAX_BYTES: u64 = 16 << 20;

/// Feeds that were written lately, by channel and its version.
pub struct FeedCache(Cache<(ChannelId, i64), Arc<str>>);

impl Default for FeedCache {
    fn default() -> Self {
        let weight = |_: &(ChannelId, i64), feed: &Arc<str>| u32::try_from(feed.len()).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weight).max_capacity(MAX_BYTES).time_to_live(MAX_AGE).build())
    }
}

impl Service {
    /// The feed with this token, at most a minute old.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]: there is none, or its URL was replaced.
    pub async fn feed(&self, token: String) -> ServiceResult<Arc<str>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let no_feed = ServiceError::NotFound("feed");
            let Ok(token) = token.parse::<FeedToken>() else { return Err(no_feed) };
            let channel = match deps.store.channel(token.tenant_id, token.channel_id).await {
                Ok(channel) if channel.feed_token() == Some(token) => channel,
                Ok(_) | Err(StoreError::NotFound(_)) => return Err(no_feed),
                Err(error) => return Err(error.into()),
            };
            let key = (channel.id, channel.version);
            if let Some(feed) = deps.feeds.0.get(&key) {
                return Ok(feed);
            }
            let events = deps.store.latest_events(channel.tenant_id, channel.id, MAX_ENTRIES).await?;
            let url = deps.feed_url(&channel).ok_or(no_feed)?;
            let feed: Arc<str> = deps.channel_messages.feed(&channel, &url, &events).into();
            deps.feeds.0.insert(key, Arc::clone(&feed));
            Ok(feed)
        })
        .await
    }

    /// The URL of a channel that is a feed.
    pub fn feed_url(&self, channel: &Channel) -> Option<Url> {
        self.deps.feed_url(channel)
    }

    /// The body that a template of a webhook makes of a sample message.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] names what is wrong with the template.
    pub async fn preview_template(
        &self,
        template: String,
        language: Language,
        policy: Policy,
    ) -> ServiceResult<String> {
        self.run(async move |deps: Arc<Dependencies>| {
            let mut errors = Vec::new();
            check_policy(&policy, ChannelKind::Webhook, &mut errors);
            valid(errors)?;
            let previewed = deps.channel_messages.preview(&template, language, policy.zone());
            previewed.map_err(|error| ServiceError::invalid("template", error))
        })
        .await
    }
}

impl Dependencies {
    fn feed_url(&self, channel: &Channel) -> Option<Url> {
        self.public_url.join(&format!("feeds/{}.atom", channel.feed_token()?)).ok()
    }
}
