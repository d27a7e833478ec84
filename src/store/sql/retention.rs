//! Deletes the rows whose retention has ended: in batches, oldest first, found by an index.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::lease::NOW;
use super::usage::DAY_MS;
use super::{Backend, Db, partitions};
use crate::config::RetentionSettings;
use crate::domain::TenantId;
use crate::store::StoreResult;
use crate::store::tenant_scope::TenantScope;

/// Rows per statement: more would hold their locks, and SQLite's one writer, for too long.
const BATCH_ROWS: i64 = 1000;

/// Statements per kind of row and run. The next run continues.
const MAX_BATCHES: u32 = 10;

/// Stored responses of one tenant. The largest has 75 kB, most have less than one.
const MAX_STORED_RESPONSES: i64 = 10_000;

/// An address that was not verified within so many days is never verified: its link has expired.
const UNVERIFIED_DAYS: u32 = 8;

/// Days that events wait for a channel that is not used.
const HELD_DAYS: u32 = 7;

/// What is deleted together.
struct Pruning {
    /// The table.
    table: &'static str,
    /// The columns of its primary key.
    key: &'static str,
    /// Selects the keys of what is older than the time `{before}`, without order and limit; `None`: by the column of the order.
    old: Option<&'static str>,
    /// The column by which the oldest are deleted first.
    order: &'static str,
    /// After how many days; `None`: the rows name their own time.
    days: Days,
}

type Days = fn(&RetentionSettings) -> Option<u32>;

