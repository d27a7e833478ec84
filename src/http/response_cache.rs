//! Answers that are kept for a moment: many ask for the same few products, and an answer of the last second is as good as
//! one that is made now.
//!
//! A handler says of which product its answer tells. What this process records or invalidation voids it at once; what another
//! replica invalidation is seen a second later.

use std::sync::Arc;
use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use moka::sync::Cache;
use serde::Serialize;

use super::etag::{Tagged, is_reading};
use crate::domain::{ListingId, ProductId, TenantId};
use crate::service::{CacheInvalidation, Caller, MAX_RESPONSE_AGE};

const JSON: &str = "application/json";
/// What an entry takes beside its texts.
const OVERHEAD_BYTES: usize = 300;
/// Of all answers that are kept.
const MAX_BYTES: u64 = 64 << 20;

/// Of what an answer tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct CacheTags {
    pub product_id: ProductId,
    pub listing_id: ListingId,
}

/// An answer that tells of a product, and of nothing else that invalidation.
pub(super) fn tagged(tags: CacheTags, answer: &impl Serialize) -> HttpResponse {
    let mut response = HttpResponse::Ok().json(answer);
    response.extensions_mut().insert(tags);
    response
}

/// The key that an answer is kept for.
pub(super) type CacheKey = (TenantId, String);

/// A key that may have been asked before.
pub(super) fn cache_key_of(caller: &Caller, request: &ServiceRequest) -> Option<CacheKey> {
    is_reading(request.method()).then(|| (caller.tenant_id, request.uri().to_string()))
}

struct CachedResponse {
    tagged: Tagged,
    tags: CacheTags,
    began_at: Instant,
}

/// The answers.
#[derive(Clone)]
pub(super) struct ResponseCache(Cache<CacheKey, Arc<CachedResponse>>);

impl Default for ResponseCache {
    fn default() -> Self {
        let weight = |(_, uri): &CacheKey, kept: &Arc<CachedResponse>| {
            u32::try_from(uri.len() + kept.tagged.size() + OVERHEAD_BYTES).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().weigher(weight).max_capacity(MAX_BYTES).time_to_live(MAX_RESPONSE_AGE).build())
    }
}

impl ResponseCache {
    /// The answer to a key, if it was given a moment ago and still holds.
    pub(super) fn find(
        &self,
        key: &CacheKey,
        headers: &HeaderMap,
        invalidation: &CacheInvalidation,
    ) -> Option<HttpResponse> {
        let kept = self.0.get(key)?;
        let CacheTags { product_id, listing_id } = kept.tags;
        let holds = invalidation.is_fresh(kept.began_at, product_id, listing_id);
        holds.then(|| kept.tagged.answer(headers, HttpResponse::Ok().content_type(JSON).finish().drop_body()))
    }

    /// Keeps an answer that was begun at this moment, if its handler said of what it tells.
    pub(super) fn keep(&self, key: CacheKey, response: &HttpResponse, tagged: Tagged, began_at: Instant) {
        if let Some(tags) = response.extensions().get::<CacheTags>().copied() {
            self.0.insert(key, Arc::new(CachedResponse { tagged, tags, began_at }));
        }
    }
}
