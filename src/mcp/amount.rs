//! Money in arguments and answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Currency, Money};

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Amount {
    /// In minor units: cents; yen for JPY
    pub amount_minor: i64,
    /// ISO 4217, that of the marketplace
    #[schemars(with = "String")]
    pub currency: Currency,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self { amount_minor: money.amount_minor, currency: money.currency }
    }
}

impl From<Amount> for Money {
    fn from(amount: Amount) -> Self {
        Self::new(amount.amount_minor, amount.currency)
    }
}
