//! A listing, as its pages show it over time, and what is known of it after so many crawls: through the code that judges crawls, and not
//! written down by hand.

use amazon_tracker::advice::{KnownListing, seen_at, window_days};
use amazon_tracker::domain::*;
use amazon_tracker::insight::listing_rules::{ListingCheck, ListingContent, check};
use amazon_tracker::insight::{Compared, Comparison, Insight, ListingHistory, Peer, comparison, insight};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::question::TODAY;

/// What differs from the first page on a day, counted from 0.
pub type Course = fn(day: usize, days: usize, seen: &mut Observation);

/// A listing, as its pages show it.
#[derive(Debug, Clone)]
pub struct Page {
    /// Names it in reports.
    pub name: String,
    pub marketplace: Marketplace,
    /// What the first page shows.
    pub seen: Observation,
    /// What differs on later days, in order.
    pub courses: Vec<Course>,
    /// Crawls, one a day.
    pub days: usize,
    /// Days since the last of them.
    pub silent_days: i32,
    /// The prices of competitors, in percent of the own one.
    pub rivals_percent: Vec<i64>,
}

/// What is known of a listing.
pub struct Known {
    pub product: Product,
    pub content: ListingContent,
    pub has_a_plus: Option<bool>,
    pub content_since: Option<Timestamp>,
    pub check: ListingCheck,
    pub history: ListingHistory,
    pub insight: Insight,
    pub comparison: Comparison,
    pub days: u32,
    pub now: Timestamp,
}

/// What the crawls of a listing left.
#[derive(Default)]
struct Crawled {
    state: ListingState,
    points: Vec<Point>,
    content: Map<String, Value>,
    content_since: Option<Timestamp>,
}

/// The time of the last crawl; facts are asked for two hours later.
fn last_crawl() -> Timestamp {
    "2026-11-30T06:00:00Z".parse().unwrap()
}

fn days(days: i32) -> SignedDuration {
    SignedDuration::from_hours(24) * days
}

impl Page {
    /// A listing whose pages stay as they are for 60 days, among dearer competitors.
    pub fn new(name: impl Into<String>, marketplace: Marketplace, seen: Observation) -> Self {
        let (courses, rivals_percent) = (Vec::new(), vec![104, 110, 130]);
        Self { name: name.into(), marketplace, seen, courses, days: 60, silent_days: 0, rivals_percent }
    }

    pub fn bullets(&mut self) -> &mut Vec<String> {
        self.seen.content.bullets.get_or_insert_default()
    }

    /// Changes the title, wherever a page states it.
    pub fn set_title(&mut self, title: String) {
        self.seen.title = Some(title.clone());
        self.seen.content.title = Some(title);
    }

    pub fn title(&self) -> String {
        self.seen.content.title.clone().unwrap_or_default()
    }

    fn crawled(&self, end: Timestamp) -> Crawled {
        let mut crawled = Crawled::default();
        for day in 0..self.days {
            let at = end - days(i32::try_from(self.days - 1 - day).unwrap());
            let mut seen = self.seen.clone();
            self.courses.iter().for_each(|course| course(day, self.days, &mut seen));
            crawled.take(&seen, at);
        }
        crawled
    }

    /// What is known after the crawls.
    pub fn known(&self) -> Known {
        let end = last_crawl() - days(self.silent_days);
        let now = last_crawl() + SignedDuration::from_hours(2);
        let Crawled { state, points, content: values, content_since } = self.crawled(end);
        let content = ListingContent::observed(self.marketplace, &values);
        let product = product(self, state);
        let history = ListingHistory::new(points, None, product.is_price_stale(now), seen_at(&product, now));
        let window = window_days(&history);
        let own = Peer::from(&product);
        let rivals: Vec<Compared> =
            self.rivals_percent.iter().map(|percent| rival(&own, *percent, self.days, end)).collect();
        let peers: Vec<Peer> = rivals.iter().map(|rival| rival.peer).collect();
        let compared = Compared { peer: own, ranks: product.state.ranks(), history: history.clone() };
        Known {
            insight: insight(&history, window, &own, &peers),
            comparison: comparison(&compared, &rivals, window),
            check: check(&content, TODAY),
            has_a_plus: values.get(ContentField::HasAPlus.as_str()).and_then(Value::as_bool),
            product,
            content,
            content_since,
            history,
            days: window,
            now,
        }
    }
}

impl Crawled {
    fn take(&mut self, seen: &Observation, at: Timestamp) {
        let judged = self.state.judge(seen, at);
        let has_changed = judged.points.iter().any(|point| point.key.series.is_of_featured_offer());
        let rate = self.state.change_rate;
        self.state = judged.state;
        self.state.change_rate = Some(rate.map_or(ChangeRate::prior(at), |rate| rate.after_crawl(at, has_changed)));
        self.points.extend(judged.points);
        if let Some(change) = self.state.take_content(&seen.content, "direct", at) {
            self.content.extend(change.values);
            self.content_since = Some(at);
        }
    }
}

impl Known {
    pub fn listing(&self) -> KnownListing<'_> {
        KnownListing {
            product: &self.product,
            content: &self.content,
            has_a_plus: self.has_a_plus,
            content_since: self.content_since,
            check: &self.check,
            history: &self.history,
            insight: &self.insight,
            comparison: Some(&self.comparison),
            days: self.days,
            now: self.now,
        }
    }
}

fn product(page: &Page, state: ListingState) -> Product {
    Product {
        id: ProductId::new(),
        tenant_id: TenantId::BUILT_IN,
        listing_id: ListingId(1),
        listing: Listing { marketplace: page.marketplace, asin: page.seen.asin.unwrap() },
        settings: ProductSettings::default(),
        created_at: last_crawl(),
        updated_at: last_crawl(),
        version: 1,
        last_outcome: Some("observed".to_owned()),
        last_crawled_at: state.checked_at,
        interval: Interval::DAILY,
        next_crawl_at: None,
        attempts: 0,
        state,
    }
}

/// A competitor whose price has always been the same part of the last own one.
fn rival(own: &Peer, percent: i64, days_ago: usize, end: Timestamp) -> Compared {
    let price_minor = own.price_minor.map(|own_minor| own_minor * percent / 100);
    let at = end - days(i32::try_from(days_ago).unwrap());
    let point = Point { key: Series::Price.into(), at, value: price_minor.map(PointValue::Number) };
    let peer = Peer { product_id: ProductId::new(), price_minor, shipping_minor: own.shipping_minor, ..*own };
    Compared { peer, ranks: Vec::new(), history: ListingHistory::new(vec![point], None, false, end) }
}
