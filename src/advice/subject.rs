//! What a suggestion may be about, and what it may ask for.

use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoStaticStr};

macro_rules! names {
    ($($name:ident),*) => {$(
        impl $name {
            /// The name used in JSON.
            pub fn as_str(self) -> &'static str {
                self.into()
            }
        }
    )*};
}

/// What a suggestion is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Subject {
    /// Title.
    Title,
    /// Item highlights.
    ItemHighlights,
    /// Feature bullets.
    Bullets,
    /// Description.
    Description,
    /// Images and video.
    Images,
    /// A+ content.
    APlus,
    /// Price.
    Price,
    /// Stock.
    Stock,
    /// The Buy Box and other sellers.
    Offers,
    /// Ratings.
    Ratings,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    /// Write it anew.
    Rewrite,
    /// Add something.
    Add,
    /// Remove something.
    Remove,
    /// Make it higher.
    Raise,
    /// Make it lower.
    Lower,
    /// Find out why.
    Investigate,
    /// Leave it as it is.
    Keep,
}

/// How much it matters, in the model's judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AdvicePriority {
    /// A little.
    Low,
    /// Somewhat.
    Medium,
    /// Much.
    High,
}

names!(Subject, Action, AdvicePriority);
