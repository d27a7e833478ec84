//! When something recurring is due.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use cron::TimeUnitSpec;
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::interval::Interval;

/// When something recurring is due: after an interval, or at the times of a cron expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Recurrence {
    /// At an interval.
    Every {
        /// The interval.
        every: Interval,
    },
    /// At certain times of a time zone.
    Cron(CronTimes),
}

impl Recurrence {
    /// The first time after an instant; `None`: never again.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every { every } => instant.checked_add(SignedDuration::from_secs(every.as_secs().into())).ok(),
            Self::Cron(times) => times.next_after(instant),
        }
    }

    /// The last time up to `now` at which it is due, from a time on at which it was due: of several that were missed, the last.
    pub fn last_due(&self, first: Timestamp, now: Timestamp) -> Timestamp {
        // Times that are so close are due all the time.
        const MOST: usize = 1000;
        let mut due = first;
        for _ in 0..MOST {
            match self.next_after(due).filter(|next| *next <= now) {
                Some(next) => due = next,
                None => return due,
            }
        }
        now
    }

    /// The name of the time zone of its times. An interval has none: UTC.
    pub fn time_zone(&self) -> &str {
        match self {
            Self::Every { .. } => "UTC",
            Self::Cron(times) => times.time_zone(),
        }
    }

    /// The shortest interval between two of the next times.
    pub fn shortest_interval(&self, from: Timestamp) -> Option<SignedDuration> {
        const TIMES: usize = 60;
        let times = std::iter::successors(self.next_after(from), |time| self.next_after(*time)).take(TIMES);
        let times: Vec<Timestamp> = times.collect();
        times.windows(2).map(|pair| pair[1].duration_since(pair[0])).min()
    }
}

/// A cron expression in a time zone.
///
/// Five fields (minute, hour, day of the month, month, day of the week) or six (with seconds in front), as in crontab(5): lists,
/// ranges, steps, names; 0 and 7 are Sunday. When both days are restricted, either may match.
///
/// On the day when clocks are set forward, a time that does not exist is due as much later as the clocks were moved. On the day
/// when they are set back, a time that exists twice is due at the first one, and at both if the hour is `*`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "CronText", into = "CronText")]
pub struct CronTimes {
    expression: String,
    time_zone: TimeZone,
    zone_name: String,
    /// One, or one for each of the two kinds of days.
    schedules: Vec<cron::Schedule>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CronText {
    cron: String,
    time_zone: String,
}

/// Why a recurrence cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecurrenceError {
    /// The expression.
    #[error("`{expression}` is not a cron expression: {reason}")]
    Expression {
        /// As it was given.
        expression: String,
        /// What is wrong.
        reason: String,
    },
    /// The time zone.
    #[error("`{0}` is not a time zone of the IANA database, such as Europe/Berlin")]
    TimeZone(String),
}

impl RecurrenceError {
    /// True if the time zone is wrong.
    pub fn is_about_time_zone(&self) -> bool {
        matches!(self, Self::TimeZone(_))
    }
}

impl CronTimes {
    /// The times of an expression in a time zone, by its name in the IANA database.
    ///
    /// # Errors
    /// [`RecurrenceError`]
    pub fn new(expression: &str, zone_name: &str) -> Result<Self, RecurrenceError> {
        let time_zone = TimeZone::get(zone_name).map_err(|_| RecurrenceError::TimeZone(zone_name.to_owned()))?;
        let refused = |reason: String| RecurrenceError::Expression { expression: expression.to_owned(), reason };
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let (seconds, fields) = match fields.as_slice() {
            [minute, hour, day, month, weekday] => ("0", [*minute, *hour, *day, *month, *weekday]),
            [second, minute, hour, day, month, weekday] => (*second, [*minute, *hour, *day, *month, *weekday]),
            _ => return Err(refused("must have five fields, or six with seconds".to_owned())),
        };
        let [minute, hour, day, month, weekday] = fields;
        let weekday = weekday_names(weekday).map_err(&refused)?;
        let restricted = day != "*" && weekday != "*";
        // Either may match: the expression of the crate needs both.
        let days = if restricted { vec![(day, "*"), ("*", weekday.as_str())] } else { vec![(day, weekday.as_str())] };
        let schedule = |(day, weekday): (&str, &str)| {
            let text = format!("{seconds} {minute} {hour} {day} {month} {weekday}");
            cron::Schedule::from_str(&text).map_err(|error| refused(error.to_string()))
        };
        let schedules = days.into_iter().map(schedule).collect::<Result<Vec<_>, _>>()?;
        let times = Self { expression: fields_of(expression), time_zone, zone_name: zone_name.to_owned(), schedules };
        if times.next_after(Timestamp::UNIX_EPOCH).is_none() {
            return Err(refused("it is never due".to_owned()));
        }
        Ok(times)
    }

