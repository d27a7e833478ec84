//! Alerting: rules compared to the extraction of the page that they follow, messages compared to bare requests to their
//! receiver, the time from a page to its message, and what rules cost in the database.

mod messages;

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use amazon_tracker::actors::decide::{CrawlMade, CrawlPolicy, decide};
use amazon_tracker::domain::rule::{Competitors, Window, Windows};
use amazon_tracker::domain::{
    Availability, ChannelId, Condition, CrawlDemand, Currency, Frequency, Interval, Listing, ListingId, ListingState,
    Marketplace, Money, Observation, Outcome, Product, ProductId, Rating, Reading, Rule, RuleId, RuleScope,
    RuleSettings, RuleState, TenantId,
};
use amazon_tracker::extract::{PageContext, extract};
use amazon_tracker::store::{Claim, Commit, Lane, NewRule, Next, RuleChannels, SharedStore};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::crawling::{numbered, watch_all};
use crate::extraction::{self, SavedPage};
use crate::leases::{claim, execute, new_database, open_with};
use crate::postgres::Server;
use crate::table::{Table, Target, median};

/// Rules about one listing.
const RULES: usize = 1000;
const ROUNDS: usize = 5;
const POLICY: CrawlPolicy = CrawlPolicy { recheck: Duration::from_secs(60), retry: Duration::from_secs(30) };
/// The batch of a daemon with 32 crawl slots.
const BATCH: u32 = 32;
const BATCHES: i64 = 100;
/// The first batches warm up caches and query plans.
const WARM_UP_BATCHES: i64 = 20;
/// Longer than any part of a benchmark.
const LEASE: Duration = Duration::from_secs(600);
const PRICE_MINOR: i64 = 34_999;

/// Measures everything.
pub fn run(table: &mut Table) {
    evaluation(table);
    let server = Server::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        messages::rate(table, &server).await;
        // Rules fire rarely; all at once is the worst case.
        messages::delay(table, &server, 10, Target::AtMost(1.0)).await;
        messages::delay(table, &server, 1, Target::AtMost(1.0)).await;
        cost_in_the_database(table, &server).await;
    });
}

/// A crawl of a saved page, to be decided about.
struct Crawl {
    page: SavedPage,
    claim: Claim,
    outcome: Outcome,
    at: Timestamp,
}

/// On one core. The reference is the extraction of the same pages.
fn evaluation(table: &mut Table) {
    let crawls: Vec<Crawl> = extraction::pages().into_iter().filter_map(Crawl::of).collect();
    let ms_of = |work: &dyn Fn(&Crawl)| {
        let started_at = Instant::now();
        crawls.iter().for_each(work);
        ms_since(started_at) / crawls.len() as f64
    };
    let (mut evaluated, mut extracted) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        extracted.push(ms_of(&|crawl| extraction::ours(&crawl.page)));
        evaluated.push(ms_of(&|crawl| {
            black_box(commit_of(&crawl.claim, &crawl.outcome, crawl.at));
        }));
    }
    let (evaluated, extracted) = (median(evaluated), median(extracted));
    let what = format!("{RULES} rules of a crawl ({:.1} M rules/s)", RULES as f64 / evaluated / 1e3);
    table.add(&what, "ms", evaluated, ("extraction of its page", extracted), Target::AtMost(1.0));
}

impl Crawl {
    /// A day before, the product was two percent dearer. `None`: the page has no price.
    fn of(page: SavedPage) -> Option<Self> {
        let marketplace = page.marketplace?;
        let context = PageContext { marketplace: Some(marketplace), content_type: None, to_the_end: false };
        let read = extract(&page.bytes, context).expect("the corpus can be read");
        let asin = read.asin?;
        let Outcome::Observed(seen) = read.outcome(asin) else { return None };
        let price = *seen.price.value()?;
        let earlier_price = Money::new(price.amount_minor * 102 / 100, price.currency);
        let earlier = Observation { price: Reading::Is(earlier_price), ..(*seen).clone() };
        let at: Timestamp = "2026-01-15T12:00:00Z".parse().unwrap();
        let mut claim = new_claim(Listing::new(marketplace, asin), price.amount_minor, at);
        let first = commit_of(&claim, &Outcome::Observed(Box::new(earlier)), at);
        take(&mut claim, first);
        Some(Self { page, claim, outcome: Outcome::Observed(seen), at: at + SignedDuration::from_hours(24) })
    }
}

