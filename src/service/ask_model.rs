//! Asking a model: money is reserved before, what it cost is settled after, and the same question is asked once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::access::Caller;
use super::evidence::ProductEvidence;
use super::not_asked::NotAsked;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::advice::{
    AdviceRecord, Advised, ModelClient, Question, TokenPrice, advise, cache_key, longest, reservation, settle, tokens,
};
use crate::config::AdviceSettings;
use crate::domain::{AdviceLimits, AdviceRequest, AdviceRequestId, AdviceStatus, Language, Product, TenantId};
use crate::store::{AcceptedAdvice, AdviceEnd, AdviceReservation, NewAdviceRequest};

/// Open questions of a tenant, over all replicas.
const MAX_OPEN: u32 = 8;
/// How often to look whether another process has an answer.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// After the longest time that a model may take, for what comes before and after it.
const MARGIN: Duration = Duration::from_secs(120);
/// Pauses before the end of a question is recorded again. They are shorter together than the margin.
const PAUSES_SECS: [u64; 4] = [1, 5, 20, 60];

/// The model that is asked for advice.
pub struct AdviceModel {
    client: ModelClient,
    /// Questions that are being asked by this process.
    open: TaskTracker,
}

impl AdviceModel {
    /// Asks with this client.
    pub fn new(client: ModelClient) -> Self {
        Self { client, open: TaskTracker::new() }
    }

    fn settings(&self) -> &AdviceSettings {
        self.client.settings()
    }

    /// What may be spent on a day.
    pub(super) fn limits(&self) -> AdviceLimits {
        AdviceLimits::from_usd(self.settings().tenant_day_usd, self.settings().day_usd)
    }
}

/// A question that may be asked.
pub(super) struct Askable {
    model: Arc<AdviceModel>,
    question: Question,
    price: TokenPrice,
    /// All that the answer depends on.
    pub(super) cache_key: String,
}

impl Askable {
    /// The most that it may cost, in billionths of a US dollar.
    pub(super) fn max_cost_nanos(&self) -> u64 {
        reservation(&self.model.client, &self.question, self.price)
    }
}

impl Service {
    /// Waits for the answers of models: what they cost is recorded with them.
    pub async fn drain_questions(&self, within: Duration) {
        let Some(model) = &self.deps.model else { return };
        model.open.close();
        if tokio::time::timeout(within, model.open.wait()).await.is_err() {
            tracing::warn!("a model did not answer in time; its question is charged at what was reserved");
        }
    }
}

impl Dependencies {
    /// The question about a product, or why it is not asked.
    pub(super) fn askable(
        &self,
        product: &Product,
        known: &ProductEvidence,
        language: Language,
    ) -> Result<Askable, NotAsked> {
        let model = self.model.as_ref().ok_or(NotAsked::Disabled)?;
        let settings = model.settings();
        if settings.lacks_key() {
            return Err(NotAsked::NoKey);
        }
        let price = TokenPrice::on(&settings.prices, known.today()).ok_or(NotAsked::NoPrice)?;
        let lacks = known.evidence.depth.lacks();
        if !lacks.is_empty() {
            return Err(NotAsked::TooLittleData(lacks));
        }
        let question = known.evidence.question(language);
        let cache_key = cache_key(product.tenant_id, &question, settings);
        Ok(Askable { model: Arc::clone(model), question, price, cache_key })
    }

