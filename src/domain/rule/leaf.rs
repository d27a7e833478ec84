//! The evaluation of one test: what it says about a crawl, and what it remembers.

use super::competitor_passes;
use super::condition::{
    Condition, ContentChanged, Direction, Lasts, Level, Lowest, Moved, NewOffer, Op, SellerIs, StateIs, StateOf, Versus,
};
use super::field::{Field, Threshold};
use super::leaf_result::{Context, LeafResult, Seen, unknown};
use super::readings::{Found, SellerRead};
use super::state::LeafState;
use crate::domain::content::ContentField;
use crate::domain::offer::SellerId;

/// Sellers that a rule remembers; an offer list has less.
const MAX_SELLERS: usize = 200;

/// Evaluates a test. `is_positive` is false under a `not`.
pub(super) fn evaluate(leaf: &Condition, is_positive: bool, before: &LeafState, context: &Context<'_>) -> LeafResult {
    match leaf {
        Condition::PriceAtOrBelow { target } => {
            let value = Threshold::Money(*target);
            let level =
                Level { field: Field::Price, op: Op::Lte, value, category: None, rearm: None, less_coupon: false };
            level_holds(&level, is_positive, before, context)
        }
        Condition::Level(level) => level_holds(level, is_positive, before, context),
        Condition::Moved(moved) => has_moved(moved, is_positive, before, context),
        Condition::Lowest(lowest) => is_lowest(lowest, is_positive, before, context),
        Condition::State(state) => state_holds(state, is_positive, before, context),
        Condition::Seller(seller) => seller_is(seller, is_positive, before, context),
        Condition::Offer(offer) => has_new_offer(offer, before, context),
        Condition::Content(content) => has_changed(content, before, context),
        Condition::Competitor(test) => competitor_passes::passes(test, before, context),
        // Not a test; it holds never.
        Condition::All { .. } | Condition::Any { .. } | Condition::Not { .. } => LeafResult::default(),
    }
}

/// A bound for numbers: those on one side hold, those past a margin on the other side release.
struct Bound {
    limit: i64,
    /// True when numbers at or below it hold.
    is_upper: bool,
    margin: i64,
}

impl Bound {
    fn holds(&self, value: i64) -> bool {
        if self.is_upper { value <= self.limit } else { value >= self.limit }
    }

    fn releases(&self, value: i64) -> bool {
        if self.is_upper {
            value > self.limit.saturating_add(self.margin)
        } else {
            value < self.limit.saturating_sub(self.margin)
        }
    }

    /// The bound of the opposite, with its margin on the other side.
    fn turned(self, is_positive: bool) -> Self {
        match (is_positive, self.is_upper) {
            (true, _) => self,
            (false, true) => Self { limit: self.limit.saturating_add(1), is_upper: false, ..self },
            (false, false) => Self { limit: self.limit.saturating_sub(1), is_upper: true, ..self },
        }
    }

    /// Better than what was told by a part of it.
    fn is_further(&self, value: i64, told: i64, further_hundredths: i64) -> bool {
        let gain =
            if self.is_upper { i128::from(told) - i128::from(value) } else { i128::from(value) - i128::from(told) };
        gain > 0 && gain * 10_000 >= i128::from(told).abs() * i128::from(further_hundredths)
    }
}

/// A test that is told once while it holds.
fn latched(bound: &Bound, value: i64, was: Option<i64>, before: &LeafState, context: &Context<'_>) -> LeafResult {
    let holds = bound.holds(value);
    let told = before.told && !bound.releases(value);
    let is_further = || {
        let further = context.further_hundredths.zip(before.base);
        further.is_some_and(|(further, base)| bound.is_further(value, base, further))
    };
    let state = LeafState { told, ..before.clone() };
    LeafResult {
        holds: Some(holds),
        is_fresh: holds && (!told || is_further()),
        told: LeafState { told: true, base: Some(value), ..state.clone() },
        state,
        seen: Seen { value: Some(value), was, ..Seen::default() },
    }
}

/// It is known that there is no such value: the test does not hold. A sell-out releases nothing, so that a return at the same price is
/// the same crossing.
fn absent(is_positive: bool, before: &LeafState) -> LeafResult {
    // "Not at or below" holds of no price either; but nobody wants to be told so.
    LeafResult { holds: is_positive.then_some(false), ..unknown(before) }
}

fn level_holds(level: &Level, is_positive: bool, before: &LeafState, context: &Context<'_>) -> LeafResult {
    let readings = context.readings;
    let category = level.category.as_deref();
    let Some(limit) = level.field.native(level.value, readings.marketplace.currency()) else { return unknown(before) };
    let value = match readings.number(level.field, category, level.less_coupon) {
        None => return unknown(before),
        Some(None) => return absent(is_positive, before),
        Some(Some(value)) => value,
    };
    let native = |margin| level.field.native(margin, readings.marketplace.currency());
    let margin = level.rearm.and_then(native).unwrap_or_else(|| level.field.margin(limit));
    let bound = Bound { limit, is_upper: level.op == Op::Lte, margin }.turned(is_positive);
    latched(&bound, value, readings.number_before(level.field, category), before, context)
}

