//! The use cases, one file per resource.
//!
//! They run on the shared runtime: an HTTP worker has its own, and a connection opened there would break when the worker ends.

mod access;
mod alert_preview;
mod alerts;
mod api_keys;
mod ask_model;
mod auth;
mod board;
mod board_average;
mod browser_sessions;
mod cache_invalidation;
mod channels;
mod chart_data;
mod chart_events;
mod charts;
mod competitor_candidates;
mod competitors;
mod crawl;
mod evidence;
mod feeds;
mod health;
mod history;
mod idempotency;
mod images;
mod insight;
mod jobs;
mod keepa;
mod links;
mod listing_check;
mod live;
mod message_links;
mod not_asked;
mod oauth;
mod offers;
mod passwords;
mod product_bulk;
mod product_search;
mod products;
mod reports;
mod samples;
mod schedules;
mod shares;
mod sources;
mod suggestions;
mod system_status;
mod tenants;
mod trackings;
mod users;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::Instrument;

use crate::actors::kernel::Threads;
use crate::actors::live_feed::LiveFeedHandle;
use crate::actors::revocations::Revocations;
use crate::actors::tracker::Trackers;
use crate::actors::user::PrincipalCache;
use crate::actors::wake_signal::WakeSignal;
use crate::auth::{Keyring, Passwords};
use crate::client_documents::ReadClientDocuments;
use crate::config::{AuthSettings, CrawlSettings, JobSettings, NotifySettings, OAuthSettings, Plans, ProductLimits};
use crate::domain::{AdviceFailureCode, BudgetOwner, ProductId};
use crate::limits::AttemptsByAddress;
use crate::replicas::{Redis, ReplicaCount, SharedCache};
use crate::sources::ResolveLinks;
use crate::sources::apify::RunCallbacks;
use crate::store::{SharedStore, StoreError};
use crate::telemetry::{Metrics, TRACE};

pub use crate::advice::{EvidenceRecord, SuggestionRecord};
pub use crate::chart::{ChartLanguage, Theme as ChartTheme};
pub use crate::config::Plan;
pub use crate::domain::LINK_KEY;
pub use crate::limits::RateLimitStatus;
pub use crate::store::{
    AuditEntry, AuditFilter, BoardCounts, Change, ChannelPatch, ChannelUsage, Creation, DailyUsage, EventFilter,
    EventRow, FeedItem, IdempotencyClaim, IdempotencyKey, JobFilter, MessageRow, Page, ProductFilter, ProductOrder,
    ProductPatch, ProductsChanged, ReportFilter, RuleChannels, RuleFilter, RulePatch, RuleRow, SettingsChange,
    StoredAdvice, StoredContent, StoredResponse, UsageRow, UserPatch,
};
pub use crate::telemetry::BreakerStatus;
pub use access::{Audience, Caller, Origin, Who};
pub use alert_preview::{Preview, PreviewRequest};
pub use alerts::{AddRule, new_webhook_secret};
pub use api_keys::{AddApiKey, MAX_NETWORKS};
pub use ask_model::AdviceModel;
pub use auth::{Registration, SignInOptions, SignedIn};
pub use board::{BoardItem, BoardOrder, BoardPage, BoardRequest, MAX_BOARD_ROWS, Spark};
pub use browser_sessions::{KnownBrowsers, SignedInBrowser};
pub use cache_invalidation::{CacheInvalidation, MAX_RESPONSE_AGE};
pub use channels::{AddChannel, ChannelMessages, TestResult};
pub use chart_data::{ChartData, ChartDataRequest, ChartLine, ChartSeries, chart_lines};
pub use chart_events::{ChartEvent, ChartEventKind, ChartTarget};
pub use charts::{ChartLook, ChartRequest};
pub use competitors::{AddCompetitorSet, ChangeCompetitorSet, CompareTarget, SetComparison};
pub use crawl::MAX_PRODUCTS_PER_TASK;
pub use feeds::FeedCache;
pub use health::Health;
pub use history::{History, HistoryQuery, SampledHistory, Stats, read_points};
pub use idempotency::KeyedRequest;
pub use images::ProductImage;
pub use insight::ProductInsight;
pub use jobs::{BatchTarget, CategoryTarget, ImportUpload, MAX_LISTINGS_PER_BATCH};
pub use keepa::{KeepaProduct, KeepaQuery, MAX_KEEPA_LISTINGS};
pub use listing_check::{CheckListing, CheckedContent, CheckedListing};
pub use live::{LiveStream, StreamItem};
pub use not_asked::NotAsked;
pub use oauth::{
    AuthorizationParameters, AuthorizationRefusal, ClientTokens, CodeExchange, ConsentQuestion, RefreshExchange,
    TokenRefusal, tools_resource,
};
pub use offers::Offers;
pub use product_bulk::{BulkAction, BulkTarget, MAX_PRODUCTS_AT_ONCE};
pub use product_search::{Bound, Measure, ProductSearch, SearchOrder};
pub use products::{AddProduct, ListProducts, ListingAddress, checked_search_text};
pub use reports::{MAX_RECIPIENTS, RenderedReport, ReportAction, ReportLink, ReportRequest};
pub use schedules::{MAX_LISTINGS_PER_SCHEDULE, ScheduleAction, ScheduleChange};
pub use shares::{ShareCharts, SharedChartRequest, SharedProduct};
pub use sources::{CrawlSums, MarketplaceHealth, SourceHealth};
pub use suggestions::{AdviceBudget, AskAdvice, AskedAdvice, ProductAdvice, ProductFinding, Suggestions};
pub use system_status::{StoredStatus, SystemStatus};
pub use trackings::{SetTracking, Tracking};
pub use users::FirstUser;

