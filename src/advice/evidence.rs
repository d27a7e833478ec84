//! The evidence of advice: what is known of a listing as facts, in a fixed order, and how much that is. The same knowledge gives the same
//! facts, byte for byte. What is not known is no fact.

use super::fact::Facts;
use super::fact_list::FactList;
use super::known_listing::KnownListing;
use super::prompt::Question;
use super::thin::DataDepth;
use super::{content_facts, market_facts, price_facts};
use crate::domain::Language;
use crate::insight::listing_rules::ListingContent;

/// The evidence of advice about a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The facts.
    pub facts: Facts,
    /// How much is known.
    pub depth: DataDepth,
    /// The content of the listing.
    pub content: ListingContent,
}

/// The evidence of what is known of a listing.
pub fn evidence(known: &KnownListing<'_>) -> Evidence {
    let mut list = FactList::new(known.days);
    price_facts::add(known, &mut list);
    market_facts::add(known, &mut list);
    content_facts::add(known, &mut list);
    Evidence { facts: list.facts(), depth: known.depth(), content: known.content.clone() }
}

impl Evidence {
    /// The question for advice in a language. Whether there is enough to ask about, `depth` says.
    pub fn question(&self, language: Language) -> Question {
        Question { facts: self.facts.clone(), listing: self.content.clone(), language }
    }
}
