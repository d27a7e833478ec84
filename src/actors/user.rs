//! The UserActor caches one principal, a user or an API key, and counts its requests.
//!
//! The row is the truth. The cached one is two seconds old at most, and is invalidated at once by changes in this process. With Redis
//! it is invalidated at once by changes on any replica: each change increments the generation of the principal, and the script that
//! counts a request compares generations in the same step.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::kernel::{Actor, Cx, Entity, Reply, Shards};
use super::revocations::Revocations;
use crate::config::{Plan, Plans};
use crate::domain::{ApiKey, ApiKeyId, SessionId, TenantId, TokenHash, User, UserId, UserStatus};
use crate::limits::{DistributedLimiter, RateLimitStatus, RequestBudget, Taken, TenantBudgets, UNKNOWN_GENERATION};
use crate::store::{AuditEvent, SharedStore, StoreError, StoreResult};

/// What another replica changes is seen after this time.
const FRESH_FOR: Duration = Duration::from_secs(2);
/// A key's use is noted no more often than this.
const USE_RECORDED_EVERY: Duration = Duration::from_secs(60);

/// A user or an API key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A person of a tenant.
    User(TenantId, UserId),
    /// A machine, by the hash of its key.
    Key(TokenHash),
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(_, id) => write!(f, "user {id}"),
            // Not even the hash of a credential belongs into a log.
            Self::Key(_) => f.write_str("a key"),
        }
    }
}

impl Principal {
    /// The name that all replicas know it by: of a budget, a generation, a revocation.
    pub fn subject(&self) -> String {
        match self {
            Self::User(tenant_id, id) => format!("user:{tenant_id}:{id}"),
            // Half of the hash identifies a key.
            Self::Key(TokenHash(hash)) => {
                hash[..16].iter().fold("key:".to_owned(), |name, byte| format!("{name}{byte:02x}"))
            }
        }
    }
}

/// The principal cache.
pub type PrincipalCache = Shards<UserActor>;

/// The row of a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A user.
    User(User),
    /// An API key.
    Key(ApiKey),
}

impl Identity {
    fn tenant_id(&self) -> TenantId {
        match self {
            Self::User(user) => user.tenant_id,
            Self::Key(key) => key.tenant_id,
        }
    }
}

/// An authentication request.
#[derive(Debug, Clone, Copy)]
pub struct AuthRequest {
    /// The session, for a user.
    pub session_id: Option<SessionId>,
    /// The client's address.
    pub address: IpAddr,
    /// Its cost, in requests.
    pub cost: u32,
}

/// The decision.
#[derive(Debug, Clone, PartialEq)]
pub enum AuthDecision {
    /// Allowed, with the rest of the rate limit.
    Allowed(Arc<Identity>, Plan, RateLimitStatus),
    /// Over the rate limit.
    Limited(RateLimitStatus),
    /// Unknown, disabled, signed out, revoked or expired.
    Refused,
    /// The API key may not be used from this network.
    WrongNetwork,
    /// The database is unavailable, and the cached row is too old.
    Unavailable,
}

/// What a UserActor understands.
pub enum UserMessage {
    /// Authenticate a request.
    Authenticate(AuthRequest, Reply<AuthDecision>),
    /// The rows were read, beginning at this moment.
    Loaded(Instant, StoreResult<PrincipalRecord>),
    /// What was remembered under this generation when the request was judged is void: judge it anew.
    Stale(i64, AuthRequest, Reply<AuthDecision>),
    /// A use was recorded, a request was counted for all replicas, or neither.
    Done,
    /// The rows changed: the cached ones are void.
    Invalidate,
}

/// What is remembered.
#[derive(Debug, Clone)]
pub struct PrincipalRecord {
    identity: Arc<Identity>,
    /// The sign-ins and the grants that have not ended.
    sessions: HashSet<SessionId>,
    plan: Plan,
    requests_per_minute: u32,
    /// Stood in Redis when the reading began.
    generation: i64,
}

