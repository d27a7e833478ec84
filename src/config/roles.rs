//! The roles of a process.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the roles that a process can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProcessRole {
    /// Serves the HTTP API.
    Api,
    /// Claims listings that are due and crawls them.
    Crawler,
    /// Runs maintenance jobs, once for all replicas.
    Scheduler,
    /// Sends webhooks and e-mails.
    Notifier,
}

/// The text is not the name of a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown role {0:?}; valid roles: api, crawler, scheduler, notifier")]
pub struct ProcessRoleError(String);

impl ProcessRole {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Api, Self::Crawler, Self::Scheduler, Self::Notifier];

    /// The name used in settings and flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Crawler => "crawler",
            Self::Scheduler => "scheduler",
            Self::Notifier => "notifier",
        }
    }
}

impl fmt::Display for ProcessRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ProcessRole {
    type Err = ProcessRoleError;

    fn from_str(name: &str) -> Result<Self, ProcessRoleError> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or_else(|| ProcessRoleError(name.to_owned()))
    }
}

/// All roles, the default: one process does everything.
pub(super) fn all() -> BTreeSet<ProcessRole> {
    ProcessRole::ALL.into()
}
