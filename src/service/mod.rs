//! The use cases, one file per resource: what HTTP and the command line may ask for.
//!
//! Everything here runs on the shared runtime, whoever asks: an HTTP worker has a runtime of its own, and a connection
//! opened there would break when that worker ends.

mod access;
mod alerts;
mod api_keys;
mod auth;
mod cache_invalidation;
mod crawl;
mod health;
mod history;
mod idempotency;
mod links;
mod live;
mod products;
mod tenants;
mod users;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tracing::Instrument;

use crate::actors::kernel::Threads;
use crate::actors::live_feed::LiveFeedHandle;
use crate::actors::tracker::Trackers;
use crate::actors::user::PrincipalCache;
use crate::actors::wake_signal::WakeSignal;
use crate::auth::{Keyring, Passwords};
use crate::config::{AuthSettings, NotifySettings, Plans, ProductLimits};
use crate::domain::ProductId;
use crate::limits::AttemptsByAddress;
use crate::replicas::{Redis, SharedCache};
use crate::store::{SharedStore, StoreError};
use crate::telemetry::TRACE;

pub use crate::config::Plan;
pub use crate::limits::RateLimitStatus;
pub use crate::store::{
    AuditEntry, Change, DailyUsage, EventRow, FeedItem, Page, ProductFilter, ProductOrder, ProductPatch, RuleRow,
    StoredResponse, UsageRow, UserPatch,
};
pub use access::{Caller, Origin, Who};
pub use alerts::{AddRule, new_webhook_secret};
pub use api_keys::AddApiKey;
pub use auth::{Registration, SignedIn};
pub use cache_invalidation::{CacheInvalidation, MAX_RESPONSE_AGE};
pub use crawl::MAX_PRODUCTS_PER_TASK;
pub use health::Health;
pub use history::{History, HistoryQuery, Stats};
pub use idempotency::{IdempotentRequest, IdempotentStart};
pub use live::{LiveStream, StreamItem};
pub use products::{AddProduct, ListProducts};
pub use users::FirstUser;

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's path in the request: `target.amount_minor`.
    pub field: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl FieldError {
    /// A field and what is wrong with it.
    pub fn new(field: &str, message: impl ToString) -> Self {
        Self { field: field.to_owned(), message: message.to_string() }
    }
}

/// Why a use case was not carried out. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Some fields are wrong.
    #[error("{} is not valid", .0.first().map_or("the request", |first| &first.field))]
    Invalid(Vec<FieldError>),
    /// There is no such thing, or it is another tenant's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// There are no such things as some fields name.
    #[error("{} names nothing", .0.first().map_or("the request", |first| &first.field))]
    InvalidReference(Vec<FieldError>),
    /// The listing is watched already.
    #[error("the listing is already watched as product {0}")]
    AlreadyWatched(ProductId),
    /// It does not go together with how things stand; a code and a sentence.
    #[error("{1}")]
    Conflict(&'static str, String),
    /// The plan allows no more.
    #[error("the plan allows {limit} {quota}")]
    OverQuota {
        /// Which quota: `products`, `users`, `alerts`, `crawls_per_day`.
        quota: &'static str,
        /// How many it allows.
        limit: u32,
        /// When there is more again; `None`: when something is deleted, or the plan is another.
        resets_in: Option<Duration>,
    },
    /// The credential is missing, wrong, expired or revoked. Which of these is nobody's business.
    #[error("a valid credential is needed")]
    Unauthenticated,
    /// Address and password, or a refresh token, do not fit. Which of these is nobody's business.
    #[error("these credentials are not valid")]
    WrongCredentials,
    /// Another request of the same client has just used this refresh token: use what that one was given.
    #[error("this refresh token was used a moment ago: use the one that was given for it")]
    RecentlyRotated,
    /// The same request came before and is still under way.
    #[error("this request is still under way: ask again soon")]
    InProgress,
    /// What is to be changed is not what the client has seen.
    #[error("it has changed since you read it: read it again")]
    Changed,
    /// Known, but not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// Too many requests of this caller.
    #[error("too many requests")]
    RateLimited(RateLimitStatus),
    /// Too many attempts from this address.
    #[error("too many attempts from this address")]
    TooManyAttempts(RateLimitStatus),
    /// The database is away: try again soon.
    #[error("the database is unavailable; try again soon")]
    Unavailable,
    /// Our fault; the log has the details.
    #[error("something went wrong on our side")]
    Internal,
}

