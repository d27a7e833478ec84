//! Facts about the place of a product among its competitors, and about its ratings.

use super::fact::FactValue;
use super::fact_list::FactList;
use super::fact_names as names;
use super::known_listing::KnownListing;
use crate::domain::{Money, Series};
use crate::insight::{PriceBasis, Reputation, reputation};

pub(super) fn add(known: &KnownListing<'_>, list: &mut FactList) {
    add_position(known, list);
    add_ratings(known, list);
}

fn add_position(known: &KnownListing<'_>, list: &mut FactList) {
    let seen_at = Some(known.seen_at());
    if let Some(comparison) = known.comparison {
        let undercuts = FactValue::count(comparison.undercuts.len(), "times");
        list.add_window(names::UNDERCUTS, Some(undercuts), known.seen_at());
    }
    let of_comparison = known.comparison.map(|comparison| &comparison.position);
    let Ok(position) = &of_comparison.unwrap_or(&known.insight.position).value else { return };
    let currency = known.product.listing.marketplace.currency();
    let basis = match position.basis {
        PriceBasis::Landed => "with shipping",
        PriceBasis::WithoutShipping => "without shipping",
    };
    let own_minor = known.comparison.and_then(|comparison| comparison.own.price_minor.ok());
    let mut add = |name: &str, value| list.add_now(name, Some(value), seen_at);
    add(names::COMPETITORS, FactValue::count(position.of.saturating_sub(1), "competitors"));
    add(names::CHEAPER, FactValue::count(position.rank.saturating_sub(1), "competitors"));
    add(names::TO_CHEAPEST, FactValue::percent(position.percent_to_cheapest));
    add(names::TO_MEDIAN, FactValue::percent(position.percent_to_median));
    let prices = [
        (names::COMPARED_PRICE, own_minor),
        (names::CHEAPEST, Some(position.cheapest_minor)),
        (names::MEDIAN_OF_COMPETITORS, Some(position.median_minor)),
    ];
    for (name, minor) in prices {
        let price = minor.map(|minor| FactValue::Money(Money::new(minor, currency)));
        list.add_now(format!("{name}, {basis}"), price, seen_at);
    }
}

fn add_ratings(known: &KnownListing<'_>, list: &mut FactList) {
    let (state, seen_at) = (&known.product.state, known.seen_at());
    let Reputation { reviews_gained, rating } = reputation(known.history, known.days);
    let now = state.rating().map(|rating| FactValue::Stars(rating.0));
    list.add_now(names::RATING, now, state.as_of(Series::Rating));
    let before = rating.value.ok().map(|rating| FactValue::Stars(rating.from.0));
    list.add_window(names::RATING_BEFORE, before, seen_at);
    let reviews = state.number(Series::ReviewCount).and_then(|count| u64::try_from(count).ok());
    let reviews = reviews.map(|count| FactValue::Count { count, unit: "ratings" });
    list.add_now(names::REVIEWS, reviews, state.as_of(Series::ReviewCount));
    if let Ok(gained) = reviews_gained.value {
        let name = if gained < 0 { names::REVIEWS_LOST } else { names::REVIEWS_GAINED };
        list.add_window(name, Some(FactValue::Count { count: gained.unsigned_abs(), unit: "ratings" }), seen_at);
    }
}
