//! Lists of products: filters, orders and pages.

use jiff::Timestamp;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{Backend, Db, HAS_TAG};
use crate::domain::{PriceMarks, TenantId};
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::rows::ProductColumns;
use crate::store::{Page, ProductFilter, ProductOrder, StoreError, StoreResult};

/// A product beside its listing and lease.
pub(super) const SELECT_PRODUCT: &str = "SELECT p.id, p.tenant_id, p.listing_id, p.label, p.tags, p.interval_secs, \
       p.is_adaptive, t.crawl_allocation, p.is_competitor, p.status, p.watch_offers, p.offers_interval_secs, \
       p.created_at, p.updated_at, p.version, l.marketplace, l.asin, l.state, l.sort_title, \
       l.price_minor, l.last_outcome, l.last_crawled_at, q.ready_at, q.parked_at, q.attempt, l.best_rank, \
       CAST(coalesce(l.availability, 0) AS bigint) AS availability, l.sort_seller, l.change_ppm, \
       l.change_at, l.change_from_minor, l.offer_changed_at, l.lower_until, l.higher_until \
     FROM product p JOIN listing l ON l.id = p.listing_id JOIN lease q ON q.listing_id = p.listing_id \
     JOIN tenant t ON t.id = p.tenant_id";

/// When the listing is crawled next; null while it is parked.
const NEXT_CRAWL: &str =
    "(SELECT CASE WHEN q.parked_at IS NULL THEN q.ready_at END FROM lease q WHERE q.listing_id = p.listing_id)";

/// Unknown comes first.
const STOCK: &str = "coalesce(l.availability, 0)";

fn number_or_missing(number: Option<i64>) -> SortKey {
    number.map_or(SortKey::Missing(()), SortKey::Number)
}

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
        let by_price = |row: &ProductColumns| number_or_missing(row.price_minor);
        let by_title = |row: &ProductColumns| row.sort_title.clone().map_or(SortKey::Missing(()), SortKey::Text);
        let by_change = |row: &ProductColumns| number_or_missing(row.change_ppm);
        let by_rank = |row: &ProductColumns| number_or_missing(row.best_rank);
        let by_stock = |row: &ProductColumns| SortKey::Number(row.availability);
        let by_seller = |row: &ProductColumns| row.sort_seller.clone().map_or(SortKey::Missing(()), SortKey::Text);
        let by_last_change = |row: &ProductColumns| number_or_missing(row.offer_changed_at);
        let by_next_crawl = |row: &ProductColumns| number_or_missing(row.next_crawl_ms());
        let (list, column, falls, key): (_, _, _, fn(&ProductColumns) -> SortKey) = match order {
            ProductOrder::NewestFirst => ("products:newest", "p.created_at", true, by_age),
            ProductOrder::OldestFirst => ("products:oldest", "p.created_at", false, by_age),
            ProductOrder::Title => ("products:title", "l.sort_title", false, by_title),
            ProductOrder::PriceRising => ("products:price", "l.price_minor", false, by_price),
            ProductOrder::PriceFalling => ("products:-price", "l.price_minor", true, by_price),
            ProductOrder::TitleFalling => ("products:-title", "l.sort_title", true, by_title),
            ProductOrder::ChangeRising => ("products:change", "l.change_ppm", false, by_change),
            ProductOrder::ChangeFalling => ("products:-change", "l.change_ppm", true, by_change),
            ProductOrder::RankRising => ("products:rank", "l.best_rank", false, by_rank),
            ProductOrder::RankFalling => ("products:-rank", "l.best_rank", true, by_rank),
            ProductOrder::StockRising => ("products:stock", STOCK, false, by_stock),
            ProductOrder::StockFalling => ("products:-stock", STOCK, true, by_stock),
            ProductOrder::Seller => ("products:seller", "l.sort_seller", false, by_seller),
            ProductOrder::SellerFalling => ("products:-seller", "l.sort_seller", true, by_seller),
            ProductOrder::ChangedRising => ("products:changed", "l.offer_changed_at", false, by_last_change),
            ProductOrder::ChangedFalling => ("products:-changed", "l.offer_changed_at", true, by_last_change),
            ProductOrder::NextCrawlRising => ("products:next_crawl", NEXT_CRAWL, false, by_next_crawl),
            ProductOrder::NextCrawlFalling => ("products:-next_crawl", NEXT_CRAWL, true, by_next_crawl),
        };
        Self { list, column, falls, key }
    }

    /// A time is never missing: without the clause the index serves the order.
    fn can_be_missing(&self) -> bool {
        !matches!(self.column, "p.created_at" | STOCK)
    }
}

/// One page of a tenant's products, as rows.
pub(super) async fn list(
    store: &Backend,
    tenant_id: TenantId,
    filter: &ProductFilter,
    order: ProductOrder,
    cursor: Option<&str>,
    limit: u32,
) -> StoreResult<Page<ProductColumns>> {
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
    Ok(page(sorting.list, rows, limit, |row| ((sorting.key)(row), row.id)))
}

pub(super) fn push_filter(query: &mut QueryBuilder<Db>, filter: &ProductFilter) {
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
    if let Some(is_competitor) = filter.is_competitor {
        query.push(" AND p.is_competitor = ").push_bind(is_competitor);
    }
    if let Some(failing) = filter.failing {
        // As `CrawlRecord::failure` has it.
        let is_failing = " AND (coalesce(l.last_outcome, 'observed') <> 'observed' OR p.status = 'active' AND EXISTS ( \
             SELECT 1 FROM lease q WHERE q.listing_id = p.listing_id AND q.parked_at IS NOT NULL)) = ";
        query.push(is_failing).push_bind(failing);
    }
    if let Some(availability) = filter.availability {
        query.push(" AND coalesce(l.availability, 0) = ").push_bind(availability.number());
    }
    if let Some(now) = filter.at_low_at {
        query.push(" AND ");
        push_is_at_low(query, now);
    }
    if let Some(ids) = &filter.ids {
        query.push(" AND p.id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.0);
        }
        query.push(")");
    }
    if let Some(text) = &filter.text {
        // Both sides in lower case, folded here: the engines fold only ASCII, or by a locale.
        let folded = contains(&text.to_lowercase());
        query.push(r" AND (l.sort_title LIKE ").push_bind(folded.clone()).push(r" ESCAPE '\'");
        query.push(r" OR p.search_label LIKE ").push_bind(folded).push(r" ESCAPE '\'");
        query.push(r" OR l.asin LIKE ").push_bind(contains(&text.to_ascii_uppercase())).push(r" ESCAPE '\')");
    }
}

/// Whether the price of product `p` and listing `l` is the lowest of 90 days ([`PriceMarks::is_lowest`]) and may be current
/// ([`Product::is_price_stale`](crate::domain::Product::is_price_stale)).
pub(super) fn push_is_at_low(query: &mut QueryBuilder<Db>, now: Timestamp) {
    let since_ms = PriceMarks::lowest_since(now).as_millisecond();
    query.push("(l.price_minor IS NOT NULL AND l.higher_until > ").push_bind(since_ms);
    query.push(" AND (l.lower_until IS NULL OR l.lower_until <= ").push_bind(since_ms);
    query.push(") AND l.price_read_at + 2000 * (p.interval_secs + CASE WHEN p.is_adaptive THEN \
         coalesce((SELECT CAST(t.crawl_allocation ->> 'max_interval_secs' AS bigint) FROM tenant t WHERE t.id = p.tenant_id), 0) \
         ELSE 0 END) >= ");
    query.push_bind(now.as_millisecond()).push(")");
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
    let is_text = matches!(column, "l.sort_title" | "l.sort_seller");
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
