//! Advice of models: what it costs, and the answers.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::domain::{
    AdviceFailureCode, AdviceLimits, AdviceRequest, AdviceRequestId, AdviceTokens, BudgetOwner, Language, ProductId,
    TenantId,
};

/// A question to a model that money is to be reserved for.
#[derive(Debug, Clone)]
pub struct NewAdviceRequest {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The product that it is about.
    pub product_id: ProductId,
    /// All that the answer depends on.
    pub cache_key: String,
    /// The model.
    pub model: String,
    /// The language of the advice.
    pub language: Language,
    /// What it may cost, in billionths of a US dollar.
    pub reserved_nanos: u64,
    /// What may be spent on a day.
    pub limits: AdviceLimits,
    /// What has no answer after this time never gets one.
    pub lasts: Duration,
    /// How many questions of the tenant may be open, including this one.
    pub max_open: u32,
}

/// What came of a reservation.
#[derive(Debug, Clone, PartialEq)]
pub enum AdviceReservation {
    /// Money was reserved: ask, and end the request.
    Reserved(AdviceRequestId),
    /// The same is being asked already.
    Asking(AdviceRequestId),
    /// The answer has just been stored.
    Answered(StoredAdvice),
    /// A budget has no room for it.
    OverBudget {
        /// Whose budget it is.
        owner: BudgetOwner,
        /// When the day ends.
        day_ends_at: Timestamp,
    },
    /// The tenant has as many open questions as it may.
    TooManyOpen,
}

/// The end of a question to a model.
#[derive(Debug, Clone)]
pub struct AdviceEnd {
    /// What it has cost, in billionths of a US dollar.
    pub settled_nanos: u64,
    /// The tokens that were used.
    pub tokens: AdviceTokens,
    /// The answer.
    pub outcome: Result<AcceptedAdvice, AdviceFailureCode>,
}

/// An answer to be stored.
#[derive(Debug, Clone)]
pub struct AcceptedAdvice {
    /// The advice, as JSON.
    pub body: serde_json::Value,
    /// How long it is stored.
    pub lasts: Duration,
}

/// A stored answer.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAdvice {
    /// All that it depends on.
    pub cache_key: String,
    /// The model.
    pub model: String,
    /// The language of the advice.
    pub language: Language,
    /// The advice, as JSON.
    pub body: serde_json::Value,
    /// When it was given.
    pub created_at: Timestamp,
    /// Until when it is stored.
    pub expires_at: Timestamp,
}

/// What a tenant spends on advice today (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdviceSpending {
    /// Spent, with what is reserved, in billionths of a US dollar.
    pub spent_nanos: u64,
    /// When the day ends.
    pub day_ends_at: Timestamp,
}

/// The ledger of questions to models, and the store of answers.
#[async_trait]
pub trait AdviceRequests: Send + Sync {
    /// Reserves money for a question, unless it is answered or being asked: one transaction, and one after the other over all
    /// replicas, so that limits hold and the same question is asked once.
    async fn reserve_advice(&self, request: NewAdviceRequest) -> StoreResult<AdviceReservation>;

    /// Ends a request: what it has cost replaces what was reserved, and an answer is stored unless its product was deleted. Only the
    /// first end counts; that of one that was given up as lost is replaced by the real one. Returns false for the others.
    async fn end_advice(&self, tenant_id: TenantId, id: AdviceRequestId, end: AdviceEnd) -> StoreResult<bool>;

    /// A request of a tenant, or [`NotFound`](super::StoreError::NotFound).
    async fn advice_request(&self, tenant_id: TenantId, id: AdviceRequestId) -> StoreResult<AdviceRequest>;

    /// The latest request about a product.
    async fn latest_advice_request(
        &self,
        tenant_id: TenantId,
        product_id: ProductId,
    ) -> StoreResult<Option<AdviceRequest>>;

    /// The stored answer with this key, or else, without one, the latest about the product.
    async fn stored_advice(
        &self,
        tenant_id: TenantId,
        product_id: ProductId,
        cache_key: Option<&str>,
    ) -> StoreResult<Option<StoredAdvice>>;

    /// What a tenant spends today.
    async fn advice_spending(&self, tenant_id: TenantId) -> StoreResult<AdviceSpending>;

    /// Settles requests that nobody ended in their time at what was reserved: it may have been spent. Returns how many.
    async fn settle_lost_advice(&self) -> StoreResult<u64>;
}
