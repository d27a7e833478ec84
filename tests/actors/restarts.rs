//! A restart loses nothing and mixes nothing up: with work in flight, each singleton and the shard of trackers panic once in the
//! messages and tasks that carry work, and afterwards every lease is where it belongs.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amazon_tracker::actors::crawl_allocation::AllocationSettings;
use amazon_tracker::actors::crawl_slots::{CrawlSlots, CrawlSource};
use amazon_tracker::actors::crawler_pool::CrawlerPool;
use amazon_tracker::actors::kernel::{Actor, Threads, supervise};
use amazon_tracker::actors::live_feed::{LiveFeed, LiveFeedHandle};
use amazon_tracker::actors::maintenance::{Maintenance, MaintenanceJobs, MaintenanceTools};
use amazon_tracker::actors::notifier::Notifier;
use amazon_tracker::actors::recorder::Recorder;
use amazon_tracker::actors::scheduler::{Scheduler, SchedulerTools};
use amazon_tracker::actors::tracker::{CrawlEnd, ProductTracker, TrackerMessage};
use amazon_tracker::config::{CrawlSettings, DatabaseSettings, Plans, RetentionSettings, Secret};
use amazon_tracker::domain::{
    Asin, Availability, Currency, Interval, Listing, ListingId, Marketplace, Money, Observation, Outcome,
    ProductSettings, Reading, Series, TenantId,
};
use amazon_tracker::sources::{Outcomes, Source, Wanted};
use amazon_tracker::store::{Claim, ClaimRequest, Lane, NewProduct, Room, SharedStore, StoreClock, open};
use async_trait::async_trait;
use tokio::sync::mpsc::unbounded_channel;

use crate::crawls::delivery;
use crate::doubles::{Gate, Line, MAX_WAIT, Post, TOKEN, notifier_tools, start_crew, start_notifier, supervision};
use crate::runtime::{in_runtime, late, until};

const LISTINGS: usize = 12;
const TENANT: TenantId = TenantId::BUILT_IN;

/// Each page states the ASIN that was asked for, and a price that says which listing it is.
struct Pages {
    fetched: Mutex<HashMap<Asin, u32>>,
}

fn asin(number: usize) -> Asin {
    format!("B0{number:08}").parse().unwrap()
}

fn price_of(asin: Asin) -> Money {
    Money::new(1_000 + asin.as_str()[2..].parse::<i64>().unwrap(), Currency::Usd)
}

#[async_trait]
impl Source for Pages {
    fn name(&self) -> &'static str {
        "double"
    }

    async fn crawl(&self, wanted: &[Wanted], outcomes: &Outcomes) {
        for &Wanted { listing, .. } in wanted {
            let _ = outcomes.send((listing, self.page_of(listing)));
        }
    }
}

impl Pages {
    fn page_of(&self, listing: Listing) -> Outcome {
        *self.fetched.lock().unwrap().entry(listing.asin).or_default() += 1;
        let mut page = Observation::empty(listing.asin);
        page.title = Some(listing.asin.as_str().to_owned());
        page.price = Reading::Is(price_of(listing.asin));
        page.availability = Availability::InStock;
        Outcome::Observed(Box::new(page))
    }
}

async fn store_with_listings() -> SharedStore {
    let settings = DatabaseSettings { url: Secret::from("sqlite::memory:"), ..DatabaseSettings::default() };
    let store = open(&settings, StoreClock::real()).await.unwrap();
    store.migrate().await.unwrap();
    for number in 0..LISTINGS {
        let settings = ProductSettings::default();
        let listing = Listing::new(Marketplace::Us, asin(number));
        store.add_product(NewProduct { tenant_id: TENANT, listing, settings, quota: 1000 }).await.unwrap();
    }
    store
}

