//! Responses that are streamed for as long as they take: one at a time for each tenant, at the pace of the client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, rt};
use futures_util::stream;
use tokio::sync::mpsc::{Sender, channel};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::credential::credential;
use super::problem::Problem;
use super::stalled::watched;
use crate::domain::TenantId;
use crate::service::{Caller, Origin, Service, ServiceError};

/// Pieces buffered for a slow client: one may have thousands of points.
const PIECES_AHEAD: usize = 1;
/// Concurrent exports of this process, each of another tenant.
const MAX_CONCURRENT: usize = 8;
/// The export ends when the client reads nothing for so long.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// An export whose client has read nothing for so long gives way to that of another tenant.
const SLOW_READER: Duration = Duration::from_secs(2);

/// The tenants whose exports are running.
#[derive(Clone, Default)]
pub(super) struct Exports(Arc<Mutex<HashMap<TenantId, Arc<Progress>>>>);

/// Whether the client of an export reads.
#[derive(Default)]
struct Progress {
    /// Since when a line waits for the client.
    waiting_since: Mutex<Option<Instant>>,
    /// The export gives way to another one.
    gives_way: CancellationToken,
}

impl Progress {
    fn waiting_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running export; it ends when this is dropped.
pub(super) struct RunningExport {
    exports: Exports,
    tenant_id: TenantId,
    progress: Arc<Progress>,
}

impl Exports {
    /// Begins an export, or says why it cannot.
    pub(super) fn enter(&self, tenant_id: TenantId) -> Result<RunningExport, ServiceError> {
        let mut running = self.running();
        if running.contains_key(&tenant_id) {
            let detail = "an export of this tenant is already running; retry when it has ended";
            return Err(ServiceError::Conflict("export_running", detail.to_owned()));
        }
        if running.len() >= MAX_CONCURRENT {
            let slowest = slowest_of(&running).ok_or(ServiceError::Unavailable)?;
            if let Some(progress) = running.remove(&slowest) {
                progress.gives_way.cancel();
            }
        }
        let progress = Arc::<Progress>::default();
        running.insert(tenant_id, Arc::clone(&progress));
        Ok(RunningExport { exports: self.clone(), tenant_id, progress })
    }