/// What every UserActor works with.
pub struct UserTools {
    /// Where the rows are stored.
    pub store: SharedStore,
    /// Plans by name.
    pub plans: Plans,
    /// Counts requests.
    pub limiter: DistributedLimiter,
    /// Counts the requests of tenants.
    pub tenants: TenantBudgets,
    /// Publishes changes.
    pub revocations: Revocations,
}

impl UserTools {
    async fn read(&self, principal: &Principal) -> StoreResult<PrincipalRecord> {
        // Before the rows: what changes while they are read is read again.
        let generation = if self.limiter.is_shared() {
            self.limiter.generation(&principal.subject()).await
        } else {
            UNKNOWN_GENERATION
        };
        let (tenant_id, identity, sessions) = match principal {
            Principal::User(tenant_id, id) => {
                let user = self.store.user(*tenant_id, *id).await?;
                let sessions = self.store.open_session_ids(*id).await?;
                (*tenant_id, Identity::User(user), sessions.into_iter().collect())
            }
            Principal::Key(hash) => {
                let key = self.store.api_key_by_hash(*hash).await?;
                (key.tenant_id, Identity::Key(self.limit_to_creator(key).await?), HashSet::new())
            }
        };
        let plan = self.store.tenant(tenant_id).await?.plan;
        let plan = self.plans.of(&plan);
        let of_plan = plan.requests_per_minute;
        let requests_per_minute = match &identity {
            Identity::Key(key) => key.requests_per_minute.map_or(of_plan, |own| own.min(of_plan)),
            Identity::User(_) => of_plan,
        };
        Ok(PrincipalRecord { identity: Arc::new(identity), sessions, plan, requests_per_minute, generation })
    }

    /// A key is limited to the current permissions of its creator.
    async fn limit_to_creator(&self, key: ApiKey) -> StoreResult<ApiKey> {
        let maker = self.store.user(key.tenant_id, key.created_by).await?;
        match maker.status {
            UserStatus::Active => Ok(ApiKey { scopes: key.scopes.and(maker.role.scopes()), ..key }),
            UserStatus::Disabled | UserStatus::PendingDeletion => Err(StoreError::NotFound("user")),
        }
    }
}

/// A request that waits for the row.
struct Waiting {
    request: AuthRequest,
    since: Instant,
    reply: Reply<AuthDecision>,
}

/// See the module.
pub struct UserActor {
    tools: Arc<UserTools>,
    principal: Principal,
    budget: Option<Arc<RequestBudget>>,
    remembered: Option<(Arc<PrincipalRecord>, Instant)>,
    /// What was read before is void.
    changed_at: Option<Instant>,
    is_loading: bool,
    waiting: Vec<Waiting>,
    use_recorded_at: Option<Instant>,
    refusal_recorded_at: Option<Instant>,
}

impl UserActor {
    /// A principal cache that remembers nothing yet.
    pub fn new(tools: Arc<UserTools>, principal: Principal) -> Self {
        Self {
            tools,
            principal,
            budget: None,
            remembered: None,
            changed_at: None,
            is_loading: false,
            waiting: Vec::new(),
            use_recorded_at: None,
            refusal_recorded_at: None,
        }
    }

    fn authenticate(&mut self, request: AuthRequest, reply: Reply<AuthDecision>, cx: &mut Cx<'_, Self>) {
        let fresh = self.remembered.as_ref().filter(|(_, read_at)| read_at.elapsed() < FRESH_FOR);
        match fresh.filter(|(record, _)| record.has_session(&request)).map(|(record, _)| Arc::clone(record)) {
            Some(record) => self.judge(&record, request, reply, cx),
            // The database is slow or unavailable: a longer queue would not help.
            None if self.waiting.len() >= Self::CAPACITY => reply.send(AuthDecision::Unavailable),
            None => {
                self.waiting.push(Waiting { request, since: Instant::now(), reply });
                self.load(cx);
            }
        }
    }

    fn load(&mut self, cx: &mut Cx<'_, Self>) {
        if self.is_loading {
            return;
        }
        self.is_loading = true;
        let (tools, principal, began_at) = (Arc::clone(&self.tools), self.principal.clone(), Instant::now());
        let read = async move { UserMessage::Loaded(began_at, tools.read(&principal).await) };
        let panicked = move || UserMessage::Loaded(began_at, Err(StoreError::Corrupt("reading panicked".to_owned())));
        cx.work("load", read, panicked);
    }