/// In this order: what refers to a row goes before the row. Rows that depend on one another go in steps of their own, so that a
/// statement never deletes more than its batch by way of a cascade.
const PRUNINGS: &[Pruning] = &[
    Pruning::of_rows(
        "delivery",
        "id",
        "SELECT id FROM delivery WHERE status = 'delivered' AND delivered_at < {before}",
        "delivered_at",
        |days| Some(days.delivered_days),
    ),
    Pruning::of_rows(
        "delivery",
        "id",
        "SELECT id FROM delivery WHERE status IN ('dead', 'dropped') AND ready_at < {before}",
        "ready_at",
        |days| Some(days.dead_deliveries_days),
    ),
    Pruning::of_rows(
        "delivery",
        "id",
        "SELECT d.id FROM event e JOIN delivery d ON d.event_id = e.id WHERE e.at < {before} \
              AND d.status NOT IN ('pending', 'held', 'sending')",
        "e.at",
        |days| Some(days.events_days),
    ),
    // What waits for a channel that is not used waits so long.
    Pruning::of_rows(
        "delivery",
        "id",
        "SELECT d.id FROM event e JOIN delivery d ON d.event_id = e.id WHERE e.at < {before} AND d.status = 'held' \
              AND d.ready_at >= 253000000000000",
        "e.at",
        |_| Some(HELD_DAYS),
    ),
    Pruning::of_rows(
        "message",
        "id",
        "SELECT id FROM message WHERE created_at < {before} AND status <> 'pending'",
        "created_at",
        |days| Some(days.events_days),
    ),
    Pruning::of_rows(
        "message",
        "id",
        "SELECT id FROM message WHERE created_at < {before} AND status = 'pending' AND ready_at >= 253000000000000",
        "created_at",
        |_| Some(HELD_DAYS),
    ),
    // Their message was deleted, or their channel.
    Pruning::of_rows(
        "delivery",
        "id",
        "SELECT d.id FROM event e JOIN delivery d ON d.event_id = e.id WHERE e.at < {before} \
              AND (d.status = 'sending' AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = d.message_id) \
                OR d.status = 'held' AND NOT EXISTS (SELECT 1 FROM channel c WHERE c.id = d.channel_id))",
        "e.at",
        |_| Some(HELD_DAYS),
    ),
    Pruning::of_rows(
        "channel_day",
        "channel_id, day",
        "SELECT channel_id, day FROM channel_day WHERE day < ({before}) / 86400000",
        "day",
        |days| Some(days.daily_usage_days),
    ),
    Pruning::of_rows(
        "event",
        "id",
        "SELECT id FROM event WHERE at < {before} \
              AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.event_id = event.id)",
        "at",
        |days| Some(days.events_days),
    ),
    Pruning::by_age("audit", "id", "at", |days| Some(days.audit_days)),
    Pruning::by_age("refresh_token", "hash", "spent_at", |days| Some(days.refresh_tokens_days)),
    Pruning::by_age("grant_token", "hash", "spent_at", |days| Some(days.refresh_tokens_days)),
    Pruning::of_rows(
        "refresh_token",
        "hash",
        "SELECT t.hash FROM session s JOIN refresh_token t ON t.session_id = s.id WHERE s.expires_at < {before}",
        "s.expires_at",
        |days| Some(days.sessions_days),
    ),
    Pruning::of_rows(
        "grant_token",
        "hash",
        "SELECT t.hash FROM session s JOIN grant_token t ON t.session_id = s.id WHERE s.expires_at < {before}",
        "s.expires_at",
        |days| Some(days.sessions_days),
    ),
    Pruning::by_age("authorization_code", "hash", "expires_at", |days| Some(days.links_days)),
    Pruning::of_rows(
        "session",
        "id",
        "SELECT id FROM session WHERE expires_at < {before} \
              AND NOT EXISTS (SELECT 1 FROM refresh_token WHERE refresh_token.session_id = session.id) \
              AND NOT EXISTS (SELECT 1 FROM grant_token WHERE grant_token.session_id = session.id)",
        "expires_at",
        |days| Some(days.sessions_days),
    ),
    Pruning::by_age("link", "hash", "expires_at", |days| Some(days.links_days)),
    Pruning::of_rows(
        "job_item",
        "job_id, place",
        "SELECT i.job_id, i.place FROM job t JOIN job_item i ON i.job_id = t.id WHERE t.created_at < {before}",
        "t.created_at",
        |days| Some(days.jobs_days),
    ),
    Pruning::of_rows(
        "job",
        "id",
        "SELECT id FROM job WHERE created_at < {before} \
              AND NOT EXISTS (SELECT 1 FROM job_item WHERE job_item.job_id = job.id)",
        "created_at",
        |days| Some(days.jobs_days),
    ),
    // A report that is done names its own time.
    Pruning::of_rows("report", "id", "SELECT id FROM report WHERE expires_at < {before}", "expires_at", |_| None),
    Pruning::of_rows(
        "report",
        "id",
        "SELECT id FROM report WHERE created_at < {before} AND finished_at IS NULL \
              AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = report.job_id)",
        "created_at",
        |days| Some(days.jobs_days),
    ),
    Pruning::by_age("schedule_run", "id", "at", |days| Some(days.jobs_days)),
    Pruning::of_rows(
        "crawl_count",
        "hour, source, marketplace, kind",
        "SELECT hour, source, marketplace, kind FROM crawl_count WHERE hour < ({before}) / 3600000",
        "hour",
        |days| Some(days.crawl_counts_days),
    ),
    Pruning::of_rows(
        "content_version",
        "listing_id, at",
        "SELECT v.listing_id, v.at FROM content_version v WHERE v.at < {before} \
              AND EXISTS (SELECT 1 FROM content_version newer WHERE newer.listing_id = v.listing_id AND newer.at > v.at)",
        "v.at",
        |days| Some(days.history_days),
    ),
    Pruning::by_age("field_drift", "source, marketplace, field, started_at", "started_at", |days| {
        Some(days.crawl_counts_days)
    }),
    Pruning::by_age("page_sample", "id", "taken_at", |days| Some(days.page_samples_days)),
    Pruning::by_age("listing_image", "listing_id", "asked_at", |days| Some(days.listing_images_days)),
    Pruning::of_rows(
        "source_run_listing",
        "run_id, listing_id",
        "SELECT m.run_id, m.listing_id FROM source_run r JOIN source_run_listing m ON m.run_id = r.id \
              WHERE r.opened_at < {before}",
        "r.opened_at",
        |days| Some(days.source_runs_days),
    ),
    Pruning::of_rows(
        "spending",
        "run_id, tenant_id",
        "SELECT s.run_id, s.tenant_id FROM source_run r JOIN spending s ON s.run_id = r.id \
              WHERE r.opened_at < {before}",
        "r.opened_at",
        |days| Some(days.source_runs_days),
    ),
    Pruning::of_rows(
        "source_run",
        "id",
        "SELECT id FROM source_run WHERE opened_at < {before} \
              AND NOT EXISTS (SELECT 1 FROM source_run_listing WHERE source_run_listing.run_id = source_run.id) \
              AND NOT EXISTS (SELECT 1 FROM spending WHERE spending.run_id = source_run.id)",
        "opened_at",
        |days| Some(days.source_runs_days),
    ),
    Pruning::by_age("budget_refusal", "tenant_id, day, budget", "at", |days| Some(days.source_runs_days)),
    Pruning::by_age("advice_request", "id", "at", |days| Some(days.source_runs_days)),
    Pruning::by_age("advice", "product_id, cache_key", "expires_at", |_| None),
    Pruning::by_age("idempotency_key", "tenant_id, caller, key", "created_at", |days| Some(days.idempotency_keys_days)),
    Pruning::of_rows(
        "daily_usage",
        "tenant_id, day",
        "SELECT tenant_id, day FROM daily_usage WHERE day < ({before}) / 86400000",
        "day",
        |days| Some(days.daily_usage_days),
    ),
    Pruning::of_rows(
        "tenant_user",
        "id",
        "SELECT id FROM tenant_user WHERE status = 'pending_deletion' AND deletion_scheduled_at < {before}",
        "deletion_scheduled_at",
        |_| None,
    ),
    Pruning::of_rows(
        "api_key",
        "id",
        "SELECT id FROM api_key WHERE revoked_at < {before} OR expires_at < {before}",
        "created_at",
        |days| Some(days.api_keys_days),
    ),
    // The link that verifies the address has expired by then. The address can be registered again.
    Pruning::of_rows(
        "tenant_user",
        "id",
        "SELECT id FROM tenant_user WHERE verified_at IS NULL AND created_at < {before}",
        "created_at",
        |_| Some(UNVERIFIED_DAYS),
    ),
];

