//! Supervised actors with bounded inboxes: the only code that names the crate `actix`. It knows nothing of products.
//!
//! What the crate does not give is made here. A panic is an [`Exit`] that the supervisor sees, and the actor is rebuilt by
//! its factory ([`supervise()`]). An inbox has a real bound, hands a message back when it is full, and outlives its actor
//! together with its queue: while an actor is rebuilt its messages wait, and only the message that it panicked on is gone
//! ([`Inbox`]). A busy actor lets its neighbours run. Entities are started by their first message and retired when idle
//! ([`Shards`]). All sockets live on one runtime ([`run`]).

mod actor;
mod envelope;
mod inbox;
mod shard;
mod supervise;
mod threads;

pub use actor::{Actor, Cx};
pub use envelope::{AskError, Reply, Slot, TrySendError};
pub use inbox::Inbox;
pub use shard::{Entity, ShardPolicy, ShardView, Shards};
pub use supervise::{Budget, Exit, Supervision, supervise};
pub use threads::{ActorThread, ThreadSettings, Threads, run};
