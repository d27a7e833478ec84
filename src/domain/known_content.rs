//! What is known of a listing's content, and when a page is worth reading to its end.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;

use super::asin::Asin;
use super::content::{Content, ContentChange, ContentDigest, ContentField};

/// A page is read to its end so often: what only its end shows changes seldom.
const CONTENT_INTERVAL: SignedDuration = SignedDuration::from_hours(23);
/// For so long the content of one source is not compared with that of another, which words and orders it differently.
const CONTENT_SOURCE_STAYS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Compared listings that are kept.
const MAX_COMPARED: usize = 20;

/// What is known of a listing's content.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct KnownContent {
    digest: ContentDigest,
    /// The source that it comes from.
    source: Option<String>,
    /// When a page was last read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checked_at: Option<Timestamp>,
    /// What Amazon compared the listing with when it last did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    compared_with: Vec<Asin>,
}

impl KnownContent {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn fields(&self) -> Vec<ContentField> {
        ContentField::iter().filter(|field| self.digest.knows(*field)).collect()
    }

    pub(super) fn compared_with(&self) -> &[Asin] {
        &self.compared_with
    }

    /// True when a crawl at this time should read the page to its end.
    pub(super) fn is_old(&self, at: Timestamp) -> bool {
        self.checked_at.is_none_or(|checked_at| at.duration_since(checked_at) >= CONTENT_INTERVAL)
    }

    /// Takes the content of a page into account. Returns what differs from the last version.
    pub(super) fn take(&mut self, seen: &Content, source: &str, at: Timestamp) -> Option<ContentChange> {
        if !seen.compared_with.is_empty() {
            self.compared_with = seen.compared_with.iter().take(MAX_COMPARED).copied().collect();
        }
        let is_recent = |checked_at: Timestamp| at.duration_since(checked_at) < CONTENT_SOURCE_STAYS;
        let is_of_another = self.source.as_deref().is_some_and(|known| known != source);
        if is_of_another && self.checked_at.is_some_and(is_recent) {
            return None;
        }
        let change = self.digest.update(seen);
        if change.is_some() {
            self.source = Some(source.to_owned());
        }
        if seen.is_whole {
            self.checked_at = Some(at);
        }
        change
    }
}
