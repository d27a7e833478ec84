//! The overhead of the actor kernel: an inbox compared to a bare channel, and an entity compared to a bare actor.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use amazon_tracker::actors::decide::CrawlPolicy;
use amazon_tracker::actors::kernel::{
    Actor, Budget, Cx, Inbox, Reply, ShardPolicy, Shards, Supervision, ThreadSettings, Threads, TrySendError,
    run as run_threads, supervise,
};
use amazon_tracker::actors::tracker::{ProductTracker, TrackerMessage, TrackerTools, Trackers};
use amazon_tracker::config::CrawlSettings;
use amazon_tracker::domain::ListingId;
use amazon_tracker::telemetry::Metrics;
use tokio::sync::{mpsc, oneshot};

use crate::rivals;
use crate::table::{Table, Target, median, per_second};

const MESSAGES: usize = 1_000_000;
const REQUESTS: usize = 100_000;
const ROUNDS: usize = 3;
const CAPACITY: usize = 1024;
const TRACKERS: u32 = 1_000_000;

/// Measures inboxes in this process, and memory in separate processes.
pub fn run(table: &mut Table) {
    let metrics = Arc::new(Metrics::new());
    let settings = ThreadSettings { workers: 2, shards: 1 };
    let rates = run_threads(settings, &metrics, {
        let metrics = Arc::clone(&metrics);
        async move |threads| {
            let inbox = supervise(threads.singletons(), || Counter(0), supervision(&metrics));
            // From the shared runtime, like all senders.
            threads.runtime().spawn(rates(inbox)).await.unwrap()
        }
    })
    .unwrap();
    let rival = "bare tokio::mpsc to another thread";
    table.add("inbox: one-way messages", "/s", rates.messages, (rival, rates.mpsc_messages), Target::None);
    table.add("inbox: sequential requests", "/s", rates.requests, (rival, rates.mpsc_requests), Target::None);
    let [tracker, bare] = [TRACKER, BARE_ACTOR].map(|kind| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let bytes = rivals::output(command.args([BYTES_OF, kind]));
        bytes.trim().parse::<f64>().expect("a number of bytes")
    });
    table.add("memory per tracker, 1 M resident", "bytes", tracker, ("bare actix actor", bare), Target::None);
}

struct Counter(u64);

enum CounterMessage {
    Count,
    HowMany(Reply<u64>),
}

impl Actor for Counter {
    type Message = CounterMessage;
    const KIND: &'static str = "counter";
    const CAPACITY: usize = CAPACITY;
    const MESSAGES: &'static [&'static str] = &["count", "how_many"];

    fn name_of(message: &CounterMessage) -> &'static str {
        match message {
            CounterMessage::Count => "count",
            CounterMessage::HowMany(_) => "how_many",
        }
    }

    fn handle(&mut self, message: CounterMessage, _cx: &mut Cx<'_, Self>) {
        match message {
            CounterMessage::Count => self.0 += 1,
            CounterMessage::HowMany(reply) => reply.send(self.0),
        }
    }
}

fn supervision(metrics: &Metrics) -> Supervision {
    Supervision {
        metrics: metrics.kind(Counter::KIND, Counter::MESSAGES),
        budget: Budget::default(),
        first_pause: Duration::from_secs(1),
        give_up: Box::new(|kind| panic!("{kind} exceeded its restart budget")),
    }
}

struct Rates {
    messages: f64,
    requests: f64,
    mpsc_messages: f64,
    mpsc_requests: f64,
}

async fn rates(inbox: Inbox<Counter>) -> Rates {
    let (mut ours, mut rivals) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for _ in 0..ROUNDS {
        ours.0.push(messages(&inbox).await);
        ours.1.push(requests(&inbox).await);
        rivals.0.push(mpsc_messages().await);
        rivals.1.push(mpsc_requests().await);
    }
    Rates {
        messages: median(ours.0),
        requests: median(ours.1),
        mpsc_messages: median(rivals.0),
        mpsc_requests: median(rivals.1),
    }
}

async fn how_many(inbox: &Inbox<Counter>) -> u64 {
    inbox.ask(Instant::now() + Duration::from_secs(60), CounterMessage::HowMany).await.expect("a reply within a minute")
}

async fn messages(inbox: &Inbox<Counter>) -> f64 {
    let before = how_many(inbox).await;
    let started_at = Instant::now();
    for _ in 0..MESSAGES {
        while let Err(TrySendError::Busy(_)) = inbox.try_send(CounterMessage::Count) {
            tokio::task::yield_now().await;
        }
    }
    while how_many(inbox).await < before + MESSAGES as u64 {}
    per_second(MESSAGES, started_at.elapsed())
}

