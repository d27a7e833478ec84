//! A rule: what is asked of which field, where, since when, and who says so.

use jiff::civil::Date;
use serde::Serialize;
use strum::{EnumIter, IntoStaticStr};

use super::content::{APlusKind, ListingContent};
use super::phrases::PhraseList;
use super::product_group::ProductGroup;
use crate::domain::Marketplace;

/// The part of a listing that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ListingField {
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
}

/// What happens to a listing that breaks the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FindingSeverity {
    /// Amazon refuses, hides or changes it.
    Error,
    /// It breaks a requirement that Amazon does not always enforce.
    Warning,
    /// A recommendation.
    Notice,
}

/// The unit of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Unit {
    /// Unicode code points, with spaces: what Amazon's texts call characters.
    Characters,
    /// Bytes of a file.
    Bytes,
    /// Items of a list.
    Items,
    /// Occurrences of a word.
    Times,
    /// Pixels of the longest side.
    Pixels,
    /// Percent of an area.
    Percent,
}

/// What is asked. Amounts are inclusive unless the name says otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Check {
    /// The length of each text, in characters.
    Length {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
    /// The sum of the lengths of all texts is below this, in characters.
    TotalLengthBelow(usize),
    /// The number of items.
    Count {
        /// At least.
        min: usize,
        /// At most; `None`: any number.
        max: Option<usize>,
        /// At most, of a vendor.
        vendor_max: Option<usize>,
    },
    /// None of these characters.
    NoCharacters {
        /// The characters.
        characters: &'static [char],
        /// The brand may have them.
        except_in_brand: bool,
    },
    /// No emoji.
    NoEmoji,
    /// No word more often than this. Articles, prepositions, conjunctions, numbers and their units do not count.
    WordRepeatedAtMost(usize),
    /// None of these phrases.
    NoPhrase(PhraseList),
    /// Not in capital letters as a whole, but for the brand.
    NotAllCapitals,
    /// Each text begins with a capital letter, if it begins with a letter and not with the brand.
    CapitalFirst,
    /// Phrases: the text does not end as a sentence does.
    NoSentence,
    /// No e-mail address, web address or telephone number.
    NoContact,
    /// No ASIN.
    NoAsin,
    /// No text that stands for one that is still to be written.
    NoPlaceholder,
    /// No HTML but line breaks.
    NoHtml,
    /// The longest side of each image, in pixels.
    LongestSide {
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
    /// The background of the main image is pure white.
    WhiteBackground,
    /// The product fills at least this percentage of the main image.
    FillAtLeast(u8),
    /// There is a video.
    HasVideo,
    /// Modules of A+ content of the kind.
    ModulesAtMost(APlusKind, u32),
    /// Images of the full width in A+ content of the kind have at least this width and height, in pixels.
    FullWidthAtLeast(APlusKind, u32, u32),
    /// The file of each image is below this, in bytes.
    FileBelow(u64),
    /// No price.
    NoPrice,
    /// No name of a competitor.
    NoCompetitor,
    /// No link.
    NoLink,
}

/// The amounts that a rule allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// At least.
    pub min: Option<u64>,
    /// At most.
    pub max: Option<u64>,
    /// The unit of both, and of what was observed.
    pub unit: Option<Unit>,
}

impl Check {
    /// The amounts that are allowed.
    pub fn limit(self) -> Limit {
        let limit = |min: Option<u64>, max: Option<u64>, unit| Limit { min, max, unit: Some(unit) };
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let at_least = |number: usize| (number > 0).then(|| wide(number));
        match self {
            Self::Length { min, max } => limit(at_least(min), Some(wide(max)), Unit::Characters),
            Self::TotalLengthBelow(end) => limit(None, Some(wide(end - 1)), Unit::Characters),
            Self::Count { min, max, .. } => limit(at_least(min), max.map(wide), Unit::Items),
            Self::WordRepeatedAtMost(most) => limit(None, Some(wide(most)), Unit::Times),
            Self::LongestSide { min, max } => {
                limit(Some(min.into()), (max < u32::MAX).then_some(max.into()), Unit::Pixels)
            }
            Self::FillAtLeast(percent) => limit(Some(percent.into()), None, Unit::Percent),
            Self::ModulesAtMost(_, most) => limit(None, Some(most.into()), Unit::Items),
            Self::FullWidthAtLeast(_, width, _) => limit(Some(width.into()), None, Unit::Pixels),
            Self::FileBelow(end) => limit(None, Some(end - 1), Unit::Bytes),
            Self::NoCharacters { .. }
            | Self::NoEmoji
            | Self::NoPhrase(_)
            | Self::NotAllCapitals
            | Self::CapitalFirst
            | Self::NoSentence
            | Self::NoContact
            | Self::NoAsin
            | Self::NoPlaceholder
            | Self::NoHtml
            | Self::WhiteBackground
            | Self::HasVideo
            | Self::NoPrice
            | Self::NoCompetitor
            | Self::NoLink => Limit::default(),
        }
    }
}

/// Where a rule applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applicability {
    /// On all marketplaces.
    Everywhere,
    /// On all but these.
    Except(&'static [Marketplace]),
    /// On these only.
    Only(&'static [Marketplace]),
}

/// What kind of source a rule has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SourceKind {
    /// Amazon's own text.
    Amazon,
    /// Somebody else who writes about Amazon.
    ThirdParty,
}

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The kind.
    pub kind: SourceKind,
    /// Its name.
    pub name: &'static str,
    /// Its address, where there is one to give.
    pub url: Option<&'static str>,
    /// When it was read.
    pub read_on: Date,
}

/// How sure it is that Amazon asks for this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Confidence {
    /// Third parties say so.
    Low,
    /// Several third parties say the same, independently, or one quotes Amazon.
    Medium,
    /// Amazon says so.
    High,
}

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ListingRule {
    /// Its name, which never changes its meaning.
    pub id: &'static str,
    /// What it is about.
    pub field: ListingField,
    /// What is asked.
    pub check: Check,
    /// The same in words: "at most 75 characters".
    pub requirement: &'static str,
    /// Where it applies.
    pub marketplaces: Applicability,
    /// The group that it applies to; `None`: all.
    pub group: Option<ProductGroup>,
    /// The first day on which it applies; `None`: as long as anyone remembers.
    pub from: Option<Date>,
    /// The first day on which it does not apply any more.
    pub to: Option<Date>,
    /// What happens to a listing that breaks it.
    pub severity: FindingSeverity,
    /// Who says so.
    pub source: Source,
    /// How sure it is.
    pub confidence: Confidence,
}

impl ListingRule {
    /// True when it applies on the day to the marketplace, and may apply to the group of the product.
    pub fn applies_to(&self, content: &ListingContent, on: Date) -> bool {
        let is_here = match self.marketplaces {
            Applicability::Everywhere => true,
            Applicability::Except(others) => !others.contains(&content.marketplace),
            Applicability::Only(these) => these.contains(&content.marketplace),
        };
        let is_now = self.from.is_none_or(|from| from <= on) && self.to.is_none_or(|to| on < to);
        let may_be_of_group = match (self.group, content.group) {
            (Some(wanted), Some(group)) => wanted == group,
            (None, _) | (_, None) => true,
        };
        is_here && is_now && may_be_of_group
    }
}
