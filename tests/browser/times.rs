//! Times in the zone of the browser, on the days on which the clocks change, too.

use std::collections::BTreeSet;

use amazon_tracker::domain::{Series, TenantId};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::fixture::{add_admin, add_product, point, still};
use crate::page::Page;

/// The last two changes of the clocks in a zone, the older one first.
fn clock_changes(zone: &str) -> [Timestamp; 2] {
    let zone = TimeZone::get(zone).unwrap();
    let mut changes = zone.preceding(Timestamp::now()).map(|transition| transition.timestamp());
    let [newer, older] = [changes.next().unwrap(), changes.next().unwrap()];
    [older, newer]
}

/// What the table says of each time: the time as it is read, and as it is.
async fn times(page: &Page) -> Vec<(String, Timestamp)> {
    let script = "return [...document.querySelectorAll('figure.chart details tbody time')].map((time) => [time.textContent, time.dateTime])";
    let times = page.eval(script).await;
    let text = |time: &serde_json::Value, at: usize| time[at].as_str().unwrap().replace('\u{202f}', " ");
    times.as_array().unwrap().iter().map(|time| (text(time, 0), text(time, 1).parse().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_those_of_the_zone_also_when_an_hour_is_missing_or_comes_twice() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let changes = clock_changes("Europe/Berlin");
    // Of many points within a pixel, the first, the lowest, the highest and the last are shown: these are all of them.
    let prices = [(-61, 1_010), (-59, 900), (1, 1_100), (61, 1_000)];
    let at = |change: Timestamp| prices.map(|(minutes, price)| (change + SignedDuration::from_mins(minutes), price));
    let prices: Vec<(Timestamp, i64)> = changes.into_iter().flat_map(at).collect();
    let points: Vec<_> = prices.iter().map(|(at, price)| point(Series::Price, *at, Some(*price))).collect();
    let product = add_product(&daemon, TenantId::BUILT_IN, 1, "A lamp", &points).await.id;
    let page = Page::open_as(&daemon, "jo", "/").await;
    for (zone, comes_twice) in [("Europe/Berlin", true), ("Asia/Tokyo", false)] {
        page.be_in(zone).await;
        page.visit(&format!("/products/{product}?range=1y")).await;
        page.see_line("price").await;
        page.press("t").await;
        page.see_the("columnheader", "Time").await;
        let shown = times(&page).await;
        // The newest first, each as the clocks of the zone showed it.
        let zone = TimeZone::get(zone).unwrap();
        for ((text, shown_at), (at, _)) in shown.iter().zip(prices.iter().rev()) {
            assert_eq!(shown_at.as_second(), at.as_second(), "{shown:#?}");
            let clock = at.to_zoned(zone.clone()).strftime("%-I:%M %p").to_string();
            assert!(text.contains(&clock), "{text} is not {clock}");
        }
        // In Berlin the clocks show an hour twice.
        let texts: BTreeSet<&str> = shown.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts.len() < shown.len(), comes_twice, "{shown:#?}");
    }
    page.end().await;
    daemon.end().await;
}