    fn loaded(&mut self, began_at: Instant, record: StoreResult<PrincipalRecord>, cx: &mut Cx<'_, Self>) {
        self.is_loading = false;
        if self.changed_at.is_some_and(|at| began_at < at) {
            return self.load_for_waiting(cx);
        }
        let record = match record {
            Ok(record) => Arc::new(record),
            Err(error) => return self.refuse_all(&error),
        };
        if self.budget.as_ref().is_none_or(|budget| budget.per_minute() != record.requests_per_minute) {
            let limiter = self.tools.limiter.clone();
            self.budget = Some(Arc::new(RequestBudget::new(record.requests_per_minute, limiter)));
        }
        self.remembered = Some((Arc::clone(&record), began_at));
        // A session that was opened after the read began may be missing from it: its requests wait for the next read.
        let is_late = |waiting: &Waiting| waiting.since > began_at && !record.has_session(&waiting.request);
        let (late, judged): (Vec<Waiting>, Vec<Waiting>) = self.waiting.drain(..).partition(is_late);
        self.waiting = late;
        for Waiting { request, reply, .. } in judged {
            self.judge(&record, request, reply, cx);
        }
        self.load_for_waiting(cx);
    }

    fn load_for_waiting(&mut self, cx: &mut Cx<'_, Self>) {
        if !self.waiting.is_empty() {
            self.load(cx);
        }
    }

    fn refuse_all(&mut self, error: &StoreError) {
        let answer = match error {
            StoreError::NotFound(_) => AuthDecision::Refused,
            _ => AuthDecision::Unavailable,
        };
        for waiting in self.waiting.drain(..) {
            waiting.reply.send(answer.clone());
        }
    }

    /// A request that is not allowed takes nothing from the rate limit.
    fn judge(
        &mut self,
        record: &PrincipalRecord,
        request: AuthRequest,
        reply: Reply<AuthDecision>,
        cx: &mut Cx<'_, Self>,
    ) {
        match record.identity.as_ref() {
            Identity::User(user) if user.status != UserStatus::Active || !record.has_session(&request) => {
                return reply.send(AuthDecision::Refused);
            }
            Identity::Key(key) if !key.is_in_force(Timestamp::now()) => return reply.send(AuthDecision::Refused),
            Identity::Key(key) if !key.is_usable_from(request.address) => {
                self.record_refusal(key, request.address, cx);
                return reply.send(AuthDecision::WrongNetwork);
            }
            Identity::Key(key) => self.record_use(key.id, cx),
            Identity::User(_) => {}
        }
        let Some(budget) = self.budget.clone() else { return reply.send(AuthDecision::Unavailable) };
        let tenant_id = record.identity.tenant_id();
        let of_tenant = self.tools.tenants.of(tenant_id, record.plan.requests_per_minute_of_tenant());
        if !self.tools.limiter.is_shared() {
            let own = budget.take_local(request.cost);
            let decisive = if own.wait.is_some() { own } else { own.within(of_tenant.take_local(request.cost)) };
            return reply.send(record.admission(decisive));
        }
        let (record, subject) = (record.clone(), self.principal.subject());
        let count = async move {
            let own = match budget.take(&subject, request.cost, record.generation).await {
                Taken::Decided(own) => own,
                Taken::StaleGeneration => return UserMessage::Stale(record.generation, request, reply),
            };
            if own.wait.is_some() {
                reply.send(record.admission(own));
                return UserMessage::Done;
            }
            let decisive = match of_tenant.take(&format!("tenant:{tenant_id}"), request.cost, 0).await {
                Taken::Decided(tenant) => own.within(tenant),
                Taken::StaleGeneration => own,
            };
            reply.send(record.admission(decisive));
            UserMessage::Done
        };
        cx.work("count", count, || UserMessage::Done);
    }

