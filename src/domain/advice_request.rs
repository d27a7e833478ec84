//! The record of a question to a model.

use jiff::Timestamp;
use strum::{EnumIter, EnumString, IntoStaticStr};

use super::channel::Language;
use super::ids::{AdviceRequestId, ProductId};

/// How far a question to a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdviceStatus {
    /// The model is being asked.
    Asking,
    /// There is advice.
    Answered,
    /// There is none.
    Failed(AdviceFailureCode),
}

impl AdviceStatus {
    /// The name used in JSON, metrics and the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asking => "asking",
            Self::Answered => "answered",
            Self::Failed(_) => "failed",
        }
    }
}

/// Why a model gave no advice. Details are in the log: they concern the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, EnumString, EnumIter, thiserror::Error)]
pub enum AdviceFailureCode {
    /// The endpoint refuses the key, the model or the form of the request.
    #[strum(serialize = "model_refuses")]
    #[error("the model's endpoint refuses the request; the operator of this installation must correct its settings")]
    Refused,
    /// There is no money left at the endpoint.
    #[strum(serialize = "model_without_money")]
    #[error("the account at the model's endpoint has no money left; the operator of this installation must add some")]
    NoMoney,
    /// Too many requests.
    #[strum(serialize = "model_busy")]
    #[error("the model's endpoint has too many requests; retry later")]
    RateLimited,
    /// The endpoint failed.
    #[strum(serialize = "model_unavailable")]
    #[error("the model's endpoint fails; retry later")]
    Unavailable,
    /// No answer, or not all of it.
    #[strum(serialize = "model_timeout")]
    #[error("the model's endpoint does not answer; retry later")]
    NoAnswer,
    /// The question is longer than the model can read.
    #[strum(serialize = "question_too_long")]
    #[error("the question is too long for the model")]
    TooLong,
    /// The model refuses to answer.
    #[strum(serialize = "model_declined")]
    #[error("the model refuses to answer")]
    Declined,
    /// The answer is cut off.
    #[strum(serialize = "answer_cut_off")]
    #[error("the model's answer is cut off")]
    CutOff,
    /// The model failed, or its answer is not what its API documents.
    #[strum(serialize = "model_failed")]
    #[error("the model failed")]
    Failed,
    /// Nothing of its two answers can be used.
    #[strum(serialize = "answer_unusable")]
    #[error("nothing of the model's answers can be used")]
    Unusable,
    /// The process that asked ended before the answer came.
    #[strum(serialize = "question_lost")]
    #[error("the question was interrupted; ask again")]
    Lost,
}

impl AdviceFailureCode {
    /// The name used in JSON, metrics and the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Tokens as the endpoint counts them, of all answers to a question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdviceTokens {
    /// All of the input.
    pub input: u64,
    /// The part of the input that was cached.
    pub cached_input: u64,
    /// All of the output, with what the model thought.
    pub output: u64,
}

/// A question to a model that was reserved money for. Amounts are billionths of a US dollar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdviceRequest {
    /// Identifier.
    pub id: AdviceRequestId,
    /// The product that it is about.
    pub product_id: ProductId,
    /// The model.
    pub model: String,
    /// The language of the advice.
    pub language: Language,
    /// How far it is.
    pub status: AdviceStatus,
    /// When it was asked.
    pub at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it may cost.
    pub reserved_nanos: u64,
    /// What it has cost; `None`: it has not ended.
    pub settled_nanos: Option<u64>,
    /// Tokens that were used, as far as the endpoint said.
    pub tokens: AdviceTokens,
}

impl AdviceRequest {
    /// What it has cost, or may cost while it has not ended.
    pub fn cost_nanos(&self) -> u64 {
        self.settled_nanos.unwrap_or(self.reserved_nanos)
    }
}
