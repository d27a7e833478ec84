//! Money for crawls: prices, limits, and how the cost of a run is shared. Amounts are millionths of a US dollar.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

use super::ids::TenantId;
use super::listing::Listing;

/// What a source charges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourcePrice {
    /// For each item.
    pub item_micros: u64,
    /// For each run.
    pub run_micros: u64,
}

/// What may be spent; `None`: without limit. Days and months are those of UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpendingLimits {
    /// On a day.
    pub day_micros: Option<u64>,
    /// In a month.
    pub month_micros: Option<u64>,
}

/// What was spent, with what is reserved for runs that have not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Since the day began.
    pub day_micros: u64,
    /// Since the month began.
    pub month_micros: u64,
}

/// Dollars in millionths. Negative and absurd amounts are refused by the settings; here they are the nearest that can be held.
fn micros(usd: f64) -> u64 {
    (usd * 1_000_000.0).round() as u64
}

impl SourcePrice {
    /// A price in dollars.
    pub fn from_usd(item_usd: f64, run_usd: f64) -> Self {
        Self { item_micros: micros(item_usd), run_micros: micros(run_usd) }
    }
}

impl SpendingLimits {
    /// Limits in dollars.
    pub fn from_usd(day_usd: Option<f64>, month_usd: Option<f64>) -> Self {
        Self { day_micros: day_usd.map(micros), month_micros: month_usd.map(micros) }
    }

    /// What may still be spent of this share of the limits, in percent; `None`: without limit.
    pub fn room(&self, spent: Spent, percent: u64) -> Option<u64> {
        let left = |limit: Option<u64>, spent: u64| {
            Some((limit? / 100 * percent + limit? % 100 * percent / 100).saturating_sub(spent))
        };
        let (day, month) = (left(self.day_micros, spent.day_micros), left(self.month_micros, spent.month_micros));
        [day, month].into_iter().flatten().min()
    }
}

/// The limits that hold for new runs of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunBudget {
    /// What the source charges.
    pub price: SourcePrice,
    /// For all tenants together.
    pub installation: SpendingLimits,
    /// For each tenant, by the name of its plan.
    pub plans: BTreeMap<String, SpendingLimits>,
    /// For tenants with another plan.
    pub other_plans: SpendingLimits,
    /// The part of each limit, in percent, that only requested crawls may use.
    pub requested_percent: u8,
}

impl RunBudget {
    /// The limits of tenants with this plan.
    pub fn of_plan(&self, plan: &str) -> SpendingLimits {
        self.plans.get(plan).copied().unwrap_or(self.other_plans)
    }
}

/// A listing that a run is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunRequest {
    /// The listing.
    pub listing: Listing,
    /// Somebody waits for it: it may use the part of the budget that is kept for requests.
    pub is_requested: bool,
}

/// Why there is no money for a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverBudget {
    /// The tenants that watch it have spent theirs.
    Tenants,
    /// The installation has spent its own, except what is kept for requests.
    Installation,
    /// The installation has spent all of its own.
    Exhausted,
}

/// Whose budget it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum BudgetOwner {
    /// One tenant.
    Tenant,
    /// All tenants together.
    Installation,
}

impl BudgetOwner {
    /// The name used in JSON, metrics and the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl OverBudget {
    /// Whose budget is spent.
    pub fn owner(self) -> BudgetOwner {
        match self {
            Self::Tenants => BudgetOwner::Tenant,
            Self::Installation | Self::Exhausted => BudgetOwner::Installation,
        }
    }
}

/// A budget had no money for a listing of a tenant, for the first time on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetRefusal {
    /// Identifier.
    pub id: Uuid,
    /// The tenant that watches the listing.
    pub tenant_id: TenantId,
    /// Whose budget it is.
    pub owner: BudgetOwner,
    /// When the listing was to be crawled.
    pub at: Timestamp,
}

/// A tenant that pays for listings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payer {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Its limits.
    pub limits: SpendingLimits,
    /// What it has spent.
    pub spent: Spent,
}

