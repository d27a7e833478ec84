//! Twenty headphones with ninety days of history, as in the demo: what the pictures show.

use amazon_tracker::domain::{
    Listing, ListingState, Marketplace, Point, PointValue, ProductSettings, Series, SeriesKey, TenantId,
};
use amazon_tracker::sources::simulated::{FactValue, Field, PastPoint, Product};
use amazon_tracker::store::{NewProduct, SharedStore};
use serde_json::{Value, json};

use crate::daemon::{Daemon, expect};
use crate::fixture::{add_admin, crawling, usd};

const PRODUCTS: u32 = 20;
const DAYS: u32 = 90;

/// An installation that looks like one in use.
pub struct Shop {
    pub daemon: Daemon,
    /// The product whose page is shown.
    pub product: String,
    /// An alert about it.
    pub rule: String,
}

impl Shop {
    pub async fn start() -> Self {
        let daemon = crawling().await;
        add_admin(&daemon, "jo").await;
        let store = daemon.store().await;
        let mut ids = Vec::new();
        for product in daemon.simulated.catalogue().products(PRODUCTS) {
            ids.push(add(&store, &daemon, product).await);
        }
        store.close().await;
        let path = format!("/api/v1/board?limit={PRODUCTS}");
        let now = json!(jiff::Timestamp::now().to_string());
        let is_crawled = |row: &Value| row["next_crawl_at"].as_str() > now.as_str();
        daemon.eventually(&path, |board| board["items"].as_array().unwrap().iter().all(is_crawled)).await;
        let rule = alert(&daemon, &ids[0]).await;
        let set = json!({ "name": "Rivals", "product_id": ids[0], "competitor_ids": [ids[1], ids[2]] });
        expect(201, daemon.post("/api/v1/competitors", &set)).await;
        let report = json!({ "subject": { "kind": "tag", "tag": "sport" }, "period": { "kind": "last_week" } });
        let job = expect(202, daemon.post("/api/v1/reports", &report)).await;
        let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
        daemon.eventually(&path, |job| !job["finished_at"].is_null()).await;
        let recurrence = json!({ "cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin" });
        let action = json!({ "kind": "crawl", "tag": "audio" });
        let schedule = json!({ "name": "Every morning", "action": action, "recurrence": recurrence });
        expect(201, daemon.post("/api/v1/schedules", &schedule)).await;
        Self { daemon, product: ids.swap_remove(0), rule }
    }
}

/// A rule that has fired, and what it has told a channel.
async fn alert(daemon: &Daemon, product: &str) -> String {
    let channel = json!({ "kind": "webhook", "name": "Shop floor", "config": { "url": daemon.receiver.url() } });
    let channel = expect(201, daemon.post("/api/v1/channels", &channel)).await;
    let target = json!({ "amount_minor": 31_500, "currency": "USD" });
    let rule = json!({ "product_id": product, "name": "Below the usual price", "kind": "price_at_or_below", "target": target, "channels": [channel["id"]] });
    let rule = expect(201, daemon.post("/api/v1/alerts", &rule)).await;
    daemon.simulated.set_price(daemon.listing(0), usd(30_999));
    daemon.check_now(&json!(product)).await;
    daemon
        .eventually("/api/v1/alerts/events", |events| events["items"][0]["deliveries"][0]["status"] == "delivered")
        .await;
    rule["id"].as_str().unwrap().to_owned()
}

async fn add(store: &SharedStore, daemon: &Daemon, product: Product) -> String {
    let listing = Listing::new(Marketplace::Us, product.asin);
    let is_sporty = product.title.contains("Sport") || product.title.contains("Swim");
    let tags = vec!["headphones".to_owned(), if is_sporty { "sport" } else { "audio" }.to_owned()];
    let settings = ProductSettings { tags, ..ProductSettings::default() };
    let added = store
        .add_product(NewProduct { tenant_id: TenantId::BUILT_IN, listing, settings, quota: u32::MAX })
        .await
        .unwrap();
    let past = daemon.simulated.past(listing, DAYS, store.now().await.unwrap());
    let points: Vec<Point> = past.into_iter().filter_map(point_of).collect();
    let mut state = ListingState::default();
    (state.title, state.brand) = (Some(product.title), Some(product.brand.to_owned()));
    points.iter().for_each(|point| state.replay(point));
    assert!(store.import(added.listing_id, &points, &state).await.unwrap());
    added.id.to_string()
}

/// What the marketplace tells of a time, as the store keeps it.
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
    let mut category = String::new();
    let value = match past.value {
        FactValue::Absent if series == Series::SalesRank => return None,
        FactValue::Absent => None,
        FactValue::Money(money) => Some(PointValue::Number(money.amount_minor)),
        FactValue::Text(text) => Some(PointValue::Text(text)),
        FactValue::Count(count) => Some(PointValue::Number(count.into())),
        FactValue::Rating(rating) => Some(PointValue::Number(rating.0.into())),
        FactValue::Availability(availability) => Some(PointValue::Number(availability.number())),
        FactValue::Rank(rank) => {
            category = rank.category;
            Some(PointValue::Number(rank.rank.into()))
        }
    };
    Some(Point { key: SeriesKey { series, category }, at: past.at, value })
}
