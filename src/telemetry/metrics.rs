//! All metrics, in one registry. Labels are small closed sets: never an ASIN, a user or a URL.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::proto::MetricType;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

use super::actor_metrics::{ActorStatus, KindMetrics, MessageMetrics, Observed};

const FAST_SECONDS: &[f64] = &[0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1.0, 10.0];
const SECONDS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The metrics of one process. Cheap to clone by `Arc`; tests make one for each application they start.
pub struct Metrics {
    registry: Registry,
    families: Vec<Family>,
    kinds: Mutex<HashMap<&'static str, Arc<KindMetrics>>>,
    actors: ActorFamilies,

    /// Crawls by `source`, `marketplace` and `outcome`.
    pub crawls: IntCounterVec,
    /// Seconds of one crawl by `source`, from the request to the settled page.
    pub crawl_seconds: HistogramVec,
    /// CPU seconds of the extraction of one page.
    pub extraction_seconds: Histogram,
    /// Product pages on which a field was missing, by `source`, `field` and `marketplace`: drift of Amazon's pages shows here.
    pub missing_fields: IntCounterVec,
    /// Offer lists that were asked for, by `source`, `marketplace` and `outcome`.
    pub offer_lists: IntCounterVec,
    /// Crawls of canaries (`crawl.canary`) by `source`, `marketplace` and `outcome`; they are also among [`Metrics::crawls`].
    pub canary_crawls: IntCounterVec,
    /// Product pages of canaries on which a field was missing, by `source`, `field` and `marketplace`.
    pub canary_missing_fields: IntCounterVec,
    /// How much more often than usual product pages lack a field, 0 to 1, by `source`, `marketplace` and `field`: only while they
    /// certainly do.
    pub field_missing_drift: GaugeVec,
    /// Samples of pages that could not be used, by `result` (kept, dropped, failed).
    pub page_samples: IntCounterVec,
    /// Pictures of listings by `result` (fetched, retry, given_up).
    pub listing_images: IntCounterVec,
    /// Bytes read from a source, as transferred after decompression, by `source`.
    pub source_bytes: IntCounterVec,
    /// What a source has cost, in millionths of a US dollar, by `source`.
    pub source_cost_micros: IntCounterVec,
    /// Listings that were not crawled because a budget was spent, by `source` and `scope` (tenant, installation).
    pub budget_refusals: IntCounterVec,
    /// Requests for advice of a model by `outcome` (answered, cached, over_budget, or the code of the failure).
    pub advice_requests: IntCounterVec,
    /// What advice of models has cost, in billionths of a US dollar.
    pub advice_cost_nanos: IntCounter,
    /// State of the breaker by `source` and `marketplace`: 0 closed, 1 half open, 2 open.
    pub breaker_state: IntGaugeVec,
    /// Listings that are due and not parked.
    pub due_listings: IntGauge,
    /// Seconds for which the oldest due listing has been due.
    pub oldest_due_seconds: Gauge,
    /// Watched listings that are parked.
    pub parked_listings: IntGauge,
    /// Products watched by all tenants.
    pub products: IntGauge,
    /// Messages that were given up and are still in the outbox.
    pub dead_deliveries: IntGauge,
    /// Dead rows of the lease table (PostgreSQL): every claim walks over them.
    pub lease_dead_tuples: IntGauge,
    /// Transactions since the oldest snapshot that is still needed (PostgreSQL): nothing younger can be vacuumed.
    pub oldest_snapshot_age: IntGauge,
    /// Maintenance runs by `result` (done, elsewhere, failed).
    pub maintenance_runs: IntCounterVec,
    /// Steps of jobs by `kind` and `result` (done, lost, failed).
    pub job_steps: IntCounterVec,
    /// Tokens of the Keepa account, as its last answer told this process; 0 where no past is fetched.
    pub keepa_tokens_left: IntGauge,
    /// Pasts of listings that were fetched, by `result` (imported, empty, postponed, failed).
    pub history_imports: IntCounterVec,
    /// When this process last found the database's clock set back, in seconds since 1970; 0: never.
    pub clock_set_back: IntGauge,
    /// 1 while the database answers.
    pub database_up: IntGauge,
    /// How far the read replica is behind.
    pub replica_lag_seconds: Gauge,
    /// Reads that a replica may serve, by where they went: `from` (primary, replica).
    pub reads: IntCounterVec,
    /// 1 while Redis is configured but unavailable, so that limits are local.
    pub redis_fallback: IntGauge,
    /// Decisions about limits that were made without Redis although it is configured.
    pub redis_fallbacks: IntCounter,
    /// Questions to the cache that replicas share, by `cache` (response, report) and `result` (hit, miss, error).
    pub shared_cache: IntCounterVec,
    /// Seconds of a store call by `call` (claim, commit, …).
    pub store_seconds: HistogramVec,
    /// Store calls that failed, by `call`.
    pub store_errors: IntCounterVec,
    /// Recorded crawls by outcome, by `outcome`.
    pub recorded_crawls: IntCounterVec,
    /// Crawls whose lease expired before the commit.
    pub lost_leases: IntCounter,
    /// Changes of a series that were recorded, by `series`.
    pub changes: IntCounterVec,
    /// Surprising offers that were held for a recheck.
    pub held_offers: IntCounter,
    /// Events by rule `kind`.
    pub events: IntCounterVec,
    /// Attempts at deliveries by `channel` and `result` (delivered, retry, dead).
    pub deliveries: IntCounterVec,
    /// HTTP requests by `route` template, `method` and `status`.
    pub http_requests: IntCounterVec,
    /// Seconds of an HTTP request by `route` template.
    pub http_seconds: HistogramVec,
}

