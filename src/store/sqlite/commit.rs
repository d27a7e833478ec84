//! The commit: a batch in one transaction, passed as JSON. Every statement handles the whole batch, because the way to the
//! engine's thread and back costs more than most of them. Only rules, which seldom change, are updated one by one.

use std::collections::HashSet;

use futures_util::FutureExt;
use serde_json::Value;
use sqlx::types::Json;

use super::{Backend, Conn, is_marked, mark_prices};
use crate::domain::{DeliveryId, Event};
use crate::store::outbox::WEBHOOK;
use crate::store::tenant_scope::TenantScope;
use crate::store::{Commit, RuleStep, StoreResult, batch};

/// The crawls of `$1` whose token is not stale. `CROSS JOIN` keeps the planner from walking through the leases instead of
/// looking up the few of the batch.
macro_rules! fenced {
    ($columns:literal) => {
        concat!(
            "SELECT lease.listing_id, lease.token, lease.owner IS NOT NULL AS is_held, ",
            $columns,
            " FROM jsonb_each(jsonb($1)) given \
              CROSS JOIN lease \
              ON lease.listing_id = given.value ->> 'listing_id' AND lease.token = given.value ->> 'token'"
        )
    };
}

/// Writes some commits, each as a whole or not at all. Returns listing and token of those that were recorded.
pub(super) async fn write(store: &Backend, commits: &[&Commit]) -> StoreResult<HashSet<(i64, i64)>> {
    let now_ms = store.now_ms();
    let lists = Lists::of(commits)?;
    let moving = commits.iter().filter(|commit| !commit.rule_steps.is_empty()).map(|commit| (*commit).clone());
    let moving: Vec<Commit> = moving.collect();
    store
        .transaction(TenantScope::All, move |conn| async move { record(conn, lists, moving, now_ms).await }.boxed())
        .await
}

/// The batch as JSON, encoded once for all statements.
struct Lists {
    crawls: String,
    points: String,
    /// The listings of those that have a new price or availability, or a gap before it.
    marked: Vec<i64>,
    /// Number of commits.
    size: usize,
    /// Some of them bring offer lists.
    has_offers: bool,
    /// Some of them bring new content.
    has_content: bool,
}

impl Lists {
    fn of(commits: &[&Commit]) -> StoreResult<Self> {
        let text = |encoded: serde_json::Result<String>| encoded.map_err(|error| sqlx::Error::Encode(error.into()));
        let crawls = text(serde_json::to_string(&batch::crawls(commits)))?;
        Ok(Self {
            crawls,
            points: text(serde_json::to_string(&batch::points(commits)))?,
            marked: commits
                .iter()
                .filter(|commit| is_marked(&commit.points))
                .map(|commit| commit.listing_id.0)
                .collect(),
            size: commits.len(),
            has_offers: commits.iter().any(|commit| commit.offers.is_some()),
            has_content: commits.iter().any(|commit| commit.content.is_some()),
        })
    }

    /// Without the commits that were refused; there seldom are any.
    fn only(self, recorded: &HashSet<(i64, i64)>) -> StoreResult<Self> {
        if recorded.len() == self.size {
            return Ok(self);
        }
        let is_recorded = |row: &Value| {
            let number = |name: &str| row[name].as_i64().unwrap_or_default();
            recorded.contains(&(number("listing_id"), number("token")))
        };
        let filter = |rows: &str| -> serde_json::Result<String> {
            let rows: Vec<Value> = serde_json::from_str(rows)?;
            serde_json::to_string(&rows.into_iter().filter(is_recorded).collect::<Vec<_>>())
        };
        let text = |encoded: serde_json::Result<String>| encoded.map_err(|error| sqlx::Error::Encode(error.into()));
        let (crawls, points) = (text(filter(&self.crawls))?, text(filter(&self.points))?);
        Ok(Self { crawls, points, size: recorded.len(), ..self })
    }
}

