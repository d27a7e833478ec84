//! The store: listings, history, rules, deliveries, accounts and the lease queue.
//!
//! One contract, two engines: `sqlite` is the embedded default with one writer, `postgres` serves many replicas. SQL that both
//! understand is written once, in `sql/`, and compiled for each (see `sql/mod.rs`). One conformance suite (`tests/store`) tests
//! every promise below on both.
//!
//! Three rules hold for every method. It is one autocommit statement or a transaction that ends even when its caller is
//! cancelled. It names the tenant, except where it serves the crawl of all tenants. It reads the database's clock inside its
//! statements.

mod account_rows;
mod accounts;
mod advice;
mod alerts;
mod audit;
mod batch;
mod board;
mod catalog;
mod change_feed;
mod channel_rows;
mod channels;
mod clock;
mod competitors;
mod crawl_allocations;
mod crawl_counts;
mod cursor;
mod encryption;
mod error;
mod field_drifts;
mod grants;
mod history;
mod history_imports;
mod idempotency;
mod jobs;
mod lease;
mod listing_images;
mod maintenance;
mod message_queue;
mod migrate_store;
mod outages;
mod outbox;
mod page_samples;
mod past_points;
mod postgres;
mod reports;
mod rows;
mod rule_rows;
mod schedules;
mod sessions;
mod shares;
mod source_runs;
mod sqlite;
mod stored_response;
mod table_copy;
mod tasks;
mod tenant_scope;
mod tenants;
mod uncancelled;
mod usage;
mod write_probe;

use std::sync::Arc;

use crate::config::DatabaseSettings;

pub use accounts::{Accounts, Credentials, FirstLink, LinkFacts, LinkUse, NewLink, NewUser, StoredLink, UserPatch};
pub use advice::{
    AcceptedAdvice, AdviceEnd, AdviceRequests, AdviceReservation, AdviceSpending, NewAdviceRequest, StoredAdvice,
};
pub use alerts::{Alerts, EventFilter, EventRow, NewRule, RuleChannels, RuleFilter, RulePatch, RuleRow, RuleWebhook};
pub use audit::{Audit, AuditActor, AuditEntry, AuditEvent, AuditFilter};
pub use board::{Board, BoardCounts, BoardRow, ProductsChange, ProductsChanged, SettingsChange};
pub use catalog::{Catalog, FailingListing, NewProduct, Page, ProductFilter, ProductOrder, ProductPatch};
pub use change_feed::{Change, ChangeFeed, FeedItem};
pub use channels::{
    ChannelPatch, ChannelUsage, Channels, ClaimedMessage, MessageEnd, MessageQuota, MessageRow, NewChannel,
};
pub use clock::StoreClock;
pub use competitors::{CompetitorSetPatch, CompetitorSets, ListNeighbour, NewCompetitorSet};
pub use crawl_allocations::CrawlAllocations;
pub use crawl_counts::{CrawlCount, CrawlCounts, SourceCosts};
pub(crate) use cursor::{Cursor, SortKey, page};
pub use error::{StoreError, StoreResult};
pub use field_drifts::FieldDrifts;
pub use grants::{CodeRedemption, EndedGrant, GrantRefresh, GrantedAccess, Granting, Grants, NewAuthorizationCode};
pub use history::{History, PointPlace, PointsPage, StoredContent};
pub use history_imports::{HistoryClaim, HistoryImportSums, HistoryImports, HistoryLease, HistoryRetry, ImportedPast};
pub use idempotency::{Creation, IdempotencyClaim, IdempotencyKey, IdempotencyStore, idempotently};
pub use jobs::{
    BatchItem, ClaimedJob, ImportItem, JobFilter, JobLease, Jobs, ListedPage, NewJob, NewJobItem, UnprocessedItem,
};
pub use lease::{
    Backlog, Claim, ClaimRequest, Commit, Committed, ContentVersion, ItemsEnd, Lane, LeaseQueue, Next, ReadOffers,
    Room, RuleStep,
};
pub use listing_images::{ListingImages, StoredImage, WantedImage};
pub use maintenance::{DatabaseStats, OnWrite, StoreMaintenance};
pub use message_queue::MessageQueue;
pub use migrate_store::{MigratedTable, MigrationProgress, migrate_store};
pub use outages::Outages;
pub use outbox::{ClaimedDelivery, DeliveryChannel, DeliveryClaim, DeliveryEnd, Outbox};
pub use page_samples::{PageSamples, SampleContent};
pub use reports::{
    FinishedReport, ItemSummary, MAX_DOCUMENT_BYTES, MAX_REPORTS, REPORT_ITEM, ReportFilter, ReportMail, Reports,
};
pub use schedules::{NewSchedule, RunRequest, Schedules};
pub use sessions::{BrowserLifetime, BrowserSession, NewApiKey, NewSession, Rotation, Sessions};
pub use shares::{NewShare, Shares};
pub use source_runs::SourceRuns;
pub use sqlite::DaemonLock;
pub use sqlite::backup::back_up;
pub use sqlite::database_file as sqlite_file;
pub use stored_response::StoredResponse;
pub use table_copy::MigrateStoreError;
pub use tasks::Tasks;
pub use tenants::{DailyUsage, TenantPatch, Tenants};
pub use usage::{Usage, UsageRow};

/// Everything a store can do. Consumers name only the part they need.
pub trait Store:
    LeaseQueue
    + Catalog
    + Board
    + History
    + HistoryImports
    + ChangeFeed
    + Alerts
    + Channels
    + CompetitorSets
    + Outbox
    + Tasks
    + Jobs
    + Schedules
    + Reports
    + Tenants
    + Accounts
    + Sessions
    + Shares
    + Grants
    + Audit
    + Usage
    + IdempotencyStore
    + SourceRuns
    + AdviceRequests
    + CrawlCounts
    + Outages
    + CrawlAllocations
    + FieldDrifts
    + PageSamples
    + ListingImages
    + StoreMaintenance
{
}

impl<
    S: LeaseQueue
        + Catalog
        + Board
        + History
        + HistoryImports
        + ChangeFeed
        + Alerts
        + Channels
        + CompetitorSets
        + Outbox
        + Tasks
        + Jobs
        + Schedules
        + Reports
        + Tenants
        + Accounts
        + Sessions
        + Shares
        + Grants
        + Audit
        + Usage
        + IdempotencyStore
        + SourceRuns
        + AdviceRequests
        + CrawlCounts
        + Outages
        + CrawlAllocations
        + FieldDrifts
        + PageSamples
        + ListingImages
        + StoreMaintenance,
> Store for S
{
}

/// A store shared within the process.
pub type SharedStore = Arc<dyn Store>;

/// The database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded, for one process.
    Sqlite,
    /// A server, shared by many replicas.
    Postgres,
}

impl Engine {
    /// The engine that the URL names.
    ///
    /// # Errors
    /// [`StoreError::Schema`] for an unknown scheme.
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

/// Opens the store that the settings name. Connections are opened when they are needed: a server that is down causes
/// [`StoreError::Unavailable`] at the first query.
///
/// # Errors
/// [`StoreError::Schema`] for an unknown scheme, [`StoreError::Refused`] for a URL that cannot be parsed,
/// [`StoreError::Unavailable`] when the folder of an SQLite file cannot be created.
pub async fn open(settings: &DatabaseSettings, clock: StoreClock) -> StoreResult<SharedStore> {
    match Engine::of(settings)? {
        Engine::Sqlite => Ok(Arc::new(sqlite::SqliteStore::open(settings, clock).await?)),
        Engine::Postgres => Ok(Arc::new(postgres::PostgresStore::open(settings, clock)?)),
    }
}
