//! Which requests are answered badly, and how.

use serde::{Deserialize, Serialize};

use super::SimulateError;
use super::chance::Chance;

/// A way of not answering properly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A robot check with status 200, in one of Amazon's two forms.
    Captcha,
    /// The "dog" page with status 503.
    Unavailable,
    /// The beginning of the page, cut by a closed connection.
    Truncated,
    /// The page, late.
    Slow,
}

/// How likely each fault is, from 0 to 1; at most one happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FaultRates {
    /// `--captcha-rate`.
    pub captcha: f64,
    /// `--unavailable-rate`.
    pub unavailable: f64,
    /// `--truncate-rate`.
    pub truncate: f64,
    /// `--slow-rate`.
    pub slow: f64,
}

impl FaultRates {
    fn table(&self) -> [(&'static str, f64, Fault); 4] {
        [
            ("--captcha-rate", self.captcha, Fault::Captcha),
            ("--unavailable-rate", self.unavailable, Fault::Unavailable),
            ("--truncate-rate", self.truncate, Fault::Truncated),
            ("--slow-rate", self.slow, Fault::Slow),
        ]
    }

    /// # Errors
    /// Names the flag of a rate outside 0 to 1, or says that all rates together exceed 1.
    pub(super) fn check(&self) -> Result<(), SimulateError> {
        for (flag, rate, _) in self.table() {
            // Not `!(rate > 1.0)`: NaN is no rate either.
            if !(0.0..=1.0).contains(&rate) {
                return Err(SimulateError::Rate { flag, rate });
            }
        }
        let sum = self.table().iter().map(|(_, rate, _)| rate).sum();
        // Ten times a tenth may add up to a little more than one.
        if sum > 1.0 + 1e-9 { Err(SimulateError::RateSum { sum }) } else { Ok(()) }
    }

    /// The fault of a request, by its number.
    pub(super) fn fault_of(&self, chance: Chance, request: u64) -> Option<Fault> {
        let mut left = chance.unit("fault", request.cast_signed());
        self.table().into_iter().find_map(|(_, rate, fault)| {
            left -= rate;
            (left < 0.0).then_some(fault)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_outside_its_range_is_refused_by_the_name_of_its_flag() {
        for slow in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let error = FaultRates { slow, ..FaultRates::default() }.check().unwrap_err();
            assert!(error.to_string().starts_with("--slow-rate"), "{error}");
        }
        let error = FaultRates { captcha: 0.6, slow: 0.6, ..FaultRates::default() }.check().unwrap_err();
        assert!(matches!(error, SimulateError::RateSum { .. }));
        FaultRates { captcha: 1.0, ..FaultRates::default() }.check().unwrap();
    }

    #[test]
    fn faults_come_at_their_rates() {
        let rates = FaultRates { captcha: 0.1, unavailable: 0.2, truncate: 0.0, slow: 0.3 };
        let chance = Chance::new(7);
        let count = |wanted| (0..10_000).filter(|n| rates.fault_of(chance, *n) == wanted).count();
        for (wanted, expected) in [
            (Some(Fault::Captcha), 1_000usize),
            (Some(Fault::Unavailable), 2_000),
            (Some(Fault::Truncated), 0),
            (Some(Fault::Slow), 3_000),
            (None, 4_000),
        ] {
            assert!(count(wanted).abs_diff(expected) < 150, "{wanted:?}: {}", count(wanted));
        }
    }
}