/// A listing with the tenants that pay for it, by their places in the list of payers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidListing {
    /// The listing.
    pub request: RunRequest,
    /// The tenants that watch it.
    pub payers: Vec<usize>,
}

/// What is reserved for a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reservation {
    /// The listings that are paid for.
    pub listings: Vec<Listing>,
    /// The others.
    pub refused: Vec<(Listing, OverBudget)>,
    /// For the whole run.
    pub micros: u64,
    /// Of each tenant that pays: what, and for how many listings.
    pub shares: BTreeMap<TenantId, (u64, u64)>,
    /// The tenants that watch what is refused, with the budgets that refuse it.
    pub without_money: BTreeSet<(TenantId, BudgetOwner)>,
}

impl Reservation {
    fn refuse(&mut self, listing: Listing, why: OverBudget, watchers: impl Iterator<Item = TenantId>) {
        self.refused.push((listing, why));
        self.without_money.extend(watchers.map(|tenant_id| (tenant_id, why.owner())));
    }
}

/// Reserves money for as many of the listings as the budgets allow, requested ones first. Tenants share the cost of a listing that
/// several of them watch; those without money leave it to the others.
pub fn reserve(
    budget: &RunBudget,
    spent: Spent,
    mut payers: Vec<Payer>,
    mut listings: Vec<PaidListing>,
) -> Reservation {
    let mut reservation = Reservation::default();
    let mut spent = spent;
    listings.sort_by_key(|listing| !listing.request.is_requested);
    for PaidListing { request, payers: of_listing } in listings {
        let percent = if request.is_requested { 100 } else { 100 - u64::from(budget.requested_percent.min(100)) };
        let run_micros = if reservation.listings.is_empty() { budget.price.run_micros } else { 0 };
        let cost = budget.price.item_micros + run_micros;
        let room = |percent| budget.installation.room(spent, percent);
        if room(percent).is_some_and(|room| room < cost) {
            let is_all = room(100).is_some_and(|room| room < cost);
            let why = if is_all { OverBudget::Exhausted } else { OverBudget::Installation };
            reservation.refuse(request.listing, why, of_listing.iter().map(|payer| payers[*payer].tenant_id));
            continue;
        }
        let Some(paying) = able_to_pay(&payers, &of_listing, cost, percent) else {
            let watchers = of_listing.iter().map(|payer| payers[*payer].tenant_id);
            reservation.refuse(request.listing, OverBudget::Tenants, watchers);
            continue;
        };
        for (payer, micros) in paying.iter().zip(split(cost, &vec![1; paying.len()])) {
            let payer = &mut payers[*payer];
            payer.spent.day_micros += micros;
            payer.spent.month_micros += micros;
            let share = reservation.shares.entry(payer.tenant_id).or_default();
            *share = (share.0 + micros, share.1 + 1);
        }
        spent.day_micros += cost;
        spent.month_micros += cost;
        reservation.micros += cost;
        reservation.listings.push(request.listing);
    }
    reservation
}

/// The cost of a run with so many items for one tenant, if the budgets allow it. It is no requested crawl.
///
/// # Errors
/// Which budget does not.
pub fn reserve_items(budget: &RunBudget, spent: Spent, payer: &Payer, items: u32) -> Result<u64, OverBudget> {
    let percent = 100 - u64::from(budget.requested_percent.min(100));
    let cost = budget.price.run_micros + u64::from(items) * budget.price.item_micros;
    let has_room = |percent| budget.installation.room(spent, percent).is_none_or(|room| room >= cost);
    if !has_room(percent) {
        return Err(if has_room(100) { OverBudget::Installation } else { OverBudget::Exhausted });
    }
    let can_pay = payer.limits.room(payer.spent, percent).is_none_or(|room| room >= cost);
    if can_pay { Ok(cost) } else { Err(OverBudget::Tenants) }
}

