//! Whether a listing can be bought.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// What the availability line of a page says. `Unknown` is not `Unavailable`: it means that the page did not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Availability {
    /// Can be ordered and is sent at once or within days.
    InStock,
    /// "Only 3 left in stock".
    LowStock,
    /// Temporarily sold out.
    OutOfStock,
    /// Can be ordered before its release.
    Preorder,
    /// "Currently unavailable": Amazon does not know when, or whether, it comes back.
    Unavailable,
    /// No such line, or one that nobody could read.
    #[default]
    Unknown,
}

impl Availability {
    /// Every state, in the order of [`Availability::number`].
    pub const ALL: &[Availability] =
        &[Self::Unknown, Self::InStock, Self::LowStock, Self::OutOfStock, Self::Preorder, Self::Unavailable];

    /// The number that history stores; never reused.
    pub fn number(self) -> i64 {
        match self {
            Self::Unknown => 0,
            Self::InStock => 1,
            Self::LowStock => 2,
            Self::OutOfStock => 3,
            Self::Preorder => 4,
            Self::Unavailable => 5,
        }
    }

    /// The state of a stored number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|availability| availability.number() == number)
    }

    /// True when a shopper cannot have it now or by pre-order.
    pub fn is_out(self) -> bool {
        matches!(self, Self::OutOfStock | Self::Unavailable)
    }

    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