    /// The expression.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The name of the time zone.
    pub fn time_zone(&self) -> &str {
        &self.zone_name
    }

    /// The first time after an instant.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        self.schedules.iter().filter_map(|schedule| self.next_of(schedule, instant)).min()
    }

    fn next_of(&self, schedule: &cron::Schedule, instant: Timestamp) -> Option<Timestamp> {
        // Civil times run back when clocks are set back: those of the hours before may still lie ahead.
        const LOOKBACK: SignedDuration = SignedDuration::from_hours(3);
        let every_hour = schedule.hours().is_all();
        let begin = instant.checked_sub(LOOKBACK).ok()?;
        let mut best: Option<Timestamp> = None;
        for civil in schedule.after(&as_utc(self.time_zone.to_datetime(begin))?) {
            let (first, second) = self.instants_of(civil, every_hour)?;
            let ahead = [Some(first), second].into_iter().flatten().filter(|time| *time > instant).min();
            best = best.into_iter().chain(ahead).min();
            if best.is_some_and(|best| best <= first) {
                return best;
            }
        }
        best
    }

    /// The instant of a civil time, and the second one of a time that exists twice.
    fn instants_of(&self, civil: DateTime<Utc>, every_hour: bool) -> Option<(Timestamp, Option<Timestamp>)> {
        let ambiguous = self.time_zone.to_ambiguous_timestamp(civil_of(civil)?);
        let is_twice = matches!(ambiguous.offset(), AmbiguousOffset::Fold { .. });
        let second = if is_twice && every_hour { ambiguous.later().ok() } else { None };
        Some((ambiguous.compatible().ok()?, second))
    }
}

impl PartialEq for CronTimes {
    fn eq(&self, other: &Self) -> bool {
        (&self.expression, &self.zone_name) == (&other.expression, &other.zone_name)
    }
}

impl Eq for CronTimes {}

impl TryFrom<CronText> for CronTimes {
    type Error = RecurrenceError;

    fn try_from(text: CronText) -> Result<Self, RecurrenceError> {
        Self::new(&text.cron, &text.time_zone)
    }
}

impl From<CronTimes> for CronText {
    fn from(times: CronTimes) -> Self {
        Self { cron: times.expression, time_zone: times.zone_name }
    }
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every { every } => write!(f, "every {every}"),
            Self::Cron(times) => write!(f, "{} ({})", times.expression, times.zone_name),
        }
    }
}

/// With single spaces.
fn fields_of(expression: &str) -> String {
    expression.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The crate works on instants; a civil time is passed as if its zone were UTC.
fn as_utc(time: civil::DateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(TimeZone::UTC.to_timestamp(time).ok()?.as_second(), 0)
}

fn civil_of(time: DateTime<Utc>) -> Option<civil::DateTime> {
    Some(TimeZone::UTC.to_datetime(Timestamp::from_second(time.timestamp()).ok()?))
}

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The days of a field of crontab(5) by their names: the crate counts them from 1, and knows no range over the end of the week.
fn weekday_names(field: &str) -> Result<String, String> {
    let mut days = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step = step.map_or(Ok(1), str::parse::<usize>).ok().filter(|step| *step > 0);
        let step = step.ok_or_else(|| format!("`{part}` has a wrong step"))?;
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (0, 6),
            Some((first, last)) => (weekday(first)?, weekday(last)?),
            // "2/3": from Tuesday on.
            None if part.contains('/') => (weekday(range)?, 6),
            None => (weekday(range)?, weekday(range)?),
        };
        let last = if last < first { last + 7 } else { last };
        days.extend((first..=last).step_by(step).map(|day| day % 7));
    }
    if days.len() == WEEKDAYS.len() {
        return Ok("*".to_owned());
    }
    Ok(days.into_iter().map(|day| WEEKDAYS[day]).collect::<Vec<_>>().join(","))
}

