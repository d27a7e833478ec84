//! A cache of expensive results, shared by all replicas.
//!
//! A key contains everything that the result depends on, including the version of the data, so entries are never stale;
//! they only stop being requested. Without Redis, every result is computed.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::redis::Redis;

/// The kinds of cached results, each with its time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheFor {
    /// A result for one product.
    Response,
    /// A report over many products.
    Report,
    /// Advice from a paid model.
    Advice,
}

impl CacheFor {
    fn name(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Report => "report",
            Self::Advice => "advice",
        }
    }

    /// Time to live.
    pub fn lasts(self) -> Duration {
        match self {
            Self::Response => Duration::from_secs(30 * 60),
            Self::Report => Duration::from_secs(6 * 3600),
            Self::Advice => Duration::from_secs(48 * 3600),
        }
    }
}

/// The cache; empty without Redis.
#[derive(Clone)]
pub struct SharedCache(Option<Redis>);

impl SharedCache {
    /// A cache in this Redis, if given.
    pub fn new(redis: Option<Redis>) -> Self {
        Self(redis)
    }

    /// True when results can be cached.
    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// The cached result, or the result of `make`, which is then cached.
    ///
    /// # Errors
    /// The error of `make`.
    pub async fn get_or_make<T, E>(
        &self,
        kind: CacheFor,
        key: &str,
        make: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
    {
        let Some(redis) = &self.0 else { return make.await };
        let key = redis.key(&format!("cache:{}:{key}", kind.name()));
        let found = redis.get::<Vec<u8>>(&key).await;
        let count = |result| redis.metrics().shared_cache.with_label_values(&[kind.name(), result]).inc();
        match found.map(|found| found.and_then(|text| serde_json::from_slice(&text).ok())) {
            Ok(Some(cached)) => {
                count("hit");
                return Ok(cached);
            }
            Ok(None) => count("miss"),
            Err(_) => count("error"),
        }
        let made = make.await?;
        if let Ok(text) = serde_json::to_vec(&made) {
            let (redis, lasts) = (redis.clone(), kind.lasts());
            // Stored in the background.
            redis.runtime().clone().spawn(async move { redis.put(&key, &text, lasts).await });
        }
        Ok(made)
    }
}