    /// Asks, unless the answer is stored or being given, and waits for it until the deadline. `None`: it was stored.
    pub(super) async fn ask_once(
        self: &Arc<Self>,
        caller: &Caller,
        product: &Product,
        known: &ProductEvidence,
        askable: &Askable,
        deadline: Instant,
    ) -> ServiceResult<Option<AdviceRequest>> {
        let tenant_id = caller.tenant_id;
        if self.store.stored_advice(tenant_id, product.id, Some(&askable.cache_key)).await?.is_some() {
            self.count("cached");
            return Ok(None);
        }
        if *self.draining.borrow() {
            return Err(ServiceError::Unavailable);
        }
        let (model, question) = (&askable.model, &askable.question);
        let reserved_nanos = askable.max_cost_nanos();
        let request = NewAdviceRequest {
            tenant_id,
            product_id: product.id,
            cache_key: askable.cache_key.clone(),
            model: model.settings().model.clone(),
            language: question.language,
            reserved_nanos,
            limits: model.limits(),
            lasts: longest(model.settings()) + MARGIN,
            max_open: MAX_OPEN,
        };
        let (id, asking) = match self.store.reserve_advice(request).await? {
            AdviceReservation::Answered(_) => {
                self.count("cached");
                return Ok(None);
            }
            AdviceReservation::OverBudget { owner, day_ends_at } => {
                self.count("over_budget");
                return Err(ServiceError::OverAdviceBudget {
                    owner,
                    cost_nanos: reserved_nanos,
                    renewed_at: day_ends_at,
                });
            }
            AdviceReservation::TooManyOpen => {
                let message =
                    format!("a model is answering {MAX_OPEN} questions of yours; wait for one of the answers");
                return Err(ServiceError::Conflict("too_many_questions", message));
            }
            AdviceReservation::Asking(id) => (id, None),
            AdviceReservation::Reserved(id) => (id, Some(self.begin(tenant_id, id, askable, known.today()))),
        };
        if asking.is_some() {
            self.audit(caller.audit_event("advice.ask", Some(format!("product:{}", product.id)))).await;
        }
        self.await_answer(tenant_id, id, asking, deadline).await.map(Some)
    }

    /// Asks in the background: whoever waits may stop waiting.
    fn begin(
        self: &Arc<Self>,
        tenant_id: TenantId,
        id: AdviceRequestId,
        askable: &Askable,
        on: Date,
    ) -> JoinHandle<()> {
        let deps = Arc::clone(self);
        let (model, question, price) = (Arc::clone(&askable.model), askable.question.clone(), askable.price);
        let asking = async move {
            let advised = advise(&model.client, &question, price, on).await;
            let end = deps.end_of(advised, &question, price, model.settings());
            deps.record_end(tenant_id, id, end).await;
        };
        askable.model.open.spawn(asking.in_current_span())
    }

    /// What is recorded of an answer.
    fn end_of(&self, advised: Advised, question: &Question, price: TokenPrice, settings: &AdviceSettings) -> AdviceEnd {
        let Advised { outcome, attempts } = advised;
        let settled_nanos = settle(price, &attempts);
        let outcome = match outcome {
            Ok(advice) => {
                self.count("answered");
                let body = serde_json::json!(AdviceRecord::new(advice, &question.facts));
                Ok(AcceptedAdvice { body, lasts: Duration::from_secs(u64::from(settings.keep_days) * 24 * 3600) })
            }
            Err(failure) => {
                let code = failure.code();
                self.count(code.as_str());
                // Its text holds neither the key nor the question.
                tracing::warn!(error = %failure, settled_nanos, "a model gave no advice: {failure}");
                Err(code)
            }
        };
        self.metrics.advice_cost_nanos.inc_by(settled_nanos);
        AdviceEnd { settled_nanos, tokens: tokens(&attempts), outcome }
    }

    /// Records the end of a question. If the database stays away, the question is charged later at what was reserved.
    async fn record_end(&self, tenant_id: TenantId, id: AdviceRequestId, end: AdviceEnd) {
        for pause_secs in PAUSES_SECS {
            match self.store.end_advice(tenant_id, id, end.clone()).await {
                Ok(_) => return,
                Err(error) => tracing::warn!(%error, "the end of a question to a model cannot be recorded yet"),
            }
            tokio::time::sleep(Duration::from_secs(pause_secs)).await;
        }
        if let Err(error) = self.store.end_advice(tenant_id, id, end).await {
            tracing::error!(%error, "the end of a question to a model cannot be recorded");
        }
    }

    /// The request, when it has ended or the deadline has passed.
    async fn await_answer(
        &self,
        tenant_id: TenantId,
        id: AdviceRequestId,
        asking: Option<JoinHandle<()>>,
        deadline: Instant,
    ) -> ServiceResult<AdviceRequest> {
        if let Some(asking) = asking {
            // After a panic, the request stays open until it is given up as lost.
            let _ = tokio::time::timeout_at(deadline.into(), asking).await;
        }
        loop {
            let request = self.store.advice_request(tenant_id, id).await?;
            if request.status != AdviceStatus::Asking || Instant::now() >= deadline {
                return Ok(request);
            }
            tokio::time::sleep_until(deadline.min(Instant::now() + POLL_EVERY).into()).await;
        }
    }

    fn count(&self, outcome: &str) {
        self.metrics.advice_requests.with_label_values(&[outcome]).inc();
    }
}
