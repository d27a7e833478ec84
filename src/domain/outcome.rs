//! How one crawl ended.

use std::time::Duration;

use super::observation::Observation;

/// The end of one attempt to look at a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The page was a product page and was read.
    Observed(Box<Observation>),
    /// Amazon answered, but not with the page. Never data; the last good state stays.
    Blocked(Block),
    /// Amazon says that there is no such product.
    NotFound,
    /// Nothing usable came back.
    Failed(Failure),
}

/// Ways Amazon has of not answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// "Enter the characters you see below" or "continue shopping".
    Captcha,
    /// The sign-in page.
    SignIn,
    /// The "dog" page, 503 or 429; with the pause that `Retry-After` asked for.
    Throttled {
        /// Pause asked for, if any.
        retry_after: Option<Duration>,
    },
    /// A consent page, the home page or another page in place of the product.
    Interstitial,
}

/// Ways of failing without Amazon having refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or it broke.
    Connect,
    /// Took longer than allowed.
    Timeout,
    /// The body ended early, or was too small to be a page.
    Truncated,
    /// The body was larger than allowed.
    TooLarge,
    /// Another HTTP status.
    Status(u16),
    /// Redirected away from Amazon.
    Redirect,
    /// A product page on which the essential fields could not be read.
    Unreadable,
    /// The page shows another ASIN than the one asked for.
    WrongListing,
    /// The work panicked; the panic is in the log.
    Panicked,
}

impl Outcome {
    /// The word for metrics and for the API; a small closed set.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Observed(_) => "observed",
            Self::Blocked(Block::Captcha) => "blocked_captcha",
            Self::Blocked(Block::SignIn) => "blocked_sign_in",
            Self::Blocked(Block::Throttled { .. }) => "blocked_throttled",
            Self::Blocked(Block::Interstitial) => "blocked_interstitial",
            Self::NotFound => "not_found",
            Self::Failed(Failure::Connect) => "failed_connect",
            Self::Failed(Failure::Timeout) => "failed_timeout",
            Self::Failed(Failure::Truncated) => "failed_truncated",
            Self::Failed(Failure::TooLarge) => "failed_too_large",
            Self::Failed(Failure::Status(_)) => "failed_status",
            Self::Failed(Failure::Redirect) => "failed_redirect",
            Self::Failed(Failure::Unreadable) => "failed_unreadable",
            Self::Failed(Failure::WrongListing) => "failed_wrong_listing",
            Self::Failed(Failure::Panicked) => "failed_panicked",
        }
    }

    /// True when the source, not the listing, is to blame: such outcomes count against the breaker.
    pub fn blames_source(&self) -> bool {
        match self {
            Self::Blocked(_) => true,
            Self::Failed(failure) => matches!(failure, Failure::Connect | Failure::Timeout | Failure::Status(500..)),
            Self::Observed(_) | Self::NotFound => false,
        }
    }
}