/// A commit that is repeated because its response was lost leaves lease and tasks alone the second time; the other steps have no
/// second effect by themselves.
async fn record(conn: &mut Conn, lists: Lists, moving: Vec<Commit>, now_ms: i64) -> StoreResult<HashSet<(i64, i64)>> {
    // Also fenced by the ASIN that the page states: a page of another listing is never recorded.
    const RECORDED: &str = concat!(
        "SELECT crawl.listing_id, crawl.token FROM (",
        fenced!("given.value ->> 'asin' AS asin"),
        ") AS crawl WHERE crawl.asin IS NULL \
           OR EXISTS (SELECT 1 FROM listing l WHERE l.id = crawl.listing_id AND l.asin = crawl.asin)"
    );
    let recorded: Vec<(i64, i64)> = sqlx::query_as(RECORDED).bind(lists.crawls.clone()).fetch_all(&mut *conn).await?;
    let recorded: HashSet<(i64, i64)> = recorded.into_iter().collect();
    if recorded.is_empty() {
        return Ok(recorded);
    }
    let lists = lists.only(&recorded)?;
    end_tasks(conn, &lists, now_ms).await?;
    update_listings(conn, &lists, now_ms).await?;
    add_points(conn, &lists).await?;
    mark_prices(conn, lists.marked.clone()).await?;
    replace_offers(conn, &lists).await?;
    add_content(conn, &lists).await?;
    for commit in moving.iter().filter(|commit| recorded.contains(&(commit.listing_id.0, commit.token))) {
        for step in &commit.rule_steps {
            step_rule(conn, commit, step, now_ms).await?;
        }
    }
    // Last, because the statements before it check the lease.
    end_leases(conn, &lists, now_ms).await?;
    Ok(recorded)
}

async fn end_tasks(conn: &mut Conn, lists: &Lists, now_ms: i64) -> StoreResult<()> {
    const END: &str = concat!(
        "UPDATE job_item SET status = crawl.item_status, outcome = crawl.outcome, finished_at = $2 FROM (",
        fenced!("given.value ->> 'item_status' AS item_status, given.value ->> 'outcome' AS outcome"),
        ") AS crawl WHERE job_item.listing_id = crawl.listing_id AND job_item.status = 'pending' \
           AND crawl.is_held AND crawl.item_status IS NOT NULL"
    );
    sqlx::query(END).bind(lists.crawls.clone()).bind(now_ms).execute(conn).await?;
    Ok(())
}

async fn update_listings(conn: &mut Conn, lists: &Lists, now_ms: i64) -> StoreResult<()> {
    const UPDATE: &str = concat!(
        "UPDATE listing SET last_outcome = coalesce(crawl.outcome, listing.last_outcome), \
           last_crawled_at = CASE WHEN crawl.outcome IS NULL THEN listing.last_crawled_at ELSE $2 END, \
           state = coalesce(crawl.state, listing.state), \
           sort_title = CASE WHEN crawl.state IS NULL THEN listing.sort_title ELSE crawl.sort_title END, \
           price_minor = CASE WHEN crawl.state IS NULL THEN listing.price_minor ELSE crawl.price_minor END, \
           availability = CASE WHEN crawl.state IS NULL THEN listing.availability ELSE crawl.availability END, \
           best_rank = CASE WHEN crawl.state IS NULL THEN listing.best_rank ELSE crawl.best_rank END, \
           price_read_at = CASE WHEN crawl.state IS NULL THEN listing.price_read_at ELSE crawl.price_read_at END, \
           sort_seller = CASE WHEN crawl.state IS NULL THEN listing.sort_seller ELSE crawl.sort_seller END FROM (",
        fenced!(
            "given.value ->> 'outcome' AS outcome, given.value ->> 'state' AS state, \
             given.value ->> 'sort_title' AS sort_title, given.value ->> 'price_minor' AS price_minor, \
             given.value ->> 'availability' AS availability, given.value ->> 'best_rank' AS best_rank, \
             given.value ->> 'price_read_at' AS price_read_at, given.value ->> 'sort_seller' AS sort_seller"
        ),
        ") AS crawl WHERE listing.id = crawl.listing_id"
    );
    sqlx::query(UPDATE).bind(lists.crawls.clone()).bind(now_ms).execute(conn).await?;
    Ok(())
}