/// A wrong field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's path in the request: `target.amount_minor`.
    pub field: String,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl FieldError {
    /// A wrong field with a message.
    pub fn new(field: &str, message: impl ToString) -> Self {
        Self { field: field.to_owned(), message: message.to_string() }
    }

    /// What is wrong with a value that serde could not read at this path. The message names a missing, duplicate or unknown field; for a
    /// wrong value the path names it.
    pub fn of_wrong_value(path: &str, message: &str) -> Self {
        let named = ["unknown field `", "missing field `", "duplicate field `"].iter().find_map(|kind| {
            let (_, rest) = message.split_once(kind)?;
            rest.split_once('`').map(|(name, _)| name)
        });
        let path = path.trim_end_matches('?').trim_end_matches('.');
        let is_named = |name: &&str| path != *name && !path.ends_with(&format!(".{name}"));
        let field = match named.filter(is_named) {
            // The path is that of the parent.
            Some(name) if path.is_empty() => name.to_owned(),
            Some(name) => format!("{path}.{name}"),
            None if path.is_empty() => "body".to_owned(),
            None => path.to_owned(),
        };
        Self::new(&field, message)
    }

    /// The same field, of an object that the prefix names: `"add."`.
    pub(super) fn within(self, prefix: &str) -> Self {
        Self { field: format!("{prefix}{}", self.field), ..self }
    }
}

/// Why a use case failed. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Wrong fields.
    #[error("{} is not valid", .0.first().map_or("the request", |first| &first.field))]
    Invalid(Vec<FieldError>),
    /// It does not exist, or belongs to another tenant.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// Some fields refer to items that do not exist.
    #[error("{} does not refer to an existing item", .0.first().map_or("the request", |first| &first.field))]
    InvalidReference(Vec<FieldError>),
    /// The tenant already tracks the listing.
    #[error("the listing is already tracked as product {0}")]
    AlreadyWatched(ProductId),
    /// It conflicts with the current state; a code and a message.
    #[error("{1}")]
    Conflict(&'static str, String),
    /// A quota of the plan is exhausted.
    #[error("the plan allows {limit} {quota}")]
    OverQuota {
        /// The quota: `products`, `users`, `alerts`, `crawls_per_day`.
        quota: &'static str,
        /// The limit.
        limit: u32,
        /// When it is reset; `None`: never.
        resets_in: Option<Duration>,
    },
    /// A budget for advice has no room for a question.
    #[error(
        "the budget of {} for advice of models has no room for this question, which may cost up to {:.4} US dollars; it is renewed at {renewed_at}",
        match owner { BudgetOwner::Tenant => "your tenant", BudgetOwner::Installation => "this installation" },
        *cost_nanos as f64 / 1e9
    )]
    OverAdviceBudget {
        /// Whose budget it is.
        owner: BudgetOwner,
        /// What the question may cost, in billionths of a US dollar.
        cost_nanos: u64,
        /// When the next day begins.
        renewed_at: Timestamp,
    },
    /// A model gave no advice.
    #[error("{0}")]
    NoAdvice(AdviceFailureCode),
    /// The credential is missing, wrong, expired or revoked. Which of these is not disclosed.
    #[error("a valid credential is required")]
    Unauthenticated,
    /// Wrong e-mail address, password or refresh token. Which of these is not disclosed.
    #[error("invalid credentials")]
    WrongCredentials,
    /// Another request of the same client has just rotated this refresh token.
    #[error("refresh token already rotated; use the newer one")]
    RecentlyRotated,
    /// The resource has changed since the client read it.
    #[error("the resource has changed since you read it")]
    Changed,
    /// The caller is not allowed to do this.
    #[error("{0}")]
    Forbidden(String),
    /// The caller's rate limit is exceeded.
    #[error("rate limit exceeded")]
    RateLimited(RateLimitStatus),
    /// The address's limit of attempts is exceeded.
    #[error("too many attempts from this address")]
    TooManyAttempts(RateLimitStatus),
    /// The database is unavailable.
    #[error("the service is temporarily unavailable; retry later")]
    Unavailable,
    /// A bug or a misconfiguration; the log has the details.
    #[error("internal error")]
    Internal,
}

