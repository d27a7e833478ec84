//! The accepted state of a listing, and how an observation changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::availability::Availability;
use super::change_rate::ChangeRate;
use super::content::{Content, ContentChange, ContentDigest};
use super::interval::Interval;
use super::money::{Currency, Money};
use super::observation::{ListPriceKind, Observation, Rank, Rating};
use super::offer::{Fulfillment, OfferCondition};
use super::plausibility::{Held, PriceCheck, check_price};
use super::reading::Reading;
use super::series::{Point, PointValue, Series, SeriesKey};

/// The last accepted value of every series of a listing, with its title and image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListingState {
    /// Product title.
    pub title: Option<String>,
    /// Brand.
    pub brand: Option<String>,
    /// URL of the main image.
    pub image_url: Option<String>,
    /// What the list price is, as the page calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_price_kind: Option<ListPriceKind>,
    /// Last accepted values; a series that is missing here was never known.
    #[serde(with = "values_as_list")]
    values: Values,
    /// The same for the series that older versions do not know: they read the other list, and overlook this one.
    #[serde(with = "values_as_list", default, skip_serializing_if = "Values::is_empty")]
    later_values: Values,
    /// The last price that was not `None`, kept while there is no price, so that a returning price can be checked
    /// against it.
    last_good_price_minor: Option<i64>,
    /// A surprising price that waits for confirmation.
    pub held: Option<Held>,
    /// The source of the last observation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Crawls in a row without an observation; determines the back-off.
    #[serde(default)]
    pub consecutive_failures: u16,
    /// When the last successful crawl ended.
    pub checked_at: Option<Timestamp>,
    /// When any series last changed.
    pub changed_at: Option<Timestamp>,
    /// When the last offer list was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offers_checked_at: Option<Timestamp>,
    /// What is known of the content.
    #[serde(default, skip_serializing_if = "KnownContent::is_empty")]
    content: KnownContent,
    /// How often the featured offer changes, as far as crawls could see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_rate: Option<ChangeRate>,
    /// Series that the last page did not state, with the time of the last page that did.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    unread: BTreeMap<Series, Timestamp>,
}

/// What is known of a listing's content.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct KnownContent {
    digest: ContentDigest,
    /// The source that it comes from.
    source: Option<String>,
    /// When a page was last read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checked_at: Option<Timestamp>,
}

impl KnownContent {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A page is read to its end so often: what only its end shows changes seldom.
const CONTENT_INTERVAL: SignedDuration = SignedDuration::from_hours(23);
/// For so long the content of one source is not compared with that of another, which words and orders it differently.
const CONTENT_SOURCE_STAYS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The last accepted value of each series; `None`: known to be absent.
type Values = BTreeMap<SeriesKey, Option<PointValue>>;

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
    /// The accepted price, if the listing has one.
    pub fn price(&self, currency: Currency) -> Option<Money> {
        self.money(Series::Price, currency)
    }

    /// The accepted value of a series of money.
    pub fn money(&self, series: Series, currency: Currency) -> Option<Money> {
        self.number(series).map(|amount_minor| Money::new(amount_minor, currency))
    }

    /// The accepted value of a numeric series.
    pub fn number(&self, series: Series) -> Option<i64> {
        self.value(series)?.number()
    }

    /// The accepted value of a text series.
    pub fn text(&self, series: Series) -> Option<&str> {
        self.value(series)?.text()
    }

    /// The accepted rating.
    pub fn rating(&self) -> Option<Rating> {
        self.number(Series::Rating).and_then(|hundredths| u16::try_from(hundredths).ok()).map(Rating)
    }

    /// The accepted availability.
    pub fn availability(&self) -> Availability {
        self.number(Series::Availability).and_then(Availability::from_number).unwrap_or_default()
    }

    /// The accepted bestseller ranks, sorted by category.
    pub fn ranks(&self) -> Vec<Rank> {
        let ranks = self.values.iter().filter(|(key, _)| key.series == Series::SalesRank);
        ranks
            .filter_map(|(key, value)| {
                let rank = u32::try_from(value.as_ref()?.number()?).ok()?;
                Some(Rank { rank, category: key.category.clone() })
            })
            .collect()
    }

    /// The best (lowest) accepted rank.
    pub fn best_rank(&self) -> Option<u32> {
        self.ranks().into_iter().map(|rank| rank.rank).min()
    }

    /// When the value of a series was last read from a page; `None` when it was never known.
    pub fn as_of(&self, series: Series) -> Option<Timestamp> {
        let is_known = self.values_with(series).keys().any(|key| key.series == series);
        if series.is_of_offer_list() {
            return self.offers_checked_at.filter(|_| is_known);
        }
        self.unread.get(&series).copied().or(self.checked_at).filter(|_| is_known)
    }

    /// The series that the last page did not state, with the time of the last page that did.
    pub fn unread_since(&self) -> impl Iterator<Item = (&'static str, Timestamp)> {
        self.unread.iter().map(|(series, at)| (series.as_str(), *at))
    }

    /// True when the price is not today's: the last page did not state it, or no page was read for two intervals.
    pub fn is_price_stale(&self, interval: Duration, now: Timestamp) -> bool {
        let Some(as_of) = self.as_of(Series::Price) else { return false };
        let age = Duration::try_from(now.duration_since(as_of)).unwrap_or_default();
        Some(as_of) != self.checked_at || age > interval.saturating_mul(2)
    }

