//! The slots for attempts at deliveries, shared fairly: a receiver that is slow delays its own tenant; a channel only itself.
//!
//! A tenant may use several slots while less than half of them are taken, then one. A recipient whose last attempt failed or
//! was slow is slow: those of a tenant have one slot at most, and get none while three quarters are taken: the last quarter is for
//! the others. A recipient is a tenant, or one of its channels, so that a channel that is down delays no other. Tenants with the same
//! receiver share a quarter of the slots.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{ChannelId, OutboxMessage, TenantId};
use crate::store::{ClaimedDelivery, DeliveryChannel, DeliveryClaim};

/// An attempt that takes longer is slow.
const SLOW: Duration = Duration::from_secs(2);
/// A slow recipient is treated like any other after so long without another slow attempt.
const SLOW_FOR: Duration = Duration::from_secs(600);

/// See the module.
pub(super) struct SendSlots {
    semaphore: Arc<Semaphore>,
    total: usize,
    state: Mutex<State>,
}

/// Whose attempts tell how fast the next one will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Recipient {
    tenant_id: TenantId,
    /// `None`: the tenant's webhooks or e-mails.
    channel_id: Option<ChannelId>,
}

impl Recipient {
    /// The recipient of a delivery.
    pub fn of(delivery: &ClaimedDelivery) -> Self {
        let channel_id = match &delivery.message {
            OutboxMessage::Alert(message) => Some(message.channel.id),
            OutboxMessage::Webhook { .. } | OutboxMessage::Email(_) => None,
        };
        Self { tenant_id: delivery.tenant_id, channel_id }
    }
}

#[derive(Default)]
struct State {
    tenants: HashMap<TenantId, usize>,
    recipients: HashMap<Recipient, usize>,
    hosts: HashMap<String, usize>,
    slow: HashMap<Recipient, Instant>,
}

impl State {
    fn slow(&self) -> impl Iterator<Item = Recipient> {
        self.slow.iter().filter(|(_, at)| at.elapsed() < SLOW_FOR).map(|(recipient, _)| *recipient)
    }

    /// The slow recipients of tenants of which one has a slot.
    fn slow_of_busy(&self) -> Vec<Recipient> {
        let is_tried = |recipient: &Recipient| self.recipients.contains_key(recipient);
        let tenants: HashSet<TenantId> = self.slow().filter(is_tried).map(|recipient| recipient.tenant_id).collect();
        self.slow().filter(|recipient| tenants.contains(&recipient.tenant_id)).collect()
    }
}

/// A taken slot. Dropped, it is free again.
pub struct SendSlot {
    slots: Arc<SendSlots>,
    recipient: Recipient,
    host: Option<String>,
    _permit: OwnedSemaphorePermit,
}

impl SendSlots {
    pub fn new(total: usize) -> Arc<Self> {
        Arc::new(Self { semaphore: Arc::new(Semaphore::new(total)), total, state: Mutex::default() })
    }

    /// Waits until a slot is free, and reserves all that are.
    pub async fn reserve(&self) -> Vec<OwnedSemaphorePermit> {
        let first = Arc::clone(&self.semaphore).acquire_owned().await.expect("the slots are never closed");
        let more = std::iter::from_fn(|| Arc::clone(&self.semaphore).try_acquire_owned().ok());
        std::iter::once(first).chain(more).collect()
    }

