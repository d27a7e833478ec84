//! The slots of a channel for attempts at deliveries, shared fairly: a receiver that is slow delays its own tenant.
//!
//! A tenant may use several slots while less than half of them are taken, then one. A tenant whose last attempt failed or
//! was slow has one slot at most, and gets none while three quarters are taken: the last quarter is for the others. Tenants
//! with the same receiver share a quarter of the slots.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::TenantId;
use crate::store::{ClaimedDelivery, DeliveryChannel, DeliveryClaim};

/// An attempt that takes longer is slow.
const SLOW: Duration = Duration::from_secs(2);
/// A slow tenant is treated like any other after so long without another slow attempt.
const SLOW_FOR: Duration = Duration::from_secs(600);

/// See the module.
pub(super) struct SendSlots {
    semaphore: Arc<Semaphore>,
    total: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tenants: HashMap<TenantId, usize>,
    hosts: HashMap<String, usize>,
    slow: HashMap<TenantId, Instant>,
}

/// A taken slot. Dropped, it is free again.
pub struct SendSlot {
    slots: Arc<SendSlots>,
    tenant_id: TenantId,
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
        let slow = state.slow.iter().filter(|(_, at)| at.elapsed() < SLOW_FOR).map(|(tenant, _)| *tenant);
        let busy = state.tenants.keys().copied();
        let (limit, per_tenant, busy_tenants) = if taken < half {
            let of_slow = slow.filter(|tenant| state.tenants.contains_key(tenant));
            (half - taken, half - taken, of_slow.collect())
        } else if taken * 4 < self.total * 3 {
            (free, 1, busy.collect())
        } else {
            (free, 1, slow.chain(busy).collect())
        };
        let per_host = (self.total / 4).max(1);
        let full = state.hosts.iter().filter(|(_, count)| **count >= per_host).map(|(host, _)| host.clone());
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        DeliveryClaim {
            channel: Some(channel),
            limit: number(limit),
            per_tenant: number(per_tenant),
            per_host: number(per_host),
            busy_tenants,
            busy_hosts: full.collect(),
            lease,
            owner,
        }
    }

    /// Takes a reserved slot for a delivery.
    pub fn take(self: &Arc<Self>, permit: OwnedSemaphorePermit, delivery: &ClaimedDelivery) -> SendSlot {
        let (tenant_id, host) = (delivery.tenant_id, delivery.message.host().map(str::to_owned));
        let mut state = self.state();
        *state.tenants.entry(tenant_id).or_default() += 1;
        if let Some(host) = &host {
            *state.hosts.entry(host.clone()).or_default() += 1;
        }
        drop(state);
        SendSlot { slots: Arc::clone(self), tenant_id, host, _permit: permit }
    }

    /// What an attempt was like.
    pub fn report(&self, tenant_id: TenantId, succeeded: bool, took: Duration) {
        let mut state = self.state();
        if succeeded && took < SLOW {
            state.slow.remove(&tenant_id);
        } else {
            state.slow.retain(|_, at| at.elapsed() < SLOW_FOR);
            state.slow.insert(tenant_id, Instant::now());
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
        release(&mut state.tenants, &self.tenant_id);
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
            useless_after: jiff::Timestamp::UNIX_EPOCH,
        };
        let (id, message) = (DeliveryId(uuid::Uuid::now_v7()), OutboxMessage::Email(mail));
        ClaimedDelivery { id, tenant_id, token: 1, attempt: 1, message, trace_context: None }
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
            slots.report(slow, false, Duration::from_secs(15));
            taken.extend(try_take(&slots, slow).await);
            assert!(try_take(&slots, slow).await.is_none());
        }
        assert_eq!(taken.len(), 12);
        let honest = TenantId::new();
        assert!(try_take(&slots, honest).await.is_some());
        // A slow one that recovered is treated like any other.
        let recovered = taken.pop().unwrap().tenant_id;
        slots.report(recovered, true, Duration::from_millis(20));
        let _first = try_take(&slots, recovered).await.unwrap();
    }
}
