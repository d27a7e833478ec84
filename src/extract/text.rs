//! Text of a page as a browser displays it: entities decoded, white space collapsed.

use std::borrow::Cow;

use serde_json::Value;

use crate::domain::Asin;

/// Decodes character references.
pub(super) fn decode(raw: &str) -> Cow<'_, str> {
    htmlize::unescape(raw)
}

/// The text as one displayed line: entities decoded, direction marks removed, white space collapsed.
pub(super) fn line(raw: &str) -> String {
    let mut line = String::with_capacity(raw.len().min(512));
    for c in decode(raw).chars() {
        match c {
            // Joiners (U+200C, U+200D) stay: they are part of the spelling, and of emoji.
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {}
            c if c.is_whitespace() || c.is_control() => {
                if !line.is_empty() && !line.ends_with(' ') {
                    line.push(' ');
                }
            }
            c => line.push(c),
        }
    }
    if line.ends_with(' ') {
        line.pop();
    }
    line
}

/// Lower case without changing byte offsets: a letter whose lower case has another length ("İ") stays unchanged.
pub(super) fn lower_in_place(text: &str) -> String {
    let lower = |c: char| {
        let mut small = c.to_lowercase();
        match (small.next(), small.next()) {
            (Some(one), None) if one.len_utf8() == c.len_utf8() => one,
            _ => c,
        }
    };
    text.chars().map(lower).collect()
}

/// Converts Arabic, Persian and full-width digits, and Arabic separators, to ASCII.
pub(super) fn western_digit(c: char) -> char {
    let digit = |zero: u32| char::from(b'0' + (c as u32 - zero) as u8);
    match c {
        '\u{660}'..='\u{669}' => digit(0x660),
        '\u{6f0}'..='\u{6f9}' => digit(0x6f0),
        '\u{ff10}'..='\u{ff19}' => digit(0xff10),
        '٫' => '.',
        '٬' | '،' => ',',
        other => other,
    }
}

/// Marks a visible line break in captured text; line breaks of the HTML source are only white space. U+0002 is not a
/// legal HTML character, so no page contains it.
pub(super) const LINE_BREAK: &str = "\u{2}";

/// The non-empty lines of a captured text.
pub(super) fn lines(raw: &str) -> impl Iterator<Item = String> + '_ {
    raw.split(LINE_BREAK).map(line).filter(|line| !line.is_empty())
}

/// At most the last `bytes` bytes of a text, cut at a character boundary.
pub(super) fn tail(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// Appends the fragment up to `cap` bytes in total. A truncated text is padded to the cap with spaces, so that the
/// result does not depend on how the text was split into fragments.
pub(super) fn push_capped(text: &mut String, fragment: &str, cap: usize) {
    let room = cap.saturating_sub(text.len());
    if fragment.len() <= room {
        text.push_str(fragment);
        return;
    }
    let end = (0..=room).rev().find(|end| fragment.is_char_boundary(*end)).unwrap_or(0);
    text.push_str(&fragment[..end]);
    text.extend(std::iter::repeat_n(' ', room - end));
}

/// Sets the value unless a non-blank one is set already.
pub(super) fn set_if_blank(slot: &mut String, value: &str) {
    if line(slot).is_empty() {
        value.clone_into(slot);
    }
}

/// The ASIN in the path of a product link: `/dp/ASIN`, `/gp/product/ASIN`, `/gp/aw/d/ASIN`.
pub(super) fn asin_of_link(href: &str) -> Option<&str> {
    const MARKS: &[&str] =
        &["/dp/product/", "/dp/", "/gp/product/", "/gp/aw/d/", "/gp/aw/cr/", "/product-reviews/", "/ASIN/", "%2Fdp%2F"];
    let start = MARKS.iter().find_map(|mark| href.find(mark).map(|at| at + mark.len()))?;
    let asin = href.get(start..start + 10)?;
    let ends = !href[start + 10..].starts_with(|c: char| c.is_ascii_alphanumeric());
    (ends && asin.parse::<Asin>().is_ok()).then_some(asin)
}

/// The URL of the largest image of a responsive set: `{"https://…":[width,height],…}`; some layouts quote one of the numbers.
pub(super) fn largest_image(json: &str) -> Option<String> {
    let sizes: std::collections::BTreeMap<String, [Value; 2]> = serde_json::from_str(json).ok()?;
    let pixels = |side: &Value| side.as_u64().or_else(|| side.as_str()?.parse().ok()).unwrap_or(0);
    let area = |[width, height]: &[Value; 2]| pixels(width).saturating_mul(pixels(height));
    sizes.into_iter().max_by_key(|(_, sides)| area(sides)).map(|(url, _)| url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_entities_decoded_and_white_space_collapsed() {
        assert_eq!(line("  Fish\n &amp;\u{200e} Chips&nbsp;\u{1} "), "Fish & Chips");
    }

    #[test]
    fn lower_case_keeps_byte_offsets() {
        assert_eq!(lower_in_place("İPEK Ev Ürünleri ẞ"), "İpek ev ürünleri ẞ");
    }

    #[test]
    fn the_largest_image_of_a_set_is_found_whether_its_sizes_are_quoted_or_not() {
        let set =
            r#"{"https://x/small.jpg":[40,35],"https://x/large.jpg":[500,"438"],"https://x/tall.jpg":["100",300]}"#;
        assert_eq!(largest_image(set).as_deref(), Some("https://x/large.jpg"));
        assert_eq!(largest_image("{}"), None);
    }

    #[test]
    fn an_asin_is_found_in_every_kind_of_product_link() {
        assert_eq!(asin_of_link("/Sony-WH/dp/B08PZHYWJS/ref=sr_1_1"), Some("B08PZHYWJS"));
        assert_eq!(asin_of_link("https://www.amazon.de/gp/product/193609620X?psc=1"), Some("193609620X"));
        assert_eq!(asin_of_link("/sspa/click?url=%2FSony%2Fdp%2FB08PZHYWJS%2Fref"), Some("B08PZHYWJS"));
        assert_eq!(asin_of_link("/dp/B08PZHYWJSX"), None);
        assert_eq!(asin_of_link("/help"), None);
    }
}
