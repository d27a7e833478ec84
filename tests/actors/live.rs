//! Whoever listens hears what is recorded; whoever cannot keep up is let go, and nobody else.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amazon_tracker::actors::kernel::{Threads, supervise};
use amazon_tracker::actors::live_feed::{LiveFeed, LiveFeedHandle, LiveMessage, Subscription};
use amazon_tracker::domain::{EventId, JobId, Listing, ListingId, Marketplace, ProductId, TenantId, UserId};
use amazon_tracker::replicas::Bus;
use amazon_tracker::store::{AuditActor, Change, ChangeFeed, FeedItem, StoreError, StoreResult};
use amazon_tracker::telemetry::Metrics;
use async_trait::async_trait;
use jiff::Timestamp;

use crate::doubles::supervision;
use crate::runtime::{in_runtime, late};

/// Sends every crawl to every tenant.
#[derive(Default)]
struct Stand {
    asked: AtomicUsize,
    /// About how many tenants it was last asked.
    tenants: AtomicUsize,
    is_away: AtomicBool,
    product: Mutex<Option<ProductId>>,
}

#[async_trait]
impl ChangeFeed for Stand {
    async fn feed_of(
        &self,
        tenants: &[TenantId],
        crawls: &[(ListingId, Timestamp)],
        _: &[EventId],
        _: &[JobId],
    ) -> StoreResult<Vec<(TenantId, FeedItem)>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.tenants.store(tenants.len(), Ordering::Relaxed);
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::NotFound("event"));
        }
        let product_id = *self.product.lock().unwrap().get_or_insert_with(ProductId::new);
        let listing = Listing::new(Marketplace::Us, "B08PZHYWJS".parse().unwrap());
        let change = |at| FeedItem::Change(Change { product_id, listing, at, points: Vec::new() });
        Ok(tenants.iter().flat_map(|tenant| crawls.iter().map(|(_, at)| (*tenant, change(*at)))).collect())
    }

    /// The same crawl every time, and one from before the test.
    async fn recent_feed(
        &self,
        tenants: &[TenantId],
        _: Duration,
        _: u32,
    ) -> StoreResult<(Timestamp, Vec<(TenantId, FeedItem)>)> {
        let [before, now] = [6, 60_000].map(|ms| Timestamp::from_millisecond(ms).unwrap());
        Ok((now, self.feed_of(tenants, &[(ListingId(6), before), (ListingId(7), now)], &[], &[]).await?))
    }

    async fn feed_since(&self, _: TenantId, _: Timestamp, _: u32) -> StoreResult<Vec<FeedItem>> {
        Ok(Vec::new())
    }
}

fn start(threads: &Threads, metrics: &Metrics) -> (Arc<Stand>, LiveFeedHandle) {
    start_among(None, threads, metrics)
}

fn start_among(others: Option<Bus>, threads: &Threads, metrics: &Metrics) -> (Arc<Stand>, LiveFeedHandle) {
    let (stand, count) = (Arc::new(Stand::default()), Arc::new(AtomicUsize::new(0)));
    let (store, counted) = (Arc::clone(&stand), Arc::clone(&count));
    let make = move || LiveFeed::new(Arc::clone(&store) as Arc<_>, Arc::clone(&counted), others.clone());
    let inbox = supervise(threads.singletons(), make, supervision::<LiveFeed>(metrics));
    (stand, LiveFeedHandle::new(inbox, count))
}

async fn listen(live: &LiveFeedHandle, tenant_id: TenantId, who: AuditActor) -> Subscription {
    live.inbox().ask(late(), |reply| LiveMessage::Listen(tenant_id, who, reply)).await.unwrap()
}

/// A crawl changed something, `n` milliseconds after the beginning of time.
fn record(live: &LiveFeedHandle, n: i64) {
    live.recorded(ListingId(n), Some(Timestamp::from_millisecond(n).unwrap()), &[]);
}

fn somebody() -> AuditActor {
    AuditActor::User(UserId::new())
}

#[test]
fn nothing_is_read_while_nobody_listens() {
    in_runtime(|threads, metrics| async move {
        let (stand, live) = start(&threads, &metrics);
        record(&live, 1);
        let mut heard = listen(&live, TenantId::new(), somebody()).await;
        record(&live, 2);
        assert_eq!(heard.recv().await.unwrap().at().as_millisecond(), 2);
        assert_eq!(stand.asked.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn closed_streams_are_not_read_for() {
    in_runtime(|threads, metrics| async move {
        let (stand, live) = start(&threads, &metrics);
        let (gone, mut here) =
            (listen(&live, TenantId::new(), somebody()).await, listen(&live, TenantId::new(), somebody()).await);
        drop(gone);
        record(&live, 1);
        assert!(here.recv().await.is_some());
        assert_eq!(stand.tenants.load(Ordering::Relaxed), 1, "it is asked about those who are there");
    });
}

#[test]
fn only_slow_subscribers_are_disconnected() {
    in_runtime(|threads, metrics| async move {
        let (_stand, live) = start(&threads, &metrics);
        let tenant = TenantId::new();
        let mut slow = listen(&live, tenant, somebody()).await;
        let mut quick = listen(&live, tenant, somebody()).await;
        for n in 1..=400 {
            record(&live, n);
            if n % 100 == 0 {
                for _ in 0..100 {
                    quick.recv().await.unwrap();
                }
            }
        }
        let mut held = 0;
        while slow.recv().await.is_some() {
            held += 1;
        }
        assert!(held < 400, "it ended");
        record(&live, 401);
        assert_eq!(quick.recv().await.unwrap().at().as_millisecond(), 401);
    });
}

#[test]
fn all_streams_close_when_the_feed_cannot_be_read() {
    in_runtime(|threads, metrics| async move {
        let (stand, live) = start(&threads, &metrics);
        stand.is_away.store(true, Ordering::Relaxed);
        let mut heard = listen(&live, TenantId::new(), somebody()).await;
        record(&live, 1);
        assert!(heard.recv().await.is_none());
        stand.is_away.store(false, Ordering::Relaxed);
        let mut again = listen(&live, TenantId::new(), somebody()).await;
        record(&live, 2);
        assert!(again.recv().await.is_some());
    });
}

#[test]
fn of_more_than_eight_streams_of_one_user_the_oldest_ends() {
    in_runtime(|threads, metrics| async move {
        let (_stand, live) = start(&threads, &metrics);
        let (tenant, me) = (TenantId::new(), somebody());
        let mut another = listen(&live, tenant, somebody()).await;
        let mut mine = Vec::new();
        for _ in 0..9 {
            mine.push(listen(&live, tenant, me).await);
        }
        assert!(mine[0].recv().await.is_none());
        assert!(mine[0].is_displaced() && !mine[1].is_displaced());
        record(&live, 1);
        for heard in mine[1..].iter_mut().chain([&mut another]) {
            assert!(heard.recv().await.is_some());
        }
    });
}

#[test]
fn changes_of_other_replicas_are_polled_without_a_bus_and_sent_once() {
    in_runtime(|threads, metrics| async move {
        let (stand, live) = start_among(Some(Bus::disconnected()), &threads, &metrics);
        let mut heard = listen(&live, TenantId::new(), somebody()).await;
        assert_eq!(heard.recv().await.unwrap().at().as_millisecond(), 60_000, "what was before they came is no items");
        let looked = stand.asked.load(Ordering::Relaxed);
        while stand.asked.load(Ordering::Relaxed) < looked + 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        record(&live, 8);
        assert_eq!(heard.recv().await.unwrap().at().as_millisecond(), 8, "the same crawl again is not sent");
    });
}
