//! The evaluation of a test of competitors: a lower price, a better rank.

use std::collections::BTreeSet;

use super::competitor_readings::{CompetitorReading, is_comparable};
use super::condition::{CompetitorEvent, CompetitorPasses};
use super::field::Field;
use super::leaf_result::{Context, LeafResult, Seen, unknown};
use super::state::LeafState;
use crate::domain::ids::ProductId;
use crate::domain::series::Series;

/// The value of the product beside that of a competitor.
struct Beside<'a> {
    competitor: &'a CompetitorReading,
    own: i64,
    theirs: i64,
}

/// Evaluates a test of competitors.
pub(super) fn passes(test: &CompetitorPasses, before: &LeafState, context: &Context<'_>) -> LeafResult {
    let Some(competitors) = context.readings.competitors.0.get(&test.set_id) else { return unknown(before) };
    if context.readings.number(test.event.field(), None, false).flatten().is_none() {
        return unknown(before);
    }
    let compared: Vec<Beside<'_>> =
        competitors.iter().filter_map(|competitor| beside(test.event, competitor, context)).collect();
    let field = test.event.field();
    let currency = context.readings.marketplace.currency();
    // The lower value is the better one of both.
    let limit = |pair: &Beside<'_>| Some(pair.own.saturating_sub(test.by.distance(field, pair.own, currency)?));
    let is_past = |pair: &Beside<'_>| limit(pair).is_some_and(|limit| pair.theirs <= limit);
    let is_released =
        |pair: &Beside<'_>| limit(pair).is_none_or(|limit| pair.theirs > limit.saturating_add(field.margin(pair.own)));
    let released: BTreeSet<ProductId> =
        compared.iter().filter(|pair| is_released(pair)).map(|pair| pair.competitor.product_id).collect();
    let in_set = |id: &ProductId| competitors.iter().any(|competitor| competitor.product_id == *id);
    let told_before = before.competitors.as_ref();
    let kept: BTreeSet<ProductId> =
        told_before.into_iter().flatten().copied().filter(|id| in_set(id) && !released.contains(id)).collect();
    let mut past: Vec<&Beside<'_>> = compared.iter().filter(|pair| is_past(pair)).collect();
    past.sort_by_key(|pair| (kept.contains(&pair.competitor.product_id), pair.theirs));
    let all: BTreeSet<ProductId> =
        kept.iter().copied().chain(past.iter().map(|pair| pair.competitor.product_id)).collect();
    let is_baseline = told_before.is_none() && test.event == CompetitorEvent::RankOvertaken;
    let is_fresh = !is_baseline && all.len() > kept.len();
    let remembers =
        |told: &BTreeSet<ProductId>| LeafState { competitors: Some(told.iter().copied().collect()), ..before.clone() };
    LeafResult {
        holds: Some(!all.is_empty() && !is_baseline),
        is_fresh,
        state: remembers(if is_baseline { &all } else { &kept }),
        told: remembers(&all),
        seen: past.first().map_or_else(Seen::default, |pair| Seen {
            value: Some(pair.theirs),
            was: Some(pair.own),
            text: Some(pair.competitor.name.clone()),
            ..Seen::default()
        }),
    }
}

/// Both values, if they can be compared.
fn beside<'a>(event: CompetitorEvent, competitor: &'a CompetitorReading, context: &Context<'_>) -> Option<Beside<'a>> {
    let readings = context.readings;
    let as_of = match event {
        CompetitorEvent::Undercut => competitor.price_as_of,
        CompetitorEvent::RankOvertaken => competitor.ranks_as_of,
    };
    if competitor.marketplace != readings.marketplace || !is_comparable(as_of, competitor.interval, readings.at) {
        return None;
    }
    match event {
        CompetitorEvent::Undercut => {
            let (price, theirs) = (readings.number(Field::Price, None, false)??, competitor.price_minor?);
            let shippings = readings.after.number(Series::Shipping).zip(competitor.shipping_minor);
            let (own_shipping, their_shipping) = shippings.unwrap_or_default();
            let (own, theirs) = (price.checked_add(own_shipping)?, theirs.checked_add(their_shipping)?);
            Some(Beside { competitor, own, theirs })
        }
        CompetitorEvent::RankOvertaken => {
            let own_ranks = readings.after.ranks();
            let shared = own_ranks.iter().filter_map(|own| {
                let theirs = competitor.ranks.iter().find(|theirs| theirs.category == own.category)?;
                Some((own.rank, theirs.rank))
            });
            let (own, theirs) = shared.max_by_key(|(own, _)| *own)?;
            Some(Beside { competitor, own: own.into(), theirs: theirs.into() })
        }
    }
}
