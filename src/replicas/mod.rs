//! What replicas share besides the database, and what they tell one another: through Redis, if there is one.
//!
//! Nothing here is the truth of anything, and nothing fails because of it: whoever asks gets [`Away`] for an answer within a
//! quarter of a second at most, and at once while Redis is known to be away.

mod bus;
mod cache;
mod census;
mod link;
mod redis;

pub use bus::{Bus, Notice};
pub use cache::{CacheFor, SharedCache};
pub use census::Census;
pub use redis::{Away, Redis, RedisError, Script};
