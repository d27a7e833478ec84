//! Whether a listing can be bought.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// The availability line of a page. `Unknown` differs from `Unavailable`: it means that the page did not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Availability {
    /// Can be ordered and ships within days.
    InStock,
    /// "Only 3 left in stock".
    LowStock,
    /// Temporarily out of stock.
    OutOfStock,
    /// Can be ordered before its release.
    Preorder,
    /// "Currently unavailable": Amazon gives no date for its return.
    Unavailable,
    /// Other sellers may sell it, but no offer is featured.
    NoFeaturedOffer,
    /// Sold, but not to the place for which the page was made.
    Undeliverable,
    /// No availability line, or one that could not be parsed.
    #[default]
    Unknown,
}

impl Availability {
    /// Every value, in the order of [`Availability::number`].
    pub const ALL: &[Availability] = &[
        Self::Unknown,
        Self::InStock,
        Self::LowStock,
        Self::OutOfStock,
        Self::Preorder,
        Self::Unavailable,
        Self::NoFeaturedOffer,
        Self::Undeliverable,
    ];

    /// The number stored in history; numbers are never reused.
    pub fn number(self) -> i64 {
        match self {
            Self::Unknown => 0,
            Self::InStock => 1,
            Self::LowStock => 2,
            Self::OutOfStock => 3,
            Self::Preorder => 4,
            Self::Unavailable => 5,
            Self::NoFeaturedOffer => 6,
            Self::Undeliverable => 7,
        }
    }

    /// The value for a stored number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|availability| availability.number() == number)
    }

    /// True when the listing can be neither bought nor pre-ordered.
    pub fn is_out(self) -> bool {
        matches!(self, Self::OutOfStock | Self::Unavailable)
    }

    /// The name used in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