/// A circuit breaker, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerStatus {
    /// The source.
    pub source: String,
    /// The marketplace.
    pub marketplace: String,
    /// `closed`, `half_open` or `open`.
    pub state: &'static str,
}

/// A family of metrics: what a query may name. Families without a value are not rendered, but they are families.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// The whole name.
    pub name: String,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// It is rendered as `_bucket` (with the label `le`), `_sum` and `_count`.
    pub is_histogram: bool,
}

/// The families that every kind of actor shares.
struct ActorFamilies {
    depth: IntGaugeVec,
    queued: IntGaugeVec,
    refused: IntCounterVec,
    expired: IntCounterVec,
    restarts: IntCounterVec,
    quarantined: IntCounterVec,
    work_panics: IntCounterVec,
    resident: IntGaugeVec,
    wait_seconds: HistogramVec,
    handle_seconds: HistogramVec,
    arbiter_lag: GaugeVec,
}

/// Registers families under one prefix.
struct Maker<'a> {
    registry: &'a Registry,
    families: RefCell<Vec<Family>>,
}

impl<'a> Maker<'a> {
    fn new(registry: &'a Registry) -> Self {
        Self { registry, families: RefCell::default() }
    }

    fn register<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let collector = made.expect("metric names and labels are constants of this file, and valid");
        self.registry.register(Box::new(collector.clone())).expect("each metric of this file is registered once");
        let is_histogram = collector.collect().iter().any(|family| family.get_field_type() == MetricType::HISTOGRAM);
        let family =
            |name: &String, labels: &Vec<String>| Family { name: name.clone(), labels: labels.clone(), is_histogram };
        let described = collector.desc().into_iter().map(|desc| family(&desc.fq_name, &desc.variable_labels));
        self.families.borrow_mut().extend(described);
        collector
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.register(IntCounterVec::new(opts(name, help), labels))
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.register(IntCounter::with_opts(opts(name, help)))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.register(IntGaugeVec::new(opts(name, help), labels))
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.register(IntGauge::with_opts(opts(name, help)))
    }

    fn histograms(&self, name: &str, help: &str, buckets: &[f64], labels: &[&str]) -> HistogramVec {
        let opts = HistogramOpts::from(opts(name, help)).buckets(buckets.to_vec());
        self.register(HistogramVec::new(opts, labels))
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        let opts = HistogramOpts::from(opts(name, help)).buckets(buckets.to_vec());
        self.register(Histogram::with_opts(opts))
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("tracker_{name}"), help)
}