async fn requests(inbox: &Inbox<Counter>) -> f64 {
    let started_at = Instant::now();
    for _ in 0..REQUESTS {
        how_many(inbox).await;
    }
    per_second(REQUESTS, started_at.elapsed())
}

enum Bare {
    Count,
    HowMany(oneshot::Sender<u64>),
}

/// Runs on its own thread, like an actor: waking another thread is most of the cost of a request.
fn bare_counter() -> mpsc::Sender<Bare> {
    let (sender, mut receiver) = mpsc::channel(CAPACITY);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let mut count = 0;
            while let Some(message) = receiver.recv().await {
                match message {
                    Bare::Count => count += 1,
                    Bare::HowMany(reply) => drop(reply.send(count)),
                }
            }
        });
    });
    sender
}

async fn ask_bare(sender: &mpsc::Sender<Bare>) -> u64 {
    let (reply, answer) = oneshot::channel();
    assert!(sender.send(Bare::HowMany(reply)).await.is_ok(), "the counter lives");
    answer.await.expect("the counter answers")
}

async fn mpsc_messages() -> f64 {
    let sender = bare_counter();
    let started_at = Instant::now();
    for _ in 0..MESSAGES {
        assert!(sender.send(Bare::Count).await.is_ok(), "the counter lives");
    }
    assert_eq!(ask_bare(&sender).await, MESSAGES as u64);
    per_second(MESSAGES, started_at.elapsed())
}

async fn mpsc_requests() -> f64 {
    let sender = bare_counter();
    let started_at = Instant::now();
    for _ in 0..REQUESTS {
        ask_bare(&sender).await;
    }
    per_second(REQUESTS, started_at.elapsed())
}

/// Argument: measure the memory of one kind of actor.
pub const BYTES_OF: &str = "--bytes-of";
const TRACKER: &str = "tracker";
const BARE_ACTOR: &str = "bare-actor";

/// Starts a million actors of one kind and prints the memory growth per actor, in bytes.
pub fn print_bytes_of(kind: &str) {
    let metrics = Arc::new(Metrics::new());
    let settings = ThreadSettings { workers: 1, shards: 1 };
    let of_trackers = kind == TRACKER;
    let bytes = run_threads(settings, &metrics, {
        let metrics = Arc::clone(&metrics);
        async move |threads| {
            if of_trackers { bytes_of_trackers(threads, &metrics).await } else { bytes_of_bare_actors().await }
        }
    });
    println!("{}", bytes.unwrap());
}

fn rss_bytes() -> f64 {
    rivals::rss_kb(std::process::id()) as f64 * 1024.0
}

async fn bytes_of_trackers(threads: Threads, metrics: &Arc<Metrics>) -> f64 {
    let trackers = trackers(&threads, metrics);
    let ask = async |number: u32| {
        let deadline = Instant::now() + Duration::from_secs(60);
        trackers.ask(ListingId(number.into()), deadline, TrackerMessage::Peek).await.expect("a reply within a minute")
    };
    ask(0).await;
    let before = rss_bytes();
    for number in 1..=TRACKERS {
        ask(number).await;
    }
    let views = trackers.observe(Duration::from_secs(60)).await;
    assert_eq!(views.iter().map(|view| view.resident).sum::<usize>(), TRACKERS as usize + 1);
    (rss_bytes() - before) / f64::from(TRACKERS)
}

fn trackers(threads: &Threads, metrics: &Arc<Metrics>) -> Trackers {
    let policy = CrawlPolicy::from(&CrawlSettings::default());
    let tools = Arc::new(TrackerTools { policy, metrics: Arc::clone(metrics) });
    let all = ShardPolicy { max_resident: usize::MAX, ..ShardPolicy::default() };
    let factory = move |_: &ListingId| ProductTracker::new(Arc::clone(&tools));
    Shards::start(threads.shards(), metrics, all, factory, |_| {}, |kind| panic!("{kind} exceeded its restart budget"))
}

/// An actor with as much state as a tracker, but without bounded inbox and supervision.
struct BareActor {
    _state: [u64; 12],
}

impl actix::Actor for BareActor {
    type Context = actix::Context<Self>;
}

async fn bytes_of_bare_actors() -> f64 {
    use actix::Actor;
    let before = rss_bytes();
    let mut addresses = Vec::with_capacity(TRACKERS as usize);
    for number in 0..TRACKERS {
        addresses.push(BareActor { _state: [1; 12] }.start());
        if number % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let bytes = (rss_bytes() - before) / f64::from(TRACKERS);
    assert!(addresses.iter().all(actix::Addr::connected));
    bytes
}
