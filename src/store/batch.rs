//! A batch of commits as JSON: both engines write three lists, however many crawls there are.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::types::Json;
use uuid::Uuid;

use super::lease::LeaseEnd;
use super::outbox::WEBHOOK;
use super::rows::{BoardColumns, sort_columns};
use super::{Commit, RuleStep};
use crate::domain::{
    Asin, ContentField, DeliveryId, EventFacts, ListingState, OfferList, Point, PointValue, RuleState,
};

/// The results of some crawls.
pub(super) fn crawls<'c>(commits: &[&'c Commit]) -> Json<Vec<CrawlRow<'c>>> {
    Json(commits.iter().map(|commit| CrawlRow::of(commit)).collect())
}

/// Their points.
pub(super) fn points<'c>(commits: &[&'c Commit]) -> Json<Vec<NewPoint<'c>>> {
    let row = |commit: &'c Commit, point: &'c Point| NewPoint::of(commit.listing_id.0, Some(commit.token), point);
    Json(rows_of(commits, |commit| &commit.points, row))
}

/// The steps of rules.
pub(super) fn steps<'c>(commits: &[&'c Commit]) -> Json<Vec<Step<'c>>> {
    Json(rows_of(commits, |commit| &commit.rule_steps, Step::of))
}

fn rows_of<'c, P: 'c, T>(
    commits: &[&'c Commit],
    parts: impl Fn(&'c Commit) -> &'c Vec<P>,
    row: impl Fn(&'c Commit, &'c P) -> T,
) -> Vec<T> {
    let (parts, row) = (&parts, &row);
    commits.iter().flat_map(|commit| parts(commit).iter().map(move |part| row(commit, part))).collect()
}

/// The result of one crawl.
#[derive(Serialize)]
pub(super) struct CrawlRow<'c> {
    listing_id: i64,
    token: i64,
    /// As the page states it.
    asin: Option<&'c str>,
    outcome: Option<&'static str>,
    next: &'static str,
    after_ms: i64,
    item_status: Option<&'static str>,
    state: Option<&'c ListingState>,
    sort_title: Option<String>,
    price_minor: Option<i64>,
    #[serde(flatten)]
    board: Option<BoardColumns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<NewContent<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offers: Option<NewOffers<'c>>,
}

/// A new version of the content.
#[derive(Serialize)]
struct NewContent<'c> {
    at: i64,
    changed: &'c [ContentField],
    values: &'c Map<String, Value>,
}

/// An offer list.
#[derive(Serialize)]
struct NewOffers<'c> {
    at: i64,
    list: &'c OfferList,
}

impl<'c> CrawlRow<'c> {
    fn of(commit: &'c Commit) -> Self {
        let LeaseEnd { word, after_ms } = commit.next.into();
        let (sort_title, price_minor) = commit.state.as_ref().map(sort_columns).unwrap_or_default();
        Self {
            listing_id: commit.listing_id.0,
            token: commit.token,
            asin: commit.asin.as_ref().map(Asin::as_str),
            outcome: commit.outcome,
            next: word,
            after_ms,
            item_status: commit.job_items.status().map(|status| status.as_str()),
            state: commit.state.as_ref(),
            sort_title,
            price_minor,
            board: commit.state.as_ref().map(BoardColumns::from),
            content: commit.content.as_ref().map(|version| NewContent {
                at: version.at.as_millisecond(),
                changed: &version.change.changed,
                values: &version.change.values,
            }),
            offers: commit
                .offers
                .as_ref()
                .map(|offers| NewOffers { at: offers.at.as_millisecond(), list: &offers.list }),
        }
    }
}

/// One point of a listing.
#[derive(Serialize)]
pub(super) struct NewPoint<'c> {
    listing_id: i64,
    /// Missing for points that are imported, which need no lease.
    token: Option<i64>,
    series: i16,
    category: &'c str,
    at: i64,
    number: Option<i64>,
    text: Option<&'c str>,
}

impl<'c> NewPoint<'c> {
    pub(super) fn of(listing_id: i64, token: Option<i64>, point: &'c Point) -> Self {
        Self {
            listing_id,
            token,
            series: point.key.series.number(),
            category: &point.key.category,
            at: point.at.as_millisecond(),
            number: point.value.as_ref().and_then(PointValue::number),
            text: point.value.as_ref().and_then(PointValue::text),
        }
    }
}

/// One step of a rule about a product; the last fields are missing when the rule did not fire.
#[derive(Serialize)]
pub(super) struct Step<'c> {
    listing_id: i64,
    token: i64,
    rule_id: Uuid,
    condition_version: i64,
    product_id: Uuid,
    revision: i64,
    state: &'c RuleState,
    is_armed: bool,
    crossings: u32,
    event_id: Option<Uuid>,
    delivery_id: Option<Uuid>,
    facts: Option<&'c EventFacts>,
    at: Option<i64>,
    /// Not before then is it told.
    told_at: Option<i64>,
    trace_context: Option<&'c str>,
}

impl<'c> Step<'c> {
    fn of(commit: &'c Commit, step: &'c RuleStep) -> Self {
        let event = step.event.as_ref();
        Self {
            listing_id: commit.listing_id.0,
            token: commit.token,
            rule_id: step.rule_id.0,
            condition_version: step.condition_version,
            product_id: step.product_id.0,
            revision: step.revision,
            state: &step.after,
            is_armed: step.after.is_armed(),
            crossings: step.after.crossings,
            event_id: event.map(|event| event.id.0),
            delivery_id: event.map(|event| DeliveryId::of_event(event.id, WEBHOOK).0),
            facts: event.map(|event| &event.facts),
            at: event.map(|event| event.at.as_millisecond()),
            told_at: event.and_then(|event| event.told_with_others_at).map(Timestamp::as_millisecond),
            trace_context: event.and(commit.trace_context.as_deref()),
        }
    }
}
