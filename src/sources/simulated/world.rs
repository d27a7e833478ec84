//! The state of the world, and the one lock that puts everything that can be judged into an order.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::domain::{Asin, Availability, Listing, Money};

use super::catalogue::Catalogue;
use super::chance::Chance;
use super::facts::Facts;
use super::faults::{Fault, FaultRates};
use super::movement::facts_at;
use super::truth::{Answer, Shown, Truth, TruthLine, TruthLog};

/// What stands behind the address that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shelf {
    /// A product of the catalogue, whose page is written from its facts.
    Generated,
    /// A saved page, whose facts nobody knows here.
    Saved,
    /// Nothing.
    Empty,
}

/// How one request is to be answered, decided and logged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decision {
    pub(super) answer: Answer,
    /// Number of its line in the truth log.
    pub(super) seq: u64,
    pub(super) request: u64,
    /// What a generated page has to show.
    pub(super) facts: Facts,
}

/// What a control has fixed about a listing; the rest keeps moving.
#[derive(Debug, Clone, Copy, Default)]
struct Hold {
    price: Option<Money>,
    availability: Option<Availability>,
    missing: bool,
}

#[derive(Debug)]
struct State {
    step: i64,
    requests: u64,
    forced: VecDeque<Fault>,
    holds: HashMap<Listing, Hold>,
    /// Listings whose changes are told. Ordered, so that the changes of a step always come in the same order.
    asked: BTreeSet<Listing>,
    truth: TruthLog,
}

/// The simulated world.
#[derive(Debug)]
pub(super) struct World {
    catalogue: Catalogue,
    chance: Chance,
    rates: FaultRates,
    missing: Vec<Asin>,
    state: Mutex<State>,
}

impl World {
    pub(super) fn new(seed: u64, catalogue: Catalogue, rates: FaultRates, missing: Vec<Asin>, truth: TruthLog) -> Self {
        let state = State {
            step: 0,
            requests: 0,
            forced: VecDeque::new(),
            holds: HashMap::new(),
            asked: BTreeSet::new(),
            truth,
        };
        Self { catalogue, chance: Chance::new(seed).of("requests"), rates, missing, state: Mutex::new(state) }
    }

    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Decides a request and writes it down, in one go: a page shows exactly what its line says.
    pub(super) fn answer(&self, listing: Listing, shelf: Shelf) -> Decision {
        let mut state = self.state();
        let request = state.requests;
        state.requests += 1;
        let fault = state.forced.pop_front().or_else(|| self.rates.fault_of(self.chance, request));
        let hold = state.hold(listing);
        let missing = shelf == Shelf::Empty || hold.missing || self.missing.contains(&listing.asin);
        let answer = match fault {
            // As on Amazon, who is refused does not learn whether the product exists.
            Some(refusal @ (Fault::Captcha | Fault::Unavailable)) => refusal.into(),
            _ if missing => Answer::NotFound,
            other => other.map_or(Answer::Page, Answer::from),
        };
        let generated = shelf == Shelf::Generated && !missing;
        if generated {
            state.asked.insert(listing);
        }
        let (step, facts) = (state.step, self.facts_in(&state, listing, state.step));
        let shows_facts = generated && answer.has_page();
        let shown = shows_facts.then_some(Shown { price: facts.price, availability: facts.availability });
        let seq = state.truth.write(Timestamp::now(), Truth::Served { listing, request, answer, step, shown });
        Decision { answer, seq, request, facts }
    }

    /// Moves the world on. Only listings that were asked for cost anything.
    pub(super) fn advance(&self, steps: u32) -> i64 {
        let mut state = self.state();
        for _ in 0..steps {
            let (now, next, at) = (state.step, state.step.saturating_add(1), Timestamp::now());
            let asked = std::mem::take(&mut state.asked);
            for &listing in &asked {
                let (before, after) = (self.facts_in(&state, listing, now), self.facts_in(&state, listing, next));
                state.truth.write_changes(at, listing, next, before.changes_to(&after, listing));
            }
            state.asked = asked;
            state.step = next;
        }
        state.step
    }

    /// Fixes the price of a listing from now on.
    pub(super) fn hold_price(&self, listing: Listing, price: Money) {
        self.hold(listing, |hold| hold.price = Some(price));
    }

    /// Fixes the availability of a listing from now on.
    pub(super) fn hold_availability(&self, listing: Listing, availability: Availability) {
        self.hold(listing, |hold| hold.availability = Some(availability));
    }

    /// Takes a listing off the marketplace, or puts it back.
    pub(super) fn set_missing(&self, listing: Listing, missing: bool) {
        self.hold(listing, |hold| hold.missing = missing);
    }

    /// Lets a listing move by itself again.
    pub(super) fn release(&self, listing: Listing) {
        self.hold(listing, |hold| *hold = Hold::default());
    }

    /// The next `count` requests for product pages fail in this way.
    pub(super) fn fail_next(&self, count: u32, fault: Fault) {
        self.state().forced.extend((0..count).map(|_| fault));
    }

    /// The facts of a listing now.
    pub(super) fn facts(&self, listing: Listing) -> Facts {
        let state = self.state();
        self.facts_in(&state, listing, state.step)
    }

    pub(super) fn step(&self) -> i64 {
        self.state().step
    }

    /// Numbers of the first line that is kept and of the last.
    pub(super) fn truth_range(&self) -> (u64, u64) {
        let state = self.state();
        (state.truth.first_seq(), state.truth.last_seq())
    }

