//! The values of a listing in a window: price, rank, rating and number of ratings.

use jiff::Timestamp;

use super::document::{Cell, ColumnKind, Table};
use super::movement::Movement;
use super::product_row::{RowExclusion, is_current, price_exclusion};
use super::reported::ReportedProduct;
use super::wording::relative;
use crate::domain::plain_text::clean;
use crate::domain::steps::Window;
use crate::domain::{Money, Series, SeriesKey};
use crate::insight::rank::main_category;

/// A series with how it moved.
pub(super) struct Moved {
    /// Which one.
    pub key: SeriesKey,
    /// How.
    pub movement: Movement,
    /// The last value is that of the end of the window.
    pub is_current: bool,
}

impl Moved {
    /// The value at the end of the window.
    pub fn close(&self) -> Option<i64> {
        self.movement.close.filter(|_| self.is_current)
    }

    /// Of a sales rank, its category.
    pub fn category(&self) -> String {
        clean(&self.key.category)
    }

    /// From the first value to the one at the end.
    pub fn change(&self) -> Option<i64> {
        self.close()?.checked_sub(self.movement.open?)
    }
}

/// What is known of the series in the window. The price comes first, if it is known.
pub(super) fn moved(reported: &ReportedProduct<'_>, window: Window) -> Vec<Moved> {
    let rank = main_category(reported.history, window).map(|(key, _)| key);
    let keys = [Some(Series::Price.into()), rank, Some(Series::Rating.into()), Some(Series::ReviewCount.into())];
    let found = keys.into_iter().flatten().map(|key: SeriesKey| {
        let movement = Movement::of(&reported.numbers(&key, window), window);
        let is_current = is_current(reported, &movement, key.series, window.to);
        Moved { key, movement, is_current }
    });
    found.filter(|moved| moved.movement.known_until.is_some()).collect()
}

/// Why the change of the price does not count.
pub(super) fn excluded(reported: &ReportedProduct<'_>, moved: &[Moved], window: Window) -> Option<RowExclusion> {
    let price = moved.iter().find(|moved| moved.key.series == Series::Price);
    price.map_or(Some(RowExclusion::NoData), |price| price_exclusion(reported, &price.movement, window))
}

/// The table of the values.
pub(super) fn values_table(reported: &ReportedProduct<'_>, moved: &[Moved], window: Window) -> Table {
    let columns = [
        ("Value", ColumnKind::Text),
        ("First", ColumnKind::Money),
        ("Lowest", ColumnKind::Money),
        ("Lowest at", ColumnKind::Text),
        ("Highest", ColumnKind::Money),
        ("Highest at", ColumnKind::Text),
        ("Average", ColumnKind::Money),
        ("Last", ColumnKind::Money),
        ("Change", ColumnKind::Money),
        ("Change in percent", ColumnKind::Number),
        ("Changes", ColumnKind::Number),
        ("Known share", ColumnKind::Number),
    ];
    let excluded = excluded(reported, moved, window);
    let rows = moved.iter().map(|moved| row(reported, moved, excluded)).collect();
    Table { rows, ..Table::new(&columns) }
}

fn row(reported: &ReportedProduct<'_>, moved: &Moved, excluded: Option<RowExclusion>) -> Vec<Cell> {
    let (series, movement) = (moved.key.series, &moved.movement);
    let value = |number: i64| match series {
        Series::Price => Cell::Money(Money::new(number, reported.currency())),
        Series::Rating => Cell::number(number as f64 / 100.0),
        _ => Cell::Integer(number),
    };
    let extreme = |extreme: Option<(i64, Timestamp)>| {
        [Cell::option(extreme, |(number, _)| value(number)), Cell::option(extreme, |(_, at)| Cell::Time(at))]
    };
    let counts = series != Series::Price || excluded.is_none();
    let change = moved.change().filter(|_| counts);
    let relative = change.and_then(|_| relative(movement.open?, movement.close?)).filter(|_| series == Series::Price);
    let [low, low_at] = extreme(movement.low);
    let [high, high_at] = extreme(movement.high);
    vec![
        Cell::Text(name(moved)),
        Cell::option(movement.open, value),
        low,
        low_at,
        high,
        high_at,
        Cell::option(movement.average, value),
        Cell::option(moved.close(), value),
        Cell::option(change, value),
        Cell::option(relative, Cell::share),
        Cell::Integer(i64::try_from(movement.changes).unwrap_or(i64::MAX)),
        Cell::share(movement.known_share),
    ]
}

fn name(moved: &Moved) -> String {
    match moved.key.series {
        Series::Price => "Price".to_owned(),
        Series::SalesRank => format!("Sales rank in {}", moved.category()),
        Series::Rating => "Rating in stars".to_owned(),
        Series::ReviewCount => "Number of ratings".to_owned(),
        other => other.as_str().to_owned(),
    }
}
