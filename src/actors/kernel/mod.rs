//! Supervised actors with bounded inboxes: the only code that names the crate `actix`. It knows nothing of products.
//!
//! What the crate does not give is made here: a panic is an [`Exit`] that somebody sees ([`supervise()`]); an inbox has a
//! real bound and hands a message back when it is full ([`Inbox`]); an actor that keeps busy lets its neighbours run;
//! entities are started by their first message and retired when idle ([`Shards`]); all sockets live on one runtime
//! ([`run`]). The queue of an actor dies with it, which is safe only because work lives in the store, under a lease, and
//! because whoever asks can ask again.

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
