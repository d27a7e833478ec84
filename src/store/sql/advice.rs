//! Advice of models: the ledger of requests, and the answers.

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::types::Json;
use uuid::Uuid;

use super::lease::NOW;
use super::spending::{Period, stored};
use super::{Backend, Conn, Db, usage};
use crate::domain::{
    AdviceFailureCode, AdviceRequest, AdviceRequestId, AdviceSpent, AdviceStatus, AdviceTokens, ProductId, TenantId,
};
use crate::store::clock::{ClockParam, millis};
use crate::store::error::{OrNotFound, or_report};
use crate::store::rows::{count, time, word};
use crate::store::tenant_scope::TenantScope;
use crate::store::{
    AcceptedAdvice, AdviceEnd, AdviceRequests, AdviceReservation, AdviceSpending, NewAdviceRequest, StoreError,
    StoreResult, StoredAdvice,
};

#[derive(sqlx::FromRow)]
struct RequestColumns {
    id: Uuid,
    product_id: Uuid,
    model: String,
    language: String,
    status: String,
    failure: Option<String>,
    at: i64,
    ended_at: Option<i64>,
    reserved_nanos: i64,
    settled_nanos: Option<i64>,
    input_tokens: i64,
    cached_input_tokens: i64,
    output_tokens: i64,
}

macro_rules! select_request {
    ($condition:literal) => {
        concat!(
            "SELECT id, product_id, model, language, status, failure, at, ended_at, reserved_nanos, settled_nanos, \
               input_tokens, cached_input_tokens, output_tokens FROM advice_request WHERE tenant_id = $1 AND ",
            $condition
        )
    };
}

impl TryFrom<RequestColumns> for AdviceRequest {
    type Error = StoreError;

    fn try_from(row: RequestColumns) -> StoreResult<Self> {
        let status = match (row.status.as_str(), row.failure) {
            ("asking", _) => AdviceStatus::Asking,
            ("answered", _) => AdviceStatus::Answered,
            ("failed", Some(failure)) => AdviceStatus::Failed(word(&failure)?),
            (other, _) => return Err(StoreError::Corrupt(format!("a request for advice that is {other}"))),
        };
        Ok(Self {
            id: AdviceRequestId(row.id),
            product_id: ProductId(row.product_id),
            model: row.model,
            language: word(&row.language)?,
            status,
            at: time(row.at)?,
            ended_at: row.ended_at.map(time).transpose()?,
            reserved_nanos: count(row.reserved_nanos)?,
            settled_nanos: row.settled_nanos.map(count).transpose()?,
            tokens: AdviceTokens {
                input: count(row.input_tokens)?,
                cached_input: count(row.cached_input_tokens)?,
                output: count(row.output_tokens)?,
            },
        })
    }
}

#[derive(sqlx::FromRow)]
struct AdviceColumns {
    cache_key: String,
    model: String,
    language: String,
    body: Json<serde_json::Value>,
    created_at: i64,
    expires_at: i64,
}

impl TryFrom<AdviceColumns> for StoredAdvice {
    type Error = StoreError;

    fn try_from(row: AdviceColumns) -> StoreResult<Self> {
        Ok(Self {
            cache_key: row.cache_key,
            model: row.model,
            language: word(&row.language)?,
            body: row.body.0,
            created_at: time(row.created_at)?,
            expires_at: time(row.expires_at)?,
        })
    }
}

#[async_trait]
impl AdviceRequests for Backend {
    async fn reserve_advice(&self, request: NewAdviceRequest) -> StoreResult<AdviceReservation> {
        let clock = self.clock_param();
        // What all tenants have spent is counted.
        self.transaction(TenantScope::All, move |conn| reserve(conn, request, clock).boxed()).await
    }

    async fn end_advice(&self, tenant_id: TenantId, id: AdviceRequestId, end: AdviceEnd) -> StoreResult<bool> {
        let clock = self.clock_param();
        self.transaction(tenant_id, move |conn| end_request(conn, tenant_id, id, end, clock).boxed()).await
    }

    async fn advice_request(&self, tenant_id: TenantId, id: AdviceRequestId) -> StoreResult<AdviceRequest> {
        const REQUEST: &str = select_request!("id = $2");
        let query = sqlx::query_as(REQUEST).bind(tenant_id.0).bind(id.0);
        let row: RequestColumns =
            query.fetch_one(&mut *self.reader(tenant_id).await?).await.or_not_found("request for advice")?;
        row.try_into()
    }

