//! Typed settings.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that must not be seen in logs, in `--check-config` or in an error.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself: name the reason where you call it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(none)" } else { "(hidden)" })
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{self:?}"))
    }
}

/// `[database]`: where the truth is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite://PATH`, `sqlite::memory:` or `postgres://…`; a secret, for it may hold a password.
    pub url: Secret,
    /// Connections for reads and writes (SQLite: readers beside the one writer).
    pub connections: u32,
    /// Connections for claims alone, so that reads cannot starve them (PostgreSQL).
    pub claim_connections: u32,
    /// How long to wait for a free connection before answering "unavailable".
    pub acquire_timeout_secs: u64,
    /// The server ends a statement after this time (PostgreSQL).
    pub statement_timeout_secs: u64,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: Secret("sqlite://data/amazon-tracker.sqlite".to_owned()),
            connections: 8,
            claim_connections: 2,
            acquire_timeout_secs: 2,
            statement_timeout_secs: 15,
        }
    }
}
