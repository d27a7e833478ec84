//! Facts: what advice may rest on. The model sees them under ids, and whoever reads the advice sees their values as written here.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::domain::Money;

/// Maximum number of facts of a question.
pub const MAX_FACTS: usize = 99;

/// The id of a fact in a question: `f7`, from `f1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FactId(u8);

impl FactId {
    /// Reads an id; leading zeros and other spellings are none.
    pub fn parse(text: &str) -> Option<Self> {
        let number: u8 = text.strip_prefix('f')?.parse().ok()?;
        (number > 0 && text == format!("f{number}")).then_some(Self(number))
    }
}

impl fmt::Display for FactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "f{}", self.0)
    }
}

impl Serialize for FactId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactValue {
    /// An amount of money.
    Money(Money),
    /// A number of something.
    Count {
        /// How many.
        count: u64,
        /// Of what: `days`, `characters`, `reviews`.
        unit: &'static str,
    },
    /// Tenths of a percent.
    Permille(i64),
    /// Hundredths of a star.
    Stars(u16),
    /// A place in a list of bestsellers.
    Rank(u32),
    /// It is so, or it is not.
    Truth(bool),
}

impl FactValue {
    /// A number of something.
    pub(super) fn count(count: usize, unit: &'static str) -> Self {
        Self::Count { count: u64::try_from(count).unwrap_or(u64::MAX), unit }
    }

    /// A share, from 0 to 1, rounded to a tenth of a percent.
    pub(super) fn share(share: f64) -> Self {
        Self::percent(share * 100.0)
    }

    /// A percentage, rounded to a tenth.
    pub(super) fn percent(percent: f64) -> Self {
        Self::Permille((percent * 10.0).round() as i64)
    }

    /// The unit, as the model sees it.
    fn unit(&self) -> String {
        match self {
            Self::Money(money) => money.currency.code(),
            Self::Count { unit, .. } => (*unit).to_owned(),
            Self::Permille(_) => "percent".to_owned(),
            Self::Stars(_) => "stars".to_owned(),
            Self::Rank(_) => "rank".to_owned(),
            Self::Truth(_) => "truth".to_owned(),
        }
    }

    /// The value without its unit.
    fn number(&self) -> String {
        match self {
            Self::Money(money) => money.decimal(),
            Self::Count { count, .. } => count.to_string(),
            Self::Permille(tenths) => {
                let sign = if *tenths < 0 { "-" } else { "" };
                format!("{sign}{}.{}", tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10)
            }
            Self::Stars(hundredths) => format!("{}.{:02}", hundredths / 100, hundredths % 100),
            Self::Rank(rank) => rank.to_string(),
            Self::Truth(is_so) => (if *is_so { "yes" } else { "no" }).to_owned(),
        }
    }
}

impl fmt::Display for FactValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Money(money) => write!(f, "{money}"),
            Self::Count { unit, .. } => write!(f, "{} {unit}", self.number()),
            Self::Permille(_) => write!(f, "{} %", self.number()),
            Self::Stars(_) => write!(f, "{} stars", self.number()),
            Self::Rank(rank) => write!(f, "rank {rank}"),
            Self::Truth(_) => f.write_str(&self.number()),
        }
    }
}

/// A fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is about: `price`, `lowest price`, `title is too long`.
    pub name: String,
    /// The value.
    pub value: FactValue,
    /// The time that it is about: `90 days`, `now`.
    pub window: String,
    /// When it was last observed; of content, from when on it holds.
    pub observed_at: Timestamp,
}

/// The facts of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts(Vec<Fact>);

/// A fact, as the model sees it.
#[derive(Debug, Serialize)]
pub(super) struct WireFact<'f> {
    id: FactId,
    name: &'f str,
    value: String,
    unit: String,
    window: &'f str,
    observed_at: Timestamp,
}

impl Facts {
    /// Facts in the order of their ids; those beyond [`MAX_FACTS`] are left out.
    pub fn new(facts: impl IntoIterator<Item = Fact>) -> Self {
        Self(facts.into_iter().take(MAX_FACTS).collect())
    }

    /// All ids.
    pub fn ids(&self) -> impl Iterator<Item = FactId> {
        (1..=u8::try_from(self.0.len()).unwrap_or(u8::MAX)).map(FactId)
    }

    /// The fact with the id.
    pub fn get(&self, id: FactId) -> Option<&Fact> {
        self.0.get(usize::from(id.0).checked_sub(1)?)
    }

    /// The first fact of this name.
    pub fn id_of(&self, name: &str) -> Option<FactId> {
        self.ids().find(|id| self.get(*id).is_some_and(|fact| fact.name == name))
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The facts, as the model sees them.
    pub(super) fn wire<'f>(&'f self) -> Vec<WireFact<'f>> {
        let wire = |(id, fact): (FactId, &'f Fact)| WireFact {
            id,
            name: &fact.name,
            value: fact.value.number(),
            unit: fact.value.unit(),
            window: &fact.window,
            observed_at: fact.observed_at,
        };
        self.ids().zip(&self.0).map(wire).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    #[test]
    fn ids_are_spelled_in_one_way() {
        assert_eq!(FactId::parse("f7").map(|id| id.to_string()).as_deref(), Some("f7"));
        for wrong in ["", "f", "f0", "f07", "F7", "7", "f256", "f-1", "f1 ", "g1", "f+1"] {
            assert_eq!(FactId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn values_are_written_with_their_units() {
        for (value, expected) in [
            (FactValue::Money(Money::new(1999, Currency::Usd)), Money::new(1999, Currency::Usd).to_string()),
            (FactValue::Count { count: 143, unit: "characters" }, "143 characters".to_owned()),
            (FactValue::Permille(-125), "-12.5 %".to_owned()),
            (FactValue::Permille(-5), "-0.5 %".to_owned()),
            (FactValue::Stars(453), "4.53 stars".to_owned()),
            (FactValue::Rank(1234), "rank 1234".to_owned()),
            (FactValue::Truth(true), "yes".to_owned()),
        ] {
            assert_eq!(value.to_string(), expected);
        }
    }
}
