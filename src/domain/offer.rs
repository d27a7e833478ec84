//! Offers: who sells a listing, at which price, and who ships it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::marketplace::Marketplace;
use super::money::Money;
use super::reading::Reading;

/// Amazon's id of a seller ("merchant id"): `ATVPDKIKX0DER`. Unlike the name, it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SellerId(String);

/// The text is not the id of a seller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a seller id: `A` and 9 to 20 letters and digits")]
pub struct SellerIdError(String);

/// Amazon's own ids, as the pages of its marketplaces name them.
const AMAZON: &[(Marketplace, &str)] = &[
    (Marketplace::Us, "ATVPDKIKX0DER"),
    (Marketplace::Ca, "A3DWYIK6Y9EEQB"),
    (Marketplace::Br, "A1ZZFT5FULY4LN"),
    (Marketplace::Uk, "A3P5ROKL5A1OLE"),
    (Marketplace::De, "A3JWKAKR8XB7XF"),
    (Marketplace::Fr, "A1X6FK5RDHNB96"),
    (Marketplace::Es, "A1AT7YVPFBWXBL"),
    (Marketplace::It, "A11IL2PNWYJU7H"),
    (Marketplace::Jp, "AN1VRQENFRJN5"),
    (Marketplace::Sa, "A2XPWB6MYN7ZDK"),
];

impl SellerId {
    /// Amazon's own id on a marketplace; `None` where it is not known to this version.
    pub fn of_amazon(marketplace: Marketplace) -> Option<Self> {
        AMAZON.iter().find(|(known, _)| *known == marketplace).map(|(_, id)| Self((*id).to_owned()))
    }

    /// The id in the link to a seller's page: `/gp/aag/main?seller=A1TJP2EKS10VL4`.
    pub fn in_link(href: &str) -> Option<Self> {
        let after =
            ["seller=", "merchantID=", "smid="].iter().find_map(|key| href.split_once(key).map(|(_, id)| id))?;
        let end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
        after[..end].parse().ok()
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SellerId {
    type Err = SellerIdError;

    fn from_str(text: &str) -> Result<Self, SellerIdError> {
        let is_valid = text.starts_with('A')
            && (10..=21).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if is_valid { Ok(Self(text.to_owned())) } else { Err(SellerIdError(text.to_owned())) }
    }
}

impl TryFrom<String> for SellerId {
    type Error = SellerIdError;

    fn try_from(text: String) -> Result<Self, SellerIdError> {
        text.parse()
    }
}

impl From<SellerId> for String {
    fn from(id: SellerId) -> Self {
        id.0
    }
}

impl fmt::Display for SellerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// True for the names under which Amazon itself sells: "Amazon.de", "Amazon", "Amazon Digital Services LLC". Amazon's second-hand
/// branches (Resale, formerly Warehouse) are other sellers.
pub fn is_amazon(seller: &str) -> bool {
    let lower = seller.trim().to_lowercase();
    let Some(rest) = lower.strip_prefix("amazon") else { return false };
    let is_site = rest.strip_prefix('.').is_some_and(|site| site.parse::<Marketplace>().is_ok());
    rest.is_empty()
        || is_site
        || [" digital services", " export sales", " eu s", " media eu", " seller services", " global store"]
            .iter()
            .any(|own| rest.starts_with(own))
}

/// The condition of what is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OfferCondition {
    /// New.
    New,
    /// Used, in any grade.
    Used,
    /// Renewed or refurbished.
    Refurbished,
    /// A collector's item.
    Collectible,
    /// Not stated, or in words that are not known.
    #[default]
    Unknown,
}

impl OfferCondition {
    /// The name used in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Who ships an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fulfillment {
    /// Amazon: its own offers, and those that are Fulfilled by Amazon (FBA).
    Amazon,
    /// The seller (FBM).
    Merchant,
    /// Not stated.
    #[default]
    Unknown,
}

/// One seller's offer of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The seller's name, as displayed.
    pub seller: Option<String>,
    /// Amazon's id of the seller.
    pub seller_id: Option<SellerId>,
    /// The condition.
    pub condition: OfferCondition,
    /// The condition with its grade, as displayed: "Used - Like New".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition_text: Option<String>,
    /// The price without shipping.
    pub price: Money,
    /// Shipping; `Absent`: it costs nothing.
    pub shipping: Reading<Money>,
    /// Who ships it.
    pub fulfilled_by: Fulfillment,
    /// It carries the Prime badge.
    pub is_prime: bool,
    /// It is the featured offer (Buy Box).
    pub is_featured: bool,
}

