//! A Notifier sends what waits in the outbox for one channel, and nothing else sends anything. Webhooks and e-mails have
//! slots of their own, so that slow webhooks delay no e-mail.
//!
//! A delivery is claimed under a fencing token, tried once, and its end written. A crash in between means that it is sent
//! again under the same id: at least once, and the receiver can detect it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::kernel::{Actor, Cx};
use super::poll_loop::{PAUSE_AFTER_ERROR, PollLoop};
use super::send_slots::{Recipient, SendSlot, SendSlots};
use crate::config::NotifySettings;
use crate::domain::{Backoff, DeliveryId, OutboxMessage};
use crate::notify::channel::Sent;
use crate::notify::{SendError, Sender};
use crate::store::{ClaimedDelivery, DeliveryChannel, DeliveryEnd, Outbox, StoreResult};
use crate::telemetry::{Metrics, TRACE, continue_from};

const MIN_SLEEP: Duration = Duration::from_millis(50);
const MAX_SLEEP: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(12 * 3600);
/// What a claim leaves beside the attempt itself.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// What the Notifier understands.
pub enum NotifierMessage {
    /// The time of a plan has come.
    Step(u64),
    /// A step is over.
    Stepped(StoreResult<(Vec<Attempt>, Duration)>),
    /// An attempt is over, well or badly: its end is written.
    Sent,
    /// Something may be due.
    Wake,
    /// A step panicked.
    Panicked,
}

/// A claimed delivery with its slot. Dropped before an attempt was made, it gives the claim back.
pub struct Attempt {
    delivery: Option<ClaimedDelivery>,
    slot: Option<SendSlot>,
    store: Arc<dyn Outbox>,
    runtime: Handle,
}

impl Attempt {
    /// The delivery and its slot; from now on the attempt counts.
    fn begin(mut self) -> Option<(ClaimedDelivery, SendSlot)> {
        self.delivery.take().zip(self.slot.take())
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let (Some(delivery), slot) = (self.delivery.take(), self.slot.take()) else { return };
        let store = Arc::clone(&self.store);
        self.runtime.spawn(async move {
            if let Err(error) = store.release_delivery(delivery.id, delivery.token).await {
                tracing::warn!(delivery_id = %delivery.id, %error, "delivery {} could not be released; its lease expires", delivery.id);
            }
            drop(slot);
        });
    }
}

/// What the Notifier works with.
pub struct NotifierTools {
    store: Arc<dyn Outbox>,
    channel: DeliveryChannel,
    sender: Arc<dyn Sender>,
    metrics: Arc<Metrics>,
    slots: Arc<SendSlots>,
    settings: NotifySettings,
    longest_attempt: Duration,
    owner: String,
    stopped: CancellationToken,
    /// Something waits for a tenant's own slot.
    is_someone_busy: AtomicBool,
}

