//! Whether product pages lack a field more often than usual: pages or items have changed their shape.
//!
//! Two shares are compared: that of recent pages, and that of the week before. A drift begins when the share has certainly risen by more
//! than [`MIN_RISE`]: the lower end of the confidence interval of the difference lies above it. The interval is Newcombe's, made of two of
//! Wilson's score intervals (R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
//! Medicine 17, 1998, method 10). It also holds for few pages and for shares near zero, where the normal approximation does not.
//!
//! A test of significance alone would not do: with many pages, it finds differences that do not matter.

use jiff::{SignedDuration, Timestamp};

use super::marketplace::Marketplace;

/// Rise of the share that matters.
pub const MIN_RISE: f64 = 0.05;
/// Quantile of the normal distribution: one false alarm in 30,000 comparisons. Large, because some hundred fields are compared all day,
/// and because the pages of one listing are not independent of one another.
const Z: f64 = 4.0;
/// Recent pages without which nothing is said.
pub const MIN_RECENT_PAGES: u64 = 30;
/// Earlier pages without which there is no usual level.
const MIN_USUAL_PAGES: u64 = 100;
/// The level of a drift that has lasted for so long is the usual one from then on.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Product pages, and those among them that lacked a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldCount {
    /// All pages.
    pub pages: u64,
    /// Pages without the field.
    pub missing: u64,
}

impl FieldCount {
    /// Pages without the field among all, 0 to 1.
    pub fn share(self) -> f64 {
        if self.pages == 0 { 0.0 } else { self.missing as f64 / self.pages as f64 }
    }

    /// Wilson's score interval of the share.
    fn interval(self) -> (f64, f64) {
        let (share, pages) = (self.share(), self.pages.max(1) as f64);
        let scale = 1.0 + Z * Z / pages;
        let centre = (share + Z * Z / (2.0 * pages)) / scale;
        let half = Z / scale * (share * (1.0 - share) / pages + Z * Z / (4.0 * pages * pages)).sqrt();
        ((centre - half).max(0.0), (centre + half).min(1.0))
    }
}

/// The rise of a share that is certain: the lower end of the confidence interval of the difference.
fn certain_rise(recent: FieldCount, usual: FieldCount) -> f64 {
    let difference = recent.share() - usual.share();
    let below = recent.share() - recent.interval().0;
    let above = usual.interval().1 - usual.share();
    difference - below.hypot(above)
}

/// True when recent pages certainly lack the field more often than usual.
pub fn drift_begins(recent: FieldCount, usual: FieldCount) -> bool {
    let are_enough = recent.pages >= MIN_RECENT_PAGES && usual.pages >= MIN_USUAL_PAGES;
    are_enough && certain_rise(recent, usual) > MIN_RISE
}

/// A field of the pages of a marketplace that is missing more often than usual, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDrift {
    /// The source of the pages.
    pub source: String,
    /// The marketplace.
    pub marketplace: Marketplace,
    /// The field.
    pub field: String,
    /// When it was noticed.
    pub started_at: Timestamp,
    /// When it was over; `None`: it lasts.
    pub ended_at: Option<Timestamp>,
    /// The pages of the week before.
    pub usual: FieldCount,
    /// The latest pages that it was judged by.
    pub recent: FieldCount,
}

impl FieldDrift {
    /// How much more often the field is missing than usual, 0 to 1.
    pub fn rise(&self) -> f64 {
        (self.recent.share() - self.usual.share()).max(0.0)
    }

    /// True when a drift that lasts is over: the field is missing as often as usual again, or it has lasted so long that its level is the
    /// usual one. `recent`: the latest pages, if there are enough.
    pub fn is_over(&self, recent: Option<FieldCount>, now: Timestamp) -> bool {
        let is_usual = recent.is_some_and(|recent| recent.share() - self.usual.share() < MIN_RISE);
        is_usual || now.duration_since(self.started_at) > MAX_AGE
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count(missing: u64, pages: u64) -> FieldCount {
        FieldCount { pages, missing }
    }

    #[test]
    fn wilsons_interval_agrees_with_the_published_formula() {
        // 0 of n: from 0 to z² / (n + z²).
        let (low, high) = count(0, 84).interval();
        assert!(low.abs() < 1e-12 && (high - 16.0 / 100.0).abs() < 1e-12, "{low} {high}");
        let (low, high) = count(84, 84).interval();
        assert!((low - 84.0 / 100.0).abs() < 1e-12 && (high - 1.0).abs() < 1e-12, "{low} {high}");
    }

    #[test]
    fn a_field_that_disappears_is_noticed_within_thirty_pages() {
        assert!(drift_begins(count(30, 30), count(10, 1000)));
        assert!(drift_begins(count(10, 30), count(0, 1000)));
        assert!(drift_begins(count(60, 200), count(100, 1000)));
    }

    #[test]
    fn few_pages_raise_no_alarm() {
        assert!(!drift_begins(count(29, 29), count(0, 1000)), "too few recent ones");
        assert!(!drift_begins(count(1000, 1000), count(0, 99)), "no usual level");
        assert!(!drift_begins(count(5, 30), count(0, 1000)), "it may be chance");
        assert!(!drift_begins(count(0, 0), count(0, 0)));
    }

    #[test]
    fn a_certain_rise_that_does_not_matter_raises_none() {
        assert!(!drift_begins(count(4_000, 100_000), count(10_000, 1_000_000)));
    }

    #[test]
    fn a_drift_ends_at_the_usual_level_or_after_two_weeks() {
        let started_at = Timestamp::UNIX_EPOCH;
        let (usual, recent) = (count(100, 1000), count(60, 100));
        let (source, field) = ("direct".to_owned(), "rating".to_owned());
        let drift =
            FieldDrift { source, marketplace: Marketplace::De, field, started_at, ended_at: None, usual, recent };
        assert!((drift.rise() - 0.5).abs() < 1e-12);
        let after = |days: i64| started_at + SignedDuration::from_hours(24 * days);
        assert!(!drift.is_over(Some(count(16, 100)), after(1)));
        assert!(drift.is_over(Some(count(14, 100)), after(1)));
        assert!(!drift.is_over(None, after(13)), "no pages tell nothing");
        assert!(drift.is_over(None, after(15)));
    }

    proptest! {
        /// Pages that come from the same distribution: the share of the usual ones is exact, the recent ones vary by two standard
        /// deviations.
        #[test]
        fn chance_raises_no_alarm(share in 0.0..1.0_f64, pages in 30..5_000_u64, deviation in -2.0..2.0_f64) {
            let pages_f = pages as f64;
            let missing = pages_f * share + deviation * (pages_f * share * (1.0 - share)).sqrt();
            let missing = missing.round().clamp(0.0, pages_f) as u64;
            let usual = count((share * 100_000.0) as u64, 100_000);
            prop_assert!(!drift_begins(count(missing, pages), usual));
        }
    }
}
