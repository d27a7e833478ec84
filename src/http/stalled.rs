//! Ends connections whose clients read nothing of a long response.
//!
//! The kernel does it too (`TCP_USER_TIMEOUT`), but not while a client sends something: once the client's window is closed, each of its
//! packets puts the timer of the probes off (tcp(7); `tcp_ack_probe` in Linux).

use std::any::Any;
use std::cell::Cell;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use actix_web::{HttpRequest, rt};
use futures_util::Stream;
use rustix::net::{Shutdown, shutdown};

/// A handle of the connection of a request.
struct Connection(Arc<OwnedFd>);

/// Keeps a handle of each new connection.
pub(super) fn remember(io: &dyn Any, data: &mut Extensions) {
    let handle = io.downcast_ref::<TcpStream>().and_then(|connection| connection.as_fd().try_clone_to_owned().ok());
    if let Some(handle) = handle {
        data.insert(Connection(Arc::new(handle)));
    }
}

/// The parts of a response. If the connection takes none for so long although there is one, it is ended.
pub(super) fn watched<S: Stream + Unpin>(request: &HttpRequest, patience: Duration, parts: S) -> Watched<S> {
    let waiting_since = Rc::new(Cell::new(None));
    if let Some(Connection(handle)) = request.conn_data::<Connection>() {
        let (handle, watched) = (Arc::clone(handle), Rc::downgrade(&waiting_since));
        rt::spawn(async move {
            // Until the response has been taken, or the connection is gone.
            while let Some(waiting_since) = watched.upgrade() {
                let waited = waiting_since.get().map_or(Duration::ZERO, |since: Instant| since.elapsed());
                drop(waiting_since);
                if waited >= patience {
                    tracing::info!("a connection was ended whose client reads nothing");
                    let _ = shutdown(&handle, Shutdown::Both);
                    return;
                }
                rt::time::sleep(patience.saturating_sub(waited)).await;
            }
        });
    }
    Watched { parts, waiting_since }
}

/// See [`watched`].
pub(super) struct Watched<S> {
    parts: S,
    /// Since when the connection has not come for the next part; `None`: there is none yet.
    waiting_since: Rc<Cell<Option<Instant>>>,
}

impl<S: Stream + Unpin> Stream for Watched<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let polled = Pin::new(&mut self.parts).poll_next(context);
        self.waiting_since.set(polled.is_ready().then(Instant::now));
        polled
    }
}
