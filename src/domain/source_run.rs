//! Runs of a source that crawls many listings at once.

use jiff::Timestamp;
use uuid::Uuid;

use super::budget::{BudgetRefusal, OverBudget};
use super::ids::{JobId, TenantId};
use super::listing::Listing;

/// A run that was started, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRun {
    /// Our identity of it.
    pub id: Uuid,
    /// The source's; `None`: it was recorded before the request that starts it, whose answer is not known.
    pub external_id: Option<String>,
    /// When it was recorded.
    pub opened_at: Timestamp,
    /// Recorded just now: nobody has tried to start it.
    pub is_new: bool,
    /// All of its listings.
    pub listings: Vec<Listing>,
    /// Those that were asked for.
    pub wanted: Vec<Listing>,
}

/// The runs that answer some listings, and the listings that there is no money for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenedRuns {
    /// The runs.
    pub runs: Vec<SourceRun>,
    /// Listings that no run answers, and why none was begun for them.
    pub refused: Vec<(Listing, OverBudget)>,
    /// The tenants that are to be told that a budget is spent: once a day of each budget.
    pub refusals: Vec<BudgetRefusal>,
}

/// A step of a job that reads a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobStep {
    /// The tenant, which pays.
    pub tenant_id: TenantId,
    /// The job.
    pub job_id: JobId,
    /// The fencing token of the step.
    pub token: i64,
}

/// The run that reads a list of products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenedListRun {
    /// The run.
    Run(SourceRun),
    /// There is no money for one.
    Refused {
        /// Why.
        why: OverBudget,
        /// The tenant, if it is to be told that a budget is spent.
        refusals: Vec<BudgetRefusal>,
    },
}

/// How a run ended, for the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// It answers its listings, those that it lacks too.
    Ended {
        /// What it has cost, in millionths of a US dollar; `None`: unknown.
        cost_micros: Option<u64>,
    },
    /// It was never started, or cannot be read: it answers nothing.
    Lost,
}
