//! Findings by formula. Each has a threshold only where measuring itself needs one:
//!
//! - A value that one crawl found and the next one did not has lasted between no time and two intervals. So a time counts from two intervals
//!   of the product on.
//! - Pages round ratings to a tenth. One tenth may be rounding, two are not.

use jiff::SignedDuration;

use super::advice_item::{AdviceItem, AdviceOrigin};
use super::evidence::Evidence;
use super::fact::{FactId, FactValue};
use super::fact_names as names;
use super::known_listing::KnownListing;
use super::subject::{Action, AdvicePriority, Subject};
use super::suggestion::Suggestion;
use crate::insight::Measure;

/// Two tenths of a star, in hundredths.
const MIN_RATING_FALL: u16 = 20;

/// A finding by formula, with the names of the facts that it rests on.
struct Formula {
    code: &'static str,
    subject: Subject,
    action: Action,
    priority: AdvicePriority,
    facts: Vec<FactId>,
    reason: String,
}

/// The findings by formula.
pub(super) fn findings(known: &KnownListing<'_>, evidence: &Evidence) -> Vec<AdviceItem> {
    let found = [stock(known, evidence), buy_box(known, evidence), price(known, evidence), rating(evidence)];
    found.into_iter().flatten().map(AdviceItem::from).collect()
}

impl From<Formula> for AdviceItem {
    fn from(formula: Formula) -> Self {
        let Formula { code, subject, action, priority, facts: evidence, reason } = formula;
        let suggestion = Suggestion { subject, action, priority, reason, evidence, new_text: None };
        Self { origin: AdviceOrigin::Formula, code: Some(code), rule: None, suggestion }
    }
}

/// A fact with its id.
fn fact<'e>(evidence: &'e Evidence, name: &str) -> Option<(FactId, &'e FactValue)> {
    let id = evidence.facts.id_of(name)?;
    Some((id, &evidence.facts.get(id)?.value))
}

/// True when a share of the known time is longer than two intervals.
fn is_longer_than_looks(share: f64, measure: &Measure<impl Sized>, known: &KnownListing<'_>) -> bool {
    let window = SignedDuration::from_hours(24 * i64::from(known.days));
    let time_secs = share * measure.coverage * window.as_secs_f64();
    time_secs > 2.0 * f64::from(known.product.interval.as_secs())
}

fn stock(known: &KnownListing<'_>, evidence: &Evidence) -> Option<Formula> {
    let share = fact(evidence, names::OUT_OF_STOCK);
    if let Some((id, FactValue::Truth(false))) = fact(evidence, names::HAS_FEATURED_OFFER) {
        return Some(Formula {
            code: "no_featured_offer",
            subject: Subject::Offers,
            action: Action::Investigate,
            priority: AdvicePriority::High,
            facts: vec![id],
            reason: "No offer is featured: the page has no button to buy.".to_owned(),
        });
    }
    if let Some((id, FactValue::Truth(false))) = fact(evidence, names::CAN_BE_BOUGHT) {
        return Some(Formula {
            code: "out_of_stock_now",
            subject: Subject::Stock,
            action: Action::Raise,
            priority: AdvicePriority::High,
            facts: std::iter::once(id).chain(share.map(|(id, _)| id)).collect(),
            reason: "It cannot be bought now.".to_owned(),
        });
    }
    let measure = &known.insight.out_of_stock_share;
    let (id, value) =
        share.filter(|_| is_longer_than_looks(*measure.value.as_ref().unwrap_or(&0.0), measure, known))?;
    let times = fact(evidence, names::TIMES_OUT_OF_STOCK)?;
    Some(Formula {
        code: "out_of_stock",
        subject: Subject::Stock,
        action: Action::Raise,
        priority: AdvicePriority::Medium,
        facts: vec![id, times.0],
        reason: format!("It was out of stock for {value} of the time: {}.", times.1),
    })
}

/// Whose offer the product is, is not known: so this is about the seller who held the Buy Box longest.
fn buy_box(known: &KnownListing<'_>, evidence: &Evidence) -> Option<Formula> {
    let measure = &known.insight.buy_box;
    let main = measure.value.as_ref().ok()?.sellers.first()?;
    let ((share_id, share), (changes_id, changes)) =
        (fact(evidence, names::MAIN_SELLER_SHARE)?, fact(evidence, names::SELLER_CHANGES)?);
    if let Some((holds_id, FactValue::Truth(false))) = fact(evidence, names::MAIN_SELLER_HOLDS) {
        return Some(Formula {
            code: "buy_box_lost",
            subject: Subject::Offers,
            action: Action::Investigate,
            priority: AdvicePriority::High,
            facts: vec![holds_id, share_id, changes_id],
            reason: format!("Another seller has the Buy Box than the one who held it for {share} of the time."),
        });
    }
    is_longer_than_looks(1.0 - main.share, measure, known).then(|| Formula {
        code: "buy_box_shared",
        subject: Subject::Offers,
        action: Action::Investigate,
        priority: AdvicePriority::Medium,
        facts: vec![share_id, changes_id],
        reason: format!("The seller with the longest time held the Buy Box for {share} of the time; {changes}."),
    })
}

fn price(known: &KnownListing<'_>, evidence: &Evidence) -> Option<Formula> {
    let ((all_id, all), (cheaper_id, cheaper)) = (fact(evidence, names::COMPETITORS)?, fact(evidence, names::CHEAPER)?);
    let (percent_id, percent) = fact(evidence, names::TO_CHEAPEST)?;
    if all == cheaper {
        let (median_id, median) = fact(evidence, names::TO_MEDIAN)?;
        return Some(Formula {
            code: "dearest",
            subject: Subject::Price,
            action: Action::Investigate,
            priority: AdvicePriority::Medium,
            facts: vec![all_id, cheaper_id, median_id, percent_id],
            reason: format!("Each of {all} is cheaper; the price is {median} above their median."),
        });
    }
    let is_undercut = known.comparison?.undercuts.iter().any(|undercut| undercut.to.is_none());
    is_undercut.then(|| Formula {
        code: "undercut",
        subject: Subject::Price,
        action: Action::Investigate,
        priority: AdvicePriority::Low,
        facts: vec![cheaper_id, percent_id],
        reason: format!("There is a lower price at {cheaper}; this one is {percent} above the lowest."),
    })
}

fn rating(evidence: &Evidence) -> Option<Formula> {
    let ((now_id, now), (before_id, before)) = (fact(evidence, names::RATING)?, fact(evidence, names::RATING_BEFORE)?);
    let (FactValue::Stars(now_value), FactValue::Stars(before_value)) = (now, before) else { return None };
    (before_value.saturating_sub(*now_value) >= MIN_RATING_FALL).then(|| Formula {
        code: "rating_falling",
        subject: Subject::Ratings,
        action: Action::Investigate,
        priority: AdvicePriority::High,
        facts: vec![now_id, before_id],
        reason: format!("The rating fell from {before} to {now}."),
    })
}
