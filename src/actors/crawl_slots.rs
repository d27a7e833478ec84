//! Slots for crawls: how many may be under way by each source on each marketplace, and which source a marketplace uses.
//!
//! A slot is taken before a listing is claimed, so nothing is ever claimed that there is no room for, and a marketplace that is
//! slow or blocked keeps no slot that another could use.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::domain::Marketplace;
use crate::limits::CrawlGate;
use crate::sources::Source;
use crate::store::Room;

/// Slots of one step of the Scheduler.
const MAX_STEP: usize = 256;
/// A claim for one slot costs as much as one for many: while most are taken, so long is waited for a quarter of them.
const GATHER: Duration = Duration::from_millis(5);

/// A source with its limits.
pub struct CrawlSource {
    /// Where observations come from.
    pub source: Arc<dyn Source>,
    /// Its rate limits and circuit breakers.
    pub gate: Arc<dyn CrawlGate>,
    concurrency: usize,
    all: Arc<Semaphore>,
    marketplaces: BTreeMap<Marketplace, Arc<Semaphore>>,
}

impl CrawlSource {
    /// A source with so many slots, and so many of them for each marketplace.
    pub fn new(
        source: Arc<dyn Source>,
        gate: Arc<dyn CrawlGate>,
        concurrency: usize,
        concurrency_per_marketplace: usize,
    ) -> Self {
        let of_marketplace =
            |site: &Marketplace| (*site, Arc::new(Semaphore::new(concurrency_per_marketplace.min(concurrency))));
        let marketplaces = Marketplace::ALL.iter().map(of_marketplace).collect();
        Self { source, gate, concurrency, all: Arc::new(Semaphore::new(concurrency)), marketplaces }
    }

    /// The same source with other numbers of slots for some marketplaces.
    #[must_use]
    pub fn with_concurrency(mut self, of: impl Iterator<Item = (Marketplace, usize)>) -> Self {
        for (marketplace, concurrency) in of {
            self.marketplaces.insert(marketplace, Arc::new(Semaphore::new(concurrency.min(self.concurrency))));
        }
        self
    }

    fn has_room(&self, marketplace: Marketplace) -> bool {
        self.all.available_permits() > 0 && self.marketplaces[&marketplace].available_permits() > 0
    }

    /// Waits until no crawl is under way.
    async fn idle(&self) {
        let all = u32::try_from(self.concurrency).unwrap_or(u32::MAX);
        let _ = self.all.acquire_many(all).await;
    }
}

/// The sources of each marketplace, and who waits for a slot.
pub struct CrawlSlots {
    sources: Vec<Arc<CrawlSource>>,
    /// By index, in the order in which they are asked.
    order: BTreeMap<Marketplace, Vec<usize>>,
    freed: Arc<Freed>,
}

/// Tells that a slot became free.
#[derive(Default)]
struct Freed {
    notify: Notify,
    /// At the last step there was no room for something.
    is_wanted: AtomicBool,
    wake: Mutex<Option<Wake>>,
}

/// Wakes the Scheduler.
type Wake = Box<dyn Fn() + Send + Sync>;

impl Freed {
    fn tell(&self) {
        self.notify.notify_one();
        if self.is_wanted.swap(false, Ordering::AcqRel)
            && let Some(wake) = &*self.wake.lock().unwrap_or_else(PoisonError::into_inner)
        {
            wake();
        }
    }
}

impl CrawlSlots {
    /// With the sources of each marketplace, in the order in which they are asked, as indices of the list. A marketplace without
    /// an entry asks all, in the order of the list.
    pub fn new(sources: Vec<CrawlSource>, mut order: BTreeMap<Marketplace, Vec<usize>>) -> Self {
        let all: Vec<usize> = (0..sources.len()).collect();
        for marketplace in Marketplace::ALL {
            let order = order.entry(*marketplace).or_default();
            order.retain(|index| *index < sources.len());
            if order.is_empty() {
                order.clone_from(&all);
            }
        }
        Self { sources: sources.into_iter().map(Arc::new).collect(), order, freed: Arc::default() }
    }

