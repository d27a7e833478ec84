//! Injected faults of product page requests.

use serde::{Deserialize, Serialize};

use super::SimulateError;
use super::chance::Chance;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A robot check with status 200, in one of Amazon's two forms.
    Captcha,
    /// The "dog" page with status 503.
    Unavailable,
    /// The beginning of the page, followed by a closed connection.
    Truncated,
    /// The complete page after a delay.
    Slow,
}

/// The probability of each fault, from 0 to 1. A request has at most one fault.
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

    /// Validates the rates.
    ///
    /// # Errors
    /// A rate is outside 0 to 1, or the sum of all rates exceeds 1.
    pub(super) fn check(&self) -> Result<(), SimulateError> {
        for (flag, rate, _) in self.table() {
            // This form rejects NaN too.
            if !(0.0..=1.0).contains(&rate) {
                return Err(SimulateError::Rate { flag, rate });
            }
        }
        let sum = self.table().iter().map(|(_, rate, _)| rate).sum();
        // Tolerates rounding errors of the sum.
        if sum > 1.0 + 1e-9 { Err(SimulateError::RateSum { sum }) } else { Ok(()) }
    }

    /// The fault of the request with this number.
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
    fn a_rate_out_of_range_is_an_error_that_names_its_flag() {
        for slow in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let error = FaultRates { slow, ..FaultRates::default() }.check().unwrap_err();
            assert!(error.to_string().starts_with("--slow-rate"), "{error}");
        }
        let error = FaultRates { captcha: 0.6, slow: 0.6, ..FaultRates::default() }.check().unwrap_err();
        assert!(matches!(error, SimulateError::RateSum { .. }));
        FaultRates { captcha: 1.0, ..FaultRates::default() }.check().unwrap();
    }

    #[test]
    fn faults_occur_at_their_rates() {
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
