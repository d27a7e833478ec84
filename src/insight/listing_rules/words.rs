//! Words of titles: which of them count as repeated, and where a brand begins and ends.

use std::collections::BTreeMap;

use regex::RegexBuilder;
use unicode_segmentation::UnicodeSegmentation;

/// Articles, prepositions and conjunctions, which may be repeated. In one list: a title may be in another language than the page.
const FUNCTION_WORDS: &[&str] = &[
    // English
    "a", "an", "the", "of", "in", "on", "at", "by", "to", "for", "from", "with", "without", "into", "onto", "over",
    "under", "up", "and", "or", "nor", "but", "as", "per", "via", "plus", "than", "is", "are", "if", "so", "yet",
    "off", "out", "between", "before", "after", "during", "through", "against", "around", "inside", "outside",
    // German
    "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "und", "oder", "aber", "mit",
    "ohne", "für", "von", "vom", "zu", "zum", "zur", "im", "am", "an", "auf", "aus", "bei", "bis", "nach", "über",
    "unter", "durch", "gegen", "als", "wie", "inkl", "je", "pro", "um", "vor", "seit", "sowie", // French
    "le", "la", "les", "l", "un", "une", "du", "de", "d", "des", "et", "ou", "mais", "avec", "sans", "pour", "par",
    "en", "dans", "sur", "sous", "au", "aux", "à", "chez", "entre", "vers", // Italian
    "il", "lo", "gli", "i", "uno", "una", "e", "o", "ed", "ma", "con", "senza", "per", "da", "dal", "dalla", "di",
    "del", "dello", "della", "dei", "delle", "degli", "nel", "nella", "al", "alla", "allo", "ai", "su", "sul", "sulla",
    "tra", "fra", // Spanish
    "el", "los", "las", "unos", "unas", "y", "u", "pero", "sin", "para", "por", "sobre", "bajo", "hasta", "desde",
    "entre", "hacia", "según", // Portuguese
    "os", "as", "um", "uma", "ou", "com", "sem", "do", "da", "dos", "das", "no", "na", "nos", "nas", "ao", "aos",
    "até", "pelo", "pela", "num", "numa", // Dutch
    "het", "een", "en", "of", "maar", "met", "zonder", "voor", "van", "uit", "op", "om", "bij", "naar", "tot", "door",
    "te", // Swedish
    "ett", "och", "eller", "men", "med", "utan", "för", "från", "till", "av", "på", "om", "vid", "som", "den", "det",
    // Polish
    "w", "we", "z", "ze", "na", "do", "od", "dla", "po", "pod", "nad", "przy", "bez", "i", "lub", "oraz", "ale", "za",
    // Turkish
    "ve", "veya", "ile", "için", "bir", "gibi", "kadar", "de", "da", // Arabic
    "من", "في", "على", "إلى", "عن", "مع", "و", "أو", "بدون", "ال",
];

/// The words that occur more often than `most`, in lower case, with their number.
pub(super) fn repeated(text: &str, most: usize) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut is_after_number = false;
    for word in text.unicode_words() {
        let starts_with_digit = word.starts_with(|c: char| c.is_numeric());
        // "10 mm", "2 Pack": the unit belongs to its number.
        let is_unit = std::mem::replace(&mut is_after_number, starts_with_digit);
        let lower = word.to_lowercase();
        let has_letters = lower.chars().filter(|c| c.is_alphabetic()).count() > 1;
        let counts_as_word = has_letters && !starts_with_digit && !is_unit && !is_unspaced(&lower);
        if counts_as_word && !FUNCTION_WORDS.contains(&lower.as_str()) {
            *counts.entry(lower).or_default() += 1;
        }
    }
    counts.into_iter().filter(|(_, count)| *count > most).collect()
}

/// True when a text has letters of a script that puts no spaces between words.
pub(super) fn is_unspaced(text: &str) -> bool {
    text.chars().any(|c| {
        matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{0e00}'..='\u{0e7f}')
    })
}

/// A text without the brand, wherever it occurs in it.
pub(super) fn outside_brand(text: &str, brand: &str) -> String {
    let brand = brand.trim();
    if brand.is_empty() {
        return text.to_owned();
    }
    let pattern = RegexBuilder::new(&regex::escape(brand)).case_insensitive(true).build();
    pattern.map_or_else(|_| text.to_owned(), |pattern| pattern.replace_all(text, " ").into_owned())
}

/// True when a text is in capital letters as a whole: several words of some length, and not one small letter.
pub(super) fn is_all_capitals(text: &str) -> bool {
    const MIN_WORDS: usize = 3;
    const MIN_LETTERS: usize = 4;
    let is_word = |word: &&str| {
        word.chars().filter(|c| c.is_uppercase()).count() >= MIN_LETTERS && !word.contains(|c: char| c.is_numeric())
    };
    !text.contains(char::is_lowercase) && text.unicode_words().filter(is_word).count() >= MIN_WORDS
}

/// The first word of a text when it begins with a small letter. Words as "iPhone" and "pH" are written so, and numbers are no letters.
pub(super) fn small_beginning(text: &str) -> Option<&str> {
    let begin = text.find(char::is_alphanumeric)?;
    let word = text[begin..].unicode_words().next()?;
    let is_small = word.chars().all(|c| !c.is_uppercase()) && word.starts_with(char::is_lowercase);
    is_small.then_some(word)
}
