//! The gatekeeper of one person or one key: a cache of who that is, and the counter of their requests.
//!
//! The row is the truth; what is remembered of it is a few seconds old at most, and what changes in this process is
//! forgotten at once. With Redis it is forgotten at once wherever it changes: a mark stands there for everybody who changed,
//! and whoever takes a request from the budget of all replicas hears of it in the same step.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::kernel::{Actor, Cx, Entity, Reply, Shards};
use crate::config::{Plan, Plans};
use crate::domain::{ApiKey, ApiKeyId, SessionId, TenantId, TokenHash, User, UserId, UserStatus};
use crate::limits::{Allowance, RequestBudget, Sharing, Taken, UNKNOWN_MARK};
use crate::store::{Act, SharedStore, StoreError, StoreResult};

/// What another replica changes is seen after this time.
const FRESH_FOR: Duration = Duration::from_secs(2);
/// A key's use is noted no more often than this.
const USE_NOTED_EVERY: Duration = Duration::from_secs(60);

/// Who has a gatekeeper.
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
    /// How the others know whom a budget or a mark belongs to.
    fn whose(&self) -> String {
        match self {
            Self::User(tenant_id, id) => format!("user:{tenant_id}:{id}"),
            // Half of the hash tells one key from all others.
            Self::Key(TokenHash(hash)) => {
                hash[..16].iter().fold("key:".to_owned(), |name, byte| format!("{name}{byte:02x}"))
            }
        }
    }
}

/// The gatekeepers.
pub type Gatekeepers = Shards<UserActor>;

/// Who somebody turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A person.
    User(User),
    /// A machine.
    Key(ApiKey),
}

/// One request at the gate.
#[derive(Debug, Clone, Copy)]
pub struct Knock {
    /// The sign-in, for a person.
    pub session_id: Option<SessionId>,
    /// From where.
    pub address: IpAddr,
    /// What it costs.
    pub cost: u32,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Let in, and what is left.
    Admitted(Arc<Identity>, Plan, Allowance),
    /// Too many requests.
    Limited(Allowance),
    /// Not known, disabled, signed out, revoked, expired.
    Refused,
    /// A key that is not used from where it may be.
    WrongNetwork,
    /// The database is away, and what is remembered is too old.
    Unavailable,
}

/// What a gatekeeper understands.
pub enum UserMessage {
    /// May this come in?
    Admit(Knock, Reply<Admission>),
    /// Rows that were read, beginning at this moment.
    Loaded(Instant, StoreResult<Record>),
    /// What was remembered under this mark when the request was judged is void: judge it anew.
    Void(i64, Knock, Reply<Admission>),
    /// A use was noted, a request was counted for all replicas, or not.
    Noted,
    /// Something changed: what is remembered is void.
    Forget,
}

/// What is remembered.
#[derive(Debug, Clone)]
pub struct Record {
    identity: Arc<Identity>,
    /// The sign-ins that have not ended.
    sessions: HashSet<SessionId>,
    plan: Plan,
    requests_per_minute: u32,
    /// Stood in Redis when the reading began.
    mark: i64,
}

/// What every gatekeeper works with.
pub struct UserTools {
    /// Where the rows are.
    pub store: SharedStore,
    /// What a tenant may have, by the name of its plan.
    pub plans: Plans,
    /// With whom requests are counted.
    pub sharing: Sharing,
}

impl UserTools {
    async fn read(&self, principal: &Principal) -> StoreResult<Record> {
        // Before the rows: what changes while they are read is read again.
        let mark = if self.sharing.is_shared() { self.sharing.mark(&principal.whose()).await } else { UNKNOWN_MARK };
        let (tenant_id, identity, sessions) = match principal {
            Principal::User(tenant_id, id) => {
                let user = self.store.user(*tenant_id, *id).await?;
                let sessions = self.store.sessions(*id).await?;
                (*tenant_id, Identity::User(user), sessions.into_iter().map(|session| session.id).collect())
            }
            Principal::Key(hash) => {
                let key = self.store.api_key_by_hash(*hash).await?;
                (key.tenant_id, Identity::Key(self.as_its_maker(key).await?), HashSet::new())
            }
        };
        let plan = self.store.tenant(tenant_id).await?.plan;
        let plan = self.plans.of(&plan);
        let of_plan = plan.requests_per_minute;
        let requests_per_minute = match &identity {
            Identity::Key(key) => key.requests_per_minute.map_or(of_plan, |own| own.min(of_plan)),
            Identity::User(_) => of_plan,
        };
        Ok(Record { identity: Arc::new(identity), sessions, plan, requests_per_minute, mark })
    }

