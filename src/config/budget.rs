//! `[budget]`: money for crawls.

use serde::{Deserialize, Serialize};

use super::{ApifyListSettings, ApifySettings, Plans};
use crate::domain::{RunBudget, SourcePrice, SpendingLimits};

/// `[budget]`: what all tenants together may spend on sources that cost money, in US dollars. Plans have limits of their own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetSettings {
    /// On a day (UTC); unset: without limit.
    pub day_usd: Option<f64>,
    /// In a month (UTC); unset: without limit.
    pub month_usd: Option<f64>,
    /// The part of each limit, in percent, that is kept for requested crawls.
    pub requested_percent: u8,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self { day_usd: None, month_usd: None, requested_percent: 20 }
    }
}

impl BudgetSettings {
    /// The limits that hold for runs of Apify's actor.
    pub fn of_apify(&self, apify: &ApifySettings, plans: &Plans) -> RunBudget {
        RunBudget {
            price: SourcePrice::from_usd(apify.item_usd, apify.run_usd),
            installation: SpendingLimits::from_usd(self.day_usd, self.month_usd),
            plans: plans.0.iter().map(|(name, plan)| (name.clone(), plan.spending_limits())).collect(),
            other_plans: plans.of("").spending_limits(),
            requested_percent: self.requested_percent,
        }
    }

    /// The same for runs of the actor that reads lists.
    pub fn of_apify_lists(&self, apify: &ApifySettings, lists: &ApifyListSettings, plans: &Plans) -> RunBudget {
        RunBudget { price: SourcePrice::from_usd(lists.item_usd, lists.run_usd), ..self.of_apify(apify, plans) }
    }
}