/// Those that can pay their share of a cost: fewer payers pay more each. `None`: nobody can, though somebody should. A listing that
/// nobody watches is the installation's.
fn able_to_pay(payers: &[Payer], of_listing: &[usize], cost: u64, percent: u64) -> Option<Vec<usize>> {
    let mut able = of_listing.to_vec();
    loop {
        let count = able.len() as u64;
        if count == 0 {
            return of_listing.is_empty().then_some(able);
        }
        let share = cost.div_ceil(count);
        able.retain(|payer| payers[*payer].limits.room(payers[*payer].spent, percent).is_none_or(|room| room >= share));
        if able.len() as u64 == count {
            return Some(able);
        }
    }
}

/// Splits an amount in proportion to weights, to the last millionth: the largest remainders get what is left over. All alike if every
/// weight is zero.
pub fn split(amount: u64, weights: &[u64]) -> Vec<u64> {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if total == 0 {
        return if weights.is_empty() { Vec::new() } else { split(amount, &vec![1; weights.len()]) };
    }
    let exact = |weight: u64| u128::from(amount) * u128::from(weight);
    // Not larger than the amount.
    let mut parts: Vec<u64> =
        weights.iter().map(|weight| u64::try_from(exact(*weight) / total).unwrap_or(amount)).collect();
    let left = amount - parts.iter().sum::<u64>();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|place| std::cmp::Reverse(exact(weights[*place]) % total));
    for place in by_remainder.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        parts[place] += 1;
    }
    parts
}

/// What a tenant spends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSpending {
    /// Today and this month.
    pub spent: Spent,
    /// When the day ends.
    pub day_ends_at: Timestamp,
    /// When the month ends.
    pub month_ends_at: Timestamp,
    /// This month, by source: listings, what is settled, and what is still reserved.
    pub sources: Vec<SourceSpending>,
}