/// The first claim of a listing with a thousand rules and a history of prices.
fn new_claim(listing: Listing, price_minor: i64, claimed_at: Timestamp) -> Claim {
    let conditions = conditions(listing.marketplace.currency());
    let history =
        Window { min: Some(price_minor / 2), max: Some(price_minor * 2), mean: Some(price_minor), points: 100 };
    let windows = conditions.iter().flat_map(Condition::windows).map(|key| (key, history)).collect();
    let rule = |condition: &Condition| Rule {
        id: RuleId::new(),
        condition_version: 1,
        tenant_id: TenantId::BUILT_IN,
        product_id: ProductId::new(),
        listing_id: ListingId(1),
        is_wide: false,
        settings: RuleSettings::of(condition.clone()),
        own_sellers: vec!["A2L77EE7U53NWQ".parse().expect("a seller id")],
        state: RuleState::default(),
        revision: 0,
    };
    Claim {
        listing_id: ListingId(1),
        listing,
        token: 1,
        claimed_at,
        attempt: 1,
        lane: Lane::Scheduled,
        state: ListingState::default(),
        demand: CrawlDemand::fixed(Interval::DAILY),
        offers_interval: None,
        rules: conditions.iter().cycle().take(RULES).map(rule).collect(),
        windows: Windows(windows),
        competitors: Competitors::default(),
    }
}

/// The next claim after a commit.
fn take(claim: &mut Claim, commit: Commit) {
    claim.state = commit.state.expect("a page was observed");
    let mut steps: HashMap<RuleId, RuleState> =
        commit.rule_steps.into_iter().map(|step| (step.rule_id, step.after)).collect();
    for rule in &mut claim.rules {
        if let Some(state) = steps.remove(&rule.id) {
            (rule.state, rule.revision) = (state, rule.revision + 1);
        }
    }
}

/// Conditions of every kind. While a product is in stock and its price rises, none becomes true.
fn conditions(currency: Currency) -> Vec<Condition> {
    let cent = json!({ "amount_minor": 1, "currency": currency });
    let fallen =
        |vs: Value| json!({ "kind": "moved", "field": "price", "dir": "down", "by": { "percent": 30 }, "vs": vs });
    let sold_out = json!({ "kind": "state", "of": "availability", "is": "out_of_stock", "for": { "crawls": 2 } });
    let seller = json!({ "kind": "seller", "is": ["me", "Nobody & Sons"] });
    let bad = json!({ "kind": "level", "field": "rating", "op": "lte", "value": 0.5 });
    let conditions = [
        fallen(json!("extreme")),
        json!({ "kind": "price_at_or_below", "target": cent }),
        bad.clone(),
        fallen(json!("told")),
        fallen(json!({ "avg_days": 30 })),
        json!({ "kind": "lowest", "field": "price", "days": 90 }),
        json!({ "kind": "lowest", "field": "price", "ever": true, "min_points": 10 }),
        sold_out.clone(),
        json!({ "kind": "state", "of": "suppressed" }),
        seller.clone(),
        json!({ "kind": "content", "fields": ["title", "image_ids"] }),
        json!({ "kind": "all", "of": [fallen(json!("previous")), seller, { "kind": "not", "of": sold_out }] }),
        json!({ "kind": "any", "of": [fallen(json!("told")), sold_out, bad] }),
        json!({ "kind": "not", "of": { "kind": "level", "field": "price", "op": "gte", "value": cent } }),
    ];
    conditions.iter().map(|condition| condition_of(condition, currency)).collect()
}

fn condition_of(json: &Value, currency: Currency) -> Condition {
    let condition = Condition::from_json(json).expect("a condition");
    assert_eq!(condition.check(Some(currency)), [], "{json}");
    condition
}

fn commit_of(claim: &Claim, outcome: &Outcome, at: Timestamp) -> Commit {
    decide(claim, outcome, CrawlMade { source: "bench", at, is_marketplace_failing: false }, POLICY, 0.5).commit
}