    async fn latest_advice_request(
        &self,
        tenant_id: TenantId,
        product_id: ProductId,
    ) -> StoreResult<Option<AdviceRequest>> {
        const LATEST: &str = select_request!("product_id = $2 ORDER BY at DESC, id DESC LIMIT 1");
        let query = sqlx::query_as(LATEST).bind(tenant_id.0).bind(product_id.0);
        let row: Option<RequestColumns> = query.fetch_optional(&mut *self.reader(tenant_id).await?).await?;
        Ok(row.and_then(|row| or_report(row.try_into())))
    }

    async fn stored_advice(
        &self,
        tenant_id: TenantId,
        product_id: ProductId,
        cache_key: Option<&str>,
    ) -> StoreResult<Option<StoredAdvice>> {
        let clock = self.clock_param();
        find(&mut *self.reader(tenant_id).await?, tenant_id, product_id, cache_key.map(str::to_owned), clock).await
    }

    async fn advice_spending(&self, tenant_id: TenantId) -> StoreResult<AdviceSpending> {
        let mut conn = self.reader(tenant_id).await?;
        let (_, period) = today(&mut conn, self.clock_param()).await?;
        let spent = spent(&mut conn, Some(tenant_id), &period).await?;
        Ok(AdviceSpending { spent_nanos: spent, day_ends_at: period.day_ends_at })
    }

    async fn settle_lost_advice(&self) -> StoreResult<u64> {
        const SETTLE: &str = concat!(
            "UPDATE advice_request SET status = 'failed', failure = $2, ended_at = lost_at, \
               settled_nanos = reserved_nanos WHERE status = 'asking' AND lost_at < ",
            now!(1)
        );
        let query = sqlx::query(SETTLE).bind(self.clock_param()).bind(AdviceFailureCode::Lost.as_str());
        Ok(query.execute(&mut *self.writer(TenantScope::All).await?).await?.rows_affected())
    }
}

async fn today(conn: &mut Conn, clock: ClockParam) -> StoreResult<(Timestamp, Period)> {
    let now = time(sqlx::query_scalar(NOW).bind(clock).fetch_one(conn).await?)?;
    Ok((now, Period::of(now)?))
}

/// What was spent and reserved on a day: by a tenant, or by all.
async fn spent(conn: &mut Conn, tenant_id: Option<TenantId>, period: &Period) -> StoreResult<u64> {
    macro_rules! spent_since {
        ($condition:literal) => {
            concat!(
                "SELECT CAST(coalesce(sum(coalesce(settled_nanos, reserved_nanos)), 0) AS bigint) \
                 FROM advice_request WHERE at >= $1",
                $condition
            )
        };
    }
    let nanos: i64 = match tenant_id {
        Some(tenant_id) => {
            let query = sqlx::query_scalar(spent_since!(" AND tenant_id = $2")).bind(period.day_ms);
            query.bind(tenant_id.0).fetch_one(conn).await?
        }
        None => sqlx::query_scalar(spent_since!("")).bind(period.day_ms).fetch_one(conn).await?,
    };
    count(nanos)
}

/// The stored answer with a key, or the latest about a product.
async fn find(
    executor: impl sqlx::Executor<'_, Database = Db>,
    tenant_id: TenantId,
    product_id: ProductId,
    cache_key: Option<String>,
    clock: ClockParam,
) -> StoreResult<Option<StoredAdvice>> {
    const FIND: &str = concat!(
        "SELECT cache_key, model, language, body, created_at, expires_at FROM advice \
         WHERE tenant_id = $1 AND product_id = $2 AND cache_key = coalesce($3, cache_key) AND expires_at > ",
        now!(4),
        " ORDER BY created_at DESC, cache_key LIMIT 1"
    );
    let query = sqlx::query_as(FIND).bind(tenant_id.0).bind(product_id.0).bind(cache_key).bind(clock);
    let row: Option<AdviceColumns> = query.fetch_optional(executor).await?;
    Ok(row.and_then(|row| or_report(row.try_into())))
}

