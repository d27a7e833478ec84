//! `[reports]`: reports of tenants.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// `[reports]`: how long reports are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportSettings {
    /// Days until a report is deleted, counted from when it was done.
    pub retain_days: u32,
}

impl ReportSettings {
    /// How long a report is kept.
    pub fn kept_for(&self) -> Duration {
        Duration::from_secs(24 * 3600 * u64::from(self.retain_days))
    }
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self { retain_days: 30 }
    }
}
