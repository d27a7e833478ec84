//! Suggestions for a product: what follows from rules and formulas, and the advice of a model.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::access::Caller;
use super::ask_model::Askable;
use super::evidence::ProductEvidence;
use super::not_asked::NotAsked;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::advice::{AdviceItem, AdviceOrigin, AdviceRecord, Facts, SuggestionRecord};
use crate::domain::{AdviceRequest, AdviceStatus, Language, Product, ProductId, TenantId};
use crate::store::{StoreError, StoredAdvice};

/// What advice is asked for.
#[derive(Debug, Clone, Copy)]
pub struct AskAdvice {
    /// The product.
    pub product_id: ProductId,
    /// The language of the advice.
    pub language: Language,
}

/// Suggestions for a product.
#[derive(Debug, Clone)]
pub struct Suggestions {
    /// The product.
    pub product_id: ProductId,
    /// When they were put together.
    pub at: Timestamp,
    /// What follows without a model, the most important first.
    pub findings: Vec<ProductFinding>,
    /// The latest advice of a model.
    pub advice: Option<ProductAdvice>,
    /// The latest question to a model.
    pub request: Option<AdviceRequest>,
    /// Why no model is asked; `None`: it can be.
    pub not_asked: Option<NotAsked>,
    /// The most that the question may cost, in billionths of a US dollar; `None` when no model is asked.
    pub max_cost_nanos: Option<u64>,
    /// What the tenant may spend on advice today; `None` when no model is asked at all.
    pub budget: Option<AdviceBudget>,
}

/// Suggestions, after advice was asked for.
#[derive(Debug, Clone)]
pub struct AskedAdvice {
    /// The suggestions.
    pub suggestions: Suggestions,
    /// The model has not answered yet.
    pub is_asking: bool,
}

/// A finding.
#[derive(Debug, Clone)]
pub struct ProductFinding {
    /// What it comes from.
    pub origin: AdviceOrigin,
    /// The id of the rule, or the name of the formula.
    pub code: Option<&'static str>,
    /// What is advised.
    pub suggestion: SuggestionRecord,
}

/// Advice of a model about a product.
#[derive(Debug, Clone)]
pub struct ProductAdvice {
    /// The advice.
    pub record: AdviceRecord,
    /// The model.
    pub model: String,
    /// The language of the advice.
    pub language: Language,
    /// When it was given.
    pub created_at: Timestamp,
    /// Until when it is stored.
    pub expires_at: Timestamp,
    /// Whoever asks now gets this one: nothing that it rests on has changed.
    pub is_current: bool,
}

/// A tenant's budget for advice. Amounts are billionths of a US dollar.
#[derive(Debug, Clone, Copy)]
pub struct AdviceBudget {
    /// Spent today, with what is reserved.
    pub spent_nanos: u64,
    /// What may be spent; `None`: without limit.
    pub limit_nanos: Option<u64>,
    /// When the day ends.
    pub day_ends_at: Timestamp,
}

impl Service {
    /// The findings about a product, and the latest advice. Asks no model and costs nothing.
    pub async fn suggestions(&self, tenant_id: TenantId, product_id: ProductId) -> ServiceResult<Suggestions> {
        self.run(async move |deps: Arc<Dependencies>| {
            let product = deps.store.product(tenant_id, product_id).await?;
            let known = deps.evidence_of(&product).await?;
            deps.suggestions_of(&product, known, None, None).await
        })
        .await
    }

