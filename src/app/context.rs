//! What every part of the process is built on.

use std::sync::Arc;

use url::Url;

use super::gated_lists::GatedLists;
use super::spawn::ActorSpawner;
use crate::actors::revocations::Revocations;
use crate::config::Settings;
use crate::limits::DistributedLimiter;
use crate::replicas::Bus;
use crate::sources::apify::RunCallbacks;
use crate::store::SharedStore;
use crate::telemetry::Metrics;

/// See the module.
pub(super) struct AppContext<'a> {
    pub settings: &'a Settings,
    pub spawner: ActorSpawner<'a>,
    pub store: &'a SharedStore,
    pub metrics: &'a Arc<Metrics>,
    pub limiter: &'a DistributedLimiter,
    pub bus: &'a Bus,
    pub revocations: &'a Revocations,
    pub callbacks: &'a Arc<RunCallbacks>,
    pub direct: Arc<GatedLists>,
    /// Where people reach this installation.
    pub public_url: Url,
    /// The name of this replica, for people.
    pub owner: String,
}
