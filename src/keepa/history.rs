//! A listing's history in the series of Keepa: the opposite of what `sources/keepa` reads.
//!
//! What is not known has no entry, and its series is null. Within a series, -1 stands for "there is none" and for times without a
//! successful crawl: clients compare with -1 alone, and would take any other marker for a value. [`KeepaHistory::unknown_times`] tells
//! the two apart.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::slot::{SLOTS, Slot};
use super::time::keepa_minute;
use super::timeline::{Timeline, Told, UnknownTime};
use super::{NEW_HAS_SHIPPING, NONE, RATING_SCALE};
use crate::domain::steps::Gap;
use crate::domain::{Marketplace, Point, PointValue, SellerId, Series, is_amazon};

/// Keepa's marker of a seller who is not known.
const UNKNOWN_SELLER: &str = "-2";

/// What stands beside a price whose shipping is not stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnstatedShipping {
    /// -1, which the official client takes for no shipping. Clients that add the two numbers blindly get one cent less.
    #[default]
    Marked,
    /// 0, as if it were free.
    Free,
}

/// A listing's history in the series of Keepa.
#[derive(Debug, Clone, Default)]
pub struct KeepaHistory {
    timelines: BTreeMap<Slot, Timeline>,
    /// The category of [`Slot::Sales`].
    rank_category: Option<String>,
    sellers: Vec<(i64, String)>,
    unknown: Vec<UnknownTime>,
}

impl KeepaHistory {
    /// The history that these points tell until `now`. The points of each series are in the order of their times, and so are the gaps.
    pub fn of(points: &[Point], gaps: &[Gap], marketplace: Marketplace, now: Timestamp) -> Self {
        let unknown: Vec<UnknownTime> = gaps.iter().filter_map(|gap| unknown_time(gap, now)).collect();
        let line = |series| Timeline::of(values(points, series, number));
        let rank_category = root_category(points);
        let ranks = rank_category.as_ref().map(|category| {
            let of_category = points.iter().filter(|point| point.key.category == *category);
            Timeline::of(of_category.filter(|point| point.key.series == Series::SalesRank).map(told))
        });
        let (price, shipping) = (line(Series::Price), line(Series::Shipping));
        let new = Timeline::of(values(points, Series::LowestNewPrice, number).filter(|(at, _)| has_shipping(*at)));
        let lines = [
            (Slot::Amazon, price.joined(&sold_by_amazon(points, marketplace), amazons)),
            (Slot::New, new),
            (Slot::Sales, ranks.unwrap_or_default()),
            (Slot::ListPrice, line(Series::ListPrice)),
            (Slot::CountNew, line(Series::OfferCount)),
            (Slot::CountUsed, line(Series::UsedOfferCount)),
            (Slot::Rating, Timeline::of(values(points, Series::Rating, rating))),
            (Slot::CountReviews, line(Series::ReviewCount)),
            (Slot::BuyBoxShipping, price.joined(&shipping, offer)),
        ];
        let timelines = lines.into_iter().map(|(slot, line)| (slot, line.without(&unknown)));
        let timelines = timelines.filter(|(_, line)| !line.steps().is_empty()).collect();
        Self { timelines, rank_category, sellers: buy_box_sellers(points, &price, &unknown), unknown }
    }

    /// The timeline of a series; `None`: nothing is known about it.
    pub fn timeline(&self, slot: Slot) -> Option<&Timeline> {
        self.timelines.get(&slot)
    }

    /// The name of the category whose rank [`Slot::Sales`] has.
    pub fn rank_category(&self) -> Option<&str> {
        self.rank_category.as_deref()
    }

    /// The minute of the last change of a price.
    pub fn last_price_change(&self) -> Option<i64> {
        let prices = [Slot::Amazon, Slot::New, Slot::ListPrice, Slot::BuyBoxShipping];
        let known = prices.iter().filter_map(|slot| self.timeline(*slot)).flat_map(|line| {
            let changes = line.steps().iter().filter(|(_, told)| *told != Told::Unknown);
            changes.filter(|(minute, _)| !self.unknown.iter().any(|time| time.to == *minute)).map(|(minute, _)| *minute)
        });
        known.max()
    }

