//! People who use the API while something happens to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fixture::Fixture;
use crate::{SOON, eventually};

const PEOPLE: usize = 4;
/// Between two requests of one of them.
const PAUSE: Duration = Duration::from_millis(20);

/// Requests through the reverse proxy, reading and writing ones, until it is told to stop.
pub struct Load {
    stop: watch::Sender<bool>,
    people: Vec<JoinHandle<Vec<String>>>,
    asked: Arc<AtomicUsize>,
}

impl Load {
    pub async fn start(fixture: &Fixture) -> Self {
        let (stop, stopped) = watch::channel(false);
        let products: Vec<_> = fixture.products().await.into_iter().map(|product| product["id"].clone()).collect();
        let asked = Arc::new(AtomicUsize::new(0));
        let person = |_| {
            let (client, key, products) = (fixture.client.clone(), fixture.key.clone(), products.clone());
            let (crawl, product) = (fixture.front.url("/api/v1/crawl"), fixture.front.url("/api/v1/products"));
            let (stopped, asked) = (stopped.clone(), Arc::clone(&asked));
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
                    asked.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE).await;
                }
                problems
            })
        };
        Self { people: (0..PEOPLE).map(person).collect(), stop, asked }
    }

    /// Requests so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Waits until a hundred more requests were answered, or went wrong.
    pub async fn goes_on(&self) {
        let until = self.asked() + 100;
        eventually("people use the API", SOON, async || self.asked() >= until).await;
    }

    /// What went wrong with requests.
    pub async fn stop(self) -> Vec<String> {
        self.stop.send_replace(true);
        let mut problems = Vec::new();
        for person in self.people {
            problems.extend(person.await.unwrap());
        }
        println!("{} requests, {} problems", self.asked.load(Ordering::Relaxed), problems.len());
        problems
    }
}
