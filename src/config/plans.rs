//! What tenants may have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::Frequency;

/// `[plans]`: by name. A tenant whose plan is gone from the settings has the smallest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Plans(pub BTreeMap<String, Plan>);

/// `[plans.NAME]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Products that may be watched.
    pub products: u32,
    /// People.
    pub users: u32,
    /// Alerts.
    pub alerts: u32,
    /// Looks that may be asked for in a day (UTC), one for each product.
    pub crawls_per_day: u32,
    /// Requests a minute, of each user and each key.
    pub requests_per_minute: u32,
    /// The shortest rhythm a product may have.
    pub min_interval: Frequency,
}

impl Plans {
    /// The plan of a new tenant.
    pub const FIRST: &str = "free";
    /// The plan of whoever runs the installation.
    pub const LARGEST: &str = "enterprise";

    /// What a plan allows.
    pub fn of(&self, name: &str) -> Plan {
        let smallest = || self.0.values().min_by_key(|plan| (plan.products, plan.requests_per_minute));
        self.0.get(name).or_else(smallest).copied().unwrap_or(SMALLEST)
    }
}

/// When the settings have no plan at all.
const SMALLEST: Plan = Plan {
    products: 20,
    users: 3,
    alerts: 20,
    crawls_per_day: 100,
    requests_per_minute: 120,
    min_interval: Frequency::HOURLY,
};

impl Default for Plans {
    fn default() -> Self {
        let minutes = |minutes: u32| Frequency::from_secs(minutes * 60).expect("some minutes are a frequency");
        let pro = Plan {
            products: 2000,
            users: 25,
            alerts: 4000,
            crawls_per_day: 10_000,
            requests_per_minute: 1200,
            min_interval: minutes(15),
        };
        let enterprise = Plan {
            products: 1_000_000,
            users: 10_000,
            alerts: 1_000_000,
            crawls_per_day: 10_000_000,
            requests_per_minute: 12_000,
            min_interval: minutes(1),
        };
        let named = [(Self::FIRST, SMALLEST), ("pro", pro), (Self::LARGEST, enterprise)];
        Self(named.map(|(name, plan)| (name.to_owned(), plan)).into())
    }
}
