//! What replicas share besides the database, and what they tell one another: through Redis, if there is one.
//!
//! Nothing here is the truth of anything, and nothing fails because of it: whoever asks gets [`RedisUnavailable`] for an answer within a
//! quarter of a second at most, and at once while Redis is known to be away.

mod bus;
mod cache;
mod link;
mod redis;
mod replica_count;

pub use bus::{Bus, BusMessage};
pub use cache::SharedCache;
pub use redis::{Redis, RedisError, RedisUnavailable, Script};
pub use replica_count::ReplicaCount;
