//! The axis of dates: round times of one time zone.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

use super::words::ChartLanguage;

/// Most ticks that are ever tried; above the number of labels that fit the widest chart.
const MAX_TICKS: usize = 64;

/// A step between ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Minutes(i32),
    Hours(i32),
    Days(i32),
    Months(i32),
    Years(i32),
}

/// From the shortest to the longest.
const STEPS: [Step; 28] = [
    Step::Minutes(1),
    Step::Minutes(5),
    Step::Minutes(15),
    Step::Minutes(30),
    Step::Hours(1),
    Step::Hours(2),
    Step::Hours(3),
    Step::Hours(6),
    Step::Hours(12),
    Step::Days(1),
    Step::Days(2),
    Step::Days(4),
    Step::Days(7),
    Step::Days(14),
    Step::Months(1),
    Step::Months(2),
    Step::Months(3),
    Step::Months(6),
    Step::Years(1),
    Step::Years(2),
    Step::Years(5),
    Step::Years(10),
    Step::Years(25),
    Step::Years(50),
    Step::Years(100),
    Step::Years(500),
    Step::Years(2_500),
    Step::Years(10_000),
];

/// A Monday: weeks begin with one.
const FIRST_MONDAY: Date = jiff::civil::date(1970, 1, 5);

/// A round time and its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DateTick {
    pub at: Timestamp,
    pub label: String,
}

/// The ticks of a window: at most `most` intervals, in order, all within the window. The first one and each one that
/// begins another year (or, of hours, another day) names it.
pub(super) fn ticks(
    from: Timestamp,
    to: Timestamp,
    zone: &TimeZone,
    most: usize,
    language: ChartLanguage,
) -> Vec<DateTick> {
    let seconds = i128::from(to.as_second()) - i128::from(from.as_second());
    let most = most.clamp(1, MAX_TICKS);
    let fits = |step: &Step| seconds <= i128::from(step.seconds()) * most as i128;
    let Some(step) = STEPS.into_iter().find(fits).filter(|_| seconds > 0) else { return Vec::new() };
    let mut context = String::new();
    let times = times(step, from, to, zone);
    times.into_iter().map(|(at, civil)| DateTick { at, label: step.label(civil, language, &mut context) }).collect()
}

/// Round times within the window. Skipped and repeated hours of a zone move a tick, but never out of order.
fn times(step: Step, from: Timestamp, to: Timestamp, zone: &TimeZone) -> Vec<(Timestamp, DateTime)> {
    let mut times: Vec<(Timestamp, DateTime)> = Vec::new();
    let mut next = step.floor(zone.to_datetime(from));
    // One more at each end: the first usually lies before the window.
    for _ in 0..MAX_TICKS + 2 {
        let Some(civil) = next else { break };
        next = civil.checked_add(step.span()).ok();
        let Ok(at) = zone.to_timestamp(civil) else { continue };
        if at > to {
            break;
        }
        if at >= from && times.last().is_none_or(|(last, _)| *last < at) {
            times.push((at, civil));
        }
    }
    times
}

impl Step {
    /// The longest it can be, but for the hours that a zone repeats.
    fn seconds(self) -> i64 {
        match self {
            Self::Minutes(count) => i64::from(count) * 60,
            Self::Hours(count) => i64::from(count) * 3_600,
            Self::Days(count) => i64::from(count) * 86_400,
            Self::Months(count) => i64::from(count) * 2_678_400,
            Self::Years(count) => i64::from(count) * 31_622_400,
        }
    }

    fn span(self) -> Span {
        match self {
            Self::Minutes(count) => count.minutes(),
            Self::Hours(count) => count.hours(),
            Self::Days(count) => count.days(),
            Self::Months(count) => count.months(),
            Self::Years(count) => count.years(),
        }
    }

    /// The last round time that is not later. `None`: it is before the first that can be represented.
    fn floor(self, time: DateTime) -> Option<DateTime> {
        let date = time.date();
        let floor = |value: i32, count: i32| value - value.rem_euclid(count);
        let small = |value: i32| i8::try_from(value).ok();
        let start = |date: Option<Date>| Some(date?.at(0, 0, 0, 0));
        match self {
            Self::Minutes(count) => Some(date.at(time.hour(), small(floor(time.minute().into(), count))?, 0, 0)),
            Self::Hours(count) => Some(date.at(small(floor(time.hour().into(), count))?, 0, 0, 0)),
            Self::Days(count) => {
                let days = FIRST_MONDAY.until(date).ok()?.get_days();
                start(date.checked_sub(days.rem_euclid(count).days()).ok())
            }
            Self::Months(count) => {
                start(Date::new(date.year(), small(floor(i32::from(date.month()) - 1, count) + 1)?, 1).ok())
            }
            Self::Years(count) => {
                let year = floor(date.year().into(), count).max(Date::MIN.year().into());
                start(Date::new(i16::try_from(year).ok()?, 1, 1).ok())
            }
        }
    }

