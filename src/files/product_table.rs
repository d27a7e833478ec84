//! The rows of exported products and points. Prices are in the main unit of their currency, times in UTC.

use super::table_writer::Cell;
use crate::domain::{Availability, Money, Point, PointValue, Product, Rating, Series};

/// The columns of a table of products.
pub const PRODUCT_COLUMNS: &[&str] = &[
    "product_id",
    "marketplace",
    "asin",
    "page_url",
    "label",
    "page_title",
    "brand",
    "tags",
    "frequency",
    "is_competitor",
    "status",
    "offers_frequency",
    "price",
    "list_price",
    "currency",
    "availability",
    "seller",
    "coupon",
    "sales_rank",
    "sales_rank_category",
    "rating",
    "review_count",
    "price_as_of",
    "checked_at",
    "last_outcome",
    "created_at",
];

/// The columns of a table of points.
pub const HISTORY_COLUMNS: &[&str] =
    &["product_id", "marketplace", "asin", "series", "category", "at", "value", "currency"];

/// The cells of a product in a table with [`PRODUCT_COLUMNS`]: its current values.
pub fn product_row(product: &Product) -> Vec<Cell<'_>> {
    let (listing, state, settings) = (product.listing, &product.state, &product.settings);
    let money = |series| {
        Cell::option(state.money(series, listing.marketplace.currency()), |money| Cell::Decimal(money.decimal()))
    };
    let text = |text: Option<&'_ str>| Cell::option(text.map(str::to_owned), Cell::text);
    let rank = state.ranks().into_iter().next();
    vec![
        Cell::text(product.id.to_string()),
        Cell::text(listing.marketplace.code()),
        Cell::text(listing.asin.as_str().to_owned()),
        Cell::text(listing.url()),
        text(settings.label.as_deref()),
        text(state.title.as_deref()),
        text(state.brand.as_deref()),
        Cell::text(settings.tags.join(";")),
        Cell::text(settings.frequency.to_string()),
        Cell::Bool(settings.is_competitor),
        Cell::text(settings.status.as_str()),
        text(settings.offers_interval.map(|interval| interval.to_string()).as_deref()),
        money(Series::Price),
        money(Series::ListPrice),
        Cell::text(listing.marketplace.currency().code()),
        Cell::text(state.availability().as_str()),
        text(state.text(Series::Seller)),
        text(state.text(Series::Coupon)),
        Cell::option(rank.as_ref().map(|rank| rank.rank), |rank| Cell::Integer(rank.into())),
        Cell::option(rank.map(|rank| rank.category), Cell::text),
        Cell::option(state.rating(), |rating| Cell::Decimal(rating.stars().to_string())),
        Cell::option(state.number(Series::ReviewCount), Cell::Integer),
        Cell::option(state.as_of(Series::Price), Cell::Time),
        Cell::option(state.checked_at, Cell::Time),
        text(product.last_outcome.as_deref()),
        Cell::Time(product.created_at),
    ]
}

/// The cells of a point in a table with [`HISTORY_COLUMNS`]: the value of a series from a time on.
pub fn point_row(product: &Product, point: &Point) -> Vec<Cell<'static>> {
    let (listing, series) = (product.listing, point.key.series);
    let currency = listing.marketplace.currency();
    let value = match &point.value {
        None => Cell::Empty,
        Some(PointValue::Text(text)) => Cell::text(text.clone()),
        Some(PointValue::Number(number)) if series.is_money() => Cell::Decimal(Money::new(*number, currency).decimal()),
        Some(PointValue::Number(number)) => match series {
            Series::Rating => Cell::option(u16::try_from(*number).ok(), |hundredths| {
                Cell::Decimal(Rating(hundredths).stars().to_string())
            }),
            Series::Availability => Cell::text(Availability::from_number(*number).unwrap_or_default().as_str()),
            _ => Cell::Integer(*number),
        },
    };
    vec![
        Cell::text(product.id.to_string()),
        Cell::text(listing.marketplace.code()),
        Cell::text(listing.asin.as_str().to_owned()),
        Cell::text(series.as_str()),
        if point.key.category.is_empty() { Cell::Empty } else { Cell::text(point.key.category.clone()) },
        Cell::Time(point.at),
        value,
        if series.is_money() { Cell::text(currency.code()) } else { Cell::Empty },
    ]
}
