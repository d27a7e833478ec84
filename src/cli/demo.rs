//! `demo`: everything in one process, with short intervals: a simulated marketplace whose prices change every few seconds,
//! 20 headphones with 90 days of history, an alert on each, and a receiver of the webhooks. It prints a link that opens the dashboard,
//! signed in.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use prometheus::IntCounterVec;
use prometheus::core::Collector;
use prometheus::proto::Metric;
use url::Url;

use super::user::{add_key, new_user, sign_in_link};
use super::{prepare_daemon, signal_to_stop};
use crate::app::{self, Ready, open_store};
use crate::auth::{OpaqueToken, Passwords, TokenKind};
use crate::config::{DemoLink, Plans, Secret, Settings, SourceName};
use crate::domain::{
    Condition, EmailAddress, Frequency, Interval, Listing, ListingState, Marketplace, Money, Point, PointValue,
    ProductSettings, ProductStatus, Role, RuleScope, RuleSettings, Series, SeriesKey, TenantId, User,
};
use crate::sources::simulated::{FactValue, FaultRates, Field, PastPoint, Simulated, SimulatedSettings};
use crate::store::{NewProduct, NewRule, RuleChannels, RuleWebhook, SharedStore, StoreError};
use crate::telemetry::Metrics;

const PRODUCTS: u32 = 20;
const PAST_DAYS: u32 = 90;
const CRAWL_EVERY_SECS: u32 = 3;
const MOVE_EVERY: Duration = Duration::from_secs(2);
const DEMO_EMAIL: &str = "demo@example.com";
/// The targets of the alerts are this much below the current prices, in percent: reached soon.
const TARGET_BELOW_PERCENT: i64 = 3;

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// The address of the daemon.
    #[arg(long, default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
    /// The address of the simulated marketplace.
    #[arg(long, default_value = "127.0.0.1:9000")]
    marketplace_listen: SocketAddr,
    /// The address of the receiver of webhooks.
    #[arg(long, default_value = "127.0.0.1:9001")]
    receiver_listen: SocketAddr,
    /// The database; default: a file that is removed when the demo ends.
    #[arg(long)]
    database_url: Option<String>,
    /// Where observations come from: the pages of the simulated marketplace, or runs of an Apify actor, which it plays too.
    #[arg(long, value_enum, default_value_t = DemoSource::Direct)]
    source: DemoSource,
    /// Print commands that use the API as well, with a valid key.
    #[arg(long)]
    verbose: bool,
    /// Exit after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
}

/// See [`SourceName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DemoSource {
    Direct,
    Apify,
}

pub(super) fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let marketplace = bind(args.marketplace_listen)?;
    let receiver = bind(args.receiver_listen)?;
    let passing = PassingFile::new();
    let mut settings = settings_of(&args, marketplace.local_addr()?, &passing)?;
    let token = OpaqueToken::new(TokenKind::Link).reveal();
    settings.auth.demo_link = Some(DemoLink { token: Secret::from(token.as_str()), email: DEMO_EMAIL.parse()? });
    prepare_daemon(&settings)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let (simulated, receiver) = runtime.block_on(async {
        let simulated = Simulated::start(simulated_settings(), marketplace).await?;
        anyhow::Ok((simulated, start_receiver(receiver)?))
    })?;
    let key = runtime.block_on(seed(&settings, &simulated, receiver, args.verbose))?;
    let seconds = args.seconds.map_or(Duration::MAX, Duration::from_secs);
    let link_settings = settings.clone();
    let ready = |ready: Ready| {
        println!("Open {}\n", sign_in_link(&link_settings, ready.address, &token));
        println!(
            "{PRODUCTS} headphones with {PAST_DAYS} days of history are crawled every {CRAWL_EVERY_SECS} seconds; the first alerts \
             come within a minute.\nThe link works until the demo ends, on this machine. End: Ctrl-C"
        );
        if let Some(key) = &key {
            print_commands(ready.address, simulated.addr(), key);
        }
        tokio::spawn(keep_reporting(ready.metrics));
    };
    let stop = || {
        let signal = signal_to_stop();
        async move {
            tokio::select! {
                () = signal => {}
                () = tokio::time::sleep(seconds) => {}
            }
        }
    };
    let code = app::run(settings, ready, stop)?;
    runtime.block_on(simulated.stop());
    println!();
    Ok(code)
}

