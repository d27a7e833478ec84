//! Authorization codes and grants of clients. A grant is a row of `session` that names its client.

use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::sessions::{Opening, Rotate, TokenTable, open};
use super::{Backend, Conn};
use crate::domain::{ClientGrant, Scopes, SessionId, TenantId, TokenHash, UserId};
use crate::store::account_rows::{ClientGrantColumns, USER_COLUMNS, UserColumns};
use crate::store::clock::{ClockParam, millis};
use crate::store::error::{OrNotFound, or_report};
use crate::store::rows::{time, word};
use crate::store::tenant_scope::TenantScope;
use crate::store::{
    CodeRedemption, EndedGrant, GrantRefresh, GrantedAccess, Granting, Grants, NewAuthorizationCode, NewSession,
    Rotation, StoreError, StoreResult,
};

/// Codes that are stored of a user, used or not; one more deletes the oldest.
const MAX_CODES: i64 = 100;

#[async_trait]
impl Grants for Backend {
    async fn add_authorization_code(&self, code: NewAuthorizationCode) -> StoreResult<()> {
        let clock = self.clock_param();
        self.transaction(code.tenant_id, move |conn| add_code(conn, code, clock).boxed()).await
    }

    async fn redeem_code(&self, redemption: CodeRedemption) -> StoreResult<Granting> {
        const IS_KNOWN: &str = "SELECT 1 FROM authorization_code WHERE hash = $1";
        // An unknown code costs a read and no write.
        let query = sqlx::query_scalar(IS_KNOWN).bind(redemption.code.0.to_vec());
        let known: Option<i32> = query.fetch_optional(&mut *self.reader(TenantScope::All).await?).await?;
        if known.is_none() {
            return Ok(Granting::Unknown);
        }
        let clock = self.clock_param();
        self.transaction(TenantScope::All, move |conn| redeem(conn, redemption, clock).boxed()).await
    }

    async fn refresh_grant(&self, refresh: GrantRefresh) -> StoreResult<Granting> {
        const GRANT: &str = "SELECT s.client_id, s.resource, s.scopes FROM grant_token t JOIN session s ON s.id = t.session_id \
             WHERE t.hash = $1";
        let query = sqlx::query_as(GRANT).bind(refresh.spent.0.to_vec());
        let grant: Option<(String, String, String)> =
            query.fetch_optional(&mut *self.reader(TenantScope::All).await?).await?;
        let Some((client_id, resource, scopes)) = grant else { return Ok(Granting::Unknown) };
        if client_id != refresh.client_id || resource != refresh.resource {
            return Ok(Granting::Unknown);
        }
        let granted: Scopes = word(&scopes)?;
        let scopes = refresh.scopes.unwrap_or(granted);
        if !scopes.are_within(granted) {
            return Ok(Granting::TooMuch);
        }
        let rotation = Rotate {
            table: TokenTable::OfGrants,
            spent: refresh.spent,
            new: refresh.new,
            clock: self.clock_param(),
            lasts_ms: millis(refresh.lasts),
            grace_ms: millis(refresh.grace),
        };
        self.transaction(TenantScope::All, move |conn| {
            async move {
                Ok(match rotation.run(&mut *conn).await? {
                    Rotation::Rotated(user, grant_id, at) => {
                        Granting::Granted(Box::new(GrantedAccess { user: *user, grant_id, scopes, at }))
                    }
                    Rotation::RecentlyRotated => Granting::RecentlyRotated,
                    Rotation::Reused(user_id, grant_id) => {
                        Granting::Reused(EndedGrant { tenant_id: tenant_of(conn, grant_id).await?, user_id, grant_id })
                    }
                    Rotation::Unknown => Granting::Unknown,
                })
            }
            .boxed()
        })
        .await
    }

