//! Tenant scopes of connections and transactions: row-level security shows the rows of the tenant that the setting
//! `tracker.tenant_id` names.

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgPool};

use super::{Conn, Db};
use crate::store::StoreResult;
use crate::store::tenant_scope::TenantScope;

/// A connection that sees the rows of a scope. The scope stays with the connection when it returns to the pool, which costs one
/// round trip less than resetting it: every statement about rows of tenants runs on a connection from here or in a
/// transaction, and both set their scope first.
pub(super) async fn acquire_scoped(pool: &PgPool, scope: TenantScope) -> StoreResult<PoolConnection<Db>> {
    const SET_SCOPE: &str = "SELECT set_config('tracker.tenant_id', $1, false)";
    let mut conn = pool.acquire().await?;
    sqlx::query(SET_SCOPE).bind(scope.as_setting()).execute(&mut *conn).await?;
    Ok(conn)
}

/// The statement that begins a transaction with this scope.
pub(super) fn begin(scope: TenantScope) -> AssertSqlSafe<String> {
    // The value is a UUID or a star.
    AssertSqlSafe(format!("BEGIN; SET LOCAL tracker.tenant_id = '{}'", scope.as_setting()))
}

/// Changes the scope of the current transaction.
pub(super) async fn set_scope(conn: &mut Conn, scope: TenantScope) -> StoreResult<()> {
    const CHANGE: &str = "SELECT set_config('tracker.tenant_id', $1, true)";
    sqlx::query(CHANGE).bind(scope.as_setting()).execute(conn).await?;
    Ok(())
}
