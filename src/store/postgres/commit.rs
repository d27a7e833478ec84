//! The commit: a batch in one statement, told as JSON.

use std::collections::HashSet;

use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::Backend;
use crate::domain::{DeliveryId, EventFacts, ListingState, Point, PointValue};
use crate::store::lease::LeaseEnd;
use crate::store::outbox::WEBHOOK;
use crate::store::rows::sort_columns;
use crate::store::{Commit, RuleStep, StoreResult};

/// Writes some commits, each as a whole or not at all. Returns listing and token of those that were recorded.
pub(super) async fn write(store: &Backend, commits: &[&Commit]) -> StoreResult<HashSet<(i64, i64)>> {
    const COMMIT: &str = include_str!("commit.sql");
    let looks: Vec<Look> = commits.iter().map(|commit| Look::of(commit)).collect();
    let points: Vec<NewPoint> = of_each(commits, |commit| &commit.points, NewPoint::of);
    let steps: Vec<Step> = of_each(commits, |commit| &commit.rule_steps, Step::of);
    let query = sqlx::query_as(COMMIT).bind(Json(looks)).bind(Json(points)).bind(Json(steps));
    let recorded: Vec<(i64, i64)> = query.bind(store.clock.by_hand_ms()).fetch_all(&store.claims).await?;
    Ok(recorded.into_iter().collect())
}

fn of_each<'c, P: 'c, T>(
    commits: &[&'c Commit],
    parts: impl Fn(&'c Commit) -> &'c Vec<P>,
    row: impl Fn(&'c Commit, &'c P) -> T,
) -> Vec<T> {
    let (parts, row) = (&parts, &row);
    commits.iter().flat_map(|commit| parts(commit).iter().map(move |part| row(commit, part))).collect()
}

/// `look` in the statement.
#[derive(Serialize)]
struct Look<'c> {
    listing_id: i64,
    token: i64,
    outcome: &'static str,
    next: &'static str,
    after_ms: i64,
    task_status: Option<&'static str>,
    state: Option<&'c ListingState>,
    sort_title: Option<String>,
    price_minor: Option<i64>,
}

impl<'c> Look<'c> {
    fn of(commit: &'c Commit) -> Self {
        let LeaseEnd { word, after_ms } = commit.next.into();
        let (sort_title, price_minor) = commit.state.as_ref().map(sort_columns).unwrap_or_default();
        Self {
            listing_id: commit.listing_id.0,
            token: commit.token,
            outcome: commit.outcome,
            next: word,
            after_ms,
            task_status: commit.tasks.status().map(|status| status.as_str()),
            state: commit.state.as_ref(),
            sort_title,
            price_minor,
        }
    }
}

/// A row of `$2`.
#[derive(Serialize)]
struct NewPoint<'c> {
    listing_id: i64,
    token: i64,
    series: i16,
    category: &'c str,
    at: i64,
    number: Option<i64>,
    text: Option<&'c str>,
}

impl<'c> NewPoint<'c> {
    fn of(commit: &'c Commit, point: &'c Point) -> Self {
        Self {
            listing_id: commit.listing_id.0,
            token: commit.token,
            series: point.key.series.number(),
            category: &point.key.category,
            at: point.at.as_millisecond(),
            number: point.value.as_ref().and_then(PointValue::number),
            text: point.value.as_ref().and_then(PointValue::text),
        }
    }
}

/// `step` in the statement; the last four are missing when the rule did not fire.
#[derive(Serialize)]
struct Step<'c> {
    listing_id: i64,
    token: i64,
    rule_id: Uuid,
    armed_before: bool,
    crossings_before: u32,
    armed: bool,
    crossings: u32,
    last_notified_minor: Option<i64>,
    event_id: Option<Uuid>,
    delivery_id: Option<Uuid>,
    facts: Option<&'c EventFacts>,
    at: Option<i64>,
}

impl<'c> Step<'c> {
    fn of(commit: &'c Commit, step: &'c RuleStep) -> Self {
        let event = step.event.as_ref();
        Self {
            listing_id: commit.listing_id.0,
            token: commit.token,
            rule_id: step.rule_id.0,
            armed_before: step.before.armed,
            crossings_before: step.before.crossings,
            armed: step.after.armed,
            crossings: step.after.crossings,
            last_notified_minor: step.after.last_notified_minor,
            event_id: event.map(|event| event.id.0),
            delivery_id: event.map(|event| DeliveryId::of_event(event.id, WEBHOOK).0),
            facts: event.map(|event| &event.facts),
            at: event.map(|event| event.at.as_millisecond()),
        }
    }
}
