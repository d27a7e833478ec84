//! Sentences about what is not a number: availability, coupons, sellers, offers, content.

use super::writer::Writer;
use crate::domain::plain_text::{clean_some, shorten};
use crate::domain::rule::{
    AvailabilityIs, Condition, ContentChanged, Lasts, NewOffer, Reason, SellerIs, StateIs, StateOf, StateValue,
};
use crate::domain::{Availability, ContentField};

/// A reason whose test compares no number.
#[derive(Clone, Copy)]
pub(super) struct Observed<'a> {
    pub reason: &'a Reason,
    /// The test is not within a `not`.
    pub is_positive: bool,
    /// It is the only reason, and its rule fired before: so it had ceased to hold.
    pub is_return: bool,
    /// It is the only reason of the event.
    pub is_only: bool,
}

/// What holds of the Buy Box from the view of its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ownership {
    Mine,
    NotMine,
    /// The test names others.
    Unsaid,
}

impl Observed<'_> {
    /// The sentence about it; `None`: its test compares a number.
    pub(super) fn sentence(&self, writer: &Writer<'_>) -> Option<String> {
        match &self.reason.test {
            Condition::State(state) => Some(self.state(writer, state)),
            Condition::Seller(seller) => Some(self.seller(writer, seller)),
            Condition::Offer(NewOffer { .. }) => Some(self.offer(writer)),
            Condition::Content(ContentChanged { .. }) => Some(self.content(writer)),
            _ => None,
        }
    }

    /// The sentence that tells it as past, with the variables `from` and `to`; `None`: there is none of its own.
    pub(super) fn past(&self, writer: &Writer<'_>, range: &[super::catalogue::Arg<'_>; 2]) -> Option<String> {
        let text = |key| Some(writer.text(key, range));
        match &self.reason.test {
            Condition::State(state) if state.of == StateOf::Availability => match self.availability(state)? {
                Availability::InStock => text("past-in-stock"),
                Availability::LowStock => text("past-low-stock"),
                Availability::OutOfStock => text("past-out-of-stock"),
                Availability::Preorder => text("past-preorder"),
                _ => None,
            },
            Condition::State(state) if state.of == StateOf::Coupon && self.holds(state) => match self.words() {
                Some(words) => {
                    let [from, to] = range.clone();
                    Some(writer.text("past-coupon-text", &[from, to, ("text", words.into())]))
                }
                None => text("past-coupon"),
            },
            Condition::Seller(test) => match (self.ownership(test), self.words()) {
                (Ownership::Mine, _) => text("past-buy-box-held"),
                (Ownership::NotMine, Some(seller)) => {
                    let [from, to] = range.clone();
                    Some(writer.text("past-buy-box-not-held", &[from, to, ("seller", seller.into())]))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// What the crawl read: a seller, a coupon.
    fn words(&self) -> Option<String> {
        let words = self.reason.text.as_deref()?;
        clean_some(Some(words)).map(|words| shorten(&words, super::writer::MAX_NAME_CHARS))
    }

    /// True when the state itself holds, whatever the test asks for.
    fn holds(&self, state: &StateIs) -> bool {
        (state.is == StateValue::Flag(true)) == self.is_positive
    }

    fn state(&self, writer: &Writer<'_>, state: &StateIs) -> String {
        let what = match (state.of, self.holds(state)) {
            (StateOf::Availability, _) => self.available(writer, state),
            (StateOf::Coupon, true) => match self.words() {
                Some(words) => writer.text("coupon-offered-text", &[("text", words.into())]),
                None => writer.plain("coupon-offered"),
            },
            (StateOf::Coupon, false) => writer.plain("coupon-gone"),
            (StateOf::Delisted, true) => writer.plain("delisted"),
            (StateOf::Delisted, false) => writer.plain("relisted"),
            (StateOf::Suppressed, true) => writer.plain("suppressed"),
            (StateOf::Suppressed, false) => writer.plain("unsuppressed"),
            (StateOf::TrackingFailing, true) => writer.plain("tracking-failing"),
            (StateOf::TrackingFailing, false) => writer.plain("tracking-recovered"),
        };
        writer.with_detail(what, lasting(writer, state.lasts))
    }

    /// The availability that was read; in old events the one that was asked for.
    fn availability(&self, state: &StateIs) -> Option<Availability> {
        let words = self.reason.text.as_deref().unwrap_or_default();
        let read = Availability::ALL.iter().copied().find(|availability| availability.as_str() == words);
        read.filter(|read| *read != Availability::Unknown).or(match state.is {
            StateValue::Availability(group) if self.is_positive => Some(match group {
                AvailabilityIs::InStock => Availability::InStock,
                AvailabilityIs::LowStock => Availability::LowStock,
                AvailabilityIs::OutOfStock => Availability::OutOfStock,
                AvailabilityIs::Unavailable => Availability::Unavailable,
                AvailabilityIs::Preorder => Availability::Preorder,
            }),
            _ => None,
        })
    }

    fn available(&self, writer: &Writer<'_>, state: &StateIs) -> String {
        let was_words = self.reason.was_text.as_deref().unwrap_or_default();
        let was_out = Availability::ALL.iter().any(|was| was.is_out() && was.as_str() == was_words);
        writer.plain(match self.availability(state) {
            Some(Availability::InStock) if self.is_return || was_out => "available-back",
            Some(Availability::InStock) => "available-in-stock",
            Some(Availability::LowStock) => "available-low-stock",
            Some(Availability::OutOfStock) => "available-out-of-stock",
            Some(Availability::Preorder) => "available-preorder",
            Some(Availability::Unavailable) => "available-unavailable",
            Some(Availability::NoFeaturedOffer) => "available-no-featured-offer",
            Some(Availability::Undeliverable) => "available-undeliverable",
            Some(Availability::Unknown) | None => "condition-met",
        })
    }

    fn ownership(&self, test: &SellerIs) -> Ownership {
        let is_me = |names: &[String]| names.len() == 1 && names[0] == "me";
        // A new seller who is not me took the place of me or of another one.
        if test.new && !is_me(&test.is) {
            return Ownership::Unsaid;
        }
        match (is_me(&test.is), is_me(&test.not), self.is_positive) {
            (true, _, true) => Ownership::Mine,
            (true, _, false) if test.not.is_empty() => Ownership::NotMine,
            (false, true, true) if test.is.is_empty() => Ownership::NotMine,
            _ => Ownership::Unsaid,
        }
    }

    fn seller(&self, writer: &Writer<'_>, test: &SellerIs) -> String {
        let was = self.reason.was_text.as_deref().filter(|was| Some(*was) != self.reason.text.as_deref());
        let was = clean_some(was).map(|was| writer.name(&was));
        // A change is certain when the seller before was another one, or when the rule had been told and ended.
        let is_change = self.is_only && (self.is_return || was.is_some());
        let ownership = self.ownership(test);
        let before = |was: String| writer.text("before", &[("before", was.into())]);
        let key = match (ownership, is_change) {
            (Ownership::Mine, true) => return writer.with_detail(writer.plain("buy-box-won"), was.map(before)),
            (Ownership::Mine, false) => return writer.plain("buy-box-held"),
            (Ownership::NotMine, true) => "buy-box-lost",
            (Ownership::NotMine, false) => "buy-box-not-held",
            (Ownership::Unsaid, _) if test.new => "buy-box-new",
            (Ownership::Unsaid, _) => "buy-box-is",
        };
        let Some(seller) = self.words() else { return writer.plain("buy-box-empty") };
        let what = writer.text(key, &[("seller", seller.into())]);
        let was = was.filter(|_| ownership == Ownership::Unsaid);
        writer.with_detail(what, was.map(before))
    }

    fn offer(&self, writer: &Writer<'_>) -> String {
        match self.words() {
            Some(sellers) => writer.text("new-offer", &[("sellers", sellers.into())]),
            None => writer.plain("new-offer-unnamed"),
        }
    }

    fn content(&self, writer: &Writer<'_>) -> String {
        if self.reason.fields.is_empty() {
            return writer.plain("content-changed-unnamed");
        }
        let names = self.reason.fields.iter().map(|field| writer.plain(content_key(*field)));
        writer.text("content-changed", &[("fields", writer.list(names).into())])
    }
}

/// "for at least 3 hours".
fn lasting(writer: &Writer<'_>, lasts: Option<Lasts>) -> Option<String> {
    let Some(Lasts::Secs(secs)) = lasts else { return None };
    let (key, count) = match secs {
        0..60 => return None,
        60..7_200 => ("lasts-minutes", secs / 60),
        7_200..172_800 => ("lasts-hours", secs / 3_600),
        _ => ("lasts-days", secs / 86_400),
    };
    Some(writer.text(key, &[("count", count.into())]))
}

fn content_key(field: ContentField) -> &'static str {
    match field {
        ContentField::Title => "content-title",
        ContentField::Brand => "content-brand",
        ContentField::Bullets => "content-bullets",
        ContentField::ImageIds => "content-image-ids",
        ContentField::Description => "content-description",
        ContentField::CategoryPath => "content-category-path",
        ContentField::HasAPlus => "content-has-a-plus",
        ContentField::HasVideo => "content-has-video",
        ContentField::ParentAsin => "content-parent-asin",
        ContentField::VariationCount => "content-variation-count",
    }
}
