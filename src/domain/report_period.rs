//! The time that a report covers: whole days of a time zone.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// Most days of a report: ten years.
pub const MAX_REPORT_DAYS: u32 = 3_660;

/// Which time a report covers, as a person or a schedule asks for it. Always whole days of the time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReportPeriod {
    /// The last whole week (ISO 8601), Monday to Sunday.
    LastWeek,
    /// The last whole calendar month.
    LastMonth,
    /// The last days before today.
    LastDays {
        /// How many, 1 to [`MAX_REPORT_DAYS`].
        days: u32,
    },
    /// Certain days.
    Dates {
        /// The first day.
        from: Date,
        /// The last day.
        to: Date,
    },
}

/// The time that a report covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportWindow {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end, which it does not include.
    pub to: Timestamp,
    /// The time zone of its days, by its IANA name.
    pub time_zone: String,
    /// Its name for people, such as `week 47 of 2026 (16–22 November)`.
    pub name: String,
}

/// Why there is no such window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportPeriodError {
    /// The time zone.
    #[error("`{0}` is not a time zone of the IANA database, such as Europe/Berlin")]
    TimeZone(String),
    /// The number of days.
    #[error("a report covers 1 to {MAX_REPORT_DAYS} days, not {0}")]
    Days(i64),
    /// The days lie beyond what the calendar can represent.
    #[error("the days are outside of the calendar")]
    Calendar,
}

impl ReportPeriod {
    /// The window of the period in a time zone, by its name in the IANA database, for a report that is made at an instant.
    ///
    /// # Errors
    /// [`ReportPeriodError`]
    pub fn window(&self, at: Timestamp, time_zone: &str) -> Result<ReportWindow, ReportPeriodError> {
        self.check()?;
        let zone = TimeZone::get(time_zone).map_err(|_| ReportPeriodError::TimeZone(time_zone.to_owned()))?;
        let (first, last) = self.days(at.to_zoned(zone.clone()).date())?;
        let begin = |day: Date| day.to_zoned(zone.clone()).map(|begin| begin.timestamp());
        let after = last.tomorrow().map_err(|_| ReportPeriodError::Calendar)?;
        Ok(ReportWindow {
            from: begin(first).map_err(|_| ReportPeriodError::Calendar)?,
            to: begin(after).map_err(|_| ReportPeriodError::Calendar)?,
            time_zone: time_zone.to_owned(),
            name: self.name(first, last),
        })
    }

    /// Checks what does not depend on when the report is made.
    ///
    /// # Errors
    /// [`ReportPeriodError::Days`]
    pub fn check(&self) -> Result<(), ReportPeriodError> {
        let days = match *self {
            Self::LastWeek | Self::LastMonth => return Ok(()),
            Self::LastDays { days } => i64::from(days),
            Self::Dates { from, to } => days_between(from, to)?,
        };
        let is_allowed = (1..=i64::from(MAX_REPORT_DAYS)).contains(&days);
        if is_allowed { Ok(()) } else { Err(ReportPeriodError::Days(days)) }
    }

    /// The first and the last day.
    fn days(&self, today: Date) -> Result<(Date, Date), ReportPeriodError> {
        let back = |day: Date, days: i64| day.checked_sub(days.days()).map_err(|_| ReportPeriodError::Calendar);
        match *self {
            Self::LastWeek => {
                let monday = back(today, i64::from(today.weekday().to_monday_zero_offset()) + 7)?;
                Ok((monday, back(monday, -6)?))
            }
            Self::LastMonth => {
                let last = back(today.first_of_month(), 1)?;
                Ok((last.first_of_month(), last))
            }
            Self::LastDays { days } => Ok((back(today, i64::from(days))?, back(today, 1)?)),
            Self::Dates { from, to } => Ok((from, to)),
        }
    }

