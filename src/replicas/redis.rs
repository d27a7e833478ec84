//! Redis, as everybody in the house knows it: there, or away.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bb8_redis::bb8;
use redis::{Cmd, FromRedisValue, RedisResult};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::link::{Link, Maker};
use crate::config::{RedisAddress, RedisAddressError, RedisSettings};
use crate::telemetry::Metrics;

/// While Redis is away, so often is looked whether it is back.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is asked of Redis needs more than an answer to a ping: to run scripts, and to write.
const PROBE: &str = "return redis.call('SET', KEYS[1], 1, 'PX', 1000)";

/// Why nobody is heard.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListenError {
    /// It took too long.
    #[error("it does not answer in time")]
    Late,
    /// Nothing was heard for too long, not even ourselves.
    #[error("nothing is heard any more")]
    Silent,
    /// What Redis or the client said.
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
}

/// Redis did not answer, or not in time: go on without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Redis is away")]
pub struct RedisUnavailable;

/// Redis cannot be used as it is set.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The URL cannot be read.
    #[error("redis.url: {0}")]
    Address(#[from] RedisAddressError),
    /// What the client says of it; it names no password.
    #[error("redis.url: {0}")]
    Client(#[from] redis::RedisError),
}

/// Something that Redis does in one step, however many ask at once.
pub struct Script(redis::Script);

impl Script {
    /// In the language of Redis. All keys of one call must lie in one slot: give them the same part in braces.
    pub fn new(lua: &str) -> Self {
        Self(redis::Script::new(lua))
    }
}

/// The way to Redis. Cheap to clone. Use it on the shared runtime only: that is where its connections live.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    maker: Maker,
    pool: bb8::Pool<Maker>,
    timeout: Duration,
    is_away: watch::Sender<bool>,
    why: Why,
    prefix: String,
    runtime: Handle,
    metrics: Arc<Metrics>,
}

/// Why the latest connection could not be made: whoever waits for one is told nothing but that there is none.
#[derive(Debug, Clone, Default)]
struct Why(Arc<Mutex<Option<String>>>);

impl Why {
    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl bb8::ErrorSink<redis::RedisError> for Why {
    fn sink(&self, error: redis::RedisError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    }

    fn boxed_clone(&self) -> Box<dyn bb8::ErrorSink<redis::RedisError>> {
        Box::new(self.clone())
    }
}

impl Redis {
    /// As the settings say; `None`: they name none. Nothing is connected yet, and Redis need not be there.
    ///
    /// # Errors
    /// [`RedisError`] when the URL cannot be used.
    pub fn new(settings: &RedisSettings, runtime: &Handle, metrics: Arc<Metrics>) -> Result<Option<Self>, RedisError> {
        let Some(url) = &settings.url else { return Ok(None) };
        let address: RedisAddress = url.reveal().parse()?;
        let why = Why::default();
        let timeout = Duration::from_millis(settings.timeout_ms);
        let pool = bb8::Pool::builder()
            .max_size(settings.connections)
            // The question itself finds out whether a connection is good.
            .test_on_check_out(false)
            .retry_connection(false)
            .error_sink(Box::new(why.clone()))
            .connection_timeout(timeout);
        let entered = runtime.enter();
        let pool = pool.build_unchecked(Maker::new(&address, timeout)?);
        drop(entered);
        let (is_away, _) = watch::channel(false);
        let maker = Maker::new(&address, timeout)?;
        let (prefix, runtime) = (settings.prefix.clone(), runtime.clone());
        Ok(Some(Self(Arc::new(Inner { maker, pool, timeout, is_away, why, prefix, runtime, metrics }))))
    }

    /// The name of something of this installation: others may use the same Redis.
    pub fn named(&self, what: &str) -> String {
        format!("{}:{what}", self.0.prefix)
    }

    /// False while it is known to be away.
    pub fn is_there(&self) -> bool {
        !*self.0.is_away.borrow()
    }

    /// Runs a script.
    ///
    /// # Errors
    /// [`RedisUnavailable`]
    pub async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[&str],
    ) -> Result<T, RedisUnavailable> {
        self.ask(async |link: &mut Link| script.0.prepare_invoke().key(keys).arg(arguments).invoke_async(link).await)
            .await
    }

