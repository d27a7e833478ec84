//! How an observation changes the state of a listing: what is taken, what is held, and the points of history that follow.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::availability::Availability;
use super::observation::{Observation, Rank};
use super::offer::{Fulfillment, OfferCondition};
use super::plausibility::{PriceCheck, check_price};
use super::reading::Reading;
use super::series::{Point, PointValue, Series, SeriesKey};
use super::state::ListingState;

/// The effect of an observation on a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The new state.
    pub state: ListingState,
    /// The changes to append to history.
    pub points: Vec<Point>,
    /// Summary of the effect.
    pub verdict: Verdict,
}

/// Summary of the effect of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The first successful crawl: history starts, nothing has *changed*.
    Baseline,
    /// Checked, without changes.
    Unchanged,
    /// At least one series changed.
    Changed,
    /// The offer is surprising: crawl again soon, and report nothing yet.
    Held,
}

impl ListingState {
    /// Applies an observation, as far as its values are plausible.
    pub fn judge(&self, seen: &Observation, at: Timestamp) -> Judged {
        let mut change = Change { state: self.clone(), points: Vec::new(), at, read: BTreeSet::new() };
        change.take_description(seen);
        change.take_reputation(seen);
        let offer = change.take_offer(seen);
        change.take_offer_list(seen);
        change.finish(self.checked_at, offer)
    }
}

/// What became of the featured offer of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    Taken,
    /// Surprising: it waits for confirmation.
    Held,
    /// Its price could not be read.
    Unread,
}

/// A state under construction.
struct Change {
    state: ListingState,
    points: Vec<Point>,
    at: Timestamp,
    /// The series that the page states.
    read: BTreeSet<Series>,
}

impl Change {
    fn take_description(&mut self, seen: &Observation) {
        let fields = [
            (&mut self.state.title, &seen.title),
            (&mut self.state.brand, &seen.brand),
            (&mut self.state.image_url, &seen.image_url),
        ];
        for (known, seen) in fields {
            if seen.is_some() {
                known.clone_from(seen);
            }
        }
    }

    fn take_reputation(&mut self, seen: &Observation) {
        self.take_number(Series::Rating, &seen.rating, |rating| i64::from(rating.0));
        self.take_number(Series::ReviewCount, &seen.review_count, |count| i64::from(*count));
        self.take_ranks(&seen.ranks);
    }

    /// Accepts, holds or leaves all values that depend on the featured offer together: a new seller beside an old price would be an
    /// offer that never existed.
    fn take_offer(&mut self, seen: &Observation) -> Offer {
        let Some(price) = known(&seen.price) else { return Offer::Unread };
        let (price_minor, had_price) =
            (price.map(|price| price.amount_minor), self.state.number(Series::Price).is_some());
        let held = self.state.held.take();
        match check_price(self.state.last_good_price_minor, had_price, held.as_ref(), price_minor, self.at) {
            PriceCheck::Hold(held) => {
                self.state.held = Some(held);
                return Offer::Held;
            }
            PriceCheck::Accept(price_minor) => {
                self.state.last_good_price_minor = price_minor.or(self.state.last_good_price_minor);
                self.read.insert(Series::Price);
                self.set(Series::Price.into(), price_minor.map(PointValue::Number));
            }
        }
        self.take_number(Series::Shipping, &seen.shipping, |price| price.amount_minor);
        self.take_number(Series::ListPrice, &seen.list_price, |price| price.amount_minor);
        if seen.list_price != Reading::Unknown {
            self.state.list_price_kind = seen.list_price_kind;
        }
        self.take_number(Series::OfferCount, &seen.offer_count, |count| i64::from(*count));
        self.take_seller(seen);
        self.take(Series::Coupon.into(), &seen.coupon, |coupon| PointValue::Text(coupon.clone()));
        if seen.availability != Availability::Unknown {
            self.read.insert(Series::Availability);
            self.set(Series::Availability.into(), Some(PointValue::Number(seen.availability.number())));
        }
        Offer::Taken
    }

