//! Sign-ins and API keys.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, QueryBuilder};
use uuid::Uuid;

use super::newest::push_newest_first;
use super::{Backend, Conn, Db, usage};
use crate::domain::{ApiKey, ApiKeyId, Scopes, Session, SessionId, TenantId, TokenHash, UserId};
use crate::store::account_rows::{ApiKeyColumns, SessionColumns, USER_COLUMNS, UserColumns};
use crate::store::clock::{ClockParam, millis};
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::error::{OrNotFound, or_report};
use crate::store::rows::time;
use crate::store::tenant_scope::TenantScope;
use crate::store::{
    BrowserLifetime, BrowserSession, NewApiKey, NewSession, Page, Rotation, Sessions, StoreError, StoreResult,
};

const SESSION_COLUMNS: &str = "id, user_id, address, agent, created_at, used_at, expires_at";
const KEY_COLUMNS: &str = "id, tenant_id, created_by, name, hint, scopes, networks, requests_per_minute, expires_at, \
     used_at, revoked_at, created_at";

/// Open sign-ins per user, and as many grants; one more ends the oldest of its kind.
const MAX_SESSIONS: i64 = 50;

#[async_trait]
impl Sessions for Backend {
    async fn open_session(&self, session: NewSession) -> StoreResult<Session> {
        let clock = self.clock_param();
        self.transaction(TenantScope::All, move |conn| open(conn, session, Opening::default(), clock).boxed()).await
    }

    async fn rotate(
        &self,
        spent: TokenHash,
        new: TokenHash,
        lasts: Duration,
        grace: Duration,
    ) -> StoreResult<Rotation> {
        const IS_KNOWN: &str = "SELECT 1 FROM refresh_token WHERE hash = $1";
        // An unknown token costs a read and no write.
        let query = sqlx::query_scalar(IS_KNOWN).bind(spent.0.to_vec());
        let known: Option<i32> = query.fetch_optional(&mut *self.reader(TenantScope::All).await?).await?;
        if known.is_none() {
            return Ok(Rotation::Unknown);
        }
        let (clock, lasts_ms, grace_ms) = (self.clock_param(), millis(lasts), millis(grace));
        let rotation = Rotate { table: TokenTable::OfSignIns, spent, new, clock, lasts_ms, grace_ms };
        self.transaction(TenantScope::All, move |conn| rotation.run(conn).boxed()).await
    }

    async fn browser_session(&self, token: TokenHash, lifetime: BrowserLifetime) -> StoreResult<BrowserSession> {
        const FIND: &str = concat!(
            "SELECT id, tenant_id, user_id, used_at < ",
            now!(2),
            " - $3 FROM session WHERE browser_hash = $1 AND ended_at IS NULL AND expires_at > ",
            now!(2)
        );
        const USE: &str = concat!(
            "UPDATE session SET used_at = ",
            now!(2),
            ", expires_at = CASE WHEN ",
            now!(2),
            " + $3 < created_at + $4 THEN ",
            now!(2),
            " + $3 ELSE created_at + $4 END WHERE id = $1 AND ended_at IS NULL"
        );
        let clock = self.clock_param();
        let query = sqlx::query_as(FIND).bind(token.0.to_vec()).bind(clock).bind(millis(lifetime.recorded_every));
        let found: (Uuid, Uuid, Uuid, bool) =
            query.fetch_one(&mut *self.reader(TenantScope::All).await?).await.or_not_found("session")?;
        let (id, tenant_id, user_id, is_use_due) = found;
        if is_use_due {
            let query =
                sqlx::query(USE).bind(id).bind(clock).bind(millis(lifetime.idle)).bind(millis(lifetime.longest));
            query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        }
        Ok(BrowserSession { id: SessionId(id), tenant_id: TenantId(tenant_id), user_id: UserId(user_id) })
    }

    async fn is_session_open(&self, id: SessionId) -> StoreResult<bool> {
        const OPEN: &str =
            concat!("SELECT 1 FROM session WHERE id = $1 AND ended_at IS NULL AND expires_at > ", now!(2));
        let open: Option<i32> = sqlx::query_scalar(OPEN)
            .bind(id.0)
            .bind(self.clock_param())
            .fetch_optional(&mut *self.reader(TenantScope::All).await?)
            .await?;
        Ok(open.is_some())
    }

