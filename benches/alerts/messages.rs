//! From crossings to messages: how many a second, and how long one takes.
//!
//! Daemon, database and marketplace are processes of their own; the receiver is a thread of this one.

use std::collections::HashMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use amazon_tracker::domain::{
    ChannelConfig, ChannelId, ChannelStatus, Condition, Currency, Event, Frequency, Language, Money, Policy, TenantId,
    WebhookTarget,
};
use amazon_tracker::store::{EventFilter, NewChannel, SharedStore};
use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::{BATCH, LEASE, PRICE_MINOR, ROUNDS, add_rule, commits_of, condition_of, watching};
use crate::api::Process;
use crate::crawling::{Daemon, Market, rate_of};
use crate::leases::{claim, execute, new_database, p99};
use crate::postgres::Server;
use crate::table::{Table, Target, median, per_second};

/// Crossings that wait, each for a channel of its own.
const CROSSINGS: u32 = 3_000;
/// What one receiver may have of the Notifier's 64 slots (`actors/send_slots.rs`).
const CONCURRENCY: usize = 16;
const MEASURED: Duration = Duration::from_secs(2);
/// Nothing comes any more.
const SILENCE: Duration = Duration::from_secs(60);
/// Crawled once in a period, these listings are 300 crawls per second.
const LISTINGS: u32 = 3_000;
const PERIOD: Duration = Duration::from_secs(10);
/// Channels that share these listings.
const CHANNELS: usize = 10;
/// A message that has not come after so long is late for ever.
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_DELAY_SECS: f64 = 1.0;

/// Messages per second of a daemon that does nothing else, on PostgreSQL.
pub async fn rate(table: &mut Table, server: &Server) {
    let (url, mut receiver) = (new_database(server, "messages"), Receiver::start());
    record_crossings(&url, &receiver.url).await;
    let roles = ("TRACKER__SERVER__ROLES", r#"["notifier"]"#);
    let daemon = Process::daemon_with(&url, &[roles, ("TRACKER__NOTIFY__ALLOW_PRIVATE_TARGETS", "true")]).await;
    let Arrival { body, .. } = receiver.next().await;
    let started_at = Instant::now();
    for _ in 1..CROSSINGS {
        receiver.next().await;
    }
    let ours = per_second(CROSSINGS as usize - 1, started_at.elapsed());
    drop(daemon);
    let mut bare = Vec::new();
    for _ in 0..ROUNDS {
        bare.push(bare_rate(&receiver.url, &body).await);
    }
    let rival = format!("bare requests, {CONCURRENCY} at once");
    table.add("crossings told by messages, PostgreSQL", "/s", ours, (&rival, median(bare)), Target::None);
}

/// Crossings that have not been told.
async fn record_crossings(database_url: &str, receiver_url: &str) {
    let (store, products) = watching(database_url, CROSSINGS, Frequency::DAILY).await;
    let target = Money::new(PRICE_MINOR, Currency::Usd);
    for product in &products {
        let channel = add_channel(&store, receiver_url).await;
        add_rule(&store, product, Condition::PriceAtOrBelow { target }, vec![channel]).await;
    }
    for _ in (0..CROSSINGS).step_by(BATCH as usize) {
        let claims = claim(&store, BATCH, LEASE).await;
        store.commit(&commits_of(&claims, PRICE_MINOR)).await.unwrap();
    }
    store.close().await;
    execute(database_url, "ANALYZE").await;
}

/// Requests per second with the body of a message, and no work for it.
async fn bare_rate(url: &str, body: &Bytes) -> f64 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let until = Instant::now() + MEASURED;
    let mut senders = JoinSet::new();
    for _ in 0..CONCURRENCY {
        let (client, url, body) = (client.clone(), url.to_owned(), body.clone());
        senders.spawn(async move {
            let mut sent = 0;
            while Instant::now() < until {
                let request = client.post(&url).header(CONTENT_TYPE, "application/json").body(body.clone());
                request.send().await.unwrap().error_for_status().unwrap();
                sent += 1;
            }
            sent
        });
    }
    per_second(senders.join_all().await.into_iter().sum(), MEASURED)
}

