//! The Redis client, with tracking of its availability.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bb8_redis::bb8;
use redis::{Cmd, FromRedisValue, RedisResult};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::connection::{Connection, ConnectionManager};
use crate::config::{RedisAddress, RedisAddressError, RedisSettings};
use crate::telemetry::Metrics;

/// How often an unavailable Redis is probed.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// Tests more than a ping does: running scripts and writing.
const PROBE: &str = "return redis.call('SET', KEYS[1], 1, 'PX', 1000)";

/// Why a subscription ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum SubscribeError {
    /// It took too long.
    #[error("no answer within the timeout")]
    Timeout,
    /// No message for too long, not even our own heartbeat.
    #[error("no messages received")]
    Silent,
    /// An error of Redis or the client.
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
}

/// Redis did not answer in time: continue without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Redis is unavailable")]
pub struct RedisUnavailable;

/// Redis cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The URL is invalid.
    #[error("redis.url: {0}")]
    Address(#[from] RedisAddressError),
    /// An error of the client; contains no password.
    #[error("redis.url: {0}")]
    Client(#[from] redis::RedisError),
}

/// A Lua script, which Redis runs atomically.
pub struct Script(redis::Script);

impl Script {
    /// From Lua source. In a cluster, all keys of one call must be in one slot: give them the same hash tag in braces.
    pub fn new(lua: &str) -> Self {
        Self(redis::Script::new(lua))
    }
}

/// A pool of connections. Cheap to clone. To be used on the shared runtime only, where its connections live.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    connection_manager: ConnectionManager,
    pool: bb8::Pool<ConnectionManager>,
    timeout: Duration,
    is_unavailable: watch::Sender<bool>,
    last_error: LastError,
    prefix: String,
    runtime: Handle,
    metrics: Arc<Metrics>,
}

/// The error of the latest connection attempt, because the pool reports only a timeout.
#[derive(Debug, Clone, Default)]
struct LastError(Arc<Mutex<Option<String>>>);

impl LastError {
    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl bb8::ErrorSink<redis::RedisError> for LastError {
    fn sink(&self, error: redis::RedisError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    }

    fn boxed_clone(&self) -> Box<dyn bb8::ErrorSink<redis::RedisError>> {
        Box::new(self.clone())
    }
}

impl Redis {
    /// A client from the settings; `None` without a URL. Opens no connection yet, and Redis may be unavailable.
    ///
    /// # Errors
    /// [`RedisError`] when the URL is invalid.
    pub fn new(settings: &RedisSettings, runtime: &Handle, metrics: Arc<Metrics>) -> Result<Option<Self>, RedisError> {
        let Some(url) = &settings.url else { return Ok(None) };
        let address: RedisAddress = url.reveal().parse()?;
        let last_error = LastError::default();
        let timeout = Duration::from_millis(settings.timeout_ms);
        let pool = bb8::Pool::builder()
            .max_size(settings.connections)
            // The command itself finds out whether a connection works.
            .test_on_check_out(false)
            .retry_connection(false)
            .error_sink(Box::new(last_error.clone()))
            .connection_timeout(timeout);
        let entered = runtime.enter();
        let pool = pool.build_unchecked(ConnectionManager::new(&address, timeout)?);
        drop(entered);
        let (is_unavailable, _) = watch::channel(false);
        let connection_manager = ConnectionManager::new(&address, timeout)?;
        let (prefix, runtime) = (settings.prefix.clone(), runtime.clone());
        Ok(Some(Self(Arc::new(Inner {
            connection_manager,
            pool,
            timeout,
            is_unavailable,
            last_error,
            prefix,
            runtime,
            metrics,
        }))))
    }