    async fn sessions(&self, user_id: UserId) -> StoreResult<Vec<Session>> {
        let select = AssertSqlSafe(format!(
            "SELECT {SESSION_COLUMNS} FROM session \
             WHERE user_id = $1 AND client_id IS NULL AND ended_at IS NULL AND expires_at > {} \
             ORDER BY created_at DESC, id DESC",
            now!(2)
        ));
        let rows: Vec<SessionColumns> = sqlx::query_as(select)
            .bind(user_id.0)
            .bind(self.clock_param())
            .fetch_all(&mut *self.reader(TenantScope::All).await?)
            .await?;
        Ok(rows.into_iter().map(Session::try_from).filter_map(or_report).collect())
    }

    async fn open_session_ids(&self, user_id: UserId) -> StoreResult<Vec<SessionId>> {
        const OPEN: &str =
            concat!("SELECT id FROM session WHERE user_id = $1 AND ended_at IS NULL AND expires_at > ", now!(2));
        let query = sqlx::query_scalar(OPEN).bind(user_id.0).bind(self.clock_param());
        let ids: Vec<Uuid> = query.fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(ids.into_iter().map(SessionId).collect())
    }

    async fn end_session(&self, user_id: UserId, id: SessionId) -> StoreResult<()> {
        const END: &str = concat!(
            "UPDATE session SET ended_at = ",
            now!(3),
            " WHERE user_id = $1 AND id = $2 AND client_id IS NULL AND ended_at IS NULL"
        );
        let ended = sqlx::query(END)
            .bind(user_id.0)
            .bind(id.0)
            .bind(self.clock_param())
            .execute(&mut *self.writer(TenantScope::All).await?)
            .await?;
        if ended.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound("session")) }
    }

    async fn end_sessions(&self, user_id: UserId) -> StoreResult<Vec<SessionId>> {
        let clock = self.clock_param();
        self.transaction(TenantScope::All, move |conn| end_all(conn, user_id, Uuid::nil(), clock).boxed()).await
    }

    async fn add_api_key(&self, key: NewApiKey) -> StoreResult<ApiKey> {
        const ADD: &str = concat!(
            "INSERT INTO api_key (id, tenant_id, created_by, name, hint, hash, scopes, networks, \
               requests_per_minute, expires_at, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, ",
            now!(11),
            ")"
        );
        const COUNT: &str = "SELECT count(*) FROM api_key WHERE tenant_id = $1 AND revoked_at IS NULL";
        let id = ApiKeyId::new();
        let (hash, tenant_id, quota) = (key.hash, key.tenant_id, key.quota);
        let limit = key.requests_per_minute.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        let query = sqlx::query(ADD).bind(id.0).bind(key.tenant_id.0).bind(key.created_by.0).bind(key.name);
        let query = query.bind(key.hint).bind(hash.0.to_vec()).bind(key.scopes.to_string()).bind(Json(key.networks));
        let query = query.bind(limit).bind(key.expires_at.map(Timestamp::as_millisecond)).bind(self.clock_param());
        self.transaction(tenant_id, move |conn| {
            async move {
                usage::lock(conn, tenant_id).await?;
                query.execute(&mut *conn).await?;
                usage::check(conn, COUNT, tenant_id, "api_keys", quota).await
            }
            .boxed()
        })
        .await?;
        self.api_key_by_hash(hash).await
    }

    async fn api_key_by_hash(&self, hash: TokenHash) -> StoreResult<ApiKey> {
        let select = AssertSqlSafe(format!("SELECT {KEY_COLUMNS} FROM api_key WHERE hash = $1"));
        let row: ApiKeyColumns = sqlx::query_as(select)
            .bind(hash.0.to_vec())
            .fetch_one(&mut *self.reader(TenantScope::All).await?)
            .await
            .or_not_found("key")?;
        row.try_into()
    }

    async fn api_keys(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<ApiKey>> {
        self.with_replica_fallback(|| {
            async move {
                const LIST: &str = "api_keys";
                let cursor = Cursor::of(LIST, cursor)?;
                let mut query = QueryBuilder::<Db>::new(format!("SELECT {KEY_COLUMNS} FROM api_key"));
                query.push(" WHERE tenant_id = ").push_bind(tenant_id.0);
                push_newest_first(&mut query, "created_at", cursor, limit)?;
                let rows: Vec<ApiKeyColumns> =
                    query.build_query_as().fetch_all(&mut *self.replica_reader(tenant_id).await?).await?;
                Ok(page(LIST, rows, limit, |row| (SortKey::Number(row.created_at), row.id)).readable(ApiKey::try_from))
            }
            .boxed()
        })
        .await
    }

    async fn revoke_api_key(&self, tenant_id: TenantId, id: ApiKeyId) -> StoreResult<TokenHash> {
        const REVOKE: &str = concat!(
            "UPDATE api_key SET revoked_at = ",
            now!(3),
            " \
             WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING hash"
        );
        let query = sqlx::query_scalar(REVOKE).bind(tenant_id.0).bind(id.0).bind(self.clock_param());
        let hash: Vec<u8> = query.fetch_one(&mut *self.writer(tenant_id).await?).await.or_not_found("key")?;
        let whole = hash.try_into().map_err(|_| StoreError::Corrupt(format!("the hash of key {id}")))?;
        Ok(TokenHash(whole))
    }

    async fn record_api_key_use(&self, id: ApiKeyId, at: Timestamp) -> StoreResult<()> {
        const NOTE: &str = "UPDATE api_key SET used_at = $2 WHERE id = $1 AND coalesce(used_at, 0) < $2";
        sqlx::query(NOTE)
            .bind(id.0)
            .bind(at.as_millisecond())
            .execute(&mut *self.writer(TenantScope::All).await?)
            .await?;
        Ok(())
    }
}

