//! What a condition can see of one crawl.

use jiff::Timestamp;

use super::competitor_readings::Competitors;
use super::condition::{AvailabilityIs, StateOf, StateValue};
use super::coupon::discount_minor;
use super::field::Field;
use super::windows::Windows;
use crate::domain::availability::Availability;
use crate::domain::content::ContentField;
use crate::domain::marketplace::Marketplace;
use crate::domain::offer::{OfferList, SellerId, is_amazon};
use crate::domain::series::{Series, SeriesKey};
use crate::domain::state::ListingState;

/// After so many failed crawls in a row, a listing cannot be tracked.
const FAILING_AFTER: u16 = 3;

/// What one crawl read. Values that it did not read, or that are held, are unknown.
#[derive(Debug, Clone, Copy)]
pub struct Readings<'a> {
    /// When it was made.
    pub at: Timestamp,
    /// The marketplace of the listing.
    pub marketplace: Marketplace,
    /// The accepted state before it.
    pub before: &'a ListingState,
    /// The accepted state after it.
    pub after: &'a ListingState,
    /// What it found.
    pub found: Found<'a>,
    /// Parts of history up to it, without it.
    pub windows: &'a Windows,
    /// The competitors of the sets that rules name.
    pub competitors: &'a Competitors,
}

/// What a crawl found.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// A page.
    Page {
        /// The offer is held for confirmation, or its price was not read.
        is_offer_unknown: bool,
        /// The parts of the content that differ from the version before; `None`: there was none before, or it was not read.
        content: Option<&'a [ContentField]>,
        /// The offer list, if it was read.
        offers: Option<&'a OfferList>,
    },
    /// What history has until then. It does not say which values a page stated, so all that are known count as stated.
    Recorded,
    /// There is no such page.
    NotFound,
    /// Nothing: the crawl failed.
    Nothing,
}

/// A seller, by name and id as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SellerRead<'a> {
    /// As displayed.
    pub name: Option<&'a str>,
    /// Amazon's id.
    pub id: Option<&'a str>,
}

impl SellerRead<'_> {
    /// The id, or else the name.
    pub fn key(&self) -> String {
        self.id.or(self.name).unwrap_or_default().to_owned()
    }

    /// True when the seller is named by this text: `me`, `amazon`, an id or a name.
    pub fn is_named(&self, text: &str, me: &[SellerId], marketplace: Marketplace) -> bool {
        let has_id = |id: &str| self.id == Some(id);
        match text {
            "me" => me.iter().any(|own| has_id(own.as_str())),
            "amazon" => {
                SellerId::of_amazon(marketplace).is_some_and(|id| has_id(id.as_str()))
                    || self.name.is_some_and(is_amazon)
            }
            text => has_id(text) || self.name.is_some_and(|name| name.to_lowercase() == text.to_lowercase()),
        }
    }
}

/// A value that is known (perhaps to be absent), or not.
pub(super) type Known<T> = Option<Option<T>>;

impl<'a> Readings<'a> {
    /// The number of a field in this crawl.
    pub(super) fn number(&self, field: Field, category: Option<&str>, less_coupon: bool) -> Known<i64> {
        let number = |series| self.known_number(series, category);
        match field {
            Field::Landed => Some(
                number(Series::Price)?.zip(number(Series::Shipping)?).map(|(price, more)| price.saturating_add(more)),
            ),
            Field::DiscountPercent => Some(
                number(Series::Price)?.zip(number(Series::ListPrice)?).and_then(|(price, list)| discount(price, list)),
            ),
            Field::Rank if category.is_none() => {
                self.is_read(Series::SalesRank).then(|| self.after.best_rank().map(i64::from))
            }
            Field::Price | Field::ListPrice | Field::LowestNewPrice | Field::Rank => number(field.series()?),
            Field::Rating | Field::ReviewCount | Field::OfferCount => number(field.series()?),
        }
        .and_then(|value| if less_coupon { self.less_coupon(value) } else { Some(value) })
    }

    /// The number of a field before this crawl, as it was accepted last.
    pub(super) fn number_before(&self, field: Field, category: Option<&str>) -> Option<i64> {
        let number = |series| self.before.number_in(&key(series, category));
        match field {
            Field::Landed => {
                number(Series::Price).zip(number(Series::Shipping)).map(|(price, more)| price.saturating_add(more))
            }
            Field::DiscountPercent => {
                number(Series::Price).zip(number(Series::ListPrice)).and_then(|(price, list)| discount(price, list))
            }
            Field::Rank if category.is_none() => self.before.best_rank().map(i64::from),
            _ => number(field.series()?),
        }
    }

