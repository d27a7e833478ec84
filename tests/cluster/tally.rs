//! Holds what was recorded and told against what the marketplace has shown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::fixture::{Fixture, LEASE};
use crate::market::{Shown, TARGET_MINOR};
use crate::receiver::Webhook;

/// The series of prices in the store.
const PRICE: i16 = 1;

/// What was counted; everything that must never be is asserted.
#[derive(Debug, Default)]
pub struct Tally {
    /// Prices that were recorded.
    pub recorded: usize,
    /// Prices that were shown to a look which was not recorded, and moved on before the next one.
    pub missed: usize,
    /// Crossings, each told with one id.
    pub crossings: usize,
    /// Messages that came again.
    pub repeated: usize,
}

impl Fixture {
    /// Judges everything since the start. To be called when the fixture has settled.
    pub async fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for asin in &self.market.asins {
            let (shown, recorded) = (self.market.shown(asin).await, self.recorded(asin).await);
            judge_prices(asin, &shown, &recorded);
            tally.recorded += recorded.len();
            tally.missed += distinct(&shown).len() - recorded.len();
            let crossings = self.crossings(asin).await;
            assert_eq!(crossings, ways_down(&recorded), "{asin}: every way below the target is one event");
            tally.crossings += crossings.len();
        }
        self.judge_other_series().await;
        tally.repeated = self.judge_deliveries(tally.crossings).await;
        println!("{tally:?}, longest wait {:?}", self.longest_wait());
        tally
    }

    async fn recorded(&self, asin: &str) -> Vec<Shown> {
        let points = "SELECT at, number FROM point JOIN listing ON listing.id = point.listing_id \
                      WHERE asin = $1 AND series = $2 ORDER BY at";
        let query = sqlx::query_as::<_, (i64, i64)>(points).bind(asin).bind(PRICE);
        let points = query.fetch_all(&mut self.judge().await).await.unwrap();
        let shown = |(at, price_minor)| Shown { at: Timestamp::from_millisecond(at).unwrap(), price_minor };
        points.into_iter().map(shown).collect()
    }

    /// The prices of a listing's events, in the order of their numbers.
    async fn crossings(&self, asin: &str) -> Vec<i64> {
        let events = "SELECT (facts->>'crossing')::bigint, (facts->'price'->>'amount_minor')::bigint FROM event \
                      WHERE facts->'listing'->>'asin' = $1 ORDER BY 1";
        let query = sqlx::query_as::<_, (i64, i64)>(events).bind(asin);
        let events = query.fetch_all(&mut self.judge().await).await.unwrap();
        let numbers: Vec<i64> = events.iter().map(|(number, _)| *number).collect();
        assert_eq!(
            numbers,
            (1..=events.len() as i64).collect::<Vec<_>>(),
            "{asin}: crossings are numbered without gaps"
        );
        events.into_iter().map(|(_, price)| price).collect()
    }

    /// Only prices moved, and the list prices that are shown beside them: whatever else is known of a listing was recorded by its first look, and never again.
    async fn judge_other_series(&self) {
        let again = "SELECT count(*) FROM (SELECT 1 FROM point WHERE series NOT IN (1, 3) \
                     GROUP BY listing_id, series, category HAVING count(*) > 1) AS again";
        assert_eq!(self.ask(again).await, 0, "series that never changed");
    }

    /// Each event has one message, which arrived at least once and always under the same id. How many came again?
    async fn judge_deliveries(&self, events: usize) -> usize {
        let told = "SELECT delivery.id::text, event_id::text FROM delivery WHERE status = 'delivered'";
        let told: BTreeSet<(String, String)> =
            sqlx::query_as(told).fetch_all(&mut self.judge().await).await.unwrap().into_iter().collect();
        let of_events: BTreeSet<&String> = told.iter().map(|(_, event)| event).collect();
        assert_eq!((told.len(), of_events.len()), (events, events), "one message for each event");
        let arrivals = self.receiver.arrivals();
        let mut by_crossing: BTreeMap<_, BTreeSet<&Webhook>> = BTreeMap::new();
        for webhook in &arrivals {
            by_crossing.entry(&webhook.crossing).or_default().insert(webhook);
        }
        let twofold: Vec<_> = by_crossing.values().filter(|ids| ids.len() > 1).collect();
        assert!(twofold.is_empty(), "one crossing, several ids: {twofold:?}");
        let arrived = arrivals.iter().map(|webhook| (webhook.id.clone(), webhook.event_id.clone())).collect();
        assert_eq!(told, arrived, "what is called delivered has arrived, and nothing else");
        arrivals.len() - told.len()
    }
}

