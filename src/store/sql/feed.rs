//! What an Atom feed shows: the events of its rules, whatever the policy of other channels holds back.

use super::Backend;
use crate::domain::{ChannelId, Event, ListingId, MessageEvent, TenantId};
use crate::store::StoreResult;
use crate::store::rows::EventColumns;

/// An event, and the listing of its product unless that was deleted.
#[derive(sqlx::FromRow)]
struct FeedColumns {
    #[sqlx(flatten)]
    event: EventColumns,
    listing_id: Option<i64>,
}

impl Backend {
    /// See [`Channels::latest_events`](crate::store::Channels::latest_events).
    pub(super) async fn latest_events_of(
        &self,
        tenant_id: TenantId,
        id: ChannelId,
        limit: u32,
    ) -> StoreResult<Vec<MessageEvent>> {
        const EVENTS: &str = "SELECT e.id, e.tenant_id, e.rule_id, e.product_id, e.facts, e.at, p.listing_id \
             FROM event e JOIN rule_channel rc ON rc.rule_id = e.rule_id AND rc.channel_id = $2 \
             LEFT JOIN product p ON p.id = e.product_id \
             WHERE e.tenant_id = $1 ORDER BY e.at DESC, e.id DESC LIMIT $3";
        let query = sqlx::query_as(EVENTS).bind(tenant_id.0).bind(id.0).bind(i64::from(limit));
        let rows: Vec<FeedColumns> = query.fetch_all(&mut *self.reader(tenant_id).await?).await?;
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let event = Event::try_from(row.event)?;
            let points = match row.listing_id {
                Some(listing_id) => self.prices_before(&event, ListingId(listing_id)).await?,
                None => Vec::new(),
            };
            events.push(MessageEvent { event, times: 1, ended_at: None, points });
        }
        Ok(events)
    }
}
