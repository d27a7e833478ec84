//! A TCP proxy between a replica and its database that can be interrupted.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// State of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Forwarding,
    /// Connections stay open and new ones are accepted, but no data passes, as when packets are dropped.
    Stalled,
    /// All connections are reset, including new ones.
    Resetting,
}

/// The proxy. Stops when dropped.
pub struct TcpProxy {
    pub address: SocketAddr,
    state: watch::Sender<State>,
    serving: JoinHandle<()>,
}

impl TcpProxy {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, seen) = watch::channel(State::Forwarding);
        let serving = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(connect(client, server, seen.clone()));
            }
        });
        Self { address, state, serving }
    }

    /// Stops all data without closing connections.
    pub fn cut(&self) {
        self.state.send_replace(State::Stalled);
    }

    /// Resets every connection, including new ones.
    pub fn reset(&self) {
        self.state.send_replace(State::Resetting);
    }

    /// Forwards again.
    pub fn mend(&self) {
        self.state.send_replace(State::Forwarding);
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.state.send_replace(State::Resetting);
        self.serving.abort();
    }
}

async fn connect(mut client: TcpStream, server: SocketAddr, mut state: watch::Receiver<State>) {
    let mut forwarding = state.clone();
    let forward = async {
        forwarding.wait_for(|state| *state == State::Forwarding).await.ok()?;
        let mut server = TcpStream::connect(server).await.ok()?;
        // With linger set to zero, closing sends a reset.
        let _ = client.set_zero_linger();
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        tokio::select! {
            () = copy(from_client, to_server, forwarding.clone()) => {}
            () = copy(from_server, to_client, forwarding.clone()) => {}
        }
        Some(())
    };
    tokio::select! {
        _ = forward => {}
        _ = state.wait_for(|state| *state == State::Resetting) => {}
    }
}

/// Copies until either end is closed.
async fn copy(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut state: watch::Receiver<State>,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let is_forwarding = state.wait_for(|state| *state == State::Forwarding).await.is_ok();
        if !is_forwarding || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