    /// Called when a slot becomes free after a step that found too few.
    pub fn when_freed(&self, wake: impl Fn() + Send + Sync + 'static) {
        *self.freed.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(wake));
    }

    /// Waits for a free slot, a little longer for a few more, and takes all there are, source by source.
    pub async fn free(&self) -> Vec<FreeSlots> {
        while !Marketplace::ALL.iter().any(|marketplace| self.source_of(*marketplace).has_room(*marketplace)) {
            self.freed.notify.notified().await;
        }
        let few = |source: &Arc<CrawlSource>| {
            let (all, few) = (Arc::clone(&source.all), u32::try_from(source.concurrency / 4).unwrap_or(u32::MAX));
            async move { drop(all.acquire_many(few).await) }
        };
        // Waiting holds no slot: what becomes free meanwhile is taken below.
        let _ = tokio::time::timeout(GATHER, join_all(self.sources.iter().map(few))).await;
        self.freed.is_wanted.store(true, Ordering::Release);
        self.sources.iter().map(|source| self.free_of(source)).filter(|free| free.limit() > 0).collect()
    }

    /// Every marketplace had room: nobody has to be told when a slot becomes free.
    pub fn had_room(&self) {
        self.freed.is_wanted.store(false, Ordering::Release);
    }

    /// A slot of the marketplace's next source after that of `slot`, if it has one that is free.
    pub fn after(&self, slot: &CrawlSlot) -> Option<CrawlSlot> {
        self.sources_after(slot).find_map(|source| self.try_take(source, slot.marketplace))
    }

    /// Whether a source after that of `slot` would crawl now if it had room.
    pub fn is_open_after(&self, slot: &CrawlSlot) -> bool {
        self.sources_after(slot).any(|source| !source.gate.is_blocked(slot.marketplace))
    }

    /// Whether no source of the marketplace can crawl it: see [`CrawlGate::is_failing`].
    pub fn is_failing(&self, marketplace: Marketplace) -> bool {
        self.order_of(marketplace).iter().all(|index| self.sources[*index].gate.is_failing(marketplace))
    }

    /// The marketplaces that no source can crawl.
    pub fn failing(&self) -> Vec<Marketplace> {
        Marketplace::ALL.iter().copied().filter(|marketplace| self.is_failing(*marketplace)).collect()
    }

    fn sources_after(&self, slot: &CrawlSlot) -> impl Iterator<Item = &Arc<CrawlSource>> {
        let order = self.order_of(slot.marketplace).iter().map(|index| &self.sources[*index]);
        order.skip_while(|source| !Arc::ptr_eq(source, &slot.source)).skip(1)
    }

    /// A slot of another source of the marketplace than this one, if it has one that is free and not blocked.
    pub fn other_than(&self, slot: &CrawlSlot) -> Option<CrawlSlot> {
        let others = self.order_of(slot.marketplace).iter().map(|index| &self.sources[*index]);
        let open = others.filter(|other| !Arc::ptr_eq(other, &slot.source) && !other.gate.is_blocked(slot.marketplace));
        { open }.find_map(|other| self.try_take(other, slot.marketplace))
    }

    /// A slot of the source that the marketplace uses now.
    pub fn take(&self, marketplace: Marketplace) -> Option<CrawlSlot> {
        self.try_take(self.source_of(marketplace), marketplace)
    }

    /// Waits until no crawl is under way.
    pub async fn idle(&self) {
        join_all(self.sources.iter().map(|source| source.idle())).await;
    }

    fn order_of(&self, marketplace: Marketplace) -> &[usize] {
        self.order.get(&marketplace).map_or(&[], Vec::as_slice)
    }

    /// The first source of the marketplace's order that is not blocked; the first one if all are.
    fn source_of(&self, marketplace: Marketplace) -> &Arc<CrawlSource> {
        let order = self.order_of(marketplace);
        let open = order.iter().find(|index| !self.sources[**index].gate.is_blocked(marketplace));
        &self.sources[*open.unwrap_or(&order[0])]
    }

    fn try_take(&self, source: &Arc<CrawlSource>, marketplace: Marketplace) -> Option<CrawlSlot> {
        let all = Arc::clone(&source.all).try_acquire_owned().ok()?;
        let one = Arc::clone(&source.marketplaces[&marketplace]).try_acquire_owned().ok()?;
        Some(CrawlSlot::new(source, marketplace, (all, one), &self.freed))
    }

    fn free_of(&self, source: &Arc<CrawlSource>) -> FreeSlots {
        let all = std::iter::from_fn(|| Arc::clone(&source.all).try_acquire_owned().ok()).take(MAX_STEP).collect();
        let used_by = Marketplace::ALL.iter().filter(|site| Arc::ptr_eq(self.source_of(**site), source));
        let rooms = used_by.map(|site| {
            let room = &source.marketplaces[site];
            (*site, std::iter::from_fn(|| Arc::clone(room).try_acquire_owned().ok()).take(MAX_STEP).collect())
        });
        FreeSlots { source: Arc::clone(source), all, rooms: rooms.collect(), freed: Arc::clone(&self.freed) }
    }
}