impl Offer {
    /// The price with shipping; `None` while the shipping is not known.
    pub fn landed_minor(&self) -> Option<i64> {
        match &self.shipping {
            Reading::Unknown => None,
            Reading::Absent => Some(self.price.amount_minor),
            Reading::Is(shipping) => self.price.amount_minor.checked_add(shipping.amount_minor),
        }
    }
}

/// The offers of a listing, as a source listed them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OfferList {
    /// The offers, in the order of the list.
    pub offers: Vec<Offer>,
    /// True when the list was read to its end, and every offer of it.
    pub is_complete: bool,
}

impl OfferList {
    /// Offers of one listing that are kept. Amazon lists ten on a page.
    pub const MAX_OFFERS: usize = 100;

    /// How many offers are of this condition; `None` when the list is not complete.
    pub fn count(&self, condition: OfferCondition) -> Option<u32> {
        let count = self.offers.iter().filter(|offer| offer.condition == condition).count();
        self.is_complete.then(|| u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// The lowest price with shipping of a new offer that is shipped so (`None`: by anyone). Lists begin with the lowest prices, so
    /// an incomplete one is good enough. Unknown when an offer whose shipping, condition or shipper is not known may be the lowest.
    pub fn lowest_new_minor(&self, fulfilled_by: Option<Fulfillment>) -> Reading<i64> {
        let is_asked = |offer: &Offer| {
            offer.condition == OfferCondition::New && fulfilled_by.is_none_or(|wanted| offer.fulfilled_by == wanted)
        };
        let may_be_asked = |offer: &Offer| {
            matches!(offer.condition, OfferCondition::New | OfferCondition::Unknown)
                && fulfilled_by.is_none_or(|wanted| [wanted, Fulfillment::Unknown].contains(&offer.fulfilled_by))
        };
        let lowest = self.offers.iter().filter(|offer| is_asked(offer)).filter_map(Offer::landed_minor).min();
        let least = |offer: &Offer| offer.landed_minor().unwrap_or(offer.price.amount_minor);
        let is_lower = |offer: &Offer| lowest.is_none_or(|lowest| least(offer) < lowest);
        let is_certain = |offer: &Offer| is_asked(offer) && offer.landed_minor().is_some();
        let is_doubtful = self.offers.iter().any(|offer| may_be_asked(offer) && !is_certain(offer) && is_lower(offer));
        match lowest {
            _ if is_doubtful => Reading::Unknown,
            Some(lowest) => Reading::Is(lowest),
            None if !self.is_complete => Reading::Unknown,
            None => Reading::Absent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    fn offer(price_minor: i64, shipping_minor: Option<i64>, fulfilled_by: Fulfillment) -> Offer {
        let money = |minor| Money::new(minor, Currency::Usd);
        Offer {
            seller: None,
            seller_id: None,
            condition: OfferCondition::New,
            condition_text: None,
            price: money(price_minor),
            shipping: match shipping_minor {
                Some(0) => Reading::Absent,
                Some(minor) => Reading::Is(money(minor)),
                None => Reading::Unknown,
            },
            fulfilled_by,
            is_prime: false,
            is_featured: false,
        }
    }

    #[test]
    fn the_lowest_price_counts_the_shipping() {
        let offers = vec![
            offer(1000, Some(500), Fulfillment::Merchant),
            offer(1200, Some(0), Fulfillment::Amazon),
            Offer { condition: OfferCondition::Used, ..offer(100, Some(0), Fulfillment::Amazon) },
        ];
        let list = OfferList { offers, is_complete: true };
        assert_eq!(list.lowest_new_minor(None), Reading::Is(1200));
        assert_eq!(list.lowest_new_minor(Some(Fulfillment::Merchant)), Reading::Is(1500));
        assert_eq!((list.count(OfferCondition::New), list.count(OfferCondition::Used)), (Some(2), Some(1)));
    }

    #[test]
    fn an_offer_with_unknown_shipping_hides_the_lowest_price_only_if_it_may_be_lower() {
        let cheap = OfferList {
            offers: vec![offer(1000, None, Fulfillment::Merchant), offer(1200, Some(0), Fulfillment::Amazon)],
            is_complete: true,
        };
        assert_eq!(cheap.lowest_new_minor(None), Reading::Unknown);
        assert_eq!(cheap.lowest_new_minor(Some(Fulfillment::Amazon)), Reading::Is(1200));
        let dear =
            OfferList { offers: vec![offer(1300, None, Fulfillment::Merchant), cheap.offers[1].clone()], ..cheap };
        assert_eq!(dear.lowest_new_minor(None), Reading::Is(1200));
    }

    #[test]
    fn an_offer_that_may_be_meant_hides_the_lowest_price_only_if_it_may_be_lower() {
        let certain = offer(1000, Some(0), Fulfillment::Amazon);
        for (doubtful, expected) in [
            (
                Offer { condition: OfferCondition::Unknown, ..offer(900, Some(0), Fulfillment::Amazon) },
                Reading::Unknown,
            ),
            (
                Offer { condition: OfferCondition::Unknown, ..offer(900, Some(500), Fulfillment::Amazon) },
                Reading::Is(1000),
            ),
            (offer(900, Some(0), Fulfillment::Unknown), Reading::Unknown),
            (offer(1100, Some(0), Fulfillment::Unknown), Reading::Is(1000)),
        ] {
            let list = OfferList { offers: vec![certain.clone(), doubtful.clone()], is_complete: true };
            assert_eq!(list.lowest_new_minor(Some(Fulfillment::Amazon)), expected, "{doubtful:?}");
        }
    }

    #[test]
    fn none_is_told_only_of_a_complete_list() {
        let some = |is_complete| OfferList { offers: vec![offer(1000, Some(0), Fulfillment::Amazon)], is_complete };
        assert_eq!(some(true).lowest_new_minor(Some(Fulfillment::Merchant)), Reading::Absent);
        assert_eq!(some(false).lowest_new_minor(Some(Fulfillment::Merchant)), Reading::Unknown);
        assert_eq!(some(false).count(OfferCondition::New), None);
    }

    #[test]
    fn a_seller_is_named_by_the_links_to_its_page() {
        for link in [
            "/gp/aag/main/ref=olp_merch_name_1?ie=UTF8&amp;asin=B07L6P7J2M&amp;isAmazonFulfilled=1&amp;seller=A1WNZAYT9WQDYM",
            "/gp/help/seller/at-a-glance.html?seller=A1WNZAYT9WQDYM&sshmPath=",
            "/sp?ie=UTF8&seller=A1WNZAYT9WQDYM",
        ] {
            assert_eq!(SellerId::in_link(link).map(String::from).as_deref(), Some("A1WNZAYT9WQDYM"), "{link}");
        }
        assert_eq!(SellerId::in_link("/gp/aag/main?seller=%3Cscript%3E"), None);
    }

    #[test]
    fn amazon_is_told_from_sellers_that_bear_its_name() {
        for name in ["Amazon", "Amazon.com", "amazon.co.uk", "Amazon.com.br", "Amazon Digital Services LLC"] {
            assert!(is_amazon(name), "{name}");
        }
        for name in ["Amazon Resale", "Amazon Warehouse", "Amazonas GmbH", "Amazon.evil", "AmazonBasics Reseller", ""] {
            assert!(!is_amazon(name), "{name}");
        }
    }
}
