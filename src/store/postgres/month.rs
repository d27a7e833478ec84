//! Calendar months (UTC): the partitions of history.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A month by its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Month(Date);

impl Month {
    /// The month of a time.
    pub(super) fn of(at: Timestamp) -> Self {
        Self(at.to_zoned(TimeZone::UTC).date().first_of_month())
    }

    /// Every month from one time to another, both included.
    pub(super) fn between(from: Timestamp, to: Timestamp) -> impl Iterator<Item = Self> {
        let last = Self::of(to);
        std::iter::successors(Some(Self::of(from)), |month| month.next()).take_while(move |month| *month <= last)
    }

    /// Its partition: `point_2026_11`.
    pub(super) fn table(self) -> String {
        format!("point_{:04}_{:02}", self.0.year(), self.0.month())
    }

    /// The month that a partition holds, if the name is one's.
    pub(super) fn of_table(table: &str) -> Option<Self> {
        let (year, month) = table.strip_prefix("point_")?.split_once('_')?;
        Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok().map(Self)
    }

    /// Its first moment, in Unix milliseconds.
    pub(super) fn start_ms(self) -> i64 {
        let midnight = DateTime::from(self.0).to_zoned(TimeZone::UTC);
        midnight.expect("UTC knows every date of the calendar").timestamp().as_millisecond()
    }

    /// The first moment after it; for the calendar's last month there is none that counts.
    pub(super) fn end_ms(self) -> i64 {
        self.next().map_or(i64::MAX, Self::start_ms)
    }

    fn next(&self) -> Option<Self> {
        self.0.checked_add(1.month()).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other_over_the_turn_of_the_year() {
        let from: Timestamp = "2025-12-31T23:59:59.999Z".parse().unwrap();
        let to: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
        let months: Vec<_> = Month::between(from, to).collect();
        assert_eq!(
            months.iter().map(|m| m.table()).collect::<Vec<_>>(),
            ["point_2025_12", "point_2026_01", "point_2026_02"]
        );
        assert_eq!(months[0].end_ms(), months[1].start_ms());
        assert_eq!(months[2].start_ms(), to.as_millisecond());
    }

    #[test]
    fn a_table_name_is_read_back_and_others_are_not_taken_for_months() {
        assert_eq!(Month::of_table("point_2026_11").map(Month::table).as_deref(), Some("point_2026_11"));
        assert_eq!(Month::of_table("point_default"), None);
        assert_eq!(Month::of_table("product"), None);
    }
}
