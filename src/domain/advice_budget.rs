//! What may be spent on advice of models. Amounts are billionths of a US dollar.

use super::budget::BudgetOwner;

/// What may be spent on a day (UTC); `None`: without limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdviceLimits {
    /// By each tenant.
    pub tenant_nanos: Option<u64>,
    /// By all tenants together.
    pub installation_nanos: Option<u64>,
}

/// What was spent on a day, with what is reserved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdviceSpent {
    /// By the tenant.
    pub tenant_nanos: u64,
    /// By all tenants together.
    pub installation_nanos: u64,
}

/// Dollars in billionths. Negative and absurd amounts are refused by the settings; here they are the nearest that can be held.
fn nanos(usd: f64) -> u64 {
    (usd * 1e9).round() as u64
}

impl AdviceLimits {
    /// Limits in dollars.
    pub fn from_usd(tenant_usd: Option<f64>, installation_usd: Option<f64>) -> Self {
        Self { tenant_nanos: tenant_usd.map(nanos), installation_nanos: installation_usd.map(nanos) }
    }

    /// Whether both budgets allow a reservation.
    ///
    /// # Errors
    /// The budget that does not: the tenant's, if neither does.
    pub fn admit(self, cost_nanos: u64, spent: AdviceSpent) -> Result<(), BudgetOwner> {
        let has_room = |limit: Option<u64>, spent| limit.is_none_or(|limit| limit.saturating_sub(spent) >= cost_nanos);
        if !has_room(self.tenant_nanos, spent.tenant_nanos) {
            return Err(BudgetOwner::Tenant);
        }
        if !has_room(self.installation_nanos, spent.installation_nanos) {
            return Err(BudgetOwner::Installation);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_budgets_must_have_room() {
        let admit = |tenant_nanos, by_tenant, installation_nanos, by_all| {
            let limits = AdviceLimits { tenant_nanos, installation_nanos };
            limits.admit(10, AdviceSpent { tenant_nanos: by_tenant, installation_nanos: by_all })
        };
        assert_eq!(admit(Some(10), 0, None, u64::MAX), Ok(()));
        assert_eq!(admit(Some(10), 1, None, 0), Err(BudgetOwner::Tenant));
        assert_eq!(admit(None, 0, Some(20), 15), Err(BudgetOwner::Installation));
        assert_eq!(admit(Some(0), 0, Some(0), 0), Err(BudgetOwner::Tenant));
        let limits = AdviceLimits::from_usd(Some(0.2), Some(1.0));
        assert_eq!((limits.tenant_nanos, limits.installation_nanos), (Some(200_000_000), Some(1_000_000_000)));
    }
}
