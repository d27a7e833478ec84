//! The reading of one field.

use serde::{Deserialize, Serialize};

/// The reading of one field of a page. *Absent* is a fact that history records; *unknown* is the lack of one and
/// records nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading<T> {
    /// The field was missing or could not be parsed. Writes nothing.
    #[default]
    Unknown,
    /// The page states that there is none.
    Absent,
    /// The page states this value.
    Is(T),
}

impl<T> Reading<T> {
    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Unknown | Self::Absent => None,
        }
    }

    /// `Is` for a value, `Unknown` for `None`.
    pub fn or_unknown(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Self::Is)
    }
}
