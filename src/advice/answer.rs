//! What came of a request to a model.

use super::cost::Usage;
use crate::domain::AdviceFailureCode;

/// Why a model gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The key is wrong.
    #[error("the endpoint refuses the API key")]
    Unauthorized,
    /// The key may not use the model, or not from here.
    #[error("the endpoint does not allow this")]
    Forbidden,
    /// There is no such model or path.
    #[error("the endpoint does not know the model")]
    UnknownModel,
    /// The question is longer than the model can read.
    #[error("the question is too long for the model")]
    TooLong,
    /// The endpoint does not take the request; its status and its code.
    #[error("the endpoint refuses the request with {status} {code}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The endpoint's name of the error; empty: none.
        code: String,
    },
    /// Too many requests; it may work later.
    #[error("the endpoint refuses for now: too many requests")]
    RateLimited,
    /// There is no money left at the endpoint.
    #[error("the account at the endpoint has no money left")]
    NoMoney,
    /// The server failed.
    #[error("the endpoint fails with {0}")]
    ServerFailed(u16),
    /// No answer, or not all of it.
    #[error("the endpoint does not answer: {0}")]
    NoAnswer(String),
    /// The answer is not what the API documents.
    #[error("the answer of the endpoint cannot be read: {0}")]
    Unreadable(String),
    /// The model failed, says an answer with status 200; the endpoint's name of the error.
    #[error("the model failed: {0}")]
    Failed(String),
    /// The model refuses to answer.
    #[error("the model refuses to answer")]
    Declined,
    /// The answer is cut off.
    #[error("the answer is cut off: {0}")]
    CutOff(CutOff),
}

impl ModelError {
    /// What whoever asked is told.
    pub(super) fn code(&self) -> AdviceFailureCode {
        match self {
            Self::Unauthorized | Self::Forbidden | Self::UnknownModel | Self::Refused { .. } => {
                AdviceFailureCode::Refused
            }
            Self::NoMoney => AdviceFailureCode::NoMoney,
            Self::RateLimited => AdviceFailureCode::RateLimited,
            Self::ServerFailed(_) => AdviceFailureCode::Unavailable,
            Self::NoAnswer(_) => AdviceFailureCode::NoAnswer,
            Self::TooLong => AdviceFailureCode::TooLong,
            Self::Declined => AdviceFailureCode::Declined,
            Self::CutOff(_) => AdviceFailureCode::CutOff,
            Self::Failed(_) | Self::Unreadable(_) => AdviceFailureCode::Failed,
        }
    }
}

/// Why an answer is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum CutOff {
    /// It is longer than was allowed.
    MaxOutputTokens,
    /// A filter stopped it.
    ContentFilter,
    /// For a reason that is not known here.
    Other,
}

/// The text of an answer, and what it has cost; `None`: the endpoint does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) text: Result<String, ModelError>,
    pub(super) usage: Option<Usage>,
}

/// A name of an error, as far as it can be printed: names of errors are words.
pub(super) fn printable(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || "_-. ".contains(*c)).take(80).collect()
}
