//! The meaning of ids and classes in Amazon's page layouts since 2013.
//!
//! One element handler looks up every id here, and classes only where an open region requires it. A new layout needs a
//! new line in a table, not new code.

mod tables;

use std::sync::LazyLock;

pub(super) use tables::{
    BASIS_PRICES, BOOK_PRICE, FACEOUT, FORMAT, FORMAT_SELECTED, LINE_BREAKS, RANK_CLASSES, ROW_ACTIVE, SEARCH_RESULT,
    TAGS,
};
use tables::{CENTRE_ROW_PREFIXES, CLASSES, ID_PREFIXES, IDS, ITEM_CLASS_PIECES, ROW};

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::extract) enum Part {
    /// A container: it only gives its content a position.
    Region,
    /// Text that a browser does not display; it is dropped.
    Hidden,
    /// `<title>` of the document.
    DocumentTitle,
    /// The product's title.
    Title,
    /// "Visit the … Store", "by … (Author)".
    Byline,
    /// The availability line.
    Availability,
    /// The box that replaces the Buy Box of an unavailable product.
    OutOfStock,
    /// "Sold by … and fulfilled by …".
    Merchant,
    /// The seller's name without other text.
    Seller,
    /// An attribute with the seller's id.
    SellerId,
    /// Label of a row of the tabular Buy Box.
    CellLabel,
    /// Value of a row of the tabular Buy Box.
    CellText,
    /// An `.a-price` element with its parts.
    Price,
    /// The complete price for screen readers, inside a price.
    PriceOffscreen,
    /// The part before the decimal separator.
    PriceWhole,
    /// The part after the decimal separator.
    PriceFraction,
    /// A price written as plain text.
    PlainPrice,
    /// A struck-through price written as plain text.
    StruckPrice,
    /// A coupon's text.
    Coupon,
    /// A rating in stars.
    Rating,
    /// Number of ratings.
    ReviewCount,
    /// One row of the product details.
    DetailRow,
    /// One feature bullet.
    Bullet,
    /// The description.
    Description,
    /// One category of the path above the product.
    PathCategory,
    /// "See All Buying Options" and similar.
    BuyingOptions,
    /// Position in a bestseller list, printed beside an item.
    ItemPosition,
    /// An item of a search or bestseller page.
    Item,
    /// Title of an item.
    ItemTitle,
    /// Text of a script about the product's variations.
    Script,
    /// Text of the script that builds the gallery.
    GalleryScript,
}

