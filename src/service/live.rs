//! What is new, as it happens.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::access::{Caller, Origin};
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::actors::live_feed::{LiveMessage, SharedFeedItem};
use crate::store::FeedItem;

/// How long somebody waits to be let in.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a stream asks whether its listener may still listen.
const CHECKED_EVERY: Duration = Duration::from_millis(500);
/// How often a quiet stream says that it is there.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// FeedItem this much older than the last that was heard are told backlog: a look is recorded a little after its time, and what
/// was recorded late must not be missed.
const OVERLAP: SignedDuration = SignedDuration::from_secs(120);
/// Whoever was away for longer reads everything anew.
const MAX_GAP: SignedDuration = SignedDuration::from_hours(24);
/// More items than this are not told backlog.
const MAX_REPLAYED: u32 = 2000;

/// What a stream says next.
#[derive(Debug, Clone)]
pub enum StreamItem {
    /// Something new.
    FeedItem(SharedFeedItem),
    /// Too much has happened to tell it all backlog: read everything anew. As of this time.
    Reset(Timestamp),
    /// Nothing, but the stream is there.
    Heartbeat,
}

/// A stream of items of one tenant. It ends when its listener is signed out, when they do not keep up, and when the process stops.
pub struct LiveStream {
    service: Service,
    credential: String,
    origin: Origin,
    backlog: std::vec::IntoIter<StreamItem>,
    replayed: HashSet<(Timestamp, uuid::Uuid)>,
    live: Receiver<SharedFeedItem>,
    check: Interval,
    heartbeat: Interval,
}

impl Service {
    /// Begins to listen. Whoever says what they heard last is told what was new since then first.
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
        let inbox = self.deps.live.inbox();
        let asked = inbox.ask(Instant::now() + PATIENCE, |reply| LiveMessage::Listen(tenant_id, who, reply)).await;
        let live = asked.map_err(|_| ServiceError::Unavailable)?;
        let backlog = match since {
            Some(since) => {
                self.run(async move |deps: Arc<Dependencies>| deps.feed_since(tenant_id, since).await).await?
            }
            None => Vec::new(),
        };
        let replayed = backlog.iter().filter_map(|told| match told {
            StreamItem::FeedItem(items) => Some((items.at(), items.subject())),
            StreamItem::Reset(_) | StreamItem::Heartbeat => None,
        });
        Ok(LiveStream {
            service: self.clone(),
            credential,
            origin: caller.origin.clone(),
            replayed: replayed.collect(),
            backlog: backlog.into_iter(),
            live,
            check: every(CHECKED_EVERY),
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
            FeedItem::Alert(_) => 1,
        };
        if items.iter().map(values).sum::<usize>() >= MAX_REPLAYED as usize {
            return Ok(vec![StreamItem::Reset(now)]);
        }
        Ok(items.into_iter().map(|items| StreamItem::FeedItem(Arc::new(items))).collect())
    }
}

impl LiveStream {
    /// What comes next; `None`: the stream is over.
    pub async fn next(&mut self) -> Option<StreamItem> {
        let mut draining = self.service.deps.draining.subscribe();
        loop {
            tokio::select! {
                // Whoever was signed out while nothing was read hears nothing more.
                biased;
                _ = draining.wait_for(|is_draining| *is_draining) => return None,
                _ = self.check.tick() => {
                    if !self.service.is_still_authorized(&self.credential, self.origin.clone()).await {
                        return None;
                    }
                }
                () = std::future::ready(()), if !self.backlog.as_slice().is_empty() => return self.backlog.next(),
                items = self.live.recv() => {
                    let items = items?;
                    if !self.replayed.remove(&(items.at(), items.subject())) {
                        return Some(StreamItem::FeedItem(items));
                    }
                }
                _ = self.heartbeat.tick() => return Some(StreamItem::Heartbeat),
            }
        }
    }
}
