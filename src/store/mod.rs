//! What must survive: listings, history, rules, deliveries and the lease queue.
//!
//! One contract, two engines. The traits here speak the domain's verbs; `sqlite` is the embedded default with one
//! writer, `postgres` carries many replicas. What both understand is written once, in `sql/`, and compiled for each.
//! One conformance suite (`tests/store`) holds every promise below on both.
//!
//! Three rules hold for every method: it is one autocommit statement or a transaction that nobody cancels half-way; it
//! names the tenant unless it serves the crawl, which is everyone's; and it uses the database's clock on PostgreSQL.

mod account_rows;
mod accounts;
mod alerts;
mod audit;
mod batch;
mod catalog;
mod change_feed;
mod clock;
mod cursor;
mod error;
mod history;
mod idempotency;
mod lease;
mod maintenance;
mod migrate_store;
mod outbox;
mod postgres;
mod rows;
mod sessions;
mod sqlite;
mod stored_response;
mod tasks;
mod tenant_scope;
mod tenants;
mod uncancelled;
mod usage;

use std::sync::Arc;

use crate::config::DatabaseSettings;

pub use accounts::{Accounts, Credentials, FirstLink, LinkFacts, LinkUse, NewLink, NewUser, StoredLink, UserPatch};
pub use alerts::{Alerts, EventRow, NewRule, RuleRow};
pub use audit::{Audit, AuditActor, AuditEntry, AuditEvent};
pub use catalog::{Catalog, NewProduct, Page, ProductFilter, ProductOrder, ProductPatch};
pub use change_feed::{Change, ChangeFeed, FeedItem};
pub use clock::StoreClock;
pub use error::{StoreError, StoreResult};
pub use history::History;
pub use idempotency::{Creation, IdempotencyClaim, IdempotencyKey, IdempotencyStore, idempotently};
pub use lease::{Backlog, Claim, Commit, Committed, Lane, LeaseQueue, Next, RuleStep, TaskEnd};
pub use maintenance::{DatabaseStats, OnWrite, StoreMaintenance};
pub use migrate_store::{MigrateStoreError, MigratedTable, migrate_store};
pub use outbox::{ClaimedDelivery, DeliveryEnd, Outbox};
pub use sessions::{NewApiKey, NewSession, Rotation, Sessions};
pub use sqlite::backup::back_up;
pub use stored_response::StoredResponse;
pub use tasks::Tasks;
pub use tenants::{DailyUsage, TenantPatch, Tenants};
pub use usage::{CrawlQuota, Usage, UsageRow};

/// Everything a store can do. Consumers name only the part they need.
pub trait Store:
    LeaseQueue
    + Catalog
    + History
    + ChangeFeed
    + Alerts
    + Outbox
    + Tasks
    + Tenants
    + Accounts
    + Sessions
    + Audit
    + Usage
    + IdempotencyStore
    + StoreMaintenance
{
}

impl<
    S: LeaseQueue
        + Catalog
        + History
        + ChangeFeed
        + Alerts
        + Outbox
        + Tasks
        + Tenants
        + Accounts
        + Sessions
        + Audit
        + Usage
        + IdempotencyStore
        + StoreMaintenance,
> Store for S
{
}

/// A store shared by everyone in the process.
pub type SharedStore = Arc<dyn Store>;

/// Which database keeps the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded, one process, nothing to install.
    Sqlite,
    /// A server that many replicas share.
    Postgres,
}

impl Engine {
    /// The engine that the URL names.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when it names none that is known here.
    pub fn of(settings: &DatabaseSettings) -> StoreResult<Self> {
        match settings.url.reveal().split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            _ => {
                Err(StoreError::Schema("the database URL must begin with sqlite:, postgres: or postgresql:".to_owned()))
            }
        }
    }
}

/// Opens the store that the settings name. Connections are made when they are needed: a server that is down shows at
/// the first query, as [`StoreError::Unavailable`].
///
/// # Errors
/// [`StoreError::Schema`] for an unknown scheme, [`StoreError::Refused`] for a URL that cannot be read,
/// [`StoreError::Unavailable`] when the folder of an SQLite file cannot be made.
pub async fn open(settings: &DatabaseSettings, clock: StoreClock) -> StoreResult<SharedStore> {
    match Engine::of(settings)? {
        Engine::Sqlite => Ok(Arc::new(sqlite::SqliteStore::open(settings, clock).await?)),
        Engine::Postgres => Ok(Arc::new(postgres::PostgresStore::open(settings, clock)?)),
    }
}