impl ServiceError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_request",
            Self::NotFound(_) | Self::InvalidReference(_) => "not_found",
            Self::AlreadyWatched(_) => "already_watched",
            Self::Conflict(code, _) => code,
            Self::OverQuota { .. } => "over_quota",
            Self::OverAdviceBudget { owner: BudgetOwner::Tenant, .. } => "over_tenant_budget",
            Self::OverAdviceBudget { owner: BudgetOwner::Installation, .. } => "over_installation_budget",
            Self::NoAdvice(code) => code.as_str(),
            Self::Unauthenticated => "unauthenticated",
            Self::WrongCredentials => "wrong_credentials",
            Self::RecentlyRotated => "recently_rotated",
            Self::Changed => "changed",
            Self::Forbidden(_) => "forbidden",
            Self::RateLimited(_) => "too_many_requests",
            Self::TooManyAttempts(_) => "too_many_attempts",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The wrong fields, if it is about some.
    pub fn fields(&self) -> &[FieldError] {
        match self {
            Self::Invalid(errors) | Self::InvalidReference(errors) => errors,
            _ => &[],
        }
    }

    /// One wrong field.
    pub fn invalid(field: &str, message: impl ToString) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    /// A field that refers to an item that does not exist.
    fn invalid_reference(field: &str, what: &str) -> Self {
        Self::InvalidReference(vec![FieldError::new(field, format!("no such {what}"))])
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::NotFound(what),
            StoreError::InvalidCursor => Self::invalid("cursor", "is not a cursor of this list"),
            StoreError::AlreadyWatched(id) => Self::AlreadyWatched(id),
            StoreError::EmailTaken => Self::invalid("email", error),
            StoreError::OverQuota { quota, limit } => Self::OverQuota { quota, limit, resets_in: None },
            StoreError::AlreadyReported(why) => Self::Conflict("already_reported", why),
            StoreError::Changed => Self::Changed,
            StoreError::IdempotencyKeyReused => Self::invalid("Idempotency-Key", "was used for another request"),
            StoreError::LastAdmin => Self::Conflict("last_admin", error.to_string()),
            StoreError::Unavailable(error) => {
                tracing::debug!(%error, "the database is unavailable");
                Self::Unavailable
            }
            StoreError::Corrupt(_) | StoreError::Schema(_) | StoreError::Refused(_) | StoreError::Replayed(_) => {
                tracing::error!(%error, "the store failed");
                Self::Internal
            }
        }
    }
}

/// What use cases return.
pub type ServiceResult<T> = Result<T, ServiceError>;

/// The use cases with their dependencies. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    runtime: Handle,
    deps: Arc<Dependencies>,
}