async fn add_points(conn: &mut Conn, lists: &Lists) -> StoreResult<()> {
    const ADD: &str = "INSERT INTO point (listing_id, series, category, at, number, text) \
         SELECT lease.listing_id, given.value ->> 'series', given.value ->> 'category', given.value ->> 'at', \
           given.value ->> 'number', given.value ->> 'text' \
         FROM jsonb_each(jsonb($1)) given \
         CROSS JOIN lease \
         ON lease.listing_id = given.value ->> 'listing_id' AND lease.token = given.value ->> 'token' \
         WHERE true ON CONFLICT DO NOTHING";
    if lists.points != "[]" {
        sqlx::query(ADD).bind(lists.points.clone()).execute(conn).await?;
    }
    Ok(())
}

async fn replace_offers(conn: &mut Conn, lists: &Lists) -> StoreResult<()> {
    const REPLACE: &str = concat!(
        "INSERT INTO listing_offers (listing_id, at, list) \
         SELECT crawl.listing_id, crawl.offers ->> 'at', crawl.offers -> 'list' FROM (",
        fenced!("given.value -> 'offers' AS offers"),
        ") AS crawl WHERE crawl.offers IS NOT NULL \
         ON CONFLICT (listing_id) DO UPDATE SET at = excluded.at, list = excluded.list \
           WHERE listing_offers.at <= excluded.at"
    );
    if lists.has_offers {
        sqlx::query(REPLACE).bind(lists.crawls.clone()).execute(conn).await?;
    }
    Ok(())
}

/// A version has all fields: those that were not read, or have not changed, are those of the version before.
async fn add_content(conn: &mut Conn, lists: &Lists) -> StoreResult<()> {
    const ADD: &str = concat!(
        "INSERT INTO content_version (listing_id, at, changed, content) \
         SELECT crawl.listing_id, crawl.content ->> 'at', crawl.content -> 'changed', \
           json_patch(coalesce((SELECT before.content FROM content_version before \
             WHERE before.listing_id = crawl.listing_id ORDER BY before.at DESC LIMIT 1), '{}'), crawl.content -> 'values') \
         FROM (",
        fenced!("given.value -> 'content' AS content"),
        ") AS crawl WHERE crawl.content IS NOT NULL \
         ON CONFLICT (listing_id, at) DO UPDATE SET content = excluded.content"
    );
    if lists.has_content {
        sqlx::query(ADD).bind(lists.crawls.clone()).execute(conn).await?;
    }
    Ok(())
}

async fn end_leases(conn: &mut Conn, lists: &Lists, now_ms: i64) -> StoreResult<()> {
    const END: &str = concat!(
        "UPDATE lease SET \
           ready_at = CASE crawl.next WHEN 'due' THEN min($2 + crawl.after_ms, coalesce(again_at, $2 + crawl.after_ms)) \
                                     WHEN 'parked' THEN coalesce(again_at, $2) ELSE $2 + crawl.after_ms END, \
           lane = CASE WHEN crawl.next IN ('due', 'parked') THEN 1 ELSE lane END, \
           attempt = CASE WHEN crawl.next = 'due' OR (crawl.next = 'parked' AND again_at IS NOT NULL) THEN 0 \
                          WHEN crawl.next = 'postponed' THEN max(attempt - 1, 0) ELSE attempt END, \
           parked_at = CASE WHEN crawl.next = 'parked' AND again_at IS NULL THEN $2 ELSE parked_at END, \
           owner = NULL, again_at = NULL FROM (",
        fenced!("given.value ->> 'next' AS next, given.value ->> 'after_ms' AS after_ms"),
        ") AS crawl WHERE lease.listing_id = crawl.listing_id AND crawl.is_held"
    );
    sqlx::query(END).bind(lists.crawls.clone()).bind(now_ms).execute(conn).await?;
    Ok(())
}

