//! A receiver of messages for channels of several kinds. It records every attempt, whatever it answers.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::SOON;

/// Longer than a sender waits.
const HANG: Duration = Duration::from_secs(10);

/// How the receiver treats messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Works,
    /// Answers 500.
    Fails,
    /// Now and then it answers 500 or 429, or does not answer in time.
    FailsNowAndThen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Accepted,
    Error,
    Limited,
    Late,
}

/// One attempt as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub path: String,
    /// The id of the message. Only webhooks have one.
    pub id: Option<String>,
    pub body: Value,
    answer: Answer,
}

impl Attempt {
    pub fn is_accepted(&self) -> bool {
        self.answer == Answer::Accepted
    }
}

struct Inside {
    mood: watch::Sender<Mood>,
    attempts: watch::Sender<Vec<Attempt>>,
}

/// The receiver. Stops when dropped.
pub struct MessageReceiver {
    address: SocketAddr,
    inside: Arc<Inside>,
    serving: JoinHandle<()>,
}

impl MessageReceiver {
    pub fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Inside { mood: watch::Sender::new(mood), attempts: watch::Sender::default() });
        let shared = Data::from(Arc::clone(&inside));
        let app = move || App::new().app_data(shared.clone()).default_service(web::to(take));
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
        Self { address, inside, serving: tokio::spawn(async move { server.await.unwrap() }) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn be(&self, mood: Mood) {
        self.inside.mood.send_replace(mood);
    }

    /// All attempts, in order.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.inside.attempts.borrow().clone()
    }

    /// Waits until there were this many attempts.
    pub async fn attempted(&self, count: usize) {
        let mut attempts = self.inside.attempts.subscribe();
        let received = attempts.wait_for(|attempts| attempts.len() >= count);
        let in_time = tokio::time::timeout(SOON, received).await.is_ok();
        assert!(in_time, "only {} of {count} attempts within {SOON:?}", self.attempts().len());
    }
}

impl Drop for MessageReceiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(inside: Data<Inside>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let id = request.headers().get("webhook-id").map(|id| id.to_str().unwrap().to_owned());
    let (path, body) = (request.path().to_owned(), serde_json::from_slice(&body).unwrap());
    let mut attempt = Attempt { path, id, body, answer: Answer::Accepted };
    let mood = *inside.mood.borrow();
    inside.attempts.send_modify(|attempts| {
        attempt.answer = answer_to(&attempt, attempts, mood);
        attempts.push(attempt.clone());
    });
    match attempt.answer {
        Answer::Accepted => HttpResponse::Ok().finish(),
        Answer::Error => HttpResponse::InternalServerError().finish(),
        Answer::Limited => HttpResponse::TooManyRequests().insert_header(("retry-after", "1")).finish(),
        Answer::Late => {
            tokio::time::sleep(HANG).await;
            HttpResponse::Ok().finish()
        }
    }
}

/// Each kind of trouble comes every so many attempts of a channel.
fn answer_to(attempt: &Attempt, earlier: &[Attempt], mood: Mood) -> Answer {
    let of_channel = earlier.iter().filter(|other| other.path == attempt.path).count();
    match (mood, of_channel % 24) {
        (Mood::Works, _) => Answer::Accepted,
        (Mood::Fails, _) => Answer::Error,
        (Mood::FailsNowAndThen, 3 | 11) => Answer::Error,
        (Mood::FailsNowAndThen, 7) => Answer::Limited,
        (Mood::FailsNowAndThen, 19) => Answer::Late,
        (Mood::FailsNowAndThen, _) => Answer::Accepted,
    }
}