    /// An id belongs to its name: a page that names another seller without an id says that the former one sells no more.
    fn take_seller(&mut self, seen: &Observation) {
        let before = self.state.text(Series::Seller).map(str::to_owned);
        self.take(Series::Seller.into(), &seen.seller, |seller| PointValue::Text(seller.clone()));
        match (&seen.seller, &seen.seller_id) {
            (Reading::Is(name), Reading::Unknown) if before.as_ref() != Some(name) => {
                self.set(Series::SellerId.into(), None);
            }
            (_, id) => self.take(Series::SellerId.into(), id, |id| PointValue::Text(id.to_string())),
        }
    }

    /// Takes the numbers of an offer list, which do not depend on the featured offer.
    fn take_offer_list(&mut self, seen: &Observation) {
        let Some(list) = &seen.offers else { return };
        let count = |condition| Reading::or_unknown(list.count(condition));
        self.take_number(Series::OfferCount, &count(OfferCondition::New), |count| i64::from(*count));
        self.take_number(Series::UsedOfferCount, &count(OfferCondition::Used), |count| i64::from(*count));
        for (series, fulfilled_by) in [
            (Series::LowestNewPrice, None),
            (Series::LowestFbaPrice, Some(Fulfillment::Amazon)),
            (Series::LowestMerchantPrice, Some(Fulfillment::Merchant)),
        ] {
            self.take_number(series, &list.lowest_new_minor(fulfilled_by), |minor| *minor);
        }
        self.state.offers_checked_at = Some(self.at);
    }

    /// Ends the series of a category that the page no longer lists. A page without ranks changes nothing.
    fn take_ranks(&mut self, seen: &Reading<Vec<Rank>>) {
        let Some(ranks) = known(seen) else { return };
        self.read.insert(Series::SalesRank);
        let ranks = ranks.map(Vec::as_slice).unwrap_or_default();
        let gone: Vec<SeriesKey> =
            self.state.values.keys().filter(|key| key.series == Series::SalesRank).cloned().collect();
        for key in gone {
            if !ranks.iter().any(|rank| rank.category == key.category) {
                self.set(key, None);
            }
        }
        for rank in ranks {
            let key = SeriesKey { series: Series::SalesRank, category: rank.category.clone() };
            self.set(key, Some(PointValue::Number(i64::from(rank.rank))));
        }
    }

    fn take_number<T>(&mut self, series: Series, seen: &Reading<T>, number: impl Fn(&T) -> i64) {
        self.take(series.into(), seen, |value| PointValue::Number(number(value)));
    }

    fn take<T>(&mut self, key: SeriesKey, seen: &Reading<T>, value: impl Fn(&T) -> PointValue) {
        if let Some(seen) = known(seen) {
            self.read.insert(key.series);
            self.set(key, seen.map(value));
        }
    }

    /// Adds a point when the value differs from the accepted one. A value that was never known and is absent is not
    /// recorded.
    fn set(&mut self, key: SeriesKey, value: Option<PointValue>) {
        let values = self.state.values_with_mut(key.series);
        let before = values.get(&key);
        if before == Some(&value) || (before.is_none() && value.is_none()) {
            return;
        }
        values.insert(key.clone(), value.clone());
        self.points.retain(|point| point.key != key);
        self.points.push(Point { key, at: self.at, value });
    }

    fn finish(mut self, checked_before: Option<Timestamp>, offer: Offer) -> Judged {
        self.note_unread(checked_before);
        self.state.checked_at = Some(self.at);
        self.state.consecutive_failures = 0;
        if !self.points.is_empty() {
            self.state.changed_at = Some(self.at);
        }
        let verdict = match (offer == Offer::Held, checked_before.is_none(), self.points.is_empty()) {
            (true, _, _) => Verdict::Held,
            (false, true, _) => Verdict::Baseline,
            (false, false, true) => Verdict::Unchanged,
            (false, false, false) => Verdict::Changed,
        };
        Judged { state: self.state, points: self.points, verdict }
    }

    /// A value that this page does not confirm is as old as the last page that did.
    fn note_unread(&mut self, checked_before: Option<Timestamp>) {
        let known: BTreeSet<Series> = self.state.values.keys().map(|key| key.series).collect();
        for series in known {
            if self.read.contains(&series) {
                self.state.unread.remove(&series);
            } else if let Some(checked_before) = checked_before {
                self.state.unread.entry(series).or_insert(checked_before);
            }
        }
    }
}