    fn name(&self, first: Date, last: Date) -> String {
        let days = named_days(first, last);
        match self {
            Self::LastWeek => {
                let week = first.iso_week_date();
                format!("week {} of {} ({})", week.week(), week.year(), without_year(&days, first, last))
            }
            Self::LastMonth => first.strftime("%B %Y").to_string(),
            Self::LastDays { days: 1 } => days,
            Self::LastDays { days: count } => format!("{count} days ({days})"),
            Self::Dates { .. } => days,
        }
    }
}

impl ReportWindow {
    /// Its time zone. That of an unknown name, of a database that changed since, is UTC.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// Its first and its last day.
    pub fn dates(&self) -> (Date, Date) {
        let (zone, last_moment) = (self.zone(), self.to.checked_sub(1.nanosecond()).unwrap_or(self.to));
        (self.from.to_zoned(zone.clone()).date(), last_moment.to_zoned(zone).date())
    }

    /// How many days it has, whatever their length.
    pub fn days(&self) -> u32 {
        let (first, last) = self.dates();
        days_between(first, last).ok().and_then(|days| u32::try_from(days).ok()).unwrap_or(1)
    }
}

/// How many days there are from one to another, both included.
fn days_between(first: Date, last: Date) -> Result<i64, ReportPeriodError> {
    let span = first.until(last).map_err(|_| ReportPeriodError::Calendar)?;
    Ok(i64::from(span.get_days()) + 1)
}

/// `16–22 November 2026`, `30 November – 6 December 2026`, `28 December 2026 – 3 January 2027`.
fn named_days(first: Date, last: Date) -> String {
    let whole = last.strftime("%-d %B %Y");
    if first == last {
        whole.to_string()
    } else if first.first_of_month() == last.first_of_month() {
        format!("{}–{whole}", first.day())
    } else if first.year() == last.year() {
        format!("{} – {whole}", first.strftime("%-d %B"))
    } else {
        format!("{} – {whole}", first.strftime("%-d %B %Y"))
    }
}