impl Pruning {
    /// Of the rows of a table that are older by a column.
    const fn by_age(table: &'static str, key: &'static str, column: &'static str, days: Days) -> Self {
        Self { table, key, old: None, order: column, days }
    }

    /// Of the rows that a query selects.
    const fn of_rows(
        table: &'static str,
        key: &'static str,
        old: &'static str,
        order: &'static str,
        days: Days,
    ) -> Self {
        Self { table, key, old: Some(old), order, days }
    }

    /// The statement that deletes one batch: `$1` the clock, `$2` the age in milliseconds, `$3` the rows of a batch. Locking a row
    /// looks at its newest version: what has just become valid again stays.
    fn statement(&self) -> String {
        let Self { table, key, order, .. } = self;
        let skip_locked = skip_locked!();
        let by_age = || format!("SELECT {key} FROM {table} WHERE {order} < {{before}}");
        let old = self.old.map_or_else(by_age, str::to_owned).replace("{before}", concat!(now!(1), " - $2"));
        format!(
            "WITH old AS MATERIALIZED ({old} ORDER BY {order} LIMIT $3{skip_locked}) \
             DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM old)"
        )
    }

    /// Deletes what is too old, in batches. Returns how many rows.
    async fn run(&self, store: &Backend, retention: &RetentionSettings) -> StoreResult<u64> {
        let days = (self.days)(retention);
        if days == Some(0) {
            return Ok(0);
        }
        let age_ms = days.map_or(0, |days| i64::from(days) * DAY_MS);
        let statement = self.statement();
        let mut deleted = 0;
        for _ in 0..MAX_BATCHES {
            // Nothing but the texts above.
            let query = sqlx::query::<Db>(AssertSqlSafe(statement.clone()));
            let query = query.bind(store.clock_param()).bind(age_ms).bind(BATCH_ROWS);
            // Back to the pool after each batch: other writers come in between.
            let batch = query.execute(&mut *store.writer(TenantScope::All).await?).await?.rows_affected();
            deleted += batch;
            if batch < BATCH_ROWS.unsigned_abs() {
                break;
            }
        }
        Ok(deleted)
    }
}

/// Deletes what is older than its retention, at most a few thousand rows of each kind. Returns how many rows, and partitions of
/// history.
pub(super) async fn prune(store: &Backend, retention: &RetentionSettings) -> StoreResult<u64> {
    let mut deleted = 0;
    for pruning in PRUNINGS {
        deleted += pruning.run(store, retention).await?;
    }
    deleted += forget_surplus_responses(store).await?;
    schedule_deserted_tenants(store).await?;
    if retention.history_days > 0 {
        let now_ms: i64 = sqlx::query_scalar(NOW).bind(store.clock_param()).fetch_one(&store.readers).await?;
        deleted += partitions::forget(store, now_ms - i64::from(retention.history_days) * DAY_MS).await?;
    }
    Ok(deleted)
}

/// Of the stored responses of a tenant, only the newest are kept: one tenant cannot fill the disk with them.
async fn forget_surplus_responses(store: &Backend) -> StoreResult<u64> {
    const OVER: &str = "SELECT tenant_id FROM idempotency_key GROUP BY tenant_id HAVING count(*) > $1";
    const FORGET: &str = "DELETE FROM idempotency_key WHERE tenant_id = $1 AND created_at <= ( \
         SELECT created_at FROM idempotency_key WHERE tenant_id = $1 ORDER BY created_at DESC LIMIT 1 OFFSET $2)";
    let query = sqlx::query_scalar(OVER).bind(MAX_STORED_RESPONSES);
    let over: Vec<Uuid> = query.fetch_all(&mut *store.writer(TenantScope::All).await?).await?;
    let mut forgotten = 0;
    for tenant_id in over {
        let query = sqlx::query(FORGET).bind(tenant_id).bind(MAX_STORED_RESPONSES);
        forgotten += query.execute(&mut *store.writer(TenantScope::All).await?).await?.rows_affected();
    }
    Ok(forgotten)
}

/// Tenants that lost their only user before the address was verified are removed by the job that removes tenants.
async fn schedule_deserted_tenants(store: &Backend) -> StoreResult<()> {
    const SCHEDULE: &str = concat!(
        "UPDATE tenant SET deletion_scheduled_at = ",
        now!(1),
        ", version = version + 1 WHERE id IN ( \
           SELECT t.id FROM tenant t WHERE t.deletion_scheduled_at IS NULL AND t.id <> $2 AND t.created_at < ",
        now!(1),
        " - $3 AND NOT EXISTS (SELECT 1 FROM tenant_user u WHERE u.tenant_id = t.id) LIMIT $4)"
    );
    let query = sqlx::query(SCHEDULE).bind(store.clock_param()).bind(TenantId::BUILT_IN.0);
    let query = query.bind(i64::from(UNVERIFIED_DAYS) * DAY_MS).bind(BATCH_ROWS);
    query.execute(&mut *store.writer(TenantScope::All).await?).await?;
    Ok(())
}
