//! The accepted state of a listing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::asin::Asin;
use super::availability::Availability;
use super::change_rate::ChangeRate;
use super::content::{Content, ContentChange, ContentField};
use super::interval::Interval;
use super::known_content::KnownContent;
use super::money::{Currency, Money};
use super::observation::{ListPriceKind, Rank, Rating};
use super::plausibility::Held;
use super::recent_crawls::{self, RecentCrawl, RecentCrawls};
use super::series::{Point, PointValue, Series, SeriesKey};
use super::series_values::{self, Values};

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
    #[serde(with = "series_values")]
    pub(super) values: Values,
    /// The same for the series that older versions do not know: they read the other list, and overlook this one.
    #[serde(with = "series_values", default, skip_serializing_if = "Values::is_empty")]
    pub(super) later_values: Values,
    /// The last price that was not `None`, kept while there is no price, so that a returning price can be checked
    /// against it.
    pub(super) last_good_price_minor: Option<i64>,
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
    pub(super) unread: BTreeMap<Series, Timestamp>,
    /// The last crawls.
    #[serde(default, skip_serializing_if = "RecentCrawls::is_empty")]
    recent_crawls: RecentCrawls,
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

    /// The accepted value of one numeric series: of a sales rank, in its category.
    pub fn number_in(&self, key: &SeriesKey) -> Option<i64> {
        self.values_with(key.series).get(key)?.as_ref()?.number()
    }

    /// True when the last page stated the series.
    pub fn is_stated(&self, series: Series) -> bool {
        !self.unread.contains_key(&series) && self.values_with(series).keys().any(|key| key.series == series)
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

    /// The last crawls, the newest first.
    pub fn recent_crawls(&self) -> impl Iterator<Item = RecentCrawl<'_>> {
        self.recent_crawls.newest_first()
    }

    /// Remembers the crawl after which this is the state.
    pub fn remember_crawl(&mut self, at: Timestamp, outcome: &str, source: &str, millis: u64) {
        let is_observed = self.checked_at == Some(at);
        let unread = if is_observed { recent_crawls::names(self.unread.keys()) } else { Vec::new() };
        self.recent_crawls.push(&RecentCrawl { at, outcome, source, millis, unread });
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
        self.content.is_old(at)
    }

    /// The parts of the content that are known.
    pub fn known_content_fields(&self) -> Vec<ContentField> {
        self.content.fields()
    }

    /// The listings of the same marketplace that Amazon compared this one with when it last did, on its page.
    pub fn compared_with(&self) -> &[Asin] {
        self.content.compared_with()
    }

    /// Takes the content of a page into account. Returns what differs from the last version.
    pub fn take_content(&mut self, seen: &Content, source: &str, at: Timestamp) -> Option<ContentChange> {
        self.content.take(seen, source, at)
    }

    fn value(&self, series: Series) -> Option<&PointValue> {
        self.values_with(series).get(&SeriesKey::from(series))?.as_ref()
    }

    /// The map that holds the values of a series.
    fn values_with(&self, series: Series) -> &Values {
        if series.is_later() { &self.later_values } else { &self.values }
    }

    pub(super) fn values_with_mut(&mut self, series: Series) -> &mut Values {
        if series.is_later() { &mut self.later_values } else { &mut self.values }
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
