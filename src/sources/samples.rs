//! Samples of pages that could not be used.

use crate::domain::{Block, Failure, Listing, Outcome};

/// The beginning of a page that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusablePage {
    /// The source that received it.
    pub source: &'static str,
    /// The listing that was requested.
    pub listing: Listing,
    /// The name of the outcome.
    pub outcome: &'static str,
    /// The first bytes. They can contain secrets of the session.
    pub beginning: Vec<u8>,
    /// Bytes of the page, as far as it was read.
    pub page_bytes: u64,
}

/// Takes samples.
pub trait TakeSamples: Send + Sync {
    /// Bytes that it wants of a page; 0: no samples.
    fn max_bytes(&self) -> usize;

    /// Takes a sample, or drops it. Returns at once.
    fn take(&self, page: UnusablePage);
}

/// Whether a page with this outcome is worth a look: it was received, and is not what was expected. A captcha and a sign-in page are
/// understood.
pub(super) fn is_worth_a_sample(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Failed(Failure::Unreadable | Failure::WrongListing | Failure::Truncated)
            | Outcome::Blocked(Block::Interstitial)
    )
}

/// The first bytes of a page that arrives. Copying 512 KiB takes some 30 microseconds, extracting the page takes milliseconds.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    bytes: Vec<u8>,
    max_bytes: usize,
    page_bytes: u64,
}

impl Beginning {
    pub fn of_at_most(max_bytes: usize) -> Self {
        Self { bytes: Vec::new(), max_bytes, page_bytes: 0 }
    }

    /// Copies what there is room for.
    pub fn push(&mut self, chunk: &[u8]) {
        self.page_bytes += chunk.len() as u64;
        let room = self.max_bytes.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }

    /// The page, unless nothing of it has arrived.
    pub fn into_page(self, source: &'static str, listing: Listing, outcome: &Outcome) -> Option<UnusablePage> {
        let Self { bytes: beginning, page_bytes, .. } = self;
        let outcome = outcome.as_str();
        (!beginning.is_empty()).then_some(UnusablePage { source, listing, outcome, beginning, page_bytes })
    }
}
