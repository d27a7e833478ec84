//! Changes of many products: the number of statements does not depend on the number of products.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;
use sqlx::QueryBuilder;
use sqlx::types::Json;

use super::catalog::{Rescheduled, listings_of, remove};
use super::product_list::SELECT_PRODUCT;
use super::schedule_request::{self, ScheduleRequest};
use super::{Conn, Db, tasks};
use crate::domain::product::MAX_TAGS;
use crate::domain::{ListingId, Product, ProductId, ProductSettings, TenantId};
use crate::store::board::{ProductsChange, ProductsChanged, SettingsChange};
use crate::store::clock::ClockParam;
use crate::store::error::or_report;
use crate::store::rows::ProductColumns;
use crate::store::{Lane, StoreResult};

/// Carries out a change of many products.
pub(super) async fn change(
    conn: &mut Conn,
    tenant_id: TenantId,
    products: Vec<ProductId>,
    change: ProductsChange,
    clock: ClockParam,
) -> StoreResult<ProductsChanged> {
    let listings = listings_of(conn, tenant_id, &products).await?;
    let (known, unknown): (Vec<_>, Vec<_>) = products.into_iter().partition(|id| listings.contains_key(id));
    let nothing = ProductsChanged { unknown, ..ProductsChanged::default() };
    if known.is_empty() {
        return Ok(nothing);
    }
    match change {
        ProductsChange::Delete => {
            remove(conn, tenant_id, &known, clock).await?;
            Ok(ProductsChanged { changed: known, ..nothing })
        }
        ProductsChange::Crawl { crawls_per_day } => {
            let task = tasks::request(conn, tenant_id, known.clone(), crawls_per_day, clock).await?;
            Ok(ProductsChanged { changed: known, job_id: Some(task.id), ..nothing })
        }
        ProductsChange::Settings(change) => {
            let changed = change_settings(conn, tenant_id, &known, &listings, &change, clock).await?;
            let unknown = nothing.unknown.into_iter().chain(changed.unknown).collect();
            Ok(ProductsChanged { unknown, ..changed })
        }
    }
}

async fn change_settings(
    conn: &mut Conn,
    tenant_id: TenantId,
    products: &[ProductId],
    listings: &HashMap<ProductId, ListingId>,
    change: &SettingsChange,
    clock: ClockParam,
) -> StoreResult<ProductsChanged> {
    let locked: Vec<i64> = listings.values().map(|listing| listing.0).collect();
    schedule_request::lock(conn, &locked, clock).await?;
    // Read under the lock, so that no change in between is lost.
    let mut before = settings_of(conn, tenant_id, products).await?;
    let mut outcome = ProductsChanged::default();
    let mut changes = Vec::new();
    for id in products {
        let Some((listing_id, before)) = before.remove(id) else {
            outcome.unknown.push(*id);
            continue;
        };
        let after = changed(before.clone(), change);
        if after.tags.len() > MAX_TAGS {
            outcome.too_many_tags.push(*id);
        } else if after == before {
            outcome.unchanged.push(*id);
        } else {
            outcome.changed.push(*id);
            changes.push((listing_id, before, after));
        }
    }
    if !outcome.changed.is_empty() {
        write(conn, &outcome.changed, &changes, clock).await?;
        reschedule(conn, tenant_id, &changes, clock).await?;
    }
    Ok(outcome)
}

fn changed(before: ProductSettings, change: &SettingsChange) -> ProductSettings {
    let mut tags = before.tags;
    tags.retain(|tag| !change.remove_tags.contains(tag));
    for tag in &change.add_tags {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    ProductSettings {
        tags,
        frequency: change.frequency.unwrap_or(before.frequency),
        status: change.status.unwrap_or(before.status),
        ..before
    }
}

async fn settings_of(
    conn: &mut Conn,
    tenant_id: TenantId,
    products: &[ProductId],
) -> StoreResult<HashMap<ProductId, (i64, ProductSettings)>> {
    let mut query = QueryBuilder::<Db>::new(SELECT_PRODUCT);
    query.push(" WHERE p.tenant_id = ").push_bind(tenant_id.0).push(" AND p.id IN (");
    let mut list = query.separated(", ");
    for id in products {
        list.push_bind(id.0);
    }
    query.push(")");
    let rows: Vec<ProductColumns> = query.build_query_as().fetch_all(conn).await?;
    let products = rows.into_iter().map(Product::try_from).filter_map(or_report);
    Ok(products.map(|product| (product.id, (product.listing_id.0, product.settings))).collect())
}

/// What is written of a product, as the SQL reads it from JSON.
#[derive(Serialize)]
struct SettingsRow {
    n: usize,
    tags: Value,
    interval_secs: u32,
    is_adaptive: bool,
    status: &'static str,
}

type Change = (i64, ProductSettings, ProductSettings);

async fn write(conn: &mut Conn, products: &[ProductId], changes: &[Change], clock: ClockParam) -> StoreResult<()> {
    const WRITE: &str = concat!(
        "UPDATE product SET tags = changed.tags, interval_secs = changed.interval_secs, is_adaptive = changed.is_adaptive, \
           status = changed.status, updated_at = ",
        now!(3),
        ", version = version + 1 FROM (SELECT ids.id, given.tags, given.interval_secs, given.is_adaptive, given.status FROM (",
        records!(1, n integer, tags jsonb, interval_secs integer, is_adaptive boolean, status text),
        ") AS given JOIN (",
        uuids!(2),
        ") AS ids ON ids.place = given.n) AS changed WHERE product.id = changed.id"
    );
    let row = |(n, (_, _, after)): (usize, &Change)| SettingsRow {
        n,
        tags: after.tags.clone().into(),
        interval_secs: after.frequency.interval().as_secs(),
        is_adaptive: after.frequency.is_adaptive(),
        status: after.status.as_str(),
    };
    let rows: Vec<SettingsRow> = changes.iter().enumerate().map(row).collect();
    sqlx::query(WRITE).bind(Json(rows)).bind(Json(products.to_vec())).bind(clock).execute(conn).await?;
    Ok(())
}

/// Adjusts the leases, as the change of a single product does: those that are to be the same together.
async fn reschedule(conn: &mut Conn, tenant_id: TenantId, changes: &[Change], clock: ClockParam) -> StoreResult<()> {
    let mut parked = Vec::new();
    let mut requested: BTreeMap<(i64, bool), Vec<i64>> = BTreeMap::new();
    for (listing_id, before, after) in changes {
        match Rescheduled::of(before, after) {
            Rescheduled::Parked => parked.push(*listing_id),
            Rescheduled::Requested(request) => {
                requested.entry((request.due_in_ms, request.unparks)).or_default().push(*listing_id);
            }
            Rescheduled::Unchanged => {}
        }
    }
    for ((due_in_ms, unparks), listings) in requested {
        let request = ScheduleRequest { lane: Lane::Scheduled, due_in_ms, unparks, accepts_running: false };
        schedule_request::upsert(conn, &listings, &request, clock).await?;
    }
    if parked.is_empty() { Ok(()) } else { schedule_request::park_unwatched(conn, tenant_id, &parked, clock).await }
}
