//! History: typed series of change-only points. A value holds until the next point of its series.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

macro_rules! series {
    ($($(#[$doc:meta])* $name:ident $number:literal $word:literal;)*) => {
        /// What history records about a listing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Series { $($(#[$doc])* $name,)* }

        impl Series {
            /// Every series.
            pub const ALL: &[Series] = &[$(Series::$name,)*];

            /// The series of values: all but [`Series::Unobserved`], the last one.
            pub const VALUES: &[Series] = match Self::ALL.split_last() {
                Some((_, values)) => values,
                None => &[],
            };

            /// The number stored for the series; numbers are never reused.
            pub fn number(self) -> i16 {
                match self { $(Series::$name => $number,)* }
            }

            /// The name used in the API.
            pub fn as_str(self) -> &'static str {
                match self { $(Series::$name => $word,)* }
            }
        }
    };
}

series! {
    /// Price of the featured new offer, in minor units.
    Price 1 "price";
    /// Shipping of the featured offer, in minor units.
    Shipping 2 "shipping";
    /// Struck-through list price, in minor units.
    ListPrice 3 "list_price";
    /// Seller of the featured offer (Buy Box), by name.
    Seller 4 "seller";
    /// Number of new offers.
    OfferCount 5 "offer_count";
    /// Rank in one category's bestseller list; one series per category.
    SalesRank 6 "sales_rank";
    /// Average rating in hundredths of a star.
    Rating 7 "rating";
    /// Number of ratings.
    ReviewCount 8 "review_count";
    /// The number of an [`Availability`](super::Availability).
    Availability 9 "availability";
    /// Coupon text.
    Coupon 10 "coupon";
    /// Number of used offers. Of offer lists, as the next three.
    UsedOfferCount 12 "used_offer_count";
    /// Lowest price of a new offer with its shipping, in minor units.
    LowestNewPrice 13 "lowest_new_price";
    /// Lowest price of a new offer that Amazon ships (Fulfilled by Amazon), with its shipping, in minor units.
    LowestFbaPrice 14 "lowest_fba_price";
    /// Lowest price of a new offer that its seller ships, with its shipping, in minor units.
    LowestMerchantPrice 15 "lowest_merchant_price";
    /// Seller of the featured offer (Buy Box), by Amazon's id of the seller.
    SellerId 16 "seller_id";
    /// The end of a time without a successful crawl; the number is its beginning, in milliseconds since 1970. No value of another
    /// series is known in between.
    Unobserved 11 "unobserved";
}

impl Series {
    /// The series for a stored number.
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.iter().copied().find(|series| series.number() == number)
    }

    /// True when its values are text, not numbers.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Seller | Self::SellerId | Self::Coupon)
    }

    /// True when its values are minor units of the marketplace's currency.
    pub fn is_money(self) -> bool {
        matches!(
            self,
            Self::Price
                | Self::Shipping
                | Self::ListPrice
                | Self::LowestNewPrice
                | Self::LowestFbaPrice
                | Self::LowestMerchantPrice
        )
    }

    /// True when its values come from offer lists.
    pub(super) fn is_of_offer_list(self) -> bool {
        matches!(self, Self::UsedOfferCount | Self::LowestNewPrice | Self::LowestFbaPrice | Self::LowestMerchantPrice)
    }

    /// True for what makes up the featured offer: the changes by which the interval of an adaptive product is chosen. Ranks and
    /// counts move nearly always.
    pub fn is_of_featured_offer(self) -> bool {
        matches!(
            self,
            Self::Price
                | Self::Shipping
                | Self::ListPrice
                | Self::Seller
                | Self::SellerId
                | Self::Availability
                | Self::Coupon
        )
    }

    /// True for the series that were added after the first eleven. Versions without them cannot read a state that names one in the
    /// list of values.
    pub(super) fn is_later(self) -> bool {
        self.number() > Self::Unobserved.number()
    }
}

/// The text is not the name of a series; the message lists the valid names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown series `{0}`; valid series: {words}", words = Series::VALUES.iter().map(|series| series.as_str()).collect::<Vec<_>>().join(", "))]
pub struct SeriesError(String);

impl std::str::FromStr for Series {
    type Err = SeriesError;

    fn from_str(text: &str) -> Result<Self, SeriesError> {
        let found = Self::VALUES.iter().find(|series| series.as_str() == text);
        found.copied().ok_or_else(|| SeriesError(text.to_owned()))
    }
}

/// One series of one listing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The kind of series.
    pub series: Series,
    /// Category of a sales rank; empty for every other series.
    pub category: String,
}

impl From<Series> for SeriesKey {
    fn from(series: Series) -> Self {
        Self { series, category: String::new() }
    }
}

/// The value of a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PointValue {
    /// Minor units, a rank, a count, hundredths of stars or an availability.
    Number(i64),
    /// A name or another text.
    Text(String),
}

impl PointValue {
    /// The number, if it is one.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }
}

/// One change of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The series.
    pub key: SeriesKey,
    /// When the value began to hold.
    pub at: Timestamp,
    /// The value; `None`: known to be absent.
    pub value: Option<PointValue>,
}