    /// `csv`: all series in their places, from a minute on, preceded by the values that hold then.
    pub fn csv(&self, since: Option<i64>, unstated: UnstatedShipping) -> Vec<Option<Vec<i64>>> {
        let mut csv = vec![None; SLOTS];
        for (slot, line) in &self.timelines {
            let line = since.map_or_else(|| line.clone(), |since| line.since(since));
            csv[slot.index()] = Some(encoded(*slot, &line, unstated)).filter(|list| !list.is_empty());
        }
        csv
    }

    /// Times without a successful crawl: the minutes from which on and until which nothing is known, in turn. The last one may have no
    /// end.
    pub fn unknown_times(&self) -> Vec<i64> {
        let ends =
            self.unknown.iter().flat_map(|time| [Some(time.from), (time.to != UnknownTime::OPEN).then_some(time.to)]);
        ends.flatten().collect()
    }

    /// `buyBoxSellerIdHistory`: minutes and ids in turn.
    pub fn buy_box_sellers(&self) -> Option<Vec<String>> {
        let list = self.sellers.iter().flat_map(|(minute, seller)| [minute.to_string(), seller.clone()]);
        (!self.sellers.is_empty()).then(|| list.collect())
    }
}

/// The minute in which a crawl was made is still known.
fn unknown_time(gap: &Gap, now: Timestamp) -> Option<UnknownTime> {
    let from = keepa_minute(gap.from) + 1;
    let to = if gap.to < now { keepa_minute(gap.to) } else { UnknownTime::OPEN };
    (from < to).then_some(UnknownTime { from, to })
}

fn values<'p>(
    points: &'p [Point],
    series: Series,
    read: impl Fn(i64) -> Told + 'p,
) -> impl Iterator<Item = (Timestamp, Told)> + 'p {
    let of_series = points.iter().filter(move |point| point.key.series == series);
    of_series.map(move |point| {
        let told = point.value.as_ref().map_or(Told::None, |value| value.number().map_or(Told::Unknown, &read));
        (point.at, told)
    })
}

fn told(point: &Point) -> (Timestamp, Told) {
    let value = point.value.as_ref();
    (point.at, value.map_or(Told::None, |value| value.number().map_or(Told::Unknown, Told::number)))
}

fn number(number: i64) -> Told {
    Told::number(number)
}

fn rating(hundredths: i64) -> Told {
    Told::number(hundredths / RATING_SCALE)
}

fn has_shipping(at: Timestamp) -> bool {
    keepa_minute(at) >= NEW_HAS_SHIPPING
}

/// The category whose rank is told. Amazon lists a product in a root category and in some below it. A part of a list has no more
/// products than the whole, so the root category is the one with the greatest rank. That of the latest ranks: a category that the page
/// no longer names comes last.
fn root_category(points: &[Point]) -> Option<String> {
    let mut latest: BTreeMap<&str, (bool, i64)> = BTreeMap::new();
    for point in points.iter().filter(|point| point.key.series == Series::SalesRank) {
        let rank = point.value.as_ref().and_then(PointValue::number);
        let before = latest.get(point.key.category.as_str()).map_or(0, |(_, rank)| *rank);
        latest.insert(&point.key.category, (rank.is_some(), rank.unwrap_or(before)));
    }
    let root = latest.into_iter().max_by_key(|(_, rank)| *rank)?;
    Some(root.0.to_owned())
}

/// 1: Amazon sells the featured offer; 0: another seller does.
fn sold_by_amazon(points: &[Point], marketplace: Marketplace) -> Timeline {
    let is_it = |is_it: bool| Told::Number(i64::from(is_it));
    let own_id = SellerId::of_amazon(marketplace);
    let texts = |series| points.iter().filter(move |point| point.key.series == series);
    let text = |point: &Point| point.value.as_ref().and_then(PointValue::text).map(str::to_owned);
    let names = Timeline::of(texts(Series::Seller).map(|point| {
        let told = text(point).map_or(Told::Unknown, |name| is_it(is_amazon(&name)));
        (point.at, told)
    }));
    let ids = Timeline::of(texts(Series::SellerId).map(|point| {
        // Where Amazon's id is not known, an id tells nothing.
        let told = own_id.as_ref().and_then(|own| text(point).map(|id| is_it(id == own.as_str())));
        (point.at, told.unwrap_or(Told::Unknown))
    }));
    names.joined(&ids, |name, id| if name == Told::Unknown { id } else { name })
}

