//! Compares recorded prices and sent notifications with what the marketplace has shown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::fixture::{Fixture, LEASE};
use crate::marketplace::{Shown, TARGET_MINOR};
use crate::receiver::Webhook;

/// The number of the price series in the store.
const PRICE: i16 = 1;

/// Counts of what may vary; everything that must hold is asserted.
#[derive(Debug, Default)]
pub struct Counts {
    /// Recorded prices.
    pub recorded: usize,
    /// Prices shown to a crawl that was not recorded, and changed before the next crawl.
    pub missed: usize,
    /// Crossings, each with one event id.
    pub crossings: usize,
    /// Webhooks received more than once.
    pub repeated: usize,
}

impl Fixture {
    /// Verifies everything since the start. To be called after [`Fixture::settle_within`].
    pub async fn verify(&self) -> Counts {
        let mut counts = Counts::default();
        for asin in &self.market.asins {
            let (shown, recorded) = (self.market.shown(asin).await, self.recorded(asin).await);
            verify_prices(asin, &shown, &recorded);
            counts.recorded += recorded.len();
            counts.missed += distinct(&shown).len() - recorded.len();
            let crossings = self.crossings(asin).await;
            assert_eq!(
                crossings,
                crossings_below_target(&recorded),
                "{asin}: every crossing below the target is one event"
            );
            counts.crossings += crossings.len();
        }
        self.verify_other_series().await;
        counts.repeated = self.verify_deliveries(counts.crossings).await;
        println!("{counts:?}, longest wait {:?}", self.longest_crawl_gap());
        counts
    }

    async fn recorded(&self, asin: &str) -> Vec<Shown> {
        let points = "SELECT at, number FROM point JOIN listing ON listing.id = point.listing_id \
                      WHERE asin = $1 AND series = $2 ORDER BY at";
        let query = sqlx::query_as::<_, (i64, i64)>(points).bind(asin).bind(PRICE);
        let points = query.fetch_all(&mut self.superuser().await).await.unwrap();
        let shown = |(at, price_minor)| Shown { at: Timestamp::from_millisecond(at).unwrap(), price_minor };
        points.into_iter().map(shown).collect()
    }

    /// The prices of a listing's events, in the order of their numbers.
    async fn crossings(&self, asin: &str) -> Vec<i64> {
        let events = "SELECT (facts->>'crossing')::bigint, (facts->'price'->>'amount_minor')::bigint FROM event \
                      WHERE facts->'listing'->>'asin' = $1 ORDER BY 1";
        let query = sqlx::query_as::<_, (i64, i64)>(events).bind(asin);
        let events = query.fetch_all(&mut self.superuser().await).await.unwrap();
        let numbers: Vec<i64> = events.iter().map(|(number, _)| *number).collect();
        assert_eq!(
            numbers,
            (1..=events.len() as i64).collect::<Vec<_>>(),
            "{asin}: crossings are numbered without gaps"
        );
        events.into_iter().map(|(_, price)| price).collect()
    }

    /// Only prices, and the list prices next to them, change. Every other series is recorded by the first crawl and
    /// never again.
    async fn verify_other_series(&self) {
        let again = "SELECT count(*) FROM (SELECT 1 FROM point WHERE series NOT IN (1, 3) \
                     GROUP BY listing_id, series, category HAVING count(*) > 1) AS again";
        assert_eq!(self.query_number(again).await, 0, "series that never changed");
    }

    /// Every event has one delivery, which was received at least once and always with the same id. Returns the number
    /// of repeated webhooks.
    async fn verify_deliveries(&self, events: usize) -> usize {
        let delivered = "SELECT delivery.id::text, event_id::text FROM delivery WHERE status = 'delivered'";
        let delivered: BTreeSet<(String, String)> =
            sqlx::query_as(delivered).fetch_all(&mut self.superuser().await).await.unwrap().into_iter().collect();
        let of_events: BTreeSet<&String> = delivered.iter().map(|(_, event)| event).collect();
        assert_eq!((delivered.len(), of_events.len()), (events, events), "one message for each event");
        let arrivals = self.receiver.arrivals();
        let mut by_crossing: BTreeMap<_, BTreeSet<&Webhook>> = BTreeMap::new();
        for webhook in &arrivals {
            by_crossing.entry(&webhook.crossing).or_default().insert(webhook);
        }
        let duplicates: Vec<_> = by_crossing.values().filter(|ids| ids.len() > 1).collect();
        assert!(duplicates.is_empty(), "one crossing, several ids: {duplicates:?}");
        let arrived = arrivals.iter().map(|webhook| (webhook.id.clone(), webhook.event_id.clone())).collect();
        assert_eq!(delivered, arrived, "delivered webhooks were received, and no others");
        arrivals.len() - delivered.len()
    }
}

/// Every recorded price was shown, none is recorded twice, all are in the order and at the time of showing, and the
/// last recorded price is the last one shown.
fn verify_prices(asin: &str, shown: &[Shown], recorded: &[Shown]) {
    let mut rest = shown.iter();
    for point in recorded {
        // The search continues from the last match, so a price that is out of order, repeated or invented is not found.
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

/// The prices at which a listing crossed below the target.
fn crossings_below_target(recorded: &[Shown]) -> Vec<i64> {
    let is_below = |shown: &Shown| shown.price_minor <= TARGET_MINOR;
    let first = recorded.first().filter(|shown| is_below(shown)).into_iter();
    let later = recorded.windows(2).filter(|pair| !is_below(&pair[0]) && is_below(&pair[1])).map(|pair| &pair[1]);
    first.chain(later).map(|shown| shown.price_minor).collect()
}

/// Verification that sees nothing would accept everything.
mod self_tests {
    use super::*;

    fn prices(of: &[i64]) -> Vec<Shown> {
        of.iter().map(|price_minor| Shown { at: Timestamp::UNIX_EPOCH, price_minor: *price_minor }).collect()
    }

    fn passes(shown: &[i64], recorded: &[i64]) -> bool {
        let (shown, recorded) = (prices(shown), prices(recorded));
        std::panic::catch_unwind(|| verify_prices("B000000001", &shown, &recorded)).is_ok()
    }

    #[test]
    fn a_shown_price_may_be_missed_but_not_invented_repeated_or_reordered() {
        assert!(passes(&[1, 1, 2, 3], &[1, 2, 3]));
        assert!(passes(&[1, 2, 3], &[1, 3]));
        for wrong in [&[1, 2, 2, 3][..], &[1, 9, 3], &[2, 1, 3], &[1, 3, 2], &[1, 2]] {
            assert!(!passes(&[1, 2, 3], wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_price_recorded_at_the_wrong_time_is_detected() {
        let shown = prices(&[1]);
        let late = Shown { at: Timestamp::from_second(60).unwrap(), ..shown[0] };
        assert!(std::panic::catch_unwind(|| verify_prices("B000000001", &shown, &[late])).is_err());
    }

    #[test]
    fn every_crossing_below_the_target_counts_once() {
        assert_eq!(crossings_below_target(&prices(&[10_000, 8_501, 8_600, 10_002, 8_503])), [8_501, 8_503]);
        assert_eq!(crossings_below_target(&prices(&[8_501, 10_002])), [8_501]);
    }
}
