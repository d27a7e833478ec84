//! Why a model is not asked for advice.

use std::fmt;

use crate::advice::Lack;

/// Why no model is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAsked {
    /// The settings do not enable it.
    Disabled,
    /// The settings have no API key, which the endpoint needs.
    NoKey,
    /// The settings have no price for today: what is not priced cannot be limited.
    NoPrice,
    /// Too little is known of the listing.
    TooLittleData(Vec<Lack>),
}

impl NotAsked {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::NoKey => "no_key",
            Self::NoPrice => "no_price",
            Self::TooLittleData(_) => "too_little_data",
        }
    }

    /// What is missing of the listing's data.
    pub fn lacks(&self) -> Vec<String> {
        match self {
            Self::TooLittleData(lacks) => lacks.iter().map(Lack::to_string).collect(),
            Self::Disabled | Self::NoKey | Self::NoPrice => Vec::new(),
        }
    }
}

impl fmt::Display for NotAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("advice of a model is not enabled on this installation (advice.enabled)"),
            Self::NoKey => f.write_str("this installation has no API key for the model (advice.api_key)"),
            Self::NoPrice => f.write_str("this installation has no price of the model for today (advice.prices)"),
            Self::TooLittleData(lacks) => {
                let lacks: Vec<String> = lacks.iter().map(Lack::to_string).collect();
                write!(f, "too little is known of the listing: {}", lacks.join("; "))
            }
        }
    }
}
