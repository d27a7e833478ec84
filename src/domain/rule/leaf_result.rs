//! What a test says about a crawl, and what it is evaluated with.

use super::readings::Readings;
use super::state::LeafState;
use crate::domain::content::ContentField;
use crate::domain::offer::SellerId;

/// What a test says about a crawl.
#[derive(Debug, Clone, Default)]
pub(super) struct LeafResult {
    /// Whether it holds; `None`: not known. Under a `not`, already turned round.
    pub holds: Option<bool>,
    /// It holds, and has not been told.
    pub is_fresh: bool,
    /// Its memory, if the rule does not fire.
    pub state: LeafState,
    /// Its memory, if the rule fires with its help.
    pub told: LeafState,
    /// What was compared, for the message.
    pub seen: Seen,
}

/// What a test compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub value: Option<i64>,
    pub was: Option<i64>,
    pub text: Option<String>,
    pub was_text: Option<String>,
    pub fields: Vec<ContentField>,
}

/// What tests are evaluated with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub readings: &'a Readings<'a>,
    /// The tenant's own seller ids.
    pub me: &'a [SellerId],
    /// While it is told: fires again when the value is better by so many hundredths of a percent.
    pub further_hundredths: Option<i64>,
}

/// Nothing is known: nothing changes.
pub(super) fn unknown(before: &LeafState) -> LeafResult {
    LeafResult { state: before.clone(), told: before.clone(), ..LeafResult::default() }
}
