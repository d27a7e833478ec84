//! The table of Amazon's layouts since 2013: which id or class means what.
//!
//! One element handler looks every id up here, and classes only where an open region asks for them. A new layout is a
//! new line in a table, not new code.

mod tables;

use std::sync::LazyLock;

pub(super) use tables::{BOOK_PRICE, FACEOUT, LINE_BREAKS, ROW_FAMILIES, SEARCH_RESULT, TAGS};
use tables::{CLASSES, ID_PREFIXES, IDS, ITEM_CLASS_PIECES};

/// What the text of an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::extract) enum Part {
    /// Nothing by itself: it only tells where the elements inside it are.
    Region,
    /// Text that no shopper sees; it is dropped.
    Hidden,
    /// `<title>` of the document.
    DocumentTitle,
    /// The product's title.
    Title,
    /// "Visit the … Store", "by … (Author)".
    Byline,
    /// The availability line.
    Availability,
    /// The box that replaces the buy box of an unavailable product.
    OutOfStock,
    /// "Sold by … and fulfilled by …".
    Merchant,
    /// The seller's name alone.
    Seller,
    /// Label of a row of the tabular buy box.
    CellLabel,
    /// Value of a row of the tabular buy box.
    CellText,
    /// An `.a-price` with its pieces.
    Price,
    /// The whole price inside a price, written for screen readers.
    PriceOffscreen,
    /// The part before the decimal sign.
    PriceWhole,
    /// The part behind it.
    PriceFraction,
    /// A price written as plain text.
    PlainPrice,
    /// A struck-through price written as plain text.
    StruckPrice,
    /// A coupon's text.
    Coupon,
    /// Stars.
    Rating,
    /// Number of ratings.
    ReviewCount,
    /// One row of the product details.
    DetailRow,
    /// One feature bullet.
    Bullet,
    /// "See All Buying Options" and its like.
    BuyingOptions,
    /// Place in a bestseller list, printed beside an item.
    ItemPosition,
    /// An item of a search or bestseller page.
    Item,
    /// Title of an item.
    ItemTitle,
    /// Text of a script about the product's variations.
    Script,
}

/// Where an element stands: a set of [`Within`] flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::extract) struct Within(u32);

impl Within {
    pub(in crate::extract) const NOWHERE: Self = Self(0);
    /// The box with the cart button.
    pub(in crate::extract) const BUY_BOX: Self = Self(1);
    /// The price block in the middle of the page.
    pub(in crate::extract) const CENTRE: Self = Self(1 << 1);
    /// A block whose prices belong to the featured offer.
    pub(in crate::extract) const PRICES: Self = Self(1 << 2);
    /// A used or refurbished-by-others offer.
    pub(in crate::extract) const USED: Self = Self(1 << 3);
    /// Subscribe & Save.
    pub(in crate::extract) const SUBSCRIBE: Self = Self(1 << 4);
    /// Other sellers, related items, protection plans, rentals, other formats: never this offer.
    pub(in crate::extract) const ELSEWHERE: Self = Self(1 << 5);
    /// Product details.
    pub(in crate::extract) const DETAILS: Self = Self(1 << 6);
    /// Feature bullets.
    pub(in crate::extract) const BULLETS: Self = Self(1 << 7);
    /// The product's own stars.
    pub(in crate::extract) const STARS: Self = Self(1 << 8);
    /// Place of the main image.
    pub(in crate::extract) const IMAGE: Self = Self(1 << 9);
    /// Rows of the buy box that name the seller.
    pub(in crate::extract) const SELLER: Self = Self(1 << 10);
    /// Header of the book buy box, whose `#price` is a price.
    pub(in crate::extract) const BOOK_HEADER: Self = Self(1 << 11);
    /// An item of a search or bestseller page.
    pub(in crate::extract) const ITEM: Self = Self(1 << 12);
    /// Data about variations.
    pub(in crate::extract) const TWISTER: Self = Self(1 << 13);
    /// Plain coloured prices count here (`.a-color-price`, `.offer-price`).
    pub(in crate::extract) const PLAIN: Self = Self(1 << 14);
    /// The total under the buy box: price times quantity.
    pub(in crate::extract) const TOTAL: Self = Self(1 << 15);
    /// A box that says that the product cannot be bought now.
    pub(in crate::extract) const OUT_OF_STOCK: Self = Self(1 << 16);
    /// A price for a unit, not for the product.
    pub(in crate::extract) const PER_UNIT: Self = Self(1 << 17);
    /// A range of prices.
    pub(in crate::extract) const RANGE: Self = Self(1 << 18);
    /// Where prices stand, and before them what they are the price of.
    pub(in crate::extract) const PRICED: Self = Self::PRICES
        .and(Self::BUY_BOX)
        .and(Self::CENTRE)
        .and(Self::USED)
        .and(Self::SUBSCRIBE)
        .and(Self::TOTAL)
        .and(Self::PLAIN)
        .and(Self::BOOK_HEADER);