/// From the end of a crawl, which is the time of its event, to the arrival of the message, of one crawl in so many.
pub async fn delay(table: &mut Table, server: &Server, one_in: usize, target: Target) {
    let (url, mut receiver) = (new_database(server, &format!("one_in_{one_in}")), Receiver::start());
    let market = Market::start(&["--move-every", "1s"]);
    let store = watch_ranks(&url, &receiver.url, one_in).await;
    let mut daemons = [Daemon::start(&market, &url)];
    // The first crawl of a listing only tells its rule where it stands.
    tokio::time::sleep(PERIOD).await;
    let since = store.now().await.unwrap();
    let crawls = rate_of(&mut daemons).await;
    let until = store.now().await.unwrap();
    tokio::time::sleep(PATIENCE).await;
    let events = events_between(&store, since, until).await;
    let arrived = receiver.times_of_events();
    let delay = |event: &Event| match arrived.get(&event.id.to_string()) {
        Some(at) => at.duration_since(event.at).as_secs_f64(),
        None => f64::INFINITY,
    };
    let delay = p99(events.iter().map(delay).collect());
    store.close().await;
    let what = format!("p99 page to message, {crawls:.0} crawls/s, 1 in {one_in}");
    table.add(&what, "s", delay, ("limit", MAX_DELAY_SECS), target);
}

/// Listings that are crawled evenly over each period. One in so many has a rule, which fires when the rank has moved.
async fn watch_ranks(database_url: &str, receiver_url: &str, one_in: usize) -> SharedStore {
    let frequency = Frequency::from_secs(PERIOD.as_secs().try_into().unwrap()).unwrap();
    let (store, products) = watching(database_url, LISTINGS, frequency).await;
    let mut channels = Vec::new();
    for _ in 0..CHANNELS {
        channels.push(add_channel(&store, receiver_url).await);
    }
    let has_moved = json!({ "kind": "moved", "field": "rank", "by": { "any": true }, "vs": "previous" });
    let has_moved = condition_of(&has_moved, Currency::Usd);
    for (product, channel) in products.iter().step_by(one_in).zip(channels.iter().cycle()) {
        add_rule(&store, product, has_moved.clone(), vec![*channel]).await;
    }
    let period_ms = PERIOD.as_millis();
    let spread =
        format!("UPDATE lease SET ready_at = unix_millis() + listing_id % {LISTINGS} * {period_ms} / {LISTINGS}");
    execute(database_url, &spread).await;
    execute(database_url, "ANALYZE").await;
    store
}

async fn events_between(store: &SharedStore, since: Timestamp, until: Timestamp) -> Vec<Event> {
    let filter = EventFilter { since: Some(since), until: Some(until), ..EventFilter::default() };
    let (mut events, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.events(TenantId::BUILT_IN, &filter, cursor.as_deref(), 250).await.unwrap();
        events.extend(page.items.into_iter().map(|row| row.event));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return events;
        }
    }
}

/// A channel that is told everything at once.
async fn add_channel(store: &SharedStore, url: &str) -> ChannelId {
    let secret = Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
    let channel = NewChannel {
        tenant_id: TenantId::BUILT_IN,
        name: "Bench".to_owned(),
        config: ChannelConfig::Webhook(WebhookTarget { url: url.to_owned(), secret, template: None }),
        policy: Policy { coalesce_secs: 0, ..Policy::default() },
        language: Language::En,
        status: ChannelStatus::Ok,
        quota: u32::MAX,
    };
    store.add_channel(channel).await.unwrap().id
}

/// A message as it came.
struct Arrival {
    at: Timestamp,
    body: Bytes,
}

/// Takes messages on loopback and accepts them at once.
struct Receiver {
    url: String,
    arrivals: UnboundedReceiver<Arrival>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (arriving, arrivals) = unbounded_channel();
        let app = move || App::new().app_data(Data::new(arriving.clone())).default_service(web::to(receive));
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        Self { url, arrivals }
    }

    async fn next(&mut self) -> Arrival {
        let next = tokio::time::timeout(SILENCE, self.arrivals.recv()).await;
        next.expect("a message comes").expect("the server runs")
    }

    /// When each event arrived that has arrived so far. The first message with it counts.
    fn times_of_events(&mut self) -> HashMap<String, Timestamp> {
        let mut times = HashMap::new();
        while let Ok(Arrival { at, body }) = self.arrivals.try_recv() {
            let body: Value = serde_json::from_slice(&body).unwrap();
            for event in body["data"]["events"].as_array().unwrap() {
                times.entry(event["event_id"].as_str().unwrap().to_owned()).or_insert(at);
            }
        }
        times
    }
}

async fn receive(arriving: Data<UnboundedSender<Arrival>>, body: Bytes) -> HttpResponse {
    arriving.send(Arrival { at: Timestamp::now(), body }).unwrap();
    HttpResponse::NoContent().finish()
}