fn settings_of(args: &DemoArgs, marketplace: SocketAddr, passing: &PassingFile) -> anyhow::Result<Settings> {
    let mut settings = Settings::default();
    settings.server.listen = args.listen;
    settings.server.drain_secs = 5;
    settings.database.url = Secret::from(args.database_url.clone().unwrap_or_else(|| passing.url()));
    let base_url: Url = format!("http://{marketplace}").parse()?;
    if args.source == DemoSource::Apify {
        settings.crawl.sources = vec![SourceName::Apify];
        settings.apify.token = Some(Secret::from("simulated"));
        settings.apify.base_url = base_url.clone();
        settings.apify.gather_secs = 1;
        settings.apify.runs_per_minute = 600;
    }
    settings.crawl.base_url = Some(base_url);
    settings.crawl.concurrency_per_marketplace = 8;
    settings.crawl.requests_per_minute = 6000;
    settings.crawl.burst = 20;
    settings.crawl.recheck_secs = 1;
    settings.crawl.retry_secs = 1;
    settings.notify.allow_private_targets = true;
    settings.plans.0.entry(Plans::LARGEST.to_owned()).and_modify(|plan| plan.min_interval = crawl_every());
    settings.log.filter = "warn".to_owned();
    Ok(settings.checked()?)
}

/// A database file that is removed when the demo ends.
struct PassingFile(PathBuf);

impl PassingFile {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("amazon-tracker-demo-{}.sqlite", std::process::id())))
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.0.display())
    }
}

impl Drop for PassingFile {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", ".lock"] {
            let mut file = self.0.clone().into_os_string();
            file.push(suffix);
            // It may not exist.
            let _ = std::fs::remove_file(file);
        }
    }
}

fn simulated_settings() -> SimulatedSettings {
    let faults = FaultRates { captcha: 0.05, unavailable: 0.01, ..FaultRates::default() };
    // Nobody reads the truth log of a demo.
    SimulatedSettings { faults, move_every: Some(MOVE_EVERY), truth_lines: 100, ..SimulatedSettings::default() }
}

fn crawl_every() -> Interval {
    Interval::from_secs(CRAWL_EVERY_SECS).expect("a few seconds are an interval")
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}; is a demo running already?"))
}

/// Accepts and discards every webhook; the daemon's events show the deliveries.
fn start_receiver(listener: TcpListener) -> anyhow::Result<SocketAddr> {
    let address = listener.local_addr()?;
    let app = || App::new().default_service(web::to(HttpResponse::NoContent));
    let server = HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run();
    tokio::spawn(server);
    Ok(address)
}

