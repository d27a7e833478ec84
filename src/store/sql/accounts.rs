//! Tenants, users and links.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, QueryBuilder};
use uuid::Uuid;

use super::newest::push_newest_first;
use super::{Backend, Conn, Db, usage};
use crate::domain::{EmailAddress, LinkPurpose, SessionId, TenantId, TokenHash, User, UserId, UserStatus};
use crate::store::account_rows::{CredentialsColumns, USER_COLUMNS, UserColumns};
use crate::store::clock::{ClockParam, millis};
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::error::OrNotFound;
use crate::store::tenant_scope::TenantScope;
use crate::store::{
    Accounts, Credentials, FirstLink, LinkFacts, LinkUse, NewLink, NewUser, Page, StoreError, StoreResult, StoredLink,
    UserPatch,
};

#[async_trait]
impl Accounts for Backend {
    async fn add_tenant(&self, name: &str, plan: &str, first: NewUser, link: Option<FirstLink>) -> StoreResult<User> {
        let clock = self.clock_param();
        let (name, plan) = (name.to_owned(), plan.to_owned());
        self.transaction(TenantScope::All, move |conn| add_tenant(conn, name, plan, first, link, clock).boxed()).await
    }

    async fn add_user(&self, tenant_id: TenantId, user: NewUser) -> StoreResult<User> {
        let clock = self.clock_param();
        self.transaction(tenant_id, move |conn| add_user(conn, tenant_id, user, clock).boxed()).await
    }

    async fn user(&self, tenant_id: TenantId, id: UserId) -> StoreResult<User> {
        find(&mut *self.reader(tenant_id).await?, tenant_id, id).await
    }

    async fn tenant_of_user(&self, id: UserId) -> StoreResult<TenantId> {
        const TENANT: &str = "SELECT tenant_id FROM tenant_user WHERE id = $1";
        let query = sqlx::query_scalar(TENANT).bind(id.0);
        let tenant = query.fetch_one(&mut *self.reader(TenantScope::All).await?).await.or_not_found("user")?;
        Ok(TenantId(tenant))
    }

