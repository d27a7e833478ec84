//! `/api/v1/system/status`: the state of the installation, for operators.

use actix_web::Responder;
use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::health::WireHealth;
use super::problem::Problem;
use super::routes::{Access, Routes};
use crate::domain::{FieldDrift, Marketplace};
use crate::service::{BreakerStatus, StoredStatus, SystemStatus};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/system/status", |path| path.get(Access::Superadmin, status));
}

/// The state of the installation: the numbers of the metrics.
#[derive(Serialize, ToSchema)]
#[schema(as = SystemStatus)]
pub(super) struct WireStatus {
    /// Of the process that answers.
    health: WireHealth,
    /// Replicas that share limits, as far as they are counted (with Redis), and at least `limits.replicas`.
    replicas: u32,
    /// How far the standby is behind that is read from, in seconds; 0 without one.
    standby_lag_secs: f64,
    /// Of the process that answers. One that never changed is closed, and may be missing.
    breakers: Vec<WireBreaker>,
    /// What the database says; null while it does not answer.
    stored: Option<WireStored>,
}

/// The circuit breaker of a source on a marketplace.
#[derive(Serialize, ToSchema)]
#[schema(as = Breaker)]
struct WireBreaker {
    source: String,
    marketplace: String,
    /// `closed` (crawls are made), `half_open` (one crawl finds out whether they work again) or `open`.
    state: &'static str,
}

/// What the database says.
#[derive(Serialize, ToSchema)]
#[schema(as = StoredStatus)]
struct WireStored {
    /// Products of all tenants.
    products: u64,
    /// Listings that are due and not claimed yet.
    due_listings: u64,
    /// For how long the oldest of them has been due.
    oldest_due_secs: f64,
    /// Watched listings that are not crawled any more until they are released.
    parked_listings: u64,
    /// Messages that were given up.
    dead_deliveries: i64,
    /// Dead rows of the lease table (PostgreSQL): every claim walks over them.
    lease_dead_tuples: i64,
    /// Transactions since the oldest snapshot that is still needed (PostgreSQL): nothing younger can be vacuumed.
    oldest_snapshot_age: i64,
    /// Fields that pages lack more often than usual.
    drifts: Vec<WireDrift>,
}

/// A field that pages lack more often than usual.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenFieldDrift)]
struct WireDrift {
    source: String,
    #[schema(value_type = String)]
    marketplace: Marketplace,
    field: String,
    /// When it was noticed.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The share of pages that lacked it in the week before, 0 to 1.
    usual_share: f64,
    /// The share of the latest pages that lack it.
    recent_share: f64,
}

impl From<SystemStatus> for WireStatus {
    fn from(status: SystemStatus) -> Self {
        let SystemStatus { health, replicas, standby_lag_secs, breakers, stored } = status;
        let breakers = breakers.into_iter().map(WireBreaker::from).collect();
        Self { health: health.into(), replicas, standby_lag_secs, breakers, stored: stored.map(WireStored::from) }
    }
}

impl From<BreakerStatus> for WireBreaker {
    fn from(BreakerStatus { source, marketplace, state }: BreakerStatus) -> Self {
        Self { source, marketplace, state }
    }
}

impl From<StoredStatus> for WireStored {
    fn from(StoredStatus { backlog, products, database, drifts }: StoredStatus) -> Self {
        Self {
            products,
            due_listings: backlog.due,
            oldest_due_secs: backlog.oldest_due.as_secs_f64(),
            parked_listings: backlog.parked,
            dead_deliveries: database.dead_deliveries,
            lease_dead_tuples: database.lease_dead_tuples,
            oldest_snapshot_age: database.oldest_snapshot_age,
            drifts: drifts.into_iter().map(WireDrift::from).collect(),
        }
    }
}

impl From<FieldDrift> for WireDrift {
    fn from(drift: FieldDrift) -> Self {
        Self {
            usual_share: drift.usual.share(),
            recent_share: drift.recent.share(),
            source: drift.source,
            marketplace: drift.marketplace,
            field: drift.field,
            since: drift.started_at,
        }
    }
}

/// Get the state of the installation: leases, circuit breakers, replicas, Redis, the database, the outbox, and drifts of pages. Requires a
/// superadmin.
#[utoipa::path(get, path = "/api/v1/system/status", tag = "system", responses(
    (status = 200, description = "The numbers of the metrics", body = WireStatus),
))]
pub(super) async fn status(shared: Data<Shared>) -> Result<impl Responder, Problem> {
    Ok(Json(WireStatus::from(shared.service.system_status().await?)))
}
