//! Facts about the price, the stock, the sales rank and the Buy Box of a listing.

use super::fact::FactValue;
use super::fact_list::FactList;
use super::fact_names as names;
use super::known_listing::KnownListing;
use crate::domain::{Availability, Money, Rank, Series};
use crate::insight::{BuyBox, price_range};

/// Categories whose rank is a fact: those with the highest ranks, which are the widest.
const MAX_RANKS: usize = 3;

pub(super) fn add(known: &KnownListing<'_>, list: &mut FactList) {
    add_price(known, list);
    add_stock(known, list);
    add_rank(known, list);
    add_buy_box(known, list);
}

fn add_price(known: &KnownListing<'_>, list: &mut FactList) {
    let (state, insight, seen_at) = (&known.product.state, known.insight, known.seen_at());
    let currency = known.product.listing.marketplace.currency();
    let money = |minor: i64| FactValue::Money(Money::new(minor, currency));
    // A price that is not today's is no price now.
    let current = |series| state.number(series).filter(|_| !known.product.is_price_stale(known.now)).map(money);
    list.add_now(names::PRICE, current(Series::Price), state.as_of(Series::Price));
    list.add_now(names::LIST_PRICE, current(Series::ListPrice), state.as_of(Series::ListPrice));
    let range = price_range(known.history, known.days).value.ok();
    list.add_window(names::LOWEST_PRICE, range.map(|range| money(range.lowest_minor)), seen_at);
    list.add_window(names::HIGHEST_PRICE, range.map(|range| money(range.highest_minor)), seen_at);
    list.add_window(names::MEAN_PRICE, range.map(|range| money(range.mean_minor)), seen_at);
    let percentile = insight.price_percentile.value.ok();
    list.add_window(names::TIME_AT_HIGHER_PRICE, percentile.map(FactValue::share), seen_at);
    let is_lowest = insight.lowest.value.ok().map(|lowest| FactValue::Truth(lowest.of_all_time));
    list.add_now(names::IS_LOWEST_EVER, is_lowest, Some(seen_at));
    let volatility = insight.volatility.value.ok();
    let changes = volatility.map(|_| FactValue::count(insight.volatility.n, "changes"));
    list.add_window(names::PRICE_CHANGES, changes, seen_at);
    let deviation = volatility.map(|volatility| FactValue::share(volatility.relative_deviation));
    list.add_window(names::PRICE_DEVIATION, deviation, seen_at);
}

fn add_stock(known: &KnownListing<'_>, list: &mut FactList) {
    let (state, share, seen_at) = (&known.product.state, &known.insight.out_of_stock_share, known.seen_at());
    let can_be_bought = match state.availability() {
        Availability::InStock | Availability::LowStock | Availability::Preorder => Some(true),
        Availability::OutOfStock | Availability::Unavailable => Some(false),
        Availability::NoFeaturedOffer | Availability::Undeliverable | Availability::Unknown => None,
    };
    let at = state.as_of(Series::Availability);
    list.add_now(names::CAN_BE_BOUGHT, can_be_bought.map(FactValue::Truth), at);
    let has_no_offer = (state.availability() == Availability::NoFeaturedOffer).then_some(FactValue::Truth(false));
    list.add_now(names::HAS_FEATURED_OFFER, has_no_offer, at);
    list.add_window(names::OUT_OF_STOCK, share.value.ok().map(FactValue::share), seen_at);
    let times = share.value.ok().map(|_| FactValue::count(share.n, "times"));
    list.add_window(names::TIMES_OUT_OF_STOCK, times, seen_at);
}

fn add_rank(known: &KnownListing<'_>, list: &mut FactList) {
    let (state, seen_at) = (&known.product.state, known.seen_at());
    let mut ranks: Vec<Rank> = state.ranks();
    ranks.sort_by(|a, b| (b.rank, &a.category).cmp(&(a.rank, &b.category)));
    for Rank { rank, category } in ranks.into_iter().take(MAX_RANKS) {
        let at = state.as_of(Series::SalesRank);
        list.add_now(names::rank_in(&category), Some(FactValue::Rank(rank)), at);
    }
    let drops = known.insight.rank_drops.value.as_ref().ok();
    let improvements = drops.map(|drops| FactValue::count(drops.drops, "improvements"));
    list.add_window(names::RANK_IMPROVEMENTS, improvements, seen_at);
    let changes = drops.map(|drops| FactValue::count(drops.changes, "changes"));
    list.add_window(names::RANK_CHANGES, changes, seen_at);
}

fn add_buy_box(known: &KnownListing<'_>, list: &mut FactList) {
    let Ok(BuyBox { sellers, flips }) = &known.insight.buy_box.value else { return };
    let (state, seen_at) = (&known.product.state, known.seen_at());
    let main = sellers.first();
    list.add_window(names::SELLERS, Some(FactValue::count(sellers.len(), "sellers")), seen_at);
    list.add_window(names::MAIN_SELLER_SHARE, main.map(|main| FactValue::share(main.share)), seen_at);
    list.add_window(names::SELLER_CHANGES, Some(FactValue::count(*flips, "changes")), seen_at);
    let present = state.text(Series::SellerId);
    let holds = main.zip(present).map(|(main, present)| FactValue::Truth(main.seller_id == present));
    list.add_now(names::MAIN_SELLER_HOLDS, holds, state.as_of(Series::SellerId));
}
