//! Boards sorted by the price against its average, which no column holds: it changes with every hour that a price stays.

use std::cmp::Ordering;
use std::collections::HashMap;

use jiff::Timestamp;

use super::{BoardItem, Dependencies, ServiceResult};
use crate::domain::{ProductId, TenantId};
use crate::store::{Cursor, Page, ProductFilter, ProductOrder, SortKey, page};

/// Products that are read at a time.
const PAGE: u32 = 250;

/// Where a product stands: its price against the average, in millionths. Those without one come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    share_ppm: Option<i64>,
    product_id: ProductId,
}

impl Place {
    fn of(item: &BoardItem) -> Self {
        let share_ppm = item.against_average.map(|share| (share * 1e6).round() as i64);
        Self { share_ppm, product_id: item.product.id }
    }

    fn compare(&self, other: &Self, falls: bool) -> Ordering {
        let rising = (self.share_ppm, self.product_id).cmp(&(other.share_ppm, other.product_id));
        let known = if falls { rising.reverse() } else { rising };
        self.share_ppm.is_none().cmp(&other.share_ppm.is_none()).then(known)
    }

    fn key(&self) -> SortKey {
        self.share_ppm.map_or(SortKey::Missing(()), SortKey::Number)
    }
}

impl Dependencies {
    /// A page of rows in the order of their price against its average.
    pub(super) async fn board_by_average(
        &self,
        tenant_id: TenantId,
        filter: &ProductFilter,
        falls: bool,
        cursor: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> ServiceResult<Page<BoardItem>> {
        let list = if falls { "products:-average" } else { "products:average" };
        let cursor = Cursor::of(list, cursor)?;
        let mut places = self.places(tenant_id, filter, now).await?;
        if let Some(cursor) = cursor {
            let share_ppm = if let SortKey::Number(share_ppm) = cursor.key { Some(share_ppm) } else { None };
            let last = Place { share_ppm, product_id: ProductId(cursor.id) };
            places.retain(|place| place.compare(&last, falls).is_gt());
        }
        places.sort_by(|a, b| a.compare(b, falls));
        places.truncate(limit as usize + 1);
        let Page { items: places, next_cursor } = page(list, places, limit, |place| (place.key(), place.product_id.0));
        if places.is_empty() {
            return Ok(Page { items: Vec::new(), next_cursor });
        }
        let ids: Vec<ProductId> = places.iter().map(|place| place.product_id).collect();
        let filter = ProductFilter { ids: Some(ids), ..filter.clone() };
        let found = self.board_items(tenant_id, &filter, ProductOrder::default(), None, limit, now).await?;
        let mut found: HashMap<ProductId, BoardItem> =
            found.items.into_iter().map(|item| (item.product.id, item)).collect();
        let items = places.iter().filter_map(|place| found.remove(&place.product_id)).collect();
        Ok(Page { items, next_cursor })
    }

    /// The places of all products that match.
    async fn places(&self, tenant_id: TenantId, filter: &ProductFilter, now: Timestamp) -> ServiceResult<Vec<Place>> {
        let (mut places, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let rows =
                self.board_items(tenant_id, filter, ProductOrder::OldestFirst, cursor.as_deref(), PAGE, now).await?;
            places.extend(rows.items.iter().map(Place::of));
            cursor = rows.next_cursor;
            if cursor.is_none() {
                return Ok(places);
            }
        }
    }
}