    async fn users(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<User>> {
        self.with_replica_fallback(|| {
            async move {
                const LIST: &str = "users";
                let cursor = Cursor::of(LIST, cursor)?;
                let mut query = QueryBuilder::<Db>::new(format!("SELECT {USER_COLUMNS} FROM tenant_user"));
                query.push(" WHERE tenant_id = ").push_bind(tenant_id.0);
                push_newest_first(&mut query, "created_at", cursor, limit)?;
                let rows: Vec<UserColumns> =
                    query.build_query_as().fetch_all(&mut *self.replica_reader(tenant_id).await?).await?;
                Ok(page(LIST, rows, limit, |row| (SortKey::Number(row.created_at), row.id)).readable(User::try_from))
            }
            .boxed()
        })
        .await
    }

    async fn update_user(&self, tenant_id: TenantId, id: UserId, patch: &UserPatch) -> StoreResult<User> {
        let clock = self.clock_param();
        let patch = patch.clone();
        self.transaction(tenant_id, move |conn| update(conn, tenant_id, id, patch, clock).boxed()).await
    }

    async fn has_superadmin(&self) -> StoreResult<bool> {
        let some: Option<i32> = sqlx::query_scalar("SELECT 1 FROM tenant_user WHERE role = 'superadmin' LIMIT 1")
            .fetch_optional(&mut *self.reader(TenantScope::All).await?)
            .await?;
        Ok(some.is_some())
    }

    async fn credentials(&self, email: &EmailAddress) -> StoreResult<Credentials> {
        let select = AssertSqlSafe(format!(
            "SELECT {USER_COLUMNS}, password_hash, failed_logins, locked_until > {} AS is_locked \
             FROM tenant_user WHERE email = $1",
            now!(2)
        ));
        let query = sqlx::query_as(select).bind(email.as_str()).bind(self.clock_param());
        let row: CredentialsColumns =
            query.fetch_one(&mut *self.reader(TenantScope::All).await?).await.or_not_found("user")?;
        row.try_into()
    }

    async fn record_failed_login(&self, id: UserId, lock: Duration) -> StoreResult<()> {
        const RECORD: &str = concat!(
            "UPDATE tenant_user SET failed_logins = failed_logins + 1, locked_until = CASE WHEN locked_until > ",
            now!(2),
            " + $3 THEN locked_until ELSE ",
            now!(2),
            " + $3 END WHERE id = $1"
        );
        let query = sqlx::query(RECORD).bind(id.0).bind(self.clock_param()).bind(millis(lock));
        query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(())
    }

    async fn knows_address(&self, id: UserId, address: IpAddr, within: Duration) -> StoreResult<bool> {
        const KNOWS: &str = concat!(
            "SELECT 1 FROM session WHERE user_id = $1 AND address = $2 AND used_at >= ",
            now!(3),
            " - $4 LIMIT 1"
        );
        let query = sqlx::query_scalar(KNOWS).bind(id.0).bind(address.to_string());
        let query = query.bind(self.clock_param()).bind(millis(within));
        let known: Option<i32> = query.fetch_optional(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(known.is_some())
    }

    async fn set_password(&self, id: UserId, hash: &str, keep: Option<SessionId>) -> StoreResult<()> {
        let clock = self.clock_param();
        let (hash, keep) = (hash.to_owned(), keep.map_or(Uuid::nil(), |keep| keep.0));
        self.transaction(TenantScope::All, move |conn| set_password(conn, id, hash, keep, clock).boxed()).await
    }

    async fn add_link(&self, link: NewLink, max_per_hour: u32) -> StoreResult<()> {
        let clock = self.clock_param();
        self.transaction(link.tenant_id, move |conn| add_link(conn, link, max_per_hour, clock).boxed()).await
    }

    async fn link(&self, hash: TokenHash, purpose: LinkPurpose) -> StoreResult<StoredLink> {
        const LINK: &str = concat!(
            "SELECT tenant_id, user_id, facts FROM link \
             WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > ",
            now!(3)
        );
        let query = sqlx::query_as(LINK).bind(hash.0.to_vec()).bind(purpose.as_str()).bind(self.clock_param());
        let (tenant_id, user_id, facts): (Uuid, Option<Uuid>, Json<LinkFacts>) =
            query.fetch_one(&mut *self.reader(TenantScope::All).await?).await.or_not_found("link")?;
        Ok(StoredLink { tenant_id: TenantId(tenant_id), user_id: user_id.map(UserId), facts: facts.0 })
    }

    async fn use_link(&self, hash: TokenHash, purpose: LinkPurpose, r#use: LinkUse) -> StoreResult<User> {
        let clock = self.clock_param();
        let user =
            self.transaction(TenantScope::All, move |conn| use_link(conn, hash, purpose, r#use, clock).boxed()).await?;
        // Only now is the tenant known.
        self.note_write(user.tenant_id.into());
        Ok(user)
    }
}

async fn add_link(conn: &mut Conn, link: NewLink, max_per_hour: u32, clock: ClockParam) -> StoreResult<()> {
    const ADD: &str = concat!(
        "INSERT INTO link (hash, purpose, tenant_id, user_id, facts, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, ",
        now!(6),
        ", ",
        now!(6),
        " + $7)"
    );
    const COUNT_RECENT: &str = concat!(
        "SELECT count(*) FROM link WHERE tenant_id = $1 AND purpose = $2 AND created_at > ",
        now!(3),
        " - 3600000 AND (user_id = $4 OR (user_id IS NULL AND $4 IS NULL))"
    );
    const SEND: &str = concat!(
        "INSERT INTO delivery (id, tenant_id, mail, status, ready_at) VALUES ($1, $2, $3, 'pending', ",
        now!(4),
        ")"
    );
    let NewLink { hash, purpose, tenant_id, user_id, facts, lasts, mail } = link;
    usage::lock(conn, tenant_id).await?;
    let user_id = user_id.map(|user| user.0);
    let query = sqlx::query(ADD).bind(hash.0.to_vec()).bind(purpose.as_str()).bind(tenant_id.0).bind(user_id);
    let query = query.bind(Json(facts)).bind(clock).bind(millis(lasts));
    query.execute(&mut *conn).await?;
    let query = sqlx::query_scalar(COUNT_RECENT).bind(tenant_id.0).bind(purpose.as_str()).bind(clock).bind(user_id);
    let recent: i64 = query.fetch_one(&mut *conn).await?;
    if recent > i64::from(max_per_hour) {
        return Err(StoreError::OverQuota { quota: "links", limit: max_per_hour });
    }
    if let Some(mail) = mail {
        let query = sqlx::query(SEND).bind(Uuid::now_v7()).bind(tenant_id.0).bind(Json(mail)).bind(clock);
        query.execute(&mut *conn).await?;
    }
    Ok(())
}

async fn use_link(
    conn: &mut Conn,
    hash: TokenHash,
    purpose: LinkPurpose,
    r#use: LinkUse,
    clock: ClockParam,
) -> StoreResult<User> {
    const OWNER: &str = "SELECT user_id FROM link WHERE hash = $1 AND user_id IS NOT NULL";
    const LOCK_USER: &str = concat!("SELECT id FROM tenant_user WHERE id = $1", lock_rows!("tenant_user"));
    const USE: &str = concat!(
        "UPDATE link SET used_at = ",
        now!(3),
        " \
         WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > ",
        now!(3),
        " RETURNING tenant_id, user_id"
    );
    const USE_UP: &str = concat!("UPDATE link SET used_at = ", now!(2), " WHERE purpose = $1 AND used_at IS NULL");
    const VERIFY: &str = concat!(
        "UPDATE tenant_user SET verified_at = ",
        now!(3),
        ", version = version + 1 WHERE tenant_id = $1 AND id = $2 AND verified_at IS NULL"
    );
    if purpose == LinkPurpose::SetUp {
        // Two concurrent set-ups run one after the other, and the second finds its link used.
        usage::lock(conn, TenantId::BUILT_IN).await?;
    }
    // A user before its links, as where a password is set: otherwise the two would deadlock.
    let owner: Option<Uuid> = sqlx::query_scalar(OWNER).bind(hash.0.to_vec()).fetch_optional(&mut *conn).await?;
    if let Some(user_id) = owner {
        sqlx::query(LOCK_USER).bind(user_id).execute(&mut *conn).await?;
    }
    let query = sqlx::query_as(USE).bind(hash.0.to_vec()).bind(purpose.as_str()).bind(clock);
    let (tenant_id, user_id): (Uuid, Option<Uuid>) = query.fetch_one(&mut *conn).await.or_not_found("link")?;
    let tenant_id = TenantId(tenant_id);
    let user_id = match (r#use, user_id.map(UserId)) {
        (LinkUse::Join(user), None) => {
            if purpose == LinkPurpose::SetUp {
                sqlx::query(USE_UP).bind(purpose.as_str()).bind(clock).execute(&mut *conn).await?;
            }
            return add_user(conn, tenant_id, user, clock).await;
        }
        (LinkUse::SetPassword(password_hash), Some(id)) => {
            set_password(conn, id, password_hash, Uuid::nil(), clock).await?;
            id
        }
        (LinkUse::VerifyEmail, Some(id)) => id,
        (LinkUse::SignIn, Some(id)) => return find(conn, tenant_id, id).await,
        (LinkUse::Join(_), Some(_)) | (LinkUse::SetPassword(_) | LinkUse::VerifyEmail | LinkUse::SignIn, None) => {
            return Err(StoreError::NotFound("link"));
        }
    };
    sqlx::query(VERIFY).bind(tenant_id.0).bind(user_id.0).bind(clock).execute(&mut *conn).await?;
    find(conn, tenant_id, user_id).await
}

async fn find(executor: impl sqlx::Executor<'_, Database = Db>, tenant_id: TenantId, id: UserId) -> StoreResult<User> {
    let select = AssertSqlSafe(format!("SELECT {USER_COLUMNS} FROM tenant_user WHERE tenant_id = $1 AND id = $2"));
    let row: UserColumns =
        sqlx::query_as(select).bind(tenant_id.0).bind(id.0).fetch_one(executor).await.or_not_found("user")?;
    row.try_into()
}

async fn add_tenant(
    conn: &mut Conn,
    name: String,
    plan: String,
    first: NewUser,
    link: Option<FirstLink>,
    clock: ClockParam,
) -> StoreResult<User> {
    const ADD: &str = concat!(
        "INSERT INTO tenant (id, name, plan, created_at, updated_at) VALUES ($1, $2, $3, ",
        now!(4),
        ", ",
        now!(4),
        ")"
    );
    let id = TenantId::new();
    sqlx::query(ADD).bind(id.0).bind(name).bind(plan).bind(clock).execute(&mut *conn).await?;
    let user = add_user(conn, id, first, clock).await?;
    if let Some(FirstLink { hash, lasts, mail }) = link {
        let (purpose, user_id) = (LinkPurpose::VerifyEmail, Some(user.id));
        let facts = LinkFacts::default();
        add_link(conn, NewLink { hash, purpose, tenant_id: id, user_id, facts, lasts, mail }, 1, clock).await?;
    }
    Ok(user)
}

async fn add_user(conn: &mut Conn, tenant_id: TenantId, user: NewUser, clock: ClockParam) -> StoreResult<User> {
    const ADD: &str = concat!(
        "INSERT INTO tenant_user \
           (id, tenant_id, email, name, role, status, password_hash, verified_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, 'active', $6, CASE WHEN $7 THEN ",
        now!(8),
        " END, ",
        now!(8),
        ", ",
        now!(8),
        ") ON CONFLICT (email) DO NOTHING"
    );
    const COUNT: &str = "SELECT count(*) FROM tenant_user WHERE tenant_id = $1";
    usage::lock(conn, tenant_id).await?;
    let id = UserId::new();
    let query = sqlx::query(ADD).bind(id.0).bind(tenant_id.0).bind(user.email.as_str().to_owned()).bind(user.name);
    let query = query.bind(user.role.as_str()).bind(user.password_hash);
    let added = query.bind(user.is_verified).bind(clock).execute(&mut *conn).await?;
    if added.rows_affected() == 0 {
        return Err(StoreError::EmailTaken);
    }
    usage::check(conn, COUNT, tenant_id, "users", user.quota).await?;
    find(conn, tenant_id, id).await
}

async fn update(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: UserId,
    patch: UserPatch,
    clock: ClockParam,
) -> StoreResult<User> {
    const UPDATE: &str = concat!(
        "UPDATE tenant_user SET name = coalesce($3, name), role = coalesce($4, role), \
           status = coalesce($5, status), deletion_scheduled_at = CASE WHEN $5 IS NULL THEN deletion_scheduled_at ELSE $7 END, updated_at = ",
        now!(6),
        ", version = version + 1, preferences = coalesce($9, preferences) \
         WHERE tenant_id = $1 AND id = $2 AND version = coalesce($8, version)"
    );
    // Two admins who demote each other at the same time run one after the other.
    usage::lock(conn, tenant_id).await?;
    // So that what updates no row has another version.
    let before = find(&mut *conn, tenant_id, id).await?;
    let preferences = patch.preferences.map(|changes| Json(changes.applied_to(before.preferences)));
    let admins_before = active_admins(conn, tenant_id).await?;
    let query = sqlx::query(UPDATE).bind(tenant_id.0).bind(id.0).bind(patch.name);
    let query = query.bind(patch.role.map(|role| role.as_str())).bind(patch.status.map(UserStatus::as_str));
    let query = query.bind(clock).bind(patch.deletion_scheduled_at.map(Timestamp::as_millisecond));
    let query = query.bind(patch.expected_version).bind(preferences);
    if query.execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::Changed);
    }
    let admins = active_admins(conn, tenant_id).await?;
    // A tenant and the installation each keep at least one active admin.
    if (admins_before.0 > 0 && admins.0 == 0) || (admins_before.1 > 0 && admins.1 == 0) {
        return Err(StoreError::LastAdmin);
    }
    if patch.status.is_some_and(|status| status != UserStatus::Active) {
        super::sessions::end_all(conn, id, Uuid::nil(), clock).await?;
    }
    find(conn, tenant_id, id).await
}

/// The number of active admins of a tenant, and how many of them are superadmins.
async fn active_admins(conn: &mut Conn, tenant_id: TenantId) -> StoreResult<(i64, i64)> {
    const COUNT: &str = "SELECT count(*), count(CASE WHEN role = 'superadmin' THEN 1 END) FROM tenant_user \
         WHERE tenant_id = $1 AND status = 'active' AND role IN ('tenant_admin', 'superadmin')";
    Ok(sqlx::query_as(COUNT).bind(tenant_id.0).fetch_one(conn).await?)
}

async fn set_password(conn: &mut Conn, id: UserId, hash: String, keep: Uuid, clock: ClockParam) -> StoreResult<()> {
    const SET: &str = concat!(
        "UPDATE tenant_user SET password_hash = $2, failed_logins = 0, locked_until = 0, updated_at = ",
        now!(3),
        ", version = version + 1 WHERE id = $1"
    );
    // An older link could otherwise replace this password.
    const USE_UP: &str = concat!(
        "UPDATE link SET used_at = ",
        now!(2),
        " \
         WHERE user_id = $1 AND purpose IN ('reset_password', 'sign_in') AND used_at IS NULL"
    );
    let set = sqlx::query(SET).bind(id.0).bind(hash).bind(clock).execute(&mut *conn).await?;
    if set.rows_affected() == 0 {
        return Err(StoreError::NotFound("user"));
    }
    sqlx::query(USE_UP).bind(id.0).bind(clock).execute(&mut *conn).await?;
    super::sessions::end_all(conn, id, keep, clock).await?;
    Ok(())
}
