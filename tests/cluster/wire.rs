//! A wire between a replica and its database that can be cut.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the wire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    /// Connections stay and new ones are taken, but nothing passes: as when packets are dropped.
    Silent,
    /// Connections are reset, new ones at once.
    Broken,
}

/// See the module. Stops when dropped.
pub struct Wire {
    pub address: SocketAddr,
    state: watch::Sender<State>,
    serving: JoinHandle<()>,
}

impl Wire {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, seen) = watch::channel(State::Whole);
        let serving = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(connect(client, server, seen.clone()));
            }
        });
        Self { address, state, serving }
    }

    /// Nothing passes any more, and nobody is told.
    pub fn cut(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Every connection is reset, and so is each new one.
    pub fn reset(&self) {
        self.state.send_replace(State::Broken);
    }

    /// As before.
    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.state.send_replace(State::Broken);
        self.serving.abort();
    }
}

async fn connect(mut client: TcpStream, server: SocketAddr, mut state: watch::Receiver<State>) {
    let mut passing = state.clone();
    let pass = async {
        passing.wait_for(|state| *state == State::Whole).await.ok()?;
        let mut server = TcpStream::connect(server).await.ok()?;
        // With nothing to linger for, closing is a reset.
        let _ = client.set_zero_linger();
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        tokio::select! {
            () = carry(from_client, to_server, passing.clone()) => {}
            () = carry(from_server, to_client, passing.clone()) => {}
        }
        Some(())
    };
    tokio::select! {
        _ = pass => {}
        _ = state.wait_for(|state| *state == State::Broken) => {}
    }
}

/// Until either end is closed.
async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut state: watch::Receiver<State>,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let is_whole = state.wait_for(|state| *state == State::Whole).await.is_ok();
        if !is_whole || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
