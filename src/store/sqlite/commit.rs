//! The commit: a batch in one transaction, one guarded step after the other.

use std::collections::HashSet;

use futures_util::FutureExt;
use sqlx::types::Json;

use super::{Backend, Conn, history};
use crate::domain::{DeliveryId, Event};
use crate::store::lease::LeaseEnd;
use crate::store::outbox::WEBHOOK;
use crate::store::rows::sort_columns;
use crate::store::{Commit, RuleStep, StoreResult};

/// Writes some commits, each as a whole or not at all. Returns listing and token of those that were recorded.
pub(super) async fn write(store: &Backend, commits: &[&Commit]) -> StoreResult<HashSet<(i64, i64)>> {
    let now_ms = store.now_ms().await?;
    let commits: Vec<Commit> = commits.iter().map(|commit| (*commit).clone()).collect();
    store
        .transaction(move |conn| {
            async move {
                let mut recorded = HashSet::new();
                for commit in &commits {
                    if record(conn, commit, now_ms).await? {
                        recorded.insert((commit.listing_id.0, commit.token));
                    }
                }
                Ok(recorded)
            }
            .boxed()
        })
        .await
}

/// False when the token is stale. A commit that comes twice, because its answer was lost, leaves lease and tasks alone the
/// second time; the other steps have no second effect by themselves.
async fn record(conn: &mut Conn, commit: &Commit, now_ms: i64) -> StoreResult<bool> {
    const MINE: &str = "SELECT owner IS NOT NULL FROM lease WHERE listing_id = $1 AND token = $2";
    let mine = sqlx::query_scalar(MINE).bind(commit.listing_id.0).bind(commit.token);
    let Some(is_held) = mine.fetch_optional(&mut *conn).await? else { return Ok(false) };
    if is_held {
        end_lease(conn, commit, now_ms).await?;
        end_tasks(conn, commit, now_ms).await?;
    }
    update_listing(conn, commit, now_ms).await?;
    for point in &commit.points {
        history::insert(conn, commit.listing_id.0, point).await?;
    }
    for step in &commit.rule_steps {
        step_rule(conn, commit.listing_id.0, step, now_ms).await?;
    }
    Ok(true)
}

async fn end_lease(conn: &mut Conn, commit: &Commit, now_ms: i64) -> StoreResult<()> {
    const END: &str = "UPDATE lease SET \
           ready_at = CASE $2 WHEN 'due' THEN min($3 + $4, coalesce(again_at, $3 + $4)) \
                              WHEN 'parked' THEN coalesce(again_at, $3) ELSE $3 + $4 END, \
           lane = CASE WHEN $2 IN ('due', 'parked') THEN 1 ELSE lane END, \
           attempt = CASE WHEN $2 = 'due' OR ($2 = 'parked' AND again_at IS NOT NULL) THEN 0 \
                          WHEN $2 = 'postponed' THEN max(attempt - 1, 0) ELSE attempt END, \
           parked_at = CASE WHEN $2 = 'parked' AND again_at IS NULL THEN $3 ELSE parked_at END, \
           owner = NULL, again_at = NULL \
         WHERE listing_id = $1";
    let LeaseEnd { word, after_ms } = commit.next.into();
    sqlx::query(END).bind(commit.listing_id.0).bind(word).bind(now_ms).bind(after_ms).execute(conn).await?;
    Ok(())
}

async fn end_tasks(conn: &mut Conn, commit: &Commit, now_ms: i64) -> StoreResult<()> {
    const END: &str = "UPDATE task_item SET status = $2, outcome = $3, finished_at = $4 \
         WHERE listing_id = $1 AND status = 'pending'";
    let Some(status) = commit.tasks.status() else { return Ok(()) };
    let query = sqlx::query(END).bind(commit.listing_id.0).bind(status.as_str());
    query.bind(commit.outcome).bind(now_ms).execute(conn).await?;
    Ok(())
}

async fn update_listing(conn: &mut Conn, commit: &Commit, now_ms: i64) -> StoreResult<()> {
    const LOOKED: &str = "UPDATE listing SET last_outcome = $2, last_looked_at = $3 WHERE id = $1";
    const SEEN: &str = "UPDATE listing SET state = $2, sort_title = $3, price_minor = $4 WHERE id = $1";
    let id = commit.listing_id.0;
    sqlx::query(LOOKED).bind(id).bind(commit.outcome).bind(now_ms).execute(&mut *conn).await?;
    if let Some(state) = &commit.state {
        let (sort_title, price_minor) = sort_columns(state);
        let seen = sqlx::query(SEEN).bind(id).bind(Json(state.clone())).bind(sort_title).bind(price_minor);
        seen.execute(conn).await?;
    }
    Ok(())
}

async fn step_rule(conn: &mut Conn, listing_id: i64, step: &RuleStep, now_ms: i64) -> StoreResult<()> {
    const STEP: &str = "UPDATE alert_rule SET armed = $5, crossings = $6, last_notified_minor = $7 \
         WHERE id = $1 AND listing_id = $2 AND armed = $3 AND crossings = $4";
    let RuleStep { rule_id, before, after, event } = step;
    let query = sqlx::query(STEP).bind(rule_id.0).bind(listing_id);
    let query = query.bind(before.armed).bind(i64::from(before.crossings));
    let query = query.bind(after.armed).bind(i64::from(after.crossings)).bind(after.last_notified_minor);
    let stepped = query.execute(&mut *conn).await?.rows_affected() == 1;
    match event {
        Some(event) if stepped => tell(conn, event, now_ms).await,
        _ => Ok(()),
    }
}

/// Keeps the event and one delivery to the rule's channel.
async fn tell(conn: &mut Conn, event: &Event, now_ms: i64) -> StoreResult<()> {
    const EVENT: &str = "INSERT INTO event (id, tenant_id, rule_id, product_id, facts, at) \
         SELECT $1, tenant_id, id, product_id, $3, $4 FROM alert_rule WHERE id = $2 ON CONFLICT (id) DO NOTHING";
    const DELIVERY: &str = "INSERT INTO delivery (id, tenant_id, event_id, webhook_url, webhook_secret, status, ready_at) \
         SELECT $1, tenant_id, $3, webhook_url, webhook_secret, 'pending', $4 FROM alert_rule WHERE id = $2 \
         ON CONFLICT (id) DO NOTHING";
    let query = sqlx::query(EVENT).bind(event.id.0).bind(event.rule_id.0).bind(Json(event.facts.clone()));
    query.bind(event.at.as_millisecond()).execute(&mut *conn).await?;
    let delivery = DeliveryId::of_event(event.id, WEBHOOK);
    let query = sqlx::query(DELIVERY).bind(delivery.0).bind(event.rule_id.0).bind(event.id.0).bind(now_ms);
    query.execute(conn).await?;
    Ok(())
}
