//! State that replicas share through Redis, in addition to the database, and messages between replicas.
//!
//! Redis is optional and never the source of truth. When it is unavailable, calls return [`RedisUnavailable`]: within
//! the timeout at first, and immediately while it is known to be unavailable.

mod bus;
mod cache;
mod connection;
mod redis;
mod replica_count;

pub use bus::{Bus, BusMessage};
pub use cache::SharedCache;
pub use redis::{Redis, RedisError, RedisUnavailable, Script};
pub use replica_count::ReplicaCount;