/// `None` when the value is unknown, `Some(None)` when it is known to be absent.
fn known<T>(reading: &Reading<T>) -> Option<Option<&T>> {
    match reading {
        Reading::Unknown => None,
        Reading::Absent => Some(None),
        Reading::Is(value) => Some(Some(value)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{Currency, Money, Rating};

    fn page(price_minor: i64) -> Observation {
        let mut seen = Observation::empty("B08PZHYWJS".parse::<crate::domain::Asin>().unwrap());
        seen.title = Some("Headphones".into());
        seen.price = Reading::Is(Money::new(price_minor, Currency::Usd));
        seen.availability = Availability::InStock;
        seen
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    fn after(pages: &[Observation]) -> Judged {
        let mut judged = Judged { state: ListingState::default(), points: vec![], verdict: Verdict::Unchanged };
        for (second, seen) in pages.iter().enumerate() {
            judged = judged.state.judge(seen, at(second as i64));
        }
        judged
    }

    #[test]
    fn the_first_crawl_is_the_baseline_and_the_same_page_again_is_no_change() {
        let first = after(&[page(10_000)]);
        assert_eq!(first.verdict, Verdict::Baseline);
        assert_eq!(first.points.len(), 2);
        let second = first.state.judge(&page(10_000), at(9));
        assert_eq!((second.verdict, second.points.len()), (Verdict::Unchanged, 0));
        assert_eq!((second.state.checked_at, second.state.changed_at), (Some(at(9)), Some(at(0))));
    }

    #[test]
    fn an_unknown_field_leaves_the_last_value_and_an_absent_one_ends_it() {
        let mut silent = page(10_000);
        silent.price = Reading::Unknown;
        silent.title = None;
        let judged = after(&[page(10_000), silent]);
        assert_eq!(judged.state.price(Currency::Usd), Some(Money::new(10_000, Currency::Usd)));
        assert_eq!(judged.state.title.as_deref(), Some("Headphones"));
        assert_eq!(judged.verdict, Verdict::Unchanged);
    }

    #[test]
    fn a_surprising_price_is_held_with_the_whole_offer_and_accepted_at_the_second_crawl() {
        let mut odd = page(1_000);
        odd.availability = Availability::LowStock;
        odd.rating = Reading::Is(Rating(450));
        let held = after(&[page(10_000), odd.clone()]);
        assert_eq!(held.verdict, Verdict::Held);
        assert_eq!(held.points.len(), 1, "the rating does not depend on the offer");
        assert_eq!(held.state.availability(), Availability::InStock);
        let confirmed = held.state.judge(&odd, at(5));
        assert_eq!(confirmed.state.price(Currency::Usd), Some(Money::new(1_000, Currency::Usd)));
        assert_eq!(confirmed.state.availability(), Availability::LowStock);
        assert_eq!(confirmed.state.held, None);
    }

    #[test]
    fn a_surprise_that_is_not_confirmed_is_not_recorded() {
        let judged = after(&[page(10_000), page(1_000), page(10_000)]);
        assert_eq!((judged.verdict, judged.points.len()), (Verdict::Unchanged, 0));
        assert_eq!(judged.state.held, None);
    }

    #[test]
    fn a_price_that_returns_after_a_sell_out_is_checked_against_the_last_price() {
        let mut gone = page(0);
        gone.price = Reading::Absent;
        gone.availability = Availability::Unavailable;
        let sold_out = after(&[page(10_000), gone.clone(), gone]);
        assert_eq!(sold_out.state.price(Currency::Usd), None);
        assert_eq!(sold_out.state.availability(), Availability::Unavailable);
        assert_eq!(sold_out.state.judge(&page(1_000), at(9)).verdict, Verdict::Held);
        assert_eq!(sold_out.state.judge(&page(9_000), at(9)).verdict, Verdict::Changed);
    }

    #[test]
    fn each_category_has_its_own_rank_and_ends_when_it_is_no_longer_listed() {
        let ranked = |ranks: &[(u32, &str)]| {
            let mut seen = page(10_000);
            let rank = |(rank, category): &(u32, &str)| Rank { rank: *rank, category: (*category).into() };
            seen.ranks = Reading::Is(ranks.iter().map(rank).collect());
            seen
        };
        let judged = after(&[ranked(&[(5, "Electronics"), (1, "Headphones")]), ranked(&[(7, "Electronics")])]);
        assert_eq!(judged.state.ranks(), vec![Rank { rank: 7, category: "Electronics".into() }]);
        assert_eq!(judged.points.len(), 2);
        let silent = judged.state.judge(&page(10_000), at(9));
        assert_eq!(silent.state.best_rank(), Some(7), "a page without ranks changes nothing");
    }

    #[test]
    fn a_state_survives_its_json() {
        let state = after(&[page(10_000), page(1_000)]).state;
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<ListingState>(&json).unwrap(), state);
    }

    #[test]
    fn a_series_of_a_later_version_is_left_out_and_new_series_stay_out_of_the_list_that_older_versions_read() {
        let mut state = after(&[page(10_000)]).state;
        let lowest = Point { key: Series::LowestNewPrice.into(), at: at(1), value: Some(PointValue::Number(9_000)) };
        state.replay(&lowest);
        let json = serde_json::to_value(&state).unwrap();
        assert_eq!(json["values"].as_array().unwrap().len(), 2);
        let mut later = json.clone();
        later["values"].as_array_mut().unwrap().push(serde_json::json!(["series_of_2030", "", 7]));
        for json in [json, later] {
            assert_eq!(serde_json::from_value::<ListingState>(json).unwrap(), state);
        }
    }

    #[test]
    fn an_offer_whose_price_cannot_be_read_is_left_whole_and_its_age_is_told() {
        let mut unread = page(0);
        unread.price = Reading::Unknown;
        unread.seller = Reading::Is("Scalper LLC".into());
        unread.availability = Availability::LowStock;
        unread.rating = Reading::Is(Rating(450));
        let judged = after(&[page(2_500), unread.clone(), unread]);
        assert_eq!((judged.state.text(Series::Seller), judged.state.availability()), (None, Availability::InStock));
        assert_eq!(judged.state.as_of(Series::Price), Some(at(0)));
        assert_eq!(judged.state.as_of(Series::Rating), Some(at(2)));
        assert_eq!(judged.state.as_of(Series::Coupon), None, "never known");
        let hour = Duration::from_secs(3600);
        assert!(judged.state.is_price_stale(hour, at(2)), "it was not on the last page");
        let read = judged.state.judge(&page(2_600), at(3)).state;
        assert_eq!(read.as_of(Series::Price), Some(at(3)));
        assert!(!read.is_price_stale(hour, at(3 + 7200)) && read.is_price_stale(hour, at(4 + 7200)));
    }

    #[test]
    fn the_id_of_a_seller_ends_with_its_name() {
        let sold_by = |name: &str, id: Option<&str>| {
            let mut seen = page(2_500);
            seen.seller = Reading::Is(name.to_owned());
            seen.seller_id = id.map_or(Reading::Unknown, |id| Reading::Is(id.parse().unwrap()));
            seen
        };
        let first = sold_by("Shop", Some("A1SHOP0000"));
        let same = after(&[first.clone(), sold_by("Shop", None)]).state;
        assert_eq!(same.text(Series::SellerId), Some("A1SHOP0000"));
        let other = after(&[first, sold_by("Other", None)]).state;
        assert_eq!((other.text(Series::Seller), other.text(Series::SellerId)), (Some("Other"), None));
    }

    #[test]
    fn a_surprise_that_keeps_moving_is_believed_with_its_offer() {
        let mut odd = page(3_900);
        odd.availability = Availability::LowStock;
        let judged = after(&[page(10_000), page(4_500), page(4_200), odd]);
        assert_eq!(judged.verdict, Verdict::Changed);
        assert_eq!(judged.state.price(Currency::Usd), Some(Money::new(4_500, Currency::Usd)));
        assert_eq!(judged.state.availability(), Availability::LowStock);
    }
}
