//! What a process does of all that is to be done.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One job_lease of the house. A process has some of them, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProcessRole {
    /// Answers HTTP requests of people and machines.
    Api,
    /// Claims listings that are due, and looks at them.
    Crawler,
    /// Does what is due by the clock, once for all replicas.
    Scheduler,
    /// Sends webhooks and mails.
    Notifier,
}

/// There is no such role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no role {0:?}; roles are api, crawler, scheduler and notifier")]
pub struct ProcessRoleError(String);

impl ProcessRole {
    /// Every role there is.
    pub const ALL: [Self; 4] = [Self::Api, Self::Crawler, Self::Scheduler, Self::Notifier];

    /// Its name in settings and flags.
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

/// All of them: one process does everything.
pub(super) fn all() -> BTreeSet<ProcessRole> {
    ProcessRole::ALL.into()
}