    /// A key with the prefix of this installation, because others may use the same Redis.
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.0.prefix)
    }

    /// False while Redis is known to be unavailable.
    pub fn is_there(&self) -> bool {
        !*self.0.is_unavailable.borrow()
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
        self.call(async |connection: &mut Connection| {
            script.0.prepare_invoke().key(keys).arg(arguments).invoke_async(connection).await
        })
        .await
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`RedisUnavailable`]
    pub async fn get<T: FromRedisValue>(&self, key: &str) -> Result<Option<T>, RedisUnavailable> {
        self.call(async |connection: &mut Connection| Cmd::get(key).query_async(connection).await).await
    }

    /// Sets a key with a time to live.
    ///
    /// # Errors
    /// [`RedisUnavailable`]
    pub async fn put(&self, key: &str, value: &[u8], lasts: Duration) -> Result<(), RedisUnavailable> {
        let secs = lasts.as_secs().max(1);
        self.call(async |connection: &mut Connection| Cmd::set_ex(key, value, secs).query_async(connection).await).await
    }

    /// Publishes to a channel.
    pub(super) async fn publish(&self, channel: &str, text: &str) -> Result<(), RedisUnavailable> {
        self.call(async |connection: &mut Connection| Cmd::publish(channel, text).query_async(connection).await).await
    }

    /// A new subscription to a channel.
    pub(super) async fn subscribe(&self, channel: &str, attempt: usize) -> Result<redis::aio::PubSub, SubscribeError> {
        let subscribed = async {
            let mut pubsub = self.0.connection_manager.subscriber_client(attempt).await?.get_async_pubsub().await?;
            pubsub.subscribe(channel).await?;
            RedisResult::Ok(pubsub)
        };
        let in_time = tokio::time::timeout(self.0.timeout.saturating_mul(4), subscribed).await;
        Ok(in_time.map_err(|_| SubscribeError::Timeout)??)
    }

    /// Resolves when Redis becomes unavailable.
    pub(super) async fn unavailable(&self) {
        let _ = self.0.is_unavailable.subscribe().wait_for(|is_unavailable| *is_unavailable).await;
    }

    /// Resolves when Redis is not known to be unavailable.
    pub(super) async fn available(&self) {
        let _ = self.0.is_unavailable.subscribe().wait_for(|is_unavailable| !*is_unavailable).await;
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    async fn call<T>(
        &self,
        command: impl AsyncFnOnce(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, RedisUnavailable> {
        if !self.is_there() {
            return Err(RedisUnavailable);
        }
        tokio::select! {
            answer = self.try_call(command) => answer.map_err(|reason| {
                self.mark_unavailable(&reason);
                RedisUnavailable
            }),
            // Another call found Redis unavailable: do not wait any longer.
            () = self.unavailable() => Err(RedisUnavailable),
        }
    }

    async fn try_call<T>(&self, command: impl AsyncFnOnce(&mut Connection) -> RedisResult<T>) -> Result<T, String> {
        let reply = async {
            let mut connection = self.0.pool.get().await.map_err(|error| error.to_string())?;
            // Broken until the command completes: after a cancellation the reply is still in transit.
            connection.is_broken = true;
            let answer = command(&mut connection).await.map_err(|error| error.to_string())?;
            connection.is_broken = false;
            Ok(answer)
        };
        match tokio::time::timeout(self.0.timeout, reply).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(reason)) => Err(self.0.last_error.take().unwrap_or(reason)),
            Err(_) => Err(self.0.last_error.take().unwrap_or_else(|| "no answer within the timeout".to_owned())),
        }
    }

    fn mark_unavailable(&self, reason: &str) {
        if self.0.is_unavailable.send_replace(true) {
            return;
        }
        self.0.metrics.redis_fallback.set(1);
        tracing::warn!(reason, "Redis unavailable; using local rate limits");
        let redis = self.clone();
        self.0.runtime.spawn(async move { redis.probe_until_available().await });
    }

    /// Makes one attempt to reach Redis, run a script and write, whatever is known of its availability.
    ///
    /// # Errors
    /// The reason.
    pub async fn check(&self) -> Result<(), String> {
        let script = redis::Script::new(PROBE);
        let key = self.key("probe");
        self.try_call(async |connection: &mut Connection| {
            // In a cluster, this is sent to every node.
            Cmd::ping().query_async::<()>(connection).await?;
            script.prepare_invoke().key(&key).invoke_async::<()>(connection).await
        })
        .await
    }

    async fn probe_until_available(&self) {
        loop {
            tokio::time::sleep(PROBE_INTERVAL).await;
            if self.check().await.is_ok() {
                break;
            }
        }
        self.0.metrics.redis_fallback.set(0);
        self.0.is_unavailable.send_replace(false);
        tracing::info!("Redis available again");
    }
}
