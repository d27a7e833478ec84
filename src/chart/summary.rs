//! The chart in words: one line below the title, and a description for those who do not see it.

use jiff::Timestamp;

use super::PriceChart;
use super::amount::money;
use super::label::text_width;
use super::segment::{Segment, State};
use super::words::{ChartLanguage, Words};
use crate::domain::Money;
use crate::domain::stats::Extreme;

/// The prices of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Summary {
    /// The last known price, in minor units.
    pub last_minor: i64,
    pub lowest: Extreme,
    pub highest: Extreme,
}

impl Summary {
    /// `None`: no price is known.
    pub fn of(segments: &[Segment]) -> Option<Self> {
        let prices =
            segments.iter().filter_map(|segment| Some(Extreme { amount_minor: segment.price()?, at: segment.from }));
        let summary = |price: Extreme| Self { last_minor: price.amount_minor, lowest: price, highest: price };
        prices.map(summary).reduce(|before, next| Self {
            last_minor: next.last_minor,
            lowest: if next.lowest.amount_minor < before.lowest.amount_minor { next.lowest } else { before.lowest },
            highest: if next.highest.amount_minor > before.highest.amount_minor {
                next.highest
            } else {
                before.highest
            },
        })
    }

    /// As much as fits `width` tenths of a pixel; empty if nothing does.
    pub fn line(&self, chart: &PriceChart, size: i32, width: i32) -> String {
        let amount = |amount: i64| money(amount.into(), chart.currency);
        let Words { last, low, high, on, .. } = chart.language.words();
        let last = format!("{last} {}", amount(self.last_minor));
        let low = format!("{last} · {low} {}", amount(self.lowest.amount_minor));
        let high = format!(" · {high} {}", amount(self.highest.amount_minor));
        let day = chart.language.day(chart.zone.to_datetime(self.lowest.at));
        let dated = format!("{low}{}{day}{}", on.0, on.1);
        let lines = [dated + &high, format!("{low}{high}"), low, last];
        lines.into_iter().find(|line| text_width(line, size) <= width).unwrap_or_default()
    }
}

/// The whole chart in sentences.
pub(super) fn description(
    chart: &PriceChart,
    segments: &[Segment],
    summary: Option<&Summary>,
    ranks: Option<&str>,
) -> String {
    let ranks = ranks.map(|range| format!(" {}: {range}.", chart.language.words().rank)).unwrap_or_default();
    if chart.language != ChartLanguage::English {
        return short_description(chart, summary) + &ranks;
    }
    let day = |at| day(chart, at);
    let amount = |amount| Money::new(amount, chart.currency);
    let mut text = format!("Price from {} to {}", day(chart.from), day(chart.to));
    if let Some(zone) = chart.zone.iana_name() {
        text.push_str(&format!(" ({zone})"));
    }
    match summary {
        None => text.push_str(": no price in this time."),
        Some(Summary { last_minor, lowest, highest }) => text.push_str(&format!(
            ": last {}, lowest {} on {}, highest {} on {}.",
            amount(*last_minor),
            amount(lowest.amount_minor),
            day(lowest.at),
            amount(highest.amount_minor),
            day(highest.at)
        )),
    }
    if !chart.beside.is_empty() {
        let names: Vec<&str> = chart.beside.iter().map(|other| other.name).collect();
        text.push_str(&format!(" Beside it: {}.", names.join("; ")));
    }
    if let Some(target) = chart.own_target() {
        text.push_str(&format!(" Target: {}.", amount(target)));
    }
    for (state, what) in [(State::Unobserved, "data"), (State::NoOffer, "an offer")] {
        match segments.iter().filter(|segment| segment.state == state).count() {
            0 => {}
            1 => text.push_str(&format!(" 1 time without {what}.")),
            count => text.push_str(&format!(" {count} times without {what}.")),
        }
    }
    text + &ranks
}

/// The same without sentences, which need more than words.
fn short_description(chart: &PriceChart, summary: Option<&Summary>) -> String {
    let Words { price, last, low, high, target, no_price, .. } = chart.language.words();
    let amount = |amount| Money::new(amount, chart.currency);
    let mut text = format!("{price}, {} – {}: ", day(chart, chart.from), day(chart, chart.to));
    match summary {
        None => text.push_str(no_price),
        Some(Summary { last_minor, lowest, highest }) => text.push_str(&format!(
            "{last} {}; {low} {}, {}; {high} {}, {}",
            amount(*last_minor),
            amount(lowest.amount_minor),
            day(chart, lowest.at),
            amount(highest.amount_minor),
            day(chart, highest.at)
        )),
    }
    if let Some(own) = chart.own_target() {
        text.push_str(&format!("; {target} {}", amount(own)));
    }
    text
}

fn day(chart: &PriceChart, at: Timestamp) -> String {
    let time = chart.zone.to_datetime(at);
    chart.language.with_year(&chart.language.day(time), time)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{chart, day, gap, points};
    use super::super::segment::segments;
    use super::*;

    #[test]
    fn the_description_says_what_the_picture_shows() {
        let points = points(&[(20_590, Some(39_900)), (20_620, Some(33_850)), (20_630, None), (20_640, Some(34_999))]);
        let gaps = [gap(20_650, 20_652), gap(20_660, 20_661)];
        let chart =
            PriceChart { target: Some(Money::new(30_000, crate::domain::Currency::Usd)), ..chart(&points, &gaps) };
        let segments = segments(&points, &gaps, chart.from, chart.to);
        let summary = Summary::of(&segments);
        assert_eq!(
            description(&chart, &segments, summary.as_ref(), None),
            "Price from 27 May 2026 to 25 Aug 2026 (UTC): last 349.99 USD, lowest 338.50 USD on 16 Jun 2026, highest \
             399.00 USD on 27 May 2026. Target: 300.00 USD. 2 times without data. 1 time without an offer."
        );
        assert_eq!(
            description(&chart, &[], None, None),
            "Price from 27 May 2026 to 25 Aug 2026 (UTC): no price in this time. Target: 300.00 USD."
        );
    }

    #[test]
    fn the_line_below_the_title_says_as_much_as_fits() {
        let chart = chart(&[], &[]);
        let extreme = |amount_minor| Extreme { amount_minor, at: day(20_620) };
        let summary = Summary { last_minor: 34_999, lowest: extreme(33_850), highest: extreme(39_900) };
        assert_eq!(summary.line(&chart, 12, 6_000), "Last $349.99 · Low $338.50 on 16 Jun · High $399.00");
        assert_eq!(summary.line(&chart, 12, 2_600), "Last $349.99 · Low $338.50 · High $399.00");
        assert_eq!(summary.line(&chart, 12, 1_000), "Last $349.99");
        assert_eq!(summary.line(&chart, 12, 100), "");
    }
}