/// Every listing is crawled although `kind` panics once in `name`: by the end no slot is taken, no lease is held, every
/// history is its own listing's, and nothing is recorded twice. Leases last 90 s, longer than a test may: one that was lost
/// would not come back in time.
fn crawls_survive(kind: &'static str, name: &'static str) {
    in_runtime(move |threads, metrics| async move {
        let store = threads.runtime().spawn(store_with_listings()).await.unwrap();
        let pages = Arc::new(Pages { fetched: Mutex::default() });
        let queue = Arc::clone(&store) as Arc<_>;
        let source = Arc::clone(&pages) as Arc<_>;
        let slots =
            Arc::new(CrawlSlots::new(vec![CrawlSource::new(source, Arc::new(Gate(None)), 8, 4)], BTreeMap::new()));
        let (pool, _, commits, _trackers) = start_crew(&threads, &metrics, queue, Arc::clone(&slots), MAX_WAIT);
        metrics.kind(kind, messages_of(kind)).inject_panic(name);
        let settings = CrawlSettings::default();
        let tools = SchedulerTools::new(
            Arc::clone(&store) as Arc<_>,
            pool,
            commits,
            Arc::clone(&slots),
            "test".to_owned(),
            &settings,
            Arc::clone(&metrics),
        );
        let tools = Arc::new(tools);
        let scheduled = Arc::clone(&tools);
        let make = move || Scheduler::new(Arc::clone(&scheduled));
        let _scheduler = supervise(threads.singletons(), make, supervision::<Scheduler>(&metrics));
        let recorded = metrics.recorded_crawls.with_label_values(&["observed"]);
        until(|| recorded.get() >= LISTINGS as u64).await;
        tools.stop();
        slots.idle().await;
        assert_eq!(recorded.get(), LISTINGS as u64, "nothing is recorded twice");
        let happened = metrics.kind(kind, messages_of(kind));
        until(|| !happened.has_injected_panics()).await;
        check(&store, &threads).await;
    });
}

async fn check(store: &SharedStore, threads: &Threads) {
    let store = Arc::clone(store);
    threads
        .runtime()
        .spawn(async move {
            let lease = Duration::from_secs(90);
            let rooms = Room::everywhere(100);
            let request = ClaimRequest {
                lane: Lane::Scheduled,
                limit: 100,
                rooms: &rooms,
                lease,
                owner: "test",
                max_attempts: 100,
            };
            let held: Vec<Claim> = store.claim(request).await.unwrap();
            assert!(held.is_empty(), "every listing is due tomorrow, not now: {held:?}");
            let page = store.products(TENANT, &Default::default(), Default::default(), None, 100).await.unwrap();
            for product in page.items {
                assert!(product.last_crawled_at.is_some());
                let points = store.points(product.listing_id, &[Series::Price], None, None, 100).await.unwrap();
                let prices: Vec<_> = points.iter().filter_map(|point| point.value.as_ref()?.number()).collect();
                assert_eq!(prices, [price_of(product.listing.asin).amount_minor], "its own history, once");
            }
            assert_eq!(store.backlog().await.unwrap().parked, 0);
        })
        .await
        .unwrap();
}

fn messages_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "scheduler" => Scheduler::MESSAGES,
        "crawler_pool" => CrawlerPool::MESSAGES,
        "recorder" => Recorder::MESSAGES,
        "tracker" => ProductTracker::MESSAGES,
        _ => &["deliver", "child_exited", "sweep", "observe"],
    }
}

#[test]
fn crawls_survive_a_panic_of_the_scheduler() {
    for name in ["step", "stepped", "claim"] {
        crawls_survive("scheduler", name);
    }
}

#[test]
fn crawls_survive_a_panic_of_the_crawler_pool() {
    for name in ["work", "fetched", "fetch"] {
        crawls_survive("crawler_pool", name);
    }
}

#[test]
fn crawls_survive_a_panic_of_the_recorder() {
    for name in ["flush", "written", "write"] {
        crawls_survive("recorder", name);
    }
}

#[test]
fn crawls_survive_a_panic_of_a_tracker_and_of_its_shard() {
    crawls_survive("tracker", "recorded");
    crawls_survive("tracker_shard", "deliver");
    crawls_survive("tracker", "crawled");
}

#[test]
fn a_waiter_is_answered_although_pool_and_recorder_panic_meanwhile() {
    in_runtime(|threads, metrics| async move {
        let mut crew = crate::doubles::Crew::start(&threads, &metrics, Gate(None), 16);
        let waiter = crew.trackers.ask(ListingId(1), late(), TrackerMessage::AwaitCrawl);
        let mut waiter = std::pin::pin!(waiter);
        assert!(futures_util::poll!(&mut waiter).is_pending());
        crew.work(1, TOKEN);
        let (_, answer) = crew.fetches.recv().await.unwrap();
        metrics.kind(CrawlerPool::KIND, CrawlerPool::MESSAGES).inject_panic("work");
        metrics.kind(Recorder::KIND, Recorder::MESSAGES).inject_panic("flush");
        // The pool dies of another lease, with this crawl running.
        crew.work(2, TOKEN);
        answer.send(Outcome::NotFound).unwrap();
        assert_eq!(waiter.await, Ok(CrawlEnd { outcome: "not_found", recorded: true }));
        crew.all_slots().await;
        let commits = [crew.commits.recv().await.unwrap(), crew.commits.recv().await.unwrap()];
        let ends: HashMap<i64, _> = commits.iter().map(|commit| (commit.listing_id.0, commit.outcome)).collect();
        assert_eq!(
            ends,
            HashMap::from([(1, Some("not_found")), (2, None)]),
            "each lease ends once, under its own listing"
        );
    });
}