async fn reserve(conn: &mut Conn, request: NewAdviceRequest, clock: ClockParam) -> StoreResult<AdviceReservation> {
    const ASKING: &str = "SELECT id FROM advice_request WHERE tenant_id = $1 AND product_id = $2 AND cache_key = $3 \
         AND status = 'asking' AND lost_at > $4";
    const OPEN: &str =
        "SELECT count(*) FROM advice_request WHERE tenant_id = $1 AND status = 'asking' AND lost_at > $2";
    const INSERT: &str = "INSERT INTO advice_request (id, tenant_id, product_id, cache_key, model, language, status, \
           at, lost_at, reserved_nanos) \
         SELECT $1, p.tenant_id, p.id, $4, $5, $6, 'asking', $7, $8, $9 FROM product p \
         WHERE p.tenant_id = $2 AND p.id = $3";
    let NewAdviceRequest { tenant_id, product_id, cache_key, .. } = &request;
    // The tenant of the installation always exists: reservations are made one after the other.
    usage::lock(conn, TenantId::BUILT_IN).await?;
    let (now, period) = today(conn, clock).await?;
    let now_ms = now.as_millisecond();
    let query = sqlx::query_scalar(ASKING).bind(tenant_id.0).bind(product_id.0).bind(cache_key.clone()).bind(now_ms);
    if let Some(id) = query.fetch_optional(&mut *conn).await? {
        return Ok(AdviceReservation::Asking(AdviceRequestId(id)));
    }
    // Only now: a request that ended before it was looked for has stored its answer, and ends are not held up by the lock.
    if let Some(stored) = find(&mut *conn, *tenant_id, *product_id, Some(cache_key.clone()), clock).await? {
        return Ok(AdviceReservation::Answered(stored));
    }
    let open: i64 = sqlx::query_scalar(OPEN).bind(tenant_id.0).bind(now_ms).fetch_one(&mut *conn).await?;
    if open >= i64::from(request.max_open) {
        return Ok(AdviceReservation::TooManyOpen);
    }
    let spent = AdviceSpent {
        tenant_nanos: spent(conn, Some(*tenant_id), &period).await?,
        installation_nanos: spent(conn, None, &period).await?,
    };
    if let Err(owner) = request.limits.admit(request.reserved_nanos, spent) {
        return Ok(AdviceReservation::OverBudget { owner, day_ends_at: period.day_ends_at });
    }
    let id = AdviceRequestId::new();
    let lost_ms = now_ms.saturating_add(millis(request.lasts));
    let query = sqlx::query(INSERT).bind(id.0).bind(tenant_id.0).bind(product_id.0).bind(request.cache_key);
    let query = query.bind(request.model).bind(<&str>::from(request.language)).bind(now_ms).bind(lost_ms);
    match query.bind(stored(request.reserved_nanos)).execute(conn).await?.rows_affected() {
        0 => Err(StoreError::NotFound("product")),
        _ => Ok(AdviceReservation::Reserved(id)),
    }
}

async fn end_request(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: AdviceRequestId,
    end: AdviceEnd,
    clock: ClockParam,
) -> StoreResult<bool> {
    const END: &str = concat!(
        "UPDATE advice_request SET status = $3, failure = $4, settled_nanos = $5, input_tokens = $6, \
           cached_input_tokens = $7, output_tokens = $8, ended_at = ",
        now!(9),
        " WHERE tenant_id = $1 AND id = $2 AND (status = 'asking' OR failure = $10)"
    );
    let (status, failure) = match &end.outcome {
        Ok(_) => (AdviceStatus::Answered, None),
        Err(code) => (AdviceStatus::Failed(*code), Some(code.as_str())),
    };
    let AdviceTokens { input, cached_input, output } = end.tokens;
    let query = sqlx::query(END).bind(tenant_id.0).bind(id.0).bind(status.as_str()).bind(failure);
    let query = query.bind(stored(end.settled_nanos)).bind(stored(input)).bind(stored(cached_input));
    let query = query.bind(stored(output)).bind(clock).bind(AdviceFailureCode::Lost.as_str());
    let is_ended = query.execute(&mut *conn).await?.rows_affected() > 0;
    if let (true, Ok(accepted)) = (is_ended, end.outcome) {
        keep(conn, tenant_id, id, accepted, clock).await?;
    }
    Ok(is_ended)
}

/// Stores an answer, unless its product was deleted meanwhile.
async fn keep(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: AdviceRequestId,
    accepted: AcceptedAdvice,
    clock: ClockParam,
) -> StoreResult<()> {
    const PRODUCT: &str = concat!(
        "SELECT p.id FROM advice_request r JOIN product p ON p.id = r.product_id WHERE r.tenant_id = $1 AND r.id = $2",
        keep_rows!("p")
    );
    const KEEP: &str = concat!(
        "INSERT INTO advice (product_id, cache_key, tenant_id, model, language, body, created_at, expires_at) \
         SELECT product_id, cache_key, tenant_id, model, language, $3, ",
        now!(4),
        ", ",
        now!(4),
        " + $5 FROM advice_request WHERE tenant_id = $1 AND id = $2 \
         ON CONFLICT (product_id, cache_key) DO UPDATE SET body = excluded.body, created_at = excluded.created_at, \
           expires_at = excluded.expires_at"
    );
    let query = sqlx::query_scalar::<_, Uuid>(PRODUCT).bind(tenant_id.0).bind(id.0);
    if query.fetch_optional(&mut *conn).await?.is_none() {
        return Ok(());
    }
    let query = sqlx::query(KEEP).bind(tenant_id.0).bind(id.0).bind(Json(accepted.body)).bind(clock);
    query.bind(millis(accepted.lasts)).execute(conn).await?;
    Ok(())
}
