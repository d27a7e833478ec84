//! A server of bytes: what it answers is up to the test, well-formed or not.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server does with one request.
pub enum Answer {
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Sends these bytes and then the same piece again and again, for as long as somebody listens.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends these bytes and then nothing, and keeps the connection open.
    Silence(Vec<u8>),
}

/// A server on loopback that notes what it is asked.
pub struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers the request number `n`, from 0, by `answer(n)`.
    pub async fn start(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer) = (Arc::clone(&requests), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                tokio::spawn(async move { serve(stream, &noted, &*answer).await });
            }
        });
        Self { port, requests }
    }

    /// Answers every request alike.
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

async fn serve(mut stream: TcpStream, noted: &Mutex<Vec<String>>, answer: &(dyn Fn(usize) -> Answer + Send + Sync)) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let number = {
        let mut noted = noted.lock().unwrap();
        noted.push(String::from_utf8_lossy(&head).to_lowercase());
        noted.len() - 1
    };
    match answer(number) {
        Answer::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Answer::Endless(start, piece) => {
            let _ = stream.write_all(&start).await;
            while stream.write_all(&piece).await.is_ok() {}
        }
        Answer::Silence(start) => {
            let _ = stream.write_all(&start).await;
            std::future::pending::<()>().await;
        }
    }
    let _ = stream.shutdown().await;
}

/// An answer with a body that ends with the connection.
pub fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nConnection: close\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}