fn has_moved(moved: &Moved, is_positive: bool, before: &LeafState, context: &Context<'_>) -> LeafResult {
    let (field, category) = (moved.field, moved.category.as_deref());
    let value = match context.readings.number(field, category, moved.less_coupon) {
        None => return unknown(before),
        Some(None) => return absent(is_positive, before),
        Some(Some(value)) => value,
    };
    let extreme = match moved.dir {
        Direction::Up => before.extreme.map_or(value, |known| known.min(value)),
        Direction::Down | Direction::Any => before.extreme.map_or(value, |known| known.max(value)),
    };
    let keeps_extreme = moved.vs == Versus::Extreme;
    let kept = match moved.vs {
        Versus::Extreme => Some(extreme),
        // The value when the rule was created; `base` is what was told.
        Versus::Created => before.extreme.or(Some(value)),
        _ => None,
    };
    let state = LeafState { base: before.base.or(Some(value)), extreme: kept, ..before.clone() };
    let compared = base_of(moved, before, context)
        .and_then(|base| Some((base, moved.by.distance(field, base, context.readings.marketplace.currency())?)));
    let Some((base, distance)) = compared else { return unknown(&state) };
    let bounds = bounds_of(moved.dir, base, distance, field);
    let seen = Seen { value: Some(value), was: Some(base), ..Seen::default() };
    if matches!(moved.vs, Versus::Told | Versus::Extreme | Versus::Previous) {
        let holds = bounds.iter().any(|bound| bound.holds(value));
        let told = LeafState { base: Some(value), extreme: keeps_extreme.then_some(value), ..state.clone() };
        return LeafResult { holds: Some(holds), is_fresh: holds, state, told, seen };
    }
    // Such a condition has one direction: see `check`.
    let Some(bound) = bounds.into_iter().next() else { return unknown(before) };
    latched(&bound.turned(is_positive), value, Some(base), &state, context)
}

/// What a value is compared with; `None`: not known, or this crawl is the baseline.
fn base_of(moved: &Moved, before: &LeafState, context: &Context<'_>) -> Option<i64> {
    let (field, category, readings) = (moved.field, moved.category.as_deref(), context.readings);
    let window = |days: u32| readings.windows.get(field, category, Some(days));
    match moved.vs {
        Versus::Told => before.base,
        Versus::Extreme | Versus::Created => before.extreme,
        Versus::Previous => readings.number_before(field, category),
        Versus::ListPrice => readings.number(Field::ListPrice, None, false).flatten(),
        Versus::AvgDays(days) => window(days)?.mean,
        Versus::MaxDays(days) => window(days)?.max,
        Versus::MinDays(days) => window(days)?.min,
    }
}

fn bounds_of(dir: Direction, base: i64, distance: i64, field: Field) -> Vec<Bound> {
    let bound = |limit: i64, is_upper| Bound { limit, is_upper, margin: field.margin(limit) };
    let down = || bound(base.saturating_sub(distance), true);
    let up = || bound(base.saturating_add(distance), false);
    match dir {
        Direction::Down => vec![down()],
        Direction::Up => vec![up()],
        Direction::Any => vec![down(), up()],
    }
}

fn is_lowest(lowest: &Lowest, is_positive: bool, before: &LeafState, context: &Context<'_>) -> LeafResult {
    let (field, category) = (lowest.field, lowest.category.as_deref());
    let value = match context.readings.number(field, category, false) {
        None | Some(Some(..=0)) => return unknown(before),
        Some(None) => return absent(is_positive, before),
        Some(Some(value)) => value,
    };
    let Some(window) = context.readings.windows.get(field, category, lowest.days) else { return unknown(before) };
    let Some(min) = window.min.filter(|_| window.points >= lowest.min_points) else { return unknown(before) };
    let limit = match lowest.within_percent {
        Some(percent) => {
            let more = i128::from(min) * i128::from(percent.hundredths) / 10_000;
            min.saturating_add(i64::try_from(more).unwrap_or(i64::MAX))
        }
        None if lowest.or_equal => min,
        None => min.saturating_sub(1),
    };
    let bound = Bound { limit, is_upper: true, margin: field.margin(limit) };
    if lowest.or_equal || lowest.within_percent.is_some() {
        return latched(&bound.turned(is_positive), value, Some(min), before, context);
    }
    let holds = bound.holds(value);
    let seen = Seen { value: Some(value), was: Some(min), ..Seen::default() };
    LeafResult { holds: Some(holds), is_fresh: holds, seen, ..unknown(before) }
}

fn state_holds(test: &StateIs, is_positive: bool, before: &LeafState, context: &Context<'_>) -> LeafResult {
    let readings = context.readings;
    let Some(is) = readings.state(test.of, test.is) else { return unknown(before) };
    let lasts = test.lasts.unwrap_or(Lasts::Crawls(if test.of == StateOf::Delisted { 2 } else { 1 }));
    let was_text = readings.state_before(test.of).map(str::to_owned);
    let seen = Seen { text: Some(readings.state_text(test.of)), was_text, ..Seen::default() };
    lasting(is, is_positive, lasts, seen, before, context)
}