    /// Invalidates the cached row, here and on all replicas.
    fn invalidate(&mut self, cx: &mut Cx<'_, Self>) {
        self.invalidate_local();
        let (tools, subject) = (Arc::clone(&self.tools), self.principal.subject());
        let announce = async move {
            // First, so that a replica that receives the announcement finds its cached row stale.
            if tools.limiter.is_shared() {
                tools.limiter.bump_generation(&subject).await;
            }
            tools.revocations.principal_changed(subject);
            UserMessage::Done
        };
        cx.work("invalidate", announce, || UserMessage::Done);
    }

    fn invalidate_local(&mut self) {
        self.remembered = None;
        self.changed_at = Some(Instant::now());
    }

    /// Records the use of a key from a network that is not allowed, once per minute.
    fn record_refusal(&mut self, key: &ApiKey, address: IpAddr, cx: &mut Cx<'_, Self>) {
        if self.refusal_recorded_at.is_some_and(|at| at.elapsed() < USE_RECORDED_EVERY) {
            return;
        }
        self.refusal_recorded_at = Some(Instant::now());
        let event = AuditEvent {
            tenant_id: key.tenant_id,
            actor: crate::store::AuditActor::Key(key.id),
            action: "auth.api_key_network_denied",
            resource: Some(format!("key:{}", key.id)),
            address: Some(address),
            request_id: None,
            facts: serde_json::json!({}),
        };
        let store = Arc::clone(&self.tools.store);
        let note = async move {
            if let Err(error) = store.record(event).await {
                tracing::warn!(%error, "cannot record the use of an API key from a disallowed network");
            }
            UserMessage::Done
        };
        cx.work("record", note, || UserMessage::Done);
    }

    fn record_use(&mut self, id: ApiKeyId, cx: &mut Cx<'_, Self>) {
        if self.use_recorded_at.is_some_and(|at| at.elapsed() < USE_RECORDED_EVERY) {
            return;
        }
        self.use_recorded_at = Some(Instant::now());
        let store = Arc::clone(&self.tools.store);
        let note = async move {
            if let Err(error) = store.record_api_key_use(id, Timestamp::now()).await {
                tracing::debug!(%error, "cannot record the use of an API key");
            }
            UserMessage::Done
        };
        cx.work("record", note, || UserMessage::Done);
    }
}

impl PrincipalRecord {
    fn admission(&self, rate_limit: RateLimitStatus) -> AuthDecision {
        match rate_limit.wait {
            None => AuthDecision::Allowed(Arc::clone(&self.identity), self.plan, rate_limit),
            Some(_) => AuthDecision::Limited(rate_limit),
        }
    }

    fn has_session(&self, request: &AuthRequest) -> bool {
        match (self.identity.as_ref(), request.session_id) {
            (Identity::User(_), Some(id)) => self.sessions.contains(&id),
            (Identity::User(_), None) => false,
            (Identity::Key(_), _) => true,
        }
    }
}

impl Actor for UserActor {
    type Message = UserMessage;
    const KIND: &'static str = "user";
    const CAPACITY: usize = 256;
    const MESSAGES: &'static [&'static str] = &["authenticate", "loaded", "stale", "done", "invalidate"];

    fn name_of(message: &UserMessage) -> &'static str {
        match message {
            UserMessage::Authenticate(..) => "authenticate",
            UserMessage::Loaded(..) => "loaded",
            UserMessage::Stale(..) => "stale",
            UserMessage::Done => "done",
            UserMessage::Invalidate => "invalidate",
        }
    }

    fn handle(&mut self, message: UserMessage, cx: &mut Cx<'_, Self>) {
        match message {
            UserMessage::Authenticate(request, reply) => self.authenticate(request, reply, cx),
            UserMessage::Loaded(began_at, record) => self.loaded(began_at, record, cx),
            UserMessage::Stale(generation, request, reply) => {
                // Of many that were judged alike the first has seen to it.
                if self.remembered.as_ref().is_some_and(|(record, _)| record.generation == generation) {
                    self.invalidate_local();
                }
                self.authenticate(request, reply, cx);
            }
            UserMessage::Done => {}
            UserMessage::Invalidate => self.invalidate(cx),
        }
    }
}

impl Entity for UserActor {
    type Key = Principal;
    const SHARD_KIND: &'static str = "user_shard";
}
