//! How many statements the use cases send to the database, on both engines. Each statement is a round trip to PostgreSQL.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, Once};

use amazon_tracker::domain::*;
use amazon_tracker::store::{
    AuditActor, AuditEvent, NewRule, ProductFilter, ProductOrder, ProductsChange, RulePatch, SettingsChange,
};
use tracing::field::{Field, Visit};
use tracing::span::Attributes;
use tracing::{Event, Instrument, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::accounts::{email, new_session, tenant_of};
use crate::alerts::rule_about;
use crate::fixture::*;

/// The table: for each use case how many statements it runs, and on PostgreSQL how many messages beside them set the tenant
/// scope or begin and end a transaction.
const ALLOWED: &[(&str, usize, usize)] = &[
    ("create a product", 8, 2),
    ("list 50 products", 1, 1),
    ("read a board of 50 products", 3, 2),
    ("change 250 products", 5, 2),
    ("read a product", 1, 1),
    ("find the products of 100 listings", 1, 1),
    ("read its history", 2, 1),
    ("create a task with 500 items", 6, 2),
    ("list 50 tasks", 2, 1),
    ("create a rule about 500 products", 6, 2),
    ("change the condition of a rule about 500 products", 7, 2),
    ("sign in", 7, 5),
    ("refresh", 5, 3),
    ("remove a product", 8, 4),
    ("release 32 leases", 1, 0),
];

on_both_engines! {
    no_use_case_runs_more_statements_than_it_may,
}

/// What was run within the spans of this file, by use case.
static STATEMENTS: Mutex<Option<HashMap<String, Vec<String>>>> = Mutex::new(None);

/// Hears of every statement that sqlx logs.
struct Listener;

/// The use case that a span stands for.
struct UseCase(String);

struct Text<'t>(&'static str, &'t mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == self.0 {
            *self.1 = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == self.0 {
            value.clone_into(self.1);
        }
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Listener {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &tracing::Id, context: Context<'_, S>) {
        let mut name = String::new();
        attributes.record(&mut Text("use_case", &mut name));
        context.span(id).unwrap().extensions_mut().insert(UseCase(name));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event) else { return };
        let mut summary = String::new();
        event.record(&mut Text("summary", &mut summary));
        let use_case = span.extensions().get::<UseCase>().unwrap().0.clone();
        let mut statements = STATEMENTS.lock().unwrap();
        statements.get_or_insert_default().entry(use_case).or_default().push(summary);
    }
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let of_ours = filter_fn(|metadata| metadata.target() == "sqlx::query" || metadata.target() == "statements");
        Registry::default().with(Listener.with_filter(of_ours)).init();
    });
}

/// What some work sent: statements, and messages that set the scope or begin and end a transaction.
async fn count<T>(fixture: &Fixture, name: &str, work: impl Future<Output = T>) -> (usize, usize, Vec<String>, T) {
    let use_case = format!("{name} on {}", if fixture.is_postgres() { "PostgreSQL" } else { "SQLite" });
    let span = tracing::info_span!(target: "statements", "use case", use_case);
    let done = work.instrument(span).await;
    // SQLite logs on a thread of its own, before it answers: nothing is on its way any more.
    let mut sent = STATEMENTS.lock().unwrap().get_or_insert_default().remove(&use_case).unwrap_or_default();
    // A pool may open a connection.
    sent.retain(|statement| !statement.starts_with("PRAGMA"));
    let commits = sent.iter().filter(|statement| statement.starts_with("COMMIT")).count();
    let scopes = sent.iter().filter(|statement| statement.contains("set_config")).count();
    // The statement that begins a transaction is not logged.
    (sent.len() - commits - scopes, 2 * commits + scopes, sent, done)
}

/// Runs a use case and holds it against the table.
async fn expect<T>(fixture: &Fixture, name: &str, work: impl Future<Output = T>) -> T {
    let (statements, beside, sent, done) = count(fixture, name, work).await;
    let (_, allowed, allowed_beside) = ALLOWED.iter().find(|(known, ..)| *known == name).unwrap();
    assert_eq!(statements, *allowed, "{name}: {sent:#?}");
    if fixture.is_postgres() {
        assert_eq!(beside, *allowed_beside, "{name}: {sent:#?}");
    }
    done
}