    async fn grants(&self, user_id: UserId) -> StoreResult<Vec<ClientGrant>> {
        let select = AssertSqlSafe(format!(
            "SELECT id, user_id, client_id, client_name, scopes, created_at, used_at, expires_at FROM session \
             WHERE user_id = $1 AND client_id IS NOT NULL AND ended_at IS NULL AND expires_at > {} \
             ORDER BY created_at DESC, id DESC",
            now!(2)
        ));
        let query = sqlx::query_as(select).bind(user_id.0).bind(self.clock_param());
        let rows: Vec<ClientGrantColumns> = query.fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(rows.into_iter().map(ClientGrant::try_from).filter_map(or_report).collect())
    }

    async fn end_grant(&self, user_id: UserId, id: SessionId) -> StoreResult<()> {
        const END: &str = concat!(
            "UPDATE session SET ended_at = ",
            now!(3),
            " WHERE user_id = $1 AND id = $2 AND client_id IS NOT NULL AND ended_at IS NULL"
        );
        let query = sqlx::query(END).bind(user_id.0).bind(id.0).bind(self.clock_param());
        let ended = query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        if ended.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound("grant")) }
    }

    async fn end_grant_of_token(&self, token: TokenHash, client_id: String) -> StoreResult<Option<EndedGrant>> {
        const IS_KNOWN: &str = "SELECT session_id FROM grant_token WHERE hash = $1";
        const END: &str = concat!(
            "UPDATE session SET ended_at = ",
            now!(3),
            " WHERE id = $1 AND client_id = $2 AND ended_at IS NULL RETURNING tenant_id, user_id"
        );
        let query = sqlx::query_scalar(IS_KNOWN).bind(token.0.to_vec());
        let id: Option<Uuid> = query.fetch_optional(&mut *self.reader(TenantScope::All).await?).await?;
        let Some(id) = id else { return Ok(None) };
        let query = sqlx::query_as(END).bind(id).bind(client_id).bind(self.clock_param());
        let ended: Option<(Uuid, Uuid)> = query.fetch_optional(&mut *self.writer(TenantScope::All).await?).await?;
        let ended_grant = |(tenant_id, user_id): (Uuid, Uuid)| EndedGrant {
            tenant_id: TenantId(tenant_id),
            user_id: UserId(user_id),
            grant_id: SessionId(id),
        };
        Ok(ended.map(ended_grant))
    }
}

async fn add_code(conn: &mut Conn, code: NewAuthorizationCode, clock: ClockParam) -> StoreResult<()> {
    const ADD: &str = concat!(
        "INSERT INTO authorization_code (hash, tenant_id, user_id, client_id, client_name, redirect_uri, challenge, resource, \
           scopes, address, created_at, expires_at) \
         SELECT $1, tenant_id, id, $4, $5, $6, $7, $8, $9, $10, ",
        now!(11),
        ", ",
        now!(11),
        " + $12 FROM tenant_user WHERE tenant_id = $2 AND id = $3 AND status = 'active'"
    );
    const FORGET_OLDEST: &str = "DELETE FROM authorization_code WHERE user_id = $1 AND hash NOT IN ( \
         SELECT hash FROM authorization_code WHERE user_id = $1 ORDER BY created_at DESC, hash LIMIT $2)";
    let NewAuthorizationCode { hash, tenant_id, user_id, request, address, lasts } = code;
    let query = sqlx::query(ADD).bind(hash.0.to_vec()).bind(tenant_id.0).bind(user_id.0);
    let query = query.bind(request.client_id).bind(request.client_name).bind(request.redirect_uri);
    let query = query.bind(request.challenge).bind(request.resource).bind(request.scopes.to_string());
    let query = query.bind(address.map(|address| address.to_string())).bind(clock).bind(millis(lasts));
    if query.execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::NotFound("user"));
    }
    sqlx::query(FORGET_OLDEST).bind(user_id.0).bind(MAX_CODES).execute(conn).await?;
    Ok(())
}

/// A code that has just been spent.
#[derive(sqlx::FromRow)]
struct SpentCode {
    user_id: Uuid,
    client_id: String,
    client_name: String,
    redirect_uri: String,
    challenge: String,
    resource: String,
    scopes: String,
    address: Option<String>,
    used_at: i64,
    expires_at: i64,
}