/// Where the refresh tokens of a kind are. Those of grants are apart: versions that know no grants would take them for those of a
/// sign-in, with every scope.
#[derive(Clone, Copy)]
pub(super) enum TokenTable {
    OfSignIns,
    OfGrants,
}

impl TokenTable {
    fn name(self) -> &'static str {
        match self {
            Self::OfSignIns => "refresh_token",
            Self::OfGrants => "grant_token",
        }
    }
}

/// The client that a sign-in is opened for; none: the user.
#[derive(Default)]
pub(super) struct Opening {
    client_id: Option<String>,
    client_name: Option<String>,
    resource: Option<String>,
    scopes: Option<String>,
}

impl Opening {
    pub(super) fn of_grant(client_id: String, client_name: String, resource: String, scopes: Scopes) -> Self {
        Self {
            client_id: Some(client_id),
            client_name: Some(client_name),
            resource: Some(resource),
            scopes: Some(scopes.to_string()),
        }
    }

    fn table(&self) -> TokenTable {
        if self.client_id.is_some() { TokenTable::OfGrants } else { TokenTable::OfSignIns }
    }
}

pub(super) async fn open(
    conn: &mut Conn,
    session: NewSession,
    opening: Opening,
    clock: ClockParam,
) -> StoreResult<Session> {
    const OPEN: &str = concat!(
        "INSERT INTO session (id, tenant_id, user_id, address, agent, created_at, used_at, expires_at, client_id, client_name, \
           resource, scopes, browser_hash) \
         SELECT $1, tenant_id, id, $3, $4, ",
        now!(5),
        ", ",
        now!(5),
        ", ",
        now!(5),
        " + $6, $7, $8, $9, $10, $11 FROM tenant_user WHERE id = $2 AND status <> 'disabled' \
         RETURNING id, user_id, address, agent, created_at, used_at, expires_at"
    );
    const WELCOME: &str = "UPDATE tenant_user SET failed_logins = 0, locked_until = 0, status = 'active', deletion_scheduled_at = NULL, \
           version = version + CASE WHEN status = 'pending_deletion' THEN 1 ELSE 0 END \
         WHERE id = $1 AND (failed_logins > 0 OR status = 'pending_deletion')";
    const END_OLDEST: &str = concat!(
        "UPDATE session SET ended_at = ",
        now!(2),
        " WHERE user_id = $1 AND (client_id IS NOT NULL) = $4 AND ended_at IS NULL AND id NOT IN ( \
           SELECT id FROM session WHERE user_id = $1 AND (client_id IS NOT NULL) = $4 AND ended_at IS NULL \
           ORDER BY created_at DESC, id DESC LIMIT $3)"
    );
    let (id, table) = (SessionId::new(), opening.table());
    let query = sqlx::query_as(OPEN).bind(id.0).bind(session.user_id.0);
    let query = query.bind(session.address.map(|address| address.to_string())).bind(session.agent);
    let query = query.bind(clock).bind(millis(session.lasts));
    let Opening { client_id, client_name, resource, scopes } = opening;
    let query = query.bind(client_id).bind(client_name).bind(resource).bind(scopes);
    let query = query.bind(session.is_browser.then(|| session.token.0.to_vec()));
    let opened: SessionColumns = query.fetch_one(&mut *conn).await.or_not_found("user")?;
    sqlx::query(WELCOME).bind(session.user_id.0).execute(&mut *conn).await?;
    let query = sqlx::query(END_OLDEST).bind(session.user_id.0).bind(clock).bind(MAX_SESSIONS);
    query.bind(matches!(table, TokenTable::OfGrants)).execute(&mut *conn).await?;
    if !session.is_browser {
        add_token(conn, table, session.token, id.0, clock).await?;
    }
    opened.try_into()
}