async fn no_use_case_runs_more_statements_than_it_may(fixture: &Fixture) {
    listen();
    let store = &fixture.store;
    let mut products = Vec::new();
    for n in 0..500 {
        products.push(fixture.watch(n).await.id);
    }
    let product = expect(fixture, "create a product", store.add_product(new_product(US, 500))).await.unwrap();
    let filter = ProductFilter::default();
    let listing = store.products(US, &filter, ProductOrder::NewestFirst, None, 50);
    assert_eq!(expect(fixture, "list 50 products", listing).await.unwrap().items.len(), 50);
    let board = async {
        let page = store.board(US, &filter, ProductOrder::ChangeFalling, None, 50).await.unwrap();
        let listings: Vec<ListingId> = page.items.iter().map(|row| row.product.listing_id).collect();
        let now = jiff::Timestamp::now();
        store.prices_since(&listings, now).await.unwrap();
        store.board_counts(US, &filter, now, now).await.unwrap()
    };
    assert_eq!(expect(fixture, "read a board of 50 products", board).await.tracked, 501);
    let hourly = SettingsChange { frequency: Some(Frequency::HOURLY), ..SettingsChange::default() };
    let change = ProductsChange::Settings(hourly);
    let changing = store.change_products(US, &products[..250], &change, None);
    assert_eq!(expect(fixture, "change 250 products", changing).await.unwrap().changed.len(), 250);
    expect(fixture, "read a product", store.product(US, product.id)).await.unwrap();
    let listings: Vec<Listing> = (0..100).map(|n| Listing::new(Marketplace::De, asin(n))).collect();
    let found = store.products_of_listings(US, &listings);
    assert_eq!(expect(fixture, "find the products of 100 listings", found).await.unwrap().len(), 100);
    let history = async {
        let product = store.product(US, product.id).await.unwrap();
        store.points(product.listing_id, Series::ALL, None, None, 1000).await.unwrap()
    };
    expect(fixture, "read its history", history).await;
    let task =
        expect(fixture, "create a task with 500 items", store.request_crawl(US, &products, u32::MAX)).await.unwrap();
    assert_eq!(task.items.len(), 500);
    for _ in 0..49 {
        store.request_crawl(US, &products[..2], u32::MAX).await.unwrap();
    }
    let tasks = expect(fixture, "list 50 tasks", store.tasks(US, None, 50)).await.unwrap();
    assert_eq!(tasks.items.iter().map(|task| task.items.len()).sum::<usize>(), 500 + 49 * 2);
    let of_all = NewRule { scope: RuleScope::All, ..rule_about("") };
    let rule = expect(fixture, "create a rule about 500 products", store.add_rule(of_all)).await.unwrap();
    let condition = Some(Condition::PriceAtOrBelow { target: euros(1) });
    let change = store.update_rule(US, rule.id, RulePatch { condition, ..RulePatch::default() });
    expect(fixture, "change the condition of a rule about 500 products", change).await.unwrap();
    let leases: Vec<_> = fixture.claim_from(amazon_tracker::store::Lane::Requested, 32).await;
    let leases: Vec<_> = leases.iter().map(|claim| (claim.listing_id, claim.token)).collect();
    assert_eq!(expect(fixture, "release 32 leases", store.release(&leases)).await.unwrap(), 32);
    expect(fixture, "remove a product", store.remove_product(US, product.id, None)).await.unwrap();
    accounts(fixture).await;
}

/// As `Service::login` and `Service::refresh` do it.
async fn accounts(fixture: &Fixture) {
    let store = &fixture.store;
    let user = tenant_of(fixture, "jo").await;
    let login = async {
        store.credentials(&email("jo")).await.unwrap();
        store.credentials(&email("jo")).await.unwrap();
        store.open_session(new_session(&user, 1)).await.unwrap();
        let entry = AuditEvent {
            tenant_id: user.tenant_id,
            actor: AuditActor::User(user.id),
            action: "auth.login",
            resource: None,
            address: None,
            request_id: None,
            facts: serde_json::json!({}),
        };
        store.record(entry).await.unwrap();
    };
    expect(fixture, "sign in", login).await;
    let refresh = store.rotate(TokenHash([1; 32]), TokenHash([2; 32]), HOUR, SECOND);
    expect(fixture, "refresh", refresh).await.unwrap();
}
