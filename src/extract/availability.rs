//! Whether the product can be bought, from the availability line.

use crate::domain::{Availability, Marketplace};

use super::capture::Capture;
use super::layout::{Part, Within};
use super::phrases;
use super::text;

/// What the page says, how it says it, and where.
pub(super) struct Line {
    pub(super) availability: Availability,
    pub(super) text: String,
    pub(super) rule: &'static str,
}

/// The line of the featured offer: never of a used one, nor of another seller's.
pub(super) fn read(captures: &[Capture], marketplace: Option<Marketplace>) -> Option<Line> {
    const OTHER_OFFERS: Within = Within::USED.and(Within::ELSEWHERE);
    let lines = |part: Part| {
        let of_offer = captures.iter().filter(move |capture| capture.part == part && !capture.within.any(OTHER_OFFERS));
        of_offer.filter_map(|capture| first_line(capture).map(|line| (line, capture)))
    };
    let understood = |(text, capture): (String, &Capture)| {
        let availability = phrases::availability(&text, marketplace)?;
        Some(Line { availability, text, rule: capture.rule })
    };
    lines(Part::Availability).chain(lines(Part::OutOfStock)).find_map(understood).or_else(|| {
        let (text, capture) = lines(Part::Availability).next()?;
        Some(Line { availability: Availability::Unknown, text, rule: capture.rule })
    })
}

/// The first sentence of the block, as a shopper reads it.
fn first_line(capture: &Capture) -> Option<String> {
    const LONGEST: usize = 200;
    let line = text::lines(&capture.text).next()?;
    Some(line.chars().take(LONGEST).collect())
}