    /// True or false: the state has this value; `None`: not known.
    pub(super) fn state(&self, of: StateOf, is: StateValue) -> Option<bool> {
        let flag = |value: bool| is == StateValue::Flag(value);
        match (of, self.found) {
            (StateOf::Delisted, Found::NotFound) => Some(flag(true)),
            (StateOf::TrackingFailing, Found::Nothing) => {
                (self.after.consecutive_failures >= FAILING_AFTER).then(|| flag(true))
            }
            (StateOf::Delisted | StateOf::TrackingFailing, Found::Page { .. } | Found::Recorded)
            | (StateOf::TrackingFailing, Found::NotFound) => Some(flag(false)),
            (_, Found::NotFound | Found::Nothing) => None,
            (StateOf::Coupon, _) => {
                let has_coupon = self.is_read(Series::Coupon).then(|| self.after.text(Series::Coupon).is_some());
                has_coupon.map(flag)
            }
            (StateOf::Suppressed, _) => self.availability().map(|it| flag(it == Availability::NoFeaturedOffer)),
            (StateOf::Availability, _) => match is {
                StateValue::Availability(group) => self.availability().map(|it| is_in(it, group)),
                StateValue::Flag(_) => None,
            },
        }
    }

    /// The seller of the featured offer.
    pub(super) fn seller(&self) -> Known<SellerRead<'a>> {
        if !self.is_read(Series::Seller) && !self.is_read(Series::SellerId) {
            return None;
        }
        let text = |series| self.after.text(series).filter(|_| self.is_read(series));
        let seller = SellerRead { name: text(Series::Seller), id: text(Series::SellerId) };
        Some((seller.name.is_some() || seller.id.is_some()).then_some(seller))
    }

    /// The name of the seller before this crawl.
    pub(super) fn seller_before(&self) -> Option<&'a str> {
        self.before.text(Series::Seller).or(self.before.text(Series::SellerId))
    }

    /// The state in one word, for messages.
    pub(super) fn state_text(&self, of: StateOf) -> String {
        match of {
            StateOf::Coupon => self.after.text(Series::Coupon).unwrap_or_default().to_owned(),
            StateOf::Availability | StateOf::Suppressed => <&str>::from(self.after.availability()).to_owned(),
            StateOf::Delisted | StateOf::TrackingFailing => <&str>::from(of).to_owned(),
        }
    }

    /// The availability before this crawl; of no other state is it known.
    pub(super) fn state_before(&self, of: StateOf) -> Option<&'static str> {
        let before = self.before.availability();
        (of == StateOf::Availability && before != Availability::Unknown).then(|| before.into())
    }

    fn availability(&self) -> Option<Availability> {
        self.is_read(Series::Availability).then(|| self.after.availability()).filter(|it| *it != Availability::Unknown)
    }

    fn known_number(&self, series: Series, category: Option<&str>) -> Known<i64> {
        self.is_read(series).then(|| self.after.number_in(&key(series, category)))
    }

    /// The series was read by this crawl. Of the parts of an offer that is held, nothing is taken.
    fn is_read(&self, series: Series) -> bool {
        match self.found {
            Found::NotFound | Found::Nothing => false,
            Found::Page { is_offer_unknown: true, .. } if series.is_of_featured_offer() => false,
            Found::Page { offers, .. } if series == Series::LowestNewPrice => offers.is_some(),
            Found::Page { .. } | Found::Recorded => self.after.is_stated(series),
        }
    }

    /// `None`: there is a coupon, and what it is worth is not known.
    fn less_coupon(&self, price: Option<i64>) -> Known<i64> {
        if !self.is_read(Series::Coupon) && self.after.text(Series::Coupon).is_some() {
            return None;
        }
        match (price, self.after.text(Series::Coupon)) {
            (Some(price), Some(coupon)) => {
                let discount = discount_minor(coupon, price, self.marketplace)?;
                Some(Some((price - discount).max(0)))
            }
            _ => Some(price),
        }
    }
}

fn key(series: Series, category: Option<&str>) -> SeriesKey {
    SeriesKey { series, category: category.unwrap_or_default().to_owned() }
}

/// How far a price is below the list price, in hundredths of a percent.
fn discount(price: i64, list_price: i64) -> Option<i64> {
    let off = i128::from(list_price) - i128::from(price);
    (list_price > 0).then(|| i64::try_from((off * 10_000).div_euclid(i128::from(list_price))).unwrap_or(i64::MIN))
}

fn is_in(availability: Availability, group: AvailabilityIs) -> bool {
    use Availability::{InStock, LowStock, NoFeaturedOffer, OutOfStock, Preorder, Unavailable};
    match group {
        AvailabilityIs::InStock => matches!(availability, InStock | LowStock),
        AvailabilityIs::LowStock => availability == LowStock,
        AvailabilityIs::OutOfStock => matches!(availability, OutOfStock | Unavailable | NoFeaturedOffer),
        AvailabilityIs::Unavailable => availability == Unavailable,
        AvailabilityIs::Preorder => availability == Preorder,
    }
}
