//! Lists of products: filters, orders and pages.

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{Backend, Db, HAS_TAG};
use crate::domain::{Product, TenantId};
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::rows::ProductColumns;
use crate::store::{Page, ProductFilter, ProductOrder, StoreError, StoreResult};

/// A product beside its listing and lease.
pub(super) const SELECT_PRODUCT: &str = "SELECT p.id, p.tenant_id, p.listing_id, p.label, p.tags, p.interval_secs, \
       p.is_adaptive, t.crawl_allocation, p.is_competitor, p.status, p.watch_offers, p.offers_interval_secs, \
       p.created_at, p.updated_at, p.version, l.marketplace, l.asin, l.state, l.sort_title, \
       l.price_minor, l.last_outcome, l.last_crawled_at, q.ready_at, q.parked_at, q.attempt \
     FROM product p JOIN listing l ON l.id = p.listing_id JOIN lease q ON q.listing_id = p.listing_id \
     JOIN tenant t ON t.id = p.tenant_id";

/// The SQL of an order.
struct Sorting {
    list: &'static str,
    column: &'static str,
    falls: bool,
    key: fn(&ProductColumns) -> SortKey,
}

impl Sorting {
    fn of(order: ProductOrder) -> Self {
        let by_age = |row: &ProductColumns| SortKey::Number(row.created_at);
        let by_price = |row: &ProductColumns| row.price_minor.map_or(SortKey::Missing(()), SortKey::Number);
        let by_title = |row: &ProductColumns| row.sort_title.clone().map_or(SortKey::Missing(()), SortKey::Text);
        let (list, column, falls, key): (_, _, _, fn(&ProductColumns) -> SortKey) = match order {
            ProductOrder::NewestFirst => ("products:newest", "p.created_at", true, by_age),
            ProductOrder::OldestFirst => ("products:oldest", "p.created_at", false, by_age),
            ProductOrder::Title => ("products:title", "l.sort_title", false, by_title),
            ProductOrder::PriceRising => ("products:price", "l.price_minor", false, by_price),
            ProductOrder::PriceFalling => ("products:-price", "l.price_minor", true, by_price),
        };
        Self { list, column, falls, key }
    }

    /// A time is never missing: without the clause the index serves the order.
    fn can_be_missing(&self) -> bool {
        self.column != "p.created_at"
    }
}

/// One page of a tenant's products.
pub(super) async fn list(
    store: &Backend,
    tenant_id: TenantId,
    filter: &ProductFilter,
    order: ProductOrder,
    cursor: Option<&str>,
    limit: u32,
) -> StoreResult<Page<Product>> {
    let sorting = Sorting::of(order);
    let cursor = Cursor::of(sorting.list, cursor)?;
    // Chosen first and read then: sorting whole rows would copy those that are not on the page.
    let mut query = QueryBuilder::<Db>::new(SELECT_PRODUCT);
    query.push(" WHERE p.id IN (SELECT p.id FROM product p JOIN listing l ON l.id = p.listing_id WHERE p.tenant_id = ");
    query.push_bind(tenant_id.0);
    push_filter(&mut query, filter);
    if let Some(cursor) = cursor {
        push_after(&mut query, &sorting, cursor)?;
    }
    push_order(&mut query, &sorting);
    query.push(" LIMIT ").push_bind(i64::from(limit) + 1).push(")");
    push_order(&mut query, &sorting);
    let rows: Vec<ProductColumns> =
        query.build_query_as().fetch_all(&mut *store.replica_reader(tenant_id).await?).await?;
    Ok(page(sorting.list, rows, limit, |row| ((sorting.key)(row), row.id)).readable(Product::try_from))
}

fn push_filter(query: &mut QueryBuilder<Db>, filter: &ProductFilter) {
    if let Some(tag) = &filter.tag {
        let (before, after) = HAS_TAG;
        query.push(" AND ").push(before).push_bind(tag.clone()).push(after);
    }
    if let Some(marketplace) = filter.marketplace {
        query.push(" AND l.marketplace = ").push_bind(marketplace.code());
    }
    if let Some(status) = filter.status {
        query.push(" AND p.status = ").push_bind(status.as_str());
    }
    if let Some(failing) = filter.failing {
        // As `CrawlRecord::failure` has it.
        let is_failing = " AND (coalesce(l.last_outcome, 'observed') <> 'observed' OR p.status = 'active' AND EXISTS ( \
             SELECT 1 FROM lease q WHERE q.listing_id = p.listing_id AND q.parked_at IS NOT NULL)) = ";
        query.push(is_failing).push_bind(failing);
    }
    if let Some(text) = &filter.text {
        // Both sides in lower case, folded here: the engines fold only ASCII, or by a locale.
        let folded = contains(&text.to_lowercase());
        query.push(r" AND (l.sort_title LIKE ").push_bind(folded.clone()).push(r" ESCAPE '\'");
        query.push(r" OR p.search_label LIKE ").push_bind(folded).push(r" ESCAPE '\'");
        query.push(r" OR l.asin LIKE ").push_bind(contains(&text.to_ascii_uppercase())).push(r" ESCAPE '\')");
    }
}

/// A LIKE pattern for a text, with its `%` and `_` escaped.
fn contains(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

/// The rows behind the cursor. Missing values come last, in the order of their ids.
fn push_after(query: &mut QueryBuilder<Db>, sorting: &Sorting, cursor: Cursor) -> StoreResult<()> {
    let column = sorting.column;
    let beyond = if sorting.falls { "<" } else { ">" };
    let is_text = column == "l.sort_title";
    match cursor.key {
        SortKey::Number(number) if !is_text => {
            query.push(format_args!(" AND (({column}, p.id) {beyond} (")).push_bind(number);
        }
        SortKey::Text(text) if is_text => {
            query.push(format_args!(" AND (({column}, p.id) {beyond} (")).push_bind(text);
        }
        SortKey::Missing(()) if sorting.can_be_missing() => {
            query.push(format_args!(" AND {column} IS NULL AND p.id {beyond} ")).push_bind(cursor.id);
            return Ok(());
        }
        _ => return Err(StoreError::InvalidCursor),
    }
    push_id_and_missing(query, sorting, cursor.id);
    Ok(())
}

fn push_id_and_missing(query: &mut QueryBuilder<Db>, sorting: &Sorting, id: Uuid) {
    query.push(", ").push_bind(id).push(")");
    if sorting.can_be_missing() {
        query.push(format_args!(" OR {} IS NULL", sorting.column));
    }
    query.push(")");
}

fn push_order(query: &mut QueryBuilder<Db>, sorting: &Sorting) {
    let direction = if sorting.falls { "DESC" } else { "ASC" };
    let missing = if sorting.can_be_missing() { " NULLS LAST" } else { "" };
    query.push(format_args!(" ORDER BY {} {direction}{missing}, p.id {direction}", sorting.column));
}