/// The days without the year, unless they are of two.
fn without_year(days: &str, first: Date, last: Date) -> &str {
    let year = format!(" {}", last.year());
    if first.year() == last.year() { days.strip_suffix(&year).unwrap_or(days) } else { days }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn window(period: ReportPeriod, at: &str, zone: &str) -> ReportWindow {
        period.window(at.parse().unwrap(), zone).unwrap()
    }

    fn times(window: &ReportWindow) -> (String, String) {
        (window.from.to_string(), window.to.to_string())
    }

    /// When it is Monday 05:00 in Shanghai, it is still Sunday in UTC.
    #[test]
    fn last_week_is_the_week_of_the_time_zone() {
        let made_at = "2026-11-29T21:00:00Z";
        let week = window(ReportPeriod::LastWeek, made_at, "Asia/Shanghai");
        assert_eq!(times(&week), ("2026-11-22T16:00:00Z".to_owned(), "2026-11-29T16:00:00Z".to_owned()));
        assert_eq!(week.name, "week 48 of 2026 (23–29 November)");
        assert_eq!((week.days(), week.dates()), (7, (date(2026, 11, 23), date(2026, 11, 29))));
        let of_utc = window(ReportPeriod::LastWeek, made_at, "UTC");
        assert_eq!(of_utc.name, "week 47 of 2026 (16–22 November)");
    }

    #[test]
    fn weeks_of_two_months_or_years_name_both() {
        let name = |at: &str| window(ReportPeriod::LastWeek, at, "UTC").name;
        assert_eq!(name("2026-12-07T00:00:00Z"), "week 49 of 2026 (30 November – 6 December)");
        assert_eq!(name("2027-01-04T12:00:00Z"), "week 53 of 2026 (28 December 2026 – 3 January 2027)");
        assert_eq!(name("2025-01-12T23:59:59Z"), "week 1 of 2025 (30 December 2024 – 5 January 2025)");
    }

    #[test]
    fn days_on_which_clocks_change_are_whole_days() {
        let hours = |period: ReportPeriod, at: &str, zone: &str| {
            let window = window(period, at, zone);
            (window.to.duration_since(window.from).as_hours(), window.days())
        };
        let day = ReportPeriod::LastDays { days: 1 };
        assert_eq!(hours(day, "2026-03-30T08:00:00Z", "Europe/Berlin"), (23, 1));
        assert_eq!(hours(day, "2026-10-26T08:00:00Z", "Europe/Berlin"), (25, 1));
        assert_eq!(hours(ReportPeriod::LastWeek, "2026-10-26T08:00:00Z", "Europe/Berlin"), (7 * 24 + 1, 7));
        assert_eq!(hours(ReportPeriod::LastMonth, "2026-04-15T08:00:00Z", "Europe/Berlin"), (31 * 24 - 1, 31));
        // Midnight does not exist on this day: it begins at 01:00.
        let havana = window(day, "2026-03-09T12:00:00Z", "America/Havana");
        assert_eq!(times(&havana), ("2026-03-08T05:00:00Z".to_owned(), "2026-03-09T04:00:00Z".to_owned()));
        // Midnight exists twice: the day begins at the first.
        let havana = window(day, "2026-11-01T12:00:00Z", "America/Havana");
        assert_eq!(times(&havana), ("2026-10-31T04:00:00Z".to_owned(), "2026-11-01T04:00:00Z".to_owned()));
    }

    #[test]
    fn months_days_and_dates_have_names() {
        let at = "2026-03-01T03:00:00Z";
        assert_eq!(window(ReportPeriod::LastMonth, at, "UTC").name, "February 2026");
        assert_eq!(window(ReportPeriod::LastMonth, at, "America/New_York").name, "January 2026");
        assert_eq!(window(ReportPeriod::LastDays { days: 1 }, at, "UTC").name, "28 February 2026");
        assert_eq!(
            window(ReportPeriod::LastDays { days: 30 }, at, "UTC").name,
            "30 days (30 January – 28 February 2026)"
        );
        let dates = ReportPeriod::Dates { from: date(2026, 2, 1), to: date(2026, 2, 14) };
        assert_eq!(window(dates, at, "UTC").name, "1–14 February 2026");
    }

    #[test]
    fn what_is_no_window_is_refused() {
        let at: Timestamp = "2026-03-01T03:00:00Z".parse().unwrap();
        let refused = |period: ReportPeriod, zone: &str| period.window(at, zone).unwrap_err();
        assert_eq!(refused(ReportPeriod::LastDays { days: 0 }, "UTC"), ReportPeriodError::Days(0));
        let too_many = ReportPeriod::LastDays { days: u32::MAX };
        assert_eq!(refused(too_many, "UTC"), ReportPeriodError::Days(u32::MAX.into()));
        let backwards = ReportPeriod::Dates { from: date(2026, 2, 2), to: date(2026, 2, 1) };
        assert_eq!(refused(backwards, "UTC"), ReportPeriodError::Days(0));
        assert_eq!(backwards.check(), Err(ReportPeriodError::Days(0)));
        assert_eq!(ReportPeriod::LastDays { days: 3_660 }.check(), Ok(()));
        assert!(matches!(refused(ReportPeriod::LastWeek, "Mars/Olympus"), ReportPeriodError::TimeZone(_)));
    }

    #[test]
    fn a_period_survives_its_own_text() {
        for text in [
            r#"{"kind":"last_week"}"#,
            r#"{"kind":"last_days","days":30}"#,
            r#"{"kind":"dates","from":"2026-11-01","to":"2026-11-30"}"#,
        ] {
            let period: ReportPeriod = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&period).unwrap(), text);
        }
        assert!(serde_json::from_str::<ReportPeriod>(r#"{"kind":"last_days","days":30,"weeks":1}"#).is_err());
    }
}
