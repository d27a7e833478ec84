//! What tenants may have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `[plans]`: by name. A tenant whose plan is gone from the settings has the smallest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Plans(pub BTreeMap<String, Plan>);

/// `[plans.NAME]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Requests a minute, of each user and each key.
    pub requests_per_minute: u32,
}

impl Plans {
    /// The plan of a new tenant.
    pub const FIRST: &str = "free";

    /// What a plan allows.
    pub fn of(&self, name: &str) -> Plan {
        let smallest = || self.0.values().min_by_key(|plan| plan.requests_per_minute);
        self.0.get(name).or_else(smallest).cloned().unwrap_or(Plan { requests_per_minute: 1 })
    }
}

impl Default for Plans {
    fn default() -> Self {
        let plan = |name: &str, requests_per_minute| (name.to_owned(), Plan { requests_per_minute });
        Self(BTreeMap::from([plan(Self::FIRST, 120), plan("pro", 1200), plan("enterprise", 12_000)]))
    }
}
