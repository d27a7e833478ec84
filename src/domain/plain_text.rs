//! Texts of others (titles, sellers, coupons, names) are made one plain line before people or programs read them.

use unicode_normalization::char::is_combining_mark;

/// A text on one line: no line breaks, control characters, direction controls or invisible characters; single spaces.
pub fn clean(text: &str) -> String {
    let visible: String =
        text.chars().filter(|c| !is_invisible(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The cleaned text, unless nothing is left of it.
pub fn clean_some(text: Option<&str>) -> Option<String> {
    text.map(clean).filter(|text| !text.is_empty())
}

/// At most `max_chars` characters of a cleaned text, cut between words if one ends near, with an ellipsis in place of
/// the rest.
pub fn shorten(text: &str, max_chars: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= max_chars {
        return text.to_owned();
    }
    let room = max_chars.saturating_sub(1);
    let space = (room - room / 4..=room).rev().find(|at| chars[*at] == ' ');
    let mut end = space.unwrap_or(room);
    while space.is_none() && end > 0 && joins(chars[end - 1], chars[end]) {
        end -= 1;
    }
    let cut: String = chars[..end].iter().collect();
    format!("{}…", cut.trim_end_matches([' ', ',', ';', ':', '-', '–', '|', '/', '(', '[']))
}

/// Two characters are parts of one sign: a letter and its accent, a sequence of emoji.
fn joins(before: char, after: char) -> bool {
    const JOINER: char = '\u{200d}';
    let extends = |c| is_combining_mark(c) || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    let is_flag = |c| matches!(c, '\u{1f1e6}'..='\u{1f1ff}');
    before == JOINER || after == JOINER || extends(after) || is_flag(before) && is_flag(after)
}

/// Characters that change the direction of what follows, or that nobody sees. The joiners U+200C and U+200D stay:
/// scripts and emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn line_breaks_become_spaces_and_direction_controls_disappear() {
        assert_eq!(clean(" Kettle\r\n1.7\u{a0}l\t\u{202e}steel\u{2028}\u{0}x "), "Kettle 1.7 l steel x");
        assert_eq!(clean("\u{feff}\u{200b}\n"), "");
        assert_eq!(clean_some(Some("\u{200e}")), None);
        assert_eq!(clean("👨\u{200d}👩\u{200d}👧 قهوة"), "👨\u{200d}👩\u{200d}👧 قهوة");
    }

    #[test]
    fn a_long_text_is_cut_between_words_and_never_within_a_sign() {
        assert_eq!(shorten("Kettle, 1.7 l, steel", 20), "Kettle, 1.7 l, steel");
        assert_eq!(shorten("Kettle, 1.7 l, steel", 16), "Kettle, 1.7 l…");
        assert_eq!(shorten(&"x".repeat(50), 10), format!("{}…", "x".repeat(9)));
        assert_eq!(shorten("abcdefg👨\u{200d}👩\u{200d}👧xyzxyz", 10), "abcdefg…");
        assert_eq!(shorten("abcdefghe\u{301}xyz", 10), "abcdefgh…");
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_line_within_its_limit(text in any::<String>(), max_chars in 1usize..100) {
            let line = clean(&text);
            prop_assert!(!line.chars().any(|c| c.is_control() || is_invisible(c)));
            prop_assert_eq!(&clean(&line), &line);
            prop_assert!(shorten(&line, max_chars).chars().count() <= max_chars);
        }
    }
}