/// Amazon's price. Without a featured offer there is none; that of another seller leaves Amazon without the Buy Box.
fn amazons(price: Told, is_amazons: Told) -> Told {
    match (price, is_amazons) {
        (Told::None, _) => Told::None,
        (price, Told::Number(1)) => price,
        (Told::Number(_), Told::Number(_)) => Told::None,
        _ => Told::Unknown,
    }
}

fn offer(price: Told, shipping: Told) -> Told {
    match (price, shipping) {
        (Told::Number(price), Told::Number(shipping)) => Told::Offer { price, shipping: Some(shipping) },
        (Told::Number(price), _) => Told::Offer { price, shipping: None },
        (price, _) => price,
    }
}

/// The sellers of the Buy Box by their ids. An absent id beside a price is that of a seller whom the page names without one.
fn buy_box_sellers(points: &[Point], price: &Timeline, unknown: &[UnknownTime]) -> Vec<(i64, String)> {
    let mut sellers: BTreeMap<i64, String> = BTreeMap::new();
    for point in points.iter().filter(|point| point.key.series == Series::SellerId) {
        let minute = keepa_minute(point.at);
        let seller = match point.value.as_ref().and_then(PointValue::text) {
            Some(id) => id.to_owned(),
            None if price.at(minute) == Told::None => NONE.to_string(),
            None => UNKNOWN_SELLER.to_owned(),
        };
        if minute >= 0 {
            sellers.insert(minute, seller);
        }
    }
    let known = sellers.clone();
    for time in unknown {
        let Some((_, seller)) = known.range(..time.from).next_back() else { continue };
        if known.range(time.from..=time.to).next().is_none() {
            sellers.insert(time.from, UNKNOWN_SELLER.to_owned());
            if time.to != UnknownTime::OPEN {
                sellers.insert(time.to, seller.clone());
            }
        }
    }
    let mut sellers: Vec<(i64, String)> = sellers.into_iter().collect();
    sellers.dedup_by(|later, earlier| later.1 == earlier.1);
    sellers
}

fn encoded(slot: Slot, line: &Timeline, unstated: UnstatedShipping) -> Vec<i64> {
    let mut list = Vec::new();
    let (mut last_entry, mut last_told) = (None, Told::Unknown);
    for (minute, told) in line.steps() {
        let entry = match told {
            Told::Offer { price, shipping } => (*price, shipping.unwrap_or(of_unstated(unstated))),
            told => (told.encoded(), NONE),
        };
        // That there is none is news after a time of which nothing was known, although it is written alike.
        let is_news = last_told == Told::Unknown && *told == Told::None;
        last_told = *told;
        if last_entry == Some(entry) && !is_news {
            continue;
        }
        last_entry = Some(entry);
        list.extend([*minute, entry.0]);
        if slot.has_shipping() {
            list.push(entry.1);
        }
    }
    list
}

