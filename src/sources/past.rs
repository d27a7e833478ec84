//! Sources of the past: services that have watched listings before us.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::{Listing, Marketplace, Past};

/// What a source of the past answered.
#[derive(Debug)]
pub struct Pasts {
    /// One for each listing that was asked for. One that the source does not know has no points.
    pub pasts: Vec<Past>,
    /// What the call has cost, in units of the source.
    pub cost: u32,
}

/// Why a source of the past did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PastError {
    /// It was not asked, or will not answer before some time has passed. It has cost nothing.
    #[error("it answers no sooner than in {} s", .0.as_secs())]
    Later(Duration),
    /// It will refuse the same question again: the key, the account, the question.
    #[error("it refuses with {status} {kind}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its name of the error.
        kind: String,
        /// Its explanation.
        message: String,
    },
    /// No answer, or that of a failing server.
    #[error("it does not answer: {0}")]
    NoAnswer(String),
    /// The answer is not what is documented.
    #[error("its answer cannot be read: {0}")]
    Unreadable(String),
}

/// Tells the past of listings.
#[async_trait]
pub trait PastSource: Send + Sync {
    /// Its name, recorded with what is imported.
    fn name(&self) -> &'static str;

    /// The marketplaces that it has watched.
    fn marketplaces(&self) -> &'static [Marketplace];

    /// The most that a listing costs, in units of the source.
    fn cost_of_listing(&self) -> u32;

    /// How many listings it can be asked for now: at least one.
    ///
    /// # Errors
    /// [`PastError::Later`], or why the source cannot be used.
    async fn allowance(&self) -> Result<u32, PastError>;

    /// The past of some listings of one marketplace, at most as many as [`PastSource::allowance`] has told.
    ///
    /// # Errors
    /// See [`PastError`].
    async fn pasts(&self, listings: &[Listing]) -> Result<Pasts, PastError>;
}