/// Nothing is recorded that was not shown, nothing twice, all of it in the order in which it was shown and at its time, and the
/// last that was shown is the last that is recorded.
fn judge_prices(asin: &str, shown: &[Shown], recorded: &[Shown]) {
    let mut rest = shown.iter();
    for point in recorded {
        // Searching on from the last place: what is out of order, twice or invented is not found.
        let first = rest.find(|shown| shown.price_minor == point.price_minor);
        let first = first.unwrap_or_else(|| panic!("{asin}: {point:?} was not shown then\n{recorded:?}\n{shown:?}"));
        let late = point.at.duration_since(first.at);
        let in_time = SignedDuration::from_millis(-100)..=SignedDuration::try_from(LEASE).unwrap();
        assert!(in_time.contains(&late), "{asin}: {point:?} was first shown at {}", first.at);
    }
    let last = |prices: &[Shown]| prices.last().map(|shown| shown.price_minor);
    assert_eq!(last(recorded), last(shown), "{asin}: the last price");
}

fn distinct(shown: &[Shown]) -> BTreeSet<i64> {
    shown.iter().map(|shown| shown.price_minor).collect()
}

/// The prices at which the recorded ones came below the target.
fn ways_down(recorded: &[Shown]) -> Vec<i64> {
    let is_below = |shown: &Shown| shown.price_minor <= TARGET_MINOR;
    let first = recorded.first().filter(|shown| is_below(shown)).into_iter();
    let later = recorded.windows(2).filter(|pair| !is_below(&pair[0]) && is_below(&pair[1])).map(|pair| &pair[1]);
    first.chain(later).map(|shown| shown.price_minor).collect()
}

/// A judge that sees nothing would find everybody good.
mod judged {
    use super::*;

    fn prices(of: &[i64]) -> Vec<Shown> {
        of.iter().map(|price_minor| Shown { at: Timestamp::UNIX_EPOCH, price_minor: *price_minor }).collect()
    }

    fn passes(shown: &[i64], recorded: &[i64]) -> bool {
        let (shown, recorded) = (prices(shown), prices(recorded));
        std::panic::catch_unwind(|| judge_prices("B000000001", &shown, &recorded)).is_ok()
    }

    #[test]
    fn what_was_shown_may_be_missed_but_not_invented_repeated_or_out_of_order() {
        assert!(passes(&[1, 1, 2, 3], &[1, 2, 3]));
        assert!(passes(&[1, 2, 3], &[1, 3]));
        for wrong in [&[1, 2, 2, 3][..], &[1, 9, 3], &[2, 1, 3], &[1, 3, 2], &[1, 2]] {
            assert!(!passes(&[1, 2, 3], wrong), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_recorded_at_another_time_than_it_was_shown_is_found() {
        let shown = prices(&[1]);
        let late = Shown { at: Timestamp::from_second(60).unwrap(), ..shown[0] };
        assert!(std::panic::catch_unwind(|| judge_prices("B000000001", &shown, &[late])).is_err());
    }

    #[test]
    fn every_way_below_the_target_counts_once() {
        assert_eq!(ways_down(&prices(&[10_000, 8_501, 8_600, 10_002, 8_503])), [8_501, 8_503]);
        assert_eq!(ways_down(&prices(&[8_501, 10_002])), [8_501]);
    }
}
