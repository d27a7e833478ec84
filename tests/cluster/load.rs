//! Clients that use the API during a fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fixture::Fixture;
use crate::{SOON, eventually};

const CLIENTS: usize = 4;
/// Pause between two requests of one client.
const PAUSE: Duration = Duration::from_millis(20);

/// Read and write requests through the reverse proxy, until stopped.
pub struct Load {
    stop: watch::Sender<bool>,
    clients: Vec<JoinHandle<Vec<String>>>,
    requests: Arc<AtomicUsize>,
}

impl Load {
    pub async fn start(fixture: &Fixture) -> Self {
        let (stop, stopped) = watch::channel(false);
        let products: Vec<_> = fixture.products().await.into_iter().map(|product| product["id"].clone()).collect();
        let requests = Arc::new(AtomicUsize::new(0));
        let client_task = |_| {
            let (client, key, products) = (fixture.client.clone(), fixture.key.clone(), products.clone());
            let (crawl, product) = (fixture.proxy.url("/api/v1/crawl"), fixture.proxy.url("/api/v1/products"));
            let (stopped, requests) = (stopped.clone(), Arc::clone(&requests));
            tokio::spawn(async move {
                let mut problems = Vec::new();
                for n in 0.. {
                    if *stopped.borrow() {
                        break;
                    }
                    let id = &products[n % products.len()];
                    let (request, expected) = match n % 4 {
                        0 => (client.post(&crawl).json(&json!({ "product_ids": [id] })), 202),
                        1 => (client.get(&product), 200),
                        2 => (client.get(format!("{product}/{}", id.as_str().unwrap())), 200),
                        _ => (client.get(format!("{product}/{}/price-history", id.as_str().unwrap())), 200),
                    };
                    let began_at = Instant::now();
                    match request.bearer_auth(&key).send().await {
                        Ok(answer) if answer.status() == expected => {}
                        Ok(answer) => {
                            let status = answer.status();
                            let text = answer.text().await.unwrap_or_default();
                            problems.push(format!("{} after {:?}: {status} {text}", n % 4, began_at.elapsed()));
                        }
                        Err(error) => {
                            problems.push(format!("{} after {:?}: {error:?}", n % 4, began_at.elapsed()));
                        }
                    }
                    requests.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE).await;
                }
                problems
            })
        };
        Self { clients: (0..CLIENTS).map(client_task).collect(), stop, requests }
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Waits until a hundred more requests were answered, or went wrong.
    pub async fn continues(&self) {
        let until = self.requests() + 100;
        eventually("clients use the API", SOON, async || self.requests() >= until).await;
    }

    /// What went wrong with requests.
    pub async fn stop(self) -> Vec<String> {
        self.stop.send_replace(true);
        let mut problems = Vec::new();
        for client_task in self.clients {
            problems.extend(client_task.await.unwrap());
        }
        println!("{} requests, {} problems", self.requests.load(Ordering::Relaxed), problems.len());
        problems
    }
}