fn of_unstated(unstated: UnstatedShipping) -> i64 {
    match unstated {
        UnstatedShipping::Marked => NONE,
        UnstatedShipping::Free => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SeriesKey;
    use crate::keepa::time_of;

    fn point(series: Series, minute: i64, value: Option<PointValue>) -> Point {
        Point { key: series.into(), at: time_of(minute).unwrap(), value }
    }

    fn numbers(series: Series, values: &[(i64, i64)]) -> Vec<Point> {
        values
            .iter()
            .map(|(minute, number)| point(series, *minute, (*number >= 0).then_some(PointValue::Number(*number))))
            .collect()
    }

    fn texts(series: Series, values: &[(i64, &str)]) -> Vec<Point> {
        let text = |text: &str| (!text.is_empty()).then(|| PointValue::Text(text.to_owned()));
        values.iter().map(|(minute, value)| point(series, *minute, text(value))).collect()
    }

    fn history(points: &[Vec<Point>], gaps: &[(i64, i64)]) -> KeepaHistory {
        let gap = |(from, to): &(i64, i64)| Gap { from: time_of(*from).unwrap(), to: time_of(*to).unwrap() };
        let gaps: Vec<Gap> = gaps.iter().map(gap).collect();
        KeepaHistory::of(&points.concat(), &gaps, Marketplace::Us, time_of(8_000_000).unwrap())
    }

    fn slot(history: &KeepaHistory, slot: Slot) -> Option<Vec<i64>> {
        history.csv(None, UnstatedShipping::Marked)[slot.index()].clone()
    }

    #[test]
    fn every_series_has_its_place_and_what_is_not_known_is_null() {
        let csv = history(&[], &[]).csv(None, UnstatedShipping::Marked);
        assert_eq!(csv, vec![None; 36]);
        let history =
            history(&[numbers(Series::ListPrice, &[(5, 100), (9, -1)]), numbers(Series::Rating, &[(5, 453)])], &[]);
        assert_eq!(slot(&history, Slot::ListPrice), Some(vec![5, 100, 9, -1]));
        assert_eq!(slot(&history, Slot::Rating), Some(vec![5, 45]));
        assert_eq!(slot(&history, Slot::BuyBoxShipping), None);
    }

    #[test]
    fn an_offer_has_price_and_shipping_and_its_absence_two_markers() {
        let points = [
            numbers(Series::Price, &[(10, 1000), (40, -1), (50, 900)]),
            numbers(Series::Shipping, &[(20, 0), (30, 499)]),
        ];
        let history = history(&points, &[]);
        let expected = vec![10, 1000, -1, 20, 1000, 0, 30, 1000, 499, 40, -1, -1, 50, 900, 499];
        assert_eq!(slot(&history, Slot::BuyBoxShipping), Some(expected));
        let free = history.csv(Some(15), UnstatedShipping::Free)[18].clone().unwrap();
        assert_eq!(free[..3], [10, 1000, 0], "the value that holds at the start of a part stays");
        assert_eq!(history.last_price_change(), Some(50));
    }

    #[test]
    fn amazon_has_a_price_while_it_sells_the_featured_offer() {
        let points = [
            numbers(Series::Price, &[(10, 1000), (20, 1100), (40, -1)]),
            texts(Series::Seller, &[(15, "Amazon.com"), (30, "Somebody"), (45, "")]),
        ];
        assert_eq!(slot(&history(&points, &[]), Slot::Amazon), Some(vec![15, 1000, 20, 1100, 30, -1]));
        let by_id = [numbers(Series::Price, &[(10, 1000)]), texts(Series::SellerId, &[(10, "ATVPDKIKX0DER")])];
        assert_eq!(slot(&history(&by_id, &[]), Slot::Amazon), Some(vec![10, 1000]));
    }

    #[test]
    fn a_gap_is_no_value_of_any_series_and_is_told_apart() {
        let points = [numbers(Series::Price, &[(10, 1000)]), texts(Series::SellerId, &[(10, "A1")])];
        let history = history(&points, &[(20, 30), (40, 8_000_000)]);
        assert_eq!(
            slot(&history, Slot::BuyBoxShipping),
            Some(vec![10, 1000, -1, 21, -1, -1, 30, 1000, -1, 41, -1, -1])
        );
        assert_eq!(history.unknown_times(), [21, 30, 41]);
        assert_eq!(history.buy_box_sellers().unwrap(), ["10", "A1", "21", "-2", "30", "A1", "41", "-2"]);
        assert_eq!(history.last_price_change(), Some(10), "an interruption is no change");
    }

    #[test]
    fn the_rank_is_that_of_the_root_category() {
        let rank = |category: &str, minute, rank: i64| Point {
            key: SeriesKey { series: Series::SalesRank, category: category.to_owned() },
            at: time_of(minute).unwrap(),
            value: (rank > 0).then_some(PointValue::Number(rank)),
        };
        let ranks = vec![
            rank("Beauty", 10, 5000),
            rank("Beauty", 20, 4000),
            rank("Old", 5, 90_000),
            rank("Old", 9, -1),
            rank("Serums", 10, 12),
        ];
        let history = history(&[ranks], &[]);
        assert_eq!(
            (history.rank_category(), slot(&history, Slot::Sales)),
            (Some("Beauty"), Some(vec![10, 5000, 20, 4000]))
        );
    }
}
