//! Products with a history, as reports look at them.

use amazon_tracker::domain::*;
use amazon_tracker::insight::ListingHistory;
use amazon_tracker::insight::report::{Cell, Report, ReportWindow, ReportedProduct, Table};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

/// When reports are made: Monday 05:00 in Shanghai.
pub fn made_at() -> Timestamp {
    "2026-11-29T21:00:00Z".parse().unwrap()
}

/// The last week in Shanghai.
pub fn week() -> ReportWindow {
    ReportPeriod::LastWeek.window(made_at(), "Asia/Shanghai").unwrap()
}

/// A time so many hours after the beginning of the week.
pub fn hour(hours: i64) -> Timestamp {
    week().from + SignedDuration::from_hours(hours)
}

/// A product that is crawled daily, and its history.
#[derive(Debug, Clone)]
pub struct Tracked {
    pub product: Product,
    pub points: Vec<Point>,
    pub content: Option<Map<String, Value>>,
    history: Option<ListingHistory>,
}

impl Tracked {
    pub fn new(name: &str, marketplace: Marketplace) -> Self {
        let interval = Interval::DAILY;
        let product = Product {
            id: ProductId::new(),
            tenant_id: TenantId::new(),
            listing_id: ListingId(1),
            listing: Listing::new(marketplace, "B08PZHYWJS".parse().unwrap()),
            settings: ProductSettings { label: Some(name.to_owned()), ..ProductSettings::default() },
            created_at: hour(-1_000),
            updated_at: hour(-1_000),
            version: 1,
            state: ListingState::default(),
            last_outcome: Some("observed".to_owned()),
            last_crawled_at: Some(made_at()),
            interval,
            next_crawl_at: Some(made_at()),
            attempts: 0,
        };
        Self { product, points: Vec::new(), content: None, history: None }
    }

    /// With a series: at so many hours after the beginning of the week, which value.
    pub fn with(mut self, key: impl Into<SeriesKey>, values: &[(i64, Option<i64>)]) -> Self {
        let key = key.into();
        let point = |(hours, value): &(i64, Option<i64>)| Point {
            key: key.clone(),
            at: hour(*hours),
            value: value.map(PointValue::Number),
        };
        self.points.extend(values.iter().map(point));
        self
    }

    pub fn prices(self, values: &[(i64, Option<i64>)]) -> Self {
        self.with(Series::Price, values)
    }

    pub fn ranks(self, category: &str, values: &[(i64, Option<i64>)]) -> Self {
        self.with(SeriesKey { series: Series::SalesRank, category: category.to_owned() }, values)
    }

    /// Nothing was read between two times.
    pub fn unobserved(mut self, from: i64, to: i64) -> Self {
        let value = Some(PointValue::Number(hour(from).as_millisecond()));
        self.points.push(Point { key: Series::Unobserved.into(), at: hour(to), value });
        self
    }

    /// Looked at when the report is made.
    pub fn done(mut self) -> Self {
        let mut points = self.points.clone();
        points.sort_by_key(|point| point.at);
        points.iter().for_each(|point| self.product.state.replay(point));
        self.product.state.checked_at = Some(made_at());
        self.history = Some(ListingHistory::new(points, None, false, made_at()));
        self
    }

    pub fn reported(&self) -> ReportedProduct<'_> {
        ReportedProduct {
            product: &self.product,
            history: self.history.as_ref().unwrap(),
            content: self.content.as_ref(),
        }
    }
}

pub fn table<'r>(report: &'r Report, section: &str) -> &'r Table {
    let section = report.sections.iter().find(|found| found.id == section);
    section.and_then(|section| section.table()).unwrap()
}

/// The cell of the first row whose first cell is this text.
pub fn cell<'t>(table: &'t Table, row: &str, column: &str) -> &'t Cell {
    let at = table.columns.iter().position(|found| found.name == column).unwrap();
    let found = table.rows.iter().find(|cells| cells[0] == Cell::text(row));
    &found.unwrap_or_else(|| panic!("no row {row}"))[at]
}

pub fn money(minor: i64, currency: Currency) -> Cell {
    Cell::Money(Money::new(minor, currency))
}
