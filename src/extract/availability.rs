//! Whether the product can be bought, from the availability line.

use crate::domain::{Availability, Marketplace};

use super::capture::Capture;
use super::layout::{Part, Within};
use super::phrases::{self, LineMeaning};
use super::text;

/// The availability line: its meaning, its text and the rule that found it.
pub(super) struct Line {
    pub(super) availability: Availability,
    /// The line states that no offer is featured.
    pub(super) no_featured_offer: bool,
    pub(super) text: String,
    pub(super) rule: &'static str,
}

impl Line {
    fn new(meaning: LineMeaning, text: &str, rule: &'static str) -> Self {
        let availability = match meaning {
            LineMeaning::Availability(availability) => availability,
            LineMeaning::NoFeaturedOffer => Availability::Unknown,
        };
        Self { availability, no_featured_offer: meaning == LineMeaning::NoFeaturedOffer, text: truncated(text), rule }
    }
}

/// The line of the featured offer, never that of a used offer or of another seller.
pub(super) fn read(captures: &[Capture], marketplace: Option<Marketplace>) -> Option<Line> {
    const OTHER_OFFERS: Within = Within::USED.union(Within::ELSEWHERE);
    let of_offer =
        |part: Part| captures.iter().filter(move |one| one.part == part && !one.within.intersects(OTHER_OFFERS));
    let understood = |capture: &Capture| {
        let line = |text: String| Some((phrases::availability(&text, marketplace)?, text));
        let (meaning, text) = text::lines(&capture.text).find_map(line)?;
        Some(Line::new(meaning, &text, capture.rule))
    };
    of_offer(Part::Availability).chain(of_offer(Part::OutOfStock)).find_map(understood).or_else(|| {
        let as_displayed = |capture: &Capture| Some((text::lines(&capture.text).next()?, capture.rule));
        let (text, rule) = of_offer(Part::Availability).find_map(as_displayed)?;
        Some(Line::new(LineMeaning::Availability(Availability::Unknown), &text, rule))
    })
}

/// Truncates the line to a bounded length.
fn truncated(line: &str) -> String {
    const MAX_CHARS: usize = 200;
    line.chars().take(MAX_CHARS).collect()
}