/// The dependencies of the use cases.
pub struct Dependencies {
    /// The database.
    pub store: SharedStore,
    /// Takes callbacks of Apify.
    pub callbacks: Arc<RunCallbacks>,
    /// Resolves short links; `None` if the settings turn it off.
    pub links: Option<Arc<dyn ResolveLinks>>,
    /// Status that other parts of this process have recorded.
    pub metrics: Arc<Metrics>,
    /// Woken when a crawl may be due.
    pub scheduler: WakeSignal,
    /// Woken when a message is to be sent.
    pub notifier: WakeSignal,
    /// Woken when a step of a job may be due.
    pub job_runner: WakeSignal,
    /// Cache of expensive results.
    pub cache: SharedCache,
    /// Redis, if it is configured.
    pub redis: Option<Redis>,
    /// The number of replicas.
    pub replica_count: ReplicaCount,
    /// The base URL of links.
    pub public_url: url::Url,
    /// Pictures of products are fetched and served.
    pub serves_images: bool,
    /// A mail server is configured.
    pub sends_mail: bool,
    /// Tests, previews and feeds of channels.
    pub channel_messages: Arc<dyn ChannelMessages>,
    /// Feeds that were written lately.
    pub feeds: FeedCache,
    /// The feed of changes and alerts.
    pub live: LiveFeedHandle,
    /// The listings in memory, if this process crawls.
    pub trackers: Option<Trackers>,
    /// Recent changes.
    pub invalidation: Arc<CacheInvalidation>,
    /// Authenticates users and keys.
    pub principal_cache: PrincipalCache,
    /// Announces that a principal changed.
    pub revocations: Revocations,
    /// Whose the tokens of browsers are.
    pub browsers: KnownBrowsers,
    /// Signs and verifies access tokens.
    pub keyring: Keyring,
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// The plans.
    pub plans: Plans,
    /// Rate limits of routes without credentials.
    pub attempts: AttemptsByAddress,
    /// Rate limits of the public pages of products.
    pub share_views: AttemptsByAddress,
    /// Charts of these pages that were drawn lately.
    pub share_charts: ShareCharts,
    /// Settings of authentication.
    pub auth: AuthSettings,
    /// Settings of clients that act for users.
    pub oauth: OAuthSettings,
    /// Reads the documents of these clients.
    pub clients: Arc<dyn ReadClientDocuments>,
    /// The threads of this process.
    pub threads: Arc<Threads>,
    /// Settings of products.
    pub limits: ProductLimits,
    /// The model that is asked for advice; `None` if the settings turn it off.
    pub model: Option<Arc<AdviceModel>>,
    /// Settings of jobs.
    pub jobs: JobSettings,
    /// `[crawl]`: what sources may do.
    pub crawl: CrawlSettings,
    /// Settings of notifications.
    pub notify: NotifySettings,
    /// True from the signal to stop.
    pub draining: tokio::sync::watch::Sender<bool>,
}

impl Service {
    /// The use cases on the shared runtime.
    pub fn new(deps: Dependencies) -> Self {
        Self { runtime: deps.threads.runtime().clone(), deps: Arc::new(deps) }
    }

    /// True if links begin with `https`.
    pub fn has_secure_public_url(&self) -> bool {
        self.deps.public_url.scheme() == "https"
    }

    /// The base URL of links.
    pub fn public_url(&self) -> &url::Url {
        &self.deps.public_url
    }

    /// Recent changes.
    pub fn invalidation(&self) -> &CacheInvalidation {
        &self.deps.invalidation
    }

    /// Marks this process as not ready.
    pub fn set_draining(&self) {
        self.deps.draining.send_replace(true);
    }

    /// True while the process is stopping.
    pub fn is_draining(&self) -> bool {
        *self.deps.draining.borrow()
    }

    /// Runs a use case on the shared runtime. It is not cancelled when its caller stops waiting.
    async fn run<T, F>(&self, work: impl FnOnce(Arc<Dependencies>) -> F) -> ServiceResult<T>
    where
        T: Send + 'static,
        F: Future<Output = ServiceResult<T>> + Send + 'static,
    {
        let span = tracing::info_span!(target: TRACE, "use case", otel.name = use_case::<F>());
        let work = work(Arc::clone(&self.deps)).instrument(span).in_current_span();
        self.runtime.spawn(work).await.unwrap_or(Err(ServiceError::Internal))
    }
}

/// The name of a use case in traces: that of its method.
fn use_case<Work>() -> &'static str {
    let path = std::any::type_name::<Work>();
    path.rsplit("::").find(|part| !part.contains(['{', '<', '>', ' '])).unwrap_or(path)
}

impl Dependencies {
    /// Wakes the scheduler: something may be due earlier than it expects.
    fn wake(&self) {
        self.scheduler.wake();
    }
}