impl SpentCode {
    fn is_for(&self, redemption: &CodeRedemption) -> bool {
        self.used_at < self.expires_at
            && self.client_id == redemption.client_id
            && self.redirect_uri == redemption.redirect_uri
            && self.challenge == redemption.challenge.as_str()
            && self.resource == redemption.resource
    }
}

async fn redeem(conn: &mut Conn, redemption: CodeRedemption, clock: ClockParam) -> StoreResult<Granting> {
    // The first request to update the row wins; a second one waits and then finds the code spent.
    const SPEND: &str = concat!(
        "UPDATE authorization_code SET used_at = ",
        now!(2),
        " WHERE hash = $1 AND used_at IS NULL RETURNING user_id, client_id, client_name, redirect_uri, challenge, resource, \
           scopes, address, used_at, expires_at"
    );
    const OPENED: &str = "UPDATE authorization_code SET session_id = $2 WHERE hash = $1";
    let query = sqlx::query_as(SPEND).bind(redemption.code.0.to_vec()).bind(clock);
    let spent: Option<SpentCode> = query.fetch_optional(&mut *conn).await?;
    let Some(spent) = spent else { return end_grant_of_code(conn, redemption.code, clock).await };
    if !spent.is_for(&redemption) {
        return Ok(Granting::Unknown);
    }
    let select = AssertSqlSafe(format!("SELECT {USER_COLUMNS} FROM tenant_user WHERE id = $1 AND status = 'active'"));
    let row: Option<UserColumns> = sqlx::query_as(select).bind(spent.user_id).fetch_optional(&mut *conn).await?;
    let Some(row) = row else { return Ok(Granting::Unknown) };
    let scopes: Scopes = word(&spent.scopes)?;
    let session = NewSession {
        user_id: UserId(spent.user_id),
        address: spent.address.as_deref().map(word).transpose()?,
        agent: None,
        token: redemption.token,
        is_browser: false,
        lasts: redemption.lasts,
    };
    let opening = Opening::of_grant(spent.client_id, spent.client_name, spent.resource, scopes);
    let opened = open(conn, session, opening, clock).await?;
    sqlx::query(OPENED).bind(redemption.code.0.to_vec()).bind(opened.id.0).execute(conn).await?;
    let access = GrantedAccess { user: row.try_into()?, grant_id: opened.id, scopes, at: time(spent.used_at)? };
    Ok(Granting::Granted(Box::new(access)))
}

/// Ends the grant that a code has opened: the code was used twice.
async fn end_grant_of_code(conn: &mut Conn, code: TokenHash, clock: ClockParam) -> StoreResult<Granting> {
    const OPENED: &str = "SELECT session_id FROM authorization_code WHERE hash = $1";
    const END: &str = concat!(
        "UPDATE session SET ended_at = ",
        now!(2),
        " WHERE id = $1 AND ended_at IS NULL RETURNING tenant_id, user_id"
    );
    let opened: Option<Option<Uuid>> =
        sqlx::query_scalar(OPENED).bind(code.0.to_vec()).fetch_optional(&mut *conn).await?;
    let Some(id) = opened.flatten() else { return Ok(Granting::Unknown) };
    let query = sqlx::query_as(END).bind(id).bind(clock);
    let ended: Option<(Uuid, Uuid)> = query.fetch_optional(conn).await?;
    Ok(ended.map_or(Granting::Unknown, |(tenant_id, user_id)| {
        let (tenant_id, user_id) = (TenantId(tenant_id), UserId(user_id));
        Granting::Reused(EndedGrant { tenant_id, user_id, grant_id: SessionId(id) })
    }))
}

async fn tenant_of(conn: &mut Conn, id: SessionId) -> StoreResult<TenantId> {
    let query = sqlx::query_scalar("SELECT tenant_id FROM session WHERE id = $1").bind(id.0);
    query.fetch_one(conn).await.or_not_found("grant").map(TenantId)
}