    /// True when a crawl at this time should also read the offer list, which is read so often.
    pub fn wants_offers(&self, interval: Interval, at: Timestamp) -> bool {
        // Crawls come up to a tenth earlier than their interval: the list keeps pace with them.
        let interval = SignedDuration::from_secs(i64::from(interval.as_secs()) * 8 / 10);
        self.offers_checked_at.is_none_or(|checked_at| at.duration_since(checked_at) >= interval)
    }

    /// True when a crawl at this time should read the page to its end.
    pub fn wants_content(&self, at: Timestamp) -> bool {
        self.content.checked_at.is_none_or(|checked_at| at.duration_since(checked_at) >= CONTENT_INTERVAL)
    }

    /// Takes the content of a page into account. Returns what differs from the last version.
    pub fn take_content(&mut self, seen: &Content, source: &str, at: Timestamp) -> Option<ContentChange> {
        let known = &mut self.content;
        let is_recent = |checked_at: Timestamp| at.duration_since(checked_at) < CONTENT_SOURCE_STAYS;
        let is_of_another = known.source.as_deref().is_some_and(|known| known != source);
        if is_of_another && known.checked_at.is_some_and(is_recent) {
            return None;
        }
        let change = known.digest.update(seen);
        if change.is_some() {
            known.source = Some(source.to_owned());
        }
        if seen.is_whole {
            known.checked_at = Some(at);
        }
        change
    }

    fn value(&self, series: Series) -> Option<&PointValue> {
        self.values_with(series).get(&SeriesKey::from(series))?.as_ref()
    }

    /// The map that holds the values of a series.
    fn values_with(&self, series: Series) -> &Values {
        if series.is_later() { &self.later_values } else { &self.values }
    }

    fn values_with_mut(&mut self, series: Series) -> &mut Values {
        if series.is_later() { &mut self.later_values } else { &mut self.values }
    }

    /// Applies an observation, as far as its values are plausible.
    pub fn judge(&self, seen: &Observation, at: Timestamp) -> Judged {
        let mut change = Change { state: self.clone(), points: Vec::new(), at, read: BTreeSet::new() };
        change.take_description(seen);
        change.take_reputation(seen);
        let offer = change.take_offer(seen);
        change.take_offer_list(seen);
        change.finish(self.checked_at, offer)
    }

    /// The point that marks the time before a successful crawl as unknown, if it was longer than `max_silence`.
    pub fn gap_before(&self, at: Timestamp, max_silence: Duration) -> Option<Point> {
        let since = self.checked_at?;
        let silence = Duration::try_from(at.duration_since(since)).unwrap_or_default();
        let value = Some(PointValue::Number(since.as_millisecond()));
        (silence > max_silence).then(|| Point { key: Series::Unobserved.into(), at, value })
    }

    /// The state after a crawl without an observation: all accepted values stay.
    pub fn after_failed_crawl(&self) -> Self {
        Self { consecutive_failures: self.consecutive_failures.saturating_add(1), ..self.clone() }
    }

    /// Applies a historical point, for listings that are imported with a history. Points must be in chronological
    /// order.
    pub fn replay(&mut self, point: &Point) {
        if point.key.series == Series::Price
            && let Some(PointValue::Number(price_minor)) = point.value
        {
            self.last_good_price_minor = Some(price_minor);
        }
        self.values_with_mut(point.key.series).insert(point.key.clone(), point.value.clone());
        self.changed_at = Some(point.at);
        self.checked_at = Some(point.at);
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
        self.take(Series::Seller.into(), &seen.seller, |seller| PointValue::Text(seller.clone()));
        self.take(Series::SellerId.into(), &seen.seller_id, |id| PointValue::Text(id.to_string()));
        self.take(Series::Coupon.into(), &seen.coupon, |coupon| PointValue::Text(coupon.clone()));
        if seen.availability != Availability::Unknown {
            self.read.insert(Series::Availability);
            self.set(Series::Availability.into(), Some(PointValue::Number(seen.availability.number())));
        }
        Offer::Taken
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

/// JSON keys are single strings, so the map is written as a list of `[series, category, value]`.
mod values_as_list {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{PointValue, Series, SeriesKey, Values};

    pub fn serialize<S: Serializer>(values: &Values, serializer: S) -> Result<S::Ok, S::Error> {
        let list: Vec<_> = values.iter().map(|(key, value)| (key.series, &key.category, value)).collect();
        list.serialize(serializer)
    }

    /// Leaves out the series that this version does not know.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
        let list = Vec::<(KnownSeries, String, Option<PointValue>)>::deserialize(deserializer)?;
        let known = list
            .into_iter()
            .filter_map(|(series, category, value)| Some((SeriesKey { series: series.0?, category }, value)));
        Ok(known.collect())
    }

    /// A series by its name; `None` for a name of a later version.
    struct KnownSeries(Option<Series>);

    impl<'de> Deserialize<'de> for KnownSeries {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Name;
            impl serde::de::Visitor<'_> for Name {
                type Value = KnownSeries;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("the name of a series")
                }

                fn visit_str<E>(self, name: &str) -> Result<KnownSeries, E> {
                    Ok(KnownSeries(name.parse().ok()))
                }
            }
            deserializer.deserialize_str(Name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_surprise_that_keeps_moving_is_believed_with_its_offer() {
        let mut odd = page(3_900);
        odd.availability = Availability::LowStock;
        let judged = after(&[page(10_000), page(4_500), page(4_200), odd]);
        assert_eq!(judged.verdict, Verdict::Changed);
        assert_eq!(judged.state.price(Currency::Usd), Some(Money::new(4_500, Currency::Usd)));
        assert_eq!(judged.state.availability(), Availability::LowStock);
    }
}