    /// A key may do no more than whoever made it may do now.
    async fn as_its_maker(&self, key: ApiKey) -> StoreResult<ApiKey> {
        let maker = self.store.user(key.tenant_id, key.created_by).await?;
        match maker.status {
            UserStatus::Active => Ok(ApiKey { scopes: key.scopes.and(maker.role.scopes()), ..key }),
            UserStatus::Disabled | UserStatus::Leaving => Err(StoreError::NotFound),
        }
    }
}

/// Somebody who waits for the rows.
struct Waiting {
    knock: Knock,
    since: Instant,
    reply: Reply<Admission>,
}

/// See the module.
pub struct UserActor {
    tools: Arc<UserTools>,
    principal: Principal,
    budget: Option<Arc<RequestBudget>>,
    remembered: Option<(Arc<Record>, Instant)>,
    /// What was read before is void.
    changed_at: Option<Instant>,
    is_loading: bool,
    waiting: Vec<Waiting>,
    use_noted_at: Option<Instant>,
    refusal_noted_at: Option<Instant>,
}

impl UserActor {
    /// A gatekeeper that remembers nothing yet.
    pub fn new(tools: Arc<UserTools>, principal: Principal) -> Self {
        Self {
            tools,
            principal,
            budget: None,
            remembered: None,
            changed_at: None,
            is_loading: false,
            waiting: Vec::new(),
            use_noted_at: None,
            refusal_noted_at: None,
        }
    }