impl Metrics {
    /// All metrics, at zero.
    pub fn new() -> Self {
        let registry = Registry::new();
        let make = Maker::new(&registry);
        let build = make.gauges("build_info", "The version that runs", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Self {
            kinds: Mutex::default(),
            actors: ActorFamilies::new(&make),
            crawls: make.counters("crawls_total", "Crawls by outcome", &["source", "marketplace", "outcome"]),
            crawl_seconds: make.histograms("crawl_seconds", "Time of one crawl", SECONDS, &["source"]),
            extraction_seconds: make.histogram("extraction_seconds", "CPU time of extracting one page", FAST_SECONDS),
            missing_fields: make.counters(
                "missing_fields_total",
                "Product pages lacking a field",
                &["source", "field", "marketplace"],
            ),
            offer_lists: make.counters(
                "offer_lists_total",
                "Offer lists that were asked for",
                &["source", "marketplace", "outcome"],
            ),
            canary_crawls: make.counters(
                "canary_crawls_total",
                "Crawls of canaries by outcome",
                &["source", "marketplace", "outcome"],
            ),
            canary_missing_fields: make.counters(
                "canary_missing_fields_total",
                "Product pages of canaries lacking a field",
                &["source", "field", "marketplace"],
            ),
            field_missing_drift: make.register(GaugeVec::new(
                opts("field_missing_drift", "How much more often than usual a field is missing"),
                &["source", "marketplace", "field"],
            )),
            page_samples: make.counters("page_samples_total", "Samples of pages that could not be used", &["result"]),
            listing_images: make.counters("listing_images_total", "Pictures of listings fetched", &["result"]),
            source_bytes: make.counters("source_bytes_total", "Bytes read from sources", &["source"]),
            source_cost_micros: make.counters(
                "source_cost_micros_total",
                "Cost of sources in millionths of a US dollar",
                &["source"],
            ),
            budget_refusals: make.counters(
                "budget_refusals_total",
                "Listings that were not crawled because a budget was spent",
                &["source", "scope"],
            ),
            advice_requests: make.counters(
                "advice_requests_total",
                "Requests for advice of a model by outcome",
                &["outcome"],
            ),
            advice_cost_nanos: make.counter("advice_cost_nanos_total", "Cost of advice in billionths of a US dollar"),
            breaker_state: make.gauges("breaker_state", "0 closed, 1 half open, 2 open", &["source", "marketplace"]),
            due_listings: make.gauge("due_listings", "Listings that are due"),
            oldest_due_seconds: make
                .register(Gauge::with_opts(opts("oldest_due_seconds", "Age of the oldest due listing"))),
            parked_listings: make.gauge("parked_listings", "Watched listings that are parked"),
            products: make.gauge("products", "Products watched by all tenants"),
            dead_deliveries: make.gauge("dead_deliveries", "Dead deliveries in the outbox"),
            lease_dead_tuples: make.gauge("lease_dead_tuples", "Dead rows of the lease table"),
            oldest_snapshot_age: make.gauge("oldest_snapshot_age", "Transactions since the oldest snapshot in use"),
            maintenance_runs: make.counters("maintenance_runs_total", "Maintenance runs", &["result"]),
            job_steps: make.counters("job_steps_total", "Steps of jobs", &["kind", "result"]),
            keepa_tokens_left: make.gauge("keepa_tokens_left", "Tokens of the Keepa account"),
            history_imports: make.counters("history_imports_total", "Pasts of listings that were fetched", &["result"]),
            clock_set_back: make
                .gauge("clock_set_back_timestamp_seconds", "When the database's clock was last found set back"),
            database_up: make.gauge("database_up", "1 while the database answers"),
            replica_lag_seconds: make
                .register(Gauge::with_opts(opts("replica_lag_seconds", "How far the read replica is behind"))),
            reads: make.counters("reads_total", "Reads that a replica may serve", &["from"]),
            redis_fallback: make.gauge("redis_fallback", "1 while limits are local because Redis is unavailable"),
            redis_fallbacks: make
                .counter("redis_fallbacks_total", "Rate limit decisions made locally because Redis was unavailable"),
            shared_cache: make.counters("shared_cache_total", "Shared cache lookups", &["cache", "result"]),
            store_seconds: make.histograms("store_seconds", "Time of a store call", SECONDS, &["call"]),
            store_errors: make.counters("store_errors_total", "Store calls that failed", &["call"]),
            recorded_crawls: make.counters("recorded_crawls_total", "Recorded crawls by outcome", &["outcome"]),
            lost_leases: make.counter("lost_leases_total", "Crawls whose lease expired before the commit"),
            changes: make.counters("changes_total", "Recorded changes by series", &["series"]),
            held_offers: make.counter("held_offers_total", "Implausible offers held for confirmation"),
            events: make.counters("events_total", "Events by kind of rule", &["kind"]),
            deliveries: make.counters("deliveries_total", "Attempts at deliveries", &["channel", "result"]),
            http_requests: make.counters("http_requests_total", "HTTP requests", &["route", "method", "status"]),
            http_seconds: make.histograms("http_request_seconds", "Time of an HTTP request", SECONDS, &["route"]),
            families: make.families.into_inner(),
            registry,
        }
    }

    /// The metrics of a kind of actor with the given names of messages.
    pub fn kind(&self, kind: &'static str, messages: &[&'static str]) -> Arc<KindMetrics> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kinds.entry(kind).or_insert_with(|| Arc::new(self.actors.of_kind(kind, messages))))
    }

    /// The circuit breakers of this process, by source and marketplace.
    pub fn breakers(&self) -> Vec<BreakerStatus> {
        let families = self.breaker_state.collect();
        let mut breakers: Vec<BreakerStatus> = families
            .iter()
            .flat_map(|family| family.get_metric())
            .map(|metric| {
                let label = |name: &str| metric.get_label().iter().find(|label| label.name() == name);
                let text = |name: &str| label(name).map(|label| label.value().to_owned()).unwrap_or_default();
                // Whole numbers.
                let state = match metric.get_gauge().get_value() as i64 {
                    0 => "closed",
                    1 => "half_open",
                    _ => "open",
                };
                BreakerStatus { source: text("source"), marketplace: text("marketplace"), state }
            })
            .collect();
        breakers.sort_by(|a, b| (&a.source, &a.marketplace).cmp(&(&b.source, &b.marketplace)));
        breakers
    }

    /// Every kind of actor there is, by name.
    pub fn actors(&self) -> Vec<ActorStatus> {
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut actors: Vec<ActorStatus> = kinds.iter().map(|(kind, metrics)| metrics.status(kind)).collect();
        actors.sort_by_key(|actor| actor.kind);
        actors
    }

    /// Lateness of an arbiter's clock.
    pub fn arbiter_lag(&self, arbiter: &str) -> Gauge {
        self.actors.arbiter_lag.with_label_values(&[arbiter])
    }

    /// Every family there is, also those that have no value yet.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// The text that Prometheus scrapes.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        let encoded = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        encoded.map(|()| String::from_utf8_lossy(&text).into_owned()).unwrap_or_else(|error| format!("# {error}\n"))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl ActorFamilies {
    fn new(make: &Maker) -> Self {
        let by_message = &["kind", "message"];
        Self {
            depth: make.gauges("actor_inbox_depth", "Slots of inboxes in use", &["kind"]),
            queued: make.gauges("actor_queue_length", "Messages waiting to be handled", &["kind"]),
            refused: make.counters("actor_inbox_refused_total", "Messages refused", &["kind", "reason"]),
            expired: make.counters("actor_message_expired_total", "Messages past their deadline", &["kind"]),
            restarts: make.counters("actor_restarts_total", "Actors rebuilt after a panic", &["kind"]),
            quarantined: make.counters("actor_quarantined_total", "Actors over their restart budget", &["kind"]),
            work_panics: make.counters("actor_work_panics_total", "Tasks of actors that panicked", &["kind"]),
            resident: make.gauges("actor_resident", "Actors alive", &["kind"]),
            wait_seconds: make.histograms("actor_message_wait_seconds", "Time in the inbox", FAST_SECONDS, by_message),
            handle_seconds: make.histograms(
                "actor_message_handle_seconds",
                "Time in the handler",
                FAST_SECONDS,
                by_message,
            ),
            arbiter_lag: make
                .register(GaugeVec::new(opts("arbiter_lag_seconds", "Lateness of an arbiter"), &["arbiter"])),
        }
    }

    fn of_kind(&self, kind: &'static str, messages: &[&'static str]) -> KindMetrics {
        let message = |name: &&'static str| {
            let labels = [kind, name];
            let wait_seconds = self.wait_seconds.with_label_values(&labels);
            (*name, MessageMetrics { wait_seconds, handle_seconds: self.handle_seconds.with_label_values(&labels) })
        };
        KindMetrics {
            depth: self.depth.with_label_values(&[kind]),
            queued: self.queued.with_label_values(&[kind]),
            refused_busy: self.refused.with_label_values(&[kind, "busy"]),
            refused_dead: self.refused.with_label_values(&[kind, "dead"]),
            expired: self.expired.with_label_values(&[kind]),
            restarts: self.restarts.with_label_values(&[kind]),
            quarantined: self.quarantined.with_label_values(&[kind]),
            work_panics: self.work_panics.with_label_values(&[kind]),
            resident: self.resident.with_label_values(&[kind]),
            messages: messages.iter().map(message).collect(),
            observed: Observed::default(),
        }
    }
}