impl NotifierTools {
    /// For a channel with this number of slots, whose sender takes at most `longest_attempt`.
    pub fn new(
        store: Arc<dyn Outbox>,
        (channel, sender, slots): (DeliveryChannel, Arc<dyn Sender>, usize),
        owner: String,
        settings: NotifySettings,
        longest_attempt: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            store,
            channel,
            sender,
            metrics,
            slots: SendSlots::new(slots),
            settings,
            longest_attempt,
            owner,
            stopped: CancellationToken::new(),
            is_someone_busy: AtomicBool::new(false),
        }
    }

    /// Claims nothing more, whatever happens to the Notifier. What is being claimed at this moment is sent.
    pub fn stop(&self) {
        self.stopped.cancel();
    }

    /// Waits until no attempt is under way. False: some still were, in the end.
    pub async fn drained(&self, within: Duration) -> bool {
        self.slots.drained(within).await
    }

    /// One step: waits for a free slot, claims what may have one, and says how long to sleep.
    async fn try_claim(&self) -> StoreResult<(Vec<Attempt>, Duration)> {
        let free = self.slots.reserve().await;
        // The wait may have been long.
        if self.stopped.is_cancelled() {
            return Ok((Vec::new(), MAX_SLEEP));
        }
        let lease = self.longest_attempt + LEASE_MARGIN;
        let claim = self.slots.claim(free.len(), self.channel, lease, &self.owner);
        let is_someone_busy =
            !claim.busy_tenants.is_empty() || !claim.busy_channels.is_empty() || !claim.busy_hosts.is_empty();
        self.is_someone_busy.store(is_someone_busy, Ordering::Relaxed);
        let claimed = self.store.claim_deliveries(&claim).await?;
        let attempt = |(delivery, permit)| Attempt {
            slot: Some(self.slots.take(permit, &delivery)),
            delivery: Some(delivery),
            store: Arc::clone(&self.store),
            runtime: Handle::current(),
        };
        let attempts: Vec<_> = claimed.into_iter().zip(free).map(attempt).collect();
        // What was claimed is sent, whatever the second question brings.
        let sleep = if attempts.is_empty() { self.sleep().await } else { Duration::ZERO };
        Ok((attempts, sleep))
    }

    /// What is due although nothing was claimed waits for a slot of its tenant.
    async fn sleep(&self) -> Duration {
        let due_in = self.store.next_delivery_in().await.ok().flatten().unwrap_or(MAX_SLEEP);
        due_in.clamp(MIN_SLEEP, MAX_SLEEP)
    }

    /// An attempt belongs to the trace of the crawl that caused it, if that one is exported. The URL is not part of the span.
    fn span_of(&self, delivery: &ClaimedDelivery) -> Span {
        let Some(trace_context) = &delivery.trace_context else { return Span::none() };
        let channel = delivery.message.channel_name();
        let span = tracing::info_span!(
            target: TRACE,
            parent: None,
            "deliver",
            otel.kind = "client",
            otel.status_code = Empty,
            tracker.delivery.id = %delivery.id,
            tracker.delivery.channel = channel,
            tracker.delivery.attempt = delivery.attempt,
            tracker.delivery.result = Empty,
        );
        continue_from(&span, trace_context);
        span
    }

    /// Makes one attempt and writes its end.
    async fn attempt(&self, delivery: ClaimedDelivery) {
        let (id, token, attempt) = (delivery.id, delivery.token, delivery.attempt);
        let (sender, began_at) = (&self.sender, Instant::now());
        let sent = AssertUnwindSafe(sender.send(id, &delivery.message)).catch_unwind().await;
        // A limit says nothing about how fast the next attempt will be.
        if !matches!(sent, Ok(Err(SendError::Limited { .. }))) {
            self.slots.report(Recipient::of(&delivery), matches!(sent, Ok(Ok(_))), began_at.elapsed());
        }
        let panicked = || SendError::Temporary { reason: "the sender panicked".to_owned(), retry_after: None };
        let end = self.end_of(attempt, sent.unwrap_or_else(|_| Err(panicked())));
        let (result, error) = match &end {
            DeliveryEnd::Delivered | DeliveryEnd::Moved(_) => ("delivered", None),
            DeliveryEnd::Retry { error, .. } => ("retry", Some(error)),
            DeliveryEnd::Dead { error } => ("dead", Some(error)),
            DeliveryEnd::Forgotten => ("forgotten", None),
            DeliveryEnd::Postponed { error, .. } => ("postponed", Some(error)),
            DeliveryEnd::Broken { error } => ("broken", Some(error)),
        };
        let channel = delivery.message.channel_name();
        self.metrics.deliveries.with_label_values(&[channel, result]).inc();
        Span::current().record("tracker.delivery.result", result);
        if error.is_some() {
            Span::current().record("otel.status_code", "error");
        }
        tracing::info!(delivery_id = %id, channel, attempt, result, error, "delivery {id}: {result}");
        let end = match (&delivery.message, end) {
            // An e-mail contains a valid link: it is deleted once it is sent or given up.
            (OutboxMessage::Email(_), DeliveryEnd::Delivered | DeliveryEnd::Dead { .. }) => DeliveryEnd::Forgotten,
            (_, end) => end,
        };
        self.finish(id, token, &end).await;
    }

    /// Writes the end of an attempt. If the database stays unavailable, the claim expires and the delivery is sent again.
    async fn finish(&self, id: DeliveryId, token: i64, end: &DeliveryEnd) {
        let until = Instant::now() + LEASE_MARGIN;
        while let Err(error) = self.store.finish_delivery(id, token, end).await {
            self.metrics.store_errors.with_label_values(&["finish_delivery"]).inc();
            if Instant::now() >= until {
                tracing::warn!(delivery_id = %id, %error, "cannot record the result of delivery {id}");
                return;
            }
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
        }
    }

    fn end_of(&self, attempt: u32, sent: Result<Sent, SendError>) -> DeliveryEnd {
        match sent {
            Ok(Sent { moved_to: Some(config), .. }) => DeliveryEnd::Moved(Box::new(config)),
            Ok(_) => DeliveryEnd::Delivered,
            Err(SendError::Limited { reason, retry_after }) => {
                DeliveryEnd::Postponed { after: retry_after, error: reason }
            }
            Err(SendError::Broken(error)) => DeliveryEnd::Broken { error },
            Err(SendError::Permanent(error)) => DeliveryEnd::Dead { error },
            Err(SendError::Temporary { reason, .. }) if attempt >= self.settings.max_attempts => {
                DeliveryEnd::Dead { error: reason }
            }
            Err(SendError::Temporary { reason, retry_after }) => {
                let pause =
                    retry_backoff(Duration::from_secs(self.settings.retry_secs)).after(attempt.saturating_sub(1));
                let asked = retry_after.unwrap_or_default().min(MAX_RETRY);
                DeliveryEnd::Retry { after: pause.max(asked).mul_f64(rand::random_range(0.9..1.1)), error: reason }
            }
        }
    }
}

