//! What tenants use of their quotas.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Backend, Conn};
use crate::domain::TenantId;
use crate::store::clock::ClockParam;
use crate::store::rows::{count, time};
use crate::store::{StoreError, StoreResult, Usage, UsageRow};

pub(super) const DAY_MS: i64 = 24 * 3600 * 1000;

/// The day by the database's clock, as days since 1970. See `now!`.
macro_rules! today {
    ($place:literal) => {
        concat!("(", now!($place), ") / 86400000")
    };
}

#[async_trait]
impl Usage for Backend {
    async fn usage(&self, tenant_id: TenantId) -> StoreResult<UsageRow> {
        const USAGE: &str = concat!(
            "SELECT (SELECT count(*) FROM product WHERE tenant_id = $1), \
               (SELECT count(*) FROM tenant_user WHERE tenant_id = $1), \
               (SELECT count(*) FROM alert_rule WHERE tenant_id = $1), \
               (SELECT count(*) FROM channel WHERE tenant_id = $1), \
               coalesce((SELECT CAST(sum(sent) AS bigint) FROM channel_day WHERE tenant_id = $1 AND day = ",
            today!(2),
            "), 0), \
               coalesce((SELECT crawls FROM daily_usage WHERE tenant_id = $1 AND day = ",
            today!(2),
            "), 0), ",
            today!(2)
        );
        let query = sqlx::query_as(USAGE).bind(tenant_id.0).bind(self.clock_param());
        let (products, users, alerts, channels, messages, crawls, today): (i64, i64, i64, i64, i64, i64, i64) =
            query.fetch_one(&mut *self.reader(tenant_id).await?).await?;
        Ok(UsageRow {
            products: count(products)?,
            users: count(users)?,
            alerts: count(alerts)?,
            channels: count(channels)?,
            messages_today: count(messages)?,
            crawls_today: count(crawls)?,
            day_ends_at: end_of(today)?,
        })
    }
}

/// When a day ends, given as days since 1970.
fn end_of(day: i64) -> StoreResult<Timestamp> {
    time((day + 1) * DAY_MS)
}

/// Locks a tenant until the transaction ends: transactions that add to it run one after the other, so that what they count is
/// complete.
pub(super) async fn lock(conn: &mut Conn, tenant_id: TenantId) -> StoreResult<()> {
    const LOCK: &str = "UPDATE tenant SET name = name WHERE id = $1";
    sqlx::query(LOCK).bind(tenant_id.0).execute(conn).await?;
    Ok(())
}

/// Refuses what was just added if the tenant now has more than its quota. Under [`lock`].
pub(super) async fn check(
    conn: &mut Conn,
    count: &'static str,
    tenant_id: TenantId,
    quota: &'static str,
    limit: u32,
) -> StoreResult<()> {
    let total: i64 = sqlx::query_scalar(count).bind(tenant_id.0).fetch_one(conn).await?;
    if total > i64::from(limit) { Err(StoreError::OverQuota { quota, limit }) } else { Ok(()) }
}

/// Counts some of the crawls that a tenant may request today: all, or none and [`StoreError::OverQuota`].
pub(super) async fn consume_crawls(
    conn: &mut Conn,
    tenant_id: TenantId,
    crawls: usize,
    limit: u32,
    clock: ClockParam,
) -> StoreResult<()> {
    // The condition also applies to the first request of a day: the quota is never exceeded.
    const CONSUME: &str = concat!(
        "INSERT INTO daily_usage (tenant_id, day, crawls) SELECT $1, ",
        today!(2),
        ", $3 WHERE $3 <= $4 \
         ON CONFLICT (tenant_id, day) DO UPDATE SET crawls = daily_usage.crawls + $3 \
         WHERE daily_usage.crawls + $3 <= $4"
    );
    let query = sqlx::query(CONSUME).bind(tenant_id.0).bind(clock);
    let query = query.bind(i64::try_from(crawls).unwrap_or(i64::MAX)).bind(i64::from(limit));
    match query.execute(conn).await?.rows_affected() {
        0 => Err(StoreError::OverQuota { quota: "crawls_per_day", limit }),
        _ => Ok(()),
    }
}

/// Counts as many of some crawls as the tenant may still request today. Returns how many. Under [`lock`].
pub(super) async fn consume_available(
    conn: &mut Conn,
    tenant_id: TenantId,
    crawls: usize,
    limit: u32,
    clock: ClockParam,
) -> StoreResult<usize> {
    const CONSUMED: &str =
        concat!("SELECT coalesce((SELECT crawls FROM daily_usage WHERE tenant_id = $1 AND day = ", today!(2), "), 0)");
    let consumed: i64 = sqlx::query_scalar(CONSUMED).bind(tenant_id.0).bind(clock).fetch_one(&mut *conn).await?;
    let left = usize::try_from(i64::from(limit) - consumed).unwrap_or(0);
    let available = crawls.min(left);
    if available > 0 {
        consume_crawls(conn, tenant_id, available, limit, clock).await?;
    }
    Ok(available)
}
