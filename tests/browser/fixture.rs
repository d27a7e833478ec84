//! Who uses the dashboard, and what there is to see.

use amazon_tracker::auth::Passwords;
use amazon_tracker::config::{PasswordSettings, ProcessRole, Settings};
use amazon_tracker::domain::{
    Currency, Listing, ListingState, Marketplace, Money, Point, PointValue, Product, ProductSettings, Role, Series,
    SeriesKey, TenantId,
};
use amazon_tracker::store::{NewProduct, NewUser, SharedStore};
use jiff::{SignedDuration, Timestamp};

use crate::daemon::{Daemon, Engine};

pub const PASSWORD: &str = "correct horse battery staple";

/// A daemon whose crawler reads the simulated marketplace.
pub async fn crawling() -> Daemon {
    Daemon::start_with(Engine::Sqlite, generous).await
}

/// A daemon without crawler: what it shows does not change by itself.
pub async fn still() -> Daemon {
    Daemon::start_with(Engine::Sqlite, |settings| {
        generous(settings);
        settings.server.roles = [ProcessRole::Api, ProcessRole::Notifier, ProcessRole::Scheduler].into();
    })
    .await
}

/// Nobody has to wait: tests ask much in a short time.
pub fn generous(settings: &mut Settings) {
    for plan in settings.plans.0.values_mut() {
        (plan.requests_per_minute, plan.tenant_requests_per_minute) = (100_000, None);
    }
}

/// A user of the installation's own tenant, who may do everything.
pub async fn add_admin(daemon: &Daemon, name: &str) {
    let store = daemon.store().await;
    store.add_user(TenantId::BUILT_IN, new_user(name, Role::Superadmin).await).await.unwrap();
    store.close().await;
}

/// Another tenant with its first user.
pub async fn add_tenant(daemon: &Daemon, name: &str) -> TenantId {
    let store = daemon.store().await;
    let user = new_user(name, Role::TenantAdmin).await;
    let user = store.add_tenant(&format!("{name}'s shop"), "free", user, None).await.unwrap();
    store.close().await;
    user.tenant_id
}

async fn new_user(name: &str, role: Role) -> NewUser {
    let settings = PasswordSettings { memory_kib: 64, iterations: 1, ..PasswordSettings::default() };
    let password_hash = Passwords::new(&settings).unwrap().hash(PASSWORD.to_owned()).await.unwrap();
    let email = format!("{name}@example.com").parse().unwrap();
    NewUser { email, name: name.to_owned(), role, password_hash, is_verified: true, quota: u32::MAX }
}

/// A listing with this number, in the United States.
pub fn listing(n: usize) -> Listing {
    Listing::new(Marketplace::Us, format!("B{n:09}").parse().unwrap())
}

/// Adds a product with a title and a past.
pub async fn add_product(daemon: &Daemon, tenant_id: TenantId, n: usize, title: &str, points: &[Point]) -> Product {
    let store = daemon.store().await;
    let product = add_to(&store, tenant_id, n, title, points).await;
    store.close().await;
    product
}

/// The same with a store that is open.
async fn add_to(store: &SharedStore, tenant_id: TenantId, n: usize, title: &str, points: &[Point]) -> Product {
    let tags = if n.is_multiple_of(2) { vec!["even".to_owned()] } else { Vec::new() };
    let settings = ProductSettings { tags, ..ProductSettings::default() };
    let new = NewProduct { tenant_id, listing: listing(n), settings, quota: u32::MAX };
    let product = store.add_product(new).await.unwrap();
    let mut state = ListingState::default();
    state.title = Some(title.to_owned());
    points.iter().filter(|point| point.key.series != Series::Unobserved).for_each(|point| state.replay(point));
    assert!(store.import(product.listing_id, points, &state).await.unwrap());
    product
}

/// Something was so from a moment on.
pub fn point(series: Series, at: Timestamp, value: Option<i64>) -> Point {
    let category = if series == Series::SalesRank { "Audio".to_owned() } else { String::new() };
    Point { key: SeriesKey { series, category }, at, value: value.map(PointValue::Number) }
}

/// Prices every few hours for so many days, ranks, a time out of stock, and a gap; the last price is the lowest if `n` is even.
pub fn history(n: usize, days: i64) -> Vec<Point> {
    let now = Timestamp::now();
    let n = i64::try_from(n).unwrap();
    let mut points = Vec::new();
    for hour in (1..days * 24).rev().step_by(6) {
        let at = now - SignedDuration::from_hours(hour);
        let is_gone = (200..240).contains(&(hour % 600));
        let price = (!is_gone).then_some(9_000 + n * 100 + hour * 37 % 1_700);
        points.push(point(Series::Price, at, price));
        points.push(point(Series::Availability, at, Some(if is_gone { 3 } else { 1 })));
        points.push(point(Series::SalesRank, at, Some(1_000 + hour * 91 % 3_000)));
    }
    // Nobody looked for three days.
    let (from, to) = (now - SignedDuration::from_hours(24 * 20), now - SignedDuration::from_hours(24 * 17));
    points.retain(|point| point.at < from || point.at > to);
    points.push(point(Series::Unobserved, to, Some(from.as_millisecond())));
    let last = if n % 2 == 0 { 5_000 } else { 10_000 + n * 10 };
    points.push(point(Series::Price, now - SignedDuration::from_mins(30), Some(last)));
    points.push(point(Series::Availability, now - SignedDuration::from_mins(30), Some(1)));
    points.sort_by_key(|point| point.at);
    points
}

/// Adds so many products with ninety days of history: `Product 0`, `Product 1`, …
pub async fn add_products(daemon: &Daemon, tenant_id: TenantId, count: usize) -> Vec<Product> {
    let store = daemon.store().await;
    let mut products = Vec::new();
    for n in 0..count {
        products.push(add_to(&store, tenant_id, n, &format!("Product {n}"), &history(n, 90)).await);
    }
    store.close().await;
    products
}

pub fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::Usd)
}