/// The regions around an element, as a set of flags.
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
    /// The product's own rating.
    pub(in crate::extract) const STARS: Self = Self(1 << 8);
    /// Container of the main image.
    pub(in crate::extract) const IMAGE: Self = Self(1 << 9);
    /// Rows of the Buy Box that name the seller.
    pub(in crate::extract) const SELLER: Self = Self(1 << 10);
    /// Header of the Buy Box for books, where `#price` is a price.
    pub(in crate::extract) const BOOK_HEADER: Self = Self(1 << 11);
    /// An item of a search or bestseller page.
    pub(in crate::extract) const ITEM: Self = Self(1 << 12);
    /// Data about variations.
    pub(in crate::extract) const TWISTER: Self = Self(1 << 13);
    /// A region in which plain coloured text can be a price (`.a-color-price`, `.offer-price`).
    pub(in crate::extract) const PLAIN: Self = Self(1 << 14);
    /// The total under the Buy Box: price times quantity.
    pub(in crate::extract) const TOTAL: Self = Self(1 << 15);
    /// A box with a message that the product cannot be bought now.
    pub(in crate::extract) const OUT_OF_STOCK: Self = Self(1 << 16);
    /// A price per unit, not of the product.
    pub(in crate::extract) const PER_UNIT: Self = Self(1 << 17);
    /// A range of prices.
    pub(in crate::extract) const RANGE: Self = Self(1 << 18);
    /// A row of the Buy Box accordion: one of several ways to buy.
    pub(in crate::extract) const ROW: Self = Self(1 << 19);
    /// A reference price: list price, previous price, typical price.
    pub(in crate::extract) const STRUCK: Self = Self(1 << 20);
    /// The switch between the formats of a book. Always with [`Self::ELSEWHERE`]: only the selected Kindle format counts.
    pub(in crate::extract) const FORMATS: Self = Self(1 << 21);
    /// The selected format of the switch.
    pub(in crate::extract) const SELECTED: Self = Self(1 << 22);
    /// The thumbnails of the images.
    pub(in crate::extract) const GALLERY: Self = Self(1 << 23);
    /// The thumbnail of a video.
    pub(in crate::extract) const VIDEO: Self = Self(1 << 24);
    /// The path of categories above the product.
    pub(in crate::extract) const BREADCRUMBS: Self = Self(1 << 25);
    /// The description.
    pub(in crate::extract) const DESCRIPTION: Self = Self(1 << 26);
    /// A table in which Amazon compares the product with others. Always with [`Self::ELSEWHERE`]: only its links count.
    pub(in crate::extract) const COMPARISON: Self = Self(1 << 27);
    /// Data of the gallery.
    pub(in crate::extract) const GALLERY_DATA: Self = Self(1 << 28);
    /// All regions that contain prices and their labels.
    pub(in crate::extract) const PRICED: Self = Self::PRICES
        .union(Self::BUY_BOX)
        .union(Self::CENTRE)
        .union(Self::USED)
        .union(Self::SUBSCRIBE)
        .union(Self::TOTAL)
        .union(Self::PLAIN)
        .union(Self::BOOK_HEADER)
        .union(Self::SELECTED);

    /// The union of both sets.
    pub(in crate::extract) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True when both sets have a flag in common.
    pub(in crate::extract) const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The meaning of an id or a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::extract) struct Meaning {
    /// What the element is.
    pub(in crate::extract) part: Part,
    /// Flags that are set inside the element.
    pub(in crate::extract) enters: Within,
}

