//! The Caretaker does what is due now and then: parks poison, makes room for history and reads the gauges.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::kernel::{Actor, Cx};
use crate::store::{SharedStore, StoreResult};
use crate::telemetry::Metrics;

const ROUND_EVERY: Duration = Duration::from_secs(5);
/// Parking and room are looked after at every so many rounds.
const CHORES_EVERY_ROUNDS: u64 = 12;
const PARK_AT_MOST: u32 = 500;
const ROOM_AHEAD: SignedDuration = SignedDuration::from_hours(24 * 62);

/// What the Caretaker understands.
pub enum CaretakerMessage {
    /// Time for a round.
    Round,
    /// A round is over.
    Done,
}

/// See the module.
pub struct Caretaker {
    store: SharedStore,
    metrics: Arc<Metrics>,
    max_attempts: u16,
    keep_history_days: u32,
    rounds: u64,
}

impl Caretaker {
    /// A caretaker; history is kept for so many days, or for ever when it is 0.
    pub fn new(store: SharedStore, metrics: Arc<Metrics>, max_attempts: u16, keep_history_days: u32) -> Self {
        Self { store, metrics, max_attempts, keep_history_days, rounds: 0 }
    }

    fn round(&mut self, cx: &mut Cx<'_, Self>) {
        let chores = self.rounds.is_multiple_of(CHORES_EVERY_ROUNDS);
        self.rounds += 1;
        let (store, metrics) = (self.store.clone(), Arc::clone(&self.metrics));
        let (max_attempts, keep_history_days) = (self.max_attempts, self.keep_history_days);
        let work = async move {
            let chores_done = if chores { do_chores(&store, max_attempts, keep_history_days).await } else { Ok(()) };
            if let Err(error) = chores_done.and(read_gauges(&store, &metrics).await) {
                metrics.store_errors.with_label_values(&["upkeep"]).inc();
                tracing::debug!(%error, "upkeep could not be done");
            }
            CaretakerMessage::Done
        };
        cx.work(work, || CaretakerMessage::Done);
    }
}

async fn do_chores(store: &SharedStore, max_attempts: u16, keep_history_days: u32) -> StoreResult<()> {
    let parked = store.park_poison(max_attempts, PARK_AT_MOST).await?;
    if parked > 0 {
        tracing::warn!(listings = parked, "parked {parked} listings whose looks never ended");
    }
    store.forget_ended().await?;
    for tenant_id in store.tenants_to_remove().await? {
        store.remove_tenant(tenant_id).await?;
        tracing::info!(%tenant_id, "deleted tenant {tenant_id} with everything of it");
    }
    let now = store.now().await?;
    store.ensure_room(now, now.saturating_add(ROOM_AHEAD).unwrap_or(Timestamp::MAX)).await?;
    if keep_history_days > 0 {
        let kept = SignedDuration::from_hours(24 * i64::from(keep_history_days));
        store.forget_before(now.saturating_sub(kept).unwrap_or(Timestamp::MIN)).await?;
    }
    Ok(())
}

async fn read_gauges(store: &SharedStore, metrics: &Metrics) -> StoreResult<()> {
    let backlog = store.backlog().await?;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    metrics.due_listings.set(number(backlog.due));
    metrics.oldest_due_seconds.set(backlog.oldest_due.as_secs_f64());
    metrics.parked_listings.set(number(backlog.parked));
    metrics.products.set(number(store.count_products().await?));
    Ok(())
}

impl Actor for Caretaker {
    type Message = CaretakerMessage;
    const KIND: &'static str = "caretaker";
    /// It gets no mail but its own.
    const CAPACITY: usize = 4;
    const MESSAGES: &'static [&'static str] = &["round", "done"];

    fn name_of(message: &CaretakerMessage) -> &'static str {
        match message {
            CaretakerMessage::Round => "round",
            CaretakerMessage::Done => "done",
        }
    }

    fn started(&mut self, cx: &mut Cx<'_, Self>) {
        self.round(cx);
    }

    fn handle(&mut self, message: CaretakerMessage, cx: &mut Cx<'_, Self>) {
        match message {
            CaretakerMessage::Round => self.round(cx),
            CaretakerMessage::Done => cx.after(ROUND_EVERY, CaretakerMessage::Round),
        }
    }
}
