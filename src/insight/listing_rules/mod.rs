//! What Amazon asks of the texts and images of a listing, as dated rules with their sources, and which of them a listing breaks.
//!
//! A finding is a fact: a rule that applies on the day, on the marketplace and to the kind of product is broken by what was read.
//! Whatever cannot be decided is not a finding and not a success either: it is listed with the reason.

mod check;
mod content;
mod images;
mod outcome;
mod patterns;
mod phrases;
mod product_group;
mod rule;
mod rules;
mod texts;
mod words;

pub use check::check;
pub use content::{APlus, APlusImage, APlusKind, APlusState, ListingContent, ListingImage, Origin};
pub use outcome::{Finding, ListingCheck, NotChecked, Observed, Reason};
pub use product_group::ProductGroup;
pub use rule::{
    Applicability, Check, Confidence, FindingSeverity, Limit, ListingField, ListingRule, Source, SourceKind, Unit,
};
pub use rules::{RULES, RULES_VERSION};

#[cfg(test)]
mod tests;
