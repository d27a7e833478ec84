//! Tests of channels, for the use cases: by the sender of alerts.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::Channel;
use crate::notify::AlertSender;
use crate::notify::channel::check;
use crate::service::{ChannelTester, TestResult};

/// See the module.
pub(super) struct ChannelTests(pub Arc<AlertSender>);

#[async_trait]
impl ChannelTester for ChannelTests {
    async fn test(&self, channel: &Channel) -> TestResult {
        match self.0.send_test(channel).await {
            Ok(sent) => TestResult { error: None, note: sent.note },
            Err(error) => TestResult { error: Some(error.to_string()), note: None },
        }
    }

    fn check_template(&self, template: &str) -> Result<(), String> {
        check(template).map_err(|error| error.to_string())
    }
}
