//! Schema and upkeep.

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::migrate::Migrate;

use super::{Backend, Conn, HAS_LEDGER, IS_READ_ONLY, MIGRATOR, rooms};
use crate::store::error::newer;
use crate::store::reach::Reach;
use crate::store::uncancelled::uncancelled;
use crate::store::{StoreError, StoreResult, Upkeep};

#[async_trait]
impl Upkeep for Backend {
    async fn migrate(&self) -> StoreResult<()> {
        let mut conn = self.migration_connection().await?;
        Self::check_server(&conn)?;
        uncancelled(async move { Ok(MIGRATOR.run_direct(None, &mut *conn, false).await?) }).await
    }

    async fn check_schema(&self) -> StoreResult<()> {
        const MIGRATE: &str = "run `amazon-tracker migrate`";
        let mut conn = self.readers.acquire().await?;
        Self::check_server(&conn)?;
        Self::check_role(&mut conn).await?;
        if !sqlx::query_scalar::<_, bool>(HAS_LEDGER).fetch_one(&mut *conn).await? {
            return Err(StoreError::Schema(format!("there is none yet: {MIGRATE}")));
        }
        let ledger = &MIGRATOR.table_name;
        if let Some(version) = conn.dirty_version(ledger).await? {
            return Err(StoreError::Schema(format!("step {version} was applied by half: restore a backup")));
        }
        let applied = conn.list_applied_migrations(ledger).await?;
        if let Some(unknown) = applied.iter().find(|step| !MIGRATOR.version_exists(step.version)) {
            return Err(StoreError::Schema(newer(unknown.version)));
        }
        match MIGRATOR.iter().find(|step| !applied.iter().any(|applied| applied.version == step.version)) {
            Some(missing) => Err(StoreError::Schema(format!("step {} is missing: {MIGRATE}", missing.version))),
            None => Ok(()),
        }
    }

    async fn ping(&self) -> StoreResult<()> {
        sqlx::query("SELECT 1").execute(&mut *self.reader(Reach::Everyone).await?).await?;
        self.transaction(Reach::Everyone, |conn| require_writable(conn).boxed()).await
    }

    async fn ensure_room(&self, from: Timestamp, to: Timestamp) -> StoreResult<()> {
        rooms::ensure(self, from, to).await
    }

    async fn forget_before(&self, before: Timestamp) -> StoreResult<u64> {
        rooms::forget(self, before.as_millisecond()).await
    }

    async fn forget_ended(&self) -> StoreResult<()> {
        // Who never proved an address gives it back when the link is over.
        // An address is known by its sign-ins of the last 90 days: they stay as long.
        const OVER: &[(&str, i64)] = &[
            ("DELETE FROM tenant_user WHERE status = 'leaving' AND leaves_at < $1", 0),
            ("DELETE FROM tenant_user WHERE verified_at IS NULL AND created_at < $1", 8),
            ("DELETE FROM session WHERE expires_at < $1 AND used_at < $1", 100),
            ("DELETE FROM refresh_token WHERE spent_at < $1", 31),
            ("DELETE FROM task WHERE created_at < $1", 90),
            ("DELETE FROM link WHERE expires_at < $1", 7),
            ("DELETE FROM kept_answer WHERE created_at < $1", 2),
            ("DELETE FROM usage_of_day WHERE day * 86400000 < $1", 400),
        ];
        let now_ms = self.now_ms().await?;
        for (delete, after_days) in OVER {
            sqlx::query(*delete)
                .bind(now_ms - after_days * 24 * 3600 * 1000)
                .execute(&mut *self.writer(Reach::Everyone).await?)
                .await?;
        }
        Ok(())
    }

    async fn close(&self) {
        self.claims.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Who can only read is of no use: nothing that is seen could be kept.
async fn require_writable(conn: &mut Conn) -> StoreResult<()> {
    let is_read_only: bool = sqlx::query_scalar(IS_READ_ONLY).fetch_one(conn).await?;
    let read_only = || sqlx::Error::Protocol("the database is read-only".to_owned());
    if is_read_only { Err(StoreError::Unavailable(read_only())) } else { Ok(()) }
}
