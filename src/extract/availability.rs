//! Whether the product can be bought, from the availability line.

use crate::domain::{Availability, Marketplace};

use super::capture::Capture;
use super::layout::{Part, Within};
use super::phrases::{self, Said};
use super::text;

/// What the page says, how it says it, and where.
pub(super) struct Line {
    pub(super) availability: Availability,
    /// It says that nobody's offer is featured.
    pub(super) no_featured_offer: bool,
    pub(super) text: String,
    pub(super) rule: &'static str,
}

impl Line {
    fn new(said: Said, text: &str, rule: &'static str) -> Self {
        let availability = match said {
            Said::Availability(availability) => availability,
            Said::NoFeaturedOffer => Availability::Unknown,
        };
        Self { availability, no_featured_offer: said == Said::NoFeaturedOffer, text: shortened(text), rule }
    }
}

/// The line of the featured offer: never of a used one, nor of another seller's.
pub(super) fn read(captures: &[Capture], marketplace: Option<Marketplace>) -> Option<Line> {
    const OTHER_OFFERS: Within = Within::USED.and(Within::ELSEWHERE);
    let of_offer = |part: Part| captures.iter().filter(move |one| one.part == part && !one.within.any(OTHER_OFFERS));
    let understood = |capture: &Capture| {
        let line = |text: String| Some((phrases::availability(&text, marketplace)?, text));
        let (said, text) = text::lines(&capture.text).find_map(line)?;
        Some(Line::new(said, &text, capture.rule))
    };
    of_offer(Part::Availability).chain(of_offer(Part::OutOfStock)).find_map(understood).or_else(|| {
        let shown = |capture: &Capture| Some((text::lines(&capture.text).next()?, capture.rule));
        let (text, rule) = of_offer(Part::Availability).find_map(shown)?;
        Some(Line::new(Said::Availability(Availability::Unknown), &text, rule))
    })
}

/// As much of the line as a shopper would read.
fn shortened(line: &str) -> String {
    const LONGEST: usize = 200;
    line.chars().take(LONGEST).collect()
}
