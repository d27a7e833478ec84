//! The state of the world, and the lock that orders all its events.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::domain::{Asin, Availability, Listing, Money};

use super::catalogue::Catalogue;
use super::chance::Chance;
use super::facts::Facts;
use super::faults::{Fault, FaultRates};
use super::movement::facts_at;
use super::offer_list::{SimulatedOffer, offers_at};
use super::truth::{Answer, Shown, Truth, TruthLine, TruthLog};

/// Where the page of a listing comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageSource {
    /// The page is rendered from the facts of the listing.
    Generated,
    /// The page is a saved file. Its facts are not known.
    Saved,
    /// There is no page.
    None,
}

/// The response to one request, as it was logged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decision {
    pub(super) answer: Answer,
    /// Sequence number in the truth log.
    pub(super) seq: u64,
    pub(super) request: u64,
    /// The facts that a generated page shows.
    pub(super) facts: Facts,
}

/// The values of a listing that are fixed by control commands. Other facts follow the world's function.
#[derive(Debug, Clone, Copy, Default)]
struct FixedValues {
    price: Option<Money>,
    availability: Option<Availability>,
    missing: bool,
}

#[derive(Debug)]
struct State {
    step: i64,
    requests: u64,
    forced: VecDeque<Fault>,
    /// The same for offer lists.
    forced_offers: VecDeque<Fault>,
    fixed: HashMap<Listing, FixedValues>,
    /// Listings whose changes are logged. Ordered, so that the changes of a step always have the same order.
    requested: BTreeSet<Listing>,
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
            forced_offers: VecDeque::new(),
            fixed: HashMap::new(),
            requested: BTreeSet::new(),
            truth,
        };
        Self { catalogue, chance: Chance::new(seed).of("requests"), rates, missing, state: Mutex::new(state) }
    }

    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Decides and logs the response to a request atomically, so that a page shows exactly what its log line says.
    pub(super) fn answer(&self, listing: Listing, page_source: PageSource) -> Decision {
        let mut state = self.state();
        let request = state.requests;
        state.requests += 1;
        let fault = state.forced.pop_front().or_else(|| self.rates.fault_of(self.chance, request));
        let fixed = state.fixed_values(listing);
        let missing = page_source == PageSource::None || fixed.missing || self.missing.contains(&listing.asin);
        let answer = match fault {
            // As on Amazon, a refusal does not reveal whether the product exists.
            Some(refusal @ (Fault::Captcha | Fault::Unavailable)) => refusal.into(),
            _ if missing => Answer::NotFound,
            other => other.map_or(Answer::Page, Answer::from),
        };
        let generated = page_source == PageSource::Generated && !missing;
        if generated {
            state.requested.insert(listing);
        }
        let (step, facts) = (state.step, self.facts_in(&state, listing, state.step));
        let shows_facts = generated && answer.has_page();
        let shown = shows_facts.then_some(Shown { price: facts.price, availability: facts.availability });
        let seq = state.truth.write(Timestamp::now(), Truth::Served { listing, request, answer, step, shown });
        Decision { answer, seq, request, facts }
    }

    /// Decides the response to a request for the offer list of a listing. It is not logged: the truth log is about product pages.
    pub(super) fn answer_offers(&self, listing: Listing) -> (Answer, Vec<SimulatedOffer>) {
        let mut state = self.state();
        let request = state.requests;
        state.requests += 1;
        let fault = state.forced_offers.pop_front().or_else(|| self.rates.fault_of(self.chance, request));
        let is_missing = state.fixed_values(listing).missing || self.missing.contains(&listing.asin);
        let answer = match fault {
            Some(refusal @ (Fault::Captcha | Fault::Unavailable)) => refusal.into(),
            _ if is_missing => Answer::NotFound,
            other => other.map_or(Answer::Page, Answer::from),
        };
        let facts = self.facts_in(&state, listing, state.step);
        (answer, offers_at(&self.catalogue, listing, state.step, &facts))
    }

    /// The current offers of a listing.
    pub(super) fn offers(&self, listing: Listing) -> Vec<SimulatedOffer> {
        let state = self.state();
        let facts = self.facts_in(&state, listing, state.step);
        offers_at(&self.catalogue, listing, state.step, &facts)
    }

    /// Advances the world by `steps` and returns the new step. Only the changes of requested listings are computed.
    pub(super) fn advance(&self, steps: u32) -> i64 {
        let mut state = self.state();
        for _ in 0..steps {
            let (now, next, at) = (state.step, state.step.saturating_add(1), Timestamp::now());
            let requested = std::mem::take(&mut state.requested);
            for &listing in &requested {
                let (before, after) = (self.facts_in(&state, listing, now), self.facts_in(&state, listing, next));
                state.truth.write_changes(at, listing, next, before.changes_to(&after, listing));
            }
            state.requested = requested;
            state.step = next;
        }
        state.step
    }

    /// Fixes the price of a listing from now on.
    pub(super) fn fix_price(&self, listing: Listing, price: Money) {
        self.fix(listing, |fixed| fixed.price = Some(price));
    }

    /// Fixes the availability of a listing from now on.
    pub(super) fn fix_availability(&self, listing: Listing, availability: Availability) {
        self.fix(listing, |fixed| fixed.availability = Some(availability));
    }

    /// Removes a listing from the marketplace, or adds it again.
    pub(super) fn set_missing(&self, listing: Listing, missing: bool) {
        self.fix(listing, |fixed| fixed.missing = missing);
    }

    /// Removes all fixed values of a listing.
    pub(super) fn release(&self, listing: Listing) {
        self.fix(listing, |fixed| *fixed = FixedValues::default());
    }

    /// The next `count` requests for product pages get this fault.
    pub(super) fn fail_next(&self, count: u32, fault: Fault) {
        self.state().forced.extend((0..count).map(|_| fault));
    }

    /// The next `count` requests for offer lists get this fault.
    pub(super) fn fail_offers(&self, count: u32, fault: Fault) {
        self.state().forced_offers.extend((0..count).map(|_| fault));
    }

    /// The current facts of a listing.
    pub(super) fn facts(&self, listing: Listing) -> Facts {
        let state = self.state();
        self.facts_in(&state, listing, state.step)
    }

    pub(super) fn step(&self) -> i64 {
        self.state().step
    }

    /// Sequence numbers of the oldest and the latest stored line.
    pub(super) fn truth_range(&self) -> (u64, u64) {
        let state = self.state();
        (state.truth.first_seq(), state.truth.last_seq())
    }

    /// At most `limit` lines of the truth log with sequence numbers above `seq`.
    pub(super) fn truth_after(&self, seq: u64, limit: usize) -> Vec<TruthLine> {
        self.state().truth.after(seq, limit).cloned().collect()
    }

    /// Changes the fixed values of a listing and logs the changes of its facts.
    fn fix(&self, listing: Listing, change: impl FnOnce(&mut FixedValues)) {
        let mut state = self.state();
        state.requested.insert(listing);
        let step = state.step;
        let before = self.facts_in(&state, listing, step);
        change(state.fixed.entry(listing).or_default());
        let after = self.facts_in(&state, listing, step);
        state.truth.write_changes(Timestamp::now(), listing, step, before.changes_to(&after, listing));
    }

    fn facts_in(&self, state: &State, listing: Listing, step: i64) -> Facts {
        state.fixed_values(listing).apply(facts_at(&self.catalogue, listing, step), || self.last_offer(listing, step))
    }

    /// The latest earlier facts with an offer, for a listing that is fixed in stock while it would be sold out.
    fn last_offer(&self, listing: Listing, step: i64) -> Facts {
        let at = |step| facts_at(&self.catalogue, listing, step);
        (0..=step).rev().map(at).find(|facts| facts.price.is_some()).unwrap_or_else(|| at(0))
    }

    /// Locks the state. A panic in one request must not make the others fail, so poisoning is ignored.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fixed_values(&self, listing: Listing) -> FixedValues {
        self.fixed.get(&listing).copied().unwrap_or_default()
    }
}