fn weekday(text: &str) -> Result<usize, String> {
    let named = WEEKDAYS.iter().position(|day| day.eq_ignore_ascii_case(text));
    let numbered = text.parse::<usize>().ok().filter(|day| *day <= 7);
    named.or(numbered).ok_or_else(|| format!("`{text}` is not a day of the week"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The next times of an expression, each as it stands on a clock of the zone.
    fn times(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let times = CronTimes::new(expression, zone).unwrap();
        let after: Timestamp = after.parse().unwrap();
        let next = std::iter::successors(times.next_after(after), |time| times.next_after(*time));
        let zone = TimeZone::get(zone).unwrap();
        next.take(count).map(|time| time.to_zoned(zone.clone()).strftime("%m-%d %H:%M %Z").to_string()).collect()
    }

    const BERLIN: &str = "Europe/Berlin";

    #[test]
    fn of_the_times_that_were_missed_the_last_is_found() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mondays = Recurrence::Cron(CronTimes::new("0 5 * * 1", "Asia/Shanghai").unwrap());
        let monday = at("2026-11-08T21:00:00Z");
        assert_eq!(mondays.last_due(monday, monday), monday);
        assert_eq!(mondays.last_due(monday, at("2026-11-11T00:00:00Z")), monday);
        assert_eq!(mondays.last_due(monday, at("2026-11-24T00:00:00Z")), at("2026-11-22T21:00:00Z"));
        let minutes = Recurrence::Every { every: Interval::from_secs(60).unwrap() };
        assert_eq!(minutes.last_due(monday, at("2026-12-24T00:00:00Z")), at("2026-12-24T00:00:00Z"));
    }

    #[test]
    fn five_and_six_fields_are_read() {
        assert_eq!(times("0 6 * * *", BERLIN, "2026-07-01T12:00:00Z", 2), ["07-02 06:00 CEST", "07-03 06:00 CEST"]);
        let with_seconds = CronTimes::new("30 0 6 * * *", "UTC").unwrap();
        let next = with_seconds.next_after("2026-07-01T12:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(next.to_string(), "2026-07-02T06:00:30Z");
    }

    #[test]
    fn a_time_that_does_not_exist_is_due_later_and_once() {
        // Clocks go from 02:00 to 03:00 on 29 March 2026.
        let after = "2026-03-28T12:00:00Z";
        assert_eq!(times("30 2 * * *", BERLIN, after, 2), ["03-29 03:30 CEST", "03-30 02:30 CEST"]);
        assert_eq!(
            times("30 * * * *", BERLIN, "2026-03-29T00:00:00Z", 3),
            ["03-29 01:30 CET", "03-29 03:30 CEST", "03-29 04:30 CEST"]
        );
    }

    #[test]
    fn a_time_that_exists_twice_is_due_once_unless_every_hour_is() {
        // Clocks go from 03:00 back to 02:00 on 25 October 2026.
        let after = "2026-10-24T12:00:00Z";
        assert_eq!(times("30 2 * * *", BERLIN, after, 2), ["10-25 02:30 CEST", "10-26 02:30 CET"]);
        assert_eq!(
            times("*/30 * * * *", BERLIN, "2026-10-24T23:45:00Z", 6),
            [
                "10-25 02:00 CEST",
                "10-25 02:30 CEST",
                "10-25 02:00 CET",
                "10-25 02:30 CET",
                "10-25 03:00 CET",
                "10-25 03:30 CET"
            ]
        );
    }

    #[test]
    fn days_of_the_week_are_those_of_crontab() {
        // 1 November 2026 is a Sunday.
        let after = "2026-10-31T23:30:00Z";
        for (field, days) in [
            ("0", ["11-01", "11-08"]),
            ("7", ["11-01", "11-08"]),
            ("1", ["11-02", "11-09"]),
            ("FRI-SUN", ["11-01", "11-06"]),
            ("5-7", ["11-01", "11-06"]),
            ("6-1", ["11-01", "11-02"]),
            ("mon,3", ["11-02", "11-04"]),
            ("*/3", ["11-01", "11-04"]),
        ] {
            let found = times(&format!("0 12 * * {field}"), "UTC", after, 2);
            assert_eq!(found.iter().map(|time| &time[..5]).collect::<Vec<_>>(), days, "{field}");
        }
    }

    #[test]
    fn of_two_restricted_days_either_may_match() {
        let found = times("0 12 13 * 5", "UTC", "2026-10-31T00:00:00Z", 4);
        assert_eq!(found.iter().map(|time| &time[..5]).collect::<Vec<_>>(), ["11-06", "11-13", "11-20", "11-27"]);
        let found = times("0 12 13 * 1", "UTC", "2026-11-08T00:00:00Z", 3);
        assert_eq!(found.iter().map(|time| &time[..5]).collect::<Vec<_>>(), ["11-09", "11-13", "11-16"]);
    }

    #[test]
    fn a_wrong_expression_says_what_is_wrong() {
        for wrong in [
            "",
            "* * * *",
            "* * * * * * *",
            "60 * * * *",
            "0 6 * * 8",
            "0 6 * * 1/0",
            "@daily",
            "0 0 30 2 *",
            "a b c d e",
        ] {
            let error = CronTimes::new(wrong, "UTC").unwrap_err();
            assert!(!error.is_about_time_zone() && error.to_string().contains("not a cron expression"), "{error}");
        }
        assert!(CronTimes::new("* * * * *", "Mars/Olympus").unwrap_err().is_about_time_zone());
    }

    #[test]
    fn the_shortest_interval_is_found() {
        let shortest = |text: &str| {
            let times = Recurrence::Cron(CronTimes::new(text, BERLIN).unwrap());
            times.shortest_interval("2026-07-01T00:00:00Z".parse().unwrap()).unwrap().as_secs()
        };
        assert_eq!([shortest("0,5 6 * * *"), shortest("0 6 * * *"), shortest("*/20 * * * * *")], [300, 86_400, 20]);
        let every = Recurrence::Every { every: Interval::HOURLY };
        assert_eq!(every.shortest_interval(Timestamp::UNIX_EPOCH).unwrap().as_secs(), 3600);
    }

    #[test]
    fn a_recurrence_survives_its_own_text() {
        for text in [r#"{"every":"6h"}"#, r#"{"cron":"0 6 * * 1-5","time_zone":"Europe/Berlin"}"#] {
            let recurrence: Recurrence = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&recurrence).unwrap(), text);
        }
    }

    proptest! {
        #[test]
        fn the_next_time_lies_ahead_and_there_is_none_before_it(
            secs in 1_700_000_000i64..1_900_000_000,
            text in prop::sample::select(vec!["*/7 * * * *", "30 2 * * *", "15 1-3 * * 0", "0 0 1 * *", "5 * 25-31 3,10 *"]),
            zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
            back in 1i64..200_000,
        ) {
            let times = CronTimes::new(text, zone).unwrap();
            let after = Timestamp::from_second(secs).unwrap();
            let next = times.next_after(after).unwrap();
            prop_assert!(next > after);
            let earlier = times.next_after(Timestamp::from_second(secs - back).unwrap()).unwrap();
            prop_assert!(earlier <= next);
            // From just before it, it is found again.
            prop_assert_eq!(times.next_after(next - SignedDuration::from_secs(1)), Some(next));
        }
    }
}