/// The commits of crawls whose pages state this price.
fn commits_of(claims: &[Claim], price_minor: i64) -> Vec<Commit> {
    let page = |claim: &Claim| Observation {
        title: Some("Wireless over-ear headphones with noise cancelling, black".to_owned()),
        price: Reading::Is(Money::new(price_minor, Currency::Usd)),
        seller: Reading::Is("Bright Ear Direct".to_owned()),
        availability: Availability::InStock,
        rating: Reading::Is(Rating(450)),
        ..Observation::empty(claim.listing.asin)
    };
    let commit = |claim: &Claim| commit_of(claim, &Outcome::Observed(Box::new(page(claim))), claim.claimed_at);
    claims.iter().map(commit).collect()
}

/// A store in which so many listings are watched, and their products.
async fn watching(url: &str, listings: u32, frequency: Frequency) -> (SharedStore, Vec<Product>) {
    let listings: Vec<Listing> = (0..listings).map(|n| Listing::new(Marketplace::Us, numbered(n))).collect();
    let products = watch_all(url, &listings, frequency).await;
    (open_with(url).await, products)
}

async fn add_rule(store: &SharedStore, product: &Product, condition: Condition, told: Vec<ChannelId>) {
    let rule = NewRule {
        tenant_id: product.tenant_id,
        scope: RuleScope::Product(product.id),
        settings: RuleSettings::of(condition),
        webhook: None,
        channels: RuleChannels { told, fallback: None },
        quota: u32::MAX,
    };
    store.add_rule(rule).await.unwrap();
}

/// Rules that do not fire. Prices rise, so those that remember the highest one are written with each commit.
async fn cost_in_the_database(table: &mut Table, server: &Server) {
    let mut listings = [with_rules(server, 0).await, with_rules(server, 1).await, with_rules(server, 100).await];
    // In turn, so that changes of the machine's speed affect all alike.
    for batch in 0..BATCHES {
        for listings in &mut listings {
            listings.crawl(PRICE_MINOR + batch, batch >= WARM_UP_BATCHES).await;
        }
    }
    let mut medians = Vec::new();
    for Listings { store, rules, claim_ms, commit_ms } in listings {
        store.close().await;
        medians.push((rules, median(claim_ms), median(commit_ms)));
    }
    let (_, claim_without, commit_without) = medians[0];
    for (rules, claim_ms, commit_ms) in &medians[1..] {
        let what = |step: &str| format!("{step} of {BATCH}, rules of each: {rules}");
        table.add(&what("claim"), "ms", *claim_ms, ("without rules", claim_without), Target::None);
        table.add(&what("decision and commit"), "ms", *commit_ms, ("without rules", commit_without), Target::None);
    }
}

/// A batch of listings with so many rules each, and how long its claims and commits took.
struct Listings {
    store: SharedStore,
    rules: usize,
    claim_ms: Vec<f64>,
    commit_ms: Vec<f64>,
}

async fn with_rules(server: &Server, rules: usize) -> Listings {
    let url = new_database(server, &format!("rules_{rules}"));
    let (store, products) = watching(&url, BATCH, Frequency::DAILY).await;
    let conditions = conditions(Currency::Usd);
    for product in &products {
        for condition in conditions.iter().cycle().take(rules) {
            add_rule(&store, product, condition.clone(), Vec::new()).await;
        }
    }
    execute(&url, "ANALYZE").await;
    Listings { store, rules, claim_ms: Vec::new(), commit_ms: Vec::new() }
}

impl Listings {
    /// Claims all, sees this price and makes them due again.
    async fn crawl(&mut self, price_minor: i64, is_measured: bool) {
        let started_at = Instant::now();
        let claims = claim(&self.store, BATCH, LEASE).await;
        let claim_ms = ms_since(started_at);
        assert_eq!(claims.len(), BATCH as usize, "all are due");
        let started_at = Instant::now();
        let mut commits = commits_of(&claims, price_minor);
        commits.iter_mut().for_each(|commit| commit.next = Next::Due(Duration::ZERO));
        let committed = self.store.commit(&commits).await.unwrap();
        let commit_ms = ms_since(started_at);
        assert!(committed.iter().all(|one| one.recorded), "there is no other replica");
        let fires = |commit: &Commit| commit.rule_steps.iter().any(|step| step.event.is_some());
        assert!(!commits.iter().any(fires), "no condition becomes true");
        if is_measured {
            self.claim_ms.push(claim_ms);
            self.commit_ms.push(commit_ms);
        }
    }
}

fn ms_since(started_at: Instant) -> f64 {
    started_at.elapsed().as_secs_f64() * 1e3
}
