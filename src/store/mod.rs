//! What must survive: listings, history, rules, deliveries and the lease queue.
//!
//! One contract, two engines. The traits here speak the domain's verbs; [`sqlite`] is the embedded default with one
//! writer, [`postgres`] carries many replicas. What both understand is written once, in [`sql`], and compiled for each.
//! One conformance suite (`tests/store`) holds every promise below on both.
//!
//! Three rules hold for every method: it is one autocommit statement or a transaction that nobody cancels half-way; it
//! names the tenant unless it serves the crawl, which is everyone's; and it uses the database's clock on PostgreSQL.

mod alerts;
mod catalog;
mod history;
mod lease;
mod outbox;
mod tasks;
mod upkeep;

use std::sync::Arc;

use crate::domain::ProductId;

pub use alerts::{Alerts, EventRow, NewRule, RuleRow};
pub use catalog::{Catalog, NewProduct, Page, ProductFilter, ProductOrder, ProductPatch};
pub use history::History;
pub use lease::{Backlog, Claim, Commit, Committed, Lane, LeaseQueue, Next, RuleStep, TaskEnd};
pub use outbox::{ClaimedDelivery, DeliveryEnd, Outbox};
pub use tasks::Tasks;
pub use upkeep::Upkeep;

/// Everything a store can do. Consumers name only the part they need.
pub trait Store: LeaseQueue + Catalog + History + Alerts + Outbox + Tasks + Upkeep {}

impl<S: LeaseQueue + Catalog + History + Alerts + Outbox + Tasks + Upkeep> Store for S {}

/// A store shared by everyone in the process.
pub type SharedStore = Arc<dyn Store>;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or has no connection free: try again later.
    #[error("the database is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// There is no such thing, or it is another tenant's.
    #[error("not found")]
    NotFound,
    /// The tenant watches this listing already.
    #[error("the listing is already watched as product {0}")]
    AlreadyWatched(ProductId),
    /// A row holds what this version cannot read.
    #[error("the database holds a value that this version cannot read: {0}")]
    Corrupt(String),
    /// The schema does not fit this version.
    #[error("the database schema does not fit this version: {0}")]
    Schema(String),
    /// Anything else the database said.
    #[error("the database refused: {0}")]
    Refused(#[source] sqlx::Error),
}

/// What store methods return.
pub type StoreResult<T> = Result<T, StoreError>;