    /// The label of a tick. `context` is what the labels before it have named: a year, or of hours a day.
    fn label(self, time: DateTime, language: ChartLanguage, context: &mut String) -> String {
        let year = || time.strftime("%Y").to_string();
        let (own, outer) = match self {
            Self::Minutes(_) | Self::Hours(_) => (time.strftime("%H:%M").to_string(), language.day(time)),
            Self::Days(_) => (language.day(time), year()),
            Self::Months(_) => (language.month(time), year()),
            Self::Years(_) => (year(), String::new()),
        };
        if outer == *context {
            return own;
        }
        *context = outer;
        match self {
            Self::Minutes(_) | Self::Hours(_) => format!("{context} {own}"),
            _ => language.with_year(&own, time),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;
    use proptest::prelude::*;

    use super::*;

    fn labels(from: DateTime, to: DateTime, zone: &str, most: usize) -> Vec<String> {
        let zone = TimeZone::get(zone).unwrap();
        let (from, to) = (zone.to_timestamp(from).unwrap(), zone.to_timestamp(to).unwrap());
        ticks(from, to, &zone, most, ChartLanguage::English).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ninety_days_are_marked_every_second_monday() {
        let labels = labels(datetime(2026, 10, 20, 9, 0, 0, 0), datetime(2027, 1, 18, 9, 0, 0, 0), "Europe/Berlin", 7);
        assert_eq!(labels, ["26 Oct 2026", "9 Nov", "23 Nov", "7 Dec", "21 Dec", "4 Jan 2027", "18 Jan"]);
    }

    #[test]
    fn a_day_is_marked_by_hours_of_the_zone() {
        let labels = labels(datetime(2026, 3, 28, 20, 0, 0, 0), datetime(2026, 3, 29, 20, 0, 0, 0), "Europe/Berlin", 5);
        assert_eq!(labels, ["29 Mar 00:00", "06:00", "12:00", "18:00"], "the hour at 02:00 is skipped that night");
    }

    #[test]
    fn long_windows_are_marked_by_months_and_years() {
        let from = datetime(2024, 2, 1, 0, 0, 0, 1);
        assert_eq!(
            labels(from, datetime(2025, 2, 1, 0, 0, 0, 0), "Asia/Tokyo", 5),
            ["Apr 2024", "Jul", "Oct", "Jan 2025"]
        );
        assert_eq!(labels(from, datetime(2029, 2, 1, 0, 0, 0, 0), "UTC", 5), ["2025", "2026", "2027", "2028", "2029"]);
    }

    #[test]
    fn the_longest_window_has_ticks_and_an_empty_one_has_none() {
        assert!(!ticks(Timestamp::MIN, Timestamp::MAX, &TimeZone::UTC, 7, ChartLanguage::English).is_empty());
        assert!(ticks(Timestamp::MAX, Timestamp::MIN, &TimeZone::UTC, 7, ChartLanguage::English).is_empty());
        assert!(
            ticks(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH, &TimeZone::UTC, 7, ChartLanguage::English).is_empty()
        );
    }

    proptest! {
        #[test]
        fn ticks_are_in_order_within_the_window_and_not_too_many(
            from in Timestamp::MIN.as_second()..=Timestamp::MAX.as_second(),
            length in 0_u32..40,
            most in 1_usize..30,
            zone in proptest::sample::select(&["UTC", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia"][..]),
        ) {
            let zone = TimeZone::get(zone).unwrap();
            let from = Timestamp::from_second(from).unwrap();
            let to = Timestamp::from_second(from.as_second() + (1 << length)).unwrap_or(Timestamp::MAX);
            let ticks = ticks(from, to, &zone, most, ChartLanguage::English);
            prop_assert!(ticks.len() <= most + 2, "months and years differ in length");
            prop_assert!(ticks.is_sorted_by(|one, other| one.at < other.at));
            prop_assert!(ticks.iter().all(|tick| tick.at >= from && tick.at <= to));
        }
    }
}