/// Moves a rule only from where it stood when it was read, and with the settings that it had.
async fn step_rule(conn: &mut Conn, commit: &Commit, step: &RuleStep, now_ms: i64) -> StoreResult<()> {
    const STEP: &str = "INSERT INTO rule_state (rule_id, product_id, tenant_id, revision, crossings, state) \
         SELECT id, $2, tenant_id, $4 + 1, $5, $6 FROM alert_rule WHERE id = $1 AND condition_version = $3 \
           AND ($4 = 0 OR EXISTS (SELECT 1 FROM rule_state WHERE rule_id = $1 AND product_id = $2)) \
         ON CONFLICT (rule_id, product_id) DO UPDATE \
           SET revision = excluded.revision, crossings = excluded.crossings, state = excluded.state \
           WHERE rule_state.revision = excluded.revision - 1";
    const REPEAT: &str = "UPDATE alert_rule SET armed = $3, crossings = $4 \
         WHERE id = $1 AND listing_id = $2 AND (armed <> $3 OR crossings <> $4)";
    let RuleStep { rule_id, condition_version, product_id, revision, after, event } = step;
    let query = sqlx::query(STEP).bind(rule_id.0).bind(product_id.0).bind(condition_version).bind(revision);
    let query = query.bind(i64::from(after.crossings)).bind(Json(after.clone()));
    if query.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(());
    }
    let query = sqlx::query(REPEAT).bind(rule_id.0).bind(commit.listing_id.0);
    query.bind(after.is_armed()).bind(i64::from(after.crossings)).execute(&mut *conn).await?;
    match event {
        Some(event) => add_event(conn, event, commit.trace_context.clone(), now_ms).await,
        None => Ok(()),
    }
}

/// Stores the event and its deliveries.
async fn add_event(conn: &mut Conn, event: &Event, trace_context: Option<String>, now_ms: i64) -> StoreResult<()> {
    const EVENT: &str = "INSERT INTO event (id, tenant_id, rule_id, product_id, facts, at) \
         SELECT $1, tenant_id, id, $3, $4, $5 FROM alert_rule WHERE id = $2 ON CONFLICT (id) DO NOTHING";
    const DELIVERY: &str = "INSERT INTO delivery \
           (id, tenant_id, event_id, webhook_url, webhook_secret, status, ready_at, trace_context) \
         SELECT $1, tenant_id, $3, webhook_url, webhook_secret, 'pending', $4, $5 FROM alert_rule \
         WHERE id = $2 AND webhook_url IS NOT NULL \
         ON CONFLICT (id) DO NOTHING";
    let query = sqlx::query(EVENT).bind(event.id.0).bind(event.rule_id.0).bind(event.product_id.0);
    let query = query.bind(Json(event.facts.clone())).bind(event.at.as_millisecond());
    if query.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(());
    }
    let told_ms = event.told_with_others_at.map_or(now_ms, |told_at| told_at.as_millisecond().max(now_ms));
    let delivery = DeliveryId::of_event(event.id, WEBHOOK);
    let query = sqlx::query(DELIVERY).bind(delivery.0).bind(event.rule_id.0).bind(event.id.0).bind(told_ms);
    query.bind(trace_context.clone()).execute(&mut *conn).await?;
    hold_back(conn, event, told_ms, trace_context).await
}

/// Deliveries to channels wait until the policy of the channel lets them go. Feeds read the events themselves.
async fn hold_back(conn: &mut Conn, event: &Event, told_ms: i64, trace_context: Option<String>) -> StoreResult<()> {
    const HOLD: &str = "INSERT INTO delivery (id, tenant_id, event_id, channel_id, status, ready_at, held_for, trace_context) \
         SELECT randomblob(16), rc.tenant_id, $2, rc.channel_id, 'held', \
           $3 + 1000 * coalesce(rc.fallback_after_secs, 0), \
           CASE WHEN rc.fallback_after_secs IS NOT NULL THEN 'fallback' WHEN $4 THEN 'cooldown' END, $5 \
         FROM rule_channel rc JOIN channel c ON c.id = rc.channel_id WHERE rc.rule_id = $1 AND c.kind <> 'atom'";
    let query = sqlx::query(HOLD).bind(event.rule_id.0).bind(event.id.0).bind(told_ms);
    query.bind(event.told_with_others_at.is_some()).bind(trace_context).execute(conn).await?;
    Ok(())
}
