//! Starts actors on their threads.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::actors::kernel::{Actor, Budget, Inbox, ShardPolicy, Shards, Supervision, Threads, supervise};
use crate::actors::tracker::{ProductTracker, TrackerTools, Trackers};
use crate::actors::user::{Principal, PrincipalCache, UserActor, UserTools};
use crate::telemetry::Metrics;

/// Starts actors on their threads.
pub(super) struct ActorSpawner<'a> {
    pub threads: &'a Threads,
    pub metrics: &'a Metrics,
    pub give_up: UnboundedSender<&'static str>,
}

impl ActorSpawner<'_> {
    /// An actor that must always be there.
    pub fn spawn<A: Actor>(&self, factory: impl Fn() -> A + Send + 'static) -> Inbox<A> {
        let give_up = self.give_up.clone();
        let supervision = Supervision {
            metrics: self.metrics.kind(A::KIND, A::MESSAGES),
            budget: Budget::default(),
            first_pause: Duration::from_secs(1),
            give_up: Box::new(move |kind| {
                let _ = give_up.send(kind);
            }),
        };
        supervise(self.threads.singletons(), factory, supervision)
    }

    pub fn spawn_principal_cache(&self, tools: UserTools) -> PrincipalCache {
        let (tools, give_up) = (Arc::new(tools), self.give_up.clone());
        // Each invalid key that is sent gets an actor: few stay in memory, and not for long.
        let policy =
            ShardPolicy { idle_after: Duration::from_secs(60), max_resident: 10_000, ..ShardPolicy::default() };
        Shards::start(
            self.threads.shards(),
            self.metrics,
            policy,
            move |principal: &Principal| UserActor::new(Arc::clone(&tools), principal.clone()),
            |principal| tracing::warn!("actor for {principal} quarantined"),
            move |kind| {
                let _ = give_up.send(kind);
            },
        )
    }

    pub fn spawn_trackers(&self, tools: TrackerTools) -> Trackers {
        let (tools, give_up) = (Arc::new(tools), self.give_up.clone());
        Shards::start(
            self.threads.shards(),
            self.metrics,
            ShardPolicy::default(),
            move |_| ProductTracker::new(Arc::clone(&tools)),
            // Its lease is not committed any more, so its attempts rise, and the maintenance parks it.
            |listing_id| tracing::warn!(%listing_id, "listing {listing_id} will be parked"),
            move |kind| {
                let _ = give_up.send(kind);
            },
        )
    }
}