/// Creates a user, an API key if one is wanted, products, their history and their alerts. What already exists stays.
async fn seed(
    settings: &Settings,
    simulated: &Simulated,
    receiver: SocketAddr,
    wants_key: bool,
) -> anyhow::Result<Option<String>> {
    let store = open_store(settings).await?;
    let now = store.now().await?;
    store.ensure_partitions(now - jiff::SignedDuration::from_hours(24 * i64::from(PAST_DAYS)), now).await?;
    for product in simulated.catalogue().products(PRODUCTS) {
        let listing = Listing::new(Marketplace::Us, product.asin);
        match seed_one(&store, simulated, listing, product.title, receiver, now).await {
            Ok(()) | Err(StoreError::AlreadyWatched(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let user = demo_user(settings, &store).await?;
    let key = if wants_key { Some(add_key(&store, &user, "demo").await?) } else { None };
    store.close().await;
    Ok(key)
}

/// The demo's user, whose password is not stored anywhere.
async fn demo_user(settings: &Settings, store: &SharedStore) -> anyhow::Result<User> {
    let email: EmailAddress = DEMO_EMAIL.parse()?;
    Ok(match store.credentials(&email).await {
        Err(StoreError::NotFound(_)) => {
            let password = OpaqueToken::new(TokenKind::Link).reveal();
            let password_hash = Passwords::new(&settings.auth.password)?.hash(password).await?;
            let user = new_user(&email, Some("Demo".to_owned()), Role::Superadmin, password_hash);
            store.add_user(TenantId::BUILT_IN, user).await?
        }
        credentials => credentials?.user,
    })
}

async fn seed_one(
    store: &SharedStore,
    simulated: &Simulated,
    listing: Listing,
    title: String,
    receiver: SocketAddr,
    now: Timestamp,
) -> Result<(), StoreError> {
    let settings = ProductSettings {
        label: None,
        tags: vec!["headphones".to_owned(), "demo".to_owned()],
        frequency: Frequency::fixed(crawl_every()),
        is_competitor: false,
        status: ProductStatus::Active,
        offers_interval: None,
    };
    let product =
        store.add_product(NewProduct { tenant_id: TenantId::BUILT_IN, listing, settings, quota: u32::MAX }).await?;
    let points: Vec<Point> = simulated.past(listing, PAST_DAYS, now).into_iter().filter_map(point_of).collect();
    let mut state = ListingState::default();
    state.title = Some(title);
    points.iter().for_each(|point| state.replay(point));
    store.import(product.listing_id, &points, &state).await?;
    let Some(price) = state.price(listing.marketplace.currency()) else { return Ok(()) };
    let target_minor = price.amount_minor * (100 - TARGET_BELOW_PERCENT) / 100;
    let rule = NewRule {
        tenant_id: TenantId::BUILT_IN,
        scope: RuleScope::Product(product.id),
        settings: RuleSettings::of(Condition::PriceAtOrBelow { target: Money::new(target_minor, price.currency) }),
        webhook: Some(RuleWebhook {
            url: format!("http://{receiver}/webhook"),
            secret: "whsec_ZGVtbyBkZW1vIGRlbW8gZGVtbyBkZW1v".to_owned(),
        }),
        channels: RuleChannels::default(),
        quota: u32::MAX,
    };
    store.add_rule(rule).await?;
    Ok(())
}

/// Converts the simulator's types to the tracker's.
fn point_of(past: PastPoint) -> Option<Point> {
    let series = match past.field {
        Field::Price => Series::Price,
        Field::ListPrice => Series::ListPrice,
        Field::Seller => Series::Seller,
        Field::OfferCount => Series::OfferCount,
        Field::Coupon => Series::Coupon,
        Field::Availability => Series::Availability,
        Field::Rank | Field::SubcategoryRank => Series::SalesRank,
        Field::Rating => Series::Rating,
        Field::ReviewCount => Series::ReviewCount,
    };
    let number = |number: i64| Some(PointValue::Number(number));
    let (category, value) = match past.value {
        FactValue::Absent if series == Series::SalesRank => return None,
        FactValue::Absent => (String::new(), None),
        FactValue::Money(money) => (String::new(), number(money.amount_minor)),
        FactValue::Text(text) => (String::new(), Some(PointValue::Text(text))),
        FactValue::Count(count) => (String::new(), number(count.into())),
        FactValue::Rating(rating) => (String::new(), number(rating.0.into())),
        FactValue::Availability(availability) => (String::new(), number(availability.number())),
        FactValue::Rank(rank) => (rank.category, number(rank.rank.into())),
    };
    Some(Point { key: SeriesKey { series, category }, at: past.at, value })
}

fn print_commands(daemon: SocketAddr, marketplace: SocketAddr, key: &str) {
    let api = format!("http://{daemon}/api/v1");
    let curl = "curl -s -H \"X-API-Key: $KEY\"";
    println!(
        "
Try, from another terminal:

  KEY={key}
  {curl} {api}/products?limit=3
  {curl} '{api}/products?text=wireless&sort=price&limit=5'
  ID=$({curl} '{api}/products?limit=1' | sed 's/.*\"id\":\"\\([^\"]*\\).*/\\1/')
  {curl} {api}/products/$ID
  {curl} {api}/products/$ID/price-history
  {curl} {api}/products/$ID/rank-history
  {curl} \"{api}/products/$ID/history?series=rating,review_count,availability\"
  {curl} {api}/products/$ID/stats
  {curl} {api}/crawl -H 'Prefer: wait=5' -H 'content-type: application/json' -d '{{\"product_ids\":[\"'$ID'\"]}}'
  {curl} {api}/alerts?limit=3
  {curl} {api}/alerts/events?limit=3
  {curl} {api}/products -H 'content-type: application/json' -d '{{\"url\":\"https://www.amazon.de/dp/B08PZHYWJS\",\"frequency\":\"3s\"}}'
  {curl} -N {api}/events
  {curl} {api}/tenants/me/audit?limit=3
  curl -s http://{daemon}/metrics | grep tracker_crawls_total
  curl -s http://{marketplace}/_truth | tail -n 3

API documentation: http://{daemon}/docs/
"
    );
}

/// A status line that is updated on a terminal, and printed every ten seconds elsewhere.
async fn keep_reporting(metrics: Arc<Metrics>) {
    use std::io::{IsTerminal, Write};
    let terminal = std::io::stdout().is_terminal();
    let (every, end) = if terminal { (Duration::from_secs(1), '\r') } else { (Duration::from_secs(10), '\n') };
    let (mut crawls_before, mut before) = (0, Instant::now());
    loop {
        tokio::time::sleep(every).await;
        let crawls = total(&metrics.crawls);
        let rate = (crawls - crawls_before) as f64 / before.elapsed().as_secs_f64();
        (crawls_before, before) = (crawls, Instant::now());
        let (listings, changes) = (metrics.products.get(), total(&metrics.changes));
        let (events, deliveries) = (total(&metrics.events), delivered(&metrics.deliveries));
        print!(
            "listings {listings}  crawls {crawls} ({rate:.1}/s)  changes {changes}  alerts {events}  deliveries {deliveries}   {end}"
        );
        let _ = std::io::stdout().flush();
    }
}

fn total(counters: &IntCounterVec) -> u64 {
    sum_of(counters, |_| true)
}

/// Without the attempts that failed.
fn delivered(attempts: &IntCounterVec) -> u64 {
    sum_of(attempts, |metric| metric.get_label().iter().any(|label| label.value() == "delivered"))
}

fn sum_of(counters: &IntCounterVec, counts: impl Fn(&Metric) -> bool) -> u64 {
    let families = counters.collect();
    let counters = families.iter().flat_map(|family| family.get_metric()).filter(|metric| counts(metric));
    // Counters hold integers.
    counters.map(|metric| metric.get_counter().get_value() as u64).sum()
}
