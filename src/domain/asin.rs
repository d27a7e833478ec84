//! The ten-character identifier that Amazon assigns to a product.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An Amazon Standard Identification Number: `B` and nine letters or digits, or the ISBN-10 of a book.
///
/// Input is parsed once, where it enters the process. Internal code never passes an ASIN as a string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Asin([u8; 10]);

/// Why a text is not an ASIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AsinError {
    /// Not ten characters long.
    #[error("an ASIN has 10 characters, not {0}")]
    Length(usize),
    /// An ISBN-13, which is not an ASIN; the ISBN-10 of the same book is one.
    #[error("an ISBN-13 is not an ASIN; the ASIN of this book is {0}")]
    Isbn13(Asin),
    /// Neither `B` followed by nine letters or digits nor ten digits.
    #[error("an ASIN is `B` followed by nine letters or digits, or an ISBN-10")]
    Alphabet,
    /// Has the form of an ISBN-10, but its check digit does not match.
    #[error("the check digit of the ISBN-10 does not match")]
    CheckDigit,
}

impl Asin {
    /// The ASIN in upper case.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an ASIN holds ASCII only: checked by from_str")
    }
}

impl FromStr for Asin {
    type Err = AsinError;

    /// Accepts lower case and surrounding white space.
    fn from_str(text: &str) -> Result<Self, AsinError> {
        let text = text.trim();
        let length = text.chars().count();
        if let Some(isbn10) = isbn10_of_isbn13(text) {
            return Err(AsinError::Isbn13(isbn10));
        }
        if length != 10 {
            return Err(AsinError::Length(length));
        }
        let upper = text.to_ascii_uppercase();
        let bytes: [u8; 10] = upper.as_bytes().try_into().map_err(|_| AsinError::Alphabet)?;
        if bytes[0] == b'B' {
            let plain = bytes.iter().all(u8::is_ascii_alphanumeric);
            return if plain { Ok(Self(bytes)) } else { Err(AsinError::Alphabet) };
        }
        check_isbn10(&bytes).map(|()| Self(bytes))
    }
}

/// The ISBN-10 of an ISBN-13 that has one: those that begin with 978.
fn isbn10_of_isbn13(text: &str) -> Option<Asin> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_digit(10)).collect::<Option<_>>()?;
    if digits.len() != 13 || digits[..3] != [9, 7, 8] {
        return None;
    }
    let weighted = |(place, digit): (usize, &u32)| digit * if place % 2 == 0 { 1 } else { 3 };
    if !digits.iter().enumerate().map(weighted).sum::<u32>().is_multiple_of(10) {
        return None;
    }
    let sum: u32 = digits[3..12].iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    let mut isbn10: String = digits[3..12].iter().filter_map(|digit| char::from_digit(*digit, 10)).collect();
    isbn10.push(match (11 - sum % 11) % 11 {
        10 => 'X',
        check => char::from_digit(check, 10)?,
    });
    isbn10.parse().ok()
}

/// ISBN-10: the digits, weighted 10 to 1, add up to a multiple of 11. `X` in the last place stands for ten.
fn check_isbn10(bytes: &[u8; 10]) -> Result<(), AsinError> {
    let mut sum = 0u32;
    for (place, byte) in bytes.iter().enumerate() {
        let digit = match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            b'X' if place == 9 => 10,
            _ => return Err(AsinError::Alphabet),
        };
        sum += digit * (10 - place as u32);
    }
    if sum.is_multiple_of(11) { Ok(()) } else { Err(AsinError::CheckDigit) }
}

impl fmt::Display for Asin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Asin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asin({})", self.as_str())
    }
}

impl TryFrom<String> for Asin {
    type Error = AsinError;

    fn try_from(text: String) -> Result<Self, AsinError> {
        text.parse()
    }
}

impl From<Asin> for String {
    fn from(asin: Asin) -> Self {
        asin.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_lower_case_and_surrounding_space() {
        assert_eq!(" b08pzhywjs ".parse::<Asin>().unwrap().as_str(), "B08PZHYWJS");
        assert_eq!("193609620x".parse::<Asin>().unwrap().as_str(), "193609620X");
    }

    #[test]
    fn each_kind_of_mistake_is_refused_with_its_reason() {
        assert_eq!("B08".parse::<Asin>(), Err(AsinError::Length(3)));
        let isbn13 = "978-0-306-40615-7".parse::<Asin>().unwrap_err().to_string();
        assert!(isbn13.contains("0306406152"), "{isbn13}");
        assert_eq!("9790306406150".parse::<Asin>(), Err(AsinError::Length(13)), "it has no ISBN-10");
        assert_eq!("9780306406158".parse::<Asin>(), Err(AsinError::Length(13)), "its check digit is wrong");
        assert_eq!("C08PZHYWJS".parse::<Asin>(), Err(AsinError::Alphabet));
        assert_eq!("B08PZ-YWJS".parse::<Asin>(), Err(AsinError::Alphabet));
        assert_eq!("1439878677".parse::<Asin>(), Err(AsinError::CheckDigit));
        assert_eq!("B08PZHYWJé".parse::<Asin>(), Err(AsinError::Alphabet));
    }
}
