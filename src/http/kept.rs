//! Answers that are kept for a moment: many ask for the same few products, and an answer of the last second is as good as
//! one that is made now.
//!
//! A handler says of which product its answer tells. What this process records or changes voids it at once; what another
//! replica changes is seen a second later.

use std::sync::Arc;
use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use moka::sync::Cache;
use serde::Serialize;

use super::etag::{Tagged, is_reading};
use crate::domain::{ListingId, ProductId, TenantId};
use crate::service::{Caller, Changes, KEPT_FOR};

const JSON: &str = "application/json";
/// What an entry takes beside its texts.
const OVERHEAD_BYTES: usize = 300;
/// Of all answers that are kept.
const MOST_BYTES: u64 = 64 << 20;

/// Of what an answer tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    pub product_id: ProductId,
    pub listing_id: ListingId,
}

/// An answer that tells of a product, and of nothing else that changes.
pub(super) fn about(about: About, answer: &impl Serialize) -> HttpResponse {
    let mut response = HttpResponse::Ok().json(answer);
    response.extensions_mut().insert(about);
    response
}

/// The question that an answer is kept for.
pub(super) type Question = (TenantId, String);

/// A question that may have been asked before.
pub(super) fn question_of(caller: &Caller, request: &ServiceRequest) -> Option<Question> {
    is_reading(request.method()).then(|| (caller.tenant_id, request.uri().to_string()))
}

struct Kept {
    tagged: Tagged,
    about: About,
    began_at: Instant,
}

/// The answers.
#[derive(Clone)]
pub(super) struct KeptAnswers(Cache<Question, Arc<Kept>>);

impl Default for KeptAnswers {
    fn default() -> Self {
        let weight = |(_, uri): &Question, kept: &Arc<Kept>| {
            u32::try_from(uri.len() + kept.tagged.size() + OVERHEAD_BYTES).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().weigher(weight).max_capacity(MOST_BYTES).time_to_live(KEPT_FOR).build())
    }
}

impl KeptAnswers {
    /// The answer to a question, if it was given a moment ago and still holds.
    pub(super) fn find(&self, question: &Question, headers: &HeaderMap, changes: &Changes) -> Option<HttpResponse> {
        let kept = self.0.get(question)?;
        let About { product_id, listing_id } = kept.about;
        let holds = changes.none_since(kept.began_at, product_id, listing_id);
        holds.then(|| kept.tagged.answer(headers, HttpResponse::Ok().content_type(JSON).finish().drop_body()))
    }

    /// Keeps an answer that was begun at this moment, if its handler said of what it tells.
    pub(super) fn keep(&self, question: Question, response: &HttpResponse, tagged: Tagged, began_at: Instant) {
        if let Some(about) = response.extensions().get::<About>().copied() {
            self.0.insert(question, Arc::new(Kept { tagged, about, began_at }));
        }
    }
}
