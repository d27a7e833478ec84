//! What is new, as it happens.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::access::{Caller, Origin};
use super::{Parts, Service, ServiceError, ServiceResult};
use crate::actors::live::{Heard, LiveMessage};
use crate::store::News;

/// How long somebody waits to be let in.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a stream asks whether its listener may still listen.
const CHECKED_EVERY: Duration = Duration::from_millis(500);
/// How often a quiet stream says that it is there.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// News this much older than the last that was heard are told again: a look is recorded a little after its time, and what
/// was recorded late must not be missed.
const OVERLAP: SignedDuration = SignedDuration::from_secs(120);
/// Whoever was away for longer reads everything anew.
const LONGEST_AWAY: SignedDuration = SignedDuration::from_hours(24);
/// More news than this are not told again.
const MOST_AGAIN: u32 = 2000;

/// What a stream says next.
#[derive(Debug, Clone)]
pub enum Told {
    /// Something new.
    News(Heard),
    /// Too much has happened to tell it all again: read everything anew. As of this time.
    Reset(Timestamp),
    /// Nothing, but the stream is there.
    Heartbeat,
}

/// A stream of news of one tenant. It ends when its listener is signed out, when they do not keep up, and when the process stops.
pub struct LiveStream {
    service: Service,
    credential: String,
    origin: Origin,
    again: std::vec::IntoIter<Told>,
    told_again: HashSet<(Timestamp, uuid::Uuid)>,
    live: Receiver<Heard>,
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
        let inbox = self.parts.live.inbox();
        let asked = inbox.ask(Instant::now() + PATIENCE, |reply| LiveMessage::Listen(tenant_id, who, reply)).await;
        let live = asked.map_err(|_| ServiceError::Unavailable)?;
        let again = match since {
            Some(since) => self.run(async move |parts: Arc<Parts>| parts.news_since(tenant_id, since).await).await?,
            None => Vec::new(),
        };
        let told_again = again.iter().filter_map(|told| match told {
            Told::News(news) => Some((news.at(), news.subject())),
            Told::Reset(_) | Told::Heartbeat => None,
        });
        Ok(LiveStream {
            service: self.clone(),
            credential,
            origin: caller.origin.clone(),
            told_again: told_again.collect(),
            again: again.into_iter(),
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

impl Parts {
    async fn news_since(&self, tenant_id: crate::domain::TenantId, since: Timestamp) -> ServiceResult<Vec<Told>> {
        let now = self.store.now().await.map_err(|error| ServiceError::of(error, "clock"))?;
        if now.duration_since(since) > LONGEST_AWAY {
            return Ok(vec![Told::Reset(now)]);
        }
        let from = since.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN);
        let news = self.store.news_since(tenant_id, from, MOST_AGAIN).await;
        let news = news.map_err(|error| ServiceError::of(error, "event"))?;
        let values = |news: &News| match news {
            News::Change(change) => change.points.len(),
            News::Alert(_) => 1,
        };
        if news.iter().map(values).sum::<usize>() >= MOST_AGAIN as usize {
            return Ok(vec![Told::Reset(now)]);
        }
        Ok(news.into_iter().map(|news| Told::News(Arc::new(news))).collect())
    }
}

impl LiveStream {
    /// What comes next; `None`: the stream is over.
    pub async fn next(&mut self) -> Option<Told> {
        let mut draining = self.service.parts.draining.subscribe();
        loop {
            tokio::select! {
                // Whoever was signed out while nothing was read hears nothing more.
                biased;
                _ = draining.wait_for(|is_draining| *is_draining) => return None,
                _ = self.check.tick() => {
                    if !self.service.may_still(&self.credential, self.origin.clone()).await {
                        return None;
                    }
                }
                () = std::future::ready(()), if !self.again.as_slice().is_empty() => return self.again.next(),
                news = self.live.recv() => {
                    let news = news?;
                    if !self.told_again.remove(&(news.at(), news.subject())) {
                        return Some(Told::News(news));
                    }
                }
                _ = self.heartbeat.tick() => return Some(Told::Heartbeat),
            }
        }
    }
}
