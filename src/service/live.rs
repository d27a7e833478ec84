//! Streams of changes and alerts.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::broadcast;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::access::{Caller, Origin, Who};
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::actors::live_feed::{LiveMessage, SharedFeedItem, Subscription};
use crate::actors::revocations::Revocation;
use crate::actors::user::Principal;
use crate::auth::hash_of;
use crate::store::FeedItem;

/// Timeout of subscribing.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a stream checks its credential without an announcement of a change: for what expires, and for changes on other
/// replicas without Redis.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// How often an idle stream sends a heartbeat.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// Items this much older than the last received one are replayed: a crawl is recorded a little after its time, and late items
/// must not be missed.
const OVERLAP: SignedDuration = SignedDuration::from_secs(120);
/// After a longer gap nothing is replayed: the client must read everything again.
const MAX_GAP: SignedDuration = SignedDuration::from_hours(24);
/// Maximum items that are replayed.
const MAX_REPLAYED: u32 = 2000;

/// An item of a stream.
#[derive(Debug, Clone)]
pub enum StreamItem {
    /// A change or an alert.
    FeedItem(SharedFeedItem),
    /// Too many items were missed: read everything again, as of this time.
    Reset(Timestamp),
    /// The user or key has opened too many streams: this one ends, and its client should not come back.
    Full,
    /// Nothing new; the stream is alive.
    Heartbeat,
}

/// A stream of items of one tenant. It ends when its credential is revoked, when its client is too slow, and when the process
/// stops.
pub struct LiveStream {
    service: Service,
    credential: String,
    origin: Origin,
    principal: Revocation,
    tenant: Revocation,
    revocations: broadcast::Receiver<Revocation>,
    backlog: std::vec::IntoIter<StreamItem>,
    replayed: HashSet<(Timestamp, uuid::Uuid)>,
    live: Subscription,
    has_ended: bool,
    check: Interval,
    heartbeat: Interval,
}

impl Service {
    /// Opens a stream. With `since`, items since then are replayed first.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]
    pub async fn listen(
        &self,
        caller: &Caller,
        credential: String,
        since: Option<Timestamp>,
    ) -> ServiceResult<LiveStream> {
        let (tenant_id, who) = (caller.tenant_id, caller.actor());
        let principal = match caller.who {
            Who::User { id, .. } | Who::Client { user_id: id, .. } => Principal::User(tenant_id, id),
            Who::Key { .. } => Principal::Key(hash_of(&credential)),
        };
        // Before the first check, which sees what was revoked earlier.
        let revocations = self.deps.revocations.subscribe();
        let inbox = self.deps.live.inbox();
        let asked =
            inbox.ask(Instant::now() + SUBSCRIBE_TIMEOUT, |reply| LiveMessage::Listen(tenant_id, who, reply)).await;
        let live = asked.map_err(|_| ServiceError::Unavailable)?;
        let backlog = match since {
            Some(since) => {
                self.run(async move |deps: Arc<Dependencies>| deps.feed_since(tenant_id, since).await).await?
            }
            None => Vec::new(),
        };
        let replayed = backlog.iter().filter_map(|item| match item {
            StreamItem::FeedItem(items) => Some((items.at(), items.subject())),
            StreamItem::Reset(_) | StreamItem::Full | StreamItem::Heartbeat => None,
        });
        Ok(LiveStream {
            service: self.clone(),
            credential,
            origin: caller.origin.clone(),
            principal: Revocation::Principal(principal.subject()),
            tenant: Revocation::Tenant(tenant_id),
            revocations,
            replayed: replayed.collect(),
            backlog: backlog.into_iter(),
            live,
            has_ended: false,
            check: every(CHECK_INTERVAL),
            heartbeat: every(HEARTBEAT_EVERY),
        })
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

impl Dependencies {
    async fn feed_since(&self, tenant_id: crate::domain::TenantId, since: Timestamp) -> ServiceResult<Vec<StreamItem>> {
        let now = self.store.now().await?;
        if now.duration_since(since) > MAX_GAP {
            return Ok(vec![StreamItem::Reset(now)]);
        }
        let from = since.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN);
        let items = self.store.feed_since(tenant_id, from, MAX_REPLAYED).await?;
        let values = |items: &FeedItem| match items {
            FeedItem::Change(change) => change.points.len(),
            FeedItem::Alert(_) | FeedItem::Job(_) | FeedItem::Budget(_) => 1,
        };
        if items.iter().map(values).sum::<usize>() >= MAX_REPLAYED as usize {
            return Ok(vec![StreamItem::Reset(now)]);
        }
        Ok(items.into_iter().map(|items| StreamItem::FeedItem(Arc::new(items))).collect())
    }
}

impl LiveStream {
    /// The next item; `None`: the stream has ended.
    pub async fn next(&mut self) -> Option<StreamItem> {
        if self.has_ended {
            return None;
        }
        let mut draining = self.service.deps.draining.subscribe();
        loop {
            tokio::select! {
                // In this order: after a revocation no further item is sent.
                biased;
                _ = draining.wait_for(|is_draining| *is_draining) => return None,
                revoked = self.revocations.recv() => {
                    // A missed announcement may have been about this listener.
                    if revoked.is_err() || revoked.is_ok_and(|it| it == self.principal || it == self.tenant) {
                        self.check.reset_immediately();
                    }
                }
                _ = self.check.tick() => {
                    if !self.service.is_still_authorized(&self.credential, self.origin.clone()).await {
                        return None;
                    }
                }
                () = std::future::ready(()), if !self.backlog.as_slice().is_empty() => return self.backlog.next(),
                items = self.live.recv() => {
                    let Some(items) = items else {
                        self.has_ended = true;
                        return self.live.is_displaced().then_some(StreamItem::Full);
                    };
                    if !self.replayed.remove(&(items.at(), items.subject())) {
                        return Some(StreamItem::FeedItem(items));
                    }
                }
                _ = self.heartbeat.tick() => return Some(StreamItem::Heartbeat),
            }
        }
    }
}