#[test]
fn deliveries_survive_a_panic_of_the_notifier() {
    in_runtime(|threads, metrics| async move {
        let (ends, mut ended) = unbounded_channel();
        let (released, mut given_back) = unbounded_channel();
        let (sender, mut sent) = Line::new();
        let post = Arc::new(Post { waiting: Mutex::new(vec![delivery(), delivery()]), ends, released });
        let tools = Arc::new(notifier_tools(Arc::clone(&post), sender, &metrics));
        metrics.kind(Notifier::KIND, Notifier::MESSAGES).inject_panic("stepped");
        let _notifier = start_notifier(&threads, &metrics, Arc::clone(&tools));
        let lost = [given_back.recv().await.unwrap(), given_back.recv().await.unwrap()];
        assert!(lost[0] != lost[1], "both claims are given back without an attempt");
        post.waiting.lock().unwrap().extend([delivery(), delivery()]);
        for _ in 0..2 {
            sent.recv().await.unwrap().1.send(Ok(())).unwrap();
            ended.recv().await.unwrap();
        }
        assert!(tools.drained(Duration::from_secs(60)).await);
        assert_eq!(metrics.kind(Notifier::KIND, Notifier::MESSAGES).restarts.get(), 1);
    });
}

#[test]
fn maintenance_goes_on_after_a_panic_and_its_lease_is_released() {
    in_runtime(|threads, metrics| async move {
        let store = threads.runtime().spawn(store_with_listings()).await.unwrap();
        let allocation = AllocationSettings { plans: Plans::default(), max_interval: Interval::WEEKLY };
        let retention = RetentionSettings::default();
        let jobs = MaintenanceJobs { max_attempts: 5, canaries: Vec::new(), retention, allocation, runs: None };
        let tools = MaintenanceTools::new("test".to_owned(), store, Arc::clone(&metrics), Some(jobs), None);
        let tools = Arc::new(tools);
        let of_maintenance = metrics.kind(Maintenance::KIND, Maintenance::MESSAGES);
        of_maintenance.inject_panic("done");
        let make = move || Maintenance::new(Arc::clone(&tools));
        let _maintenance = supervise(threads.singletons(), make, supervision::<Maintenance>(&metrics));
        until(|| of_maintenance.restarts.get() == 1).await;
        until(|| metrics.maintenance_runs.with_label_values(&["elsewhere"]).get() >= 1).await;
        assert_eq!(metrics.maintenance_runs.with_label_values(&["done"]).get(), 1);
    });
}

#[test]
fn listeners_end_when_the_live_feed_panics_and_new_ones_are_served() {
    in_runtime(|threads, metrics| async move {
        let store = threads.runtime().spawn(store_with_listings()).await.unwrap();
        let count = Arc::default();
        let (kept, counted) = (Arc::clone(&store), Arc::clone(&count));
        let make = move || LiveFeed::new(Arc::clone(&kept) as Arc<_>, Arc::clone(&counted), None);
        let inbox = supervise(threads.singletons(), make, supervision::<LiveFeed>(&metrics));
        let live = LiveFeedHandle::new(inbox, count);
        let listen = |reply| {
            amazon_tracker::actors::live_feed::LiveMessage::Listen(
                TENANT,
                amazon_tracker::store::AuditActor::System,
                reply,
            )
        };
        let mut first = live.inbox().ask(late(), listen).await.unwrap();
        metrics.kind(LiveFeed::KIND, LiveFeed::MESSAGES).inject_panic("recorded");
        live.recorded(ListingId(1), Some(jiff::Timestamp::UNIX_EPOCH), &[]);
        let second = live.inbox().ask(late(), listen).await;
        assert!(second.is_ok(), "asked while it is rebuilt, it is answered");
        assert!(first.recv().await.is_none(), "its stream has ended: it comes again and catches up from the store");
    });
}
