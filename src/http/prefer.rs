//! `Prefer: wait=SECONDS` (RFC 7240): how long a response may wait for the end of what was requested.

use std::time::Duration;

use actix_web::HttpRequest;

use super::HttpSettings;
use super::observe::elapsed;

/// The part of the request timeout that is not for waiting: what comes after it.
const WAIT_MARGIN: Duration = Duration::from_secs(1);

/// How long a request may wait: as it prefers, within its timeout.
pub(super) fn preferred_wait(request: &HttpRequest, settings: &HttpSettings) -> Duration {
    let preferences =
        request.headers().get_all("prefer").filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let secs = preferences.filter_map(|preference| preference.trim().strip_prefix("wait=")?.parse().ok()).next();
    let left = settings.request_timeout.saturating_sub(elapsed(request) + WAIT_MARGIN);
    Duration::from_secs(secs.unwrap_or_default()).min(left)
}
