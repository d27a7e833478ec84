//! Decimal numbers with two places, exactly.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Numbers up to here are exact as a JSON number.
const MAX: f64 = 1e13;

/// A number with at most two decimal places: a percentage, stars, a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal {
    /// The number times one hundred.
    pub hundredths: i64,
}

impl Decimal {
    /// A whole number.
    pub const fn whole(number: i64) -> Self {
        Self { hundredths: number.saturating_mul(100) }
    }

    /// True when it has no decimal places.
    pub fn is_whole(self) -> bool {
        self.hundredths % 100 == 0
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, absolute) = (if self.hundredths < 0 { "-" } else { "" }, self.hundredths.unsigned_abs());
        match absolute % 100 {
            0 => write!(f, "{sign}{}", absolute / 100),
            places if places % 10 == 0 => write!(f, "{sign}{}.{}", absolute / 100, places / 10),
            places => write!(f, "{sign}{}.{places:02}", absolute / 100),
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_whole() {
            serializer.serialize_i64(self.hundredths / 100)
        } else {
            serializer.serialize_f64(self.hundredths as f64 / 100.0)
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        let scaled = number * 100.0;
        if !number.is_finite() || number.abs() > MAX {
            return Err(D::Error::custom("the number is too large"));
        }
        if (scaled - scaled.round()).abs() > 1e-6 * scaled.abs().max(1.0) {
            return Err(D::Error::custom("at most two decimal places"));
        }
        Ok(Self { hundredths: scaled.round() as i64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_two_places_are_kept_exactly() {
        for (json, hundredths, text) in
            [("4.2", 420, "4.2"), ("5000", 500_000, "5000"), ("0.01", 1, "0.01"), ("-12.35", -1235, "-12.35")]
        {
            let read: Decimal = serde_json::from_str(json).unwrap();
            assert_eq!((read.hundredths, read.to_string().as_str()), (hundredths, text));
            assert_eq!(serde_json::to_string(&read).unwrap(), json);
        }
        for json in ["1.005", "1e300", "\"1\"", "null"] {
            assert!(serde_json::from_str::<Decimal>(json).is_err(), "{json}");
        }
    }
}