    /// The latest stored advice about a product, as it is stored.
    pub async fn latest_advice(
        &self,
        tenant_id: TenantId,
        product_id: ProductId,
    ) -> ServiceResult<Option<StoredAdvice>> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.stored_advice(tenant_id, product_id, None).await?))
            .await
    }

    /// Asks a model for advice about a product, unless it is stored. Returns when there is an answer, or when `wait` has passed: the model
    /// is asked to the end all the same.
    ///
    /// # Errors
    /// [`ServiceError::InvalidReference`]; [`ServiceError::OverAdviceBudget`]; [`ServiceError::NoAdvice`]: the model gave none;
    /// [`ServiceError::Conflict`] `too_many_questions`.
    pub async fn ask_advice(&self, caller: Caller, ask: AskAdvice, wait: Duration) -> ServiceResult<AskedAdvice> {
        self.run(async move |deps: Arc<Dependencies>| {
            let deadline = Instant::now() + wait;
            let product = match deps.store.product(caller.tenant_id, ask.product_id).await {
                Err(StoreError::NotFound(_)) => return Err(ServiceError::invalid_reference("product_id", "product")),
                found => found?,
            };
            let known = deps.evidence_of(&product).await?;
            let askable = match deps.askable(&product, &known, ask.language) {
                Ok(askable) => askable,
                Err(_) => {
                    let suggestions = deps.suggestions_of(&product, known, None, None).await?;
                    return Ok(AskedAdvice { suggestions, is_asking: false });
                }
            };
            let asked = deps.ask_once(&caller, &product, &known, &askable, deadline).await?;
            if let Some(AdviceRequest { status: AdviceStatus::Failed(code), .. }) = asked {
                return Err(ServiceError::NoAdvice(code));
            }
            let is_asking = asked.as_ref().is_some_and(|request| request.status == AdviceStatus::Asking);
            let answered = (!is_asking).then_some(&askable);
            let suggestions = deps.suggestions_of(&product, known, answered, asked).await?;
            Ok(AskedAdvice { suggestions, is_asking })
        })
        .await
    }
}

impl Dependencies {
    /// What is suggested for a product: with the answer to a question, or else with the latest advice; with a request, or else with the
    /// latest one.
    async fn suggestions_of(
        &self,
        product: &Product,
        known: ProductEvidence,
        answered: Option<&Askable>,
        request: Option<AdviceRequest>,
    ) -> ServiceResult<Suggestions> {
        let (tenant_id, product_id) = (product.tenant_id, product.id);
        let key = answered.map(|askable| askable.cache_key.as_str());
        let stored = self.store.stored_advice(tenant_id, product_id, key).await?;
        let language = stored.as_ref().map_or_else(Language::default, |stored| stored.language);
        let askable = self.askable(product, &known, language);
        let current_key = askable.as_ref().ok().map(|askable| askable.cache_key.as_str());
        let advice = stored.and_then(|stored| product_advice(stored, current_key));
        let budget = match &self.model {
            Some(model) => Some(self.advice_budget(tenant_id, model.limits().tenant_nanos).await?),
            None => None,
        };
        let ProductEvidence { at, evidence, findings } = known;
        let findings = findings.into_iter().map(|item| product_finding(item, &evidence.facts)).collect();
        let request = match request {
            None => self.store.latest_advice_request(tenant_id, product_id).await?,
            asked => asked,
        };
        let max_cost_nanos = askable.as_ref().ok().map(Askable::max_cost_nanos);
        Ok(Suggestions { product_id, at, findings, advice, request, not_asked: askable.err(), max_cost_nanos, budget })
    }

    async fn advice_budget(&self, tenant_id: TenantId, limit_nanos: Option<u64>) -> ServiceResult<AdviceBudget> {
        let spending = self.store.advice_spending(tenant_id).await?;
        Ok(AdviceBudget { spent_nanos: spending.spent_nanos, limit_nanos, day_ends_at: spending.day_ends_at })
    }
}

/// Stored advice. One of a version that is not read any more is left out.
fn product_advice(stored: StoredAdvice, current_key: Option<&str>) -> Option<ProductAdvice> {
    let is_current = current_key == Some(stored.cache_key.as_str());
    let record = serde_json::from_value(stored.body);
    let record = record.inspect_err(|error| tracing::warn!(%error, "stored advice cannot be read")).ok()?;
    Some(ProductAdvice {
        record,
        model: stored.model,
        language: stored.language,
        created_at: stored.created_at,
        expires_at: stored.expires_at,
        is_current,
    })
}

fn product_finding(item: AdviceItem, facts: &Facts) -> ProductFinding {
    let AdviceItem { origin, code, suggestion, .. } = item;
    ProductFinding { origin, code, suggestion: SuggestionRecord::new(suggestion, facts) }
}
