//! Commands of `POST /_control`, which change the world.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::{Availability, Listing, Money};

use super::faults::Fault;
use super::world::World;

/// Maximum number of steps of one command. A step blocks all requests.
const MAX_STEPS: u32 = 10_000;
/// Maximum number of forced faults of one command.
const MAX_FAULTS: u32 = 1_000_000;

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// `{"step": 3}`: advance the world.
    Step(u32),
    /// `{"set_price": {"marketplace": "de", "asin": "…", "price": {"amount_minor": 1999, "currency": "EUR"}}}`: fix the
    /// price.
    SetPrice(Listing, Money),
    /// `{"set_availability": {"marketplace": "de", "asin": "…", "availability": "unavailable"}}`: fix the availability.
    SetAvailability(Listing, Availability),
    /// `{"set_missing": {"marketplace": "de", "asin": "…", "missing": true}}`: respond with 404, or no longer.
    SetMissing(Listing, bool),
    /// `{"release": {"marketplace": "de", "asin": "…"}}`: remove all fixed values.
    Release(Listing),
    /// `{"fail_next": {"count": 3, "fault": "captcha"}}`: the next requests for product pages fail.
    FailNext(u32, Fault),
}

/// An invalid command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {reason}")]
pub struct ControlError {
    /// Path of the invalid field: `set_price.asin`.
    pub field: String,
    /// Why the field is invalid.
    pub reason: String,
}

impl ControlError {
    pub(super) fn new(field: impl Into<String>, reason: impl ToString) -> Self {
        Self { field: field.into(), reason: reason.to_string() }
    }
}

impl Control {
    /// Parses a command.
    ///
    /// # Errors
    /// Names the field that is missing, unknown or invalid.
    pub fn parse(body: &[u8]) -> Result<Self, ControlError> {
        let command: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| ControlError::new("body", error))?;
        let mut entries = command.into_iter();
        let (Some((name, argument)), None) = (entries.next(), entries.next()) else {
            return Err(ControlError::new("body", "expected exactly one command"));
        };
        if name == "step" {
            let steps = at_most(MAX_STEPS, "step", read("step", argument)?)?;
            return Ok(Self::Step(steps));
        }
        let mut fields = Fields::of(name, argument)?;
        let command = match fields.command.as_str() {
            "set_price" => Self::SetPrice(fields.listing()?, fields.take("price")?),
            "set_availability" => Self::SetAvailability(fields.listing()?, fields.take("availability")?),
            "set_missing" => Self::SetMissing(fields.listing()?, fields.take("missing")?),
            "release" => Self::Release(fields.listing()?),
            "fail_next" => {
                let count = at_most(MAX_FAULTS, "fail_next.count", fields.take("count")?)?;
                Self::FailNext(count, fields.take("fault")?)
            }
            unknown => return Err(ControlError::new(unknown, "unknown command")),
        };
        fields.finish()?;
        command.check()
    }

    /// Rejects a price that the marketplace cannot display.
    fn check(self) -> Result<Self, ControlError> {
        if let Self::SetPrice(listing, price) = &self {
            let currency = listing.marketplace.currency();
            if price.currency != currency {
                return Err(ControlError::new(
                    "set_price.price.currency",
                    format!("must be {currency} on marketplace {}", listing.marketplace),
                ));
            }
            if price.amount_minor <= 0 {
                return Err(ControlError::new("set_price.price.amount_minor", "must be greater than 0"));
            }
        }
        Ok(self)
    }

    /// Executes the command.
    pub(super) fn execute(self, world: &World) {
        match self {
            Self::Step(steps) => {
                world.advance(steps);
            }
            Self::SetPrice(listing, price) => world.fix_price(listing, price),
            Self::SetAvailability(listing, availability) => world.fix_availability(listing, availability),
            Self::SetMissing(listing, missing) => world.set_missing(listing, missing),
            Self::Release(listing) => world.release(listing),
            Self::FailNext(count, fault) => world.fail_next(count, fault),
        }
    }
}

/// The fields of one command that are not parsed yet.
struct Fields {
    command: String,
    fields: Map<String, Value>,
}