    /// What stands under a key.
    ///
    /// # Errors
    /// [`RedisUnavailable`]
    pub async fn get<T: FromRedisValue>(&self, key: &str) -> Result<Option<T>, RedisUnavailable> {
        self.ask(async |link: &mut Link| Cmd::get(key).query_async(link).await).await
    }

    /// Puts something under a key for a while.
    ///
    /// # Errors
    /// [`RedisUnavailable`]
    pub async fn put(&self, key: &str, value: &[u8], lasts: Duration) -> Result<(), RedisUnavailable> {
        let secs = lasts.as_secs().max(1);
        self.ask(async |link: &mut Link| Cmd::set_ex(key, value, secs).query_async(link).await).await
    }

    /// Says something to everybody who listens at a channel.
    pub(super) async fn publish(&self, channel: &str, text: &str) -> Result<(), RedisUnavailable> {
        self.ask(async |link: &mut Link| Cmd::publish(channel, text).query_async(link).await).await
    }

    /// A way to listen, made anew at each attempt.
    pub(super) async fn listen(&self, channel: &str, attempt: usize) -> Result<redis::aio::PubSub, ListenError> {
        let subscribed = async {
            let mut pubsub = self.0.maker.listener(attempt).await?.get_async_pubsub().await?;
            pubsub.subscribe(channel).await?;
            RedisResult::Ok(pubsub)
        };
        let in_time = tokio::time::timeout(self.0.timeout.saturating_mul(4), subscribed).await;
        Ok(in_time.map_err(|_| ListenError::Late)??)
    }

    /// Resolves when Redis is found to be away.
    pub(super) async fn gone(&self) {
        let _ = self.0.is_away.subscribe().wait_for(|is_away| *is_away).await;
    }

    /// Resolves when Redis is not known to be away.
    pub(super) async fn back(&self) {
        let _ = self.0.is_away.subscribe().wait_for(|is_away| !*is_away).await;
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    async fn ask<T>(&self, question: impl AsyncFnOnce(&mut Link) -> RedisResult<T>) -> Result<T, RedisUnavailable> {
        if !self.is_there() {
            return Err(RedisUnavailable);
        }
        tokio::select! {
            answer = self.try_ask(question) => answer.map_err(|reason| {
                self.found_away(&reason);
                RedisUnavailable
            }),
            // Somebody else has found out: nobody goes on waiting.
            () = self.gone() => Err(RedisUnavailable),
        }
    }

    async fn try_ask<T>(&self, question: impl AsyncFnOnce(&mut Link) -> RedisResult<T>) -> Result<T, String> {
        let asked = async {
            let mut link = self.0.pool.get().await.map_err(|error| error.to_string())?;
            // Broken unless it is known better: whoever stops waiting half-way leaves an answer on its way.
            link.is_broken = true;
            let answer = question(&mut link).await.map_err(|error| error.to_string())?;
            link.is_broken = false;
            Ok(answer)
        };
        match tokio::time::timeout(self.0.timeout, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(reason)) => Err(self.0.why.take().unwrap_or(reason)),
            Err(_) => Err(self.0.why.take().unwrap_or_else(|| "it does not answer in time".to_owned())),
        }
    }

    fn found_away(&self, reason: &str) {
        if self.0.is_away.send_replace(true) {
            return;
        }
        self.0.metrics.redis_fallback.set(1);
        tracing::warn!(reason, "Redis is away: limits are kept by this process alone until it is back");
        let redis = self.clone();
        self.0.runtime.spawn(async move { redis.await_return().await });
    }

    async fn await_return(&self) {
        let script = redis::Script::new(PROBE);
        let key = self.named("probe");
        let is_well = async |link: &mut Link| {
            // Of a cluster every node answers this.
            Cmd::ping().query_async::<()>(link).await?;
            script.prepare_invoke().key(&key).invoke_async::<()>(link).await
        };
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.try_ask(is_well).await.is_ok() {
                break;
            }
        }
        self.0.metrics.redis_fallback.set(0);
        self.0.is_away.send_replace(false);
        tracing::info!("Redis is back");
    }
}