impl ServiceError {
    /// One field is wrong.
    pub fn invalid(field: &str, message: impl ToString) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    /// One field names nothing.
    fn invalid_reference(field: &str, what: &str) -> Self {
        Self::InvalidReference(vec![FieldError::new(field, format!("there is no such {what}"))])
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::NotFound(what),
            StoreError::InvalidCursor => Self::invalid("cursor", "was not given out for this list"),
            StoreError::AlreadyWatched(id) => Self::AlreadyWatched(id),
            StoreError::EmailTaken => Self::invalid("email", error),
            StoreError::OverQuota { quota, limit } => Self::OverQuota { quota, limit, resets_in: None },
            StoreError::Changed => Self::Changed,
            StoreError::LastAdmin => Self::Conflict("last_admin", error.to_string()),
            StoreError::Unavailable(error) => {
                tracing::debug!(%error, "the database is unavailable");
                Self::Unavailable
            }
            StoreError::Corrupt(_) | StoreError::Schema(_) | StoreError::Refused(_) => {
                tracing::error!(%error, "the store failed");
                Self::Internal
            }
        }
    }
}

/// What use cases return.
pub type ServiceResult<T> = Result<T, ServiceError>;

/// The use cases with what they need. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    runtime: Handle,
    deps: Arc<Dependencies>,
}

/// What the use cases work with.
pub struct Dependencies {
    /// The truth.
    pub store: SharedStore,
    /// Rung when something is asked for.
    pub scheduler: WakeSignal,
    /// Rung when a mail is to be sent.
    pub notifier: WakeSignal,
    /// Answers that are dear to make.
    pub cache: SharedCache,
    /// Where replicas share what they share, if there is such a place.
    pub redis: Option<Redis>,
    /// Where people reach this process: links begin with it.
    pub public_url: url::Url,
    /// There is a mail server.
    pub sends_mail: bool,
    /// Tells what is new.
    pub live: LiveFeedHandle,
    /// Know the hot listings, where this process crawls.
    pub trackers: Option<Trackers>,
    /// What has changed within the last moments.
    pub invalidation: Arc<CacheInvalidation>,
    /// Know who may come in.
    pub principal_cache: PrincipalCache,
    /// Signs and verifies access tokens.
    pub keyring: Keyring,
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// What tenants may have.
    pub plans: Plans,
    /// At the doors that need no credential.
    pub attempts: AttemptsByAddress,
    /// Who gets in.
    pub auth: AuthSettings,
    /// Known to be alive or not.
    pub threads: Arc<Threads>,
    /// What may be asked of us.
    pub limits: ProductLimits,
    /// How people are told.
    pub notify: NotifySettings,
    /// True from the signal to stop: not ready any more.
    pub draining: tokio::sync::watch::Sender<bool>,
}

impl Service {
    /// The use cases on the shared runtime.
    pub fn new(deps: Dependencies) -> Self {
        Self { runtime: deps.threads.runtime().clone(), deps: Arc::new(deps) }
    }

    /// What has changed within the last moments.
    pub fn invalidation(&self) -> &CacheInvalidation {
        &self.deps.invalidation
    }

    /// Says from now on that this process is not ready.
    pub fn set_draining(&self) {
        self.deps.draining.send_replace(true);
    }

    /// True from then on.
    pub fn is_draining(&self) -> bool {
        *self.deps.draining.borrow()
    }

    /// Runs a use case on the shared runtime. It goes on to its end even when nobody waits for it any more.
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

/// The name of a use case, for people: that of the method whose work it is.
fn use_case<Work>() -> &'static str {
    let path = std::any::type_name::<Work>();
    path.rsplit("::").find(|part| !part.contains(['{', '<', '>', ' '])).unwrap_or(path)
}

impl Dependencies {
    /// Something may be due sooner than the scheduler thinks.
    fn wake(&self) {
        self.scheduler.wake();
    }
}
