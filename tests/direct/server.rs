//! A TCP server whose responses are raw bytes chosen by the test, valid HTTP or not.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The response to one request.
pub enum Answer {
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Sends the first bytes and then repeats the second ones until the client disconnects.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends these bytes and then keeps the connection open without sending more.
    Stall(Vec<u8>),
}

/// A server on the loopback interface that records its requests.
pub struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Responds to request number `n`, from 0, with `answer(n)`.
    pub async fn start(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (recorded, answer) = (Arc::clone(&requests), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (recorded, answer) = (Arc::clone(&recorded), Arc::clone(&answer));
                tokio::spawn(async move { serve(stream, &recorded, &*answer).await });
            }
        });
        Self { port, requests }
    }

    /// Sends the same response to every request.
    pub async fn always(answer: Vec<u8>) -> Self {
        Self::start(move |_| Answer::Bytes(answer.clone())).await
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The heads of all requests so far, in lower case.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, recorded: &Mutex<Vec<String>>, answer: &(dyn Fn(usize) -> Answer + Send + Sync)) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let number = {
        let mut recorded = recorded.lock().unwrap();
        recorded.push(String::from_utf8_lossy(&head).to_lowercase());
        recorded.len() - 1
    };
    match answer(number) {
        Answer::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Answer::Endless(start, piece) => {
            let _ = stream.write_all(&start).await;
            while stream.write_all(&piece).await.is_ok() {}
        }
        Answer::Stall(start) => {
            let _ = stream.write_all(&start).await;
            std::future::pending::<()>().await;
        }
    }
    let _ = stream.shutdown().await;
}

/// A response whose body ends when the connection closes.
pub fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nConnection: close\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}