/// A hash table with a fixed set of words as keys. The hash is made of length, first and last byte, which is cheap and
/// has few collisions for ids and classes.
pub(in crate::extract) struct LookupTable<T>(Vec<Vec<(&'static str, T)>>);

impl<T: Copy> LookupTable<T> {
    const BUCKETS: usize = 1024;

    /// A table of the given words.
    pub(in crate::extract) fn new(words: impl IntoIterator<Item = (&'static str, T)>) -> Self {
        let mut buckets = vec![Vec::new(); Self::BUCKETS];
        for (word, meaning) in words {
            buckets[Self::bucket(word.as_bytes())].push((word, meaning));
        }
        Self(buckets)
    }

    /// The table's static copy of the word, and its value.
    pub(in crate::extract) fn get(&self, word: &[u8]) -> Option<(&'static str, T)> {
        self.0[Self::bucket(word)].iter().find(|(known, _)| known.as_bytes() == word).copied()
    }

    fn bucket(word: &[u8]) -> usize {
        let (first, last) = (word.first().copied().unwrap_or(0), word.last().copied().unwrap_or(0));
        (word.len() + 37 * usize::from(first) + 101 * usize::from(last)) % Self::BUCKETS
    }
}

static BY_ID: LazyLock<LookupTable<Meaning>> =
    LazyLock::new(|| LookupTable::new(IDS.iter().flat_map(|(mark, ids)| ids.iter().map(move |id| (*id, *mark)))));

static BY_CLASS: LazyLock<LookupTable<(Within, Meaning)>> =
    LazyLock::new(|| LookupTable::new(CLASSES.iter().map(|(class, within, mark)| (*class, (*within, *mark)))));

/// The meaning of an id, with the table's static copy of it.
pub(in crate::extract) fn by_id(id: &[u8]) -> Option<(&'static str, Meaning)> {
    let by_prefix = || ID_PREFIXES.iter().find(|(prefix, _)| id.starts_with(prefix.as_bytes())).copied();
    let by_suffix = || row_name(id).map(|_| (tables::ROW_SUFFIX, ROW));
    BY_ID.get(id).or_else(|| BY_ID.get(without_number(id)?)).or_else(by_prefix).or_else(by_suffix)
}

/// The row of the Buy Box accordion that an element belongs to: its name and number. `newAccordionRow_1`, or
/// `apex_desktop_newAccordionRow_1` for the part in the centre column.
pub(in crate::extract) fn row_name(id: &[u8]) -> Option<(&str, u32)> {
    let digits = id.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (stem, number) = id.split_at(id.len() - digits);
    let stem = stem.strip_suffix(b"_").unwrap_or(stem);
    let is_row = stem.strip_suffix(b"Middle").unwrap_or(stem).ends_with(tables::ROW_SUFFIX.as_bytes());
    // Nearly all ids end here.
    if !is_row {
        return None;
    }
    let (stem, number) = (std::str::from_utf8(stem).ok()?, std::str::from_utf8(number).ok()?);
    let name = CENTRE_ROW_PREFIXES.iter().find_map(|prefix| stem.strip_prefix(prefix)).unwrap_or(stem);
    Some((name, number.parse().unwrap_or(0)))
}

/// True for the id of the part of a row that is in the centre column.
pub(in crate::extract) fn is_in_centre(id: &str) -> bool {
    CENTRE_ROW_PREFIXES.iter().any(|prefix| id.starts_with(prefix))
}

/// `couponText` of `couponText_12`.
fn without_number(id: &[u8]) -> Option<&[u8]> {
    let digits = id.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let stem = &id[..id.len() - digits];
    let marks = stem.iter().rev().take_while(|byte| matches!(byte, b'_' | b'-')).count();
    let stem = &stem[..stem.len() - marks];
    (stem.len() < id.len()).then_some(stem)
}

/// The meaning of an element's classes inside these regions: that of the first known class, unless a class hides the
/// element.
pub(in crate::extract) fn by_classes(classes: &[u8], within: Within) -> Option<(&'static str, Meaning)> {
    let mut found: Option<(&'static str, Meaning)> = None;
    for class in classes.split(u8::is_ascii_whitespace) {
        match by_class(class, within) {
            Some((name, mark)) if mark.part == Part::Hidden => return Some((name, mark)),
            meaning => found = found.or(meaning),
        }
    }
    found
}

fn by_class(class: &[u8], within: Within) -> Option<(&'static str, Meaning)> {
    if class.first() == Some(&b'_') && within.intersects(Within::ITEM) {
        let contains = |piece: &str| memchr::memmem::find(class, piece.as_bytes()).is_some();
        return ITEM_CLASS_PIECES.iter().find(|(piece, _)| contains(piece)).copied();
    }
    let (name, (only_within, mark)) = BY_CLASS.get(class)?;
    (only_within == Within::NOWHERE || within.intersects(only_within)).then_some((name, mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_and_class_is_unique() {
        let ids: Vec<&str> = IDS.iter().flat_map(|(_, ids)| *ids).copied().collect();
        let classes: Vec<&str> = CLASSES.iter().map(|(class, ..)| *class).collect();
        for words in [ids, classes] {
            let distinct: std::collections::HashSet<&str> = words.iter().copied().collect();
            assert_eq!(distinct.len(), words.len());
        }
    }

    #[test]
    fn a_numbered_id_has_the_meaning_of_its_stem() {
        assert_eq!(by_id(b"couponText_12").map(|(_, mark)| mark.part), Some(Part::Coupon));
        assert_eq!(by_id(b"snsAccordionRowMiddle_1").map(|(_, mark)| mark.enters), Some(Within::SUBSCRIBE));
        assert_eq!(by_id(b"nothingOfOurs_1"), None);
    }

    #[test]
    fn the_parts_of_a_row_have_its_name_and_number() {
        assert_eq!(row_name(b"newAccordionRow_1"), Some(("newAccordionRow", 1)));
        assert_eq!(row_name(b"apex_desktop_newAccordionRow"), Some(("newAccordionRow", 0)));
        assert_eq!(row_name(b"snsAccordionRowMiddle"), Some(("snsAccordionRowMiddle", 0)));
        assert_eq!(row_name(b"almAccordionRow"), Some(("almAccordionRow", 0)));
        assert_eq!(row_name(b"accordionRows"), None);
        assert_eq!(by_id(b"almAccordionRow").map(|(_, mark)| mark.enters), Some(Within::ROW));
    }
}
