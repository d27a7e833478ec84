//! Answers that are dear to make, kept for all replicas.
//!
//! A key names everything that the answer depends on, the version of the data included: nothing is ever out of date, it is
//! only not asked for any more. Without Redis every answer is made anew.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::redis::Redis;

/// How long a response is stored.
const TTL: Duration = Duration::from_secs(30 * 60);

/// How metrics call what is stored: responses about one product.
const CACHE: &str = "response";

/// The cache, or none.
#[derive(Clone)]
pub struct SharedCache(Option<Redis>);

impl SharedCache {
    /// In this Redis, if there is one.
    pub fn new(redis: Option<Redis>) -> Self {
        Self(redis)
    }

    /// True when something may be kept.
    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// What was kept, or what `make` makes, which is kept then.
    ///
    /// # Errors
    /// Whatever `make` says.
    pub async fn get_or_make<T, E>(&self, key: &str, make: impl Future<Output = Result<T, E>>) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
    {
        let Some(redis) = &self.0 else { return make.await };
        let key = redis.named(&format!("cache:{CACHE}:{key}"));
        let found = redis.get::<Vec<u8>>(&key).await;
        let count = |result| redis.metrics().shared_cache.with_label_values(&[CACHE, result]).inc();
        match found.map(|found| found.and_then(|text| serde_json::from_slice(&text).ok())) {
            Ok(Some(kept)) => {
                count("hit");
                return Ok(kept);
            }
            Ok(None) => count("miss"),
            Err(_) => count("error"),
        }
        let made = make.await?;
        if let Ok(text) = serde_json::to_vec(&made) {
            let redis = redis.clone();
            // Nobody waits for it to be kept.
            redis.runtime().clone().spawn(async move { redis.put(&key, &text, TTL).await });
        }
        Ok(made)
    }
}
