//! `/api/v1/system`: the state of this process, for operators.

use actix_web::Responder;
use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::problem::Problem;
use super::routes::{Access, Routes};
use crate::telemetry::{ActorStatus, LastPanic};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/system/actors", |path| path.get(Access::Superadmin, actors));
}

/// The actors of the process that answers.
#[derive(Serialize, ToSchema)]
#[schema(as = Actors)]
pub(super) struct WireActors {
    actors: Vec<WireActor>,
}

/// One kind of actor.
#[derive(Serialize, ToSchema)]
#[schema(as = Actor)]
pub(super) struct WireActor {
    kind: &'static str,
    /// Actors of the kind that are in memory.
    resident: i64,
    /// Incarnations started since the process started.
    incarnations: u64,
    /// Restarts after a panic.
    restarts: u64,
    /// Times an actor exceeded its restart budget.
    quarantined: u64,
    /// Messages waiting to be handled.
    queued: i64,
    /// Tasks in flight.
    in_flight: usize,
    /// Age of the oldest task in flight, in seconds; null without one.
    oldest_work_secs: Option<f64>,
    last_panic: Option<WirePanic>,
}

/// The latest panic of a kind of actor.
#[derive(Serialize, ToSchema)]
#[schema(as = ActorPanic)]
pub(super) struct WirePanic {
    message: String,
    at: Timestamp,
}

impl From<ActorStatus> for WireActor {
    fn from(actor: ActorStatus) -> Self {
        let last_panic = actor.last_panic.map(|LastPanic { message, at }| WirePanic { message, at });
        Self {
            kind: actor.kind,
            resident: actor.resident,
            incarnations: actor.incarnations,
            restarts: actor.restarts,
            quarantined: actor.quarantined,
            queued: actor.queued,
            in_flight: actor.in_flight,
            oldest_work_secs: actor.oldest_work_secs,
            last_panic,
        }
    }
}

/// List the actors of the process that answers: restarts, queues and work in flight. Requires a superadmin.
#[utoipa::path(get, path = "/api/v1/system/actors", tag = "system", responses(
    (status = 200, description = "Each kind of actor", body = WireActors),
))]
pub(super) async fn actors(shared: Data<Shared>) -> Result<impl Responder, Problem> {
    Ok(Json(WireActors { actors: shared.metrics.actors().into_iter().map(WireActor::from).collect() }))
}
