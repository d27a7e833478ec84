//! Asks a model for advice: one question, and one more when nothing of the answer can be used.

use std::time::Duration;

use jiff::civil::Date;

use super::answer::ModelError;
use super::client::{Exchange, ModelClient};
use super::cost::{AttemptCost, TokenPrice};
use super::prompt::{MAX_REPEATED_CHARS, Question};
use super::retry::longest_exchange;
use super::suggestion::{Rejection, Suggestion, read};
use crate::config::AdviceSettings;
use crate::domain::AdviceFailureCode;

/// Bytes that a repair adds to a request: the answer, each character of which has at most four bytes and is escaped at most once, and the
/// reasons.
const MAX_REPAIR_BYTES: usize = MAX_REPEATED_CHARS * 6 + 4096;

/// Advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What was accepted.
    pub suggestions: Vec<Suggestion>,
    /// Why the others were not.
    pub rejections: Vec<Rejection>,
    /// The first answer could not be used at all.
    pub is_repaired: bool,
}

/// Why there is no advice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdviceFailure {
    /// The model gave no answer.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Nothing of its two answers can be used.
    #[error("nothing of the model's answers can be used")]
    Unusable(Vec<Rejection>),
}

impl AdviceFailure {
    /// What whoever asked is told.
    pub fn code(&self) -> AdviceFailureCode {
        match self {
            Self::Model(error) => error.code(),
            Self::Unusable(_) => AdviceFailureCode::Unusable,
        }
    }
}

/// What came of a question, with what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advised {
    /// The advice.
    pub outcome: Result<Advice, AdviceFailure>,
    /// All attempts that reached the endpoint, for [`super::settle`].
    pub attempts: Vec<AttemptCost>,
}

/// What is reserved before a question is asked: for the answer and for its repair.
pub fn reservation(client: &ModelClient, question: &Question, price: TokenPrice) -> u64 {
    let bytes = client.body(&question.request()).len();
    let most = client.settings().max_output_tokens;
    price.reservation(bytes, most).saturating_add(price.reservation(bytes.saturating_add(MAX_REPAIR_BYTES), most))
}

/// The longest that a question can take: the answer and its repair.
pub fn longest(settings: &AdviceSettings) -> Duration {
    longest_exchange(Duration::from_secs(settings.timeout_secs)).saturating_mul(2)
}

/// Asks a model. `on`: the day whose listing rules new texts keep. Whether there is enough to ask about ([`super::DataDepth::lacks`]) and
/// money to ask for ([`crate::domain::AdviceLimits`]) is decided before.
pub async fn advise(client: &ModelClient, question: &Question, price: TokenPrice, on: Date) -> Advised {
    let ask = async |request| {
        let body = client.body(&request);
        let reserved_nanos = price.reservation(body.len(), client.settings().max_output_tokens);
        client.ask(body, reserved_nanos).await
    };
    let Exchange { text, mut attempts } = ask(question.request()).await;
    let answer = match text {
        Ok(answer) => answer,
        Err(error) => return Advised { outcome: Err(error.into()), attempts },
    };
    let (suggestions, rejections) = read(&answer, question, on);
    if !suggestions.is_empty() || rejections.is_empty() {
        return Advised { outcome: Ok(Advice { suggestions, rejections, is_repaired: false }), attempts };
    }
    let second = ask(question.repair(&answer, rejections.iter().map(Rejection::to_string).collect())).await;
    attempts.extend(second.attempts);
    let outcome = match second.text {
        Err(error) => Err(error.into()),
        Ok(answer) => match read(&answer, question, on) {
            (suggestions, rejections) if suggestions.is_empty() && !rejections.is_empty() => {
                Err(AdviceFailure::Unusable(rejections))
            }
            (suggestions, rejections) => Ok(Advice { suggestions, rejections, is_repaired: true }),
        },
    };
    Advised { outcome, attempts }
}