    /// At most `limit` lines of the truth log with numbers above `seq`.
    pub(super) fn truth_after(&self, seq: u64, limit: usize) -> Vec<TruthLine> {
        self.state().truth.after(seq, limit).cloned().collect()
    }

    /// Changes what is fixed about a listing and writes down what that changed.
    fn hold(&self, listing: Listing, change: impl FnOnce(&mut Hold)) {
        let mut state = self.state();
        state.asked.insert(listing);
        let step = state.step;
        let before = self.facts_in(&state, listing, step);
        change(state.holds.entry(listing).or_default());
        let after = self.facts_in(&state, listing, step);
        state.truth.write_changes(Timestamp::now(), listing, step, before.changes_to(&after, listing));
    }

    fn facts_in(&self, state: &State, listing: Listing, step: i64) -> Facts {
        state.hold(listing).apply(facts_at(&self.catalogue, listing, step), || self.offer_anyway(listing, step))
    }

    /// The nearest earlier facts with an offer, for a listing that is held in stock while it would be sold out.
    fn offer_anyway(&self, listing: Listing, step: i64) -> Facts {
        let at = |step| facts_at(&self.catalogue, listing, step);
        (0..=step).rev().map(at).find(|facts| facts.price.is_some()).unwrap_or_else(|| at(0))
    }

    /// A panic of one request must not take the world from all others.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hold(&self, listing: Listing) -> Hold {
        self.holds.get(&listing).copied().unwrap_or_default()
    }
}

impl Hold {
    fn apply(self, moving: Facts, offer_anyway: impl FnOnce() -> Facts) -> Facts {
        let availability = self.availability.unwrap_or(moving.availability);
        if availability.is_out() {
            return moving.sold_out(availability);
        }
        let offer = if moving.availability.is_out() { offer_anyway() } else { moving };
        let units_left = if availability == Availability::LowStock { moving.units_left.max(1) } else { 0 };
        let price = self.price.or(offer.price);
        let amount_minor = price.map_or(0, |price| price.amount_minor);
        Facts {
            price,
            list_price: offer.list_price.filter(|list_price| list_price.amount_minor > amount_minor),
            seller: offer.seller,
            offer_count: offer.offer_count,
            coupon: offer.coupon.filter(|coupon| coupon.amount_minor < amount_minor),
            availability,
            units_left,
            ..moving
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Marketplace};
    use crate::sources::simulated::facts::{FactValue, Field};

    fn world(rates: FaultRates) -> World {
        World::new(7, Catalogue::new(7, 20), rates, Vec::new(), TruthLog::new(1_000_000))
    }

    fn listing(world: &World, number: usize) -> Listing {
        Listing::new(Marketplace::De, world.catalogue().products(20).nth(number).unwrap().asin)
    }

    fn told(world: &World) -> Vec<Truth> {
        world.truth_after(0, usize::MAX).into_iter().map(|line| line.what).collect()
    }

    #[test]
    fn the_changes_told_lead_from_the_first_facts_to_the_last() {
        let world = world(FaultRates::default());
        let listing = listing(&world, 0);
        let first = world.answer(listing, Shelf::Generated).facts;
        world.advance(300);
        let mut price = FactValue::from(first.price);
        for truth in told(&world) {
            if let Truth::Change { field: Field::Price, from, to, .. } = truth {
                assert_eq!(from, price);
                price = to;
            }
        }
        assert_eq!(price, world.facts(listing).price.into());
    }

    #[test]
    fn nothing_is_told_of_listings_that_nobody_asked_for() {
        let world = world(FaultRates::default());
        world.advance(100);
        assert!(told(&world).is_empty());
    }

    #[test]
    fn the_same_requests_in_two_worlds_of_one_seed_are_answered_and_told_alike() {
        let rates = FaultRates { captcha: 0.2, slow: 0.2, ..FaultRates::default() };
        let run = || {
            let world = world(rates);
            for round in 0..50 {
                world.answer(listing(&world, round % 20), Shelf::Generated);
                world.advance(1);
            }
            told(&world)
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn a_held_price_stays_while_the_rest_moves_until_it_is_released() {
        let world = world(FaultRates::default());
        let listing = listing(&world, 3);
        let price = Money::new(1_234, Currency::Eur);
        world.hold_price(listing, price);
        world.hold_availability(listing, Availability::InStock);
        for _ in 0..200 {
            world.advance(1);
            assert_eq!(world.facts(listing).price, Some(price));
        }
        world.release(listing);
        assert_ne!(world.facts(listing).price, Some(price));
    }

    #[test]
    fn a_listing_held_out_of_stock_has_no_price_and_one_held_in_stock_has_one() {
        let world = world(FaultRates::default());
        for number in 0..20 {
            let listing = listing(&world, number);
            world.hold_availability(listing, Availability::Unavailable);
            assert_eq!(world.facts(listing).price, None);
            world.hold_availability(listing, Availability::LowStock);
        }
        for _ in 0..100 {
            world.advance(1);
            for number in 0..20 {
                let facts = world.facts(listing(&world, number));
                assert!(facts.price.is_some() && facts.seller.is_some() && facts.units_left > 0);
            }
        }
    }

    #[test]
    fn forced_faults_come_first_and_then_the_drawn_ones() {
        let world = world(FaultRates { captcha: 1.0, ..FaultRates::default() });
        world.fail_next(2, Fault::Slow);
        let answers: Vec<Answer> = (0..3).map(|_| world.answer(listing(&world, 0), Shelf::Generated).answer).collect();
        assert_eq!(answers, [Answer::Slow, Answer::Slow, Answer::Captcha]);
    }
}
