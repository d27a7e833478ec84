//! Sources of observations, and of what short links lead to: Amazon's pages, and the simulated marketplace that replaces them in demos and tests.

pub mod apify;
mod body;
pub mod direct;
pub mod images;
pub mod keepa;
pub mod past;
mod redact;
mod samples;
pub mod short_links;
pub mod simulated;

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::UnboundedSender;
use url::Url;

pub use redact::redact;
pub use samples::{TakeSamples, UnusablePage};

use crate::domain::{JobStep, ListUrl, Listing, ListingUrlError, Marketplace, Outcome};

/// How many listings a source takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSize {
    /// At most.
    pub listings: usize,
    /// How long it is worth waiting for more.
    pub gather: Duration,
}

impl BatchSize {
    /// One after another.
    pub const ONE: Self = Self { listings: 1, gather: Duration::ZERO };
}

/// What is wanted of one crawl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The listing.
    pub listing: Listing,
    /// Also its offer list, from a source that can read it.
    pub offers: bool,
    /// Also the content that comes after prices and ranks on its page.
    pub content: bool,
    /// Somebody waits for it.
    pub is_requested: bool,
}

impl Wanted {
    /// Only prices, ranks and what stands beside them.
    pub fn facts_of(listing: Listing) -> Self {
        Self { listing, offers: false, content: false, is_requested: false }
    }
}

/// Waits until one more request may be sent to a marketplace. The first request of a crawl has waited already.
#[async_trait]
pub trait RequestPace: Send + Sync {
    /// Waits for the rate limit.
    async fn next_request(&self, marketplace: Marketplace);
}

/// Where a source reports the outcome of each listing.
pub type Outcomes = UnboundedSender<(Listing, Outcome)>;

/// Fetches observations of listings.
#[async_trait]
pub trait Source: Send + Sync {
    /// The name of the source in settings and metrics.
    fn name(&self) -> &'static str;

    /// How many listings it takes at once.
    fn batch(&self) -> BatchSize {
        BatchSize::ONE
    }

    /// Makes one attempt for each of these listings of one marketplace, which may take minutes, and reports each as soon as its
    /// outcome is known. A listing that is never reported was not attempted.
    async fn crawl(&self, wanted: &[Wanted], outcomes: &Outcomes);
}

/// Reads lists of products.
#[async_trait]
pub trait ReadLists: Send + Sync {
    /// The products of one page of a list, from 1 on, in their order; none behind the last page.
    ///
    /// # Errors
    /// Why the page could not be read, as the outcome of a crawl.
    async fn read_list(&self, list: &ListUrl, page: u32) -> Result<Vec<Listing>, Outcome>;
}

/// What became of reading a whole list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WholeList {
    /// Its listings, in their order.
    Listed(Vec<Listing>),
    /// It is being read: ask again.
    Pending,
    /// It cannot be read so, for this reason.
    Unavailable(Outcome),
}

/// Reads whole lists of products for jobs, which may take minutes: each call returns within seconds.
#[async_trait]
pub trait ReadWholeLists: Send + Sync {
    /// Whether it reads lists of this kind.
    fn can_read(&self, list: &ListUrl) -> bool;

    /// Begins to read a list, or looks how far that is. Calls for the same job are about the same work, by whichever process.
    async fn read_whole(&self, list: &ListUrl, max_items: u32, job: JobStep) -> WholeList;
}

/// Ends the accounts of paid work whose end nobody has seen.
#[async_trait]
pub trait SettleRuns: Send + Sync {
    /// Settles some runs, and stops those that nobody follows. Returns how many were settled.
    async fn settle_unfollowed(&self) -> usize;
}

/// Why a short link was not resolved.
#[derive(Debug, thiserror::Error)]
pub enum ShortLinkError {
    /// Its host does not answer.
    #[error("its host cannot be reached: {0}")]
    Unreachable(reqwest::Error),
    /// Its host does not answer in time.
    #[error("its host does not answer in time")]
    Timeout,
    /// Its host does not redirect: the link has expired or never existed.
    #[error("it leads nowhere: status {0}")]
    NoTarget(u16),
    /// It leads to other short links for ever.
    #[error("it leads to too many other short links")]
    TooManyHops,
    /// It leads to something else than a listing.
    #[error("it does not lead to a listing: {0}")]
    NoListing(#[from] ListingUrlError),
}

/// Tells which listing a short link leads to.
#[async_trait]
pub trait ResolveLinks: Send + Sync {
    /// Follows the link, within the resolver's own time limit.
    ///
    /// # Errors
    /// See [`ShortLinkError`].
    async fn resolve(&self, link: &Url) -> Result<Listing, ShortLinkError>;
}