/// What a tenant spends on a source in this month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSpending {
    /// The source.
    pub source: String,
    /// Listings that were paid for.
    pub listings: u64,
    /// For runs that have ended.
    pub settled_micros: u64,
    /// For runs that have not.
    pub reserved_micros: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Marketplace;

    fn listing(n: u64) -> Listing {
        Listing::new(Marketplace::De, format!("B{n:09}").parse().unwrap())
    }

    fn paid(n: u64, is_requested: bool, payers: &[usize]) -> PaidListing {
        PaidListing { request: RunRequest { listing: listing(n), is_requested }, payers: payers.to_vec() }
    }

    fn payer(n: u8, day_micros: Option<u64>) -> Payer {
        let limits = SpendingLimits { day_micros, month_micros: None };
        Payer { tenant_id: TenantId(uuid::Uuid::from_u128(n.into())), limits, spent: Spent::default() }
    }

    fn budget(day_micros: Option<u64>) -> RunBudget {
        RunBudget {
            price: SourcePrice { item_micros: 100, run_micros: 0 },
            installation: SpendingLimits { day_micros, month_micros: None },
            requested_percent: 20,
            ..RunBudget::default()
        }
    }

    #[test]
    fn a_part_of_the_budget_is_kept_for_requested_crawls() {
        let listings = (0..9).map(|n| paid(n, false, &[0])).chain((10..14).map(|n| paid(n, true, &[0]))).collect();
        let made = reserve(&budget(Some(1_000)), Spent::default(), vec![payer(1, None)], listings);
        // Four requested ones, and four more until 80 % are spent.
        assert_eq!((made.listings.len(), made.micros), (8, 800));
        assert!(made.refused.iter().all(|(_, why)| *why == OverBudget::Installation), "{made:?}");
        let spent = Spent { day_micros: 1_000, month_micros: 1_000 };
        let none = reserve(&budget(Some(1_000)), spent, vec![payer(1, None)], vec![paid(1, true, &[0])]);
        assert_eq!(none.refused, [(listing(1), OverBudget::Exhausted)]);
    }

    #[test]
    fn tenants_share_a_listing_and_those_without_money_leave_it_to_the_others() {
        let payers = vec![payer(1, None), payer(2, Some(60)), payer(3, Some(0))];
        let listings = vec![paid(1, true, &[0, 1]), paid(2, true, &[0, 1]), paid(3, true, &[1]), paid(4, true, &[2])];
        let made = reserve(&budget(None), Spent::default(), payers, listings);
        let shares: Vec<(u64, u64)> = made.shares.values().copied().collect();
        assert_eq!(shares, [(150, 2), (50, 1)]);
        assert_eq!(made.refused, [(listing(3), OverBudget::Tenants), (listing(4), OverBudget::Tenants)]);
        let told: Vec<TenantId> = made.without_money.iter().map(|(tenant_id, _)| *tenant_id).collect();
        assert_eq!(told, [payer(2, None).tenant_id, payer(3, None).tenant_id]);
    }

    #[test]
    fn a_listing_that_nobody_watches_is_paid_by_the_installation() {
        let made = reserve(&budget(Some(1_000)), Spent::default(), vec![], vec![paid(1, false, &[])]);
        assert_eq!((made.micros, made.shares.len(), made.refused.len()), (100, 0, 0));
    }

    #[test]
    fn a_run_for_one_tenant_leaves_what_is_kept_for_requested_crawls() {
        let cost = |installation, tenant, items| {
            reserve_items(&budget(installation), Spent::default(), &payer(1, tenant), items)
        };
        assert_eq!(cost(Some(1_000), Some(1_000), 8), Ok(800));
        assert_eq!(cost(Some(1_000), None, 9), Err(OverBudget::Installation));
        assert_eq!(cost(Some(1_000), None, 11), Err(OverBudget::Exhausted));
        assert_eq!(cost(None, Some(1_000), 9), Err(OverBudget::Tenants));
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_amount(amount in 0..u64::MAX / 2, weights in prop::collection::vec(0..1_000_000_u64, 1..20)) {
            let parts = split(amount, &weights);
            prop_assert_eq!(parts.iter().sum::<u64>(), amount);
            let total: u64 = weights.iter().sum();
            if let Some(place) = weights.iter().position(|weight| *weight == 0).filter(|_| total > 0) {
                prop_assert_eq!(parts[place], 0);
            }
        }

        #[test]
        fn no_limit_is_exceeded_and_shares_add_up(
            day in 0..3_000_u64,
            tenants in prop::collection::vec(0..1_500_u64, 1..5),
            wanted in prop::collection::vec((any::<bool>(), prop::collection::btree_set(0..5_usize, 0..4)), 0..40),
        ) {
            let payers: Vec<Payer> = (0..).zip(&tenants).map(|(n, limit)| payer(n, Some(*limit))).collect();
            let count = payers.len();
            let listings = (0..).zip(&wanted).map(|(n, (is_requested, by))| {
                paid(n, *is_requested, &by.iter().copied().filter(|payer| *payer < count).collect::<Vec<_>>())
            });
            let listings: Vec<PaidListing> = listings.collect();
            let unwatched = listings.iter().filter(|listing| listing.payers.is_empty()).map(|listing| listing.request.listing);
            let unwatched: Vec<Listing> = unwatched.collect();
            let made = reserve(&budget(Some(day)), Spent::default(), payers.clone(), listings);
            prop_assert!(made.micros <= day);
            for payer in &payers {
                let (micros, _) = made.shares.get(&payer.tenant_id).copied().unwrap_or_default();
                prop_assert!(micros <= payer.limits.day_micros.unwrap());
            }
            let of_nobody = made.listings.iter().filter(|listing| unwatched.contains(listing)).count() as u64 * 100;
            prop_assert_eq!(made.shares.values().map(|share| share.0).sum::<u64>() + of_nobody, made.micros);
            prop_assert_eq!(made.listings.len() + made.refused.len(), wanted.len());
        }
    }
}