    /// What may be claimed with so many free slots.
    pub fn claim<'a>(
        &self,
        free: usize,
        channel: DeliveryChannel,
        lease: Duration,
        owner: &'a str,
    ) -> DeliveryClaim<'a> {
        let (state, taken, half) = (self.state(), self.total.saturating_sub(free), self.total.div_ceil(2));
        let busy = || state.tenants.keys().copied().collect::<Vec<_>>();
        let (limit, per_tenant, mut busy_tenants, slow) = if taken < half {
            (half - taken, half - taken, Vec::new(), state.slow_of_busy())
        } else if taken * 4 < self.total * 3 {
            (free, 1, busy(), Vec::new())
        } else {
            (free, 1, busy(), state.slow().collect())
        };
        let of_tenant = |recipient: &&Recipient| recipient.channel_id.is_none();
        busy_tenants.extend(slow.iter().filter(of_tenant).map(|recipient| recipient.tenant_id));
        let per_host = (self.total / 4).max(1);
        let full = state.hosts.iter().filter(|(_, count)| **count >= per_host).map(|(host, _)| host.clone());
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        DeliveryClaim {
            channel: Some(channel),
            limit: number(limit),
            per_tenant: number(per_tenant),
            per_host: number(per_host),
            busy_tenants,
            busy_channels: slow.iter().filter_map(|recipient| recipient.channel_id).collect(),
            busy_hosts: full.collect(),
            lease,
            owner,
        }
    }

    /// Takes a reserved slot for a delivery.
    pub fn take(self: &Arc<Self>, permit: OwnedSemaphorePermit, delivery: &ClaimedDelivery) -> SendSlot {
        let (recipient, host) = (Recipient::of(delivery), delivery.message.host().map(str::to_owned));
        let mut state = self.state();
        *state.tenants.entry(recipient.tenant_id).or_default() += 1;
        *state.recipients.entry(recipient).or_default() += 1;
        if let Some(host) = &host {
            *state.hosts.entry(host.clone()).or_default() += 1;
        }
        drop(state);
        SendSlot { slots: Arc::clone(self), recipient, host, _permit: permit }
    }

    /// What an attempt was like.
    pub fn report(&self, recipient: Recipient, succeeded: bool, took: Duration) {
        let mut state = self.state();
        if succeeded && took < SLOW {
            state.slow.remove(&recipient);
        } else {
            state.slow.retain(|_, at| at.elapsed() < SLOW_FOR);
            state.slow.insert(recipient, Instant::now());
        }
    }

    /// Waits until all slots are free. False: some were still taken in the end.
    pub async fn drained(&self, within: Duration) -> bool {
        let all = u32::try_from(self.total).unwrap_or(u32::MAX);
        tokio::time::timeout(within, self.semaphore.acquire_many(all)).await.is_ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SendSlot {
    fn drop(&mut self) {
        let mut state = self.slots.state();
        release(&mut state.tenants, &self.recipient.tenant_id);
        release(&mut state.recipients, &self.recipient);
        if let Some(host) = &self.host {
            release(&mut state.hosts, host);
        }
    }
}

fn release<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DeliveryId, Email, OutboxMessage};

    fn delivery(tenant_id: TenantId) -> ClaimedDelivery {
        let mail = Email {
            to: "a@example.com".parse().unwrap(),
            subject: String::new(),
            text: String::new(),
            html: None,
            attachment: None,
            useless_after: jiff::Timestamp::UNIX_EPOCH,
        };
        let (id, message) = (DeliveryId(uuid::Uuid::now_v7()), OutboxMessage::Email(mail));
        ClaimedDelivery { id, tenant_id, token: 1, attempt: 1, message, trace_context: None }
    }

    fn mails_of(tenant_id: TenantId) -> Recipient {
        Recipient { tenant_id, channel_id: None }
    }

    /// Takes a slot for a tenant, if it may have one.
    async fn try_take(slots: &Arc<SendSlots>, tenant_id: TenantId) -> Option<SendSlot> {
        if slots.semaphore.available_permits() == 0 {
            return None;
        }
        let mut free = slots.reserve().await;
        let claim = slots.claim(free.len(), DeliveryChannel::Email, SLOW, "test");
        let is_busy = claim.busy_tenants.contains(&tenant_id);
        (!is_busy).then(|| slots.take(free.remove(0), &delivery(tenant_id)))
    }

    #[tokio::test]
    async fn one_tenant_takes_half_of_the_slots_and_each_other_one_of_the_rest() {
        let slots = SendSlots::new(16);
        let (first, mut taken) = (TenantId::new(), Vec::new());
        while let Some(slot) = try_take(&slots, first).await {
            taken.push(slot);
        }
        assert_eq!(taken.len(), 8);
        for _ in 0..8 {
            let other = TenantId::new();
            taken.push(try_take(&slots, other).await.unwrap());
            assert!(try_take(&slots, other).await.is_none());
        }
        drop(taken);
        assert!(slots.drained(Duration::ZERO).await);
        assert!(slots.state().tenants.is_empty());
    }

    #[tokio::test]
    async fn slow_tenants_have_one_slot_each_and_leave_a_quarter_to_the_others() {
        let slots = SendSlots::new(16);
        let mut taken = Vec::new();
        for _ in 0..40 {
            let slow = TenantId::new();
            slots.report(mails_of(slow), false, Duration::from_secs(15));
            taken.extend(try_take(&slots, slow).await);
            assert!(try_take(&slots, slow).await.is_none());
        }
        assert_eq!(taken.len(), 12);
        let honest = TenantId::new();
        assert!(try_take(&slots, honest).await.is_some());
        // A slow one that recovered is treated like any other.
        let recovered = taken.pop().unwrap().recipient;
        slots.report(recovered, true, Duration::from_millis(20));
        let _first = try_take(&slots, recovered.tenant_id).await.unwrap();
    }

    #[test]
    fn a_slow_channel_that_is_tried_delays_the_slow_channels_of_its_tenant_and_no_other() {
        let (slots, tenant_id) = (SendSlots::new(16), TenantId::new());
        let slow = [ChannelId::new(), ChannelId::new()];
        let recipients = slow.map(|channel_id| Recipient { tenant_id, channel_id: Some(channel_id) });
        recipients.iter().for_each(|recipient| slots.report(*recipient, false, SLOW));
        let claim = || slots.claim(15, DeliveryChannel::Alert, SLOW, "test");
        assert!(claim().busy_channels.is_empty());
        slots.state().recipients.insert(recipients[0], 1);
        let claim = claim();
        assert!(claim.busy_tenants.is_empty());
        assert!(claim.busy_channels.len() == 2 && slow.iter().all(|channel| claim.busy_channels.contains(channel)));
    }
}
