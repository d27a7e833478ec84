//! `[jobs]`: durable long work.

use serde::{Deserialize, Serialize};

/// `[jobs]`: limits of imports, batches and other long work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobSettings {
    /// Jobs of one tenant that may be in progress; requested crawls do not count.
    pub max_open: u32,
    /// Schedules of one tenant.
    pub max_schedules: u32,
    /// Lines of a file that is imported.
    pub max_import_lines: u32,
    /// Bytes of a file that is imported.
    pub max_import_bytes: usize,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self { max_open: 20, max_schedules: 100, max_import_lines: 100_000, max_import_bytes: 32 * 1024 * 1024 }
    }
}
