//! The beginning of a page that could not be used, stored so that its cause can be found.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::listing::Listing;

/// A sample, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageSample {
    /// Identity.
    pub id: Uuid,
    /// The source that received the page.
    pub source: String,
    /// The listing whose page was requested.
    pub listing: Listing,
    /// The name of the outcome.
    pub outcome: String,
    /// When it was stored.
    pub taken_at: Timestamp,
    /// Bytes of the page, as far as it was read.
    pub page_bytes: u64,
}