    /// Both sets.
    pub(in crate::extract) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True when any flag of `other` is set.
    pub(in crate::extract) const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What an id or a class means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::extract) struct Mark {
    /// The part the element is.
    pub(in crate::extract) part: Part,
    /// Flags that hold inside it.
    pub(in crate::extract) enters: Within,
}

/// Words and their meanings. A look-up compares the few words that share length, first and last letter.
pub(in crate::extract) struct Lexicon<T>(Vec<Vec<(&'static str, T)>>);

impl<T: Copy> Lexicon<T> {
    const SHELVES: usize = 1024;

    /// A lexicon of the given words.
    pub(in crate::extract) fn new(words: impl IntoIterator<Item = (&'static str, T)>) -> Self {
        let mut shelves = vec![Vec::new(); Self::SHELVES];
        for (word, meaning) in words {
            shelves[Self::shelf(word.as_bytes())].push((word, meaning));
        }
        Self(shelves)
    }

    /// The lexicon's own spelling of the word, and its meaning.
    pub(in crate::extract) fn get(&self, word: &[u8]) -> Option<(&'static str, T)> {
        self.0[Self::shelf(word)].iter().find(|(known, _)| known.as_bytes() == word).copied()
    }

    fn shelf(word: &[u8]) -> usize {
        let (first, last) = (word.first().copied().unwrap_or(0), word.last().copied().unwrap_or(0));
        (word.len() + 37 * usize::from(first) + 101 * usize::from(last)) % Self::SHELVES
    }
}

static BY_ID: LazyLock<Lexicon<Mark>> =
    LazyLock::new(|| Lexicon::new(IDS.iter().flat_map(|(mark, ids)| ids.iter().map(move |id| (*id, *mark)))));

static BY_CLASS: LazyLock<Lexicon<(Within, Mark)>> =
    LazyLock::new(|| Lexicon::new(CLASSES.iter().map(|(class, within, mark)| (*class, (*within, *mark)))));

/// What the id means, with the table's own spelling of it.
pub(in crate::extract) fn by_id(id: &[u8]) -> Option<(&'static str, Mark)> {
    let by_prefix = || ID_PREFIXES.iter().find(|(prefix, _)| id.starts_with(prefix.as_bytes())).copied();
    BY_ID.get(id).or_else(|| BY_ID.get(without_number(id)?)).or_else(by_prefix)
}

/// `couponText` of `couponText_12`.
fn without_number(id: &[u8]) -> Option<&[u8]> {
    let digits = id.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let stem = &id[..id.len() - digits];
    let marks = stem.iter().rev().take_while(|byte| matches!(byte, b'_' | b'-')).count();
    let stem = &stem[..stem.len() - marks];
    (stem.len() < id.len()).then_some(stem)
}

/// What an element's classes mean where it stands: the first that means something, unless another one hides it.
pub(in crate::extract) fn by_classes(classes: &[u8], within: Within) -> Option<(&'static str, Mark)> {
    let mut found: Option<(&'static str, Mark)> = None;
    for class in classes.split(u8::is_ascii_whitespace) {
        match by_class(class, within) {
            Some((name, mark)) if mark.part == Part::Hidden => return Some((name, mark)),
            meaning => found = found.or(meaning),
        }
    }
    found
}

fn by_class(class: &[u8], within: Within) -> Option<(&'static str, Mark)> {
    if class.first() == Some(&b'_') && within.any(Within::ITEM) {
        let contains = |piece: &str| memchr::memmem::find(class, piece.as_bytes()).is_some();
        return ITEM_CLASS_PIECES.iter().find(|(piece, _)| contains(piece)).copied();
    }
    let (name, (only_within, mark)) = BY_CLASS.get(class)?;
    (only_within == Within::NOWHERE || within.any(only_within)).then_some((name, mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_and_no_class_stands_twice() {
        let ids: Vec<&str> = IDS.iter().flat_map(|(_, ids)| *ids).copied().collect();
        let classes: Vec<&str> = CLASSES.iter().map(|(class, ..)| *class).collect();
        for words in [ids, classes] {
            let distinct: std::collections::HashSet<&str> = words.iter().copied().collect();
            assert_eq!(distinct.len(), words.len());
        }
    }

    #[test]
    fn a_numbered_block_means_what_its_stem_means() {
        assert_eq!(by_id(b"couponText_12").map(|(_, mark)| mark.part), Some(Part::Coupon));
        assert_eq!(by_id(b"snsAccordionRowMiddle_1").map(|(_, mark)| mark.enters), Some(Within::SUBSCRIBE));
        assert_eq!(by_id(b"nothingOfOurs_1"), None);
    }
}
