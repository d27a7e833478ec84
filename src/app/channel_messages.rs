//! Tests, previews and feeds of channels, for the use cases: by the sender of alerts.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use url::Url;

use crate::domain::{Channel, Language, MessageEvent};
use crate::notify::AlertSender;
use crate::notify::channel::check;
use crate::service::{ChannelMessages, TestResult};

/// See the module.
pub(super) struct AlertChannelMessages(pub Arc<AlertSender>);

#[async_trait]
impl ChannelMessages for AlertChannelMessages {
    async fn test(&self, channel: &Channel) -> TestResult {
        match self.0.send_test(channel).await {
            Ok(sent) => TestResult { error: None, note: sent.note, moved_to: sent.moved_to },
            Err(error) => TestResult { error: Some(error.to_string()), ..TestResult::default() },
        }
    }

    fn feed(&self, channel: &Channel, url: &Url, events: &[MessageEvent]) -> String {
        self.0.feed(channel, url, events)
    }

    fn preview(&self, template: &str, language: Language, zone: TimeZone) -> Result<String, String> {
        self.0.preview(template, language, zone).map_err(|error| error.to_string())
    }

    fn check_template(&self, template: &str) -> Result<(), String> {
        check(template).map_err(|error| error.to_string())
    }
}
