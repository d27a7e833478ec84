//! Widths of text in the font of the charts, and which letters that font has.

/// What stands for the rest of a text that is too long.
const ELLIPSIS: char = '…';

/// Widths of the letters from the space to the tilde, in thousandths of the font size.
const WIDTHS: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636,
    636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863,
    748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635,
    615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636,
    337, 636, 838,
];

/// True when the embedded font has every letter of the text, so that the PNG shows it. Latin, Greek and Cyrillic
/// letters and currency signs are there; Arabic, Chinese, Japanese and emoji are not: use another title, as the ASIN,
/// for them.
pub fn is_drawable(text: &str) -> bool {
    text.chars().all(has_glyph)
}

/// The letters of `font/DejaVuSans-subset.ttf`.
fn has_glyph(letter: char) -> bool {
    matches!(letter,
        ' '..='~' | '\u{a0}'..='\u{17f}' | '\u{218}'..='\u{21b}'
        // Greek and Cyrillic.
        | '\u{386}'..='\u{38a}' | '\u{38c}' | '\u{38e}'..='\u{3a1}' | '\u{3a3}'..='\u{3ce}'
        | '\u{401}'..='\u{45f}' | '\u{490}'..='\u{491}'
        // Punctuation, currency signs, arrows.
        | '\u{2010}'..='\u{2015}' | '\u{2018}'..='\u{201e}' | '\u{2020}'..='\u{2022}' | '\u{2026}'
        | '\u{202f}'..='\u{2030}' | '\u{2039}'..='\u{203a}'
        | '\u{20a0}'..='\u{20b5}' | '\u{20b8}'..='\u{20ba}' | '\u{20bd}'
        | '\u{2122}' | '\u{2190}'..='\u{2193}' | '\u{2212}')
}

/// About the width of a text of `size` pixels, in tenths of a pixel: exact for ASCII, generous for the rest.
pub(super) fn text_width(text: &str, size: i32) -> i32 {
    let sum = text.chars().fold(0, |sum: i32, letter| sum.saturating_add(i32::from(letter_width(letter))));
    sum.saturating_mul(size) / 100
}

fn letter_width(letter: char) -> u16 {
    match letter {
        ' '..='~' => WIDTHS[letter as usize - ' ' as usize],
        '\u{a0}' | '·' => 318,
        '€' | '£' | '¥' | '₹' => 636,
        _ if letter as u32 <= 0x2ff => 700,
        _ => 1_000,
    }
}

/// The text, shortened with an ellipsis if it is wider than `width` tenths of a pixel.
pub(super) fn shortened(text: &str, size: i32, width: i32) -> String {
    // Longer texts than this never fit; their width need not be measured.
    let start: String = text.chars().take(1_000).collect();
    if start.len() == text.len() && text_width(text, size) <= width {
        return start;
    }
    let room = width - text_width(&ELLIPSIS.to_string(), size);
    let mut used = 0;
    let fits = |letter: &char| {
        used += i32::from(letter_width(*letter)) * size;
        used / 100 <= room
    };
    let kept: String = start.chars().take_while(fits).collect();
    format!("{}{ELLIPSIS}", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shortened_to_the_width() {
        let text = "Wireless headphones with active noise cancelling";
        assert_eq!(shortened(text, 14, 10_000), text);
        let short = shortened(text, 14, 1_500);
        assert!(short.ends_with('…') && text.starts_with(short.trim_end_matches('…')), "{short}");
        assert!(text_width(&short, 14) <= 1_500);
        assert_eq!(shortened(&"x".repeat(1_000_000), 14, 5).chars().count(), 1);
    }

    #[test]
    fn letters_that_the_font_lacks_are_known() {
        assert!(is_drawable("Słuchawki Ö 349,99 zł €£¥₹₺ – Наушники ↓"));
        assert!(!is_drawable("ヘッドホン") && !is_drawable("سماعات") && !is_drawable("🎧") && !is_drawable("￥"));
    }
}
