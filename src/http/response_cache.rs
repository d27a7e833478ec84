//! Caches responses about single products for one second: many clients read the same few products.
//!
//! A handler tags its response with the product and the listing that it depends on. A change in this process, or one that another
//! replica publishes, invalidates it at once; any other change is visible a second later.

use std::sync::Arc;
use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use moka::sync::Cache;

use super::etag::{Tagged, is_reading};
use crate::domain::{ListingId, ProductId, TenantId};
use crate::service::{CacheInvalidation, Caller, MAX_RESPONSE_AGE};

const JSON: &str = "application/json";
/// Memory of an entry beside its body and key.
const OVERHEAD_BYTES: usize = 300;
/// Maximum memory of the cache.
const MAX_BYTES: u64 = 64 << 20;

/// What a response depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct CacheTags {
    pub product_id: ProductId,
    pub listing_id: ListingId,
}

/// Lets a response be cached until the product or its listing changes: it must depend on nothing else.
pub(super) fn tagged(tags: CacheTags, mut response: HttpResponse) -> HttpResponse {
    response.extensions_mut().insert(tags);
    response
}

/// The key of a cached response.
pub(super) type CacheKey = (TenantId, String);

/// The key of a request, if its response may be cached.
pub(super) fn cache_key_of(caller: &Caller, request: &ServiceRequest) -> Option<CacheKey> {
    is_reading(request.method()).then(|| (caller.tenant_id, request.uri().to_string()))
}

struct CachedResponse {
    tagged: Tagged,
    tags: CacheTags,
    began_at: Instant,
}

/// The cache.
#[derive(Clone)]
pub(super) struct ResponseCache(Cache<CacheKey, Arc<CachedResponse>>);

impl Default for ResponseCache {
    fn default() -> Self {
        let weight = |(_, uri): &CacheKey, cached: &Arc<CachedResponse>| {
            u32::try_from(uri.len() + cached.tagged.size() + OVERHEAD_BYTES).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().weigher(weight).max_capacity(MAX_BYTES).time_to_live(MAX_RESPONSE_AGE).build())
    }
}

impl ResponseCache {
    /// The response to a request, if it is cached and still valid.
    pub(super) fn find(
        &self,
        key: &CacheKey,
        headers: &HeaderMap,
        invalidation: &CacheInvalidation,
    ) -> Option<HttpResponse> {
        let cached = self.0.get(key)?;
        let CacheTags { product_id, listing_id } = cached.tags;
        let is_valid = invalidation.is_fresh(cached.began_at, product_id, listing_id);
        is_valid.then(|| cached.tagged.answer(headers, HttpResponse::Ok().content_type(JSON).finish().drop_body()))
    }

    /// Stores a response if its handler tagged it. `began_at`: when reading began, so that later changes invalidate it.
    pub(super) fn store(&self, key: CacheKey, response: &HttpResponse, tagged: Tagged, began_at: Instant) {
        if let Some(tags) = response.extensions().get::<CacheTags>().copied() {
            self.0.insert(key, Arc::new(CachedResponse { tagged, tags, began_at }));
        }
    }
}
