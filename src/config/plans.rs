//! Quotas of tenants.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Interval, SpendingLimits};

/// `[plans]`: plans by name. A tenant whose plan is missing from the settings gets the smallest plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Plans(pub BTreeMap<String, Plan>);

/// `[plans.NAME]`: quotas of one plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Products.
    pub products: u32,
    /// Users.
    pub users: u32,
    /// Alerts.
    pub alerts: u32,
    /// Channels.
    #[serde(default = "default_channels")]
    pub channels: u32,
    /// Messages to all channels together on a day; the rest is told on the next. Default: without a limit.
    #[serde(default = "default_messages_per_day")]
    pub messages_per_day: u32,
    /// Requested crawls per day (UTC), counted per product.
    pub crawls_per_day: u32,
    /// API keys that are in force.
    pub api_keys: u32,
    /// Requests per minute, for each user and each API key.
    pub requests_per_minute: u32,
    /// Requests per minute of all users and API keys of a tenant together. Default: five times `requests_per_minute`.
    #[serde(default)]
    pub tenant_requests_per_minute: Option<u32>,
    /// What a tenant may spend on sources that cost money on a day (UTC), in US dollars; unset: what the installation has.
    #[serde(default)]
    pub spend_day_usd: Option<f64>,
    /// The same in a month.
    #[serde(default)]
    pub spend_month_usd: Option<f64>,
    /// Shortest interval allowed for a product.
    pub min_interval: Interval,
}

fn default_channels() -> u32 {
    SMALLEST.channels
}

fn default_messages_per_day() -> u32 {
    u32::MAX
}

impl Plan {
    /// Requests per minute of a tenant.
    pub fn requests_per_minute_of_tenant(&self) -> u32 {
        const OF_PRINCIPAL: u32 = 5;
        self.tenant_requests_per_minute.unwrap_or(self.requests_per_minute.saturating_mul(OF_PRINCIPAL))
    }
}

impl Plan {
    /// What a tenant may spend on sources that cost money.
    pub fn spending_limits(&self) -> SpendingLimits {
        SpendingLimits::from_usd(self.spend_day_usd, self.spend_month_usd)
    }
}

impl Plans {
    /// The plan of a new tenant.
    pub const FIRST: &str = "free";
    /// The plan of the tenant that operates the installation.
    pub const LARGEST: &str = "enterprise";

    /// The quotas of a plan.
    pub fn of(&self, name: &str) -> Plan {
        let smallest = || self.0.values().min_by_key(|plan| (plan.products, plan.requests_per_minute));
        self.0.get(name).or_else(smallest).copied().unwrap_or(SMALLEST)
    }
}

/// Used when the settings contain no plan.
const SMALLEST: Plan = Plan {
    products: 20,
    users: 3,
    alerts: 20,
    channels: 10,
    messages_per_day: 100,
    crawls_per_day: 100,
    api_keys: 10,
    requests_per_minute: 120,
    tenant_requests_per_minute: None,
    spend_day_usd: None,
    spend_month_usd: None,
    min_interval: Interval::HOURLY,
};

impl Default for Plans {
    fn default() -> Self {
        let minutes = |minutes: u32| Interval::from_secs(minutes * 60).expect("whole minutes are a valid interval");
        let pro = Plan {
            products: 2000,
            users: 25,
            alerts: 4000,
            channels: 200,
            messages_per_day: 5_000,
            crawls_per_day: 10_000,
            api_keys: 100,
            requests_per_minute: 1200,
            tenant_requests_per_minute: None,
            spend_day_usd: None,
            spend_month_usd: None,
            min_interval: minutes(15),
        };
        let enterprise = Plan {
            products: 1_000_000,
            users: 10_000,
            alerts: 1_000_000,
            channels: 10_000,
            messages_per_day: 1_000_000,
            crawls_per_day: 10_000_000,
            api_keys: 10_000,
            requests_per_minute: 12_000,
            tenant_requests_per_minute: None,
            spend_day_usd: None,
            spend_month_usd: None,
            min_interval: minutes(1),
        };
        let named = [(Self::FIRST, SMALLEST), ("pro", pro), (Self::LARGEST, enterprise)];
        Self(named.map(|(name, plan)| (name.to_owned(), plan)).into())
    }
}
