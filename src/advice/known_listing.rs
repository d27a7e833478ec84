//! What is known of a listing when advice is made, and how much that is.

use jiff::{SignedDuration, Timestamp};

use super::thin::DataDepth;
use crate::domain::Product;
use crate::domain::plain_text::clean;
use crate::insight::listing_rules::{ListingCheck, ListingContent};
use crate::insight::{Comparison, Insight, ListingHistory, history_depth};

/// The longest window of facts, in days.
const MAX_WINDOW_DAYS: u32 = 90;
/// The shortest: what is younger is told of a week, as far as it is known.
const MIN_WINDOW_DAYS: u32 = 7;

/// What is known of a listing.
///
/// The history ends at the last successful crawl ([`seen_at`]) and not at the time of asking: so the facts, and with them the key of stored
/// advice, stay the same until the next crawl.
#[derive(Debug, Clone, Copy)]
pub struct KnownListing<'k> {
    /// The product with the state of its listing.
    pub product: &'k Product,
    /// The latest content.
    pub content: &'k ListingContent,
    /// Whether there is A+ content; `None`: not known.
    pub has_a_plus: Option<bool>,
    /// From when on the content holds; `None`: none has been read yet.
    pub content_since: Option<Timestamp>,
    /// The content, checked.
    pub check: &'k ListingCheck,
    /// The history, with [`SERIES_OF_REPUTATION`](crate::insight::SERIES_OF_REPUTATION) as well.
    pub history: &'k ListingHistory,
    /// The insight of the history, over the same days.
    pub insight: &'k Insight,
    /// The product beside its competitors, over the same days.
    pub comparison: Option<&'k Comparison>,
    /// Days of the window: see [`window_days`].
    pub days: u32,
    /// The time of asking.
    pub now: Timestamp,
}

/// The end of the history that facts are made from: the last successful crawl.
pub fn seen_at(product: &Product, now: Timestamp) -> Timestamp {
    product.state.checked_at.map_or(now, |checked_at| checked_at.min(now))
}

/// The window of facts: 90 days, or for a younger listing the days that it was observed, because most values need most of their window.
pub fn window_days(history: &ListingHistory) -> u32 {
    let days = history_depth(history).map_or(0, |depth| whole_days(history.now().duration_since(depth.since)));
    days.clamp(MIN_WINDOW_DAYS, MAX_WINDOW_DAYS)
}

impl KnownListing<'_> {
    /// When its listing was last read.
    pub(super) fn seen_at(&self) -> Timestamp {
        seen_at(self.product, self.now)
    }

    /// How much is known of it.
    pub(super) fn depth(&self) -> DataDepth {
        let state = &self.product.state;
        let (days, coverage_percent) = self.known_time();
        DataDepth {
            days,
            // Versions without the estimate of changes counted nothing: at least one crawl succeeded.
            crawls: state.change_rate.map_or(u32::from(state.checked_at.is_some()), |rate| rate.crawls()),
            coverage_percent,
            has_title: self.content.title.as_deref().is_some_and(|title| !clean(title).is_empty()),
        }
    }

    /// Days since the first value, and the percentage of them that is known. The last values hold until now, unless there was no successful
    /// crawl for too long.
    fn known_time(&self) -> (u32, u8) {
        let Some(depth) = history_depth(self.history) else { return (0, 0) };
        let whole = self.now.duration_since(depth.since);
        let silence = self.now.duration_since(self.history.now());
        let is_silent = silence > SignedDuration::try_from(self.product.interval.max_silence()).unwrap_or(silence);
        let known = if is_silent { depth.known } else { depth.known + silence };
        let percent = if whole.is_positive() { 100.0 * known.as_secs_f64() / whole.as_secs_f64() } else { 0.0 };
        (whole_days(whole), percent.clamp(0.0, 100.0) as u8)
    }
}

fn whole_days(time: SignedDuration) -> u32 {
    u32::try_from(time.as_hours() / 24).unwrap_or(0)
}