async fn add_token(
    conn: &mut Conn,
    table: TokenTable,
    hash: TokenHash,
    session_id: Uuid,
    clock: ClockParam,
) -> StoreResult<()> {
    let add = format!("INSERT INTO {} (hash, session_id, created_at) VALUES ($1, $2, {})", table.name(), now!(3));
    sqlx::query(AssertSqlSafe(add)).bind(hash.0.to_vec()).bind(session_id).bind(clock).execute(conn).await?;
    Ok(())
}

/// Ends a user's sign-ins except one.
pub(super) async fn end_all(
    conn: &mut Conn,
    user_id: UserId,
    keep: Uuid,
    clock: ClockParam,
) -> StoreResult<Vec<SessionId>> {
    const END: &str = concat!(
        "UPDATE session SET ended_at = ",
        now!(3),
        " WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL RETURNING id"
    );
    let ended: Vec<Uuid> = sqlx::query_scalar(END).bind(user_id.0).bind(keep).bind(clock).fetch_all(conn).await?;
    Ok(ended.into_iter().map(SessionId).collect())
}

/// One rotation.
pub(super) struct Rotate {
    pub table: TokenTable,
    pub spent: TokenHash,
    pub new: TokenHash,
    pub clock: ClockParam,
    pub lasts_ms: i64,
    pub grace_ms: i64,
}

impl Rotate {
    pub(super) async fn run(self, conn: &mut Conn) -> StoreResult<Rotation> {
        // The first request to update the row wins; a second one waits and then finds the token spent.
        let spend = format!(
            "UPDATE {} SET spent_at = {} WHERE hash = $1 AND spent_at IS NULL RETURNING session_id",
            self.table.name(),
            now!(2)
        );
        let query = sqlx::query_scalar(AssertSqlSafe(spend)).bind(self.spent.0.to_vec()).bind(self.clock);
        match query.fetch_optional(&mut *conn).await? {
            Some(session_id) => self.renew(conn, session_id).await,
            None => self.judge(conn).await,
        }
    }

    async fn renew(self, conn: &mut Conn, session_id: Uuid) -> StoreResult<Rotation> {
        const EXTEND: &str = concat!(
            "UPDATE session SET used_at = ",
            now!(2),
            ", expires_at = ",
            now!(2),
            " + $3 WHERE id = $1 AND ended_at IS NULL AND expires_at > ",
            now!(2),
            " RETURNING user_id, used_at"
        );
        let query = sqlx::query_as(EXTEND).bind(session_id).bind(self.clock).bind(self.lasts_ms);
        let extended: Option<(Uuid, i64)> = query.fetch_optional(&mut *conn).await?;
        let Some((user_id, used_at)) = extended else { return Ok(Rotation::Unknown) };
        add_token(conn, self.table, self.new, session_id, self.clock).await?;
        let select =
            AssertSqlSafe(format!("SELECT {USER_COLUMNS} FROM tenant_user WHERE id = $1 AND status = 'active'"));
        let row: Option<UserColumns> = sqlx::query_as(select).bind(user_id).fetch_optional(conn).await?;
        match row {
            Some(row) => Ok(Rotation::Rotated(Box::new(row.try_into()?), SessionId(session_id), time(used_at)?)),
            None => Ok(Rotation::Unknown),
        }
    }

    /// Decides about a token that is unknown or already spent.
    async fn judge(self, conn: &mut Conn) -> StoreResult<Rotation> {
        let spent = format!(
            "SELECT s.id, s.user_id, {} - r.spent_at FROM {} r JOIN session s ON s.id = r.session_id \
             WHERE r.hash = $1 AND r.spent_at IS NOT NULL AND s.ended_at IS NULL",
            now!(2),
            self.table.name()
        );
        const END: &str = concat!("UPDATE session SET ended_at = ", now!(2), " WHERE id = $1");
        let query = sqlx::query_as(AssertSqlSafe(spent)).bind(self.spent.0.to_vec()).bind(self.clock);
        let spent: Option<(Uuid, Uuid, i64)> = query.fetch_optional(&mut *conn).await?;
        let Some((session_id, user_id, age_ms)) = spent else { return Ok(Rotation::Unknown) };
        if age_ms <= self.grace_ms {
            return Ok(Rotation::RecentlyRotated);
        }
        sqlx::query(END).bind(session_id).bind(self.clock).execute(conn).await?;
        Ok(Rotation::Reused(UserId(user_id), SessionId(session_id)))
    }
}