/// The free slots of one source, taken. What is not used is free again when this is dropped.
pub struct FreeSlots {
    source: Arc<CrawlSource>,
    all: Vec<OwnedSemaphorePermit>,
    rooms: BTreeMap<Marketplace, Vec<OwnedSemaphorePermit>>,
    freed: Arc<Freed>,
}

impl FreeSlots {
    /// How many there are.
    pub fn limit(&self) -> usize {
        self.all.len()
    }

    /// How many may be claimed for a share of them, in all and of each marketplace, rounded up or down by chance: both the same way.
    pub fn share(&self, share: f64) -> (u32, Vec<Room>) {
        let chance: f64 = rand::random();
        let of = |count: usize| {
            let share = (count as f64 * share + chance) as usize;
            u32::try_from(share.min(count)).unwrap_or(u32::MAX)
        };
        let room = |(marketplace, permits): (&Marketplace, &Vec<_>)| Room {
            marketplace: *marketplace,
            places: of(permits.len()),
        };
        let rooms = self.rooms.iter().map(room).filter(|room| room.places > 0).collect();
        (of(self.limit()), rooms)
    }

    /// Takes one out.
    pub fn take(&mut self, marketplace: Marketplace) -> Option<CrawlSlot> {
        let one = self.rooms.get_mut(&marketplace)?.pop()?;
        let all = self.all.pop()?;
        Some(CrawlSlot::new(&self.source, marketplace, (all, one), &self.freed))
    }

    /// The marketplaces that have slots left.
    pub fn open_marketplaces(&self) -> Vec<Marketplace> {
        if self.all.is_empty() {
            return Vec::new();
        }
        self.rooms.iter().filter(|(_, permits)| !permits.is_empty()).map(|(site, _)| *site).collect()
    }

    /// Whether there was one for everything that could be claimed.
    pub fn has_room_everywhere(&self) -> bool {
        !self.all.is_empty() && self.rooms.values().all(|permits| !permits.is_empty())
    }
}

/// Of the source, and of its marketplace.
type Places = (OwnedSemaphorePermit, OwnedSemaphorePermit);

/// A place for one crawl, from the claim to the commit. Free when dropped.
pub struct CrawlSlot {
    /// The source that is to be asked.
    pub source: Arc<CrawlSource>,
    marketplace: Marketplace,
    places: Option<Places>,
    freed: Arc<Freed>,
}

impl CrawlSlot {
    fn new(source: &Arc<CrawlSource>, marketplace: Marketplace, places: Places, freed: &Arc<Freed>) -> Self {
        Self { source: Arc::clone(source), marketplace, places: Some(places), freed: Arc::clone(freed) }
    }
}

impl Drop for CrawlSlot {
    fn drop(&mut self) {
        // First the place, then the news of it.
        drop(self.places.take());
        self.freed.tell();
    }
}
