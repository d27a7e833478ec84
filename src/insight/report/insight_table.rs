//! Insight as a table: each value with what it rests on, or why it is missing.

use super::document::{Block, Cell, ColumnKind, Section, Table};
use super::wording::{percent, whole_percent};
use crate::domain::plain_text::{clean, clean_some};
use crate::domain::{Currency, Money};
use crate::insight::{
    BuyBox, Elasticity, Insight, Lowest, Measure, Method, Outlook, Position, PriceBasis, RankDrops, Season,
    SellerShare, Volatility,
};

/// Sellers that are named.
const MAX_SELLERS: usize = 3;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The insight of a listing, whose window has so many days.
pub(super) fn insight_section(insight: &Insight, days: u32, currency: Currency) -> Section {
    let money = |minor: i64| Money::new(minor, currency);
    let share = |share: &f64| (Cell::share(*share), String::new());
    let rows = vec![
        row("Share of the time at a higher price", &insight.price_percentile, share),
        row("Deal score (0 to 10)", &insight.deal_score, |score| (Cell::number(*score), String::new())),
        row("Lowest price since tracking began", &insight.lowest, |lowest| lowest_price(lowest, money)),
        row("Out of stock", &insight.out_of_stock_share, share),
        row("Changes of price in 30 days", &insight.volatility, volatility),
        row("Season", &insight.season, season),
        row("Improvements of the sales rank", &insight.rank_drops, rank_drops),
        row("Buy Box", &insight.buy_box, buy_box),
        row("Place among competitors", &insight.position, |position| place(position, money)),
        row("Rank after changes of price", &insight.elasticity, elasticity),
        row("Price in 30 days", &insight.outlook, |outlook| forecast(outlook, money)),
    ];
    let columns = [
        ("Value", ColumnKind::Text),
        ("Result", ColumnKind::Money),
        ("Details", ColumnKind::Text),
        ("Counted", ColumnKind::Number),
        ("Known share", ColumnKind::Number),
        ("Missing because", ColumnKind::Text),
    ];
    let about = format!(
        "As of the time the report was made, of the {days} days before it, unless a value says otherwise. A value is missing where too \
         little is known for it."
    );
    let blocks = vec![Block::text(about), Block::Table(Table { rows, ..Table::new(&columns) })];
    Section::new("insight", "Insight", blocks)
}

fn row<T>(name: &str, measure: &Measure<T>, value: impl FnOnce(&T) -> (Cell, String)) -> Vec<Cell> {
    let ((result, details), missing) = match &measure.value {
        Ok(found) => (value(found), Cell::Unknown),
        Err(missing) => ((Cell::Unknown, String::new()), Cell::text(missing.to_string())),
    };
    let details = if details.is_empty() { Cell::Unknown } else { Cell::Text(details) };
    let counted = Cell::Integer(i64::try_from(measure.n).unwrap_or(i64::MAX));
    vec![Cell::text(name), result, details, counted, Cell::share(measure.coverage), missing]
}

fn lowest_price(lowest: &Lowest, money: impl Fn(i64) -> Money) -> (Cell, String) {
    let details = match (lowest.of_all_time, lowest.of_90_days) {
        (true, _) => "the current price is the lowest since tracking began",
        (false, true) => "the current price is the lowest of 90 days",
        (false, false) => "",
    };
    (Cell::Money(money(lowest.lowest_minor)), details.to_owned())
}

fn volatility(volatility: &Volatility) -> (Cell, String) {
    let details = format!("typical distance from the median: {}", whole_percent(volatility.relative_deviation));
    (Cell::number(volatility.changes_per_30_days), details)
}

fn season(season: &Season) -> (Cell, String) {
    let known = || season.months.iter().zip(MONTHS).filter_map(|(month, name)| Some((name, month.as_ref()?)));
    let by_index = |a: &f64, b: &f64| a.total_cmp(b);
    let cheapest = known().min_by(|a, b| by_index(&a.1.index, &b.1.index));
    let dearest = known().max_by(|a, b| by_index(&a.1.index, &b.1.index));
    match cheapest.zip(dearest) {
        None => (Cell::Unknown, "no month is known well enough".to_owned()),
        Some(((low, cheapest), (high, dearest))) => {
            let (below, above) = (percent(cheapest.index - 1.0), percent(dearest.index - 1.0));
            (Cell::Unknown, format!("cheapest in {low} ({below} against its year), dearest in {high} ({above})"))
        }
    }
}

fn rank_drops(drops: &RankDrops) -> (Cell, String) {
    let details = format!("of {} changes, in {}", drops.changes, clean(&drops.category));
    (Cell::Integer(i64::try_from(drops.drops).unwrap_or(i64::MAX)), details)
}

fn buy_box(buy_box: &BuyBox) -> (Cell, String) {
    let seller = |seller: &SellerShare| {
        let name = clean_some(seller.name.as_deref()).unwrap_or_else(|| seller.seller_id.clone());
        format!("{name} {}", whole_percent(seller.share))
    };
    let sellers: Vec<String> = buy_box.sellers.iter().take(MAX_SELLERS).map(seller).collect();
    let largest = buy_box.sellers.first().map(|first| first.share);
    (Cell::option(largest, Cell::share), format!("{}; {} changes of seller", sellers.join(", "), buy_box.flips))
}

fn place(position: &Position, money: impl Fn(i64) -> Money) -> (Cell, String) {
    let basis = match position.basis {
        PriceBasis::Landed => "with shipping",
        PriceBasis::WithoutShipping => "without shipping",
    };
    let details = format!(
        "of {}, {basis}; {} against the cheapest ({}), {} against the median ({})",
        position.of,
        percent(position.percent_to_cheapest / 100.0),
        money(position.cheapest_minor),
        percent(position.percent_to_median / 100.0),
        money(position.median_minor),
    );
    (Cell::Integer(i64::try_from(position.rank).unwrap_or(i64::MAX)), details)
}

fn elasticity(elasticity: &Elasticity) -> (Cell, String) {
    let times = |ratio: Option<f64>| ratio.map_or_else(|| "not known".to_owned(), |ratio| format!("× {ratio:.2}"));
    let details = format!(
        "share of the moves that the rank followed, in {}; rank after a lower price {}, after a higher one {}",
        clean(&elasticity.category),
        times(elasticity.after_decrease),
        times(elasticity.after_increase),
    );
    (Cell::share(elasticity.expected_share), details)
}

fn forecast(outlook: &Outlook, money: impl Fn(i64) -> Money) -> (Cell, String) {
    let method = match outlook.method {
        Method::LastValue => "the price stays",
        Method::Median90Days => "the price returns to its median of 90 days",
    };
    let details = format!(
        "{method}; nine of ten changes in the past led to more than {}, nine of ten to less than {}; mean error {}",
        money(outlook.low_minor),
        money(outlook.high_minor),
        money(outlook.mean_error_minor),
    );
    (Cell::Money(money(outlook.price_minor)), details)
}