/// A test without a number, which is true once it has been seen for long enough. `is_positive` is false under a `not`.
fn lasting(
    is_seen: bool,
    is_positive: bool,
    lasts: Lasts,
    seen: Seen,
    before: &LeafState,
    context: &Context<'_>,
) -> LeafResult {
    let at = context.readings.at;
    let needed = if let Lasts::Crawls(needed) = lasts { needed.max(1) } else { 1 };
    let since = is_seen.then(|| before.since.unwrap_or(at));
    let crawls = if is_seen { before.crawls.saturating_add(1).min(needed) } else { 0 };
    let has_lasted = since.is_some_and(|since| match lasts {
        Lasts::Crawls(_) => crawls >= needed,
        Lasts::Secs(secs) => at.duration_since(since).as_secs() >= i64::from(secs),
    });
    let holds = has_lasted == is_positive;
    let state = LeafState { told: before.told && holds, since, crawls, ..before.clone() };
    let told = LeafState { told: true, ..state.clone() };
    LeafResult { holds: Some(holds), is_fresh: holds && !before.told, state, told, seen }
}

fn seller_is(test: &SellerIs, is_positive: bool, before: &LeafState, context: &Context<'_>) -> LeafResult {
    let readings = context.readings;
    let Some(seller) = readings.seller() else { return unknown(before) };
    let is_named = |seller: &SellerRead<'_>, names: &[String]| {
        names.iter().any(|name| seller.is_named(name, context.me, readings.marketplace))
    };
    let fits = seller.as_ref().is_some_and(|seller| {
        (test.is.is_empty() || is_named(seller, &test.is)) && (test.not.is_empty() || !is_named(seller, &test.not))
    });
    let text = seller.as_ref().and_then(|seller| seller.name.or(seller.id)).map(str::to_owned);
    let was_text = readings.seller_before().map(str::to_owned);
    let seen = Seen { text, was_text, ..Seen::default() };
    let lasts = Lasts::Crawls(test.crawls);
    if !test.new {
        return lasting(fits, is_positive, lasts, seen, before, context);
    }
    let Some(key) = seller.as_ref().map(SellerRead::key) else { return absent(true, before) };
    if before.seller.is_none() {
        let state = LeafState { seller: Some(key), ..before.clone() };
        return LeafResult { holds: Some(false), told: state.clone(), state, seen, ..LeafResult::default() };
    }
    let is_new = before.seller.as_ref() != Some(&key);
    let result = lasting(is_new && fits, true, lasts, seen, before, context);
    let told = LeafState { seller: Some(key), told: false, since: None, crawls: 0, ..result.told };
    LeafResult { told, ..result }
}

fn has_new_offer(test: &NewOffer, before: &LeafState, context: &Context<'_>) -> LeafResult {
    let Found::Page { offers: Some(list), .. } = context.readings.found else { return unknown(before) };
    let sellers = list
        .offers
        .iter()
        .map(|offer| SellerRead { name: offer.seller.as_deref(), id: offer.seller_id.as_ref().map(SellerId::as_str) });
    let sellers: Vec<SellerRead<'_>> = sellers.filter(|seller| !seller.key().is_empty()).collect();
    let mut known = before.sellers.clone().unwrap_or_default();
    let is_known = |seller: &SellerRead<'_>| known.contains(&seller.key());
    let is_left_out = |seller: &SellerRead<'_>| {
        test.not_in.iter().any(|name| seller.is_named(name, context.me, context.readings.marketplace))
    };
    let new: Vec<SellerRead<'_>> =
        sellers.iter().filter(|seller| !is_known(seller) && !is_left_out(seller)).copied().collect();
    let names = new.iter().filter_map(|seller| seller.name.or(seller.id)).collect::<Vec<_>>().join(", ");
    for seller in &sellers {
        if known.len() < MAX_SELLERS && !known.contains(&seller.key()) {
            known.push(seller.key());
        }
    }
    let holds = before.sellers.is_some() && !new.is_empty();
    let state = LeafState { sellers: Some(known), ..before.clone() };
    let seen = Seen { text: Some(names), ..Seen::default() };
    LeafResult { holds: Some(holds), is_fresh: holds, told: state.clone(), state, seen }
}

fn has_changed(test: &ContentChanged, before: &LeafState, context: &Context<'_>) -> LeafResult {
    let Found::Page { content: Some(changed), .. } = context.readings.found else { return unknown(before) };
    let fields: Vec<ContentField> = changed.iter().filter(|field| test.fields.contains(field)).copied().collect();
    let holds = !fields.is_empty();
    LeafResult { holds: Some(holds), is_fresh: holds, seen: Seen { fields, ..Seen::default() }, ..unknown(before) }
}