impl FixedValues {
    fn apply(self, moving: Facts, last_offer: impl FnOnce() -> Facts) -> Facts {
        let availability = self.availability.unwrap_or(moving.availability);
        if availability.is_out() {
            return moving.sold_out(availability);
        }
        let offer = if moving.availability.is_out() { last_offer() } else { moving };
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

    fn logged(world: &World) -> Vec<Truth> {
        world.truth_after(0, usize::MAX).into_iter().map(|line| line.what).collect()
    }

    #[test]
    fn the_logged_changes_lead_from_the_first_facts_to_the_last() {
        let world = world(FaultRates::default());
        let listing = listing(&world, 0);
        let first = world.answer(listing, PageSource::Generated).facts;
        world.advance(300);
        let mut price = FactValue::from(first.price);
        for truth in logged(&world) {
            if let Truth::Change { field: Field::Price, from, to, .. } = truth {
                assert_eq!(from, price);
                price = to;
            }
        }
        assert_eq!(price, world.facts(listing).price.into());
    }

    #[test]
    fn changes_of_listings_that_were_never_requested_are_not_logged() {
        let world = world(FaultRates::default());
        world.advance(100);
        assert!(logged(&world).is_empty());
    }

    #[test]
    fn two_worlds_with_the_same_seed_and_requests_have_the_same_log() {
        let rates = FaultRates { captcha: 0.2, slow: 0.2, ..FaultRates::default() };
        let run = || {
            let world = world(rates);
            for round in 0..50 {
                world.answer(listing(&world, round % 20), PageSource::Generated);
                world.advance(1);
            }
            logged(&world)
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn a_fixed_price_does_not_change_until_it_is_released() {
        let world = world(FaultRates::default());
        let listing = listing(&world, 3);
        let price = Money::new(1_234, Currency::Eur);
        world.fix_price(listing, price);
        world.fix_availability(listing, Availability::InStock);
        for _ in 0..200 {
            world.advance(1);
            assert_eq!(world.facts(listing).price, Some(price));
        }
        world.release(listing);
        assert_ne!(world.facts(listing).price, Some(price));
    }

    #[test]
    fn a_listing_has_a_price_only_while_it_is_fixed_in_stock() {
        let world = world(FaultRates::default());
        for number in 0..20 {
            let listing = listing(&world, number);
            world.fix_availability(listing, Availability::Unavailable);
            assert_eq!(world.facts(listing).price, None);
            world.fix_availability(listing, Availability::LowStock);
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
    fn forced_faults_take_precedence_over_random_ones() {
        let world = world(FaultRates { captcha: 1.0, ..FaultRates::default() });
        world.fail_next(2, Fault::Slow);
        let answers: Vec<Answer> =
            (0..3).map(|_| world.answer(listing(&world, 0), PageSource::Generated).answer).collect();
        assert_eq!(answers, [Answer::Slow, Answer::Slow, Answer::Captcha]);
    }
}
