//! Suggestions on the wire.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{AdviceRequest, AdviceRequestId, AdviceStatus, Language, ProductId};
use crate::service::{
    AdviceBudget, EvidenceRecord, NotAsked, ProductAdvice, ProductFinding, SuggestionRecord, Suggestions,
};

/// A fact that a suggestion rests on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuggestionEvidence)]
struct WireEvidence {
    /// What it is about.
    #[schema(example = "length of the title")]
    name: String,
    /// The value, with its unit.
    #[schema(example = "143 characters")]
    value: String,
    /// The time that it is about: `now`, `90 days`.
    window: String,
    /// When it was last observed; of content, from when on it holds.
    #[schema(value_type = String, format = DateTime)]
    observed_at: Timestamp,
}

/// A suggestion. Nothing is done about it unless you do it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suggestion)]
struct WireSuggestion {
    /// `title`, `item_highlights`, `bullets`, `description`, `images`, `a_plus`, `price`, `stock`, `offers` or `ratings`.
    #[schema(example = "title")]
    field: &'static str,
    /// `rewrite`, `add`, `remove`, `raise`, `lower`, `investigate` or `keep`.
    #[schema(example = "rewrite")]
    action: &'static str,
    /// `low`, `medium` or `high`.
    #[schema(example = "high")]
    priority: &'static str,
    /// Why; numbers in it are values of the evidence.
    reason: String,
    /// The facts that it rests on.
    evidence: Vec<WireEvidence>,
    /// A new text, which keeps the listing rules; null: none is suggested.
    new_text: Option<String>,
}

/// A suggestion that follows from a rule or a formula, without a model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuggestionFinding)]
struct WireFinding {
    /// `rule`: a listing rule is broken. `formula`: it follows from the history.
    #[schema(example = "rule")]
    origin: &'static str,
    /// The id of the listing rule, or the name of the formula.
    #[schema(example = "title_length_75")]
    code: Option<&'static str>,
    #[serde(flatten)]
    suggestion: WireSuggestion,
}

/// The advice of a model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Advice)]
struct WireAdvice {
    suggestions: Vec<WireSuggestion>,
    /// Suggestions of the model that were dropped, because they do not rest on facts or break a rule.
    rejected: u32,
    model: String,
    #[schema(value_type = String, example = "en")]
    language: Language,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Until when it is stored.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Nothing that it rests on has changed: whoever asks again gets it, for nothing.
    is_current: bool,
}

/// Why something failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdviceFailure)]
struct WireFailure {
    /// Stable, for programs.
    #[schema(example = "model_busy")]
    code: &'static str,
    message: String,
}

/// A question to a model. Amounts are billionths of a US dollar.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdviceRequest)]
struct WireRequest {
    #[schema(value_type = Uuid)]
    id: AdviceRequestId,
    /// `asking`, `answered` or `failed`.
    #[schema(example = "answered")]
    status: &'static str,
    /// Why it failed.
    failure: Option<WireFailure>,
    model: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// What it has cost; while it has not ended, what it may cost.
    cost_nanos_usd: u64,
    /// Tokens that were used, as far as the endpoint said.
    input_tokens: u64,
    output_tokens: u64,
}

/// Why no model is asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotAsked)]
struct WireNotAsked {
    /// `disabled`, `no_key`, `no_price` or `too_little_data`.
    #[schema(example = "too_little_data")]
    code: &'static str,
    message: String,
    /// What is missing of the listing's data.
    missing: Vec<String>,
}

/// What your tenant may spend on advice today (UTC). Amounts are billionths of a US dollar.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdviceBudget)]
struct WireBudget {
    /// Spent, with what is reserved for questions that have not ended.
    spent_nanos_usd: u64,
    /// Null: without limit.
    limit_nanos_usd: Option<u64>,
    /// When it is renewed.
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
}

/// Suggestions for a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suggestions)]
pub(super) struct WireSuggestions {
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What follows from rules and formulas, the most important first. It costs nothing.
    findings: Vec<WireFinding>,
    /// The latest advice of a model; null: there is none.
    advice: Option<WireAdvice>,
    /// The latest question to a model; null: none was asked.
    request: Option<WireRequest>,
    /// Why no model is asked; null: it can be.
    not_asked: Option<WireNotAsked>,
    /// The most that asking a model may cost, in billionths of a US dollar; null: none is asked.
    max_cost_nanos_usd: Option<u64>,
    /// Null: advice of a model is not enabled.
    budget: Option<WireBudget>,
}

impl From<Suggestions> for WireSuggestions {
    fn from(suggestions: Suggestions) -> Self {
        Self {
            product_id: suggestions.product_id,
            at: suggestions.at,
            findings: suggestions.findings.into_iter().map(WireFinding::from).collect(),
            advice: suggestions.advice.map(WireAdvice::from),
            request: suggestions.request.map(WireRequest::from),
            not_asked: suggestions.not_asked.as_ref().map(WireNotAsked::from),
            max_cost_nanos_usd: suggestions.max_cost_nanos,
            budget: suggestions.budget.map(WireBudget::from),
        }
    }
}

impl From<ProductFinding> for WireFinding {
    fn from(finding: ProductFinding) -> Self {
        Self { origin: finding.origin.as_str(), code: finding.code, suggestion: finding.suggestion.into() }
    }
}

impl From<SuggestionRecord> for WireSuggestion {
    fn from(suggestion: SuggestionRecord) -> Self {
        Self {
            field: suggestion.subject.as_str(),
            action: suggestion.action.as_str(),
            priority: suggestion.priority.as_str(),
            reason: suggestion.reason,
            evidence: suggestion.evidence.into_iter().map(WireEvidence::from).collect(),
            new_text: suggestion.new_text,
        }
    }
}

impl From<EvidenceRecord> for WireEvidence {
    fn from(EvidenceRecord { name, value, window, observed_at }: EvidenceRecord) -> Self {
        Self { name, value, window, observed_at }
    }
}

impl From<ProductAdvice> for WireAdvice {
    fn from(advice: ProductAdvice) -> Self {
        Self {
            suggestions: advice.record.suggestions.into_iter().map(WireSuggestion::from).collect(),
            rejected: advice.record.rejected,
            model: advice.model,
            language: advice.language,
            created_at: advice.created_at,
            expires_at: advice.expires_at,
            is_current: advice.is_current,
        }
    }
}

impl From<AdviceRequest> for WireRequest {
    fn from(request: AdviceRequest) -> Self {
        let failure = match request.status {
            AdviceStatus::Failed(code) => Some(WireFailure { code: code.as_str(), message: code.to_string() }),
            AdviceStatus::Asking | AdviceStatus::Answered => None,
        };
        Self {
            id: request.id,
            status: request.status.as_str(),
            failure,
            cost_nanos_usd: request.cost_nanos(),
            model: request.model,
            created_at: request.at,
            ended_at: request.ended_at,
            input_tokens: request.tokens.input,
            output_tokens: request.tokens.output,
        }
    }
}

impl From<&NotAsked> for WireNotAsked {
    fn from(why: &NotAsked) -> Self {
        Self { code: why.code(), message: why.to_string(), missing: why.lacks() }
    }
}

impl From<AdviceBudget> for WireBudget {
    fn from(AdviceBudget { spent_nanos, limit_nanos, day_ends_at }: AdviceBudget) -> Self {
        Self { spent_nanos_usd: spent_nanos, limit_nanos_usd: limit_nanos, ends_at: day_ends_at }
    }
}