impl Fields {
    fn of(command: String, argument: Value) -> Result<Self, ControlError> {
        let fields = read(&command, argument)?;
        Ok(Self { command, fields })
    }

    fn take<T: DeserializeOwned>(&mut self, field: &str) -> Result<T, ControlError> {
        let path = format!("{}.{field}", self.command);
        let value = self.fields.remove(field).ok_or_else(|| ControlError::new(&path, "is missing"))?;
        read(&path, value)
    }

    fn listing(&mut self) -> Result<Listing, ControlError> {
        Ok(Listing::new(self.take("marketplace")?, self.take("asin")?))
    }

    /// Rejects unknown fields.
    fn finish(&self) -> Result<(), ControlError> {
        match self.fields.keys().next() {
            None => Ok(()),
            Some(field) => Err(ControlError::new(format!("{}.{field}", self.command), "unknown field")),
        }
    }
}

fn read<T: DeserializeOwned>(path: &str, value: Value) -> Result<T, ControlError> {
    serde_json::from_value(value).map_err(|error| ControlError::new(path, error))
}

fn at_most(max: u32, path: &str, number: u32) -> Result<u32, ControlError> {
    if number <= max { Ok(number) } else { Err(ControlError::new(path, format!("must be at most {max}"))) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Currency;

    fn invalid_field(body: &str) -> String {
        Control::parse(body.as_bytes()).unwrap_err().field
    }

    proptest! {
        #[test]
        fn parsing_never_panics(body in "\\PC{0,60}", name in "(step|release|set_price|fail_next|x)", value in "([0-9-]{1,20}|\\{\\}|null|\\[\\])") {
            let _ = Control::parse(body.as_bytes());
            let _ = Control::parse(format!("{{\"{name}\":{value}}}").as_bytes());
            let _ = Control::parse(format!("{{\"{name}\":{{\"asin\":{value}}}}}").as_bytes());
        }
    }

    #[test]
    fn commands_are_parsed() {
        assert_eq!(Control::parse(br#"{"step":3}"#), Ok(Control::Step(3)));
        let body =
            br#"{"set_price":{"marketplace":"de","asin":"b000000001","price":{"amount_minor":1,"currency":"EUR"}}}"#;
        let listing = Listing::new("de".parse().unwrap(), "B000000001".parse().unwrap());
        assert_eq!(Control::parse(body), Ok(Control::SetPrice(listing, Money::new(1, Currency::Eur))));
        let body = br#"{"fail_next":{"count":2,"fault":"truncated"}}"#;
        assert_eq!(Control::parse(body), Ok(Control::FailNext(2, Fault::Truncated)));
    }

    #[test]
    fn every_error_names_its_field() {
        for (body, field) in [
            ("", "body"),
            ("[]", "body"),
            ("{}", "body"),
            (r#"{"step":1,"release":{}}"#, "body"),
            (r#"{"step":-1}"#, "step"),
            (r#"{"step":10001}"#, "step"),
            (r#"{"explode":{}}"#, "explode"),
            (r#"{"release":7}"#, "release"),
            (r#"{"release":{"marketplace":"de"}}"#, "release.asin"),
            (r#"{"release":{"marketplace":"xx","asin":"B000000001"}}"#, "release.marketplace"),
            (r#"{"release":{"marketplace":"de","asin":"short"}}"#, "release.asin"),
            (r#"{"release":{"marketplace":"de","asin":"B000000001","why":1}}"#, "release.why"),
            (r#"{"fail_next":{"count":1,"fault":"fire"}}"#, "fail_next.fault"),
            (
                r#"{"set_price":{"marketplace":"de","asin":"B000000001","price":{"amount_minor":1,"currency":"USD"}}}"#,
                "set_price.price.currency",
            ),
            (
                r#"{"set_price":{"marketplace":"de","asin":"B000000001","price":{"amount_minor":0,"currency":"EUR"}}}"#,
                "set_price.price.amount_minor",
            ),
        ] {
            assert_eq!(invalid_field(body), field, "{body}");
        }
    }
}