/// With a first pause of 5 s: 5 s, 25 s, 2 min, 10 min, 52 min, 4 h, then 12 h each.
fn retry_backoff(first: Duration) -> Backoff {
    Backoff::new(first, 5, MAX_RETRY)
}

/// See the module.
pub struct Notifier {
    tools: Arc<NotifierTools>,
    poll_loop: PollLoop,
}

impl Notifier {
    /// A notifier that starts to claim as soon as it is started.
    pub fn new(tools: Arc<NotifierTools>) -> Self {
        Self { tools, poll_loop: PollLoop::default() }
    }

    fn step(&mut self, plan: u64, cx: &mut Cx<'_, Self>) {
        if !self.tools.stopped.is_cancelled() && self.poll_loop.begin(plan) {
            let tools = Arc::clone(&self.tools);
            let claim = async move { NotifierMessage::Stepped(tools.try_claim().await) };
            cx.work("claim", claim, || NotifierMessage::Panicked);
        }
    }

    fn stepped(&mut self, result: StoreResult<(Vec<Attempt>, Duration)>, cx: &mut Cx<'_, Self>) {
        let (attempts, sleep) = self.poll_loop.finish(result, "claim_deliveries", &self.tools.metrics);
        for attempt in attempts.into_iter().flatten() {
            let tools = Arc::clone(&self.tools);
            let attempt = async move {
                if let Some((delivery, _slot)) = attempt.begin() {
                    let span = tools.span_of(&delivery);
                    tools.attempt(delivery).instrument(span).await;
                }
                NotifierMessage::Sent
            };
            cx.work("attempt", attempt, || NotifierMessage::Sent);
        }
        self.poll_loop.plan_next(sleep, cx, NotifierMessage::Step);
    }
}

impl Actor for Notifier {
    type Message = NotifierMessage;
    const KIND: &'static str = "notifier";
    /// Wake-ups are all alike: that one was refused means that another is in the queue.
    const CAPACITY: usize = 64;
    const MESSAGES: &'static [&'static str] = &["step", "stepped", "sent", "wake", "panicked"];

    fn name_of(message: &NotifierMessage) -> &'static str {
        match message {
            NotifierMessage::Step(_) => "step",
            NotifierMessage::Stepped(_) => "stepped",
            NotifierMessage::Sent => "sent",
            NotifierMessage::Wake => "wake",
            NotifierMessage::Panicked => "panicked",
        }
    }

    fn started(&mut self, cx: &mut Cx<'_, Self>) {
        self.step(self.poll_loop.first(), cx);
    }

    fn handle(&mut self, message: NotifierMessage, cx: &mut Cx<'_, Self>) {
        match message {
            NotifierMessage::Step(plan) => self.step(plan, cx),
            NotifierMessage::Stepped(result) => self.stepped(result, cx),
            NotifierMessage::Panicked => self.poll_loop.plan_next(PAUSE_AFTER_ERROR, cx, NotifierMessage::Step),
            NotifierMessage::Sent if !self.tools.is_someone_busy.load(Ordering::Relaxed) => {}
            NotifierMessage::Sent | NotifierMessage::Wake => {
                if let Some(plan) = self.poll_loop.wake() {
                    self.step(plan, cx);
                }
            }
        }
    }
}
