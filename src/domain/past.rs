//! The past of a listing, as a service that watched it before us tells it.

use jiff::Timestamp;

use super::listing::Listing;
use super::series::Point;

/// What a service knows about a listing's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The listing.
    pub listing: Listing,
    /// Changes only; within each series, strictly ordered by time.
    pub points: Vec<Point>,
    /// When the service last looked. Each series' last value held until then; later values are not known.
    pub known_until: Timestamp,
}
