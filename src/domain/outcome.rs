//! The outcome of a crawl.

use std::time::Duration;

use super::observation::Observation;

/// How an attempt to observe a listing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A product page was received and parsed.
    Observed(Box<Observation>),
    /// Amazon answered, but not with the product page. Contributes no data; the last accepted state stays.
    Blocked(Block),
    /// Amazon reports that the product does not exist.
    NotFound,
    /// No usable answer.
    Failed(Failure),
}

/// Ways in which Amazon refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// A captcha: "Enter the characters you see below" or "continue shopping".
    Captcha,
    /// The sign-in page.
    SignIn,
    /// The error page with a dog, status 503 or status 429, with the pause from `Retry-After`.
    Throttled {
        /// Requested pause, if any.
        retry_after: Option<Duration>,
    },
    /// The source wants no requests of ours: no credit, no rights, or too many for now.
    Refused {
        /// Until it is worth asking again.
        retry_after: Option<Duration>,
    },
    /// A consent page, the home page or another page instead of the product page.
    Interstitial,
}

/// Failures other than a refusal by Amazon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The connection could not be made, or broke.
    Connect,
    /// The request timed out.
    Timeout,
    /// The body ended early, or was too small for a page.
    Truncated,
    /// The body exceeded the size limit.
    TooLarge,
    /// Another HTTP status.
    Status(u16),
    /// Redirected to a host outside Amazon.
    Redirect,
    /// A product page whose essential fields could not be parsed.
    Unreadable,
    /// The page shows another ASIN than the requested one.
    WrongListing,
    /// The page was loaded for another country or currency than the marketplace's.
    WrongRegion,
    /// The source did not get the page, and does not say why.
    NotDelivered,
    /// The budget for crawls that cost money is spent. Nothing was attempted.
    OverBudget,
    /// The crawl panicked; the panic is in the log.
    Panicked,
}

impl Outcome {
    /// The name used in metrics and in the API; a small closed set.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Observed(_) => "observed",
            Self::Blocked(Block::Captcha) => "blocked_captcha",
            Self::Blocked(Block::SignIn) => "blocked_sign_in",
            Self::Blocked(Block::Throttled { .. }) => "blocked_throttled",
            Self::Blocked(Block::Refused { .. }) => "blocked_refused",
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
            Self::Failed(Failure::WrongRegion) => "failed_wrong_region",
            Self::Failed(Failure::NotDelivered) => "failed_not_delivered",
            Self::Failed(Failure::OverBudget) => "failed_over_budget",
            Self::Failed(Failure::Panicked) => "failed_panicked",
        }
    }

    /// What is to be done about it.
    pub fn class(&self) -> OutcomeClass {
        match self {
            Self::Observed(_) => OutcomeClass::Observed,
            Self::NotFound => OutcomeClass::Gone,
            Self::Blocked(_) => OutcomeClass::Blocked,
            Self::Failed(failure) => match failure {
                // A request that the site does not want is refused in many ways: 401, 402, 405, 407, 421, an empty page, a redirect to
                // another site, a body that ends early.
                Failure::Connect
                | Failure::Timeout
                | Failure::Truncated
                | Failure::Redirect
                | Failure::WrongRegion
                | Failure::NotDelivered
                | Failure::Status(401 | 402 | 405 | 407 | 408 | 421 | 425 | 500..) => OutcomeClass::Transport,
                Failure::OverBudget => OutcomeClass::Deferred,
                Failure::Status(_)
                | Failure::TooLarge
                | Failure::Unreadable
                | Failure::WrongListing
                | Failure::Panicked => OutcomeClass::Defect,
            },
        }
    }

    /// True when the listing is not at fault: it is crawled again later, and the attempt does not count.
    pub fn blames_source(&self) -> bool {
        matches!(self.class(), OutcomeClass::Blocked | OutcomeClass::Transport | OutcomeClass::Deferred)
    }
}

impl OutcomeClass {
    /// The class of an outcome, by its name.
    pub fn of_name(name: &str) -> Option<Self> {
        let failures = [
            Failure::Connect,
            Failure::Timeout,
            Failure::Truncated,
            Failure::Redirect,
            Failure::WrongRegion,
            Failure::NotDelivered,
        ];
        match name {
            "observed" => Some(Self::Observed),
            "not_found" => Some(Self::Gone),
            name if name.starts_with("blocked_") => Some(Self::Blocked),
            name if failures.iter().any(|failure| Outcome::Failed(*failure).as_str() == name) => Some(Self::Transport),
            name if name == Outcome::Failed(Failure::OverBudget).as_str() => Some(Self::Deferred),
            name if name.starts_with("failed_") => Some(Self::Defect),
            _ => None,
        }
    }
}

/// Outcomes by what is to be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeClass {
    /// Judge the page.
    Observed,
    /// The product does not exist: crawl again after its interval.
    Gone,
    /// Amazon refused: retry later; counts towards the circuit breaker.
    Blocked,
    /// No usable answer: retry soon; counts towards the circuit breaker.
    Transport,
    /// Nothing was attempted: retry later.
    Deferred,
    /// The page is not understood, or the crawler is at fault. Waiting does not help, and it says nothing about the source.
    Defect,
}
