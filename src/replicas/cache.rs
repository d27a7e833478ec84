//! A cache of expensive results, shared by all replicas.
//!
//! A key contains everything that the result depends on, including the version of the data, so entries are never stale;
//! they only stop being requested. Without Redis, every result is computed.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::redis::Redis;

/// Time to live.
const TTL: Duration = Duration::from_secs(30 * 60);

/// The label of the cache in metrics: results for one product.
const CACHE: &str = "response";

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
    pub async fn get_or_make<T, E>(&self, key: &str, make: impl Future<Output = Result<T, E>>) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
    {
        let Some(redis) = &self.0 else { return make.await };
        let key = redis.key(&format!("cache:{CACHE}:{key}"));
        let found = redis.get::<Vec<u8>>(&key).await;
        let count = |result| redis.metrics().shared_cache.with_label_values(&[CACHE, result]).inc();
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
            let redis = redis.clone();
            // Stored in the background.
            redis.runtime().clone().spawn(async move { redis.put(&key, &text, TTL).await });
        }
        Ok(made)
    }
}
