//! `get_advice`: what could be improved about a product, by rule and by the advice of a model.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Language, ProductId, Scope};
use crate::mcp::answer::fitting;
use crate::mcp::call::Call;
use crate::mcp::tool::{Effect, Tool};
use crate::service::{AskAdvice, AskedAdvice, EvidenceRecord, ServiceResult, SuggestionRecord};

/// Longest wait for the model.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// More suggestions of a kind than there are rules and formulas.
const MAX_SUGGESTIONS: u32 = 100;

pub(super) struct GetAdvice;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    #[schemars(with = "String")]
    product_id: ProductId,
    /// en (default), de, fr, es, it, pt, ja, zh
    #[schemars(with = "Option<String>")]
    language: Option<Language>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    /// Without a model, most important first
    findings: Vec<Suggested>,
    /// Of the model; null while it has not answered
    advice: Option<Vec<Suggested>>,
    #[schemars(with = "Option<String>")]
    advised_at: Option<Timestamp>,
    /// Call again later
    is_asking: bool,
    /// Why no model is asked
    not_asked: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Suggested {
    field: &'static str,
    action: &'static str,
    priority: &'static str,
    reason: String,
    evidence: Vec<String>,
    new_text: Option<String>,
}

impl From<&SuggestionRecord> for Suggested {
    fn from(suggestion: &SuggestionRecord) -> Self {
        let fact = |EvidenceRecord { name, value, window, .. }: &EvidenceRecord| format!("{name}: {value} ({window})");
        Self {
            field: suggestion.subject.as_str(),
            action: suggestion.action.as_str(),
            priority: suggestion.priority.as_str(),
            reason: suggestion.reason.clone(),
            evidence: suggestion.evidence.iter().map(fact).collect(),
            new_text: suggestion.new_text.clone(),
        }
    }
}

impl Tool for GetAdvice {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "get_advice";
    const TITLE: &'static str = "Get advice";
    const DESCRIPTION: &'static str = "What to improve about a product: findings, and a language model's advice on facts, which may cost money once per crawl.";
    const SCOPE: Scope = Scope::ReportCreate;
    const WEIGHT: u32 = 5;
    const EFFECT: Effect = Effect::AddsOnce;

    async fn call(call: Call, arguments: Arguments) -> ServiceResult<Answer> {
        let Arguments { product_id, language } = arguments;
        let ask = AskAdvice { product_id, language: language.unwrap_or_default() };
        let wait = call.wait_up_to(MAX_WAIT);
        let AskedAdvice { suggestions, is_asking } = call.service.ask_advice(call.caller, ask, wait).await?;
        // While the model is asked, the latest advice is that of another question.
        let advice = suggestions.advice.filter(|advice| !is_asking && advice.is_current);
        let of_model = advice.as_ref().map(|advice| advice.record.suggestions.as_slice());
        let advised_at = advice.as_ref().map(|advice| advice.created_at);
        let not_asked = suggestions.not_asked.map(|why| why.to_string());
        let findings: Vec<SuggestionRecord> = suggestions.findings.into_iter().map(|it| it.suggestion).collect();
        fitting(MAX_SUGGESTIONS, |limit| {
            let first = |all: &[SuggestionRecord]| all.iter().take(limit as usize).map(Suggested::from).collect();
            let (findings, advice) = (first(&findings), of_model.map(first));
            let not_asked = not_asked.clone();
            async move { Ok(Answer { findings, advice, advised_at, is_asking, not_asked }) }
        })
        .await
    }
}
