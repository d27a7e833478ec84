//! The outcome of a check: what breaks a rule, what could not be checked, and what keeps the rules.

use serde::Serialize;
use strum::IntoStaticStr;

use super::product_group::ProductGroup;
use super::rule::{ListingField, ListingRule, Unit};

/// The outcome of a check. Each rule that applies is in exactly one of the three lists.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListingCheck {
    /// What breaks a rule.
    pub findings: Vec<Finding>,
    /// Rules of which it is not known whether they are kept.
    pub not_checked: Vec<NotChecked>,
    /// Rules that are kept.
    pub passed: Vec<&'static ListingRule>,
}

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static ListingRule,
    /// Which item of the field, from 0; `None`: the field as a whole.
    pub item: Option<usize>,
    /// What was observed.
    pub observed: Observed,
}

/// What was observed: an amount in the unit of the rule's limit, the offending texts, or both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// The amount.
    pub amount: Option<u64>,
    /// The offending parts of the text.
    pub texts: Vec<String>,
}

/// A rule that could not be checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NotChecked {
    /// The rule.
    pub rule: &'static ListingRule,
    /// Why.
    pub reason: Reason,
}

/// Why a rule could not be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// It is never read from pages.
    NotObserved,
    /// It is read from pages, but not known of this listing.
    NotKnown,
    /// The draft does not have it.
    NotGiven,
    /// The rule is broken if the product is of the rule's group, and the group is not known.
    GroupUnknown,
    /// The rule is broken unless this is part of the brand, which is not known.
    BrandUnknown,
    /// Vendors may have more, and it is not known whether this is a vendor's.
    AccountUnknown,
    /// The names of competitors are not known.
    CompetitorsUnknown,
    /// Words are not separated by spaces in this script.
    NoWordBoundaries,
    /// The page shows another text than the one that was written: without markup, and with additions of Amazon's.
    NotAsWritten,
}

/// What one rule comes to.
pub(super) enum Verdict {
    /// It is kept.
    Kept,
    /// It is broken here: by these items, or by the field as a whole.
    Broken(Vec<(Option<usize>, Observed)>),
    /// It is not known.
    Unknown(Reason),
    /// There is nothing that it could be about.
    NotApplicable,
}

impl Verdict {
    /// The verdict about a field as a whole.
    pub(super) fn broken_if(is_broken: bool, observed: Observed) -> Self {
        if is_broken { Self::Broken(vec![(None, observed)]) } else { Self::Kept }
    }

    /// The verdict about a list: what is broken counts, then what is not known.
    pub(super) fn of_items(items: impl IntoIterator<Item = (Option<usize>, ItemVerdict)>) -> Self {
        let (mut broken, mut unknown) = (Vec::new(), None);
        for (item, verdict) in items {
            match verdict {
                ItemVerdict::Kept => {}
                ItemVerdict::Broken(observed) => broken.push((item, observed)),
                ItemVerdict::Unknown(reason) => unknown = unknown.or(Some(reason)),
            }
        }
        match unknown {
            _ if !broken.is_empty() => Self::Broken(broken),
            Some(reason) => Self::Unknown(reason),
            None => Self::Kept,
        }
    }
}

/// What a rule comes to for one item.
pub(super) enum ItemVerdict {
    /// It is kept.
    Kept,
    /// It is broken.
    Broken(Observed),
    /// It is not known.
    Unknown(Reason),
}

impl ItemVerdict {
    /// Broken by each of these texts; kept when there are none.
    pub(super) fn none_of(found: Vec<String>) -> Self {
        if found.is_empty() { Self::Kept } else { Self::Broken(Observed { amount: None, texts: found }) }
    }
}

impl Observed {
    /// An amount.
    pub(super) fn amount(amount: impl TryInto<u64>) -> Self {
        Self { amount: Some(amount.try_into().unwrap_or(u64::MAX)), texts: Vec::new() }
    }
}

impl Finding {
    /// The finding as an English sentence.
    pub fn message(&self) -> String {
        let field = match (self.rule.field, self.item) {
            (ListingField::Title, _) => "The title".to_owned(),
            (ListingField::ItemHighlights, _) => "The item highlights".to_owned(),
            (ListingField::Description, _) => "The description".to_owned(),
            (ListingField::Bullets, None) => "The bullets".to_owned(),
            (ListingField::Bullets, Some(at)) => format!("Bullet {}", at + 1),
            (ListingField::Images, None) => "The images".to_owned(),
            (ListingField::Images, Some(at)) => format!("Image {}", at + 1),
            (ListingField::APlus, None) => "The A+ content".to_owned(),
            (ListingField::APlus, Some(at)) => format!("Part {} of the A+ content", at + 1),
        };
        let amount = self.observed.amount.map(|amount| match self.rule.check.limit().unit {
            Some(Unit::Characters) => format!("{amount} characters"),
            Some(Unit::Bytes) => format!("{amount} bytes"),
            Some(Unit::Times) => format!("{amount} times"),
            Some(Unit::Pixels) => format!("{amount} pixels"),
            Some(Unit::Percent) => format!("{amount} %"),
            Some(Unit::Items) | None => amount.to_string(),
        });
        let quoted = self.observed.texts.iter().map(|text| format!("“{text}”")).collect::<Vec<_>>().join(", ");
        let observed = match amount {
            Some(amount) if quoted.is_empty() => format!(": {amount}"),
            Some(amount) => format!(": {quoted} {amount}"),
            None if quoted.is_empty() => String::new(),
            None => format!(": {quoted}"),
        };
        format!("{field}{observed}. Required: {}.", self.rule.requirement)
    }
}

impl NotChecked {
    /// The reason as an English sentence.
    pub fn message(&self) -> String {
        let reason = match self.reason {
            Reason::NotObserved => "This is not read from Amazon's pages; give it in a draft.",
            Reason::NotKnown => "The page did not show it, or has not been read to its end yet.",
            Reason::NotGiven => "The draft does not have it.",
            Reason::GroupUnknown => match self.rule.group {
                Some(ProductGroup::Media) => {
                    "The rule is broken if this is a book, music or a film; say so by `product_group`."
                }
                Some(ProductGroup::Other) | None => {
                    "The rule is broken unless this is a book, music or a film; say so by `product_group`."
                }
            },
            Reason::BrandUnknown => "The rule is broken unless this is part of the brand, which is not known.",
            Reason::AccountUnknown => "Vendors may have more than sellers; say which by `is_vendor`.",
            Reason::CompetitorsUnknown => "The names of competitors are not known; give `competitors`.",
            Reason::NoWordBoundaries => "Words are not separated by spaces in this script.",
            Reason::NotAsWritten => {
                "Pages show this text without its markup and with additions of Amazon's; give it in a draft."
            }
        };
        reason.to_owned()
    }
}