    fn admit(&mut self, knock: Knock, reply: Reply<Admission>, cx: &mut Cx<'_, Self>) {
        let fresh = self.remembered.as_ref().filter(|(_, read_at)| read_at.elapsed() < FRESH_FOR);
        match fresh.filter(|(record, _)| record.has_session(&knock)).map(|(record, _)| Arc::clone(record)) {
            Some(record) => self.judge(&record, knock, reply, cx),
            // The database is slow, or away: nobody is helped by a longer line.
            None if self.waiting.len() >= Self::CAPACITY => reply.send(Admission::Unavailable),
            None => {
                self.waiting.push(Waiting { knock, since: Instant::now(), reply });
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
        cx.work(read, panicked);
    }

    fn loaded(&mut self, began_at: Instant, record: StoreResult<Record>, cx: &mut Cx<'_, Self>) {
        self.is_loading = false;
        if self.changed_at.is_some_and(|at| began_at < at) {
            return self.load_for_waiting(cx);
        }
        let record = match record {
            Ok(record) => Arc::new(record),
            Err(error) => return self.refuse_all(&error),
        };
        if self.budget.as_ref().is_none_or(|budget| budget.per_minute() != record.requests_per_minute) {
            let sharing = self.tools.sharing.clone();
            self.budget = Some(Arc::new(RequestBudget::new(record.requests_per_minute, sharing)));
        }
        self.remembered = Some((Arc::clone(&record), began_at));
        // Who signed in after the reading began may be missing from it: they wait for the next one.
        let is_late = |waiting: &Waiting| waiting.since > began_at && !record.has_session(&waiting.knock);
        let (late, judged): (Vec<Waiting>, Vec<Waiting>) = self.waiting.drain(..).partition(is_late);
        self.waiting = late;
        for Waiting { knock, reply, .. } in judged {
            self.judge(&record, knock, reply, cx);
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
            StoreError::NotFound => Admission::Refused,
            _ => Admission::Unavailable,
        };
        for waiting in self.waiting.drain(..) {
            waiting.reply.send(answer.clone());
        }
    }

    /// Who has no business here takes nothing from whoever has.
    fn judge(&mut self, record: &Record, knock: Knock, reply: Reply<Admission>, cx: &mut Cx<'_, Self>) {
        match record.identity.as_ref() {
            Identity::User(user) if user.status != UserStatus::Active || !record.has_session(&knock) => {
                return reply.send(Admission::Refused);
            }
            Identity::Key(key) if !key.is_in_force(Timestamp::now()) => return reply.send(Admission::Refused),
            Identity::Key(key) if !key.is_usable_from(knock.address) => {
                self.note_refusal(key, knock.address, cx);
                return reply.send(Admission::WrongNetwork);
            }
            Identity::Key(key) => self.note_use(key.id, cx),
            Identity::User(_) => {}
        }
        let Some(budget) = self.budget.clone() else { return reply.send(Admission::Unavailable) };
        if !self.tools.sharing.is_shared() {
            return reply.send(record.admission(budget.take_alone(knock.cost)));
        }
        let (record, whose) = (record.clone(), self.principal.whose());
        let count = async move {
            match budget.take(&whose, knock.cost, record.mark).await {
                Taken::Decided(allowance) => reply.send(record.admission(allowance)),
                Taken::Void => return UserMessage::Void(record.mark, knock, reply),
            }
            UserMessage::Noted
        };
        cx.work(count, || UserMessage::Noted);
    }

    /// What is remembered is void, here and, as soon as they hear of it, on all replicas.
    fn forget(&mut self, cx: &mut Cx<'_, Self>) {
        self.forget_here();
        if self.tools.sharing.is_shared() {
            let (sharing, whose) = (self.tools.sharing.clone(), self.principal.whose());
            let tell = async move {
                sharing.make_void(&whose).await;
                UserMessage::Noted
            };
            cx.work(tell, || UserMessage::Noted);
        }
    }

    fn forget_here(&mut self) {
        self.remembered = None;
        self.changed_at = Some(Instant::now());
    }

    /// Somebody has a key who should not: its tenant can read of it, once a minute.
    fn note_refusal(&mut self, key: &ApiKey, address: IpAddr, cx: &mut Cx<'_, Self>) {
        if self.refusal_noted_at.is_some_and(|at| at.elapsed() < USE_NOTED_EVERY) {
            return;
        }
        self.refusal_noted_at = Some(Instant::now());
        let act = Act {
            tenant_id: key.tenant_id,
            actor: crate::store::Actor::Key(key.id),
            action: "auth.key_from_foreign_network",
            resource: Some(format!("key:{}", key.id)),
            address: Some(address),
            request_id: None,
            facts: serde_json::json!({}),
        };
        let store = Arc::clone(&self.tools.store);
        let note = async move {
            if let Err(error) = store.note(act).await {
                tracing::warn!(%error, "a key that was used from a foreign network was not noted");
            }
            UserMessage::Noted
        };
        cx.work(note, || UserMessage::Noted);
    }

    fn note_use(&mut self, id: ApiKeyId, cx: &mut Cx<'_, Self>) {
        if self.use_noted_at.is_some_and(|at| at.elapsed() < USE_NOTED_EVERY) {
            return;
        }
        self.use_noted_at = Some(Instant::now());
        let store = Arc::clone(&self.tools.store);
        let note = async move {
            if let Err(error) = store.note_api_key_use(id, Timestamp::now()).await {
                tracing::debug!(%error, "the use of a key was not noted");
            }
            UserMessage::Noted
        };
        cx.work(note, || UserMessage::Noted);
    }
}

impl Record {
    fn admission(&self, allowance: Allowance) -> Admission {
        match allowance.wait {
            None => Admission::Admitted(Arc::clone(&self.identity), self.plan, allowance),
            Some(_) => Admission::Limited(allowance),
        }
    }

    fn has_session(&self, knock: &Knock) -> bool {
        match (self.identity.as_ref(), knock.session_id) {
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
    const MESSAGES: &'static [&'static str] = &["admit", "loaded", "void", "noted", "forget"];

    fn name_of(message: &UserMessage) -> &'static str {
        match message {
            UserMessage::Admit(..) => "admit",
            UserMessage::Loaded(..) => "loaded",
            UserMessage::Void(..) => "void",
            UserMessage::Noted => "noted",
            UserMessage::Forget => "forget",
        }
    }

    fn handle(&mut self, message: UserMessage, cx: &mut Cx<'_, Self>) {
        match message {
            UserMessage::Admit(knock, reply) => self.admit(knock, reply, cx),
            UserMessage::Loaded(began_at, record) => self.loaded(began_at, record, cx),
            UserMessage::Void(mark, knock, reply) => {
                // Of many that were judged alike the first has seen to it.
                if self.remembered.as_ref().is_some_and(|(record, _)| record.mark == mark) {
                    self.forget_here();
                }
                self.admit(knock, reply, cx);
            }
            UserMessage::Noted => {}
            UserMessage::Forget => self.forget(cx),
        }
    }
}

impl Entity for UserActor {
    type Key = Principal;
    const SHARD_KIND: &'static str = "user_shard";
}