    fn running(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Progress>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The export whose client has read nothing for the longest time, if that is long.
fn slowest_of(running: &HashMap<TenantId, Arc<Progress>>) -> Option<TenantId> {
    let waiting = running.iter().filter_map(|(id, progress)| Some(((*progress.waiting_since())?, *id)));
    let (_, tenant_id) = waiting.filter(|(since, _)| since.elapsed() >= SLOW_READER).min()?;
    Some(tenant_id)
}

impl Drop for RunningExport {
    fn drop(&mut self) {
        let mut running = self.exports.running();
        if running.get(&self.tenant_id).is_some_and(|progress| Arc::ptr_eq(progress, &self.progress)) {
            running.remove(&self.tenant_id);
        }
    }
}

/// Why an export was aborted. The client notices, because the response is incomplete.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    #[error("the client disconnected or stopped reading")]
    Disconnected,
    #[error("the client reads slowly, and other tenants wait")]
    GaveWay,
    #[error("the process is stopping")]
    Draining,
    #[error("the caller is no longer authorized")]
    Unauthorized,
    #[error("{0}")]
    TooLong(&'static str),
    #[error(transparent)]
    Failed(#[from] ServiceError),
}

/// What a caller must still be allowed to do while an export runs.
#[derive(Debug, Clone, Copy)]
pub(super) enum ExportRight {
    /// Export everything of a tenant.
    Everything(TenantId),
    /// Read.
    Read,
}

/// The name and type of the file that a client saves.
pub(super) struct ExportFile {
    pub name: String,
    pub content_type: &'static str,
}

/// The client's end of an export.
pub(super) struct ExportStream {
    pub service: Service,
    credential: String,
    origin: Origin,
    right: ExportRight,
    progress: Arc<Progress>,
    pieces: Sender<Result<Bytes, std::io::Error>>,
}

/// A response that `write` writes piece by piece.
pub(super) fn streamed(
    shared: &Shared,
    caller: &Caller,
    request: &HttpRequest,
    (running, right): (RunningExport, ExportRight),
    file: ExportFile,
    write: impl AsyncFnOnce(Arc<ExportStream>) -> Result<(), ExportError> + 'static,
) -> Result<HttpResponse, Problem> {
    let (pieces, taken) = channel(PIECES_AHEAD);
    let export = Arc::new(ExportStream {
        service: shared.service.clone(),
        credential: credential(request)?.ok_or(ServiceError::Unauthenticated)?,
        origin: caller.origin.clone(),
        right,
        progress: Arc::clone(&running.progress),
        pieces,
    });
    let tenant_id = running.tenant_id;
    rt::spawn(async move {
        let _running = running;
        let pieces = export.pieces.clone();
        if let Err(error) = write(export).await {
            tracing::warn!(%tenant_id, %error, "an export was aborted");
            let _ = pieces.try_send(Err(std::io::Error::other("aborted")));
        }
    });
    let pieces = stream::unfold(taken, async |mut taken| Some((taken.recv().await?, taken)));
    let pieces = watched(request, shared.settings.send_timeout, Box::pin(pieces));
    Ok(HttpResponse::Ok()
        .content_type(file.content_type)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", file.name)))
        .streaming(pieces))
}

impl ExportStream {
    /// Before each page: ends the export of a caller who was signed out, disabled or demoted.
    pub(super) async fn check(&self) -> Result<(), ExportError> {
        if self.service.is_draining() {
            return Err(ExportError::Draining);
        }
        let (credential, origin) = (&self.credential, self.origin.clone());
        let may_export = match self.right {
            ExportRight::Everything(tenant_id) => self.service.may_still_export(credential, origin, tenant_id).await,
            ExportRight::Read => self.service.is_still_authorized(credential, origin).await,
        };
        may_export.then_some(()).ok_or(ExportError::Unauthorized)
    }

    /// Sends a piece of the response, when the client has read the one before.
    pub(super) async fn send(&self, piece: Vec<u8>) -> Result<(), ExportError> {
        *self.progress.waiting_since() = Some(Instant::now());
        let sent = tokio::select! {
            sent = self.pieces.send_timeout(Ok(piece.into()), MAX_PAUSE) => sent.map_err(|_| ExportError::Disconnected),
            () = self.progress.gives_way.cancelled() => Err(ExportError::GaveWay),
        };
        *self.progress.waiting_since() = None;
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_one_export_at_a_time_and_a_process_a_few() {
        let (exports, tenant_id) = (Exports::default(), TenantId::new());
        let running = exports.enter(tenant_id).unwrap_or_else(|error| panic!("{error}"));
        assert!(matches!(exports.enter(tenant_id), Err(ServiceError::Conflict("export_running", _))));
        drop(running);
        let places: Vec<_> = (0..MAX_CONCURRENT).map(|_| exports.enter(TenantId::new())).collect();
        assert!(places.iter().all(Result::is_ok));
        assert!(matches!(exports.enter(tenant_id), Err(ServiceError::Unavailable)));
    }

    #[test]
    fn an_export_whose_client_does_not_read_gives_way() {
        let exports = Exports::default();
        let running: Vec<_> = (0..MAX_CONCURRENT).filter_map(|_| exports.enter(TenantId::new()).ok()).collect();
        let waits = |n: usize, secs: u64| {
            *running[n].progress.waiting_since() = Instant::now().checked_sub(Duration::from_secs(secs));
        };
        waits(1, 1);
        assert!(exports.enter(TenantId::new()).is_err(), "it may be reading");
        waits(2, 5);
        waits(3, 3);
        let newcomer = exports.enter(TenantId::new()).unwrap_or_else(|error| panic!("{error}"));
        let gave_way = |n: usize| running[n].progress.gives_way.is_cancelled();
        assert_eq!((1..=3).map(gave_way).collect::<Vec<_>>(), [false, true, false]);
        // The end of one that gave way does not end the export that has its place.
        let same = exports.enter(running[2].tenant_id).unwrap_or_else(|error| panic!("{error}"));
        drop(running);
        assert_eq!(exports.running().len(), 2);
        drop((newcomer, same));
        assert!(exports.running().is_empty());
    }
}
