//! What tenants have of what they may have.

use async_trait::async_trait;

use super::{Backend, Conn};
use crate::domain::TenantId;
use crate::store::rows::count;
use crate::store::{CrawlQuota, StoreError, StoreResult, Usage, UsageRow};

pub(super) const DAY_MS: i64 = 24 * 3600 * 1000;

#[async_trait]
impl Usage for Backend {
    async fn usage(&self, tenant_id: TenantId) -> StoreResult<UsageRow> {
        const USAGE: &str = "SELECT (SELECT count(*) FROM product WHERE tenant_id = $1), \
               (SELECT count(*) FROM tenant_user WHERE tenant_id = $1), \
               (SELECT count(*) FROM alert_rule WHERE tenant_id = $1), \
               coalesce((SELECT crawls FROM daily_usage WHERE tenant_id = $1 AND day = $2), 0)";
        let now_ms = self.now_ms().await?;
        let query = sqlx::query_as(USAGE).bind(tenant_id.0).bind(now_ms.div_euclid(DAY_MS));
        let (products, users, alerts, crawls): (i64, i64, i64, i64) =
            query.fetch_one(&mut *self.reader(tenant_id).await?).await?;
        Ok(UsageRow {
            products: count(products)?,
            users: count(users)?,
            alerts: count(alerts)?,
            crawls_today: count(crawls)?,
            day_ends_at: day_end(now_ms)?,
        })
    }

    async fn consume_crawls(&self, tenant_id: TenantId, crawls: u32, quota: u32) -> StoreResult<CrawlQuota> {
        // The condition holds for the first of a day as well as for the others: nothing is spent beyond the quota.
        const SPEND: &str = "INSERT INTO daily_usage (tenant_id, day, crawls) SELECT $1, $2, $3 WHERE $3 <= $4 \
             ON CONFLICT (tenant_id, day) DO UPDATE SET crawls = daily_usage.crawls + $3 \
             WHERE daily_usage.crawls + $3 <= $4";
        let now_ms = self.now_ms().await?;
        let query = sqlx::query(SPEND).bind(tenant_id.0).bind(now_ms.div_euclid(DAY_MS));
        let spent =
            query.bind(i64::from(crawls)).bind(i64::from(quota)).execute(&mut *self.writer(tenant_id).await?).await?;
        Ok(if spent.rows_affected() == 1 {
            CrawlQuota::Within
        } else {
            CrawlQuota::Exceeded { day_ends_at: day_end(now_ms)? }
        })
    }

    async fn refund_crawls(&self, tenant_id: TenantId, crawls: u32) -> StoreResult<()> {
        const GIVE_BACK: &str = "UPDATE daily_usage SET crawls = crawls - $3 \
             WHERE tenant_id = $1 AND day = $2 AND crawls >= $3";
        let now_ms = self.now_ms().await?;
        let query = sqlx::query(GIVE_BACK).bind(tenant_id.0).bind(now_ms.div_euclid(DAY_MS));
        query.bind(i64::from(crawls)).execute(&mut *self.writer(tenant_id).await?).await?;
        Ok(())
    }
}

fn day_end(now_ms: i64) -> StoreResult<jiff::Timestamp> {
    crate::store::rows::time((now_ms.div_euclid(DAY_MS) + 1) * DAY_MS)
}

/// Whoever adds something to a tenant comes one after the other: what is counted then is all there is.
pub(super) async fn lock(conn: &mut Conn, tenant_id: TenantId) -> StoreResult<()> {
    const LOCK: &str = "UPDATE tenant SET name = name WHERE id = $1";
    sqlx::query(LOCK).bind(tenant_id.0).execute(conn).await?;
    Ok(())
}

/// Refuses what was just added if there is more now than there may be. Under [`lock`].
pub(super) async fn check(conn: &mut Conn, count: &'static str, tenant_id: TenantId, quota: u32) -> StoreResult<()> {
    let there_are: i64 = sqlx::query_scalar(count).bind(tenant_id.0).fetch_one(conn).await?;
    if there_are > i64::from(quota) { Err(StoreError::OverQuota) } else { Ok(()) }
}
