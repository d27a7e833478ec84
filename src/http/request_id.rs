//! The id of a request: in its answer, in the log, and in what its handling starts.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderName;
use tokio::task_local;
use uuid::Uuid;

/// The header that carries the id, in requests and in answers.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID_CHARS: usize = 128;

task_local! {
    static CURRENT_REQUEST_ID: String;
}

/// The id of the request that is being handled.
pub(super) fn current_request_id() -> Option<String> {
    CURRENT_REQUEST_ID.try_with(Clone::clone).ok()
}

/// Runs `work` as the handling of the request with this id.
pub(super) fn with_request_id<F: Future>(id: String, work: F) -> impl Future<Output = F::Output> {
    CURRENT_REQUEST_ID.scope(id, work)
}

/// The id that the client chose if it is usable, otherwise a new one.
pub(super) fn request_id(request: &ServiceRequest) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let is_usable = |id: &&str| {
        !id.is_empty() && id.len() <= MAX_REQUEST_ID_CHARS && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    given.filter(is_usable).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}
